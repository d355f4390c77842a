"""What ``agreement`` asks of the core: one group of counts per answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crcne_stats.core.agreement import COEFFICIENTS
from crcne_stats.core.agreement_resamples import Asked
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.pairs import pairs
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings

LIGHT = "light"
MOST_PAIRS = 2000
"""With more pairs of trainers than this, Light's mean is not computed and the table of pairs shows the most shared."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Draws:
    """Resampled coefficients, ``values`` of shape (resample, criterion, coefficient); NaN where one is undefined."""

    criteria: tuple[str, ...]
    coefficients: tuple[str, ...]
    values: Array


@dataclass(eq=False)
class Question:
    """Counts, and what is asked of them."""

    counts: Counts
    what: Asked


@dataclass(eq=False)
class Group:
    """One answer: what it is about, its counts, and the questions put to them with their resamples."""

    labels: dict[str, Any]
    counts: Counts
    weights: Array | None
    levels: list[str]
    found: list[tuple[Question, Array | None]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why nothing at all can be said, empty when something can."""
        if not self.counts.n_ratings:
            return "no_ratings"
        if self.counts.n_trainers == 1:
            return "one_trainer"
        return "" if self.counts.pairable.any() else "no_double_rating"

    def asked(self, names: Sequence[str]) -> Iterator[Question]:
        """What can be computed: coefficients of all the ratings, then those of two trainers alone."""
        if self.reason:
            return
        general = tuple(n for n in names if n != LIGHT and COEFFICIENTS[n].files != "pair")
        light = LIGHT in names and len(pairs(self.counts)) <= MOST_PAIRS
        yield Question(self.counts, Asked(general, self.weights, levels=True, light=light))
        two = tuple(n for n in names if n != LIGHT and COEFFICIENTS[n].files == "pair")
        if two and self.counts.n_trainers == 2:
            yield Question(self.counts.only(self.counts.pairable), Asked(two, self.weights))


def _scale(framework: Framework, criteria: Sequence[str]) -> tuple[list[int], list[str]]:
    """Scores and keys of the levels of some criteria together, ascending."""
    found: dict[int, str] = {}
    for key in criteria:
        criterion = framework.criterion(key)
        for rung in framework.scales.get(criterion.scale, framework.levels):
            found.setdefault(rung.score, rung.key)
    scores = sorted({score for key in criteria for score in framework.level_scores(key)})
    return scores, [found[score] for score in scores]


def groups(ratings: Ratings, chosen: list[str], by: str | None, weights: Any) -> list[Group]:
    """One group per answer, in the order of the framework, then of the values of ``by``."""
    frame = ratings.frame[ratings.frame["criterion"].isin(chosen)]
    criterion = frame["criterion"].cat.set_categories(chosen).cat.codes.to_numpy().astype(np.int64)
    unit = ratings.units(frame)
    trainer, score = ratings.codes("trainer", frame)[0], frame["score"].to_numpy().astype(np.int64)
    owner = np.zeros(int(unit.max(initial=-1)) + 1, dtype=np.int64)
    owner[unit] = ratings.codes("student", frame)[0]
    if by is None:
        scores, keys = _scale(ratings.framework, chosen)
        file, owner = unit * len(chosen) + criterion, np.repeat(owner, len(chosen))
        pooled = counts(file, trainer, np.searchsorted(scores, score), scores, owner)
        return [Group({"criterion": None}, pooled, weight_matrix(weights, scores), keys)]
    value, labels = ratings.codes(by, frame) if by != "criterion" else (np.zeros(len(frame), dtype=np.int64), [""])
    cell = np.where(value < 0, -1, criterion * len(labels) + value)
    order = np.argsort(cell, kind="stable")
    edges = np.searchsorted(cell[order], np.arange(len(chosen) * len(labels) + 1))
    found = []
    for c, key in enumerate(chosen):
        scores, keys = _scale(ratings.framework, [key])
        matrix = weight_matrix(weights, scores)
        for v, label in enumerate(labels):
            rows = order[edges[c * len(labels) + v] : edges[c * len(labels) + v + 1]]
            own = counts(unit[rows], trainer[rows], np.searchsorted(scores, score[rows]), scores, owner)
            about = {"criterion": key} if by == "criterion" else {"criterion": key, by: label}
            found.append(Group(about, own, matrix, keys))
    return found
