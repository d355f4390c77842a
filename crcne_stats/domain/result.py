"""What an analysis returns, and what a study is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    from crcne_stats.domain.ratings import Ratings
    from crcne_stats.domain.students import Students

Kind = Literal["finding", "caution", "action"]


@dataclass(frozen=True)
class Note:
    """A sentence for the reader: the word ``note.<key>`` filled with ``values`` (scalars only).

    ``rank`` orders the first screen of the report, smallest first: under 10 it blocks conclusions, under 30 it is a
    main finding, under 60 a detail, above that a footnote. ``n_students`` is the number of students on whom the
    sentence rests (None: it rests on no person's data); disclosure control drops it under the threshold.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "finding"
    rank: float = 50.0
    n_students: int | None = None


@dataclass
class Result:
    """The answer to one question.

    ``tables`` are tidy frames with full precision; each estimate is a row, a number that cannot be had is a row with a
    ``reason``. ``settings`` are the options in force, ``inputs`` what was asked, ``model`` arrays for later analyses.

    Two results may tell counts that add up with each other; one of the two then decides what may be shown of them.
    ``counted`` are tables that another result shows and that this one has to reckon with; ``follows`` is the result in
    which it is decided what may be shown of the tables that it has ``counted``.
    """

    name: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    model: Any = None
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)
    follows: Result | None = None

    @property
    def ratings(self) -> Ratings | None:
        """The ratings that were asked, where there were any."""
        return self.inputs.get("ratings")

    @property
    def students(self) -> Students | None:
        """The students that were asked, where there were any."""
        return self.inputs.get("students")

    @property
    def reason(self) -> str:
        """Why the whole analysis could not be done (a key of ``reason.*``), empty when it was done."""
        return str(self.settings.get("reason", "")) if not self.tables else ""


@dataclass
class Study:
    """Ordered results of one chain of analyses, with all that is needed to run it again."""

    results: dict[str, Result]
    ratings: Ratings
    students: Students | None = None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    seed: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    previous: Ratings | None = None

    @property
    def notes(self) -> list[tuple[str, Note]]:
        """Every note with the name of its analysis, the most important first."""
        pairs = [(result.name, note) for result in self.results.values() for note in result.notes]
        return sorted(pairs, key=lambda pair: pair[1].rank)

    @property
    def simulated(self) -> bool:
        """Whether any input was simulated: every view then says so."""
        inputs = (self.ratings, self.students, self.previous)
        return any(given is not None and given.simulated for given in inputs)
