"""Levels that other panels would give: more trainers, the same ones again, totals in place of the rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.classification import Classified, lee, total_distribution
from crcne_stats.core.deserved import Spread, Together, Yardstick, drawn_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def panel_levels(
    yardstick: Yardstick, together: Together, spread: Spread, nodes: Floats, most: int, n: int, rng: np.random.Generator
) -> Floats:
    """Chance of each level by number of trainers and ability (trainers, node, level), for panels drawn anew.

    ``n`` panels at each node; the panel of two is that of one and another trainer. The same draws serve at every node.
    """
    moved = np.hypot(spread.severity, spread.halo) * rng.standard_normal((most, n))
    uniform = rng.random((most, n, yardstick.offset.shape[1]))
    place = np.repeat(np.arange(len(nodes)), n)
    seats = [(np.tile(row, len(nodes)), np.tile(own, (len(nodes), 1))) for row, own in zip(moved, uniform, strict=True)]
    scores = np.array([drawn_scores(yardstick, nodes[place] + row, own) for row, own in seats])
    answer = np.zeros((most, len(nodes), yardstick.n_levels))
    for size in range(1, most + 1):
        level = yardstick.level_of(together(scores[:size]))
        cell = place * yardstick.n_levels + np.maximum(level, 0)
        answer[size - 1] = np.bincount(cell, minlength=answer[0].size).reshape(answer[0].shape) / n
    return answer


def cells_reach(nodes: Floats, cuts: Floats) -> Floats:
    """Share of the cell around each node of a lattice that lies at or above each level (node, level); the lowest: 1."""
    width = nodes[1] - nodes[0]
    share = np.clip((nodes[:, None] + width / 2 - cuts) / width, 0.0, 1.0)
    return np.hstack([np.ones((len(nodes), 1)), share])


def wrong_chances(given: Floats, reach: Floats, other: Floats, cap: Ints, other_reach: Floats) -> tuple[Floats, Floats]:
    """Chance (node,) by ability of an award above and of one below what is deserved, both parts together.

    Parameters
    ----------
    given : (node, level)
        Chance of each level of this part.
    reach : (node, level)
        Share that deserves each level or more in this part.
    other : (node, seen level)
        Chance of each level seen in the other part.
    cap : (seen level,)
        The highest level awarded with it.
    other_reach : (seen level, level)
        Chance that the other part truly reaches each level, by the level seen; the award is the lower of both.
    """
    high, low = np.zeros(len(given)), np.zeros(len(given))
    top = given.shape[1] - 1
    for one in range(given.shape[1]):
        for seen in range(other.shape[1]):
            at = given[:, one] * other[:, seen]
            award = min(one, int(cap[seen]))
            high += at * (1 - reach[:, award] * other_reach[seen, award])
            if award < top:
                low += at * reach[:, award + 1] * other_reach[seen, award + 1]
    return high, low


@dataclass(frozen=True, eq=False)
class Panel:
    """Trainers who met the same students: their severities (trainer,), and the mass of the students (node,)."""

    severity: Floats
    mass: Floats


def lee_panels(
    yardstick: Yardstick, halo: float, nodes: Floats, panels: list[Panel], cuts: Floats, spacing: float = 0.1
) -> tuple[Classified, Floats]:
    """Lee's accuracy for a level read off the total of all criteria and trainers, one recursion for each panel.

    Beside it the chances (accuracy or consistency, node) by ability, averaged over the students there.

    The totals of one trainer depend on ability less severity alone: they are tabulated once (with halo averaged over)
    and laid together for each panel. The level begins where the expected total stands at ``cuts`` (level above the
    lowest,).
    """
    inside = np.isfinite(yardstick.offset).any(axis=0)
    worst = max((float(np.abs(panel.severity).max(initial=0.0)) for panel in panels), default=0.0)
    reach = worst + 6 * halo + spacing
    places = np.arange(nodes[0] - reach, nodes[-1] + reach + spacing, spacing)
    single = total_distribution(yardstick.chances(places)[:, :, inside].transpose(0, 2, 1))
    if halo > 0:
        gap = (places[:, None] - places) / halo
        kernel = np.exp(-(gap**2) / 2)
        single = (kernel / kernel.sum(axis=1, keepdims=True)) @ single
    level = np.arange(len(yardstick.offset), dtype=float)
    expected = np.einsum("rlc,l->r", yardstick.chances(np.where(np.isfinite(cuts), cuts, 0.0))[:, :, inside], level)
    bound = np.where(np.isfinite(cuts), expected, np.where(cuts > 0, np.inf, -np.inf))
    true = np.searchsorted(cuts, nodes, side="right")
    tables, weight, consistent = np.zeros((len(cuts) + 1, len(cuts) + 1)), 0.0, 0.0
    curves, there = np.zeros((2, len(nodes))), np.zeros(len(nodes))
    for panel in panels:
        totals = np.ones((len(nodes), 1))
        for severity in panel.severity:
            totals = _convolved(totals, _between(single, places, nodes - severity))
        given = np.searchsorted(len(panel.severity) * bound, np.arange(totals.shape[1]) + 1e-9, side="right")
        found = lee(totals, given, true, panel.mass)
        share = np.array([totals[:, given == one].sum(axis=1) for one in range(len(cuts) + 1)])
        curves += panel.mass * np.array([share[true, np.arange(len(nodes))], (share**2).sum(axis=0)])
        there += panel.mass
        mass = float(panel.mass.sum())
        tables[: len(found.table), : len(found.table)] += mass * found.table
        consistent += mass * found.consistency
        weight += mass
    table = tables / weight
    found = Classified(
        float(np.trace(table)), consistent / weight, float(np.triu(table, 1).sum()), float(np.tril(table, -1).sum()),
        table,
    )  # fmt: skip
    return found, curves / np.maximum(there, 1e-300)


def _between(table: Floats, places: Floats, wanted: Floats) -> Floats:
    """Rows of a table on a lattice, linear in between."""
    position = np.clip((wanted - places[0]) / (places[1] - places[0]), 0, len(places) - 1.000001)
    first = position.astype(np.int64)
    part = (position - first)[:, None]
    return np.asarray((1 - part) * table[first] + part * table[first + 1])


def _convolved(one: Floats, other: Floats) -> Floats:
    """Distribution of the sum (node, total), node by node."""
    size = one.shape[1] + other.shape[1] - 1
    found = np.fft.irfft(np.fft.rfft(one, size, axis=1) * np.fft.rfft(other, size, axis=1), size, axis=1)
    return np.maximum(found, 0.0)


def drawn_again(
    yardstick: Yardstick, together: Together, ability: Floats, severity: Floats, halo: float, rng: np.random.Generator
) -> Ints:
    """Two levels (2, file) that the same trainers would give, all else drawn anew.

    ``severity`` (trainer, file) of the trainers of each file.
    """
    found = []
    for _ in range(2):
        sheets = [
            drawn_scores(
                yardstick, ability - row + halo * rng.standard_normal(len(ability)),
                rng.random((len(ability), yardstick.offset.shape[1])),
            )
            for row in severity
        ]  # fmt: skip
        found.append(yardstick.level_of(together(np.array(sheets))))
    return np.array(found)
