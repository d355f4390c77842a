"""Observed information of the marginal likelihood, and each student's score.

Information is Louis' (1982, doi:10.1111/j.2517-6161.1982.tb01203.x): that of complete data less the posterior
covariance of each student's score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.blocks import Within, within
from crcne_stats.core.rasch.design import Floats, Ints
from crcne_stats.core.rasch.expectation import Expectation, Problem, runs, windows
from crcne_stats.core.rasch.features import Features, Part
from crcne_stats.core.rasch.nodes import chunks, step_covariance
from crcne_stats.core.rasch.sufficient import distinct
from crcne_stats.core.shared import answers, done

MOST = 1 << 21
"""Most numbers in a table of expected steps, unless the posteriors of students need more nodes at once."""


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
    tables, squares, inside = _tables(problem, found)
    if inside is not None:
        inside.add_to(lost, place, size if problem.halo_place is None else problem.halo_place)
    seat, design, ability = place[few.seat_parameter], problem.population.design, problem.coefficients
    missing = _Missing.of(problem, found, tables, squares, seat)
    extra = [problem.sd_place, problem.halo_place] if squares is not None else [problem.sd_place]
    columns = np.concatenate([place[few.common_parameters], [size if p is None else p for p in extra]]).astype(np.int64)
    lost[np.ix_(columns, columns)] += missing.common_common
    lost[:, columns] += missing.several_common
    lost[columns, :] += missing.several_common.T
    lost[ability, ability] += design.T @ (design * missing.several[:, -1, -1, None])
    if seat.shape[1]:
        rows = np.repeat(seat, seat.shape[1], axis=1).ravel()
        pairs = np.tile(seat, (1, seat.shape[1])).ravel()
        met = sparse.coo_array((missing.several[:, :-1, :-1].ravel(), (rows, pairs)), shape=lost.shape)
        met.sum_duplicates()
        lost[met.row, met.col] += met.data
        both = _spread(seat, size + 1, missing.several[:, :-1, -1]) @ design
        lost[:, ability] += both
        lost[ability, :] += both.T
    np.negative(lost, out=lost)
    _enter_complete(problem, found, covariance, lost)
    return lost[:size, :size], _scores(problem, missing.common_mean, missing.several_mean)


def student_scores(problem: Problem, found: Expectation) -> Scores:
    """The students' scores alone, without the information."""
    few, sd = problem.features, found.point.sd
    tables, squares, _ = _tables(problem, found)
    n, n_common, n_seats = len(found.posterior), few.n_common, few.n_seats
    common = np.empty((n, n_common + (1 if squares is None else 2)))
    several = np.empty((n, n_seats + 1))
    mean = problem.population.mean(found.point.coefficient)
    for table in tables:

        def enter(who: Ints, first: int, width: int, table: _Table = table) -> None:
            span, here = slice(first, first + width), slice(first - table.first, first - table.first + width)
            weight, distance = found.posterior[who, span], found.nodes[span] - mean[who, None]
            common[who, :n_common] = _mean_steps(few, who, n, table.steps[:, here], weight)
            common[who, n_common] = (weight * (distance / sd) ** 2).sum(axis=1)
            if squares is not None:
                common[who, -1] = (weight * (problem.stats.entry[who] @ squares[:, span])).sum(axis=1)
            if n_seats:
                met = _met(few.few[_rows(who, n, n_seats)], few.few_features, table.steps[:, here])
                several[who, :-1] = np.einsum("swq,wq->ws", met.reshape(n_seats, len(who), width), weight)
            several[who, -1] = (weight * distance).sum(axis=1) / sd**2

        done(enter, table.looks)
        del table, enter  # before the next ones are made
    return _scores(problem, common, several)


def _mean_steps(few: Features, who: Ints, n: int, steps: Floats, weight: Floats) -> Floats:
    """Means of :func:`_common` over nodes (student, column), under ``weight`` (student, node)."""
    answer = np.zeros((len(who), few.n_common))
    for seat in few.wholes.seat[who].T:
        answer += (steps[few.wholes.feature[seat]] @ weight[:, :, None])[:, :, 0]
    if len(few.common_features):
        other = _met(few.common[_rows(who, n, few.n_common)], few.common_features, steps)
        answer += np.einsum("cwq,wq->wc", other.reshape(few.n_common, len(who), -1), weight)
    return answer


def _tables(problem: Problem, found: Expectation) -> tuple[Iterable[_Table], Floats | None, Within | None]:
    """Expected steps by node; with halo its expected squares (unit, node) too, and what stands within blocks."""
    if found.inner is None or problem.sheets is None:
        return _swept(problem, found), None, None
    mass = problem.stats.entry.T @ found.posterior
    table, squares, inside = within(problem.sheets, found.inner, found.cells, problem.features, mass)
    return [_Table(0, table, list(windows(found.posterior)))], squares, inside


