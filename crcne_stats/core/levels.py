"""Agreement level by level, and which levels are taken for which: functions of the moments of agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.moments import Moments, ratio_of

Array = NDArray[Any]


def specific_agreement(m: Moments) -> Array:
    """For each level, shape (resample, level): where one trainer gave it, how often another of that file did too.

    Each rating counts once, so that with the same number of trainers per file this is the specific agreement of
    Cicchetti & Feinstein (1990, doi:10.1016/0895-4356(90)90159-M). NaN for a level that no pairable rating uses.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diagonal(m.coincidences, axis1=1, axis2=2) / m.coincidences.sum(axis=2)


def level_kappa(m: Moments) -> Array:
    """Fleiss' kappa of each level against all others, shape (resample, level) (Fleiss 1971)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = m.shares / m.files[:, None]
        split = m.pairs.sum(axis=2) - np.diagonal(m.pairs, axis1=1, axis2=2)
        return ratio_of(1 - 2 * split / m.pairable[:, None], share**2 + (1 - share) ** 2)


def confusion(m: Moments) -> Array:
    """Where one trainer gave a level, how often another of that file gave the level next to it.

    Shape (resample, confused): neighbouring levels in the order of :func:`confused`. NaN for a level that no pairable
    rating uses.
    """
    first, other = confused(m.n_levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return m.coincidences[:, first, other] / m.coincidences.sum(axis=2)[:, first]


def confused(q: int) -> tuple[Array, Array]:
    """The first and the other level of each ordered pair of neighbouring levels, each (confused,)."""
    first, other = np.nonzero(np.abs(np.subtract.outer(np.arange(q), np.arange(q))) == 1)
    return first, other
