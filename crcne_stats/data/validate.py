"""What is in a file, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crcne_stats.data import reading
from crcne_stats.data.files import tables
from crcne_stats.data.pix import is_pix, load_pix
from crcne_stats.data.rating_rows import header_score
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import is_saved
from crcne_stats.data.schema import schema
from crcne_stats.data.students import load_students
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note
from crcne_stats.domain.students import Students
from crcne_stats.words import words

COUNTS = ("ratings", "students", "trainers", "criteria")


@dataclass
class Validation:
    """The answer of ``crcne validate``: what the files hold, counts of what was accepted, and every problem."""

    kind: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    missing: int = 0
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    framework: str = ""

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
) -> Validation:
    """Find out whether files hold ratings, students or Pix results, and check them as the loaders do."""
    try:
        paths = reading.paths_of(source)
        chosen = framework if isinstance(framework, Framework) else load_framework(framework)
    except DataError as error:
        return Validation("unknown", problems=error.problems)
    kinds: dict[str, list[Path]] = {}
    answer = Validation("unknown", framework=chosen.version)
    for path in paths:
        try:
            kinds.setdefault(_kind(path, chosen), []).append(path)
        except DataError as error:
            answer.problems.extend(error.problems)
    if len(kinds) == 1:
        answer.kind = next(iter(kinds))
    elif kinds:
        answer.kind = "mixed"
    for kind, files in kinds.items():
        try:
            _check(answer, kind, files, None if framework is None else chosen, missing)
        except DataError as error:
            answer.problems.extend(error.problems)
    return answer


def _check(
    answer: Validation, kind: str, files: list[Path], framework: Framework | None, missing: Iterable[object]
) -> None:
    if kind == "ratings":
        ratings = load_ratings(files, framework=framework, missing=missing)
        _count_ratings(answer, ratings)
    elif kind == "students":
        students = load_students(files, framework=framework, missing=missing)
        _count_students(answer, students)
    elif kind == "pix":
        answer.counts["students"] += len(load_pix(files, framework=framework))
    else:
        for path in files:
            answer.problems.add(Problem("file_unknown", file=path.name))


def _count_ratings(answer: Validation, ratings: Ratings) -> None:
    frame = ratings.frame
    answer.counts["ratings"] += len(frame)
    for name, column in (("students", "student"), ("trainers", "trainer"), ("criteria", "criterion")):
        answer.counts[name] += int(frame[column].nunique())
    answer.missing += sum(note.values["n"] for note in ratings.notes if note.key == "ratings.missing_cells")
    answer.notes += ratings.notes
    answer.framework = ratings.framework.version


def _count_students(answer: Validation, students: Students) -> None:
    answer.counts["students"] += len(students)
    answer.notes += students.notes


def _kind(path: Path, framework: Framework) -> str:
    known = schema("students")
    criteria = schema("ratings")

    def judge(row: Iterable[str]) -> int:
        cells = list(row)
        students = sum(known.column(cell) is not None for cell in cells if cell)
        return max(students, header_score(cells, criteria, framework), 9 if is_pix(cells) else 0)

    found = {_kind_of(raw, framework) for raw in tables(path, judge)}
    found.discard("unknown")
    return found.pop() if len(found) == 1 else "mixed" if found else "unknown"


def _kind_of(raw: RawTable, framework: Framework) -> str:
    if is_saved(raw):
        return "ratings" if "criterion" in raw.header else "students"
    if is_pix(raw.header):
        return "pix"
    contract, roster = schema("ratings"), schema("students")
    names = {contract.column(text) for text in raw.header}
    own = {roster.column(text) for text in raw.header}
    if {"trainer", "score"} & names or header_score(raw.header, contract, framework) > len(names - {None}):
        return "ratings"
    if {"inspe_level", "pix_level", "pix_gate", "jury"} & own or "student" in own:
        return "students"
    return "unknown"
