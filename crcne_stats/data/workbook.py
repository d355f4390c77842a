"""Excel workbooks, sheet by sheet."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import python_calamine

from crcne_stats.data.raw import HEADER_SEARCH, Judge, RawTable, cell_text, header_position, text_cells
from crcne_stats.data.sheet_xml import Inside, inside
from crcne_stats.domain.errors import DataError, Problem

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The stream in which Excel keeps a workbook that has a password."""


def workbook(content: bytes, name: str, digest: str, judge: Judge) -> list[RawTable]:
    """The tables of the visible sheets; a sheet without a known header beside others that have one is set aside."""
    if content[:2] != b"PK" and _ENCRYPTED in content:
        raise DataError([Problem("workbook_locked", file=name)])
    told = inside(content, name)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = _visible(book)
        shown = {sheet: _Sheet(book, sheet, judge) for sheet in visible}
    except python_calamine.PasswordError:
        raise DataError([Problem("workbook_locked", file=name)]) from None
    except (python_calamine.CalamineError, ValueError, OSError, OverflowError):
        raise DataError([Problem("workbook_unreadable", file=name)]) from None
    filled = {sheet: found for sheet, found in shown.items() if found.position is not None}
    if not filled:
        raise DataError([Problem("file_empty", file=name)])
    known = {sheet: found for sheet, found in filled.items() if found.known >= 2} or filled
    tables = []
    for sheet, found in known.items():
        label = sheet if len(visible) > 1 else ""
        tables.append(_table(found, told.get(sheet, Inside()), name, label, digest, len(known)))
    hidden = [sheet for sheet in book.sheet_names if sheet not in visible]
    tables[0].sheets_aside.extend([*(sheet for sheet in filled if sheet not in known), *hidden])
    return tables


def _visible(book: python_calamine.CalamineWorkbook) -> list[str]:
    return [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == python_calamine.SheetVisibleEnum.Visible
        and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]


class _Sheet:
    """The rows of a sheet, where its header stands and how many of its cells are known headers."""

    def __init__(self, book: python_calamine.CalamineWorkbook, name: str, judge: Judge) -> None:
        self.rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        head = [[cell_text(cell) for cell in row] for row in self.rows[:HEADER_SEARCH]]
        self.position = header_position(head, judge)
        self.known = 0 if self.position is None else judge(head[self.position])
        self.header = [] if self.position is None else head[self.position]


def _table(sheet: _Sheet, told: Inside, name: str, label: str, digest: str, sheets: int) -> RawTable:
    position = int(sheet.position or 0)
    used = [index for index, text in enumerate(sheet.header) if text]
    body = sheet.rows[position + 1 :]
    return RawTable(
        name,
        label,
        [sheet.header[index] for index in used],
        [_column(index, body) for index in used],
        np.arange(position + 2, position + 2 + len(body)),
        digest,
        faults=[
            Problem(code, file=name, sheet=label, row=row, column=_header_of(sheet, column), found=text)
            for code, row, column, text in told.faults
            if row > position + 1
        ],
        header_row=position + 1,
        formulas=Counter(_header_of(sheet, column) for row, column in told.formulas if row > position + 1),
        sheets=sheets,
    )


def _header_of(sheet: _Sheet, column: int) -> str:
    return sheet.header[column] if column < len(sheet.header) else ""


def _column(index: int, rows: Sequence[Sequence[Any]]) -> pd.Categorical:
    """A column as text. Distinct cells are found first: TRUE and 1 are equal to Python, so truth values are not."""
    values = [row[index] for row in rows]
    if bool in set(map(type, values)):
        values = [cell_text(value) for value in values]
    array = np.empty(len(values), dtype=object)
    array[:] = values
    codes, uniques = pd.factorize(array, use_na_sentinel=False) if len(array) else (np.zeros(0, int), array)
    return text_cells(codes, np.array([cell_text(value) for value in uniques], dtype=object))
