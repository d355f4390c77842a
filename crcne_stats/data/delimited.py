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
_UTF8_LETTER = re.compile(rb"[\xc3\xc5][\x80-\xbf]|\xe2\x80[\x90-\xbf]")


def decoded(content: bytes, name: str) -> str:
    """The text of a file: UTF-8 with or without BOM, UTF-16 with one, else Windows-1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\x00" in content:
        raise DataError([Problem("file_no_table", file=name)])
    else:
        encodings = ["utf-8-sig", "cp1252"]
        _one_encoding(content, name)
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError([Problem("file_encoding", file=name)])


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
    if text.count('"') % 2:
        raise DataError([Problem("csv_quote", file=name, row=text.count("\n", 0, text.rfind('"')) + 1, found='"')])
    try:
        lines = _record_lines(text, delimiter)
        head = list(csv.reader(io.StringIO(head_text), delimiter=delimiter))
    except csv.Error as error:
        raise DataError([Problem("csv_unreadable", file=name, found=str(error)[:120])]) from None
    position = header_position(head[first:], judge)
    if position is None:
        raise DataError([Problem("file_empty", file=name)])
    above = int(lines[first + position]) - 1
    body = text.split("\n", above)[above] if above else text
    header, cells, kept, faults = _parsed(body, delimiter, name)
    numbers = lines[first + position + 1 :]
    if len(numbers) != len(kept):
        # Two readers disagree on where a row ends: whatever was read, some of it would be a guess.
        raise DataError([Problem("csv_quotes", file=name, row=int(lines[-1]), found='"')])
    places = [dataclasses.replace(fault, row=int(numbers[fault.row or 0])) for fault in faults]
    return RawTable(name, "", header, cells, numbers[kept], digest, places, header_row=int(lines[first + position]))


def _record_lines(text: str, delimiter: str) -> np.ndarray:
    """The line (record,), from 1, on which each record of a CSV text begins; a quoted line break begins none."""
    if '"' not in text:
        return np.arange(1, text.count("\n") + 1 + (not text.endswith("\n")))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    ends = np.array([reader.line_num for _ in reader])
    return np.concatenate([[0], ends[:-1]]) + 1


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
