"""The signs of trouble of every criterion: what they are about, their values, and their resamples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy import sparse

from crcne_stats.analysis.priorities_model import Judged
from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.counts import counting, counts
from crcne_stats.core.rasch.design import combination, tally
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.symptoms import Association, Dependence, Disagreement, Moved, Ratio, Sign, TrainerShare
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.result import Result

SYMPTOMS = (
    "levels", "agreement", "swaps", "trainer_criterion", "trainer", "misfit", "dependence", "dif", "drift", "bridge",
    "extremes", "pix",
)  # fmt: skip
"""The symptoms, in the order of the tables."""
TWO_SIDED = ("dif", "drift", "bridge")
TOLERABLE: dict[str, float] = {
    "levels": 0.0, "agreement": 0.8, "swaps": 0.5, "trainer_criterion": 0.05, "trainer": 0.1, "misfit": 1.3,
    "dependence": 0.2, "dif": 0.43, "drift": 0.3, "bridge": 0.3, "extremes": 0.4, "pix": 0.15,
}  # fmt: skip
"""The edge of the tolerable of each symptom, in its own units."""
FEW = 20
"""Fewer students than this carry no sign of agreement or of association."""


@dataclass(frozen=True)
class Batch:
    """Signs computed together and what each is about."""

    sign: Sign
    rows: list[dict[str, Any]]


def line(symptom: str, tolerable: Mapping[str, float]) -> tuple[float, float]:
    """Offset and slope of the strain: 1 at the edge of the tolerable, 0 where there is no trouble at all.

    The edge of a level's width, of agreement and of infit is measured from what would be perfect: thresholds 1 logit
    apart, an agreement of 1, an infit of 1.
    """
    edge = tolerable[symptom]
    perfect = {"levels": 1.0, "agreement": 1.0, "misfit": 1.0}.get(symptom, 0.0)
    slope = 1 / (edge - perfect)
    return -perfect * slope, slope


def batches(asked: Design, judged: Judged | None, pix: np.ndarray | None) -> list[Batch]:
    """All the signs that the data can show; ``pix`` (student,) the level of the other test, −1 where unknown."""
    found = [_disagreement(asked), _extremes(asked)]
    if judged is not None:
        usable = [i for i, row in enumerate(judged.rows) if not row["reason"]]
        if usable:
            moved = Moved(judged.value[usable], judged.influence[:, usable])
            found.append(Batch(moved, [judged.rows[i] for i in usable]))
        found += [_misfit(judged), _dependence(judged)]
        if len(asked.names["trainer"]) > 1:
            found += [_trainers(judged, name) for name in ("trainer_criterion", "trainer")]
    if pix is not None:
        found += _pix(asked, pix)
    return found


def _per_student(asked: Design) -> np.ndarray:
    """How many students have a rating on each criterion (criterion,)."""
    n = len(asked.names["criterion"])
    seen = combination([asked.data.student, asked.data.facets["criterion"]], [asked.data.n_students, n])[0]
    return np.bincount(seen[:, 1], minlength=n)


def _disagreement(asked: Design) -> Batch:
    data, own, weights, rows = asked.data, [], [], []
    owner = np.zeros(int(asked.file.max(initial=0)) + 1, dtype=np.int64)
    owner[asked.file] = data.student
    for criterion, key in enumerate(asked.names["criterion"]):
        here = data.facets["criterion"] == criterion
        scores = np.sort(asked.ratings.framework.level_scores(key))
        one = counts(asked.file[here], data.facets["trainer"][here], data.score[here], scores, owner)
        own.append(one)
        weights.append(np.asarray(weight_matrix("quadratic", scores)))
        n = one.n_students_pairable
        rows.append({"criterion": criterion, "symptom": "agreement", "n_students": n,
                     "reason": "few_for_symptom" if n < FEW else ""})  # fmt: skip
        scale = sorted(asked.ratings.framework.scale(key), key=lambda level: level.score)
        for level in range(len(scale) - 1):
            both = one.patterns[:, level] + one.patterns[:, level + 1] >= 2
            n = len(np.unique(one.cluster[both[one.pattern]]))
            rows.append({"criterion": criterion, "symptom": "swaps", "level": scale[level].key,
                         "other_level": scale[level + 1].key, "n_students": n,
                         "reason": "few_for_symptom" if n < FEW else ""})  # fmt: skip
    return Batch(Disagreement(own, weights, data.n_students), rows)


def _table(asked: Design, values: np.ndarray) -> np.ndarray:
    """Sums of the values (rating,) of each student on each criterion (student, criterion)."""
    n = len(asked.names["criterion"])
    code = asked.data.student * n + asked.data.facets["criterion"]
    return tally(code, values, asked.data.n_students * n).reshape(-1, n)


def _extremes(asked: Design) -> Batch:
    score, rows, tops = asked.data.score, [], []
    highest = asked.data.n_levels[asked.data.facets["criterion"]] - 1
    students, number = _per_student(asked), _table(asked, np.ones(len(score)))
    for name, at_end in (("floor", score == 0), ("ceiling", score == highest)):
        tops.append(_table(asked, at_end.astype(float)))
        least = np.minimum((tops[-1] > 0).sum(axis=0), (tops[-1] < number).sum(axis=0))
        for criterion, key in enumerate(asked.names["criterion"]):
            scale = sorted(asked.ratings.framework.scale(key), key=lambda level: level.score)
            end = scale[0 if name == "floor" else -1].key
            rows.append({"criterion": criterion, "symptom": "extremes", "level": end,
                         "n_students": int(students[criterion]), "end": name,
                         "reason": "few_for_symptom" if least[criterion] < FEW else ""})  # fmt: skip
    return Batch(Ratio(np.hstack(tops), np.hstack([number, number])), rows)


def _of_ratings(judged: Judged, values: np.ndarray) -> np.ndarray:
    """Sums of the values of the ratings that inform the fit (student, criterion)."""
    n = len(judged.asked.names["criterion"])
    code = judged.found.student * n + judged.found.codes("criterion")
    return tally(code, values, judged.asked.data.n_students * n).reshape(-1, n)


def _plain(judged: Judged, symptom: str) -> list[dict[str, Any]]:
    students = (_of_ratings(judged, np.ones(len(judged.found.student))) > 0).sum(axis=0)
    return [{"criterion": criterion, "symptom": symptom, "n_students": int(n),
             "reason": "few_for_symptom" if n < FEW else ""} for criterion, n in enumerate(students)]  # fmt: skip


def _misfit(judged: Judged) -> Batch:
    squared, variance = judged.residuals.squared, judged.residuals.variance
    return Batch(Ratio(_of_ratings(judged, squared), _of_ratings(judged, variance)), _plain(judged, "misfit"))


def _dependence(judged: Judged) -> Batch:
    found, n = judged.found, len(judged.asked.names["criterion"])
    pair = found.student * len(judged.asked.names["trainer"]) + found.codes("trainer")
    sheets, sheet = np.unique(pair, return_inverse=True)
    residual, present = np.zeros((len(sheets), n)), np.zeros((len(sheets), n))
    residual[sheet, found.codes("criterion")] = judged.residuals.residual
    present[sheet, found.codes("criterion")] = 1.0
    first, other = np.array(list(combinations_with_replacement(range(n), 2))).reshape(-1, 2).T
    owner = sheets // len(judged.asked.names["trainer"])
    adds = counting(owner, np.arange(len(sheets)), (judged.asked.data.n_students, len(sheets)))
    sums = [np.empty((adds.shape[0], len(first))) for _ in range(2)]
    for pairs in chunks(len(first), n):  # the products of all pairs would be many times the sheets
        for whole, table in zip(sums, (residual, present), strict=True):
            whole[:, pairs] = adds @ (table[:, first[pairs]] * table[:, other[pairs]])
    apart = first != other
    met = (sums[1] > 0).sum(axis=0)[apart]
    rows = [{"criterion": int(a), "criterion_b": int(b), "symptom": "dependence", "n_students": int(k),
             "reason": "few_for_symptom" if k < FEW else ""}
            for a, b, k in zip(first[apart], other[apart], met, strict=True)]  # fmt: skip
    return Batch(Dependence(sums[0], sums[1], first, other), rows)


def _trainers(judged: Judged, symptom: str) -> Batch:
    found, asked = judged.found, judged.asked
    n, n_trainers = len(asked.names["criterion"]), len(asked.names["trainer"])
    residual = judged.residuals.residual if symptom == "trainer_criterion" else judged.without_trainers
    cell = found.codes("trainer") * n + found.codes("criterion")
    shape = (n_trainers * n, asked.data.n_students)
    sums = [sparse.csr_array(sparse.coo_array((values, (cell, found.student)), shape=shape))
            for values in (residual, np.ones(len(cell)))]  # fmt: skip
    score = found.score.astype(float)
    levels = [_of_ratings(judged, values) for values in (score, score**2, np.ones(len(score)))]
    return Batch(TrainerShare(sums[0], sums[1], levels[0], levels[1], levels[2]), _plain(judged, symptom))


def _pix(asked: Design, pix: np.ndarray) -> list[Batch]:
    """Association with the level of the other test, where enough students have one and it varies."""
    data, known = asked.data, np.unique(pix[pix >= 0])
    n_students, n = data.n_students, len(asked.names["criterion"])
    if len(known) < 2 or (pix >= 0).sum() < FEW or n < 2:
        return []
    level = np.searchsorted(known, np.maximum(pix, 0))
    total, number = _table(asked, data.score.astype(float)), _table(asked, np.ones(len(data.score)))
    cells, rows = [], []
    for criterion in range(n):
        who = np.flatnonzero((number[:, criterion] > 0) & (pix >= 0))
        mean = np.round(4 * total[who, criterion] / number[who, criterion])
        value = np.unique(mean, return_inverse=True)[1]
        width = int(value.max(initial=0)) + 1
        cells.append(counting(value * len(known) + level[who], who, (width * len(known), n_students)))
        reason = "few_for_symptom" if len(who) < FEW else ""
        rows.append({"criterion": criterion, "symptom": "pix", "n_students": len(who), "reason": reason})
    return [Batch(Association(cells, len(known)), rows)]


def bridged(calibration: Result | None, asked: Design) -> tuple[Batch, np.ndarray] | None:
    """Drift of the criteria from the previous version, as ``calibration`` found it, and its errors (sign,)."""
    table = calibration.tables.get("drift") if calibration is not None else None
    if table is None or "drift" not in table.columns:
        return None
    place = {key: position for position, key in enumerate(asked.names["criterion"])}
    known = table[table["criterion"].astype(str).isin(list(place)) & table["drift"].notna()]
    if not len(known):
        return None
    value = known["drift"].to_numpy(dtype=float)
    rows = [{"criterion": place[str(key)], "symptom": "bridge", "n_students": int(n), "reason": ""}
            for key, n in zip(known["criterion"], known["n_students"], strict=True)]  # fmt: skip
    held = Moved(value, np.zeros((asked.data.n_students, len(value))))
    return Batch(held, rows), known["se"].to_numpy(dtype=float)
