"""Agreement coefficients on any number of trainers and any pattern of missing ratings.

Everything starts from :class:`~crcne_stats.core.moments.Moments`: a few sums over files, one row per resample. A
coefficient is a function ``(moments, weights) -> (value, pa, pe)``, pa and pe being observed and chance agreement, and
one line of :data:`COEFFICIENTS`; most values are ``(pa − pe) / (1 − pe)``. The same function gives estimate, resamples
and, differentiated by a complex step (Squire & Trapp 1998, doi:10.1137/S003614459631241X), the linearised error.

Sources: Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed.; Fleiss (1971) doi:10.1037/h0031619; Conger
(1980) doi:10.1037/0033-2909.88.2.322; Cohen (1968) doi:10.1037/h0026256; Scott (1955) doi:10.1086/266577; Brennan &
Prediger (1981) doi:10.1177/001316448104100307; Gwet (2008) doi:10.1348/000711006X126600; Krippendorff (2019); Light
(1971) doi:10.1037/h0031643; Kendall & Babington Smith (1939) doi:10.1214/aoms/1177732186.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crcne_stats.core.counts import Counts, distinct
from crcne_stats.core.moments import Moments, linear_moments, moments, pattern_moments, ratio_of
from crcne_stats.core.pairs import Pairs, comparison_slopes, kappa_parts, pairs, rank_parts
from crcne_stats.core.weights import ordinal_metric

Array = NDArray[Any]
Parts = tuple[Array, Array, Array]
_STEP = 1e-30


def _weights(m: Moments, w: Array | None) -> Array:
    return ordinal_metric(m.coincidences.sum(axis=2)) if w is None else w


def _corrected(pa: Array, pe: Array) -> Parts:
    return ratio_of(pa, pe), pa, pe


def _observed(m: Moments, w: Array | None) -> Array:
    return (m.pairs * _weights(m, w)).sum(axis=(1, 2)) / m.pairable


def _product(a: Array, b: Array, w: Array) -> Array:
    return (a[:, :, None] * b[:, None, :] * w).sum(axis=(1, 2))


def percent(m: Moments, w: Array | None) -> Parts:
    """Observed (weighted) agreement; nothing is taken off for chance."""
    pa = _observed(m, w)
    return _corrected(pa, 0 * pa)


def fleiss(m: Moments, w: Array | None) -> Parts:
    """Chance: two ratings drawn from the files' pooled distribution (Fleiss 1971; for two trainers Scott 1955)."""
    share = m.shares / m.files[:, None]
    return _corrected(_observed(m, w), _product(share, share, _weights(m, w)))


def conger(m: Moments, w: Array | None) -> Parts:
    """Chance: one rating from each of two different trainers' own distributions (Conger 1980; for two, Cohen)."""
    apart = m.trainer_sum[:, :, None] * m.trainer_sum[:, None, :] - m.trainer_cross
    number = m.trainers**2 - m.trainer_squares
    return _corrected(_observed(m, w), (apart * _weights(m, w)).sum(axis=(1, 2)) / number)


def brennan_prediger(m: Moments, w: Array | None) -> Parts:
    """Chance: every level equally likely, used or not (Brennan & Prediger 1981)."""
    pa = _observed(m, w)
    return _corrected(pa, 0 * pa + _weights(m, w).mean(axis=(-2, -1)))


def gwet_ac(m: Moments, w: Array | None) -> Parts:
    """Chance: only the files hard to rate are rated at random (Gwet 2008); AC1 with identity weights, else AC2."""
    q, share = m.n_levels, m.shares / m.files[:, None]
    spread = (share * (1 - share)).sum(axis=1) / max(q * (q - 1), 1)
    return _corrected(_observed(m, w), _weights(m, w).sum(axis=(-2, -1)) * spread)


def krippendorff(m: Moments, w: Array | None) -> Parts:
    """Chance: two of all the pairable ratings, drawn without replacement (Krippendorff's α, small-sample term)."""
    total = m.coincidences.sum(axis=(1, 2))
    share = m.coincidences.sum(axis=2) / total[:, None]
    seen = (m.coincidences * _weights(m, w)).sum(axis=(1, 2)) / total
    small = 1 / total.real  # held fixed in the derivative, as Gwet does
    return _corrected((1 - small) * seen + small, _product(share, share, _weights(m, w)))


def _by_pair(m: Moments) -> Array:
    assert m.by_pair is not None
    return np.moveaxis(m.by_pair, -1, 0)


