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
from crcne_stats.data.schema import MARK, folded
from crcne_stats.domain.errors import LISTED, DataError, Problem, Problems
from crcne_stats.domain.framework import Framework

Parser = Callable[[str], Any]
_NUMBER = re.compile(r"[+-]?\d{1,12}([.,]\d{0,12})?")


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
            values = dict(problem.values)
            if "first_row" in values:
                values["first_row"] = int(self.row[values["first_row"]])
            column = self.headers[table].get(problem.column, problem.column)
            if problem.column in ("score", "criterion") and self.score_header is not None:
                column = str(self.score_header[position]) or column
            answer.add(
                replace(
                    problem,
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
            values = {"first": first[name]}
            problems.add(_at(raw, Problem("header_twice", values, column=raw.header[index], found=raw.header[index])))
        first.setdefault(name, raw.header[index])
    for name in required:
        if name not in first:
            found = ", ".join(raw.header)[:200]
            problems.add(_at(raw, Problem("header_missing", {"wanted": shown[name]}, column=shown[name], found=found)))
    return problems


def _at(raw: RawTable, problem: Problem) -> Problem:
    return replace(problem, file=raw.file, sheet=raw.sheet)


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


def not_understood(
    problems: Problems, code: str, cells: pd.Categorical, wrong: np.ndarray, column: str, values: Mapping[str, Any]
) -> None:
    """Tell each cell that :func:`decoded` could not read; rows are positions."""
    where = np.flatnonzero(wrong)
    room = max(0, LISTED - len(problems.items))
    for position in where[:room]:
        problems.add(Problem(code, values, row=int(position), column=column, found=str(cells[position])))
    problems.count += len(where) - min(room, len(where))


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
    """Whether the column of origins marks any row as simulated."""
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
