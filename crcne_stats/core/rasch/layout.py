"""Parameters of a model laid out on the data: cells, steps, constraints, and what cannot be estimated.

A cell is a distinct combination of facets: all ratings of a cell have the same distribution at the same ability. The
step of slot h of a cell has difficulty (J ξ)[h, cell], ξ being all the parameters; everything else follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import (
    THRESHOLD,
    Bools,
    Floats,
    Ints,
    Model,
    RatingData,
    combination,
    interaction_name,
    threshold_groups,
)

ESTIMATED, ANCHORED, EXTREME, UNRATED = range(4)
"""Status of a parameter: free; held; all its ratings at the lowest or all at the highest level; without ratings."""


@dataclass(frozen=True, eq=False)
class Steps:
    """The levels of each group of thresholds that someone used.

    ``slot`` (group, level) is the place of a level among the used ones, −1 for an unused one; ``level``
    (group, slot) the level of each place, counted from the lowest used one, NaN beyond the last; ``gap``
    (group, slot − 1) the levels that each step climbs: 1, or more over unused levels. ``lowest`` (group,) is the
    lowest used level; ``n_levels`` (group,) the size of the scale.
    """

    slot: Ints
    level: Floats
    gap: Floats
    lowest: Ints
    n_levels: Ints

    @property
    def top(self) -> Floats:
        """Highest level of each group, counted from the lowest used one; 0 when a single level is used."""
        return np.where(np.isnan(self.level), 0.0, self.level).max(axis=1)


@dataclass(frozen=True, eq=False)
class Block:
    """A run of parameters: a facet, an interaction or the thresholds.

    ``labels`` (parameter, column): the element; for an interaction the two elements; for thresholds the group and
    the level that the step leads to.
    """

    name: str
    start: int
    labels: Ints

    @property
    def stop(self) -> int:
        """One past the last parameter."""
        return self.start + len(self.labels)

    @property
    def range(self) -> slice:
        """Where the block's parameters stand in ξ."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, eq=False)
class Layout:
    """The model on the data.

    Attributes
    ----------
    names : the facets, the criterion last: columns of ``cell_codes``
    kept : (rating,)
        Ratings that inform the fit; the others belong to elements whose parameter would be infinite, or weigh 0.
    cell : (kept rating,), cell_codes : (cell, facet), cell_group : (cell,)
    context : (cell,), item : (cell,)
        All facets but the criterion, as one code in increasing order; the criterion.
    steps : Steps
    blocks : name → Block
    jacobian : (slot × cell, parameter)
        Row ``(h − 1) · n_cells + cell`` for slot h.
    value : (parameter,), status : (parameter,)
        Starting or held values; held ones keep theirs.
    constraints : (constraint, free parameter), bounds : (constraint,)
    centred : names of the facets with a zero mean
    """

    data: RatingData
    model: Model
    names: tuple[str, ...]
    kept: Bools
    cell: Ints
    cell_codes: Ints
    cell_group: Ints
    context: Ints
    item: Ints
    steps: Steps
    blocks: dict[str, Block]
    jacobian: sparse.csr_array
    value: Floats
    status: Ints
    constraints: Floats
    bounds: Floats
    centred: tuple[str, ...]

    @property
    def free(self) -> Ints:
        """Indices of the parameters that are estimated."""
        return np.flatnonzero(self.status == ESTIMATED)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cell_codes)

    @property
    def n_parameters(self) -> int:
        """Free parameters less constraints."""
        return len(self.free) - len(self.bounds)


def layout(data: RatingData, model: Model) -> Layout:
    """Lay a model out on data.

    Elements whose ratings all stand at the lowest (or all at the highest) level they could take have no finite
    parameter: they and their ratings leave the fit, one after the other until none is left (their likelihood tends
    to 1, so nothing is lost). Unused levels are closed.

    Raises
    ------
    ValueError
        When a facet is unknown, or an anchor names no parameter.
    """
    _check(data, model)
    group, group_levels = threshold_groups(data, model.thresholds)
    elements = dict(_elements(data, model))
    kept, extreme, steps = _trimmed(data, group, group_levels, elements)
    names = [*(name for name in data.facets if name != data.item), data.item]
    sizes = [data.sizes[name] for name in names] + [len(group_levels)]
    columns = [data.facets[name][kept] for name in names] + [group[kept]]
    rows, cell = combination(columns, sizes)
    cell_codes, cell_group, item = rows[:, :-1], rows[:, -1], rows[:, -2]
    context = np.zeros(len(rows), dtype=np.int64)
    if len(names) > 1 and len(rows):
        context = np.cumsum(np.r_[False, (np.diff(cell_codes[:, :-1], axis=0) != 0).any(axis=1)])
    blocks = _blocks(data, model, elements, steps)
    jacobian = _jacobian(names, model, cell_codes, cell_group, steps, blocks)
    status, value = _status(model, blocks, elements, extreme, jacobian)
    constraints, bounds, centred = _constraints(model, blocks, steps, status, value)
    return Layout(
        data, model, tuple(names), kept, cell, cell_codes, cell_group, context, item, steps, blocks, jacobian,
        value, status, constraints, bounds, centred,
    )  # fmt: skip


