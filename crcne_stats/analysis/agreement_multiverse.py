"""Would another reasonable analyst conclude the same? Each criterion under every reasonable choice.

Choices: the coefficient, the weights, the reading of absent ratings, and whether the trainer who disagrees most is
kept. Identity weights are not among them: they ask whether trainers give the very same level, another question.
Steegen, Tuerlinckx, Gelman & Vanpaemel (2016) doi:10.1177/1745691616658637; Simonsohn, Simmons & Nelson (2020)
doi:10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_compare import interval
from crcne_stats.analysis.agreement_groups import Array, Group
from crcne_stats.analysis.agreement_rows import ENOUGH, reservation
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.influence import influence, standard_errors
from crcne_stats.core.pairs import pairs
from crcne_stats.core.weights import CUSTOM, weight_matrix
from crcne_stats.domain.ratings import Ratings

NAN = float("nan")
NAMES = ("conger", "fleiss", "krippendorff", "gwet_ac", "brennan_prediger")
WEIGHTS = ("linear", "quadratic", "ordinal")
CHOICES = ("coefficient", "weights", "reading", "panel")
_OPPOSITE = {"below": "share_above", "above": "share_below"}
_TWIN = {
    "cohen": "conger",
    "scott": "fleiss",
    "light": "conger",
    "kendall_w": "krippendorff",
    "percent": "krippendorff",
}
"""What a coefficient of two trainers, or without correction, is called among those that any panel can have."""


@dataclass(frozen=True, eq=False)
class Reading:
    """The counts of a criterion under one reading of absent ratings and one panel of trainers."""

    reading: str
    panel: str
    counts: Counts


def multiverse(
    ratings: Ratings, found: Sequence[Group], coefficient: str, weights: Any, settings: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every choice, and one row per criterion of what comes of them.

    ``reading``: «available» every rating; «double» files rated twice or more only; «complete» grids filled in
    throughout only; «absent_lowest» a cell left empty in a grid means the lowest level. ``panel``: all trainers, or
    all but the one whose ratings lie farthest from the others' on that criterion. Choices that change nothing in the
    data are left out. Intervals are linearised over students. ``conclusion``: the interval lies below the benchmark,
    above it, or holds it.
    """
    named = settings["weights"]
    every = {name: weights if name == CUSTOM else name for name in dict.fromkeys((*WEIGHTS, named))}
    main = (_TWIN.get(coefficient, coefficient), named, "available", "all")
    rows: list[dict[str, Any]] = []
    cells = _Cells(ratings, [str(group.labels["criterion"]) for group in found])
    n_students = len(ratings.codes("student")[1])
    for place, group in enumerate(found):
        about = {"criterion": group.labels["criterion"]}
        if group.reason:
            rows.append({**about, "coefficient": main[0], "weights": named, "reading": "available", "panel": "all",
                         **_nothing(group.reason), "n_students": group.counts.n_students})  # fmt: skip
            continue
        for way in _ways(cells, place, group):
            for name, value in every.items():
                w = weight_matrix(value, group.counts.scores)
                for which in dict.fromkeys((*NAMES, main[0])):
                    rows.append({**about, "coefficient": which, "weights": name, "reading": way.reading,
                                 "panel": way.panel, **_estimate(way.counts, which, w, n_students),
                                 "n_students": group.counts.n_students_pairable})  # fmt: skip
    table = _concluded(pd.DataFrame(rows), settings)
    return table, _summary(table, main)


def _concluded(table: pd.DataFrame, settings: dict[str, Any]) -> pd.DataFrame:
    """The estimates with their intervals, all at once, and what these conclude."""
    value, se, df = (table[name].to_numpy(dtype=float) for name in ("value", "se", "df"))
    low, high = interval(value, se, df, settings["level"])
    mark, known = settings["benchmark"], ~np.isnan(se)
    conclusion = np.select([~known, high < mark, low >= mark], ["", "below", "above"], "unsure").astype(object)
    found = {"low": np.where(known, low, np.nan), "high": np.where(known, high, np.nan), "conclusion": conclusion}
    columns = ["criterion", *CHOICES, "value", "se", *found, "n_students", "reason"]
    return table.assign(**found, reason=table["reason"].astype(object))[columns]


class _Cells:
    """Which cells of the grids are filled: a grid is what one trainer gave one file."""

    def __init__(self, ratings: Ratings, chosen: list[str]) -> None:
        frame = ratings.frame[ratings.frame["criterion"].isin(chosen)]
        unit, trainer = ratings.units(frame), ratings.codes("trainer", frame)[0]
        base = int(trainer.max(initial=0)) + 1
        key, sheet = np.unique(unit * base + trainer, return_inverse=True)
        self.file, self.trainer = np.divmod(key, base)
        self.student = np.zeros(int(unit.max(initial=-1)) + 1, dtype=np.int64)
        self.student[unit] = ratings.codes("student", frame)[0]
        criterion = frame["criterion"].cat.set_categories(chosen).cat.codes.to_numpy().astype(np.int64)
        self.score = np.full((len(key), len(chosen)), np.nan, dtype=np.float32)
        self.score[sheet.reshape(-1), criterion] = frame["score"].to_numpy()
        self.whole = ~np.isnan(self.score).any(axis=1)

    def counted(self, place: int, scores: Array, reading: str) -> Counts:
        own = self.score[:, place].astype(float)
        if reading == "absent_lowest":
            own = np.where(np.isnan(own), scores[0], own)
        rated = ~np.isnan(own) & (self.whole | (reading != "complete"))
        level = np.searchsorted(scores, own[rated])
        return counts(self.file[rated], self.trainer[rated], level, scores, self.student)


