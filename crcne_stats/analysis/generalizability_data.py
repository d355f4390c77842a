"""Ratings as a generalizability study sees them: scores, facets, the object of measurement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from crcne_stats.core import variance
from crcne_stats.core.classical import is_constant
from crcne_stats.core.designs import Design, Levels
from crcne_stats.core.dstudy import Measurement
from crcne_stats.core.graph import components, distinct_pairs
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

NAMES = ("student", "trainer", "criterion", "item", "phase", "inspe", "trainer_inspe", "mention", "session")
"""Facets that a design may name."""
REPLICATE = "rating"
"""The ratings of one cell of the design."""


@dataclass(frozen=True, eq=False)
class Data:
    """``y`` (rating,) scores; ``codes`` and ``labels`` of each facet of ``design``; ``fixed`` among them."""

    ratings: Ratings
    frame: pd.DataFrame
    design: Design
    codes: dict[str, np.ndarray]
    labels: dict[str, list[str]]
    fixed: frozenset[str]

    @cached_property
    def y(self) -> np.ndarray:
        """Scores (rating,)."""
        return self.frame["score"].to_numpy(dtype=float)

    @cached_property
    def levels(self) -> Levels:
        """Level codes of every set of facets."""
        return Levels(self.codes)

    @cached_property
    def study(self) -> variance.Study:
        """What the ratings can tell of the design."""
        return variance.study(self.design, self.levels)

    @property
    def object(self) -> frozenset[str]:
        """The student and what students are nested in."""
        own = next(term for term in self.design.terms if term.facets - term.within == {"student"})
        return own.facets

    @cached_property
    def sizes(self) -> dict[str, float]:
        """How many levels of each other facet a student meets, as the harmonic mean; of a fixed facet, all."""
        cells = frozenset(self.design.facets)
        found = {REPLICATE: _harmonic(np.bincount(self.levels(cells)).astype(float))}
        for name in self.design.facets:
            if name in self.object:
                continue
            term = next(term for term in self.design.terms if term.facets - term.within == {name})
            if name in self.fixed:
                found[name] = self.levels.count(term.facets) / self.levels.count(term.within)
                continue
            met = self._per_object(self.object | term.facets)
            found[name] = _harmonic(met / self._per_object(self.object | term.within))
        return found

    def _per_object(self, facets: frozenset[str]) -> np.ndarray:
        """Distinct levels that each object meets (object,)."""
        code, owner = self.levels(facets), self.levels(self.object)
        first = np.unique(code, return_index=True)[1]
        return np.bincount(owner[first], minlength=self.levels.count(self.object)).astype(float)

    def measurement(
        self, trainers: float | None = None, criteria: float | None = None, own: bool = False
    ) -> Measurement:
        """The measurement in hand, or one with other numbers of trainers or criteria."""
        sizes = dict(self.sizes)
        if trainers is not None and "trainer" in sizes:
            sizes["trainer"] = trainers
        if criteria is not None and "criterion" in sizes:
            sizes["criterion"] = criteria / self._groups_of_criteria
        mine = frozenset(("trainer",)) if own and "trainer" in sizes else frozenset()
        return Measurement(self.object, sizes, self.fixed - self.object, mine)

    @property
    def n_criteria(self) -> float:
        """Criteria that a student meets, whatever they are nested in; NaN where the design does not name them."""
        return self.sizes["criterion"] * self._groups_of_criteria if "criterion" in self.sizes else float("nan")

    @property
    def _groups_of_criteria(self) -> float:
        term = next(term for term in self.design.terms if term.facets - term.within == {"criterion"})
        return float(np.prod([self.sizes[name] for name in term.within - self.object]))

    @property
    def n_objects(self) -> int:
        """Files measured."""
        return self.levels.count(self.object)

    @property
    def n_students(self) -> int:
        """Students behind them."""
        return len(np.unique(self.ratings.codes("student", self.frame)[0]))

    @property
    def n_groups(self) -> int:
        """Groups of trainers that no common file links."""
        if "trainer" not in self.codes:
            return 1
        file, trainer = distinct_pairs(self.levels(frozenset(("student",))), self.codes["trainer"])
        n = self.levels.count(frozenset(("student",)))
        return int(components(file, trainer, n, int(trainer.max()) + 1)[1].max()) + 1

    @property
    def reason(self) -> str:
        """Why no variance can be studied at all, empty when it can."""
        if not len(self.frame):
            return "no_ratings"
        absent = [name for name in self.design.facets if not len(self.labels[name])]
        if absent:
            return "column_unknown"
        if self.n_objects < 2:
            return "single_student"
        if is_constant(self.y):
            return "constant_scores"
        return ""


def _harmonic(values: np.ndarray) -> float:
    return float(len(values) / (1 / values).sum())


def data_of(ratings: Ratings, design: Design, fixed: frozenset[str]) -> Data:
    """The scored ratings; those whose group is not known are left out."""
    frame = ratings.scored
    framework = ratings.framework
    for name in design.facets:
        if name in ("inspe", "trainer_inspe", "mention", "session") and frame[name].notna().any():
            frame = frame[frame[name].notna().to_numpy()]
    codes: dict[str, np.ndarray] = {}
    labels: dict[str, list[str]] = {}
    criterion, keys = ratings.codes("criterion", frame)
    for name in design.facets:
        if name == "student":
            codes[name] = ratings.units(frame)
            labels[name] = [""]
        elif name in ("item", "phase"):
            owner = [framework.criterion(key).item if name == "item" else framework.phase_of(key) for key in keys]
            labels[name] = list(dict.fromkeys(owner))
            codes[name] = np.array([labels[name].index(one) for one in owner], dtype=np.int64)[criterion]
        else:
            codes[name], labels[name] = ratings.codes(name, frame)
            if not frame[name].notna().any():
                labels[name] = []
    return Data(ratings, frame, design, codes, labels, fixed & frozenset(design.facets))


def of_same_ratings(ratings: Ratings, earlier: Result | None) -> None:
    """Refuse an earlier result of other ratings.

    Raises
    ------
    ValueError
        With the name of the analysis.
    """
    if earlier is None or earlier.ratings is None or earlier.ratings is ratings:
        return
    if not earlier.ratings.frame.equals(ratings.frame):
        raise ValueError(f"the result of {earlier.name} is of other ratings")
