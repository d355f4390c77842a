"""How often intervals of agreement hold the truth: for these trainers, and for trainers like them.

    python benchmarks/agreement_coverage.py                 # all, about a quarter of an hour on one core
    python benchmarks/agreement_coverage.py --samples 20    # a quick look

These trainers: INSPÉ with trainers of their own, two trainers per student, one student in five rated once, some ratings
lost. A world is one set of trainers, criteria and INSPÉ with a large pool of students; the truth is the coefficient on
the pool, and each sample draws students from it with replacement. Trainers like them: every sample has its own
trainers; the truth is the coefficient with very many. Nominal level 95 %. Criteria of one sample move together, so the
error of a coverage is given by samples, not by criteria.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crcne_stats.analysis.agreement_rows import Plan, agreement_interval
from crcne_stats.analysis.simulate import simulate
from crcne_stats.core import agreement
from crcne_stats.core.agreement_resamples import Asked, resampled
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.weights import weight_matrix

COEFFICIENTS = ("percent", "conger", "fleiss", "brennan_prediger", "gwet_ac", "krippendorff")
SINGLE = 0.2
RESULTS = Path(__file__).parent / "results"
Array = np.ndarray[Any, Any]
THESE = Plan(1, 0.95, "t", "student", "these", None, None, "", 0, 0)


def table_of(ratings: Any) -> tuple[Array, Array]:
    """Levels (student, seat, criterion), -1 where not rated, and trainers (student, seat)."""
    frame = ratings.frame
    student, trainer, criterion = (frame[name].cat.codes.to_numpy() for name in ("student", "trainer", "criterion"))
    n_trainers = int(trainer.max()) + 1
    key = student.astype(np.int64) * n_trainers + trainer
    pairs, place = np.unique(key, return_inverse=True)
    owner, who = np.divmod(pairs, n_trainers)
    seat = np.arange(len(owner)) - np.searchsorted(owner, owner)
    levels = np.full((int(student.max()) + 1, 2, int(criterion.max()) + 1), -1)
    panel = np.full(levels.shape[:2], -1)
    panel[owner, seat] = who
    levels[student, seat[place], criterion] = frame["score"].to_numpy()
    once = np.random.default_rng(levels.shape[0]).random(len(levels)) < SINGLE
    levels[once, 1] = -1
    return levels, panel


def counted(levels: Array, panel: Array, criterion: int) -> Counts:
    """The counts of one criterion; levels run from 0 to 4."""
    student, seat = np.nonzero(levels[:, :, criterion] >= 0)
    found = levels[student, seat, criterion]
    return counts(student, panel[student, seat], found, np.arange(5), np.arange(len(levels)))


def truths(levels: Array, panel: Array, w: Array | None) -> dict[tuple[int, str], float]:
    """The coefficients of a large pool, by criterion and name."""
    found = {}
    for c in range(levels.shape[2]):
        whole = counted(levels, panel, c)
        for name in COEFFICIENTS:
            found[c, name] = float(agreement.values(agreement.moments_of(whole, name, w), name, w)[0][0])
    return found


def these_trainers(students: int, worlds: int, samples: int, w: Array | None) -> Iterator[tuple[Array, Array, Any]]:
    """Samples of students of a world: levels, panel and truth."""
    for world in range(worlds):
        trainers = max(24, students // 30)
        made = simulate(40_000, 8, 1, trainers=trainers, links=0, seed=100 + world)
        levels, panel = table_of(made.ratings)
        truth = truths(levels, panel, w)
        rng = np.random.default_rng(world)
        for _ in range(samples):
            chosen = rng.integers(0, len(levels), students)
            yield levels[chosen], panel[chosen], truth


def like_these(students: int, trainers: int, samples: int, w: Array | None) -> Iterator[tuple[Array, Array, Any]]:
    """Samples of students and trainers of one population: levels, panel and truth.

    INSPÉ have the same ability and criteria the same difficulty, so that nothing differs between samples but who was
    drawn. One criterion (here the second) is seen by every trainer in an own way.
    """
    same: dict[str, Any] = {"inspe_ability_sd": 0.0, "difficulty_sd": 0.0, "disordered": False, "dif": 0, "drift": 0}
    same |= {"links": 0, "severity_sd": 0.6}
    pool = simulate(60_000, 500, 1, trainers=2_000, seed=7, **same)
    shown = _shown(pool.truth["planted"], pool.ratings)
    levels, panel = table_of(pool.ratings)
    truth = truths(levels[:, :, shown], panel, w)
    for sample in range(samples):
        made = simulate(students, trainers // 4, 1, trainers=trainers, seed=1000 + sample, **same)
        levels, panel = table_of(made.ratings)
        yield levels[:, :, shown], panel, truth


def _shown(planted: dict[str, str], ratings: Any) -> list[int]:
    """A plain criterion and the one that trainers see in their own ways."""
    odd = ratings.criteria.index(planted["low_agreement"])
    return [0 if odd else 1, odd]


def intervals(
    data: list[Counts], w: Array | None, n: int, trainers: int, resamples: int, seed: tuple[int, ...]
) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Criterion, coefficient, method and interval."""
    own = replace(THESE, n_units=n, n_trainers=trainers)
    schemes = {"these": own} if not trainers else {"these": own, "like_these": replace(own, trainers="like_these")}
    for drawn_from, plan in schemes.items():
        drawn = resampled([(one, Asked(COEFFICIENTS, w)) for one in data], n, resamples, seed, None,
                          trainers if drawn_from == "like_these" else 0)  # fmt: skip
        for c, one in enumerate(data):
            for k, name in enumerate(COEFFICIENTS):
                value = float(agreement.values(agreement.moments_of(one, name, w), name, w)[0][0])
                if np.isnan(value):
                    continue
                for kind in ("t", "percentile", "bca"):
                    chosen = replace(plan, interval=kind)
                    yield (
                        c,
                        name,
                        f"{drawn_from} {kind}",
                        agreement_interval(one, name, w, value, drawn[c][:, k], chosen),
                    )


