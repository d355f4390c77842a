"""Files of students that show what is wrong with a criterion, to be read together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.priorities_model import Judged
from crcne_stats.analysis.severity_design import Design

FILES = 5
_SPLIT = ("levels", "agreement", "swaps", "trainer_criterion", "trainer", "misfit")
"""Symptoms that show where trainers of one file part."""


def file_table(asked: Design, model: Judged | None, table: pd.DataFrame, first: int) -> pd.DataFrame:
    """Five files for each of the first criteria, those that show its worst symptom best.

    Where trainers part: the files on which they part most, those on the two levels in question before others. Else:
    those whose levels are the least expected, in the mention or session in question. It names students.
    """
    z = np.zeros(len(asked.data.score))
    if model is not None:
        z[model.fit.plan.kept] = model.residuals.z
    rows: list[dict[str, Any]] = []
    for _, told in table.head(first).iterrows():
        if told["symptom"]:
            rows += _of_criterion(asked, z, told)
    return pd.DataFrame(rows)


def _of_criterion(asked: Design, z: np.ndarray, told: pd.Series) -> list[dict[str, Any]]:
    key = str(told["criterion"])
    here = np.flatnonzero(asked.data.facets["criterion"] == asked.names["criterion"].index(key))
    for name in ("mention", "session"):
        if told[name]:
            here = here[(asked.frame[name].astype(object).to_numpy()[here]) == told[name]]
    scale = [level.key for level in sorted(asked.ratings.framework.scale(key), key=lambda level: level.score)]
    files, place = np.unique(asked.file[here], return_inverse=True)
    score, size = asked.data.score[here], np.zeros(len(files))
    low, high = np.full(len(files), len(scale)), np.full(len(files), -1)
    np.minimum.at(low, place, score)
    np.maximum.at(high, place, score)
    np.maximum.at(size, place, np.abs(z[here]))
    apart = (high - low).astype(float) if told["symptom"] in _SPLIT else np.zeros(len(files))
    if told["symptom"] in ("levels", "swaps") and told["level"]:
        ends = sorted(scale.index(told[name]) for name in ("level", "other_level"))
        apart += 10.0 * ((low == ends[0]) & (high == ends[1]))
    chosen = np.lexsort((files, -size, -apart))[:FILES]
    owner = {int(file): int(row) for file, row in zip(asked.file[here], here, strict=True)}
    rows = []
    for turn, file in enumerate(chosen, 1):
        about = asked.people.iloc[asked.data.student[owner[int(files[file])]]]
        rows.append({"criterion": key, "symptom": told["symptom"], "turn": turn, "student": about["student"],
                     "session": about["session"], "inspe": about["inspe"], "lowest_level": scale[low[file]],
                     "highest_level": scale[high[file]], "z": size[file]})  # fmt: skip
    return rows
