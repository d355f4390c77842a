"""How well a measure tells two classes apart, and whether probabilities keep what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from crcne_stats.core.proportional_odds import proportional_odds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve: how often one of the class has the higher measure than one of the others.

    Bounds on the logit scale, which keeps them inside 0–1. NaN where a class is empty or nothing varies.
    """

    value: float
    se: float
    low: float
    high: float


def auc(measure: Any, positive: Any, cluster: Any = None, confidence: float = 0.95) -> Auc:
    """Area under the curve of ``measure`` (row,) for ``positive`` (row,) bool, ties counting half.

    DeLong, DeLong & Clarke-Pearson (1988), doi:10.2307/2531595; with ``cluster`` (row,), rows of one cluster move
    together (Obuchowski 1997, doi:10.2307/2533958).
    """
    y, good = np.asarray(measure, dtype=float), np.asarray(positive, dtype=bool)
    m, n = int(good.sum()), int((~good).sum())
    if not m or not n:
        return Auc(np.nan, np.nan, np.nan, np.nan)
    rank, ahead, behind = stats.rankdata(y), stats.rankdata(y[good]), stats.rankdata(y[~good])
    placed, passed = (rank[good] - ahead) / n, 1 - (rank[~good] - behind) / m
    value = float(placed.mean())
    pull = np.empty(len(y))
    pull[good], pull[~good] = (placed - value) / m, (passed - value) / n
    if cluster is None:
        variance = placed.var(ddof=1) / m + passed.var(ddof=1) / n if min(m, n) > 1 else np.nan
    else:
        owner = np.unique(np.asarray(cluster), return_inverse=True)[1].reshape(-1)
        sums = np.bincount(owner, pull)
        variance = len(sums) / max(len(sums) - 1, 1) * float(sums @ sums)
    se = float(np.sqrt(variance))
    if not 0 < value < 1 or not se > 0:
        return Auc(value, se, np.nan, np.nan)
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * se / (value * (1 - value))
    return Auc(value, se, float(expit(logit(value) - reach)), float(expit(logit(value) + reach)))


@dataclass(frozen=True, eq=False)
class Cuts:
    """At each cut (cut,): those of the class at it or above (``hits``), the others below it (``passes``)."""

    cut: Floats
    hits: Ints
    passes: Ints
    n_positive: int
    n_negative: int


def at_cuts(measure: Any, positive: Any, cuts: Any) -> Cuts:
    """What each of ``cuts`` (cut,) makes of ``measure`` (row,): at the cut or above is taken for ``positive``."""
    y, good, c = np.asarray(measure, dtype=float), np.asarray(positive, dtype=bool), np.asarray(cuts, dtype=float)
    ahead, behind = np.sort(y[good]), np.sort(y[~good])
    return Cuts(c, len(ahead) - np.searchsorted(ahead, c), np.searchsorted(behind, c), len(ahead), len(behind))


def spaced_cuts(measure: Any, positive: Any, most: int, least: int) -> Floats:
    """Cuts, ascending, at most ``most``, between any two of which each class has ``least`` rows or more."""
    y, good = np.asarray(measure, dtype=float), np.asarray(positive, dtype=bool)
    wanted = np.unique(np.quantile(y, np.linspace(0, 1, most + 2)[1:-1])) if len(y) else np.zeros(0)
    found: list[float] = []
    edge = -np.inf
    for cut in wanted:
        here, beyond = (y >= edge) & (y < cut), y >= cut
        if all((part & kind).sum() >= least for part in (here, beyond) for kind in (good, ~good)):
            found.append(float(cut))
            edge = cut
    return np.array(found)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Probabilities (row,) that were foretold without the row's own fold, their slope, error and Brier score."""

    probability: Floats
    slope: float
    slope_se: float
    brier: float
    reason: str = ""


def calibrated(measure: Any, positive: Any, fold: Any) -> Calibrated:
    """Foretell each row from a logistic regression on the rows of the other folds, then see what came true.

    Parameters
    ----------
    measure, positive : (row,)
    fold : (row,)
        Rows of one student share a fold.

    Notes
    -----
    ``slope`` is that of the outcome on the logit foretold: 1 when probabilities are neither too bold nor too timid (Cox
    1958, doi:10.1093/biomet/45.3-4.562). ``brier``: mean squared error (Brier 1950).
    """
    y, good, part = np.asarray(measure, dtype=float), np.asarray(positive, dtype=bool), np.asarray(fold)
    told = np.full(len(y), np.nan)
    for one in np.unique(part):
        fit = proportional_odds(good[part != one], y[part != one, None])
        if fit.reason:
            return Calibrated(told, np.nan, np.nan, np.nan, fit.reason)
        told[part == one] = y[part == one] * fit.slopes[0] - fit.cuts[0]
    again = proportional_odds(good, told[:, None])
    p = expit(told)
    slope, se = float(again.slopes[0]), float(np.sqrt(again.covariance[-1, -1]))
    return Calibrated(p, slope, se, float(((p - good) ** 2).mean()), again.reason)
