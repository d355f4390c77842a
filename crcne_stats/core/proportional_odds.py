"""Ordered levels explained by several variables: proportional odds, and whether their lines are parallel.

McCullagh (1980), doi:10.1111/j.2517-6161.1980.tb01109.x: log-odds of a level above j are x·slopes − cut[j], the same
slopes at every cut. Brant (1990), doi:10.2307/2532457, compares the slopes of the cuts taken one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from crcne_stats.core.compare import quadratic_form

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEPS = 60
TOLERANCE = 1e-14
FAR = 15.0
"""A standardised variable with a larger slope than this predicts without exception: there is no finite estimate."""


@dataclass(frozen=True, eq=False)
class ProportionalOdds:
    """``cuts`` (level − 1,) and ``slopes`` (term,) with ``covariance`` (cuts then slopes).

    ``influence`` (row, term): what each row does to the slopes. ``reason``: "", "one_level_only" (nothing to explain),
    "collinear" (a variable is constant or follows from the others), "perfect_prediction" or "not_converged".
    """

    cuts: Floats
    slopes: Floats
    covariance: Floats
    influence: Floats
    log_likelihood: float
    reason: str = ""

    def clustered(self, cluster: Any) -> Floats:
        """Covariance (term, term) of the slopes, rows of one ``cluster`` (row,) moving together (sandwich)."""
        owner = np.unique(np.asarray(cluster), return_inverse=True)[1].reshape(-1)
        m = int(owner.max(initial=-1)) + 1
        sums = np.zeros((m, self.influence.shape[1]))
        np.add.at(sums, owner, self.influence)
        return np.asarray(m / max(m - 1, 1) * sums.T @ sums)


def proportional_odds(level: Any, x: Any) -> ProportionalOdds:
    """Maximum likelihood of ordered ``level`` (row,) given ``x`` (row, term); levels that no row has are closed.

    Newton's steps on standardised variables, halved until the likelihood rises; the likelihood is concave.
    """
    kept, code = np.unique(np.asarray(level), return_inverse=True)
    given = np.asarray(x, dtype=float)
    k = len(kept) - 1
    if k < 1:
        return _nothing(given.shape, 0, "one_level_only")
    mean, sd = given.mean(axis=0), given.std(axis=0)
    if (sd <= 1e-12).any() or np.linalg.matrix_rank(np.c_[np.ones(len(given)), (given - mean) / sd]) <= len(sd):
        return _nothing(given.shape, k, "collinear")
    z = (given - mean) / sd
    share = np.cumsum(np.bincount(code, minlength=k + 1))[:-1] / len(code)
    theta = np.r_[np.log(share / (1 - share)), np.zeros(z.shape[1])]
    value, score, hessian = _pieces(theta, code, z, k)
    reason = "not_converged"
    for _ in range(STEPS):
        gradient = score.sum(axis=0)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        if gradient @ step < TOLERANCE * len(code):
            reason = ""
            break
        theta, found = _moved(theta, step, value, code, z, k)
        value, score, hessian = found
        if np.abs(theta[k:]).max(initial=0.0) > FAR:
            reason = "perfect_prediction"
            break
    if reason:
        return _nothing(given.shape, k, reason)
    back = np.eye(len(theta))
    back[k:, k:] = np.diag(1 / sd)
    back[:k, k:] = mean / sd
    inverse = np.linalg.inv(hessian)
    influence = (score @ inverse @ back.T)[:, k:]
    whole = back @ theta
    return ProportionalOdds(whole[:k], whole[k:], back @ inverse @ back.T, influence, value)


def _nothing(shape: tuple[int, ...], k: int, reason: str) -> ProportionalOdds:
    n, terms = shape
    size = k + terms
    nan = np.full
    return ProportionalOdds(
        nan(k, np.nan), nan(terms, np.nan), nan((size, size), np.nan), nan((n, terms), np.nan), np.nan, reason
    )


def _moved(
    theta: Floats, step: Floats, value: float, code: Ints, z: Floats, k: int
) -> tuple[Floats, tuple[float, Floats, Floats]]:
    scale = 1.0
    while scale > 1e-8:
        trial = theta + scale * step
        if (np.diff(trial[:k]) > 0).all():
            found = _pieces(trial, code, z, k)
            if found[0] >= value - 1e-12 * abs(value):
                return trial, found
        scale /= 2
    return theta, _pieces(theta, code, z, k)


def _pieces(theta: Floats, code: Ints, z: Floats, k: int) -> tuple[float, Floats, Floats]:
    """Log-likelihood, score of each row (row, parameter), and minus the Hessian."""
    eta = z @ theta[k:]
    cuts = np.r_[-np.inf, theta[:k], np.inf]
    upper, lower = expit(cuts[code + 1] - eta), expit(cuts[code] - eta)
    p = np.maximum(upper - lower, 1e-300)
    slope_up, slope_low = upper * (1 - upper), lower * (1 - lower)
    bent_up, bent_low = slope_up * (1 - 2 * upper), slope_low * (1 - 2 * lower)
    rows = np.arange(len(code))
    score = np.zeros((len(code), len(theta)))
    inside = code < k
    score[rows[inside], code[inside]] = (slope_up / p)[inside]
    above = code > 0
    score[rows[above], code[above] - 1] -= (slope_low / p)[above]
    score[:, k:] = -((slope_up - slope_low) / p)[:, None] * z
    # Second derivatives of log p: those of p over p, less the score squared.
    minus = score.T @ score
    curve = (bent_up - bent_low) / p
    minus[k:, k:] -= (z * curve[:, None]).T @ z
    for bent, place, sign in ((bent_up, code, 1.0), (bent_low, code - 1, -1.0)):
        used = (place >= 0) & (place < k)
        own = sign * (bent / p)[used]
        minus[np.arange(k), np.arange(k)] -= np.bincount(place[used], own, minlength=k)
        cross = np.zeros((k, z.shape[1]))
        np.add.at(cross, place[used], own[:, None] * z[used])
        minus[:k, k:] += cross
        minus[k:, :k] += cross.T
    return float(np.log(p).sum()), score, minus


@dataclass(frozen=True, eq=False)
class Brant:
    """χ² of equal slopes at every cut, of all terms together and of each (term,); NaN with ``reason``."""

    statistic: float
    df: int
    p: float
    each: Floats
    each_df: int
    each_p: Floats
    reason: str = ""


def brant(level: Any, x: Any) -> Brant:
    """Brant's test: Wald test that the logistic regressions of "above j" have the same slopes for every j."""
    kept, code = np.unique(np.asarray(level), return_inverse=True)
    given = np.asarray(x, dtype=float)
    k, terms = len(kept) - 1, given.shape[1]
    nothing = np.full(terms, np.nan)
    if k < 2:
        return Brant(np.nan, 0, np.nan, nothing, 0, nothing, "one_cut")
    design = np.c_[np.ones(len(code)), given]
    fits = [proportional_odds(code > j, given) for j in range(k)]
    if failed := [fit.reason for fit in fits if fit.reason]:
        return Brant(np.nan, 0, np.nan, nothing, 0, nothing, failed[0])
    slopes = np.concatenate([fit.slopes for fit in fits])
    above = [expit(design @ np.r_[-fit.cuts, fit.slopes]) for fit in fits]
    inverse = [np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design) for p in above]
    joint = np.zeros((k * terms, k * terms))
    for a in range(k):
        for b in range(a, k):
            weight = above[b] * (1 - above[a])
            both = (inverse[a] @ ((design * weight[:, None]).T @ design) @ inverse[b])[1:, 1:]
            joint[a * terms : (a + 1) * terms, b * terms : (b + 1) * terms] = both
            joint[b * terms : (b + 1) * terms, a * terms : (a + 1) * terms] = both.T
    contrast = np.kron(np.c_[np.ones((k - 1, 1)), -np.eye(k - 1)], np.eye(terms))
    statistic, df = quadratic_form(contrast @ slopes, contrast @ joint @ contrast.T)
    each = np.empty(terms)
    for term in range(terms):
        own = contrast[term::terms]
        each[term] = quadratic_form(own @ slopes, own @ joint @ own.T)[0]
    return Brant(statistic, df, float(stats.chi2.sf(statistic, df)), each, k - 1, stats.chi2.sf(each, k - 1))
