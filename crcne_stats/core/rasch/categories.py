"""Do the levels work: thresholds, their order, where each level is the likeliest, how much is known where."""

from __future__ import annotations

import numpy as np
from scipy import stats

from crcne_stats.core.rasch.design import Floats
from crcne_stats.core.rasch.rated import chances


def step_sums(thresholds: Floats) -> Floats:
    """Summed thresholds up to each level (group, level), from thresholds by level (group, level).

    +inf for levels that nobody used; the lowest used one (whose threshold is −inf) has 0.
    """
    climbed = np.where(np.isfinite(thresholds), thresholds, 0.0)
    used = ~np.isposinf(thresholds)
    levels = np.arange(thresholds.shape[1])
    # Over unused levels a step climbs more than one level: its threshold counts for each of them.
    last = np.maximum.accumulate(np.where(used, levels, -1), axis=1)
    before = np.concatenate([np.full((len(used), 1), -1), last[:, :-1]], axis=1)
    gap = np.where(used & np.isfinite(thresholds), levels - before, 0)
    return np.where(used, np.cumsum(climbed * gap, axis=1), np.inf)


def half_points(thresholds: Floats) -> Floats:
    """Thurstone thresholds (group, level): where reaching the level or more has chance ½; NaN for unused levels.

    They are in order whatever the Andrich thresholds are (Linacre, winsteps.com/winman/table3_2.htm).
    """
    sums = step_sums(thresholds)
    wanted = np.isfinite(thresholds)
    low = np.full(thresholds.shape, -40.0)
    high = np.full(thresholds.shape, 40.0)
    levels = np.arange(thresholds.shape[1])
    for _ in range(60):
        middle = (low + high) / 2
        p = chances(sums.T[:, :, None], middle)
        reached = np.where(levels[:, None, None] >= levels, p, 0.0).sum(axis=0) >= 0.5
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle)
    return np.where(wanted, (low + high) / 2, np.nan)


def disorder(threshold: Floats, covariance: Floats) -> Floats:
    """Probability (threshold,) that each threshold lies below the one before it, given estimates and covariance.

    Normal approximation; NaN for the first one.
    """
    answer = np.full(len(threshold), np.nan)
    if len(threshold) > 1:
        gap = np.diff(threshold)
        variance = np.diag(covariance)
        error = variance[1:] + variance[:-1] - 2 * np.diag(covariance, 1)
        answer[1:] = stats.norm.sf(gap / np.sqrt(np.maximum(error, 1e-12)))
    return answer


def curves(sums: Floats, location: Floats) -> Floats:
    """Probability of each level (level, group, location), from summed thresholds (group, level)."""
    return chances(sums.T[:, :, None], np.tile(location, (len(sums), 1)))


def expected_levels_of(sums: Floats, score: Floats, weight: Floats, location: Floats) -> Floats:
    """Expected score (element,) at locations (element,), averaged over groups of thresholds.

    ``sums`` and ``score`` (group, level): summed thresholds and the score of each level; ``weight`` (element, group).
    NaN where the location is.
    """
    known = np.isfinite(location)
    answer = np.full(len(location), np.nan)
    place = np.where(known, location, 0.0)
    total = np.zeros(len(location))
    for group in np.flatnonzero(weight.sum(axis=0) > 0):
        total += weight[:, group] * (score[group] @ chances(sums[group][:, None], place))
    answer[known] = total[known]
    return answer
