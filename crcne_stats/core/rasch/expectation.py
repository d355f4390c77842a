"""One look at the marginal likelihood: posterior of each student on a grid, log-likelihood, gradient, information.

The grid is a lattice of fixed distance, so that nodes do not move with the parameters and the deviance is comparable
between iterations. On such a lattice the trapezoidal rule errs by some 2·exp(−2π²s²/h²) for a posterior of standard
deviation s (Trefethen & Weideman 2014, doi:10.1137/130932132). Information is Louis' (1982,
doi:10.1111/j.2517-6161.1982.tb01203.x): that of complete data less the posterior covariance of each student's score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import Bools, Floats, Ints
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.rasch.nodes import CellModel, cell_model, chunks, step_covariance
from crcne_stats.core.rasch.population import Population
from crcne_stats.core.rasch.sufficient import Features, Sufficient

EDGE = 1e-8
"""Posterior probability at the ends of the grid beyond which it is widened."""
WINDOW = 1e-8
"""Nodes with a smaller posterior probability leave a student's information alone."""


@dataclass(frozen=True, eq=False)
class Problem:
    """All that does not change while a model is fitted."""

    plan: Layout
    stats: Sufficient
    features: Features
    population: Population

    @property
    def informed(self) -> Bools:
        """Regression columns (column,) that a rated student has; the others are held at 0."""
        return self.population.informed(self.stats.n_ratings > 0)


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters: ``value`` (parameter,) in full, ``coefficient`` (column,), ``sd``."""

    value: Floats
    coefficient: Floats
    sd: float


@dataclass(frozen=True, eq=False)
class Expectation:
    """The likelihood at a point.

    ``posterior`` (student, node) sums to 1; ``eap`` and ``variance`` (student,) are its mean and variance.
    ``gradient`` runs over free parameters, coefficients and log sd.
    """

    point: Point
    reach: float
    nodes: Floats
    cells: CellModel
    posterior: Floats
    eap: Floats
    variance: Floats
    cell_mass: Floats
    log_likelihood: float
    gradient: Floats


def expectation(problem: Problem, point: Point, distance: float, reach: float = 6.5) -> Expectation:
    """Posterior, log-likelihood and gradient at a point.

    Nodes are the multiples of ``distance`` that lie within ``reach`` standard deviations of a mean, and further while
    the posterior of some student still stands on the ends.
    """
    cells = cell_model(problem.plan, point.value)
    while True:
        nodes = _lattice(problem, point, distance, reach)
        posterior, log_likelihood = _posterior(problem, point, nodes, cells)
        ends = max(posterior[:, 0].max(), posterior[:, -1].max())
        if not np.isfinite(log_likelihood) or ends < EDGE or reach > 20:
            break
        reach += 1
    cell_mass = problem.stats.unit_cells.T @ (problem.stats.entry.T @ posterior)
    eap = posterior @ nodes
    variance = np.maximum(posterior @ nodes**2 - eap**2, 0.0)
    found = Expectation(point, reach, nodes, cells, posterior, eap, variance, cell_mass, log_likelihood, np.empty(0))
    return replace(found, gradient=_gradient(problem, found))


def _lattice(problem: Problem, point: Point, distance: float, reach: float) -> Floats:
    mean = problem.population.mean(point.coefficient)
    low = np.floor((mean.min(initial=0.0) - reach * point.sd) / distance)
    high = np.ceil((mean.max(initial=0.0) + reach * point.sd) / distance)
    return np.arange(low, high + 1) * distance


def _posterior(problem: Problem, point: Point, nodes: Floats, cells: CellModel) -> tuple[Floats, float]:
    stats, variance = problem.stats, point.sd**2
    mean = problem.population.mean(point.coefficient)
    normaliser = stats.unit_cells @ cells.log_normaliser(nodes)
    slope, prior = stats.total + mean / variance, nodes**2 / (2 * variance)
    posterior = np.empty((len(mean), len(nodes)))
    log_mass = np.empty(len(mean))
    for who in chunks(len(mean), 1024):
        log_joint = stats.entry[who] @ normaliser
        log_joint += prior
        np.subtract(slope[who, None] * nodes, log_joint, out=log_joint)
        peak = log_joint.max(axis=1)
        log_joint -= peak[:, None]
        joint = np.exp(log_joint, out=log_joint)
        mass = joint.sum(axis=1)
        np.divide(joint, mass[:, None], out=posterior[who])
        log_mass[who] = peak + np.log(mass)
    step = nodes[1] - nodes[0]
    constant = np.log(step) - 0.5 * np.log(2 * np.pi * variance)
    log_likelihood = float((log_mass - mean**2 / (2 * variance) + constant).sum())
    return posterior, log_likelihood - float(point.value @ stats.observed)


def _gradient(problem: Problem, found: Expectation) -> Floats:
    plan, population, variance = problem.plan, problem.population, found.point.sd**2
    expected = np.empty((plan.steps.gap.shape[1], plan.n_cells))
    for cells in chunks(plan.n_cells):
        climbed, _ = found.cells.climbed(found.nodes, cells)
        expected[:, cells] = np.einsum("scq,cq->sc", climbed, found.cell_mass[cells])
    value = (plan.jacobian.T @ expected.ravel() - problem.stats.observed)[plan.free]
    from_mean = found.eap - population.mean(found.point.coefficient)
    coefficient = population.design.T @ (from_mean / variance)
    squared = found.variance + from_mean**2
    log_sd = [float((squared / variance - 1).sum())] if population.sd is None else []
    return np.concatenate([value, coefficient, log_sd])


@dataclass(frozen=True, eq=False)
class Scores:
    """Posterior means of each student's score: columns of ``common``, seats of ``few``, population part.

    ``common`` (student, column), ``few`` (student, seat), ``ability`` (student,) the score for the mean, ``spread``
    (student,) that for log sd.
    """

    common: Floats
    few: Floats
    ability: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class _Missing:
    """Posterior covariances of the scores of each student, before they are added up."""

    common_common: Floats
    few_common: Floats
    few_few: Floats
    ability_common: Floats
    ability_few: Floats
    ability_ability: Floats


def information(problem: Problem, found: Expectation) -> tuple[Floats, Scores]:
    """Observed information of the log-likelihood, in the order of the gradient, and the students' scores."""
    covariance, table = _swept(problem, found)
    complete = _complete(problem, found, covariance)
    missing, scores = _missing(problem, found, table)
    n_value, few = len(problem.plan.free), problem.features
    n_columns, size = problem.population.n_columns, len(complete)
    place = np.full(problem.plan.jacobian.shape[1] + 1, size)
    place[problem.plan.free] = np.arange(n_value)
    common = place[few.common_parameters]
    seat = place[few.seat_parameter]
    log_sd = [size - 1] if problem.population.sd is None else []
    columns = np.concatenate([common, log_sd]).astype(np.int64)
    width = len(columns)
    lost = np.zeros((size + 1, size + 1))
    lost[np.ix_(columns, columns)] += missing.common_common[:width, :width]
    spread = _spread(seat.T.ravel(), size + 1)
    half = spread @ missing.few_common[:, :width]
    lost[:, columns] += half
    lost[columns, :] += half.T
    if seat.shape[1]:
        rows = np.repeat(seat, seat.shape[1], axis=1).ravel()
        pairs = np.tile(seat, (1, seat.shape[1])).ravel()
        lost += sparse.coo_array((missing.few_few.ravel(), (rows, pairs)), shape=lost.shape).toarray()
    design = problem.population.design
    ability = slice(n_value, n_value + n_columns)
    lost[ability, ability] += design.T @ (design * missing.ability_ability[:, None])
    block = design.T @ missing.ability_common.T[:, :width]
    lost[ability, columns] += block
    lost[columns, ability] += block.T
    if seat.shape[1]:
        both = spread @ (np.tile(design, (seat.shape[1], 1)) * missing.ability_few.ravel()[:, None])
        lost[:, ability] += both
        lost[ability, :] += both.T
    return complete - lost[:size, :size], scores


