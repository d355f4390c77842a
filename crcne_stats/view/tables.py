"""Tables as people read them: headers and values in their language, rounded, remarks instead of empty cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from crcne_stats.domain.columns import COLUMNS, Column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

_NUMERIC = ("number", "percent", "count")
_WIDE = 12
"""Columns from which a table is printed across the page."""
_SEVERAL = 3
"""Rows from which a column that says the same in each is told once, beneath."""
_PROBABILITIES = ("p", "p_adjusted")
"""Columns in which nothing is ever zero, only small."""
_FAMILY_NAMES = {"criterion": "all_criteria", "inspe": "all_inspe"}
"""What a missing value of a column that says what a row is about means: all of them."""


@dataclass(frozen=True)
class Table:
    """A table ready to be read; a notebook shows it by itself.

    ``frame`` holds the texts under localised headers; ``meanings`` and ``numeric`` go with its columns. ``constant``:
    headers and texts of columns that a wide table leaves out because every row says the same.
    """

    caption: str
    frame: pd.DataFrame
    meanings: tuple[str, ...]
    numeric: tuple[bool, ...]
    language: str
    rows_left: int = 0
    constant: tuple[tuple[str, str], ...] = ()

    def html(self, identifier: str = "") -> str:
        """An HTML table in a region that scrolls by keyboard."""
        label = escape(self.caption)
        head = "".join(
            Markup('<th scope="col" title="{}"{}>{}</th>').format(meaning, _side(number), header)
            for header, meaning, number in zip(self.frame.columns, self.meanings, self.numeric, strict=True)
        )
        body = []
        for values in self.frame.itertuples(index=False):
            cells = [Markup('<th scope="row">{}</th>').format(values[0])] if values else []
            cells += [
                Markup("<td{}>{}</td>").format(_side(number), value)
                for value, number in zip(values[1:], self.numeric[1:], strict=True)
            ]
            body.append(f"<tr>{''.join(cells)}</tr>")
        left = "".join(f"<p>{escape(line)}</p>" for line in self._beneath())
        wide = " wide" if len(self.frame.columns) >= _WIDE else ""
        mark = Markup(' id="{}"').format(identifier) if identifier else ""
        return (
            f'<div class="table{wide}" role="region" tabindex="0" aria-label="{label}"{mark}>'
            f'<table lang="{self.language}">'
            f"<caption>{label}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{left}"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def text(self) -> str:
        """Aligned columns for a terminal: numbers to the right, words to the left."""
        grid = [
            list(map(str, self.frame.columns)),
            *([str(v) for v in row] for row in self.frame.itertuples(index=False)),
        ]
        widths = [max(_width(line[place]) for line in grid) for place in range(len(self.frame.columns))]
        lines = [self.caption]
        for line in grid:
            parts = [
                " " * (wide - _width(text)) + text if number else text + " " * (wide - _width(text))
                for text, wide, number in zip(line, widths, self.numeric, strict=True)
            ]
            lines.append("  ".join(parts).rstrip())
        return "\n".join([*lines, *self._beneath()])

    def _beneath(self) -> list[str]:
        w = words(self.language)
        same = " · ".join(f"{header}{w('report.colon')} {text}" for header, text in self.constant)
        told = [w("table.constant", told=same)] if same else []
        return [*told, *([w("table.rows_left", n=self.rows_left)] if self.rows_left else [])]

    def __str__(self) -> str:
        return self.text()


def table(
    result: Result, name: str, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD, rows: int | None = None
) -> Table:
    """A table of a result in the chosen language, with the cells hidden that may not be shown.

    Parameters
    ----------
    result, name
        The result and the name of one of its tables.
    lang
        "fr" or "en".
    threshold
        Numbers that rest on fewer students are hidden.
    rows
        Show at most that many rows and say how many are left.

    Raises
    ------
    KeyError
        When the result has no such table, or it may not be shown because its rows are students.
    """
    shown = published(result, threshold)
    if name not in shown.tables:
        raise KeyError(f"{name}: {', '.join(shown.tables) or words(lang)('reason.' + (result.reason or 'hidden'))}")
    framework = result.ratings.framework if result.ratings is not None else None
    caption = words(lang)(f"table.{result.name}.{name}")
    return written(shown.tables[name], caption, framework, lang, rows)


def written(
    frame: pd.DataFrame, caption: str, framework: Framework | None, lang: str, rows: int | None = None
) -> Table:
    """A tidy frame as a :class:`Table`; columns without any value are left out."""
    w = words(lang)
    kept = [name for name in frame.columns if _any_value(frame[name]) or (name in _FAMILY_NAMES and len(frame) == 1)]
    shown = frame[kept] if rows is None else frame[kept].head(rows)
    kinds = entries(shown)
    records = shown.astype(object).to_dict("records")
    columns = {
        place: [cell(record, name, kind, framework, w) for record in records]
        for place, (name, kind) in enumerate(zip(kept, kinds, strict=True))
    }
    same = _constant(columns, kinds, len(frame) - len(shown))
    places = [place for place in columns if place not in same]
    texts = pd.DataFrame({place: columns[place] for place in places}, index=range(len(records)), dtype=object)
    texts.columns = pd.Index([w(f"column.{kept[place]}.label") for place in places])
    return Table(
        caption,
        texts,
        tuple(w(f"column.{kept[place]}.meaning") for place in places),
        tuple(kinds[place].kind in _NUMERIC for place in places),
        lang,
        len(frame) - len(shown),
        tuple((w(f"column.{kept[place]}.label"), columns[place][0]) for place in same),
    )


def _constant(columns: Mapping[int, list[str]], kinds: list[Column], left: int) -> list[int]:
    """Places of the columns of words that say the same in every row of a wide table, all of whose rows are there."""
    if len(columns) < _WIDE or left or len(columns[0]) < _SEVERAL:
        return []
    return [
        place
        for place, texts in columns.items()
        if place and kinds[place].kind not in _NUMERIC and texts[0] and len(set(texts)) == 1
    ]


def _any_value(values: pd.Series) -> bool:
    return bool((values.notna() & (values.astype(object) != "")).any())


def entries(frame: pd.DataFrame) -> list[Column]:
    """How each column of a frame is to be read: bounds are read as what they bound, a share or a variance."""
    names = set(frame.columns)
    bounded = "share" if "share" in names and not {"value", "mean"} & names else "variance"
    ends = ("low", "high") if bounded in names else ()
    return [COLUMNS[bounded if name in ends else name] for name in frame.columns]


def cell(row: Mapping[str, Any], name: str, entry: Column, framework: Framework | None, w: Words) -> str:
    """One value as the reader's language writes it."""
    value = row[name]
    if pd.isna(value) or value == "":
        return w(f"table.{_FAMILY_NAMES[name]}") if name in _FAMILY_NAMES else ""
    if name == "reason":
        return w(f"reason.{value}", **row)
    if entry.kind == "number":
        least = 10.0**-entry.decimals
        if name in _PROBABILITIES and float(value) < least / 2:
            return f"<\u00a0{w.number(least, entry.decimals)}"
        return w.number(float(value), entry.decimals)
    if entry.kind == "percent":
        return w.percent(float(value), entry.decimals)
    if entry.kind == "count":
        return w.count(float(value))
    if entry.kind == "flag":
        return w("table.yes" if value else "table.no")
    if entry.kind == "key" and w.has(f"{entry.of}.{value}"):
        return w(f"{entry.of}.{value}", **row)
    if entry.kind == "terms":
        return effects(str(value), w)
    if entry.kind == "name" and entry.of == "level" and framework is not None:
        return framework.name("level", str(value), w.language)
    return str(value)


def effects(keys: str, w: Words) -> str:
    """Effects of a design in words: "student*trainer" reads «student × trainer», "trainer:inspe" «trainer in INSPÉ»."""
    return ", ".join(_effect(key, w) for key in keys.split(",") if key)


def _effect(key: str, w: Words) -> str:
    own, _, within = key.partition(":")
    joined = [" × ".join(w(f"facet.{name}") for name in part.split("*")) for part in (own, within) if part]
    return w("table.within", own=joined[0], within=joined[1]) if within else joined[0]


def _side(number: bool) -> Markup:
    return Markup(' class="number"') if number else Markup("")


def _width(text: str) -> int:
    """Columns of a terminal: accents that combine take none."""
    return sum(1 for letter in text if not unicodedata.combining(letter))
