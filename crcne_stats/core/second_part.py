"""The other part of the certificate: what its level says of ability, and what an error in it would do.

An ordered probit (McKelvey & Zavoina 1975, doi:10.1080/0022250X.1975.9989847) on posteriors of ability; misclassified
levels by Bayes' rule, the true shares by the EM algorithm (Dempster, Laird & Rubin 1977).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDS = 200


def level_chances(posterior: Floats, nodes: Floats, level: Ints, n_levels: int) -> Floats | None:
    """Chance of each level by ability (node, level), from posteriors (student, node) and levels seen (student,).

    Maximises Σ log ∫ posterior × chance of the level seen; students without a level (−1) are left out. None where
    fewer than two levels were seen.
    """
    count = np.bincount(level[level >= 0], minlength=n_levels)
    seen = np.flatnonzero(count)
    if len(seen) < 2:
        return None
    own = [posterior[level == one] for one in seen]
    mean = np.concatenate(own) @ nodes
    x = (nodes - mean.mean()) / max(float(mean.std()), 1e-3)
    cut = ndtri(np.clip(np.cumsum(count[seen])[:-1] / count.sum(), 1e-4, 1 - 1e-4))
    start = np.r_[1.0, cut[0] * np.sqrt(2), np.log(np.maximum(np.diff(cut) * np.sqrt(2), 0.05))]

    def cost(point: Floats) -> float:
        table = _probit(point, x)
        return (
            -float(sum(np.log(rows @ table[:, place] + 1e-300).sum() for place, rows in enumerate(own))) / count.sum()
        )

    best = minimize(cost, start, method="BFGS", options={"gtol": 1e-5}).x
    answer = np.zeros((len(nodes), n_levels))
    answer[:, seen] = _probit(best, x)
    return answer


def _probit(point: Floats, x: Floats) -> Floats:
    """Chances (node, level) for slope, first cut and logarithms of the steps between cuts."""
    cuts = point[1] + np.r_[0.0, np.cumsum(np.exp(point[2:]))]
    passed = ndtr(point[0] * x[:, None] - cuts)
    edges = np.hstack([np.ones((len(x), 1)), passed, np.zeros((len(x), 1))])
    return np.asarray(edges[:, :-1] - edges[:, 1:])


def updated(posterior: Floats, chances: Floats, level: Ints) -> Floats:
    """Posteriors (student, node) once the level seen (student,) counts too; unchanged where there is none (−1)."""
    answer = posterior.copy()
    for one in range(chances.shape[1]):
        rows = level == one
        answer[rows] *= chances[:, one]
    total = answer.sum(axis=1, keepdims=True)
    return np.where(total > 0, answer / np.where(total > 0, total, 1.0), posterior)


def misclassified(n_levels: int, error: float) -> Floats:
    """Chance (true, seen) of each level seen, where a share ``error`` of results lies one level off.

    The error is shared between the level above and the one below; at the ends of the ladder it goes the one way.
    """
    table = np.eye(n_levels)
    if n_levels < 2:
        return table
    for true in range(n_levels):
        beside = [level for level in (true - 1, true + 1) if 0 <= level < n_levels]
        table[true, true] = 1 - error
        table[true, beside] = error / len(beside)
    return table


def true_shares(count: Any, table: Floats) -> Floats:
    """Share of each true level (level,), from the counts of the levels seen (level,) and their errors (true, seen)."""
    seen = np.asarray(count, dtype=float)
    total = seen.sum()
    share = np.full(len(table), 1 / len(table)) if total <= 0 else (seen + 0.5) / (seen + 0.5).sum()
    if total <= 0:
        return share
    for _ in range(ROUNDS):
        joint = share[:, None] * table
        margin = joint.sum(axis=0)
        new = (joint / np.where(margin > 0, margin, 1.0)) @ (seen / total)
        if np.abs(new - share).max() < 1e-10:
            break
        share = new
    return share


def true_levels(seen: Ints, table: Floats, share: Floats) -> Floats:
    """Chance of each true level (student, level) given the level seen (student,), the shares where none was (−1)."""
    joint = share[:, None] * table
    margin = joint.sum(axis=0)
    given = np.where(margin > 0, joint / np.where(margin > 0, margin, 1.0), np.eye(len(table))).T
    return np.where((seen >= 0)[:, None], given[np.maximum(seen, 0)], share)
