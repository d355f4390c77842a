"""A copy of the user's sheets with the faulty cells marked and commented, beside the list of faults.

The copy is for looking, not for loading: every cell is text, row n of a copy is row n of the file, and nothing in it
can run as a formula.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ERROR_CODES, ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink

from crcne_stats.data.as_stands import Sheet, sheets_as_they_stand
from crcne_stats.data.grid import sheet_names
from crcne_stats.data.kinds import Headers
from crcne_stats.data.raw import FORMULA_STARTS, HEADER_SEARCH
from crcne_stats.data.saved import atomically
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.frame import plain_text
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.words import Words, words

SHEET_ROWS, SHEET_COLUMNS = 1_048_576, 16_384
"""What a sheet of Excel holds."""

# Sandy brown stays clearly darker than paper, and clearly lighter than ink, when it is printed in grey.
FILL = PatternFill("solid", start_color="FFF4A460", end_color="FFF4A460")
_EDGE = Side(style="medium", color="FF000000")
_BORDER = Border(left=_EDGE, right=_EDGE, top=_EDGE, bottom=_EDGE)
_BOLD = Font(bold=True)
_LINK = Font(underline="single", color="FF0563C1")
_TOP = Alignment(vertical="top", wrap_text=True)
_LISTED = ("cell", "file", "sheet", "row", "column", "what", "found", "expected", "remedy")
_WIDTHS = (8, 24, 16, 8, 18, 46, 20, 40, 46)
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@dataclass
class _Copy:
    """A sheet to copy: ``header_row`` from 1, ``columns`` header → positions from 0, ``marks`` cell → faults."""

    sheet: Sheet
    header_row: int
    columns: dict[str, list[int]]
    title: str = ""
    marks: dict[tuple[int, int], list[Problem]] = field(default_factory=dict)

    def places(self, problem: Problem) -> list[tuple[int, int]]:
        """The cells of a fault; where it names no column of the sheet, the first one of its row."""
        header = self.columns.get(plain_text(problem.column), []) if problem.column else []
        row = self.header_row if problem.row is None else problem.row
        if not header:
            return [] if problem.row is None else [(row, 0)]
        return [(row, position) for position in (header if row == self.header_row else header[:1])]


def write_marked(paths: Sequence[Path], problems: Problems, target: str | Path, lang: str = "fr") -> Path:
    """Write a workbook with the list of faults and a marked copy of each faulty sheet.

    Parameters
    ----------
    paths
        The files that were checked, as the check was given them.
    problems
        What the check found in them. Those of its listing are listed and marked; the count tells of the others.
    target
        The workbook, ``.xlsx``. It appears whole or not at all; none of ``paths`` may be overwritten.
    lang
        The language of the list and of the comments.

    Raises
    ------
    DataError
        When ``target`` is one of the files, is no ``.xlsx`` file or cannot be written.
    """
    target, w = Path(target), words(lang)
    check_target(target, paths)
    copies, where = _copies(paths, list(problems))
    for copy, title in zip(copies, sheet_names([copy.title for copy in copies], [w("marked.sheet")]), strict=True):
        copy.title = title

    def save(path: Path) -> None:
        book = Workbook(write_only=True)
        listing = book.create_sheet(w("marked.sheet"))
        cut = [copy.title for copy in copies if _copy(book, copy, w)]
        _list(listing, problems, where, cut, w)
        book.properties.creator = "crcne_stats"
        book.properties.language = lang
        book.save(path)

    try:
        return atomically(target, save)
    except OSError as error:
        found = type(error).__name__
        raise DataError([Problem("marked_unwritable", file=target.name, found=found)]) from None


def check_target(target: Path, paths: Iterable[Path]) -> None:
    """Refuse a ``target`` that is one of the files that were checked, or no ``.xlsx`` file."""
    if target.suffix.lower() != ".xlsx":
        raise DataError([Problem("marked_suffix", file=target.name, found=target.suffix)])
    for path in paths:
        same = (
            os.path.samefile(path, target) if path.exists() and target.exists() else path.resolve() == target.resolve()
        )
        if same:
            raise DataError([Problem("marked_same", file=target.name)])


def _copies(
    paths: Sequence[Path], problems: Sequence[Problem]
) -> tuple[list[_Copy], list[tuple[_Copy, int, int] | None]]:
    """The faulty sheets in the order of the files, and for each problem the first cell that shows it."""
    judge = Headers.of(load_framework(None))
    copies: list[_Copy] = []
    where: list[tuple[_Copy, int, int] | None] = [None] * len(problems)
    names = [path.name for path in paths]
    for path in paths:
        own = {n: each for n, each in enumerate(problems) if each.file == path.name and (each.row or each.column)}
        if not own:
            continue
        score = _score({plain_text(each.column) for each in own.values() if each.column}, judge)
        for sheet in sheets_as_they_stand(path, score):
            here = {n: each for n, each in own.items() if each.sheet == sheet.label}
            if not here:
                continue
            copy = _with_header(sheet, score)
            copy.title = f"{path.stem} {sheet.label}".strip() if len(paths) > 1 else sheet.label or path.stem
            if names.count(path.name) > 1:
                here = _that_stand_here(copy, here)
            for n, problem in here.items():
                for place in copy.places(problem):
                    copy.marks.setdefault(place, []).append(problem)
                    where[n] = where[n] or (copy, *place)
            if copy.marks:
                copies.append(copy)
    return copies, where


def _score(wanted: set[str], judge: Callable[[Sequence[str]], int]) -> Callable[[Sequence[str]], int]:
    """How much a row looks like the header: by the headers that the faults name, then by those that the kit knows."""

    def score(row: Sequence[str]) -> int:
        cells = [plain_text(cell) for cell in row]
        return 1000 * len(wanted & set(cells)) + judge(cells)

    return score


def _with_header(sheet: Sheet, score: Callable[[Sequence[str]], int]) -> _Copy:
    head = [(number, row) for number, row in islice(sheet.rows(), HEADER_SEARCH) if any(map(str.strip, row))]
    if not head:
        return _Copy(sheet, 1, {})
    number, row = max(head, key=lambda entry: (score(entry[1]), -entry[0]))
    columns: dict[str, list[int]] = {}
    for position, text in enumerate(row):
        columns.setdefault(plain_text(text), []).append(position)
    return _Copy(sheet, number, columns)


def _that_stand_here(copy: _Copy, problems: dict[int, Problem]) -> dict[int, Problem]:
    """Of files that share a name, a fault is shown in those whose cell holds what was found."""
    wanted = {problem.row for problem in problems.values()}
    rows = {number: row for number, row in copy.sheet.rows() if number in wanted}

    def stands(problem: Problem) -> bool:
        row = rows.get(problem.row or 0, ())
        places = [position for _, position in copy.places(problem)] if problem.column else []
        return any((plain_text(row[at]) if at < len(row) else "") == problem.found for at in places)

    return {n: problem for n, problem in problems.items() if stands(problem)}


def _copy(book: Workbook, copy: _Copy, w: Words) -> bool:
    """Copy a sheet into the book; whether the file has more rows or columns than a sheet of Excel."""
    sheet = book.create_sheet(copy.title)
    widths: dict[int, int] = {}
    for _, row in islice(copy.sheet.rows(), 200):
        for position, text in enumerate(row[:SHEET_COLUMNS]):
            widths[position] = max(widths.get(position, 0), len(text))
    for position, width in widths.items():
        sheet.column_dimensions[get_column_letter(position + 1)].width = min(max(width + 3, 9), 40)
    if copy.header_row <= 12:
        sheet.freeze_panes = f"A{copy.header_row + 1}"
    marked: dict[int, dict[int, list[Problem]]] = {}
    for (number, position), problems in copy.marks.items():
        marked.setdefault(number, {})[position] = problems
    cut = False
    for number, row in _every_row(copy.sheet.rows(), max(marked)):
        if number > SHEET_ROWS:
            return True
        cut |= len(row) > SHEET_COLUMNS
        cells: list[Any] = [_cell(sheet, text) for text in row[:SHEET_COLUMNS]]
        for position, problems in marked.get(number, {}).items():
            if position < SHEET_COLUMNS:
                cells += [None] * (position + 1 - len(cells))
                cells[position] = _faulty(sheet, row[position] if position < len(row) else "", problems, w)
        sheet.append(cells)
    return cut


def _every_row(rows: Iterator[tuple[int, Sequence[str]]], last: int) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows with those in between on which nothing begins, at least to the ``last`` one."""
    following = 1
    for number, row in rows:
        for between in range(following, number):
            yield between, ()
        yield number, row
        following = number + 1
    for between in range(following, last + 1):
        yield between, ()


