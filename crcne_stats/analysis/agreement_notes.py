"""What the tables of ``agreement`` say, for the first screen of a report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import MOST_PAIRS, Draws
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note

HEADLINES = ("krippendorff", "fleiss", "conger", "cohen", "scott", "light", "gwet_ac", "brennan_prediger", "kendall_w",
             "percent")  # fmt: skip
"""The coefficient on which notes are written is the first of these that was asked."""
PARADOX = 0.1
"""AC above and kappa below the benchmark are told when they lie at least this far apart."""
PREVALENT = 0.6
"""A level that holds this share of the ratings is called very common."""
MANY_TRAINERS = 20
"""With fewer the inference to trainers like them is told to be uncertain."""
SCARCE = 0.2
"""A smaller share of files rated twice makes the caution come early."""


def agreement_notes(
    ratings: Ratings,
    criteria: list[str],
    tables: dict[str, pd.DataFrame],
    settings: dict[str, Any],
    draws: Draws | None,
) -> list[Note]:
    """Ranked notes: what blocks conclusions, the main finding, cautions, the next action."""
    frame = ratings.frame[ratings.frame["criterion"].isin(criteria)]
    notes = [*_double_rating(ratings, frame), *_left_out(ratings, frame, settings["by"])]
    table = tables["agreement"]
    name = next(name for name in HEADLINES if name in settings["coefficients"])
    main = table[(table["coefficient"] == name) & table["value"].notna()]
    if len(main):
        notes += _finding(main, name, settings)
        notes += _action(main, settings)
        notes += _lowest(main, name, draws)
    return (
        notes
        + _paradox(tables, settings)
        + _nested(table)
        + _inference(settings)
        + _few_drawn(main, settings)
        + ([] if _never_twice(notes) else _unavailable(table, name))
        + _most_shared(tables["pairs"])
        + _mixed(ratings, criteria, settings)
    )


def _never_twice(notes: list[Note]) -> bool:
    return any(note.key == "agreement.no_double" for note in notes)


def _double_rating(ratings: Ratings, frame: pd.DataFrame) -> list[Note]:
    """How many files have two trainers or more, whatever the criterion."""
    unit = ratings.units(frame)
    trainer, names = ratings.codes("trainer", frame)
    met = np.unique(unit * max(len(names), 1) + trainer) // max(len(names), 1)
    n_files = len(np.unique(met))
    n_double = int((np.bincount(met) >= 2).sum())
    if not n_files:
        return []
    if not n_double:
        return [
            Note("agreement.no_double", {"n_files": n_files}, "caution", 4),
            Note("agreement.action_start_double", {}, "action", 20),
        ]
    share = n_double / n_files
    values = {"n": n_double, "n_files": n_files, "share": share}
    return [Note("agreement.double", values, "caution" if share < SCARCE else "finding", 16 if share < SCARCE else 45)]


def _left_out(ratings: Ratings, frame: pd.DataFrame, by: str | None) -> list[Note]:
    if by in (None, "criterion"):
        return []
    lost = int(frame[by].isna().sum())
    return [Note("agreement.group_unknown", {"n": lost, "by": by}, "caution", 60)] if lost else []


def _name(row: pd.Series, by: str | None) -> str:
    """What a row is about, by its keys."""
    if by in (None, "criterion"):
        return str(row["criterion"])
    return f"{row['criterion']} ({row[by]})"


def _finding(main: pd.DataFrame, name: str, settings: dict[str, Any]) -> list[Note]:
    """Who lies below the benchmark with the whole interval, who above, of whom nothing is sure."""
    sure = main[main["low"].notna() & main["high"].notna()]
    mark, by = settings["benchmark"], settings["by"]
    base = {"coefficient": name, "weights": settings["weights"], "benchmark": mark, "level": settings["level"]}
    if by is None:
        row = main.iloc[0]
        n = int(row["n_double"])
        if not len(sure):
            return []
        return [Note("agreement.overall", {**base, **_numbers(row)}, "finding", 12, n)]
    below, above = sure[sure["high"] < mark], sure[sure["low"] >= mark]
    notes = []
    if len(below):
        worst = below.loc[below["value"].idxmin()]
        values = {**base, "n": len(below), "total": len(main), "name": _name(worst, by), **_numbers(worst)}
        key = "agreement.low" if by == "criterion" else "agreement.low_groups"
        notes.append(Note(key, values, "finding", 11, int(worst["n_double"])))
    if by != "criterion":
        return notes
    if len(sure) and not len(below):
        worst = sure.loc[sure["value"].idxmin()]
        values = {**base, "total": len(sure), "name": _name(worst, by), **_numbers(worst)}
        notes.append(Note("agreement.none_low", values, "finding", 14, int(worst["n_double"])))
    if len(above):
        values = {**base, "n": len(above), "total": len(main)}
        notes.append(Note("agreement.good", values, "finding", 31, int(above["n_double"].min())))
    unsure = len(sure) - len(below) - len(above)
    if unsure:
        rest = sure[(sure["high"] >= mark) & (sure["low"] < mark)]
        values = {**base, "n": unsure, "total": len(main)}
        notes.append(Note("agreement.unsure", values, "caution", 33, int(rest["n_double"].min())))
    return notes


def _lowest(main: pd.DataFrame, name: str, draws: Draws | None) -> list[Note]:
    """How sure it is that the lowest criterion is the lowest."""
    sure = main[main["low"].notna()]
    if draws is None or len(sure) < 3:
        return []
    kept = [draws.criteria.index(key) for key in sure["criterion"]]
    values = draws.values[:, kept, draws.coefficients.index(name)]
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return []
    place = int(sure["value"].to_numpy().argmin())
    share = float((values.argmin(axis=1) == place).mean())
    worst = sure.iloc[place]
    values_of = {"name": str(worst["criterion"]), "share": share, "n": len(sure)}
    return [Note("agreement.lowest", values_of, "finding", 32, int(worst["n_double"]))]


def _numbers(row: pd.Series) -> dict[str, float]:
    return {name: float(row[name]) for name in ("value", "low", "high")}


def _action(main: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """Talk about the worst criteria; failing that, rate more files twice."""
    if settings["by"] is None:
        return []
    sure = main[main["high"].notna()]
    below = sure[sure["high"] < settings["benchmark"]].sort_values("value", kind="stable")
    if len(below):
        names = ", ".join(_name(row, settings["by"]) for _, row in below.head(3).iterrows())
        n = int(below.head(3)["n_double"].min())
        return [Note("agreement.action_moderate", {"names": names, "n": min(len(below), 3)}, "action", 21, n)]
    if (sure["low"] < settings["benchmark"]).any() or len(sure) < len(main):
        return [Note("agreement.action_more_double", {}, "action", 26)]
    return []


def _paradox(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> list[Note]:
    """Where kappa and AC give two verdicts on the same ratings; with one very common level this is the paradox."""
    kappa = next((name for name in ("fleiss", "conger", "krippendorff") if name in settings["coefficients"]), None)
    if kappa is None or "gwet_ac" not in settings["coefficients"] or settings["by"] != "criterion":
        return []
    table, mark = tables["agreement"], settings["benchmark"]
    one, other = (table[table["coefficient"] == name].reset_index(drop=True) for name in (kappa, "gwet_ac"))
    gap = other["value"] - one["value"]
    apart = (one["value"] < mark) & (other["value"] >= mark) & (gap >= PARADOX)
    modal = one["criterion"].map(tables["levels"].groupby("criterion")["share"].max()).to_numpy(dtype=float)
    notes = []
    for key, rank, where in (("paradox", 35, modal >= PREVALENT), ("two_verdicts", 57, modal < PREVALENT)):
        chosen = apart & where
        if not chosen.any():
            continue
        place = int(gap.where(chosen).idxmax())
        row = other.loc[place]
        values = {
            "n": int(chosen.sum()), "name": str(row["criterion"]), "coefficient": kappa, "share": float(modal[place]),
            "kappa": float(one.loc[place, "value"]), "ac": float(row["value"]), "pa": float(row["pa"]),
            "benchmark": mark,
        }  # fmt: skip
        notes.append(Note(f"agreement.{key}", values, "caution", rank, int(row["n_double"])))
    return notes


def _nested(table: pd.DataFrame) -> list[Note]:
    apart = table["reason"] == "trainers_apart"
    return [Note("agreement.trainers_apart", {"n": int(apart.sum())}, "caution", 55)] if apart.any() else []


def _inference(settings: dict[str, Any]) -> list[Note]:
    """For whom the intervals hold, where it is not other students rated by these trainers."""
    notes = []
    if settings["trainers"] == "like_these":
        notes.append(Note("agreement.for_trainers_like_these", {}, "finding", 44))
    if settings["clusters"] == "inspe":
        notes.append(Note("agreement.for_other_inspe", {}, "finding", 44))
    if settings["population_students"] is not None:
        notes.append(Note("agreement.of_all_students", {"n": int(settings["population_students"])}, "finding", 44))
    if settings["population_trainers"] is not None:
        notes.append(Note("agreement.of_all_trainers", {"n": int(settings["population_trainers"])}, "finding", 44))
    return notes


def _few_drawn(main: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """Inference to trainers like them needs some of them."""
    number = int(main["n_trainers"].max()) if len(main) else MANY_TRAINERS
    if settings["trainers"] == "these" or number >= MANY_TRAINERS:
        return []
    return [Note("agreement.few_drawn", {"n": number}, "caution", 36)]


def _unavailable(table: pd.DataFrame, name: str) -> list[Note]:
    """Rows whose main coefficient has no value or no interval."""
    mine = table[table["coefficient"] == name]
    lost = mine["value"].isna() | mine["low"].isna()
    if not lost.any():
        return []
    common = str(mine.loc[lost, "reason"].value_counts().index[0])
    return [Note("agreement.unavailable", {"n": int(lost.sum()), "reason": common}, "caution", 38)]


def _most_shared(pairs: pd.DataFrame) -> list[Note]:
    if len(pairs) < MOST_PAIRS:
        return []
    return [Note("agreement.most_shared", {"n": len(pairs)}, "caution", 65)]


def _mixed(ratings: Ratings, criteria: list[str], settings: dict[str, Any]) -> list[Note]:
    scales = {ratings.framework.level_scores(key) for key in criteria}
    return [Note("agreement.mixed_scales", {}, "caution", 62)] if len(scales) > 1 else []
