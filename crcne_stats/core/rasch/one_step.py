"""How far each student moves an estimate: what resampling of students needs instead of refits.

A refit under weights w of the students is near to θ + I⁻¹ Σ w s, with s the students' scores at the estimate and I the
observed information: one Newton step, the score bootstrap of Kline & Santos (2012, doi:10.1515/2156-6674.1006).
"""

from __future__ import annotations

import numpy as np

from crcne_stats.core.rasch.design import Floats
from crcne_stats.core.rasch.information import student_scores
from crcne_stats.core.rasch.mml import Fit


def influence(fit: Fit, matrix: Floats) -> Floats:
    """How much each student moves each contrast, shape (student, contrast).

    ``matrix`` (contrast, parameter) combines parameters of the plan. Contrasts under weights (student,) are
    ``matrix @ value + influence.T @ (weights - 1)``; the product of the influence with itself is their covariance,
    clustered by student.
    """
    wanted = np.zeros((len(matrix), fit.problem.size))
    wanted[:, : len(fit.plan.free)] = matrix[:, fit.plan.free]
    return estimate_influence(fit, wanted)


def estimate_influence(fit: Fit, matrix: Floats) -> Floats:
    """The same for contrasts (contrast, estimate) of the estimates as they stand in the covariance of the fit."""
    problem, plan = fit.problem, fit.plan
    scores, few, size = student_scores(problem, fit.found), problem.features, problem.size
    place = np.full(len(plan.status) + 1, size)
    place[plan.free] = np.arange(len(plan.free))
    move = np.zeros((size + 1, len(matrix)))
    move[:size] = fit.covariance @ matrix.T
    spreads = [problem.sd_place, problem.halo_place][: scores.spread.shape[1]]
    answer = scores.common @ move[place[few.common_parameters]]
    answer += scores.spread @ move[[size if p is None else p for p in spreads]]
    for seat in range(few.n_seats):
        answer += scores.few[:, seat, None] * move[place[few.seat_parameter[:, seat]]]
    answer += scores.ability[:, None] * (problem.population.design @ move[problem.coefficients])
    return np.asarray(answer)
