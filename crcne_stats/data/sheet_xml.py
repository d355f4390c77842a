"""What a reader of values does not show of an Excel sheet: error cells, formulas, and how far its cells reach.

A reader of values shows an error (#N/A) and a formula that was never computed as empty, which would turn a broken
score into one that was never given.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from xml.etree import ElementTree

from crcne_stats.domain.errors import DataError, Problem, Problems

MOST_CELLS = 30_000_000
"""Cells of the rectangle that a sheet may claim; a real file of this trade has a hundredth of it."""

MOST_BYTES = 1 << 30

_NAMESPACE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*[^/>])>(.*?)</(?:\w+:)?c>", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_TYPE = re.compile(rb'\bt="(\w+)"')
_VALUE = re.compile(rb"<(?:\w+:)?v[^>]*>([^<]*)</")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_FILLED = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"(?:[^>]*[^/>])?><')


@dataclass
class Inside:
    """``faults``: code, row (from 1), column (from 0), what Excel shows; ``formulas``: row and column."""

    faults: list[tuple[str, int, int, str]] = field(default_factory=list)
    formulas: list[tuple[int, int]] = field(default_factory=list)


def inside(content: bytes, name: str) -> dict[str, Inside]:
    """What stands in each sheet of an .xlsx file, by the sheet's name; nothing for other kinds of workbook.

    Raises
    ------
    DataError
        When a sheet reaches so far that no memory would hold it, or the file is damaged.
    """
    if content[:2] != b"PK":
        return {}
    found: dict[str, Inside] = {}
    problems = Problems()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for sheet, member in _members(archive).items():
                if archive.getinfo(member).file_size > MOST_BYTES:
                    problems.add(Problem("sheet_too_large", file=name, sheet=sheet))
                    continue
                text = archive.read(member)
                if _too_large(text):
                    problems.add(Problem("sheet_too_large", file=name, sheet=sheet))
                else:
                    found[sheet] = _cells(text)
    except (zipfile.BadZipFile, zlib.error, KeyError, ElementTree.ParseError, OSError, ValueError, RuntimeError):
        raise DataError([Problem("workbook_unreadable", file=name)]) from None
    except NotImplementedError:
        raise DataError([Problem("workbook_locked", file=name)]) from None
    if problems:
        raise DataError(problems)
    return found


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """The file inside the archive that holds each worksheet."""
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return {}
    targets = {
        link.get("Id", ""): posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/")
        for link in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    }
    sheets = {
        node.get("name", ""): targets.get(node.get(f"{_NAMESPACE}id", ""), "")
        for node in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
        if node.tag.endswith("}sheet")
    }
    return {sheet: member for sheet, member in sheets.items() if member in names}


def _too_large(text: bytes) -> bool:
    """Whether the rectangle from A1 to the last filled cell is past all use."""
    start = text.rfind(b"<row ")
    last = re.search(rb'\br="(\d+)"', text[start : start + 400]) if start >= 0 else None
    rows = int(last.group(1)) if last else text.count(b"<row")
    widest = 18_278 if re.search(rb' r="[A-Z]{3}\d', text) else 702 if re.search(rb' r="[A-Z]{2}\d', text) else 26
    if rows * widest <= MOST_CELLS:
        return False
    across = down = 0
    for match in _FILLED.finditer(text):
        across, down = max(across, _number(match.group(1))), max(down, int(match.group(2)))
    return across * down > MOST_CELLS


def _cells(text: bytes) -> Inside:
    found = Inside()
    if b't="e"' not in text and b"<f" not in text and b":f" not in text:
        return found
    for match in _CELL.finditer(text):
        about, body = match.groups()
        kind, formula = _TYPE.search(about), _FORMULA.search(body)
        if formula is None and (kind is None or kind.group(1) != b"e"):
            continue
        place, value = _PLACE.search(about), _VALUE.search(body)
        if place is None:
            continue
        row, column = int(place.group(2)), _number(place.group(1)) - 1
        shown = value.group(1).decode("utf-8", "replace") if value else ""
        if kind is not None and kind.group(1) == b"e":
            found.faults.append(("cell_error", row, column, shown))
        elif not shown and (kind is None or kind.group(1) != b"str"):
            found.faults.append(("formula_without_value", row, column, "="))
        else:
            found.formulas.append((row, column))
    return found


def _number(letters: bytes) -> int:
    """The number of a column, A being 1."""
    column = 0
    for letter in letters:
        column = 26 * column + letter - 64
    return column
