"""What fit statistics do when the model is true: scores drawn from the fitted model, on the very design of the data.

Each replicate draws an ability for each student from the posterior and a score for each rating, then scores them with
the fitted parameters: no refit. So the limits know who rated whom, how often, and how precisely students are known,
which rules of thumb (0.5–1.5) do not (Wolfe 2013; Seol 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crcne_stats.core.rasch.abilities import WarmTable, posterior_draws
from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.dimensionality import principal_components, residual_correlations, residual_sheets
from crcne_stats.core.rasch.fitstats import mean_squares, stretch
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import RUN, Rated
from crcne_stats.core.rasch.raters import Sheets, halo
from crcne_stats.core.rasch.residuals import Residuals, residuals_at, residuals_over
from crcne_stats.core.resample import Progress, repeat

BLOCK = 10


@dataclass(frozen=True, eq=False)
class PosteriorTable:
    """Posteriors of any totals: ``penalty`` (student, node), the log-posterior less node × total."""

    nodes: Floats
    penalty: Floats

    def at(self, total: Floats) -> Floats:
        """Posterior (student, node) for totals (student,)."""
        log = total[:, None] * self.nodes - self.penalty
        log -= log.max(axis=1, keepdims=True)
        mass = np.exp(log, out=log)
        mass /= mass.sum(axis=1, keepdims=True)
        return mass


@dataclass(frozen=True, eq=False)
class Source:
    """From what replicates are drawn, and how residuals are taken: over posteriors, or at Warm's estimate."""

    found: Rated
    warm: WarmTable
    posterior: Floats
    nodes: Floats
    over: PosteriorTable | None = None

    def drawn(self, rng: np.random.Generator) -> Ints:
        """A score (rating,) for each rating."""
        return _scores(self.found, posterior_draws(rng, self.posterior, self.nodes), rng)

    def residuals(self, score: Ints) -> Residuals:
        """Residuals of scores (rating,)."""
        total = _total(self.found, score)
        if self.over is None:
            return residuals_at(self.found, self.warm.at(total)[0], score)
        return residuals_over(replace(self.found, score=score), self.over.at(total), self.over.nodes)


@dataclass(frozen=True, eq=False)
class JointSource:
    """The same for a joint fit, which has no population.

    Scores are drawn at the estimates with their bias taken off, ``truth`` and ``ability`` (student,), and judged at the
    estimates as they are: so replicates stand to the model as the ratings do, without a refit. Residuals are taken at
    the maximum likelihood estimate of each replicate, ``likelihood`` being its table. A student who comes to stand at
    one end of the scale leaves the replicate, as one leaves the fit.
    """

    found: Rated
    truth: Rated
    likelihood: WarmTable
    ability: Floats

    def drawn(self, rng: np.random.Generator) -> Ints:
        """A score (rating,) for each rating."""
        return _scores(self.truth, self.ability, rng)

    def residuals(self, score: Ints) -> Residuals:
        """Residuals of scores (rating,)."""
        found, total = self.found, _total(self.found, score)
        top = found.plan.steps.top[found.plan.cell_group[found.cell]]
        most = tally(found.student, found.weight * top, found.n_students)
        ability = self.likelihood.at(np.clip(total, 0.1, np.maximum(most - 0.1, 0.1)))[0]
        return residuals_at(found, np.where((total > 1e-9) & (total < most - 1e-9), ability, np.nan), score)


def _scores(found: Rated, ability: Floats, rng: np.random.Generator) -> Ints:
    """A score (rating,) drawn for each rating at abilities (student,)."""
    own = ability[found.student]
    score = np.empty(len(own), dtype=np.int64)
    for part in chunks(len(own), RUN):
        p = found.chances(own[part], found.cell[part])
        drawn, below = rng.random(p.shape[1]), p[0].copy()
        climbed = np.zeros(p.shape[1], dtype=np.int16)
        for chance in p[1:]:
            climbed += drawn > below
            below += chance
        score[part] = climbed
    return score


