"""The rows of a worksheet as XML.

openpyxl makes an object of each cell, which for the tables of a country takes longer than many an analysis. It writes
everything of a workbook but the rows below the header, which come from here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

LONGEST = 32767
"""Characters that a cell holds."""
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RETURN = {"\r": "&#13;"}

Style = Callable[[int, Any], int]
"""``style(position, value)``: the number of the style of a value in a column, 0 for none."""


def body(rows: Sequence[Sequence[Any]], style: Style) -> bytes:
    """Rows of numbers, texts and nothing (None), from the second row of a sheet on, as elements ``row``."""
    letters = [get_column_letter(position + 1) for position in range(max(map(len, rows), default=0))]
    lines = []
    for number, row in enumerate(rows, 2):
        cells = [
            _cell(f"{letters[position]}{number}", value, style(position, value))
            for position, value in enumerate(row)
            if value is not None and value != ""
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return "".join(lines).encode("utf-8")


def _cell(place: str, value: Any, style: int) -> str:
    styled = f' s="{style}"' if style else ""
    if isinstance(value, str):
        text = allowed(value)
        space = ' xml:space="preserve"' if text != text.strip() else ""
        return f'<c r="{place}"{styled} t="inlineStr"><is><t{space}>{escape(text, _RETURN)}</t></is></c>'
    if not math.isfinite(value):
        return ""
    return f'<c r="{place}"{styled} t="n"><v>{value:.16g}</v></c>'


def allowed(text: str) -> str:
    """A text without what XML forbids, as long as a cell may be."""
    return _FORBIDDEN.sub(" ", text)[:LONGEST]
