"""What the risks of a certificate rest on: posteriors of ability, where each level begins, and how both may move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from crcne_stats.analysis.levels import levels_from_cells, on_ladder
from crcne_stats.analysis.severity import Measured
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_scale import Scale
from crcne_stats.core.award_risk import Reach, parameter_variance
from crcne_stats.core.deserved import (
    Cumulants,
    LevelOf,
    Spread,
    Together,
    Yardstick,
    above,
    boundaries,
    cumulants,
    panel_boundaries,
)
from crcne_stats.core.graph import distinct_pairs
from crcne_stats.core.rasch.design import THRESHOLD
from crcne_stats.core.rasch.mml import Fit
from crcne_stats.core.rasch.rated import Rated, rated
from crcne_stats.core.second_part import level_chances, updated
from crcne_stats.domain.framework import Framework

DEFINITIONS = ("expected", "panel")
"""What a student's true level is; the first leads."""
MOVE = 1e-3
"""Logits by which a parameter is moved to see how far a boundary goes."""


@dataclass(frozen=True, eq=False)
class Posteriors:
    """Abilities of the persons of ``severity``.

    ``posterior`` (person, node) on ``nodes``, ``moments`` their cumulants on the common scale; ``known`` (person,)
    tells who has ratings that inform the fit; ``informed`` whether PIX+Édu counts as a sign of ability, ``chances``
    (node, level) then is what it says.
    """

    posterior: np.ndarray
    nodes: np.ndarray
    moments: Cumulants
    known: np.ndarray
    chances: np.ndarray | None

    @property
    def informed(self) -> bool:
        """Whether PIX+Édu counts as a sign of ability."""
        return self.chances is not None


def posteriors(fitted: Fitted, scale: Scale, seen: np.ndarray | None, n_seen: int) -> Posteriors:
    """Abilities, with ``seen`` (person,) levels of PIX+Édu (−1: none; None: not used) as a further sign."""
    found, nodes = fitted.measured.posterior, fitted.measured.nodes
    chances = None if seen is None else level_chances(found[fitted.rated], nodes, seen[fitted.rated], n_seen)
    if chances is not None and seen is not None:
        found = updated(found, chances, seen)
    moments = cumulants(found, nodes)
    shift = scale.shift[fitted.asked.component]
    moved = Cumulants(moments.mean + shift, moments.variance, moments.third, moments.fourth)
    return Posteriors(found, nodes, moved, fitted.rated, chances)


def yardstick(fitted: Fitted, framework: Framework) -> Yardstick:
    """The criteria before a trainer of severity zero, on the ladder of the framework, with its rule."""
    found = _of_measures(fitted)
    return Yardstick(criterion_offsets(found), ladder_scores(fitted), rule(framework), len(framework.levels))


def _of_measures(fitted: Fitted, value: np.ndarray | None = None) -> Rated:
    plain = fitted.plain
    assert isinstance(plain, Fit)
    known = fitted.measured.known if value is None else value
    return rated(fitted.plan, plain.problem.stats, known)


def criterion_offsets(found: Rated) -> np.ndarray:
    """Summed step difficulties (level, criterion) at severity zero; NaN for a criterion that nobody rated.

    Where trainers have thresholds of their own, the mean trainer's.
    """
    plan = found.plan
    n_criteria = plan.data.sizes["criterion"]
    block = plan.blocks["criterion"]
    n_levels = len(found.offset)
    table = np.full((n_levels, n_criteria), np.nan)
    lowest = plan.steps.lowest[plan.cell_group]
    steps = np.where(np.isfinite(found.steps), found.steps, np.inf)
    for criterion in range(n_criteria):
        cells = plan.item == criterion
        if cells.any():
            climbed = np.arange(n_levels) - lowest[cells][0]
            table[:, criterion] = steps[:, cells].mean(axis=1) + climbed * found.value[block.start + criterion]
    return table


def ladder_scores(fitted: Fitted) -> np.ndarray:
    """Score (level, criterion) on the framework's ladder; NaN beyond a criterion's last level."""
    asked = fitted.asked
    framework = asked.ratings.framework
    keys = [entry.key for entry in framework.criteria]
    place = np.array([keys.index(key) for key in asked.names["criterion"]])
    table = asked.scores.T
    return np.array([on_ladder(framework, row, place) for row in table])


def rule(framework: Framework) -> LevelOf:
    """The framework's rule as a function from scores (file, criterion) to levels (file,)."""

    def level_of(cells: np.ndarray) -> np.ndarray:
        return levels_from_cells(framework, cells, framework.rules)

    return level_of


