"""Polyserial correlation: an ordered criterion with a continuous variable, as if levels were cuts of a normal one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from crcne_stats.core.classical import Floats, Interval, Ints, interval

STEPS = 50
TOLERANCE = 1e-10
"""Newton decrement of the mean log-likelihood at which the fit ends."""


@dataclass(frozen=True, eq=False)
class Probit:
    """Ordered probit P(level ≤ c) = Φ(cut[c] − slope · z): ``cut`` (level − 1,), ``influence`` (row,) on the slope."""

    cut: Floats
    slope: float
    influence: Floats
    converged: bool


def polyserial(level: Ints, y: Floats, cluster: Ints, weight: Floats | None = None) -> Interval:
    """Maximum likelihood polyserial correlation of ``level`` (row,) with ``y`` (row,), interval clustered.

    Parameters
    ----------
    level
        Codes of the ordered levels; levels that no row has are closed. −1 leaves a row out, as does a NaN in ``y``.
    weight
        (row,) how much a row counts: 1 / k for each of the k rows that one rating gives.

    Returns
    -------
    Interval
        All NaN with fewer than three rows, or when either side is constant; ±1 without bounds when the levels are
        perfectly ordered by ``y``.

    Notes
    -----
    Olsson, Drasgow & Dorans (1982, doi:10.1007/BF02294164), with mean and standard deviation of ``y`` from its margin:
    given these, the likelihood is that of an ordered probit, which is concave (Pratt 1981,
    doi:10.1080/01621459.1981.10477613), and ρ = b / √(1 + b²) for the slope b on the standardised ``y``.
    """
    used = (level >= 0) & ~np.isnan(y)
    w = np.ones(int(used.sum())) if weight is None else weight[used]
    kept, code = np.unique(level[used], return_inverse=True)
    groups = len(np.unique(cluster[used]))
    nothing = Interval(np.nan, np.nan, np.nan, np.nan, groups)
    if len(w) < 3 or len(kept) < 2:
        return nothing
    share = w / w.mean()
    mean = float((share * y[used]).mean())
    sd = float(np.sqrt((share * (y[used] - mean) ** 2).mean()))
    if sd <= 1e-12 * max(1.0, abs(mean)):
        return nothing
    z = (y[used] - mean) / sd
    perfect = _order(code, z, len(kept))
    if perfect:
        return Interval(perfect, np.nan, np.nan, np.nan, groups)
    found = ordered_probit(code.astype(np.int64), z, share, len(kept))
    if not found.converged:
        return nothing
    b = found.slope
    rho = b / np.sqrt(1 + b**2)
    moved = (found.influence + share * b * (z**2 - 1) / 2) / (1 + b**2) ** 1.5
    return interval(float(rho), moved, cluster[used], "correlation")


def _order(code: Ints, z: Floats, n_levels: int) -> float:
    """1 when higher levels never have lower ``z``, −1 when never higher ones: no slope is finite then; else 0."""
    low, high = (np.array([end(z[code == level]) for level in range(n_levels)]) for end in (np.min, np.max))
    return 1.0 if (high[:-1] <= low[1:]).all() else -1.0 if (low[:-1] >= high[1:]).all() else 0.0


def ordered_probit(code: Ints, z: Floats, weight: Floats, n_levels: int) -> Probit:
    """Newton steps, halved until the likelihood rises, from the margins of the levels and a slope of zero."""
    order = np.zeros((len(z), n_levels - 1))
    counts = np.bincount(code, weight, minlength=n_levels)
    start = ndtri(np.cumsum(counts)[:-1] / counts.sum())
    theta = np.append(start, 0.0)
    value, gradient, score, hessian = _pieces(theta, code, z, weight, order)
    converged = False
    for _ in range(STEPS):
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        if gradient @ step < TOLERANCE:
            converged = True
            break
        scale = 1.0
        while scale > 1e-6:
            trial = theta + scale * step
            if (np.diff(trial[:-1]) > 0).all():
                found = _pieces(trial, code, z, weight, order)
                if found[0] >= value - 1e-12:
                    break
            scale /= 2
        else:
            break
        theta, (value, gradient, score, hessian) = trial, found
    moved = score @ np.linalg.lstsq(hessian, np.eye(len(theta))[-1], rcond=None)[0] * len(z)
    return Probit(theta[:-1], float(theta[-1]), moved, converged)


def _pieces(
    theta: Floats, code: Ints, z: Floats, weight: Floats, order: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """Mean log-likelihood, its gradient, the score of each row over rows, and minus the Hessian."""
    n, last = len(z), order.shape[1]
    high = np.append(theta[:-1], np.inf)[code] - theta[-1] * z
    low = np.append(-np.inf, theta[:-1])[code] - theta[-1] * z
    log_p = _log_difference(high, low)
    upper, lower = (np.exp(-(x**2) / 2 - log_p) / np.sqrt(2 * np.pi) for x in (high, low))
    bent_up, bent_low = (np.where(np.isfinite(x), x, 0.0) * d for x, d in ((high, upper), (low, lower)))
    rows = np.arange(n)
    score = np.zeros((n, last + 1))
    score[rows[code < last], code[code < last]] = upper[code < last]
    score[rows[code > 0], code[code > 0] - 1] -= lower[code > 0]
    score[:, -1] = -z * (upper - lower)
    weighted = weight[:, None] * score / n
    minus = score.T @ weighted
    part = weight / n
    for bent, place, sign in ((bent_up, code, 1.0), (bent_low, code - 1, -1.0)):
        inside = (place >= 0) & (place < last)
        own = sign * (part * bent)[inside]
        cut = np.bincount(place[inside], own, minlength=last)
        cross = np.bincount(place[inside], own * -z[inside], minlength=last)
        minus[np.arange(last), np.arange(last)] += cut
        minus[:last, last] += cross
        minus[last, :last] += cross
        minus[last, last] += float((own * z[inside] ** 2).sum())
    return float((part * log_p).sum()), weighted.sum(axis=0), weighted, minus


def _log_difference(high: Floats, low: Floats) -> Floats:
    """log(Φ(high) − Φ(low)), exact in both tails."""
    flip = low > 0
    a, b = np.where(flip, -low, high), np.where(flip, -high, low)
    with np.errstate(divide="ignore"):
        plain = np.log(np.maximum(ndtr(a) - ndtr(b), 0.0))
        tail = log_ndtr(a) + np.log1p(-np.exp(np.minimum(log_ndtr(b) - log_ndtr(a), -1e-300)))
    return np.where(np.abs(a) < 5, plain, tail)
