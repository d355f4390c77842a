"""What the further tables of ``agreement`` say, for the first screen of a report."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crcne_stats.core.benchmark import SCALES
from crcne_stats.domain.result import Note

SPOKEN = "landis_koch"
"""The scale on which notes speak."""
OFTEN = 0.1
"""A criterion whose conclusion changes under a larger share of the choices is told."""


def further_notes(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> list[Note]:
    """Notes on choices, comparisons, words, trainers two by two and the number of students needed."""
    notes: list[Note] = []
    if "multiverse_summary" in tables:
        notes += _flips(tables["multiverse_summary"])
    if "differences" in tables:
        notes += _criteria(tables["differences"], tables["omnibus"], settings)
    if "groups" in tables:
        notes += _groups(tables["groups"], settings)
    if settings["by"] == "criterion":
        notes += _words(tables["benchmark"])
        notes += _size(tables["sample_size"], settings)
    return notes + _margins(tables["margins"], settings)


def together(first: list[Note], second: list[Note]) -> list[Note]:
    """Both lists; that more files should be rated twice is not said beside how many."""
    told = {note.key for note in second}
    vague = {"agreement.action_more_double"} if "agreement.action_size" in told else set()
    return [*(note for note in first if note.key not in vague), *second]


def _flips(summary: pd.DataFrame) -> list[Note]:
    """Whose conclusion depends on choices that nobody can justify by the data."""
    told = summary[summary["share_flipped"].notna() & (summary["n_choices"] > 1)]
    if not len(told):
        return []
    often = told[told["share_flipped"] > OFTEN]
    n_choices = int(told["n_choices"].max())
    if not len(often):
        most = float(told["share_flipped"].max())
        values: dict[str, Any] = {"total": len(told), "n_choices": n_choices, "share": most}
        return [Note("agreement.stable", values, "finding", 39, int(told["n_students"].min()))]
    worst = often.sort_values(["share_reversed", "share_flipped"], kind="stable").iloc[-1]
    values = {
        "n": len(often), "total": len(told), "n_choices": n_choices, "name": str(worst["criterion"]),
        "share": float(worst["share_flipped"]), "reversed": float(worst["share_reversed"]),
        "lowest": float(worst["lowest"]), "highest": float(worst["highest"]),
        "decisive": str(often["decisive"].mode().iloc[0]),
    }  # fmt: skip
    return [Note("agreement.flips", values, "caution", 34, int(worst["n_students"]))]


def _criteria(table: pd.DataFrame, omnibus: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """Are there criteria that are better agreed on than others, once the number of comparisons is counted?"""
    test = omnibus[omnibus["hypothesis"] == "equal_criteria"].iloc[0]
    asked = table[table["p_adjusted"].notna()]
    if pd.isna(test["p"]) or not len(asked):
        return []
    sure = asked[asked["p_adjusted"] < 1 - settings["level"]]
    base = {"p": float(test["p"]), "total": len(asked), "adjustment": settings["adjustment"]}
    if not len(sure):
        key = "agreement.alike" if test["p"] >= 1 - settings["level"] else "agreement.unlike_somewhere"
        return [Note(key, base, "finding", 41, int(test["n_students"]))]
    widest = sure.loc[sure["contrast"].abs().idxmax()]
    better = widest["contrast"] > 0
    names = ("criterion_a", "criterion_b") if better else ("criterion_b", "criterion_a")
    values = {**base, "n": len(sure), "better": str(widest[names[0]]), "worse": str(widest[names[1]]),
              "contrast": abs(float(widest["contrast"]))}  # fmt: skip
    return [Note("agreement.unlike", values, "finding", 36, int(widest["n_students"]))]


def _groups(table: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """Is agreement lower in some INSPÉ, mention, session or occasion?"""
    group = settings["group"]
    asked = table[table["p_adjusted"].notna()]
    if not len(asked):
        return []
    base = {"group": group, "total": len(asked), "adjustment": settings["adjustment"]}
    sure = asked[asked["p_adjusted"] < 1 - settings["level"]]
    if not len(sure):
        return [Note("agreement.groups_alike", base, "finding", 29, int(asked["n_double"].min()))]
    widest = sure.loc[sure["contrast"].abs().idxmax()]
    values = {**base, "n": len(sure), "name": str(widest["criterion"]), "member": str(widest[group]),
              "contrast": float(widest["contrast"]), "low": float(widest["contrast_low"]),
              "high": float(widest["contrast_high"])}  # fmt: skip
    return [Note("agreement.groups_differ", values, "finding", 22, int(widest["n_double"]))]


def _words(table: pd.DataFrame) -> list[Note]:
    """How often the usual word promises more than the data can hold."""
    own = table[(table["scale"] == SPOKEN) & table["verdict_sure"].notna()]
    order = SCALES[SPOKEN].words
    lost = own["verdict"].map(order.index) - own["verdict_sure"].map(order.index)
    if not (lost > 0).any():
        return []
    row = own.loc[lost.astype(int).idxmax()]
    values = {"n": int((lost > 0).sum()), "total": len(own), "name": str(row["criterion"]), "verdict": row["verdict"],
              "sure": row["verdict_sure"]}  # fmt: skip
    return [Note("agreement.words", values, "caution", 42, int(row["n_double"]))]


def _size(table: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """How many more students to have rated twice."""
    own = table[(table["half_width"] == settings["half_width"]) & table["n_more"].notna()]
    if not len(own) or not (own["n_more"] > 0).any():
        return []
    row = own.loc[own["n_needed"].idxmax()]
    values = {"half_width": float(row["half_width"]), "n_needed": int(row["n_needed"]), "n_more": int(row["n_more"]),
              "n": int((own["n_more"] > 0).sum()), "name": str(row["criterion"])}  # fmt: skip
    return [Note("agreement.action_size", values, "action", 26, int(row["n_double"]))]


def _margins(table: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """Which two trainers use the levels most differently."""
    first = table[table["method"].isin(("stuart_maxwell", "margins_score")) & table["p_adjusted"].notna()]
    sure = first[first["p_adjusted"] < 1 - settings["level"]]
    if not len(sure):
        return []
    row = sure.loc[sure["difference"].abs().idxmax()]
    values = {"n": len(sure), "total": len(first), "trainer_a": str(row["trainer_a"]),
              "trainer_b": str(row["trainer_b"]), "difference": abs(float(row["difference"]))}  # fmt: skip
    if row["difference"] < 0:
        values |= {"trainer_a": values["trainer_b"], "trainer_b": values["trainer_a"]}
    return [Note("agreement.shifted", values, "finding", 37, int(row["n_students"]))]
