"""What each student does to an agreement coefficient: linearised values on a common footing.

The influence of a student is the first-order share of that student in the coefficient: influences add up to (nearly)
zero and the variance of the coefficient is ``m / (m − 1)`` times the sum of their squares over its ``m`` students. Two
coefficients on the same students therefore have a covariance: the sum of products (Gwet 2016, doi:10.1177/
0013164415596420). Everything rests on the linearisation in :mod:`crcne_stats.core.agreement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.agreement import COEFFICIENTS, deviates, moments_of, values
from crcne_stats.core.counts import Counts
from crcne_stats.core.pairs import cell_slopes, cohen

Array = NDArray[Any]


def used(counts: Counts, coefficient: str) -> Counts:
    """The counts on which a coefficient rests: those of two trainers keep only the files that both rated."""
    entry = COEFFICIENTS.get(coefficient)
    restricted = entry is not None and entry.files == "pair" and not counts.pairable.all()
    return counts.only(counts.pairable) if restricted else counts


def influence(
    counts: Counts, coefficient: str, w: Array | None, n_students: int, convention: str = "delta"
) -> tuple[float, Array]:
    """Value of a coefficient and the influence of each student, shape (student,).

    Parameters
    ----------
    counts : Counts
        One criterion; ``counts.cluster`` holds codes of students below ``n_students``.
    coefficient : str
        A name of ``agreement.COEFFICIENTS``. For "cohen" and "scott" the files rated once are dropped.
    w : (level, level) or None
        Agreement weights; None for Krippendorff's ordinal metric.
    convention : {"delta", "gwet"}
        As in ``agreement.deviates``. "delta" estimates the variance that the bootstrap of students has; "gwet" that
        of irrCAC, which holds the share of files rated twice fixed.

    Returns
    -------
    value, (student,)
        NaN for a student on whom the coefficient does not rest, and throughout where it does not exist.

    Raises
    ------
    KeyError
        For a coefficient outside the registry.
    """
    data, entry = used(counts, coefficient), COEFFICIENTS[coefficient]
    answer = np.full(n_students, np.nan)
    if not data.n_files or not data.pairable.any():
        return float("nan"), answer
    value = float(values(moments_of(data, coefficient, w), coefficient, w)[0][0])
    if np.isnan(value):
        return value, answer
    rests = data.pairable if entry.files == "pairable" else np.ones(data.n_files, dtype=bool)
    pull = deviates(data, coefficient, w, convention)[rests] / rests.sum()
    return value, _by_student(data.cluster[rests], pull, n_students)


def _by_student(owner: Array, pull: Array, n_students: int) -> Array:
    present = np.bincount(owner, minlength=n_students) > 0
    return np.where(present, np.bincount(owner, pull, minlength=n_students), np.nan)


def cohen_slopes(tables: Array, w: Array | None) -> tuple[Array, Array]:
    """Kappa of each cross-table, shape (pair,), and its derivative by each cell, shape (pair, level, level).

    Kappa does not change when a table is multiplied, so derivatives weighted by the table add up to zero.
    """
    value, cells = cohen(tables, w)[0], tables.shape[-1] ** 2
    pair, cell = np.divmod(np.arange(len(tables) * cells), cells)
    slope = cell_slopes(tables, lambda table: cohen(table, w)[0][:, None], pair, cell).reshape(tables.shape)
    return value, np.where(np.isnan(value)[:, None, None], np.nan, slope)


def influences(
    questions: Sequence[tuple[Counts, str, Array | None]], n_students: int, convention: str = "delta"
) -> tuple[Array, Array]:
    """Values (coefficient,) and influences (student, coefficient) of several coefficients on the same students.

    ``questions``: counts, name and weights of each, as for :func:`influence`: criteria side by side, coefficients on
    one criterion, or the same criterion before and after a meeting.
    """
    found = [influence(counts, name, w, n_students, convention) for counts, name, w in questions]
    if not found:
        return np.zeros(0), np.zeros((n_students, 0))
    return np.array([value for value, _ in found]), np.stack([pull for _, pull in found], axis=1)


def standard_errors(influence: Array) -> Array:
    """Linearised standard errors (…,) from influences (student, …); NaN with fewer than two students."""
    m = (~np.isnan(influence)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(m > 1, np.sqrt(m / (m - 1) * np.nansum(influence**2, axis=0)), np.nan)


def covariance(influence: Array) -> tuple[Array, int]:
    """Covariance (coefficient, coefficient) of the coefficients, and the number of students behind it.

    ``influence`` (student, coefficient); a student who counts for some coefficients only adds nothing to the others.
    The small-sample factor is that of the students who count for any. NaN with fewer than two.
    """
    counted = influence[~np.isnan(influence).all(axis=1)]
    m, pull = len(counted), np.nan_to_num(counted)
    if m < 2:
        return np.full((influence.shape[1],) * 2, np.nan), m
    pull = pull - pull.mean(axis=0)
    return m / (m - 1) * (pull.T @ pull), m
