"""Do two trainers use the levels alike? Tests of marginal homogeneity, and by how much who is the more generous.

``table`` (level, level): students by the level that the first (rows) and the second trainer (columns) gave. Where
comparisons are not independent (a student rated on several criteria), or some students were rated by one of the two
only, a :class:`Shift` carries what each student does to the difference of the two distributions.

Sources: Stuart (1955) doi:10.1093/biomet/42.3-4.412; Maxwell (1970) doi:10.1192/bjp.116.535.651; Bhapkar (1966)
doi:10.1080/01621459.1966.10502021; Bowker (1948) doi:10.1080/01621459.1948.10483284; McNemar (1947)
doi:10.1007/BF02295996; Fagerland, Lydersen & Laake (2017), Statistical Analysis of Contingency Tables, ch. 8–9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crcne_stats.core.compare import Omnibus, quadratic_form
from crcne_stats.core.influence import covariance

Array = NDArray[Any]
NAN = float("nan")


@dataclass(frozen=True)
class Homogeneity:
    """A χ² test on a table. ``levels``: those used by either trainer, on which the test rests.

    ``df`` is the number of directions in which anything differed at all: a level on which both agree always, and a
    pair of levels never confused, take none. ``reason``: "" or why there is no test, "one_level" or
    "no_disagreement".
    """

    statistic: float
    df: int
    p: float
    levels: tuple[int, ...]
    reason: str


def _collapsed(table: Any) -> tuple[Array, tuple[int, ...], str]:
    """The table without the levels that neither used, which levels stay, and why no test can be made of it."""
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"a table of shape {counts.shape} does not cross a scale with itself")
    kept = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    inner = counts[np.ix_(kept, kept)]
    levels = tuple(int(level) for level in kept)
    if len(kept) < 2:
        return inner, levels, "one_level"
    return inner, levels, "" if inner.sum() > np.trace(inner) else "no_disagreement"


def _tested(statistic: float, df: int, levels: tuple[int, ...], reason: str) -> Homogeneity:
    if reason or df == 0:
        return Homogeneity(NAN, 0, NAN, levels, reason or "no_disagreement")
    return Homogeneity(statistic, df, float(stats.chi2.sf(statistic, df)), levels, "")


def stuart_maxwell(table: Any) -> Homogeneity:
    """Marginal homogeneity, variance under the hypothesis (Stuart 1955, Maxwell 1970); for two levels McNemar's test.

    Raises
    ------
    ValueError
        For a table that is not square; also in :func:`bhapkar` and :func:`bowker`.
    """
    n, levels, reason = _collapsed(table)
    statistic, df = quadratic_form(*_margins(n))
    return _tested(statistic, df, levels, reason)


def bhapkar(table: Any) -> Homogeneity:
    """Marginal homogeneity, variance as found (Bhapkar 1966): more powerful than Stuart–Maxwell, the same when large.

    Its statistic is S / (1 − S / n), S that of Stuart and Maxwell (Keefe 1982, doi:10.1002/bimj.4710240607).
    Infinite, p 0, where every student moved the same way.
    """
    n, levels, reason = _collapsed(table)
    s, df = quadratic_form(*_margins(n))
    room = 1 - s / n.sum() if df else NAN
    return _tested(s / room if room > 1e-12 else np.inf, df, levels, reason)


def _margins(n: Array) -> tuple[Array, Array]:
    difference = n.sum(axis=1) - n.sum(axis=0)
    return difference, np.diag(n.sum(axis=1) + n.sum(axis=0)) - n - n.T


def bowker(table: Any) -> Homogeneity:
    """Symmetry: is each pair of levels confused as often one way as the other? (Bowker 1948, McNemar generalised.)"""
    n, levels, reason = _collapsed(table)
    above = np.triu_indices(len(n), 1)
    one, other = n[above], n.T[above]
    seen = one + other > 0
    statistic = float(((one - other)[seen] ** 2 / (one + other)[seen]).sum())
    return _tested(statistic, int(seen.sum()), levels, reason)


@dataclass(frozen=True, eq=False)
class LevelChange:
    """Each level against the rest, arrays (level,): share of the first trainer less share of the second.

    ``low``, ``high``: adjusted Wald interval of Bonett & Price (2012, doi:10.3102/1076998611411915). ``p``: exact
    McNemar. ``only_first`` and ``only_second``: students to whom one alone gave the level.
    """

    difference: Array
    low: Array
    high: Array
    p: Array
    only_first: Array
    only_second: Array


def level_changes(table: Any, level: float = 0.95) -> LevelChange:
    """Which levels one trainer uses more, for independent students; unused levels are kept, with difference 0."""
    n = np.asarray(table, dtype=float)
    total, both = n.sum(), np.diag(n)
    b, c = n.sum(axis=1) - both, n.sum(axis=0) - both
    low, high = bonett_price(b, c, total, level)
    p = np.array([_exact(x, y) for x, y in zip(b, c)])
    with np.errstate(invalid="ignore"):
        return LevelChange((b - c) / total, low, high, p, b, c)


def _exact(b: float, c: float) -> float:
    return float(stats.binomtest(int(b), int(b + c)).pvalue) if b + c else 1.0


def bonett_price(b: Any, c: Any, n: Any, level: float = 0.95) -> tuple[Array, Array]:
    """Bounds of (b − c) / n, b and c the two kinds of disagreement among n pairs (Bonett & Price 2012)."""
    z = float(stats.norm.ppf((1 + level) / 2))
    one, other = (np.asarray(b) + 1) / (np.asarray(n) + 2), (np.asarray(c) + 1) / (np.asarray(n) + 2)
    reach = z * np.sqrt((one + other - (one - other) ** 2) / (np.asarray(n) + 2))
    return np.maximum(-1, one - other - reach), np.minimum(1, one - other + reach)


@dataclass(frozen=True, eq=False)
class Shift:
    """Distribution of the first trainer's levels less that of the second's.

    ``difference`` (level,) of shares; ``influence`` (student, level): what each student does to it, adding up to 0.
    """

    difference: Array
    influence: Array

    @property
    def n_students(self) -> int:
        return len(self.influence)


def shift_of_pairs(first: Any, second: Any, cluster: Any, n_levels: int) -> Shift:
    """From comparisons: ``first``, ``second`` levels and ``cluster``, the student, each (comparison,).

    Every comparison counts once, so a student with more of them counts more.
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    owner, m = _students(cluster)
    total = max(len(a), 1)
    sums = _spread(owner, a, m, n_levels) - _spread(owner, b, m, n_levels)
    difference = sums.sum(axis=0) / total
    size = np.bincount(owner, minlength=m)[:, None]
    return Shift(difference, (sums - size * difference) / total)


