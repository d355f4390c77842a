"""Faults of files as a table that their owner reads."""

from __future__ import annotations

import pandas as pd

from crcne_stats.domain.errors import Problems
from crcne_stats.view.tables import Table
from crcne_stats.words import DEFAULT_LANGUAGE, words


def fault_table(problems: Problems, lang: str = DEFAULT_LANGUAGE) -> Table:
    """One row per fault listed: where it stands, what is wrong, what should stand there, what to do.

    ``rows_left`` counts the faults past the listing. Places that no fault has (no sheet, no row) have no column.
    """
    w = words(lang)
    rows = [
        (
            problem.file,
            problem.sheet,
            "" if problem.row is None else w.count(problem.row),
            problem.column,
            problem.title(w),
            problem.expected(w),
            problem.remedy(w),
        )
        for problem in problems
    ]
    names = ("file", "sheet", "row", "column", "what", "expected", "remedy")
    frame = pd.DataFrame(rows, columns=pd.Index(names), dtype=object)
    kept = [name for name in names if (frame[name] != "").any()]
    labels = tuple(w(f"marked.column.{name}") for name in kept)
    shown = frame[kept].set_axis(pd.Index(labels), axis=1)
    numeric = tuple(name == "row" for name in kept)
    caption = w("marked.count", n=len(problems))
    return Table(caption, shown, labels, numeric, lang, len(problems) - len(rows))
