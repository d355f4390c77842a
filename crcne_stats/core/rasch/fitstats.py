"""How well the ratings of each element (a trainer, a criterion, a student) fit, and what would make them fit better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import RUN, Rated, chances
from crcne_stats.core.rasch.residuals import Residuals


@dataclass(frozen=True, eq=False)
class FitStatistics:
    """All (element,), NaN where an element has no rating, or where the number is not defined.

    ``infit`` and ``outfit`` mean squares (1 is expected over the posterior, a little less at Warm's estimate; above 1:
    less predictable than the model says); ``infit_z`` and ``outfit_z`` the same as approximate standard normal
    deviates; ``observed`` and ``expected`` mean level; ``point_measure`` correlation of level and location, and
    ``point_measure_expected``; ``n`` ratings.
    """

    n: Floats
    observed: Floats
    expected: Floats
    infit: Floats
    outfit: Floats
    infit_z: Floats
    outfit_z: Floats
    point_measure: Floats
    point_measure_expected: Floats


def fit_statistics(found: Rated, residuals: Residuals, code: Ints, n: int) -> FitStatistics:
    """Fit by element, ``code`` (rating,) telling the element of each rating, −1 for none.

    Wright & Masters (1982), Rating Scale Analysis, p. 100: infit Σ r² / Σ V, outfit mean of z², each turned into a
    deviate by the cube root of Wilson & Hilferty with the model variance of the mean square. The point–measure
    correlation is that of the level with ability less the facets of the rating; the expected one puts the model's
    variance in place of the residuals' (Linacre, winsteps.com/winman/correlations.htm).
    """
    known = np.isfinite(residuals.expected) & (code >= 0)
    w, element = found.weight * known, np.where(known, code, 0)

    def total(values: Any) -> Floats:
        return tally(element, np.where(known, w * values, 0.0), n)

    count, variance = total(1.0), total(residuals.variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        infit, outfit = total(residuals.squared) / variance, total(residuals.standard) / count
        square = np.maximum(residuals.variance, 1e-12) ** 2
        spread_in = np.sqrt(np.maximum(total(residuals.fourth - residuals.variance**2), 0)) / variance
        spread_out = np.sqrt(np.maximum(total(residuals.fourth / square) / count**2 - 1 / count, 0))
        location = np.where(known, residuals.ability - found.difficulty[found.cell], 0.0)
        observed, expected = total(residuals.observed) / count, total(residuals.expected) / count
        measure = total(location) / count
        spread = total(location**2) - count * measure**2
        own = total(residuals.observed**2) - count * observed**2
        model = total(residuals.expected**2 + residuals.variance) - count * expected**2
        point = (total(residuals.observed * location) - count * observed * measure) / np.sqrt(own * spread)
        point_expected = (total(residuals.expected * location) - count * expected * measure) / np.sqrt(model * spread)
    point[~(own * spread > 1e-9)] = np.nan
    point_expected[~(model * spread > 1e-9)] = np.nan
    return FitStatistics(
        count, observed, expected, infit, outfit, deviate(infit, spread_in), deviate(outfit, spread_out), point,
        point_expected,
    )  # fmt: skip


def mean_squares(found: Rated, residuals: Residuals, code: Ints, n: int) -> tuple[Floats, Floats]:
    """Infit and outfit alone (element,), for what is repeated."""
    known = np.isfinite(residuals.expected) & (code >= 0)
    w, element = found.weight * known, np.where(known, code, 0)
    whole = bool(known.all())
    parts = (residuals.squared, residuals.variance, residuals.standard)
    sums = (tally(element, w * part if whole else np.where(known, w * part, 0.0), n) for part in parts)
    (squared, variance, standard), count = sums, tally(element, w, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return squared / variance, standard / count


def deviate(mean_square: Floats, spread: Floats) -> Floats:
    """A mean square of model standard deviation ``spread`` as a standard normal deviate (Wilson & Hilferty 1931).

    The spread is held at √2 at most, beyond which the approximation fails.
    """
    q = np.clip(spread, 1e-9, np.sqrt(2))
    return (np.cbrt(mean_square) - 1) * 3 / q + q / 3


@dataclass(frozen=True, eq=False)
class Stretch:
    """One-step estimates (element,) around the model's 1, with standard errors; NaN where nothing informs them.

    ``discrimination``: the factor of all log-odds of the element's ratings (the slope of a generalised partial credit
    model); below 1 the ratings follow the model's order less than expected. ``centrality``: the factor of the
    thresholds alone; above 1 the element keeps to the middle levels.
    """

    discrimination: Floats
    discrimination_se: Floats
    centrality: Floats
    centrality_se: Floats


def stretch(found: Rated, residuals: Residuals, code: Ints, n: int) -> Stretch:
    """Efficient scores for slope and threshold stretch, the element's own location taken out.

    With T(k) the thresholds up to level k, a slope multiplies k · location − T(k) (Muraki 1992,
    doi:10.1177/014662169201600206), a centrality T(k) alone; one Newton step from 1 estimates them.
    """
    sums = np.zeros((8, n))
    steps = np.where(np.isfinite(found.steps), found.steps, 0.0)
    level = np.arange(len(steps), dtype=float)
    for rows in chunks(len(code), RUN):
        known = np.isfinite(residuals.expected[rows]) & (code[rows] >= 0)
        cell, weight, element = found.cell[rows], found.weight[rows] * known, np.where(known, code[rows], 0)
        here = np.where(known, residuals.ability[rows] - found.difficulty[cell], 0.0)
        observed, climbed = residuals.observed[rows], steps.take(cell, axis=1)
        p = chances(found.steps.take(cell, axis=1), here)
        at, square = level @ p, level**2 @ p
        own = climbed.ravel().take(observed.astype(np.int64) * len(here) + np.arange(len(here)))
        p *= climbed
        place, both = p.sum(axis=0), level @ p
        p *= climbed
        # Variances of the level and of the thresholds climbed, and across; the slope is a combination of the two.
        spread, across, tall = square - at * at, both - at * place, p.sum(axis=0) - place * place
        own -= place
        apart, slanted = observed - at, here * spread - across
        parts = (here * apart - own, own, apart, here * (slanted - across) + tall, slanted, tall, across, spread)
        for total, part in zip(sums, parts, strict=True):
            total += tally(element, weight * part, n)
    a, b, c, aa, ac, bb, bc, cc = sums
    return Stretch(*_step(a, c, aa, ac, cc, 1.0), *_step(b, c, bb, bc, cc, -1.0))


def _step(
    score: Floats, location: Floats, own: Floats, cross: Floats, base: Floats, sign: float
) -> tuple[Floats, Floats]:
    """1 plus the efficient score over its information, and the standard error."""
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(base > 0, cross / base, 0.0)
        information = own - weight * cross
        enough = information > 1e-6 * np.maximum(own, 1e-300)
        step = np.where(enough, sign * (score - weight * location) / information, np.nan)
        return 1 + step, np.where(enough, 1 / np.sqrt(information), np.nan)


def displacement(found: Rated, residuals: Residuals, code: Ints, n: int) -> Floats:
    """How far (element,), in logits, the parameter of an element would move if it were not held where it is.

    One Newton step, (expected − observed) / Σ V: positive when the element is more severe or harder than its anchor.
    """
    known = np.isfinite(residuals.expected) & (code >= 0)
    weight, element = found.weight * known, np.where(known, code, 0)
    gap = tally(element, np.where(known, -weight * residuals.residual, 0.0), n)
    information = tally(element, np.where(known, weight * residuals.variance, 0.0), n)
    return np.where(information > 0, gap / np.maximum(information, 1e-300), np.nan)
