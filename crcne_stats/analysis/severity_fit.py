"""A fitted model with all that its tables need: estimates, abilities, residuals, limits of fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.stats import norm

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.rasch.abilities import WarmTable, warm_table
from crcne_stats.core.rasch.fitstats import FitStatistics, Stretch, fit_statistics, stretch
from crcne_stats.core.rasch.jml import JointFit
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.rasch.mml import Fit
from crcne_stats.core.rasch.nodes import cell_model
from crcne_stats.core.rasch.rated import Rated, rated
from crcne_stats.core.rasch.raters import Sheets, sheets
from crcne_stats.core.rasch.residuals import Residuals, residuals_at, residuals_over
from crcne_stats.core.rasch.simulated import Asked, JointSource, PosteriorTable, Reference, Source, reference
from crcne_stats.core.rasch.sufficient import sufficient
from crcne_stats.core.resample import Progress


@dataclass(frozen=True, eq=False)
class Estimates:
    """What was estimated, whatever the method.

    ``value``, ``se``, ``robust_se`` (parameter,), NaN without estimate; ``covariance``, ``robust_covariance``
    (estimate, estimate), free parameters first, then ``coefficient`` (column,) of ``design`` (person, column),
    NaN for the column of persons none of whose ratings counts; ``ability`` and ``variance`` (person,): posterior mean
    and variance, or the joint estimate and its squared error, NaN without a rating that counts; ``halo`` the standard
    deviation of the student × trainer effect, 0 without one, ``halo_se`` its error, NaN where there is none;
    ``posterior`` (person, node) on ``nodes``, empty for a joint fit.
    """

    plan: Layout
    value: np.ndarray
    se: np.ndarray
    robust_se: np.ndarray
    covariance: np.ndarray
    robust_covariance: np.ndarray
    coefficient: np.ndarray
    ability: np.ndarray
    variance: np.ndarray
    design: np.ndarray
    posterior: np.ndarray
    nodes: np.ndarray
    halo: float = 0.0
    halo_se: float = float("nan")

    @property
    def known(self) -> np.ndarray:
        """Values (parameter,) with 0 where there is no estimate."""
        return np.nan_to_num(self.value)

    @property
    def weighted(self) -> bool:
        """Whether ratings have weights: the model's errors then take them for more ratings than there are."""
        return self.plan.data.weight is not None

    def of_intervals(self, se: np.ndarray, robust_se: np.ndarray) -> np.ndarray:
        """The error that intervals rest on, from the model's and the sandwich's.

        The model's with halo in it, else the larger of both; of weighted ratings the sandwich's where there is one.
        """
        if self.weighted:
            return np.where(np.isfinite(robust_se), robust_se, se)
        return se if self.halo else np.fmax(se, robust_se)

    @property
    def error(self) -> np.ndarray:
        """The error (parameter,) of intervals."""
        return self.of_intervals(self.se, self.robust_se)

    @property
    def error_covariance(self) -> np.ndarray:
        """The model's covariance with halo in it (of unweighted ratings), else the sandwich where there is one."""
        robust = (self.weighted or not self.halo) and np.isfinite(self.robust_covariance).all()
        return self.robust_covariance if robust else self.covariance

    @property
    def informed(self) -> np.ndarray:
        """Persons (person,) whose mean ability is known."""
        return np.asarray(~(self.design[:, np.isnan(self.coefficient)] != 0).any(axis=1))

    def block(self, name: str) -> slice:
        """Where the parameters of a facet, an interaction or the thresholds stand."""
        return self.plan.blocks[name].range


def marginal(fit: Fit) -> Estimates:
    """The estimates of a marginal fit."""
    rated_ = fit.problem.stats.n_ratings > 0
    ability, variance = (np.where(rated_, x, np.nan) for x in (fit.found.eap, fit.found.variance))
    return Estimates(
        fit.plan, fit.value, fit.se, fit.robust_se, fit.covariance, fit.robust_covariance,
        fit.coefficient, ability, variance, fit.problem.population.design, fit.found.posterior,
        fit.found.nodes, fit.halo, fit.halo_se,
    )  # fmt: skip


