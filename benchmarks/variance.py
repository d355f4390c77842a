"""Seconds of variance components beside lme4 and statsmodels, on the same ratings, with how far the answers differ.

Run: ``python benchmarks/variance.py``; writes ``results/variance.md``. lme4 takes part where Rscript is present.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from crcne_stats.core import variance
from crcne_stats.core.designs import Levels, design

OUT = Path(__file__).parent / "results" / "variance.md"
NAMES = ["student", "trainer", "criterion"]
_R = """
suppressMessages(library(lme4)); d <- read.csv("{file}"); for (n in setdiff(names(d), "score")) d[[n]] <- factor(d[[n]])
t <- system.time(m <- lmer({formula}, d, REML = TRUE, control = lmerControl(calc.derivs = FALSE)))[["elapsed"]]
v <- as.data.frame(VarCorr(m)); cat(t, paste(v$grp, v$vcov, sep = "="), sep = "\\n")
"""


def crossed(students: int, trainers: int, each: int, criteria: int, seed: int = 1) -> pd.DataFrame:
    """Ratings of each student by ``each`` trainers drawn among all, on all criteria."""
    rng = np.random.default_rng(seed)
    student = np.repeat(np.arange(students), each)
    trainer = (rng.integers(0, trainers, students)[:, None] + rng.permuted(
        np.tile(np.arange(1, trainers), (students, 1)), axis=1)[:, :each]).ravel() % trainers  # fmt: skip
    s, t, c = rng.normal(0, 0.8, students), rng.normal(0, 0.4, trainers), rng.normal(0, 0.3, criteria)
    st = rng.normal(0, 0.4, len(student))
    n = len(student) * criteria
    frame = pd.DataFrame({"student": np.repeat(student, criteria), "trainer": np.repeat(trainer, criteria),
                          "criterion": np.tile(np.arange(criteria), len(student))})  # fmt: skip
    y = s[frame["student"]] + t[frame["trainer"]] + c[frame["criterion"]] + np.repeat(st, criteria) * (criteria > 1)
    return frame.assign(score=y + rng.normal(0, 0.7, n))


def kit(frame: pd.DataFrame, text: str, reml: bool) -> tuple[float, dict[str, float]]:
    """Seconds and components by the kit."""
    plan = design(text)
    codes = {name: frame[name].to_numpy() for name in plan.facets}
    y = frame["score"].to_numpy()
    start = time.perf_counter()
    study = variance.study(plan, Levels(codes))
    values = variance.by_reml(study, y).variance if reml else variance.by_squares(study, y)
    return time.perf_counter() - start, dict(zip(study.keys, values.tolist(), strict=True))


def lme4(frame: pd.DataFrame, formula: str, names: dict[str, str]) -> tuple[float, dict[str, float]] | None:
    """Seconds and components by lme4, its own time for reading left out."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "d.csv"
        frame.to_csv(file, index=False)
        run = ["Rscript", "--vanilla", "-e", _R.format(file=file, formula=formula)]
        seconds, *rows = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), {names[name]: float(value) for name, value in (row.split("=") for row in rows)}


def statsmodels(frame: pd.DataFrame) -> tuple[float, dict[str, float]]:
    """Seconds and components by statsmodels, whose crossed effects are those of one group with all the ratings."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formula = {"student": "0 + C(student)", "trainer": "0 + C(trainer)"}
        model = MixedLM.from_formula("score ~ 1", frame, groups=np.ones(len(frame)), re_formula="0", vc_formula=formula)
        found = model.fit(reml=True)
    names = sorted(formula)
    values = dict(zip(names, np.asarray(found.vcomp).tolist(), strict=True))
    return time.perf_counter() - start, {**values, "residual": float(found.scale)}


def row(what: str, n: int, who: str, answer: tuple[float, dict[str, float]], base: dict[str, float]) -> str:
    """A line of the table; ``base`` is what differences are from."""
    seconds, values = answer
    apart = max(abs(values[name] - base[name]) for name in base) / sum(base.values())
    return f"| {what} | {n:,} | {who} | {seconds:.2f} | {apart:.1e} |"


def compared(what: str, frame: pd.DataFrame, text: str, formula: str, names: dict[str, str],
             more: dict[str, Callable[[pd.DataFrame], tuple[float, dict[str, float]]]]) -> list[str]:  # fmt: skip
    """The kit's REML and its peers on the same ratings."""
    own, peer = kit(frame, text, True), lme4(frame, formula, names)
    base = own[1] if peer is None else peer[1]
    lines = [row(what, len(frame), "kit, REML", own, base)]
    lines += [] if peer is None else [row(what, len(frame), "lme4", peer, base)]
    return lines + [row(what, len(frame), who, function(frame), base) for who, function in more.items()]


def main() -> None:
    """Every problem, and the table."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    lines = [
        "# Variance components beside lme4 and statsmodels", "",
        f"`python benchmarks/variance.py`, Python {platform.python_version()}, one thread, load of the machine {load}.",
        "Difference: the largest of any component from lme4's, over the total variance.", "",
        "| problem | ratings | by | seconds | difference |", "|---|---:|---|---:|---:|",
    ]  # fmt: skip
    national = crossed(30_000, 900, 2, 19)
    own = kit(national, "student * trainer * criterion", False)
    lines.append(row("30,000 students × 2 of 900 trainers × 19 criteria", len(national), "kit, squares", own, own[1]))
    print(lines[-1], flush=True)
    two = {"student": "student", "trainer": "trainer", "Residual": "residual"}
    both = "score ~ 1 + (1 | student) + (1 | trainer)"
    lines += compared("3,000 × 1,100 levels, crossed", crossed(3000, 1100, 25, 1), "student * trainer", both, two, {})
    three = two | {"student:trainer": "student*trainer", "criterion": "criterion",
                   "student:criterion": "student*criterion", "trainer:criterion": "trainer*criterion"}  # fmt: skip
    every = both + " + (1 | criterion) + (1 | student:trainer) + (1 | student:criterion) + (1 | trainer:criterion)"
    lines += compared("300 students × 2 of 20 trainers × 19 criteria", crossed(300, 20, 2, 19),
                      "student * trainer * criterion", every, three, {})  # fmt: skip
    lines += compared("100 × 30 levels, crossed", crossed(100, 30, 10, 1), "student * trainer", both, two,
                      {"statsmodels": statsmodels})  # fmt: skip
    print("\n".join(lines), flush=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
