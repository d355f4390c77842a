"""Random-effects variance components by REML, on crossed designs with any missing pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from crcne_stats.core.components_design import Absorbed, absorbed
from crcne_stats.core.reml import inverted

Floats = NDArray[np.float64]
MOST_STEPS = 200
CLOSE = 1e-12
"""The search ends when a Newton step promises to lower the deviance by less than this."""
SURE = 1e-6
"""A step that promises less is taken as it is: the fall drowns in the rounding of the deviance."""
STUCK = 1e-3
"""Where no step lowers the deviance, one that promises less than this has only rounding against it."""
EXACT = 1e-11
"""A residual variance under this share of the total is read as none at all."""
LARGE = 1e6
"""Where there is no residual, it is held at the variance of the ratings over this."""


@dataclass(frozen=True)
class Components:
    """Estimated variance components; the axis ``component`` is file, then the blocks as given, then residual.

    ``variance`` and ``unbounded`` (component,): the estimates, and where the likelihood would have gone without the
    bound at zero (one step of Fisher scoring, which in a balanced design is what mean squares give; the same save where
    ``boundary``). ``covariance`` (component, component): of ``unbounded``, from the expected information. ``deviance``
    is lme4's REML criterion. ``residual_zero``: the effects explain the ratings to the last digit, the likelihood has
    no maximum, and errors do not exist.
    """

    variance: Floats
    unbounded: Floats
    covariance: Floats
    boundary: NDArray[np.bool_]
    deviance: float
    converged: bool
    iterations: int
    residual_zero: bool = False


@dataclass(frozen=True)
class _Point:
    """The REML problem at one place: variance ratios, deviance and what its slope needs."""

    ratios: Floats
    deviance: float
    residual: float
    scaled: Floats
    factor: Any
    solution: Floats


def components(y: Any, file: Any, blocks: list[Any], fixed: Any = None) -> Components:
    """REML estimates of the variances of y = fixed part + file + blocks + residual, all random effects independent.

    Parameters
    ----------
    y : array (rating,)
        What was measured, in its own units.
    file : integer array (rating,)
        The file (a student) of each rating. Files are eliminated one by one, so that the dense system has the size of
        the other effects together: 30 000 files with 900 trainers are a system of order 900.
    blocks : list of integer arrays (rating,)
        Further random effects, such as trainer or INSPÉ.
    fixed : integer array (rating,), optional
        Groups each with a mean of its own; by default one mean for all.

    Returns
    -------
    Components

    Raises
    ------
    ValueError
        When there are no more ratings than means.

    Notes
    -----
    Patterson, H. D. & Thompson, R. (1971), doi:10.1093/biomet/58.3.545, for the criterion; Gilmour, A. R., Thompson, R.
    & Cullis, B. R. (1995), doi:10.2307/2533274, for the average information; Bates, D. et al. (2015),
    doi:10.18637/jss.v067.i01, for the profiled deviance, to which ours is equal.
    """
    design = absorbed(y, file, blocks, fixed)
    if design.freedom < 1:
        raise ValueError("there are no more ratings than means")
    point = _at(design, np.r_[1.0, np.full(len(design.sizes), 0.2)])
    steps, converged = 0, False
    while steps < MOST_STEPS and not converged and not _exact(design, point):
        steps += 1
        slope, curvature = _derivatives(design, point)
        found, promised = _step(design, point, slope, curvature)
        converged = promised < (CLOSE if found is not point else STUCK)
        if found is point:
            break
        point = found
    if _exact(design, point):
        return _without_residual(design, steps)
    return _answer(design, point, converged, steps)


def _exact(design: Absorbed, point: _Point) -> bool:
    return point.residual / design.freedom <= EXACT * design.spread


def _at(design: Absorbed, ratios: Floats) -> _Point:
    """Deviance and factored mixed-model equations at the given ratios of variances to the residual's."""
    gram, cross, square = design.weighted(ratios[0])
    scale = design.scales(ratios[1:])
    scaled = gram * scale[:, None] * scale
    scaled.flat[:: len(scaled) + 1] += np.r_[np.zeros(design.n_fixed), np.ones(len(scaled) - design.n_fixed)]
    try:
        factor = linalg.cho_factor(scaled, lower=True, check_finite=False)
    except linalg.LinAlgError:  # so far out that the digits are gone: no better place than any other
        return _Point(ratios, np.inf, np.nan, gram, None, np.full(len(gram), np.nan))
    solution = linalg.cho_solve(factor, scale * cross, check_finite=False)
    residual = max(float(square - (scale * cross) @ solution), 1e-300)
    logs = np.log1p(ratios[0] * design.per_file).sum() + 2 * np.log(np.diag(factor[0])).sum()
    deviance = float(logs + design.freedom * np.log(residual))
    return _Point(ratios, deviance, residual, gram, factor, scale * solution)