def spread(fitted: Fitted, scale: Scale) -> Spread:
    """How trainers of one INSPÉ differ beyond the error of their measures, and the halo.

    The sum of squares within groups less what errors add to it, the trace of their centred covariance.
    """
    asked, estimates = fitted.asked, fitted.measured
    known = np.isfinite(scale.severity) & (scale.rows != 0).any(axis=1)
    home = asked.frame.drop_duplicates("trainer").set_index("trainer")["trainer_inspe"].astype(object)
    names = home.reindex(asked.names["trainer"]).fillna("").astype(str) + " " + asked.trainer_component.astype(str)
    squares, freedom = 0.0, 0
    for group in names[known].unique():
        mine = np.flatnonzero(known & (names == group).to_numpy())
        rows = scale.rows[mine] - scale.rows[mine].mean(axis=0)
        away = scale.severity[mine] - scale.severity[mine].mean()
        squares += float(away @ away) - float(np.einsum("te,te->", rows @ estimates.error_covariance, rows))
        freedom += len(mine) - 1
    return Spread(float(np.sqrt(max(squares, 0.0) / max(freedom, 1))), estimates.halo)


def cuts(yard: Yardstick, between: Spread, n_panel: int, seed: int) -> dict[str, np.ndarray]:
    """Ability (level above the lowest,) at which each level begins, by definition."""
    panel = panel_boundaries(yard, between, n_panel, np.random.default_rng(seed))
    return {"expected": boundaries(yard)[0], "panel": panel}


def like_cuts(yard: Yardstick, halo: float, seats: int, how: str, n_panel: int, seed: int) -> np.ndarray:
    """Ability (level above the lowest,) from which so many trainers of severity zero mostly give each level."""
    rng = np.random.default_rng(seed)
    return panel_boundaries(yard, Spread(0.0, halo), n_panel, rng, seats, together(how))


def together(how: str) -> Together:
    """Scores (trainer, file, criterion) of several trainers taken together (file, criterion), as the rule says."""
    summaries: dict[str, Any] = {"mean": np.mean, "median": np.median, "minimum": np.min}
    summary = summaries[how]

    def combined(scores: np.ndarray) -> np.ndarray:
        return np.asarray(summary(scores, axis=0))

    return combined


def reaches(measured: Measured, found: Posteriors, yard: Yardstick, where: dict[str, np.ndarray]) -> dict[str, Reach]:
    """The chance of each person to deserve each level, by definition."""
    fitted, scale = measured.fitted, measured.scale
    covariance = fitted.measured.error_covariance
    gradient = ability_gradient(fitted, scale, yard, found.moments)
    answer = {}
    for name, cut in where.items():
        finite = np.isfinite(cut)
        own = cut_gradient(fitted, yard, cut, expected=name == "expected")
        further = parameter_variance(gradient, own, covariance)
        share, density = above(found.moments, np.where(finite, cut, np.sign(cut) * 1e3), further)
        share = np.where(finite, share, np.where(cut > 0, 0.0, 1.0))
        ones, zeros = np.ones((len(share), 1)), np.zeros((len(share), 1))
        answer[name] = Reach(
            np.hstack([ones, share]), np.hstack([zeros, np.where(finite, density, 0.0)]), gradient,
            np.vstack([np.zeros((1, own.shape[1])), own]),
        )  # fmt: skip
    return answer


def _places(fitted: Fitted) -> np.ndarray:
    """Place (parameter,) of each parameter among the estimates, −1 for those that are not estimated."""
    plan = fitted.plan
    place = np.full(len(plan.status), -1)
    place[plan.free] = np.arange(len(plan.free))
    return place


