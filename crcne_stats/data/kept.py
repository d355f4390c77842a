"""Which columns of a file pseudonymisation keeps, and what in them forbids to write it.

Kept are the columns that the loaders read: identifiers, INSPÉ, mention, session, passage, criteria, levels, decisions;
of Pix results the external identifier, type, status, results, session, date, and one column that tells persons apart.
Everything else (names, comments, whatever is unknown) is left out, cell by cell and header by header.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.kinds import (
    PIX_KEY,
    PIX_STATUS,
    PIX_TYPE,
    criterion_names,
    criterion_of,
    kind_of,
    without_legends,
)
from crcne_stats.data.privacy import direct_identifiers
from crcne_stats.data.ratings import sheet_columns
from crcne_stats.data.raw import FORMULA_STARTS, RawTable, text_cells
from crcne_stats.data.schema import as_code, folded, schema
from crcne_stats.domain.errors import LISTED, DataError, Problem, Problems
from crcne_stats.domain.framework import Framework

MASK = "…"
"""What a message shows in the place of a cell."""

PERSON = "person"
PERSONS = ("student", "trainer", PERSON)
PERSON_HEADER = "Personne"
"""In Pix results: whose row it is, so that an identifier of several people is still seen to be one."""

_PIX_PERSON = ("prenom", "nom", "date de naissance", "lieu de naissance", folded(PERSON_HEADER))
_PIX = {PIX_KEY, PIX_TYPE, PIX_STATUS, "niveau", "resultat", "score en pix", "nombre de pix", "session"} | {
    "date de passage de la certification"
}
_PIX_EDU = ("certification pix edu", "pix edu")
_LEVELS = ("score", "inspe_level", "pix_level", "pix_score", "pix_gate", "jury")
_DECISIONS = frozenset(
    [
        *("niveau", "level", "valide", "validee", "certifie", "certifiee", "admis", "admise", "refuse", "refusee"),
        *("refused", "refus", "ajourne", "ajournee", "rejete", "rejetee", "attente", "en attente", "waiting"),
        *("en cours", "admissible", "non admissible", "not admissible"),
    ]
)
"""What the columns of gates and decisions may say; another word is taken for free text."""
_ORIGINS = frozenset(["simulation", "observation"])


@dataclass(frozen=True, eq=False)
class Column:
    """A column that is kept: our name (of a criterion its key, of Pix results the folded header), header, cells."""

    name: str
    header: str
    cells: pd.Categorical
    score: bool = False
    """Whether its cells are scores, levels or decisions."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of one table, and the headers that are not; ``named`` is our name of what its sheet's name tells."""

    raw: RawTable
    columns: list[Column]
    removed: list[str]
    problems: Problems
    named: str | None = None

    def place(self) -> str:
        """The sheet as a message names it: not where its name is that of a trainer."""
        return MASK if self.named == "trainer" else self.raw.sheet


def kept_of(raws: Sequence[RawTable], framework: Framework) -> tuple[str, list[Kept]]:
    """The kind of a file's tables and what is kept of each.

    Raises
    ------
    DataError
        When the tables are of several kinds, or of none that the kit knows.
    """
    kinds = {kind_of(raw, framework) for raw in raws}
    if kinds == {"unknown"}:
        raise DataError([Problem("file_unknown", file=raws[0].file)])
    if len(kinds) > 1:
        raise DataError([Problem("pseudonymise_mixed", file=raws[0].file)])
    kind = kinds.pop()
    if kind == "pix":
        return kind, [_pix(raw) for raw in raws]
    if kind == "students":
        return kind, [_students(raw) for raw in raws]
    raws = without_legends(raws, framework)
    named = sheet_columns(raws)
    return kind, [_ratings(raw, framework, named.get(raw.file)) for raw in raws]


def _ratings(raw: RawTable, framework: Framework, named: str | None) -> Kept:
    """As the loader maps them: long where criterion and score have columns, else a column for each criterion."""
    known, names = schema("ratings"), criterion_names(framework)
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    wide = {
        index: key
        for index, text in enumerate(raw.header)
        if index not in mapped and (key := criterion_of(text, names))
    }
    own = set(mapped.values())
    single = len(framework.criteria) == 1
    if ("score" in own and (single or "criterion" in own)) or not wide:
        wide = {}
    else:
        mapped = {index: name for index, name in mapped.items() if name not in ("score", "criterion")}
    required = {"student", "trainer"} | (set() if wide else {"score"} | ({"criterion"} if not single else set()))
    problems = _header_faults(raw, {**mapped, **wide}, sorted(required - {named or ""}), known.headers)
    columns = [
        Column(name, raw.header[index], raw.cells[index], index in wide or name in _LEVELS)
        for index, name in sorted({**mapped, **wide}.items())
    ]
    if named is not None and named not in mapped.values():
        filled = np.any([column.cells.codes >= 0 for column in columns], axis=0)
        cells = text_cells(np.where(filled, 0, -1), np.array([raw.sheet], dtype=object))
        columns.append(Column(named, known.headers[named], cells))
    return Kept(raw, columns, _others(raw, {*mapped, *wide}), problems, named)