def _spread(place: Ints, size: int) -> sparse.csr_array:
    """Adds rows up by place: (size, row)."""
    return sparse.csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(size, len(place)))


def _swept(problem: Problem, found: Expectation) -> tuple[Floats, Floats]:
    """Covariance of the steps of each cell (slot, slot, cell), and the expected steps of each feature by node."""
    plan, sums = problem.plan, problem.features.sums
    n_slots, n_cells = plan.steps.gap.shape[1], plan.n_cells
    covariance = np.empty((n_slots, n_slots, n_cells))
    table = np.zeros((sums.shape[0], len(found.nodes)))
    for part in problem.features.parts:
        climbed, _ = found.cells.climbed(found.nodes, part.cells)
        covariance[:, :, part.cells] = step_covariance(climbed, found.cell_mass[part.cells])
        for rows, matrix in part.sums:
            table[rows] = matrix @ climbed.reshape(-1, len(found.nodes))
    return covariance, table


def _complete(problem: Problem, found: Expectation, covariance: Floats) -> Floats:
    plan, population, point = problem.plan, problem.population, found.point
    n_slots, n_cells = covariance.shape[1:]
    row, column, cell = np.indices(covariance.shape)
    blocks = sparse.csr_array(
        (covariance.ravel(), ((row * n_cells + cell).ravel(), (column * n_cells + cell).ravel())),
        shape=(n_slots * n_cells, n_slots * n_cells),
    )
    jacobian = plan.jacobian[:, plan.free]
    n_value, n_columns = len(plan.free), population.n_columns
    size = n_value + n_columns + (population.sd is None)
    answer = np.zeros((size, size))
    answer[:n_value, :n_value] = (jacobian.T @ (blocks @ jacobian)).toarray()
    variance = point.sd**2
    ability = slice(n_value, n_value + n_columns)
    answer[ability, ability] = population.design.T @ population.design / variance
    if population.sd is None:
        from_mean = found.eap - population.mean(point.coefficient)
        answer[-1, -1] = 2 * float((found.variance + from_mean**2).sum()) / variance
        cross = 2 * (population.design.T @ from_mean) / variance
        answer[ability, -1] = answer[-1, ability] = cross
    return answer


