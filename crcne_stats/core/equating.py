"""Equipercentile concordance of two scores, with log-linear smoothing of their distributions.

A distribution is a vector of frequencies (score,) on consecutive whole scores. Sources: Kolen & Brennan (2014), Test
Equating, Scaling, and Linking, 3rd ed., § 2.5 and 3.2–3.3; Holland & Thayer (2000), doi:10.3102/10769986025002133.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.resample import kind_weights

Floats = NDArray[np.float64]
STEPS = 60
_FAR = 1e-12


def percentile_ranks(frequency: Any) -> Floats:
    """Share (score,) below each whole score, half of those at it included."""
    f = np.asarray(frequency, dtype=float)
    share = f / f.sum()
    return np.asarray(np.cumsum(share) - share / 2)


def equipercentile(first: Any, second: Any, lowest: float = 0.0) -> Floats:
    """For each score of the first distribution the score of the second with the same percentile rank.

    Scores are spread evenly half a point to either side. ``lowest`` is the second's first score. Where nobody has a
    rank, the lower end of the gap is taken.
    """
    g = np.asarray(second, dtype=float)
    share = g / g.sum()
    upper = np.cumsum(share)
    ranks = percentile_ranks(first)
    place = np.minimum(np.searchsorted(upper, ranks + _FAR, side="right"), len(g) - 1)
    below = np.where(place > 0, upper[place - 1], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(share[place] > 0, (ranks - below) / share[place], 0.0)
    found = lowest + place - 0.5 + np.clip(part, 0.0, 1.0)
    return np.where(ranks <= _FAR, lowest - 0.5, found)


def linear(first: Any, second: Any) -> tuple[float, float]:
    """Intercept and slope of the line that makes means and standard deviations equal."""
    moments = []
    for frequency in (first, second):
        f = np.asarray(frequency, dtype=float)
        x = np.arange(len(f))
        mean = float((f * x).sum() / f.sum())
        moments.append((mean, float(np.sqrt((f * (x - mean) ** 2).sum() / (f.sum() - 1)))))
    (mean_x, sd_x), (mean_y, sd_y) = moments
    slope = sd_y / sd_x
    return mean_y - slope * mean_x, slope


@dataclass(frozen=True, eq=False)
class Smoothed:
    """``frequency`` (score,) with the first ``degree`` moments of the data; deviance and criteria of the fit."""

    frequency: Floats
    degree: int
    deviance: float
    aic: float
    bic: float
    converged: bool


def loglinear(frequency: Any, degree: int) -> Smoothed:
    """Smooth a distribution by a log-linear model with polynomial terms up to ``degree`` (Poisson likelihood).

    Newton's method on an orthonormal basis of the polynomials, so that high degrees stay well conditioned.
    """
    f = np.asarray(frequency, dtype=float)
    n = f.sum()
    x = np.linspace(-1, 1, len(f))
    basis = np.linalg.qr(np.vander(x, degree + 1, increasing=True))[0]
    start = np.log(np.maximum(f, 0.5))
    beta = basis.T @ start
    value, fitted = _poisson(basis, beta, f)
    converged = False
    for _ in range(STEPS):
        gradient = basis.T @ (f - fitted)
        step = np.linalg.solve((basis.T * fitted) @ basis, gradient)
        if gradient @ step < 1e-10 * max(1.0, n):
            converged = True
            break
        scale = 1.0
        while scale > 1e-8:
            new, new_fitted = _poisson(basis, beta + scale * step, f)
            if new >= value:
                break
            scale /= 2
        beta, value, fitted = beta + scale * step, new, new_fitted
    filled = f > 0
    deviance = 2 * float((f[filled] * np.log(f[filled] / fitted[filled])).sum() - (f - fitted).sum())
    k = degree + 1
    return Smoothed(fitted, degree, deviance, deviance + 2 * k, deviance + float(np.log(n)) * k, converged)


def _poisson(basis: Floats, beta: Floats, f: Floats) -> tuple[float, Floats]:
    eta = np.minimum(basis @ beta, 700.0)
    fitted = np.exp(eta)
    return float(f @ eta - fitted.sum()), fitted


def smoothed(frequency: Any, most: int = 8) -> Smoothed:
    """The log-linear model of the degree, from 2 to ``most``, with the smallest BIC among those that converged."""
    f = np.asarray(frequency, dtype=float)
    most = min(most, int((f > 0).sum()) - 1)
    fits = [loglinear(f, degree) for degree in range(min(2, most), most + 1)]
    kept = [fit for fit in fits if fit.converged] or fits
    return min(kept, key=lambda fit: fit.bic)


class Joint:
    """One block of concordances (draw, score of the first) of two scores of the same students, drawn anew together.

    ``first`` and ``second`` (student,) are whole scores from 0; ``degree`` of the smoothing of each.
    """

    def __init__(self, first: Any, second: Any, degree: tuple[int, int]) -> None:
        a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
        self.size = (int(a.max()) + 1, int(b.max()) + 1)
        cells, self.numbers = np.unique(a * self.size[1] + b, return_counts=True)
        self.first, self.second = np.divmod(cells, self.size[1])
        self.degree = degree

    def __call__(self, rng: np.random.Generator, size: int) -> Floats:
        drawn = kind_weights(rng, size, self.numbers).T
        return np.array([self._one(weight) for weight in drawn])

    def _one(self, weight: Any) -> Floats:
        parts = [
            loglinear(np.bincount(code, weight, minlength=n), degree).frequency
            for code, n, degree in zip((self.first, self.second), self.size, self.degree, strict=True)
        ]
        return equipercentile(parts[0], parts[1])
