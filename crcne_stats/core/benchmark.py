"""Scales of words for agreement coefficients, read on the estimate and on its error.

A word taken from the estimate alone is right about half of the time when the estimate lies near an edge. Gwet's
reading gives the best word that the coefficient deserves with a wanted probability.

Sources: Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., ch. 6; Landis & Koch (1977) doi:10.2307/2529310;
Altman (1991), Practical Statistics for Medical Research, p. 404; Fleiss (1981), Statistical Methods for Rates and
Proportions, 2nd ed., p. 218; Koo & Li (2016) doi:10.1016/j.jcm.2016.02.012, written for intraclass correlations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]


@dataclass(frozen=True)
class Scale:
    """Words from the worst to the best; ``lower`` holds the lower edge of each, the first being −1."""

    lower: tuple[float, ...]
    words: tuple[str, ...]


SCALES: dict[str, Scale] = {
    "landis_koch": Scale(
        (-1, 0, 0.2, 0.4, 0.6, 0.8), ("poor", "slight", "fair", "moderate", "substantial", "almost_perfect")
    ),
    "altman": Scale((-1, 0.2, 0.4, 0.6, 0.8), ("poor", "fair", "moderate", "good", "very_good")),
    "fleiss": Scale((-1, 0.4, 0.75), ("poor", "fair_to_good", "excellent")),
    "koo_li": Scale((-1, 0.5, 0.75, 0.9), ("poor", "moderate", "good", "excellent")),
}


def naive(value: float, scale: Scale) -> str:
    """The word in whose range the estimate lies; an edge belongs to the better word."""
    place = int(np.searchsorted(scale.lower, value, side="right")) - 1
    return scale.words[max(place, 0)]


def cumulative(value: float, se: float, scale: Scale) -> Array:
    """Probability (word,) that the coefficient deserves each word or a better one, from the worst to the best.

    Normal around the estimate, cut at −1 and 1 (Gwet 2014; R irrCAC ``landis.koch.bf`` and the like). Without error
    the words up to the naive one have probability 1.
    """
    edges = np.array(scale.lower, dtype=float)
    if not se > 0:
        return (value >= edges).astype(float) if se == 0 else np.full(len(edges), np.nan)
    # Upper tails keep their digits where the distribution function is close to 1.
    above = stats.norm.sf((np.append(edges, 1.0) - value) / se)
    return (above[:-1] - above[-1]) / (above[0] - above[-1])


def deserved(value: float, se: float, scale: Scale, wanted: float = 0.95) -> tuple[str, float]:
    """The best word whose cumulative probability reaches ``wanted``, and that probability; ("", NaN) without error."""
    found = cumulative(value, se, scale)
    if np.isnan(found).any():
        return "", float("nan")
    place = int(np.flatnonzero(found >= wanted).max())
    return scale.words[place], float(found[place])
