"""What a table holds, told from its header: ratings, students or results of Pix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import is_saved
from crcne_stats.data.schema import folded, schema
from crcne_stats.domain.framework import Framework

PIX_KEY, PIX_TYPE, PIX_STATUS = "identifiant externe", "type de certification", "statut"
_PREFIX = re.compile(r"^(?:(?:crit[eè]re|criterion|crit\.?)\s*|c(?=\d))", re.IGNORECASE)
_KEY = re.compile(r"\d{1,2}[.,]\d{1,2}(?![\d/])")
_LEVELS = {"inspe_level", "pix_level", "pix_gate", "jury"}


@dataclass(frozen=True)
class Headers:
    """Counts, as a call, how many cells of a row are headers of any table that the kit knows."""

    criteria: Mapping[str, str]

    @classmethod
    def of(cls, framework: Framework) -> Headers:
        """The headers known under a framework."""
        return cls(criterion_names(framework))

    def __call__(self, row: Sequence[str]) -> int:
        cells = [cell for cell in row if cell]
        ratings, students = schema("ratings"), schema("students")
        as_ratings = sum(ratings.column(cell) is not None or self.criterion(cell) is not None for cell in cells)
        as_students = sum(students.column(cell) is not None for cell in cells)
        return max(as_ratings, as_students, 9 if is_pix(cells) else 0)

    def criterion(self, cell: str) -> str | None:
        """The criterion that a cell names."""
        return criterion_of(cell, self.criteria)


def kind_of(raw: RawTable, framework: Framework) -> str:
    """ "ratings", "students", "pix" or "unknown"."""
    if is_saved(raw):
        return "ratings" if "criterion" in raw.header else "students"
    if is_pix(raw.header):
        return "pix"
    names = criterion_names(framework)
    contract = {schema("ratings").column(text) for text in raw.header}
    own = {schema("students").column(text) for text in raw.header}
    if contract & {"trainer", "score"} or any(criterion_of(text, names) for text in raw.header if text):
        return "ratings"
    return "students" if own & (_LEVELS | {"student"}) else "unknown"


def is_pix(header: Sequence[str]) -> bool:
    """Whether a header is that of a Pix results file."""
    names = {folded(cell) for cell in header}
    return PIX_KEY in names and PIX_STATUS in names


def criterion_names(framework: Framework) -> dict[str, str]:
    """Names of the criteria as they are compared (key, text, key and text) to their keys."""
    names: dict[str, str] = {}
    for criterion in framework.criteria:
        for text in criterion.text.values():
            names.setdefault(_compared(text), criterion.key)
            names[_compared(f"{criterion.key} {text}")] = criterion.key
    return names | {_compared(criterion.key): criterion.key for criterion in framework.criteria}


def criterion_of(cell: str, names: Mapping[str, str]) -> str | None:
    """The criterion that a header or cell names, however it writes it."""
    text = re.sub(r"(?<=\d),(?=\d)", ".", cell.strip())
    return names.get(_compared(text)) or names.get(_compared(_PREFIX.sub("", text)))


def looks_like_criterion(header: str) -> bool:
    """Whether a header is written as the key of a criterion is («9.9», «C9.9», «Critère 9,9 : …»)."""
    return _KEY.match(_PREFIX.sub("", header.strip())) is not None


def _compared(text: str) -> str:
    """``text`` as criteria are compared: full stops count only within a word («1.2» but not «1.2.»)."""
    return " ".join(word for token in folded(text).split() if (word := token.strip(".")))
