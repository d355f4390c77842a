"""Cells of text as they stand in a file, each with its place."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crcne_stats.domain.errors import Problem
from crcne_stats.domain.frame import plain_text

FORMULA_STARTS = "=+-@\t\r'"
"""A spreadsheet runs a cell that starts so as a formula; a quote mark before it says that it is text."""

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
    being missing; ``rows`` (row,) numbers as Excel or an editor shows them; ``header_row`` that of the header;
    ``faults`` what could not be read of it; ``formulas`` by header how many cells below it hold a formula's result;
    ``sheets`` how many sheets of its file are read.
    """

    file: str
    sheet: str
    header: list[str]
    cells: list[pd.Categorical]
    rows: np.ndarray
    sha256: str = ""
    faults: list[Problem] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    sheets_aside: list[str] = field(default_factory=list)
    header_row: int = 1
    formulas: Mapping[str, int] = field(default_factory=dict)
    sheets: int = 1

    def faults_in(self, headers: Collection[str]) -> list[Problem]:
        """The faults of the columns that are read, and those of whole rows; errors in other columns do no harm."""
        return [fault for fault in self.faults if fault.column in headers or fault.code == "csv_ragged"]

    def formulas_in(self, headers: Iterable[str]) -> int:
        """How many cells of the columns that are read hold a formula's result."""
        return sum(self.formulas.get(header, 0) for header in dict.fromkeys(headers))


def header_position(rows: Sequence[Sequence[str]], judge: Judge) -> int | None:
    """The row with the most known headers, else the first that is not blank; None when all are."""
    filled = [index for index, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        return None
    best = max(filled, key=lambda index: (judge(rows[index]), -index))
    return best if judge(rows[best]) >= 2 else filled[0]


def categorical(column: pa.ChunkedArray) -> pd.Categorical:
    """A column of text as stripped categories."""
    codes, texts = coded(column)
    return text_cells(codes, texts)


def coded(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (row,), -1 where missing, and the distinct texts as they stand."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if not isinstance(array, pa.DictionaryArray):
        array = array.dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, np.array([str(text) for text in array.dictionary.to_pylist()], dtype=object)


def text_cells(codes: np.ndarray, texts: np.ndarray) -> pd.Categorical:
    """Stripped texts as categories; those that become equal are one, an empty one is missing, an unused one is none."""
    used = np.bincount(codes + 1, minlength=len(texts) + 1)[1:] > 0
    stripped = [plain_text(text) if here else "" for text, here in zip(texts, used, strict=True)]
    names = list(dict.fromkeys(text for text in stripped if text))
    index = {text: position for position, text in enumerate(names)}
    recode = np.array([index.get(text, -1) for text in stripped] + [-1], dtype=np.int64)
    return pd.Categorical.from_codes(recode[codes], categories=pd.Index(names, dtype=object))


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
    return plain_text(str(cell))
