"""One look at the marginal likelihood: posterior of each student on a grid, log-likelihood, gradient.

The grid is a lattice of fixed distance, so that nodes do not move with the parameters and the deviance is comparable
between iterations. On such a lattice the trapezoidal rule errs by some 2·exp(−2π²s²/h²) for a posterior of standard
deviation s (Trefethen & Weideman 2014, doi:10.1137/130932132).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.blocks import Inner, Sheets, inner
from crcne_stats.core.rasch.design import Bools, Floats, Ints
from crcne_stats.core.rasch.features import Features, Incidences
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.rasch.nodes import CellModel, cell_model, chunks
from crcne_stats.core.rasch.population import Population
from crcne_stats.core.rasch.sufficient import Sufficient

EDGE = 1e-8
"""Posterior probability at the ends of the grid beyond which it is widened."""
WINDOW = 1e-8
"""Nodes with a smaller posterior probability leave a student's information alone."""
_WHO = 64
"""Students at once: their expected steps by node and column are the largest arrays of a fit."""


@dataclass(frozen=True, eq=False)
class Problem:
    """All that does not change while a model is fitted.

    ``sheets`` are the blocks of a model with halo, and then the units of ``stats``; ``halo`` holds its standard
    deviation. Estimates stand in the order free parameters, coefficients, log sd, log halo; the last two where free.
    """

    plan: Layout
    stats: Sufficient
    incidences: Incidences
    population: Population
    sheets: Sheets | None = None
    halo: float | None = None

    @property
    def features(self) -> Features:
        """Which parameters each student touches."""
        return self.incidences.made

    @property
    def coefficients(self) -> slice:
        """Place of the regression coefficients among the estimates."""
        first = len(self.plan.free)
        return slice(first, first + self.population.n_columns)

    @property
    def sd_place(self) -> int | None:
        """Place of log sd among the estimates; None where it is held."""
        return None if self.population.sd is not None else self.coefficients.stop

    @property
    def halo_place(self) -> int | None:
        """Place of log halo among the estimates; None where there is none or it is held."""
        held = self.sheets is None or self.halo is not None
        return None if held else self.coefficients.stop + (self.population.sd is None)

    @property
    def size(self) -> int:
        """Number of estimates."""
        return self.coefficients.stop + (self.sd_place is not None) + (self.halo_place is not None)

    @property
    def informed(self) -> Bools:
        """Regression columns (column,) that a rated student has; the others are held at 0."""
        return self.population.informed(self.stats.n_ratings > 0)


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters: ``value`` (parameter,) in full, ``coefficient`` (column,), ``sd`` and ``halo`` (0: none)."""

    value: Floats
    coefficient: Floats
    sd: float
    halo: float = 0.0


@dataclass(frozen=True, eq=False)
class Expectation:
    """The likelihood at a point.

    ``posterior`` (student, node) sums to 1; ``eap`` and ``variance`` (student,) are its mean and variance.
    ``unit_mass`` (unit, cell node) is the expected number of students of each unit by location, ``cell_nodes`` being
    the nodes of ability, or with halo those of ``inner``; ``cell_units`` (cell, unit) are the units of each cell.
    ``gradient`` (estimate,).
    """

    point: Point
    reach: float
    nodes: Floats
    cells: CellModel
    posterior: Floats
    eap: Floats
    variance: Floats
    cell_nodes: Floats
    unit_mass: Floats
    cell_units: sparse.csr_array
    log_likelihood: float
    gradient: Floats
    inner: Inner | None = None

    def cell_mass(self, cells: slice) -> Floats:
        """Expected ratings of some cells by location (cell, cell node); those of all would be too many to keep."""
        return np.asarray(self.cell_units[cells] @ self.unit_mass)


def expectation(problem: Problem, point: Point, distance: float, reach: float = 6.5) -> Expectation:
    """Posterior, log-likelihood and gradient at a point.

    Nodes are the multiples of ``distance`` that lie within ``reach`` standard deviations of a mean, and further while
    the posterior of some student still stands on the ends.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # A step too far overflows; the log-likelihood is then no number, and the step is halved.
        return _expected(problem, point, distance, reach)


