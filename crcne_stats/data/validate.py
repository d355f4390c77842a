"""What is in a file, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.chosen import Chosen, framework_of
from crcne_stats.data.files import read_all
from crcne_stats.data.kinds import Headers, kind_of
from crcne_stats.data.pix import PixResults, pix_notes, pix_of
from crcne_stats.data.ratings import ratings_of
from crcne_stats.data.raw import RawTable
from crcne_stats.data.students import students_of
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.result import Note
from crcne_stats.words import words

COUNTS = ("ratings", "students", "trainers", "criteria")
KINDS = ("ratings", "students", "pix")


@dataclass
class Validation:
    """The answer of ``crcne validate``: what the files hold, counts of what was accepted, and every problem.

    ``sources`` is the ledger: for each file the rows read, set aside and refused, and the cells recoded.
    """

    kind: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    missing: int = 0
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    framework: str = ""
    sources: list[Source] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when nothing was refused, 1 when something was."""
        return 1 if self.problems else 0

    def as_json(self, language: str = "fr") -> dict[str, Any]:
        """The object that ``--json`` prints."""
        w = words(language)
        return {
            "kind": self.kind,
            **self.counts,
            "missing": self.missing,
            "problem_count": self.problems.count,
            "problems": [problem.as_json(w) for problem in self.problems],
        }


def validate(
    source: str | Path | Iterable[str | Path],
    *,
    framework: str | Path | Framework | None = None,
    missing: Iterable[object] = (),
    allow: Iterable[str] = (),
) -> Validation:
    """Find out whether files hold ratings, students or Pix results, and check them as the loaders do."""
    try:
        paths = reading.paths_of(source)
        chosen = framework_of(framework, paths)
    except DataError as error:
        return Validation("unknown", problems=error.problems)
    answer = Validation("unknown", framework=chosen.framework.version)
    raws, unreadable = read_all(paths, Headers.of(chosen.framework))
    answer.problems.extend(unreadable)
    found: dict[str, list[RawTable]] = {}
    for raw in raws:
        found.setdefault(kind_of(raw, chosen.framework), []).append(raw)
    kinds = [kind for kind in KINDS if kind in found]
    if len(kinds) == 1:
        answer.kind = kinds[0]
    elif kinds:
        answer.kind = "mixed"
    for raw in found.get("unknown", []):
        answer.problems.add(Problem("file_unknown", file=raw.file, sheet=raw.sheet))
        answer.sources.append(Source(raw.file, raw.sha256, len(raw.rows), 0, 0, len(raw.rows)))
    read = _Read()
    for kind in kinds:
        try:
            _check(answer, kind, found[kind], chosen, (tuple(missing), tuple(allow)), read)
        except DataError as error:
            answer.problems.extend(error.problems)
            answer.sources += error.sources
    if read.pix is not None:
        own = read.students or read.rated
        answer.notes += pix_notes(read.pix, pd.Series(sorted(own), dtype=object) if own else None)
        read.rated |= set(read.pix.frame["student"])
    answer.counts["students"] = len(read.rated | read.students)
    return answer


@dataclass
class _Read:
    """The identifiers of students found in ratings and in lists of students, and the results of Pix."""

    rated: set[str] = field(default_factory=set)
    students: set[str] = field(default_factory=set)
    pix: PixResults | None = None


def _check(
    answer: Validation, kind: str, raws: Sequence[RawTable], chosen: Chosen, options: tuple[Any, Any], read: _Read
) -> None:
    """Count what tables of one kind hold, and remember whom they tell of."""
    if kind == "pix":
        read.pix = pix_of(raws, chosen.framework)
        answer.sources += read.pix.sources
        return
    if kind == "students":
        students = students_of(raws, chosen.framework, *options)
        answer.notes += students.notes
        answer.sources += students.sources
        read.students = set(students.frame["student"].astype(object))
        return
    ratings = ratings_of(raws, chosen, *options)
    frame = ratings.frame
    answer.counts["ratings"] += len(frame)
    for name, column in (("trainers", "trainer"), ("criteria", "criterion")):
        answer.counts[name] += int(frame[column].nunique())
    answer.missing += sum(note.values["n"] for note in ratings.notes if note.key == "ratings.missing_cells")
    answer.notes += ratings.notes
    answer.sources += ratings.sources
    answer.framework = ratings.framework.version
    read.rated = set(frame["student"].cat.categories)