def _check(data: RatingData, model: Model) -> None:
    known = set(data.facets)
    asked = [*model.facets, *(name for pair in model.interactions for name in pair), *model.components]
    asked += [] if model.thresholds == "shared" else [model.thresholds]
    unknown = sorted(set(asked) - known)
    if unknown:
        raise ValueError(f"unknown facets: {', '.join(unknown)}")


def _elements(data: RatingData, model: Model) -> Iterator[tuple[str, tuple[Ints, Ints]]]:
    """For each block of location parameters: its labels (element, column) and the element of each rating."""
    for name in model.facets:
        yield name, (np.arange(data.sizes[name])[:, None], data.facets[name])
    for pair in model.interactions:
        yield interaction_name(pair), combination([data.facets[f] for f in pair], [data.sizes[f] for f in pair])


def _trimmed(
    data: RatingData, group: Ints, group_levels: Ints, elements: dict[str, tuple[Ints, Ints]]
) -> tuple[Bools, dict[str, Bools], Steps]:
    kept = data.weights > 0
    extreme = {name: np.zeros(len(labels), dtype=bool) for name, (labels, _) in elements.items()}
    while True:
        steps = _steps(data, group, group_levels, kept)
        base, top = steps.lowest[group], steps.lowest[group] + steps.top[group]
        low, high, found = data.score == base, data.score == top, False
        for name, (labels, code) in elements.items():
            n = len(labels)
            count = np.bincount(code[kept], minlength=n)
            lows = np.bincount(code[kept & low], minlength=n)
            highs = np.bincount(code[kept & high], minlength=n)
            bad = (count > 0) & ((lows == count) | (highs == count))
            if bad.any():
                extreme[name] |= bad
                kept &= ~bad[code]
                found = True
        if not found:
            return kept, extreme, steps


def _steps(data: RatingData, group: Ints, group_levels: Ints, kept: Bools) -> Steps:
    n, width = len(group_levels), int(group_levels.max(initial=1))
    used = np.bincount(group[kept] * width + data.score[kept], minlength=n * width).reshape(n, width) > 0
    lowest = np.where(used.any(axis=1), used.argmax(axis=1), 0)
    slot = np.where(used, used.cumsum(axis=1) - 1, -1)
    level = np.full((n, max(1, int(used.sum(axis=1).max(initial=1)))), np.nan)
    where, which = np.nonzero(used)
    level[where, slot[where, which]] = which - lowest[where]
    return Steps(slot, level, np.diff(level, axis=1), lowest.astype(np.int64), group_levels)


def _blocks(data: RatingData, model: Model, elements: dict[str, tuple[Ints, Ints]], steps: Steps) -> dict[str, Block]:
    blocks, start = {}, 0
    for name, (labels, _) in elements.items():
        blocks[name] = Block(name, start, labels)
        start += len(labels)
    where, which = np.nonzero(~np.isnan(steps.gap))
    level = steps.level[where, which + 1].astype(np.int64) + steps.lowest[where]
    blocks[THRESHOLD] = Block(THRESHOLD, start, np.column_stack([where, level]))
    return blocks


def location_columns(plan: Layout) -> dict[str, Ints]:
    """For each facet and interaction, the parameter of each cell (cell,)."""
    return _columns(list(plan.names), plan.model, plan.cell_codes, plan.blocks)


def _columns(names: list[str], model: Model, cell_codes: Ints, blocks: dict[str, Block]) -> dict[str, Ints]:
    columns = {name: blocks[name].start + cell_codes[:, names.index(name)] for name in model.facets}
    for pair in model.interactions:
        block = blocks[interaction_name(pair)]
        width = int(block.labels[:, 1].max(initial=0)) + 1
        key = cell_codes[:, names.index(pair[0])] * width + cell_codes[:, names.index(pair[1])]
        columns[block.name] = block.start + np.searchsorted(block.labels[:, 0] * width + block.labels[:, 1], key)
    return columns


