"""How long agreement takes, beside other packages on the same ratings, in one run.

    python benchmarks/agreement.py --irrcac PYTHON --write

``--irrcac`` names a Python interpreter in which the package irrCAC is installed; R irrCAC is timed where R has it.
Without them their lines say «absent». ``--write`` renews benchmarks/results/agreement.md. Times are of one run after
one warm-up; two workers are asked of joblib for our resamples, none of the others can use them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import krippendorff
import numpy as np
import pandas as pd
import pingouin

import crcne_stats as cs
from crcne_stats.analysis.agreement import DEFAULT
from crcne_stats.analysis.agreement_groups import groups
from crcne_stats.core.agreement_resamples import Asked, resampled
from crcne_stats.domain.ratings import Ratings

TARGET = Path(__file__).parent / "results" / "agreement.md"
RESAMPLES, NAIVE = 2000, 200
Row = tuple[str, str, str, str, str]
Spent = tuple[float, float]

_PORT = """
import json, sys, time
import pandas as pd
from irrCAC.raw import CAC
table = pd.DataFrame(json.load(sys.stdin))
cpu, clock = time.process_time(), time.perf_counter()
cac = CAC(table, weights="quadratic", categories=[0.0, 1.0, 2.0, 3.0, 4.0])
found = [call()["est"]["coefficient_value"] for call in (cac.fleiss, cac.conger, cac.gwet, cac.bp, cac.krippendorff)]
print(json.dumps([time.process_time() - cpu, time.perf_counter() - clock]))
"""
_R = """
suppressMessages(library(irrCAC))
x <- read.csv(file("stdin"))
t <- system.time({
  fleiss.kappa.raw(x, weights = "quadratic"); conger.kappa.raw(x, weights = "quadratic")
  gwet.ac1.raw(x, weights = "quadratic"); bp.coeff.raw(x, weights = "quadratic")
  krippen.alpha.raw(x, weights = "quadratic")
})
cat(t[["user.self"]], t[["elapsed"]])
"""


def timed(task: Callable[..., Any], *given: Any, **more: Any) -> Spent:
    """Seconds of one run: of this process's own computing, and by the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    task(*given, **more)
    return time.process_time() - cpu, time.perf_counter() - clock


def told(spent: Spent | None, workers: bool = False) -> tuple[str, str]:
    """Computing and clock; computing is not known where other processes did it."""
    if spent is None:
        return "absent", "absent"
    return "" if workers else f"{spent[0]:.3g} s", f"{spent[1]:.3g} s"


def own_rows() -> list[Row]:
    """The whole of ``agreement`` at the size of a promotion and of a national cohort."""
    rows = []
    for students, inspe in ((600, 8), (30_000, 32)):
        ratings = cs.simulate(students=students, inspe=inspe, sessions=2, seed=1).ratings
        what = f"{students:,} students × 19 criteria × 2 trainers"
        asked = groups(ratings, ratings.criteria, "criterion", "quadratic")
        questions = [(group.counts, Asked(DEFAULT, group.weights, levels=True)) for group in asked]
        whole = {
            "estimates, intervals, tables": {"multiverse": False},
            "with all choices and INSPÉ compared": {"group": "inspe"},
        }
        for jobs in (1, 2):
            with joblib.parallel_config(backend="loky" if jobs > 1 else "sequential", n_jobs=jobs):
                resampled(questions, students, 4, 1)  # starts the workers
                spent = timed(resampled, questions, students, RESAMPLES, 1)
                how = f"{RESAMPLES:,} resamples, 6 coefficients and every level, {jobs} worker{'s' * (jobs > 1)}"
                rows.append((what, how, "crcne_stats", *told(spent, jobs > 1)))
                for name, more in whole.items():
                    spent = timed(cs.agreement, ratings, resamples=RESAMPLES, seed=1, **more)
                    how = f"agreement(): {name}, {jobs} worker{'s' * (jobs > 1)}"
                    rows.append((what, how, "crcne_stats", *told(spent, jobs > 1)))
    return rows


def one_criterion(students: int) -> tuple[Ratings, np.ndarray]:
    """Ratings of one criterion by four crossed trainers, and the same as a matrix (student, trainer)."""
    rng = np.random.default_rng(2)
    ability = rng.normal(size=(students, 1))
    matrix = np.clip(np.round(2 + ability + 0.7 * rng.normal(size=(students, 4))), 0, 4)
    student, trainer = np.indices(matrix.shape)
    frame = pd.DataFrame({"student": student.ravel(), "trainer": trainer.ravel(), "score": matrix.ravel()})
    return Ratings.from_frame(frame, criterion=None, levels=range(5)), matrix


