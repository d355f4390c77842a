"""How far expected shares move with the parameters: what the error of the estimates adds to their intervals."""

from __future__ import annotations

import numpy as np

from crcne_stats.analysis.certification_risk import Case


def moved(case: Case, definition: str, person: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Slope (estimate,) of the mean over persons of a chance that is a function of ability (node,).

    The estimates move abilities, and where each level begins. A chance depends on how far ability is from the nearest
    of these boundaries: criteria that turn out harder move it with them.
    """
    nodes, cut = case.found.nodes, case.where[definition]
    shift = case.measured.scale.shift[case.measured.fitted.asked.component[person]]
    steep = np.gradient(curve, nodes) if len(nodes) > 1 else np.zeros(len(nodes))
    # Boundaries stand on the common scale; one lattice serves all persons, at their mean shift.
    near = nearest(nodes + float(shift.mean()), cut)
    posterior = case.found.posterior[person]
    each = posterior @ steep
    by_cut = np.array([float((posterior[:, near == one] @ steep[near == one]).sum()) for one in range(len(cut))])
    return _slope(case, definition, person, each, by_cut)


def moved_each(case: Case, definition: str, person: np.ndarray, steep: np.ndarray) -> np.ndarray:
    """The same from the slope of each person's chance in ability (person,)."""
    cut = case.where[definition]
    near = nearest(case.found.moments.mean[person], cut)
    return _slope(case, definition, person, steep, np.bincount(near, steep, minlength=len(cut)))


def nearest(ability: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Place (ability,) of the nearest boundary; the first where there is none within reach."""
    gap = np.abs(ability[:, None] - np.where(np.isfinite(cut), cut, np.inf))
    return np.asarray(gap.argmin(axis=1))


def _slope(case: Case, definition: str, person: np.ndarray, each: np.ndarray, by_cut: np.ndarray) -> np.ndarray:
    reach = case.reach[definition]
    slope = np.asarray(reach.gradient[person].T @ each) - by_cut @ reach.cut_gradient[1:]
    return np.asarray(slope / max(len(person), 1))


def half_of(covariance: np.ndarray) -> np.ndarray:
    """A matrix whose product with its transpose is the covariance, for draws of the estimates."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