def _derivatives(design: Absorbed, point: _Point) -> tuple[Floats, Floats]:
    """Slope (ratio,) of the deviance and its average-information curvature (ratio, ratio), residual profiled out."""
    parts, product = _working(design, point)
    variance = point.residual / design.freedom
    own = np.array([parts[-1] @ part for part in parts[:-1]])
    slope = _traces(design, point) - own / variance
    curvature = product[:-1, :-1] / variance - np.outer(own, own) / (variance**2 * design.freedom)
    return slope, curvature


def _working(design: Absorbed, point: _Point) -> tuple[list[Floats], Floats]:
    """The working vectors V_i P y, the last being P y, and their products under P (component, component)."""
    gamma = point.ratios[0]
    fitted = design.effects(point.solution)
    last = design.weigh(design.y - fitted, gamma)
    parts = [*design.spread_back(last), last]
    projected = [_project(design, point, part) for part in parts]
    return parts, np.array([[one @ other for other in projected] for one in parts])


def _project(design: Absorbed, point: _Point, vector: Floats) -> Floats:
    """P v, v (rating,) being any vector."""
    gamma, scale = point.ratios[0], design.scales(point.ratios[1:])
    weighed = design.weigh(vector, gamma)
    inner = linalg.cho_solve(point.factor, scale * design.sums(weighed), check_finite=False)
    return weighed - design.weigh(design.effects(scale * inner), gamma)


def _traces(design: Absorbed, point: _Point) -> Floats:
    """tr(P V_i) for each random effect."""
    gamma, scale = point.ratios[0], design.scales(point.ratios[1:])
    inverse = inverted(point.factor[0])
    solved = inverse * scale[:, None] * scale
    shrink = 1 / (1 + gamma * design.per_file)
    found = [float(design.per_file @ shrink) - float(np.vdot(solved, design.over_files(shrink**2)))]
    for block, ratio in zip(design.slices, point.ratios[1:], strict=True):
        gram = point.scaled[block]
        if ratio * gram[:, block].diagonal().max() > 1e-3:
            found.append((gram.shape[0] - float(inverse[block, block].trace())) / ratio)
        else:  # the difference above would lose its digits
            found.append(float(gram[:, block].trace() - np.einsum("ij,jk,ik->", gram, solved, gram, optimize=True)))
    return np.array(found)


