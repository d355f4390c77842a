"""What the ratings say, once and for all: totals, and who met which normalisers.

Given ability θ, the log-likelihood of a student is ``θ · total − Σ log Z(θ)``, the sum running over the cells of the
student's ratings (Andersen 1977, doi:10.1007/BF02293746). Students rated on all criteria by the same trainer share
that trainer's whole sum; a unit is such a whole or, for what is missing from it or rated beside it, a single cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import THRESHOLD, Floats, Ints, tally
from crcne_stats.core.rasch.layout import Block, Layout, location_columns
from crcne_stats.core.rasch.nodes import CHUNK

MANY = 60
"""A block with no more elements than this is common to all students; a larger one too, unless each meets few of it."""


@dataclass(frozen=True, eq=False)
class Sufficient:
    """Totals and incidences; ``entry`` is all that the likelihood needs of the design.

    Attributes
    ----------
    total : (student,)
        Weighted sum of levels above the lowest used one.
    entry : (student, unit)
        How many times each unit's log-normaliser counts; a cell missing from a whole counts −1.
    unit_cells : (unit, cell)
    observed : (parameter,)
        Weighted sum of the steps climbed, by parameter.
    n_ratings : (student,)
        Weighted number of ratings that inform the fit.
    pair : (kept rating,), pair_student, pair_context : (pair,)
        The distinct pairs of a student and a context (all facets but the criterion).
    """

    total: Floats
    entry: sparse.csr_array
    unit_cells: sparse.csr_array
    observed: Floats
    n_ratings: Floats
    pair: Ints
    pair_student: Ints
    pair_context: Ints


def sufficient(plan: Layout) -> Sufficient:
    """The sufficient statistics of the ratings that inform the fit."""
    data, cell = plan.data, plan.cell
    student = data.student[plan.kept]
    weight = None if data.weight is None else data.weight[plan.kept]
    slot = plan.steps.slot[plan.cell_group[cell], data.score[plan.kept]]
    level = plan.steps.level[plan.cell_group[cell], slot]
    total = tally(student, level if weight is None else weight * level, data.n_students)
    n_ratings = tally(student, weight, data.n_students)
    n_slots = plan.steps.gap.shape[1]
    reached = np.bincount(slot * plan.n_cells + cell, weight, minlength=(n_slots + 1) * plan.n_cells)
    reached = reached.reshape(n_slots + 1, plan.n_cells)[::-1].cumsum(axis=0)[::-1][1:]
    observed = plan.jacobian.T @ reached.ravel()
    n_contexts = int(plan.context.max(initial=0)) + 1
    pairs, pair = _distinct(student * n_contexts + plan.context[cell], data.n_students * n_contexts)
    owner, place = np.divmod(pairs, n_contexts)
    entry, unit_cells = _units(plan, pair, owner, place, weight)
    return Sufficient(total, entry, unit_cells, observed, n_ratings, pair, owner, place)


def _units(
    plan: Layout, pair: Ints, owner: Ints, place: Ints, weight: Floats | None
) -> tuple[sparse.csr_array, sparse.csr_array]:
    n_cells, n_students, context, item = plan.n_cells, plan.data.n_students, plan.context, plan.item
    n_contexts, n_items = int(context.max(initial=0)) + 1, int(item.max(initial=0)) + 1
    value = np.bincount(pair * n_items + item[plan.cell], weight, minlength=len(owner) * n_items).astype(float)
    value = value.reshape(len(owner), n_items)
    cell_of = np.full((n_contexts, n_items), -1)
    cell_of[context, item] = np.arange(n_cells)
    theirs = cell_of[place]
    odd = (theirs >= 0) & (value != 1)
    whole = 1 + odd.sum(axis=1) < (value != 0).sum(axis=1)
    single_pair, single_item = np.nonzero(np.where(whole[:, None], odd, value != 0))
    rows = np.concatenate([owner[whole], owner[single_pair]])
    columns = np.concatenate([n_cells + place[whole], theirs[single_pair, single_item]])
    singles = value[single_pair, single_item] - whole[single_pair]
    values = np.concatenate([np.ones(int(whole.sum())), singles])
    used, unit = _distinct(columns, n_cells + n_contexts)
    entry = sparse.csr_array((values, (rows, unit)), shape=(n_students, len(used)))
    cells = np.flatnonzero(used < n_cells)
    wholes = np.flatnonzero(used >= n_cells)
    which = np.full(n_contexts, -1)
    which[used[wholes] - n_cells] = wholes
    inside = np.flatnonzero(which[context] >= 0)
    unit_rows = np.concatenate([cells, which[context[inside]]])
    unit_columns = np.concatenate([used[cells], inside])
    unit_cells = sparse.csr_array((np.ones(len(unit_rows)), (unit_rows, unit_columns)), shape=(len(used), n_cells))
    return entry, unit_cells


def _distinct(key: Ints, size: int) -> tuple[Ints, Ints]:
    """Distinct keys, ordered, and the place of each entry among them."""
    if size > max(8 * len(key), 1 << 22):
        kept, place = np.unique(key, return_inverse=True)
        return kept, place.astype(np.int64)
    used = np.zeros(size, dtype=bool)
    used[key] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[key]


@dataclass(frozen=True, eq=False)
class Part:
    """A run of cells and the features that rest on them: rows of ``Features.sums`` and their matrices."""

    cells: slice
    sums: tuple[tuple[slice, sparse.csr_array], ...]


@dataclass(frozen=True, eq=False)
class Features:
    """Which parameters each unit and each student touches.

    Attributes
    ----------
    sums : (feature, slot × cell)
        A feature is a unit and a parameter that it touches; its row adds the steps of the unit's cells.
    unit, parameter : (feature,), the features ordered by unit
    parts : the sums, cut into runs of cells; empty where they were not asked for
    common : (common parameter × student, feature)
    few : (seat × student, feature)
        Parameters of blocks with many elements: a student meets few of them, one to a seat.
    common_parameters : (column,)
        Parameter of each common column; ``n_common`` is its length.
    seat_parameter : (student, seat)
        Parameter of each seat; the number of parameters where a seat is empty.
    observed_common : (student, column), observed_few : (student, seat)
        Weighted steps climbed.
    """

    sums: sparse.csr_array
    unit: Ints
    parameter: Ints
    parts: tuple[Part, ...]
    common: sparse.csr_array
    few: sparse.csr_array
    common_parameters: Ints
    seat_parameter: Ints
    observed_common: Floats
    observed_few: Floats

    @property
    def n_common(self) -> int:
        """Number of common columns."""
        return len(self.common_parameters)

    @property
    def n_seats(self) -> int:
        """Most parameters of many-element blocks that one student meets."""
        return int(self.seat_parameter.shape[1])


def features(plan: Layout, stats: Sufficient, in_parts: bool = True) -> Features:
    """The incidences behind scores and information by student; cut ``in_parts`` where units are ordered by cell."""
    n_parameters, n_students = plan.jacobian.shape[1], plan.data.n_students
    few = np.zeros(n_parameters, dtype=bool)
    for block in plan.blocks.values():
        few[block.range] = len(block.labels) > MANY and len(block.labels) > 8 * _most_met(plan, stats, block)
    free = np.zeros(n_parameters, dtype=bool)
    free[plan.free] = True
    sums, unit, parameter = _feature_sums(plan, stats, free)
    per_unit = sparse.csr_array(
        (np.ones(len(unit)), np.arange(len(unit)), np.searchsorted(unit, np.arange(stats.entry.shape[1] + 1))),
        shape=(stats.entry.shape[1], len(unit)),
    )
    row = np.repeat(np.arange(n_students), np.diff(stats.entry.indptr))
    size = np.diff(per_unit.indptr)[stats.entry.indices]
    first = np.repeat(per_unit.indptr[:-1][stats.entry.indices] - np.r_[0, np.cumsum(size)[:-1]], size)
    feature = first + np.arange(len(first))
    owner, value = np.repeat(row, size), np.repeat(stats.entry.data, size)
    met = parameter[feature]
    common_parameters = np.flatnonzero(free & ~few)
    column = np.full(n_parameters, -1)
    column[common_parameters] = np.arange(len(common_parameters))
    one = column[met] >= 0
    common = sparse.csr_array(
        (value[one], (column[met[one]] * n_students + owner[one], feature[one])),
        shape=(n_students * len(common_parameters), len(unit)),
    )
    seats, seat, seat_parameter = _seats(owner[~one], met[~one], n_students, n_parameters)
    rows = seat * n_students + owner[~one]
    several = sparse.csr_array((value[~one], (rows, feature[~one])), shape=(n_students * seats, len(unit)))
    observed = _observed(plan, stats)
    observed_common = observed[:, common_parameters].toarray()
    padded = sparse.csr_array(sparse.hstack([observed, sparse.csr_array((n_students, 1))]))
    who = np.repeat(np.arange(n_students), seats)
    observed_few = np.zeros((n_students, seats))
    if seats:
        observed_few[...] = padded[who, seat_parameter.ravel()].reshape(n_students, seats)
    parts = _parts(plan, stats, sums, unit) if in_parts else ()
    return Features(
        sums, unit, parameter, parts, common, several, common_parameters, seat_parameter, observed_common, observed_few
    )


def _most_met(plan: Layout, stats: Sufficient, block: Block) -> int:
    """Most elements of a block that one student meets."""
    owner, place = stats.pair_student[stats.pair], plan.cell
    if block.name == THRESHOLD:
        element = plan.cell_group[place]
    else:
        element = location_columns(plan)[block.name][place] - block.start
    width = int(element.max(initial=0)) + 1
    met = np.bincount(_distinct(owner * width + element, plan.data.n_students * width)[0] // width).max(initial=0)
    return int(met) * (plan.steps.gap.shape[1] if block.name == THRESHOLD else 1)


def _feature_sums(plan: Layout, stats: Sufficient, free: Ints) -> tuple[sparse.csr_array, Ints, Ints]:
    """Rows (feature, slot × cell), and the unit and the parameter of each feature, ordered by unit."""
    n_cells, n_slots = plan.n_cells, plan.steps.gap.shape[1]
    units = stats.unit_cells.tocoo()
    row = (units.col[:, None] + np.arange(n_slots) * n_cells).ravel()
    unit = np.repeat(units.row.astype(np.int64), n_slots)
    jacobian = plan.jacobian
    size = np.diff(jacobian.indptr)[row]
    first = np.repeat(jacobian.indptr[:-1][row] - np.r_[0, np.cumsum(size)[:-1]], size)
    place = first + np.arange(len(first))
    row, unit = np.repeat(row, size), np.repeat(unit, size)
    parameter, value = jacobian.indices[place].astype(np.int64), jacobian.data[place]
    wanted = free[parameter].astype(bool)
    row, unit, parameter, value = row[wanted], unit[wanted], parameter[wanted], value[wanted]
    kept, feature = np.unique(unit * jacobian.shape[1] + parameter, return_inverse=True)
    sums = sparse.csr_array((value, (feature, row)), shape=(len(kept), n_cells * n_slots))
    return sums, kept // jacobian.shape[1], kept % jacobian.shape[1]


def _parts(plan: Layout, stats: Sufficient, sums: sparse.csr_array, unit: Ints) -> tuple[Part, ...]:
    """Runs of whole contexts of about as many cells as fit the cache."""
    n_cells, n_slots = plan.n_cells, plan.steps.gap.shape[1]
    begins = np.flatnonzero(np.r_[True, np.diff(plan.context) != 0])
    run = begins // CHUNK
    edges = [*begins[np.flatnonzero(np.r_[True, np.diff(run) != 0])].tolist(), n_cells]
    single = np.diff(stats.unit_cells.indptr) == 1
    first_cell = stats.unit_cells.indices[stats.unit_cells.indptr[:-1]]
    n_single = int(np.argmin(single)) if not single.all() else len(single)
    parts = []
    for begin, end in pairwise(edges):
        columns = (np.arange(begin, end) + np.arange(n_slots)[:, None] * n_cells).ravel()
        found = []
        for units in (slice(0, n_single), slice(n_single, len(single))):
            low, high = units.start + np.searchsorted(first_cell[units], [begin, end])
            rows = slice(*np.searchsorted(unit, [low, high]).tolist())
            if rows.stop > rows.start:
                found.append((rows, sparse.csr_array(sums[rows][:, columns])))
        parts.append(Part(slice(begin, end), tuple(found)))
    return tuple(parts)


def _seats(owner: Ints, parameter: Ints, n_students: int, n_parameters: int) -> tuple[int, Ints, Ints]:
    """Number of seats, the seat of each entry, and the parameter of each seat (student, seat)."""
    pairs, pair = _distinct(owner * n_parameters + parameter, n_students * n_parameters)
    student = pairs // n_parameters
    seat = np.arange(len(pairs)) - np.searchsorted(student, student)
    seats = int(seat.max(initial=-1)) + 1
    table = np.full((n_students, seats), n_parameters)
    table[student, seat] = pairs % n_parameters
    return seats, seat[pair], table


def _observed(plan: Layout, stats: Sufficient) -> sparse.csr_array:
    """Weighted steps climbed by each student, by parameter, (student, parameter)."""
    data, cell, steps = plan.data, plan.cell, plan.steps
    student, group = data.student[plan.kept], plan.cell_group[cell]
    weight = None if data.weight is None else data.weight[plan.kept]
    slot = steps.slot[group, data.score[plan.kept]]
    level = steps.level[group, slot]
    level = level if weight is None else level * weight
    n, size = data.n_students, plan.jacobian.shape[1]
    by_pair = tally(stats.pair, level, len(stats.pair_student))
    total = sparse.csr_array((n, size))
    for name, column in location_columns(plan).items():
        if data.item in name.split(":"):
            total = total + _summed(student, column[cell], level, n, size)
        else:
            in_context = np.zeros(int(plan.context.max(initial=0)) + 1, dtype=np.int64)
            in_context[plan.context] = column
            total = total + _summed(stats.pair_student, in_context[stats.pair_context], by_pair, n, size)
    start = plan.blocks[THRESHOLD].start
    parameter = np.zeros(steps.gap.shape, dtype=np.int64)
    parameter[~np.isnan(steps.gap)] = np.arange(start, size)
    for step in range(steps.gap.shape[1]):
        here = np.flatnonzero(slot > step)
        climbed = group[here]
        amount = steps.gap[climbed, step] if weight is None else weight[here] * steps.gap[climbed, step]
        total = total + _summed(student[here], parameter[climbed, step], amount, n, size)
    return sparse.csr_array(total)


def _summed(row: Ints, column: Ints, value: Floats, n: int, size: int) -> sparse.csr_array:
    columns, place = _distinct(column.astype(np.int64), size)
    if n * len(columns) > max(4 * len(row), 1 << 20):
        return sparse.csr_array((value, (row, column)), shape=(n, size))
    dense = np.bincount(row * len(columns) + place, value, minlength=n * len(columns)).reshape(n, len(columns))
    rows, found = np.nonzero(dense)
    return sparse.csr_array((dense[rows, found], (rows, columns[found])), shape=(n, size))
