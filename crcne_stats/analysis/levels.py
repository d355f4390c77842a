"""Levels: how each one is used, and the INSPÉ level that the framework's rule gives to each student's ratings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.core import level_rules
from crcne_stats.core.level_rules import Layout, LevelRule
from crcne_stats.domain.frame import combined_codes
from crcne_stats.domain.framework import Framework, Rules
from crcne_stats.domain.ratings import Ratings

NAMED_RULES: dict[str, dict[str, str]] = {
    "median": {"item": "median", "inspe_level": "median"},
    "mean": {"item": "mean", "inspe_level": "mean"},
    "lowest_item": {"item": "median", "inspe_level": "minimum"},
    "lowest_criterion": {"item": "minimum", "inspe_level": "minimum"},
    "count": {"item": "none", "inspe_level": "count"},
    "phases": {"item": "median", "phase": "median", "inspe_level": "phases"},
}
"""Rules by name: what each sets in the framework's own. Mean with cuts is "mean" where the framework has cuts."""
ASKED = ("trainers", "item", "phase", "inspe_level", "rounding", "count_share", "cuts")
"""The settings of a framework's rules that lead to the INSPÉ level."""
Asked = str | Mapping[str, Any] | None
"""A rule asked for: its name, settings that replace the framework's, or None for the framework's own."""


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


def asked_rules(framework: Framework, rule: Asked = None) -> Rules:
    """The framework's rules with what ``rule`` sets in them: a name of :data:`NAMED_RULES` or settings of [rules].

    Raises
    ------
    ValueError
        For an unknown name or setting, or a value that no rule can have.
    """
    if isinstance(rule, str):
        if rule not in NAMED_RULES:
            raise ValueError(f"unknown level rule {rule!r}; there are {', '.join(NAMED_RULES)}")
        rule = NAMED_RULES[rule]
    own = dict(rule or {})
    if wrong := [name for name in own if name not in ASKED]:
        raise ValueError(f"unknown settings {', '.join(wrong)}; there are {', '.join(ASKED)}")
    if "cuts" in own:
        own["cuts"] = tuple(float(cut) for cut in own["cuts"])
    rules = dataclasses.replace(framework.rules, **own)
    level_rules.levels([], ladder(framework), level_rule(rules))
    return rules


def level_rule(rules: Rules) -> LevelRule:
    """The part of a framework's rules that leads to the INSPÉ level."""
    return LevelRule(
        rules.trainers, rules.item, rules.phase, rules.inspe_level, rules.rounding, rules.count_share, rules.cuts
    )


def told(rules: Rules) -> dict[str, str]:
    """The rule as values of a Note: keys of words for each of its steps."""
    rounding = "cuts" if rules.cuts else rules.rounding
    return {"trainers": rules.trainers, "item": rules.item, "level": rules.inspe_level, "rounding": rounding}


def ladder(framework: Framework) -> np.ndarray:
    """Scores (level,) of the framework's levels, lowest first."""
    return np.array([level.score for level in framework.levels], dtype=float)


def layout(framework: Framework) -> Layout:
    """Item and phase of each criterion that counts in totals."""
    items = [criterion.item for criterion in framework.scored]
    phases = [framework.phase_of(criterion.key) for criterion in framework.scored]
    return Layout(*(np.unique(names, return_inverse=True)[1].astype(np.int64) for names in (items, phases)))


def levels_from_cells(framework: Framework, cells: np.ndarray, rules: Rules) -> np.ndarray:
    """Index (…,) of the INSPÉ level that the rules give to ``cells`` (…, criterion); -1 where all is missing.

    Cells are scores on the framework's ladder (:func:`on_ladder`), whole or expected by a model, one for each of
    ``framework.scored`` in that order; NaN for a missing one.
    """
    rule = level_rule(rules)
    return level_rules.levels(level_rules.file_scores(cells, layout(framework), rule), ladder(framework), rule)


def inspe_levels(ratings: Ratings, rule: Asked = None) -> pd.DataFrame:
    """One row per student and session: the level by the framework's rule, or by another.

    Parameters
    ----------
    rule
        What replaces the framework's own, see :func:`asked_rules`.

    Returns
    -------
    frame
        ``student``, ``session``, ``inspe``, ``mention``; ``inspe_level`` (ordered category of the framework's levels);
        ``score`` (the same before it becomes a level, on the framework's ladder); ``n_trainers``; ``n_criteria``.
        Criteria without a rating are left out of their item, items without a rating out of the level. Of several
        occasions the last one counts. A criterion with a scale of its own is stretched onto the framework's ladder.
    """
    framework, rules = ratings.framework, asked_rules(ratings.framework, rule)
    frame, unit = last_files(ratings)
    first = np.unique(unit, return_index=True)[1]
    table = frame.iloc[first][["student", "session", "inspe", "mention"]].reset_index(drop=True)
    own, n_files = level_rule(rules), len(first)
    score = level_rules.file_scores(file_cells(ratings, frame, unit, rules.trainers), layout(framework), own)
    index = level_rules.levels(score, ladder(framework), own)
    names = [level.key for level in framework.levels]
    table["inspe_level"] = pd.Categorical.from_codes(index, categories=pd.Index(names, dtype=object), ordered=True)
    table["score"] = score
    for name, column in (("n_trainers", "trainer"), ("n_criteria", "criterion")):
        codes, labels = ratings.codes(column, frame)
        table[name] = np.bincount(np.unique(unit * len(labels) + codes) // max(len(labels), 1), minlength=n_files)
    return table


def last_files(ratings: Ratings) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows that count in totals, of each student's last occasion, and the file (row,) of each, from 0."""
    frame = ratings.scored
    if frame["occasion"].notna().any():
        frame = _last_occasion(ratings, frame)
    return frame, ratings.units(frame)


def file_cells(ratings: Ratings, frame: pd.DataFrame, unit: np.ndarray, trainers: str) -> np.ndarray:
    """Scores (file, criterion) on the framework's ladder, the trainers of a file taken together; NaN without rating."""
    framework = ratings.framework
    criterion = ratings.codes("criterion", frame)[0]
    score = on_ladder(framework, frame["score"].to_numpy(), criterion)
    n_files = int(unit.max(initial=-1)) + 1
    cells = level_rules.over_trainers(score, unit, criterion, n_files, len(framework.criteria), trainers)
    return cells[:, [entry.role != "global" for entry in framework.criteria]]


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
