"""Documents as DOCX, for a word processor: plain styles, APA tables with three rules, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from crcne_stats.publish.archive import settle
from crcne_stats.view.documents import Block, Grid, Heading, Items

_LANGUAGES = {"fr": "fr-FR", "en": "en-GB"}
_SMALL = Pt(9)
_WIDE = 7
"""Columns from which a document is set across the page."""
_LONG = 80
"""Letters beyond which a text asks for no more width."""
_LETTER = Pt(5)
"""Width of a letter of a table."""


def write_document(blocks: Iterable[Block], path: Path, lang: str, note: str) -> None:
    """Write the blocks to ``path``; ``note`` is the word before the note of a table."""
    given = list(blocks)
    document = docx.Document()
    _page(document, any(isinstance(block, Grid) and len(block.header) >= _WIDE for block in given))
    _style(document, lang)
    for block in given:
        if isinstance(block, Heading):
            document.add_heading(_legal(block.text), block.level - 1 if block.level > 1 else 0)
        elif isinstance(block, Items):
            for entry in block.entries:
                document.add_paragraph(_legal(entry), style="List Bullet")
        elif isinstance(block, Grid):
            _table(document, block, note)
        else:
            document.add_paragraph(_legal(block.text))
    document.core_properties.author = "crcne_stats"
    document.core_properties.comments = ""
    title = next((block.text for block in given if isinstance(block, Heading)), "")
    document.core_properties.title = _legal(title)
    document.core_properties.language = _LANGUAGES.get(lang, "en-GB")
    document.save(str(path))
    settle(path)


def _page(document: Any, across: bool) -> None:
    """A4, which the template of the library is not."""
    section = document.sections[0]
    width, height = Mm(210), Mm(297)
    section.page_width, section.page_height = (height, width) if across else (width, height)
    section.orientation = WD_ORIENT.LANDSCAPE if across else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(20)


def _style(document: Any, lang: str) -> None:
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(11)
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), _LANGUAGES.get(lang, "en-GB"))
    normal.element.get_or_add_rPr().append(spoken)


def _table(document: Any, grid: Grid, note: str) -> None:
    """Number in bold, title in italics, three rules, the note below; a header that is repeated on each page."""
    if grid.label:
        _line(document, grid.label).bold = True
    if grid.title:
        _line(document, grid.title).italic = True
    table = document.add_table(rows=1 + len(grid.rows), cols=len(grid.header))
    table.autofit = False
    widths = _widths(grid, document.sections[0])
    for column, width in zip(table.columns, widths, strict=True):
        column._gridCol.w = width
    cells = list(table._cells)  # asked once: the library counts all of them at each call
    for place, text in enumerate(text for row in (grid.header, *grid.rows) for text in row):
        column = place % len(grid.header)
        cells[place].width = widths[column]
        _fill(cells[place], text, grid.numeric[column])
    rows = list(table.rows)
    _rule(rows[0], "top", 12)
    _rule(rows[0], "bottom", 6)
    _rule(rows[-1], "bottom", 12)
    repeated = OxmlElement("w:tblHeader")
    rows[0]._tr.get_or_add_trPr().append(repeated)
    for row in rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    if grid.note:
        below = document.add_paragraph()
        below.add_run(_legal(note)).italic = True
        below.add_run(" " + _legal(grid.note))
        for run in below.runs:
            run.font.size = _SMALL


def _widths(grid: Grid, section: Any) -> list[int]:
    """The width of the text shared out: each column has room for its longest word, long texts get the rest."""
    words, longest = [], []
    for place, header in enumerate(grid.header):
        texts = [row[place] for row in grid.rows]
        words.append(max(len(word) for text in (header, *texts) for word in (text.split() or [""])) + 3)
        longest.append(max(min(max(map(len, texts), default=0), _LONG) - words[-1], 1))
    text = section.page_width - section.left_margin - section.right_margin
    spare = max(text - _LETTER * sum(words), 0)
    wide = [_LETTER * word + spare * one / sum(longest) for word, one in zip(words, longest, strict=True)]
    return [int(text * one / sum(wide)) for one in wide]


def _line(document: Any, text: str) -> Any:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_after = Pt(2)
    return paragraph.add_run(_legal(text))


def _fill(cell: Any, text: str, number: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    paragraph.add_run(_legal(text)).font.size = _SMALL


def _rule(row: Any, side: str, eighths: int) -> None:
    """A rule above or below a row, in eighths of a point."""
    for cell in row.cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        edge = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "0"), ("color", "000000")):
            edge.set(qn(f"w:{name}"), value)
        borders.append(edge)


def _legal(text: str) -> str:
    """Without the control characters that XML refuses."""
    return ILLEGAL_CHARACTERS_RE.sub(" ", text)
