"""Index, order and ranks of the criteria from their signs, and what becomes of them under other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from crcne_stats.analysis.priorities_signs import SYMPTOMS, TWO_SIDED, Batch, line
from crcne_stats.core.priority import Signs, index
from crcne_stats.core.ranks import bounds, rank_sets, ranks, surely_larger


@dataclass(frozen=True, eq=False)
class Gathered:
    """All the signs: ``rows`` says what each is about, ``value`` (sign,), ``draws`` (resample, sign).

    ``used`` (sign,) tells which count; ``seen_by`` and ``place`` list a sign for each criterion that it concerns.
    """

    rows: list[dict[str, Any]]
    value: np.ndarray
    draws: np.ndarray
    used: np.ndarray
    seen_by: np.ndarray
    place: np.ndarray
    signs: Signs
    n_criteria: int
    level: float

    @cached_property
    def noise(self) -> np.ndarray:
        """Sampling variance of each listed sign (listed,)."""
        return np.asarray(np.nanvar(self.draws[:, self.place], axis=0))

    @cached_property
    def strain(self) -> np.ndarray:
        """Strain of each listed sign (listed,)."""
        return self.signs.strain(self.value[self.place], self.noise)

    @cached_property
    def drawn(self) -> np.ndarray:
        """Strains of the resamples (resample, listed); sampling has then entered twice."""
        return self.signs.strain(self.draws[:, self.place], 2 * self.noise)

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Percentile bounds of the values (sign,), each by itself."""
        tail = (1 - self.level) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        return np.minimum(low, self.value), np.maximum(high, self.value)

    def weighted(self, weights: Mapping[str, float]) -> np.ndarray:
        """The weight of each listed sign (listed,)."""
        return np.array([weights[SYMPTOMS[code]] for code in self.signs.symptom])

    def index(self, weights: Mapping[str, float], power: float) -> np.ndarray:
        """The index (criterion,)."""
        return index(self.strain, self.weighted(weights), self.seen_by, self.n_criteria, power)


def gathered(
    found: list[Batch], value: np.ndarray, draws: np.ndarray, n_criteria: int, tolerable: Mapping[str, float],
    level: float,
) -> Gathered:  # fmt: skip
    """Put the signs side by side; one that does not exist, or not in nine resamples of ten, does not count."""
    rows = [dict(row) for batch in found for row in batch.rows]
    known = np.isfinite(value) & (np.isfinite(draws).mean(axis=0) > 0.9)
    for row, fine in zip(rows, known, strict=True):
        row["reason"] = row["reason"] or ("" if fine else "no_symptom_value")
    used = np.array([not row["reason"] for row in rows], dtype=bool)
    draws = np.where(np.isfinite(draws), draws, value)
    listed = [
        (row[name], place) for place, row in enumerate(rows) for name in ("criterion", "criterion_b") if name in row
    ]
    listed = [(criterion, place) for criterion, place in listed if used[place]]
    seen_by, place = np.array(listed, dtype=np.int64).reshape(-1, 2).T
    symptom = [str(rows[i]["symptom"]) for i in place]
    lines = np.array([line(name, tolerable) for name in symptom], dtype=float).reshape(-1, 2)
    signs = Signs(seen_by, np.array([SYMPTOMS.index(name) for name in symptom], dtype=np.int64),
                  np.isin(symptom, TWO_SIDED), lines[:, 0], lines[:, 1])  # fmt: skip
    return Gathered(rows, value, draws, used, seen_by, place, signs, n_criteria, level)


@dataclass(frozen=True, eq=False)
class Order:
    """All (criterion,): the index with bounds that hold for all at once, its rank, and the ranks left open.

    ``chance`` is the share of resamples in which the index exceeds 1; ``decided`` the number of pairs of criteria of
    which one surely comes before the other.
    """

    index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rank: np.ndarray
    best: np.ndarray
    worst: np.ndarray
    chance: np.ndarray
    decided: int

    @property
    def above(self) -> np.ndarray:
        """Whether a criterion surely exceeds the tolerable."""
        return np.asarray(self.low > 1)


def order(found: Gathered, weights: Mapping[str, float], power: float) -> Order:
    """The order of the criteria, and how sure it is.

    Bounds and ranks come from the logarithm of the index, whose resamples are less skewed: a difference between groups
    that is not there shows now and then in a resample, and never the other way.
    """
    own, n = found.weighted(weights), found.n_criteria
    value = found.index(weights, power)
    drawn = index(found.drawn, own, found.seen_by, n, power)
    logs, draws = np.log(np.maximum(value, LEAST)), np.log(np.maximum(drawn, LEAST))
    low, high = bounds(logs, draws, found.level)
    best, worst = rank_sets(logs, draws, found.level)
    decided = int(surely_larger(logs, draws, found.level).sum())
    chance = (drawn > 1).mean(axis=0)
    return Order(value, np.exp(low), np.exp(high), ranks(value), best, worst, chance, decided)


LEAST = 0.05
"""An index below it is no better than one of that size."""
POWERS = (4.0, 16.0, np.inf)
FACTORS = {"without": 0.0, "half": 0.5, "double": 2.0}


@dataclass(frozen=True)
class Choice:
    """Another way to weigh: the ``kind`` of change, the symptom that it touches, and the index that it gives."""

    kind: str
    symptom: str
    power: float
    index: np.ndarray


def choices(found: Gathered, weights: Mapping[str, float], power: float) -> list[Choice]:
    """Each symptom left out, halved, doubled; the index more or less like the worst sign alone."""
    answer = []
    for symptom in SYMPTOMS:
        if not (found.signs.symptom == SYMPTOMS.index(symptom)).any():
            continue
        for kind, factor in FACTORS.items():
            other = {**weights, symptom: weights[symptom] * factor}
            answer.append(Choice(kind, symptom, power, found.index(other, power)))
    for other_power in POWERS:
        if other_power != power:
            answer.append(Choice("power", "", other_power, found.index(weights, other_power)))
    return answer


def alike(first: np.ndarray, other: np.ndarray) -> float:
    """Kendall's τ of two orders; NaN where one of them is all ties."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(kendalltau(first, other).statistic)
