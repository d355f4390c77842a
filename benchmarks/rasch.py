"""Seconds and memory of the many-facet Rasch model, beside peers that can be installed.

    python benchmarks/rasch.py --out benchmarks/results/rasch.md [--peer PYTHON_WITH_RASCHPY]

Each fit runs in a process of its own, whose peak memory is that of the whole process: interpreter, ratings and fit.
``severity.py`` times the tables; ``make rasch`` runs both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from crcne_stats.core.rasch.design import Model, RatingData
from crcne_stats.core.rasch.jml import joint_fit
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.simulation import Parameters, design, drawn_scores

CRITERIA, LEVELS, SEATS = 19, 5, 2
SIZES = {"small": (300, 12, 1), "inspe": (1000, 36, 2), "region": (3000, 96, 4), "national": (30_000, 900, 32)}
"""Students, trainers, INSPÉ."""
JOBS = (
    ("national", "rating scale", {}),
    ("national", "partial credit by criterion", {"thresholds": "criterion"}),
    ("national", "rating scale, 5 % of ratings missing", {"missing": 0.05}),
    ("national", "partial credit, 5 % of ratings missing", {"thresholds": "criterion", "missing": 0.05}),
    ("national", "rating scale with halo", {"halo": "trainer"}),
    ("national", "joint maximum likelihood, rating scale", {"joint": True}),
    ("region", "rating scale", {}),
    ("region", "partial credit by trainer", {"thresholds": "trainer"}),
    ("region", "rating scale with halo", {"halo": "trainer"}),
    ("inspe", "rating scale", {}),
    ("small", "rating scale", {}),
)
PATIENCE, GIB = 400, 12
"""Processor seconds after which a peer is stopped, and the memory that it may have."""


def drawn(size: str, missing: float = 0.0, halo: float = 0.0) -> tuple[RatingData, np.ndarray, np.ndarray]:
    """Simulated ratings, the INSPÉ of each student, and the true severities."""
    n, trainers, inspe = SIZES[size]
    rng = np.random.default_rng(1)
    who = design(rng, n, inspe, trainers, SEATS, 0.03)
    true = Parameters(
        ability=rng.normal(0, 1.2, n) + rng.normal(0, 0.3, inspe)[who.home],
        difficulty=rng.normal(0, 0.7, (1, CRITERIA)),
        group=np.zeros(n, dtype=np.int64),
        severity=rng.normal(0, 0.5, trainers),
        centrality=np.ones(trainers),
        halo=rng.normal(0, halo, (n, SEATS)),
        taste=np.zeros((trainers, CRITERIA)),
        thresholds=np.tile([-3.0, -1.0, 1.0, 3.0], (CRITERIA, 1)),
    )
    score = drawn_scores(rng, who, true).ravel()
    student, criterion = np.repeat(np.arange(n), SEATS * CRITERIA), np.tile(np.arange(CRITERIA), n * SEATS)
    trainer = np.repeat(who.panel.ravel(), CRITERIA)
    kept = rng.random(len(score)) >= missing
    data = RatingData(
        student[kept], {"trainer": trainer[kept], "criterion": criterion[kept]}, score[kept], n,
        {"trainer": trainers, "criterion": CRITERIA}, np.full(CRITERIA, LEVELS),
    )  # fmt: skip
    return data, who.home, true.severity


def one(size: str, options: dict) -> dict:
    """A fit in this process: ratings, seconds, processor seconds, peak MiB, correlation with the truth."""
    data, home, severity = drawn(size, options.get("missing", 0.0), 0.5 if "halo" in options else 0.0)
    model = Model(thresholds=options.get("thresholds", "shared"))
    start, spent = time.perf_counter(), time.process_time()
    found = joint_fit(data, model) if "joint" in options else fit(data, model, group_means(home), options.get("halo"))
    seconds, cpu = time.perf_counter() - start, time.process_time() - spent
    return {
        "ratings": len(data.score),
        "seconds": seconds,
        "cpu": cpu,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "converged": bool(found.converged),
        "r": float(np.corrcoef(found.value[found.block("trainer")], severity)[0, 1]),
    }


def alone(arguments: list[str], limited: bool = False) -> dict | None:
    """What a process printed as JSON; None when it failed or, ``limited``, needed too much."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
        resource.setrlimit(resource.RLIMIT_AS, (GIB << 30, GIB << 30))

    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limits if limited else None)
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None


def peer_rows(python: str) -> list[str]:
    """Rows of RaschPy on growing designs, until it takes too long."""
    rows = []
    name = "RaschPy: rating scale, composite likelihood"
    for size in ("small", "inspe", "region", "national"):
        data, _, severity = drawn(size)
        columns = {"student": data.student, **data.facets, "score": data.score}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ratings.csv"
            pd.DataFrame(columns).to_csv(path, index=False)
            found = alone([python, str(Path(__file__).with_name("rasch_peer.py")), str(path)], limited=True)
        if found is None:
            rows.append(row(size, name, len(data.score), f"not in {PATIENCE} s and {GIB} GiB", "–", "–", "–"))
            print(rows[-1], flush=True)
            break
        found["r"] = float(np.corrcoef(found["severity"], severity)[0, 1])
        rows.append(measured(size, name, {"ratings": len(data.score), **found}))
        print(rows[-1], flush=True)
    return rows


def row(size: str, name: str, ratings: int, *cells: str) -> str:
    """A row of the table."""
    students, trainers, _ = SIZES[size]
    return f"| {name} | {students:,} | {trainers} | {ratings:,} | " + " | ".join(cells) + " |"


def measured(size: str, name: str, found: dict) -> str:
    """A row of numbers."""
    return row(
        size, name, found["ratings"], f"{found['seconds']:.2f}", f"{found['cpu']:.2f}", f"{found['mib']:.0f}",
        f"{found['r']:.3f}",
    )  # fmt: skip


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peer", help="a Python that has RaschPy")
    parser.add_argument("--job", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job is not None:
        print(json.dumps(one(JOBS[asked.job][0], JOBS[asked.job][2])))
        return
    lines = [
        "# Time and memory of the many-facet Rasch model\n",
        f"{SEATS} trainers a student, {CRITERIA} criteria, {LEVELS} levels; standard errors (model and sandwich) "
        "included; marginal maximum likelihood with a free mean for each INSPÉ unless said. "
        f"Python {platform.python_version()}, {os.environ.get('OMP_NUM_THREADS', 'all')} threads of {os.cpu_count()} "
        "cores for linear algebra. "
        "Seconds depend on what else the machine does; processor seconds less so. Memory is that of the whole process. "
        "r: correlation with true severities.\n",
        "| model | students | trainers | ratings | seconds | processor seconds | MiB | r |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for index, (size, name, _) in enumerate(JOBS):
        found = alone([sys.executable, __file__, "--job", str(index)])
        lines.append(row(size, name, 0, "failed", "–", "–", "–") if found is None else measured(size, name, found))
        print(lines[-1], flush=True)
    lines += peer_rows(asked.peer) if asked.peer else []
    lines.append("\nR's TAM, sirt and immer are not measured: they were not installed where this was run.")
    text = "\n".join(lines) + "\n"
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
