"""New ratings that bring the largest standard error of a severity contrast under a target.

Greedy: each rating is the one that lowers the variance of the contrast that is worst just then the most for its cost
(on files alone that is the greedy lowering of effective resistance, Ghosh, Boyd & Saberi 2008, doi:10.1137/050645452).
No bound is known for such lists, so that none is called the shortest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.precision import Growing, Sheets
from crcne_stats.core.repair import Web

Floats = NDArray[np.float64]
STAGE = "tighten"
FILES, TRAINERS = 24, 4
"""Files, and trainers at either end, that are looked at exactly for each rating."""
WORTH = 0.005
"""A rating that lowers a variance by a smaller share is not asked for: the contrast is given up."""


@dataclass(eq=False)
class Tightening:
    """A web and the precision of its contrasts while both grow.

    ``weight`` (file,): information that a new rating of each file would have; ``given_up`` (trainer,): nothing that the
    rules allow helps the contrasts of these trainers any more.
    """

    web: Web
    growing: Growing
    weight: Floats
    given_up: NDArray[np.bool_]
    variance: Floats
    sums: Any
    changed: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, web: Web, sheets: Sheets, weight: Floats) -> Tightening:
        """Before any new rating."""
        variance, sums = sheets.of_files()
        return cls(web, Growing.of(sheets), weight, np.zeros(sheets.n_trainers, dtype=bool), variance.copy(), sums)

    def worst(self) -> tuple[int, int, float]:
        """The contrast with the largest standard error among trainers not given up."""
        keep = np.flatnonzero(~self.given_up)
        if len(keep) < 2:
            return 0, 0, 0.0
        cov = self.growing.cov[: self.growing.sheets.n_trainers, : self.growing.sheets.n_trainers]
        own = np.diag(cov)[keep]
        square = cov[np.ix_(keep, keep)] * -2.0
        square += own
        square += own[:, None]
        place = int(square.argmax())
        a, b = divmod(place, len(keep))
        return int(keep[a]), int(keep[b]), float(np.sqrt(max(square[a, b], 0.0)))

    def best(self, first: int, second: int) -> tuple[int, int, float] | None:
        """The rating (file, trainer) that lowers a contrast's variance most for its cost, and by how much it does."""
        n = self.growing.sheets.n_trainers
        d = self.growing.cov[:, first] - self.growing.cov[:, second]
        seen = d[n + self.growing.sheets.group] - self.variance * (self.sums @ d)
        for file in self.changed:
            own = self.growing.sums[file] @ d
            seen[file] = d[n + self.growing.sheets.group[file]] - self.variance[file] * own
        worth = 1 / (1 / self.weight + self.variance)
        free = np.flatnonzero(self.web.load > 0)
        if not len(free):
            return None
        order = free[np.argsort(d[free], kind="stable")]
        reach = worth * np.maximum(np.abs(seen - d[order[0]]), np.abs(seen - d[order[-1]])) ** 2
        found: tuple[float, int, int, float] | None = None
        files = np.argpartition(-reach, min(FILES, len(reach) - 1))[:FILES]
        for file in sorted(files.tolist(), key=lambda f: -reach[f]):
            for trainer in self._ends(file, order):
                direction, information = self.growing.direction(file, trainer, float(self.weight[file]))
                gain = self.growing.gain(first, second, direction, information)
                rank = gain / max(self.web.rules.of(file, trainer), 1e-9)
                if found is None or rank > found[0]:
                    found = rank, file, trainer, gain
        return None if found is None else found[1:]

    def _ends(self, file: int, order: NDArray[np.int64]) -> Iterator[int]:
        """The first few trainers from either end who may rate the file."""
        for way in (order, order[::-1]):
            count = 0
            for trainer in way.tolist():
                if trainer in self.web.raters[file] or not np.isfinite(self.web.rules.of(file, trainer)):
                    continue
                yield trainer
                count += 1
                if count == TRAINERS:
                    break

    def add(self, file: int, trainer: int) -> None:
        """Ask for a rating."""
        self.growing.add(file, trainer, float(self.weight[file]))
        self.web.add(file, trainer, STAGE)
        self.variance[file] = self.growing.spread[file]
        self.changed.add(file)


def tighten(given: Tightening, target: float, most: int, progress: Any = None) -> bool:
    """Add ratings until no contrast has a standard error above ``target``, at most ``most``; whether that was reached.

    Trainers whose contrasts nothing helps any more are given up, the one with less information of the two.
    """
    for done in range(most + len(given.given_up)):
        a, b, error = given.worst()
        if error <= target:
            return not given.given_up.any()
        if given.web.repair.count(STAGE) >= most:
            return False
        found = given.best(a, b)
        if found is None or found[2] < WORTH * error**2:
            own = np.diag(given.growing.cov)
            given.given_up[a if own[a] >= own[b] else b] = True
            continue
        given.add(found[0], found[1])
        if progress is not None:
            progress(min(done, most), most)
    return False
