"""What the difficulty of criteria tells the reader: notes on their levels, their discrimination, halo and holes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.difficulty_sheets import Sheets
from crcne_stats.core import classical
from crcne_stats.domain.result import Note

FAR = 0.05
"""A gap between two correlations that deserves the first screen."""


def notes(tables: dict[str, pd.DataFrame], sheets: Sheets, weak: float, crowded: float) -> list[Note]:
    table = tables["difficulty"]
    n = len(np.unique(sheets.student))
    found = [
        *_extremes(table, n),
        *_crowded(tables, crowded, n),
        *_discrimination(table, weak, n),
        *_same_hand(sheets, n),
    ]
    if table["reason"].isin(["one_trainer_per_file"]).any():
        found.append(Note("difficulty.one_trainer", {}, "caution", 45))
    unused = tables["levels"].query("n_ratings == 0 and reason == ''")["criterion"].nunique()
    if unused:
        found.append(Note("difficulty.unused_levels", {"n": int(unused)}, "finding", 50, n))
    if tables["levels"].groupby("criterion").size().nunique() > 1:
        found.append(Note("difficulty.mixed_scales", {}, "caution", 62))
    if sheets.holes > 0:
        found.append(Note("difficulty.holes", {"share": sheets.holes}, "caution", 65, n))
    return found


def _listed(keys: pd.Series, most: int = 3) -> str:
    return ", ".join(str(key) for key in keys.head(most)) + (" …" if len(keys) > most else "")


def _extremes(table: pd.DataFrame, n: int) -> list[Note]:
    rated = table[table["position"].notna()].sort_values(["position", "criterion"], ascending=[False, True])
    if len(rated) < 2 or rated["position"].iloc[0] == rated["position"].iloc[-1]:
        return []
    hard, easy = rated.iloc[0], rated.iloc[-1]
    values = {
        "hardest": _listed(rated["criterion"].head(3)),
        "easiest": _listed(rated["criterion"].iloc[::-1].head(3)),
        "hard": str(hard["criterion"]),
        "hard_mean": float(hard["mean"]),
        "easy": str(easy["criterion"]),
        "easy_mean": float(easy["mean"]),
    }
    return [Note("difficulty.extremes", values, "finding", 15, n)]


def _crowded(tables: dict[str, pd.DataFrame], crowded: float, n: int) -> list[Note]:
    table = tables["difficulty"]
    n_levels = tables["levels"].groupby("criterion").size().reindex(table["criterion"]).to_numpy()
    limit = np.maximum(crowded, np.minimum(2 / n_levels, 0.9))
    found = []
    for end in ("floor", "ceiling"):
        over = table.assign(limit=limit)[(table[end] > limit).to_numpy()]
        over = over.sort_values([end, "criterion"], ascending=[False, True])
        if len(over):
            values = {
                "n": len(over),
                "criteria": _listed(over["criterion"]),
                "share": float(over[end].iloc[0]),
                "first": str(over["criterion"].iloc[0]),
                "limit": float(over["limit"].min()),
            }
            found.append(Note(f"difficulty.{end}", values, "finding", 25, n))
    return found


def _discrimination(table: pd.DataFrame, weak: float, n: int) -> list[Note]:
    """Criteria surely under the limit make a finding; those that may be under it, a detail."""
    other = table["item_rest_other"].notna().any()
    name = "item_rest_other" if other else "item_rest"
    kind = "other" if other else "same"
    found = []
    sure = table[f"{name}_high"] < weak
    perhaps = (table[name] < weak) & ~sure
    for key, chosen, rank in (("weak", sure, 22.0), ("perhaps_weak", perhaps, 48.0)):
        low = table[chosen].sort_values([name, "criterion"])
        if len(low):
            worst = low.iloc[0]
            values = {
                "n": len(low),
                "criteria": _listed(low["criterion"]),
                "first": str(worst["criterion"]),
                "value": float(worst[name]),
                "low": float(worst[f"{name}_low"]),
                "high": float(worst[f"{name}_high"]),
                "limit": weak,
                "kind": kind,
            }
            found.append(Note(f"difficulty.{key}", values, "finding", rank, n))
    return found


def _same_hand(sheets: Sheets, n: int) -> list[Note]:
    """How much of the item–rest correlation, on average over criteria, comes from the same trainer's hand."""
    own, other, moves = [], [], []
    for j in range(len(sheets.keys)):
        (first, a), (second, b) = sheets.item_rest(j), sheets.item_rest_other(j)
        if np.isfinite(first.value) and np.isfinite(second.value):
            own.append(first.value)
            other.append(second.value)
            # As means over all rows, so that the two can be subtracted although they rest on different rows.
            moves.append(_over_all(a) - _over_all(b))
    if not own:
        return []
    gap = classical.interval(float(np.mean(own) - np.mean(other)), np.mean(moves, axis=0), sheets.student)
    values = {"own": float(np.mean(own)), "other": float(np.mean(other)), "gap": gap.value}
    values |= {"low": gap.low, "high": gap.high}
    key = "same_hand" if gap.low > 0 else "same_hand_unclear"
    return [Note(f"difficulty.{key}", values, "finding", 28 if gap.low > 0 and gap.value >= FAR else 55, n)]


def _over_all(influence: np.ndarray) -> np.ndarray:
    known = ~np.isnan(influence)
    return np.where(known, influence, 0.0) / known.mean()
