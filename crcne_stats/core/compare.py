"""Do agreement coefficients differ? On the same students, and in independent groups.

Arrays: ``values`` (coefficient,), ``influence`` (student, coefficient) as in :mod:`crcne_stats.core.influence`, NaN for
a student on whom a coefficient does not rest. Values that are NaN take no part; the answer then says NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crcne_stats.core.influence import covariance, standard_errors

Array = NDArray[Any]
ADJUSTMENTS = ("none", "holm", "benjamini_hochberg")


@dataclass(frozen=True)
class Difference:
    """One coefficient less another: t test and interval; ``n_students`` behind it. NaN where it does not exist."""

    value: float
    se: float
    low: float
    high: float
    t: float
    df: float
    p: float
    n_students: int


@dataclass(frozen=True)
class Omnibus:
    """A test that several coefficients are equal; ``df2`` is infinite for χ². NaN where it does not exist."""

    statistic: float
    df: float
    df2: float
    p: float
    n: int


@dataclass(frozen=True)
class Homogeneity:
    """Coefficients of independent groups: χ² test of equality, and the value they share if they are equal."""

    statistic: float
    df: int
    p: float
    pooled: float
    se: float
    low: float
    high: float
    n_groups: int


def difference(first: float, second: float, influence: Array, level: float = 0.95) -> Difference:
    """``first`` − ``second`` of two coefficients on the same students, ``influence`` (student, 2).

    Linearised paired t test, df = students less one (Gwet 2016, doi:10.1177/0013164415596420). Students on whom only
    one of the two rests count with what they do to that one. Where nothing moves the difference, p is 1 for equal
    values and NaN else: a difference without error is no test.
    """
    u = np.asarray(influence, dtype=float)
    counted = ~np.isnan(u).all(axis=1)
    m, gap, nan = int(counted.sum()), float(first - second), float("nan")
    filled = np.nan_to_num(u[counted])
    pull = (filled[:, 0] - filled[:, 1])[:, None]
    if m < 2 or np.isnan(gap):
        return Difference(gap, nan, nan, nan, nan, nan, nan, m)
    se = float(standard_errors(pull)[0])
    if se <= 1e-14:
        return Difference(gap, 0.0, nan, nan, nan, float(m - 1), 1.0 if abs(gap) < 1e-12 else nan, m)
    t, reach = gap / se, se * float(stats.t.ppf((1 + level) / 2, m - 1))
    return Difference(gap, se, gap - reach, gap + reach, t, float(m - 1), float(2 * stats.t.sf(abs(t), m - 1)), m)


Pair = tuple[int, int]


def all_differences(values: Any, influence: Array, level: float = 0.95) -> tuple[list[Pair], list[Difference]]:
    """Every two coefficients compared, in the order (0, 1), (0, 2), …; p values are not adjusted."""
    v = np.asarray(values, dtype=float)
    which = [(i, j) for i in range(len(v)) for j in range(i + 1, len(v))]
    return which, [difference(v[i], v[j], influence[:, [i, j]], level) for i, j in which]


def hotelling(values: Any, influence: Array) -> Omnibus:
    """Hotelling's T² that all the dependent coefficients are equal, referred to F.

    With k coefficients on m students, T²(m − k + 1)/((m − 1)(k − 1)) has F with k − 1 and m − k + 1 degrees of freedom
    (Vanbelle & Albert 2008, doi:10.1080/00949650701410249; Vanbelle 2017, doi:10.1002/bimj.201600093). ``statistic``
    is T². Coefficients that are NaN are left out; a contrast that no student moves is dropped with its degree of
    freedom. NaN with fewer than two coefficients, no contrast that moves, or as many coefficients as students.
    """
    v = np.asarray(values, dtype=float)
    kept = ~np.isnan(v)
    spread, m = covariance(np.asarray(influence, dtype=float)[:, kept])
    k = int(kept.sum())
    nothing = Omnibus(float("nan"), float("nan"), float("nan"), float("nan"), m)
    if k < 2 or m < 2:
        return nothing
    contrast = np.concatenate([np.ones((k - 1, 1)), -np.eye(k - 1)], axis=1)
    t2, rank = quadratic_form(contrast @ v[kept], contrast @ spread @ contrast.T)
    df2 = m - rank
    if rank == 0 or df2 < 1:
        return nothing
    f = t2 * df2 / ((m - 1) * rank)
    return Omnibus(t2, float(rank), float(df2), float(stats.f.sf(f, rank, df2)), m)


def wald(values: Any, influence: Array) -> Omnibus:
    """The same hypothesis by χ², for many students; ``df2`` infinite."""
    found = hotelling(values, influence)
    if np.isnan(found.statistic):
        return found
    return Omnibus(found.statistic, found.df, np.inf, float(stats.chi2.sf(found.statistic, found.df)), found.n)


def quadratic_form(d: Array, v: Array) -> tuple[float, int]:
    """d′ V⁻ d and the rank of V, by its eigenvalues; directions without variance are left out.

    NaN, rank 0, where ``d`` points into a direction without variance: nothing there can be tested.
    """
    roots, vectors = np.linalg.eigh((v + v.T) / 2)
    kept = roots > 1e-10 * max(float(roots.max(initial=0.0)), 1e-300)
    along = vectors.T @ d
    if (np.abs(along[~kept]) > 1e-8 * max(1.0, float(np.abs(d).max(initial=0.0)))).any():
        return float("nan"), 0
    return float((along[kept] ** 2 / roots[kept]).sum()), int(kept.sum())


def homogeneity(values: Any, se: Any, level: float = 0.95) -> Homogeneity:
    """Are the coefficients of independent groups equal? χ² = Σ w (κ − κ̄)², w = 1 / se², on groups less one.

    Source: Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., § 18.1. Groups without
    a value or a positive standard error are left out. The same trainers in two groups make them dependent.
    """
    v, s = np.asarray(values, dtype=float), np.asarray(se, dtype=float)
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(v) & np.isfinite(s) & (s > 0)
    k, nan = int(kept.sum()), float("nan")
    if k < 2:
        return Homogeneity(nan, max(k - 1, 0), nan, nan, nan, nan, nan, k)
    weight = 1 / s[kept] ** 2
    pooled = float((weight * v[kept]).sum() / weight.sum())
    error = float(weight.sum() ** -0.5)
    statistic = float((weight * (v[kept] - pooled) ** 2).sum())
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    p = float(stats.chi2.sf(statistic, k - 1))
    return Homogeneity(statistic, k - 1, p, pooled, error, pooled - reach, min(1.0, pooled + reach), k)


def independent_difference(
    first: float, second: float, se: tuple[float, float], n: tuple[int, int], level: float = 0.95
) -> Difference:
    """``first`` − ``second`` of two groups with no student in common; Welch–Satterthwaite degrees of freedom.

    ``se``: standard errors, ``n``: students of the two groups.
    """
    square = np.array(se, dtype=float) ** 2
    error, gap, nan = float(np.sqrt(square.sum())), float(first - second), float("nan")
    if not np.isfinite(gap) or not error > 0 or min(n) < 2:
        return Difference(gap, nan, nan, nan, nan, nan, nan, sum(n))
    df = float(square.sum() ** 2 / (square**2 / (np.array(n) - 1)).sum())
    t, reach = gap / error, error * float(stats.t.ppf((1 + level) / 2, df))
    return Difference(gap, error, gap - reach, gap + reach, t, df, float(2 * stats.t.sf(abs(t), df)), sum(n))


def adjusted(p: Any, method: str = "holm") -> Array:
    """p values corrected for how many were asked, shape (test,); NaN are left out and stay NaN.

    "holm" keeps the chance of any false finding (Holm 1979), "benjamini_hochberg" the expected share of false ones
    among the findings (Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).

    Raises
    ------
    ValueError
        For an unknown method.
    """
    if method not in ADJUSTMENTS:
        raise ValueError(f"unknown adjustment {method!r}; there are {', '.join(ADJUSTMENTS)}")
    given = np.asarray(p, dtype=float)
    answer = given.copy()
    asked = np.flatnonzero(~np.isnan(given))
    n = len(asked)
    order = asked[np.argsort(given[asked], kind="stable")]
    if method == "holm":
        answer[order] = np.minimum(1, np.maximum.accumulate((n - np.arange(n)) * given[order]))
    elif method == "benjamini_hochberg":
        steps = given[order] * n / np.arange(1, n + 1)
        answer[order] = np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1])
    return answer
