"""Students in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.files import tables
from crcne_stats.data.pix import load_pix, pix_notes
from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import about, is_saved, write_saved, write_table
from crcne_stats.data.schema import MARK, as_code, folded, missing_codes, schema
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.students import COLUMNS, LEVELS, Students, faults, prepare

_GATE = {"admissible": "admissible", "non admissible": "not_admissible", "not admissible": "not_admissible"}
_JURY = {
    **dict.fromkeys(("niveau", "level", "valide", "validee", "certifie", "admis"), "level"),
    **dict.fromkeys(("refuse", "refusee", "refused", "refus", "ajourne", "rejete"), "refused"),
    **dict.fromkeys(("en attente", "attente", "waiting", "en cours"), "waiting"),
}
_WRITTEN_JURY = {"level": "niveau", "refused": "refusé", "waiting": "en attente"}
_WRITTEN_GATE = {"admissible": "Admissible", "not_admissible": "Non admissible"}


def load_students(
    source: str | Path | Iterable[str | Path] | pd.DataFrame | None,
    *,
    pix: str | Path | Iterable[str | Path] | None = None,
    framework: str | Path | Framework | None = None,
    missing: Iterable[object] = (),
) -> Students:
    """Students from a file with one row each, with the results of the automated part where Pix files are given.

    Parameters
    ----------
    source
        A file, several files or a frame with the headers of ``students.schema.json``; None where only ``pix`` tells of
        the students.
    pix
        Files of Pix results. Rows are joined on the external identifier; a note counts the matched, unmatched and
        ambiguous ones. A level that the students' own file gives stays.
    framework, missing
        As for ``load_ratings``.

    Raises
    ------
    DataError
        With every fault of every file.
    """
    chosen = framework if isinstance(framework, Framework) else load_framework(framework)
    results = None if pix is None else load_pix(pix, framework=chosen)
    if source is None:
        if results is None:
            raise DataError([Problem("no_students")])
        return Students.from_frame(results.drop(columns=["pix_session", "date"]), framework=chosen)
    students = _students(source, chosen, missing)
    return students if results is None else _with_pix(students, results)


def write_students(students: Students, path: str | Path) -> Path:
    """Write students to Parquet, which :func:`load_students` reads back exactly, or to CSV with French headers."""
    target = Path(path)
    if target.suffix.lower() == ".parquet":
        return write_saved(students, target)
    headers = schema("students").headers
    frame = students.frame[[name for name in COLUMNS if name == "student" or students.known(name)]].copy()
    for name, written in (("jury", _WRITTEN_JURY), ("pix_gate", _WRITTEN_GATE)):
        if name in frame:
            frame[name] = frame[name].astype(object).map(written)
    frame = frame.rename(columns=headers)
    if students.simulated:
        frame = frame.assign(**{headers["origin"]: MARK})
    return write_table(frame, target)


def _students(source: Any, framework: Framework, missing: Iterable[object]) -> Students:
    known = schema("students")
    problems = Problems()
    raws: list[RawTable] = []
    if isinstance(source, pd.DataFrame):
        raws = [reading.raw_frame(source)]
    else:
        for path in reading.paths_of(source):
            try:
                raws += tables(path, lambda row: sum(known.column(cell) is not None for cell in row if cell))
            except DataError as error:
                problems.extend(error.problems)
    if problems:
        raise DataError(problems)
    if len(raws) == 1 and is_saved(raws[0]):
        told = about(raws[0])
        table = pd.DataFrame(dict(zip(raws[0].header, raws[0].cells, strict=True)))
        return Students.trusted(prepare(table, told["framework"]), told.pop("framework"), **told)
    codes = known.missing | missing_codes(missing)
    frames = [_read(raw, framework, codes, problems) for raw in raws]
    if problems:
        raise DataError(problems)
    prepared = prepare(pd.concat([frame for frame, _, _ in frames], ignore_index=True), framework)
    places = reading.Places(
        files=[raw.file for raw in raws],
        sheets=[raw.sheet for raw in raws],
        table=np.repeat(np.arange(len(raws)), [len(frame) for frame, _, _ in frames]),
        row=np.concatenate([raw.rows[kept] for raw, (_, kept, _) in zip(raws, frames, strict=True)]),
        headers=[header for _, _, header in frames],
    )
    problems.extend(places.told(faults(prepared, framework)))
    if problems:
        raise DataError(problems)
    origin = [next((i for i, text in enumerate(raw.header) if known.column(text) == "origin"), None) for raw in raws]
    simulated = any(reading.is_simulated(raw, index) for raw, index in zip(raws, origin, strict=True))
    sources = [Source(raw.file, raw.sha256, len(raw.rows)) for raw in raws if raw.file]
    return Students.trusted(prepared, framework, sources=sources, simulated=simulated)


def _read(
    raw: RawTable, framework: Framework, codes: frozenset[str], problems: Problems
) -> tuple[pd.DataFrame, np.ndarray, Mapping[str, str]]:
    """The columns of one table under our names, the rows kept (positions), and our names to headers."""
    known = schema("students")
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    problems.extend(reading.header_faults(raw, mapped, ["student"], known.headers))
    for fault in raw.faults:
        problems.add(fault)
    column = {name: index for index, name in reversed(mapped.items())}
    kept = np.flatnonzero(
        np.any([raw.cells[index].codes >= 0 for index in mapped] or [np.zeros(len(raw.rows))], axis=0)
    )
    frame = pd.DataFrame(index=range(len(kept)))
    parsers = _parsers(framework)
    for name in COLUMNS:
        if name not in column:
            frame[name] = np.nan
            continue
        cells = raw.cells[column[name]][kept]
        # As in ratings, a pseudonym may look like a missing code.
        none = frozenset[str]() if name == "student" else codes
        values, wrong = reading.decoded(cells, _unless_missing(parsers.get(name, str), none))
        frame[name] = pd.Series(values, dtype=object)
        told = Problems()
        allowed = {"allowed": _allowed(name, framework)}
        reading.not_understood(told, "unknown_level", cells, wrong, raw.header[column[name]], allowed)
        problems.count += told.count - len(told.items)
        for problem in told:
            row = int(raw.rows[kept[problem.row or 0]])
            problems.add(replace(problem, file=raw.file, sheet=raw.sheet, row=row))
    return frame, kept, {name: raw.header[index] for name, index in column.items()}


def _unless_missing(parse: reading.Parser, codes: frozenset[str]) -> reading.Parser:
    return lambda text: None if as_code(text) in codes else parse(text)


def _parsers(framework: Framework) -> dict[str, reading.Parser]:
    levels = reading.level_names(framework.levels, "key") | {str(level.score): level.key for level in framework.levels}

    def look_up(table: Mapping[str, str]) -> reading.Parser:
        def parse(text: str) -> str:
            try:
                return table[folded(text)]
            except KeyError:
                raise ValueError(text) from None

        return parse

    return {
        **dict.fromkeys(LEVELS, look_up(levels)),
        "pix_gate": look_up(_GATE),
        "jury": look_up(_JURY),
        "pix_score": reading.number,
    }


def _allowed(name: str, framework: Framework) -> str:
    if name == "pix_gate":
        return ", ".join(_WRITTEN_GATE.values())
    if name == "jury":
        return ", ".join(_WRITTEN_JURY.values())
    return "0, 1, 2…" if name == "pix_score" else reading.allowed_levels(framework)


def _with_pix(students: Students, results: pd.DataFrame) -> Students:
    frame = students.frame.copy()
    identifier = frame["student"].astype(object)
    unique = results.drop_duplicates("student").set_index("student")
    for name in ("pix_level", "pix_gate", "pix_score"):
        found = identifier.map(unique[name].astype(object))
        frame[name] = frame[name].astype(object).where(frame[name].notna(), found)
    matched = int(identifier.isin(unique.index).sum())
    notes = [*students.notes, *pix_notes(results, matched, len(frame))]
    prepared = prepare(frame, students.framework)
    return Students.trusted(
        prepared, students.framework, sources=students.sources, notes=notes, simulated=students.simulated
    )
