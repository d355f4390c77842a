"""One common factor behind the criteria, and the reliability ω that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from crcne_stats.core.classical import Floats

LEAST = 0.005
"""Smallest unique variance, as a share of the criterion's own, as in R's factanal."""
_STEPS, _FLAT, _FAR = 60, 1e-13, 2.0
"""Newton steps at most; a slope that counts as none; the longest step in the logarithm of a variance."""


@dataclass(frozen=True, eq=False)
class OneFactor:
    """Maximum likelihood fit of one factor: ``loading`` and ``unique`` (criterion,), in the units of the criteria.

    ``bounded`` says that a unique variance ended at its floor (a Heywood case).
    """

    loading: Floats
    unique: Floats
    bounded: bool

    @property
    def omega(self) -> float:
        """McDonald's ω (1999, Test theory, p. 89): share of the variance of the sum that the factor explains."""
        common = float(self.loading.sum() ** 2)
        return common / (common + float(self.unique.sum()))


def one_factor(c: Floats) -> OneFactor | None:
    """The factor behind covariances (criterion, criterion), three criteria or more; None where there is none.

    Jöreskog's (1967, doi:10.1007/BF02289658) likelihood, concentrated on the unique variances: it does not depend on
    the units of the criteria. Incomplete data may give covariances that no data could have; those have no fit.
    """
    if len(c) < 3 or np.isnan(c).any() or (np.diag(c) <= 1e-12).any():
        return None
    sd = np.sqrt(np.diag(c))
    r = c / np.outer(sd, sd)
    if np.linalg.eigvalsh(r)[0] <= 1e-8:
        return None
    start = np.clip((1 - 0.5 / len(c)) / np.diag(np.linalg.inv(r)), LEAST, 1)
    found = optimize.minimize(
        _misfit, start, args=(r,), jac=True, method="L-BFGS-B", bounds=[(LEAST, 1.0)] * len(c),
        options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    unique = _settled(found.x, r)
    loading = _loading(unique, r)
    if not loading.any():
        return None
    bounded = bool((unique <= LEAST * (1 + 1e-6)).any())
    if not bounded:
        loading, unique = _polished(loading, unique, r)
    loading = loading * (1 if loading.sum() >= 0 else -1)
    return OneFactor(loading * sd, unique * sd**2, bounded)


def _settled(unique: Floats, r: Floats) -> Floats:
    """Newton steps in the logarithms of the unique variances, held at their floor where the likelihood presses there.

    Near the floor the likelihood is so flat that a quasi-Newton search stops early, in a place that the order of the
    rows decides.
    """
    x, ends = np.log(unique), (np.log(LEAST), 0.0)
    value, slope = _in_logs(x, r)
    for _ in range(_STEPS):
        free = ~(((x <= ends[0]) & (slope > 0)) | ((x >= ends[1]) & (slope < 0)))
        if not free.any() or np.abs(slope[free]).max() < _FLAT:
            break
        size, vector = np.linalg.eigh(_curvature(x, r)[np.ix_(free, free)])
        step = np.zeros(len(x))
        step[free] = -vector @ ((vector.T @ slope[free]) / np.maximum(np.abs(size), 1e-12))
        step *= min(1.0, _FAR / np.abs(step).max())
        for part in 0.5 ** np.arange(12):
            tried = np.clip(x + part * step, *ends)
            new_value, new_slope = _in_logs(tried, r)
            if new_value < value:
                break
        else:
            break
        x, value, slope = tried, new_value, new_slope
    return np.asarray(np.exp(x))


def _in_logs(x: Floats, r: Floats) -> tuple[float, Floats]:
    value, slope = _misfit(np.exp(x), r)
    return value, slope * np.exp(x)


def _curvature(x: Floats, r: Floats) -> Floats:
    """Second derivatives in the logarithms, by central differences of the gradient."""
    moves = 1e-4 * np.eye(len(x))
    rows = np.stack([(_in_logs(x + move, r)[1] - _in_logs(x - move, r)[1]) / 2e-4 for move in moves])
    return np.asarray((rows + rows.T) / 2)


def _polished(loading: Floats, unique: Floats, r: Floats) -> tuple[Floats, Floats]:
    """Newton steps to the last digits, so that the order of the data leaves no trace."""
    theta = np.concatenate([loading, unique])
    for _ in range(3):
        step = np.linalg.lstsq(_hessian(theta, r), _equations(theta, r), rcond=None)[0]
        if not np.isfinite(step).all() or np.abs(step).max() > 1e-3:
            break
        theta = theta - step
    return theta[: len(r)], theta[len(r) :]


def _loading(unique: Floats, r: Floats) -> Floats:
    root = np.sqrt(unique)
    size, vector = np.linalg.eigh(r / np.outer(root, root))
    return np.asarray(root * vector[:, -1] * np.sqrt(max(size[-1] - 1, 0.0)))


def _misfit(unique: Floats, r: Floats) -> tuple[float, Floats]:
    root = np.sqrt(unique)
    size = np.linalg.eigvalsh(r / np.outer(root, root))[:-1]
    loading = _loading(unique, r)
    gradient = (loading**2 + unique - np.diag(r)) / unique**2
    return float((size - np.log(size) - 1).sum()), gradient


def omega_slope(c: Floats, fit: OneFactor) -> Floats:
    """Derivative of ω in each covariance (criterion, criterion), symmetric: ω moves by the sum of slope × move.

    Implicit differentiation of the likelihood equations at the covariances as they are, so it also holds where one
    factor does not fit exactly.
    """
    k = len(c)
    theta = np.concatenate([fit.loading, fit.unique])
    common, unique = float(fit.loading.sum()), float(fit.unique.sum())
    total = common**2 + unique
    slope = np.concatenate([np.full(k, 2 * common * unique / total**2), np.full(k, -(common**2) / total**2)])
    a = np.linalg.lstsq(_hessian(theta, c), slope, rcond=None)[0]
    inverse = np.linalg.inv(np.outer(fit.loading, fit.loading) + np.diag(fit.unique))
    along = np.outer(a[:k], fit.loading)
    return np.asarray(inverse @ (along + along.T + np.diag(a[k:])) @ inverse)


def _hessian(theta: Floats, c: Floats) -> Floats:
    """Derivative of the likelihood equations, by central differences."""
    k = len(c)
    step = 1e-5 * np.concatenate([np.sqrt(np.diag(c)), np.diag(c)])
    found = np.empty((2 * k, 2 * k))
    for j in range(2 * k):
        move = np.zeros(2 * k)
        move[j] = step[j]
        found[:, j] = (_equations(theta + move, c) - _equations(theta - move, c)) / (2 * step[j])
    return (found + found.T) / 2


def _equations(theta: Floats, c: Floats) -> Floats:
    """Gradient of log|Σ| + tr(C Σ⁻¹) in loadings and unique variances."""
    k = len(c)
    loading, unique = theta[:k], theta[k:]
    inverse = np.linalg.inv(np.outer(loading, loading) + np.diag(unique))
    middle = inverse - inverse @ c @ inverse
    return np.concatenate([2 * middle @ loading, np.diag(middle)])
