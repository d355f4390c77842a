"""Coefficients without each student in turn.

Few distinct patterns of counts exist, so few distinct jackknife values do: students whose files show the same
patterns share one. Where trainers' margins count, each student's own trainers are corrected, no margin is added anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.agreement import COEFFICIENTS, moments_of, values
from crcne_stats.core.counts import Counts
from crcne_stats.core.influence import used
from crcne_stats.core.moments import Moments, pattern_moments
from crcne_stats.core.pairs import pairs

Array = NDArray[Any]
_MOST_CELLS = 2**22


def jackknife(counts: Counts, coefficient: str, w: Array | None, n_students: int) -> Array:
    """The coefficient without each student, shape (student,); NaN for a student on whom it does not rest.

    Parameters
    ----------
    counts : Counts
        One criterion; ``counts.cluster`` holds codes of students below ``n_students``.
    coefficient : str
        A name of ``agreement.COEFFICIENTS``; for "cohen" and "scott" the files rated once are dropped.
    w : (level, level) or None
        Agreement weights; None for Krippendorff's ordinal metric, taken anew without each student.

    NaN too where the coefficient does not exist without that student. Source: Efron & Tibshirani (1993), An
    Introduction to the Bootstrap, ch. 11.
    """
    data, entry = used(counts, coefficient), COEFFICIENTS[coefficient]
    rests = data.pairable if entry.files == "pairable" else np.ones(data.n_files, dtype=bool)
    answer = np.full(n_students, np.nan)
    if not rests.any():
        return answer
    base = moments_of(data, coefficient, w)
    if not entry.trainers:
        kind, file_of = data.kinds
        less = (base.flat[0] - file_of @ pattern_moments(data))[kind]
        by_pair = None if base.by_pair is None else base.by_pair + _pair_change(data, coefficient, w)
        found = values(Moments(less, data.n_levels, by_pair), coefficient, w)[0]
    else:
        found = _without_trainers(base.flat[0], data, coefficient, w)
    answer[data.students[0]] = found
    return np.where(np.bincount(data.cluster[rests], minlength=n_students) > 0, answer, np.nan)


def _pair_change(data: Counts, coefficient: str, w: Array | None) -> Array:
    """Change of the sums over pairs of trainers without each student, by ascending code, shape (student, part)."""
    met, q, find = pairs(data), data.n_levels, COEFFICIENTS[coefficient].pairs
    assert find is not None
    students, of_file = data.students
    owner = of_file[met.file]
    seats, place = np.unique(owner * max(len(met), 1) + met.pair, return_inverse=True)
    given = np.bincount((place * q + met.first) * q + met.second, minlength=len(seats) * q * q).reshape(-1, q, q)
    who, pair = np.divmod(seats, max(len(met), 1))
    before = find(met.tables(), w)
    change = find(met.tables()[pair] - given, w) - before[pair]
    answer = np.zeros((len(students), before.shape[1]))
    if len(who):
        answer[np.unique(who)] = np.add.reduceat(change, np.flatnonzero(np.diff(who, prepend=-1)), axis=0)
    return answer


def _without_trainers(base: Array, data: Counts, coefficient: str, w: Array | None) -> Array:
    """Value without each student, by ascending code, in slices that keep memory small."""
    q = data.n_levels
    students, owner = data.students
    kind, file_of = data.kinds
    by_kind = file_of @ pattern_moments(data)
    seats, place = np.unique(owner[data.file] * data.n_trainers + data.trainer, return_inverse=True)
    who, trainer = np.divmod(seats, data.n_trainers)
    given = np.bincount(place * q + data.level, minlength=len(seats) * q).reshape(-1, q)
    edges = np.searchsorted(who, np.arange(len(students) + 1))
    step = max(1, _MOST_CELLS // len(base))
    found = []
    for begin in range(0, len(students), step):
        end = min(begin + step, len(students))
        own = slice(edges[begin], edges[end])
        change = _trainer_change(data.margins[trainer[own]], given[own])
        by_trainer = np.add.reduceat(change, edges[begin:end] - edges[begin], axis=0)
        less = np.concatenate([-by_kind[kind[begin:end]], by_trainer], axis=1)
        found.append(values(Moments(base + less, q), coefficient, w)[0])
    return np.concatenate(found)


def _trainer_change(margin: Array, given: Array) -> Array:
    """Change of the trainers' moments (seat, moment) when the ratings ``given`` (seat, level) leave ``margin``."""
    q = margin.shape[1]
    before = margin / margin.sum(axis=1, keepdims=True)
    left = margin - given
    stays = left.sum(axis=1) > 0
    after = left / np.where(stays, left.sum(axis=1), 1)[:, None]
    cross = after[:, :, None] * after[:, None, :] - before[:, :, None] * before[:, None, :]
    gone = stays[:, None] - 1.0
    return np.concatenate([after - before, cross.reshape(-1, q * q), gone, gone], axis=1)


def jackknife_se(without: Array) -> Array:
    """Jackknife standard errors (…,) from values without each student (student, …).

    Students marked NaN are those who do not count. NaN with fewer than two.
    """
    m = (~np.isnan(without)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(without, axis=0) / m
        return np.where(m > 1, np.sqrt((m - 1) / m * np.nansum((without - mean) ** 2, axis=0)), np.nan)
