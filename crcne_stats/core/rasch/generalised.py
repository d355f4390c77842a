"""Trainers who tell students apart more or less sharply than others: a slope for each, as a sensitivity model.

The log-odds of step h are α(trainer) · (ability − Σ facet parameters − threshold(h)); the slopes have a geometric mean
of 1 (Uto & Ueno 2020, doi:10.1007/s41237-020-00115-7). With ``whole=False`` they multiply ability and severity alone,
as in the R package sirt: α(trainer) · (ability − severity) − difficulty − threshold(h). Beside the fit without slopes
it is judged by AIC and BIC; thresholds of each trainer are the other sensitivity model (``Model.thresholds``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.mml import Fit
from crcne_stats.core.rasch.nodes import cell_offsets, chunks

DISTANCE, REACH = 0.15, 7.0
"""Distance of the nodes in logits, and how far they reach in standard deviations of the population."""
FAR = 25.0
"""Bound of the coordinates: 25 standard errors of the plain fit, or 2.5 for a log slope."""
MOST_ERRORS = 400
"""Standard errors rest on a Hessian by differences, which is not sought for more estimates than this."""


@dataclass(frozen=True, eq=False)
class SlopeFit:
    """The model with a slope for each element of ``facet``.

    ``slope``, ``slope_se`` (element,), NaN for an element without ratings that inform the fit (and errors for large
    models); ``value`` (parameter,), ``coefficient`` (column,) and ``sd`` as in :class:`Fit`.
    """

    facet: str
    slope: Floats
    slope_se: Floats
    value: Floats
    coefficient: Floats
    sd: float
    log_likelihood: float
    n_parameters: int
    n_students: int
    converged: bool

    @property
    def deviance(self) -> float:
        """−2 log-likelihood."""
        return -2 * self.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.deviance + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion; the sample size is the number of students."""
        return self.deviance + float(np.log(max(1, self.n_students))) * self.n_parameters


