"""Intervals from a value, its standard error, its influences and its bootstrap draws.

Arrays: ``value`` (…,), ``se`` (…,), ``draws`` (resample, …), ``influence`` (student, …); bounds come back as (low,
high), each (…,). A draw that is NaN (a resample in which the coefficient does not exist) is left out.

Sources: Efron (1987) doi:10.1080/01621459.1987.10478410 (BCa); Efron & Tibshirani (1993), An Introduction to
the Bootstrap, ch. 12–14.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]


@dataclass(frozen=True)
class Transform:
    """A scale on which an estimate is nearer to normal: ``to``, ``back`` and the slope of ``to`` at a value."""

    to: Callable[[Array], Array]
    back: Callable[[Array], Array]
    slope: Callable[[Array], Array]


TRANSFORMS: dict[str, Transform] = {
    "none": Transform(lambda x: x, lambda y: y, np.ones_like),
    "fisher": Transform(np.arctanh, np.tanh, lambda x: 1 / (1 - x**2)),
    "logit": Transform(lambda x: np.log(x) - np.log1p(-x), lambda y: 1 / (1 + np.exp(-y)), lambda x: 1 / (x * (1 - x))),
}
"""Scales by name. "fisher" maps (−1, 1), "logit" (0, 1). A value at the end of a scale has no interval there: NaN."""


def percentile(draws: Any, level: float = 0.95) -> tuple[Array, Array]:
    """Quantiles of the draws (resample, …) (Efron 1979)."""
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    return _quantiles(np.asarray(draws, dtype=float), ends)


def _quantiles(draws: Array, ends: Array) -> tuple[Array, Array]:
    """Quantiles of each column of draws; ``ends`` (2,) or (2, …); NaN where there is no draw or no end.

    The p-quantile is draw number (R + 1) p in order (Davison & Hinkley 1997, Bootstrap Methods, § 2.4).
    """
    flat = draws.reshape(len(draws), -1)
    wanted = np.broadcast_to(ends.reshape(2, -1) if ends.ndim > 1 else ends[:, None], (2, flat.shape[1]))
    found = np.full((2, flat.shape[1]), np.nan)
    for column in range(flat.shape[1]):
        exists = flat[~np.isnan(flat[:, column]), column]
        if len(exists) and not np.isnan(wanted[:, column]).any():
            found[:, column] = np.quantile(exists, wanted[:, column], method="weibull")
    low, high = found.reshape((2, *draws.shape[1:]))
    return np.asarray(low), np.asarray(high)


def bias_correction(draws: Any, value: Any) -> Array:
    """z₀: the normal quantile of the share of draws below the value, draws equal to it counting half.

    Coefficients of few levels take few values in small samples; halving ties keeps z₀ at 0 where draws lie evenly
    around the value. Infinite where all draws lie on one side.
    """
    t, v = np.asarray(draws, dtype=float), np.asarray(value, dtype=float)
    exists = (~np.isnan(t)).sum(axis=0)
    near = 1e-12 * np.maximum(np.abs(v), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = ((t < v - near).sum(axis=0) + 0.5 * (np.abs(t - v) <= near).sum(axis=0)) / exists
    return np.asarray(stats.norm.ppf(share))


def acceleration(influence: Any) -> Array:
    """Efron's acceleration a (…,) from influences (student, …), linearised or of the jackknife.

    One sixth of the skewness of the influences; 0 where nobody moves the value.
    """
    u = np.asarray(influence, dtype=float)
    u = u - np.nansum(u, axis=0) / np.maximum((~np.isnan(u)).sum(axis=0), 1)
    square = np.nansum(u**2, axis=0)
    return np.nansum(u**3, axis=0) / (6 * np.where(square > 0, square, 1.0) ** 1.5)


def bca(draws: Any, value: Any, influence: Any, level: float = 0.95) -> tuple[Array, Array]:
    """Bias-corrected and accelerated interval (Efron 1987).

    NaN where all draws lie on one side of the value, or where the acceleration is so large that the adjusted
    probabilities turn back on themselves.
    """
    z0, a = bias_correction(draws, value), acceleration(influence)
    ends = bca_probabilities(z0, a, level)
    return _quantiles(np.asarray(draws, dtype=float), ends)


def bca_probabilities(z0: Any, a: Any, level: float = 0.95) -> Array:
    """Probabilities (2, …) at which BCa reads the draws."""
    z = stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]).reshape((2,) + (1,) * np.ndim(z0))
    with np.errstate(invalid="ignore", divide="ignore"):
        room = 1 - a * (z0 + z)
        ends = stats.norm.cdf(z0 + (z0 + z) / room)
    return np.where((room > 0).all(axis=0) & np.isfinite(z0), ends, np.nan)


def t_interval(value: Any, se: Any, df: Any, level: float = 0.95, transform: str = "none") -> tuple[Array, Array]:
    """Value ± t × standard error, worked out on a scale of :data:`TRANSFORMS` (delta method) and brought back.

    ``df``: degrees of freedom, usually the number of students less one.

    Raises
    ------
    KeyError
        For an unknown transform.
    """
    scale, v = TRANSFORMS[transform], np.asarray(value, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = stats.t.ppf((1 + level) / 2, df) * np.asarray(se) * scale.slope(v)
        centre = scale.to(v)
        low, high = scale.back(centre - reach), scale.back(centre + reach)
    usable = np.isfinite(centre) & np.isfinite(reach)
    return np.where(usable, low, np.nan), np.where(usable, high, np.nan)


def satterthwaite(variances: Any, df: Any) -> Array:
    """Degrees of freedom (…,) of a sum of independent variances (part, …) with their own (part, …).

    Satterthwaite (1946) doi:10.2307/3002019.
    """
    v, d = np.asarray(variances, dtype=float), np.asarray(df, dtype=float)
    return np.asarray(v.sum(axis=0) ** 2 / np.where(v > 0, v**2 / d, 0).sum(axis=0))
