"""Newton steps under linear constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from crcne_stats.core.rasch.design import Floats
from crcne_stats.core.rasch.expectation import Expectation, Point, Problem, expectation
from crcne_stats.core.rasch.information import Scores, information
from crcne_stats.core.rasch.nodes import chunks

DISTANCE = 0.2
"""Largest distance of nodes, in logits; the first look takes twice as much, which is enough for a first step."""
FINENESS = 1.1
"""Largest distance of nodes in posterior standard deviations of the best known student."""
TOLERANCE = 1e-9
"""Newton decrement (twice the log-likelihood that a full step would gain) at which a fit has converged."""
SETTLED = 7e-3
"""Largest step, in logits, after which the information is kept: it has changed by some thousandths at most."""
FLOOR = 0.03
"""Smallest standard deviation of the students, in logits; a fit that ends there found no variance."""
CEILING = 10.0
"""Largest standard deviation, in logits; a fit that ends there has not converged: too few ratings tell it."""
MOVING = 0.02
"""Largest step, in logits, of a fit that has converged; more says that a parameter goes on to infinity."""
HALO_FLOOR = 0.05
"""Smallest standard deviation of the halo, in logits; a fit that ends there found none."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One look: ``log_likelihood``, Newton ``decrement``, norm of the ``gradient`` along the constraints.

    ``largest`` is the largest component of the step that follows, ``distance`` that of the nodes, in logits.
    """

    log_likelihood: float
    decrement: float
    gradient: float
    largest: float
    distance: float


@dataclass(frozen=True, eq=False)
class Factor:
    """Cholesky factor of an information matrix plus a multiple of the constraints' cross-product.

    Where the likelihood does not move, the constraints hold; elsewhere the multiple cancels out. ``damped``: the
    matrix was not positive definite and had to be lifted.
    """

    lower: Floats
    constraints: Floats
    damped: bool

    @classmethod
    def of(cls, matrix: Floats, constraints: Floats) -> Factor:
        """Factor ``matrix`` (parameter, parameter), which it uses up, under ``constraints`` (constraint, parameter)."""
        size = float(np.abs(np.diag(matrix)).mean())
        for rows in chunks(len(matrix)):
            matrix[rows] += size * (constraints[:, rows].T @ constraints)
        floor = 1e-10 * size
        diagonal = np.diag(matrix).copy()
        for damping in (0.0, *(size * 10.0 ** np.arange(-6, 4))):
            np.fill_diagonal(matrix, diagonal + damping)
            try:
                lower = linalg.cholesky(matrix, lower=True, check_finite=False)
            except linalg.LinAlgError:
                continue
            if np.diag(lower).min() ** 2 > floor:
                return cls(lower, constraints, damping > 0)
        raise linalg.LinAlgError("the information could not be factored")

    def solve(self, right: Floats) -> Floats:
        """Solution of the system for a vector or columns that keeps the constraints at zero."""
        found = linalg.cho_solve((self.lower, True), right, check_finite=False)
        if not len(self.constraints):
            return np.asarray(found)
        along = linalg.cho_solve((self.lower, True), self.constraints.T, check_finite=False)
        found -= along @ np.linalg.solve(self.constraints @ along, self.constraints @ found)
        return np.asarray(found)

    def covariance(self) -> Floats:
        """Inverse of the information under the constraints."""
        answer = linalg.lapack.dpotri(self.lower, lower=1)[0]
        for row in range(len(answer) - 1):  # its upper half is not looked at; no copy of the whole is made
            answer[row, row + 1 :] = answer[row + 1 :, row]
        if not len(self.constraints):
            return np.asarray(answer)
        along = answer @ self.constraints.T
        answer -= along @ np.linalg.solve(self.constraints @ along, along.T)
        return np.asarray(answer)


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the steps ended: ``found``, the factor and scores of the last information, one Pass for each look."""

    problem: Problem
    found: Expectation
    factor: Factor
    scores: Scores
    history: tuple[Pass, ...]
    converged: bool


def padded(problem: Problem) -> Floats:
    """The constraints over all that is estimated: parameters, coefficients, log sd.

    A coefficient that no rated student has is held.
    """
    n_free = len(problem.plan.free)
    constraints = np.pad(problem.plan.constraints, ((0, 0), (0, problem.size - n_free)))
    held = n_free + np.flatnonzero(~problem.informed)
    alone = np.zeros((len(held), constraints.shape[1]))
    alone[np.arange(len(held)), held] = 1.0
    return np.concatenate([constraints, alone])


