"""Which parameters each student's likelihood touches, and through which units: the map from units to scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import THRESHOLD, Bools, Floats, Ints, tally
from crcne_stats.core.rasch.layout import Block, Layout, location_columns
from crcne_stats.core.rasch.nodes import CHUNK
from crcne_stats.core.rasch.sufficient import Sufficient, distinct

MANY = 60
"""A block with no more elements than this is common to all students; a larger one too, unless each meets few of it."""


@dataclass(frozen=True, eq=False)
class Part:
    """A run of cells and the features that rest on them: rows of ``Features.sums`` and their matrices."""

    cells: slice
    sums: tuple[tuple[slice, sparse.csr_array], ...]


@dataclass(frozen=True, eq=False)
class Wholes:
    """Units that touch most of the common parameters, of which a student has a few.

    ``seat`` (student, seat) is the whole of each seat, the last one where it is empty. ``feature`` (whole + 1, common
    column) is the feature of a parameter, −1 where a whole does not touch it; the last whole is empty.
    """

    seat: Ints
    feature: Ints


@dataclass(frozen=True, eq=False)
class Features:
    """Which parameters each unit and each student touches.

    Attributes
    ----------
    sums : (feature, slot × cell)
        A feature is a unit and a parameter that it touches; its row adds the steps of the unit's cells.
    unit, parameter : (feature,), the features ordered by unit
    parts : the sums, cut into runs of cells; empty where they were not asked for
    wholes : the common parameters of whole units
    common : (common parameter × student, row of ``common_features``)
        The common parameters of all other units.
    few : (seat × student, row of ``few_features``)
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
    wholes: Wholes
    common: sparse.csr_array
    common_features: Ints
    few: sparse.csr_array
    few_features: Ints
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


@dataclass(eq=False)
class Incidences:
    """The features of a problem, made when they are asked for.

    They take little time and, with the ratings of a country, some hundred MiB: a fit that is kept forgets them.
    """

    plan: Layout
    stats: Sufficient
    in_parts: bool = True

    @cached_property
    def made(self) -> Features:
        return features(self.plan, self.stats, self.in_parts)

    def forget(self) -> None:
        self.__dict__.pop("made", None)


def features(plan: Layout, stats: Sufficient, in_parts: bool = True) -> Features:
    """The incidences behind scores and information by student; cut ``in_parts`` where units are ordered by cell."""
    n_parameters, n_students = plan.jacobian.shape[1], plan.data.n_students
    few = np.zeros(n_parameters, dtype=bool)
    for block in plan.blocks.values():
        few[block.range] = len(block.labels) > MANY and len(block.labels) > 8 * _most_met(plan, stats, block)
    free = np.zeros(n_parameters, dtype=bool)
    free[plan.free] = True
    sums, unit, parameter = _feature_sums(plan, stats, free)
    common_parameters = np.flatnonzero(free & ~few)
    column = np.full(n_parameters, -1)
    column[common_parameters] = np.arange(len(common_parameters))
    is_common = column[parameter] >= 0
    whole = _whole(stats, unit[is_common], len(common_parameters))
    n_wholes = int(whole.sum())
    entry = stats.entry.tocoo()
    owner, unit_met = entry.row.astype(np.int64), entry.col.astype(np.int64)
    places, shape = np.full(stats.entry.shape[1], -1), stats.entry.shape
    places[whole] = np.arange(n_wholes)
    seat = _seated(owner[whole[unit_met]], places[unit_met[whole[unit_met]]], n_students, n_wholes)
    inside = np.flatnonzero(is_common & whole[unit])
    touches = np.full((n_wholes + 1, len(common_parameters)), -1)
    touches[places[unit[inside]], column[parameter[inside]]] = inside
    single = sparse.csr_array((entry.data * ~whole[unit_met], (owner, unit_met)), shape=shape)
    single.eliminate_zeros()
    who, value, feature = _expanded(single, unit, is_common)
    common_features, place = distinct(feature, len(unit))
    common = sparse.csr_array(
        (value, (column[parameter[feature]] * n_students + who, place)),
        shape=(n_students * len(common_parameters), len(common_features)),
    )
    who, value, feature = _expanded(stats.entry, unit, ~is_common)
    few_features, place = distinct(feature, len(unit))
    seats, own, seat_parameter = _seats(who, parameter[feature], n_students, n_parameters)
    several = sparse.csr_array((value, (own * n_students + who, place)), shape=(n_students * seats, len(few_features)))
    observed = _observed(plan, stats)
    padded = sparse.csr_array(sparse.hstack([observed, sparse.csr_array((n_students, 1))]))
    observed_few = np.zeros((n_students, seats))
    if seats:
        rows = np.repeat(np.arange(n_students), seats)
        observed_few[...] = padded[rows, seat_parameter.ravel()].reshape(n_students, seats)
    return Features(
        sums, unit, parameter, _parts(plan, stats, sums, unit) if in_parts else (), Wholes(seat, touches), common,
        common_features, several, few_features, common_parameters, seat_parameter,
        observed[:, common_parameters].toarray(), observed_few,
    )  # fmt: skip


def _whole(stats: Sufficient, unit: Ints, n_common: int) -> Bools:
    """Units (unit,) to be kept as wholes; ``unit`` (common feature,)."""
    n_units = stats.entry.shape[1]
    touched = np.bincount(unit, minlength=n_units)
    odd = np.bincount(stats.entry.indices, stats.entry.data != 1, minlength=n_units) > 0
    return np.asarray((2 * touched > n_common) & ~odd)


def _seated(owner: Ints, what: Ints, n: int, empty: int) -> Ints:
    """What each owner has, one to a seat (owner, seat); ``empty`` where a seat is. ``owner`` is in order."""
    seat = np.arange(len(owner)) - np.searchsorted(owner, owner)
    table = np.full((n, int(seat.max(initial=-1)) + 1), empty)
    table[owner, seat] = what
    return table


def _expanded(entry: sparse.csr_array, unit: Ints, wanted: Bools) -> tuple[Ints, Floats, Ints]:
    """Student, weight and feature of each wanted feature of each student's units; ``unit`` (feature,) in order."""
    kept = np.flatnonzero(wanted)
    start = np.searchsorted(unit[kept], np.arange(entry.shape[1] + 1))
    size = np.diff(start)[entry.indices]
    first = np.repeat(start[entry.indices] - np.r_[0, np.cumsum(size)[:-1]], size) if len(size) else size
    owner = np.repeat(np.arange(entry.shape[0]), np.diff(entry.indptr))
    return np.repeat(owner, size), np.repeat(entry.data, size), kept[first + np.arange(len(first))]


def _most_met(plan: Layout, stats: Sufficient, block: Block) -> int:
    """Most elements of a block that one student meets."""
    owner, place = stats.pair_student[stats.pair], plan.cell
    if block.name == THRESHOLD:
        element = plan.cell_group[place]
    else:
        element = location_columns(plan)[block.name][place] - block.start
    width = int(element.max(initial=0)) + 1
    met = np.bincount(distinct(owner * width + element, plan.data.n_students * width)[0] // width).max(initial=0)
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
    pairs, pair = distinct(owner * n_parameters + parameter, n_students * n_parameters)
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
    columns, place = distinct(column.astype(np.int64), size)
    if n * len(columns) > max(4 * len(row), 1 << 20):
        return sparse.csr_array((value, (row, column)), shape=(n, size))
    dense = np.bincount(row * len(columns) + place, value, minlength=n * len(columns)).reshape(n, len(columns))
    rows, found = np.nonzero(dense)
    return sparse.csr_array((dense[rows, found], (rows, columns[found])), shape=(n, size))
