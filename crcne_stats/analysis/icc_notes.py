"""What the tables of ``icc`` say, for the first screen of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.icc_targets import Sheets, Target
from crcne_stats.domain.result import Note

FEW_TRAINERS = 5
"""Fewer degrees of freedom between trainers than this make the forms A wide, and that is told."""
SINGLE, MEAN = ("ICC(A,1)", "ICC(1)"), ("ICC(Q,k)", "ICC(k)")
"""The form told for one trainer and for the mean of several: the first that there is."""


def icc_notes(
    tables: dict[str, pd.DataFrame], settings: dict[str, Any], targets: Sequence[Target], data: Sheets
) -> list[Note]:
    """Ranked notes: the main finding, the criteria, then what to mind."""
    main = tables["icc"]
    notes = _overall(main, settings) if settings["by"] is None else []
    notes += _lowest(tables["criteria" if "criteria" in tables else "icc"], settings)
    notes += [*_within(targets), *_nested(main), *_few_trainers(targets), *_negative(tables), *_unavailable(main)]
    notes += _restricted(tables.get("restricted"), settings)
    if data.mixed:
        notes.append(Note("icc.mixed_scales", {}, "caution", 63))
    if settings["by"] != "criterion" and data.holes > 0:
        notes.append(Note("icc.holes", {"share": data.holes}, "caution", 66, len(np.unique(data.student))))
    return notes


def headline(table: pd.DataFrame, forms: Sequence[str]) -> pd.DataFrame:
    """The first of ``forms`` that has a value, for each thing asked."""
    names = [name for name in ("criterion", "inspe", "trainer_inspe", "mention", "session") if name in table.columns]
    known = table[table["form"].isin(forms) & table["value"].notna()]
    order = known["form"].map({form: place for place, form in enumerate(forms)})
    first = known.assign(place=order).sort_values("place", kind="stable").drop_duplicates(names)
    return first.sort_index().drop(columns="place")


def _numbers(row: pd.Series, suffix: str = "") -> dict[str, float]:
    return {name + suffix: float(row[name]) for name in ("value", "low", "high")}


def _overall(main: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    one, many = headline(main, SINGLE), headline(main, MEAN)
    if not len(one) or not len(many) or one["low"].isna().any():
        return []
    row, other = one.iloc[0], many.iloc[0]
    values = {
        "form": str(row["form"]), "form_k": str(other["form"]), "k": float(other["k_effective"]),
        "level": settings["level"], **_numbers(row), **_numbers(other, "_k"),
    }  # fmt: skip
    return [Note("icc.overall", values, "finding", 17, int(row["n_double"]))]


def _lowest(table: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """The criterion on which one trainer is least reliable."""
    if settings["by"] not in (None, "criterion") or table["criterion"].nunique() < 2:
        return []
    rows = headline(table, SINGLE)
    rows = rows[rows["low"].notna()]
    if len(rows) < 2:
        return []
    low, high = rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
    values = {
        "name": str(low["criterion"]), "form": str(low["form"]), "level": settings["level"], **_numbers(low),
        "best": str(high["criterion"]), "best_value": float(high["value"]),
    }  # fmt: skip
    return [Note("icc.lowest", values, "finding", 36, int(min(low["n_double"], high["n_double"])))]


def _within(targets: Sequence[Target]) -> list[Note]:
    kinds = {target.within for target in targets if target.within and not target.reason}
    return [Note(f"icc.within_{kind}", {}, "caution", 46) for kind in sorted(kinds)]


def _nested(main: pd.DataFrame) -> list[Note]:
    return [Note("icc.nested", {}, "caution", 44)] if (main["reason"] == "trainers_nested").any() else []


def _few_trainers(targets: Sequence[Target]) -> list[Note]:
    found = [target for target in targets if not target.reason and target.design.crossed]
    few = [target.design for target in found if target.design.n_trainers - target.design.islands < FEW_TRAINERS]
    return [Note("icc.few_trainers", {"n": few[0].n_trainers}, "caution", 47)] if few else []


def _negative(tables: dict[str, pd.DataFrame]) -> list[Note]:
    parts = tables.get("components")
    if parts is None:
        return []
    n = int((parts["reason"] == "negative_variance").sum())
    return [Note("icc.negative", {"n": n}, "caution", 61)] if n else []


def _unavailable(main: pd.DataFrame) -> list[Note]:
    lost = main[main["value"].isna() & ~main["reason"].isin(["trainers_nested", "no_double_rating"])]
    if not len(lost):
        return []
    common = str(lost["reason"].value_counts().index[0])
    return [Note("icc.unavailable", {"n": len(lost), "reason": common}, "caution", 39)]


def _restricted(table: pd.DataFrame | None, settings: dict[str, Any]) -> list[Note]:
    """Where the correlation near the cut falls, why that says nothing of the trainers."""
    if table is None or settings["by"] is not None:
        return []
    own = table[table["criterion"].isna() & table["value"].notna()].set_index("scope")
    if set(own.index) != {"every_student", "near_cut"}:
        return []
    near = own.loc["near_cut"]
    if near["value"] >= own.loc["every_student", "value"]:
        return []
    values = {
        "value": float(own.loc["every_student", "value"]),
        "near": float(near["value"]),
        "share": float(near["share"]),
    }
    return [Note("icc.restricted", values, "caution", 54, int(near["n_double"]))]
