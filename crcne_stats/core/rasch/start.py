"""Starting values near enough for Newton steps: an additive fit to the levels, then thresholds given the locations."""

from __future__ import annotations

import numpy as np

from crcne_stats.core.rasch.design import THRESHOLD, Floats, Ints, tally
from crcne_stats.core.rasch.expectation import Point
from crcne_stats.core.rasch.layout import ANCHORED, ESTIMATED, Layout
from crcne_stats.core.rasch.population import Population

ROUNDS = 3
"""Rounds of backfitting; Newton does the rest."""
FAR = 4.0
"""Largest starting value, in logits."""
BINS = np.linspace(-8, 8, 65)
"""Locations, in logits, to which ratings are rounded when the first thresholds are sought."""


def starting_point(plan: Layout, n_ratings: Floats, population: Population) -> Point:
    """A point that meets the constraints; ``n_ratings`` (student,) of those that inform the fit."""
    data, kept = plan.data, plan.kept
    student, group = data.student[kept], plan.cell_group[plan.cell]
    slot = plan.steps.slot[group, data.score[kept]]
    codes = {name: data.facets[name][kept] for name in plan.model.facets}
    ability, effect, location = _additive(plan, student, group, plan.steps.level[group, slot], codes)
    thresholds, shift = _thresholds(plan, location, group, slot)
    value = plan.value.copy()
    for name, found in effect.items():
        value[plan.blocks[name].range] = found
    carrier = data.item if plan.model.thresholds == "shared" else plan.model.thresholds
    if carrier in effect:
        n = np.bincount(codes[carrier], minlength=data.sizes[carrier])
        moved = np.bincount(codes[carrier], shift[group], minlength=data.sizes[carrier]) / np.maximum(n, 1)
        mean = float((moved * n).sum() / max(n.sum(), 1))
        value[plan.blocks[carrier].range] += moved - mean
        ability = ability - mean
    value[plan.blocks[THRESHOLD].range] = thresholds
    design, rated = population.design, n_ratings > 0
    coefficient = np.asarray(np.linalg.lstsq(design, ability, rcond=None)[0], dtype=float)
    sd = population.sd or min(max(0.3, float((ability - design @ coefficient)[rated].std())), FAR)
    # A handful of ratings may start far out, where exponentials overflow.
    return Point(feasible(plan, np.clip(value, -FAR, FAR)), np.clip(coefficient, -FAR, FAR), sd)


def feasible(plan: Layout, value: Floats) -> Floats:
    """The nearest values that meet the constraints; held ones stay, those without estimate are 0."""
    answer = np.where(plan.status == ESTIMATED, value, plan.value)
    free = plan.free
    if len(plan.bounds):
        matrix = plan.constraints
        gap = plan.bounds - matrix @ answer[free]
        answer[free] += matrix.T @ np.linalg.solve(matrix @ matrix.T, gap)
    return answer


def _additive(
    plan: Layout, student: Ints, group: Ints, level: Floats, codes: dict[str, Ints]
) -> tuple[Floats, dict[str, Floats], Floats]:
    """Ability (student,), effects by facet and location (rating,), in logits.

    The slope of an expected level in ability is its variance given ability, so levels are divided by the residual
    variance of the additive fit.
    """
    data = plan.data
    weight = None if data.weight is None else data.weight[plan.kept]
    n_groups = len(plan.steps.lowest)
    n = np.maximum(np.bincount(group, minlength=n_groups), 1)
    mean = np.bincount(group, level, minlength=n_groups) / n
    variance = np.bincount(group, level**2, minlength=n_groups) / n - mean**2
    y = (level - mean[group]) / np.sqrt(np.maximum(variance, 0.01))[group]
    count = tally(student, weight, data.n_students)
    counts = {name: tally(code, weight, data.sizes[name]) for name, code in codes.items()}
    effect = {name: np.zeros(data.sizes[name]) for name in codes}
    ability, rest = np.zeros(data.n_students), y
    for _ in range(ROUNDS):
        change = _mean(student, rest, weight, count, 0.5)
        ability += change
        rest = rest - change[student]
        for name, code in codes.items():
            change = _mean(code, rest, weight, counts[name], 0.0)
            effect[name] -= change
            rest -= change[code]
    residual = float((rest**2).mean()) * len(y) / max(len(y) - int((count > 0).sum()), 0.1 * len(y), 1)
    scale = 1 / (max(residual, 0.05) * float(np.sqrt(np.maximum(variance, 0.01)).mean()))
    return ability * scale, {name: found * scale for name, found in effect.items()}, (y - rest) * scale


def _mean(code: Ints, value: Floats, weight: Floats | None, count: Floats, shrink: float) -> Floats:
    weighted = value if weight is None else weight * value
    return np.bincount(code, weighted, minlength=len(count)) / np.maximum(count + shrink, 1)


def _thresholds(plan: Layout, location: Floats, group: Ints, slot: Ints) -> tuple[Floats, Floats]:
    """Centred thresholds (parameter,) given the locations, and the part of each group taken off (group,).

    Newton steps on the counts of levels by group and rounded location; anchored thresholds keep their value.
    """
    block, steps = plan.blocks[THRESHOLD], plan.steps
    n_groups, n_levels = steps.level.shape
    place = np.clip(np.rint((location - BINS[0]) / (BINS[1] - BINS[0])), 0, len(BINS) - 1).astype(np.int64)
    key = (group * len(BINS) + place) * n_levels + slot
    count = np.bincount(key, minlength=n_groups * len(BINS) * n_levels).reshape(n_groups, len(BINS), n_levels) * 1.0
    open_ = ~np.isnan(steps.gap)
    gap = np.where(open_, steps.gap, 0.0)
    totals = count.sum(axis=1)
    found = np.where(open_, np.log((totals[:, :-1] + 0.5) / (totals[:, 1:] + 0.5)) / np.where(open_, steps.gap, 1), 0.0)
    reached = count[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
    for _ in range(6):
        logits = np.cumsum(gap[:, None, :] * (BINS[None, :, None] - found[:, None, :]), axis=2)
        logits = np.where(open_[:, None, :], logits, -np.inf)
        logits = np.concatenate([np.zeros((*logits.shape[:2], 1)), logits], axis=2)
        p = np.exp(logits - logits.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        climbed = p[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
        n = count.sum(axis=2)
        gradient = gap * (n[:, :, None] * climbed - reached).sum(axis=1)
        weighted = n[:, :, None] * climbed
        both = np.einsum("gbh,gbk->ghk", weighted, climbed)
        order = np.maximum.outer(np.arange(n_levels - 1), np.arange(n_levels - 1))
        matrix = (weighted.sum(axis=1)[:, order] - both) * gap[:, :, None] * gap[:, None, :]
        matrix[:, np.arange(n_levels - 1), np.arange(n_levels - 1)] += np.where(open_, 0.5, 1.0)
        found = found + np.clip(np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0], -1.5, 1.5)
    shift = (found * gap).sum(axis=1) / np.maximum(gap.sum(axis=1), 1)
    centred = (found - shift[:, None])[open_]
    held = plan.status[block.range] == ANCHORED
    return np.where(held, plan.value[block.range], centred), shift
