"""What a table holds, told from its header: ratings, students or results of Pix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import is_saved
from crcne_stats.data.schema import folded, schema
from crcne_stats.domain.framework import Framework

PIX_KEY, PIX_TYPE, PIX_STATUS = "identifiant externe", "type de certification", "statut"
_PREFIX = re.compile(r"^(?:(?:crit[eè]re|criterion|crit\.?)\s*|c(?=\d))", re.IGNORECASE)
_KEY = re.compile(r"\d{1,2}[.,]\d{1,2}(?![\d/])")
_PERSONS, _LIKE = {"student", "trainer"}, 0.75
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


def without_legends(raws: Sequence[RawTable], framework: Framework) -> list[RawTable]:
    """The tables of ratings without the legends beside them: sheets that explain criteria and levels.

    A legend has a criterion or a level for a header and no column of persons, and no header that could be one with a
    slip of the pen. Where every sheet of a workbook is so, all are kept: what is missing is told of them.
    """
    kept: list[RawTable] = []
    for file in dict.fromkeys(raw.file for raw in raws):
        own = [raw for raw in raws if raw.file == file]
        grids = [raw for raw in own if raw.sheets == 1 or not _is_legend(raw, framework)] or own
        aside = [raw.sheet for raw in own if not any(raw is one for one in grids)]
        if aside:
            count = grids[0].sheets - len(aside)
            grids = [replace(raw, sheets=count) for raw in grids]
            grids[0] = replace(grids[0], sheets_aside=[*aside, *grids[0].sheets_aside])
        kept += grids
    return kept


def _is_legend(raw: RawTable, framework: Framework) -> bool:
    known, names = schema("ratings"), criterion_names(framework)
    columns = {known.column(text) for text in raw.header}
    persons = [name for name, column in known.known.items() if column in _PERSONS]
    if columns & _PERSONS or any(criterion_of(text, names) for text in raw.header):
        return False
    return not any(difflib.get_close_matches(folded(text), persons, n=1, cutoff=_LIKE) for text in raw.header)


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
