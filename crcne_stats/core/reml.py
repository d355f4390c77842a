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
PRECISE = 1e-3
"""Ratio of an effect's variance to its best known level's error variance above which a short form keeps its digits."""
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
    weights, gram, logdet = _absorbed(data, inner, residual)
    d = np.repeat(np.sqrt(np.r_[np.ones(data.n_fixed), outer]), np.diff(data.starts))
    lower = None
    if len(d):
        system = d[:, None] * gram * d
        system[np.diag_indices(len(d))] += np.r_[np.zeros(data.n_fixed), np.ones(len(d) - data.n_fixed)]
        lower = linalg.cholesky(system, lower=True, overwrite_a=True, check_finite=False)

    def projected(vector: Floats) -> Floats:
        weighed = _weighed(data, weights, vector)
        if lower is None:
            return weighed
        right = d[:, None] * data.sums(weighed)
        solved = d[:, None] * linalg.cho_solve((lower, True), right, check_finite=False)
        return weighed - _weighed(data, weights, data.effects(solved))

    p = projected(data.y)
    deviance = float((data.y * p).sum()) + samples * (logdet + data.freedom / samples * _LOG_2PI)
    if lower is not None:
        deviance += samples * 2 * float(np.log(np.diag(lower)).sum())
    moved = [*_inside(data, p), *_outside(data, p), p]
    answered = [projected(v) for v in moved]
    information = np.array([[float((a * b).sum()) / 2 for b in answered] for a in moved])
    every = _traces(data, weights, gram, d, outer, lower)
    gradient = samples * every - np.array([float((p * v).sum()) for v in moved])
    return Look(deviance, gradient, information)


def _absorbed(data: Blocks, inner: Floats, residual: float) -> tuple[list[Floats], Floats, float]:
    """Inverse covariances by shape, what they leave of the dense system (column, column), log determinant."""
    weights, logdet = [], 0.0
    gram = np.zeros((data.width, data.width))
    for shape in data.shapes:
        members, size = shape.size
        covariance = np.tensordot(inner, shape.same, 1) + residual * np.eye(size)
        lower = linalg.cholesky(covariance, lower=True, check_finite=False)
        logdet += members * 2 * float(np.log(np.diag(lower)).sum())
        w = inverted(lower)
        shape.add(shape.place.T @ w @ shape.place, gram)
        weights.append(w)
    return weights, gram, logdet


def inverted(lower: Floats) -> Floats:
    """The inverse of a matrix, from its lower Cholesky factor, whose upper half is not looked at."""
    found = np.tril(linalg.lapack.dpotri(lower, lower=1)[0])
    found += np.tril(found, -1).T
    return found


def _traces(
    data: Blocks, weights: Sequence[Floats], gram: Floats, d: Floats, outer: Floats, lower: Floats | None
) -> Floats:
    """tr(P V_i) (effect,) of each effect inside, each outside, and the residual; ``lower`` is not kept."""
    found = np.zeros(data.n_inside + 1)
    inverse = np.zeros((0, 0)) if lower is None else inverted(lower)
    between = []
    for own, ratio in zip(data.slices(), outer, strict=True):
        block = gram[own]
        if ratio * float(np.diag(block[:, own]).max()) > PRECISE:
            between.append((len(block) - float(np.trace(inverse[own, own]))) / ratio)
        else:  # the difference above would lose its digits
            solved = (block * d) @ inverse * d
            between.append(float(np.trace(block[:, own])) - float((solved * block).sum()))
    inverse *= d[:, None]
    inverse *= d
    for shape, w in zip(data.shapes, weights, strict=True):
        members = shape.size[0]
        met, seen = w @ shape.place, shape.taken(inverse)
        for place, same in enumerate(shape.same):
            found[place] += members * float((w * same).sum()) - float((met.T @ same @ met * seen).sum())
        found[-1] += members * float(np.trace(w)) - float((met.T @ met * seen).sum())
    return np.concatenate([found[:-1], between, found[-1:]])


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
