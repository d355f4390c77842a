"""Excel workbooks, sheet by sheet."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import python_calamine

from crcne_stats.data.raw import HEADER_SEARCH, Judge, RawTable, cell_text, header_position, text_cells
from crcne_stats.domain.errors import DataError, Problem

_ERROR_CELL = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*t="e"[^>]*>.*?<v>([^<]*)</v></c>')
_FORMULA_CELL = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*><f[^>]*(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')


def workbook(content: bytes, name: str, digest: str, judge: Judge) -> list[RawTable]:
    """The tables of the visible sheets; a sheet without a known header beside others that have one is set aside."""
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
    shown = {sheet: _Sheet(book, sheet, judge) for sheet in visible}
    filled = {sheet: found for sheet, found in shown.items() if found.position is not None}
    if not filled:
        raise DataError([Problem("file_empty", file=name)])
    known = {sheet: found for sheet, found in filled.items() if found.known >= 2} or filled
    broken = error_cells(content, list(book.sheet_names))
    tables = []
    for sheet, found in known.items():
        label = sheet if len(visible) > 1 else ""
        table = _sheet_table(found.rows, int(found.position or 0), name, label, digest)
        table.faults.extend(
            Problem(code, file=name, sheet=label, row=row, column=_header_of(found, column), found=text)
            for code, row, column, text in broken.get(sheet, ())
            if row > int(found.position or 0) + 1
        )
        tables.append(table)
    tables[0].sheets_aside.extend(sheet for sheet in filled if sheet not in known)
    return tables


class _Sheet:
    """The rows of a sheet, where its header stands and how many of its cells are known headers."""

    def __init__(self, book: python_calamine.CalamineWorkbook, name: str, judge: Judge) -> None:
        self.rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        head = [[cell_text(cell) for cell in row] for row in self.rows[:HEADER_SEARCH]]
        self.position = header_position(head, judge)
        self.known = 0 if self.position is None else judge(head[self.position])
        self.header = [] if self.position is None else head[self.position]


def _header_of(sheet: _Sheet, column: int) -> str:
    return sheet.header[column] if column < len(sheet.header) else ""


def error_cells(content: bytes, sheets: Sequence[str]) -> dict[str, list[tuple[str, int, int, str]]]:
    """Cells that hold an error (#N/A…) or a formula without a stored value: code, row, column from 0, what is shown.

    A reader of values shows both as empty, which would turn a broken score into one that was never given.
    """
    found: dict[str, list[tuple[str, int, int, str]]] = {}
    if content[:2] != b"PK":
        return found
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        for index, sheet in enumerate(sheets, start=1):
            member = f"xl/worksheets/sheet{index}.xml"
            if member not in names:
                continue
            text = archive.read(member)
            for match in _ERROR_CELL.finditer(text) if b't="e"' in text else ():
                cell = _place(match.group(1))
                found.setdefault(sheet, []).append(("cell_error", *cell, match.group(2).decode("utf-8", "replace")))
            for match in _FORMULA_CELL.finditer(text) if b"<f" in text else ():
                cell = _place(match.group(1))
                found.setdefault(sheet, []).append(("formula_without_value", *cell, "="))
    return found


def _place(reference: bytes) -> tuple[int, int]:
    """Row from 1 and column from 0 of a cell such as B12."""
    letters, digits = re.match(rb"([A-Z]+)(\d+)", reference).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + letter - 64
    return int(digits), column - 1


def _sheet_table(rows: list[list[Any]], position: int, name: str, sheet: str, digest: str) -> RawTable:
    header = [cell_text(cell) for cell in rows[position]]
    used = [index for index, text in enumerate(header) if text]
    body = rows[position + 1 :]
    cells = []
    for index in used:
        codes, uniques = pd.factorize(np.array([cell_text(row[index]) for row in body] + [""], dtype=object))
        cells.append(text_cells(codes[:-1], np.asarray(uniques, dtype=object)))
    numbers = np.arange(position + 2, position + 2 + len(body))
    return RawTable(name, sheet, [header[index] for index in used], cells, numbers, digest)
