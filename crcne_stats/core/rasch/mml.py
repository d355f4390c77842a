"""Marginal maximum likelihood of the many-facet Rasch model (Bock & Aitkin 1981, doi:10.1007/BF02293801)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.blocks import in_sheets
from crcne_stats.core.rasch.design import Floats, Model, RatingData
from crcne_stats.core.rasch.expectation import Expectation, Problem
from crcne_stats.core.rasch.features import Incidences
from crcne_stats.core.rasch.information import Scores
from crcne_stats.core.rasch.layout import ANCHORED, Layout, layout
from crcne_stats.core.rasch.newton import CEILING, FLOOR, HALO_FLOOR, Pass, Solution, solve
from crcne_stats.core.rasch.population import Population
from crcne_stats.core.rasch.restricted import adjusted
from crcne_stats.core.rasch.start import starting_point
from crcne_stats.core.rasch.sufficient import sufficient

HALO_START = 0.4
"""Standard deviation of the halo from which the steps start, in logits."""


class Inestimable(ValueError):
    """No parameter of the model can be estimated from these ratings.

    ``reason``: ``"no_ratings"``, ``"one_level"`` (all ratings are equal), or ``"all_extreme"`` (every element is
    always at the end of its scale, so that all parameters would be infinite).
    """

    def __init__(self, plan: Layout) -> None:
        score = plan.data.score[plan.data.weights > 0]
        self.reason = "no_ratings" if not len(score) else "one_level" if (score == score[0]).all() else "all_extreme"
        super().__init__(f"no parameter can be estimated: {self.reason}")


@dataclass(frozen=True, eq=False)
class Fit:
    """A marginal maximum likelihood fit.

    Attributes
    ----------
    value, se : (parameter,)
        In logits, NaN where a parameter has none (an anchor has a value without error). ``se`` comes from the
        observed information. The parameters stand as in ``plan.blocks``.
    covariance : (estimate, estimate)
        Free parameters (``plan.free``), regression coefficients, log sd, log halo: places in ``problem``.
    scores : of the students, at the last look with an information of its own
    history : one Pass for each look at the likelihood
    converged : whether the Newton decrement fell below its tolerance with an information of full rank and small steps
    peak : the largest log-likelihood; with a restricted halo, a little above that at the estimate
    """

    problem: Problem
    found: Expectation
    value: Floats
    se: Floats
    covariance: Floats
    scores: Scores
    history: tuple[Pass, ...]
    converged: bool
    peak: float

    @property
    def plan(self) -> Layout:
        """The model on the data."""
        return self.problem.plan

    @cached_property
    def robust_covariance(self) -> Floats:
        """The sandwich (estimate, estimate), clustered by student."""
        return np.asarray(self.covariance @ score_products(self.problem, self.scores) @ self.covariance)

    @property
    def robust_se(self) -> Floats:
        """Standard errors (parameter,) of the sandwich, NaN where a parameter has none."""
        return _errors(self.plan, self.robust_covariance)

    @property
    def coefficient(self) -> Floats:
        """Regression coefficients of ability (column,); NaN for a column that no rated student has."""
        return np.where(self.problem.informed, self.found.point.coefficient, np.nan)

    @property
    def coefficient_se(self) -> Floats:
        """Their standard errors (column,)."""
        first = len(self.plan.free)
        variance = np.diag(self.covariance)[first : first + self.problem.population.n_columns]
        return np.where(self.problem.informed, np.sqrt(np.maximum(variance, 0)), np.nan)

    @property
    def sd(self) -> float:
        """Standard deviation of ability within groups."""
        return self.found.point.sd

    @property
    def sd_se(self) -> float:
        """Its standard error (delta method); NaN when it was held."""
        return self._log_error(self.problem.sd_place, self.sd)

    @property
    def halo(self) -> float:
        """Standard deviation of the student × trainer effect, 0 in a model without it."""
        return self.found.point.halo

    @property
    def halo_se(self) -> float:
        """Its standard error (delta method); NaN when there is none or it was held."""
        return self._log_error(self.problem.halo_place, self.halo)

    def _log_error(self, place: int | None, sd: float) -> float:
        return float("nan") if place is None else sd * float(np.sqrt(self.covariance[place, place]))

    @property
    def no_halo(self) -> bool:
        """Whether the standard deviation of the halo ended at its floor."""
        return self.problem.halo == HALO_FLOOR

    @property
    def no_variance(self) -> bool:
        """Whether the standard deviation of ability ended at its floor."""
        return self.problem.population.sd == FLOOR

    @property
    def no_bound(self) -> bool:
        """Whether the standard deviation of ability ended at its ceiling: too few ratings a student to tell it."""
        return self.problem.population.sd == CEILING

    @property
    def iterations(self) -> int:
        """Looks at the likelihood with its gradient."""
        return len(self.history)

    @property
    def gradient(self) -> float:
        """Norm of the gradient along the constraints at the estimate."""
        return self.history[-1].gradient

    @property
    def monotone(self) -> bool:
        """Whether the deviance never rose, on the nodes of the last look, by more than rounding does."""
        seen = [look.log_likelihood for look in self.history if look.distance == self.history[-1].distance]
        return bool((np.diff(seen) > -1e-9 * abs(seen[-1])).all())

    @property
    def log_likelihood(self) -> float:
        """Marginal log-likelihood at its maximum."""
        return self.peak

    @property
    def deviance(self) -> float:
        """−2 log-likelihood."""
        return -2 * self.log_likelihood

    @property
    def n_parameters(self) -> int:
        """Free parameters, constraints deducted."""
        spreads = (self.problem.population.sd is None) + (self.problem.sheets is not None)
        return self.plan.n_parameters + int(self.problem.informed.sum()) + spreads

    @property
    def n_students(self) -> int:
        """Students with a rating that informs the fit."""
        return int((self.problem.stats.n_ratings > 0).sum())

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.deviance + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion; the sample size is the number of students."""
        return self.deviance + float(np.log(max(1, self.n_students))) * self.n_parameters

    def block(self, name: str) -> slice:
        """Where the parameters of a facet, an interaction or the thresholds stand."""
        return self.plan.blocks[name].range


