"""Covariance components of several scores of the same persons by the same raters.

The covariance of two effects comes from variances of sums: cov(a, b) = (var(a + b) − var(a) − var(b)) / 2 (Searle,
Casella & McCulloch 1992, § 11.1; Brennan 2001, ch. 9).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def covariance_components(scores: Any, estimate: Callable[[Floats], Floats]) -> Floats:
    """Covariance components (component, score, score).

    Parameters
    ----------
    scores : (rating, score)
    estimate
        Variance components (component, …) of columns (rating, …).
    """
    x = np.asarray(scores, dtype=float)
    n = x.shape[1]
    first, second = np.triu_indices(n)
    variances = estimate(x)
    sums = estimate(x[:, first] + x[:, second])
    half = (sums - variances[:, first] - variances[:, second]) / 2
    found = np.empty((len(variances), n, n))
    found[:, first, second] = half
    found[:, second, first] = half
    found[:, np.arange(n), np.arange(n)] = variances
    return found


def composite(components: Any, weights: Any) -> Floats:
    """Components (component,) of a weighted sum of the scores."""
    w = np.asarray(weights, dtype=float)
    return np.einsum("i,cij,j->c", w, np.asarray(components), w)


def correlations(covariance: Any) -> Floats:
    """Correlations (score, score) of a covariance matrix; NaN beside a variance that is not positive."""
    matrix = np.asarray(covariance, dtype=float)
    spread = np.sqrt(np.where(np.diag(matrix) > 0, np.diag(matrix), np.nan))
    return np.asarray(matrix / spread[:, None] / spread)
