"""Moments: the few sums over files from which every agreement coefficient follows.

One row per resample. The data, a bootstrap of students and a bootstrap of students and trainers all come as moments,
so that a coefficient is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.counts import Counts

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over files, one row per resample: ``flat`` has shape (resample, moment); the parts are views of it.

    ``pairs`` (level, level): mean-of-files coincidences, each file rated twice or more weighing 1; ``coincidences``
    (level, level): Krippendorff's, each such file weighing its number of ratings; ``shares`` (level): sums of each
    file's distribution over levels; ``files``; ``pairable`` files rated twice or more. Where trainers count:
    ``trainer_sum`` (level) and ``trainer_cross`` (level, level), sums over trainers of their distributions and of the
    products of these; ``trainers`` and ``trainer_squares``, sums over trainers of their weight and of its square, both
    their number where each weighs 1. ``by_pair`` (resample, part): where pairs of trainers count, sums over the pairs.
    """

    flat: Array
    n_levels: int
    by_pair: Array | None = None

    def _square(self, start: int) -> Array:
        q = self.n_levels
        return self.flat[:, start : start + q * q].reshape(-1, q, q)

    @property
    def pairs(self) -> Array:
        return self._square(0)

    @property
    def coincidences(self) -> Array:
        return self._square(self.n_levels**2)

    @property
    def shares(self) -> Array:
        q = self.n_levels
        return self.flat[:, 2 * q * q : 2 * q * q + q]

    @property
    def files(self) -> Array:
        return self.flat[:, 2 * self.n_levels**2 + self.n_levels]

    @property
    def pairable(self) -> Array:
        return self.flat[:, 2 * self.n_levels**2 + self.n_levels + 1]

    @property
    def trainer_sum(self) -> Array:
        start = linear_moments(self.n_levels)
        return self.flat[:, start : start + self.n_levels]

    @property
    def trainer_cross(self) -> Array:
        return self._square(linear_moments(self.n_levels) + self.n_levels)

    @property
    def trainers(self) -> Array:
        return self.flat[:, linear_moments(self.n_levels) + self.n_levels + self.n_levels**2]

    @property
    def trainer_squares(self) -> Array:
        return self.flat[:, linear_moments(self.n_levels) + self.n_levels + self.n_levels**2 + 1]


def linear_moments(q: int) -> int:
    """Number of moments that are plain sums over files."""
    return 2 * q * q + q + 2


def pattern_moments(counts: Counts) -> Array:
    """What one file of each pattern adds to the moments, shape (pattern, linear moment)."""
    n = counts.patterns.astype(float)
    size, q = n.sum(axis=1), counts.n_levels
    twice = size >= 2
    cross = n[:, :, None] * n[:, None, :] - n[:, :, None] * np.eye(q)
    coincidences = cross / np.maximum(size - 1, 1)[:, None, None]
    pairs = coincidences / size[:, None, None]
    shares = n / size[:, None]
    parts = (
        pairs.reshape(len(n), q * q),
        coincidences.reshape(len(n), q * q),
        shares,
        np.ones((len(n), 1)),
        twice[:, None],
    )
    return np.concatenate(parts, axis=1)


def trainer_moments(margins: Array, weight: Array | None = None) -> Array:
    """Moments of the trainers' distributions, shape (resample, moment), from margins (trainer, level, resample).

    ``weight`` (trainer, resample): how much each trainer counts, by default 1. A trainer without a rating in a
    resample takes no part in it.
    """
    total = margins.sum(axis=1)
    present = (total > 0).astype(float)
    shares = margins / np.where(total > 0, total, 1)[:, None, :]
    counted = present if weight is None else present * weight
    # The square of the weight: two copies of one trainer are no two trainers.
    weighed = shares * counted[:, None, :]
    by_resample = np.ascontiguousarray(weighed.transpose(2, 1, 0))
    cross = (by_resample @ by_resample.transpose(0, 2, 1)).reshape(shares.shape[2], shares.shape[1] ** 2)
    number = (counted.sum(axis=0)[:, None], (counted**2).sum(axis=0)[:, None])
    return np.concatenate((weighed.sum(axis=0).T, cross, *number), axis=1, dtype=float)


def moments(counts: Counts, trainers: bool = True) -> Moments:
    """The moments of the data themselves: one row."""
    flat = (counts.frequencies @ pattern_moments(counts))[None, :]
    if trainers:
        flat = np.concatenate([flat, trainer_moments(counts.margins[:, :, None])], axis=1)
    return Moments(flat, counts.n_levels)


def ratio_of(pa: Array, pe: Array) -> Array:
    """(pa − pe) / (1 − pe); NaN where chance agreement is 1 and the coefficient does not exist."""
    room = 1 - pe
    exists = np.abs(room.real) > 1e-12
    return np.where(exists, (pa - pe) / np.where(exists, room, 1), np.nan)