def fit(
    data: RatingData,
    model: Model,
    population: Population,
    halo: str | None = None,
    restricted: bool = True,
    distance: float | None = None,
    max_passes: int = 60,
) -> Fit:
    """Fit the model by marginal maximum likelihood.

    Parameters
    ----------
    halo
        A facet (the trainer as a rule): a random effect, normal with a standard deviation of its own, is added for each
        student and element of it, for ratings of one trainer of one student move together. Compare with the model
        without by ``aic`` and ``bic``.
    restricted
        Whether the standard deviation of the halo makes up for the parameters that were estimated from the same
        ratings, as restricted maximum likelihood does (:func:`~crcne_stats.core.rasch.restricted.adjusted`).
    distance
        Of the nodes, in logits. By default 0.2, halved until it is no more than 1.1 times the smallest posterior
        standard deviation of a student.

    Raises
    ------
    ValueError
        When the model names unknown facets or anchors.
    Inestimable
        When no parameter can be estimated.
    """
    plan = layout(data, model)
    if not len(plan.free):
        raise Inestimable(plan)
    stats = sufficient(plan)
    problem = Problem(plan, stats, Incidences(plan, stats), population)
    solution = solve(problem, starting_point(plan, stats.n_ratings, population), distance, max_passes)
    if halo is None:
        return finished(solution)
    solution = with_halo(solution, halo, distance, max_passes)
    return finished(adjusted(solution, distance, max_passes) if restricted else solution, solution.found.log_likelihood)


def with_halo(plain: Solution, facet: str, distance: float | None, max_passes: int) -> Solution:
    """The fit with a random effect for each student and element of a facet, from the fit without."""
    problem, point = plain.problem, plain.found.point
    stats, sheets = in_sheets(problem.plan, problem.stats, facet)
    population = replace(
        problem.population, sd=None if problem.population.sd in (FLOOR, CEILING) else problem.population.sd
    )
    start = replace(point, halo=HALO_START, sd=max(point.sd, HALO_START))
    incidences = Incidences(problem.plan, stats, in_parts=False)
    return solve(Problem(problem.plan, stats, incidences, population, sheets), start, distance, max_passes)


def finished(solution: Solution, peak: float | None = None) -> Fit:
    """The fit with its standard errors; ``peak`` is the log-likelihood at its maximum."""
    problem, found = solution.problem, solution.found
    plan = problem.plan
    covariance = solution.factor.covariance()
    value = np.full(len(plan.status), np.nan)
    used = np.concatenate([plan.free, np.flatnonzero(plan.status == ANCHORED)])
    value[used] = found.point.value[used]
    highest = found.log_likelihood if peak is None else peak
    return Fit(
        problem, found, value, _errors(plan, covariance), covariance, solution.scores, solution.history,
        solution.converged, highest,
    )  # fmt: skip


def _errors(plan: Layout, covariance: Floats) -> Floats:
    """Standard errors (parameter,) from a covariance (estimate, estimate)."""
    errors = np.full(len(plan.status), np.nan)
    errors[plan.free] = np.sqrt(np.maximum(np.diag(covariance)[: len(plan.free)], 0))
    return errors


def score_products(problem: Problem, scores: Scores) -> Floats:
    """Σ over students of the outer product of their scores: the middle of the sandwich (Huber 1967; White 1982)."""
    few, size = problem.features, problem.size
    place = np.full(len(problem.plan.status) + 1, size)
    place[problem.plan.free] = np.arange(len(problem.plan.free))
    spreads = [problem.sd_place, problem.halo_place][: scores.spread.shape[1]]
    columns = np.concatenate([place[few.common_parameters], [size if p is None else p for p in spreads]]).astype(int)
    dense = np.hstack([scores.common, scores.spread])
    # Seats and regression columns are few to a student: sparse.
    design = sparse.coo_array(problem.population.design * scores.ability[:, None])
    student = np.repeat(np.arange(len(dense)), few.n_seats)
    values = np.concatenate([scores.few.ravel(), design.data])
    rows = np.concatenate([student, design.row])
    where = np.concatenate([place[few.seat_parameter].ravel(), problem.coefficients.start + design.col])
    thin = sparse.csr_array(sparse.coo_array((values, (rows, where)), shape=(len(dense), size + 1)))
    answer = (thin.T @ thin).toarray()
    half = thin.T @ dense
    answer[:, columns] += half
    answer[columns, :] += half.T
    answer[np.ix_(columns, columns)] += dense.T @ dense
    return np.asarray(answer[:size, :size])
