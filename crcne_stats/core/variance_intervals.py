"""Intervals of variance components and of what is made of them: generalised confidence intervals.

The estimator is drawn anew from the model at the estimate (a parametric bootstrap). A mean square so drawn, as a
multiple of its expectation, hardly depends on the components: on balanced data it is χ² over its degrees of freedom.
Dividing the mean squares in hand by these multiples gives draws of mean squares that would explain what was seen, and
so of components and of any function of them, whose quantiles are the bounds (Weerahandi 1993, Journal of the American
Statistical Association 88, 899–905; Burdick, Borror & Montgomery 2005, Design and Analysis of Gauge R&R Studies, app.
B). Quantiles of the plain draws hold too rarely where an effect has few levels. Coverage is studied in
``benchmarks/variance_coverage.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_LEAST = 1e-3
"""Missing cells can make a drawn mean square negative; as a multiple of its expectation it is not taken below this."""


def mean_squares(facets: Sequence[frozenset[str]], counts: Sequence[int], n: int) -> Floats:
    """Expected mean squares (component, component) by component, as if cells were as full as they are on average.

    Parameters
    ----------
    facets : (component,)
        Facets of each effect and of what it is nested in, the residual last.
    counts : (component,)
        Levels of each effect; of the residual, the ratings.
    n
        Ratings.
    """
    found = np.zeros((len(facets), len(facets)))
    for row, own in enumerate(facets):
        for column, other in enumerate(facets):
            if own <= other:
                found[row, column] = n / counts[column]
    return found


def pivots(value: Any, draws: Any, expected: Floats, covariance: Any = None) -> Floats:
    """Components (component, draw) that would explain the estimates, from draws of the estimator at them.

    Parameters
    ----------
    value : (component,)
        May be negative.
    draws : (component, draw)
    expected : (component, component)
        From :func:`mean_squares`.
    covariance : (component, component)
        Of the estimates where they vary less than the draws, as those of maximum likelihood do where cells are missing;
        NaN for a component at its boundary. The multiples are then drawn together.
    """
    estimate = np.asarray(value, dtype=float)
    at = expected @ np.maximum(estimate, 0.0)
    drawn = expected @ np.asarray(draws, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        multiple = np.where(at[:, None] > 0, drawn / at[:, None], 1.0)
    power = np.ones(len(at))
    if covariance is not None:
        own = np.asarray(covariance, dtype=float)
        exact = np.einsum("ab,bc,ac->a", expected, np.nan_to_num(own), expected)
        usable = np.isfinite(np.diag(own)) & (exact > 0)
        power[usable] = np.minimum(1.0, np.sqrt(exact[usable] / drawn[usable].var(axis=1)))
    explained = (expected @ estimate)[:, None] / np.maximum(multiple, _LEAST) ** power[:, None]
    return np.asarray(np.linalg.solve(expected, explained))


def bounds(value: Any, drawn: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Low and high (…,) of values (…,) with draws (…, draw); they hold the value itself. Draws without a value count 0.

    A variance is never below nil: give its draws so.
    """
    tail = (1 - level) / 2
    x = np.asarray(drawn, dtype=float)
    low, high = np.quantile(np.where(np.isfinite(x), x, 0.0), [tail, 1 - tail], axis=-1)
    return np.fmin(low, value), np.fmax(high, value)
