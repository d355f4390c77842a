"""Category probabilities of the many-facet Rasch model: the one place where the formula stands.

The log-odds of level k over k−1 are ``location − threshold(k)``, the location being ability − difficulty − severity
(Linacre 1989, Many-facet Rasch measurement; Andrich 1978, doi:10.1007/BF02293814; Masters 1982,
doi:10.1007/BF02296272).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def category_probabilities(location: Any, thresholds: Any) -> Floats:
    """Probability of each level, shape (rating, level).

    Parameters
    ----------
    location : (rating,)
        In logits.
    thresholds : (rating, step) or (step,)
        One per level above the lowest, in logits; +inf closes a level, for ratings with fewer levels than others.
    """
    steps = np.asarray(location, dtype=float)[:, None] - np.asarray(thresholds, dtype=float)
    logits = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], axis=1)
    logits -= logits.max(axis=1, keepdims=True)
    odds = np.exp(logits)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def drawn_categories(rng: np.random.Generator, location: Any, thresholds: Any) -> NDArray[np.int64]:
    """One level (rating,) drawn for each rating: an index from 0 (the lowest)."""
    cumulated = np.cumsum(category_probabilities(location, thresholds), axis=1)
    uniform = rng.random(len(cumulated))
    return np.asarray((uniform[:, None] > cumulated[:, :-1]).sum(axis=1))
