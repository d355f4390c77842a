"""Polychoric correlation: two ordered variables as cuts of two correlated normal ones.

Olsson (1979), doi:10.1007/BF02296207: maximum likelihood of the correlation and of both sets of cuts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEPS = 100
TOLERANCE = 1e-10
DIFFERENCE = 1e-5
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_FLOOR = 1e-300
_EDGE = 8.5


@dataclass(frozen=True, eq=False)
class Polychoric:
    """``rho`` with its ``se``; ``first`` and ``second`` cuts; test of the normal model (χ², ``df``, ``p``).

    ``reason``: "" or why there is none: "one_level_only" (a variable is constant), "same_order" (no finite
    estimate), "not_converged". ``df`` 0: the model fits any such table, there is no test.
    """

    rho: float
    se: float
    first: Floats
    second: Floats
    statistic: float
    df: int
    p: float
    n: int
    reason: str = ""


def polychoric(table: Any) -> Polychoric:
    """Polychoric correlation of a table of counts (first level, second level); levels that nobody has are closed.

    Fisher's steps on ρ and all cuts; the error comes from the observed information at the estimate, and the test
    compares the likelihood with that of free cells (Olsson 1979, eq. 26–28).
    """
    counts = np.asarray(table, dtype=float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = round(float(counts.sum()))
    nothing = (np.nan, np.nan, np.zeros(0), np.zeros(0), np.nan, 0, np.nan, n)
    if min(counts.shape, default=0) < 2:
        return Polychoric(*nothing, "one_level_only")
    if _ordered(counts) or _ordered(counts[:, ::-1]):
        return Polychoric(*nothing, "same_order")
    r, c = counts.shape
    theta = np.r_[_start(counts), _cuts(counts.sum(axis=1)), _cuts(counts.sum(axis=0))]
    found = _look(theta, r, c)
    value, converged = _likelihood(counts, found[0]), False
    for _ in range(STEPS):
        gradient = (counts / found[0]).ravel() @ found[1]
        information = n * (found[1].T / found[0].ravel()) @ found[1]
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        if gradient @ step < TOLERANCE:
            converged = True
            break
        theta, found, value = _moved(theta, step, counts, value)
    if not converged:
        return Polychoric(*nothing, "not_converged")
    covariance = np.linalg.pinv(_observed(theta, counts))
    filled = counts > 0
    statistic = 2 * float((counts[filled] * np.log(counts[filled] / n)).sum() - value)
    df = r * c - r - c
    p = float(stats.chi2.sf(max(statistic, 0.0), df)) if df > 0 else np.nan
    rho = float(np.tanh(theta[0]))
    # The first parameter is Fisher's z of ρ.
    se = float(np.sqrt(covariance[0, 0])) * (1 - rho**2)
    return Polychoric(rho, se, theta[1:r], theta[r:], statistic if df > 0 else np.nan, df, p, n)


def _ordered(counts: Floats) -> bool:
    """Whether no two students are in opposite order: the likelihood then grows towards ρ = 1."""
    places = zip(*np.nonzero(counts), strict=True)
    return not any(counts[i + 1 :, :j].sum() > 0 for i, j in places)


def _cuts(margin: Floats) -> Floats:
    return np.asarray(ndtri(np.cumsum(margin)[:-1] / margin.sum()))


def _start(counts: Floats) -> float:
    """Fisher's z of the correlation of the levels as numbers."""
    i, j = np.indices(counts.shape)
    n = counts.sum()
    x, y = i - (counts * i).sum() / n, j - (counts * j).sum() / n
    r = float((counts * x * y).sum() / np.sqrt((counts * x**2).sum() * (counts * y**2).sum()))
    return float(np.arctanh(np.clip(1.1 * r, -0.95, 0.95)))


def _likelihood(counts: Floats, p: Floats) -> float:
    return float((counts * np.log(np.maximum(p, _FLOOR)))[counts > 0].sum())


