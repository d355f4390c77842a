"""Agreement weights: how much two levels agree, 1 on the diagonal, 0 for the two ends of most scales.

Source of all but the last: Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed., ch. 3, as in the R
package irrCAC. Krippendorff's ordinal metric depends on the ratings themselves: Krippendorff, K. (2019), Content
Analysis, 4th ed., ch. 12. It is not Gwet's «ordinal» weight, hence the two names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]


def identity(scores: Matrix) -> Matrix:
    """1 for the same level, 0 otherwise."""
    return np.eye(len(scores))


def linear(scores: Matrix) -> Matrix:
    """Falls with the distance between scores."""
    return 1 - _scaled(_distance(scores))


def quadratic(scores: Matrix) -> Matrix:
    """Falls with the squared distance between scores; Krippendorff's interval metric."""
    return 1 - _scaled(_distance(scores) ** 2)


def radical(scores: Matrix) -> Matrix:
    """Falls with the square root of the distance between scores."""
    return 1 - _scaled(np.sqrt(_distance(scores)))


def ordinal(scores: Matrix) -> Matrix:
    """Gwet's ordinal weights: falls with the number of pairs of levels between the two, whatever their scores."""
    rank = np.arange(len(scores))
    span = np.abs(rank[:, None] - rank) + 1
    return 1 - _scaled(span * (span - 1) / 2)


def ratio(scores: Matrix) -> Matrix:
    """Falls with the squared relative distance between scores; Krippendorff's ratio metric. Scores must be ≥ 0."""
    if np.min(scores) < 0:
        raise ValueError("ratio weights need scores that are zero or positive")
    total = scores[:, None] + scores
    return 1 - _scaled(np.divide(_distance(scores), total, out=np.zeros_like(total), where=total > 0) ** 2)


def circular(scores: Matrix) -> Matrix:
    """For scales that close on themselves: the two ends are neighbours."""
    return 1 - _scaled(np.sin(np.pi * _distance(scores) / (np.ptp(scores) + 1)) ** 2)


def bipolar(scores: Matrix) -> Matrix:
    """A distance near an end of the scale counts more than in its middle."""
    total = scores[:, None] + scores
    room = (total - 2 * scores.min()) * (2 * scores.max() - total)
    return 1 - _scaled(np.divide(_distance(scores) ** 2, room, out=np.zeros_like(room), where=room > 0))


WEIGHTS: dict[str, Callable[[Matrix], Matrix]] = {
    "identity": identity,
    "linear": linear,
    "quadratic": quadratic,
    "ordinal": ordinal,
    "radical": radical,
    "ratio": ratio,
    "circular": circular,
    "bipolar": bipolar,
}
"""Weights that depend on the scale alone: ``function(scores of shape (level,)) -> (level, level)``."""

KRIPPENDORFF_ORDINAL = "krippendorff_ordinal"
CUSTOM = "custom"


def weight_names() -> tuple[str, ...]:
    """Every name that stands for weights."""
    return (*WEIGHTS, KRIPPENDORFF_ORDINAL)


def weight_matrix(weights: str | Any, scores: Any) -> Matrix | None:
    """The matrix of shape (level, level), or None when the weights follow from the ratings (krippendorff_ordinal).

    Parameters
    ----------
    weights : str or array of shape (level, level)
        A name of :func:`weight_names`, or a symmetric matrix with ones on its diagonal.
    scores : array of shape (level,)
        The scores of the levels, ascending. Gaps count: with scores 0, 1, 4 the last step is three times the first.

    Raises
    ------
    ValueError
        For an unknown name or a matrix that is not of that shape, symmetric, finite and with a unit diagonal.
    """
    points = np.asarray(scores, dtype=float)
    if isinstance(weights, str):
        if weights == KRIPPENDORFF_ORDINAL:
            return None
        if weights not in WEIGHTS:
            raise ValueError(f"unknown weights {weights!r}; there are {', '.join(weight_names())}")
        return WEIGHTS[weights](points)
    matrix = np.asarray(weights, dtype=float)
    if matrix.shape != (len(points), len(points)):
        raise ValueError(f"weights of shape {matrix.shape} for {len(points)} levels")
    if not (np.isfinite(matrix).all() and np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)):
        raise ValueError("weights must be finite, symmetric and 1 on the diagonal")
    return matrix


def ordinal_metric(counts: Matrix) -> Matrix:
    """Krippendorff's ordinal metric as weights, from the number of pairable ratings at each level.

    ``counts`` has shape (…, level); the answer (…, level, level). The distance between two levels is that between
    their mid-ranks. Works on complex numbers too (derivatives are taken by a complex step).
    """
    rank = np.cumsum(counts, axis=-1) - counts / 2
    distance = (rank[..., :, None] - rank[..., None, :]) ** 2
    largest = distance[..., :1, -1:]  # mid-ranks ascend: the two ends lie farthest apart
    return 1 - distance / np.where(largest.real > 0, largest, 1.0)


def _distance(scores: Matrix) -> Matrix:
    return np.abs(scores[:, None] - scores)


def _scaled(distance: Matrix) -> Matrix:
    largest = distance.max()
    return distance / largest if largest > 0 else distance
