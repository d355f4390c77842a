"""Results of the automated part, PIX+Édu, as Pix sends them to universities, in the three forms that they have had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.files import read_all
from crcne_stats.data.kinds import PIX_KEY, PIX_STATUS, PIX_TYPE, Headers, is_pix
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import folded
from crcne_stats.domain.errors import LISTED, DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.result import Note

_PERSON = ("prenom", "nom", "date de naissance", "lieu de naissance")
_PASSED, _FAILED = {"validee"}, {"rejetee", "non obtenue"}
_NOTHING = {"", "non passee", "annulee", "en erreur", "demarree"}
_EDU = re.compile(r"^(certification )?pix edu\b")
_GATE = {"admissible": "admissible", "non admissible": "not_admissible"}
_NEW_LEVELS = pd.Timestamp(2024, 1, 1)
"""Since then a candidate who narrowly misses a level receives the one below."""
_COLUMNS = ["student", "pix_level", "pix_gate", "pix_score", "pix_session", "date"]


@dataclass(frozen=True)
class PixResults:
    """``frame``: one row per identifier; ``rows``: every sitting; counts of what was not used."""

    frame: pd.DataFrame
    rows: pd.DataFrame
    repeated: int = 0
    ambiguous: int = 0
    unidentified: int = 0
    sources: tuple[Source, ...] = ()

    @property
    def candidates(self) -> pd.Series:
        """The identifiers of those who sat PIX+Édu, passed or not."""
        sat = self.frame["pix_level"].notna() | self.frame["pix_gate"].notna()
        return self.frame.loc[sat, "student"]

    @property
    def sittings(self) -> dict[str, int]:
        """How many sittings of PIX+Édu are from before January 2024 and from after, as far as their dates tell."""
        sat = self.rows["pix_level"].notna() | self.rows["pix_gate"].notna()
        dates = pd.to_datetime(self.rows.loc[sat, "date"].astype(object), format="%d/%m/%Y", errors="coerce").dropna()
        before = int((dates < _NEW_LEVELS).sum())
        return {"before": before, "after": len(dates) - before}


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
        ``pix_session``, ``date`` (as written). ``attrs`` counts ``repeated``, ``ambiguous`` and ``unidentified``,
        and sittings ``before`` and ``after`` January 2024, whose levels are not comparable.

    Raises
    ------
    DataError
        When a file is no Pix results file.
    """
    chosen = framework if isinstance(framework, Framework) else load_framework(framework)
    raws, problems = read_all(reading.paths_of(source), Headers.of(chosen))
    try:
        results = pix_of(raws, chosen)
    except DataError as error:
        problems.extend(error.problems)
    if problems:
        raise DataError(problems)
    frame = results.frame.copy()
    frame.attrs = {name: getattr(results, name) for name in ("repeated", "ambiguous", "unidentified")}
    frame.attrs |= results.sittings
    return frame


def pix_of(raws: Sequence[RawTable], framework: Framework) -> PixResults:
    """The results in tables already read.

    Raises
    ------
    DataError
        When a table holds no Pix results, or a result that is not understood.
    """
    problems, parts, sources = Problems(), [], []
    for raw in raws:
        if not is_pix(raw.header):
            problems.add(Problem("pix_not_results", file=raw.file, sheet=raw.sheet))
            continue
        part = _Part(raw, framework, problems)
        parts.append(part.rows())
        refused = len(set(part.wrong))
        sources.append(Source(raw.file, raw.sha256, int(part.filled.sum()), 0, 0, refused))
    if problems:
        raise DataError(problems, sources)
    empty = pd.DataFrame({name: np.zeros(0, dtype=object) for name in [*_COLUMNS, "person"]})
    return _one_row_each(pd.concat(parts, ignore_index=True) if parts else empty, framework, sources)


