// axe-core on the report: WCAG 2.0 and 2.1, levels A and AA, at desktop and telephone width; also no sideways scroll.
const { chromium } = require("playwright-core");
const { pathToFileURL } = require("node:url");
const fs = require("node:fs");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  let faults = 0;
  for (const file of process.argv.slice(2)) {
    for (const width of [1280, 390, 360]) {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      const outside = asked.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"));
      for (const url of outside) { faults += 1; console.log(`${file} asks the network for ${url}`); }
      await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) { faults += 1; console.log(`${file} at ${width} px scrolls sideways by ${wide} px`); }
      await page.addScriptTag({ content: axe });
      const result = await page.evaluate((only) => window.axe.run({ runOnly: only }), tags);
      for (const violation of result.violations) {
        faults += 1;
        console.log(`${file} at ${width} px: ${violation.id} (${violation.impact}) ${violation.help}`);
        for (const node of violation.nodes.slice(0, 3)) console.log(`    ${node.target.join(" ")}`);
      }
      console.log(`${file} at ${width} px: ${result.passes.length} rules passed, ${result.violations.length} violated`);
      await page.close();
    }
  }
  await browser.close();
  process.exit(faults ? 1 : 0);
})();
