"""From criterion scores to item scores to the score of a file, and from that score to a level.

Nothing here knows a framework: the rule is :class:`LevelRule`, the place of each criterion :class:`Layout`, and a level
is its index on a ladder of scores (-1: there is none). Scores are real numbers: a whole score of one trainer, the mean
of two, or the score that a model expects. A missing cell is left out: an item is summarised over its rated criteria, a
file over the items that have a rated criterion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SUMMARIES = ("mean", "median", "minimum", "count")
"""How several scores become one. "count": the highest score that the asked share of them reaches."""
ALONE = "none"
"""No step of items: criteria count one by one."""
PHASES = "phases"
"""Conjunctive phases: each phase has its score, and the lowest is that of the file."""
OVER_TRAINERS = ("mean", "median", "minimum")
ROUNDINGS = ("down", "nearest", "up")
TOLERANCE = 1e-9
"""A mean of thirds that should be 2 may come out as 1.9999999999999998; it is still 2."""


@dataclass(frozen=True)
class LevelRule:
    """How scores become a level: over the trainers, the criteria of an item, the items, and onto the ladder.

    ``trainers`` is one of :data:`OVER_TRAINERS`, ``item`` one of :data:`SUMMARIES` or "none", ``level`` one of
    :data:`SUMMARIES` or "phases"; then ``phase`` says how the items of a phase become its score. ``count_share`` is
    the share that "count" asks for. ``cuts`` (level above the lowest,) are the scores from which each level is given;
    without them the score is rounded onto the ladder.
    """

    trainers: str = "mean"
    item: str = "median"
    phase: str = "median"
    level: str = "median"
    rounding: str = "down"
    count_share: float = 0.75
    cuts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        allowed = (
            ("summary", self.trainers, OVER_TRAINERS),
            ("summary", self.item, (*SUMMARIES, ALONE)),
            ("summary", self.phase, SUMMARIES),
            ("summary", self.level, (*SUMMARIES, PHASES)),
            ("rounding", self.rounding, ROUNDINGS),
        )
        for what, value, values in allowed:
            if value not in values:
                raise ValueError(f"unknown {what} {value!r}; there are {', '.join(values)}")
        if not 0 < self.count_share <= 1:
            raise ValueError(f"count_share must lie between 0 (excluded) and 1, not {self.count_share}")
        if any(above <= below for below, above in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError(f"cuts must rise, not {self.cuts}")


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each criterion stands: index of its item (criterion,) and of its phase (criterion,)."""

    item: Ints
    phase: Ints


def over_trainers(score: Any, file: Any, criterion: Any, n_files: int, n_criteria: int, how: str) -> Floats:
    """Ratings, one entry each, to (file, criterion): the trainers of a file taken together; NaN where nobody rated."""
    cell = np.asarray(file, dtype=np.int64) * n_criteria + np.asarray(criterion, dtype=np.int64)
    return grouped(score, cell, n_files * n_criteria, how).reshape(n_files, n_criteria)


def grouped(values: Any, group: Any, n_groups: int, how: str) -> Floats:
    """Mean, median or minimum of ``values`` (value,) within each group (value,) → (group,); NaN for an empty group."""
    x, g = np.asarray(values, dtype=float), np.asarray(group, dtype=np.int64)
    size = np.bincount(g, minlength=n_groups)
    answer = np.full(n_groups, np.nan)
    filled = size > 0
    if how == "mean":
        answer[filled] = np.bincount(g, x, minlength=n_groups)[filled] / size[filled]
        return answer
    order = np.lexsort((x, g))
    ordered = x[order]
    start = np.cumsum(size) - size
    if how == "minimum":
        answer[filled] = ordered[start[filled]]
    elif how == "median":
        lower, upper = start + (size - 1) // 2, start + size // 2
        answer[filled] = (ordered[lower[filled]] + ordered[upper[filled]]) / 2
    else:
        raise ValueError(f"unknown summary {how!r}; there are {', '.join(OVER_TRAINERS)}")
    return answer