def light(m: Moments, w: Array | None) -> Parts:
    """Plain mean of Cohen's kappa over the pairs of trainers for whom it exists (Light 1971).

    ``pa`` and ``pe`` are means over the same pairs; the value is not (pa − pe) / (1 − pe).
    """
    kappa, pa, pe, pairs = _by_pair(m)
    number = np.where(pairs == 0, np.nan, pairs)
    return kappa / number, pa / number, pe / number


def kendall_w(m: Moments, w: Array | None) -> Parts:
    """Kendall's coefficient of concordance W, corrected for ties; there is neither pa nor pe.

    W = (1 + (k − 1) r) / k, k being the mean number of ratings of a file and r the rank correlation of two trainers
    pooled over all pairs. Where all trainers rated all files it is Kendall's tie-corrected W exactly; elsewhere the
    generalisation of Brückl (2011) as in the R package irrNA, but for ties.
    """
    cross, square = _by_pair(m)
    size = m.coincidences.sum(axis=(1, 2)) / m.pairable
    value = (1 + (size - 1) * cross / np.where(square == 0, np.nan, square)) / size
    return value, value * np.nan, value * np.nan


Formula = Callable[[Moments, "Array | None"], Parts]


@dataclass(frozen=True)
class Coefficient:
    """One line of the registry.

    ``files``: the ratings used. "rated": every rating, single ones inform chance agreement; "pairable": files rated
    twice or more; "pair": the files that exactly two trainers both rated. ``trainers``: needs the trainers' margins.
    ``pairs``: what it needs of each pair of trainers, a function ``(tables, weights) -> parts`` whose sums over pairs
    the formula finds in ``moments.by_pair``. ``weighted``: whether agreement weights play a part.
    """

    formula: Formula
    files: Literal["rated", "pairable", "pair"] = "rated"
    trainers: bool = False
    pairs: Callable[[Array, Array | None], Array] | None = None
    weighted: bool = True


COEFFICIENTS: dict[str, Coefficient] = {
    "percent": Coefficient(percent),
    "cohen": Coefficient(conger, files="pair", trainers=True),
    "scott": Coefficient(fleiss, files="pair"),
    "light": Coefficient(light, files="pairable", pairs=kappa_parts),
    "conger": Coefficient(conger, trainers=True),
    "fleiss": Coefficient(fleiss),
    "brennan_prediger": Coefficient(brennan_prediger),
    "gwet_ac": Coefficient(gwet_ac),
    "krippendorff": Coefficient(krippendorff, files="pairable"),
    "kendall_w": Coefficient(kendall_w, files="pairable", pairs=rank_parts, weighted=False),
}


