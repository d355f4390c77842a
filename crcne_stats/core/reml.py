"""Restricted maximum likelihood of variance components, for crossed and nested designs with missing cells.

Average-information steps (Gilmour, Thompson & Cullis 1995, doi:10.2307/2533274) on the likelihood of Patterson &
Thompson (1971, doi:10.1093/biomet/58.3.545), which lme4 maximises too. Several parts of one data set may have models of
their own, whose variances are sums of the components: so complete cells of criteria are rotated into their mean and
contrasts (see
:func:`crcne_stats.core.variance.parts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from crcne_stats.core.reml_blocks import Blocks

Floats = NDArray[np.float64]
TOLERANCE = 1e-10
LARGEST = 1e3
"""Largest component, in variances of the ratings, that a step may reach."""
NOTHING = 1e-9
"""Residual variance, as a share of that of the ratings, under which the likelihood grows without bound."""
_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Part:
    """Ratings and how their variances (inside effects, outside effects, residual) add up from the components.

    ``map`` : (variance, component); ``constant`` is added to the deviance.
    """

    blocks: Blocks
    map: Floats
    constant: float = 0.0


@dataclass(frozen=True, eq=False)
class Look:
    """Deviance, its gradient and half the average information (component, component) at some variances."""

    deviance: float
    gradient: Floats
    information: Floats


@dataclass(frozen=True, eq=False)
class Reml:
    """``variance`` and ``boundary`` (component,); ``covariance`` (component, component) of the estimates, NaN at a
    boundary; ``deviance`` the REML criterion; ``steps`` taken."""

    variance: Floats
    covariance: Floats
    boundary: NDArray[np.bool_]
    deviance: float
    converged: bool
    steps: int


def reml(parts: Sequence[Part], start: Any, max_steps: int = 100) -> Reml:
    """Fit from a starting point (component,); a component is kept from 0 up, the last (the residual) above 0."""
    scale = _scale(parts)
    theta = np.maximum(np.asarray(start, dtype=float) / scale, 1e-3)
    scaled = [Part(_divided(part.blocks, np.sqrt(scale)), part.map, part.constant) for part in parts]
    here = look(scaled, theta)
    converged, taken = False, 0
    while taken < max_steps and not converged and theta[-1] > NOTHING:
        new, found = _step(scaled, theta, here)
        taken += 1
        fall, moved = here.deviance - found.deviance, np.abs(new - theta).max(initial=0)
        theta, here = new, found
        converged = fall < TOLERANCE * max(1.0, abs(here.deviance)) and moved < 1e-4 * max(theta.max(), 1e-300)
    boundary = theta <= 0
    covariance = np.full((len(theta), len(theta)), np.nan)
    free = np.flatnonzero(~boundary)
    covariance[np.ix_(free, free)] = np.linalg.pinv(here.information[np.ix_(free, free)]) * scale**2
    freedom = sum(part.blocks.freedom for part in parts)
    deviance = here.deviance + freedom * float(np.log(scale))
    return Reml(theta * scale, covariance, boundary, deviance, converged, taken)


def _scale(parts: Sequence[Part]) -> float:
    total = sum(float((_centred(part.blocks) ** 2).sum()) for part in parts)
    return total / max(sum(part.blocks.freedom for part in parts), 1) or 1.0


def _centred(given: Blocks) -> Floats:
    return np.asarray(given.y - given.n_fixed * given.y.mean(axis=0))


def _divided(given: Blocks, by: float) -> Blocks:
    return Blocks(_centred(given) / by, given.outside, given.starts, given.n_fixed, given.n_inside, given.shapes)


def _step(parts: Sequence[Part], theta: Floats, here: Look) -> tuple[Floats, Look]:
    """A step that keeps to variances from 0 up, shortened until the deviance falls."""
    free = (theta > 0) | (here.gradient < 0)
    move = np.zeros(len(theta))
    while free.any():
        move[:] = 0
        inner = here.information[np.ix_(free, free)]
        ridge = 1e-10 * np.trace(inner) / len(inner)
        move[free] = -np.linalg.solve(inner + ridge * np.eye(len(inner)), here.gradient[free] / 2)
        held = free & (theta <= 0) & (move < 0)
        if not held.any():
            break
        free &= ~held
    length = 1.0
    floor = np.r_[np.zeros(len(theta) - 1), theta[-1] / 10]
    for _ in range(40):
        new = np.clip(theta + length * move, floor, np.minimum(30 * np.maximum(theta, 1e-3), LARGEST))
        found = look(parts, new)
        if found.deviance <= here.deviance:
            return new, found
        length /= 2
    return theta, here


def look(parts: Sequence[Part], theta: Floats) -> Look:
    """Deviance, gradient and average information at components (component,)."""
    deviance, gradient = 0.0, np.zeros(len(theta))
    information = np.zeros((len(theta), len(theta)))
    for part in parts:
        found = _of_part(part.blocks, part.map @ theta)
        deviance += found.deviance + part.constant
        gradient += part.map.T @ found.gradient
        information += part.map.T @ found.information @ part.map
    return Look(deviance, gradient, information)


def _of_part(data: Blocks, variance: Floats) -> Look:
    n_inside, samples = data.n_inside, data.y.shape[1]
    inner, outer, residual = variance[:n_inside], variance[n_inside:-1], float(variance[-1])
    weights, traces, gram, others, logdet = _absorbed(data, inner, residual)
    d = np.repeat(np.sqrt(np.r_[np.ones(data.n_fixed), outer]), np.diff(data.starts))
    system = d[:, None] * gram * d
    system[np.diag_indices(len(d))] += np.r_[np.zeros(data.n_fixed), np.ones(len(d) - data.n_fixed)]
    factor = linalg.cho_factor(system, lower=True, check_finite=False) if len(d) else None

    def projected(vector: Floats) -> Floats:
        weighed = _weighed(data, weights, vector)
        if factor is None:
            return weighed
        solved = d[:, None] * linalg.cho_solve(factor, d[:, None] * data.sums(weighed), check_finite=False)
        return weighed - _weighed(data, weights, data.effects(solved))

    p = projected(data.y)
    deviance = float((data.y * p).sum()) + samples * (logdet + data.freedom / samples * _LOG_2PI)
    inverse = np.zeros((0, 0))
    if factor is not None:
        deviance += samples * 2 * float(np.log(np.diag(factor[0])).sum())
        inverse = d[:, None] * linalg.cho_solve(factor, np.eye(len(d)), check_finite=False) * d
    moved = [*_inside(data, p), *_outside(data, p), p]
    trace = [one - float((inverse * other).sum()) for one, other in zip(traces, others, strict=True)]
    between = [float(np.trace(gram[s, s])) - float(((gram[s] @ inverse) * gram[s]).sum()) for s in data.slices()]
    every = np.array([*trace[:-1], *between, trace[-1]])
    gradient = samples * every - np.array([float((p * v).sum()) for v in moved])
    answered = [projected(v) for v in moved]
    information = np.array([[float((a * b).sum()) / 2 for b in answered] for a in moved])
    return Look(deviance, gradient, information)


def _absorbed(data: Blocks, inner: Floats, residual: float) -> tuple[list[Floats], Floats, Floats, list[Floats], float]:
    """Inverse covariances by shape, traces with each inside effect and the residual, and dense products of both."""
    width, n = data.width, data.n_inside
    weights, logdet, traces = [], 0.0, np.zeros(n + 1)
    gram = np.zeros((width, width))
    others = [np.zeros((width, width)) for _ in range(n + 1)]
    for shape in data.shapes:
        members, size = shape.size
        covariance = np.tensordot(inner, shape.same, 1) + residual * np.eye(size)
        lower = linalg.cholesky(covariance, lower=True, check_finite=False)
        logdet += members * 2 * float(np.log(np.diag(lower)).sum())
        w = np.asarray(linalg.cho_solve((lower, True), np.eye(size), check_finite=False))
        met = w @ shape.place
        traces += members * np.array([*(float((w * same).sum()) for same in shape.same), float(np.trace(w))])
        small = [shape.place.T @ met, *(met.T @ same @ met for same in shape.same), met.T @ met]
        added = shape.scatter(small, width)
        gram += added[0]
        for place in range(n + 1):
            others[place] += added[place + 1]
        weights.append(w)
    return weights, traces, gram, others, logdet


def _weighed(data: Blocks, weights: Sequence[Floats], vector: Floats) -> Floats:
    found = np.empty_like(vector)
    for shape, w in zip(data.shapes, weights, strict=True):
        found[shape.rows] = np.matmul(w, shape.stacked(vector)).reshape(-1, vector.shape[1])
    return found


def _inside(data: Blocks, vector: Floats) -> list[Floats]:
    """Each rating's sum over all that share its level of an inside effect."""
    found = [np.empty_like(vector) for _ in range(data.n_inside)]
    for shape in data.shapes:
        for place, same in enumerate(shape.same):
            found[place][shape.rows] = np.matmul(same, shape.stacked(vector)).reshape(-1, vector.shape[1])
    return found


def _outside(data: Blocks, vector: Floats) -> list[Floats]:
    """Each rating's sum over all that share its level of an outside effect."""
    sums = data.sums(vector)
    return [sums[code] for code in data.outside[data.n_fixed :]]
