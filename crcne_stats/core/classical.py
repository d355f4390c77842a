"""Classical statistics of criteria: means, item–rest correlation, Cronbach's α, with errors clustered by student.

Axes: *row* (one student's file seen by one trainer), *criterion*. A missing cell is NaN. Standard errors come from
influence functions summed over each student before squaring, so that two trainers on one student are not counted as
two students (cluster-robust, with the factor G / (G − 1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """An estimate, its clustered standard error and its interval; NaN where fewer than two students carry it."""

    value: float
    se: float
    low: float
    high: float
    n_clusters: int


def interval(
    value: float, influence: Floats, cluster: Ints, scale: str = "plain", confidence: float = 0.95
) -> Interval:
    """Interval of ``value`` from the influence of each row (row,), NaN where a row takes no part.

    ``influence`` is scaled so that the estimate moves by its mean. ``scale`` says where the interval is symmetric:
    "plain", "correlation" (Fisher's z), "share" (log odds) or "alpha" (log(1 − α), Bonett 2002,
    doi:10.3102/10769986027004335).
    """
    used = ~np.isnan(influence)
    rows = int(used.sum())
    groups, owner = np.unique(cluster[used], return_inverse=True)
    m = len(groups)
    if m < 2 or not np.isfinite(value):
        return Interval(value, np.nan, np.nan, np.nan, m)
    sums = np.bincount(owner, influence[used])
    se = float(np.sqrt(m / (m - 1) * (sums**2).sum()) / rows)
    t = float(stats.t.ppf((1 + confidence) / 2, m - 1))
    if scale == "correlation" and abs(value) < 1:
        z, reach = np.arctanh(value), t * se / (1 - value**2)
        return Interval(value, se, float(np.tanh(z - reach)), float(np.tanh(z + reach)), m)
    if scale == "share" and 0 < value < 1:
        z, reach = np.log(value / (1 - value)), t * se / (value * (1 - value))
        return Interval(value, se, float(special.expit(z - reach)), float(special.expit(z + reach)), m)
    if scale == "alpha" and value < 1:
        reach = float(np.exp(t * se / (1 - value)))
        return Interval(value, se, 1 - (1 - value) * reach, 1 - (1 - value) / reach, m)
    return Interval(value, se, value - t * se, value + t * se, m)


def mean(x: Floats, cluster: Ints) -> Interval:
    """Mean of ``x`` (row,), missing rows left out."""
    if np.isnan(x).all():
        return Interval(np.nan, np.nan, np.nan, np.nan, 0)
    value = float(np.nanmean(x))
    return interval(value, x - value, cluster)


def correlation(x: Floats, y: Floats, cluster: Ints, y_square: Floats | None = None) -> tuple[Interval, Floats]:
    """Pearson's r over the rows where both are known, and the influence of each row (row,) on it.

    Where ``y`` is the mean of several values, ``y_square`` is the mean of their squares; r is then that of ``x`` with
    each single value, the values of one row sharing its weight. NaN when fewer than three rows are known or a side is
    constant.
    """
    used = ~(np.isnan(x) | np.isnan(y))
    influence = np.full(len(x), np.nan)
    a, b = x[used], y[used]
    if len(a) < 3 or is_constant(a) or is_constant(b):
        return Interval(np.nan, np.nan, np.nan, np.nan, len(np.unique(cluster[used]))), influence
    square = (b - b.mean()) ** 2
    if y_square is not None:
        square = square + np.maximum(y_square[used] - b**2, 0)  # plus the spread of the values within the row
    za, zb = (a - a.mean()) / a.std(), (b - b.mean()) / np.sqrt(square.mean())
    r = float(np.clip((za * zb).mean(), -1, 1))
    influence[used] = za * zb - r / 2 * (za**2 + square / square.mean())
    return interval(r, influence, cluster, "correlation"), influence


def is_constant(x: Floats) -> bool:
    """Whether the known values do not vary, up to rounding."""
    return bool(np.ptp(x) <= 1e-12 * max(1.0, float(np.abs(x).max()))) if len(x) else True


def rest(x: Floats) -> Floats:
    """For each cell (row, criterion), how the row stands on the *other* criteria that it has.

    The mean of the deviations from each criterion's own mean: with complete rows the same as the sum of the other
    criteria, up to a linear change; with missing cells an absent easy criterion does not make a student look weak. NaN
    where the row has no other criterion.
    """
    deviation = _deviations(x)
    known = ~np.isnan(deviation)
    filled = np.where(known, deviation, 0.0)
    others = known.sum(axis=1, keepdims=True) - known
    total = filled.sum(axis=1, keepdims=True) - filled
    return np.where(others > 0, total / np.maximum(others, 1), np.nan)


def of_others(values: Floats, file: Ints) -> Floats:
    """For each cell (row, criterion), the mean of ``values`` over the *other* rows of the same file; NaN without any.

    ``file`` (row,) numbers the files from 0. Rows of one file are its trainers.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    n_files = int(file.max(initial=-1)) + 1
    order = np.argsort(file, kind="stable")
    start = np.searchsorted(file[order], np.arange(n_files))
    total, number = (np.add.reduceat(part[order], start, axis=0)[file] for part in (filled, known.astype(float)))
    others = number - known
    return np.where(others > 0, (total - filled) / np.maximum(others, 1), np.nan)


