"""The model at fixed abilities: for every cell and node, the log-normaliser and the chances to climb each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import Floats, Ints
from crcne_stats.core.rasch.layout import Layout

CHUNK = 512
"""Cells worked on at once, so that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class CellModel:
    """The cells at given parameters.

    The numerator of a level is a factor of the cell times the exponential of ability × power, both centred on the
    middle of the scale so that neither overflows: no exponential is taken for a cell and a node together.
    ``factor`` (slot, cell); ``kinds`` the distinct powers of each slot and ``kind`` the one of each cell; ``top``
    (cell,) the highest level, ``middle`` (cell,) half the summed difficulties.
    """

    factor: Floats
    kinds: tuple[Floats, ...]
    kind: Ints
    top: Floats
    middle: Floats

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.top)

    def climbed(self, nodes: Floats, cells: slice) -> tuple[Floats, Floats]:
        """Probability to reach each slot above the lowest (slot, cell, node), and the log-normaliser (cell, node)."""
        n_slots = len(self.factor) - 1
        n = len(self.top[cells])
        climbed = np.empty((n_slots + 1, n, len(nodes)))
        for slot in range(n_slots, -1, -1):
            kinds, factor = self.kinds[slot], self.factor[slot, cells, None]
            basis = np.exp(kinds[:, None] * nodes)
            np.multiply(factor, basis if len(kinds) == 1 else basis[self.kind[slot, cells]], out=climbed[slot])
            if slot < n_slots:
                climbed[slot] += climbed[slot + 1]
        total = climbed[0]
        climbed[1:] /= total
        log_normaliser = np.log(total)
        log_normaliser += (self.top[cells] / 2)[:, None] * nodes
        log_normaliser -= self.middle[cells, None]
        return climbed[1:], log_normaliser

    def log_normaliser(self, nodes: Floats) -> Floats:
        """Log-normaliser of every cell (cell, node)."""
        answer = np.empty((self.n_cells, len(nodes)))
        for cells in chunks(self.n_cells):
            answer[cells] = self.climbed(nodes, cells)[1]
        return answer

    def summed(self, units: sparse.csr_array, nodes: Floats) -> Floats:
        """Log-normalisers of units (unit, cell) at the nodes (unit, node), without those of all the cells at once."""
        answer = np.zeros((units.shape[0], len(nodes)))
        columns = sparse.csc_array(units)
        for cells in chunks(self.n_cells, 16 * CHUNK):
            answer += columns[:, cells] @ np.concatenate(
                [self.climbed(nodes, slice(cells.start + part.start, cells.start + part.stop))[1]
                 for part in chunks(cells.stop - cells.start)]
            )  # fmt: skip
        return answer


def cell_model(plan: Layout, value: Floats) -> CellModel:
    """The cells, given all the parameters (parameter,)."""
    offset = cell_offsets(plan, value)
    level = plan.steps.level[plan.cell_group].T
    top = plan.steps.top[plan.cell_group]
    last = (~np.isnan(level)).sum(axis=0) - 1
    middle = np.take_along_axis(offset, last[None, :], axis=0)[0] / 2
    power = np.where(np.isnan(level), 0.0, level - top / 2)
    found = [np.unique(row, return_inverse=True) for row in power]
    kind = np.array([inverse for _, inverse in found])
    return CellModel(np.exp(middle - offset), tuple(kinds for kinds, _ in found), kind, top, middle)


def cell_offsets(plan: Layout, value: Floats) -> Floats:
    """Summed difficulties up to each slot, (slot + 1, cell); 0 for the lowest slot, +inf for closed ones."""
    n_slots, n_cells = plan.steps.gap.shape[1], plan.n_cells
    difficulty = (plan.jacobian @ value).reshape(n_slots, n_cells)
    offset = np.concatenate([np.zeros((1, n_cells)), np.cumsum(difficulty, axis=0)])
    return np.where(np.isnan(plan.steps.level[plan.cell_group]).T, np.inf, offset)


def chunks(n: int, size: int = CHUNK) -> Iterator[slice]:
    """Consecutive slices of at most ``size`` that cover ``n``."""
    for begin in range(0, n, size):
        yield slice(begin, min(begin + size, n))


def step_covariance(climbed: Floats, mass: Floats) -> Floats:
    """Σ over nodes of mass × covariance of the climbed steps, (slot, slot, cell).

    ``mass`` (cell, node). The covariance of two step indicators is P(higher) − P(higher) P(lower).
    """
    n_slots, n_cells, _ = climbed.shape
    answer = np.empty((n_slots, n_slots, n_cells))
    for high in range(n_slots):
        weighted = mass * climbed[high]
        expected = weighted.sum(axis=1)
        for low in range(high + 1):
            answer[high, low] = answer[low, high] = expected - np.einsum("cq,cq->c", weighted, climbed[low])
    return answer
