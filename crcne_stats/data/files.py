"""Any file → tables of text, each cell with its place in the file."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import python_calamine

from crcne_stats.domain.errors import DataError, Problem

FORMULA_STARTS = "=+-@\t\r'"
"""A spreadsheet runs a cell that starts so as a formula; a quote mark before it says that it is text."""

_ESCAPED = re.compile(f"'[{re.escape(FORMULA_STARTS)}]")

HEADER_SEARCH = 40
"""A header is looked for in the first rows of a sheet; above it stand titles and merged cells."""

OWN = "crcne"
"""The metadata of a Parquet file that the kit wrote stands under this name."""

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet")

Judge = Callable[[Sequence[str]], int]
"""How many cells of a row are known headers."""


@dataclass(frozen=True, eq=False)
class RawTable:
    """Cells of one sheet as they stand.

    ``header`` (column,) as in the file; ``cells`` (column,) each a categorical of text of length row, an empty cell
    being missing; ``rows`` (row,) numbers as Excel or an editor shows them; ``faults`` what could not be read of it.
    """

    file: str
    sheet: str
    header: list[str]
    cells: list[pd.Categorical]
    rows: np.ndarray
    sha256: str = ""
    faults: list[Problem] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


def tables(path: Path, judge: Judge) -> list[RawTable]:
    """The tables of a file; what the file is, its content says.

    Raises
    ------
    DataError
        When nothing in it can be read as a table, with the reason.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError([Problem("file_absent", file=path.name)]) from None
    except OSError as error:
        raise DataError([Problem("file_unreadable", file=path.name, found=type(error).__name__)]) from None
    digest = hashlib.sha256(content).hexdigest()
    if not content.strip(b"\x00\t\r\n ;,\xef\xbb\xbf"):
        raise DataError([Problem("file_empty", file=path.name)])
    if content[:4] == b"PAR1":
        return [_parquet(content, path.name, digest)]
    if content[:4] == b"PK\x03\x04" or content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return list(_workbook(content, path.name, digest, judge))
    for magic in (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8"):
        if content.startswith(magic):
            raise DataError([Problem("file_no_table", file=path.name)])
    if content.lstrip()[:1] == b"<":
        raise DataError([Problem("file_no_table", file=path.name)])
    return [_csv(_decoded(content, path.name), path.name, digest, judge)]


def _decoded(content: bytes, name: str) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\x00" in content:
        raise DataError([Problem("file_no_table", file=name)])
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError([Problem("file_encoding", file=name)])


def _csv(text: str, name: str, digest: str, judge: Judge) -> RawTable:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    told = re.match(r"sep=(.)\n", text)
    first = 1 if told else 0
    head_text = "\n".join(text.split("\n", HEADER_SEARCH + 1)[: HEADER_SEARCH + 1])
    delimiter = told.group(1) if told else _delimiter(head_text, judge)
    if text.count('"') % 2:
        raise DataError([Problem("csv_quote", file=name, row=text.count("\n", 0, text.rfind('"')) + 1, found='"')])
    lines = _record_lines(text)
    head = list(csv.reader(io.StringIO(head_text), delimiter=delimiter))
    position = _header_position(head[first:], judge)
    if position is None:
        raise DataError([Problem("file_empty", file=name)])
    above = int(lines[first + position]) - 1
    body = text.split("\n", above)[above] if above else text
    header, cells, kept, faults = _parsed(body, delimiter, name)
    numbers = lines[first + position + 1 :][: len(kept)]
    places = [dataclasses.replace(fault, row=int(numbers[fault.row or 0])) for fault in faults]
    return RawTable(name, "", header, cells, numbers[kept], digest, places)


def _record_lines(text: str) -> np.ndarray:
    """The line (record,), from 1, on which each record of a CSV text begins; a quoted line break begins none."""
    if '"' not in text:
        return np.arange(1, text.count("\n") + 2)
    quotes = np.array([line.count('"') for line in text.split("\n")])
    before = np.cumsum(quotes) - quotes
    return np.flatnonzero(before % 2 == 0) + 1


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
    columns = [_unescaped(_categorical(table.column(index).slice(1))) for index in range(len(names))]
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
    return _text_cells(cells.codes, plain)


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    codes, texts = _coded(column)
    return _text_cells(codes, texts)


def _coded(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (row,), -1 where missing, and the distinct texts as they stand."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if not isinstance(array, pa.DictionaryArray):
        array = array.dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, np.array([str(text) for text in array.dictionary.to_pylist()], dtype=object)


def _text_cells(codes: np.ndarray, texts: np.ndarray) -> pd.Categorical:
    """Stripped texts as categories; those that become equal are one, an empty one is missing."""
    stripped = [text.replace("\u00a0", " ").replace("\u202f", " ").strip() for text in texts]
    names = list(dict.fromkeys(text for text in stripped if text))
    index = {text: position for position, text in enumerate(names)}
    recode = np.array([index.get(text, -1) for text in stripped] + [-1], dtype=np.int64)
    return pd.Categorical.from_codes(recode[codes], categories=pd.Index(names, dtype=object))


def _header_position(rows: Sequence[Sequence[str]], judge: Judge) -> int | None:
    filled = [index for index, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        return None
    best = max(filled, key=lambda index: (judge(rows[index]), -index))
    return best if judge(rows[best]) >= 2 else filled[0]


def _workbook(content: bytes, name: str, digest: str, judge: Judge) -> Iterator[RawTable]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    except python_calamine.PasswordError:
        raise DataError([Problem("workbook_locked", file=name)]) from None
    except (python_calamine.CalamineError, ValueError, OSError):
        raise DataError([Problem("workbook_unreadable", file=name)]) from None
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == python_calamine.SheetVisibleEnum.Visible
        and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]
    found = 0
    for sheet in visible:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        shown = [[cell_text(cell) for cell in row] for row in rows[:HEADER_SEARCH]]
        position = _header_position(shown, judge)
        if position is None:
            continue
        found += 1
        yield _sheet_table(rows, position, name, sheet if len(visible) > 1 else "", digest)
    if not found:
        raise DataError([Problem("file_empty", file=name)])


def _sheet_table(rows: list[list[Any]], position: int, name: str, sheet: str, digest: str) -> RawTable:
    header = [cell_text(cell) for cell in rows[position]]
    used = [index for index, text in enumerate(header) if text]
    body = rows[position + 1 :]
    cells = []
    for index in used:
        codes, uniques = pd.factorize(np.array([cell_text(row[index]) for row in body] + [""], dtype=object))
        cells.append(_text_cells(codes[:-1], np.asarray(uniques, dtype=object)))
    numbers = np.arange(position + 2, position + 2 + len(body))
    return RawTable(name, sheet, [header[index] for index in used], cells, numbers, digest)


def cell_text(cell: Any) -> str:
    """What Excel shows of a plain cell: a whole number has no decimals, a date is written as such."""
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime | datetime.date):
        return cell.strftime("%d/%m/%Y")
    return str(cell).strip()


def _parquet(content: bytes, name: str, digest: str) -> RawTable:
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError):
        raise DataError([Problem("parquet_unreadable", file=name)]) from None
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    cells = []
    for column in table.columns:
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            codes, uniques = pd.factorize(column.to_pandas())
            texts = np.array([cell_text(float(value)) for value in uniques], dtype=object)
            cells.append(_text_cells(codes, texts))
        else:
            codes, texts = _coded(column if pa.types.is_dictionary(column.type) else column.cast(pa.string()))
            # The texts of our own files stay to the letter.
            exact = OWN in metadata and len(set(texts)) == len(texts) and all(texts)
            cells.append(pd.Categorical.from_codes(codes, categories=texts) if exact else _text_cells(codes, texts))
    rows = np.arange(2, 2 + table.num_rows)
    return RawTable(name, "", list(table.column_names), cells, rows, digest, metadata=metadata)
