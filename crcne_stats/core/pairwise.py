"""All pairs of trainers at once: how many students they share, how far they agree, who is the more generous.

Everything is read off the counts of (pair, level, level), for the pairs that share a student; of the others only the
number is known. Errors are over students: all that two trainers have in common about one student moves together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from crcne_stats.core.counts import Counts
from crcne_stats.core.influence import cohen_slopes
from crcne_stats.core.pairs import Pairs, pairs

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Statistic:
    """One number for each pair that shares a student, arrays (pair,); bounds are of t with students less one.

    NaN: ``value`` where it does not exist, ``se`` and bounds with one student too. ``se`` is 0, and the bounds are
    NaN, where all the students of a pair say the same: their likeness is no proof of certainty.
    """

    value: Array
    se: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class PairTable:
    """Pairs of trainers that share a student, and their statistics.

    ``trainers`` (pair, 2), the smaller code first; ``n_students`` and ``n_files`` (pair,) that both rated; ``percent``
    of equal levels, ``kappa`` (Cohen's, under the weights asked) and ``difference``, mean score of the first less
    mean score of the second. ``n_trainers``: codes run below it.
    """

    trainers: Array
    n_students: Array
    n_files: Array
    percent: Statistic
    kappa: Statistic
    difference: Statistic
    n_trainers: int

    def __len__(self) -> int:
        return len(self.trainers)

    @property
    def n_apart(self) -> int:
        """Pairs of trainers without a student in common."""
        return self.n_trainers * (self.n_trainers - 1) // 2 - len(self)

    def shared(self) -> sparse.csr_array:
        """(trainer, trainer): number of common students; symmetric, nothing stored for pairs without one."""
        return self.sparse_matrix(self.n_students)

    def sparse_matrix(self, value: Array, mirrored: float = 1.0) -> sparse.csr_array:
        """(trainer, trainer) of a number of each pair; below the diagonal it stands multiplied by ``mirrored``."""
        first, second = self.trainers[:, 0], self.trainers[:, 1]
        entries = (np.concatenate([value, mirrored * value]), (np.r_[first, second], np.r_[second, first]))
        return sparse.coo_array(entries, shape=(self.n_trainers,) * 2).tocsr()

    def matrix(self, value: Array, mirrored: float = 1.0) -> Array:
        """(trainer, trainer) in full, NaN on the diagonal and for pairs without a common student.

        ``mirrored`` is 1 for what two trainers share, −1 for differences (row less column).
        """
        full = np.full((self.n_trainers,) * 2, np.nan)
        full[self.trainers[:, 0], self.trainers[:, 1]] = value
        full[self.trainers[:, 1], self.trainers[:, 0]] = mirrored * value
        return full


def pair_table(counts: Counts, w: Array | None, level: float = 0.95, n_trainers: int | None = None) -> PairTable:
    """Statistics of every pair of trainers with a common student.

    Parameters
    ----------
    counts : Counts
        One criterion, or several as files of one student (``cluster``), on one scale.
    w : (level, level) or None
        Weights of kappa, quadratic as a rule; None for Krippendorff's ordinal metric.
    level : float
        Level of the intervals.
    n_trainers : int, optional
        When some trainers rated nothing here and codes are to run beyond those of ``counts``.

    Notes
    -----
    Kappa: Cohen (1968) doi:10.1037/h0026256, linearised over students with Bessel's factor as Gwet (2014). The mean
    difference is that of the pair's common files, its error the paired one.
    """
    met = pairs(counts)
    tables = met.tables()
    files = tables.sum(axis=(1, 2))
    kappa, slope = cohen_slopes(tables, w)
    apart = counts.scores[met.first] - counts.scores[met.second]
    owner, of_pair = _students(met)
    size = np.bincount(of_pair, minlength=len(met))
    parts = (
        ((met.first == met.second).astype(float), None),
        (slope[met.pair, met.first, met.second], kappa),
        (apart, None),
    )
    found = []
    for each, value in parts:
        mean = np.bincount(met.pair, each, minlength=len(met)) / np.maximum(files, 1)
        pull = (each - mean[met.pair]) / files[met.pair] if value is None else each
        found.append(_statistic(mean if value is None else value, pull, owner, of_pair, size, level))
    number = counts.n_trainers if n_trainers is None else n_trainers
    return PairTable(met.trainers, size, files.astype(np.int64), found[0], found[1], found[2], number)


def _students(met: Pairs) -> tuple[Array, Array]:
    """For each comparison its (pair, student), and for each (pair, student) its pair."""
    base = int(met.cluster.max(initial=0)) + 1
    key, owner = np.unique(met.pair * base + met.cluster, return_inverse=True)
    return owner.reshape(-1), key // base


def _statistic(value: Array, pull: Array, owner: Array, of_pair: Array, size: Array, level: float) -> Statistic:
    sums = np.bincount(owner, pull, minlength=len(of_pair))
    squares = np.bincount(of_pair, sums**2, minlength=len(size))
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.where((size > 1) & ~np.isnan(value), np.sqrt(size / (size - 1.0) * squares), np.nan)
        se = np.where(se < 1e-12, 0.0, se)
        reach = np.where(se > 0, se * stats.t.ppf((1 + level) / 2, np.maximum(size - 1, 1)), np.nan)
    return Statistic(value, se, value - reach, value + reach)