def shift_of_ratings(rated: Any, second: Any, cluster: Any, n_levels: int) -> Shift:
    """From the ratings of two trainers, whether or not both rated a student: all three (rating,).

    ``rated``: level; ``second``: whether it is the second trainer's; ``cluster``: the student. Students whom both rated
    bring their covariance. Those whom one rated widen the base, and bring what distinguishes them: the answer is about
    the trainers only where who rated whom was left to chance (Ekbohm 1976, doi:10.1093/biomet/63.2.299, for means).
    """
    levels, side = np.asarray(rated, dtype=np.int64), np.asarray(second, dtype=bool)
    owner, m = _students(cluster)
    difference, influence = np.zeros(n_levels), np.zeros((m, n_levels))
    for sign, mine in ((1, ~side), (-1, side)):
        total = max(int(mine.sum()), 1)
        share = np.bincount(levels[mine], minlength=n_levels) / total
        size = np.bincount(owner[mine], minlength=m)[:, None]
        difference = difference + sign * share
        influence += sign * (_spread(owner[mine], levels[mine], m, n_levels) - size * share) / total
    return Shift(difference, influence)


def _students(cluster: Any) -> tuple[Array, int]:
    names, owner = np.unique(np.asarray(cluster), return_inverse=True)
    return owner.reshape(-1), len(names)


def _spread(owner: Array, level: Array, m: int, q: int) -> Array:
    return np.bincount(owner * q + level, minlength=m * q).reshape(m, q).astype(float)


def equal_margins(shift: Shift) -> Omnibus:
    """Wald test that the two distributions are equal, robust to clusters, T² referred to F.

    On independent complete pairs T² is Bhapkar's statistic × (n − 1) / n. NaN where nobody moves anything, or where
    levels are as many as students.
    """
    spread, m = covariance(shift.influence)
    nothing = Omnibus(NAN, NAN, NAN, NAN, m)
    if m < 2:
        return nothing
    t2, rank = quadratic_form(shift.difference, spread)
    if rank == 0 or m <= rank:
        return nothing
    f = t2 * (m - rank) / ((m - 1) * rank)
    return Omnibus(t2, float(rank), float(m - rank), float(stats.f.sf(f, rank, m - rank)), m)


def equal_margins_score(first: Any, second: Any, cluster: Any, n_levels: int) -> Omnibus:
    """The same for complete pairs with the variance under the hypothesis, referred to χ²: it keeps its size better.

    For two levels Obuchowski's (1998, doi:10.1002/(SICI)1097-0258(19980715)17:13<1495::AID-SIM863>3.0.CO;2-I); on
    independent pairs Stuart–Maxwell × (n − 1) / n. NaN with one student and where nobody moves anything.
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    owner, m = _students(cluster)
    sums = _spread(owner, a, m, n_levels) - _spread(owner, b, m, n_levels)
    if m < 2:
        return Omnibus(NAN, NAN, NAN, NAN, m)
    statistic, rank = quadratic_form(sums.sum(axis=0), m / (m - 1) * sums.T @ sums)
    if rank == 0:
        return Omnibus(NAN, NAN, NAN, NAN, m)
    return Omnibus(statistic, float(rank), np.inf, float(stats.chi2.sf(statistic, rank)), m)


@dataclass(frozen=True, eq=False)
class Direction:
    """Differences with t intervals over students, each (…,): a mean in scores, or shares level by level."""

    value: Array
    se: Array
    low: Array
    high: Array
    p: Array
    n_students: int


def mean_shift(shift: Shift, scores: Any, level: float = 0.95) -> Direction:
    """Mean score of the first trainer less that of the second; positive where the first is the more generous.

    ``scores`` (level,); with 0, 1, 2, … the answer is in levels. Without error (all differences equal) the bounds are
    the value itself and p is NaN.
    """
    points = np.asarray(scores, dtype=float)
    return _direction(shift.difference @ points, shift.influence @ points, level)


def level_shifts(shift: Shift, level: float = 0.95) -> Direction:
    """Share of each level with the first trainer less its share with the second, robust to clusters."""
    return _direction(shift.difference, shift.influence, level)


def _direction(value: Array, influence: Array, level: float) -> Direction:
    m = len(influence)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(m / np.float64(m - 1) * (influence**2).sum(axis=0)) if m > 1 else np.full(np.shape(value), NAN)
        reach = se * (stats.t.ppf((1 + level) / 2, m - 1) if m > 1 else NAN)
        p = np.where(se > 1e-14, 2 * stats.t.sf(np.abs(value / se), max(m - 1, 1)), NAN)
    return Direction(np.asarray(value), se, value - reach, value + reach, p, m)
