"""From one table of cells to ratings under our names: long or wide, scores understood, each fault with its cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.kinds import criterion_names, criterion_of, looks_like_criterion
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import Schema, as_code, folded
from crcne_stats.domain.errors import LISTED, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import COLUMNS, IDENTIFIERS, nearest

_PSEUDONYMS = ("student", "trainer")
_SUMMARIES = {
    "total",
    "totaux",
    "somme",
    "sum",
    "moyenne",
    "moyennes",
    "mean",
    "average",
    "mediane",
    "median",
    "minimum",
} | {"maximum", "ecart type", "standard deviation", "effectif", "nombre", "count"}
"""What spreadsheets write before a row of sums."""

_SENTENCE, _LIKE = 20, 0.85
"""A header longer than this and this like the text of a criterion is that text with a slip of the pen."""


@dataclass
class Rows:
    """The ratings of one table: ``frame`` under our names, ``position`` (row of frame,) in the table.

    ``header`` maps our names to the file's; ``score_header`` (row of frame,) names the column of a wide score;
    ``read``, ``blank`` and ``refused`` (row of the table,) mark the rows that hold anything, no score, a fault;
    ``used`` and ``set_aside`` are headers.
    """

    raw: RawTable
    header: dict[str, str]
    frame: pd.DataFrame
    position: np.ndarray
    score_header: np.ndarray
    read: np.ndarray
    blank: np.ndarray
    refused: np.ndarray
    missing: int = 0
    recoded: int = 0
    used: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)

    @classmethod
    def none(cls, raw: RawTable, header: dict[str, str]) -> Rows:
        """No rows yet."""
        rows = len(raw.rows)
        empty = pd.DataFrame({name: [] for name in COLUMNS})
        read, blank, refused = (np.zeros(rows, dtype=bool) for _ in range(3))
        return cls(raw, header, empty, np.zeros(0, int), np.zeros(0, object), read, blank, refused)

    def tell(
        self,
        code: str,
        cells: pd.Categorical,
        wrong: np.ndarray,
        keep: np.ndarray,
        header: str,
        guess: Callable[[str], str] | None = None,
        **values: Any,
    ) -> None:
        """One problem for each cell in ``wrong`` (kept row,); ``keep`` are the rows' positions in the table.

        ``guess`` makes of a cell what its owner probably meant.
        """
        where = np.flatnonzero(wrong)
        self.refused[keep[where]] = True
        room = min(len(where), max(0, LISTED - len(self.problems.items)))
        for place in where[:room]:
            row, found = int(self.raw.rows[keep[place]]), str(cells[place])
            told = values if guess is None else {**values, "guess": guess(found)}
            self.problems.add(Problem(code, told, self.raw.file, self.raw.sheet, row, header, found))
        self.problems.count += len(where) - room


def rows_of(
    raw: RawTable, framework: Framework, known: Schema, codes: frozenset[str], sheet_is: str | None = None
) -> Rows:
    """The ratings of a table; ``sheet_is`` is our name of the column that the sheet's name stands for."""
    names = criterion_names(framework)
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    wide = {
        index: key
        for index, text in enumerate(raw.header)
        if index not in mapped and (key := criterion_of(text, names))
    }
    single = len(framework.criteria) == 1
    is_long = ("score" in mapped.values() and (single or "criterion" in mapped.values())) or not wide
    if not is_long:
        mapped = {index: name for index, name in mapped.items() if name not in ("score", "criterion")}
    column = {name: index for index, name in reversed(mapped.items())}
    part = Rows.none(raw, {name: raw.header[index] for name, index in column.items()})
    used = set(mapped) | (set() if is_long else set(wide))
    part.used = [raw.header[index] for index in sorted(used)]
    for fault in raw.faults_in(part.used):
        part.problems.add(fault)
        part.refused[raw.rows == fault.row] = True
    broken = _header_faults(part, framework, mapped, {} if is_long else wide, known, sheet_is)
    part.set_aside = [text for index, text in enumerate(raw.header) if index not in used and text]
    if broken:
        return part
    if sheet_is is not None and sheet_is not in column:
        part.header[sheet_is] = raw.sheet
    if is_long:
        _long(part, column, framework, names, codes, sheet_is)
    else:
        _wide(part, column, wide, framework, codes, sheet_is)
    return part


