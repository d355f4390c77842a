"""How often a scheme of ratings puts a student on the wrong level, and how large a study must be to see a change.

Universe scores and errors are taken as normal, levels as the intervals between cuts (Brennan & Kane 1977,
doi:10.1111/j.1745-3984.1977.tb00045.x; Livingston & Lewis 1995, doi:10.1111/j.1745-3984.1995.tb00462.x, treat such
rates).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from crcne_stats.core.dstudy import Errors

Floats = NDArray[np.float64]
_REACH = 7.0
_NODES = 701
_STAGE_NODES = 241
_COMMON_NODES = 15


@dataclass(frozen=True)
class Scores:
    """Scores of a population: ``mean`` and ``universe``-score variance; ``cuts`` (cut,) between levels, ascending.

    ``single``: error variance of one trainer; ``common``: error that more trainers do not lessen.
    """

    mean: float
    universe: float
    single: float
    cuts: tuple[float, ...]
    common: float = 0.0

    def absolute(self, trainers: float) -> float:
        """Error variance of the mean of so many trainers."""
        return self.common + self.single / trainers


def scores_of(mean: float, one: Errors, two: Errors, cuts: tuple[float, ...]) -> Scores:
    """Scores from the variances of the means of one trainer and of two."""
    single = max(2 * float(one.absolute - two.absolute), 0.0)
    return Scores(mean, float(one.universe), single, cuts, max(float(one.absolute) - single, 0.0))


def wrong_level(scores: Scores, trainers: float) -> float:
    """Share of students whose observed level is not that of their universe score."""
    nodes, weights = _nodes(scores)
    right = _inside(nodes, nodes, np.sqrt(scores.absolute(trainers)), scores.cuts)
    return float(1 - weights @ right)


def wrong_side(scores: Scores, trainers: float, cut: float) -> float:
    """Share of students on the wrong side of one cut."""
    only = Scores(scores.mean, scores.universe, scores.single, (cut,), scores.common)
    return wrong_level(only, trainers)


def near_cut(scores: Scores, band: float) -> tuple[float, float]:
    """A second trainer only for means within ``band`` of a cut: share on the wrong level, and share rated twice."""
    nodes, weights = _nodes(scores)
    spread = np.sqrt(scores.single)
    step = np.linspace(-_REACH, _REACH, _STAGE_NODES)
    mass = stats.norm.pdf(step)
    mass /= mass.sum()
    common, share = np.polynomial.hermite_e.hermegauss(_COMMON_NODES if scores.common > 0 else 1)
    wrong = twice = 0.0
    for offset, part in zip(common * np.sqrt(scores.common), share / share.sum(), strict=True):
        first = nodes[:, None] + offset + spread * step
        near = (np.abs(first[:, :, None] - np.array(scores.cuts)) < band).any(axis=2)
        alone = _level(first, scores.cuts) == _level(nodes, scores.cuts)[:, None]
        # Given the first mean, that of both is normal around the middle of it and the student's.
        middle = (first + nodes[:, None] + offset) / 2
        both = _inside(middle, np.broadcast_to(nodes[:, None], middle.shape), spread / 2, scores.cuts)
        right = np.where(near, both, alone) @ mass
        wrong += part * float(weights @ (1 - right))
        twice += part * float(weights @ (near @ mass))
    return wrong, twice


def _nodes(scores: Scores) -> tuple[Floats, Floats]:
    steps = np.linspace(-_REACH, _REACH, _NODES)
    weights = stats.norm.pdf(steps)
    return scores.mean + np.sqrt(scores.universe) * steps, weights / weights.sum()


def _level(values: Floats, cuts: tuple[float, ...]) -> NDArray[np.int64]:
    return np.searchsorted(np.array(cuts), values, side="right").astype(np.int64)


def _inside(centre: Floats, true: Floats, spread: float, cuts: tuple[float, ...]) -> Floats:
    """Chance that a value around ``centre`` falls on the level of ``true``."""
    edges = np.r_[-np.inf, np.array(cuts), np.inf]
    level = _level(true, cuts)
    if spread == 0:
        return (_level(centre, cuts) == level).astype(float)
    low, high = edges[level], edges[level + 1]
    return np.asarray(stats.norm.cdf((high - centre) / spread) - stats.norm.cdf((low - centre) / spread))


def power(effect: float, se: Any, alpha: float = 0.05) -> Floats:
    """Chance that a two-sided z test at ``alpha`` sees an effect with a standard error (…,)."""
    size = np.abs(effect) / np.asarray(se, dtype=float)
    limit = stats.norm.ppf(1 - alpha / 2)
    return np.asarray(stats.norm.cdf(size - limit) + stats.norm.cdf(-size - limit))


def size_for(effect: float, se_of: Any, wanted: float = 0.8, alpha: float = 0.05, most: float = 1e6) -> float:
    """The size at which ``se_of(size)``, falling, gives the wanted power; infinite where ``most`` does not."""

    def short(log_size: float) -> float:
        return float(power(effect, se_of(np.exp(log_size)), alpha)) - wanted

    if short(np.log(most)) < 0:
        return float("inf")
    if short(np.log(2.0)) >= 0:
        return 2.0
    return float(np.exp(optimize.brentq(short, np.log(2.0), np.log(most), xtol=1e-6)))
