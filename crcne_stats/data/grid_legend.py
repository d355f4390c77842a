"""The legend of the trainers' grid: how to fill it, the levels that its lists offer, the framework it was made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.worksheet import Worksheet

from crcne_stats.data import reading
from crcne_stats.data.raw import FORMULA_STARTS
from crcne_stats.data.schema import as_code, folded, schema
from crcne_stats.domain.framework import OTHER_LANGUAGE, Framework, Level
from crcne_stats.words import Words

NOT_RATED = "NE"
"""The missing code of the data contract that the lists offer."""

_INK = {"text": "FF1F2A44", "line": "FFBFBFBF", "head": "FFDCE6F1", "band": "FFC5D5EA", "fill": "FFFFFBE6"}
_STYLES = ("title", "about", "plain", "band", "head", "locked", "score", "open")
_WIDTHS = (26, 84)
_LINE = 15.0


@dataclass(frozen=True)
class Choices:
    """The list of one scale: its cells, as a formula, and whether they are numbers."""

    formula: str
    numbers: bool


def add_styles(book: Workbook) -> None:
    """The styles of cells, by name: Excel and LibreOffice keep them apart from those of the user."""
    thin = Side(style="thin", color=_INK["line"])
    box = Border(left=thin, right=thin, top=thin, bottom=thin)
    for name in _STYLES:
        style = NamedStyle(f"crcne {name}", alignment=Alignment(vertical="top", wrap_text=True))
        style.number_format = "@"
        size = {"title": 14, "band": 10, "head": 9}.get(name, 11)
        style.font = Font(name="Calibri", size=size, bold=name in ("title", "band"), color=_INK["text"])
        if name in ("band", "head", "score", "open", "locked"):
            style.border = box
        if name in ("band", "head"):
            style.fill = PatternFill("solid", fgColor=_INK[name])
            style.alignment = Alignment(
                horizontal="center", vertical="center" if name == "band" else "top", wrap_text=True
            )
        if name in ("score", "open"):
            style.fill = PatternFill("solid", fgColor=_INK["fill"])
            style.protection = Protection(locked=False)
        if name in ("score", "open", "locked"):
            style.alignment = Alignment(horizontal="center" if name == "score" else "left", vertical="center")
        if name in ("title", "about"):
            style.alignment = Alignment(vertical="center")
        book.add_named_style(style)


def put(cell: Cell, value: str | int, style: str = "plain") -> Cell:
    """Write a value; a text stays text, even one that a spreadsheet would run as a formula."""
    cell.value = value if value != "" else None
    cell.style = f"crcne {style}"
    if isinstance(value, int):
        cell.number_format = "General"
    elif value:
        cell.data_type = "s"
        cell.quotePrefix = value[0] in FORMULA_STARTS
    return cell


def level_text(level: Level, lang: str) -> str:
    """The name of a level in a language."""
    return str(level.text.get(lang) or level.text[OTHER_LANGUAGE])


def entries(framework: Framework, scale: Sequence[Level], lang: str) -> list[str | int]:
    """What stands for each level of a scale in the lists, lowest first.

    Their names; the scores where the loader would read a name as another level, a number or a missing code.
    """
    known = reading.level_names([level for levels in framework.scales.values() for level in levels], "score")
    names = [level_text(level, lang) for level in scale]
    scores = [level.score for level in scale]
    safe = all(
        as_code(name) not in schema("ratings").missing
        and not _is_number(name)
        and not reading.excel_date(name)
        and known.get(folded(name)) == score
        for name, score in zip(names, scores, strict=True)
    )
    return list(names if safe else scores)


def _is_number(text: str) -> bool:
    try:
        reading.number(text)
    except ValueError:
        return False
    return True


def legend(book: Workbook, framework: Framework, w: Words, trainer_given: bool) -> dict[str, Choices]:
    """Add the legend; the lists of the scales that criteria use, by the scale's name.

    No row of it holds two headers of a table of ratings, so that the loader sets the sheet aside.
    """
    sheet = book.create_sheet(w("grid.legend.sheet"))
    for letter, width in zip("AB", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    _heading(sheet, w("grid.legend.how"))
    lowest = level_text(framework.levels[0], w.language)
    steps = ["choose", "not_rated", "wording", "trainer_given" if trainer_given else "trainer_open", "locked"]
    for step in [*steps, "paste", "names", "save"]:
        _sentence(sheet, w(f"grid.legend.{step}", lowest=lowest, code=NOT_RATED))
    _heading(sheet, w("grid.legend.framework"))
    _sentence(sheet, framework.title.get(w.language) or framework.title[OTHER_LANGUAGE])
    _row(sheet, w("grid.legend.version"), framework.version)
    _row(sheet, w("grid.legend.status"), w(f"framework_status.{framework.status}"))
    if framework.source:
        _row(sheet, w("grid.legend.source"), framework.source)
    note = framework.rules.note
    if note:
        _sentence(sheet, note.get(w.language) or note.get(OTHER_LANGUAGE, ""))
    used = list(dict.fromkeys(criterion.scale for criterion in framework.criteria))
    lists = {name: _scale(sheet, framework, name, len(used) > 1, w) for name in used}
    protect(sheet)
    print_setup(sheet, framework)
    sheet.page_setup.orientation = "portrait"
    return lists


def _scale(sheet: Worksheet, framework: Framework, name: str, several: bool, w: Words) -> Choices:
    """The levels of a scale and the missing code, one under the other."""
    members = [criterion.key for criterion in framework.criteria if criterion.scale == name]
    told = w("grid.legend.levels_of", criteria=", ".join(members)) if several else w("grid.legend.levels")
    _heading(sheet, told)
    first = sheet.max_row + 1
    levels = framework.scales[name]
    chosen = entries(framework, levels, w.language)
    for level, entry in zip(levels, chosen, strict=True):
        shown = level_text(level, w.language) if isinstance(entry, int) else ""
        _row(sheet, entry, shown or w("grid.legend.score", score=str(level.score)))
    _row(sheet, NOT_RATED, w("grid.legend.not_rated_code"))
    formula = f"{quote_sheetname(sheet.title)}!$A${first}:$A${sheet.max_row}"
    return Choices(formula, any(isinstance(entry, int) for entry in chosen))


def _heading(sheet: Worksheet, text: str) -> None:
    row = 1 if sheet.max_row == 1 and sheet["A1"].value is None else sheet.max_row + 2
    put(sheet.cell(row, 1), text, "title")
    sheet.row_dimensions[row].height = 24


def _sentence(sheet: Worksheet, text: str) -> None:
    row = sheet.max_row + 1
    put(sheet.cell(row, 1), text)
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=2)
    sheet.row_dimensions[row].height = _LINE * lines(text, sum(_WIDTHS))


def _row(sheet: Worksheet, left: str | int, right: str) -> None:
    row = sheet.max_row + 1
    put(sheet.cell(row, 1), left, "locked")
    put(sheet.cell(row, 2), right)
    sheet.row_dimensions[row].height = _LINE * max(lines(str(left), _WIDTHS[0]), lines(right, _WIDTHS[1]))


def lines(text: str, width: float) -> int:
    """How many lines ``text`` takes in a cell of ``width`` characters."""
    count = 0
    for part in text.split("\n"):
        left = 0.0
        count += 1
        for word in part.split(" "):
            if left and left + len(word) > width:
                count, left = count + 1, 0.0
            count += int(len(word) // (width + 1))
            left += len(word) + 1
    return count


def protect(sheet: Worksheet) -> None:
    """Protect a sheet without a password; widths and heights may still be changed."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.formatRows = False


def print_setup(sheet: Worksheet, framework: Framework) -> None:
    """A4, landscape, as wide as the page, the version and the page at the foot."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    margins: Any = sheet.page_margins
    margins.left = margins.right = 0.3
    margins.top, margins.bottom, margins.footer = 0.4, 0.7, 0.3
    sheet.oddFooter.left.text = framework.version.replace("&", "&&")
    sheet.oddFooter.right.text = "&P / &N"
