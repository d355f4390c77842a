"""A fitted model seen from the ratings that inform it: chances of each level, and their moments.

Levels are counted from 0, the lowest of the scale, whether or not somebody used it; a level that nobody used has
chance 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crcne_stats.core.rasch.design import THRESHOLD, Floats, Ints
from crcne_stats.core.rasch.layout import Layout, location_columns
from crcne_stats.core.rasch.nodes import cell_offsets, chunks
from crcne_stats.core.rasch.sufficient import Sufficient

RUN = 1 << 14
"""Ratings worked on at once."""


@dataclass(frozen=True, eq=False)
class Rated:
    """Parameters and the ratings that inform them.

    ``value`` (parameter,) in full, 0 where there is no estimate; ``student``, ``cell``, ``score``, ``weight``
    (rating,) are those of ``plan.kept``.
    """

    plan: Layout
    stats: Sufficient
    value: Floats
    student: Ints
    cell: Ints
    score: Ints
    weight: Floats

    @property
    def n_students(self) -> int:
        """Number of students, those without a rating that informs the fit included."""
        return self.plan.data.n_students

    @cached_property
    def offset(self) -> Floats:
        """Summed step difficulties up to each level (level, cell), +inf for a level that nobody used."""
        steps, group = self.plan.steps, self.plan.cell_group
        offset = cell_offsets(self.plan, self.value)
        slot = steps.slot[group].T
        return np.where(slot < 0, np.inf, np.take_along_axis(offset, np.maximum(slot, 0), axis=0))

    @cached_property
    def difficulty(self) -> Floats:
        """Sum of the facet parameters of each cell (cell,): what ability is compared with."""
        columns = location_columns(self.plan).values()
        return np.sum([self.value[column] for column in columns], axis=0) if columns else np.zeros(self.plan.n_cells)

    @cached_property
    def steps(self) -> Floats:
        """Summed thresholds up to each level (level, cell), without the difficulty of the cell."""
        lowest = self.plan.steps.lowest[self.plan.cell_group]
        return self.offset - (np.arange(len(self.offset))[:, None] - lowest) * self.difficulty

    def codes(self, facet: str) -> Ints:
        """The element of a facet of each rating (rating,)."""
        return self.plan.data.facets[facet][self.plan.kept]

    def chances(self, ability: Floats, cell: Ints) -> Floats:
        """Probability of each level (level, rating) at abilities (rating,) in cells (rating,)."""
        return chances(self.offset.take(cell, axis=1), ability)


def rated(plan: Layout, stats: Sufficient, value: Floats) -> Rated:
    """The ratings that inform a fit, beside its parameters (parameter,)."""
    data, kept = plan.data, plan.kept
    return Rated(plan, stats, value, data.student[kept], plan.cell, data.score[kept], data.weights[kept])


def chances(offset: Floats, ability: Floats) -> Floats:
    """Probability of each level (level, …), from summed step difficulties (level, …) and abilities (…,)."""
    logits = np.multiply.outer(np.arange(len(offset), dtype=float), ability) - offset
    logits -= logits.max(axis=0)
    odds = np.exp(logits, out=logits)
    odds /= odds.sum(axis=0)
    return odds


def moments(p: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, variance, third and fourth central moment (…,) of levels with chances (level, …)."""
    level = np.arange(len(p), dtype=float)
    mean = np.tensordot(level, p, 1)
    off = level.reshape(-1, *[1] * mean.ndim) - mean
    weighted = p * off
    weighted *= off
    second = weighted.sum(axis=0)
    weighted *= off
    third = weighted.sum(axis=0)
    weighted *= off
    return mean, second, third, weighted.sum(axis=0)


def cell_moments(found: Rated, nodes: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, variance, third and fourth central moment of every cell at every node, each (cell, node)."""
    answer = [np.empty((found.plan.n_cells, len(nodes))) for _ in range(4)]
    for cells in chunks(found.plan.n_cells, 256):
        offset = found.offset[:, cells, None]
        p = chances(offset, np.tile(nodes, (offset.shape[1], 1)))
        for whole, part in zip(answer, moments(p), strict=True):
            whole[cells] = part
    return answer[0], answer[1], answer[2], answer[3]


def thresholds_by_level(plan: Layout, value: Floats) -> Floats:
    """Threshold of the step to each level (group, level), +inf for unused levels, −inf for the lowest used one."""
    block, steps = plan.blocks[THRESHOLD], plan.steps
    table: Floats = np.full(steps.slot.shape, np.inf)
    table[block.labels[:, 0], block.labels[:, 1]] = value[block.range]
    rows = np.arange(len(table))
    table[rows, np.minimum(steps.lowest, table.shape[1] - 1)] = -np.inf
    return table
