"""Coverage of intervals of agreement coefficients when students are drawn anew and trainers stay.

    python benchmarks/agreement_coverage.py --students 100 --samples 300 --worlds 4

Design: INSPÉ with trainers of their own, two trainers per student, the criteria of the framework, some ratings lost.
A world is one set of trainers, criteria and INSPÉ with a large pool of students; the truth is the coefficient on the
pool, and each sample draws students from the pool with replacement. Nominal level 95 %; the standard error of a
coverage is about 1 % per world and 300 samples (criteria of one sample move together).
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from crcne_stats.analysis.simulate import simulate
from crcne_stats.core import agreement
from crcne_stats.core.agreement_resamples import Asked, resampled
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.influence import influence, standard_errors
from crcne_stats.core.intervals import bca, percentile, t_interval
from crcne_stats.core.jackknife import jackknife, jackknife_se
from crcne_stats.core.weights import weight_matrix

COEFFICIENTS = ("percent", "conger", "fleiss", "brennan_prediger", "gwet_ac", "krippendorff")
Array = np.ndarray[Any, Any]


def pool(students: int, inspe: int, trainers: int, seed: int) -> tuple[Array, Array]:
    """Levels (student, seat, criterion), -1 where not rated, and trainers (student, seat) of a world."""
    frame = simulate(students, inspe, 1, trainers=trainers, links=0, seed=seed).ratings.frame
    student, trainer, criterion = (frame[name].cat.codes.to_numpy() for name in ("student", "trainer", "criterion"))
    n_trainers = int(trainer.max()) + 1
    pairs = np.unique(student.astype(np.int64) * n_trainers + trainer)
    owner, who = np.divmod(pairs, n_trainers)
    seat = np.arange(len(owner)) - np.searchsorted(owner, owner)
    n_criteria = int(criterion.max()) + 1
    levels = np.full((int(student.max()) + 1, 2, n_criteria), -1)
    panel = np.full(levels.shape[:2], -1)
    panel[owner, seat] = who
    place = np.searchsorted(pairs, student.astype(np.int64) * n_trainers + trainer)
    levels[student, seat[place], criterion] = frame["score"].to_numpy()
    return levels, panel


def counted(levels: Array, panel: Array, criterion: int, scores: Array) -> Counts:
    student, seat = np.nonzero(levels[:, :, criterion] >= 0)
    found = levels[student, seat, criterion]
    return counts(student, panel[student, seat], found, scores, np.arange(len(levels)))


def all_intervals(data: Counts, name: str, w: Array | None, drawn: Array, n: int) -> dict[str, tuple[Any, Any]]:
    """Every candidate interval of one coefficient on one sample."""
    value, pull = influence(data, name, w, n)
    if np.isnan(value):
        return {}
    m = int((~np.isnan(pull)).sum())
    linear = float(standard_errors(pull[:, None])[0])
    without = float(jackknife_se(jackknife(data, name, w, n)[:, None])[0])
    boot = float(np.nanstd(drawn, ddof=1))
    found = {
        "percentile": percentile(drawn),
        "bca": bca(drawn, value, pull),
    }
    for label, se in (("linear", linear), ("jackknife", without), ("bootstrap", boot)):
        for scale in ("none", "fisher", "log"):
            found[f"t {label} {scale}"] = t_interval(value, se, m - 1, transform=scale)
    if name == "percent":
        found["t linear logit"] = t_interval(value, linear, m - 1, transform="logit")
        found["t jackknife logit"] = t_interval(value, without, m - 1, transform="logit")
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    for name, default in (("students", 100), ("samples", 300), ("worlds", 4), ("inspe", 8), ("trainers", 24)):
        ask.add_argument(f"--{name}", type=int, default=default)
    ask.add_argument("--pool", type=int, default=60_000)
    ask.add_argument("--resamples", type=int, default=999)
    ask.add_argument("--weights", default="quadratic")
    ask.add_argument("--out")
    given = ask.parse_args()
    n, tally, widths = given.students, {}, {}
    started = time.perf_counter()
    for world in range(given.worlds):
        levels, panel = pool(given.pool, given.inspe, given.trainers, 100 + world)
        scores = np.arange(levels.max() + 1)
        w = weight_matrix(given.weights, scores)
        n_criteria = levels.shape[2]
        truth = {}
        for c in range(n_criteria):
            whole = counted(levels, panel, c, scores)
            for name in COEFFICIENTS:
                entry = agreement.COEFFICIENTS[name]
                truth[c, name] = float(agreement.values(agreement.moments(whole, entry.trainers), name, w)[0][0])
        rng = np.random.default_rng(world)
        for sample in range(given.samples):
            chosen = rng.integers(0, len(levels), n)
            data = [counted(levels[chosen], panel[chosen], c, scores) for c in range(n_criteria)]
            questions = [(one, Asked(COEFFICIENTS, w)) for one in data]
            drawn = resampled(questions, n, given.resamples, (world, sample))
            for c in range(n_criteria):
                for k, name in enumerate(COEFFICIENTS):
                    for method, (low, high) in all_intervals(data[c], name, w, drawn[c][:, k], n).items():
                        key = (name, method)
                        good = np.isfinite(low) and np.isfinite(high)
                        below = good and truth[c, name] < low
                        above = good and truth[c, name] > high
                        counted = tally.setdefault(key, np.zeros((n_criteria, 4)))
                        counted[c] += [1, not good, below, above]
                        widths.setdefault(key, []).append(float(high - low) if good else np.nan)
    rows = [summary(key, by_criterion, n, widths[key]) for key, by_criterion in tally.items()]
    for row in rows:
        print(
            "{coefficient:17s} {method:20s} {coverage:.4f}  below {below:.4f} above {above:.4f}  criteria {worst:.3f} "
            "to {best:.3f}  width {width:.4f} none {none:.4f}".format(**row)
        )
    print(f"{time.perf_counter() - started:.0f} s")
    if given.out:
        with open(given.out, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


def summary(key: tuple[str, str], by_criterion: Array, students: int, widths: list[float]) -> dict[str, Any]:
    """Coverage over all criteria and of the worst and best of them; ``by_criterion`` (criterion, 4) counts."""
    checked, none, below, above = by_criterion.sum(axis=0)
    given = by_criterion[:, 0] - by_criterion[:, 1]
    each = 1 - (by_criterion[:, 2] + by_criterion[:, 3])[given > 0] / given[given > 0]
    return {
        "coefficient": key[0], "method": key[1], "students": students, "checked": int(checked),
        "none": none / checked, "coverage": 1 - (below + above) / (checked - none),
        "below": below / (checked - none), "above": above / (checked - none), "worst": float(each.min()),
        "best": float(each.max()), "width": float(np.nanmedian(widths)),
    }  # fmt: skip


if __name__ == "__main__":
    main()
