"""Write docs/agreement-peers.md: our agreement beside other packages' on the same data.

    python tools/agreement_peers.py

The numbers of the R packages irrCAC and irr are those kept in tests/reference (with call and version): the packages
are not needed here. krippendorff, statsmodels and pingouin are asked afresh, irrCAC for Python where it is installed
(``--irrcac PYTHON`` names an interpreter that has it).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pingouin
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

import crcne_stats as cs

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "reference"
TARGET = ROOT / "docs" / "agreement-peers.md"
DATA = {
    "cac_raw4raters": "4 raters × 12 subjects, with holes (Gwet 2014)",
    "irr_anxiety": "3 raters × 20 subjects, 6 levels (irr)",
    "irr_diagnoses": "6 raters × 30 patients, 5 diagnoses (Fleiss 1971)",
}
NAMES = ("percent", "fleiss", "conger", "gwet_ac", "brennan_prediger", "krippendorff")
WEIGHTS = ("identity", "linear", "quadratic", "ordinal")
METRICS = {"identity": "nominal", "krippendorff_ordinal": "ordinal", "quadratic": "interval", "ratio": "ratio"}
ONE_WAY = {"ICC(1,1)": "ICC(1)", "ICC(1,k)": "ICC(k)"}
"""pingouin's names of the one-way forms, and McGraw & Wong's."""
Row = tuple[str, ...]

_PORT = """
import json, sys
import pandas as pd
from irrCAC.raw import CAC
found = {}
for name, entry in json.load(sys.stdin).items():
    frame = pd.DataFrame(entry["ratings"], dtype=float)
    for weights in ("identity", "linear", "quadratic", "ordinal"):
        cac = CAC(frame, weights=weights, categories=[float(x) for x in entry["levels"]], digits=8)
        for key, call in (("fleiss", cac.fleiss), ("conger", cac.conger), ("gwet_ac", cac.gwet),
                          ("brennan_prediger", cac.bp), ("krippendorff", cac.krippendorff)):
            found[f"{name}/{key}/{weights}"] = float(call()["est"]["coefficient_value"])
print(json.dumps(found))
"""


def ratings_of(entry: dict[str, Any]) -> cs.Ratings:
    """The ratings of one reference data set."""
    table = np.array(entry["ratings"], dtype=float)
    student, trainer = np.nonzero(~np.isnan(table))
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": table[student, trainer]})
    return cs.Ratings.from_frame(frame, criterion=None, levels=entry["levels"])


def ours(ratings: cs.Ratings, weights: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Our values and linearised errors by coefficient."""
    result = cs.agreement(ratings, weights=weights, coefficients=names, resamples=0, multiverse=False)
    return result.tables["agreement"].set_index("coefficient")


def number(value: float | None) -> str:
    """Six decimals, an empty cell for what a package does not give."""
    return "" if value is None or np.isnan(value) else f"{value:.6f}"


def gap(*pairs: tuple[float, float | None]) -> str:
    """The largest difference from the others, in words of a table."""
    known = [abs(a - b) for a, b in pairs if b is not None and not np.isnan(b)]
    return f"{max(known):.0e}" if known else ""


def irrcac_rows(data: dict[str, Any], port: dict[str, float]) -> Iterator[Row]:
    """Every coefficient and weighting that irrCAC has."""
    for name, entry in data.items():
        ratings = ratings_of(entry)
        for weights in WEIGHTS:
            found = ours(ratings, weights, NAMES)
            for coefficient in NAMES:
                wanted = entry["irrCAC"][coefficient][weights]
                value, se = float(found.loc[coefficient, "value"]), float(found.loc[coefficient, "se"])
                python = port.get(f"{name}/{coefficient}/{weights}")
                yield (
                    name, coefficient, weights, number(value), number(wanted["coef"]), number(python), number(se),
                    number(wanted["se"]), gap((value, wanted["coef"]), (se, wanted["se"])),
                )  # fmt: skip


def alpha_rows(data: dict[str, Any]) -> Iterator[Row]:
    """Krippendorff's alpha under his four metrics."""
    for name, entry in data.items():
        ratings, table = ratings_of(entry), np.array(entry["ratings"], dtype=float)
        for weights, metric in METRICS.items():
            value = float(ours(ratings, weights, ("krippendorff",))["value"].iloc[0])
            levels = [float(level) for level in entry["levels"]]
            peer = float(krippendorff.alpha(table.T, level_of_measurement=metric, value_domain=levels))
            by_r = entry.get("irr_alpha", {}).get(weights)
            yield name, metric, number(value), number(peer), number(by_r), gap((value, peer), (value, by_r))


