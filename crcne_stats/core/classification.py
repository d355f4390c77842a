"""How accurate and how consistent a classification by scores is, by three published methods.

Rudner (2001, PARE 7(14); 2005, PARE 10(13)): abilities with normal errors. Lee (2010,
doi:10.1111/j.1745-3984.2009.00096.x): totals given ability, by the recursion of Lord & Wingersky (1984,
doi:10.1177/014662168400800409) for several levels. Livingston & Lewis (1995,
doi:10.1111/j.1745-3984.1995.tb00462.x): a beta distribution of true proportions and a binomial of effective length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Classified:
    """``accuracy``: share on their true level. ``consistency``: share on one level twice over.

    ``too_high`` and ``too_low``: shares above and below the true level; ``table`` (true level, observed level).
    """

    accuracy: float
    consistency: float
    too_high: float
    too_low: float
    table: Floats


def _classified(table: Floats, consistency: float) -> Classified:
    return Classified(
        float(np.trace(table)), consistency, float(np.triu(table, 1).sum()), float(np.tril(table, -1).sum()), table
    )


def rudner_each(ability: Any, se: Any, cuts: Any) -> Floats:
    """Accuracy and consistency of each student (2, student) by the same method."""
    estimate = np.asarray(ability, dtype=float)
    share = _normal_shares(estimate, np.asarray(se, dtype=float), cuts)
    level = np.searchsorted(np.asarray(cuts, dtype=float), estimate, side="right")
    return np.array([share[np.arange(len(share)), level], (share**2).sum(axis=1)])


def _normal_shares(estimate: Floats, error: Floats, cuts: Any) -> Floats:
    """Chance of each level (student, level)."""
    edges = np.r_[-np.inf, np.asarray(cuts, dtype=float), np.inf]
    return np.asarray(np.diff(stats.norm.cdf((edges - estimate[:, None]) / error[:, None]), axis=1))


def rudner(ability: Any, se: Any, cuts: Any) -> Classified:
    """Accuracy from estimates (student,) with errors (student,), the true ability being normal around the estimate.

    The estimate gives the observed level. ``consistency`` is that of two independent estimates around the same ability.
    """
    estimate, error = np.asarray(ability, dtype=float), np.asarray(se, dtype=float)
    share = _normal_shares(estimate, error, cuts)
    level = np.searchsorted(np.asarray(cuts, dtype=float), estimate, side="right")
    table = np.zeros((share.shape[1], share.shape[1]))
    np.add.at(table.T, level, share)
    return _classified(table / len(estimate), float((share**2).sum(axis=1).mean()))


def total_distribution(probabilities: Any) -> Floats:
    """Distribution (node, total) of the sum of independent ratings, ``probabilities`` (node, rating, score).

    Scores count from 0; a rating with fewer levels has zeros at its end (Lord & Wingersky's recursion).
    """
    p = np.asarray(probabilities, dtype=float)
    nodes, ratings, scores = p.shape
    found = np.zeros((nodes, ratings * (scores - 1) + 1))
    found[:, 0] = 1
    reach = 1
    for rating in range(ratings):
        new = np.zeros_like(found)
        for score in range(scores):
            new[:, score : score + reach] += found[:, :reach] * p[:, rating, score, None]
        found, reach = new, reach + scores - 1
    return found


def lee(totals: Floats, level_of_total: Any, true_level: Any, weight: Any) -> Classified:
    """Accuracy of levels read off totals.

    Parameters
    ----------
    totals : (node, total)
        Distribution of the total at each ability.
    level_of_total : (total,)
    true_level : (node,)
        The level that the ability deserves.
    weight : (node,)
        Share of students at each ability.
    """
    given, true = np.asarray(level_of_total, dtype=np.int64), np.asarray(true_level, dtype=np.int64)
    n = int(max(given.max(), true.max())) + 1
    share = np.zeros((len(totals), n))
    for level in range(n):
        share[:, level] = totals[:, given == level].sum(axis=1)
    w = np.asarray(weight, dtype=float) / np.sum(weight)
    table = np.zeros((n, n))
    np.add.at(table, true, w[:, None] * share)
    return _classified(table, float(w @ (share**2).sum(axis=1)))


@dataclass(frozen=True)
class FourBeta:
    """A beta distribution from ``low`` to ``high`` with shapes ``a`` and ``b``."""

    low: float
    high: float
    a: float
    b: float


def livingston_lewis(
    scores: Any, reliability: float, lowest: float, highest: float, cuts: Any, points: int = 4001
) -> Classified:
    """Accuracy from observed scores (student,) and their reliability alone.

    ``lowest`` and ``highest`` are the ends of the scale; ``cuts`` stand on it. The true proportions follow a beta
    distribution with the moments of the scores, from 0 to 1 where four moments give none inside; it is summed over so
    many ``points``.
    """
    x = (np.asarray(scores, dtype=float) - lowest) / (highest - lowest)
    mean, variance = float(x.mean()), float(x.var())
    if not 0 < reliability < 1 or variance <= 0 or not 0 < mean < 1:
        raise ValueError("the scores must vary inside their scale and the reliability lie between 0 and 1")
    length = effective_length(mean, variance, reliability)
    true = _beta_of(x, length)
    edges = (np.asarray(cuts, dtype=float) - lowest) / (highest - lowest)
    grid = np.linspace(true.low, true.high, points)
    middle = (grid[1:] + grid[:-1]) / 2
    density = np.diff(stats.beta.cdf((grid - true.low) / (true.high - true.low), true.a, true.b))
    observed = np.searchsorted(edges, np.arange(length + 1) / length, side="right")
    totals = stats.binom.pmf(np.arange(length + 1), length, middle[:, None])
    return lee(totals, observed, np.searchsorted(edges, middle, side="right"), density)


def effective_length(mean: float, variance: float, reliability: float) -> int:
    """Number of equal yes-or-no parts with the same reliability (Livingston & Lewis 1995, eq. 1), on the scale 0–1."""
    return max(round((mean * (1 - mean) - reliability * variance) / (variance * (1 - reliability))), 1)


def _beta_of(x: Floats, length: int) -> FourBeta:
    """Four-parameter beta of the true proportions by moments (Hanson 1991), two-parameter where there is none."""
    score = np.rint(x * length)
    n = float(length)
    raw = [1.0]
    falling, scale = np.ones_like(score), 1.0
    for k in range(4):
        falling = falling * (score - k)
        scale *= n - k
        raw.append(float(falling.mean()) / scale if scale > 0 else np.nan)
    m1 = raw[1]
    s2 = raw[2] - m1**2
    if not np.isfinite(raw).all() or s2 <= 0:
        return _two(m1, max(s2, 1e-6))
    g3 = (raw[3] - 3 * m1 * raw[2] + 2 * m1**3) / s2**1.5
    g4 = (raw[4] - 4 * m1 * raw[3] + 6 * m1**2 * raw[2] - 3 * m1**4) / s2**2
    bottom = 6 + 3 * g3**2 - 2 * g4
    r = 6 * (g4 - g3**2 - 1) / bottom if bottom else np.inf
    inner = 1 - 24 * (r + 1) / ((r + 2) * (r + 3) * g4 - 3 * (r + 1) * (r - 6))
    if not np.isfinite(r) or r <= 0 or inner < 0:
        return _two(m1, s2)
    root = float(np.sqrt(inner))
    a, b = (r / 2 * (1 - root), r / 2 * (1 + root)) if g3 > 0 else (r / 2 * (1 + root), r / 2 * (1 - root))
    if min(a, b) <= 0:
        return _two(m1, s2)
    width = float(np.sqrt(s2) * (a + b) * np.sqrt(a + b + 1) / np.sqrt(a * b))
    low = m1 - a / (a + b) * width
    if low < 0 or low + width > 1:
        return _two(m1, s2)
    return FourBeta(low, low + width, a, b)


def _two(mean: float, variance: float) -> FourBeta:
    total = max(mean * (1 - mean) / variance - 1, 1e-3)
    return FourBeta(0.0, 1.0, mean * total, (1 - mean) * total)
