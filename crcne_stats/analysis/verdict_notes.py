"""What ``verdict`` tells its reader."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crcne_stats.domain.result import Note


def verdict_notes(tables: Mapping[str, pd.DataFrame]) -> list[Note]:
    """The overall verdict on criteria and trainers, how far the methods concur, and what parts them most often."""
    criteria, trainers = tables["criteria"], tables["trainers"]
    notes = [_criteria(criteria), *_reasons(criteria, "criteria", 21), *_trainers(trainers)]
    against = criteria.loc[criteria["overall"] == "against", "criterion"].astype(str)
    if len(against):
        notes.append(Note("verdict.not_alone", {"criteria": ", ".join(against)}, "action", 14))
    return notes


def _most(table: pd.DataFrame) -> int | None:
    """Students behind a sentence about a whole table."""
    known = table["n_students"].dropna()
    return int(known.max()) if len(known) else None


def _criteria(table: pd.DataFrame) -> Note:
    counts = table["overall"].value_counts()
    told = {name: int(counts.get(key, 0)) for name, key in
            (("usable", "for"), ("care", "with_care"), ("against", "against"), ("undecided", "undecided"))}  # fmt: skip
    told |= {"n": len(table), "concur": int((table["concurrence"] == "concur").sum()),
             "oppose": int((table["concurrence"] == "oppose").sum())}  # fmt: skip
    key = "criteria_fine" if told["usable"] == len(table) else "criteria"
    return Note(f"verdict.{key}", told, "finding", 10.5, _most(table))


def _reasons(table: pd.DataFrame, about: str, rank: float) -> list[Note]:
    """What parts the methods most often."""
    why = table.loc[table["why"] != "", "why"]
    if not len(why):
        return []
    first = str(why.value_counts().index[0])
    told = {"why": first, "k": int((why == first).sum()), "n": len(why)}
    return [
        Note(f"verdict.why_{about}", told, "caution" if first == "thin_data" else "finding", rank + 20, _most(table))
    ]


def _trainers(table: pd.DataFrame) -> list[Note]:
    if not len(table):
        return []
    counts = table["apart"].value_counts()
    told = {"n": len(table), "apart": int(counts.get("yes", 0)), "one": int(counts.get("one_says", 0)),
            "undecided": int(counts.get("undecided", 0)), "none": int(counts.get("no", 0))}  # fmt: skip
    share = told["undecided"] / len(table)
    notes = [Note("verdict.trainers", told, "finding", 22, _most(table))]
    if np.isfinite(share) and share >= 0.5:
        notes.append(Note("verdict.trainers_thin", {"share": share}, "caution", 42, _most(table)))
    return [*notes, *_reasons(table, "trainers", 23)]
