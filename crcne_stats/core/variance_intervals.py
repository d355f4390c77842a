"""Intervals of variance components and of what is made of them, from draws of the estimator.

The draws (component, draw) come from the model itself at the estimate: a parametric bootstrap. A component that is
well above nil is taken as a multiple of χ² whose degrees of freedom agree with its error (Satterthwaite 1946,
doi:10.2307/3002019; Burdick & Graybill 1992, Confidence Intervals on Variance Components, § 3.2); the quantiles of the
draws serve near nil, where no χ² fits. A coefficient is worked out on the scale of the log ratio of error to universe
score, with Student's t for the degrees of freedom of the error. Coverage is studied in ``benchmarks/``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
WELL_ABOVE = 2.5
"""Standard errors above nil from which a component is taken as a multiple of χ²."""


def of_components(value: Any, draws: Any, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Standard error, low and high (component,) of components (component,) with draws (component, draw).

    Bounds are never below nil: a variance is not, although its estimate may be.
    """
    estimate, drawn = np.asarray(value, dtype=float), np.asarray(draws, dtype=float)
    tail = (1 - level) / 2
    se = drawn.std(axis=1, ddof=1)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=1)
    firm = (estimate > WELL_ABOVE * se) & (se > 0)
    freedom = 2 * (estimate[firm] / se[firm]) ** 2
    low[firm] = freedom * estimate[firm] / stats.chi2.ppf(1 - tail, freedom)
    high[firm] = freedom * estimate[firm] / stats.chi2.ppf(tail, freedom)
    return se, np.maximum(low, 0.0), np.maximum(high, 0.0)


def of_ratio(universe: Any, error: Any, draws: tuple[Any, Any], level: float = 0.95) -> tuple[Floats, Floats]:
    """Bounds (…,) of universe / (universe + error) from both and their draws (…, draw).

    Where a draw or the estimate has no universe-score variance or no error, the quantiles of the drawn ratios serve.
    """
    u, e = np.asarray(universe, dtype=float), np.asarray(error, dtype=float)
    drawn_u, drawn_e = np.asarray(draws[0], dtype=float), np.asarray(draws[1], dtype=float)
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = drawn_u / (drawn_u + drawn_e)
        low, high = np.nanquantile(np.where(np.isfinite(ratio), ratio, 0.0), [tail, 1 - tail], axis=-1)
        spread = np.log(drawn_e / drawn_u).std(axis=-1, ddof=1)
        freedom = np.maximum(2 * (drawn_e.mean(axis=-1) / drawn_e.std(axis=-1, ddof=1)) ** 2, 1.0)
        reach = np.exp(stats.t.ppf(1 - tail, freedom) * spread)
        usable = np.isfinite(reach) & (u > 0) & (e > 0)
        return (
            np.where(usable, u / (u + e * reach), low),
            np.where(usable, u / (u + e / reach), high),
        )


def of_error(error: Any, draws: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Bounds (…,) of the square root of an error variance, from it and its draws (…, draw)."""
    value, drawn = np.atleast_1d(np.asarray(error, dtype=float)), np.asarray(draws, dtype=float)
    _, low, high = of_components(value.ravel(), drawn.reshape(value.size, -1), level)
    return np.sqrt(low).reshape(np.shape(error)), np.sqrt(high).reshape(np.shape(error))