def _expected(problem: Problem, point: Point, distance: float, reach: float) -> Expectation:
    cells, inside = cell_model(problem.plan, point.value), None
    while True:
        nodes = _lattice(problem, point, distance, reach)
        if problem.sheets is None:
            normaliser = cells.summed(problem.stats.unit_cells, nodes)
        else:
            inside = inner(problem.sheets, cells, nodes, point.halo)
            normaliser = inside.normaliser
        posterior, log_likelihood = _posterior(problem, point, nodes, normaliser)
        ends = max(posterior[:, 0].max(), posterior[:, -1].max())
        if not np.isfinite(log_likelihood) or ends < EDGE or reach > 20:
            break
        reach += 1
    mass = problem.stats.entry.T @ posterior
    unit_mass = mass if inside is None else inside.spread(mass)
    eap = posterior @ nodes
    variance = np.maximum(posterior @ nodes**2 - eap**2, 0.0)
    found = Expectation(
        point, reach, nodes, cells, posterior, eap, variance, nodes if inside is None else inside.nodes, unit_mass,
        sparse.csr_array(problem.stats.unit_cells.T), log_likelihood, np.empty(0), inside,
    )  # fmt: skip
    return replace(found, gradient=_gradient(problem, found))


def _lattice(problem: Problem, point: Point, distance: float, reach: float) -> Floats:
    mean = problem.population.mean(point.coefficient)
    low = np.floor((mean.min(initial=0.0) - reach * point.sd) / distance)
    high = np.ceil((mean.max(initial=0.0) + reach * point.sd) / distance)
    return np.arange(low, high + 1) * distance


def _posterior(problem: Problem, point: Point, nodes: Floats, normaliser: Floats) -> tuple[Floats, float]:
    stats, variance = problem.stats, point.sd**2
    mean = problem.population.mean(point.coefficient)
    slope, prior = stats.total + mean / variance, nodes**2 / (2 * variance)
    posterior = np.empty((len(mean), len(nodes)))
    log_mass = np.empty(len(mean))
    for who in chunks(len(mean), 1024):
        log_joint = stats.entry[who] @ normaliser
        log_joint += prior
        np.subtract(slope[who, None] * nodes, log_joint, out=log_joint)
        peak = log_joint.max(axis=1)
        log_joint -= peak[:, None]
        joint = np.exp(log_joint, out=log_joint)
        mass = joint.sum(axis=1)
        np.divide(joint, mass[:, None], out=posterior[who])
        log_mass[who] = peak + np.log(mass)
    step = nodes[1] - nodes[0]
    constant = np.log(step) - 0.5 * np.log(2 * np.pi * variance)
    log_likelihood = float((log_mass - mean**2 / (2 * variance) + constant).sum())
    return posterior, log_likelihood - float(point.value @ stats.observed)


def _gradient(problem: Problem, found: Expectation) -> Floats:
    plan, population, variance = problem.plan, problem.population, found.point.sd**2
    expected = np.empty((plan.steps.gap.shape[1], plan.n_cells))
    for cells in chunks(plan.n_cells):
        climbed, _ = found.cells.climbed(found.cell_nodes, cells)
        expected[:, cells] = np.einsum("scq,cq->sc", climbed, found.cell_mass(cells))
    value = (plan.jacobian.T @ expected.ravel() - problem.stats.observed)[plan.free]
    from_mean = found.eap - population.mean(found.point.coefficient)
    coefficient = population.design.T @ (from_mean / variance)
    squared = found.variance + from_mean**2
    log_sd = [float((squared / variance - 1).sum())] if population.sd is None else []
    log_halo = []
    if problem.halo_place is not None and found.inner is not None and problem.sheets is not None:
        mass = problem.stats.entry.T @ found.posterior
        log_halo.append(found.inner.squared(mass) - problem.sheets.n_blocks)
    return np.concatenate([value, coefficient, log_sd, log_halo])


def windows(posterior: Floats) -> Iterator[tuple[Ints, int, int]]:
    """Students whose posterior stands on the same nodes: their indices, the first node and how many."""
    seen = posterior > WINDOW
    first = seen.argmax(axis=1)
    last = posterior.shape[1] - seen[:, ::-1].argmax(axis=1)
    first -= first % 2
    width = np.minimum(-(-(last - first) // 4) * 4, posterior.shape[1])
    first = np.minimum(first, posterior.shape[1] - width)
    key = width * posterior.shape[1] + first
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    for run in np.split(order, starts[1:]):
        for begin in range(0, len(run), _WHO):
            part = run[begin : begin + _WHO]
            yield part, int(first[part[0]]), int(width[part[0]])


def runs(posterior: Floats, most: int) -> Iterator[tuple[int, int, list[tuple[Ints, int, int]]]]:
    """Runs of about ``most`` nodes, first and end, and the :func:`windows` that stand within each."""
    looks = sorted(windows(posterior), key=lambda look: look[1])
    widest = max((width for _, _, width in looks), default=0)
    most = max(widest + widest // 4, most)
    while looks:
        begin = looks[0][1]
        beyond = (place for place, (_, first, width) in enumerate(looks) if first + width > begin + most)
        n = next(beyond, len(looks))
        yield begin, max(first + width for _, first, width in looks[:n]), looks[:n]
        looks = looks[n:]
