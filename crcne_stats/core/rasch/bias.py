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
    """Two elements met by the same element (a criterion, say), all (pair,), the surest first.

    ``first`` and ``second`` are cells; ``contrast`` the bias of the first less that of the second, with ``se``, ``df``
    (ratings of both less two), a two-sided ``p``, and ``p_adjusted`` over all the pairs there are.
    """

    first: Ints
    second: Ints
    contrast: Floats
    se: Floats
    df: Floats
    p: Floats
    p_adjusted: Floats

    @property
    def t(self) -> Floats:
        """Contrast over its error."""
        return self.contrast / self.se


def pair_bias(found: Bias, own: Ints, alpha: float = 1.0) -> PairBias:
    """Every two cells that agree in ``own`` (cell,) compared with one another (Facets manual, table 14).

    Cells without a bias are left out, and so are pairs whose adjusted p is above ``alpha``: with the trainers of a
    country there are millions, of which few need a p at all, since t exceeds what a normal deviate would have to.
    """
    usable = np.flatnonzero(np.isfinite(found.bias))
    order = usable[np.argsort(own[usable], kind="stable")]
    reach = float(stats.norm.isf(alpha / 2))
    ends = np.searchsorted(own[order], own[order], side="right")
    parts = [np.zeros((0, 2), dtype=np.int64)]
    total = 0
    for begin in np.flatnonzero(np.r_[True, np.diff(own[order]) != 0])[: len(order)]:
        run = order[begin : ends[begin]]
        total += len(run) * (len(run) - 1) // 2
        for part in chunks(len(run), max(1, RUN // len(run))):
            a, b = run[part, None], run[None, :]
            far = (found.bias[a] - found.bias[b]) ** 2 >= reach**2 * (found.se[a] ** 2 + found.se[b] ** 2)
            row, column = np.nonzero(far & (np.arange(len(run)) > np.arange(len(run))[part, None]))
            parts.append(np.column_stack([run[part][row], run[column]]))
    first, second = np.concatenate(parts).T
    contrast, error = found.bias[first] - found.bias[second], np.hypot(found.se[first], found.se[second])
    df = found.n[first] + found.n[second] - 2
    p = 2 * stats.t.sf(np.abs(contrast / error), np.maximum(df, 1))
    # A pair left out above has a p beyond alpha, and so has every adjusted p that rests on it.
    place = np.argsort(p, kind="stable")
    share = p[place] * total / np.arange(1, len(p) + 1)
    step = np.minimum(np.minimum.accumulate(share[::-1])[::-1], 1.0)
    kept = place[step <= alpha]
    return PairBias(
        first[kept], second[kept], contrast[kept], error[kept], df[kept], p[kept], step[step <= alpha]
    )  # fmt: skip


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
