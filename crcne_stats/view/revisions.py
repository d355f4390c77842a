"""The first lines of the report: which criteria to revise, why, how sure that is, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Study
from crcne_stats.words import Words

MOST = 5
_SHARES = ("swaps", "trainer_criterion", "trainer", "extremes")
"""Symptoms whose value is a share."""


@dataclass(frozen=True)
class Revision:
    """One criterion in words."""

    key: str
    text: str
    why: str
    sure: str
    next: str


def revisions(study: Study, w: Words) -> list[Revision]:
    """The criteria that a published study says to revise, surely or probably, the first five of them in order."""
    result = study.results.get("priorities")
    table = result.tables.get("priorities") if result is not None else None
    if table is None or result is None:
        return []
    chosen = table[table["priority"].isin(["revise", "likely"])].head(MOST)
    symptoms = result.tables["symptoms"].set_index(["criterion", "symptom"])
    framework, found = study.ratings.framework, []
    for row in chosen.to_dict("records"):
        key = str(row["criterion"])
        text = framework.name("criterion", key, w.language)
        told = symptoms.loc[(key, row["symptom"])]
        ranks = {"priority": row["priority"], "low": int(row["rank_low"]), "high": int(row["rank_high"])}
        found.append(
            Revision(
                key, "" if text == key else text, _why(row, told, framework, w), w("report.revise_ranks", **ranks),
                w(f"suggestion.{row['suggestion']}"),
            )
        )  # fmt: skip
    return found


def _why(row: dict[Any, Any], told: pd.Series, framework: Framework, w: Words) -> str:
    """The symptom, what it concerns, its value and the edge of the tolerable."""
    about = [framework.name(kind, str(row[name]), w.language) for name, kind in
             (("level", "level"), ("other_level", "level"), ("mention", "mention"), ("criterion_b", "criterion"))
             if row[name]]  # fmt: skip
    about += [str(row["session"])] if row["session"] else []
    symptom = w(f"symptom.{row['symptom']}")
    values = [w.percent(float(told[name])) if row["symptom"] in _SHARES else w.number(float(told[name]))
              for name in ("value", "tolerable")]  # fmt: skip
    number = w("report.revise_number", value=values[0], tolerable=values[1])
    return w("report.revise_about", symptom=symptom, about=", ".join(about), number=number) if about else (
        w("report.revise_alone", symptom=symptom, number=number)
    )  # fmt: skip
