"""What the residuals still have in common: correlations of criteria (Q3) and their principal components."""

from __future__ import annotations

import numpy as np

from crcne_stats.core.rasch.design import Floats, Ints


def residual_sheets(z: Floats, sheet: Ints, item: Ints, n_items: int) -> Floats:
    """Standardised residuals as (sheet, criterion), NaN where a sheet has none; of repeats the last counts.

    A residual is held within ±4: one wild rating would else make a correlation.
    """
    matrix = np.full((int(sheet.max(initial=-1)) + 1, n_items), np.nan)
    matrix[sheet, item] = np.clip(z, -4, 4)
    return matrix


def residual_correlations(matrix: Floats) -> tuple[Floats, Ints]:
    """Correlation of each two criteria over the sheets that have both, and how many; both (criterion, criterion).

    Yen's Q3 (1984, doi:10.1177/014662168400800201). NaN where fewer than three sheets have both, or nothing varies.
    """
    known = np.isfinite(matrix)
    filled, there = np.where(known, matrix, 0.0), known.astype(float)
    n = there.T @ there
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (filled.T @ there) / n
        second = ((filled**2).T @ there) / n - mean**2
        covariance = (filled.T @ filled) / n - mean * mean.T
        value = covariance / np.sqrt(second * second.T)
    value[(n < 3) | ~(second * second.T > 1e-12)] = np.nan
    return np.clip(value, -1, 1), n.astype(np.int64)


def principal_components(correlation: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues (component,), largest first, and loadings (criterion, component) of a matrix of correlations.

    A criterion without correlations is left out (its loadings are NaN). The sign makes the largest loading positive.
    """
    off = correlation.copy()
    np.fill_diagonal(off, np.nan)
    kept = np.isfinite(off).any(axis=1)
    inner = np.where(np.isfinite(correlation), correlation, 0.0)[np.ix_(kept, kept)]
    np.fill_diagonal(inner, 1.0)
    loadings = np.full((len(correlation), int(kept.sum())), np.nan)
    if not kept.any():
        return np.zeros(0), loadings
    size, axes = np.linalg.eigh(inner)
    size, axes = size[::-1], axes[:, ::-1]
    sign = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(size))])
    loadings[kept] = axes * sign * np.sqrt(np.maximum(size, 0.0))
    return size, loadings
