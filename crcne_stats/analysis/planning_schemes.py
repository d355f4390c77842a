"""What schemes of ratings are worth and cost, the cheapest that reaches a goal, and how large a study must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.analysis.generalizability_tables import common_scale, worth_of
from crcne_stats.core.schemes import Scores, near_cut, power, scores_of, size_for, wrong_level

NAN = float("nan")
MOST_TRAINERS = 6
BANDS = (0.1, 0.2, 0.3, 0.5)
"""Levels on either side of a cut within which a second trainer rates."""
EFFECTS = ("drift", "dif")


def _scores(found: Fitted) -> Scores | None:
    """Means of students as the schemes see them; None where criteria have several scales."""
    ladder = common_scale(found)
    if ladder is None:
        return None
    one, two = (found.errors(found.data.measurement(k, own=True)) for k in (1, 2))
    cuts = tuple((below.score + above.score) / 2 for below, above in pairwise(ladder))
    return scores_of(float(found.data.y.mean()), one, two, cuts)


def scheme_table(found: Fitted, settings: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each scheme; ``pareto`` where no other is both cheaper and better.

    Better: fewer students on the wrong level, or, without a common scale, a higher Φ.
    """
    if found.error_hidden or "trainer" not in found.data.sizes:
        return pd.DataFrame([{"scheme": "own", "n_students": found.data.n_students, "reason": "error_hidden"}])
    scores = _scores(found)
    rows = [_row(found, scores, layout, k, settings) for layout in ("own", "crossed")
            for k in range(1, MOST_TRAINERS + 1)]  # fmt: skip
    if scores is not None and scores.universe > 0:
        rows += [_two_stages(found, scores, band, settings) for band in BANDS]
    table = pd.DataFrame(rows)
    loss = table["wrong_level"] if scores is not None else 1 - table["dependability"].astype(float)
    table["pareto"] = _undominated(table["hours_each"].to_numpy(dtype=float), loss.to_numpy(dtype=float))
    return table


def _hours(trainers: float, several: float, settings: Mapping[str, Any]) -> float:
    """Hours for a file: each trainer's time, and that for moderation in the share of files that have several."""
    return float(trainers * settings["hours_per_file"] + several * settings["moderation_hours"])


