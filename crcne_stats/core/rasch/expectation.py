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

from crcne_stats.core.rasch.blocks import Inner, Sheets, inner, within
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
    """All that does not change while a model is fitted.

    ``sheets`` are the blocks of a model with halo, and then the units of ``stats``; ``halo`` holds its standard
    deviation. Estimates stand in the order free parameters, coefficients, log sd, log halo; the last two where free.
    """

    plan: Layout
    stats: Sufficient
    features: Features
    population: Population
    sheets: Sheets | None = None
    halo: float | None = None

    @property
    def coefficients(self) -> slice:
        """Place of the regression coefficients among the estimates."""
        first = len(self.plan.free)
        return slice(first, first + self.population.n_columns)

    @property
    def sd_place(self) -> int | None:
        """Place of log sd among the estimates; None where it is held."""
        return None if self.population.sd is not None else self.coefficients.stop

    @property
    def halo_place(self) -> int | None:
        """Place of log halo among the estimates; None where there is none or it is held."""
        held = self.sheets is None or self.halo is not None
        return None if held else self.coefficients.stop + (self.population.sd is None)

    @property
    def size(self) -> int:
        """Number of estimates."""
        return self.coefficients.stop + (self.sd_place is not None) + (self.halo_place is not None)

    @property
    def informed(self) -> Bools:
        """Regression columns (column,) that a rated student has; the others are held at 0."""
        return self.population.informed(self.stats.n_ratings > 0)


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters: ``value`` (parameter,) in full, ``coefficient`` (column,), ``sd`` and ``halo`` (0: none)."""

    value: Floats
    coefficient: Floats
    sd: float
    halo: float = 0.0


@dataclass(frozen=True, eq=False)
class Expectation:
    """The likelihood at a point.

    ``posterior`` (student, node) sums to 1; ``eap`` and ``variance`` (student,) are its mean and variance.
    ``cell_mass`` (cell, cell node) is the expected number of ratings of each cell by location, ``cell_nodes`` being
    the nodes of ability, or with halo those of ``inner``. ``gradient`` (estimate,).
    """

    point: Point
    reach: float
    nodes: Floats
    cells: CellModel
    posterior: Floats
    eap: Floats
    variance: Floats
    cell_nodes: Floats
    cell_mass: Floats
    log_likelihood: float
    gradient: Floats
    inner: Inner | None = None


def expectation(problem: Problem, point: Point, distance: float, reach: float = 6.5) -> Expectation:
    """Posterior, log-likelihood and gradient at a point.

    Nodes are the multiples of ``distance`` that lie within ``reach`` standard deviations of a mean, and further while
    the posterior of some student still stands on the ends.
    """
    cells, inside = cell_model(problem.plan, point.value), None
    while True:
        nodes = _lattice(problem, point, distance, reach)
        if problem.sheets is None:
            normaliser = problem.stats.unit_cells @ cells.log_normaliser(nodes)
        else:
            inside = inner(problem.sheets, cells, nodes, point.halo)
            normaliser = inside.normaliser
        posterior, log_likelihood = _posterior(problem, point, nodes, normaliser)
        ends = max(posterior[:, 0].max(), posterior[:, -1].max())
        if not np.isfinite(log_likelihood) or ends < EDGE or reach > 20:
            break
        reach += 1
    mass = problem.stats.entry.T @ posterior
    cell_mass = problem.stats.unit_cells.T @ (mass if inside is None else inside.spread(mass))
    eap = posterior @ nodes
    variance = np.maximum(posterior @ nodes**2 - eap**2, 0.0)
    found = Expectation(
        point, reach, nodes, cells, posterior, eap, variance, nodes if inside is None else inside.nodes, cell_mass,
        log_likelihood, np.empty(0), inside,
    )  # fmt: skip
    return replace(found, gradient=_gradient(problem, found))


def _lattice(problem: Problem, point: Point, distance: float, reach: float) -> Floats:
    mean = problem.population.mean(point.coefficient)
    low = np.floor((mean.min(initial=0.0) - reach * point.sd) / distance)
    high = np.ceil((mean.max(initial=0.0) + reach * point.sd) / distance)
    return np.arange(low, high + 1) * distance


def _posterior(problem: Problem, point: Point, nodes: Floats, normaliser: Floats) -> tuple[Floats, float]:
    stats, variance = problem.stats, point.sd**2
    mean = problem.population.mean(point.coefficient)
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
        climbed, _ = found.cells.climbed(found.cell_nodes, cells)
        expected[:, cells] = np.einsum("scq,cq->sc", climbed, found.cell_mass[cells])
    value = (plan.jacobian.T @ expected.ravel() - problem.stats.observed)[plan.free]
    from_mean = found.eap - population.mean(found.point.coefficient)
    coefficient = population.design.T @ (from_mean / variance)
    squared = found.variance + from_mean**2
    log_sd = [float((squared / variance - 1).sum())] if population.sd is None else []
    log_halo = []
    if problem.halo_place is not None and found.inner is not None and problem.sheets is not None:
        mass = problem.stats.entry.T @ found.posterior
        log_halo.append(found.inner.squared(mass) - problem.sheets.n_blocks)
    return np.concatenate([value, coefficient, log_sd, log_halo])


@dataclass(frozen=True, eq=False)
class Scores:
    """Posterior means of each student's score: columns of ``common``, seats of ``few``, population part.

    ``common`` (student, column), ``few`` (student, seat), ``ability`` (student,) the score for the mean, ``spread``
    (student, 1 or 2) those for log sd and log halo.
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
    size, n_value, few = problem.size, len(problem.plan.free), problem.features
    place = np.full(len(problem.plan.status) + 1, size)
    place[problem.plan.free] = np.arange(n_value)
    covariance = _swept_covariance(problem, found)
    lost = np.zeros((size + 1, size + 1))
    if found.inner is None or problem.sheets is None:
        table, squares = _swept_table(problem, found), None
    else:
        mass = problem.stats.entry.T @ found.posterior
        table, squares, inside = within(problem.sheets, found.inner, found.cells, few, mass)
        inside.add_to(lost, place, size if problem.halo_place is None else problem.halo_place)
    complete = _complete(problem, found, covariance)
    missing, scores = _missing(problem, found, table, squares)
    extra = [problem.sd_place, problem.halo_place] if squares is not None else [problem.sd_place]
    columns = np.concatenate([place[few.common_parameters], [size if p is None else p for p in extra]]).astype(np.int64)
    seat = place[few.seat_parameter]
    lost[np.ix_(columns, columns)] += missing.common_common
    spread = _spread(seat.T.ravel(), size + 1)
    half = spread @ missing.few_common
    lost[:, columns] += half
    lost[columns, :] += half.T
    if seat.shape[1]:
        rows = np.repeat(seat, seat.shape[1], axis=1).ravel()
        pairs = np.tile(seat, (1, seat.shape[1])).ravel()
        lost += sparse.coo_array((missing.few_few.ravel(), (rows, pairs)), shape=lost.shape).toarray()
    design, ability = problem.population.design, problem.coefficients
    lost[ability, ability] += design.T @ (design * missing.ability_ability[:, None])
    block = design.T @ missing.ability_common.T
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


