"""Ours beside pingouin, R psych, R irr and R lme4 on the same data, and the time against pingouin.

The numbers of R stand in tests/reference. Writes results/icc_peers.md.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin

from crcne_stats.analysis.icc import icc
from crcne_stats.domain.ratings import Ratings

ROOT = Path(__file__).parents[1]
FORMS = ("ICC(1)", "ICC(A,1)", "ICC(C,1)", "ICC(k)", "ICC(A,k)", "ICC(C,k)")
THEIRS = {"ICC(1)": "ICC(1,1)", "ICC(k)": "ICC(1,k)"}


def long(table: list[list[float]]) -> pd.DataFrame:
    """One row per rating, from a matrix (student, trainer)."""
    values = np.array(table, dtype=float)
    student, trainer = np.nonzero(~np.isnan(values))
    return pd.DataFrame({"student": student, "trainer": trainer, "score": values[student, trainer]})


def peer(frame: pd.DataFrame) -> pd.DataFrame:
    """pingouin's table by form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on pingouin's own calls
        return pingouin.intraclass_corr(frame, "student", "trainer", "score").set_index("Type")


def main() -> None:
    """Write the tables."""
    published = json.loads((ROOT / "tests/reference/icc.json").read_text(encoding="utf-8"))
    fits = json.loads((ROOT / "tests/reference/components.json").read_text(encoding="utf-8"))
    lines = ["# Intraclass correlations beside other packages", "", "`python benchmarks/icc_peers.py`", ""]
    lines += ["| data | form | crcne_stats | pingouin | R psych | R lme4 |", "|---|---|---|---|---|---|"]
    for name in ("shrout_fleiss_1979", "anxiety"):
        frame = long(published[name]["ratings"])
        ours = icc(Ratings.from_frame(frame, criterion=None, levels=range(11))).tables["icc"].set_index("form")
        theirs = peer(frame)
        for form in FORMS:
            row, other, r = ours.loc[form], theirs.loc[THEIRS.get(form, form)], published[name]["icc"][form]
            mine = f"{row['value']:.7f} ({row['low']:.4f} to {row['high']:.4f})"
            psych = f"{r['value']:.7f} ({r['low']:.4f} to {r['high']:.4f})"
            lines.append(f"| {name} | {form} | {mine} | {other['ICC']:.7f} | {psych} | |")
    table = published["shrout_fleiss_1979"]["ratings"]
    table[2][0] = table[1][2] = np.nan
    ours = icc(Ratings.from_frame(long(table), criterion=None, levels=range(11))).tables["icc"].set_index("form")
    v = fits["holes"]["variance"]
    lme4 = {"ICC(A,1)": v["person"] / sum(v.values()), "ICC(C,1)": v["person"] / (v["person"] + v["Residual"])}
    for form, value in lme4.items():
        row = ours.loc[form]
        mine = f"{row['value']:.7f} ({row['low']:.4f} to {row['high']:.4f})"
        lines.append(f"| the same with two holes | {form} | {mine} | drops students | drops students | {value:.7f} |")
    lines += ["", "Bounds on the data with holes are by Monte Carlo.", "", *timed()]
    target = ROOT / "benchmarks/results/icc_peers.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def timed() -> list[str]:
    """Seconds for complete tables of 3 trainers, the six forms with their intervals."""
    lines = ["| students × 3 trainers | crcne_stats, s | pingouin, s |", "|---|---|---|"]
    rng = np.random.default_rng(1)
    for n in (100, 1000, 10_000):
        latent = 2 + rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=3) + 0.7 * rng.normal(size=(n, 3))
        frame = long(np.clip(np.round(latent), 0, 4).tolist())
        ratings = Ratings.from_frame(frame, criterion=None, levels=range(5))
        start = time.process_time()
        icc(ratings, by="criterion")
        middle = time.process_time()
        peer(frame)
        lines.append(f"| {n:,} | {middle - start:.3f} | {time.process_time() - middle:.3f} |")
    return lines


if __name__ == "__main__":
    main()
