"""The tables of ``severity`` on levels: how they are used, where they lie, what they tell about whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_scale import Scale
from crcne_stats.core.graph import partners
from crcne_stats.core.rasch.categories import curves, disorder, half_points, step_sums
from crcne_stats.core.rasch.design import THRESHOLD, tally, threshold_groups
from crcne_stats.core.rasch.layout import ANCHORED
from crcne_stats.core.rasch.rated import moments, thresholds_by_level

LOCATIONS = np.round(np.arange(-6.0, 6.01, 0.25), 2)
"""Locations of the characteristic curves, in logits from the criterion's difficulty."""
MOST_CURVES = 60
"""With more groups of thresholds than this (one for each trainer), no curves are listed."""
BIN = 0.5


def group_names(fitted: Fitted) -> list[dict[str, Any]]:
    """What each group of thresholds is about: all criteria, a criterion or a trainer, and its number of levels."""
    plan, data = fitted.plan, fitted.asked.data
    thresholds, levels = plan.model.thresholds, threshold_groups(data, plan.model.thresholds)[1]
    rows = []
    for place, n in enumerate(levels):
        row: dict[str, Any] = {"criterion": None, "trainer": None, "n_levels": int(n)}
        if thresholds in row:
            names = fitted.asked.names[thresholds]
            row[thresholds] = names[place % len(names)]
        rows.append(row)
    return rows


def _keys(fitted: Fitted, names: list[dict[str, Any]]) -> list[list[str]]:
    """The keys of the levels of each group."""
    framework, criteria = fitted.asked.ratings.framework, fitted.asked.names["criterion"]
    scales = {len(framework.scale(key)): framework.scale(key) for key in reversed(criteria)}
    found = []
    for row in names:
        scale = framework.scale(row["criterion"]) if row["criterion"] else scales[row["n_levels"]]
        found.append([level.key for level in sorted(scale, key=lambda level: level.score)])
    return found


