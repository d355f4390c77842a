"""What ``priorities`` tells its reader: which criteria, why, how sure, what next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.priorities_index import Order
from crcne_stats.analysis.priorities_model import Judged
from crcne_stats.analysis.severity_design import Design
from crcne_stats.domain.result import Note

TOLD = 3
"""Reasons and next steps of so many criteria stand on the first screen."""
STABLE = 0.8
"""A criterion stays among the first when it is there under that share of the other weights."""


def priorities_notes(
    tables: Mapping[str, pd.DataFrame], asked: Design, placed: Order, model: Judged | None, settings: Mapping[str, Any]
) -> list[Note]:
    """The order, its reasons, its doubts, and the next steps."""
    table, n = tables["priorities"], len(asked.people)
    chosen = table[table["priority"] == "revise"]
    likely = table[table["priority"] == "likely"]
    notes = [_headline(table, chosen, likely, n)]
    for turn, (_, row) in enumerate(table[table["priority"] != "keep"].head(TOLD).iterrows()):
        notes.append(_why(row, tables["symptoms"], asked, 31 + turn / 10))
        notes.append(_next(row, asked, 11 + turn / 10))
    if len(chosen):
        notes.append(_certainty(table, placed, len(chosen), n))
        notes.append(_weights(tables, chosen, n))
        if len(likely):
            names = ", ".join(likely["criterion"].astype(str))
            notes.append(Note("priorities.likely", {"criteria": names, "k": len(likely)}, "finding", 31, n))
    swap = _most_swapped(tables["swaps"], asked)
    if swap is not None:
        notes.append(swap)
    if "files" in tables:
        notes.append(Note("priorities.files", {"n": len(tables["files"])}, "caution", 63))
    if model is None:
        notes.append(Note("priorities.no_model", {}, "caution", 28))
    elif not model.fit.converged:
        notes.append(Note("priorities.not_converged", {}, "caution", 9))
    if asked.n_components > 1:
        notes.append(Note("priorities.islands", {"n": asked.n_components}, "caution", 45))
    notes.append(Note("priorities.same_trainers", {}, "caution", 61))
    return notes


def _headline(table: pd.DataFrame, chosen: pd.DataFrame, likely: pd.DataFrame, n: int) -> Note:
    told = {"n": len(table), "n_students": n}
    if not len(chosen):
        return Note("priorities.no_order", told | {"likely": len(likely)}, "finding", 10, n)
    names = ", ".join(chosen["criterion"].astype(str))
    return Note("priorities.order", told | {"criteria": names, "k": len(chosen)}, "finding", 10, n)


def _symptom(row: pd.Series, symptoms: pd.DataFrame) -> pd.Series:
    mine = (symptoms["criterion"] == row["criterion"]) & (symptoms["symptom"] == row["symptom"])
    return symptoms[mine].iloc[0]


def _why(row: pd.Series, symptoms: pd.DataFrame, asked: Design, rank: float) -> Note:
    """The sentence of a symptom with its numbers."""
    told = _symptom(row, symptoms)
    values = {
        "criterion": str(row["criterion"]), "value": float(told["value"]), "low": float(told["low"]),
        "high": float(told["high"]), "tolerable": float(told["tolerable"]), "best": int(row["rank_low"]),
        "worst": int(row["rank_high"]), **_about(row, asked),
    }  # fmt: skip
    return Note(f"priorities.why_{row['symptom']}", values, "finding", rank, int(told["n_students"]))


def _about(row: pd.Series, asked: Design) -> dict[str, Any]:
    """What a symptom concerns; levels by their score, which needs no language."""
    scores = {level.key: level.score for level in asked.ratings.framework.scale(str(row["criterion"]))}
    return {
        "level": scores.get(row["level"], 0), "other": scores.get(row["other_level"], 0),
        "mention": str(row["mention"] or ""), "session": str(row["session"] or ""),
        "criterion_b": str(row["criterion_b"] or ""),
    }  # fmt: skip


def _next(row: pd.Series, asked: Design, rank: float) -> Note:
    values = {"criterion": str(row["criterion"]), **_about(row, asked)}
    return Note(f"priorities.do_{row['suggestion']}", values, "action", rank)


def _certainty(table: pd.DataFrame, placed: Order, k: int, n: int) -> Note:
    """How many of all the pairs have a sure order, and where the first may really stand."""
    first = table.iloc[0]
    pairs = len(table) * (len(table) - 1) // 2
    values = {"decided": placed.decided, "pairs": pairs, "k": k, "first": str(first["criterion"]),
              "best": int(first["rank_low"]), "worst": int(first["rank_high"]),
              "apart": int((table["rank_high"].to_numpy()[:k] <= k).sum())}  # fmt: skip
    return Note("priorities.certainty", values, "finding", 10.1, n)


def _weights(tables: Mapping[str, pd.DataFrame], chosen: pd.DataFrame, n: int) -> Note:
    """Whether other weights put other criteria first."""
    stability = tables["stability"].set_index("criterion")
    mine = stability.loc[chosen["criterion"]].head(TOLD)
    share = float(mine["share_first"].min())
    values = {"n": int(stability["n_weightings"].iloc[0]), "share": share,
              "criterion": str(mine["share_first"].idxmin())}  # fmt: skip
    key = "weights_hold" if share >= STABLE else "weights_matter"
    return Note(f"priorities.{key}", values, "finding" if share >= STABLE else "caution", 31, n)


def _most_swapped(swaps: pd.DataFrame, asked: Design) -> Note | None:
    """The two levels on which trainers part most often."""
    if not len(swaps) or not np.isfinite(swaps["share"]).any():
        return None
    row = swaps.loc[swaps["share"].idxmax()]
    scores = {level.key: level.score for level in asked.ratings.framework.scale(str(row["criterion"]))}
    values = {"criterion": str(row["criterion"]), "level": scores[row["level"]], "other": scores[row["other_level"]],
              "share": float(row["share"])}  # fmt: skip
    return Note("priorities.swaps", values, "finding", 35, int(row["n_students"]))