def solve(problem: Problem, start: Point, distance: float | None = None, max_passes: int = 60) -> Solution:
    """Newton steps from a starting point until the decrement is below 1e-9.

    The information is exact and fresh at each step until a step is below 0.007 logit, then kept.
    """
    found = expectation(problem, start, 2 * DISTANCE if distance is None else distance)
    factor = scores = None
    history: list[Pass] = []
    for _ in range(max_passes):
        if factor is None or _unsettled(history):
            factor = scores = None  # the next ones do not fit the memory beside them
            factor, scores = _factored(problem, found)
        direction = factor.solve(found.gradient)
        decrement = float(direction @ found.gradient)
        steepness = np.linalg.norm(found.gradient - _normal_part(factor.constraints, found.gradient))
        history.append(
            Pass(found.log_likelihood, decrement, float(steepness), float(np.abs(direction).max()), _distance(found))
        )
        if decrement < TOLERANCE:
            break
        bounded = _bounded(problem, found, direction)
        if bounded is not None:
            problem, factor = bounded, None
            sd, halo = problem.population.sd or found.point.sd, problem.halo or found.point.halo
            found = _looked(problem, replace(found.point, sd=sd, halo=halo), distance)
            continue
        found = _stepped(problem, found, direction, distance)
    if factor is None or scores is None:
        factor, scores = _factored(problem, found)
    last = history[-1]
    converged = last.decrement < TOLERANCE and last.largest < MOVING and not factor.damped
    converged &= CEILING not in (problem.population.sd, problem.halo)
    return Solution(problem, found, factor, scores, tuple(history), converged)


def _factored(problem: Problem, found: Expectation) -> tuple[Factor, Scores]:
    matrix, scores = information(problem, found)
    return Factor.of(matrix, padded(problem)), scores


def _unsettled(history: list[Pass]) -> bool:
    if not history or history[-1].largest > SETTLED:
        return True
    return len(history) > 1 and history[-2].largest <= SETTLED and history[-1].decrement > 0.05 * history[-2].decrement


def _normal_part(constraints: Floats, gradient: Floats) -> Floats:
    if not len(constraints):
        return np.zeros_like(gradient)
    return np.asarray(constraints.T @ np.linalg.solve(constraints @ constraints.T, constraints @ gradient))


def _distance(found: Expectation) -> float:
    return float(found.nodes[1] - found.nodes[0])


def _looked(problem: Problem, point: Point, distance: float | None, last: Expectation | None = None) -> Expectation:
    """The expectation on nodes fine enough for the narrowest posterior."""
    reach = 6.5 if last is None else last.reach
    if distance is not None:
        return expectation(problem, point, distance, reach)
    step = DISTANCE if last is None else min(DISTANCE, _distance(last))
    while True:
        found = expectation(problem, point, step, reach)
        narrowest = float(np.sqrt(found.variance.min(initial=np.inf)))
        # On nodes that are too coarse the posterior stands on one of them, and its variance is nil.
        if step <= FINENESS * narrowest or step < 1e-3:
            return found
        step /= 2


def _bounded(problem: Problem, found: Expectation, direction: Floats) -> Problem | None:
    """The problem with a standard deviation held at its bound, when this step would take it beyond."""
    sd, halo = problem.sd_place, problem.halo_place
    held = None if sd is None else _bound(found.point.sd, direction[sd], FLOOR)
    if held is not None:
        return replace(problem, population=replace(problem.population, sd=held))
    held = None if halo is None else _bound(found.point.halo, direction[halo], HALO_FLOOR)
    return None if held is None else replace(problem, halo=held)


def _bound(sd: float, step: float, floor: float) -> float | None:
    """The bound that a step of the logarithm of a standard deviation would cross."""
    after = _grown(sd, np.array([step]), 0)
    return floor if after <= floor else CEILING if after >= CEILING else None


def _stepped(problem: Problem, found: Expectation, direction: Floats, distance: float | None) -> Expectation:
    plan, n_value = problem.plan, len(problem.plan.free)
    scale = min(1.0, 3.0 / max(np.abs(direction).max(), 1e-300))
    slack = 1e-11 * abs(found.log_likelihood)
    slack += 1e-3 * len(found.eap) if distance is None and _distance(found) > DISTANCE else 0.0
    for _ in range(30):
        move = scale * direction
        value = found.point.value.copy()
        value[plan.free] += move[:n_value]
        coefficient = found.point.coefficient + move[problem.coefficients]
        sd = _grown(found.point.sd, move, problem.sd_place)
        halo = _grown(found.point.halo, move, problem.halo_place)
        new = _looked(problem, Point(value, coefficient, sd, halo), distance, found)
        if new.log_likelihood >= found.log_likelihood - slack:
            return new
        scale /= 2
    return found


def _grown(sd: float, move: Floats, place: int | None) -> float:
    """A standard deviation after a step of its logarithm, which may not move by more than 1."""
    return sd if place is None else sd * float(np.exp(np.clip(move[place], -1.0, 1.0)))