def _header_faults(
    part: Rows,
    framework: Framework,
    mapped: Mapping[int, str],
    wide: Mapping[int, str],
    known: Schema,
    sheet_is: str | None,
) -> bool:
    """Tell columns that are missing, stand twice or became dates; whether there are any."""
    raw = part.raw
    long = not wide and "score" in mapped.values()
    others = [text for index, text in enumerate(raw.header) if index not in mapped and index not in wide]
    problems = _spoiled_criteria(raw, others, framework, foreign=not long)
    required = ["student", "trainer", *([] if wide else ["criterion", "score"])]
    if not wide and (len(framework.criteria) == 1 or problems):
        required.remove("criterion")
    if not wide and problems:
        required.remove("score")
    problems.extend(reading.header_faults(raw, mapped, [name for name in required if name != sheet_is], known.headers))
    first: dict[str, str] = {}
    for index, key in wide.items():
        text = raw.header[index]
        if key in first:
            values = {"first": first[key]}
            problems.add(Problem("header_twice", values, raw.file, raw.sheet, raw.header_row, text, text))
        first.setdefault(key, text)
    part.problems.extend(problems)
    return bool(problems)


def _spoiled_criteria(raw: RawTable, headers: Iterable[str], framework: Framework, foreign: bool) -> Problems:
    """Headers that were criteria before a spreadsheet made dates of them, or (``foreign``) that look like criteria."""
    problems = Problems()
    keys = [criterion.key for criterion in framework.criteria]
    texts = {text: each.key for each in framework.criteria for text in each.text.values()}
    for text in headers:
        place: dict[str, Any] = {"file": raw.file, "sheet": raw.sheet, "row": raw.header_row, "column": text}
        if date := reading.excel_date(text):
            problems.add(Problem("date_for_criterion", {"guess": date}, **place, found=text))
        elif foreign and (looks_like_criterion(text) or (len(text) > _SENTENCE and nearest(text, [], texts, _LIKE))):
            values = {"nearest": nearest(text, keys, texts), "allowed": ", ".join(keys)}
            problems.add(Problem("unknown_criterion", values, **place, found=text))
    return problems


def _score_parser(framework: Framework, missing: frozenset[str]) -> Any:
    levels = [level for scale in framework.scales.values() for level in scale]
    names = reading.level_names(levels, "score")

    def parse(text: str) -> float | None:
        if as_code(text) in missing:
            return None
        try:
            value = reading.number(text)
        except ValueError:
            if folded(text) in names:
                return float(names[folded(text)])
            raise
        return None if value.is_integer() and str(int(value)) in missing else value

    return parse


def _identifiers(
    part: Rows, column: Mapping[str, int], keep: np.ndarray, contract: frozenset[str], sheet_is: str | None
) -> dict[str, Any]:
    """The identifiers (kept row,); a missing code leaves one empty, save a pseudonym, which may look like one."""
    found: dict[str, Any] = {}
    for name in IDENTIFIERS:
        if name not in column:
            text = part.raw.sheet if name == sheet_is else np.nan
            found[name] = np.full(len(keep), text, dtype=object)
            continue
        cells = part.raw.cells[column[name]][keep]
        texts = [str(text) for text in cells.categories]
        header = part.raw.header[column[name]]
        _tell_texts(part, "cell_error", cells, [reading.is_error(text) for text in texts], keep, header)
        if name == "student":
            _tell_texts(part, "summary_row", cells, [folded(text) in _SUMMARIES for text in texts], keep, header)
        if name in _PSEUDONYMS:
            _tell_texts(part, "identifier_rounded", cells, [reading.is_rounded(text) for text in texts], keep, header)
        elif any(as_code(text) in contract for text in texts):
            cells = cells.remove_categories([text for text in texts if as_code(text) in contract])
        found[name] = cells
    return found


def _tell_texts(
    part: Rows, code: str, cells: pd.Categorical, wrong: list[bool], keep: np.ndarray, header: str, **values: Any
) -> None:
    if any(wrong):
        part.tell(code, cells, np.array([*wrong, False])[cells.codes], keep, header, **values)


def _filled_rows(raw: RawTable, columns: Iterable[int]) -> np.ndarray:
    """Rows that are not wholly blank."""
    filled = np.zeros(len(raw.rows), dtype=bool)
    for index in columns:
        filled |= raw.cells[index].codes >= 0
    return np.flatnonzero(filled)


