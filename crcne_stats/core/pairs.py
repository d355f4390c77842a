"""Trainers two by two: who rated the same files, how far they agree, who is the more generous.

Cohen's weighted kappa: Cohen (1968) doi:10.1037/h0026256; its linearised error over students as in Gwet (2014).
Coefficients that rest on pairs are functions of sums over pairs of what :func:`kappa_parts` or :func:`rank_parts`
finds in each cross-table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.counts import Counts, counting
from crcne_stats.core.moments import ratio_of
from crcne_stats.core.weights import ordinal_metric

Array = NDArray[Any]
_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Pairs:
    """Comparisons of two trainers on one file. Axes: *pair*, *comparison*, *level* (of the first, of the second).

    Attributes
    ----------
    trainers : (pair, 2) trainer codes, the smaller first
    pair, first, second, file, cluster : (comparison,) pair, the two levels, the file and the student
    """

    trainers: Array
    pair: Array
    first: Array
    second: Array
    file: Array
    cluster: Array
    n_levels: int

    def __len__(self) -> int:
        return len(self.trainers)

    def tables(self, weight: Array | None = None) -> Array:
        """Cross-tables of levels, shape (pair, level, level); ``weight`` (comparison,) counts comparisons."""
        cell = (self.pair * self.n_levels + self.first) * self.n_levels + self.second
        flat = np.bincount(cell, weight, minlength=len(self) * self.n_levels**2)
        return flat.reshape(-1, self.n_levels, self.n_levels).astype(float)

    def one_hot(self, n_clusters: int) -> sparse.csr_array:
        """(pair × level × level, student): number of comparisons of that student in that cell."""
        cell = (self.pair * self.n_levels + self.first) * self.n_levels + self.second
        return counting(cell, self.cluster, (len(self) * self.n_levels**2, n_clusters))

    def students(self) -> Array:
        """Number of students whom both trainers rated, shape (pair,)."""
        met = np.unique(np.stack([self.pair, self.cluster]), axis=1)[0] if len(self.pair) else self.pair
        return np.bincount(met, minlength=len(self))


_KNOWN: WeakKeyDictionary[Counts, Pairs] = WeakKeyDictionary()


def pairs(counts: Counts) -> Pairs:
    """Every comparison of two ratings of one file; worked out once for the same counts."""
    if counts not in _KNOWN:
        _KNOWN[counts] = _compared(counts)
    return _KNOWN[counts]


def _compared(counts: Counts) -> Pairs:
    order = np.argsort(counts.file, kind="stable")
    size = np.bincount(counts.file, minlength=counts.n_files)
    start = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
    left, right = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for number in np.unique(size[size >= 2]):
        one, two = np.triu_indices(int(number), 1)
        begins = start[size == number][:, None]
        left.append(order[(begins + one).ravel()])
        right.append(order[(begins + two).ravel()])
    a, b = np.concatenate(left), np.concatenate(right)
    swap = counts.trainer[a] > counts.trainer[b]
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    key, pair = np.unique(counts.trainer[a] * counts.n_trainers + counts.trainer[b], return_inverse=True)
    names = np.stack(np.divmod(key, max(counts.n_trainers, 1)), axis=1)
    file = counts.file[a]
    return Pairs(names, pair, counts.level[a], counts.level[b], file, counts.cluster[file], counts.n_levels)


def most_shared(met: Pairs, number: int) -> Pairs:
    """The ``number`` pairs with the most comparisons, in the order of their trainers."""
    if len(met) <= number:
        return met
    frequency = np.bincount(met.pair, minlength=len(met))
    kept = np.sort(np.argsort(-frequency, kind="stable")[:number])
    place = np.full(len(met), -1)
    place[kept] = np.arange(number)
    rows = place[met.pair] >= 0
    first, second, file, cluster = (part[rows] for part in (met.first, met.second, met.file, met.cluster))
    return Pairs(met.trainers[kept], place[met.pair[rows]], first, second, file, cluster, met.n_levels)


def cohen(tables: Array, w: Array | None) -> tuple[Array, Array, Array]:
    """Cohen's weighted kappa of cross-tables (…, level, level): value, pa and pe of shape (…).

    ``w`` (level, level), or None for Krippendorff's ordinal metric from each table's own counts. NaN where both used
    one and the same level only.
    """
    n = tables.sum(axis=(-2, -1))
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    matrix = ordinal_metric(rows + columns) if w is None else w
    with np.errstate(divide="ignore", invalid="ignore"):
        pa = (tables * matrix).sum(axis=(-2, -1)) / n
        pe = (rows[..., :, None] * columns[..., None, :] * matrix).sum(axis=(-2, -1)) / n**2
        return ratio_of(pa, pe), pa, pe


def kappa_parts(tables: Array, w: Array | None) -> Array:
    """Of each cross-table (…, level, level): kappa, pa, pe and 1, shape (…, 4); zeros where kappa does not exist."""
    value, pa, pe = cohen(tables, w)
    exists = ~np.isnan(value)
    return np.stack([np.where(exists, part, 0) for part in (value, pa, pe, np.ones_like(value))], axis=-1)


def rank_parts(tables: Array, w: Array | None) -> Array:
    """Of each cross-table (…, level, level): cross-product and mean square of the two trainers' ranks, shape (…, 2).

    Ranks are mid-ranks within the table, so that ties are corrected for; both parts are divided by n (n + 1) / 12, so
    that without ties a pair weighs n − 1 (Taylor 1987, doi:10.2307/2531822). ``w`` plays no part.
    """
    n = tables.sum(axis=(-2, -1))
    first, second = tables.sum(axis=-1), tables.sum(axis=-2)
    x, y = (_mid_ranks(margin, n) for margin in (first, second))
    cross = (tables * x[..., :, None] * y[..., None, :]).sum(axis=(-2, -1))
    square = ((first * x**2).sum(axis=-1) + (second * y**2).sum(axis=-1)) / 2
    unit = 12 / np.where(n == 0, 1, n * (n + 1))
    return np.stack([cross * unit, square * unit], axis=-1)


def cell_slopes(tables: Array, find: Callable[[Array], Array], pair: Array, cell: Array) -> Array:
    """Derivative of ``find(tables) -> (pair, part)`` by chosen cells of the tables, shape (chosen, part).

    ``pair`` and ``cell`` (chosen,): the table, and first level × number of levels + second. Complex step (Squire &
    Trapp 1998, doi:10.1137/S003614459631241X), weights that follow from the counts included.
    """
    q = tables.shape[-1]
    step = tables[pair].astype(complex)
    step[np.arange(len(pair)), cell // q, cell % q] += 1j * _STEP
    return np.asarray(find(step).imag / _STEP)


def comparison_slopes(met: Pairs, find: Callable[[Array], Array]) -> Array:
    """Derivative of ``find(tables) -> (pair, part)`` by the cell of each comparison, shape (comparison, part)."""
    q = met.n_levels
    seen, place = np.unique((met.pair * q + met.first) * q + met.second, return_inverse=True)
    return cell_slopes(met.tables(), find, seen // q**2, seen % q**2)[place]


def _mid_ranks(margin: Array, n: Array) -> Array:
    """Mid-rank of each level less the mean rank, shape (…, level)."""
    return np.cumsum(margin, axis=-1) - margin / 2 - n[..., None] / 2
