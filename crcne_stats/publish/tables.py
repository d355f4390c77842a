"""The tables of a study as files: tidy CSV for programs, one workbook for Excel, a dictionary of the columns for both.

The CSV files are plain UTF-8 with commas and decimal points, stable column names and full precision, so that any
program reads them the same in every country. Excel readers open ``tables.xlsx``: there numbers are numbers, shown with
the decimal mark of the reader's own Excel, and headers and values are in the language of the study.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from crcne_stats.domain.columns import Column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result, Study
from crcne_stats.publish.archive import settle
from crcne_stats.publish.sheets import allowed, body
from crcne_stats.view.tables import effects, entries
from crcne_stats.words import Words, words

_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet may begin to read a formula: at the start, and after a semicolon, at which an Excel whose decimal
mark is the comma cuts a line of CSV, whatever quotes stand there. Japanese Excel takes the wide signs as well."""
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_WIDEST = 60
_BOLD, _WRAPPED, _END = Font(bold=True), Alignment(wrap_text=True, vertical="top"), b"</sheetData>"


def files(result: Result) -> dict[str, pd.DataFrame]:
    """The tables of a result by the name of their file: ``agreement``, ``difficulty-levels``…"""
    return {
        result.name if name == result.name else f"{result.name}-{name}": table for name, table in result.tables.items()
    }


def all_files(study: Study) -> dict[str, pd.DataFrame]:
    """The tables of a study by the name of their file, in the order of the study."""
    return {name: table for result in study.results.values() for name, table in files(result).items()}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """One table as UTF-8 CSV. A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_harmless(value) for value in safe[name].astype(object)]
    safe.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or _NUMBER.fullmatch(value):  # "-1" is an identifier that nobody can run
        return value
    return _FORMULA.sub(r"\1'\2", value)


def dictionary(tables: Mapping[str, pd.DataFrame], lang: str) -> pd.DataFrame:
    """One row per column of each table: ``table, column, label, meaning, kind, unit, decimals``."""
    w = words(lang)
    rows = []
    for file, table in tables.items():
        for name, entry in zip(table.columns, entries(table), strict=True):
            rows.append(
                {
                    "table": file,
                    "column": name,
                    "label": w(f"column.{name}.label"),
                    "meaning": w(f"column.{name}.meaning"),
                    "kind": w(f"publish.kind.{entry.kind}"),
                    "unit": w(f"publish.unit.{entry.unit}") if entry.unit else "",
                }
            )
    return pd.DataFrame(rows, columns=["table", "column", "label", "meaning", "kind", "unit"])


def write_workbook(tables: Mapping[str, pd.DataFrame], framework: Framework, path: Path, lang: str) -> None:
    """All the tables in one workbook: the dictionary first, then a sheet per table, headers and values in words."""
    w = words(lang)
    book = Workbook(write_only=True)
    taken: set[str] = set()
    described = dictionary(tables, lang)
    headers = [w(f"publish.dictionary.{name}") for name in described.columns]
    first = _sheet_name(w("publish.dictionary.sheet"), taken)
    bodies = [_sheet(book, first, headers, described.itertuples(index=False), {})]
    for file, table in tables.items():
        kinds = entries(table)
        headers = [w(f"column.{name}.label") for name in table.columns]
        rows = ([_shown(v, e, framework, w) for v, e in zip(row, kinds, strict=True)] for row in _records(table))
        formats = {position: _number_format(entry) for position, entry in enumerate(kinds)}
        bodies.append(_sheet(book, _sheet_name(file, taken), headers, rows, formats))
    book.save(path)
    settle(path, {f"xl/worksheets/sheet{k}.xml": (_END, rows + _END) for k, rows in enumerate(bodies, 1)})


def _records(table: pd.DataFrame) -> Iterator[dict[str, Any] | tuple[Any, ...]]:
    return iter(zip(*(table[name].astype(object) for name in table.columns), strict=True))


def _shown(value: Any, entry: Column, framework: Framework, w: Words) -> Any:
    """The value as a cell holds it: a number, a word or a name."""
    if value is None or (isinstance(value, float | np.floating) and not math.isfinite(value)) or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return value.item() if isinstance(value, np.generic) else value
    text = str(value)
    if entry.kind == "key":
        key = f"{entry.of}.{text}"
        return w.raw(key) if w.has(key) else text
    if entry.kind == "terms":
        return effects(text, w)
    if entry.kind == "name" and entry.of == "level":
        return framework.name("level", text, w.language)
    return text


def _number_format(entry: Column) -> str:
    point = "." + "0" * entry.decimals if entry.decimals else ""
    return {"number": f"0{point}", "percent": f"0{point}%", "count": "#,##0"}.get(entry.kind, "General")


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel takes: 31 characters, none of its marks, not there yet."""
    base = re.sub(r"[\[\]:*?/\\]", " ", name)[:31].strip("'") or "-"
    chosen, number = base, 2
    while chosen.lower() in taken:
        chosen = f"{base[: 30 - len(str(number))]}-{number}"
        number += 1
    taken.add(chosen.lower())
    return chosen


def _sheet(book: Workbook, name: str, headers: list[str], rows: Any, formats: Mapping[int, str]) -> bytes:
    """Enter a sheet with its header; the answer are its other rows."""
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    kept = [list(row) for row in rows]
    for position, header in enumerate(headers):
        longest = max([len(header), *(len(row[position]) for row in kept if isinstance(row[position], str))])
        sheet.column_dimensions[get_column_letter(position + 1)].width = min(_WIDEST, longest + 2)
    sheet.append([_styled(sheet, allowed(header), font=_BOLD, alignment=_WRAPPED) for header in headers])
    if headers:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{len(kept) + 1}"
    plain = _styled(sheet, 0).style_id
    numbers = {position: _styled(sheet, 0, number_format=written).style_id for position, written in formats.items()}
    formula = _styled(sheet, "", quotePrefix=True).style_id

    def style(position: int, value: Any) -> int:
        """A text is text, even one that starts with an equals sign."""
        if isinstance(value, str):
            return formula if _FORMULA.match(value) else plain
        return numbers.get(position, plain)

    return body(kept, style)


def _styled(sheet: Any, value: Any, **named: Any) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"
    for name, chosen in named.items():
        setattr(cell, name, chosen)
    return cell
