"""False alarms and power of ``fairness`` on simulated ratings, with and without halo.

``python benchmarks/fairness.py [REPLICATES]`` writes ``benchmarks/results/fairness.json``: shares of replicates in
which a test rejects at 5 % or a difference is pointed out, and the spread of the standardised contrasts where nothing
is planted. ``python benchmarks/fairness.py slopes [REPLICATES]`` does the same for gaps that grow with ability, and
writes ``benchmarks/results/fairness_slopes.md``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.fairness import fairness
from crcne_stats.analysis.fairness_contrasts import of_criteria, of_slopes
from crcne_stats.analysis.fairness_models import Null, criteria_before
from crcne_stats.analysis.severity_design import design as designed
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.probabilities import drawn_categories
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


SLOPES: dict[str, dict[str, float]] = {
    "nothing planted": {},
    "halo 0.5, second group more alike (0.6 of the spread)": {"halo": 0.5, "spread": 0.6},
    "halo 0.5, slope 1.3": {"halo": 0.5, "slope": 1.3},
    "halo 0.5, slope 1.6": {"halo": 0.5, "slope": 1.6},
}
"""Of criterion c02 in the second group; that of all else is 1."""


def drawn(
    rng: np.random.Generator, students: int = 600, dif: float = 0.0, dff: float = 0.0, halo: float = 0.0,
    links: float = 0.05, spread: float = 1.0, slope: float = 1.0, criteria: int = CRITERIA,
) -> Ratings:  # fmt: skip
    """Two groups, the second 0.5 logit weaker; ``dif`` on criterion c01 and ``dff`` on trainer t01 against it.

    ``spread``: how far the second group's abilities lie apart, as a share of the first's; ``slope``: of c02 in it.
    """
    who = design(rng, students, INSPE, TRAINERS, 2, links)
    group = rng.integers(0, 2, students)
    effect = halo * rng.standard_normal(who.panel.shape) - dff * ((who.panel == 1) & (group == 1)[:, None])
    difficulty = np.tile(centred(rng, 0.8, criteria), (2, 1))
    difficulty[1, 1] += dif
    ability = 1.5 * rng.normal(size=students) * np.where(group == 1, spread, 1.0) - 0.5 * group
    ability += centred(rng, 0.5, INSPE)[who.home]
    true = Parameters(
        ability, difficulty, group, centred(rng, 0.4, TRAINERS), np.ones(TRAINERS), effect,
        np.zeros((TRAINERS, criteria)), np.tile(STEPS, (criteria, 1)),
    )  # fmt: skip
    scores = drawn_scores(rng, who, true)
    if slope != 1:
        location = ability[:, None] - true.severity[who.panel] + effect - difficulty[group, 2][:, None]
        again = drawn_categories(rng, slope * location.ravel(), slope * STEPS).reshape(location.shape)
        scores[:, :, 2] = np.where(group[:, None] == 1, again, scores[:, :, 2])
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


SLOPE_NUMBERS = {
    "overall test, % rejected": 100, "single rows at 5 %, % rejected": 100, "any other pointed out, %": 100,
    "planted pointed out, %": 100, "planted gap per logit": 1, "SD of z": 1,
}  # fmt: skip


def one_of_slopes(rng: np.random.Generator, condition: dict[str, Any]) -> list[float]:
    """The numbers of one replicate, of the table ``slopes`` alone; NaN where nothing is planted."""
    asked = designed(drawn(rng, 400, criteria=12, **condition), ("mention",))
    fits = criteria_before(asked, "mention", "criterion", Null(0.0, 0, True))
    found = of_criteria(asked, "mention", fits, 10, 0.05)
    growing = of_slopes(fits, found, 0.05)
    mine = found.element[found.tested] == 2 if "slope" in condition else np.zeros(len(growing.p), dtype=bool)
    out, z = adjusted(growing.p) < 0.05, (growing.value / growing.se)[~mine]
    planted = [float(out[mine].any()), float(growing.value[mine].mean())] if mine.any() else [np.nan, np.nan]
    rejected = float(growing.omnibus()[2] < 0.05)
    return [rejected, float((growing.p[~mine] < 0.05).mean()), float(out[~mine].any()), *planted, float(z.std())]


def slopes(replicates: int) -> None:
    """The table of gaps that grow with ability."""
    lines = [
        "# Gaps that grow with ability: false alarms and power of `fairness`", "",
        f"400 students in two groups, the second 0.5 logit weaker, {INSPE} INSPÉ, {TRAINERS} trainers, 12 criteria;",
        f"{replicates} replicates of each row. «Pointed out» is after Benjamini & Hochberg over the criteria. With a",
        "slope of 1.3 in the second group the gap shrinks by 0.3 logit for each logit of ability (−0.3 in the table),",
        "with 1.6 by 0.6; the estimate is one step from the model, so that large slopes come out too small.", "",
        "| planted | " + " | ".join(SLOPE_NUMBERS) + " |", "|---" * (len(SLOPE_NUMBERS) + 1) + "|",
    ]  # fmt: skip
    start = time.process_time()
    for place, (name, condition) in enumerate(SLOPES.items()):

        def task(rng: np.random.Generator, size: int, condition: dict[str, Any] = condition) -> np.ndarray:
            return np.array([one_of_slopes(rng, condition) for _ in range(size)])

        found = repeat(task, replicates, [20261130, place], block=20).mean(axis=0)
        told = zip(found, SLOPE_NUMBERS.values(), strict=True)
        cells = ("–" if np.isnan(x) else f"{x * scale:.1f}" if scale > 1 else f"{x:.3f}" for x, scale in told)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    lines += ["", f"{time.process_time() - start:.0f} processor seconds in all."]
    path = Path(__file__).parent / "results" / "fairness_slopes.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asked = sys.argv[1:]
    of = slopes if asked[:1] == ["slopes"] else main
    numbers = [int(text) for text in asked if text != "slopes"]
    of(numbers[0] if numbers else 300 if of is slopes else 60)
