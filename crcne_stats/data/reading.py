"""From cells of text to columns of our own: what the loaders of ratings and of students share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data.raw import SUFFIXES, RawTable
from crcne_stats.data.saved import about, is_saved
from crcne_stats.data.schema import MARK, folded
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework

Parser = Callable[[str], Any]
_NUMBER = re.compile(r"[+-]?\d{1,12}([.,]\d{0,12})?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})(?:[ T]00:00(?::00)?)?")
_YEAR_FIRST = re.compile(r"\d{4}[/-](\d{2})[/-](\d{2})(?:[ T]00:00(?::00)?)?")
_MONTHS = ("jan", "fev feb", "mar", "avr apr", "mai may", "juin jun", "juil jul", "aou aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(r"(\d{1,2}) ([a-z]{3,9})\.?(?: \d{2}| \d{4})?")
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{2}")
_ERRORS = {"#n/a", "#ref!", "#div/0!", "#value!", "#valeur!", "#name?", "#nom?", "#num!", "#nombre!", "#null!", "#nul!"}


@dataclass(frozen=True, eq=False)
class Places:
    """Where the rows of a joined frame stand: ``files``, ``sheets`` by table (table,), ``table`` and ``row`` (row,)."""

    files: list[str]
    sheets: list[str]
    table: np.ndarray
    row: np.ndarray
    headers: list[Mapping[str, str]]
    score_header: np.ndarray | None = None
    """Header (row,) of the column that held the score, in wide tables; empty text otherwise."""

    def told(self, problems: Problems) -> Problems:
        """Problems of positions and our columns, turned into the file's own rows and headers."""
        answer = Problems(uncounted=problems.count - len(problems.items))
        for problem in problems:
            position = problem.row or 0
            table = int(self.table[position])
            values, code = dict(problem.values), problem.code
            if "first_row" in values:
                first = int(self.table[values["first_row"]])
                values["first_row"] = int(self.row[values["first_row"]])
                if first != table:
                    code = f"{problem.code}_elsewhere"
                    values["elsewhere"] = self.files[first]
                    if self.sheets[first]:
                        values["elsewhere"] += f" ({self.sheets[first]})"
            column = self.headers[table].get(problem.column, problem.column)
            if problem.column in ("score", "criterion") and self.score_header is not None:
                column = str(self.score_header[position]) or column
            answer.add(
                replace(
                    problem,
                    code=code,
                    values=values,
                    file=self.files[table],
                    sheet=self.sheets[table],
                    row=int(self.row[position]),
                    column=column,
                )
            )
        return answer


def paths_of(source: Any) -> list[Path]:
    """The files of a path, a list of paths or a folder (its data files, in the order of their names)."""
    given = [source] if isinstance(source, str | Path) else list(source)
    paths: list[Path] = []
    for entry in map(Path, given):
        if entry.is_dir():
            inside = sorted(path for path in entry.iterdir() if path.suffix.lower() in SUFFIXES)
            inside = [path for path in inside if not path.name.startswith(("~$", "."))]
            if not inside:
                raise DataError([Problem("folder_empty", file=entry.name)])
            paths += inside
        else:
            paths.append(entry)
    return paths


def header_faults(
    raw: RawTable, mapped: Mapping[int, str], required: Iterable[str], shown: Mapping[str, str]
) -> Problems:
    """Columns that are missing or stand twice."""
    problems = Problems()
    first: dict[str, str] = {}
    for index, name in mapped.items():
        if name in first:
            values, text = {"first": first[name]}, raw.header[index]
            problems.add(Problem("header_twice", values, raw.file, raw.sheet, raw.header_row, text, text))
        first.setdefault(name, raw.header[index])
    for name in required:
        if name not in first:
            found = ", ".join(raw.header)[:200]
            values = {"wanted": shown[name]}
            problems.add(Problem("header_missing", values, raw.file, raw.sheet, raw.header_row, shown[name], found))
    return problems


def decoded(cells: pd.Categorical, parse: Parser) -> tuple[np.ndarray, np.ndarray]:
    """Parse each distinct text once: values (row,) as objects, None where empty or not understood; which were not.

    ``parse`` returns a value, None for a missing code, or raises ValueError.
    """
    values: list[Any] = []
    wrong: list[bool] = []
    for text in cells.categories:
        try:
            values.append(parse(str(text)))
            wrong.append(False)
        except ValueError:
            values.append(None)
            wrong.append(True)
    table = np.empty(len(values) + 1, dtype=object)
    table[:-1] = values
    return table[cells.codes], np.array([*wrong, False])[cells.codes]


def excel_date(text: str) -> str:
    """What was typed where a spreadsheet shows a date: «1.2» for 1 February. Empty when the text is no date."""
    for pattern, order in ((_DAY_FIRST, (1, 2)), (_YEAR_FIRST, (2, 1))):
        if found := pattern.fullmatch(text.strip()):
            day, month = (int(found.group(place)) for place in order)
            return f"{day}.{month}"
    if found := _MONTH.fullmatch(folded(text)):
        month = next((n for n, names in enumerate(_MONTHS, 1) if found.group(2).startswith(tuple(names.split()))), 0)
        return f"{int(found.group(1))}.{month}" if month else ""
    return ""


def is_error(text: str) -> bool:
    """Whether a cell shows an error of a spreadsheet, as #N/A."""
    return text.strip().casefold() in _ERRORS


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet has turned a long identifier into a rounded number, as 1,23457E+12 (1E5 is a text)."""
    return _ROUNDED.fullmatch(text.strip()) is not None


def level_names(levels: Sequence[Any], key: str) -> dict[str, Any]:
    """Folded names of levels (key, texts, initials) to the attribute ``key`` of the level."""
    names: dict[str, Any] = {}
    for part in ("short", "text", "key"):
        for level in levels:
            given = getattr(level, part)
            for name in [given] if isinstance(given, str) else given.values():
                names[folded(name)] = getattr(level, key)
    return names


def number(text: str) -> float:
    """A number with a decimal point or comma (ValueError when it is none)."""
    plain = text.strip().replace("\u2212", "-")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(text)
    return float(plain.replace(",", "."))


def allowed_levels(framework: Framework, language: str = "fr") -> str:
    """The levels as a sentence lists them: «0 (non atteint), 1 (Initié)»."""
    named = [f"{level.score} ({level.text[language]})" for level in framework.levels if language in level.text]
    return ", ".join(dict.fromkeys(named)) or ", ".join(str(level.score) for level in framework.levels)


def is_simulated(raw: RawTable, index: int | None) -> bool:
    """Whether the column of origins marks any row as simulated, or the kit wrote the file so."""
    if is_saved(raw):
        return bool(about(raw)["simulated"])
    return index is not None and any(folded(str(text)) == MARK for text in raw.cells[index].categories)


def raw_frame(frame: pd.DataFrame) -> RawTable:
    """A frame as if it had been read from a file; rows count from 1."""
    cells = []
    for name in frame.columns:
        values = frame[name]
        codes, uniques = pd.factorize(values)
        texts = [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip() for v in uniques]
        names = list(dict.fromkeys(text for text in texts if text))
        index = {text: place for place, text in enumerate(names)}
        recode = np.array([index.get(text, -1) for text in texts] + [-1], dtype=np.int64)
        cells.append(pd.Categorical.from_codes(recode[codes], categories=pd.Index(names, dtype=object)))
    return RawTable("", "", [str(name) for name in frame.columns], cells, np.arange(1, len(frame) + 1))