def summarised(values: Floats, how: str, share: float = 0.75) -> Floats:
    """``values`` (…, score) to one score each (…,), missing ones left out; NaN where all are missing."""
    n = (~np.isnan(values)).sum(axis=-1)
    if how == "mean":
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.nansum(values, axis=-1) / n)
    ordered = np.sort(values, axis=-1)  # missing ones come last
    if how == "minimum":
        return np.asarray(ordered[..., 0])
    if how == "median":
        return (_nth(ordered, (n - 1) // 2) + _nth(ordered, n // 2)) / 2
    if how == "count":
        return _nth(ordered, n - np.ceil(share * n - TOLERANCE).astype(np.int64))
    raise ValueError(f"unknown summary {how!r}; there are {', '.join(SUMMARIES)}")


def _nth(ordered: Floats, place: Ints) -> Floats:
    inside = np.clip(place, 0, ordered.shape[-1] - 1)
    return np.asarray(np.take_along_axis(ordered, inside[..., None], axis=-1)[..., 0])


def file_scores(cells: Any, layout: Layout, rule: LevelRule) -> Floats:
    """Cells (…, criterion) to the score (…,) of each file, not yet a level; NaN where nothing is rated.

    Rounding comes once, at the end: an item score of 2.5 stays 2.5.
    """
    table = np.asarray(cells, dtype=float)
    items, phase = _items(table, layout, rule)
    if rule.level != PHASES:
        return summarised(items, rule.level, rule.count_share)
    parts = [summarised(items[..., phase == one], rule.phase, rule.count_share) for one in np.unique(phase)]
    return summarised(np.stack(parts, axis=-1), "minimum")


def _items(table: Floats, layout: Layout, rule: LevelRule) -> tuple[Floats, Ints]:
    """Scores (…, item) and the phase (item,) of each."""
    if rule.item == ALONE:
        return table, layout.phase
    keys, first = np.unique(layout.item, return_index=True)
    parts = [summarised(table[..., layout.item == key], rule.item, rule.count_share) for key in keys]
    return np.stack(parts, axis=-1), layout.phase[first]


def levels(scores: Any, ladder: Any, rule: LevelRule) -> Ints:
    """Index of the level (…,) that the rule gives to each score of a file; -1 for a missing score.

    ``ladder`` (level,) are the scores of the levels, ascending; they need not be evenly spaced.

    Raises
    ------
    ValueError
        When the rule has cuts, but not one for each level above the lowest.
    """
    x, steps = np.asarray(scores, dtype=float), np.asarray(ladder, dtype=float)
    if not rule.cuts:
        return rounded(x, steps, rule.rounding)
    if len(rule.cuts) != len(steps) - 1:
        raise ValueError(f"{len(steps)} levels need {len(steps) - 1} cuts, not {len(rule.cuts)}")
    index = np.searchsorted(np.asarray(rule.cuts), x + TOLERANCE, side="right")
    return np.where(np.isnan(x), -1, index).astype(np.int64)


def rounded(values: Any, steps: Any, how: str) -> Ints:
    """Index of the level (…,) that each score falls on; -1 for a missing score.

    Parameters
    ----------
    values : (…,)
    steps : (level,)
        Scores of the ladder, ascending; they need not be evenly spaced.
    how
        "down": the highest level that is reached; "up": the lowest that is not below; "nearest": the nearer of the
        two, the upper one when the score stands exactly between. Scores off the ladder go to its end.
    """
    x, ladder = np.asarray(values, dtype=float), np.asarray(steps, dtype=float)
    known = ~np.isnan(x)
    inside = np.where(known, x, ladder[0])
    if how == "down":
        index = np.searchsorted(ladder, inside + TOLERANCE, side="right") - 1
    elif how == "up":
        index = np.searchsorted(ladder, inside - TOLERANCE, side="left")
    elif how == "nearest":
        index = np.searchsorted((ladder[:-1] + ladder[1:]) / 2, inside + TOLERANCE, side="right")
    else:
        raise ValueError(f"unknown rounding {how!r}; there are {', '.join(ROUNDINGS)}")
    return np.where(known, np.clip(index, 0, len(ladder) - 1), -1).astype(np.int64)
