"""Abilities of students at given parameters: Warm's estimate, posterior draws, reliabilities.

Warm, T. A. (1989), doi:10.1007/BF02294627: the root of total − Σ E + Σ T / (2 Σ V), with E, V and T the mean, variance
and third central moment of each rating. It is finite for every total and nearly unbiased, where the posterior mean is
drawn towards the mean of the population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crcne_stats.core.rasch.design import Floats
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import Rated, cell_moments

DISTANCE = 0.2
"""Distance of the nodes between which the root is sought, in logits."""
POINTS = 8
"""Nodes around the root through which a polynomial is laid; it errs by some 1e-8 logit."""


@dataclass(frozen=True, eq=False)
class WarmTable:
    """What does not depend on the scores, so that simulated ones are read off it too.

    ``expected`` (student, node) is the total of which a node would be the estimate; ``variance`` (student, node) the
    information; ``rated`` (student,) tells who has a rating.
    """

    nodes: Floats
    expected: Floats
    variance: Floats
    rated: Floats

    def at(self, total: Floats) -> tuple[Floats, Floats]:
        """Estimate and standard error (student,) for totals (student,); NaN for students without a rating."""
        n, size = self.expected.shape
        ability, se = np.full(n, np.nan), np.full(n, np.nan)
        for who in chunks(n, 8192):
            above = self.expected[who] >= total[who, None]
            first = np.clip(above.argmax(axis=1) - POINTS // 2, 0, size - POINTS)
            near = first[:, None] + np.arange(POINTS)
            rows = np.arange(len(near))[:, None]
            values = self.expected[who][rows, near] @ _INVERSE.T
            place = np.clip(above.argmax(axis=1) - first - 0.5, 0, POINTS - 1).astype(float)
            for _ in range(8):
                height, slope = _horner(values, place)
                place = np.clip(place + np.clip((total[who] - height) / np.maximum(slope, 1e-9), -1, 1), 0, POINTS - 1)
            information = _horner(self.variance[who][rows, near] @ _INVERSE.T, place)[0]
            ability[who] = self.nodes[first] + place * DISTANCE
            se[who] = 1 / np.sqrt(np.maximum(information, 1e-12))
        ability[self.rated <= 0], se[self.rated <= 0] = np.nan, np.nan
        return ability, se


_INVERSE = np.linalg.inv(np.vander(np.arange(POINTS, dtype=float), increasing=True))


def _horner(coefficient: Floats, place: Floats) -> tuple[Floats, Floats]:
    """Value and slope (row,) of polynomials (row, power) at places (row,)."""
    value, slope = np.zeros(len(place)), np.zeros(len(place))
    for power in range(coefficient.shape[1] - 1, -1, -1):
        slope = slope * place + value
        value = value * place + coefficient[:, power]
    return value, slope


def warm_table(found: Rated, warm: bool = True) -> WarmTable:
    """The table of Warm's estimates on the design and at the parameters of ``found``.

    Without ``warm`` that of maximum likelihood, the root of total − Σ E, which totals at an end of the scale lack.
    """
    stats = found.stats
    steps = np.where(np.isfinite(found.offset), found.offset, np.nan)
    difficulty = np.diff(steps, axis=0)
    far = 6.0 + np.log(max(float(stats.n_ratings.max(initial=1.0)), 1.0))
    low = np.floor((np.nanmin(difficulty, initial=0.0) - far) / DISTANCE)
    high = np.ceil((np.nanmax(difficulty, initial=0.0) + far) / DISTANCE)
    nodes = np.arange(low, high + 1) * DISTANCE
    mean, variance, third, _ = (stats.unit_cells @ table for table in cell_moments(found, nodes))
    lowest = stats.unit_cells @ found.plan.steps.lowest[found.plan.cell_group].astype(float)
    n = found.n_students
    expected, information = np.empty((n, len(nodes))), np.empty((n, len(nodes)))
    for who in chunks(n, 4096):
        entry = stats.entry[who]
        information[who] = entry @ variance
        expected[who] = entry @ mean - (entry @ lowest)[:, None]
        if warm:
            expected[who] -= entry @ third / np.maximum(2 * information[who], 1e-300)
    return WarmTable(nodes, expected, information, stats.n_ratings)


def posterior_draws(rng: np.random.Generator, posterior: Floats, nodes: Floats) -> Floats:
    """One ability (student,) drawn from each posterior (student, node): plausible values (Mislevy 1991).

    A draw stands anywhere within half a distance of its node, which adds distance² / 12 to the variance (Sheppard
    1898): draws are pulled towards the posterior mean by as much, so that mean and variance are those of the posterior.
    """
    cumulated = np.cumsum(posterior, axis=1)
    drawn = rng.random(len(posterior))[:, None] * cumulated[:, -1:]
    place = (cumulated < drawn).sum(axis=1)
    width = nodes[1] - nodes[0] if len(nodes) > 1 else 0.0
    drawn_ability = nodes[place] + width * (rng.random(len(place)) - 0.5)
    mean = posterior @ nodes
    variance = np.maximum(posterior @ nodes**2 - mean**2, 0.0)
    pull = np.sqrt(variance / np.maximum(variance + width**2 / 12, 1e-300))
    return np.asarray(mean + pull * (drawn_ability - mean))


def eap_reliability(eap: Floats, variance: Floats) -> float:
    """Share of the variance of ability that posterior means (student,) keep; NaN for fewer than two students."""
    if len(eap) < 2:
        return float("nan")
    between, within = float(eap.var(ddof=1)), float(variance.mean())
    return between / (between + within) if between + within > 0 else float("nan")


def wle_reliability(ability: Floats, se: Floats) -> float:
    """1 − mean squared error / variance of Warm's estimates (student,); NaN for fewer than two students."""
    known = np.isfinite(ability) & np.isfinite(se)
    if known.sum() < 2:
        return float("nan")
    between = float(ability[known].var(ddof=1))
    return 1 - float((se[known] ** 2).mean()) / between if between > 0 else float("nan")