def _step(design: Absorbed, point: _Point, slope: Floats, curvature: Floats) -> tuple[_Point, float]:
    """A Newton step that keeps to ratios from 0 up, shortened until the deviance falls; and the fall promised."""
    free = (point.ratios > 0) | (slope < 0)
    move = np.zeros(len(slope))
    inner = curvature[np.ix_(free, free)]
    ridge = 1e-12 * np.trace(inner) / max(len(inner), 1)
    move[free] = -np.linalg.lstsq(inner + ridge * np.eye(len(inner)), slope[free], rcond=None)[0]
    if move @ slope > 0:
        move = -slope * np.maximum(point.ratios, 1e-3) / np.maximum(np.abs(slope), 1e-30)
    promised, length = -float(move @ slope) / 2, 1.0
    for _ in range(40):
        # No ratio falls or grows more than a hundredfold at once, save to zero itself.
        ratios = np.minimum(np.maximum(point.ratios + length * move, 0.0), 100 * np.maximum(point.ratios, 1e-2))
        found = _at(design, ratios)
        if np.isfinite(found.deviance) and (promised < SURE or found.deviance <= point.deviance):
            return found, promised
        length /= 2
    return point, promised


def _without_residual(design: Absorbed, steps: int) -> Components:
    """Components of ratings that the effects explain to the last digit, the residual being held at next to nothing."""
    least = design.spread / LARGE

    def deviance(logs: Floats) -> float:
        point = _at(design, np.exp(logs))
        return point.deviance - design.freedom * np.log(point.residual) + point.residual / least

    size = 1 + len(design.sizes)
    found = optimize.minimize(
        deviance, np.full(size, np.log(LARGE / 2)), method="Nelder-Mead", bounds=[(-2.0, np.log(LARGE) + 10)] * size,
        options={"xatol": 1e-6, "fatol": 1e-7},
    )  # fmt: skip
    ratios = np.exp(found.x)
    estimate = least * np.r_[np.where(ratios > 1, ratios, 0.0), 0.0]
    none = np.full((len(estimate), len(estimate)), np.nan)
    return Components(estimate, estimate, none, estimate <= 0, -np.inf, bool(found.success), steps, True)


def _answer(design: Absorbed, point: _Point, converged: bool, steps: int) -> Components:
    variance = point.residual / design.freedom
    deviance = point.deviance + design.freedom * (1 + np.log(2 * np.pi / design.freedom))
    estimate = variance * np.r_[point.ratios, 1.0]
    information = _information(design, point) / (2 * variance**2)
    norm = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    covariance = np.linalg.pinv(information * norm[:, None] * norm, rcond=1e-10) * norm[:, None] * norm
    slope = np.r_[_derivatives(design, point)[0], 0.0] / variance
    boundary = np.r_[point.ratios <= 0, False]
    beyond = estimate - np.where(boundary, covariance @ np.where(boundary, slope / 2, 0.0), 0.0)
    return Components(estimate, beyond, covariance, boundary, deviance, converged, steps)


def _information(design: Absorbed, point: _Point) -> Floats:
    """tr(P V_i P V_j) for all components (component, component), the residual's variance being 1."""
    gamma, scale = point.ratios[0], design.scales(point.ratios[1:])
    gram = point.scaled
    solved = linalg.cho_solve(point.factor, np.diag(scale), check_finite=False) * scale[:, None]
    shrink = 1 / (1 + gamma * design.per_file)
    own, inner = design.per_file * shrink, design.over_files(shrink**2)
    left = np.eye(len(gram)) - solved @ gram
    both = gram @ left
    product = solved @ inner
    ends = [slice(0, 0), *design.slices]
    found = np.zeros((len(ends) + 1, len(ends) + 1))
    found[0, 0] = own @ own - 2 * np.vdot(solved, design.over_files(shrink**2 * own)) + np.vdot(product.T, product)
    for i, block in enumerate(ends[1:], 1):
        found[0, i] = found[i, 0] = np.vdot(left[:, block], inner @ left[:, block])
        for j, other in enumerate(ends[1:], 1):
            found[i, j] = np.vdot(both[block, other], both[block, other])
    # The variances times these sum up to tr(P V_j), whose own sum is the degrees of freedom.
    traces = _traces(design, point)
    found[-1, :-1] = found[:-1, -1] = traces - point.ratios @ found[:-1, :-1]
    found[-1, -1] = design.freedom - point.ratios @ traces - point.ratios @ found[:-1, -1]
    return found
