"""What planning tells its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crcne_stats.analysis.planning_data import Situation
from crcne_stats.analysis.planning_repair import Plan
from crcne_stats.domain.result import Note


def planning_notes(
    given: Situation, found: Plan | None, tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any]
) -> list[Note]:
    """What to ask for, what it brings, what it cannot bring, and the cheapest scheme."""
    notes = [*_schemes(tables, given.n_students)]
    if found is None:
        return [Note("planning.one_trainer", {}, "caution", 15), *notes]
    notes += _list(found, tables["stages"].set_index("stage"))
    if "precision" in tables:
        notes += _precision(found, tables, settings)
    else:
        notes.append(Note("planning.no_measures", {}, "caution", 34))
    if found.repair.file:
        notes.append(Note("planning.private", {"n": len(found.repair.file)}, "caution", 63))
    return notes


def _list(found: Plan, stages: pd.DataFrame) -> list[Note]:
    connect, together = stages.loc["connect"], stages.loc["together"]
    notes = []
    groups = int(connect["bound"]) + 1
    if groups > 1 and not connect["reason"]:
        told = {"groups": groups, "n": int(connect["n_ratings"]), "hours": float(connect["hours"])}
        notes.append(Note("planning.connect", told, "action", 16))
    if int(stages.loc["strengthen", "n_ratings"]):
        told = {"n": int(together["n_ratings"]), "hours": float(together["hours"])}
        notes.append(Note("planning.strengthen", told, "action", 26))
    if not int(together["n_ratings"]) and not found.repair.failed:
        notes.append(Note("planning.held", {}, "finding", 40))
    if found.repair.failed:
        notes.append(Note("planning.rules_forbid", {}, "caution", 14))
    elif found.proof == "not_proved":
        notes.append(Note("planning.gap", {"gap": int(together["gap"]), "bound": found.bound}, "caution", 57))
    return notes


def _precision(found: Plan, tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any]) -> list[Note]:
    table = tables["precision"].set_index("stage")
    notes = []
    last = table.iloc[-1]
    told = {"target": settings["target_se"], "error": float(last["se_max"]), "hours": float(last["hours"])}
    extra = found.repair.count("tighten")
    if found.reached:
        kind, key = ("action", "tighten") if extra else ("finding", "tight_already")
        notes.append(Note(f"planning.{key}", told | {"n": extra}, "action" if kind == "action" else "finding", 28))
    elif "tighten" in found.precise:
        notes.append(Note("planning.target_not_reached", told | {"n": extra}, "caution", 27))
    common = tables.get("common_set")
    if common is not None and len(common) and bool(common["reached"].iloc[-1]):
        row = common.iloc[-1]
        told = {"files": int(row["n_files"]), "n": int(row["n_ratings"]), "hours": float(row["hours"]),
                "target": settings["target_se"]}  # fmt: skip
        notes.append(Note("planning.common_set", told, "finding", 52))
    notes.append(Note("planning.promise", {}, "caution", 62))
    return notes


def _schemes(tables: Mapping[str, pd.DataFrame], n_students: int) -> list[Note]:
    table = tables.get("cheapest")
    if table is None:
        return []
    notes = []
    for _, row in table.iterrows():
        goal = str(row["goal"])
        told = {"goal": goal, "wanted": float(row["wanted"])}
        if row["reason"] == "goal_not_reached":
            notes.append(Note("planning.goal_not_reached", told, "caution", 29, n_students))
        elif not row["reason"]:
            told |= {"value": float(row["value"]), "scheme": str(row["scheme"]), "hours": float(row["hours_each"]),
                     "trainers": float(row["trainers_per_file"])}  # fmt: skip
            notes.append(Note("planning.cheapest", told, "finding", 31, n_students))
    return notes
