"""Ratings in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.chosen import Chosen, framework_of
from crcne_stats.data.files import read_all
from crcne_stats.data.kinds import Headers, kind_of, without_legends
from crcne_stats.data.privacy import direct_identifiers
from crcne_stats.data.rating_notes import ratings_notes, spellings
from crcne_stats.data.rating_rows import Rows, joined, rows_of
from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import is_saved, read_saved, write_saved, write_table
from crcne_stats.data.schema import MARK, Schema, folded, missing_codes, schema
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import COLUMNS, Ratings, Source, faults, prepare

_YEARS = re.compile(r"(19|20)\d\d")
_PLAIN_SHEET = re.compile(
    r"(feuil|feuille|sheet|tabelle|hoja|onglet|page|tableau|data|donnees|grille|phase|item|critere|groupe)(?![a-z])"
)
"""Names of sheets that say nothing of the INSPÉ."""


def load_ratings(
    source: str | Path | Iterable[str | Path] | pd.DataFrame,
    *,
    framework: str | Path | Framework | None = None,
    missing: Iterable[object] = (),
    allow: Iterable[str] = (),
) -> Ratings:
    """Ratings from files of rubric scores.

    Parameters
    ----------
    source
        A file (CSV, Excel, Parquet), a list of files, a folder, or a frame with the published or English headers. Long
        (one row per rating) or wide (one column per criterion). In a workbook with one sheet per trainer, or per
        INSPÉ, the sheet's name is the value where no column gives it.
    framework
        A version that ships, the path of a framework file, or a Framework. None takes the one that the files name, else
        the newest official version, and a note says so; a Parquet file written by the kit carries its own.
    missing
        Further codes that mean «not rated», such as 99.
    allow
        Headers of columns that look like direct identifiers (names, e-mail…) and are none.

    Raises
    ------
    DataError
        With every fault of every file: file, sheet, row, column, what was found, what was expected, how to mend it;
        its ``sources`` tell what became of the rows of each file.
    """
    if isinstance(source, pd.DataFrame):
        return ratings_of([reading.raw_frame(source)], framework, missing, allow)
    paths = reading.paths_of(source)
    chosen = framework_of(framework, paths)
    raws, problems = read_all(paths, Headers.of(chosen.framework))
    if framework is None and not problems and len(raws) == 1 and is_saved(raws[0]):
        return read_saved(raws[0])
    return ratings_of(raws, chosen, missing, allow, problems)


def ratings_of(
    raws: Sequence[RawTable],
    framework: str | Path | Framework | Chosen | None,
    missing: Iterable[object] = (),
    allow: Iterable[str] = (),
    problems: Problems | None = None,
) -> Ratings:
    """Ratings from tables already read; ``problems`` are those of the files that could not be read."""
    chosen = framework if isinstance(framework, Chosen) else framework_of(framework, [])
    known, told = schema("ratings"), Problems()
    told.extend(problems or Problems())
    raws, aside = _ratings_only(raws, chosen.framework)
    raws = without_legends(raws, chosen.framework)
    for raw in raws:
        for problem in direct_identifiers(raw, tuple(allow)):
            told.add(problem)
    codes, sheets = known.missing | missing_codes(missing), sheet_columns(raws)
    told.extend(_persons_in_sheets(raws, sheets, tuple(allow)))
    read = [rows_of(raw, chosen.framework, known, codes, sheets.get(raw.file)) for raw in raws]
    for part in read:
        told.extend(part.problems)
    frame = joined([part.frame for part in read]) if read else pd.DataFrame({name: [] for name in COLUMNS})
    prepared = prepare(frame, chosen.framework)
    places = _places(read)
    breaches = faults(prepared, chosen.framework, _leading(places))
    told.extend(places.told(breaches))
    sources = _sources(read, places, breaches)
    if not told and not prepared["score"].notna().any():
        told.add(_nothing(read))
    if told:
        raise DataError(told, sources)
    simulated = any(reading.is_simulated(part.raw, _index(part.raw, known, "origin")) for part in read)
    notes = [*chosen.notes, *ratings_notes(read, sheets, aside), *spellings(prepared)]
    return Ratings.trusted(prepared, chosen.framework, sources=sources, notes=notes, simulated=simulated)


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


def _ratings_only(raws: Sequence[RawTable], framework: Framework) -> tuple[list[RawTable], list[RawTable]]:
    """The tables of ratings; lists of students and Pix results that came with them are set aside."""
    kinds = [kind_of(raw, framework) for raw in raws]
    if "ratings" not in kinds:
        return list(raws), []
    other = [raw for raw, kind in zip(raws, kinds, strict=True) if kind in ("students", "pix")]
    return [raw for raw in raws if not any(raw is one for one in other)], other


def sheet_columns(raws: Sequence[RawTable]) -> dict[str, str]:
    """For each workbook with several sheets, our name of the column that the sheets' names stand for.

    They are trainers where no column names the trainers; else sessions where they look like years; else INSPÉ where
    no column names these and the names are not those that a spreadsheet gives by itself.
    """
    found: dict[str, str] = {}
    for file in dict.fromkeys(raw.file for raw in raws if raw.sheets > 1):
        own = [raw for raw in raws if raw.file == file]
        columns = {schema("ratings").column(text) for raw in own for text in raw.header}
        names = [raw.sheet for raw in own]
        if "trainer" not in columns:
            found[file] = "trainer"
        elif "session" not in columns and all(_YEARS.search(name) for name in names):
            found[file] = "session"
        elif "inspe" not in columns and not any(_PLAIN_SHEET.match(folded(name)) for name in names):
            found[file] = "inspe"
    return found


def _persons_in_sheets(raws: Sequence[RawTable], sheets: Mapping[str, str], allow: Iterable[str]) -> Problems:
    """Names of sheets that stand for a column and look like direct identifiers."""
    problems = Problems()
    for file, column in sheets.items():
        header = schema("ratings").headers[column]
        names = pd.DataFrame({header: [raw.sheet for raw in raws if raw.file == file]}, dtype=object)
        for problem in direct_identifiers(reading.raw_frame(names), tuple(allow)):
            values = {**problem.values, "wanted": header}
            problems.add(Problem("direct_identifier_sheet", values, file, column=header, found=problem.found))
    return problems


def _leading(places: reading.Places) -> np.ndarray:
    """Which ratings are the first of their row in the file."""
    leading = np.ones(len(places.row), dtype=bool)
    if len(leading):
        leading[1:] = (np.diff(places.row) != 0) | (np.diff(places.table) != 0)
    return leading


def _sources(read: Sequence[Rows], places: reading.Places, breaches: Problems) -> list[Source]:
    """What became of the rows of each file."""
    faulty = np.unique(np.concatenate([np.zeros(0, np.int64), *breaches.faulty]).astype(np.int64))
    for table, part in enumerate(read):
        here = faulty[places.table[faulty] == table]
        start = int(np.searchsorted(places.table, table))
        part.refused[part.position[here - start]] = True
    found = {}
    for file in dict.fromkeys(part.raw.file for part in read if part.raw.file):
        own = [part for part in read if part.raw.file == file]
        found[file] = Source(
            file,
            own[0].raw.sha256,
            rows_read=sum(int((part.read | part.refused).sum()) for part in own),
            recoded=sum(part.recoded for part in own),
            set_aside=sum(int((part.blank & ~part.refused).sum()) for part in own),
            refused=sum(int(part.refused.sum()) for part in own),
        )
    return list(found.values())


def _nothing(read: Sequence[Rows]) -> Problem:
    """Why there is no rating at all."""
    empty = not any(part.read.any() for part in read)
    return Problem("header_only" if empty else "no_ratings", file=read[0].raw.file if read else "")


def _index(raw: RawTable, known: Schema, name: str) -> int | None:
    return next((index for index, text in enumerate(raw.header) if known.column(text) == name), None)


def _places(read: list[Rows]) -> reading.Places:
    return reading.Places(
        files=[part.raw.file for part in read],
        sheets=[part.raw.sheet for part in read],
        table=np.repeat(np.arange(len(read)), [len(part.frame) for part in read]),
        row=np.concatenate([part.raw.rows[part.position] for part in read] or [np.zeros(0, int)]),
        headers=[part.header for part in read],
        score_header=np.concatenate([part.score_header for part in read] or [np.zeros(0, object)]),
    )