def _row(found: Fitted, scores: Scores | None, layout: str, k: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    plan = found.data.measurement(k, own=layout == "own")
    worth = worth_of(found, plan, settings["level"])
    here, n = found.errors(plan), found.data.n_objects
    at_cut, wrong = NAN, NAN
    if scores is not None:
        at_cut = min(float(here.at_cut(scores.mean, cut)) for cut in scores.cuts)
        wrong = wrong_level(scores, k) if scores.universe > 0 else NAN
    hours = _hours(k, float(k > 1), settings)
    return {
        "scheme": layout, "trainers_per_file": float(k), "band": NAN, "generalizability": worth["generalizability"],
        "dependability": worth["dependability"], "dependability_low": worth["dependability_low"],
        "dependability_high": worth["dependability_high"], "dependability_at_cut": at_cut, "wrong_level": wrong,
        "hours_each": hours, "hours": hours * n, "n_students": found.data.n_students,
        "reason": "several_scales" if scores is None else "" if scores.universe > 0 else "no_universe",
    }  # fmt: skip


def _two_stages(found: Fitted, scores: Scores, band: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    wrong, twice = near_cut(scores, band)
    hours = _hours(1 + twice, twice, settings)
    return {
        "scheme": "near_cut", "trainers_per_file": 1 + twice, "band": band, "generalizability": NAN,
        "dependability": NAN, "dependability_low": NAN, "dependability_high": NAN, "dependability_at_cut": NAN,
        "wrong_level": wrong, "hours_each": hours, "hours": hours * found.data.n_objects,
        "n_students": found.data.n_students, "reason": "two_stages",
    }  # fmt: skip


def _undominated(cost: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Whether nothing costs no more and loses less, or loses no more and costs less; of equals the first."""
    found = np.zeros(len(cost), dtype=bool)
    best = np.inf
    for place in np.lexsort([np.arange(len(cost)), loss, cost]):
        if np.isfinite(loss[place]) and loss[place] < best - 1e-12:
            found[place], best = True, loss[place]
    return found


def cheapest_table(table: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """The cheapest scheme that reaches each goal."""
    rows = []
    for goal, column in (
        ("dependability", "dependability"), ("dependability_at_cut", "dependability_at_cut"),
        ("misclassification", "wrong_level"),
    ):  # fmt: skip
        wanted = float(settings[goal])
        row: dict[str, Any] = {"goal": goal, "wanted": wanted, "scheme": None, "reason": "goal_not_reached"}
        if column in table:
            values = table[column].astype(float)
            enough = table[values <= wanted if goal == "misclassification" else values >= wanted]
            if len(enough):
                best = enough.loc[enough["hours_each"].astype(float).idxmin()]
                row |= {
                    "scheme": best["scheme"], "trainers_per_file": best["trainers_per_file"], "band": best["band"],
                    "value": float(best[column]), "hours_each": best["hours_each"], "hours": best["hours"],
                    "reason": "",
                }  # fmt: skip
            elif not values.notna().any():
                row["reason"] = "several_scales"
        else:
            row["reason"] = "error_hidden"
        rows.append(row | {"n_students": table["n_students"].iloc[0]})
    return pd.DataFrame(rows)


def power_table(found: Fitted, effects: Iterable[float], settings: Mapping[str, Any]) -> pd.DataFrame:
    """How many students a session (or each of two groups) needs to show a change of one criterion beside the others.

    The criterion's change is seen against the mean change of the other criteria, so that students' abilities and
    trainers' severities cancel; with other trainers in the two sessions (or for the two groups) what each trainer makes
    of the criterion does not. A trainer keeps to as many files as now.
    """
    parts = _parts(found)
    if parts is None:
        return pd.DataFrame([{"effect": "drift", "reason": "no_criterion_facet"}])
    data = found.data
    k = data.sizes.get("trainer", 1.0)
    sessions = max(data.ratings.frame["session"].nunique(), 1)
    panels = len(data.ratings.frame[["trainer", "session"]].drop_duplicates())
    load = max(data.n_objects * k / panels, 1.0)
    criteria = data.n_criteria
    share = criteria / (criteria - 1)
    rows = []
    for effect in EFFECTS:
        now = data.n_objects / sessions / (2 if effect == "dif" else 1)
        for same in (True, False):

            def error(n: float, same: bool = same) -> float:
                own = 2 * (parts["student"] + parts["residual"] / k) / n
                theirs = 0.0 if same else 2 * parts["trainer"] / max(n * k / load, 1.0)
                return float(np.sqrt((own + theirs) * share))

            for size in effects:
                needed = size_for(size, error, settings["power"])
                rows.append({
                    "effect": effect, "by_trainers": "same" if same else "other", "size": size,
                    "se": error(now), "power_now": float(power(size, error(now))), "power_wanted": settings["power"],
                    "n_now": now, "n_wanted": float(np.ceil(needed)), "n_students": data.n_students,
                    "reason": "" if np.isfinite(needed) else "goal_not_reached",
                })  # fmt: skip
    return pd.DataFrame(rows)


def _parts(found: Fitted) -> dict[str, float] | None:
    """Variances of a criterion's score that its difference from the other criteria keeps."""
    data = found.data
    if "criterion" not in data.design.facets or not data.n_criteria > 1:
        return None
    parts = {"student": 0.0, "trainer": 0.0, "residual": 0.0}
    for facets, value in zip(found.facets, np.maximum(found.value, 0), strict=True):
        if "criterion" not in facets:
            continue
        mine, theirs = bool(facets & {"student"}), "trainer" in facets
        if mine:
            parts["residual" if theirs or facets > set(data.design.facets) else "student"] += float(value)
        elif theirs:
            parts["trainer"] += float(value)
    return parts
