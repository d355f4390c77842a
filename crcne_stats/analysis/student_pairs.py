"""Each student's two parts of the certificate side by side, and the ladder on which they stand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.students import Students

NOT_REACHED = "not_reached"
GATES = ("not_admissible", "admissible")


def level_keys(framework: Framework) -> list[str]:
    """The framework's levels, lowest first."""
    return [level.key for level in framework.levels]


def ceiling(framework: Framework) -> int:
    """Index of the highest level that PIX+Édu can give."""
    ladder = level_keys(framework)
    known = [ladder.index(key) for key in framework.pix_levels if key in ladder]
    return max(known, default=len(ladder) - 1)


def failed_level(framework: Framework) -> int:
    """Index of «not reached», -1 in a framework without it."""
    ladder = level_keys(framework)
    return ladder.index(NOT_REACHED) if NOT_REACHED in ladder else -1


def student_pairs(ratings: Ratings, students: Students, rubric: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per row of ``students.frame``: codes of the parts (-1: none), who it is, where the level comes from.

    Joined by student and session, by student alone where one side does not know the session. ``rubric`` is what
    :func:`crcne_stats.analysis.levels.inspe_levels` says of the ratings, where it is known already.

    Returns
    -------
    frame
        ``student`` (code), ``session`` (label); ``inspe`` and ``pix``, codes on the framework's ladder; ``gate`` (1
        admissible, 0 not); ``waiting`` and ``refused`` (by the jury); ``computed`` (the INSPÉ level comes from the rule
        applied to the ratings); ``by_rule``, what the rule gives; ``rated`` (has ratings); ``file``, the row of the
        student in :func:`crcne_stats.analysis.levels.inspe_levels`, which is also its code in ``ratings.units``.
    """
    frame, framework = students.frame, ratings.framework
    rubric = inspe_levels(ratings) if rubric is None else rubric
    row = _matched(frame, rubric)
    found = row >= 0
    by_rule = np.where(found, rubric["inspe_level"].cat.codes.to_numpy()[row] if len(rubric) else -1, -1)
    given = _codes(frame["inspe_level"], level_keys(framework))
    jury = frame["jury"].astype(object)
    refused = (jury == "refused").to_numpy() & (given < 0)
    given = np.where(refused, failed_level(framework), given)
    return pd.DataFrame(
        {
            "student": frame["student"].cat.codes.to_numpy().astype(np.int64),
            "session": frame["session"].astype(object),
            "inspe": np.where((given >= 0) | refused, given, by_rule).astype(np.int64),
            "pix": _codes(frame["pix_level"], level_keys(framework)),
            "gate": _codes(frame["pix_gate"], list(GATES)),
            "waiting": (jury == "waiting").to_numpy(),
            "refused": refused,
            "computed": (given < 0) & ~refused & (by_rule >= 0),
            "by_rule": by_rule.astype(np.int64),
            "rated": found,
            "file": row,
        }
    )


def student_groups(students: Students, rubric: pd.DataFrame, file: np.ndarray) -> pd.DataFrame:
    """``inspe``, ``mention`` and ``session`` of each row of ``students.frame``: its own, else what the ratings say.

    ``rubric`` and ``file`` (row,) as in :func:`student_pairs`.
    """
    answer = {}
    for name in ("inspe", "mention", "session"):
        told = students.frame[name].astype(object)
        if len(rubric):
            rated = pd.Series(rubric[name].astype(object).to_numpy()[file], index=told.index, dtype=object)
            told = told.where(told.notna(), rated.where(file >= 0))
        answer[name] = told
    return pd.DataFrame(answer)


def _codes(values: pd.Series, labels: list[str]) -> np.ndarray:
    """Index of each value in ``labels``; -1 for a missing one."""
    return pd.Categorical(values.astype(object), categories=labels).codes.astype(np.int64)


def _matched(frame: pd.DataFrame, rubric: pd.DataFrame) -> np.ndarray:
    """For each row of ``frame`` the row of ``rubric`` of the same student, -1 where there is none.

    Where a side has no session, the student alone decides, and the last session of the ratings counts.
    """
    both = bool(frame["session"].notna().any() and rubric["session"].notna().any())
    keys = ["session", "student"] if both else ["student"]
    known = rubric[keys].astype(object).assign(row=np.arange(len(rubric))).drop_duplicates(keys, keep="last")
    joined = frame[keys].astype(object).merge(known, on=keys, how="left", sort=False)
    return joined["row"].fillna(-1).to_numpy().astype(np.int64)
