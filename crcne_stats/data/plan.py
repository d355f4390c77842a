"""The list of ratings to ask for as a workbook ready to send."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crcne_stats.data.grid import write_grid
from crcne_stats.data.schema import schema
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import IDENTIFIERS, Students


def write_plan(result: Result, path: str | Path, *, lang: str = "fr") -> Path:
    """The grid of each trainer who is asked for ratings: one sheet per trainer, a row for each file to rate.

    Parameters
    ----------
    result
        What :func:`crcne_stats.analysis.planning.planning` returned. A published one no longer has the list.
    path
        The workbook to make, whose name ends in ``.xlsx``. It names students: it goes to trainers, never to the public.
    lang
        Language of the criteria, levels and legend.

    Raises
    ------
    DataError
        When there is nothing to ask for, or an identifier that the loader would refuse.
    FileExistsError
        When something stands at ``path``.
    """
    table, ratings = result.tables.get("repair"), result.ratings
    if table is None or not len(table) or ratings is None:
        raise DataError([Problem("plan_empty")])
    files = table.astype({"trainer": str})
    sheets = {str(name): _students(own, ratings.framework) for name, own in files.groupby("trainer", sort=True)}
    everyone = _students(files, ratings.framework)
    # The identifiers stand in ratings that were read already.
    allow = tuple(schema("ratings").headers[name] for name in ("student", "trainer"))
    return write_grid(everyone, path, trainer=sheets, lang=lang, allow=allow)


def _students(rows: pd.DataFrame, framework: Framework) -> Students:
    known = [name for name in IDENTIFIERS if name in rows.columns]
    return Students.from_frame(rows[known].drop_duplicates(), framework=framework)
