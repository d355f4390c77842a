"""What is wrong with a file, told so that its owner can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crcne_stats.words import Words, words

LISTED = 200
"""A listing stops here; the count stays exact."""


@dataclass(frozen=True)
class Problem:
    """One fault, where it stands and what was found there.

    ``row`` is the number that Excel or an editor shows (the header is row 1), ``column`` the header as it stands in
    the file. The sentences are words: ``problem.<code>.title``, ``.expected`` and ``.remedy``, filled with ``values``.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    found: str = ""

    def _word(self, part: str, w: Words) -> str:
        return w(f"problem.{self.code}.{part}", **{"found": self.found, "column": self.column, **self.values})

    def title(self, w: Words) -> str:
        """What is wrong, in one sentence."""
        return self._word("title", w)

    def expected(self, w: Words) -> str:
        """What should have stood there."""
        return self._word("expected", w)

    def remedy(self, w: Words) -> str:
        """What to do about it."""
        return self._word("remedy", w)

    def place(self, w: Words) -> str:
        """File, sheet, row and column, as far as they are known."""
        parts = [self.file] if self.file else []
        if self.sheet:
            parts.append(w("problem.place.sheet", sheet=self.sheet))
        if self.row is not None:
            parts.append(w("problem.place.row", row=self.row))
        if self.column:
            parts.append(w("problem.place.column", column=self.column))
        return ", ".join(parts)

    def body(self, w: Words) -> str:
        """Fault, what was expected and what to do, without the place."""
        expected = self.expected(w)
        if expected[1:2].islower() or expected[1:2] in " ’":  # within a sentence; PIX+Édu stays
            expected = expected[:1].lower() + expected[1:]
        return w("problem.sentence", title=self.title(w), expected=expected, remedy=self.remedy(w))

    def sentence(self, w: Words) -> str:
        """The whole message: place, fault, what was expected, what to do."""
        place, body = self.place(w), self.body(w)
        return f"{place} : {body}" if place and w.language == "fr" else f"{place}: {body}" if place else body

    def as_json(self, w: Words) -> dict[str, Any]:
        """The object that ``crcne validate --json`` prints."""
        return {
            "code": self.code,
            "file": self.file,
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "found": self.found,
            "expected": self.expected(w),
            "remedy": self.remedy(w),
        }


class Problems:
    """Faults in the order in which they were found: at most :data:`LISTED` kept per call, all counted.

    ``faulty`` holds arrays of the positions of all the rows at fault, those past the listing too.
    """

    def __init__(self, items: Iterable[Problem] = (), uncounted: int = 0) -> None:
        self.items: list[Problem] = []
        self.count = uncounted
        self.faulty: list[Any] = []
        for item in items:
            self.add(item)

    def add(self, problem: Problem) -> None:
        """Count ``problem`` and keep it while there is room in the listing."""
        self.count += 1
        if len(self.items) < LISTED:
            self.items.append(problem)

    def extend(self, other: Problems) -> None:
        """Take over the faults and the count of ``other``."""
        self.items.extend(other.items[: LISTED - len(self.items)])
        self.count += other.count

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.items)

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return self.count > 0


class DataError(ValueError):
    """Data refused, with every fault found. ``str(error)`` is the French text; ``error.text("en")`` the English.

    ``sources`` tells, file by file, how many rows were read, set aside and refused, as far as the reading went.
    """

    def __init__(self, problems: Problems | Iterable[Problem], sources: Iterable[Any] = ()) -> None:
        self.problems = problems if isinstance(problems, Problems) else Problems(problems)
        self.sources = tuple(sources)
        super().__init__(self.problems)

    def text(self, language: str = "fr") -> str:
        """All the faults, one line each, and how many more there are."""
        w = words(language)
        lines = [w("problem.refused", n=self.problems.count)]
        lines += [f"- {problem.sentence(w)}" for problem in self.problems]
        hidden = self.problems.count - len(self.problems.items)
        if hidden > 0:
            lines.append(w("problem.more", n=hidden))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()
