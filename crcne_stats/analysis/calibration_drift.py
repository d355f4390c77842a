"""What drifted: criteria against the other anchors, trainers against the others who stayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.calibration_fit import Anchors, Joint, Trainers
from crcne_stats.core.linking import robust_z
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.contrasts import LARGE, NEGLIGIBLE, Contrasts

LEAST = 10
"""A drift is tested where both versions have that many students."""
NO_KEY = "–"
_NUMBERS = ("drift", "se", "low", "high", "robust_z", "p", "p_adjusted", "drift_levels")


def drift_table(found: Joint, held: Anchors, alpha: float, level: float) -> pd.DataFrame:
    """``drift``: a row for each criterion of either version, those of the new one first."""
    asked, weight = found.asked, held.full(found.asked.n_forms)
    place = {int(form): at for at, form in enumerate(held.linked)}
    low, high = held.drift.interval(level)
    verdict = verdicts(held.drift, held.p_adjusted, alpha)
    z = robust_z(held.raw.value)
    students = found.students
    home, ours = _own_scales(found, weight)
    rows = []
    for form, kind in enumerate(asked.kind):
        new, old = asked.key(form, 1), asked.key(form, 0)
        row: dict[str, Any] = {
            "criterion": new or NO_KEY, "previous_criterion": old or NO_KEY, "status": kind,
            "anchor": bool(weight[form] > 0), "previous_difficulty": home[form], "difficulty": ours[form],
        }  # fmt: skip
        at = place.get(form)
        few = int(students[form].min()) < LEAST
        if at is None or few or np.isnan(held.p_adjusted[at]):
            row |= dict.fromkeys(_NUMBERS, np.nan)
            row |= {"flagged": False, "drift_verdict": "not_testable"}
            reason = _reason(found, held, form, at is not None and not few)
        else:
            own = float(held.drift.value[at])
            row |= {
                "drift": own, "se": float(held.drift.se[at]), "low": float(low[at]), "high": float(high[at]),
                "robust_z": float(z[at]), "p": float(held.drift.p[at]), "p_adjusted": float(held.p_adjusted[at]),
                "drift_levels": found.levels_apart(form, own), "flagged": bool(held.p_adjusted[at] < alpha),
                "drift_verdict": str(verdict[at]),
            }  # fmt: skip
            reason = ""
        versions = [v for v in (0, 1) if asked.key(form, v) is not None]
        rows.append({**row, "n_students": int(students[form, versions].min()), "reason": reason})
    return pd.DataFrame(rows)


def _own_scales(found: Joint, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difficulties (form,) in the previous version, centred over it, and in the new one, brought onto that scale."""
    value = found.difficulty @ found.estimate
    known = found.known
    zero = float(value[known[:, 0], 0].mean()) if known[:, 0].any() else 0.0
    moved = float(weight @ (value[:, 1] - value[:, 0])) if weight.any() else 0.0
    return (
        np.where(known[:, 0], value[:, 0] - zero, np.nan),
        np.where(known[:, 1] & weight.any(), value[:, 1] - moved - zero, np.nan),
    )


def _reason(found: Joint, held: Anchors, form: int, alone: bool) -> str:
    """Why a drift cannot be told."""
    asked = found.asked
    if asked.kind[form] == "rescaled":
        return "other_scale"
    if asked.key(form, 0) is None or asked.key(form, 1) is None:
        return "no_counterpart"
    if not held.n:
        return "no_anchor"
    if alone:
        return "one_anchor"
    return "no_ratings" if (found.cell[form] < 0).any() else "few_in_cell"


def verdicts(drift: Contrasts, p_adjusted: np.ndarray, alpha: float) -> np.ndarray:
    """How much each drift matters (contrast,); "unclear" could be stable or not."""
    low, high = drift.interval()
    size, out = np.abs(drift.value), p_adjusted < alpha
    within = (low > -NEGLIGIBLE) & (high < NEGLIGIBLE)
    return np.select(
        [out & (size >= LARGE), out & (size >= NEGLIGIBLE), out, within], ["large", "moderate", "small", "stable"],
        "unclear",
    ).astype(object)  # fmt: skip


def trainer_table(found: Joint, who: Trainers, level: float) -> pd.DataFrame:
    """``trainers``: how far each trainer of both versions moved against the others."""
    asked = found.asked
    names = np.array(asked.trainers, dtype=object)[who.trainer]
    homes = asked.new.frame.groupby("trainer", observed=False)["trainer_inspe"].first().astype(object)
    low, high = who.change.interval(level)
    data = asked.data
    met = np.unique(np.column_stack([data.facets["rater"], data.student]), axis=0)[:, 0]
    n = np.bincount(met, minlength=len(asked.trainer))
    students = np.minimum(n[who.first], n[who.second])
    tested = who.tested & (students >= LEAST) & (who.change.se > 1e-6)
    p = np.where(tested, who.change.p, np.nan)

    def shown(values: np.ndarray) -> np.ndarray:
        return np.where(tested, values, np.nan)

    table = pd.DataFrame(
        {
            "trainer": names,
            "trainer_inspe": homes.reindex(names).to_numpy(dtype=object),
            "severity_drift": shown(who.change.value),
            "se": shown(who.change.se),
            "low": shown(low),
            "high": shown(high),
            "p": p,
            "p_adjusted": adjusted(p),
            "n_students": students,
            "reason": np.select([tested, students < LEAST], ["", "few_in_cell"], "no_colleague").astype(object),
        }
    )
    return table.sort_values("trainer", kind="stable").reset_index(drop=True)


def test_table(held: Anchors, who: Trainers, drift: pd.DataFrame, moved: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """``tests``: has any criterion, or any trainer, moved against the others at all?"""
    rows = []
    given = (("criterion_version", held.drift, drift), ("trainer_version", who.change, moved))
    for name, contrast, table in given:
        tested = int(table["p"].notna().sum()) if len(table) else 0
        known = tested > 1 and len(contrast.value) > 1
        chi2, df, p = contrast.omnibus() if known else (np.nan, np.nan, np.nan)
        flagged = int((table["p_adjusted"] < alpha).sum()) if tested else 0
        rows.append(
            {"interaction": name, "chi2": chi2, "df": df, "p": p, "n_cells": tested, "n_flagged": flagged,
             "reason": "" if np.isfinite(p) else "no_interaction"}
        )  # fmt: skip
    return pd.DataFrame(rows)


def reach(level: float) -> float:
    """Half-width of an interval in standard errors."""
    return float(stats.norm.ppf((1 + level) / 2))
