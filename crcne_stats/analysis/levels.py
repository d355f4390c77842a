"""Levels: how each one is used, and the INSPÉ level that the framework's rule gives to each student's ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.core import decisions
from crcne_stats.domain.frame import combined_codes
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings


def level_use(ratings: Ratings) -> pd.DataFrame:
    """Use of every level of every criterion that counts in totals, a row for each, unused ones too.

    Returns
    -------
    frame
        ``criterion``, ``level``, ``n_students``, ``n_ratings``, ``share`` of the criterion's ratings, ``reason``.
    """
    frame, framework = ratings.scored, ratings.framework
    counted = frame.groupby(["criterion", "score"], observed=True)["student"].agg(["size", "nunique"])
    rows = []
    for criterion in framework.scored:
        for level in framework.scale(criterion.key):
            place = (criterion.key, level.score)
            n_ratings, n_students = counted.loc[place] if place in counted.index else (0, 0)
            rows.append((criterion.key, level.key, int(n_students), int(n_ratings)))
    table = pd.DataFrame(rows, columns=["criterion", "level", "n_students", "n_ratings"])
    total = table.groupby("criterion")["n_ratings"].transform("sum")
    table["share"] = table["n_ratings"] / total.where(total > 0)
    table["reason"] = np.where(total > 0, "", "no_ratings")
    return table


def inspe_levels(ratings: Ratings) -> pd.DataFrame:
    """One row per student and session: the level by the framework's rule.

    Returns
    -------
    frame
        ``student``, ``session``, ``inspe``, ``mention``; ``inspe_level`` (ordered category of the framework's levels);
        ``score`` (the same before rounding, on the framework's ladder); ``n_trainers``; ``n_criteria``. Criteria
        without a rating are left out of their item, items without a rating out of the level. Of several occasions the
        last one counts. A criterion with a scale of its own is stretched onto the framework's ladder.
    """
    frame = ratings.scored
    if frame["occasion"].notna().any():
        frame = _last_occasion(ratings, frame)
    unit = ratings.units(frame)
    framework, n_files = ratings.framework, int(unit.max(initial=-1)) + 1
    first = np.unique(unit, return_index=True)[1]
    table = frame.iloc[first][["student", "session", "inspe", "mention"]].reset_index(drop=True)
    score = file_scores(ratings, frame, unit, n_files)
    index = decisions.rounded(score, [level.score for level in framework.levels], framework.rules.rounding)
    ladder = [level.key for level in framework.levels]
    table["inspe_level"] = pd.Categorical.from_codes(index, categories=pd.Index(ladder, dtype=object), ordered=True)
    table["score"] = score
    for name, column in (("n_trainers", "trainer"), ("n_criteria", "criterion")):
        codes, labels = ratings.codes(column, frame)
        table[name] = np.bincount(np.unique(unit * len(labels) + codes) // max(len(labels), 1), minlength=n_files)
    return table


def file_scores(ratings: Ratings, frame: pd.DataFrame, unit: np.ndarray, n_files: int) -> np.ndarray:
    """The score (file,) of each file on the framework's ladder, not yet rounded; NaN where there is none."""
    framework = ratings.framework
    rules = framework.rules
    rule = decisions.Rule(rules.trainers, rules.item, rules.inspe_level, rules.rounding)
    criterion = ratings.codes("criterion", frame)[0]
    score = on_ladder(framework, frame["score"].to_numpy(), criterion)
    n_criteria = len(framework.criteria)
    cells = decisions.over_trainers(score, unit, criterion, n_files, n_criteria, rule.trainers)
    names = list(dict.fromkeys(entry.item for entry in framework.criteria))
    item = np.array([names.index(entry.item) for entry in framework.criteria])
    return decisions.file_values(cells, item, len(names), rule)[1]


def on_ladder(framework: Framework, score: np.ndarray, criterion: np.ndarray) -> np.ndarray:
    """Scores (rating,) of criteria with their own scale, stretched onto the ladder of the framework's levels.

    ``criterion`` (rating,) is the index of each rating's criterion in the framework.
    """
    bottom, top = framework.levels[0].score, framework.levels[-1].score
    scales = [framework.level_scores(entry.key) for entry in framework.criteria]
    low = np.array([min(scale) for scale in scales], dtype=float)
    span = np.array([max(max(scale) - min(scale), 1) for scale in scales], dtype=float)
    return bottom + (score - low[criterion]) * ((top - bottom) / span)[criterion]


def _last_occasion(ratings: Ratings, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of each student's last occasion in a session; «10» comes after «9»."""
    codes, labels = ratings.codes("occasion", frame)
    ranked = sorted(range(len(labels)), key=lambda position: _natural(labels[position]))
    rank = np.empty(len(labels) + 1, dtype=np.int64)
    rank[ranked] = np.arange(len(labels))
    rank[-1] = -1  # an unnamed occasion comes before all named ones
    place = rank[codes]
    student = np.unique(combined_codes(frame, ("session", "student")), return_inverse=True)[1]
    last = np.full(int(student.max(initial=-1)) + 1, -1, dtype=np.int64)
    np.maximum.at(last, student, place)
    return frame[place == last[student]].reset_index(drop=True)


def _natural(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label
