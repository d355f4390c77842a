"""Before and after a revision: did the criteria that changed get better, symptom by symptom?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.calibration_design import Stacked, Tie
from crcne_stats.analysis.calibration_drift import reach
from crcne_stats.analysis.calibration_symptoms import Measured, model_signs
from crcne_stats.domain.frame import combined_codes
from crcne_stats.domain.ratings import Ratings

CHANGED = ("reworded", "split", "merged")
OF_MODEL = ("narrowest", "misfit")
SYMPTOMS = ("ends", "swapped", "agreement", *OF_MODEL)
"""Ratings at an end of the scale, neighbouring levels given by two trainers of a file, Gwet's AC2; the smallest
distance between thresholds, infit."""
BETTER_DOWN = ("ends", "swapped", "misfit")
MOST = 200_000
"""With more ratings than this a version is not fitted by itself."""


def revision_table(asked: Stacked, level: float) -> pd.DataFrame:
    """``revision``: a row for each changed criterion and symptom, before and after, with the difference."""
    changed = [tie for tie in asked.ties if tie.kind in CHANGED and tie.old and tie.new]
    if not changed:
        return pd.DataFrame()
    before = _measured(asked.old, sorted({key for tie in changed for key in tie.old}))
    after = _measured(asked.new, sorted({key for tie in changed for key in tie.new}))
    too_many = max(len(side.scored) for side in (asked.old, asked.new)) > MOST
    rows = [
        _row(tie, symptom, [_mean(before, tie.old, symptom), _mean(after, tie.new, symptom)], level, too_many)
        for tie in changed
        for symptom in SYMPTOMS
    ]
    return pd.DataFrame(rows)


def _measured(ratings: Ratings, keys: list[str]) -> Measured:
    """Value, standard error and number of students of each criterion and symptom."""
    own = ratings.where(ratings.frame["criterion"].isin(keys).to_numpy())
    answer: Measured = {}
    if not len(own):
        return answer
    table = agreement(own, resamples=0, multiverse=False).tables["agreement"]
    wanted = table[(table["coefficient"] == "gwet_ac") & table["criterion"].notna()]
    for row in wanted.to_dict("records"):
        answer[str(row["criterion"]), "agreement"] = float(row["value"]), float(row["se"]), int(row["n_students"])
    frame = own.frame
    person = combined_codes(frame, ("session", "student"))
    for key in keys:
        mine = (frame["criterion"] == key).to_numpy()
        if mine.any():
            scale = ratings.framework.level_scores(key)
            score, who = frame["score"].to_numpy()[mine], person[mine]
            answer[key, "ends"] = _share(np.isin(score, [min(scale), max(scale)]), who)
            answer[key, "swapped"] = _swapped(score, who)
    return answer if len(ratings.scored) > MOST else answer | model_signs(ratings, keys)


def _share(flag: np.ndarray, who: np.ndarray) -> tuple[float, float, int]:
    """A share of ratings with its error by students."""
    code = np.unique(who, return_inverse=True)[1]
    n, hits = np.bincount(code), np.bincount(code, flag.astype(float))
    share = float(flag.mean())
    error = float(np.sqrt(((hits - share * n) ** 2).sum()) / len(flag))
    return share, error if len(n) > 1 else float("nan"), len(n)


def _swapped(score: np.ndarray, who: np.ndarray) -> tuple[float, float, int]:
    """Share of the pairs of ratings of a file that lie exactly one level apart."""
    order = np.lexsort((score, who))
    score, who = score[order], who[order]
    flags, owners = [], []
    for lag in range(1, len(score)):
        same = np.flatnonzero(who[lag:] == who[:-lag])
        if not len(same):
            break
        flags.append(np.abs(score[same + lag].astype(int) - score[same].astype(int)) == 1)
        owners.append(who[same])
    if not flags:
        return float("nan"), float("nan"), 0
    return _share(np.concatenate(flags), np.concatenate(owners))


def _mean(side: Measured, keys: tuple[str, ...], symptom: str) -> tuple[float, float, int]:
    """The mean over the criteria of one side; its error is that of wholly dependent ones, the largest there can be."""
    found = [side[key, symptom] for key in keys if (key, symptom) in side]
    if len(found) < len(keys):
        return float("nan"), float("nan"), 0
    return float(np.mean([f[0] for f in found])), float(np.mean([f[1] for f in found])), min(f[2] for f in found)


def _row(tie: Tie, symptom: str, sides: list[tuple[float, float, int]], level: float, too_many: bool) -> dict[str, Any]:
    (before, before_se, n_before), (after, after_se, n_after) = sides
    gain, se = after - before, float(np.hypot(before_se, after_se))
    low, high = gain - reach(level) * se, gain + reach(level) * se
    good = (high < 0) if symptom in BETTER_DOWN else (low > 0)
    bad = (low > 0) if symptom in BETTER_DOWN else (high < 0)
    known = np.isfinite(se)
    missing = "nothing_before_or_after"
    if symptom in OF_MODEL and too_many:
        missing = "too_many_ratings"
    return {
        "criterion": " + ".join(tie.new), "previous_criterion": " + ".join(tie.old), "status": tie.kind,
        "revision_sign": symptom, "before": before, "after": after, "gain": gain, "se": se, "low": low, "high": high,
        "revision_verdict": "" if not known else "better" if good else "worse" if bad else "unclear",
        "n_students": min(n_before, n_after), "reason": "" if known else missing,
    }  # fmt: skip