def values(m: Moments, coefficient: str, w: Array | None) -> Parts:
    """Value, pa and pe, each of shape (resample,); NaN in a resample without a file rated twice."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return COEFFICIENTS[coefficient].formula(m, w)


def with_pairs(m: Moments, coefficient: str, w: Array | None, tables: Array, weight: Array | None = None) -> Moments:
    """The moments with what a coefficient needs of pairs of trainers.

    ``tables`` (resample, pair, level, level); ``weight`` (resample, pair): how much each pair counts, by default 1.
    """
    find = COEFFICIENTS[coefficient].pairs
    if find is None:
        return m
    parts = find(tables, w)
    return replace(m, by_pair=(parts if weight is None else parts * weight[..., None]).sum(axis=1))


def moments_of(counts: Counts, coefficient: str, w: Array | None) -> Moments:
    """The moments of the data for one coefficient."""
    entry = COEFFICIENTS[coefficient]
    m = moments(counts, entry.trainers)
    return m if entry.pairs is None else with_pairs(m, coefficient, w, pairs(counts).tables()[None])


def deviates(counts: Counts, coefficient: str, w: Array | None, convention: str = "gwet") -> Array:
    """How much each file moves the coefficient, shape (file,): the summands of the linearised variance.

    ``convention="gwet"`` reproduces Gwet (2014) and irrCAC, where the share of files rated twice is held fixed: with
    many files rated once the standard error is then larger than the bootstrap's. ``"delta"`` is the plain influence
    function. With every file rated twice the two are equal. Files that a coefficient ignores are NaN.
    """
    entry, base = COEFFICIENTS[coefficient], moments_of(counts, coefficient, w)
    per_file = _through_moments(counts, slope(lambda m: values(m, coefficient, w)[0][:, None], base)[:, 0], entry)
    if base.by_pair is not None:
        per_file = per_file + _through_pairs(counts, coefficient, w, base)
    if entry.files == "pairable":
        per_file = np.where(counts.pairable, per_file * counts.pairable.sum(), np.nan)
        if coefficient == "krippendorff" and convention == "gwet":
            return _as_irrcac(counts, per_file, *values(base, coefficient, w)[1:])
        return per_file
    per_file = per_file * counts.n_files
    if convention == "gwet":
        value = values(base, coefficient, w)[0][0]
        per_file = per_file + value * (counts.pairable / counts.pairable.mean() - 1)
    return per_file


def slope(function: Callable[[Moments], Array], base: Moments) -> Array:
    """Derivative (moment, value) of a function of moments, ``function(moments) -> (resample, value)``, at one row."""
    found = function(replace(base, flat=base.flat + 1j * _STEP * np.eye(base.flat.shape[1])))
    return np.broadcast_to(found.imag / _STEP, (base.flat.shape[1], found.shape[1]))


def _through_moments(counts: Counts, slope: Array, entry: Coefficient) -> Array:
    """What each file does through the moments, shape (file,)."""
    q, k = counts.n_levels, linear_moments(counts.n_levels)
    per_file = (pattern_moments(counts) @ slope[:k])[counts.pattern]
    if entry.trainers:
        per_rating = margin_pull(counts, slope[k : k + q], slope[k + q : k + q + q * q].reshape(q, q))
        per_file = per_file + np.bincount(counts.file, per_rating, minlength=counts.n_files)
    return per_file


def _through_pairs(counts: Counts, coefficient: str, w: Array | None, base: Moments) -> Array:
    """What each file does through the cross-tables of its trainers, shape (file,); on average nothing."""
    met = pairs(counts)
    per_file = np.bincount(met.file, pair_pull(met, coefficient, w, base), minlength=counts.n_files)
    return per_file - per_file[counts.pairable].mean()


def pair_pull(met: Pairs, coefficient: str, w: Array | None, base: Moments) -> Array:
    """What each comparison of two trainers does to a coefficient that rests on pairs, shape (comparison,)."""
    find = COEFFICIENTS[coefficient].pairs
    assert find is not None
    return comparison_slopes(met, lambda tables: find(tables, w)) @ _part_slope(coefficient, w, base)


def pair_weight_pull(met: Pairs, coefficient: str, w: Array | None, base: Moments) -> Array:
    """What the weight of each pair of trainers does to a coefficient that rests on pairs, shape (pair,)."""
    find = COEFFICIENTS[coefficient].pairs
    assert find is not None
    return find(met.tables(), w) @ _part_slope(coefficient, w, base)


def _part_slope(coefficient: str, w: Array | None, base: Moments) -> Array:
    """Derivative (part,) of a coefficient by the sums over pairs."""
    assert base.by_pair is not None
    step = replace(base, by_pair=base.by_pair + 1j * _STEP * np.eye(base.by_pair.shape[1]))
    return values(step, coefficient, w)[0].imag / _STEP


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


def margin_pull(counts: Counts, slope_sum: Array, slope_cross: Array) -> Array:
    """What each rating does to the coefficient through the distribution of its trainer, shape (rating,)."""
    total = counts.margins.sum(axis=1, keepdims=True)
    share = counts.margins / total
    pull = slope_sum + share @ (slope_cross + slope_cross.T)
    per_rating = (pull - (share * pull).sum(axis=1, keepdims=True)) / total
    return np.asarray(per_rating[counts.trainer, counts.level])


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
    value, pa, pe = (float(x[0]) for x in values(moments_of(counts, coefficient, w), coefficient, w))
    used = counts.pairable if entry.files == "pairable" else np.ones(counts.n_files, dtype=bool)
    owner = counts.cluster[used]
    n_files, m = int(used.sum()), distinct(owner)
    if m < 2 or np.isnan(value):
        return Estimate(value, pa, pe, nan, nan, nan, nan, n_files)
    sums = np.bincount(owner, deviates(counts, coefficient, w, convention)[used])
    se = float(np.sqrt(m / (m - 1) * (sums**2).sum()) / n_files)
    reach = se * float(stats.t.ppf((1 + level) / 2, m - 1))
    p = float(2 * stats.t.sf(abs(value / se), m - 1)) if se > 0 else 0.0
    return Estimate(value, pa, pe, se, value - reach, min(1.0, value + reach), p, n_files)
