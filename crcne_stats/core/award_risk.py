"""How often awards are wrong: chances of single students, and totals with their error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import beta

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RUN = 4096


@dataclass(frozen=True, eq=False)
class Reach:
    """Chance that a student deserves each level of the ladder or a higher one, and how it moves with the parameters.

    ``share``, ``density`` (student, level), the lowest level has share 1; ``gradient`` (student, estimate) of ability,
    ``cut_gradient`` (level, estimate) of where each level begins.
    """

    share: Floats
    density: Floats
    gradient: sparse.csr_array
    cut_gradient: Floats


def parameter_variance(gradient: sparse.csr_array, cut_gradient: Floats, covariance: Floats) -> Floats:
    """Variance (student, cut) that the error of the parameters adds to ability less the cut."""
    moved = covariance @ cut_gradient.T
    own = np.einsum("ce,ec->c", cut_gradient, moved)
    answer = np.empty((gradient.shape[0], len(cut_gradient)))
    for begin in range(0, gradient.shape[0], RUN):
        rows = gradient[begin : begin + RUN]
        spread = rows @ covariance
        alone = np.asarray(rows.multiply(spread).sum(axis=1)).ravel()
        answer[begin : begin + RUN] = alone[:, None] - 2 * (rows @ moved) + own
    return np.maximum(answer, 0.0)


@dataclass(frozen=True, eq=False)
class Risk:
    """Chance (student,) of a wrong award, its slope in the reach of one level, and which level that is.

    ``level`` (student,) is a column of :class:`Reach`; the slope is 0 where the chance rests on none.
    """

    chance: Floats
    slope: Floats
    level: Ints


def too_high(reach: Floats, other: Floats, given: Ints) -> Risk:
    """That less than the level given is deserved. ``reach`` (student, level), ``given`` (student,).

    ``other`` (student, level) is the chance that the other part reaches each level; 1 throughout without one.
    """
    rows = np.arange(len(given))
    return Risk(1 - reach[rows, given] * other[rows, given], -other[rows, given], given)


def too_low(reach: Floats, other: Floats, given: Ints) -> Risk:
    """That more than the level given is deserved."""
    rows, top = np.arange(len(given)), reach.shape[1] - 1
    above = np.minimum(given + 1, top)
    slope = np.where(given < top, other[rows, above], 0.0)
    return Risk(reach[rows, above] * slope, slope, above)


@dataclass(frozen=True)
class Total:
    """A number of students who are wrongly placed: expected, its standard deviation, and an interval."""

    number: float
    sd: float
    low: float
    high: float


def total(risk: Risk, reach: Reach, rows: Ints, covariance: Floats, confidence: float) -> Total:
    """The number of wrong awards among the students ``rows``.

    Its variance is that of who happens to be wrongly placed, given the parameters, plus that of the parameters (delta
    method). The interval is that of a beta distribution of the share with the same mean and variance.
    """
    n = len(rows)
    chance = risk.chance[rows]
    level = risk.level[rows]
    weight = risk.slope[rows] * reach.density[rows, level]
    slope = reach.gradient[rows].T @ weight
    slope = np.asarray(slope) - np.bincount(level, weight, minlength=len(reach.cut_gradient)) @ reach.cut_gradient
    variance = float((chance * (1 - chance)).sum()) + float(slope @ covariance @ slope)
    low, high = share_interval(float(chance.sum()) / max(n, 1), variance / max(n, 1) ** 2, confidence)
    return Total(float(chance.sum()), float(np.sqrt(variance)), low * n, high * n)


def share_interval(mean: float, variance: float, confidence: float) -> tuple[float, float]:
    """Interval of a share with this mean and variance, by a beta distribution."""
    if not 0 < mean < 1 or variance <= 0:
        return mean, mean
    size = mean * (1 - mean) / variance - 1
    if size <= 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low, high = beta.ppf([tail, 1 - tail], mean * size, (1 - mean) * size)
    return float(low), float(high)
