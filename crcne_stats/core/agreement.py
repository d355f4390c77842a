"""Agreement coefficients on any number of trainers and any pattern of missing ratings.

Everything starts from :class:`Moments`: a few sums over files, one row per resample. A coefficient is a function
``(moments, weights) -> (pa, pe)``, observed and chance agreement, and one line of :data:`COEFFICIENTS`; its value is
``(pa − pe) / (1 − pe)``. The same function gives estimate, resamples and, differentiated by a complex step (Squire &
Trapp 1998, doi:10.1137/S003614459631241X), Gwet's linearised standard error.

Sources: Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed.; Fleiss (1971) doi:10.1037/h0031619; Conger
(1980) doi:10.1037/0033-2909.88.2.322; Cohen (1968) doi:10.1037/h0026256; Scott (1955) doi:10.1086/266577; Brennan &
Prediger (1981) doi:10.1177/001316448104100307; Gwet (2008) doi:10.1348/000711006X126600; Krippendorff (2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crcne_stats.core.counts import Counts
from crcne_stats.core.weights import ordinal_metric

Array = NDArray[Any]
_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over files, one row per resample: ``flat`` has shape (resample, moment); the parts are views of it.

    Parts: ``pairs`` (level, level) mean-of-files coincidences, each file rated twice or more weighing 1;
    ``coincidences`` (level, level) Krippendorff's, each such file weighing its number of ratings; ``shares`` (level)
    sums of each file's distribution over levels; ``files``; ``pairable`` files rated twice or more; and where
    trainers count: ``trainer_sum`` (level) and ``trainer_cross`` (level, level), sums over trainers of their
    distributions and of the products of these; ``trainers``.
    """

    flat: Array
    n_levels: int

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


def trainer_moments(margins: Array) -> Array:
    """Moments of the trainers' distributions, shape (resample, moment), from margins (trainer, level, resample).

    A trainer without a rating in a resample takes no part in it.
    """
    total = margins.sum(axis=1)
    present = total > 0
    shares = margins / np.where(present, total, 1)[:, None, :]
    cross = np.einsum("gkb,glb->bkl", shares, shares).reshape(shares.shape[2], shares.shape[1] ** 2)
    parts = (shares.sum(axis=0).T, cross, present.sum(axis=0)[:, None])
    return np.concatenate(parts, axis=1, dtype=float)


def moments(counts: Counts, trainers: bool = True) -> Moments:
    """The moments of the data themselves: one row."""
    flat = (counts.frequencies @ pattern_moments(counts))[None, :]
    if trainers:
        flat = np.concatenate([flat, trainer_moments(counts.margins[:, :, None])], axis=1)
    return Moments(flat, counts.n_levels)


def _weights(m: Moments, w: Array | None) -> Array:
    return ordinal_metric(m.coincidences.sum(axis=2)) if w is None else w


def _observed(m: Moments, w: Array | None) -> Array:
    return (m.pairs * _weights(m, w)).sum(axis=(1, 2)) / m.pairable


def _product(a: Array, b: Array, w: Array) -> Array:
    return (a[:, :, None] * b[:, None, :] * w).sum(axis=(1, 2))