def _long(
    part: Rows,
    column: Mapping[str, int],
    framework: Framework,
    names: Mapping[str, str],
    missing: frozenset[str],
    sheet_is: str | None,
) -> None:
    raw = part.raw
    keep = _filled_rows(raw, [column[name] for name in ("student", "trainer", "criterion", "score") if name in column])
    part.read[keep] = True
    if "criterion" in column:
        keep = _without_dates(part, raw.cells[column["criterion"]], keep, raw.header[column["criterion"]])
    frame = pd.DataFrame(_identifiers(part, column, keep, missing, sheet_is))
    if "criterion" in column:
        cells = raw.cells[column["criterion"]][keep]
        keys = [criterion_of(str(text), names) or str(text) for text in cells.categories]
        order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        recode = np.array([*(order[key] for key in keys), -1], dtype=np.int64)
        categories = pd.Index(list(order), dtype=object)
        frame["criterion"] = pd.Categorical.from_codes(recode[cells.codes], categories=categories)
    else:
        frame["criterion"] = framework.criteria[0].key
    cells = raw.cells[column["score"]][keep]
    frame["score"] = _scores(part, cells, keep, framework, missing, raw.header[column["score"]])
    part.frame, part.position = frame, keep
    part.score_header = np.full(len(keep), "", dtype=object)
    part.blank[keep] = frame["score"].isna()


def _without_dates(part: Rows, cells: pd.Categorical, keep: np.ndarray, header: str) -> np.ndarray:
    """Tell the keys of criteria that a spreadsheet turned into dates; the rows that are left."""
    dates = np.array([*(bool(reading.excel_date(str(text))) for text in cells.categories), False])
    if not dates.any():
        return keep
    kept = cells[keep]
    wrong = dates[kept.codes]
    part.tell("date_for_criterion", kept, wrong, keep, header, guess=reading.excel_date)
    return keep[~wrong]


def _wide(
    part: Rows,
    column: Mapping[str, int],
    wide: Mapping[int, str],
    framework: Framework,
    missing: frozenset[str],
    sheet_is: str | None,
) -> None:
    raw = part.raw
    keep = _filled_rows(raw, [*wide, *(column[name] for name in ("student", "trainer") if name in column)])
    part.read[keep] = True
    shared = pd.DataFrame(_identifiers(part, column, keep, missing, sheet_is))
    pieces = []
    for index, key in wide.items():
        score = _scores(part, raw.cells[index][keep], keep, framework, missing, raw.header[index])
        pieces.append(shared.assign(criterion=key, score=score))
    row = np.tile(np.arange(len(keep)), len(wide))
    place = np.repeat(np.arange(len(wide)), len(keep))
    order = np.lexsort((place, row))
    part.frame = joined(pieces).iloc[order].reset_index(drop=True)
    headers = np.array([raw.header[index] for index in wide], dtype=object)
    part.position, part.score_header = keep[row[order]], headers[place[order]]
    part.blank[keep] = np.all([piece["score"].isna() for piece in pieces], axis=0)


def _scores(
    part: Rows, cells: pd.Categorical, keep: np.ndarray, framework: Framework, missing: frozenset[str], header: str
) -> np.ndarray:
    """The scores (kept row,), NaN where not rated; each cell that is no score is told."""
    values, wrong = reading.decoded(cells, _score_parser(framework, missing))
    score = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(dtype=float)
    absent = np.isnan(score)
    part.missing += int(absent.sum() - wrong.sum())
    named = np.array([*(not _is_number(str(text)) for text in cells.categories), False])[cells.codes]
    part.recoded += int((named & ~absent).sum())
    if wrong.any():
        part.blank[keep[wrong]] = False
        dates = np.array([*(bool(reading.excel_date(str(text))) for text in cells.categories), False])[cells.codes]
        errors = np.array([*(reading.is_error(str(text)) for text in cells.categories), False])[cells.codes]
        part.tell("date_for_score", cells, wrong & dates, keep, header, allowed=reading.allowed_levels(framework))
        part.tell("cell_error", cells, wrong & errors, keep, header)
        allowed = reading.allowed_levels(framework)
        part.tell("unknown_level", cells, wrong & ~dates & ~errors, keep, header, allowed=allowed)
    return score


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
