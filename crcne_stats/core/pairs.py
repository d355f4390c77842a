"""Trainers two by two: who rated the same files, how far they agree, who is the more generous.

Cohen's weighted kappa: Cohen (1968) doi:10.1037/h0026256; its linearised error over students as in Gwet (2014).
Light's mean of pairs: Light (1971) doi:10.1037/h0031643.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.agreement import ratio_of
from crcne_stats.core.counts import Counts, counting
from crcne_stats.core.weights import ordinal_metric

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Comparisons of two trainers on one file. Axes: *pair*, *comparison*, *level* (of the first, of the second).

    Attributes
    ----------
    trainers : (pair, 2) trainer codes, the smaller first
    pair, first, second, cluster : (comparison,) pair, the two levels, and the student
    """

    trainers: Array
    pair: Array
    first: Array
    second: Array
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


def pairs(counts: Counts) -> Pairs:
    """Every comparison of two ratings of one file."""
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
    cluster = counts.cluster[counts.file[a]]
    return Pairs(names, pair, counts.level[a], counts.level[b], cluster, counts.n_levels)


def most_shared(met: Pairs, number: int) -> Pairs:
    """The ``number`` pairs with the most comparisons, in the order of their trainers."""
    if len(met) <= number:
        return met
    frequency = np.bincount(met.pair, minlength=len(met))
    kept = np.sort(np.argsort(-frequency, kind="stable")[:number])
    place = np.full(len(met), -1)
    place[kept] = np.arange(number)
    rows = place[met.pair] >= 0
    return Pairs(
        met.trainers[kept], place[met.pair[rows]], met.first[rows], met.second[rows], met.cluster[rows], met.n_levels
    )


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


def cohen_errors(met: Pairs, w: Array | None) -> Array:
    """Linearised standard error of each pair's kappa over its students, shape (pair,); NaN with one student.

    For ``w`` None the weights are taken as given by the pair's own counts.
    """
    pull = _pulls(met, w)
    groups, owner = np.unique(np.stack([met.pair, met.cluster]), axis=1, return_inverse=True)
    sums = np.bincount(owner.reshape(-1), pull, minlength=groups.shape[1])
    squares = np.bincount(groups[0], sums**2, minlength=len(met))
    students = np.bincount(groups[0], minlength=len(met))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(students > 1, np.sqrt(students / (students - 1.0) * squares), np.nan)


def _pulls(met: Pairs, w: Array | None) -> Array:
    """What each comparison does to the kappa of its pair, shape (comparison,); they sum to 0 in a pair."""
    tables = met.tables()
    n = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2) / n[:, None], tables.sum(axis=1) / n[:, None]
    matrix = ordinal_metric(tables.sum(axis=2) + tables.sum(axis=1)) if w is None else np.broadcast_to(w, tables.shape)
    value, pa, pe = cohen(tables, w)
    by_first = np.einsum("pkl,pl->pk", matrix, columns)[met.pair, met.first]
    by_second = np.einsum("pkl,pk->pl", matrix, rows)[met.pair, met.second]
    p = met.pair
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = matrix[p, met.first, met.second] - pa[p] - (1 - value[p]) * (by_first + by_second - 2 * pe[p])
        return pull / ((1 - pe[p]) * n[p])


def light(met: Pairs, w: Array | None) -> tuple[float, float]:
    """Light's coefficient and its linearised standard error.

    The value is the plain mean of Cohen's kappa over the pairs of trainers for whom it exists, on the files that both
    rated; NaN where it exists for none.
    """
    value = mean_of_pairs(cohen(met.tables(), w)[0][None])[0]
    pull = _pulls(met, w)
    defined = ~np.isnan(pull)
    number = len(np.unique(met.pair[defined]))
    students, owner = np.unique(met.cluster[defined], return_inverse=True)
    m = len(students)
    if m < 2:
        return float(value), float("nan")
    sums = np.bincount(owner, pull[defined]) / number
    return float(value), float(np.sqrt(m / (m - 1) * (sums**2).sum()))


def mean_of_pairs(value: Array) -> Array:
    """Mean over the last axis of what is defined there; NaN where nothing is."""
    defined = ~np.isnan(value)
    with np.errstate(invalid="ignore"):
        return np.where(defined, value, 0).sum(axis=-1) / np.where(defined.any(axis=-1), defined.sum(axis=-1), np.nan)
