"""A fitted model with all that its tables need: abilities, residuals, limits of fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.stats import norm

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.rasch import expectation, mml
from crcne_stats.core.rasch.abilities import WarmTable, warm_table
from crcne_stats.core.rasch.fitstats import FitStatistics, Stretch, fit_statistics, stretch
from crcne_stats.core.rasch.rated import Rated, rated
from crcne_stats.core.rasch.raters import Sheets, sheets
from crcne_stats.core.rasch.residuals import Residuals, residuals_at, residuals_over
from crcne_stats.core.rasch.simulated import Asked, PosteriorTable, Reference, Source, reference
from crcne_stats.core.resample import Progress


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit and what follows from it.

    ``group`` (person,) tells whose mean each student shares; ``over`` whether residuals are taken over posteriors;
    ``limits`` are the simulated ones, None where none were asked; ``level`` that of the intervals; ``known``
    keeps what is asked twice.
    """

    asked: Design
    fit: mml.Fit
    group: np.ndarray
    over: bool
    level: float
    limits: Reference | None = None
    known: dict[str, Stretch] = field(default_factory=dict)

    @property
    def reach(self) -> float:
        """Half the width of an interval, in standard errors."""
        return float(norm.ppf((1 + self.level) / 2))

    @cached_property
    def found(self) -> Rated:
        """The model seen from the ratings that inform it."""
        problem = self.fit.problem
        return rated(problem.plan, problem.stats, self.fit.found.point.value)

    @cached_property
    def warm(self) -> WarmTable:
        """Warm's estimates of any totals."""
        return warm_table(self.found)

    @cached_property
    def wle(self) -> tuple[np.ndarray, np.ndarray]:
        """Warm's estimate and its standard error (person,)."""
        return self.warm.at(self.fit.problem.stats.total)

    @cached_property
    def residuals(self) -> Residuals:
        """Residuals of the ratings that inform the fit."""
        if self.over:
            return residuals_over(self.found, self.fit.found.posterior, self.fit.found.nodes)
        return residuals_at(self.found, self.wle[0])

    @property
    def ability(self) -> np.ndarray:
        """The ability (person,) at which ratings are judged one by one."""
        return np.where(self.fit.problem.stats.n_ratings > 0, self.fit.found.eap, np.nan) if self.over else self.wle[0]

    @cached_property
    def sheets(self) -> Sheets:
        """The sheets behind the ratings."""
        return sheets(self.found, self.asked.file[self.found.plan.kept], self.found.codes("trainer"))

    def codes(self, facet: str) -> tuple[np.ndarray, int]:
        """Element of a facet of each rating that informs the fit, and the number of elements."""
        return self.found.codes(facet), self.asked.data.sizes[facet]

    def statistics(self, facet: str) -> FitStatistics:
        """Fit of the elements of a facet."""
        return fit_statistics(self.found, self.residuals, *self.codes(facet))

    def stretch(self, facet: str) -> Stretch:
        """Discrimination and centrality of the elements of a facet."""
        if facet not in self.known:
            self.known[facet] = stretch(self.found, self.residuals, *self.codes(facet))
        return self.known[facet]

    def simulated(self, facets: tuple[str, ...], n: int, seed: int, progress: Progress | None) -> Reference:
        """Limits of fit of these facets, from ``n`` replicates."""
        over = posterior_table(self.fit) if self.over else None
        source = Source(self.found, self.warm, self.fit.found.posterior, self.fit.found.nodes, over)
        asked = Asked(
            source,
            tuple(self.codes(facet) for facet in facets),
            self.codes("trainer"),
            self.codes("criterion"),
            self.sheets,
        )
        return reference(asked, n, seed, self.reach, progress)


def posterior_table(fit: mml.Fit) -> PosteriorTable:
    """Posteriors of any totals at the parameters of a fit."""
    problem, found = fit.problem, fit.found
    variance = found.point.sd**2
    mean = problem.population.design @ found.point.coefficient
    normaliser = problem.stats.unit_cells @ expectation.cell_model(problem.plan, found.point.value).log_normaliser(
        found.nodes
    )
    penalty = problem.stats.entry @ normaliser + found.nodes**2 / (2 * variance)
    return PosteriorTable(found.nodes, penalty - found.nodes * (mean / variance)[:, None])
