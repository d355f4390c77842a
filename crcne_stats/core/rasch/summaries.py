"""What the measures of a facet amount to together: separation, strata, reliability, χ² of equality.

Wright & Masters (1982), Rating Scale Analysis, chapter 5; Facets manual, table 7 (winsteps.com/facetman/table7.htm).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from crcne_stats.core.rasch.design import Floats

MOST = 400
"""Elements whose whole covariance is inverted."""


@dataclass(frozen=True)
class Spread:
    """``sd`` of the measures, ``rmse`` root mean squared error, ``true_sd`` the part of sd that is no error.

    ``separation`` = true_sd / rmse, ``strata`` = (4 separation + 1) / 3, ``reliability`` = separation² / (1 +
    separation²): the share of the variance of the measures that is no error.
    """

    n: int
    mean: float
    sd: float
    rmse: float
    true_sd: float
    separation: float
    strata: float
    reliability: float


def spread(measure: Floats, se: Floats, sample: bool) -> Spread:
    """Spread of measures (element,) with errors (element,): of these elements (population), or as a sample of more."""
    n = len(measure)
    if n < 2:
        return Spread(n, float(measure.mean()) if n else np.nan, *[float("nan")] * 6)
    sd = float(measure.std(ddof=1 if sample else 0))
    error = float((se**2).mean())
    true_sd = float(np.sqrt(max(sd**2 - error, 0.0)))
    ratio = true_sd / np.sqrt(error) if error > 0 else float("inf")
    share = true_sd**2 / sd**2 if sd > 0 else float("nan")
    return Spread(n, float(measure.mean()), sd, error**0.5, true_sd, float(ratio), (4 * float(ratio) + 1) / 3, share)


@dataclass(frozen=True)
class ChiSquare:
    """``chi2`` on ``df`` degrees of freedom with its ``p``."""

    chi2: float
    df: int
    p: float


def fixed_chi2(measure: Floats, se: Floats) -> ChiSquare:
    """Are all the elements equal but for error? Σ w (m − m̄)², w = 1 / se², on n − 1 degrees of freedom."""
    if len(measure) < 2 or not (se > 0).all():
        return ChiSquare(float("nan"), max(len(measure) - 1, 0), float("nan"))
    weight = 1 / se**2
    mean = (weight * measure).sum() / weight.sum()
    return _tested(float((weight * (measure - mean) ** 2).sum()), len(measure) - 1)


def wald_chi2(measure: Floats, covariance: Floats) -> ChiSquare:
    """Are all of these zero, given their whole covariance (element, element)? df is its rank.

    With more than 400 elements the squared deviates are added up instead, scaled to the effective rank
    (Σ eigenvalues)² / Σ eigenvalues².
    """
    n = len(measure)
    if n < 1 or not np.isfinite(covariance).all():
        return ChiSquare(float("nan"), 0, float("nan"))
    if n > MOST:
        error = np.diag(covariance)
        rank = int(np.rint(np.trace(covariance) ** 2 / (covariance**2).sum()))
        return _tested(float((measure**2 / error).sum()) * rank / n, rank)
    size, axes = np.linalg.eigh(covariance)
    real = size > 1e-8 * max(float(size.max()), 1e-300)
    along = axes[:, real].T @ measure
    return _tested(float((along**2 / size[real]).sum()), int(real.sum()))


def random_chi2(measure: Floats, se: Floats) -> ChiSquare:
    """Are the elements a sample of a normal distribution? Σ (m − m̄)² / (true variance + se²) on n − 2 degrees."""
    if len(measure) < 3 or not (se > 0).all():
        return ChiSquare(float("nan"), max(len(measure) - 2, 0), float("nan"))
    variance = spread(measure, se, True).true_sd ** 2 + se**2
    weight = 1 / variance
    mean = (weight * measure).sum() / weight.sum()
    return _tested(float((weight * (measure - mean) ** 2).sum()), len(measure) - 2)


def _tested(chi2: float, df: int) -> ChiSquare:
    return ChiSquare(chi2, df, float(stats.chi2.sf(chi2, df)) if df > 0 else float("nan"))
