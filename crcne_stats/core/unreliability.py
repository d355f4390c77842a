"""What the error of one of two measures does to their association."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtri

from crcne_stats.core.polychoric import bivariate

Floats = NDArray[np.float64]


def lengthened(reliability: Any, k: Any) -> Floats:
    """Reliability of the mean of ``k`` parallel measures (Spearman 1910; Brown 1910)."""
    r, times = np.asarray(reliability, dtype=float), np.asarray(k, dtype=float)
    return np.asarray(times * r / (1 + (times - 1) * r))


@dataclass(frozen=True)
class Corrected:
    """A correlation without the error of one measure, its interval, and the part of its bounds that is cut at 1."""

    value: float
    se: float
    low: float
    high: float


def disattenuated(
    correlation: float, se: float, reliability: float, reliability_se: float, confidence: float = 0.95
) -> Corrected:
    """``correlation`` / √``reliability`` (Spearman 1904, doi:10.2307/1412159), error by the delta method.

    Both errors are taken as independent. The value may pass 1; bounds are cut there.
    """
    root = np.sqrt(reliability)
    value = correlation / root
    error = float(np.hypot(se / root, correlation * reliability_se / (2 * reliability**1.5)))
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return Corrected(float(value), error, max(float(value) - reach, -1.0), min(float(value) + reach, 1.0))


def expected_table(correlation: float, first: Any, second: Any) -> Floats:
    """Probabilities (first level, second level) of two ordered variables with given shares of levels.

    Both are cuts of normal variables with that ``correlation``; ``first`` and ``second`` are shares (level,), zeros
    included.
    """
    cuts = [ndtri(np.clip(np.r_[0.0, np.cumsum(np.asarray(s, dtype=float) / np.sum(s))], 0.0, 1.0))
            for s in (first, second)]  # fmt: skip
    for own in cuts:
        own[-1] = np.inf
    both = bivariate(cuts[0][:, None], cuts[1][None, :], float(np.clip(correlation, -0.99999, 0.99999)))
    return np.asarray(np.maximum(np.diff(np.diff(both, axis=0), axis=1), 0.0))