def _total(found: Rated, score: Ints) -> Floats:
    """Weighted levels above the lowest used one (student,) of scores (rating,)."""
    lowest = found.plan.steps.lowest[found.plan.cell_group[found.cell]]
    return tally(found.student, found.weight * (score - lowest), found.n_students)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is computed of each replicate: fit by elements of ``facets``, and what concerns trainers and sheets."""

    source: Source | JointSource
    facets: tuple[tuple[Ints, int], ...]
    trainer: tuple[Ints, int]
    item: tuple[Ints, int]
    sheets: Sheets

    def __call__(self, rng: np.random.Generator, size: int) -> tuple[Floats, ...]:
        """``size`` replicates: infit and outfit of all elements, stretch and halo of trainers, dependence."""
        rows = [self._replicate(rng) for _ in range(size)]
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def _replicate(self, rng: np.random.Generator) -> tuple[Floats, ...]:
        found = self.source.found
        residuals = self.source.residuals(self.source.drawn(rng))
        fits = [mean_squares(found, residuals, *facet) for facet in self.facets]
        own = stretch(found, residuals, *self.trainer)
        return (
            np.concatenate([infit for infit, _ in fits]),
            np.concatenate([outfit for _, outfit in fits]),
            own.discrimination,
            own.centrality,
            halo(residuals.z, self.sheets, self.trainer[1]),
            dependence(residuals.z, self.sheets, *self.item),
        )


def dependence(z: Floats, where: Sheets, item: Ints, n_items: int) -> Floats:
    """Mean and largest Q3, then the five largest eigenvalues (7,); NaN where there are none."""
    correlation, _ = residual_correlations(residual_sheets(z, where.sheet, item, n_items))
    pairs = correlation[np.triu_indices(n_items, 1)]
    pairs = pairs[np.isfinite(pairs)]
    size = principal_components(correlation)[0][:5]
    answer = np.full(7, np.nan)
    if len(pairs):
        answer[:2] = pairs.mean(), pairs.max()
        answer[2 : 2 + len(size)] = size
    return answer


@dataclass(frozen=True, eq=False)
class Limits:
    """Middle and bounds (element,) of a statistic when the model is true; NaN where replicates have none."""

    middle: Floats
    low: Floats
    high: Floats
    sd: Floats


@dataclass(frozen=True, eq=False)
class Reference:
    """Replicates: ``infit`` and ``outfit`` one Limits for each facet asked; the others by trainer.

    ``dependence`` (replicate, 7): see :func:`dependence`.
    """

    infit: tuple[Limits, ...]
    outfit: tuple[Limits, ...]
    discrimination: Limits
    centrality: Limits
    halo: Limits
    dependence: Floats


def reference(asked: Asked, n: int, seed: int, reach: float, progress: Progress | None = None) -> Reference:
    """The reference of ``n`` replicates; bounds at ``reach`` standard deviations, of the logarithm for mean squares."""
    infit, outfit, discrimination, centrality, halos, dependent = repeat(
        asked, n, seed, progress, block=BLOCK, threads=True
    )
    edges = np.cumsum([size for _, size in asked.facets])[:-1]

    def split(values: Floats) -> tuple[Limits, ...]:
        return tuple(limits(part, reach, log=True) for part in np.split(values, edges, axis=1))

    return Reference(
        split(infit), split(outfit), limits(discrimination, reach), limits(centrality, reach), limits(halos, reach),
        dependent,
    )  # fmt: skip


def limits(values: Floats, reach: float, log: bool = False) -> Limits:
    """Limits of replicates (replicate, element)."""
    x = np.log(np.maximum(values, 1e-12)) if log else values
    there = np.isfinite(x)
    n = there.sum(axis=0)
    filled = np.where(there, x, 0.0)
    mean = np.where(n > 1, filled.sum(axis=0) / np.maximum(n, 1), np.nan)
    sd = np.sqrt(np.where(there, (x - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n - 1, 1))
    sd = np.where(n > 1, sd, np.nan)
    low, high = mean - reach * sd, mean + reach * sd
    if log:
        return Limits(np.exp(mean), np.exp(low), np.exp(high), sd)
    return Limits(mean, low, high, sd)