def kappa_rows(data: dict[str, Any]) -> Iterator[Row]:
    """Kappas of two raters, and Fleiss' and Light's on complete data."""
    for name, entry in data.items():
        table = np.array(entry["ratings"], dtype=float)
        first, second = table[:, 0], table[:, 1]
        both = ~(np.isnan(first) | np.isnan(second))
        pair = {**entry, "ratings": table[both][:, :2].tolist()}
        cells = pd.crosstab(
            pd.Categorical(first[both], entry["levels"]), pd.Categorical(second[both], entry["levels"]), dropna=False
        ).to_numpy()
        for weights in ("identity", "linear", "quadratic"):
            value = float(ours(ratings_of(pair), weights, ("cohen",))["value"].iloc[0])
            peer = float(cohens_kappa(cells, wt=None if weights == "identity" else weights).kappa)
            by_r = entry["pairs"][0][weights]
            yield (
                name, "cohen, raters 1 and 2", weights, number(value), number(peer), number(by_r),
                gap((value, peer), (value, by_r)),
            )  # fmt: skip
        if not np.isnan(table).any():
            found = ours(ratings_of(entry), "identity", ("fleiss", "light"))["value"]
            peer = float(fleiss_kappa(aggregate_raters(table)[0]))
            yield (
                name, "fleiss", "identity", number(found["fleiss"]), number(peer), "", gap((found["fleiss"], peer))
            )  # fmt: skip
            by_r = entry["light_complete_rows"]
            yield name, "light", "identity", number(found["light"]), "", number(by_r), gap((found["light"], by_r))


def icc_rows(data: dict[str, Any]) -> Iterator[Row]:
    """Intraclass correlations by mean squares on complete data."""
    for name, entry in data.items():
        table = np.array(entry["ratings"], dtype=float)
        if np.isnan(table).any():
            continue
        long = pd.DataFrame(table).reset_index().melt("index", var_name="rater", value_name="score")
        peer = pingouin.intraclass_corr(long, targets="index", raters="rater", ratings="score").set_index("Type")
        found = cs.icc(ratings_of(entry)).tables["icc"]
        for form in peer.index:
            own = found[found["form"] == ONE_WAY.get(str(form), str(form))]
            value, low, high = (float(own[part].iloc[0]) for part in ("value", "low", "high"))
            theirs = float(peer.loc[form, "ICC"])
            ends = [float(end) for end in peer.loc[form, "CI95" if "CI95" in peer else "CI95%"]]
            yield (
                name, str(form), number(value), number(theirs), f"{low:.2f} to {high:.2f}",
                f"{ends[0]:.2f} to {ends[1]:.2f}", gap((value, theirs)),
            )  # fmt: skip


def table(head: Row, rows: Iterator[Row]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def ported(data: dict[str, Any], interpreter: str | None) -> dict[str, float]:
    """What irrCAC for Python gives, by another interpreter."""
    if interpreter is None:
        return {}
    done = subprocess.run(
        [interpreter, "-W", "ignore", "-c", _PORT], input=json.dumps(data), capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def page(interpreter: str | None) -> str:
    """The whole page."""
    kept = json.loads((REFERENCE / "agreement_irrcac.json").read_text(encoding="utf-8"))
    data = kept["data"]
    port = ported(data, interpreter)
    made = ", ".join(f"{name} {version(name)}" for name in ("krippendorff", "statsmodels", "pingouin"))
    told = "".join(f"- `{name}`: {text}.\n" for name, text in DATA.items())
    return f"""# Agreement beside other packages

Made by `python tools/agreement_peers.py`; do not edit. The columns «R» are stored outputs: {
        kept["source"].split(",")[0]
    },
irrCAC 1.0 and irr 0.84.1, calls in `tests/reference/agreement_irrcac.json`; neither package is in Debian, so they are
not run here. Asked afresh: {made}{", irrCAC for Python (PyPI)" if port else ""}. «gap» is the largest absolute
difference between ours and the others'. An empty cell: the package does not give this number.

{told}
## Coefficients for any number of raters: irrCAC

Values and Gwet's linearised standard errors (`resamples=0`).

{
        table(
            ("data", "coefficient", "weights", "ours", "R irrCAC", "Python irrCAC", "our se", "R irrCAC se", "gap"),
            irrcac_rows(data, port),
        )
    }

## Krippendorff's alpha under his own metrics: krippendorff and R irr

Gwet's «ordinal» weights above are not Krippendorff's ordinal metric; the names keep them apart
(`ordinal`, `krippendorff_ordinal`).

{table(("data", "metric", "ours", "krippendorff", "R irr", "gap"), alpha_rows(data))}

## Kappas: statsmodels and R irr

{table(("data", "coefficient", "weights", "ours", "statsmodels", "R irr", "gap"), kappa_rows(data))}

## Intraclass correlations: pingouin

On complete data, by mean squares.

{table(("data", "form", "ours", "pingouin", "our 95 % interval", "pingouin's", "gap"), icc_rows(data))}

## Where packages differ

- R psych 2.2.9 `cohen.kappa`: the value of weighted kappa is right, its variance is not (it multiplies by a margin
  where Fleiss, Cohen & Everitt 1969 average over it); see `tests/reference/weighted_kappa.py`.
- Of R irr `kripp.alpha`, only outputs whose count of pairable values is right are kept.
- R irr drops the rows with holes before it takes kappas of several raters; here every rating is used. Light's mean is
  therefore compared on complete data only.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--irrcac", help="a Python interpreter in which irrCAC is installed")
    TARGET.write_text(page(parser.parse_args().irrcac), encoding="utf-8")


if __name__ == "__main__":
    main()
