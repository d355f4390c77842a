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
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.second_part import level_chances, updated
from crcne_stats.core.tempered import flattened, halo_by_moments, share_left
from crcne_stats.domain.framework import Framework

DEFINITIONS = ("expected", "panel")
"""What a student's true level is; the first leads."""
MOVE = 1e-3
"""Logits by which a parameter is moved to see how far a boundary goes."""
SLOPES = 61
"""Abilities at which the effect of difficulties and thresholds is tabulated."""


@dataclass(frozen=True, eq=False)
class Posteriors:
    """Abilities of the persons of ``severity``.

    ``posterior`` (person, node) on ``nodes``, ``moments`` their cumulants on the common scale; ``known`` (person,)
    tells who has ratings that inform the fit; ``informed`` whether PIX+Édu counts as a sign of ability, ``chances``
    (node, level) then is what it says. ``halo`` is the standard deviation of the student × trainer effect, NaN where
    nothing tells it.
    """

    posterior: np.ndarray
    nodes: np.ndarray
    moments: Cumulants
    known: np.ndarray
    chances: np.ndarray | None
    halo: float

    @property
    def informed(self) -> bool:
        """Whether PIX+Édu counts as a sign of ability."""
        return self.chances is not None


def posteriors(fitted: Fitted, scale: Scale, seen: np.ndarray | None, n_seen: int) -> Posteriors:
    """Abilities, with ``seen`` (person,) levels of PIX+Édu (−1: none; None: not used) as a further sign."""
    found, halo = _with_halo(fitted)
    nodes = fitted.measured.nodes
    chances = None if seen is None else level_chances(found[fitted.rated], nodes, seen[fitted.rated], n_seen)
    if chances is not None and seen is not None:
        found = updated(found, chances, seen)
    moments = cumulants(found, nodes)
    shift = scale.shift[fitted.asked.component]
    moved = Cumulants(moments.mean + shift, moments.variance, moments.third, moments.fourth)
    return Posteriors(found, nodes, moved, fitted.rated, chances, halo)


