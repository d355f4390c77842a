"""Halo after the fact: from a fit without it, how far a trainer's scores of one student move together, and posteriors
that know it.

The likelihood of a fit without halo takes a trainer's ratings for independent, so it is too sharp. It is flattened to
the information that halo leaves (a composite likelihood adjusted in magnitude: Pauli, Racugno & Ventura 2011, Bayesian
composite marginal likelihoods, Statistica Sinica 21, 149–164). This costs one pass over the students, where a fit with
halo tabulates every sheet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
USUAL = 0.25
"""Variance of halo in logits² with which sheets are weighted."""


def halo_by_moments(student: Ints, residual: Any, information: Any) -> float:
    """Standard deviation of halo in logits, from sheets (sheet,) in the order of their students; NaN without pairs.

    ``residual`` is the sum of observed less expected levels at the student's ability, ``information`` the sum of their
    model variances. Two sheets of one student differ by their sampling errors and twice the variance of halo.
    """
    r, info = np.asarray(residual, dtype=float), np.asarray(information, dtype=float)
    same = np.flatnonzero((student[1:] == student[:-1]) & (info[1:] > 0) & (info[:-1] > 0))
    if not len(same):
        return float("nan")
    gap = r[same + 1] / info[same + 1] - r[same] / info[same]
    chance = 1 / info[same + 1] + 1 / info[same]
    weight = 1 / (chance + 2 * USUAL) ** 2
    variance = float((weight * (gap**2 - chance)).sum() / (2 * weight.sum()))
    return float(np.sqrt(max(variance, 0.0)))


def flattened(posterior: Floats, nodes: Floats, mean: Floats, sd: float, share: Floats) -> Floats:
    """Posteriors (student, node) of which the likelihood keeps a share (student,) of its information.

    ``mean`` (student,) and ``sd`` are those of the normal prior.
    """
    prior = -(((nodes - mean[:, None]) / sd) ** 2) / 2
    log = share[:, None] * np.log(np.maximum(posterior, 1e-300)) + (1 - share)[:, None] * prior
    log -= log.max(axis=1, keepdims=True)
    answer = np.exp(log)
    return np.asarray(answer / answer.sum(axis=1, keepdims=True))


def share_left(student: Ints, information: Any, halo: float, n_students: int) -> Floats:
    """Share (student,) of the information of all sheets that halo leaves; 1 for a student without one."""
    info = np.asarray(information, dtype=float)
    whole = np.bincount(student, info, minlength=n_students)
    left = np.bincount(student, info / (1 + halo**2 * info), minlength=n_students)
    return np.asarray(np.where(whole > 0, left / np.where(whole > 0, whole, 1.0), 1.0))
