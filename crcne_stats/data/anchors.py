"""Anchors of the many-facet model in a file: values to hold, taken over from an earlier fit or set by hand.

A CSV file with a row for each anchor: ``facet`` (criterion, trainer, threshold, a further facet, or inspe), ``member``
(the identifier; for shared thresholds empty), ``level`` (for thresholds: the level that the step leads to), ``value``
(logits) and ``group``: rows of a facet with the same group hold their mean at the value instead of each element.
Rows of ``inspe`` give the mean ability of an INSPÉ, which ``severity(link="anchors")`` uses to link islands.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from crcne_stats.data.saved import atomically
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.result import Result

COLUMNS = ("facet", "member", "level", "value", "group")
FACETS = ("criterion", "trainer", "threshold", "session", "mention", "occasion", "inspe", "trainer_inspe")
_TABLES = {"criterion": ("criteria", "difficulty"), "trainer": ("trainers", "severity")}


def load_anchors(path: str | Path) -> pd.DataFrame:
    """The anchors of a file, as ``severity(anchors=…)`` takes them.

    Returns
    -------
    frame
        The columns ``facet``, ``member``, ``level``, ``value`` and ``group``; empty texts where a file has none.

    Raises
    ------
    DataError
        When the file cannot be read, a column is missing, a facet is unknown or a value is no number. ``row`` is that
        of the file.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype=str, sep=None, engine="python", encoding="utf-8-sig", keep_default_na=False)
    except FileNotFoundError:
        raise DataError([Problem("file_absent", file=path.name)]) from None
    except (OSError, ValueError, csv.Error) as error:
        raise DataError([Problem("file_unreadable", file=path.name, found=type(error).__name__)]) from None
    problems = Problems()
    for name in ("facet", "value"):
        if name not in table.columns:
            problems.add(Problem("missing_column", {"wanted": name}, file=path.name, column=name))
    if problems:
        raise DataError(problems)
    for name in COLUMNS:
        table[name] = table[name].str.strip() if name in table.columns else ""
    value = pd.to_numeric(table["value"].str.replace("−", "-").str.replace(",", "."), errors="coerce")
    for row in table.index[~table["facet"].isin(FACETS)]:
        found = {"allowed": ", ".join(FACETS)}
        problems.add(
            Problem("anchor_facet", found, file=path.name, row=int(row) + 2, column="facet", found=table["facet"][row])
        )
    for row in table.index[value.isna()]:
        problems.add(
            Problem("anchor_value", file=path.name, row=int(row) + 2, column="value", found=table["value"][row])
        )
    if problems:
        raise DataError(problems)
    return table[list(COLUMNS)].assign(value=value)


def write_anchors(result: Result, path: str | Path, facets: Sequence[str] = ("criterion", "threshold")) -> Path:
    """Write measures of ``severity`` as anchors for another fit; elements without a measure are left out.

    By default criteria and thresholds alone: severities of trainers are personal data.

    Raises
    ------
    ValueError
        For a facet that has no measures in the result.
    """
    unknown = [name for name in facets if name not in (*_TABLES, "threshold")]
    if unknown or "criteria" not in result.tables:
        raise ValueError(f"no measures of {', '.join(unknown) or result.name}")
    parts = []
    for facet in facets:
        if facet == "threshold":
            own = result.tables["thresholds"]
            member = own["criterion"].astype(object).fillna(own["trainer"].astype(object)).fillna("")
            parts.append(pd.DataFrame({"member": member, "level": own["level"], "value": own["threshold"]}))
        else:
            name, measure = _TABLES[facet]
            own = result.tables[name]
            parts.append(pd.DataFrame({"member": own[facet].astype(object), "level": "", "value": own[measure]}))
        parts[-1].insert(0, "facet", facet)
    table = pd.concat(parts, ignore_index=True)
    table = table[table["value"].notna()].assign(group="")[list(COLUMNS)]
    return atomically(Path(path), lambda target: table.to_csv(target, index=False, lineterminator="\n"))
