"""What a planned measurement is worth: error, generalizability and dependability from variance components.

Arrays: ``components`` (component, …) may have further axes, such as draws; answers keep them.

Sources: Cronbach, Gleser, Nanda & Rajaratnam (1972), The Dependability of Behavioral Measurements; Brennan (2001),
Generalizability Theory, ch. 4–5 and § 2.5 (Φ(λ)); Brennan & Kane (1977), doi:10.1111/j.1745-3984.1977.tb00045.x.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """A planned measurement.

    Attributes
    ----------
    object
        Facets that make the object of measurement: the student and, where students are nested, what they are nested in.
    sizes
        How many levels of each other facet one object meets.
    fixed
        Facets whose levels are the whole universe; the others are sampled from it.
    own
        Facets of which every object meets levels of its own (nested in the object), so that their main effects are
        part of the differences between objects.
    """

    object: frozenset[str]
    sizes: Mapping[str, float]
    fixed: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Errors:
    """Variances (…,): ``universe`` score, ``relative`` and ``absolute`` error, and of the mean over ``n`` objects."""

    universe: Floats
    relative: Floats
    absolute: Floats
    mean: Floats

    @property
    def generalizability(self) -> Floats:
        """Universe-score variance over itself plus relative error (Eρ²)."""
        return _ratio(self.universe, self.universe + self.relative)

    @property
    def dependability(self) -> Floats:
        """Universe-score variance over itself plus absolute error (Φ)."""
        return _ratio(self.universe, self.universe + self.absolute)

    def at_cut(self, mean: Any, cut: Any) -> Floats:
        """Φ(λ): how dependably objects are placed above or below ``cut`` when the grand mean is ``mean``.

        The square of mean − cut is corrected for the error of the mean and not taken below nil, where Φ(λ) is Φ.
        """
        distance = np.maximum((np.asarray(mean) - cut) ** 2 - self.mean, 0.0)
        return _ratio(self.universe + distance, self.universe + distance + self.absolute)


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def errors(facets: Sequence[Collection[str]], components: Any, plan: Measurement, n: float = np.inf) -> Errors:
    """Variances of a measurement.

    Parameters
    ----------
    facets : (component,)
        The facets of each component; the residual has all of them, and one of its own where cells hold several ratings.
    components : (component, …)
        Negative ones count as nil.
    plan
        The measurement; every facet outside the object needs a size.
    n
        Objects whose mean is taken.
    """
    values = np.maximum(np.asarray(components, dtype=float), 0.0)
    parts = {name: np.zeros(values.shape[1:]) for name in ("universe", "relative", "absolute", "mean")}
    for own, variance in zip(map(frozenset, facets), values, strict=True):
        share = variance / np.prod([plan.sizes[name] for name in own - plan.object], initial=1.0)
        free = own - plan.object - plan.fixed
        # A mean over objects that share their trainers averages the object's part of an effect, not the trainers'.
        objects = n if own & plan.object else 1.0
        if not free:
            if own & plan.object:
                parts["universe"] += share
                parts["mean"] += share / objects
            continue
        parts["absolute"] += share
        alone = bool(free & plan.own)
        if own & plan.object or alone:
            parts["relative"] += share
        parts["mean"] += share / (n if alone else objects)
    return Errors(**parts)
