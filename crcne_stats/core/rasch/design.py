"""What is rated and what the model says: the rating data, the facets, the anchors, all in integer codes.

The log-odds of step h of a rating are ability(student) − Σ facet parameters − threshold(h | group) (Linacre 1989,
Many-facet Rasch measurement). Facets are additive; an interaction of two facets is a facet of its own, one parameter
for each pair that was rated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

THRESHOLD = "threshold"
"""The name under which thresholds are anchored and listed."""


@dataclass(frozen=True, eq=False)
class RatingData:
    """Ratings in integer codes.

    Attributes
    ----------
    student : (rating,)
        Codes from 0 to ``n_students`` − 1.
    facets : name → (rating,)
        Code of the element of each facet, from 0; ``sizes`` gives the number of elements of each.
    score : (rating,)
        Level from 0 (the lowest).
    n_levels : (element of ``item``,)
        Number of levels of the scale of each criterion, which the data need not use up.
    item : str
        The facet that carries the scale.
    weight : (rating,), optional
        How many times a rating counts; 1 when absent, 0 leaves it out.
    """

    student: Ints
    facets: Mapping[str, Ints]
    score: Ints
    n_students: int
    sizes: Mapping[str, int]
    n_levels: Ints
    item: str = "criterion"
    weight: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.student)
        if any(len(codes) != n for codes in self.facets.values()) or len(self.score) != n:
            raise ValueError("student, facets and score must have one entry for each rating")
        if self.item not in self.facets or set(self.sizes) != set(self.facets):
            raise ValueError("item must be a facet, and each facet must have a size")
        if n and ((self.score < 0) | (self.score >= self.n_levels[self.facets[self.item]])).any():
            raise ValueError("a score lies outside the levels of its criterion")
        if self.weight is not None and (len(self.weight) != n or not (self.weight >= 0).all()):
            raise ValueError("weights must be numbers from 0, one for each rating")

    @property
    def weights(self) -> Floats:
        """Weights (rating,), ones where none were given."""
        return np.ones(len(self.student)) if self.weight is None else np.asarray(self.weight, dtype=float)


@dataclass(frozen=True)
class Anchor:
    """A parameter held at ``value`` (logits): an element of a facet, or a threshold.

    For ``facet == THRESHOLD``, ``element`` is the group and ``level`` the level that the step leads to.
    """

    facet: str
    element: int
    value: float
    level: int | None = None


@dataclass(frozen=True)
class GroupAnchor:
    """The mean of these elements of a facet is held at ``value`` (logits)."""

    facet: str
    elements: tuple[int, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Model:
    """Which parameters the model has.

    Attributes
    ----------
    facets
        Facets with a parameter for each element.
    interactions
        Pairs of facets whose every rated combination has a parameter more; centred over both margins.
    thresholds
        ``"shared"`` (rating scale: shared by criteria with the same number of levels), or the name of a facet, whose
        every element has thresholds of its own (partial credit).
    centred
        Facets whose mean is zero; all by default. A facet with an anchor or a group anchor is not centred.
    components : facet → (element,)
        Where given, the facet is centred within each component, and its elements are comparable only there.
    """

    facets: tuple[str, ...] = ("trainer", "criterion")
    interactions: tuple[tuple[str, str], ...] = ()
    thresholds: str = "shared"
    centred: tuple[str, ...] | None = None
    components: Mapping[str, Ints] = field(default_factory=dict)
    anchors: tuple[Anchor, ...] = ()
    group_anchors: tuple[GroupAnchor, ...] = ()

    def is_centred(self, facet: str) -> bool:
        """Whether the model asks for the mean of that facet to be zero."""
        return self.centred is None or facet in self.centred


def interaction_name(pair: tuple[str, str]) -> str:
    """The name of the block of parameters of an interaction."""
    return f"{pair[0]}:{pair[1]}"


def threshold_groups(data: RatingData, thresholds: str) -> tuple[Ints, Ints]:
    """The group of thresholds of each rating (rating,), and the number of levels of each group (group,).

    Shared thresholds have one group for each number of levels; a facet's have one for each element, and number of
    levels where that differs. Groups of an element in a single number of levels bear the element's own code.
    """
    item = data.facets[data.item]
    if thresholds == data.item:
        return item, np.asarray(data.n_levels, dtype=np.int64)
    sizes, kind = np.unique(data.n_levels, return_inverse=True)
    kind = kind.astype(np.int64)[item]
    if thresholds == "shared":
        return kind, sizes.astype(np.int64)
    n = data.sizes[thresholds]
    return kind * n + data.facets[thresholds], np.repeat(sizes, n).astype(np.int64)


def tally(code: Ints, weight: Any, n: int) -> Floats:
    """Sum of the weights (numbers, or None for 1 each) of each code from 0 to n − 1, shape (n,)."""
    return np.bincount(code, weight, minlength=n).astype(float)


def combination(codes: list[Ints], sizes: list[int]) -> tuple[Ints, Ints]:
    """Rows of distinct combinations, ordered, shape (combination, column), and the row of each entry."""
    if not codes:
        raise ValueError("at least one column is needed")
    key = np.zeros(len(codes[0]), dtype=np.int64)
    total = 1
    for column, size in zip(codes, sizes, strict=True):
        key = key * size + column
        total *= size
    if total <= max(4 * len(key), 1 << 20):
        used = np.zeros(total, dtype=bool)
        used[key] = True
        kept = np.flatnonzero(used)
        place = np.cumsum(used) - 1
        inverse = place[key]
    else:
        kept, inverse = np.unique(key, return_inverse=True)
    rows = np.empty((len(kept), len(codes)), dtype=np.int64)
    rest = kept
    for index in range(len(codes) - 1, -1, -1):
        rest, rows[:, index] = np.divmod(rest, sizes[index])
    return rows, inverse.astype(np.int64)