def percent(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Observed (weighted) agreement; nothing is taken off for chance."""
    pa = _observed(m, w)
    return pa, 0 * pa


def fleiss(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Chance: two ratings drawn from the files' pooled distribution (Fleiss 1971; for two trainers Scott 1955)."""
    share = m.shares / m.files[:, None]
    return _observed(m, w), _product(share, share, _weights(m, w))


def conger(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Chance: one rating from each of two different trainers' own distributions (Conger 1980; for two, Cohen)."""
    apart = m.trainer_sum[:, :, None] * m.trainer_sum[:, None, :] - m.trainer_cross
    number = m.trainers * (m.trainers - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _observed(m, w), (apart * _weights(m, w)).sum(axis=(1, 2)) / number


def brennan_prediger(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Chance: every level equally likely, used or not (Brennan & Prediger 1981)."""
    pa = _observed(m, w)
    return pa, 0 * pa + _weights(m, w).mean(axis=(-2, -1))


def gwet_ac(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Chance: only the files hard to rate are rated at random (Gwet 2008); AC1 with identity weights, else AC2."""
    q, share = m.n_levels, m.shares / m.files[:, None]
    spread = (share * (1 - share)).sum(axis=1) / max(q * (q - 1), 1)
    return _observed(m, w), _weights(m, w).sum(axis=(-2, -1)) * spread


def krippendorff(m: Moments, w: Array | None) -> tuple[Array, Array]:
    """Chance: two of all the pairable ratings, drawn without replacement (Krippendorff's α, small-sample term)."""
    total = m.coincidences.sum(axis=(1, 2))
    share = m.coincidences.sum(axis=2) / total[:, None]
    seen = (m.coincidences * _weights(m, w)).sum(axis=(1, 2)) / total
    small = 1 / total.real  # held fixed in the derivative, as Gwet does
    return (1 - small) * seen + small, _product(share, share, _weights(m, w))


Formula = Callable[[Moments, "Array | None"], tuple[Array, Array]]


@dataclass(frozen=True)
class Coefficient:
    """One line of the registry.

    ``files``: the ratings used. "rated": every rating, single ones inform chance agreement; "pairable": files rated
    twice or more; "pair": the files that exactly two trainers both rated. ``trainers``: needs the trainers' margins.
    """

    formula: Formula
    files: Literal["rated", "pairable", "pair"] = "rated"
    trainers: bool = False


COEFFICIENTS: dict[str, Coefficient] = {
    "percent": Coefficient(percent),
    "cohen": Coefficient(conger, files="pair", trainers=True),
    "scott": Coefficient(fleiss, files="pair"),
    "conger": Coefficient(conger, trainers=True),
    "fleiss": Coefficient(fleiss),
    "brennan_prediger": Coefficient(brennan_prediger),
    "gwet_ac": Coefficient(gwet_ac),
    "krippendorff": Coefficient(krippendorff, files="pairable"),
}


def ratio_of(pa: Array, pe: Array) -> Array:
    """(pa − pe) / (1 − pe); NaN where chance agreement is 1 and the coefficient does not exist."""
    room = 1 - pe
    exists = np.abs(room.real) > 1e-12
    return np.where(exists, (pa - pe) / np.where(exists, room, 1), np.nan)


def values(m: Moments, coefficient: str, w: Array | None) -> tuple[Array, Array, Array]:
    """Value, pa and pe, each of shape (resample,); NaN in a resample without a file rated twice."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pa, pe = COEFFICIENTS[coefficient].formula(m, w)
        return ratio_of(pa, pe), pa, pe


def deviates(counts: Counts, coefficient: str, w: Array | None, convention: str = "gwet") -> Array:
    """How much each file moves the coefficient, shape (file,): the summands of the linearised variance.

    ``convention="gwet"`` reproduces Gwet (2014) and irrCAC, where the share of files rated twice is held fixed: with
    many files rated once the standard error is then larger than the bootstrap's. ``"delta"`` is the plain influence
    function. With every file rated twice the two are equal. Files that a coefficient ignores are NaN.
    """
    entry, q = COEFFICIENTS[coefficient], counts.n_levels
    base = moments(counts, entry.trainers)
    step = Moments(base.flat + 1j * _STEP * np.eye(base.flat.shape[1]), q)
    slope = values(step, coefficient, w)[0].imag / _STEP
    k = linear_moments(q)
    per_file = (pattern_moments(counts) @ slope[:k])[counts.pattern]
    if entry.trainers:
        per_file = per_file + _through_margins(counts, slope[k : k + q], slope[k + q : k + q + q * q].reshape(q, q))
    if entry.files == "pairable":
        per_file = np.where(counts.pairable, per_file * counts.pairable.sum(), np.nan)
        return _as_irrcac(counts, per_file, *values(base, coefficient, w)[1:]) if convention == "gwet" else per_file
    per_file = per_file * counts.n_files
    if convention == "gwet":
        value = values(base, coefficient, w)[0][0]
        per_file = per_file + value * (counts.pairable / counts.pairable.mean() - 1)
    return per_file


def _as_irrcac(counts: Counts, per_file: Array, pa: Array, pe: Array) -> Array:
    """Deviates of α as Gwet writes them.

    They are those of α without its small-sample term, which shrinks 1 − α by a constant share; the term comes back in
    the part that depends on the number of ratings of a file. Both vanish as ratings grow.
    """
    term = 1 / counts.n_ratings_pairable
    size = counts.patterns.sum(axis=1)[counts.pattern]
    uneven = size / size[counts.pairable].mean() - 1
    without = (pa - term) / (1 - term)
    return per_file / (1 - term) - (pa - without) / (1 - pe) * uneven


def _through_margins(counts: Counts, slope_sum: Array, slope_cross: Array) -> Array:
    """What each file does to the coefficient through the distributions of its trainers, shape (file,)."""
    total = counts.margins.sum(axis=1, keepdims=True)
    share = counts.margins / total
    pull = slope_sum + share @ (slope_cross + slope_cross.T)
    per_rating = (pull - (share * pull).sum(axis=1, keepdims=True)) / total
    return np.bincount(counts.file, per_rating[counts.trainer, counts.level], minlength=counts.n_files)


@dataclass(frozen=True)
class Estimate:
    """A coefficient with its linearised standard error and t interval (upper bound cut at 1, as irrCAC does)."""

    value: float
    pa: float
    pe: float
    se: float
    low: float
    high: float
    p: float
    n_files: int


def estimate(
    counts: Counts, coefficient: str, w: Array | None, level: float = 0.95, convention: str = "gwet"
) -> Estimate:
    """One coefficient on one set of counts.

    Files of one student move together: their deviates are added before squaring. ``se``, bounds and ``p`` (of the
    hypothesis that the coefficient is 0) are NaN with fewer than two students. "cohen" and "scott" expect counts
    already restricted to the files that two trainers both rated (``counts.only``).
    """
    entry, nan = COEFFICIENTS[coefficient], float("nan")
    value, pa, pe = (float(x[0]) for x in values(moments(counts, entry.trainers), coefficient, w))
    used = counts.pairable if entry.files == "pairable" else np.ones(counts.n_files, dtype=bool)
    students, owner = np.unique(counts.cluster[used], return_inverse=True)
    n_files, m = int(used.sum()), len(students)
    if m < 2 or np.isnan(value):
        return Estimate(value, pa, pe, nan, nan, nan, nan, n_files)
    sums = np.bincount(owner, deviates(counts, coefficient, w, convention)[used])
    se = float(np.sqrt(m / (m - 1) * (sums**2).sum()) / n_files)
    reach = se * float(stats.t.ppf((1 + level) / 2, m - 1))
    p = float(2 * stats.t.sf(abs(value / se), m - 1)) if se > 0 else 0.0
    return Estimate(value, pa, pe, se, value - reach, min(1.0, value + reach), p, n_files)
