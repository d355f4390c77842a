"""Halo: a random effect of student × trainer, for the ratings of one trainer of one student move together.

The effect γ ~ N(0, halo²) adds to ability for all ratings of a block (a student and an element of a facet, the trainer
as a rule). Given ability θ, a block's likelihood needs only which cells were rated and their total r:
∫ exp(r (θ+γ) − Σ log Z(θ+γ)) φ(γ) dγ. Blocks that agree in both are a sheet, and sheets are tabulated over the nodes
of θ by a second trapezoidal rule on a lattice of θ+γ that holds the first (Wang & Wilson 2005,
doi:10.1177/0146621604271053, for the model; the tabulation rests on the sufficiency of r).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.features import Features
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.rasch.nodes import CellModel
from crcne_stats.core.rasch.sufficient import Sufficient

REACH = 6.0
"""Half the width of the inner lattice in standard deviations of the effect."""
FINENESS = 1.1
"""Largest distance of the inner nodes in standard deviations of what is integrated."""
RUN = 1 << 20
"""Numbers worked on at once."""


@dataclass(frozen=True, eq=False)
class Sheets:
    """Blocks that agree in their cells and their total.

    ``total`` (sheet,); ``pattern`` (sheet,) the row of ``pattern_cells`` (pattern, cell), the weighted cells;
    ``n_blocks`` the number of blocks; ``pattern_sheets`` (pattern, sheet) adds sheets up.
    """

    total: Floats
    pattern: Ints
    pattern_cells: sparse.csr_array
    pattern_sheets: sparse.csr_array
    n_blocks: int


def in_sheets(plan: Layout, stats: Sufficient, facet: str) -> tuple[Sufficient, Sheets]:
    """The sufficient statistics with sheets for units."""
    data = plan.data
    student, element = data.student[plan.kept], data.facets[facet][plan.kept]
    weight = data.weights[plan.kept]
    group = plan.cell_group[plan.cell]
    level = plan.steps.level[group, plan.steps.slot[group, data.score[plan.kept]]]
    pairs, block = np.unique(student * data.sizes[facet] + element, return_inverse=True)
    n = len(pairs)
    total = tally(block, weight * level, n)
    cells = sparse.csr_array(sparse.coo_array((weight, (block, plan.cell)), shape=(n, plan.n_cells)))
    # A random mark for each cell tells patterns apart: equal sums of marks are equal patterns.
    mark = np.round(cells @ np.random.default_rng(0).random(plan.n_cells), 9)
    _, first, pattern = np.unique(mark, return_index=True, return_inverse=True)
    share = total / np.maximum(cells.sum(axis=1), 1e-300)
    _, leader, sheet = np.unique(np.column_stack([pattern, total]), axis=0, return_index=True, return_inverse=True)
    # Sheets in the order of their mean level: neighbours then have their posteriors on the same nodes.
    order = np.argsort(share[leader], kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    leader, sheet = leader[order], rank[sheet.ravel()]
    entry = sparse.csr_array(
        sparse.coo_array((np.ones(n), (pairs // data.sizes[facet], sheet)), shape=(data.n_students, len(leader)))
    )
    of_pattern = pattern[leader]
    together = sparse.csr_array(
        (np.ones(len(leader)), (of_pattern, np.arange(len(leader)))), shape=(len(first), len(leader))
    )
    found = Sheets(total[leader], of_pattern, cells[first], together, n)
    return replace(stats, entry=entry, unit_cells=cells[leader]), found


@dataclass(frozen=True, eq=False)
class Inner:
    """The inner integrals at a point.

    ``nodes`` (inner,) of θ+γ; ``kernel`` (inner, node) the weighted density of γ; ``square`` the same times γ²/halo²;
    ``likelihood`` (sheet, inner), each row divided by its largest value; ``integral`` (sheet, node);
    ``normaliser`` (sheet, node): total × θ − log integral, what takes the place of the log-normaliser.
    """

    nodes: Floats
    kernel: Floats
    square: Floats
    likelihood: Floats
    integral: Floats
    normaliser: Floats

    def spread(self, mass: Floats) -> Floats:
        """Posterior mass over the inner nodes (sheet, inner), from that over the outer ones (sheet, node)."""
        return np.asarray(self.likelihood * ((mass / self.integral) @ self.kernel.T))

    def squared(self, mass: Floats) -> float:
        """Posterior mean of Σ γ²/halo² over all blocks."""
        return float((self.likelihood * ((mass / self.integral) @ self.square.T)).sum())


def inner(sheets: Sheets, cells: CellModel, nodes: Floats, halo: float) -> Inner:
    """Tabulate the sheets over the nodes (node,) of ability."""
    distance = float(nodes[1] - nodes[0])
    coarse = sheets.pattern_cells @ cells.log_normaliser(nodes)
    known = float(np.diff(coarse, 2, axis=1).max(initial=0.0)) / distance**2
    wanted = FINENESS / np.sqrt(1 / halo**2 + known)
    parts = max(1, int(np.ceil(distance / wanted)))
    step = distance / parts
    beyond = int(np.ceil(REACH * halo / step))
    lattice = nodes[0] + step * np.arange(-beyond, parts * (len(nodes) - 1) + beyond + 1)
    gamma = (lattice[:, None] - nodes) / halo
    kernel = np.exp(-(gamma**2) / 2) * (step / (halo * np.sqrt(2 * np.pi)))
    table = (sheets.pattern_cells @ cells.log_normaliser(lattice))[sheets.pattern]
    np.subtract(sheets.total[:, None] * lattice, table, out=table)
    peak = table.max(axis=1)
    table -= peak[:, None]
    np.exp(table, out=table)
    integral = np.maximum(table @ kernel, 1e-300)
    normaliser = sheets.total[:, None] * nodes - np.log(integral) - peak[:, None]
    return Inner(lattice, kernel, kernel * gamma**2, table, integral, normaliser)


def runs(width: int, n_sheets: int) -> Iterator[slice]:
    """Runs of sheets whose tables of ``width`` numbers fit the cache."""
    size = max(1, RUN // max(width, 1))
    for begin in range(0, n_sheets, size):
        yield slice(begin, min(begin + size, n_sheets))


def support(mass: Floats, least: float = 1e-10) -> slice:
    """The nodes on which some of these sheets (sheet, node) have mass."""
    seen = np.flatnonzero((mass > least).any(axis=0))
    return slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 1)


@dataclass(frozen=True, eq=False)
class Within:
    """Posterior covariances within blocks, given ability, summed by pattern.

    ``steps`` (pattern, seat, seat) of the expected steps of each feature; ``steps_square`` (pattern, seat) of these
    and the squared effect; ``square`` of the squared effect; ``parameter`` (pattern, seat), −1 where empty.
    """

    steps: Floats
    steps_square: Floats
    square: float
    parameter: Ints

    def add_to(self, lost: Floats, place: Ints, halo: int) -> None:
        """Add them to the missing information; ``place`` (parameter + 1,) of each parameter, ``halo`` of log halo."""
        seat = place[self.parameter]
        shape = self.steps.shape
        rows = np.broadcast_to(seat[:, :, None], shape).ravel()
        columns = np.broadcast_to(seat[:, None, :], shape).ravel()
        lost += sparse.coo_array((self.steps.ravel(), (rows, columns)), shape=lost.shape).toarray()
        both = tally(seat.ravel(), self.steps_square.ravel(), len(lost))
        lost[:, halo] += both
        lost[halo, :] += both
        lost[halo, halo] += self.square


def within(
    sheets: Sheets, inside: Inner, cells: CellModel, few: Features, mass: Floats
) -> tuple[Floats, Floats, Within]:
    """What is known of a block once ability is: means (feature, node), (sheet, node) and covariances.

    The first table holds the expected steps of each feature of each sheet given ability, with a last row of zeros, the
    second the expected square of its effect in units of halo². ``mass`` (sheet, node) is the posterior mass.
    """
    n_sheets, n_nodes = mass.shape
    first = np.searchsorted(few.unit, np.arange(n_sheets + 1))
    width = int(np.diff(first).max(initial=0))
    climbed = cells.climbed(inside.nodes, slice(0, cells.n_cells))[0].reshape(-1, len(inside.nodes))
    table, squares = np.zeros((few.sums.shape[0] + 1, n_nodes)), np.ones((n_sheets, n_nodes))
    n_patterns = sheets.pattern_sheets.shape[0]
    steps, steps_square, square = np.zeros((n_patterns, width, width)), np.zeros((n_patterns, width)), 0.0
    parameter = np.full((n_patterns, width), -1)
    gamma = np.divide(inside.square, inside.kernel, out=np.zeros_like(inside.kernel), where=inside.kernel > 0)
    for part in runs(n_nodes * len(inside.nodes) // 4, n_sheets):
        span = support(mass[part])
        rows = slice(int(first[part.start]), int(first[part.stop]))
        seat = np.arange(rows.start, rows.stop) - first[few.unit[rows]]
        sheet = few.unit[rows] - part.start
        seen = support(inside.kernel[:, span].T, 0.0)
        own = np.zeros((part.stop - part.start, width, seen.stop - seen.start))
        own[sheet, seat] = few.sums[rows] @ climbed[:, seen]
        chance = inside.likelihood[part, None, seen] * inside.kernel[seen, span].T
        chance /= inside.integral[part, span, None]
        weight = mass[part, span]
        mean = chance @ own.transpose(0, 2, 1)
        table[rows, span] = mean[sheet, :, seat]
        squared = chance * gamma[seen, span].T
        squares[part, span] = squared.sum(axis=2)
        lattice = np.einsum("sq,sqm->sm", weight, chance)
        weighted = mean * weight[:, :, None]
        covariance = (own * lattice[:, None, :]) @ own.transpose(0, 2, 1) - weighted.transpose(0, 2, 1) @ mean
        mixed = np.einsum("sq,sqm->sm", weight, squared)
        both = (own @ mixed[:, :, None])[:, :, 0] - np.einsum("sqf,sq->sf", weighted, squares[part, span])
        square += float((weight * ((squared * gamma[seen, span].T).sum(axis=2) - squares[part, span] ** 2)).sum())
        np.add.at(steps, sheets.pattern[part], covariance)
        np.add.at(steps_square, sheets.pattern[part], both)
        parameter[sheets.pattern[few.unit[rows]], seat] = few.parameter[rows]
    return table, squares, Within(steps, steps_square, square, parameter)
