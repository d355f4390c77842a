"""How often intervals of components and coefficients hold the truth, on small designs drawn from known components.

Run: ``python benchmarks/variance_coverage.py [replicates] [draws]``; writes ``results/variance_coverage.md``. Nominal
95 %; between 90 and 97 % is aimed at. Components are those of restricted maximum likelihood, intervals as in
``generalizability``: generalised confidence intervals from a parametric bootstrap at the estimate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np

from crcne_stats.core import variance
from crcne_stats.core.designs import Levels, design
from crcne_stats.core.dstudy import Measurement, errors
from crcne_stats.core.henderson import simulated
from crcne_stats.core.variance_intervals import bounds, mean_squares, pivots

OUT = Path(__file__).parent / "results" / "variance_coverage.md"


def crossed(students: int, trainers: int, criteria: int, empty: float = 0.0) -> dict[str, np.ndarray]:
    """Codes of a crossed design, a share of whose sheets is empty."""
    rows = np.array(list(product(range(students), range(trainers), range(criteria))))
    kept = np.random.default_rng(0).random((students, trainers)) >= empty
    return dict(zip(("student", "trainer", "criterion"), rows[kept[rows[:, 0], rows[:, 1]]].T, strict=True))


def nested(inspe: int, students: int, trainers: int, criteria: int) -> dict[str, np.ndarray]:
    """Codes of students and trainers crossed within each INSPÉ."""
    rows = np.array(list(product(range(inspe), range(students), range(trainers), range(criteria))))
    return {"inspe": rows[:, 0], "student": rows[:, 0] * students + rows[:, 1],
            "trainer": rows[:, 0] * trainers + rows[:, 2], "criterion": rows[:, 3]}  # fmt: skip


CASES = (
    (
        "50 students × 5 trainers × 6 criteria", "student * trainer * criterion", crossed(50, 5, 6),
        {"student": 0.6, "trainer": 0.05, "criterion": 0.1, "student*trainer": 0.1, "student*criterion": 0.05,
         "trainer*criterion": 0.02, "residual": 0.4},
        Measurement(frozenset({"student"}), {"trainer": 5, "criterion": 6, "rating": 1}, frozenset({"criterion"})),
    ),
    (
        "the same, four sheets in ten missing", "student * trainer * criterion", crossed(50, 5, 6, 0.4),
        {"student": 0.6, "trainer": 0.05, "criterion": 0.1, "student*trainer": 0.1, "student*criterion": 0.05,
         "trainer*criterion": 0.02, "residual": 0.4},
        Measurement(frozenset({"student"}), {"trainer": 3, "criterion": 6, "rating": 1}, frozenset({"criterion"})),
    ),
    (
        "(15 students × 4 trainers) in each of 6 INSPÉ, × 5 criteria", "((student * trainer) : inspe) * criterion",
        nested(6, 15, 4, 5),
        {"inspe": 0.1, "criterion": 0.1, "student:inspe": 0.5, "trainer:inspe": 0.08, "inspe*criterion": 0.02,
         "student*trainer:inspe": 0.1, "student*criterion:inspe": 0.05, "trainer*criterion:inspe": 0.03,
         "residual": 0.4},
        Measurement(frozenset({"student", "inspe"}), {"trainer": 4, "criterion": 5, "rating": 1},
                    frozenset({"criterion"})),
    ),
    (
        "60 students × 4 trainers", "student * trainer",
        {name: code[crossed(60, 4, 1)["criterion"] == 0] for name, code in crossed(60, 4, 1).items()
         if name != "criterion"},
        {"student": 0.5, "trainer": 0.1, "residual": 0.4},
        Measurement(frozenset({"student"}), {"trainer": 2, "rating": 1}),
    ),
)  # fmt: skip


def covered(
    text: str, codes: Mapping[str, np.ndarray], truth: Mapping[str, float], plan: Measurement, n: int, draws: int,
    seed: int,
) -> dict[str, float]:  # fmt: skip
    """Share of intervals that hold the truth, by what they are of."""
    levels = Levels(dict(codes))
    study = variance.study(design(text), levels)
    true = np.array([truth[key] for key in study.keys])
    facets = [*(term.facets for term in study.terms), frozenset((*study.design.facets, "rating"))]
    counts = [levels.count(own) for own in facets[:-1]] + [levels.n]
    expected = mean_squares(facets, counts, levels.n)
    right = errors(facets, true, plan)
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {}
    for _ in range(n):
        y = simulated(study.terms, levels, true, rng)
        fit = variance.by_reml(study, y)
        value = fit.variance
        drawn = np.column_stack(
            [study.squares.components(simulated(study.terms, levels, value, rng)) for _ in range(draws)]
        )
        explained = pivots(value, drawn, expected, fit.covariance)
        low, high = bounds(value, np.maximum(explained, 0.0))
        for key, a, b, t in zip(study.keys, low, high, true, strict=True):
            hits.setdefault(key, []).append(bool(a <= t <= b))
        here, others = errors(facets, value, plan), errors(facets, explained, plan)
        for name, part in (("Eρ²", "generalizability"), ("Φ", "dependability"), ("σ²(δ)", "relative"),
                           ("σ²(Δ)", "absolute")):  # fmt: skip
            a, b = bounds(getattr(here, part), getattr(others, part))
            hits.setdefault(name, []).append(bool(a <= getattr(right, part) <= b))
    return {name: float(np.mean(own)) for name, own in hits.items()}


def main(replicates: int = 300, draws: int = 200) -> None:
    """Every case, and the table."""
    start = time.perf_counter()
    error = 100 * np.sqrt(0.05 * 0.95 / replicates)
    lines = [
        "# Coverage of intervals of components and coefficients", "",
        f"`python benchmarks/variance_coverage.py {replicates} {draws}`: {replicates} replicates for each design,"
        f" {draws} draws each; nominal 95 %, simulation error ±{error:.1f} points.", "",
    ]  # fmt: skip
    for seed, (name, text, codes, truth, plan) in enumerate(CASES):
        found = covered(text, codes, truth, plan, replicates, draws, seed)
        lines += [f"## {name}", "", f"`{text}`", "", "| of | truth | coverage, % |", "|---|---:|---:|"]
        lines += [f"| {key} | {truth.get(key, float('nan')):.2f} | {100 * share:.1f} |" for key, share in found.items()]
        lines.append("")
        print("\n".join(lines[-len(found) - 4 :]), round(time.perf_counter() - start), flush=True)
    OUT.write_text("\n".join(lines).replace("| nan |", "| – |"), encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
