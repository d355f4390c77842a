"""What ``agreement`` asks of the core: one group of counts per answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crcne_stats.core.agreement import COEFFICIENTS
from crcne_stats.core.agreement_resamples import Asked
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.influence import used
from crcne_stats.core.pairs import pairs
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings

MOST_PAIRS = 2000
"""With more pairs of trainers than this, coefficients that rest on pairs are linearised and not resampled, and the
table of pairs shows the most shared."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Draws:
    """Resampled coefficients, ``values`` of shape (resample, criterion, coefficient); NaN where one is undefined."""

    criteria: tuple[str, ...]
    coefficients: tuple[str, ...]
    values: Array


@dataclass(eq=False)
class Question:
    """Counts, what is asked of them, and the resamples (resample, value), None where there are none."""

    counts: Counts
    what: Asked
    drawn: Array | None = None


@dataclass(eq=False)
class Group:
    """One answer: what it is about, its counts, and the questions put to them.

    ``clustered`` are the same counts with what is drawn together (student or INSPÉ) in the place of the student.
    """

    labels: dict[str, Any]
    counts: Counts
    clustered: Counts
    weights: Array | None
    levels: list[str]
    found: list[Question] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why nothing at all can be said, empty when something can."""
        if not self.counts.n_ratings:
            return "no_ratings"
        if self.counts.n_trainers == 1:
            return "one_trainer"
        return "" if self.counts.pairable.any() else "no_double_rating"

    def data(self, name: str) -> Counts | None:
        """The counts on which a coefficient rests, clustered; None for one of two trainers with more or fewer."""
        if COEFFICIENTS[name].files == "pair" and self.counts.n_trainers != 2:
            return None
        return used(self.clustered, name)

    def asked(self, names: Sequence[str]) -> Iterator[Question]:
        """What can be resampled: coefficients of all the ratings, then those of two trainers alone."""
        if self.reason:
            return
        few = len(pairs(self.counts)) <= MOST_PAIRS if any(COEFFICIENTS[n].pairs for n in names) else True
        general = tuple(n for n in names if COEFFICIENTS[n].files != "pair" and (few or not COEFFICIENTS[n].pairs))
        yield Question(self.clustered, Asked(general, self.weights, levels=True))
        two = tuple(n for n in names if COEFFICIENTS[n].files == "pair")
        if two and self.counts.n_trainers == 2:
            yield Question(used(self.clustered, two[0]), Asked(two, self.weights))

    def draws(self, name: str) -> Array | None:
        """The resamples of a coefficient, shape (resample,)."""
        for question in self.found:
            if name in question.what.coefficients and question.drawn is not None:
                return np.asarray(question.drawn[:, question.what.coefficients.index(name)])
        return None


def _scale(framework: Framework, criteria: Sequence[str]) -> tuple[list[int], list[str]]:
    """Scores and keys of the levels of some criteria together, ascending."""
    found: dict[int, str] = {}
    for key in criteria:
        criterion = framework.criterion(key)
        for rung in framework.scales.get(criterion.scale, framework.levels):
            found.setdefault(rung.score, rung.key)
    scores = sorted({score for key in criteria for score in framework.level_scores(key)})
    return scores, [found[score] for score in scores]


def drawn_units(ratings: Ratings, drawn: str) -> tuple[np.ndarray, int]:
    """What is drawn together, as a code of each student (student,), and the number of these.

    ``drawn``: "student" or "inspe". A student whose INSPÉ is not known stands alone.
    """
    student, names = ratings.codes("student")
    alone = np.arange(len(names))
    if drawn == "student":
        return alone, len(names)
    inspe, known = ratings.codes("inspe")
    home = len(known) + alone
    home[student[inspe >= 0]] = inspe[inspe >= 0]
    return np.unique(home, return_inverse=True)[1], len(np.unique(home))


def groups(
    ratings: Ratings, chosen: list[str], by: str | None, weights: Any, unit: np.ndarray | None = None
) -> list[Group]:
    """One group per answer, in the order of the framework, then of the values of ``by``.

    ``unit`` (student,): what is drawn together, by default each student alone.
    """
    frame = ratings.frame[ratings.frame["criterion"].isin(chosen)]
    criterion = frame["criterion"].cat.set_categories(chosen).cat.codes.to_numpy().astype(np.int64)
    file = ratings.units(frame)
    trainer, score = ratings.codes("trainer", frame)[0], frame["score"].to_numpy().astype(np.int64)
    owner = np.zeros(int(file.max(initial=-1)) + 1, dtype=np.int64)
    owner[file] = ratings.codes("student", frame)[0]
    if by is None:
        scores, keys = _scale(ratings.framework, chosen)
        thing, owner = file * len(chosen) + criterion, np.repeat(owner, len(chosen))
        pooled = counts(thing, trainer, np.searchsorted(scores, score), scores, owner)
        return [_group({"criterion": None}, pooled, unit, weight_matrix(weights, scores), keys)]
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
            own = counts(file[rows], trainer[rows], np.searchsorted(scores, score[rows]), scores, owner)
            about = {"criterion": key} if by == "criterion" else {"criterion": key, by: label}
            found.append(_group(about, own, unit, matrix, keys))
    return found


def _group(
    labels: dict[str, Any], own: Counts, unit: np.ndarray | None, matrix: Array | None, keys: list[str]
) -> Group:
    return Group(labels, own, own if unit is None else replace(own, cluster=unit[own.cluster]), matrix, keys)
