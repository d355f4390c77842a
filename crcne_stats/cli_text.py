"""A result as plain text for the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crcne_stats.domain.columns import Column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result
from crcne_stats.publish.tables import entries
from crcne_stats.words import Words

ROWS = 60
"""A table stops here on the terminal; a file holds them all."""


def lines(result: Result, w: Words) -> Iterator[str]:
    """Title and question, each table with its caption, what the analysis notes."""
    yield w(f"analysis.{result.name}.title")
    yield w(f"analysis.{result.name}.question")
    if result.reason:
        yield ""
        yield w(f"reason.{result.reason}", **result.settings)
    framework = result.ratings.framework if result.ratings is not None else None
    for name, table in result.tables.items():
        yield ""
        yield w(f"table.{result.name}.{name}")
        yield from rows(table, framework, w)
    if result.notes:
        yield ""
    for note in sorted(result.notes, key=lambda note: note.rank):
        yield f"- {w(f'note.{note.key}', **note.values)}"


def rows(table: pd.DataFrame, framework: Framework | None, w: Words) -> Iterator[str]:
    """The table in aligned columns: numbers to the right, words to the left; columns without any value are left out."""
    kept = [name for name in table.columns if (table[name].notna() & (table[name].astype(object) != "")).any()]
    shown = table[kept].head(ROWS)
    kinds = entries(shown)
    grid = [[w(f"column.{name}.label") for name in kept]]
    for record in shown.astype(object).to_dict("records"):
        grid.append([cell(record, name, entry, framework, w) for name, entry in zip(kept, kinds, strict=True)])
    widths = [max(_width(line[place]) for line in grid) for place in range(len(kept))]
    for line in grid:
        parts = (_aligned(text, wide, e) for text, wide, e in zip(line, widths, kinds, strict=True))
        yield "  ".join(parts).rstrip()
    if len(table) > ROWS:
        yield w("cli.rows_left", n=len(table) - ROWS)


def cell(row: Mapping[str, Any], name: str, entry: Column, framework: Framework | None, w: Words) -> str:
    """One value as the reader's language writes it."""
    value = row[name]
    if pd.isna(value) or value == "":
        return ""
    if name == "reason":
        return w(f"reason.{value}", **row)
    if entry.kind == "number":
        return w.number(float(value), entry.decimals)
    if entry.kind == "percent":
        return w.percent(float(value), entry.decimals)
    if entry.kind == "count":
        return w.count(float(value))
    if entry.kind == "key" and w.has(f"{entry.of}.{value}"):
        return w(f"{entry.of}.{value}", **row)
    if entry.kind == "name" and entry.of == "level" and framework is not None:
        return framework.name("level", str(value), w.language)
    return str(value)


def _aligned(text: str, width: int, entry: Column) -> str:
    gap = " " * (width - _width(text))
    return gap + text if entry.kind in ("number", "percent", "count") else text + gap


def _width(text: str) -> int:
    """Columns of a terminal: accents that combine take none."""
    return sum(1 for letter in text if not unicodedata.combining(letter))