def study(
    samples: Iterator[tuple[Array, Array, Any]], w: Array | None, trainers: int, given: Any
) -> list[dict[str, Any]]:
    """Coverage by coefficient and method."""
    hits: dict[tuple[str, str], list[list[float]]] = {}
    for number, (levels, panel, truth) in enumerate(samples):
        data = [counted(levels, panel, c) for c in range(levels.shape[2])]
        mine: dict[tuple[str, str], list[list[float]]] = {}
        for c, name, method, found in intervals(data, w, len(levels), trainers, given.resamples, (number,)):
            if "low" in found:
                true = truth[c, name]
                mine.setdefault((name, method), []).append(
                    [found["low"] <= true <= found["high"], true < found["low"], found["high"] - found["low"]]
                )
        for key, rows in mine.items():
            hits.setdefault(key, []).append(list(np.mean(rows, axis=0)))
    return [summary(key, np.array(rows)) for key, rows in hits.items()]


def summary(key: tuple[str, str], rows: Array) -> dict[str, Any]:
    """``rows`` (sample, 3): share covered, share with the truth below, mean width."""
    covered, below, width = rows.mean(axis=0)
    numbers = {
        "coverage": covered, "below": below, "above": 1 - covered - below,
        "error": rows[:, 0].std(ddof=1) / len(rows) ** 0.5, "width": width,
    }  # fmt: skip
    rounded = {name: round(float(number), 5) for name, number in numbers.items()}
    return {"coefficient": key[0], "method": key[1], **rounded, "samples": len(rows)}


def main() -> None:
    """Run every part, print it, and write ``results/agreement_coverage.json`` and ``.md``."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--samples", type=int, default=160, help="samples of each part")
    ask.add_argument("--resamples", type=int, default=599)
    ask.add_argument("--out", type=Path, default=RESULTS)
    given = ask.parse_args()
    found, started = [], time.perf_counter()
    for weights in ("quadratic", "identity"):
        w = weight_matrix(weights, np.arange(5))
        parts = [(students, 0, these_trainers(students, 4, given.samples // 4, w)) for students in (100, 600, 3000)]
        parts += [(600, trainers, like_these(600, trainers, given.samples, w)) for trainers in (20, 40, 80)]
        for students, trainers, samples in parts:
            about = {"weights": weights, "students": students, "trainers": trainers or None}
            rows = [{**about, **row} for row in study(samples, w, trainers, given)]
            found += rows
            print(
                f"{weights}, {students} students, {trainers or 'these'} trainers, {time.perf_counter() - started:.0f} s"
            )
            print(markdown(rows), flush=True)
    given.out.mkdir(exist_ok=True)
    (given.out / "agreement_coverage.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (given.out / "agreement_coverage.md").write_text(page(found, given), encoding="utf-8")


def markdown(rows: list[dict[str, Any]]) -> str:
    """One line per coefficient, one column per method: coverage in percent, and the width."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = ["| coefficient | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for name in dict.fromkeys(row["coefficient"] for row in rows):
        own = {row["method"]: row for row in rows if row["coefficient"] == name}
        cells = [f"{100 * own[m]['coverage']:.1f} ({own[m]['width']:.3f})" for m in methods]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shortfall(rows: list[dict[str, Any]]) -> str:
    """What the interval that draws students alone lacks where trainers are drawn too."""
    covered = [100 * row["coverage"] for row in rows if row["method"] == "these bca"]
    return (
        f"Shortfall: an interval that draws students alone («these bca») holds the truth for trainers like them in "
        f"{min(covered):.0f} to {max(covered):.0f} % of the samples, not in 95 %."
    )


def page(found: list[dict[str, Any]], given: Any) -> str:
    """The result as a page."""
    error = 100 * float(np.mean([row["error"] for row in found]))
    text = [
        "# Coverage of intervals of agreement", "",
        "Made by `benchmarks/agreement_coverage.py`; nominal 95 %. Cells: coverage in percent (mean width).",
        "«these bca» is the default of `agreement`, «like_these t» that with `trainers=\"like_these\"`.",
        f"The standard error of a coverage is about {error:.1f} points ({given.samples} samples of each part, "
        f"{given.resamples} resamples).", "",
    ]  # fmt: skip
    for about in dict.fromkeys((row["weights"], row["students"], row["trainers"]) for row in found):
        rows = [row for row in found if (row["weights"], row["students"], row["trainers"]) == about]
        weights, students, trainers = about
        who = "these trainers" if trainers is None else f"{trainers} trainers drawn, truth for trainers like them"
        text += [f"## {students} students, {who}, {weights} weights", "", markdown(rows), ""]
        if trainers is not None:
            text += [shortfall(rows), ""]
    return "\n".join(text)


if __name__ == "__main__":
    main()