def _swept_covariance(problem: Problem, found: Expectation) -> Floats:
    """Covariance of the steps of each cell (slot, slot, cell)."""
    plan = problem.plan
    n_slots = plan.steps.gap.shape[1]
    covariance = np.empty((n_slots, n_slots, plan.n_cells))
    for cells in chunks(plan.n_cells):
        climbed, _ = found.cells.climbed(found.cell_nodes, cells)
        covariance[:, :, cells] = step_covariance(climbed, found.cell_mass[cells])
    return covariance


def _swept_table(problem: Problem, found: Expectation) -> Floats:
    """Expected steps of each feature by node (feature, node)."""
    table = np.zeros((problem.features.sums.shape[0], len(found.nodes)))
    for part in problem.features.parts:
        climbed, _ = found.cells.climbed(found.nodes, part.cells)
        for rows, matrix in part.sums:
            table[rows] = matrix @ climbed.reshape(-1, len(found.nodes))
    return table


def _complete(problem: Problem, found: Expectation, covariance: Floats) -> Floats:
    plan, population, point = problem.plan, problem.population, found.point
    n_slots, n_cells = covariance.shape[1:]
    row, column, cell = np.indices(covariance.shape)
    blocks = sparse.csr_array(
        (covariance.ravel(), ((row * n_cells + cell).ravel(), (column * n_cells + cell).ravel())),
        shape=(n_slots * n_cells, n_slots * n_cells),
    )
    jacobian = plan.jacobian[:, plan.free]
    n_value, ability, sd = len(plan.free), problem.coefficients, problem.sd_place
    answer = np.zeros((problem.size, problem.size))
    answer[:n_value, :n_value] = (jacobian.T @ (blocks @ jacobian)).toarray()
    variance = point.sd**2
    answer[ability, ability] = population.design.T @ population.design / variance
    if sd is not None:
        from_mean = found.eap - population.mean(point.coefficient)
        answer[sd, sd] = 2 * float((found.variance + from_mean**2).sum()) / variance
        cross = 2 * (population.design.T @ from_mean) / variance
        answer[ability, sd] = answer[sd, ability] = cross
    if problem.halo_place is not None and found.inner is not None:
        squared = found.inner.squared(problem.stats.entry.T @ found.posterior)
        answer[problem.halo_place, problem.halo_place] = 2 * squared
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


def _missing(problem: Problem, found: Expectation, table: Floats, squares: Floats | None) -> tuple[_Missing, Scores]:
    """Posterior covariances of the scores; ``squares`` (unit, node) are expected squares of the halo's effects."""
    few, point, stats = problem.features, found.point, problem.stats
    n, n_common, n_seats = len(found.posterior), few.n_common, few.n_seats
    n_columns = n_common + (1 if squares is None else 2)
    mean = problem.population.mean(point.coefficient)
    means = np.empty((n_columns, n)), np.empty((n_seats, n)), np.empty(n)
    missing = _Missing(
        np.zeros((n_columns, n_columns)),
        np.empty((n_seats, n, n_columns)),
        np.empty((n, n_seats, n_seats)),
        np.empty((n_columns, n)),
        np.empty((n_seats, n)),
        np.empty(n),
    )
    for who, first, width in windows(found.posterior):
        span = slice(first, first + width)
        weight = found.posterior[who, span]
        part = np.ascontiguousarray(table[:, span])
        distance = found.nodes[span] - mean[who, None]
        common = np.empty((n_columns, len(who), width))
        common[:n_common] = (few.common[_rows(who, n, n_common)] @ part).reshape(n_common, len(who), width)
        common[n_common] = (distance / point.sd) ** 2
        if squares is not None:
            common[-1] = stats.entry[who] @ squares[:, span]
        several = (few.few[_rows(who, n, n_seats)] @ part).reshape(n_seats, len(who), width)
        _covariances(missing, means, who, weight, common, several, distance / point.sd**2)
    missing.common_common[...] -= means[0] @ means[0].T
    spread = means[0][n_common:].T - 1.0
    if squares is not None:
        spread[:, 1] += 1.0 - stats.entry.sum(axis=1)
    scores = Scores(means[0][:n_common].T - few.observed_common, means[1].T - few.observed_few, means[2], spread)
    return replace(missing, few_common=missing.few_common.reshape(n_seats * n, n_columns)), scores


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
