"""The tables of ``priorities``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.priorities_index import Choice, Gathered, Order, alike
from crcne_stats.analysis.priorities_signs import SYMPTOMS
from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.ranks import ranks

ABOUT = ("mention", "session", "level", "other_level", "criterion_b")
NAN = float("nan")
TRAINERS = ("agreement", "swaps", "trainer_criterion", "trainer", "misfit")
_CAUSES = {**dict.fromkeys(TRAINERS, "trainers"), **dict.fromkeys(("dif", "drift", "bridge"), "groups")}
"""Symptoms that one cause explains; any other is a cause of its own."""
LIKELY = 0.95
"""A criterion that exceeds the tolerable in that share of the resamples probably does so, taken by itself."""
MANY_CAUSES = 4
"""So many causes beyond the tolerable, and mending one of them will not do."""
RARE = 0.1
"""A level that is never the likeliest and given no more often than this is hardly missed."""


def symptom_table(found: Gathered, names: list[str], tolerable: Mapping[str, float]) -> pd.DataFrame:
    """Each criterion and symptom at its worst, or why it has none."""
    low, high = found.ends
    least, most = found.signs.known(found.strain, low[found.place], high[found.place])
    rows = []
    for criterion, key in enumerate(names):
        for code, symptom in enumerate(SYMPTOMS):
            mine = np.flatnonzero((found.seen_by == criterion) & (found.signs.symptom == code))
            row: dict[str, Any] = {"criterion": key, "symptom": symptom, **dict.fromkeys(ABOUT), "value": NAN,
                                   "low": NAN, "high": NAN, "tolerable": tolerable[symptom], "strain": NAN,
                                   "strain_low": NAN, "strain_high": NAN}  # fmt: skip
            if len(mine):
                worst = mine[np.argmax(found.strain[mine])]
                place = found.place[worst]
                told = found.rows[place]
                row |= {name: told.get(name) for name in ABOUT} | {"criterion_b": _other(told, criterion, names)}
                row |= {"value": found.value[place], "low": low[place], "high": high[place],
                        "strain": found.strain[worst], "strain_low": least[worst], "strain_high": most[worst],
                        "n_students": told["n_students"], "reason": ""}  # fmt: skip
            else:
                row |= _absent(found, criterion, symptom)
            rows.append(row)
    return _typed(pd.DataFrame(rows))


_UNASKED = {"pix": "not_asked_here", "bridge": "no_previous"}


def _other(told: Mapping[str, Any], criterion: int, names: list[str]) -> str | None:
    """The other criterion of a pair, seen from one of them."""
    if "criterion_b" not in told:
        return None
    return names[told["criterion_b"] if told["criterion"] == criterion else told["criterion"]]


def _absent(found: Gathered, criterion: int, symptom: str) -> dict[str, Any]:
    mine = [row for row in found.rows if row["symptom"] == symptom
            and criterion in (row["criterion"], row.get("criterion_b"))]  # fmt: skip
    if not mine:
        return {"n_students": NAN, "reason": _UNASKED.get(symptom, "nothing_to_judge")}
    return {"n_students": max(row["n_students"] for row in mine), "reason": mine[0]["reason"]}


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    for name in (*ABOUT, "reason"):
        if name in table.columns:
            table[name] = table[name].astype(object).where(table[name].notna(), None if name != "reason" else "")
    return table


def priority_table(found: Gathered, placed: Order, asked: Design, weights: Mapping[str, float]) -> pd.DataFrame:
    """The criteria in order, each with its worst symptom and what to do."""
    own = found.strain * found.weighted(weights)
    names, rows = asked.names["criterion"], []
    people = [len(np.unique(asked.data.student[asked.data.facets["criterion"] == c])) for c in range(len(names))]
    for criterion in np.lexsort((np.arange(len(names)), placed.rank)):
        mine = np.flatnonzero(found.seen_by == criterion)
        row: dict[str, Any] = {
            "criterion": names[criterion], "rank": int(placed.rank[criterion]),
            "rank_low": int(placed.best[criterion]), "rank_high": int(placed.worst[criterion]),
            "priority_index": placed.index[criterion], "priority_index_low": placed.low[criterion],
            "priority_index_high": placed.high[criterion],
            "probability_above": placed.chance[criterion], "priority": _priority(placed, int(criterion)),
            "symptom": "", **dict.fromkeys(ABOUT), "suggestion": "", "n_students": people[criterion],
            "reason": "" if len(mine) else "no_ratings",
        }  # fmt: skip
        if len(mine):
            worst = mine[np.argmax(own[mine])]
            told = found.rows[found.place[worst]]
            row |= {name: told.get(name) for name in ABOUT} | {"criterion_b": _other(told, int(criterion), names)}
            row |= {"symptom": told["symptom"], "suggestion": _suggestion(found, int(criterion), told, asked)}
        rows.append(row)
    return _typed(pd.DataFrame(rows))


def _priority(placed: Order, criterion: int) -> str:
    if placed.above[criterion]:
        return "revise"
    return "likely" if placed.chance[criterion] >= LIKELY else "keep"


def _suggestion(found: Gathered, criterion: int, told: Mapping[str, Any], asked: Design) -> str:
    """What to do about the worst symptom, or about several at once."""
    mine = found.seen_by == criterion
    over = {SYMPTOMS[code] for code in found.signs.symptom[mine & (found.strain > 1)]}
    if not over:
        return "keep"
    if len({_CAUSES.get(name, name) for name in over}) >= MANY_CAUSES:
        return "drop"
    symptom = str(told["symptom"])
    if symptom == "levels":
        scale = [level.key for level in sorted(asked.ratings.framework.scale(asked.names["criterion"][criterion]),
                                               key=lambda level: level.score)]  # fmt: skip
        own = asked.data.score[asked.data.facets["criterion"] == criterion]
        return "merge_levels" if (own == scale.index(told["level"])).mean() < RARE else "reword_levels"
    if symptom == "extremes":
        return "lower_demand" if told["end"] == "floor" else "raise_demand"
    return {
        "agreement": "train", "trainer_criterion": "train", "trainer": "train", "swaps": "reword_levels",
        "misfit": "split", "dependence": "merge_criteria", "dif": "reword_group", "drift": "settle", "bridge": "settle",
        "pix": "check_content",
    }[symptom]  # fmt: skip


def swap_table(found: Gathered, names: list[str]) -> pd.DataFrame:
    """How often two trainers part on two neighbouring levels."""
    low, high = found.ends
    rows = []
    for place, told in enumerate(found.rows):
        if told["symptom"] != "swaps":
            continue
        fine = not told["reason"]
        rows.append({"criterion": names[told["criterion"]], "level": told["level"], "other_level": told["other_level"],
                     "share": found.value[place] if fine else NAN, "low": low[place] if fine else NAN,
                     "high": high[place] if fine else NAN, "n_students": told["n_students"],
                     "reason": told["reason"]})  # fmt: skip
    return pd.DataFrame(rows)


def leaders(value: np.ndarray, first: int) -> np.ndarray:
    """Whether each criterion (criterion,) is among the first of an order."""
    return np.asarray(ranks(value) <= first)


def choice_table(placed: Order, tried: list[Choice], names: list[str], first: int) -> pd.DataFrame:
    """A row for each other way to weigh: which criterion it puts first, and how far its order departs."""
    own = leaders(placed.index, first)
    rows = [{"weighting": choice.kind, "symptom": choice.symptom, "index_power": choice.power,
             "criterion": names[int(np.argmax(choice.index))], "rank_correlation": alike(placed.index, choice.index),
             "n_displaced": int((own & ~leaders(choice.index, first)).sum()),
             "reason": ""} for choice in tried]  # fmt: skip
    return pd.DataFrame(rows)


def stability_table(placed: Order, tried: list[Choice], names: list[str], first: int) -> pd.DataFrame:
    """Each criterion, in order: its best and worst rank under all the other ways to weigh."""
    others = np.array([ranks(choice.index) for choice in tried])
    among = np.array([leaders(choice.index, first) for choice in tried])
    rows = [{"criterion": names[c], "rank": int(placed.rank[c]), "n_weightings": len(tried),
             "rank_best": int(others[:, c].min()), "rank_worst": int(others[:, c].max()),
             "share_first": float(among[:, c].mean())}
            for c in np.lexsort((np.arange(len(names)), placed.rank))]  # fmt: skip
    return pd.DataFrame(rows)
