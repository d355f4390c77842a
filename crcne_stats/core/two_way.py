"""Trainers drawn like students: what a coefficient would be with other students and other trainers.

Two roads. In the bootstrap every comparison of two trainers on one file weighs the product of the weights of its
student and of both trainers (Owen & Eckles 2012, doi:10.1214/12-AOAS547); where each student meets few trainers it is
twice as wide as it need be. The linearised variance adds the products of the influences of all comparisons that share a
student or a trainer, as the dyadic one of Fafchamps & Gubert (2007, doi:10.1016/j.jdeveco.2006.05.005) and Aronow,
Samii & Assenova (2015, doi:10.1093/pan/mpv018) does. Theirs is without bias but too short with few trainers (85 % for
95 with 20 trainers, benchmarks/agreement_coverage.py); here what two comparisons share by both their trainers counts
for each of these, which leans to the safe side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.agreement import COEFFICIENTS, margin_pull, moments_of, pair_pull, pair_weight_pull, slope, values
from crcne_stats.core.counts import Counts
from crcne_stats.core.moments import Moments, linear_moments, trainer_moments
from crcne_stats.core.pairs import Pairs, pairs

Array = NDArray[Any]


class TwoWay:
    """Moments, cross-tables of pairs and weights of pairs under weights of students and trainers.

    ``student`` (student, resample) and ``trainer`` (trainer, resample) are the weights; with ones everywhere the
    moments are those of the data.
    """

    def __init__(self, counts: Counts, trainers: bool, by_pair: bool, n_students: int) -> None:
        met, q, size = pairs(counts), counts.n_levels, _sizes(counts)
        self.n_levels, self.by_pair, self.met = q, by_pair, met
        self.name = counts.trainer_name
        self.student, self.trainer = counts.cluster[counts.file], counts.trainer
        meeting = np.arange(len(met.pair))
        cell, m = met.first * q + met.second, size[met.file]
        shape = (q * q, len(met.pair))
        self.pair_cells = sparse.csr_array((1 / (m * (m - 1)), (cell, meeting)), shape=shape)
        self.cells = sparse.csr_array((1 / (m - 1), (cell, meeting)), shape=shape)
        rating = np.arange(counts.n_ratings)
        shape = (q, counts.n_ratings)
        self.shares = sparse.csr_array((1 / size[counts.file], (counts.level, rating)), shape=shape)
        self.margins: sparse.csr_array | None = counts.margin_one_hot(n_students) if trainers else None
        self.tables: sparse.csr_array | None = met.one_hot(n_students) if by_pair else None

    def __call__(self, student: Array, trainer: Array | None) -> tuple[Moments, Array | None, Array | None]:
        assert trainer is not None
        q, size, own = self.n_levels, student.shape[1], trainer[self.name]
        both = own[self.met.trainers[:, 0]] * own[self.met.trainers[:, 1]]
        comparison = student[self.met.cluster] * both[self.met.pair]
        shares = (self.shares @ (student[self.student] * own[self.trainer])).T
        squares = [_square(cells @ comparison, q) for cells in (self.pair_cells, self.cells)]
        parts = [*squares, shares, shares.sum(axis=1)[:, None], squares[0].sum(axis=1)[:, None]]
        if self.margins is not None:
            parts.append(trainer_moments(np.asarray(self.margins @ student).reshape(-1, q, size), own))
        tables = None
        if self.tables is not None:
            tables = np.asarray(self.tables @ student, dtype=float).T.reshape(size, -1, q, q)
        return Moments(np.concatenate(parts, axis=1, dtype=float), q), tables, both.T if self.by_pair else None


def _sizes(counts: Counts) -> Array:
    """Number of ratings of each file, shape (file,)."""
    return counts.patterns.sum(axis=1)[counts.pattern].astype(float)


def _square(cells: Array, q: int) -> Array:
    """Both orders of each comparison counted: (level × level, resample) → (resample, level × level)."""
    one = cells.T.reshape(-1, q, q)
    return (one + one.transpose(0, 2, 1)).reshape(len(one), q * q)


def variance_parts(counts: Counts, coefficient: str, w: Array | None) -> tuple[float, float]:
    """Linearised variance of a coefficient from drawing students, and what drawing trainers adds to it.

    ``counts`` as the coefficient uses them (:func:`crcne_stats.core.influence.used`). The second part can be negative
    by chance; it is then 0. NaN with fewer than two students or trainers, or where the coefficient does not exist.
    """
    met, nan = pairs(counts), float("nan")
    base = moments_of(counts, coefficient, w)
    n, number = counts.n_students, counts.n_trainers
    if n < 2 or number < 2 or np.isnan(values(base, coefficient, w)[0][0]):
        return nan, nan
    comparison, rating, _ = _pulls(counts, coefficient, w, base, met)
    if base.by_pair is not None:
        pull = pair_pull(met, coefficient, w, base)
        comparison = comparison + pull - pull.mean()
    student, owner = counts.cluster[counts.file], met.cluster
    n_students = int(counts.cluster.max()) + 1
    alone = np.bincount(owner, comparison, n_students) + np.bincount(student, rating, n_students)
    first, second = met.trainers[met.pair].T
    keys = np.concatenate([owner * number + first, owner * number + second, student * number + counts.trainer])
    place = np.unique(keys, return_inverse=True)[1]
    inside = np.bincount(place, np.concatenate([comparison, comparison, rating]))
    by_trainer = float((trainer_pull(counts, coefficient, w) ** 2).sum())
    students = n / (n - 1) * float((alone**2).sum())
    # A comparison's own square stands once with the students and twice with the trainers, too often by one at least.
    return students, max(0.0, number / (number - 1) * (by_trainer - float((inside**2).sum()) / 2))


def trainer_pull(counts: Counts, coefficient: str, w: Array | None) -> Array:
    """Derivative of a coefficient by the weight of each trainer, shape (trainer,), at weights of 1."""
    met, number = pairs(counts), counts.n_trainers
    base = moments_of(counts, coefficient, w)
    comparison, rating, own = _pulls(counts, coefficient, w, base, met)
    first, second = met.trainers.T
    by_pair = np.bincount(met.pair, comparison, len(met))
    if base.by_pair is not None:
        by_pair = by_pair + pair_weight_pull(met, coefficient, w, base)
    shared = np.bincount(first, by_pair, number) + np.bincount(second, by_pair, number)
    return shared + np.bincount(counts.trainer, rating, number) + own


def _pulls(counts: Counts, coefficient: str, w: Array | None, base: Moments, met: Pairs) -> tuple[Array, Array, Array]:
    """What each comparison (comparison,), rating (rating,) and trainer (trainer,) does through the moments."""
    q, size = counts.n_levels, _sizes(counts)
    by = slope(lambda m: values(m, coefficient, w)[0][:, None], base)[:, 0]
    pair, cell = by[: q * q].reshape(q, q), by[q * q : 2 * q * q].reshape(q, q)
    share, files, pairable = by[2 * q * q : 2 * q * q + q], by[2 * q * q + q], by[2 * q * q + q + 1]
    m = size[met.file]
    k, other = met.first, met.second
    comparison = (pair[k, other] + pair[other, k] + 2 * pairable) / (m * (m - 1))
    comparison = comparison + (cell[k, other] + cell[other, k]) / (m - 1)
    rating = (share[counts.level] + files) / size[counts.file]
    if not COEFFICIENTS[coefficient].trainers:
        return comparison, rating, np.zeros(counts.n_trainers)
    in_sum, in_cross, rest = np.split(by[linear_moments(q) :], [q, q + q * q])
    cross = in_cross.reshape(q, q)
    shares = counts.margins / counts.margins.sum(axis=1, keepdims=True)
    trainer = shares @ in_sum + 2 * np.einsum("tk,kl,tl->t", shares, cross, shares) + rest[0] + 2 * rest[1]
    return comparison, rating + margin_pull(counts, in_sum, cross), trainer
