"""CSV in the dialects that spreadsheets write."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from crcne_stats.data.raw import (
    FORMULA_STARTS,
    HEADER_SEARCH,
    Judge,
    RawTable,
    categorical,
    header_position,
    text_cells,
)
from crcne_stats.domain.errors import DataError, Problem

_ESCAPED = re.compile(f"'[{re.escape(FORMULA_STARTS)}]")
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_BINARY = "\x00\x01\x02\x03\x04\x05\x06\x0e\x0f"
"""Characters that a program writes and nobody types."""

_START = 1000
_UTF8_LETTER = re.compile(rb"[\xc3\xc5][\x80-\xbf]|\xe2\x80[\x90-\xbf]")


def decoded(content: bytes, name: str) -> str:
    """The text of a file: UTF-8 with or without BOM, UTF-16, else Windows-1252."""
    encodings = _wide(content) or ["utf-8-sig", "cp1252"]
    if "cp1252" in encodings:
        _one_encoding(content, name)
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise DataError([_nul(text, name)])
        return text
    binary = "cp1252" in encodings and b"\x00" in content
    raise DataError([Problem("file_no_table" if binary else "file_encoding", file=name)])


def _wide(content: bytes) -> list[str]:
    """UTF-16 where the file says so, or where every other byte of its beginning is nothing, as in plain Latin text."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ["utf-16"]
    start = np.frombuffer(content[: _START // 2 * 2], dtype=np.uint8)
    high, low = (start[side::2] if len(start) else start for side in (0, 1))
    if len(high) and len(high) == len(low):
        for zero, other, encoding in ((high, low, "utf-16-be"), (low, high, "utf-16-le")):
            if (zero == 0).mean() > 0.9 and (other != 0).all():
                return [encoding]
    return []


def _nul(text: str, name: str) -> Problem:
    """A table with a NUL somewhere, or no text at all."""
    control = sum(text.count(mark) for mark in _BINARY)
    if control > text.count("\n") or "\n" not in text.strip():
        return Problem("file_no_table", file=name)
    place = text.index("\x00")
    before = text[:place].replace("\r\n", "\n").replace("\r", "\n")
    line = (before.rpartition("\n")[2] + text[place:].split("\n", 1)[0]).replace("\x00", "\u2400")
    return Problem(
        "file_nul", {"n": text.count("\x00")}, file=name, row=before.count("\n") + 1, found=line.strip()[:60]
    )


def _one_encoding(content: bytes, name: str) -> None:
    """Refuse a file in which some lines are UTF-8 and others are not, as when two files were pasted together."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _UTF8_LETTER.search(content):
            raise DataError([Problem("file_mixed", file=name, row=content.count(b"\n", 0, error.start) + 1)]) from None


def delimited(text: str, name: str, digest: str, judge: Judge) -> RawTable:
    """The table that a CSV text holds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    told = re.match(r"sep=(.)\n", text)
    first = 1 if told else 0
    head_text = "\n".join(text.split("\n", HEADER_SEARCH + 1)[: HEADER_SEARCH + 1])
    delimiter = told.group(1) if told else _delimiter(head_text, judge)
    lines = record_lines(text, delimiter, name)
    try:
        head = list(csv.reader(io.StringIO(head_text), delimiter=delimiter))
    except csv.Error as error:
        raise DataError([Problem("csv_unreadable", file=name, found=str(error)[:120])]) from None
    position = header_position(head[first:], judge)
    if position is None:
        raise DataError([Problem("file_empty", file=name)])
    above = int(lines[first + position]) - 1
    body = text.split("\n", above)[above] if above else text
    header, cells, kept, faults = _parsed(body, delimiter, name)
    numbers = lines[first + position + 1 :][: len(kept)]
    places = [dataclasses.replace(fault, row=int(numbers[fault.row or 0])) for fault in faults]
    return RawTable(name, "", header, cells, numbers[kept], digest, places, header_row=int(lines[first + position]))


def record_lines(text: str, delimiter: str, name: str) -> np.ndarray:
    """The line (record,), from 1, on which each record of a CSV text begins; a quoted line break begins none.

    A quotation mark quotes where a cell begins with it; elsewhere in a cell it is a mark like any other, as in Excel.

    Raises
    ------
    DataError
        When a quoted cell is never closed, or goes on after its closing mark.
    """
    if '"' not in text:
        return np.arange(1, text.count("\n") + 2)
    content = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    breaks = np.flatnonzero(content == ord("\n"))
    marks = np.flatnonzero(content == ord('"'))
    if _paired(content, marks, delimiter):
        within = np.searchsorted(marks, breaks) % 2 == 1
    else:
        within = _within_cells(text, delimiter, name)
    return np.concatenate([[1], np.flatnonzero(~within) + 2])


def _paired(content: np.ndarray, marks: np.ndarray, delimiter: str) -> bool:
    """Whether all quotation marks (mark,) of the bytes (byte,) stand round whole cells, or doubled within them."""
    if len(marks) % 2 or not delimiter.isascii():
        return False
    around = np.array([ord(delimiter), ord("\n")], dtype=np.uint8)
    padded = np.concatenate([around[1:], content, around[1:]])
    opening, closing = marks[0::2], marks[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    begins = np.isin(padded[opening], around) | np.concatenate([[False], doubled])
    ends = np.isin(padded[closing + 2], around) | np.concatenate([doubled, [False]])
    return bool(begins.all() and ends.all())


def _within_cells(text: str, delimiter: str, name: str) -> np.ndarray:
    """Which line breaks (break,) stand in quoted cells, where quotation marks also stand loose in other cells."""
    spans, place = [(-1, -1)], text.find('"')
    while place >= 0:
        if place and text[place - 1] not in (delimiter, "\n"):
            place = text.find('"', place + 1)
            continue
        cell = _QUOTED.match(text, place)
        if cell is None or text[cell.end() : cell.end() + 1] not in ("", delimiter, "\n"):
            row = text.count("\n", 0, place) + 1
            raise DataError([Problem("csv_quote", file=name, row=row, found=text[place : place + 60].split("\n")[0])])
        spans.append(cell.span())
        place = text.find('"', cell.end())
    starts, ends = np.array(spans).T
    breaks = np.array([match.start() for match in re.finditer("\n", text)], dtype=np.int64)
    return breaks < ends[np.searchsorted(starts, breaks) - 1]


def _delimiter(text: str, judge: Judge) -> str:
    """The mark that shows the most known headers in one row; of several such marks the most frequent one."""

    def shown(mark: str) -> tuple[int, int]:
        known = max(judge(row) for row in csv.reader(io.StringIO(text), delimiter=mark))
        return known, max(_outside_quotes(line, mark) for line in text.split("\n")[:10])

    return max(";\t,", key=shown)


def _outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def _parsed(body: str, delimiter: str, name: str) -> tuple[list[str], list[pd.Categorical], np.ndarray, list[Problem]]:
    """Header, columns, which records below the header were kept, and the ragged ones (row: record from 0)."""
    wrong: dict[int, tuple[int, int, str]] = {}

    def ragged(row: pyarrow.csv.InvalidRow) -> str:
        wrong[row.number - 1] = (row.expected_columns, row.actual_columns, row.text)
        return "skip"

    header = [cell.strip() for cell in next(csv.reader(io.StringIO(body), delimiter=delimiter))]
    names = [str(index) for index in range(len(header))]
    kind = pa.dictionary(pa.int32(), pa.string())
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(body.encode("utf-8")),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=1 << 26),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values='"' in body,
                ignore_empty_lines=False,
                invalid_row_handler=ragged,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, kind), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError([Problem("csv_unreadable", file=name, found=str(error)[:120])]) from None
    total = table.num_rows + len(wrong)
    kept = np.ones(total, dtype=bool)
    kept[[number for number in wrong if number < total]] = False
    columns = [_unescaped(categorical(table.column(index).slice(1))) for index in range(len(names))]
    faults = [
        Problem(
            "csv_ragged",
            {"expected_n": expected, "found_n": actual},
            file=name,
            row=number - 1,
            found=text.strip()[:60],
        )
        for number, (expected, actual, text) in sorted(wrong.items())
        if text.strip(f'{delimiter} \t"')
    ]
    return header, columns, kept[1:], faults


def _unescaped(cells: pd.Categorical) -> pd.Categorical:
    """Cells without the quote mark that keeps a spreadsheet from running a text as a formula."""
    texts = [str(text) for text in cells.categories]
    if not any(_ESCAPED.match(text) for text in texts):
        return cells
    plain = np.array([text[1:] if _ESCAPED.match(text) else text for text in texts], dtype=object)
    return text_cells(cells.codes, plain)
