"""Agreement level by level, and which neighbouring levels trainers take for each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import Array, Group
from crcne_stats.analysis.agreement_rows import ENOUGH, NAN, Plan, spread, typed
from crcne_stats.core.agreement_resamples import Asked, answers
from crcne_stats.core.counts import Counts, distinct
from crcne_stats.core.levels import confused

_LEVELS = ("level", "coefficient", "value", "se", "low", "high", "n_students", "n_ratings", "share", "reason")
_CONFUSION = ("level", "other_level", "value", "se", "low", "high", "n_students", "reason")


def level_table(groups: list[Group], plan: Plan) -> pd.DataFrame:
    """One row per group, level and coefficient; intervals where the ratings were resampled."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        data, q = group.counts, group.counts.n_levels
        table = _pairable(data)
        found, drawn = _answers(group)
        for k, key in enumerate(group.levels):
            about = {
                **group.labels, "level": key, "n_students": distinct(data.cluster[table[:, k] > 0]),
                "n_ratings": int(table[:, k].sum()), "share": table[:, k].sum() / max(table.sum(), 1),
            }  # fmt: skip
            for kind, name in enumerate(("specific", "level_kappa")):
                row = {"coefficient": name, **_row(group, kind * q + k, found, drawn)}
                row["reason"] = group.reason or _reservation(row["value"], about["n_students"], data, drawn is None)
                row |= _spread(row, drawn, kind * q + k, data, plan, "logit" if name == "specific" else "fisher")
                rows.append({**about, **row})
    return typed(pd.DataFrame(rows))[[*groups[0].labels, *_LEVELS]]


def confusion_table(groups: list[Group], plan: Plan) -> pd.DataFrame:
    """One row per group and two neighbouring levels: where one trainer gave ``level``, how often another the other."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        data, q = group.counts, group.counts.n_levels
        table = _pairable(data)
        found, drawn = _answers(group)
        for place, (first, other) in enumerate(zip(*confused(q), strict=True)):
            column = 2 * q + place
            row = _row(group, column, found, drawn)
            both = distinct(data.cluster[(table[:, first] > 0) & (table[:, other] > 0)])
            used = distinct(data.cluster[table[:, first] > 0])
            row["reason"] = group.reason or _reservation(row["value"], used, data, drawn is None)
            if not row["reason"] and not row["value"]:
                row["reason"] = "never_confused"
            row |= _spread(row, drawn, column, data, plan, "logit")
            about = {"level": group.levels[first], "other_level": group.levels[other]}
            rows.append({**group.labels, **about, **row, "n_students": both})
    return typed(pd.DataFrame(rows, columns=[*groups[0].labels, *_CONFUSION]))


def _pairable(data: Counts) -> Array:
    """Ratings of each level on the files rated twice or more, shape (file, level)."""
    return np.asarray(data.patterns[data.pattern] * data.pairable[:, None])


def _answers(group: Group) -> tuple[Array | None, Array | None]:
    """What the moments say of levels, shape (value,), and its resamples (resample, value)."""
    if not group.found:
        return None, None
    question = group.found[0]
    start = len(question.what.coefficients)
    drawn = None if question.drawn is None else question.drawn[:, start:]
    return answers(group.counts, Asked((), group.weights, levels=True)), drawn


def _row(group: Group, column: int, found: Array | None, drawn: Array | None) -> dict[str, Any]:
    return {"value": NAN if found is None else float(found[column]), "se": NAN, "low": NAN, "high": NAN}


def _spread(
    row: dict[str, Any], drawn: Array | None, column: int, data: Counts, plan: Plan, scale: str
) -> dict[str, Any]:
    if row["reason"] or drawn is None:
        return {}
    units = min(data.n_students, plan.n_units)
    found = spread(row["value"], drawn[:, column], units, plan, None, scale)
    return {key: found[key] for key in found if key != "kind"}


def _reservation(value: float, students: int, data: Counts, analytic: bool) -> str:
    if np.isnan(value):
        return "level_unused" if not students else "one_level"
    if students < ENOUGH or data.n_students_pairable < ENOUGH:
        return "too_few"
    if data.unanimous:
        return "unanimous"
    return "no_resamples" if analytic else ""
