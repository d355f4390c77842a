"""From criterion scores to item scores to the level of a file, and from two levels to the certificate.

Nothing here knows a framework: the rule is :class:`Rule`, the ladder is a row of scores, and a level is its index on
that ladder (-1: there is none). A missing cell is left out: an item is summarised over its rated criteria, a file over
the items that have a rated criterion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SUMMARIES = ("mean", "median", "minimum")
ROUNDINGS = ("down", "nearest", "up")
TOLERANCE = 1e-9
"""A mean of thirds that should be 2 may come out as 1.9999999999999998; it is still 2."""

CERTIFIED, REFUSED, WAITING_INSPE, WAITING_PIX = range(4)
STATES = ("certified", "refused", "waiting_inspe", "waiting_pix")
"""Names of the states, by code: what has become of a student's certificate."""

BINDING = ("none", "inspe", "pix", "pix_ceiling")
"""Which part holds a student back, by code: neither, the INSPÉ, PIX+Édu, or the top of PIX+Édu's own ladder."""


@dataclass(frozen=True)
class Rule:
    """How scores become a level: over the trainers, over the criteria of an item, over the items, and rounded."""

    trainers: str = "mean"
    item: str = "median"
    level: str = "median"
    rounding: str = "down"

    def __post_init__(self) -> None:
        for how in (self.trainers, self.item, self.level):
            if how not in SUMMARIES:
                raise ValueError(f"unknown summary {how!r}; there are {', '.join(SUMMARIES)}")
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"unknown rounding {self.rounding!r}; there are {', '.join(ROUNDINGS)}")


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
        raise ValueError(f"unknown summary {how!r}; there are {', '.join(SUMMARIES)}")
    return answer


def over_trainers(score: Any, file: Any, criterion: Any, n_files: int, n_criteria: int, how: str) -> Floats:
    """Ratings, one entry each, to (file, criterion): the trainers of a file taken together; NaN where nobody rated."""
    cell = np.asarray(file, dtype=np.int64) * n_criteria + np.asarray(criterion, dtype=np.int64)
    return grouped(score, cell, n_files * n_criteria, how).reshape(n_files, n_criteria)


def across(table: Floats, groups: Any, n_groups: int, how: str) -> Floats:
    """Summarise the columns of ``table`` (file, column) within ``groups`` (column,) → (file, group), NaN left out."""
    row, column = np.nonzero(~np.isnan(table))
    cell = row * n_groups + np.asarray(groups, dtype=np.int64)[column]
    return grouped(table[row, column], cell, len(table) * n_groups, how).reshape(len(table), n_groups)


def file_values(cells: Floats, item: Any, n_items: int, rule: Rule) -> tuple[Floats, Floats]:
    """Cells (file, criterion) to item scores (file, item) and to the file's score (file,), not yet rounded.

    ``item`` (criterion,) is the index of each criterion's item. Rounding comes once, at the end: an item score of 2.5
    stays 2.5.
    """
    items = across(cells, item, n_items, rule.item)
    whole = across(items, np.zeros(n_items, dtype=np.int64), 1, rule.level)[:, 0]
    return items, whole


def rounded(values: Any, steps: Any, how: str) -> Ints:
    """Index of the level (value,) that each score falls on; -1 for a missing score.

    Parameters
    ----------
    values : (value,)
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


def joint_minimum(inspe: Any, pix: Any, failed: int, waiting: Any = False) -> tuple[Ints, Ints]:
    """The lower of two ordered levels: the level that both evaluations recognise.

    Parameters
    ----------
    inspe, pix : (student,)
        Index of the level of each part, -1 where there is none.
    failed
        Index of the level that means «not reached» (-1 if the ladder has none): nobody is certified at it.
    waiting : (student,) bool
        The jury has not decided yet.

    Returns
    -------
    level, state : (student,)
        Index of the joint level (-1 where it is not known yet) and code in :data:`STATES`. A failed part refuses
        whatever the other part will be; the decision of the jury is waited for before the result of PIX+Édu.
    """
    a, b, undecided = np.broadcast_arrays(np.asarray(inspe), np.asarray(pix), np.asarray(waiting, dtype=bool))
    has_a, has_b = (a >= 0) & ~undecided, b >= 0
    lost = (failed >= 0) & ((has_a & (a == failed)) | (has_b & (b == failed)))
    level = np.where(lost, failed, np.where(has_a & has_b, np.minimum(a, b), -1)).astype(np.int64)
    state = np.select([lost, ~has_a, ~has_b], [REFUSED, WAITING_INSPE, WAITING_PIX], CERTIFIED)
    return level, state.astype(np.int64)


def joint_gate(inspe: Any, admissible: Any, failed: int, waiting: Any = False) -> tuple[Ints, Ints]:
    """PIX+Édu opens the door, the jury gives the level; the same answer as :func:`joint_minimum`.

    ``admissible`` (student,) is 1, 0, or -1 where there is no result.
    """
    a, gate, undecided = np.broadcast_arrays(np.asarray(inspe), np.asarray(admissible), np.asarray(waiting, dtype=bool))
    has_a = (a >= 0) & ~undecided
    lost = (gate == 0) | ((failed >= 0) & has_a & (a == failed))
    level = np.where(lost, failed, np.where(has_a & (gate == 1), a, -1)).astype(np.int64)
    state = np.select([lost, ~has_a, gate < 0], [REFUSED, WAITING_INSPE, WAITING_PIX], CERTIFIED)
    return level, state.astype(np.int64)


def binding(inspe: Any, pix: Any, ceiling: int) -> Ints:
    """Which part holds each student back, code in :data:`BINDING`; -1 where a part is missing.

    ``ceiling`` is the index of the highest level that PIX+Édu can give: a student who reached it and whose INSPÉ level
    is higher is held back by the ladder, not by the result.
    """
    a, b = np.asarray(inspe), np.asarray(pix)
    code = np.select([(a < 0) | (b < 0), a == b, a < b, b >= ceiling], [-1, 0, 1, 3], 2)
    return code.astype(np.int64)
