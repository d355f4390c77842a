"""False alarms and power of ``fairness`` on simulated ratings, with and without halo.

``python benchmarks/fairness.py [REPLICATES]`` writes ``benchmarks/results/fairness.json``: shares of replicates in
which a test rejects at 5 % or a difference is pointed out, and the spread of the standardised contrasts where nothing
is planted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.fairness import fairness
from crcne_stats.core.resample import repeat
from crcne_stats.core.simulation import Parameters, centred, design, drawn_scores
from crcne_stats.domain.ratings import Ratings

STEPS = np.array([-3.0, -1.0, 1.1, 2.9])
INSPE, TRAINERS, CRITERIA = 8, 24, 19
CONDITIONS: dict[str, dict[str, float]] = {
    "nothing planted": {},
    "halo 0.4": {"halo": 0.4},
    "halo 0.8": {"halo": 0.8},
    "halo 0.8, no links": {"halo": 0.8, "links": 0.0},
    "a criterion harder by 0.5": {"halo": 0.4, "dif": 0.5},
    "a criterion harder by 0.8": {"halo": 0.4, "dif": 0.8},
    "a trainer more severe by 1.0": {"halo": 0.4, "dff": 1.0},
}


def drawn(
    rng: np.random.Generator, students: int = 600, dif: float = 0.0, dff: float = 0.0, halo: float = 0.0,
    links: float = 0.05,
) -> Ratings:  # fmt: skip
    """Two groups, the second 0.5 logit weaker; ``dif`` on criterion c01 and ``dff`` on trainer t01 against it."""
    who = design(rng, students, INSPE, TRAINERS, 2, links)
    group = rng.integers(0, 2, students)
    effect = halo * rng.standard_normal(who.panel.shape) - dff * ((who.panel == 1) & (group == 1)[:, None])
    difficulty = np.tile(centred(rng, 0.8, CRITERIA), (2, 1))
    difficulty[1, 1] += dif
    ability = 1.5 * rng.normal(size=students) - 0.5 * group + centred(rng, 0.5, INSPE)[who.home]
    true = Parameters(
        ability, difficulty, group, centred(rng, 0.4, TRAINERS), np.ones(TRAINERS), effect,
        np.zeros((TRAINERS, CRITERIA)), np.tile(STEPS, (CRITERIA, 1)),
    )  # fmt: skip
    scores = drawn_scores(rng, who, true)
    student, seat, criterion = (index.ravel() for index in np.indices(scores.shape))
    table = {
        "student": student, "trainer": np.char.mod("t%02d", who.panel[student, seat]),
        "inspe": np.char.mod("i%d", who.home[student]), "mention": np.char.mod("m%d", group[student]),
        "trainer_inspe": np.char.mod("i%d", who.trainer_home[who.panel[student, seat]]),
        "criterion": np.char.mod("c%02d", criterion), "score": scores.ravel(),
    }  # fmt: skip
    return Ratings.from_frame(pd.DataFrame(table), levels=range(5))


NUMBERS = (
    "criteria: overall test", "criteria: single rows", "criteria: any found", "criteria: planted found",
    "criteria: planted contrast", "criteria: sd of z", "trainers: overall test", "trainers: likelihood ratio",
    "trainers: single rows", "trainers: any found", "trainers: planted found", "trainers: planted contrast",
    "trainers: sd of z",
)  # fmt: skip


def one(rng: np.random.Generator, condition: dict[str, Any]) -> list[float]:
    """The numbers of one replicate: rejections at 5 %, what was found, spread of the tests of what was not planted."""
    result = fairness(drawn(rng, **condition))
    tests = result.tables["tests"].set_index(["interaction", "method"])["p"]
    row: list[float] = []
    dif, dff = condition.get("dif", 0), condition.get("dff", 0)
    for name, column, planted, size in (("criteria", "criterion", "c01", dif), ("trainers", "trainer", "t01", dff)):
        table = result.tables[name].dropna(subset=["group_gap"]).set_index(column)
        quiet = table.drop(index=planted) if size and planted in table.index else table
        out = table["fairness_verdict"].isin(["moderate", "large"])
        mine = table["group_gap"].get(planted, np.nan), float(out.get(planted, False))
        row.append(float(tests[f"{column}_group", "whole_students"] < 0.05))
        if name == "trainers":
            row.append(float(tests["trainer_group", "likelihood_ratio"] < 0.05))
        row += [float((quiet["p"] < 0.05).mean()), float(out.reindex(quiet.index).any()), mine[1], float(mine[0])]
        row.append(float((quiet["group_gap"] / quiet["se"]).std(ddof=0)))
    return row


def main(replicates: int) -> None:
    """All the conditions, each with its own seed; the file is written after each."""
    design_told = f"600 students, {INSPE} INSPÉ, {TRAINERS} trainers, {CRITERIA} criteria, 2 groups"
    answer: dict[str, Any] = {"replicates": replicates, "design": design_told, "conditions": {}}
    path = Path(__file__).parent / "results" / "fairness.json"
    path.parent.mkdir(exist_ok=True)
    for place, (name, condition) in enumerate(CONDITIONS.items()):

        def task(rng: np.random.Generator, size: int, condition: dict[str, Any] = condition) -> np.ndarray:
            return np.array([one(rng, condition) for _ in range(size)])

        found = np.nanmean(repeat(task, replicates, [20261125, place], block=20), axis=0)
        numbers = {key: round(float(value), 4) for key, value in zip(NUMBERS, found, strict=True)}
        answer["conditions"][name] = numbers
        print(name, *(f"{key} {value:.3f}" for key, value in numbers.items()), sep="\n  ", flush=True)
        path.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