def threshold_table(fitted: Fitted) -> pd.DataFrame:
    """``thresholds``: for each group, a row for each level above the lowest of the scale."""
    fit, plan = fitted.measured, fitted.plan
    block = plan.blocks[THRESHOLD]
    table = thresholds_by_level(plan, fit.known)
    points = half_points(table)
    names = group_names(fitted)
    place_of = {(int(g), int(k)): i for i, (g, k) in enumerate(block.labels)}
    free = np.full(len(plan.status), -1)
    free[plan.free] = np.arange(len(plan.free))
    group = threshold_groups(fitted.asked.data, plan.model.thresholds)[0]
    counts = tally(group * table.shape[1] + fitted.asked.data.score, None, table.size).reshape(table.shape)
    rows = []
    for g, (about, keys) in enumerate(zip(names, _keys(fitted, names), strict=True)):
        used = [place_of[g, k] for k in range(1, len(keys)) if (g, k) in place_of]
        wrong = dict(zip(used, _disordered(fitted, used, free), strict=True))
        for k in range(1, len(keys)):
            place = place_of.get((g, k))
            row = {**about, "level": keys[k], "n_ratings": int(counts[g, k])}
            if place is None:
                nothing = dict.fromkeys(
                    ("threshold", "se", "robust_se", "low", "high", "half_point", "disordered"), np.nan
                )
                rows.append(
                    row
                    | nothing
                    | {"method": fitted.method, "reason": "no_ratings" if not counts[g].any() else "level_never_used"}
                )
                continue
            index = block.start + place
            value, error = float(fit.value[index]), float(fit.error[index])
            anchored = plan.status[index] == ANCHORED
            row |= {
                "threshold": value,
                "se": float(fit.se[index]),
                "robust_se": float(fit.robust_se[index]),
                "low": value - fitted.reach * error,
                "high": value + fitted.reach * error,
                "half_point": float(points[g, k]),
                "disordered": float(wrong[place]),
                "method": fitted.method,
                "reason": "anchored" if anchored else "",
            }
            rows.append(row)
    columns = [
        "criterion", "trainer", "level", "n_levels", "n_ratings", "threshold", "se", "robust_se", "low", "high",
        "half_point", "disordered", "method", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _disordered(fitted: Fitted, used: list[int], free: np.ndarray) -> np.ndarray:
    """Probability that each threshold of a group lies below the one before; anchors count as without error."""
    start = fitted.plan.blocks[THRESHOLD].start
    index = np.array([start + place for place in used], dtype=np.int64)
    own = free[index]
    covariance = fitted.measured.error_covariance[np.ix_(np.maximum(own, 0), np.maximum(own, 0))].copy()
    covariance[own < 0, :] = 0.0
    covariance[:, own < 0] = 0.0
    return disorder(fitted.measured.value[index], covariance)


def level_table(fitted: Fitted) -> pd.DataFrame:
    """``levels``: use of each level of each criterion, and the average measure of those who got it."""
    asked, found, data = fitted.asked, fitted.found, fitted.asked.data
    n, width = len(asked.names["criterion"]), asked.scores.shape[1]
    key = data.facets["criterion"] * width + data.score
    counts = np.bincount(key, minlength=n * width)
    students = partners(key, data.student, n * width)
    residuals = fitted.residuals
    location = residuals.ability - found.difficulty[found.cell]
    item = found.codes("criterion")
    known = np.isfinite(location)
    own = (item * width + found.score)[known]
    kept = np.bincount(own, minlength=n * width)
    average = np.bincount(own, location[known], minlength=n * width) / np.maximum(kept, 1)
    outfit = np.bincount(own, residuals.standard[known], minlength=n * width) / np.maximum(kept, 1)
    p = found.chances(np.where(known, residuals.ability, 0.0), found.cell) * known
    where = np.where(known, location, 0.0)
    wide, mass = np.zeros((n, width)), np.zeros((n, width))
    for k, chance in enumerate(p):
        wide[:, k], mass[:, k] = tally(item, chance * where, n), tally(item, chance, n)
    expected = (wide / np.maximum(mass, 1e-12)).ravel()
    rows = []
    for j, criterion in enumerate(asked.names["criterion"]):
        scale = sorted(asked.ratings.framework.scale(criterion), key=lambda level: level.score)
        total = counts[j * width : (j + 1) * width].sum()
        for k, level in enumerate(scale):
            at = j * width + k
            rows.append(
                {
                    "criterion": criterion,
                    "level": level.key,
                    "n_students": students[at],
                    "n_ratings": counts[at],
                    "share": counts[at] / total if total else np.nan,
                    "average_measure": average[at] if kept[at] else np.nan,
                    "expected_measure": expected[at] if kept[at] else np.nan,
                    "outfit": outfit[at] if kept[at] else np.nan,
                    "reason": "no_ratings" if not total else "" if counts[at] else "level_never_used",
                }
            )
    return pd.DataFrame(rows)


def curve_table(fitted: Fitted) -> pd.DataFrame:
    """``curves``: probability of each level along the location (ability less difficulty less severity)."""
    names = group_names(fitted)
    sums = step_sums(thresholds_by_level(fitted.plan, fitted.measured.known))
    columns = ["criterion", "trainer", "level", "location", "probability"]
    if len(names) > MOST_CURVES:
        return pd.DataFrame(columns=columns)
    p = curves(sums, LOCATIONS)
    parts = []
    for g, (about, keys) in enumerate(zip(names, _keys(fitted, names), strict=True)):
        n = len(keys)
        parts.append(
            pd.DataFrame(
                {
                    "criterion": about["criterion"],
                    "trainer": about["trainer"],
                    "level": np.tile(np.array(keys, dtype=object), len(LOCATIONS)),
                    "location": np.repeat(LOCATIONS, n),
                    "probability": p[:n, g].T.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[columns]


def targeting_table(fitted: Fitted, scale: Scale) -> pd.DataFrame:
    """``targeting``: along ability, how many students there are and how much the criteria tell about them.

    ``expected_average`` and ``information`` are those of one trainer of severity zero who rates every criterion.
    """
    asked, plan = fitted.asked, fitted.found.plan
    ability = (fitted.measured.ability + scale.shift[asked.component])[fitted.rated]
    low = np.floor(min(ability.min(initial=-3.0), -3.0) / BIN) * BIN
    edges = np.arange(low, max(ability.max(initial=3.0), 3.0) + BIN, BIN)
    counts = np.histogram(ability, np.r_[edges, edges[-1] + BIN])[0]
    middle = edges + BIN / 2
    mean, information, n = np.zeros(len(middle)), np.zeros(len(middle)), 0
    severity = np.zeros(plan.n_cells)
    if "trainer" in plan.names:
        block = plan.blocks["trainer"]
        severity = fitted.found.value[block.start + plan.cell_codes[:, plan.names.index("trainer")]]
    for item in np.unique(plan.item):
        cells = np.flatnonzero(plan.item == item)
        # The cell of the trainer nearest to zero, moved to zero: with thresholds by trainer they differ.
        cell = cells[np.abs(severity[cells]).argmin()]
        first, second = _at(fitted, int(cell), middle + severity[cell])
        scores = asked.scores[item]
        span = np.nanmin(scores)
        mean += first + span
        information += second
        n += 1
    return pd.DataFrame(
        {
            "ability_low": edges,
            "ability_high": edges + BIN,
            "n_students": counts,
            "share": counts / max(counts.sum(), 1),
            "expected_average": mean / max(n, 1),
            "information": information,
            "reason": "",
        }
    )


def _at(fitted: Fitted, cell: int, ability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected level and information of a cell at abilities (place,)."""
    p = fitted.found.chances(ability, np.full(len(ability), cell))
    return moments(p)[:2]
