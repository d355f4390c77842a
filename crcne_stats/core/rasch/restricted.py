"""The standard deviation of the halo, less the bias that maximum likelihood has.

Maximum likelihood takes the estimated severities for true ones, so it finds too little variance around them: about a
factor (n − p)/n, n blocks telling p severities. The adjusted profile likelihood (Cox & Reid 1987,
doi:10.1111/j.2517-6161.1987.tb01422.x; for normal models it is restricted maximum likelihood) adds −½ log det of the
information on all the other parameters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crcne_stats.core.rasch.design import Floats
from crcne_stats.core.rasch.expectation import Problem, expectation
from crcne_stats.core.rasch.information import information
from crcne_stats.core.rasch.newton import Factor, Solution, padded, solve

STEP = 0.1
"""Change of log halo over which the adjustment is differenced."""
MOST = 0.5
"""Largest adjustment of log halo."""


def adjusted(solution: Solution, distance: float | None, max_passes: int) -> Solution:
    """The solution with the halo where the adjusted profile likelihood has its maximum, to one Newton step.

    The other parameters are estimated anew at that halo; standard errors count the halo as estimated. A halo that
    was held stays.
    """
    problem, place = solution.problem, solution.problem.halo_place
    if place is None:
        return solution
    slope = (_log_det(solution, STEP) - _log_det(solution, -STEP)) / (2 * STEP)
    variance = float(solution.factor.covariance()[place, place])
    move = float(np.clip(-slope / 2 * variance, -MOST, MOST))
    point = solution.found.point
    halo = point.halo * float(np.exp(move))
    there = solve(replace(problem, halo=halo), replace(point, halo=halo), distance, max_passes)
    problem = replace(problem, population=there.problem.population)
    nodes = there.found.nodes
    found = expectation(problem, there.found.point, float(nodes[1] - nodes[0]), there.found.reach)
    matrix, scores = information(problem, found)
    factor = Factor.of(matrix, padded(problem))
    converged = solution.converged and there.converged and not factor.damped
    return Solution(problem, found, factor, scores, solution.history, converged)


def _log_det(solution: Solution, step: float) -> float:
    """Log-determinant of the information on facets, thresholds and means, the halo moved by ``step`` of its log."""
    problem, found = solution.problem, solution.found
    point = replace(found.point, halo=found.point.halo * float(np.exp(step)))
    looked = expectation(problem, point, float(found.nodes[1] - found.nodes[0]), found.reach)
    matrix, _ = information(problem, looked)
    basis = _free_directions(problem)
    return float(np.linalg.slogdet(basis.T @ matrix @ basis)[1])


def _free_directions(problem: Problem) -> Floats:
    """An orthonormal basis (estimate, direction) of what the constraints leave free of all but the spreads."""
    n = problem.coefficients.stop
    constraints = padded(problem)[:, :n]
    basis = np.zeros((problem.size, n - len(constraints)))
    full = np.linalg.qr(constraints.T, mode="complete")[0] if len(constraints) else np.eye(n)
    basis[:n] = full[:, len(constraints) :]
    return basis