def pix_notes(results: PixResults, identifiers: pd.Series | None) -> list[Note]:
    """What became of the results: joined with ``identifiers`` or not, repeated, ambiguous, without identifier."""
    notes = []
    if identifiers is not None:
        matched = int(identifiers.isin(set(results.candidates)).sum())
        notes.append(Note("students.pix_matched", {"n": matched, "total": len(identifiers)}, "finding", 64))
        unmatched = int((~results.candidates.isin(set(identifiers))).sum())
        if unmatched:
            notes.append(Note("students.pix_unmatched", {"n": unmatched}, "caution", 62))
    for name in ("repeated", "ambiguous", "unidentified"):
        if getattr(results, name):
            notes.append(Note(f"students.pix_{name}", {"n": getattr(results, name)}, "caution", 63))
    if all(results.sittings.values()):
        notes.append(Note("students.pix_straddle", results.sittings, "caution", 11))
    return notes


@dataclass
class _Part:
    """One table of results on its way to rows under our names; ``wrong`` are positions of rows not understood."""

    raw: RawTable
    framework: Framework
    problems: Problems
    wrong: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = [folded(cell) for cell in self.raw.header]
        self.levels = reading.level_names(self.framework.levels, "key")
        self.filled = np.any([cells.codes >= 0 for cells in self.raw.cells], axis=0)

    def column(self, name: str) -> np.ndarray:
        """A column (row,) of texts, None where empty or absent."""
        if name not in self.names:
            return np.full(len(self.raw.rows), None, dtype=object)
        cells = self.raw.cells[self.names.index(name)]
        return np.array([*map(str, cells.categories), None], dtype=object)[cells.codes]

    def understood(self, index: int, read: Callable[[str], Any], among: np.ndarray | None = None) -> np.ndarray:
        """What ``read`` makes of each cell (row,) of a column; a cell that it refuses is told."""
        cells = self.raw.cells[index]
        values, wrong = reading.decoded(cells, read)
        where = np.flatnonzero(wrong if among is None else wrong & among)
        self.wrong += where.tolist()
        for place in where[:LISTED]:
            row, found = int(self.raw.rows[place]), str(cells[place])
            header = self.raw.header[index]
            self.problems.add(Problem("pix_result", {}, self.raw.file, self.raw.sheet, row, header, found))
        self.problems.count += max(0, len(where) - LISTED)
        return values

    def rows(self) -> pd.DataFrame:
        """One row per row of the table that holds anything, without any direct identifier."""
        texts = pd.DataFrame({name: pd.Series(self.column(name)).fillna("") for name in _PERSON}).astype(str)
        frame = pd.DataFrame(
            {
                "student": self.column(PIX_KEY),
                "person": pd.util.hash_pandas_object(texts, index=False).to_numpy(),
                "pix_session": self.column("session"),
                "date": self.column("date de passage de la certification"),
                "pix_score": [_score(text) for text in self.column("nombre de pix")],
            }
        )
        frame["pix_level"], frame["pix_gate"] = pd.Series(None, index=frame.index, dtype=object), None
        if PIX_TYPE in self.names:
            self._typed(frame)
        else:
            frame["pix_level"] = self._wide_levels()
        return frame[self.filled]

    def _typed(self, frame: pd.DataFrame) -> None:
        """Forms with a type on each row: the result is a level, a gate or a score according to the type."""
        kinds = np.array([folded(text or "") for text in self.column(PIX_TYPE)], dtype=object)
        edu = np.array([bool(_EDU.match(kind)) for kind in kinds], dtype=bool)
        core = kinds == "pix"
        state = self.understood(self.names.index(PIX_STATUS), _state, edu)
        level = pd.Series(None, index=frame.index, dtype=object)
        for name in ("niveau", "resultat"):
            if name in self.names:
                found = pd.Series(self.understood(self.names.index(name), self._result, edu), dtype=object)
                level = level.where(level.notna(), found)
        gate = level.where(level.isin(list(_GATE.values())) & edu, None)
        named = level.where((state == "passed") & gate.isna(), None)
        named = named.mask((state == "failed") & gate.isna(), "not_reached")
        frame["pix_gate"], frame["pix_level"] = gate, named.where(edu, None)
        mixed = [text if text and "pix" in folded(text) else None for text in self.column("resultat")]
        scores = [_score(own or other) for own, other in zip(self.column("score en pix"), mixed, strict=True)]
        frame["pix_score"] = frame["pix_score"].mask(core, pd.Series(scores, dtype=float))

    def _result(self, text: str) -> str | None:
        """The gate or the level of a PIX+Édu row."""
        told = folded(text)
        if told in _GATE:
            return _GATE[told]
        level = _level_in(told, self.levels)
        if level is None and told:
            raise ValueError(text)
        return level

    def _wide_levels(self) -> np.ndarray:
        """One column per level: the level stands in the name of the column, the cell says what came of it."""
        ladder = [level.key for level in self.framework.levels]
        best = np.full(len(self.raw.rows), -1)
        for index, name in enumerate(self.names):
            if not _EDU.match(name):
                continue
            level = _level_in(name, self.levels)
            if level is None:
                header = self.raw.header[index]
                self.problems.add(
                    Problem(
                        "pix_level_of_column", {}, self.raw.file, self.raw.sheet, self.raw.header_row, header, header
                    )
                )
                continue
            state = self.understood(index, _state)
            best = np.maximum(best, np.where(state == "passed", ladder.index(level), -1))
            best = np.maximum(best, np.where(state == "failed", ladder.index("not_reached"), -1))
        return np.array([*ladder, None], dtype=object)[best]