def slope_fit(plain: Fit, facet: str = "trainer", whole: bool = True, max_iterations: int = 300) -> SlopeFit:
    """Add a slope for each element of a facet to a fit without slopes, by marginal maximum likelihood.

    ``whole``: whether slopes multiply difficulties and thresholds too. Quasi-Newton steps, in coordinates in which the
    covariance of the plain fit is the identity.
    """
    task = _Task.of(plain, facet, whole)
    found = optimize.minimize(
        task, np.zeros(task.width), jac=True, method="L-BFGS-B", bounds=[(-FAR, FAR)] * task.width,
        options={"maxiter": max_iterations, "maxfun": 2 * max_iterations, "ftol": 1e-14, "gtol": 1e-4, "maxcor": 30},
    )  # fmt: skip
    log_slope, value, coefficient, log_sd = task.parameters(found.x)
    n, used = len(task.alive), task.alive
    slope, slope_se = np.full(n, np.nan), np.full(n, np.nan)
    slope[used] = np.exp(log_slope[used])
    if task.width <= MOST_ERRORS:
        spread = task.slopes @ task.covariance(found.x) @ task.slopes.T
        slope_se[used] = slope[used] * np.sqrt(np.maximum(np.diag(spread), 0.0))
    shown = np.where(np.isnan(plain.value), np.nan, value)
    converged = bool(np.abs(found.jac).max(initial=0.0) < 1e-2 and np.abs(found.x).max(initial=0.0) < FAR)
    return SlopeFit(
        facet, slope, slope_se, shown, np.where(plain.problem.informed, coefficient, np.nan), float(np.exp(log_sd)),
        -float(found.fun), plain.n_parameters + int(used.sum()) - 1, plain.n_students, converged,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Task:
    """The negative log-likelihood in whitened coordinates.

    ``basis`` (estimate, coordinate) of the plain estimates; ``slopes`` (living element, coordinate) of log slopes;
    ``element`` (cell,); ``totals`` (student, element); ``observed`` (element, parameter) weighted steps climbed;
    ``scaled`` (parameter,) 1 for those that slopes multiply, else 0.
    """

    plain: Fit
    alive: np.ndarray
    element: Ints
    totals: sparse.csr_array
    observed: sparse.csr_array
    basis: Floats
    slopes: Floats
    scaled: Floats
    nodes: Floats

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return self.basis.shape[1]

    @classmethod
    def of(cls, plain: Fit, facet: str, whole: bool) -> _Task:
        """The task from a plain fit."""
        plan, n = plain.plan, plain.plan.data.sizes[facet]
        student, cell = plan.data.student[plan.kept], plan.cell
        weight, element = plan.data.weights[plan.kept], plan.cell_codes[:, plan.names.index(facet)]
        slot = plan.steps.slot[plan.cell_group[cell], plan.data.score[plan.kept]]
        level = plan.steps.level[plan.cell_group[cell], slot]
        shape = (plan.data.n_students, n)
        totals = sparse.csr_array(sparse.coo_array((weight * level, (student, element[cell])), shape=shape))
        observed = sparse.csr_array((n, len(plan.status)))
        for step in range(plan.steps.gap.shape[1]):
            reached = tally(cell, weight * (slot > step), plan.n_cells)
            spread = sparse.coo_array((reached, (element, np.arange(plan.n_cells))), shape=(n, plan.n_cells))
            rows = slice(step * plan.n_cells, (step + 1) * plan.n_cells)
            observed = observed + spread.tocsr() @ plan.jacobian[rows]
        alive = np.bincount(element, minlength=n) > 0
        size, vectors = np.linalg.eigh(plain.covariance)
        kept = size > 1e-10 * size.max()
        white = vectors[:, kept] * np.sqrt(size[kept])
        few = int(alive.sum())
        centred = np.linalg.svd(np.ones((1, few)))[2][1:].T * 0.1
        basis = np.hstack([white, np.zeros((len(white), few - 1))])
        slopes = np.hstack([np.zeros((few, white.shape[1])), centred])
        mean = plain.problem.population.mean(plain.found.point.coefficient)
        low, high = mean.min() - REACH * plain.sd, mean.max() + REACH * plain.sd
        scaled = np.full(len(plan.status), float(whole))
        scaled[plan.blocks[facet].range] = 1.0
        nodes = np.arange(np.floor(low / DISTANCE), np.ceil(high / DISTANCE) + 1) * DISTANCE
        return cls(plain, alive, element, totals, sparse.csr_array(observed), basis, slopes, scaled, nodes)

    def parameters(self, place: Floats) -> tuple[Floats, Floats, Floats, float]:
        """Log slopes (element,), parameters (parameter,), coefficients (column,) and log sd at coordinates."""
        plain, problem = self.plain, self.plain.problem
        move = self.basis @ place
        value = plain.found.point.value.copy()
        value[plain.plan.status == ESTIMATED] += move[: len(plain.plan.free)]
        log_slope = np.zeros(len(self.alive))
        log_slope[self.alive] = self.slopes @ place
        sd = 0.0 if problem.sd_place is None else float(move[problem.sd_place])
        coefficient = plain.found.point.coefficient + move[problem.coefficients]
        return log_slope, value, coefficient, float(np.log(plain.sd)) + sd

    def __call__(self, place: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood and its gradient (coordinate,)."""
        problem, plan, nodes = self.plain.problem, self.plain.plan, self.nodes
        log_slope, value, coefficient, log_sd = self.parameters(place)
        slope, variance = np.exp(log_slope), np.exp(2 * log_sd)
        mean = problem.population.mean(coefficient)
        normaliser, climbed = self._cells(value, slope)
        log_joint = (self.totals @ slope)[:, None] * nodes - ((nodes - mean[:, None]) ** 2) / (2 * variance)
        log_joint -= problem.stats.entry @ (problem.stats.unit_cells @ normaliser)
        peak = log_joint.max(axis=1)
        posterior = np.exp(log_joint - peak[:, None])
        mass = posterior.sum(axis=1)
        posterior /= mass[:, None]
        by_element = self.observed @ (self.scaled * value)
        fit = float((peak + np.log(mass)).sum()) + len(mean) * np.log(DISTANCE / np.sqrt(2 * np.pi * variance))
        fit -= float(slope @ by_element + (self.observed @ ((1 - self.scaled) * value)).sum())
        cells = problem.stats.unit_cells.T @ (problem.stats.entry.T @ posterior)
        reached = np.einsum("scq,cq->sc", climbed, cells)
        steps = (plan.jacobian @ (self.scaled * value)).reshape(climbed.shape[:2])
        gap = np.nan_to_num(plan.steps.gap)[plan.cell_group].T
        at = np.einsum("scq,cq,q->sc", climbed, cells, nodes)
        times = plan.jacobian.T @ (reached * slope[self.element]).ravel() - self.observed.T @ slope
        once = plan.jacobian.T @ reached.ravel() - self.observed.T @ np.ones(len(slope))
        to_value = np.where(self.scaled > 0, times, once)
        eap = posterior @ nodes
        to_slope = self.totals.T @ eap - by_element
        to_slope -= tally(self.element, (gap * at - steps * reached).sum(axis=0), len(slope))
        from_mean = eap - mean
        squared = posterior @ nodes**2 - eap**2 + from_mean**2
        gradient = np.zeros(problem.size)
        gradient[: len(plan.free)] = to_value[plan.free]
        gradient[problem.coefficients] = problem.population.design.T @ from_mean / variance
        if problem.sd_place is not None:
            gradient[problem.sd_place] = float((squared / variance - 1).sum())
        whole = self.basis.T @ gradient + self.slopes.T @ (to_slope * slope)[self.alive]
        return -fit, -whole

    def _cells(self, value: Floats, slope: Floats) -> tuple[Floats, Floats]:
        """Log-normaliser (cell, node) and chances to reach each slot (slot, cell, node)."""
        plan, nodes = self.plain.plan, self.nodes
        offset, once = cell_offsets(plan, self.scaled * value), cell_offsets(plan, (1 - self.scaled) * value)
        level = np.nan_to_num(plan.steps.level)[plan.cell_group].T
        normaliser = np.empty((plan.n_cells, len(nodes)))
        climbed = np.empty((len(offset) - 1, plan.n_cells, len(nodes)))
        for part in chunks(plan.n_cells):
            logits = level[:, part, None] * nodes - offset[:, part, None]
            logits *= slope[self.element[part], None]
            logits -= once[:, part, None]
            peak = logits.max(axis=0)
            odds = np.exp(logits - peak)[::-1].cumsum(axis=0)[::-1]
            normaliser[part] = peak + np.log(odds[0])
            climbed[:, part] = odds[1:] / odds[0]
        return normaliser, climbed

    def covariance(self, place: Floats) -> Floats:
        """Inverse of the observed information (coordinate, coordinate), by differences of the gradient."""
        step = 1e-3
        rows = []
        for axis in np.eye(len(place)):
            rows.append((self(place + step * axis)[1] - self(place - step * axis)[1]) / (2 * step))
        information = np.array(rows)
        return np.asarray(np.linalg.pinv((information + information.T) / 2), dtype=float)