def _students(raw: RawTable) -> Kept:
    known = schema("students")
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    problems = _header_faults(raw, mapped, ["student"], known.headers)
    columns = [Column(name, raw.header[index], raw.cells[index], name in _LEVELS) for index, name in mapped.items()]
    return Kept(raw, columns, _others(raw, mapped), problems)


def _pix(raw: RawTable) -> Kept:
    names = [folded(text) for text in raw.header]
    kept = {
        index
        for index, name in enumerate(names)
        if (name in _PIX or name.startswith(_PIX_EDU)) and names.index(name) == index
    }
    columns = [
        Column("student" if names[index] == PIX_KEY else names[index], raw.header[index], raw.cells[index])
        for index in sorted(kept)
    ]
    parts = [np.asarray(raw.cells[names.index(name)].astype(object)) for name in _PIX_PERSON if name in names]
    if parts:
        texts = ["\x1f".join(str(cell) if cell == cell else "" for cell in row) for row in zip(*parts, strict=True)]
        codes, uniques = pd.factorize(np.array([*texts, ""], dtype=object))
        told = [text if text.strip("\x1f") else "" for text in uniques]
        columns.append(Column(PERSON, PERSON_HEADER, text_cells(codes[:-1], np.array(told, dtype=object))))
    return Kept(raw, columns, _others(raw, kept), Problems())


def _others(raw: RawTable, kept: Collection[int]) -> list[str]:
    return [text for index, text in enumerate(raw.header) if text and index not in kept]


def _header_faults(
    raw: RawTable, mapped: dict[int, str], required: Iterable[str], shown: Mapping[str, str]
) -> Problems:
    found = reading.header_faults(raw, mapped, required, shown)
    told = [replace(problem, found=MASK) if problem.code == "header_missing" else problem for problem in found]
    return Problems(told, found.count - len(told))


def refusals(
    parts: Sequence[Kept], framework: Framework, codes: frozenset[str], allow: Collection[str] = ()
) -> Problems:
    """What forbids to write the columns that are kept; no problem shows a cell.

    Missing columns, rows that could not be read, identifiers that a spreadsheet spoiled, texts where a score or a
    criterion should stand (they could name anybody), direct identifiers. Scores off the scale are none of it.
    """
    told = Problems()
    allowed = {folded(header) for header in allow}
    names = criterion_names(framework)
    scores = _score_test(framework, codes)
    for part in parts:
        told.extend(part.problems)
        headers = {column.header for column in part.columns}
        for fault in part.raw.faults_in(headers):
            told.add(replace(fault, sheet=part.place(), found=MASK))
        for column in part.columns:
            if column.name in PERSONS:
                _each(told, part, column, "cell_error", lambda text: not reading.is_error(text))
                _each(told, part, column, "identifier_rounded", lambda text: not reading.is_rounded(text))
            elif folded(column.header) in allowed:
                continue
            elif column.score:
                _each(told, part, column, "pseudonymise_text", scores)
            elif column.name == "criterion":
                _each(told, part, column, "pseudonymise_text", lambda text: criterion_of(text, names) is not None)
        plain = [column for column in part.columns if column.name not in PERSONS]
        told_header, cells = [column.header for column in plain], [column.cells for column in plain]
        shown = replace(part.raw, sheet=part.place(), header=told_header, cells=cells)
        for problem in direct_identifiers(shown, allow):
            told.add(problem)
    return told


def _score_test(framework: Framework, codes: frozenset[str]) -> Callable[[str], bool]:
    levels = [level for scale in framework.scales.values() for level in scale]
    words = set(reading.level_names(levels, "key")) | _DECISIONS

    def is_score(text: str) -> bool:
        try:
            reading.number(text)
        except ValueError:
            return as_code(text) in codes or folded(text) in words
        return True

    return is_score


def _each(told: Problems, part: Kept, column: Column, code: str, fine: Callable[[str], bool]) -> None:
    """One problem for each cell whose text is not ``fine``."""
    wrong = np.array([*(not fine(str(text)) for text in column.cells.categories), False])[column.cells.codes]
    where = np.flatnonzero(wrong)
    for row in part.raw.rows[where[:LISTED]]:
        told.add(Problem(code, {}, part.raw.file, part.place(), int(row), column.header, MASK))
    told.count += max(0, len(where) - LISTED)


def joined(parts: Sequence[Kept]) -> list[Column]:
    """The kept columns with the tables one under the other; the header is that of the first table that has one."""
    first: dict[str, Column] = {}
    for part in parts:
        for column in part.columns:
            first.setdefault(column.name, column)
    together = []
    for name, column in first.items():
        pieces = []
        for part in parts:
            own = next((other.cells for other in part.columns if other.name == name), None)
            none = pd.Categorical.from_codes(np.full(len(part.raw.rows), -1), categories=pd.Index([], dtype=object))
            pieces.append(none if own is None else own)
        cells = pd.api.types.union_categoricals(pieces) if len(pieces) > 1 else pieces[0]
        if name == "origin":
            cells = cells.remove_categories([text for text in cells.categories if folded(text) not in _ORIGINS])
        together.append(replace(column, header=column.header.lstrip(FORMULA_STARTS), cells=cells))
    return together