def _moved(theta: Floats, step: Floats, counts: Floats, value: float) -> tuple[Floats, tuple[Floats, Floats], float]:
    r, c = counts.shape
    scale = min(1.0, 0.7 / max(abs(float(step[0])), 1e-300))
    for _ in range(40):
        trial = theta + scale * step
        if (np.diff(trial[1:r]) > 0).all() and (np.diff(trial[r:]) > 0).all():
            found = _look(trial, r, c)
            new = _likelihood(counts, found[0])
            if new >= value - 1e-12 * abs(value):
                return trial, found, new
        scale /= 2
    return theta, _look(theta, r, c), value


def _observed(theta: Floats, counts: Floats) -> Floats:
    """Minus the second derivatives of the log-likelihood, from differences of the first."""
    r, c = counts.shape
    rows = []
    for step in DIFFERENCE * np.eye(len(theta)):
        ends = [(counts / p).ravel() @ slopes for p, slopes in (_look(theta - step, r, c), _look(theta + step, r, c))]
        rows.append((ends[0] - ends[1]) / (2 * DIFFERENCE))
    found = np.array(rows)
    return np.asarray((found + found.T) / 2)


def _look(theta: Floats, r: int, c: int) -> tuple[Floats, Floats]:
    """Cell probabilities (first, second) and their derivatives (cell, parameter)."""
    rho = float(np.tanh(theta[0]))
    a, b = np.r_[-np.inf, theta[1:r], np.inf], np.r_[-np.inf, theta[r:], np.inf]
    both = bivariate(a[:, None], b[None, :], rho)
    p = np.maximum(np.diff(np.diff(both, axis=0), axis=1), _FLOOR)
    root = np.sqrt(1 - rho**2)
    inner_a, inner_b = np.clip(a, -_EDGE, _EDGE), np.clip(b, -_EDGE, _EDGE)
    square = inner_a[:, None] ** 2 - 2 * rho * inner_a[:, None] * inner_b + inner_b**2
    density = np.exp(-square / (2 * root**2)) / (2 * np.pi * root)
    density[~np.isfinite(a)] = 0
    density[:, ~np.isfinite(b)] = 0
    slopes = [(np.diff(np.diff(density, axis=0), axis=1) * root**2).ravel()]
    for cut, other, axis in ((a, b, 0), (b, a, 1)):
        for k in range(1, len(cut) - 1):
            # dP(x < a_k, y < b)/da_k = φ(a_k) Φ((b − ρ a_k) / √(1 − ρ²))
            line = np.diff(ndtr((other - rho * cut[k]) / root)) * np.exp(-(cut[k] ** 2) / 2) / np.sqrt(2 * np.pi)
            slope = np.zeros((r, c))
            if axis == 0:
                slope[k - 1], slope[k] = line, -line
            else:
                slope[:, k - 1], slope[:, k] = line, -line
            slopes.append(slope.ravel())
    return p, np.array(slopes).T


def bivariate(h: Any, k: Any, rho: float) -> Floats:
    """P(X < h, Y < k) of standard normal variables with correlation ρ, elementwise.

    Φ(h)Φ(k) plus the integral of the density over correlations from 0 to ρ (Drezner & Wesolowsky 1990,
    doi:10.1080/00949659008811236), on the scale of arcsin ρ, by Gauss–Legendre with 40 nodes.
    """
    x, y = np.broadcast_arrays(np.asarray(h, dtype=float), np.asarray(k, dtype=float))
    inner_x, inner_y = np.clip(x, -_EDGE, _EDGE), np.clip(y, -_EDGE, _EDGE)
    angle = np.arcsin(rho)
    nodes = angle * (_NODES + 1) / 2
    sine, cosine = np.sin(nodes), np.cos(nodes)
    part = inner_x[..., None] ** 2 + inner_y[..., None] ** 2 - 2 * (inner_x * inner_y)[..., None] * sine
    integral = (np.exp(-part / (2 * cosine**2)) @ _WEIGHTS) * angle / (4 * np.pi)
    return np.asarray(ndtr(x) * ndtr(y) + np.where(np.isfinite(x) & np.isfinite(y), integral, 0.0))