def _ways(cells: _Cells, place: int, group: Group) -> Iterator[Reading]:
    """The distinct data that the readings and panels of one criterion give."""
    data = group.counts
    readings = {"available": data}
    if not data.pairable.all():
        readings["double"] = data.only(data.pairable)
    if not cells.whole.all():
        for name in ("complete", "absent_lowest"):
            readings[name] = cells.counted(place, data.scores, name)
    for name, own in readings.items():
        yield Reading(name, "all", own)
        lessened = without_worst(own, group.weights)
        if lessened is not None:
            yield Reading(name, "without_worst", lessened)


def without_worst(data: Counts, w: Array | None) -> Counts | None:
    """The counts without the trainer who disagrees most; None where fewer than two would be left to compare.

    That trainer has the largest mean disagreement (1 − weight; with weights from the ratings, the squared distance of
    scores) with those who rated the same files, among trainers who share at least five students with others.
    """
    if data.n_trainers < 3:
        return None
    met = pairs(data)
    distance = (data.scores[met.first] - data.scores[met.second]) ** 2 if w is None else 1 - w[met.first, met.second]
    who = met.trainers[met.pair].T.ravel()
    owner = np.tile(met.cluster, 2)
    far = np.bincount(who, np.tile(distance, 2), minlength=data.n_trainers)
    number = np.bincount(who, minlength=data.n_trainers)
    base = int(owner.max(initial=0)) + 1
    shared = np.bincount(np.unique(who * base + owner) // base, minlength=data.n_trainers)
    enough = shared >= ENOUGH
    if not enough.any():
        return None
    mean = np.where(enough, far / np.maximum(number, 1), -np.inf)
    worst = int(mean.argmax())
    kept = data.trainer != worst
    left = counts(data.file[kept], data.trainer[kept], data.level[kept], data.scores, data.cluster)
    return left if left.n_ratings and left.pairable.any() else None


def _nothing(reason: str, value: float = NAN) -> dict[str, Any]:
    return {"value": value, "se": NAN, "df": NAN, "reason": reason}


def _estimate(data: Counts, name: str, w: Array | None, n_students: int) -> dict[str, Any]:
    if not data.n_ratings or not data.pairable.any():
        return _nothing("too_few")
    value, pull = influence(data, name, w, n_students)
    reason = reservation(data, name, value)
    if reason:
        return _nothing(reason, NAN if data.n_students_pairable < ENOUGH else value)
    se = float(standard_errors(pull[:, None])[0])
    return {"value": value, "se": se, "df": int((~np.isnan(pull)).sum()) - 1, "reason": ""}


def _summary(table: pd.DataFrame, main: tuple[str, str, str, str]) -> pd.DataFrame:
    """One row per criterion: the conclusion of the main choice, and how often the others flip it."""
    rows = []
    for key, own in table.groupby("criterion", sort=False):
        told = own[own["conclusion"] != ""]
        first = told[(told[list(CHOICES)] == list(main)).all(axis=1)]
        row: dict[str, Any] = {"criterion": key, "conclusion": "", "n_choices": len(told)}
        names = ("share_flipped", "share_reversed", "share_below", "share_unsure", "share_above", "lowest", "highest")
        row |= {**dict.fromkeys(names, NAN), "decisive": None, "n_students": int(own["n_students"].iloc[0]),
                "reason": str(own["reason"].iloc[0]) or "too_few"}  # fmt: skip
        if len(first):
            conclusion = str(first["conclusion"].iloc[0])
            flipped = told["conclusion"] != conclusion
            shares = {
                f"share_{name}": float((told["conclusion"] == name).mean()) for name in ("below", "unsure", "above")
            }
            row |= {"conclusion": conclusion, "share_flipped": float(flipped.mean()),
                    "share_reversed": shares[_OPPOSITE[conclusion]] if conclusion in _OPPOSITE else 0.0, **shares,
                    "lowest": float(told["value"].min()), "highest": float(told["value"].max()),
                    "decisive": _decisive(told), "reason": ""}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).astype({"criterion": object, "conclusion": object, "decisive": object, "reason": object})


def _decisive(told: pd.DataFrame) -> str | None:
    """The choice that moves the value most: the largest sum of squares between the means of its options."""
    grand = float(told["value"].mean())
    between = {}
    for name in CHOICES:
        own = told.groupby(name, sort=True)["value"].agg(["mean", "size"])
        between[name] = float(((own["mean"] - grand) ** 2 * own["size"]).sum())
    best = max(between, key=lambda name: between[name])
    return best if between[best] > 1e-15 else None