def _scores(problem: Problem, common: Floats, several: Floats) -> Scores:
    """Scores from posterior means of the columns ``common`` (student, column) and ``several`` (student, seat + 1).

    The means become the scores.
    """
    few = problem.features
    spread = common[:, few.n_common :] - 1.0
    if spread.shape[1] > 1:
        spread[:, 1] += 1.0 - problem.stats.entry.sum(axis=1)
    # In place: for the students of a country each is some fifty MiB.
    common, seats = common[:, : few.n_common], several[:, :-1]
    common -= few.observed_common
    seats -= few.observed_few
    return Scores(common, seats, several[:, -1], spread)


def _spread(place: Ints, size: int, value: Floats) -> sparse.csr_array:
    """Adds rows up by their places (row, seat), each ``value`` (row, seat) times: (size, row)."""
    row = np.repeat(np.arange(len(place)), place.shape[1])
    return sparse.csr_array((value.ravel(), (place.ravel(), row)), shape=(size, len(place)))


def _swept_covariance(problem: Problem, found: Expectation) -> Floats:
    """Covariance of the steps of each cell (slot, slot, cell)."""
    plan = problem.plan
    n_slots = plan.steps.gap.shape[1]
    covariance = np.empty((n_slots, n_slots, plan.n_cells))

    def enter(cells: slice) -> None:
        climbed, _ = found.cells.climbed(found.cell_nodes, cells)
        covariance[:, :, cells] = step_covariance(climbed, found.cell_mass(cells))

    done(enter, ((cells,) for cells in chunks(plan.n_cells)))
    return covariance


@dataclass(frozen=True, eq=False)
class _Table:
    """Expected steps of each feature at a run of nodes, and the students whose posterior stands within it.

    ``steps`` (feature + 1, node) ends with a row of zeros; ``first`` is the place of its first node; ``looks`` are
    those of :func:`~crcne_stats.core.rasch.expectation.windows`.
    """

    first: int
    steps: Floats
    looks: list[tuple[Ints, int, int]]


