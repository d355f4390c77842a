"""Results of the automated part, PIX+Édu, as Pix sends them to universities, in the three forms that they have had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.files import tables
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import folded
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.result import Note

KEY, TYPE, STATUS = "identifiant externe", "type de certification", "statut"
_PERSON = ("prenom", "nom", "date de naissance", "lieu de naissance")
_PASSED, _FAILED = {"validee"}, {"rejetee", "non obtenue"}
_EDU = re.compile(r"^(certification )?pix edu\b")
_COLUMNS = ["student", "pix_level", "pix_gate", "pix_score", "pix_session", "date"]


def load_pix(
    source: str | Path | Iterable[str | Path], *, framework: str | Path | Framework | None = None
) -> pd.DataFrame:
    """PIX+Édu results, one row per external identifier.

    First name, last name, birth date and birth place are dropped as the file is read. A Pix+ Droit or core result is
    never read as PIX+Édu; a candidate who failed is one (``not_reached`` or ``not_admissible``); a score of 0 is a
    refused core certification, hence missing. A candidate who sat several times keeps the best result. An identifier
    that several people share is ambiguous and left out.

    Returns
    -------
    frame
        ``student`` (external identifier), ``pix_level`` (key), ``pix_gate``, ``pix_score`` (core certification),
        ``pix_session``, ``date`` (as written). ``attrs`` counts ``repeated``, ``ambiguous`` and ``unidentified``.

    Raises
    ------
    DataError
        When a file is no Pix results file.
    """
    chosen = framework if isinstance(framework, Framework) else load_framework(framework)
    problems, parts = Problems(), []
    for path in reading.paths_of(source):
        try:
            for raw in tables(path, lambda row: sum(folded(cell) in (KEY, TYPE, STATUS) for cell in row)):
                if is_pix(raw.header):
                    parts.append(_rows(raw, chosen))
                else:
                    problems.add(Problem("pix_not_results", file=raw.file, sheet=raw.sheet))
        except DataError as error:
            problems.extend(error.problems)
    if problems:
        raise DataError(problems)
    return _one_row_each(pd.concat(parts, ignore_index=True), chosen)


def is_pix(header: Sequence[str]) -> bool:
    """Whether a header is that of a Pix results file."""
    names = {folded(cell) for cell in header}
    return KEY in names and STATUS in names


def pix_notes(results: pd.DataFrame, matched: int, n_students: int) -> list[Note]:
    """What became of the join: matched, unmatched on either side, repeated, ambiguous."""
    notes = [Note("students.pix_matched", {"n": matched, "total": n_students}, "finding", 64)]
    unmatched = len(results) - matched
    if unmatched:
        notes.append(Note("students.pix_unmatched", {"n": unmatched}, "caution", 62))
    for name in ("repeated", "ambiguous", "unidentified"):
        if results.attrs.get(name):
            notes.append(Note(f"students.pix_{name}", {"n": results.attrs[name]}, "caution", 63))
    return notes


def _rows(raw: RawTable, framework: Framework) -> pd.DataFrame:
    names = [folded(cell) for cell in raw.header]
    cells = {name: np.asarray(raw.cells[index].astype(object)) for index, name in reversed(list(enumerate(names)))}
    n = len(raw.rows)

    def column(name: str) -> np.ndarray:
        empty = np.full(n, None, dtype=object)
        return np.array([value if isinstance(value, str) else None for value in cells.get(name, empty)], dtype=object)

    person = pd.util.hash_pandas_object(
        pd.DataFrame({name: pd.Series(column(name)).fillna("") for name in _PERSON}), index=False
    )
    frame = pd.DataFrame(
        {
            "student": column(KEY),
            "person": person.to_numpy(),
            "pix_session": column("session"),
            "date": column("date de passage de la certification"),
        }
    )
    levels = reading.level_names(framework.levels, "key")
    frame["pix_score"] = [_score(text) for text in column("nombre de pix")]
    frame["pix_level"], frame["pix_gate"] = None, None
    if TYPE in names:
        _typed(frame, column, levels)
    else:
        wide = [(index, name) for index, name in enumerate(names) if _EDU.match(name)]
        frame["pix_level"] = _wide_levels([(name, column(name)) for _, name in wide], levels, framework, n)
    return frame


def _typed(frame: pd.DataFrame, column: Callable[[str], np.ndarray], levels: Mapping[str, str]) -> None:
    """Forms with a type on each row: the result is a level, a gate or a score according to the type."""
    result = [level or mixed for level, mixed in zip(column("niveau"), column("resultat"), strict=True)]
    scores = column("score en pix")
    for row, (name, state, text) in enumerate(zip(column(TYPE), column(STATUS), result, strict=True)):
        told, outcome = folded(name or ""), folded(text or "")
        if _EDU.match(told):
            if outcome in ("admissible", "non admissible"):
                frame.loc[row, "pix_gate"] = "admissible" if outcome == "admissible" else "not_admissible"
            elif folded(state or "") in _PASSED:
                frame.loc[row, "pix_level"] = _level_in(outcome, levels)
            elif folded(state or "") in _FAILED:
                frame.loc[row, "pix_level"] = "not_reached"
        elif told == "pix":
            frame.loc[row, "pix_score"] = _score(scores[row] or (text if "pix" in outcome else None))


def _wide_levels(
    columns: Sequence[tuple[str, np.ndarray]], levels: Mapping[str, str], framework: Framework, n: int
) -> list[str | None]:
    """One column per level: the level stands in the name of the column, the cell says what came of it."""
    ladder = [level.key for level in framework.levels]
    best: list[str | None] = [None] * n
    for name, cells in columns:
        level = _level_in(name, levels)
        for row, cell in enumerate(cells):
            state = folded(cell or "")
            given = level if state in _PASSED else "not_reached" if state in _FAILED else None
            if given is not None and (best[row] is None or ladder.index(given) > ladder.index(str(best[row]))):
                best[row] = given
    return best


def _level_in(text: str, levels: Mapping[str, str]) -> str | None:
    """The level that a label names, as in «Pix+ Édu 2nd degré Confirmé»."""
    for word in text.split():
        if len(word) > 1 and word in levels:
            return levels[word]
    return None


def _score(text: object) -> float:
    found = re.match(r"^\s*(\d+)", text) if isinstance(text, str) else None
    score = float(found.group(1)) if found else np.nan
    return score if score > 0 else np.nan


def _one_row_each(rows: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """One row per identifier: the best result of one person; identifiers of several people are left out."""
    unidentified = int(rows["student"].isna().sum())
    rows = rows[rows["student"].notna()]
    people = rows.groupby("student")["person"].nunique()
    ambiguous = set(people.index[people > 1])
    rows = rows[~rows["student"].isin(ambiguous)].copy()
    ladder = {level.key: rank for rank, level in enumerate(framework.levels)}
    rows["rank"] = rows["pix_level"].map(ladder).astype(float)
    rows["open"] = rows["pix_gate"].map({"not_admissible": 0.0, "admissible": 1.0})
    sat = rows[rows["rank"].notna() | rows["open"].notna()]
    repeated = int(sat["student"].duplicated().sum())
    grouped = rows.groupby("student", sort=True)
    best = grouped[["rank", "open", "pix_score"]].max()
    first = grouped[["pix_session", "date"]].first()
    keys = np.array([*ladder, None], dtype=object)
    answer = pd.DataFrame(
        {
            "student": best.index.to_numpy(dtype=object),
            "pix_level": keys[best["rank"].fillna(-1).astype(int).to_numpy()],
            "pix_gate": best["open"].map({0.0: "not_admissible", 1.0: "admissible"}).to_numpy(dtype=object),
            "pix_score": best["pix_score"].to_numpy(),
            "pix_session": first["pix_session"].to_numpy(dtype=object),
            "date": first["date"].to_numpy(dtype=object),
        }
    )[_COLUMNS]
    answer.attrs = {"repeated": repeated, "ambiguous": len(ambiguous), "unidentified": unidentified}
    return answer
