"""Files without direct identifiers: students and trainers under keyed digests, all that is not needed left out.

A pseudonym is the beginning of HMAC-SHA-256 (Krawczyk, Bellare and Canetti 1997, RFC 2104, DOI 10.17487/RFC2104) of the
kind of person and the identifier as text in Unicode form C, under a key of 32 bytes, written with 16 letters and digits
of base32, 80 bits: among a million persons the probability that two share a pseudonym is about 4·10⁻¹³. The number cell
123 and the text «123» are one person, «123» and «00123» two. Under one key a person has one pseudonym in every file.

Rows come out in the order of the pseudonyms, since the order of a list of names tells the names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.packaging.custom import StringProperty

from crcne_stats.data.chosen import framework_of
from crcne_stats.data.declared import GRID_PROPERTY, declared_framework
from crcne_stats.data.files import tables
from crcne_stats.data.kept import MASK, PERSON, PERSON_HEADER, PERSONS, Column, Kept, joined, kept_of, refusals
from crcne_stats.data.key_file import make_key, read_key
from crcne_stats.data.kinds import Headers
from crcne_stats.data.privacy import shown_header
from crcne_stats.data.raw import OWN, RawTable, text_cells
from crcne_stats.data.saved import about, atomically, is_saved, write_table
from crcne_stats.data.schema import MARK, missing_codes, schema
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.frame import plain_text
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Note

SUFFIXES = (".csv", ".xlsx", ".parquet")

_LETTER = {"student": "E", "trainer": "F", PERSON: "P"}
_LENGTH = 16
_PSEUDONYM = re.compile(rf"[EF]-[a-z2-7]{{{_LENGTH}}}")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_SHEET_ROWS = 1_048_576


@dataclass(frozen=True)
class Pseudonymised:
    """What was written: ``kind`` ("ratings", "students", "pix"), the file, counts, headers kept and removed, notes.

    ``removed`` holds every header that was left out, masked where it is an identifier itself.
    """

    kind: str
    path: Path
    rows: int
    students: int
    trainers: int
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    key_made: bool
    notes: tuple[Note, ...]


def pseudonym(kind: str, identifier: str, key: bytes) -> str:
    """The pseudonym of a "student", a "trainer" or, in Pix results, a "person"."""
    told = f"{kind}\0{plain_text(identifier)}".encode()
    digest = base64.b32encode(hmac.new(key, told, hashlib.sha256).digest()).decode("ascii").lower()
    return f"{_LETTER[kind]}-{digest[:_LENGTH]}"


def pseudonymise(
    source: str | Path,
    target: str | Path,
    key: str | Path,
    *,
    framework: str | Path | Framework | None = None,
    missing: Iterable[object] = (),
    allow: Collection[str] = (),
) -> Pseudonymised:
    """Write a file of ratings, students or Pix results again, with pseudonyms and without what is not needed.

    Parameters
    ----------
    source
        Any file that the loaders read. Its scores may be faulty: they are copied as they stand.
    target
        A new file, ``.csv``, ``.xlsx`` or ``.parquet``. It appears whole or not at all.
    key
        The file of the key; where there is none, one is made (:mod:`crcne_stats.data.key_file`).
    framework, missing
        As for ``load_ratings``.
    allow
        Headers of columns that are kept without a look at their cells: a false alarm.

    Raises
    ------
    DataError
        When the files or the key cannot be used, a column that is kept holds direct identifiers or free text, or an
        identifier is not whole (an error cell, a number that a spreadsheet rounded). No message shows a cell.
    """
    source, target, key = Path(source), Path(target), Path(key)
    _check_paths(source, target, key)
    chosen = framework_of(framework, [source]).framework
    try:
        raws = tables(source, Headers.of(chosen))
    except DataError as error:
        masked = [replace(problem, found=problem.found and MASK) for problem in error.problems]
        raise DataError(Problems(masked, error.problems.count - len(masked))) from None
    kind, parts = kept_of(raws, chosen)
    codes = schema("students" if kind == "students" else "ratings").missing | missing_codes(missing)
    problems = refusals(parts, chosen, codes, allow)
    rows = sum(len(raw.rows) for raw in raws)
    if target.suffix.lower() == ".xlsx" and rows >= _SHEET_ROWS:
        problems.add(Problem("pseudonymise_rows", {"n": rows}, target.name))
    if problems:
        raise DataError(problems)
    made = not key.exists()
    secret = make_key(key) if made else read_key(key)
    columns = joined(parts)
    again = sum(_already(column) for column in columns)
    columns = _ordered([_replaced(column, secret) for column in columns])
    carried = declared_framework(source)
    try:
        _write(columns, target, raws[0], carried)
    except OSError as error:
        raise DataError([Problem("pseudonymise_unwritable", {}, target.name, found=type(error).__name__)]) from None
    beside = target.absolute().parent == key.absolute().parent
    lost = None if carried is None or (target.suffix.lower() == ".parquet" and is_saved(raws[0])) else carried.version
    return _told(kind, target, columns, parts, made, _notes(parts, again, beside, lost))


def _check_paths(source: Path, target: Path, key: Path) -> None:
    """Refuse an output that exists or that no loader reads, and one name for two things."""
    resolved = [path.resolve() for path in (source, target, key)]
    if target.suffix.lower() not in SUFFIXES:
        raise DataError([Problem("pseudonymise_suffix", {"allowed": ", ".join(SUFFIXES)}, target.name)])
    if len(set(resolved)) < 3:
        raise DataError([Problem("pseudonymise_same", file=target.name)])
    if target.exists() or target.is_symlink():
        raise DataError([Problem("pseudonymise_exists", file=target.name)])


def _already(column: Column) -> int:
    """How many texts of a column are pseudonyms of this kit."""
    if column.name not in ("student", "trainer"):
        return 0
    return sum(_PSEUDONYM.fullmatch(str(text)) is not None for text in column.cells.categories)


def _replaced(column: Column, key: bytes) -> Column:
    if column.name not in PERSONS:
        return column
    told = [pseudonym(column.name, str(text), key) for text in column.cells.categories]
    return replace(column, cells=text_cells(column.cells.codes, np.array(told, dtype=object)))


def _ordered(columns: list[Column]) -> list[Column]:
    """The rows that hold anything, in the order of students, then trainers; equal ones stay in the file's order."""
    filled = np.flatnonzero(np.any([column.cells.codes >= 0 for column in columns], axis=0))
    ranks = []
    for name in ("trainer", "student"):
        for column in (column for column in columns if column.name == name):
            texts = np.array(column.cells.categories, dtype=object).astype(str)
            rank = np.append(np.argsort(np.argsort(texts)), -1)
            ranks.append(rank[column.cells.codes[filled]])
    order = filled[np.lexsort(ranks)] if ranks else filled
    return [replace(column, cells=column.cells[order].remove_unused_categories()) for column in columns]