def joint(fit: JointFit) -> Estimates:
    """The estimates of a joint fit; an element at one end of the scale has the error of its adjusted total alone."""
    se = np.where(np.isfinite(fit.joint_se), fit.joint_se, fit.se)
    return Estimates(
        fit.plan, fit.value, se, fit.robust_se, fit.covariance, fit.robust_covariance, np.zeros(0), fit.ability,
        fit.ability_se**2, np.zeros((len(fit.ability), 0)), np.zeros((len(fit.ability), 0)), np.zeros(0),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fitted:
    """Estimates and what follows from them.

    ``measured`` is the model of the measures, with halo where it was chosen; ``plain`` the one without, by which
    ratings are judged one by one, so that halo shows. ``group`` (person,) tells whose mean each student shares;
    ``over`` whether residuals are taken over posteriors; ``limits`` are the simulated ones, None where none were asked;
    ``level`` that of the intervals; ``stretched`` keeps what is asked twice.
    """

    asked: Design
    measured: Estimates
    plain: Fit | JointFit
    group: np.ndarray
    over: bool
    level: float
    limits: Reference | None = None
    stretched: dict[str, Stretch] = field(default_factory=dict)

    def lighter(self) -> Fitted:
        """A copy without residuals of every rating and the like, which would be held while later analyses run."""
        if not isinstance(self.plain, JointFit):
            self.plain.problem.incidences.forget()
        return replace(self)

    @property
    def plan(self) -> Layout:
        """The model on the data."""
        return self.measured.plan

    @property
    def method(self) -> str:
        """How measures and their intervals were obtained, as a key of words."""
        if isinstance(self.plain, JointFit):
            return "jml"
        return "mml_halo" if self.measured.halo else "mml"

    @property
    def reach(self) -> float:
        """Half the width of an interval, in standard errors."""
        return float(norm.ppf((1 + self.level) / 2))

    @property
    def rated(self) -> np.ndarray:
        """Who (person,) has an ability."""
        return np.isfinite(self.measured.ability)

    @cached_property
    def found(self) -> Rated:
        """The model without halo, seen from the ratings that inform it."""
        plain = self.plain
        if isinstance(plain, JointFit):
            return rated(plain.plan, sufficient(plain.plan), np.nan_to_num(plain.value))
        return rated(plain.plan, plain.problem.stats, plain.found.point.value)

    @cached_property
    def warm(self) -> WarmTable:
        """Warm's estimates of any totals."""
        return warm_table(self.found)

    @cached_property
    def wle(self) -> tuple[np.ndarray, np.ndarray]:
        """Warm's estimate and its standard error (person,)."""
        return self.warm.at(self.found.stats.total)

    @property
    def ability(self) -> np.ndarray:
        """The ability (person,) at which ratings are judged one by one; the joint estimate where there is one."""
        if isinstance(self.plain, JointFit) or self.over:
            return self.measured.ability
        return self.wle[0]

    @cached_property
    def residuals(self) -> Residuals:
        """Residuals of the ratings that inform the fit."""
        if self.over and isinstance(self.plain, Fit):
            return residuals_over(self.found, self.plain.found.posterior, self.plain.found.nodes)
        return residuals_at(self.found, self.ability)

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
        if facet not in self.stretched:
            self.stretched[facet] = stretch(self.found, self.residuals, *self.codes(facet))
        return self.stretched[facet]

    def simulated(self, facets: tuple[str, ...], n: int, seed: int, progress: Progress | None) -> Reference:
        """Limits of fit of these facets, from ``n`` replicates."""
        asked = Asked(
            self._source(),
            tuple(self.codes(facet) for facet in facets),
            self.codes("trainer"),
            self.codes("criterion"),
            self.sheets,
        )
        return reference(asked, n, seed, self.reach, progress)

    def _source(self) -> Source | JointSource:
        if isinstance(self.plain, JointFit):
            truth = replace(self.found, value=np.nan_to_num(self.plain.corrected()))
            ability = self.measured.ability * self.plain.correction
            return JointSource(self.found, truth, warm_table(self.found, warm=False), ability)
        over = posterior_table(self.plain) if self.over else None
        return Source(self.found, self.warm, self.plain.found.posterior, self.plain.found.nodes, over)


def posterior_table(fit: Fit) -> PosteriorTable:
    """Posteriors of any totals at the parameters of a fit."""
    problem, found = fit.problem, fit.found
    variance = found.point.sd**2
    mean = problem.population.mean(found.point.coefficient)
    cells = cell_model(problem.plan, found.point.value)
    normaliser = problem.stats.unit_cells @ cells.log_normaliser(found.nodes)
    penalty = problem.stats.entry @ normaliser + found.nodes**2 / (2 * variance)
    return PosteriorTable(found.nodes, penalty - found.nodes * (mean / variance)[:, None])
