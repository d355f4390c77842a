"""Students in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.chosen import framework_of
from crcne_stats.data.files import read_all
from crcne_stats.data.kinds import Headers, kind_of
from crcne_stats.data.pix import PixResults, pix_notes, pix_of
from crcne_stats.data.privacy import direct_identifiers
from crcne_stats.data.raw import RawTable
from crcne_stats.data.saved import about, is_saved, write_saved, write_table
from crcne_stats.data.schema import MARK, as_code, folded, missing_codes, schema
from crcne_stats.domain.errors import LISTED, DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.result import Note
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
    allow: Iterable[str] = (),
) -> Students:
    """Students from a file with one row each, with the results of the automated part where Pix files are given.

    Parameters
    ----------
    source
        A file, several files, a folder or a frame with the headers of ``students.schema.json``; None where only ``pix``
        tells of the students. Files of Pix results among them are taken as ``pix``.
    pix
        Files of Pix results. Rows are joined on the external identifier; notes count the matched, unmatched and
        ambiguous ones. A level that the students' own file gives stays.
    framework, allow
        As for ``load_ratings``.
    missing
        Further codes of columns other than the Pix score that mean «no value».

    Raises
    ------
    DataError
        With every fault of every file.
    """
    if isinstance(source, pd.DataFrame):
        raws, problems, paths = [reading.raw_frame(source)], Problems(), []
    else:
        paths = [] if source is None else reading.paths_of(source)
        raws, problems = [], Problems()
    chosen = framework_of(framework, paths).framework
    headers = Headers.of(chosen)
    if paths:
        raws, problems = read_all(paths, headers)
    results = [] if pix is None else reading.paths_of(pix)
    found, faults_there = read_all(results, headers)
    problems.extend(faults_there)
    if not raws and not found and not problems:
        raise DataError([Problem("no_students")])
    if framework is None and not problems and not found and len(raws) == 1 and is_saved(raws[0]):
        return _saved(raws[0])
    return students_of([*raws, *found], chosen, missing, allow, problems)


def students_of(
    raws: Sequence[RawTable],
    framework: Framework,
    missing: Iterable[object] = (),
    allow: Iterable[str] = (),
    problems: Problems | None = None,
) -> Students:
    """Students from tables already read, those of Pix among them; ``problems`` are those of unreadable files."""
    told = Problems()
    told.extend(problems or Problems())
    kinds = [kind_of(raw, framework) for raw in raws]
    results = [raw for raw, kind in zip(raws, kinds, strict=True) if kind == "pix"]
    aside = [raw for raw, kind in zip(raws, kinds, strict=True) if kind == "ratings"] if "students" in kinds else []
    own = [raw for raw in raws if not any(raw is other for other in [*results, *aside])]
    pix = None
    try:
        pix = pix_of(results, framework) if results else None
    except DataError as error:
        told.extend(error.problems)
    try:
        students = _students(own, framework, missing, allow) if own else None
    except DataError as error:
        told.extend(error.problems)
        raise DataError(told, error.sources) from None
    if told:
        raise DataError(told)
    if students is None:
        assert pix is not None
        notes = pix_notes(pix, None)
        return Students.from_frame(pix.frame, framework=framework, notes=notes, sources=pix.sources)
    if aside:
        values = {"n": len(aside), "tables": ", ".join(raw.file for raw in aside[:8])}
        note = Note("students.tables_set_aside", values, "caution", 65)
        students = replace(students, notes=(*students.notes, note))
    return students if pix is None else with_pix(students, pix)


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


def _saved(raw: RawTable) -> Students:
    """Students as they were written: valid then, so valid now."""
    told = about(raw)
    table = pd.DataFrame(dict(zip(raw.header, raw.cells, strict=True)))
    return Students.trusted(prepare(table, told["framework"]), told.pop("framework"), **told)


def _students(
    raws: Sequence[RawTable], framework: Framework, missing: Iterable[object], allow: Iterable[str]
) -> Students:
    known, problems = schema("students"), Problems()
    codes = known.missing | missing_codes(missing)
    parts = [_read(raw, framework, codes) for raw in raws]
    for part in parts:
        for problem in direct_identifiers(part.raw, tuple(allow)):
            problems.add(problem)
        problems.extend(part.problems)
    prepared = prepare(pd.concat([part.frame for part in parts], ignore_index=True), framework)
    places = reading.Places(
        files=[raw.file for raw in raws],
        sheets=[raw.sheet for raw in raws],
        table=np.repeat(np.arange(len(raws)), [len(part.frame) for part in parts]),
        row=np.concatenate([part.raw.rows[part.kept] for part in parts]),
        headers=[part.header for part in parts],
    )
    skip = np.concatenate([part.wrong for part in parts])
    breaches = faults(prepared, framework, skip)
    problems.extend(places.told(breaches))
    sources = _sources(parts, places, breaches)
    if not problems and not len(prepared):
        problems.add(Problem("header_only", file=raws[0].file))
    if problems:
        raise DataError(problems, sources)
    origin = [next((i for i, text in enumerate(raw.header) if known.column(text) == "origin"), None) for raw in raws]
    simulated = any(reading.is_simulated(raw, index) for raw, index in zip(raws, origin, strict=True))
    return Students.trusted(prepared, framework, sources=sources, notes=_notes(parts), simulated=simulated)


def _notes(parts: Sequence[_Part]) -> list[Note]:
    columns = list(dict.fromkeys(text for part in parts for text in part.set_aside))
    sheets = [sheet for part in parts for sheet in part.raw.sheets_aside]
    notes = []
    if formulas := sum(part.raw.formulas_in(part.used) for part in parts):
        notes.append(Note("ratings.formulas_read", {"n": formulas}, "caution", 75))
    if columns:
        values = {"n": len(columns), "columns": ", ".join(columns[:8])}
        notes.append(Note("ratings.columns_set_aside", values, "caution", 74))
    if sheets:
        notes.append(
            Note("ratings.sheets_set_aside", {"n": len(sheets), "sheets": ", ".join(sheets[:8])}, "caution", 73)
        )
    return notes


def _sources(parts: Sequence[_Part], places: reading.Places, breaches: Problems) -> list[Source]:
    faulty = np.concatenate([np.zeros(0, np.int64), *breaches.faulty]).astype(np.int64)
    refused = np.concatenate([part.wrong for part in parts])
    refused[faulty] = True
    found = {}
    for file in dict.fromkeys(part.raw.file for part in parts if part.raw.file):
        own = [index for index, part in enumerate(parts) if part.raw.file == file]
        here = np.isin(places.table, own)
        found[file] = Source(file, parts[own[0]].raw.sha256, int(here.sum()), 0, 0, int(refused[here].sum()))
    return list(found.values())


@dataclass
class _Part:
    """The students of one table: ``kept`` (row,) positions in it, ``wrong`` (row,) those with a cell not understood."""

    raw: RawTable
    frame: pd.DataFrame
    kept: np.ndarray
    wrong: np.ndarray
    header: Mapping[str, str]
    used: list[str]
    set_aside: list[str]
    problems: Problems


def _read(raw: RawTable, framework: Framework, codes: frozenset[str]) -> _Part:
    """The columns of one table under our names."""
    known = schema("students")
    mapped = {index: name for index, text in enumerate(raw.header) if (name := known.column(text))}
    problems = reading.header_faults(raw, mapped, ["student"], known.headers)
    broken = bool(problems)
    used = [raw.header[index] for index in mapped]
    for fault in raw.faults_in(used):
        problems.add(fault)
    column = {name: index for index, name in reversed(mapped.items())}
    header = {name: raw.header[index] for name, index in column.items()}
    set_aside = [text for index, text in enumerate(raw.header) if text and index not in mapped]
    kept = np.flatnonzero(
        np.any([raw.cells[index].codes >= 0 for index in mapped] or [np.zeros(len(raw.rows))], axis=0)
    )
    if broken:
        kept = kept[:0]
    part = _Part(
        raw, pd.DataFrame(index=range(len(kept))), kept, np.zeros(len(kept), bool), header, used, set_aside, problems
    )
    parsers = _parsers(framework)
    for name in COLUMNS:
        if name in column:
            _parse(part, name, raw.cells[column[name]][kept], parsers.get(name, str), framework, codes)
        else:
            part.frame[name] = np.nan
    return part


def _parse(
    part: _Part, name: str, cells: pd.Categorical, parse: reading.Parser, framework: Framework, codes: frozenset[str]
) -> None:
    # As in ratings, a pseudonym may look like a missing code, and 99 is a score of Pix.
    none = {"student": frozenset[str](), "pix_score": schema("students").missing}.get(name, codes)
    values, wrong = reading.decoded(cells, _unless_missing(parse, none))
    part.frame[name] = pd.Series(values, dtype=object)
    texts = [str(text) for text in cells.categories]
    told = [("cell_error", [reading.is_error(text) for text in texts])]
    if name == "student":
        told.append(("identifier_rounded", [reading.is_rounded(text) for text in texts]))
    for code, marked in told:
        here = np.array([*marked, False])[cells.codes]
        _tell(part, code, cells, here, name, {})
        wrong = wrong & ~here
    code = "unknown_number" if name == "pix_score" else "unknown_level"
    _tell(part, code, cells, wrong, name, {"allowed": _allowed(name, framework)})


def _tell(
    part: _Part, code: str, cells: pd.Categorical, wrong: np.ndarray, name: str, values: Mapping[str, Any]
) -> None:
    where = np.flatnonzero(wrong)
    part.wrong[where] = True
    room = min(len(where), max(0, LISTED - len(part.problems.items)))
    for place in where[:room]:
        row = int(part.raw.rows[part.kept[place]])
        raw = part.raw
        part.problems.add(Problem(code, values, raw.file, raw.sheet, row, part.header[name], str(cells[place])))
    part.problems.count += len(where) - room


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


def with_pix(students: Students, results: PixResults) -> Students:
    """Students with the levels, gates and scores that Pix gives where their own file gives none."""
    frame = students.frame.copy()
    identifier = frame["student"].astype(object)
    unique = results.frame.set_index("student")
    for name in ("pix_level", "pix_gate", "pix_score"):
        found = identifier.map(unique[name].astype(object))
        frame[name] = frame[name].astype(object).where(frame[name].notna(), found)
    notes = [*students.notes, *pix_notes(results, identifier)]
    prepared = prepare(frame, students.framework)
    sources = [*students.sources, *results.sources]
    return Students.trusted(prepared, students.framework, sources=sources, notes=notes, simulated=students.simulated)
