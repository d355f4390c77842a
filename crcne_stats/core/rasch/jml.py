"""Joint maximum likelihood of the many-facet Rasch model, as the program Facets has it (Linacre 1989).

Abilities are parameters like the others, so estimates are biased outward by about L/(L−1), L being the number of
ratings of a student (Wright & Douglas 1977, doi:10.1177/014662167700100216): :meth:`JointFit.corrected` takes that off.
Students, trainers and other elements who are always at one end of the scale leave the estimation of the others; their
own measure is that of a total 0.3 levels inside, given all the others.

With abilities profiled out the estimates solve a sum over students of their scores, so that the sandwich clustered by
student holds about the biased limit that they tend to (White 1982, doi:10.2307/1912526).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
    tally,
    threshold_groups,
)
from crcne_stats.core.rasch.layout import ANCHORED, EXTREME, Layout, layout
from crcne_stats.core.rasch.mml import Inestimable
from crcne_stats.core.rasch.newton import Factor
from crcne_stats.core.rasch.nodes import cell_offsets, chunks
from crcne_stats.core.rasch.population import one_mean
from crcne_stats.core.rasch.probabilities import category_probabilities
from crcne_stats.core.rasch.start import starting_point

ADJUSTMENT = 0.3
"""Levels by which an extreme total is moved inside (the default of Facets)."""
TOLERANCE = 1e-7
"""Largest difference of an observed and an expected total at convergence."""
RUN = 1 << 17
"""Ratings worked on at once."""


@dataclass(frozen=True, eq=False)
class JointFit:
    """A joint maximum likelihood fit.

    Attributes
    ----------
    value : (parameter,)
        In logits, NaN without estimate; extreme elements have the measure of their adjusted total.
    se : (parameter,)
        Takes all other parameters as known, as Facets prints it; NaN for held ones.
    covariance, robust_covariance : (free parameter, free parameter)
        From the information with abilities profiled out, and from the sandwich clustered by student.
    ability, ability_se : (student,)
        NaN without ratings; extreme students have the measure of their adjusted total.
    extreme : (student,)
        −1 always lowest, 1 always highest, 0 neither.
    length
        Mean number of ratings of a student, the L of the bias.
    """

    plan: Layout
    value: Floats
    se: Floats
    covariance: Floats
    robust_covariance: Floats
    ability: Floats
    ability_se: Floats
    extreme: Ints
    log_likelihood: float
    iterations: int
    converged: bool
    length: float

    def block(self, name: str) -> slice:
        """Where the parameters of a facet, an interaction or the thresholds stand."""
        return self.plan.blocks[name].range

    @property
    def joint_se(self) -> Floats:
        """Standard errors (parameter,) that take no other parameter as known; NaN without an estimate of the fit."""
        return self._errors(self.covariance)

    @property
    def robust_se(self) -> Floats:
        """Those of the sandwich (parameter,)."""
        return self._errors(self.robust_covariance)

    def _errors(self, covariance: Floats) -> Floats:
        error = np.full(len(self.value), np.nan)
        error[self.plan.free] = np.sqrt(np.maximum(np.diag(covariance), 0))
        return error

    @property
    def correction(self) -> float:
        """(L − 1)/L: by how much facets and thresholds shrink when the bias is taken off."""
        return (self.length - 1) / self.length

    def corrected(self) -> Floats:
        """Parameters (parameter,) with the bias taken off; held ones stay."""
        held = self.plan.status == ANCHORED
        return np.where(held, self.value, self.value * self.correction)


def joint_fit(data: RatingData, model: Model, max_iterations: int = 100) -> JointFit:
    """Fit the model by joint maximum likelihood.

    Raises
    ------
    Inestimable
        When no parameter can be estimated.
    """
    plan, extreme = _trimmed(data, model)
    if not len(plan.free):
        raise Inestimable(plan)
    state, iterations, converged = _solved(plan, max_iterations)
    value = np.full(len(plan.status), np.nan)
    used = np.concatenate([plan.free, np.flatnonzero(plan.status == ANCHORED)])
    value[used] = state.value[used]
    covariance = state.factor.covariance()
    robust = covariance @ _score_products(plan, state) @ covariance
    se = np.full(len(value), np.nan)
    se[plan.free] = 1 / np.sqrt(state.alone)
    ability, ability_se = np.full(data.n_students, np.nan), np.full(data.n_students, np.nan)
    rated = state.information > 0
    ability[rated], ability_se[rated] = state.ability[rated], 1 / np.sqrt(state.information[rated])
    _add_extreme(plan, data.weights, extreme, value, se, ability, ability_se)
    n_ratings = tally(data.student[plan.kept], plan.data.weights[plan.kept], data.n_students)
    length = float(n_ratings[rated].mean())
    return JointFit(
        plan, value, se, covariance, robust, ability, ability_se, extreme, state.log_likelihood, iterations, converged,
        length,
    )  # fmt: skip


def _trimmed(data: RatingData, model: Model) -> tuple[Layout, Ints]:
    """The model on the ratings of students and elements who are not extreme, and the extreme students."""
    extreme = np.zeros(data.n_students, dtype=np.int64)
    weight = data.weights.copy()
    while True:
        plan = layout(replace(data, weight=weight), model)
        student, group = data.student[plan.kept], plan.cell_group[plan.cell]
        slot = plan.steps.slot[group, data.score[plan.kept]]
        n = tally(student, None, data.n_students)
        low = (n > 0) & (tally(student, (slot == 0) * 1.0, data.n_students) == n)
        top = slot == (~np.isnan(plan.steps.level)).sum(axis=1)[group] - 1
        high = (n > 0) & (tally(student, top * 1.0, data.n_students) == n)
        if not (low | high).any():
            return plan, extreme
        extreme[low], extreme[high & ~low] = -1, 1
        weight[extreme[data.student] != 0] = 0.0


@dataclass(frozen=True, eq=False)
class _State:
    """The likelihood at a point; ``information`` (student,), ``alone`` (free,) diagonal of that of the parameters."""

    value: Floats
    ability: Floats
    log_likelihood: float
    slope: Floats
    gradient: Floats
    information: Floats
    alone: Floats
    cross: sparse.csr_array
    factor: Factor


def _solved(plan: Layout, max_iterations: int) -> tuple[_State, int, bool]:
    n = plan.data.n_students
    rated = tally(plan.data.student[plan.kept], None, n)
    start = starting_point(plan, rated, one_mean(n))
    state = _looked(plan, start.value, np.full(n, float(start.coefficient[0])))
    constraints = plan.constraints
    for iteration in range(1, max_iterations + 1):
        along = state.gradient
        if len(constraints):
            along = along - constraints.T @ np.linalg.solve(constraints @ constraints.T, constraints @ along)
        if max(np.abs(state.slope).max(), np.abs(along).max()) < TOLERANCE:
            return state, iteration, not state.factor.damped
        safe = np.maximum(state.information, 1e-12)
        step = state.factor.solve(state.gradient - state.cross.T @ (state.slope / safe))
        shift = np.where(state.information > 0, (state.slope - state.cross @ step) / safe, 0.0)
        state = _stepped(plan, state, step, shift)
    return state, max_iterations, False


def _stepped(plan: Layout, state: _State, step: Floats, shift: Floats) -> _State:
    scale = min(1.0, 2.0 / max(np.abs(step).max(), np.abs(shift).max(), 1e-300))
    for _ in range(20):
        value = state.value.copy()
        value[plan.free] += scale * step
        new = _looked(plan, value, state.ability + scale * shift)
        if new.log_likelihood >= state.log_likelihood - 1e-9 * abs(state.log_likelihood):
            return new
        scale /= 2
    return state


@dataclass(frozen=True, eq=False)
class _Run:
    """Some ratings at a point: ``student``, ``cell``, ``weight`` (rating,), ``gap`` (rating, step).

    ``climbed`` (rating, step) is the probability of each step, ``reached`` (rating, step) whether it was climbed,
    ``chance`` (rating,) the probability of the level given.
    """

    student: Ints
    cell: Ints
    weight: Floats
    gap: Floats
    climbed: Floats
    reached: Bools
    chance: Floats


def _runs(plan: Layout, value: Floats, ability: Floats) -> Iterator[_Run]:
    """The ratings that inform the fit, so many at once."""
    data, cell = plan.data, plan.cell
    student, weight = data.student[plan.kept], data.weights[plan.kept]
    gap, power = (np.nan_to_num(x)[plan.cell_group] for x in (plan.steps.gap, plan.steps.level))
    slot = plan.steps.slot[plan.cell_group[cell], data.score[plan.kept]]
    offset = cell_offsets(plan, value).T
    for part in chunks(len(cell), RUN):
        who, where, at = student[part], cell[part], slot[part]
        logits = ability[who, None] * power[where] - offset[where]
        logits -= logits.max(axis=1, keepdims=True)
        chance = np.exp(logits)
        chance /= chance.sum(axis=1, keepdims=True)
        climbed = chance[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        reached = at[:, None] > np.arange(gap.shape[1])
        yield _Run(who, where, weight[part], gap[where], climbed, reached, chance[np.arange(len(who)), at])


def _looked(plan: Layout, value: Floats, ability: Floats) -> _State:
    """Log-likelihood, gradient and information, abilities profiled out of the latter."""
    n, n_cells, n_slots = plan.data.n_students, plan.n_cells, plan.steps.gap.shape[1]
    log_likelihood, slope, information = 0.0, np.zeros(n), np.zeros(n)
    expected, blocks = np.zeros((n_slots, n_cells)), np.zeros((n_slots, n_slots, n_cells))
    cross = sparse.csr_array((n, n_slots * n_cells))
    order = np.maximum.outer(np.arange(n_slots), np.arange(n_slots))
    for run in _runs(plan, value, ability):
        who, where, w, climbed, off = run.student, run.cell, run.weight, run.climbed, run.climbed - run.reached
        log_likelihood += float(w @ np.log(run.chance))
        covariance = (climbed[:, order] - climbed[:, :, None] * climbed[:, None, :]) * w[:, None, None]
        slope -= tally(who, w * (run.gap * off).sum(axis=1), n)
        with_score = np.einsum("rh,rhk->rk", run.gap, covariance)
        information += tally(who, (with_score * run.gap).sum(axis=1), n)
        for high in range(n_slots):
            expected[high] += tally(where, w * off[:, high], n_cells)
            for low in range(n_slots):
                blocks[high, low] += tally(where, covariance[:, high, low], n_cells)
        cross = cross + _by_student(run, with_score, cross.shape)
    jacobian = plan.jacobian[:, plan.free]
    row, column, at = np.indices(blocks.shape)
    spread = sparse.coo_array(
        (blocks.ravel(), ((row * n_cells + at).ravel(), (column * n_cells + at).ravel())),
        shape=(n_slots * n_cells,) * 2,
    )
    full = (jacobian.T @ (spread.tocsr() @ jacobian)).toarray()
    # A higher parameter lowers the score that ability raises: the mixed derivative has the other sign.
    mixed = sparse.csr_array(-(cross @ jacobian))
    lost = mixed.T @ sparse.diags_array(1 / np.maximum(information, 1e-12)) @ mixed
    factor = Factor.of(full - lost.toarray(), plan.constraints)
    gradient = jacobian.T @ expected.ravel()
    return _State(value, ability, log_likelihood, slope, gradient, information, np.diag(full).copy(), mixed, factor)


def _by_student(run: _Run, numbers: Floats, shape: tuple[int, int]) -> sparse.coo_array:
    """Numbers (rating, step) summed by student and by step and cell (student, slot × cell)."""
    n_slots = numbers.shape[1]
    columns = (np.arange(n_slots) * (shape[1] // n_slots) + run.cell[:, None]).ravel()
    return sparse.coo_array((numbers.ravel(), (np.repeat(run.student, n_slots), columns)), shape=shape)


def _score_products(plan: Layout, state: _State) -> Floats:
    """Σ over students of the outer product of their scores (free parameter, free parameter).

    At the estimate a student's ability is their own best, so that profiling it out adds nothing to the score.
    """
    shape = (plan.data.n_students, plan.steps.gap.shape[1] * plan.n_cells)
    total = sparse.csr_array(shape)
    for run in _runs(plan, state.value, state.ability):
        total = total + _by_student(run, run.weight[:, None] * (run.climbed - run.reached), shape)
    scores = sparse.csr_array(total @ plan.jacobian[:, plan.free])
    return np.asarray((scores.T @ scores).toarray())


def _add_extreme(
    plan: Layout, weight: Floats, extreme: Ints, value: Floats, se: Floats, ability: Floats, ability_se: Floats
) -> None:
    """Enter measures of extreme elements, then of extreme students, at their adjusted totals given all the others.

    ``weight`` (rating,) is that of the ratings before any left the fit; an interaction without a measure is nil.
    """
    data, code = plan.data, _codes(plan)
    for name in code:
        block = plan.blocks[name]
        lost = plan.status[block.range] == EXTREME
        others, steps = _known(plan, value, code, name)
        seen = lost[code[name]] & (weight > 0) & np.isfinite(ability[data.student])
        seen &= np.isfinite(others) & np.isfinite(steps[:, 0])
        if seen.any():
            at = ability[data.student] - others
            found, error = _measure(code[name][seen], len(lost), at[seen], steps[seen], data.score[seen], weight[seen])
            value[block.range][lost], se[block.range][lost] = -found[lost], error[lost]
    whole, steps = _known(plan, value, code)
    seen = (extreme[data.student] != 0) & (weight > 0) & np.isfinite(whole) & np.isfinite(steps[:, 0])
    if seen.any():
        found, error = _measure(
            data.student[seen], len(ability), -whole[seen], steps[seen], data.score[seen], weight[seen]
        )
        who = extreme != 0
        ability[who], ability_se[who] = found[who], error[who]


def _codes(plan: Layout) -> dict[str, Ints]:
    """Element (rating,) of every facet, then of every interaction, of all ratings."""
    data, code = plan.data, {name: plan.data.facets[name] for name in plan.model.facets}
    for pair in plan.model.interactions:
        code[interaction_name(pair)] = combination([data.facets[f] for f in pair], [data.sizes[f] for f in pair])[1]
    return code


def _known(plan: Layout, value: Floats, code: dict[str, Ints], without: str = "") -> tuple[Floats, Floats]:
    """The sum of all facets and interactions but one of each rating (rating,), and its thresholds (rating, step)."""
    data, model = plan.data, plan.model
    location = np.zeros(len(data.score))
    for name, element in code.items():
        if name != without:
            own = value[plan.blocks[name].range][element]
            location += own if name in model.facets else np.nan_to_num(own)
    group, n_levels = threshold_groups(data, model.thresholds)
    table = np.full((len(n_levels), int(n_levels.max(initial=2)) - 1), np.inf)
    labels = plan.blocks[THRESHOLD].labels
    table[labels[:, 0], labels[:, 1] - 1] = value[plan.blocks[THRESHOLD].range]
    return location, table[group]


def _measure(code: Ints, n: int, at: Floats, steps: Floats, score: Ints, weight: Floats) -> tuple[Floats, Floats]:
    """The shift (element,) that gives each element its adjusted total, and its standard error.

    ``code``, ``at``, ``weight`` (rating,): the element, the location of each rating without it, how often it counts;
    ``steps`` (rating, step).
    """
    level = np.arange(steps.shape[1] + 1)
    used: Bools = np.concatenate([np.ones((len(steps), 1), dtype=bool), np.isfinite(steps)], axis=1)
    top: Floats = np.where(used, level, 0.0).max(axis=1)
    most, total = tally(code, weight * top, n), tally(code, weight * score, n)
    target = np.clip(total, ADJUSTMENT, np.maximum(most - ADJUSTMENT, ADJUSTMENT))
    shift, information = np.zeros(n), np.ones(n)
    for _ in range(60):
        chance = category_probabilities(at + shift[code], steps)
        mean = np.asarray(chance @ level, dtype=float)
        information = tally(code, weight * (chance @ level**2 - mean**2), n)
        step = np.clip((target - tally(code, weight * mean, n)) / np.maximum(information, 1e-9), -1, 1)
        shift = np.where(most > 0, shift + step, np.nan)
        if not (np.abs(step[most > 0]) > 1e-10).any():
            break
    return shift, np.where(most > 0, 1 / np.sqrt(np.maximum(information, 1e-12)), np.nan)