def _clean(text: str) -> str:
    """``text`` as a sheet can hold it: no control characters, and nothing that Excel takes for one of its escapes."""
    return _ESCAPE.sub("_x005F_", ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))


def _cell(sheet: Any, text: str) -> Any:
    """A cell of text, which a spreadsheet neither computes nor takes for a number; None where it is empty."""
    if not text:
        return None
    if text[0] not in FORMULA_STARTS and text not in ERROR_CODES:
        return _clean(text)
    cell = WriteOnlyCell(sheet, _clean(text))
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _faulty(sheet: Any, text: str, problems: Sequence[Problem], w: Words) -> Any:
    cell = WriteOnlyCell(sheet, _clean(text))
    cell.data_type = "s"
    cell.quotePrefix = text[:1] in FORMULA_STARTS if text else False
    cell.fill, cell.border, cell.font = FILL, _BORDER, _BOLD
    told = _clean("\n\n".join(dict.fromkeys(problem.body(w) for problem in problems)))
    cell.comment = Comment(told, "crcne_stats", width=340, height=40 + 17 * (len(told) // 45 + told.count("\n")))
    return cell


def _list(
    sheet: Any, problems: Problems, where: Sequence[tuple[_Copy, int, int] | None], cut: Sequence[str], w: Words
) -> None:
    """The list of faults: the exact count, how to read the copies, then one row for each with a link to its cell."""
    for position, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    top = [w("marked.count", n=problems.count), w("marked.how"), w("marked.care")]
    if problems.count > len(problems.items):
        top[0] += " " + w("marked.listed", n=len(problems.items))
    top += [w("marked.cut", sheet=title) for title in cut]
    sheet.freeze_panes = f"A{len(top) + 3}"
    for line in top:
        sheet.append([_styled(sheet, line, _BOLD if line == top[0] else None, None)])
    sheet.append([])
    sheet.append([_styled(sheet, w(f"marked.column.{name}"), _BOLD, _TOP) for name in _LISTED])
    for problem, place in zip(problems, where, strict=True):
        told = [problem.column, problem.title(w), problem.found, problem.expected(w), problem.remedy(w)]
        cells = [_styled(sheet, text, None, _TOP) for text in (problem.file, problem.sheet, "", *told)]
        cells[2] = WriteOnlyCell(sheet, problem.row)
        cells[2].alignment = _TOP
        sheet.append([_link(sheet, place), *cells])


def _link(sheet: Any, place: tuple[_Copy, int, int] | None) -> Any:
    """A cell that leads to the marked one; None for a fault that stands in no cell of a copy."""
    if place is None or place[1] > SHEET_ROWS or place[2] >= SHEET_COLUMNS:
        return None
    copy, row, position = place
    name = f"{get_column_letter(position + 1)}{row}"
    cell = _styled(sheet, name, _LINK, _TOP)
    cell.hyperlink = Hyperlink(ref="", location=f"{quote_sheetname(copy.title)}!{name}")
    return cell


def _styled(sheet: Any, text: str, font: Font | None, alignment: Alignment | None) -> Any:
    cell = WriteOnlyCell(sheet, _clean(text))
    cell.data_type = "s"
    cell.quotePrefix = text[:1] in FORMULA_STARTS if text else False
    if font is not None:
        cell.font = font
    if alignment is not None:
        cell.alignment = alignment
    return cell
