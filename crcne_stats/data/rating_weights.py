"""Rating weights in a file: a table of their own, or a column of the file of ratings itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crcne_stats.data import reading
from crcne_stats.data.files import tables
from crcne_stats.data.kinds import Headers
from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import as_code, folded, schema
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework

NAMES = ("poids", "weight", "ponderation", "rating weight")
"""Headers of the column of weights, as they are compared."""


def load_rating_weights(path: str | Path, framework: Framework | None = None) -> pd.DataFrame:
    """The weights of a file, as ``severity(rating_weights=…)`` takes them.

    Any file that the kit reads (CSV, Excel, Parquet) with a column ``poids`` or ``weight`` and columns of the ratings'
    contract (``etudiant``, ``formateur``, ``critere``, ``session``…): a row for each rating, sheet, trainer or
    criterion that counts more or less than once. The file of ratings itself will do where it has such a column. A row
    without a weight says nothing.

    Returns
    -------
    frame
        The identifiers of the file under our names, and ``weight``.

    Raises
    ------
    DataError
        When the file cannot be read, has no column of weights or no identifier, or a weight is no number from 0.
    """
    framework = framework or load_framework(None)
    parts, problems = [], Problems()
    raws = tables(Path(path), Headers.of(framework))
    for raw in raws:
        places = [place for place, text in enumerate(raw.header) if folded(text) in NAMES]
        if places:
            parts.append(_weights(raw, places[0], framework, problems))
    if not parts:
        first = raws[0]
        values = {"wanted": NAMES[0]}
        problems.add(Problem("missing_column", values, first.file, first.sheet, first.header_row, NAMES[0]))
    if problems:
        raise DataError(problems)
    return pd.concat(parts, ignore_index=True)


def _weights(raw: RawTable, place: int, framework: Framework, problems: Problems) -> pd.DataFrame:
    """The rows of a table that have a weight."""
    known, names = schema("ratings"), Headers.of(framework)
    found = {known.column(text): column for column, text in enumerate(raw.header)}
    found = {name: column for name, column in found.items() if name not in (None, "score", "origin")}
    if not found:
        problems.add(
            Problem("missing_column", {"wanted": known.headers["trainer"]}, raw.file, raw.sheet, raw.header_row)
        )
    cells = raw.cells[place]
    value = np.full(len(raw.rows), np.nan)
    for row in np.flatnonzero(cells.codes >= 0):
        text = str(cells[row])
        try:
            value[row] = reading.number(text)
        except ValueError:
            value[row] = -1.0
        if not 0 <= value[row] < np.inf:
            where = raw.file, raw.sheet, int(raw.rows[row]), raw.header[place]
            problems.add(Problem("weight_value", {}, *where, text))
    table = pd.DataFrame({str(name): raw.cells[column].astype(object) for name, column in found.items()})
    for name in table.columns.difference(["student", "trainer", "criterion"]):  # a pseudonym may look like a code
        table[name] = [None if pd.isna(text) or as_code(str(text)) in known.missing else text for text in table[name]]
    if "criterion" in table:
        table["criterion"] = [names.criterion(str(text)) or text for text in table["criterion"]]
    table["weight"] = value
    return table[np.isfinite(value)].reset_index(drop=True)