def _state(text: str) -> str | None:
    """What became of a sitting: passed, failed, or nothing (not sat, cancelled, in error)."""
    told = folded(text)
    if told in _PASSED:
        return "passed"
    if told in _FAILED:
        return "failed"
    if told in _NOTHING:
        return None
    raise ValueError(text)


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


def _one_row_each(rows: pd.DataFrame, framework: Framework, sources: Sequence[Source]) -> PixResults:
    """One row per identifier: the best result of one person; identifiers of several people are left out."""
    unidentified = int(rows["student"].isna().sum())
    rows = rows[rows["student"].notna()]
    people = rows.groupby("student")["person"].nunique()
    ambiguous = set(people.index[people > 1])
    rows = rows[~rows["student"].isin(ambiguous)].drop(columns="person").reset_index(drop=True)
    sat = rows["pix_level"].notna() | rows["pix_gate"].notna()
    repeated = int(rows.loc[sat, "student"].duplicated().sum())
    frame = best_results(rows, rows["student"], framework)
    return PixResults(frame, rows, repeated, len(ambiguous), unidentified, tuple(sources))


def best_results(rows: pd.DataFrame, by: pd.Series, framework: Framework) -> pd.DataFrame:
    """The best level, gate and score of the sittings ``rows`` that share a value of ``by``, in its order."""
    ladder = {level.key: rank for rank, level in enumerate(framework.levels)}
    ranked = rows.assign(
        rank=rows["pix_level"].map(ladder).astype(float),
        open=rows["pix_gate"].map({"not_admissible": 0.0, "admissible": 1.0}).astype(float),
        pix_score=rows["pix_score"].astype(float),
    )
    grouped = ranked.groupby(by.to_numpy(dtype=object), sort=True)
    best, first = grouped[["rank", "open", "pix_score"]].max(), grouped[["pix_session", "date"]].first()
    keys = np.array([*ladder, None], dtype=object)
    return pd.DataFrame(
        {
            "student": best.index.to_numpy(dtype=object),
            "pix_level": keys[best["rank"].fillna(-1).astype(int).to_numpy()],
            "pix_gate": best["open"].map({0.0: "not_admissible", 1.0: "admissible"}).to_numpy(dtype=object),
            "pix_score": best["pix_score"].to_numpy(),
            "pix_session": first["pix_session"].to_numpy(dtype=object),
            "date": first["date"].to_numpy(dtype=object),
        }
    )[_COLUMNS]
