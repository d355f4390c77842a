"""Observed information of the marginal likelihood, and each student's score.

Information is Louis' (1982, doi:10.1111/j.2517-6161.1982.tb01203.x): that of complete data less the posterior
covariance of each student's score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.blocks import within
from crcne_stats.core.rasch.design import Floats, Ints
from crcne_stats.core.rasch.expectation import Expectation, Problem, windows
from crcne_stats.core.rasch.nodes import chunks, step_covariance


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


def information(problem: Problem, found: Expectation) -> tuple[Floats, Scores]:
    """Observed information of the log-likelihood, in the order of the gradient, and the students' scores."""
    size, few = problem.size, problem.features
    place = np.full(len(problem.plan.status) + 1, size)
    place[problem.plan.free] = np.arange(len(problem.plan.free))
    covariance = _swept_covariance(problem, found)
    lost = np.zeros((size + 1, size + 1))
    if found.inner is None or problem.sheets is None:
        table, squares = _swept_table(problem, found), None
    else:
        mass = problem.stats.entry.T @ found.posterior
        table, squares, inside = within(problem.sheets, found.inner, found.cells, few, mass)
        inside.add_to(lost, place, size if problem.halo_place is None else problem.halo_place)
    complete = _complete(problem, found, covariance)
    missing = _Missing.of(problem, found, table, squares)
    extra = [problem.sd_place, problem.halo_place] if squares is not None else [problem.sd_place]
    columns = np.concatenate([place[few.common_parameters], [size if p is None else p for p in extra]]).astype(np.int64)
    seat, design, ability = place[few.seat_parameter], problem.population.design, problem.coefficients
    lost[np.ix_(columns, columns)] += missing.common_common
    spread = _spread(seat.ravel(), size + 1)
    half = spread @ missing.several_common[:, :-1].reshape(-1, len(columns))
    lost[:, columns] += half
    lost[columns, :] += half.T
    block = design.T @ missing.several_common[:, -1]
    lost[ability, columns] += block
    lost[columns, ability] += block.T
    lost[ability, ability] += design.T @ (design * missing.several[:, -1, -1, None])
    if seat.shape[1]:
        rows = np.repeat(seat, seat.shape[1], axis=1).ravel()
        pairs = np.tile(seat, (1, seat.shape[1])).ravel()
        lost += sparse.coo_array((missing.several[:, :-1, :-1].ravel(), (rows, pairs)), shape=lost.shape).toarray()
        both = spread @ (np.repeat(design, seat.shape[1], axis=0) * missing.several[:, :-1, -1].reshape(-1, 1))
        lost[:, ability] += both
        lost[ability, :] += both.T
    return complete - lost[:size, :size], missing.scores(problem)


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


@dataclass(frozen=True, eq=False)
class _Missing:
    """Posterior means and covariances of the students' scores.

    Columns are the common parameters, log sd, and log halo where there is one; the seats of a student are followed by
    the score of the mean of ability. ``common_common`` (column, column) is summed over students; ``several_common``
    (student, seat + 1, column), ``several`` (student, seat + 1, seat + 1); ``common_mean`` (student, column) and
    ``several_mean`` (student, seat + 1).
    """

    common_common: Floats
    several_common: Floats
    several: Floats
    common_mean: Floats
    several_mean: Floats

    @classmethod
    def of(cls, problem: Problem, found: Expectation, table: Floats, squares: Floats | None) -> _Missing:
        """From expected steps by node (feature, node); ``squares`` (unit, node) expected squares of the halo."""
        few, point = problem.features, found.point
        n, n_common, n_seats = len(found.posterior), few.n_common, few.n_seats
        n_columns = n_common + (1 if squares is None else 2)
        answer = cls(
            np.zeros((n_columns, n_columns)),
            np.empty((n, n_seats + 1, n_columns)),
            np.empty((n, n_seats + 1, n_seats + 1)),
            np.empty((n, n_columns)),
            np.empty((n, n_seats + 1)),
        )
        wholes, rest, own = few.wholes.table(table, n_common), table[few.common_features], table[few.few_features]
        mean = problem.population.mean(point.coefficient)
        for who, first, width in windows(found.posterior):
            span = slice(first, first + width)
            distance = found.nodes[span] - mean[who, None]
            common = np.zeros((len(who), width, n_columns))
            for seat in few.wholes.seat[who].T:
                common[:, :, :n_common] += wholes[seat, span]
            if len(rest):
                other = few.common[_rows(who, n, n_common)] @ rest[:, span]
                common[:, :, :n_common] += other.reshape(n_common, len(who), width).transpose(1, 2, 0)
            common[:, :, n_common] = (distance / point.sd) ** 2
            if squares is not None:
                common[:, :, -1] = problem.stats.entry[who] @ squares[:, span]
            several = np.empty((len(who), n_seats + 1, width))
            if n_seats:
                met = few.few[_rows(who, n, n_seats)] @ own[:, span]
                several[:, :-1] = met.reshape(n_seats, len(who), width).transpose(1, 0, 2)
            several[:, -1] = distance / point.sd**2
            answer._enter(who, found.posterior[who, span], common, several)
        answer.common_common[...] -= answer.common_mean.T @ answer.common_mean
        return answer

    def _enter(self, who: Ints, weight: Floats, common: Floats, several: Floats) -> None:
        """Enter these students: ``weight`` (student, node), ``common`` (student, node, column), ``several``
        (student, seat + 1, node).
        """
        columns = common.shape[2]
        weighted = common * weight[:, :, None]
        self.common_common[...] += weighted.reshape(-1, columns).T @ common.reshape(-1, columns)
        self.common_mean[who] = weighted.sum(axis=1)
        mean = (several @ weight[:, :, None])[:, :, 0]
        several = several - mean[:, :, None]
        self.several_common[who] = several @ weighted
        self.several[who] = (several * weight[:, None, :]) @ several.transpose(0, 2, 1)
        self.several_mean[who] = mean

    def scores(self, problem: Problem) -> Scores:
        """The students' scores."""
        few = problem.features
        spread = self.common_mean[:, few.n_common :] - 1.0
        if spread.shape[1] > 1:
            spread[:, 1] += 1.0 - problem.stats.entry.sum(axis=1)
        common, seats = self.common_mean[:, : few.n_common], self.several_mean[:, :-1]
        return Scores(common - few.observed_common, seats - few.observed_few, self.several_mean[:, -1], spread)


def _rows(students: Ints, n: int, columns: int) -> Ints:
    return (np.arange(columns)[:, None] * n + students).ravel()