def _swept(problem: Problem, found: Expectation) -> Iterator[_Table]:
    """Tables of runs of nodes: one of all the nodes would not fit the memory with the trainers of a country."""
    for begin, end, looks in runs(found.posterior, MOST // max(problem.features.sums.shape[0], 1)):
        yield _Table(begin, _swept_steps(problem, found, slice(begin, end)), looks)


def _swept_steps(problem: Problem, found: Expectation, span: slice) -> Floats:
    nodes = found.nodes[span]
    table = np.zeros((problem.features.sums.shape[0] + 1, len(nodes)))

    def enter(part: Part) -> None:
        climbed, _ = found.cells.climbed(nodes, part.cells)
        for rows, matrix in part.sums:
            table[rows] = matrix @ climbed.reshape(-1, len(nodes))

    done(enter, ((part,) for part in problem.features.parts))
    return table


def _enter_complete(problem: Problem, found: Expectation, covariance: Floats, answer: Floats) -> None:
    """Add the information of complete data to ``answer`` (estimate + 1, estimate + 1)."""
    plan, population, point = problem.plan, problem.population, found.point
    n_slots, n_cells = covariance.shape[1:]
    row, column, cell = np.indices(covariance.shape)
    blocks = sparse.csr_array(
        (covariance.ravel(), ((row * n_cells + cell).ravel(), (column * n_cells + cell).ravel())),
        shape=(n_slots * n_cells, n_slots * n_cells),
    )
    jacobian = plan.jacobian[:, plan.free]
    ability, sd = problem.coefficients, problem.sd_place
    whole = sparse.coo_array(jacobian.T @ (blocks @ jacobian))
    answer[whole.row, whole.col] += whole.data
    variance = point.sd**2
    answer[ability, ability] += population.design.T @ population.design / variance
    if sd is not None:
        from_mean = found.eap - population.mean(point.coefficient)
        answer[sd, sd] += 2 * float((found.variance + from_mean**2).sum()) / variance
        cross = 2 * (population.design.T @ from_mean) / variance
        answer[ability, sd] += cross
        answer[sd, ability] += cross
    if problem.halo_place is not None and found.inner is not None:
        squared = found.inner.squared(problem.stats.entry.T @ found.posterior)
        answer[problem.halo_place, problem.halo_place] += 2 * squared


@dataclass(frozen=True, eq=False)
class _Missing:
    """Posterior means and covariances of the students' scores.

    Columns are the common parameters, log sd, and log halo where there is one; the seats of a student are followed by
    the score of the mean of ability. Summed over students are ``common_common`` (column, column) and, by the place of
    each seat and coefficient, ``several_common`` (estimate + 1, column); of each student are ``several`` (student,
    seat + 1, seat + 1), ``common_mean`` (student, column) and ``several_mean`` (student, seat + 1).
    """

    common_common: Floats
    several_common: Floats
    several: Floats
    common_mean: Floats
    several_mean: Floats

    @classmethod
    def of(
        cls, problem: Problem, found: Expectation, tables: Iterable[_Table], squares: Floats | None, seat: Ints
    ) -> _Missing:
        """From expected steps by node; ``squares`` (unit, node) expected squares of the halo.

        ``seat`` (student, seat) is the place of a seat's parameter among the estimates, one beyond where there is none.
        """
        few, point = problem.features, found.point
        n, n_common, n_seats = len(found.posterior), few.n_common, few.n_seats
        n_columns = n_common + (1 if squares is None else 2)
        answer = cls(
            np.zeros((n_columns, n_columns)),
            np.zeros((problem.size + 1, n_columns)),
            np.empty((n, n_seats + 1, n_seats + 1)),
            np.empty((n, n_columns)),
            np.empty((n, n_seats + 1)),
        )
        mean = problem.population.mean(point.coefficient)
        for table in tables:

            def entered(who: Ints, first: int, width: int, table: _Table = table) -> tuple[Ints, Floats, Floats]:
                span, here = slice(first, first + width), slice(first - table.first, first - table.first + width)
                distance = found.nodes[span] - mean[who, None]
                common = np.empty((len(who), width, n_columns))
                common[:, :, :n_common] = _common(few, who, n, table.steps[:, here]).transpose(0, 2, 1)
                common[:, :, n_common] = (distance / point.sd) ** 2
                if squares is not None:
                    common[:, :, -1] = problem.stats.entry[who] @ squares[:, span]
                several = np.empty((len(who), n_seats + 1, width))
                if n_seats:
                    met = _met(few.few[_rows(who, n, n_seats)], few.few_features, table.steps[:, here])
                    several[:, :-1] = met.reshape(n_seats, len(who), width).transpose(1, 0, 2)
                several[:, -1] = distance / point.sd**2
                return who, *answer._enter(who, found.posterior[who, span], common, several)

            for who, crossed, mixed in answers(entered, table.looks):
                answer.common_common[...] += crossed
                answer._mix(problem, seat[who], who, mixed)
            del table, entered  # before the next ones are made
        answer.common_common[...] -= answer.common_mean.T @ answer.common_mean
        return answer

    def _enter(self, who: Ints, weight: Floats, common: Floats, several: Floats) -> tuple[Floats, Floats]:
        """Enter these students: ``weight`` (student, node), ``common`` (student, node, column), ``several``
        (student, seat + 1, node). The answer are their products (column, column) and covariances (student, seat + 1,
        column), to be entered in turn.
        """
        columns = common.shape[2]
        weighted = common * weight[:, :, None]
        crossed = weighted.reshape(-1, columns).T @ common.reshape(-1, columns)
        self.common_mean[who] = weighted.sum(axis=1)
        mean = (several @ weight[:, :, None])[:, :, 0]
        several = several - mean[:, :, None]
        self.several[who] = (several * weight[:, None, :]) @ several.transpose(0, 2, 1)
        self.several_mean[who] = mean
        return crossed, np.asarray(several @ weighted)

    def _mix(self, problem: Problem, seat: Ints, who: Ints, mixed: Floats) -> None:
        """Enter the covariances (student, seat + 1, column) of these students where their parameters stand."""
        each = sparse.csr_array(
            (np.ones(seat.size), (seat.ravel(), np.arange(seat.size))), shape=(len(self.several_common), seat.size)
        )
        self.several_common[...] += each @ mixed[:, :-1].reshape(-1, mixed.shape[2])
        self.several_common[problem.coefficients] += problem.population.design[who].T @ mixed[:, -1]


def _common(few: Features, who: Ints, n: int, steps: Floats) -> Floats:
    """Expected steps of the common parameters (student, column, node) of the students ``who`` of ``n``.

    ``steps`` (feature + 1, node).
    """
    answer = np.zeros((len(who), few.n_common, steps.shape[1]))
    for seat in few.wholes.seat[who].T:
        answer += steps[few.wholes.feature[seat]]
    if len(few.common_features):
        other = _met(few.common[_rows(who, n, few.n_common)], few.common_features, steps)
        answer += other.reshape(few.n_common, len(who), -1).transpose(1, 0, 2)
    return answer


def _met(rows: sparse.csr_array, features: Ints, steps: Floats) -> Floats:
    """Sums (row, node) of the ``steps`` (feature + 1, node) of those ``features`` (column,) that the rows meet.

    They are a few of the features of a country, which would be copied whole for the sake of a run of nodes.
    """
    met, place = distinct(rows.indices, rows.shape[1])
    small = sparse.csr_array((rows.data, place, rows.indptr), shape=(rows.shape[0], len(met)))
    return np.asarray(small @ steps[features[met]])


def _rows(students: Ints, n: int, columns: int) -> Ints:
    return (np.arange(columns)[:, None] * n + students).ravel()
