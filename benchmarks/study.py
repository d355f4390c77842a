"""Time and memory of a whole study, step by step, and of writing its folder.

    python benchmarks/study.py --out benchmarks/results/study.md [--size inspe …] [--jobs 2] [--no-notebooks]

Each study runs in a process of its own, as `crcne study --jobs` does. Seconds are those of the clock, and beside them
those of the processor, which other work on the machine moves less; memory is the peak of the process and of all that it
started, ratings and interpreter included. Sizes that are not asked keep what the page says of them.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joblib import parallel_config

import crcne_stats as cs
from crcne_stats.analysis.study import FUNCTIONS

SIZES: dict[str, dict[str, Any]] = {
    "inspe": {"students": 600, "inspe": 8},
    "region": {"students": 3000, "inspe": 4, "trainers": 96},
    "national": {"students": 30_000, "inspe": 32, "trainers": 900},
}
"""What is simulated: 19 criteria, two trainers a student, two sessions, 2 % of the ratings missing."""
WHOLE = "study and folder"
"""The step that the goals are about: all the analyses and the folder, without the notebooks."""
GOALS = {"inspe": "60 s", "national": "5 min and 2 GiB"}


def spent() -> float:
    """Processor seconds of this process and of those that it started."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def held(process: int) -> float:
    """MiB that a process and those that it started hold at this moment; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        tasks = Path(f"/proc/{process}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 2**20 + sum(map(held, children))


class Steps:
    """Seconds, processor seconds and peak memory (MiB) of each step, by name."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self.peaks: dict[int, float] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Look at the memory ten times a second, for whichever steps are under way."""
        while True:
            now = held(os.getpid())
            with self.lock:
                self.peaks = {key: max(peak, now) for key, peak in self.peaks.items()}
            time.sleep(0.1)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which writes down what it took."""

        @functools.wraps(function)
        def run(*given: Any, **named: Any) -> Any:
            with self.lock:
                key = len(self.found) + len(self.peaks)
                self.peaks[key] = held(os.getpid())
            clock, used = time.perf_counter(), spent()
            answer = function(*given, **named)
            seconds, cpu = time.perf_counter() - clock, spent() - used
            with self.lock:
                self.found[name] = [seconds, cpu, self.peaks.pop(key)]
            print(name, *(round(number, 1) for number in self.found[name]), file=sys.stderr, flush=True)
            return answer

        return run


def one(size: str, notebooks: bool) -> dict[str, list[float]]:
    """The steps of a study in this process: each analysis, the whole, the folder."""
    steps = Steps()
    made = steps.timed("simulate", cs.simulate)(seed=1, **SIZES[size])
    for name, function in list(FUNCTIONS.items()):
        FUNCTIONS[name] = steps.timed(name, function)
    with tempfile.TemporaryDirectory() as folder:

        def whole() -> Any:
            found = steps.timed("study", cs.study)(made.ratings, made.students, seed=1)
            steps.timed("write_study", cs.write_study)(found, Path(folder) / "study", notebooks=False)
            return found

        found = steps.timed(WHOLE, whole)()
        if notebooks:
            steps.timed("write_study, notebooks run", cs.write_study)(found, Path(folder) / "again")
    return steps.found


def table(size: str, found: dict[str, list[float]], jobs: int) -> list[str]:
    """The steps of one size as Markdown."""
    asked = SIZES[size]
    title = f"## {asked['students']:,} students, {asked['inspe']} INSPÉ"
    threads = os.environ.get("OMP_NUM_THREADS", "all processors")
    load = "/".join(f"{number:.1f}" for number in os.getloadavg())
    told = f"--jobs {jobs}, threads of linear algebra: {threads}; load of the machine at the end {load}."
    goal = f"To be met by `{WHOLE}`: {GOALS[size]}. " if size in GOALS else ""
    rows = [f"| {name} | {seconds:.1f} | {cpu:.1f} | {mib:.0f} |" for name, (seconds, cpu, mib) in found.items()]
    return [
        title, "", goal + told, "", "| step | seconds | processor seconds | peak MiB |", "|---|---:|---:|---:|", *rows,
        "",
    ]  # fmt: skip


def kept(page: Path | None) -> dict[str, list[str]]:
    """What a page that is there already says of each size."""
    if page is None or not page.exists():
        return {}
    parts = page.read_text(encoding="utf-8").split("\n## ")[1:]
    sizes = {f"{asked['students']:,} students": name for name, asked in SIZES.items()}
    return {sizes[part.split(", ")[0]]: [*f"## {part.rstrip()}".splitlines(), ""] for part in parts}


def main() -> None:
    """Measure and write a Markdown page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--size", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--jobs", type=int, default=2, help="workers, as of crcne study --jobs")
    parser.add_argument("--no-notebooks", action="store_true", help="do not time the folder with notebooks")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        with parallel_config(n_jobs=asked.jobs):
            print(json.dumps(one(asked.size[0], not asked.no_notebooks)))
        return
    lines = [
        "# Time and memory of a whole study", "",
        f"`python benchmarks/study.py`, Python {platform.python_version()}, {os.cpu_count()} processors.",
        "Seconds depend on what else the machine does; processor seconds, those of every thread and process added up,",
        "less so. `study` is the sum of the analyses above it; `write_study` writes report, tables and figures;",
        f"`{WHOLE}` is both. The notebooks, each of which computes its analysis again, are no part of it: where they",
        "were timed («notebooks run»), they have a row of their own. Memory is the peak of the step, of the process",
        "and all that it started, with ratings and interpreter.", "",
    ]  # fmt: skip
    pages = kept(asked.out)
    for size in asked.size:
        command = [
            sys.executable, __file__, "--alone", "--size", size, "--jobs", str(asked.jobs),
            *["--no-notebooks"] * asked.no_notebooks,
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        pages[size] = table(size, json.loads(done.stdout.strip().splitlines()[-1]), asked.jobs)
        print("\n".join(pages[size]), flush=True)
        text = "\n".join([*lines, *(line for name in SIZES for line in pages.get(name, []))])
        if asked.out:
            asked.out.parent.mkdir(parents=True, exist_ok=True)
            asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
