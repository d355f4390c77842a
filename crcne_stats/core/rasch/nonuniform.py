"""Does a difference between groups grow with ability? The slope of each criterion in each group, around the model's 1.

One step from the fitted model along its own score, which is taken over each student's posterior: at an estimated
ability a group that is more alike would seem to follow the criterion less (Muraki 1992,
doi:10.1177/014662169201600206, for the slope; Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x, for the information).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.expectation import windows
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import Rated, chances

RUN = 1 << 13
"""Ratings worked on at once."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """Slopes less 1 (cell,), NaN where nothing tells one, and their covariance (cell, cell) from whole students."""

    value: Floats
    covariance: Floats


def slopes(found: Rated, posterior: Floats, nodes: Floats, cell: Ints, n: int) -> Slopes:
    """The slope of each cell, its own location taken out.

    Parameters
    ----------
    posterior : (student, node)
    cell : (rating that informs the fit,)
        A criterion before a group, say; a student's ratings of a cell belong together.
    n
        Number of cells.
    """
    size = cell.max(initial=0) + 1
    pairs, pair = np.unique(found.student * size + cell, return_inverse=True)
    owner, place = np.divmod(pairs, size)
    sums = _by_pair(found, posterior, nodes, pair, owner)
    slope, location, own, cross, base = sums
    own, cross, base = (tally(place, part, n) for part in (own, cross, base))
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(base > 0, cross / base, 0.0)
        information = own - weight * cross
        known = information > 1e-6 * np.maximum(own, 1e-300)
        step = (slope - weight[place] * location) / np.where(known, information, np.nan)[place]
    step = np.nan_to_num(step)
    count = tally(place, None, n)
    # A cell of few students takes some of their scatter into its own location.
    scatter = step * np.sqrt(count / np.maximum(count - 2, 1))[place]
    table = sparse.csr_array((scatter, (owner, place)), shape=(found.n_students, n))
    value = np.where(known, tally(place, step, n), np.nan)
    return Slopes(value, (table.T @ table).toarray())


def _by_pair(found: Rated, posterior: Floats, nodes: Floats, pair: Ints, owner: Ints) -> Floats:
    """For each pair of a student and a cell: scores of slope and location, information of both and across (5, pair)."""
    answer = np.zeros((5, len(owner)))
    order = np.argsort(pair, kind="stable")
    start = np.searchsorted(pair[order], np.arange(len(owner) + 1))
    first_pair = np.searchsorted(owner, np.arange(found.n_students + 1))
    for who, first, width in windows(posterior):
        span = slice(first, first + width)
        met = _ranges(first_pair[who], first_pair[who + 1])
        for part in chunks(len(met), max(1, RUN // 4)):
            mine = met[part]
            rows = order[_ranges(start[mine], start[mine + 1])]
            edge = np.r_[0, np.cumsum(start[mine + 1] - start[mine])[:-1]]
            scores, spreads = _ratings(found, rows, nodes[span])
            summed = [np.add.reduceat(x, edge, axis=0) for x in (*scores, *spreads)]
            weight = posterior[owner[mine], span]
            a, b = summed[:2]
            mean_a, mean_b = (weight * a).sum(axis=1), (weight * b).sum(axis=1)
            own, cross, base = ((weight * x).sum(axis=1) for x in summed[2:])
            answer[:, mine] = [
                mean_a,
                mean_b,
                own - (weight * a**2).sum(axis=1) + mean_a**2,
                cross - (weight * a * b).sum(axis=1) + mean_a * mean_b,
                base - (weight * b**2).sum(axis=1) + mean_b**2,
            ]
    return answer


def _ratings(found: Rated, rows: Ints, nodes: Floats) -> tuple[list[Floats], list[Floats]]:
    """Scores of slope and location of ratings at nodes (rating, node), and their variances and covariance."""
    offset = found.offset[:, found.cell[rows]]
    p = chances(offset[:, :, None], np.broadcast_to(nodes, (len(rows), len(nodes))))
    level = np.arange(len(offset), dtype=float)[:, None, None]
    statistic = level * nodes - np.where(np.isfinite(offset), offset, 0.0)[:, :, None]
    weight = found.weight[rows, None]
    mean, place = (p * statistic).sum(axis=0), (p * level).sum(axis=0)
    seen = found.score[rows], np.arange(len(rows))
    scores = [weight * (statistic[seen] - mean), weight * (found.score[rows, None] - place)]
    off, away = statistic - mean, level - place
    spreads = [weight * (p * x).sum(axis=0) for x in (off**2, off * away, away**2)]
    return scores, spreads


def _ranges(begin: Ints, end: Ints) -> Ints:
    """All the places from each ``begin`` to before each ``end``, one range after the other."""
    size = end - begin
    return np.repeat(begin - np.r_[0, np.cumsum(size)[:-1]], size) + np.arange(int(size.sum()))