def ability_gradient(fitted: Fitted, scale: Scale, yard: Yardstick, moments: Cumulants) -> sparse.csr_array:
    """How a person's ability follows the estimates (person, estimate), first order.

    The prior's mean has the weight variance / population variance; the trainers met share the rest by what each sheet
    tells, which halo limits: I / (1 + halo² I). All weights of a person add up to one, as ability moves with a zero.
    """
    plan, data, estimates = fitted.plan, fitted.asked.data, fitted.measured
    plain = fitted.plain
    assert isinstance(plain, Fit)
    place, n = _places(fitted), data.n_students
    sd = _population_sd(fitted)
    prior = np.clip(moments.variance / sd**2, 0.0, 1.0)
    student, trainer = data.student[plan.kept], data.facets["trainer"][plan.kept]
    met = distinct_pairs(student, trainer)
    key = student * data.sizes["trainer"] + trainer
    count = np.bincount(np.searchsorted(met[0] * data.sizes["trainer"] + met[1], key), minlength=len(met[0]))
    each = np.interp(moments.mean, *_information(yard))
    told = count * each[met[0]]
    told = told / (1 + estimates.halo**2 * told)
    total = np.bincount(met[0], told, minlength=n)
    weight = told / total[met[0]] * (1 - prior[met[0]])
    own = place[plan.blocks["trainer"].start + met[1]]
    criteria = place[plan.blocks["criterion"].range]
    first = len(plan.free)
    design = sparse.coo_array(estimates.design * prior[:, None])
    n_criteria, size = len(criteria), len(estimates.covariance)
    rated_ = np.flatnonzero(total > 0)
    rows = np.concatenate([met[0], np.repeat(rated_, n_criteria), design.row])
    columns = np.concatenate([own, np.tile(criteria, len(rated_)), first + design.col])
    values = np.concatenate([weight, np.repeat((1 - prior[rated_]) / n_criteria, n_criteria), design.data])
    keep = columns >= 0
    answer = sparse.csr_array(sparse.coo_array((values[keep], (rows[keep], columns[keep])), shape=(n, size)))
    return sparse.csr_array(answer + _shifts(fitted, scale, place, size)[fitted.asked.component])


def _population_sd(fitted: Fitted) -> float:
    """Standard deviation of ability within groups, from the posteriors of the model of the measures."""
    estimates = fitted.measured
    mean = estimates.design @ estimates.coefficient
    known = fitted.rated
    return float(np.sqrt((estimates.variance[known] + (estimates.ability[known] - mean[known]) ** 2).mean()))


def _information(yard: Yardstick) -> tuple[np.ndarray, np.ndarray]:
    """Mean variance of a rating in levels, by ability."""
    nodes = np.linspace(*yard.ends, 241)
    level = np.arange(len(yard.offset), dtype=float)
    chances = yard.chances(nodes)
    mean = np.einsum("rlc,l->rc", chances, level)
    return nodes, np.nanmean(np.einsum("rlc,l->rc", chances, level**2) - mean**2, axis=1)


def _shifts(fitted: Fitted, scale: Scale, place: np.ndarray, size: int) -> sparse.csr_array:
    """How the zero of each component follows the estimates (component, estimate): what its trainers' measures hold
    beyond their own parameter.
    """
    block = fitted.plan.blocks["trainer"]
    own, part = place[block.range], fitted.asked.trainer_component
    answer = np.zeros((int(part.max(initial=0)) + 1, size))
    for component in range(len(answer)):
        mine = np.flatnonzero((part == component) & (own >= 0))
        if len(mine):
            answer[component] = scale.rows[mine[0]]
            answer[component, own[mine[0]]] -= 1.0
    return sparse.csr_array(answer)


def cut_gradient(fitted: Fitted, yard: Yardstick, cut: np.ndarray, expected: bool) -> np.ndarray:
    """How each boundary (level above the lowest, estimate) follows difficulties and thresholds.

    By moving each a little. A boundary of the panel is taken to move as far as the mean expected score does there.
    """
    estimates, place = fitted.measured, _places(fitted)
    blocks = fitted.plan.blocks
    moved = [p for name in ("criterion", THRESHOLD) for p in range(blocks[name].start, blocks[name].stop)]
    moved = [p for p in moved if place[p] >= 0]
    answer = np.zeros((len(cut), len(estimates.covariance)))
    sets = []
    for parameter in moved:
        for sign in (1.0, -1.0):
            value = estimates.known.copy()
            value[parameter] += sign * MOVE
            sets.append(criterion_offsets(_of_measures(fitted, value)))
    offsets = np.array(sets)
    if expected:
        found = boundaries(yard, offsets)
        with np.errstate(invalid="ignore"):
            slope = (found[0::2] - found[1::2]) / (2 * MOVE)
    else:
        slope = _mean_score_slope(yard, offsets, cut)
    answer[:, place[moved]] = np.where(np.isfinite(slope), slope, 0.0).T
    return answer


def _mean_score_slope(yard: Yardstick, offsets: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """How far the ability (set pair, cut) with the same mean expected score moves."""
    at = np.where(np.isfinite(cut), cut, 0.0)
    n = len(offsets)
    score = np.nanmean(yard.expected(np.tile(at, n), np.repeat(offsets, len(at), axis=0)), axis=1).reshape(n, -1)
    steep = np.nanmean(yard.expected(at + MOVE) - yard.expected(at - MOVE), axis=1)
    return np.asarray(-(score[0::2] - score[1::2]) / np.maximum(steep, 1e-12))
