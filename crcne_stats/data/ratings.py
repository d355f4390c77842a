"""Ratings in and out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.files import tables
from crcne_stats.data.rating_rows import Rows, header_score, joined, rows_of
from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import is_saved, read_saved, write_saved, write_table
from crcne_stats.data.schema import MARK, Schema, missing_codes, schema
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import COLUMNS, Ratings, Source, faults, prepare
from crcne_stats.domain.result import Note


def load_ratings(
    source: str | Path | Iterable[str | Path] | pd.DataFrame,
    *,
    framework: str | Path | Framework | None = None,
    missing: Iterable[object] = (),
) -> Ratings:
    """Ratings from files of rubric scores.

    Parameters
    ----------
    source
        A file (CSV, Excel, Parquet), a list of files, a folder, or a frame with the published or English headers. Long
        (one row per rating) or wide (one column per criterion).
    framework
        A version that ships, the path of a framework file, or a Framework. None takes the newest official version, and
        a note says so; a Parquet file written by the kit carries its own.
    missing
        Further codes that mean «not rated», such as 99.

    Raises
    ------
    DataError
        With every fault of every file: file, sheet, row, column, what was found, what was expected, how to mend it.
    """
    if isinstance(source, pd.DataFrame):
        return _from_raw([reading.raw_frame(source)], framework, missing)
    paths = reading.paths_of(source)
    known = schema("ratings")
    chosen = _framework(framework)
    problems, raws = Problems(), []
    for path in paths:
        try:
            raws += tables(path, lambda row: header_score(row, known, chosen))
        except DataError as error:
            problems.extend(error.problems)
    if problems:
        raise DataError(problems)
    if framework is None and len(raws) == 1 and is_saved(raws[0]):
        return read_saved(raws[0])
    return _from_raw(raws, framework, missing)


def write_ratings(ratings: Ratings, path: str | Path) -> Path:
    """Write ratings to a file: Parquet, which :func:`load_ratings` reads back exactly, framework inside; or CSV.

    The CSV has the published French headers; columns without any value are left out. The file appears whole or not at
    all.
    """
    target = Path(path)
    if target.suffix.lower() == ".parquet":
        return write_saved(ratings, target)
    headers = schema("ratings").headers
    frame = ratings.frame[[name for name in COLUMNS if name in reading_columns(ratings)]]
    frame = frame.rename(columns=headers)
    if ratings.simulated:
        frame = frame.assign(**{headers["origin"]: MARK})
    return write_table(frame, target)


def reading_columns(ratings: Ratings) -> list[str]:
    """The columns that hold any value."""
    return [name for name in COLUMNS if name == "score" or ratings.known(name)]


def _framework(given: str | Path | Framework | None) -> Framework:
    return given if isinstance(given, Framework) else load_framework(given)


def _from_raw(raws: list[RawTable], framework: str | Path | Framework | None, missing: Iterable[object]) -> Ratings:
    chosen = _framework(framework)
    known = schema("ratings")
    codes = known.missing | missing_codes(missing)
    read = [rows_of(raw, chosen, known, codes) for raw in raws]
    problems = Problems()
    for part in read:
        problems.extend(part.problems)
    frame = joined([part.frame for part in read])
    places = _places(read)
    prepared = prepare(frame, chosen)
    leading = np.ones(len(prepared), dtype=bool)
    if len(prepared):
        leading[1:] = (np.diff(places.row) != 0) | (np.diff(places.table) != 0)
    problems.extend(places.told(faults(prepared, chosen, leading)))
    if not problems and not prepared["score"].notna().any():
        problems.add(Problem("no_ratings", file=raws[0].file if raws else ""))
    if problems:
        raise DataError(problems)
    simulated = any(reading.is_simulated(part.raw, _index(part.raw, known, "origin")) for part in read)
    sources = [
        Source(
            part.raw.file, part.raw.sha256, len(part.raw.rows), part.recoded, len(part.set_aside), 0
        )
        for part in read
        if part.raw.file
    ]  # fmt: skip
    return Ratings.trusted(
        prepared, chosen, sources=sources, notes=_notes(read, framework, chosen), simulated=simulated
    )


def _index(raw: RawTable, known: Schema, name: str) -> int | None:
    return next((index for index, text in enumerate(raw.header) if known.column(text) == name), None)


def _notes(read: list[Rows], given: object, framework: Framework) -> list[Note]:
    notes = []
    if given is None:
        notes.append(Note("ratings.framework_assumed", {"version": framework.version}, "caution", 72))
    sheets = [sheet for part in read for sheet in part.raw.sheets_aside]
    if sheets:
        notes.append(
            Note("ratings.sheets_set_aside", {"n": len(sheets), "sheets": ", ".join(sheets[:8])}, "caution", 73)
        )
    if len(files := {part.raw.file for part in read}) > 1:
        notes.append(Note("ratings.files_merged", {"n": len(files)}, "finding", 75))
    aside = list(dict.fromkeys(name for part in read for name in part.set_aside))
    if aside:
        values = {"n": len(aside), "columns": ", ".join(aside[:8])}
        notes.append(Note("ratings.columns_set_aside", values, "caution", 74))
    missing = sum(part.missing for part in read)
    if missing:
        notes.append(Note("ratings.missing_cells", {"n": missing}, "finding", 76))
    return notes


def _places(read: list[Rows]) -> reading.Places:
    return reading.Places(
        files=[part.raw.file for part in read],
        sheets=[part.raw.sheet for part in read],
        table=np.repeat(np.arange(len(read)), [len(part.frame) for part in read]),
        row=np.concatenate([part.raw.rows[part.position] for part in read] or [np.zeros(0, int)]),
        headers=[part.header for part in read],
        score_header=np.concatenate([part.score_header for part in read] or [np.zeros(0, object)]),
    )
