"""Do new ratings bring what planning promises? Islands are planned, the ratings asked for are drawn from the truth.

Run: ``python benchmarks/planning.py [replicates]``; writes ``benchmarks/results/planning.md``. For each replicate, a
demo of islands (``simulate(links=0)``) is planned with the default settings; the new ratings are drawn from the
parameters behind the demo; the many-facet model is fitted again. Compared with the promised standard error of each
severity contrast: the one that the new fit gives, and how far its contrast lies from the true one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis import planning_measure, planning_repair
from crcne_stats.analysis.planning import planning
from crcne_stats.analysis.planning_data import situation
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.core.rasch.probabilities import drawn_categories
from crcne_stats.domain.ratings import Ratings

OUT = Path(__file__).parent / "results" / "planning.md"
PLAIN: dict[str, Any] = {"low_agreement": 0.0, "dif": 0.0, "drift": 0.0, "missing": 0.0}
"""What is planted on single criteria is left out: its truth is not in the model that promises."""


def with_new(demo: Simulation, asked: pd.DataFrame, rng: np.random.Generator) -> Ratings:
    """The ratings and those of the list, drawn from the truth."""
    truth, framework = demo.truth, demo.ratings.framework
    rows = []
    for row in asked.itertuples():
        base = truth["ability"][row.student] - truth["severity"][row.trainer]
        base += demo.truth["settings"]["halo_sd"] * rng.standard_normal()
        for criterion in framework.scored:
            steps = np.array(truth["thresholds"][criterion.key]) * truth["centrality"][row.trainer]
            place = drawn_categories(rng, np.array([base - truth["difficulty"][criterion.key]]), steps[None, :])
            score = framework.level_scores(criterion.key)[int(place[0])]
            rows.append({"student": row.student, "trainer": row.trainer, "criterion": criterion.key, "score": score,
                         "inspe": row.inspe, "mention": row.mention, "session": row.session})  # fmt: skip
    old = demo.ratings.frame.drop(columns=["trainer_inspe", "occasion"]).astype({"student": str, "trainer": str})
    whole = pd.concat([old.astype(object), pd.DataFrame(rows, dtype=object)], ignore_index=True)
    homes = demo.truth["trainer_inspe"]
    return Ratings.from_frame(whole.assign(trainer_inspe=whole["trainer"].map(homes)), framework=framework)


def compared(seed: int, students: int, inspe: int) -> dict[str, float]:
    """One demo: promised, reported and true errors of all contrasts."""
    demo = simulate(students, inspe, 1, links=0, seed=seed, **PLAIN)
    first = severity(demo.ratings, simulations=0)
    plan = planning(demo.ratings, severity=first)
    promised = list(plan.model.precise.values())[-1].error
    again = severity(with_new(demo, plan.tables["repair"], np.random.default_rng(10_000 + seed)), simulations=0)
    scale = again.model.scale
    names = again.model.fitted.asked.names["trainer"]
    assert names == plan.model.given.trainers
    true = np.array([demo.truth["severity"][name] for name in names])
    a, b = np.triu_indices(len(names), 1)
    reported = np.sqrt([scale.difference_variance(i, j) for i, j in zip(a.tolist(), b.tolist(), strict=True)])
    found = scale.severity[a] - scale.severity[b]
    expected = promised[a, b]
    far = expected > np.median(expected)
    return {
        "trainers": len(names), "new": len(plan.tables["repair"]), "halo": float(again.model.fitted.measured.halo),
        "promised_mean": expected.mean(), "promised_max": expected.max(), "reported_mean": reported.mean(),
        "reported_max": reported.max(), "ratio": float((reported / expected).mean()),
        "ratio_far": float((reported[far] / expected[far]).mean()),
        "square": float((((found - (true[a] - true[b])) / expected) ** 2).mean()),
    }  # fmt: skip


def national() -> tuple[float, int]:
    """Seconds and ratings of a plan for 30,000 students and 900 trainers in 32 islands."""
    rng = np.random.default_rng(1)
    home = np.arange(30_000) % 32
    own = [np.flatnonzero(np.arange(900) % 32 == place) for place in range(32)]
    trainer = np.array([rng.choice(own[place], 2, replace=False) for place in home]).ravel()
    student = np.repeat(np.arange(30_000), 2)
    score = rng.integers(0, 5, 60_000)
    frame = pd.DataFrame({"student": student, "trainer": trainer, "inspe": home[student], "score": score})
    ratings = Ratings.from_frame(frame, criterion=None, levels=range(5))
    settings = {"hours_per_file": 0.5, "moderation_hours": 0.25, "travel_hours": 1.0, "target_se": 0.3, "load": 10,
                "most_ratings": 500, "same_mention": True, "exclude_own": False}  # fmt: skip
    start = time.perf_counter()
    given = situation(ratings)
    measured = planning_measure.Measure(np.full(len(given.file), 5.0), np.full(given.n_files, 5.0), 2.0)
    found = planning_repair.plan(given, measured, settings)
    return time.perf_counter() - start, len(found.repair.file)


def main(replicates: int = 24) -> None:
    """All the sizes, and the table."""
    lines = [
        "# What planning promises, and what new ratings bring", "",
        f"`python benchmarks/planning.py {replicates}`; {replicates} demos of islands for each size, default settings.",
        "Errors in logits, means over the contrasts of all trainers and over demos. *Reported / promised*: the error",
        "that the new fit gives over the promised one, between 0.90 and 1.10 where the promise is kept; *true /",
        "promised*: root mean square distance from the true contrast, in promised errors.", "",
        "| students | INSPÉ | trainers | new ratings | promised mean | reported mean | promised max | reported max |"
        " reported / promised | lowest – highest demo | true / promised |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for students, inspe in ((200, 4), (400, 8)):
        found = pd.DataFrame([compared(seed, students, inspe) for seed in range(1, replicates + 1)])
        mean = found.mean()
        lines.append(
            f"| {students} | {inspe} | {mean.trainers:.0f} | {mean.new:.1f} | {mean.promised_mean:.3f} |"
            f" {mean.reported_mean:.3f} | {mean.promised_max:.3f} | {mean.reported_max:.3f} | {mean.ratio:.3f} |"
            f" {found.ratio.min():.3f} – {found.ratio.max():.3f} | {np.sqrt(mean.square):.3f} |"
        )
        print(lines[-1], flush=True)
    seconds, new = national()
    lines += [
        "",
        f"A plan for 30,000 students and 900 trainers in 32 islands: {new} ratings, {seconds:.1f} s (limit 30).",
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