def windows(posterior: Floats) -> Iterator[tuple[Ints, int, int]]:
    """Students whose posterior stands on the same nodes: their indices, the first node and how many."""
    seen = posterior > WINDOW
    first = seen.argmax(axis=1)
    last = posterior.shape[1] - seen[:, ::-1].argmax(axis=1)
    first -= first % 2
    width = np.minimum(-(-(last - first) // 4) * 4, posterior.shape[1])
    first = np.minimum(first, posterior.shape[1] - width)
    key = width * posterior.shape[1] + first
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    for run in np.split(order, starts[1:]):
        for begin in range(0, len(run), 512):
            part = run[begin : begin + 512]
            yield part, int(first[part[0]]), int(width[part[0]])


def _rows(students: Ints, n: int, columns: int) -> Ints:
    return (np.arange(columns)[:, None] * n + students).ravel()


def _missing(problem: Problem, found: Expectation, table: Floats) -> tuple[_Missing, Scores]:
    few, point = problem.features, found.point
    n, n_common, n_seats = len(found.posterior), few.n_common, few.n_seats
    mean = problem.population.mean(point.coefficient)
    means = np.empty((n_common + 1, n)), np.empty((n_seats, n)), np.empty(n)
    missing = _Missing(
        np.zeros((n_common + 1, n_common + 1)),
        np.empty((n_seats, n, n_common + 1)),
        np.empty((n, n_seats, n_seats)),
        np.empty((n_common + 1, n)),
        np.empty((n_seats, n)),
        np.empty(n),
    )
    for who, first, width in windows(found.posterior):
        span = slice(first, first + width)
        weight = found.posterior[who, span]
        part = np.ascontiguousarray(table[:, span])
        distance = found.nodes[span] - mean[who, None]
        common = np.empty((n_common + 1, len(who), width))
        common[:-1] = (few.common[_rows(who, n, n_common)] @ part).reshape(n_common, len(who), width)
        common[-1] = (distance / point.sd) ** 2
        several = (few.few[_rows(who, n, n_seats)] @ part).reshape(n_seats, len(who), width)
        _covariances(missing, means, who, weight, common, several, distance / point.sd**2)
    missing.common_common[...] -= means[0] @ means[0].T
    scores = Scores(means[0][:-1].T - few.observed_common, means[1].T - few.observed_few, means[2], means[0][-1] - 1)
    return replace(missing, few_common=missing.few_common.reshape(n_seats * n, n_common + 1)), scores


def _covariances(
    missing: _Missing,
    means: tuple[Floats, Floats, Floats],
    who: Ints,
    weight: Floats,
    common: Floats,
    several: Floats,
    ability: Floats,
) -> None:
    """Enter the posterior means and covariances of these students' scores.

    ``common`` (column, student, node), ``several`` (seat, student, node), ``ability`` (student, node).
    """
    columns = len(common)
    weighted = common * weight
    missing.common_common[...] += weighted.reshape(columns, -1) @ common.reshape(columns, -1).T
    expected = weighted.sum(axis=2)
    ability_mean = (ability * weight).sum(axis=1)
    several_mean = np.einsum("snw,nw->sn", several, weight)
    ability = ability - ability_mean[:, None]
    several = several - several_mean[:, :, None]
    by_student = weighted.transpose(1, 0, 2)
    missing.few_common[:, who] = (by_student @ several.transpose(1, 2, 0)).transpose(2, 0, 1)
    missing.few_few[who] = (several * weight).transpose(1, 0, 2) @ several.transpose(1, 2, 0)
    missing.ability_common[:, who] = (by_student @ ability[:, :, None])[:, :, 0].T
    missing.ability_few[:, who] = np.einsum("snw,nw->sn", several, weight * ability)
    missing.ability_ability[who] = (weight * ability**2).sum(axis=1)
    means[0][:, who], means[1][:, who], means[2][who] = expected, several_mean, ability_mean
