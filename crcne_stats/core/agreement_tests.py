"""Tests of coefficients against trainers who rate without regard to the files.

An agreement above chance is a weak claim: with a few dozen files it is nearly always sure. These tests are given
because they are asked for; the interval says more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crcne_stats.core.agreement import moments_of, values
from crcne_stats.core.counts import Counts
from crcne_stats.core.pairs import pairs

Array = NDArray[Any]
Tests = list[dict[str, Any]]
NAN = float("nan")


def kendall_tests(data: Counts, w: Array | None = None) -> Tests:
    """χ² and F of Kendall's W: method, statistic, df, df2 (NaN for χ²) and p.

    With k ratings per file (their mean where trainers rated different files, as in the R package irrNA) and n files,
    χ² = k (n − 1) W on n − 1 degrees of freedom (Friedman 1937, doi:10.1080/01621459.1937.10503522) and
    F = (k − 1) W / (1 − W) on n − 1 − 2 / k and (k − 1) times as many (Kendall & Babington Smith 1939,
    doi:10.1214/aoms/1177732186); F keeps its level better (Legendre 2005, doi:10.1198/108571105X46642). NaN where W
    does not exist, F also where W is 1. ``w`` plays no part.
    """
    n = int(data.pairable.sum())
    value = float(values(moments_of(data, "kendall_w", None), "kendall_w", None)[0][0]) if n else NAN
    k = data.n_ratings_pairable / n if n else NAN
    chi2 = k * (n - 1) * value
    first = {
        "method": "friedman",
        "statistic": chi2,
        "df": float(n - 1),
        "df2": NAN,
        "p": float(stats.chi2.sf(chi2, n - 1)),
    }
    df1 = n - 1 - 2 / k if n else NAN
    if np.isnan(value) or value >= 1 or df1 <= 0:
        return [first, {"method": "kendall_f", "statistic": NAN, "df": NAN, "df2": NAN, "p": NAN}]
    f = (k - 1) * value / (1 - value)
    df2 = (k - 1) * df1
    return [first, {"method": "kendall_f", "statistic": f, "df": df1, "df2": df2, "p": float(stats.f.sf(f, df1, df2))}]


def fleiss_tests(data: Counts, w: Array | None) -> Tests:
    """z of Fleiss' kappa (identity weights) under chance, where every file has the same number of ratings, else NaN.

    Fleiss, Nee & Landis (1979) doi:10.1037/0033-2909.86.5.974.
    """
    size = data.patterns.sum(axis=1)
    value = float(values(moments_of(data, "fleiss", w), "fleiss", w)[0][0]) if data.n_files else NAN
    if np.isnan(value) or len(np.unique(size)) != 1:
        return [_z("fleiss_null", NAN, NAN)]
    m, p = float(size[0]), data.frequencies @ data.patterns / data.n_ratings
    spread = (p * (1 - p)).sum()
    variance = 2 * (spread**2 - (p * (1 - p) * (1 - 2 * p)).sum()) / (data.n_files * m * (m - 1) * spread**2)
    return [_z("fleiss_null", value, variance**0.5)]


def level_z(data: Counts, kappa: Array) -> Array:
    """z of Fleiss' kappa of each level, shape (level,), where every file has the same number of ratings."""
    m = float(data.patterns.sum(axis=1)[0])
    return kappa / np.sqrt(2 / (data.n_files * m * (m - 1)))


def cohen_tests(data: Counts, w: Array | None) -> Tests:
    """z of Cohen's kappa of two trainers under chance (Fleiss, Cohen & Everitt 1969, doi:10.1037/h0028106)."""
    if w is None or data.n_trainers != 2 or not len(pairs(data)):
        return [_z("cohen_null", NAN, NAN)]
    (table,) = pairs(data).tables()
    n = table.sum()
    first, second = table.sum(axis=1) / n, table.sum(axis=0) / n
    expected = np.outer(first, second)
    pa, pe = float((table * w).sum() / n), float((expected * w).sum())
    if pe >= 1:
        return [_z("cohen_null", NAN, NAN)]
    off = w - (w @ second)[:, None] - (first @ w)[None, :]
    variance = ((expected * off**2).sum() - pe**2) / (n * (1 - pe) ** 2)
    return [_z("cohen_null", (pa - pe) / (1 - pe), variance**0.5)]


def _z(method: str, value: float, error: float) -> dict[str, Any]:
    z = value / error if error > 0 else NAN
    return {"method": method, "statistic": z, "df": NAN, "df2": NAN, "p": float(2 * stats.norm.sf(abs(z)))}


TESTS: dict[str, Callable[[Counts, Array | None], Tests]] = {
    "kendall_w": kendall_tests,
    "fleiss": fleiss_tests,
    "cohen": cohen_tests,
}
"""Coefficients that have a test: ``function(counts, weights) -> tests``, the same number of them whatever the data."""
