"""What a reader of the ratings should know of how their files were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import pandas as pd

from crcne_stats.data.rating_rows import Rows
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import folded, schema
from crcne_stats.domain.result import Note

_SHOWN = 8


def ratings_notes(read: Sequence[Rows], sheets: Mapping[str, str], aside: Sequence[RawTable]) -> list[Note]:
    """Sheets, tables and columns set aside, sheets taken for a column, formulas, files merged, cells not rated."""
    notes = []
    hidden = [sheet for part in read for sheet in part.raw.sheets_aside]
    if hidden:
        notes.append(_listed("ratings.sheets_set_aside", "sheets", hidden, 73))
    for column in dict.fromkeys(sheets.values()):
        names = [part.raw.sheet for part in read if sheets.get(part.raw.file) == column]
        notes.append(_listed(f"ratings.sheet_is_{column}", "sheets", names, 71))
    if aside:
        names = [f"{raw.file} ({raw.sheet})" if raw.sheet else raw.file for raw in aside]
        notes.append(_listed("ratings.tables_set_aside", "tables", names, 73))
    columns = list(dict.fromkeys(name for part in read for name in part.set_aside))
    if columns:
        notes.append(_listed("ratings.columns_set_aside", "columns", columns, 74))
    files = list(dict.fromkeys(part.raw.file for part in read))
    if len(files) > 1:
        notes.append(Note("ratings.files_merged", {"n": len(files)}, "finding", 75))
    formulas = sum(part.raw.formulas_in(part.used) for part in read)
    if formulas:
        notes.append(Note("ratings.formulas_read", {"n": formulas}, "caution", 75))
    missing = sum(part.missing for part in read)
    if missing:
        notes.append(Note("ratings.missing_cells", {"n": missing}, "finding", 76))
    return notes


def spellings(prepared: pd.DataFrame) -> list[Note]:
    """Names that differ by case, accents or punctuation alone, and yet count as two."""
    notes = []
    for column in ("inspe", "trainer_inspe", "session"):
        alike: dict[str, list[str]] = {}
        for text in prepared[column].cat.categories:
            alike.setdefault(folded(text), []).append(text)
        groups = [names for names in alike.values() if len(names) > 1]
        if groups:
            values = {"column": schema("ratings").headers[column], "names": ", ".join(chain(*groups[:3]))}
            notes.append(Note("ratings.spellings", values, "caution", 72))
    return notes


def _listed(key: str, what: str, names: Sequence[str], rank: int) -> Note:
    told = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return Note(key, {"n": len(names), what: told}, "caution", rank)
