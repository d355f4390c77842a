"""The sheets of a file as they stand, title rows and blank rows too, each row with the number that Excel shows.

The loaders keep what they understand; whoever shows a file to its owner needs the rest as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import python_calamine

from crcne_stats.data.delimited import decoded, record_lines
from crcne_stats.data.files import tables
from crcne_stats.data.raw import HEADER_SEARCH, Judge, cell_text
from crcne_stats.data.sheet_xml import Inside, inside
from crcne_stats.domain.errors import DataError

Row = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Sheet:
    """``label`` as a problem names the sheet; ``rows`` gives, each time it is called, number from 1 and cells."""

    label: str
    rows: Callable[[], Iterator[Row]]


def sheets_as_they_stand(path: Path, judge: Judge) -> list[Sheet]:
    """The visible sheets of a file, one for CSV and Parquet; none where it holds no table that can be shown.

    ``judge`` tells of two ways to split the lines of a CSV file the better one.
    """
    try:
        content = path.read_bytes()
        if content[:4] == b"PAR1":
            return [_parquet(path, judge)]
        if content[:2] == b"PK" or content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            return _workbook(content, path.name)
        return [_delimited(_text(content, path.name), judge)]
    except (DataError, OSError):
        return []


def _parquet(path: Path, judge: Judge) -> Sheet:
    (raw,) = tables(path, judge)
    columns = [np.array([*map(str, cells.categories), ""], dtype=object)[cells.codes] for cells in raw.cells]

    def rows() -> Iterator[Row]:
        yield 1, raw.header
        yield from zip(map(int, raw.rows), zip(*columns, strict=True), strict=True)

    return Sheet("", rows)


def _workbook(content: bytes, name: str) -> list[Sheet]:
    told = inside(content, name)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
    except (python_calamine.CalamineError, python_calamine.PasswordError, ValueError, OSError, OverflowError):
        return []
    return [_of_workbook(book, sheet, told.get(sheet, Inside()), len(visible) > 1) for sheet in visible]


def _of_workbook(book: python_calamine.CalamineWorkbook, name: str, told: Inside, several: bool) -> Sheet:
    # A reader of values shows an error, or a formula that was never computed, as an empty cell.
    unseen = {(row, column): text for _, row, column, text in told.faults}
    faulty = {row for row, _ in unseen}

    @cache
    def cells() -> Sequence[Sequence[object]]:
        return book.get_sheet_by_name(name).to_python(skip_empty_area=False)

    def rows() -> Iterator[Row]:
        for number, row in enumerate(cells(), 1):
            texts = [cell if isinstance(cell, str) else cell_text(cell) for cell in row]
            if number in faulty:
                texts = [text or unseen.get((number, column), "") for column, text in enumerate(texts)]
            yield number, texts

    return Sheet(name if several else "", rows)


def _text(content: bytes, name: str) -> str:
    """The text of a file; one that is refused for its encoding is still shown, line by line."""
    try:
        text = decoded(content, name)
    except DataError:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16", "replace") if wide else "\n".join(map(_line, content.splitlines()))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line(line: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return line.decode(encoding).replace("\x00", "\u2400")
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1").replace("\x00", "\u2400")


def _delimited(text: str, judge: Judge) -> Sheet:
    told = re.match(r"sep=(.)\n", text)
    head = "\n".join(text.split("\n", HEADER_SEARCH)[:HEADER_SEARCH])

    def shown(mark: str) -> tuple[int, int]:
        rows = [row for _, row in _records(head, mark)]
        return max(map(judge, rows), default=0), max(map(len, rows), default=0)

    mark = told.group(1) if told else max(";\t,|", key=shown)
    return Sheet("", lambda: _records(text, mark))


def _records(text: str, mark: str) -> Iterator[Row]:
    """The records with the line on which each begins; from an unclosed quote or a giant cell on, line by line."""
    start = 0
    try:
        record_lines(text, mark, "")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        for row in reader:
            yield start + 1, row
            start = reader.line_num
        return
    except (DataError, csv.Error):
        pass
    for number, line in enumerate(text.split("\n")[start:], start + 1):
        yield number, line.split(mark)