def _jacobian(
    names: list[str],
    model: Model,
    cell_codes: Ints,
    cell_group: Ints,
    steps: Steps,
    blocks: dict[str, Block],
) -> sparse.csr_array:
    n_cells, n_slots = len(cell_codes), steps.gap.shape[1]
    gap = steps.gap[cell_group]
    cell, slot = np.nonzero(~np.isnan(gap))
    columns = list(_columns(names, model, cell_codes, blocks).values())
    index = np.full(steps.gap.shape, -1)
    index[~np.isnan(steps.gap)] = np.arange(blocks[THRESHOLD].start, blocks[THRESHOLD].stop)
    column = np.concatenate([*(c[cell] for c in columns), index[cell_group[cell], slot]])
    row = np.tile(slot * n_cells + cell, len(columns) + 1)
    size = (n_slots * n_cells, blocks[THRESHOLD].stop)
    return sparse.csr_array((np.tile(gap[cell, slot], len(columns) + 1), (row, column)), shape=size)


def _status(
    model: Model,
    blocks: dict[str, Block],
    elements: dict[str, tuple[Ints, Ints]],
    extreme: dict[str, Bools],
    jacobian: sparse.csr_array,
) -> tuple[Ints, Floats]:
    size = jacobian.shape[1]
    status: Ints = np.full(size, ESTIMATED)
    value = np.zeros(size)
    status[np.bincount(jacobian.indices, minlength=size) == 0] = UNRATED
    for name, flags in extreme.items():
        status[blocks[name].range][flags] = EXTREME
    for anchor in model.anchors:
        block = blocks.get(anchor.facet)
        wanted = [anchor.element] if anchor.level is None else [anchor.element, anchor.level]
        width = 0 if block is None else block.labels.shape[1]
        if block is None or width != len(wanted) or not (block.labels == wanted).all(axis=1).any():
            raise ValueError(f"no parameter for the anchor {anchor}")
        place = block.start + int(np.flatnonzero((block.labels == wanted).all(axis=1))[0])
        status[place], value[place] = ANCHORED, anchor.value
    return status, value


def _constraints(
    model: Model, blocks: dict[str, Block], steps: Steps, status: Ints, value: Floats
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Independent linear constraints on the free parameters, their bounds, and the facets that are centred."""
    rows, sums, centred = [], [], []
    for weights, total, name in _wanted(model, blocks, steps, status):
        held = status == ANCHORED
        rows.append(weights[status == ESTIMATED])
        sums.append(total - float(weights[held] @ value[held]))
        centred += [name] if name and name not in centred else []
    matrix = np.array(rows).reshape(len(rows), int((status == ESTIMATED).sum()))
    bound = np.array(sums)
    some = (matrix != 0).any(axis=1)
    matrix, bound = matrix[some], bound[some]
    length = np.sqrt((matrix**2).sum(axis=1))
    matrix, bound = matrix / length[:, None], bound / length
    # Margins of an interaction depend on one another; constraints on parameters of their own do not, and are many.
    if ((matrix != 0).sum(axis=0) > 1).any():
        left, size, right = np.linalg.svd(matrix, full_matrices=False)
        real = size > 1e-9 * size.max()
        matrix, bound = right[real], (left.T @ bound)[real] / size[real]
    return matrix, bound, tuple(centred)


def _wanted(
    model: Model, blocks: dict[str, Block], steps: Steps, status: Ints
) -> Iterator[tuple[Floats, float, str | None]]:
    """Weights over all parameters, the value they must sum to, and the name of the facet that this centres."""
    size = len(status)
    used = (status == ESTIMATED) | (status == ANCHORED)
    for group_anchor in model.group_anchors:
        weights = np.zeros(size)
        members = blocks[group_anchor.facet].start + np.array(group_anchor.elements)
        members = members[used[members]]
        weights[members] = 1 / max(1, len(members))
        yield weights, group_anchor.value, None
    held = {a.facet for a in model.anchors} | {a.facet for a in model.group_anchors}
    for name in model.facets:
        if model.is_centred(name) and name not in held:
            part = model.components.get(name, np.zeros(len(blocks[name].labels), dtype=np.int64))
            for component in np.unique(part[used[blocks[name].range]]):
                weights = np.zeros(size)
                weights[blocks[name].range] = (part == component) & used[blocks[name].range]
                yield weights, 0.0, name
    for pair in model.interactions:
        block = blocks[interaction_name(pair)]
        for margin in (0, 1):
            for element in np.unique(block.labels[:, margin]):
                weights = np.zeros(size)
                weights[block.range] = (block.labels[:, margin] == element) & used[block.range]
                yield weights, 0.0, None
    block = blocks[THRESHOLD]
    gap = steps.gap[~np.isnan(steps.gap)]
    loose = {a.element for a in model.anchors if a.facet == THRESHOLD}
    for group in np.unique(block.labels[:, 0]):
        if group not in loose:
            weights = np.zeros(size)
            weights[block.range] = np.where(block.labels[:, 0] == group, gap, 0.0)
            yield weights, 0.0, None
