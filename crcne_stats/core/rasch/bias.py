"""Bias of combinations of elements (a trainer on a criterion): how far their ratings stand off, the rest held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from crcne_stats.core.graph import components
from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import RUN, Rated, moments

STEPS = 12
SETTLED = 1e-4


@dataclass(frozen=True, eq=False)
class Bias:
    """All (cell,): ``observed`` and ``expected`` sums of levels, ``n`` ratings.

    ``bias`` in logits, positive where levels are higher than expected, NaN where all the ratings are at one end;
    ``se``, ``t``, ``df`` = n − 1 and ``p`` of it.
    """

    n: Floats
    observed: Floats
    expected: Floats
    bias: Floats
    se: Floats

    @property
    def t(self) -> Floats:
        """Bias over its error."""
        return self.bias / self.se

    @property
    def df(self) -> Floats:
        """Degrees of freedom of t."""
        return np.maximum(self.n - 1, 0)

    @property
    def p(self) -> Floats:
        """Two-sided, from the t distribution."""
        with np.errstate(invalid="ignore"):
            return np.where(self.df > 0, 2 * stats.t.sf(np.abs(self.t), np.maximum(self.df, 1)), np.nan)


def bias(found: Rated, ability: Floats, code: Ints, n: int) -> Bias:
    """The shift of each cell that makes its expected sum the observed one (Facets manual, table 13).

    Parameters
    ----------
    ability : (student,)
    code : (rating,)
        Cell of each rating.
    """
    own = ability[found.student]
    known = np.isfinite(own)
    rows = np.flatnonzero(known)
    weight, score = found.weight, found.score.astype(float)
    count = tally(code[rows], weight[rows], n)
    observed = tally(code[rows], weight[rows] * score[rows], n)
    steps = found.plan.steps
    group = found.plan.cell_group[found.cell]
    low, top = steps.lowest[group], steps.lowest[group] + steps.top[group]
    least = tally(code[rows], (weight * low)[rows], n)
    most = tally(code[rows], (weight * top)[rows], n)
    inside = (observed > least + 1e-9) & (observed < most - 1e-9)
    shift, se = np.zeros(n), np.full(n, np.nan)
    expected = None
    moving = rows
    for _ in range(STEPS):
        mean, variance = _sums(found, own, shift, code, moving, n)
        expected = mean if expected is None else expected
        here = np.zeros(n, dtype=bool)
        here[code[moving]] = True
        se[here] = 1 / np.sqrt(np.maximum(variance[here], 1e-12))
        step = np.where(here & inside, np.clip((observed - mean) / np.maximum(variance, 1e-12), -1, 1), 0.0)
        shift += step
        moving = moving[np.abs(step[code[moving]]) > SETTLED]
        if not len(moving):
            break
    shift[~inside], se[~inside] = np.nan, np.nan
    return Bias(count, observed, np.zeros(n) if expected is None else expected, shift, se)


def _sums(found: Rated, own: Floats, shift: Floats, code: Ints, rows: Ints, n: int) -> tuple[Floats, Floats]:
    mean, variance = np.zeros(n), np.zeros(n)
    for part in chunks(len(rows), RUN):
        here = rows[part]
        first, second, _, _ = moments(found.chances(own[here] + shift[code[here]], found.cell[here]))
        mean += tally(code[here], found.weight[here] * first, n)
        variance += tally(code[here], found.weight[here] * second, n)
    return mean, variance


@dataclass(frozen=True, eq=False)
class PairBias:
    """Two elements met by the same element (a criterion, say), all (pair,).

    ``first`` and ``second`` are cells; ``contrast`` the bias of the first less that of the second, with ``se``, ``df``
    (ratings of both less two) and a two-sided ``p``.
    """

    first: Ints
    second: Ints
    contrast: Floats
    se: Floats
    df: Floats

    @property
    def t(self) -> Floats:
        """Contrast over its error."""
        return self.contrast / self.se

    @property
    def p(self) -> Floats:
        """Two-sided, from the t distribution."""
        return 2 * stats.t.sf(np.abs(self.t), np.maximum(self.df, 1))


def pair_bias(found: Bias, own: Ints) -> PairBias:
    """Every two cells that agree in ``own`` (cell,) compared with one another (Facets manual, table 14).

    Cells without a bias are left out.
    """
    usable = np.flatnonzero(np.isfinite(found.bias))
    order = usable[np.argsort(own[usable], kind="stable")]
    run = own[order]
    first, second = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for lag in range(1, len(order)):
        here = np.flatnonzero(run[lag:] == run[:-lag])
        if not len(here):
            break
        first.append(order[here])
        second.append(order[here + lag])
    a, b = np.concatenate(first), np.concatenate(second)
    error = np.sqrt(found.se[a] ** 2 + found.se[b] ** 2)
    return PairBias(a, b, found.bias[a] - found.bias[b], error, found.n[a] + found.n[b] - 2)


def independent_cells(pairs: Ints) -> int:
    """Distinct pairs (cell, 2) less what two sets of main effects take up: the rank left for an interaction."""
    one, a = np.unique(pairs[:, 0], return_inverse=True)
    two, b = np.unique(pairs[:, 1], return_inverse=True)
    parts = int(components(a, b, len(one), len(two))[0].max(initial=-1)) + 1
    return int(len(pairs) - len(one) - len(two) + parts)


def adjusted(p: Floats) -> Floats:
    """p values adjusted after Benjamini & Hochberg (1995), NaN where there is none."""
    answer = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        answer[known] = stats.false_discovery_control(p[known])
    return answer