def bootstrap_rows(students: int) -> list[Row]:
    """Alpha with a bootstrap of students: ours, and the package asked anew for each resample."""
    ratings, matrix = one_criterion(students)
    what, rng = f"{students:,} students × 1 criterion × 4 trainers", np.random.default_rng(1)
    own = groups(ratings, ratings.criteria, "criterion", "quadratic")[0]
    asked = [(own.counts, Asked(("krippendorff",), own.weights))]
    resampled(asked, students, 4, 1)
    ours = timed(resampled, asked, students, RESAMPLES, 1)

    def naive() -> None:
        for _ in range(NAIVE):
            drawn = matrix[rng.integers(0, students, students)]
            krippendorff.alpha(drawn.T, level_of_measurement="interval", value_domain=np.arange(5.0))

    peer = timed(naive)
    whole = peer[0] * RESAMPLES / NAIVE
    return [
        (what, f"alpha, {RESAMPLES:,} resamples, 1 worker", "crcne_stats", *told(ours)),
        (what, f"alpha, {NAIVE} resamples, one call each ({whole:.3g} s of computing for {RESAMPLES:,})",
         f"krippendorff {version('krippendorff')}", *told(peer)),
    ]  # fmt: skip


def estimate_rows(students: int, interpreter: str | None) -> list[Row]:
    """Five coefficients with linearised errors: ours, irrCAC in Python and in R."""
    ratings, matrix = one_criterion(students)
    what, how = f"{students:,} students × 1 criterion × 4 trainers", "5 coefficients with linearised errors"
    names = ("fleiss", "conger", "gwet_ac", "brennan_prediger", "krippendorff")
    ours = timed(cs.agreement, ratings, coefficients=names, resamples=0, multiverse=False)
    rows = [(what, f"{how}, jackknife and all tables", "crcne_stats", *told(ours))]
    if interpreter is None:
        rows.append((what, how, "irrCAC for Python", *told(None)))
    else:
        done = subprocess.run([interpreter, "-W", "ignore", "-c", _PORT], input=json.dumps(matrix.tolist()),
                              capture_output=True, text=True, check=True)  # fmt: skip
        cpu, clock = json.loads(done.stdout)
        rows.append((what, how, "irrCAC for Python", *told((cpu, clock))))
    script = shutil.which("Rscript")
    check = [script or "", "-e", 'quit(status = !requireNamespace("irrCAC", quietly = TRUE))']
    if script is None or subprocess.run(check, capture_output=True).returncode:
        return [*rows, (what, how, "R irrCAC", *told(None))]
    text = pd.DataFrame(matrix).to_csv(index=False)
    done = subprocess.run([script, "-e", _R], input=text, capture_output=True, text=True, check=True)
    cpu, clock = map(float, done.stdout.split())
    return [*rows, (what, how, "R irrCAC", *told((cpu, clock)))]


def icc_rows(students: int) -> list[Row]:
    """Six intraclass correlations on complete data."""
    ratings, matrix = one_criterion(students)
    what, how = f"{students:,} students × 1 criterion × 4 trainers", "six ICC with F intervals"
    long = pd.DataFrame(matrix).reset_index().melt("index", var_name="rater", value_name="score")
    cs.icc(ratings)
    ours = timed(cs.icc, ratings)
    peer = timed(pingouin.intraclass_corr, long, targets="index", raters="rater", ratings="score")
    return [
        (what, f"{how}, twice (mean and criterion), components, cautions", "crcne_stats", *told(ours)),
        (what, how, f"pingouin {version('pingouin')}", *told(peer)),
    ]


def page(interpreter: str | None) -> str:
    """All rows as a Markdown page."""
    rows = [*own_rows(), *bootstrap_rows(600), *bootstrap_rows(30_000), *estimate_rows(600, interpreter),
            *icc_rows(600)]  # fmt: skip
    lines = ["| ratings | what | package | computing | clock |", "|---|---|---|---|---|"]
    body = "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
    load = os.getloadavg()[0]
    return f"""# Time of agreement

Made by `python benchmarks/agreement.py`: Python {platform.python_version()}, numpy {np.__version__},
{os.cpu_count()} cores, load {load:.1f} at the end. «computing» is processor time of one process, «clock» what passed
meanwhile: with a load over {os.cpu_count()} the machine was shared with other work, and an idle one takes little more
than the computing time. «absent»: the package was not there to be timed.

{body}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--irrcac", help="a Python interpreter in which irrCAC is installed")
    parser.add_argument("--write", action="store_true", help="renew benchmarks/results/agreement.md")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    found = page(asked.irrcac)
    print(found)
    if asked.write:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