def covariance(x: Floats) -> Floats:
    """Covariances (criterion, criterion), each over the rows that have both; NaN where fewer than two have.

    The same numbers as ``DataFrame.cov``: each pair is centred at the means over its own rows.
    """
    known = (~np.isnan(x)).astype(float)
    shifted = np.where(known > 0, _deviations(x), 0.0)  # near zero, so that differences of sums stay exact
    n = known.T @ known
    with np.errstate(divide="ignore", invalid="ignore"):
        first = shifted.T @ known  # sum of the first of the pair over the common rows
        c = (shifted.T @ shifted - first * first.T / n) / (n - 1)
    return np.where(n >= 2, c, np.nan)


def alpha(c: Floats) -> float:
    """Cronbach's (1951, doi:10.1007/BF02310555) α from covariances (criterion, criterion); NaN if it cannot be had."""
    k, total = len(c), c.sum()
    return float(k / (k - 1) * (1 - np.trace(c) / total)) if k >= 2 and total > 0 else np.nan


def feldt(value: float, n_rows: int, n_criteria: int, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds of α on independent, complete rows (Feldt, Woodruff & Salih 1987, doi:10.1177/014662168701100107)."""
    tail, d = (1 - confidence) / 2, n_rows - 1
    upper, lower = (float(stats.f.isf(p, d, d * (n_criteria - 1))) for p in (tail, 1 - tail))
    return 1 - (1 - value) * upper, 1 - (1 - value) * lower


def alpha_without(c: Floats) -> Floats:
    """α of the other criteria when each one in turn is left out (criterion,)."""
    every = np.arange(len(c))
    return np.array([alpha(c[np.ix_(every != j, every != j)]) for j in every])


def alpha_slope(c: Floats) -> Floats:
    """Derivative of α in each covariance (criterion, criterion)."""
    k, total = len(c), c.sum()
    return -k / (k - 1) * (np.eye(k) * total - np.trace(c)) / total**2


def covariance_influence(x: Floats, c: Floats, slope: Floats) -> Floats:
    """What each row (row,) does to a number that moves by ``slope`` (criterion, criterion) × the move of covariances.

    The delta method on the pairwise covariances ``c`` of ``x``; NaN for a row without a rating.
    """
    known = (~np.isnan(x)).astype(float)
    d = np.where(known > 0, _deviations(x), 0.0)
    # Each covariance moves by the mean over its own rows; as a mean over all rows it weighs rows / common rows.
    common = np.maximum(known.T @ known, 1)
    weight, centre = slope * len(x) / common, (d.T @ known) / common
    influence = (
        ((d @ weight) * d).sum(axis=1)
        - 2 * ((d @ (weight * centre.T)) * known).sum(axis=1)
        + ((known @ (weight * (centre * centre.T - c))) * known).sum(axis=1)
    )
    rated = known.any(axis=1)
    return np.where(rated, influence * rated.mean(), np.nan)


def _deviations(x: Floats) -> Floats:
    """Cells as deviations from the mean of their criterion; a criterion without any rating stays NaN."""
    known = ~np.isnan(x)
    number = np.maximum(known.sum(axis=0), 1)
    result: Any = x - np.where(known, x, 0.0).sum(axis=0) / number
    return result