def _told(
    kind: str, target: Path, columns: Sequence[Column], parts: Sequence[Kept], made: bool, notes: list[Note]
) -> Pseudonymised:
    numbers = {column.name: len(column.cells.categories) for column in columns}
    removed = tuple(dict.fromkeys(shown_header(text) for part in parts for text in part.removed))
    kept = tuple(column.header for column in columns)
    counts = (len(columns[0].cells), numbers.get("student", 0), numbers.get("trainer", 0))
    return Pseudonymised(kind, target, *counts, kept, removed, made, tuple(notes))


def _notes(parts: Sequence[Kept], again: int, beside: bool, lost: str | None) -> list[Note]:
    notes = []
    if again:
        notes.append(Note("pseudonymise.again", {"n": again}, "caution", 71))
    if beside:
        notes.append(Note("pseudonymise.key_beside", {}, "caution", 72))
    if lost is not None:
        notes.append(Note("pseudonymise.framework", {"version": lost}, "caution", 73))
    if any(column.name == PERSON for part in parts for column in part.columns):
        notes.append(Note("pseudonymise.persons", {"column": PERSON_HEADER}, "finding", 74))
    aside = sum(len(part.raw.sheets_aside) for part in parts)
    if aside:
        notes.append(Note("pseudonymise.sheets", {"n": aside}, "caution", 75))
    return notes


def _write(columns: Sequence[Column], target: Path, raw: RawTable, carried: Framework | None) -> None:
    suffix = target.suffix.lower()
    simulated = is_saved(raw) and about(raw)["simulated"]
    if simulated and not (suffix == ".parquet" or any(column.name == "origin" for column in columns)):
        mark = text_cells(np.zeros(len(columns[0].cells), int), np.array([MARK], dtype=object))
        columns = [*columns, Column("origin", schema("ratings").headers["origin"], mark)]
    if suffix == ".csv":
        write_table(pd.DataFrame({column.header: column.cells for column in columns}), target)
    elif suffix == ".parquet":
        _write_parquet(columns, target, raw)
    else:
        _write_workbook(columns, target, carried)


def _write_parquet(columns: Sequence[Column], target: Path, raw: RawTable) -> None:
    """Columns of text; of a file of the kit the framework stays, its notes and sources, which may name persons, go."""
    frame = pd.DataFrame({column.header: column.cells for column in columns})
    told = {}
    if is_saved(raw):
        own = {"framework": about(raw)["framework"].to_toml(), "simulated": about(raw)["simulated"]}
        told = {OWN: json.dumps({**own, "notes": [], "sources": []}, ensure_ascii=False)}
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(told)
    atomically(target, lambda path: pyarrow.parquet.write_table(table, path, compression="zstd"))


def _write_workbook(columns: Sequence[Column], target: Path, carried: Framework | None) -> None:
    """One sheet of text cells, never formulas; scores that are whole numbers as numbers."""
    book = openpyxl.Workbook(write_only=True)
    if carried is not None:
        book.custom_doc_props.append(StringProperty(name=GRID_PROPERTY, value=carried.version))
    sheet = book.create_sheet("crcne")

    def cell(text: str) -> Any:
        # openpyxl takes a text that begins so for a formula or an error, and writes a cell of its own but once.
        if text[:1] not in "=#":
            return text
        made = WriteOnlyCell(sheet, text)
        made.data_type = "s"
        return made

    def value(text: str, score: bool) -> str | int:
        return int(text) if score and _WHOLE.fullmatch(text) else ILLEGAL_CHARACTERS_RE.sub("", text)

    sheet.append([cell(column.header) for column in columns])
    known = [[*(value(str(text), column.score) for text in column.cells.categories), None] for column in columns]
    for row in np.column_stack([column.cells.codes for column in columns]):
        found = [values[code] for values, code in zip(known, row, strict=True)]
        sheet.append([cell(text) if isinstance(text, str) and text else text for text in found])
    atomically(target, book.save)
