"""From one table of cells to ratings under our names: long or wide, scores understood, each fault with its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import Schema, as_code, folded
from crcne_stats.domain.errors import Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import COLUMNS, IDENTIFIERS


def header_score(row: Iterable[str], known: Schema, framework: Framework) -> int:
    """How many cells of a row are headers of ratings."""
    criteria = criterion_names(framework)
    return sum(known.column(cell) is not None or criterion_of(cell, criteria) is not None for cell in row if cell)


def criterion_names(framework: Framework) -> dict[str, str]:
    """Folded names of the criteria (key, text, key and text) to their keys."""
    names: dict[str, str] = {}
    for criterion in framework.criteria:
        for text in criterion.text.values():
            names.setdefault(folded(text), criterion.key)
            names[folded(f"{criterion.key} {text}")] = criterion.key
    return names | {folded(criterion.key): criterion.key for criterion in framework.criteria}


def criterion_of(cell: str, names: Mapping[str, str]) -> str | None:
    """The criterion that a header or cell names, however it writes it."""
    text = re.sub(r"(?<=\d),(?=\d)", ".", cell.strip())
    return names.get(folded(text)) or names.get(folded(re.sub(r"^(crit[eè]re|criterion)\s+", "", text, flags=re.I)))


@dataclass
class Rows:
    """The rows of one table under our names."""

    raw: RawTable
    frame: pd.DataFrame
    position: np.ndarray
    header: dict[str, str]
    score_header: np.ndarray
    missing: int = 0
    recoded: int = 0
    set_aside: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)


def rows_of(raw: RawTable, framework: Framework, known: Schema, codes: frozenset[str]) -> Rows:
    names = criterion_names(framework)
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    wide = {
        index: key
        for index, text in enumerate(raw.header)
        if index not in mapped and (key := criterion_of(text, names))
    }
    is_long = "score" in mapped.values() or not wide
    required = ["student", "trainer", *(["criterion", "score"] if is_long else [])]
    if is_long and len(framework.criteria) == 1:
        required.remove("criterion")
    problems = reading.header_faults(raw, mapped, required, known.headers)
    for fault in raw.faults:
        problems.add(fault)
    used = set(mapped) | (set() if is_long else set(wide))
    set_aside = [text for index, text in enumerate(raw.header) if index not in used and text]
    if not is_long:
        twice = [key for key in wide.values() if list(wide.values()).count(key) > 1]
        for index in [index for index, key in wide.items() if key in twice][1:]:
            values = {"first": wide[index]}
            problems.add(
                Problem("header_twice", values, raw.file, raw.sheet, None, raw.header[index], raw.header[index])
            )
    column = {name: index for index, name in reversed(mapped.items())}
    header = {name: raw.header[index] for name, index in column.items()}
    part = Rows(
        raw, pd.DataFrame(), np.zeros(0, int), header, np.zeros(0, object), set_aside=set_aside, problems=problems
    )
    if problems.count > len(raw.faults):
        part.frame = pd.DataFrame({name: [] for name in COLUMNS})
        return part
    if is_long:
        _long(part, column, framework, names, codes)
    else:
        _wide(part, column, wide, framework, codes)
    return part


def _score_parser(framework: Framework, missing: frozenset[str]) -> Any:
    levels = [level for scale in framework.scales.values() for level in scale]
    names = reading.level_names(levels, "score")

    def parse(text: str) -> float | None:
        if as_code(text) in missing:
            return None
        try:
            return reading.number(text)
        except ValueError:
            if folded(text) in names:
                return float(names[folded(text)])
            raise

    return parse


def _identifiers(raw: RawTable, column: Mapping[str, int], keep: np.ndarray) -> dict[str, Any]:
    return {
        name: raw.cells[column[name]][keep] if name in column else np.full(len(keep), np.nan) for name in IDENTIFIERS
    }


def _filled_rows(raw: RawTable, columns: Iterable[int]) -> np.ndarray:
    """Rows that are not wholly blank."""
    filled = np.zeros(len(raw.rows), dtype=bool)
    for index in columns:
        filled |= raw.cells[index].codes >= 0
    return np.flatnonzero(filled)


def _long(
    part: Rows, column: Mapping[str, int], framework: Framework, names: Mapping[str, str], missing: frozenset[str]
) -> None:
    raw = part.raw
    keep = _filled_rows(raw, [column[name] for name in ("student", "trainer", "criterion", "score") if name in column])
    frame = pd.DataFrame(_identifiers(raw, column, keep))
    if "criterion" in column:
        cells = raw.cells[column["criterion"]][keep]
        keys = [criterion_of(str(text), names) or str(text) for text in cells.categories]
        order = list(dict.fromkeys(keys))
        recode = np.array([order.index(key) for key in keys] + [-1], dtype=np.int64)
        frame["criterion"] = pd.Categorical.from_codes(recode[cells.codes], categories=pd.Index(order, dtype=object))
    else:
        frame["criterion"] = framework.criteria[0].key
    cells = raw.cells[column["score"]][keep]
    _score(part, frame, cells, keep, framework, missing, raw.header[column["score"]])
    part.frame, part.position = frame, keep
    part.score_header = np.full(len(keep), "", dtype=object)


def _wide(
    part: Rows, column: Mapping[str, int], wide: Mapping[int, str], framework: Framework, missing: frozenset[str]
) -> None:
    raw = part.raw
    keep = _filled_rows(raw, [*wide, *(column[name] for name in ("student", "trainer") if name in column)])
    shared = pd.DataFrame(_identifiers(raw, column, keep))
    pieces = []
    for index, key in wide.items():
        frame = shared.assign(criterion=key)
        _score(part, frame, raw.cells[index][keep], keep, framework, missing, raw.header[index])
        pieces.append(frame)
    row = np.tile(np.arange(len(keep)), len(wide))
    place = np.repeat(np.arange(len(wide)), len(keep))
    order = np.lexsort((place, row))
    table = joined(pieces).iloc[order].reset_index(drop=True)
    headers = np.array([raw.header[index] for index in wide], dtype=object)
    part.frame, part.position, part.score_header = table, keep[row[order]], headers[place[order]]


def _score(
    part: Rows,
    frame: pd.DataFrame,
    cells: pd.Categorical,
    keep: np.ndarray,
    framework: Framework,
    missing: frozenset[str],
    header: str,
) -> None:
    values, wrong = reading.decoded(cells, _score_parser(framework, missing))
    frame["score"] = pd.to_numeric(pd.Series(values), errors="coerce").astype(float)
    part.missing += int(frame["score"].isna().sum() - wrong.sum())
    named = np.array([*(not _is_number(str(text)) for text in cells.categories), False])[cells.codes]
    part.recoded += int((named & ~wrong & frame["score"].notna().to_numpy()).sum())
    told = Problems()
    allowed = reading.allowed_levels(framework)
    reading.not_understood(told, "unknown_level", cells, wrong, header, {"allowed": allowed})
    raw = part.raw
    placed = Problems(uncounted=told.count - len(told.items))
    for problem in told:
        row = int(raw.rows[keep[problem.row or 0]])
        placed.add(Problem(problem.code, problem.values, raw.file, raw.sheet, row, header, problem.found))
    part.problems.extend(placed)


def _is_number(text: str) -> bool:
    try:
        reading.number(text)
    except ValueError:
        return False
    return True


def joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The frames one under the other, categories united."""
    if len(frames) == 1:
        return frames[0]
    table: dict[str, Any] = {}
    for name in COLUMNS:
        parts = [frame[name] for frame in frames]
        if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            table[name] = pd.api.types.union_categoricals([part.array for part in parts])
        else:
            table[name] = np.concatenate([np.asarray(part.astype(object)) for part in parts])
    return pd.DataFrame(table)
