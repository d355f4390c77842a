"""Signs of trouble under weights of the students: sums from which every resample follows without a refit.

Each class is called with weights (student, resample) and answers (sign, resample); weights of one give the data's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.agreement import values
from crcne_stats.core.counts import Counts
from crcne_stats.core.moments import Moments, pattern_moments
from crcne_stats.core.resample import Progress, bootstrap_weights, repeat

Array = NDArray[Any]


class Sign(Protocol):
    """Signs under weights."""

    def __call__(self, weight: Array) -> Array: ...


@dataclass(frozen=True, eq=False)
class Moved:
    """Contrasts of a model: ``value`` (sign,), moved by each student's ``influence`` (student, sign)."""

    value: Array
    influence: Array

    def __call__(self, weight: Array) -> Array:
        return self.value[:, None] + self.influence.T @ (weight - 1)


@dataclass(frozen=True, eq=False)
class Ratio:
    """Sums over students of ``top`` over those of ``bottom``, both (student, sign)."""

    top: Array
    bottom: Array

    def __call__(self, weight: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.top.T @ weight) / (self.bottom.T @ weight))


@dataclass(frozen=True, eq=False)
class TrainerShare:
    """Share of the variance of a criterion that lies between trainers.

    The variance is the mean product of two residuals of one trainer on one criterion from different students: what is
    not the trainer's cancels. ``residual`` and ``count`` (trainer × criterion, student) are sums of one student,
    ``levels``, ``squares`` and ``n`` (student, criterion) those of the levels. The same trainers are kept.
    """

    residual: sparse.csr_array
    count: sparse.csr_array
    levels: Array
    squares: Array
    n: Array

    def __call__(self, weight: Array) -> Array:
        n_criteria, twice = self.n.shape[1], weight**2
        own = np.asarray(self.residual @ weight) ** 2 - self.residual.power(2) @ twice
        pairs = np.asarray(self.count @ weight) ** 2 - self.count.power(2) @ twice
        shape = (-1, n_criteria, weight.shape[1])
        number = self.n.T @ weight
        with np.errstate(divide="ignore", invalid="ignore"):
            between = own.reshape(shape).sum(axis=0) / pairs.reshape(shape).sum(axis=0)
            mean = (self.levels.T @ weight) / number
            return np.asarray(between / ((self.squares.T @ weight) / number - mean**2))


@dataclass(frozen=True, eq=False)
class Dependence:
    """Correlation of the residuals of two criteria on one sheet (Q3, Yen 1984, doi:10.1177/014662168400800201).

    Less the mean of all pairs (Christensen, Makransky & Horton 2017, doi:10.1177/0146621616677520). ``products`` and
    ``count`` (student, pair) run over pairs ``first`` <= ``other``, a criterion with itself included.
    """

    products: Array
    count: Array
    first: Array
    other: Array

    def __call__(self, weight: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (self.products.T @ weight) / (self.count.T @ weight)
            alone = self.first == self.other
            root = np.sqrt(mean[alone])
            a, b = self.first[~alone], self.other[~alone]
            found = mean[~alone] / (root[a] * root[b])
        return np.asarray(found - np.nanmean(found, axis=0))


@dataclass(frozen=True, eq=False)
class Disagreement:
    """For each criterion Gwet's AC2, then how often two trainers part who both gave one of two neighbouring levels.

    Trainers who toss a coin between the two levels part half of the time.
    """

    counts: Sequence[Counts]
    weights: Sequence[Array]
    n_students: int

    def __call__(self, weight: Array) -> Array:
        return np.concatenate([self._one(own, w, weight) for own, w in zip(self.counts, self.weights, strict=True)])

    def _one(self, own: Counts, w: Array, weight: Array) -> Array:
        flat = np.asarray(own.pattern_one_hot(self.n_students) @ weight, dtype=float).T @ pattern_moments(own)
        m = Moments(flat, own.n_levels)
        return np.concatenate([values(m, "gwet_ac", w)[0][None], swaps(m).T])


def swaps(m: Moments) -> Array:
    """Of the pairs of ratings on two neighbouring levels, the share on different ones (resample, lower level).

    NaN where no two trainers gave any of the two.
    """
    same = np.diagonal(m.coincidences, axis1=1, axis2=2)
    apart = np.diagonal(m.coincidences, offset=1, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * apart / (same[:, :-1] + same[:, 1:] + 2 * apart))


@dataclass(frozen=True, eq=False)
class Association:
    """By how much Kendall's τ-b of each criterion with another test lies below that of the median criterion.

    ``cells`` (value × level of the test, student) are counts, by criterion.
    """

    cells: Sequence[sparse.csr_array]
    n_levels: int

    def __call__(self, weight: Array) -> Array:
        found = []
        for own in self.cells:
            table = np.asarray(own @ weight, dtype=float).T.reshape(weight.shape[1], -1, self.n_levels)
            found.append(tau_b(table))
        together = np.array(found)
        return np.asarray(np.nanmedian(together, axis=0) - together)


def tau_b(table: Array) -> Array:
    """Kendall's τ-b (resample,) of tables of counts (resample, first, second); NaN where one side does not vary."""
    n = table.sum(axis=(1, 2))
    below = table.cumsum(axis=1).cumsum(axis=2)
    lower = np.zeros_like(table)
    lower[:, 1:, 1:] = below[:, :-1, :-1]
    right = np.zeros_like(table)
    right[:, 1:, :-1] = below[:, :-1, -1:] - below[:, :-1, :-1]
    gap = (table * (lower - right)).sum(axis=(1, 2))
    ties = [(n**2 - (table.sum(axis=axis) ** 2).sum(axis=1)) / 2 for axis in (1, 2)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(gap / np.sqrt(ties[0] * ties[1]))


class _Resample:
    """One block of resamples of the students; holds plain arrays, so that it can be sent to other processes."""

    def __init__(self, signs: Sequence[Sign], n_students: int) -> None:
        self.signs, self.n_students = tuple(signs), n_students

    def __call__(self, rng: np.random.Generator, size: int) -> Array:
        weight = bootstrap_weights(rng, size, self.n_students).astype(float)
        return np.concatenate([sign(weight) for sign in self.signs]).T


def measured(signs: Sequence[Sign], n_students: int) -> Array:
    """The signs of the data (sign,)."""
    ones = np.ones((n_students, 1))
    return np.concatenate([sign(ones)[:, 0] for sign in signs])


def resampled(
    signs: Sequence[Sign], n_students: int, n: int, seed: int | Sequence[int], progress: Progress | None = None
) -> Array:
    """The signs over resamples of the students (resample, sign); same seed, same numbers, whoever does the work."""
    return np.asarray(repeat(_Resample(signs, n_students), n, seed, progress, threads=True))