def _with_halo(fitted: Fitted) -> tuple[np.ndarray, float]:
    """Posteriors (person, node) that know halo, and its standard deviation.

    A model without halo (of very many ratings none is fitted) is mended by moments: how far two trainers of a student
    part, beyond what chance explains.
    """
    estimates = fitted.measured
    if estimates.halo:
        return estimates.posterior, estimates.halo
    seen, n_trainers, n = fitted.found, fitted.asked.data.sizes["trainer"], fitted.asked.data.n_students
    key, sheet = np.unique(seen.student * n_trainers + seen.codes("trainer"), return_inverse=True)
    residual = np.bincount(sheet, np.nan_to_num(fitted.residuals.residual))
    information = np.bincount(sheet, np.nan_to_num(fitted.residuals.variance))
    halo = halo_by_moments(key // n_trainers, residual, information)
    if not halo > 0:
        return estimates.posterior, halo
    share = share_left(key // n_trainers, information, halo, n)
    mean = estimates.design @ estimates.coefficient
    return flattened(estimates.posterior, estimates.nodes, mean, _population_sd(fitted), share), halo


def yardstick(fitted: Fitted, framework: Framework) -> Yardstick:
    """The criteria before a trainer of severity zero, on the ladder of the framework, with its rule."""
    offset = Offsets.of(fitted.plan).at(fitted.measured.known)
    return Yardstick(offset, ladder_scores(fitted), rule(framework), len(framework.levels))


@dataclass(frozen=True, eq=False)
class Offsets:
    """Summed step difficulties of the criteria at severity zero, a linear function of the parameters.

    ``steps`` (slot × criterion, parameter) the difficulty of each step; ``slot`` (level, criterion) the place of each
    level among those that somebody used, −1 for the others.
    """

    steps: np.ndarray
    slot: np.ndarray

    @classmethod
    def of(cls, plan: Layout) -> Offsets:
        """Those of a model. Where trainers have thresholds of their own, the mean trainer's."""
        n_slots, n_criteria = plan.steps.gap.shape[1], plan.data.sizes["criterion"]
        own = np.zeros(plan.jacobian.shape[1], dtype=bool)
        for name in ("criterion", THRESHOLD):
            own[plan.blocks[name].range] = True
        first = np.full(n_criteria, -1)
        first[plan.item[::-1]] = np.arange(plan.n_cells)[::-1]
        steps = np.zeros((n_slots, n_criteria, len(own)))
        for criterion in np.flatnonzero(first >= 0):
            cells = np.flatnonzero(plan.item == criterion) if plan.model.thresholds == "trainer" else first[[criterion]]
            for slot in range(n_slots):
                rows = plan.jacobian[slot * plan.n_cells + cells]
                steps[slot, criterion] = np.asarray(rows.mean(axis=0)).ravel() * own
        places = np.where(first >= 0, plan.steps.slot[plan.cell_group[first]].T, -1)
        return cls(steps.reshape(-1, len(own)), places)

    def at(self, value: np.ndarray) -> np.ndarray:
        """Offsets (…, level, criterion) at values (parameter, …) of the parameters; +inf for a level nobody used."""
        n_criteria = self.slot.shape[1]
        difficulty = np.moveaxis((self.steps @ value).reshape(-1, n_criteria, *value.shape[1:]), (0, 1), (-2, -1))
        summed = np.concatenate([np.zeros_like(difficulty[..., :1, :]), np.cumsum(difficulty, axis=-2)], axis=-2)
        place = np.broadcast_to(np.maximum(self.slot, 0), (*summed.shape[:-2], *self.slot.shape))
        return np.where(self.slot < 0, np.inf, np.take_along_axis(summed, place, axis=-2))


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


def spread(fitted: Fitted, scale: Scale, halo: float) -> Spread:
    """How trainers of one INSPÉ differ beyond the error of their measures, and the halo.

    The sum of squares within groups less what errors add to it, the trace of their centred covariance. The error of
    the variance is that of the variance of as many normal measures.
    """
    asked, estimates = fitted.asked, fitted.measured
    known = np.isfinite(scale.severity) & (scale.rows != 0).any(axis=1)
    home = asked.frame.drop_duplicates("trainer").set_index("trainer")["trainer_inspe"].astype(object)
    names = home.reindex(asked.names["trainer"]).fillna("").astype(str) + " " + asked.trainer_component.astype(str)
    squares, added, freedom = 0.0, 0.0, 0
    for group in names[known].unique():
        mine = np.flatnonzero(known & (names == group).to_numpy())
        rows = scale.rows[mine] - scale.rows[mine].mean(axis=0)
        away = scale.severity[mine] - scale.severity[mine].mean()
        squares += float(away @ away)
        added += float(np.einsum("te,te->", rows @ estimates.error_covariance, rows))
        freedom += len(mine) - 1
    freedom = max(freedom, 1)
    of_halo = 0.0 if np.isnan(estimates.halo_se) else 2 * halo * estimates.halo_se
    square_se = float(np.hypot(squares / freedom * np.sqrt(2 / freedom), of_halo))
    return Spread(float(np.sqrt(max(squares - added, 0.0) / freedom)), halo, square_se)


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
    gradient = ability_gradient(fitted, scale, yard, found)
    own = [cut_gradient(fitted, yard, cut, expected=name == "expected") for name, cut in where.items()]
    further = parameter_variance(gradient, np.vstack(own), fitted.measured.error_covariance)
    answer = {}
    for place, (name, cut) in enumerate(where.items()):
        finite, columns = np.isfinite(cut), slice(place * len(cut), (place + 1) * len(cut))
        share, density = above(found.moments, np.where(finite, cut, np.sign(cut) * 1e3), further[:, columns])
        share = np.where(finite, share, np.where(cut > 0, 0.0, 1.0))
        ones, zeros = np.ones((len(share), 1)), np.zeros((len(share), 1))
        answer[name] = Reach(
            np.hstack([ones, share]), np.hstack([zeros, np.where(finite, density, 0.0)]), gradient,
            np.vstack([np.zeros((1, own[place].shape[1])), own[place]]),
        )  # fmt: skip
    return answer


def _places(fitted: Fitted) -> np.ndarray:
    """Place (parameter,) of each parameter among the estimates, −1 for those that are not estimated."""
    plan = fitted.plan
    place = np.full(len(plan.status), -1)
    place[plan.free] = np.arange(len(plan.free))
    return place


def ability_gradient(fitted: Fitted, scale: Scale, yard: Yardstick, found: Posteriors) -> sparse.csr_array:
    """How a person's ability follows the estimates (person, estimate), first order.

    The prior's mean has the weight variance / population variance; the trainers met share the rest by what each sheet
    tells, which halo limits: I / (1 + halo² I). Difficulties and thresholds move it as far as they move the ability
    with the same expected scores.
    """
    plan, data, estimates = fitted.plan, fitted.asked.data, fitted.measured
    place, n, moments = _places(fitted), data.n_students, found.moments
    sd = _population_sd(fitted)
    prior = np.clip(moments.variance / sd**2, 0.0, 1.0)
    student, trainer = data.student[plan.kept], data.facets["trainer"][plan.kept]
    met = distinct_pairs(student, trainer)
    key = student * data.sizes["trainer"] + trainer
    count = np.bincount(np.searchsorted(met[0] * data.sizes["trainer"] + met[1], key), minlength=len(met[0]))
    each = np.interp(moments.mean, *_information(yard))
    told = count * each[met[0]]
    told = told / (1 + np.nan_to_num(found.halo) ** 2 * told)
    total = np.bincount(met[0], told, minlength=n)
    weight = told / total[met[0]] * (1 - prior[met[0]])
    own = place[plan.blocks["trainer"].start + met[1]]
    moved, offsets = _moved(fitted)
    nodes = np.linspace(moments.mean.min(), moments.mean.max(), SLOPES)
    slopes = np.column_stack([np.interp(moments.mean, nodes, row) for row in _score_slopes(yard, offsets, nodes)])
    slopes *= (1 - prior)[:, None]
    rated_ = np.flatnonzero(total > 0)
    design = sparse.coo_array(estimates.design * prior[:, None])
    rows = np.concatenate([met[0], np.repeat(rated_, len(moved)), design.row])
    columns = np.concatenate([own, np.tile(place[moved], len(rated_)), len(plan.free) + design.col])
    values = np.concatenate([weight, slopes[rated_].ravel(), design.data])
    keep, size = columns >= 0, len(estimates.covariance)
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


def _moved(fitted: Fitted) -> tuple[np.ndarray, np.ndarray]:
    """Difficulties and thresholds that are estimated, and the offsets (set, level, criterion) with each moved up and
    down a little, in turn.
    """
    blocks, place = fitted.plan.blocks, _places(fitted)
    every = np.concatenate([np.arange(blocks[name].start, blocks[name].stop) for name in ("criterion", THRESHOLD)])
    moved = every[place[every] >= 0]
    value = np.repeat(fitted.measured.known[:, None], 2 * len(moved), axis=1)
    value[np.repeat(moved, 2), np.arange(2 * len(moved))] += np.tile([MOVE, -MOVE], len(moved))
    return moved, Offsets.of(fitted.plan).at(value)


def cut_gradient(fitted: Fitted, yard: Yardstick, cut: np.ndarray, expected: bool) -> np.ndarray:
    """How each boundary (level above the lowest, estimate) follows difficulties and thresholds.

    By moving each a little. A boundary of the panel is taken to move as far as the ability with the same expected
    scores does there.
    """
    moved, offsets = _moved(fitted)
    answer = np.zeros((len(cut), len(fitted.measured.covariance)))
    if expected:
        found = boundaries(yard, offsets)
        with np.errstate(invalid="ignore"):
            slope = (found[0::2] - found[1::2]) / (2 * MOVE)
    else:
        slope = np.where(np.isfinite(cut), _score_slopes(yard, offsets, np.where(np.isfinite(cut), cut, 0.0)), 0.0)
    answer[:, _places(fitted)[moved]] = np.where(np.isfinite(slope), slope, 0.0).T
    return answer


def _score_slopes(yard: Yardstick, offsets: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How far the ability with the same mean expected score moves with each parameter (parameter, ability)."""
    n = len(offsets)
    score = np.nanmean(yard.expected(np.tile(at, n), np.repeat(offsets, len(at), axis=0)), axis=1).reshape(n, -1)
    steep = np.nanmean(yard.expected(at + MOVE) - yard.expected(at - MOVE), axis=1)
    return np.asarray(-(score[0::2] - score[1::2]) / np.maximum(steep, 1e-12))
