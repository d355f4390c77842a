"""How hard and how discriminating is each criterion, and are its levels used?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pingouin

from crcne_stats.analysis.difficulty_notes import notes
from crcne_stats.analysis.difficulty_sheets import Sheets, sheets_of
from crcne_stats.analysis.levels import level_use
from crcne_stats.core import classical, factor
from crcne_stats.core.classical import Interval
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

FEW_STUDENTS = 30


def difficulty(ratings: Ratings, *, weak: float = 0.3, crowded: float = 0.4, severity: Result | None = None) -> Result:
    """Classical statistics of each criterion, beside those of the many-facet Rasch model.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out.
    weak, crowded
        Notes name the criteria whose item–rest correlation lies under ``weak``, and those with more than the share
        ``crowded`` of ratings at one end of the scale (on a scale of four levels or fewer, more than twice an even
        share, 90 % on two levels). Rules of thumb; they change no number.
    severity
        The many-facet Rasch result on the same ratings; its difficulties then stand in the table.

    Returns
    -------
    Result
        ``tables["difficulty"]``, a row per criterion: ``mean`` with ``se``, ``low``, ``high`` and ``sd`` in levels;
        ``position`` from 0 (everybody at the highest level) to 1 (everybody at the lowest), which compares criteria
        whose scales differ; ``item_rest``, the correlation with the other criteria of the same sheet (a sheet is one
        student's file filled in by one trainer), and ``item_rest_other``, with the other criteria as *another* trainer
        of the file saw them, which halo and severity do not inflate; ``polyserial``, the same as
        ``item_rest_other`` for the quality behind the levels, which a few crowded levels do not shrink; all with
        bounds; ``alpha_if_dropped``; ``floor`` and ``ceiling``, shares at the ends of the scale; with ``severity``
        also ``difficulty`` with its error and bounds in logits, positive for a hard criterion, ``infit`` and ``outfit``
        mean squares (1 where ratings vary as the model says, more where they are erratic); ``reason``.

        ``tables["levels"]``: ``n_ratings`` and ``share`` of each level of each criterion, unused ones too.

        ``tables["reliability"]``: Cronbach's ``alpha`` and McDonald's ``omega`` (three criteria or more) of all the
        criteria, and of each phase and item with two or more.

    Notes
    -----
    Errors and intervals are clustered by student. Correlations and covariances use, for each pair, the sheets that
    have both (pairwise). α and ω describe one trainer's sheet: they say nothing on whether two trainers agree, and halo
    raises them.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555. McDonald (1999), Test theory, p. 89. Henrysson (1963),
    doi:10.1007/BF02289618 (item–rest). Olsson, Drasgow & Dorans (1982), doi:10.1007/BF02294164 (polyserial). Feldt,
    Woodruff & Salih (1987), doi:10.1177/014662168701100107 (interval of α on independent sheets); otherwise
    log(1 − α) after Bonett (2002), doi:10.3102/10769986027004335, with the clustered error.
    """
    settings: dict[str, Any] = {"weak": weak, "crowded": crowded}
    sheets = sheets_of(ratings)
    tables = {
        "difficulty": _with_rasch(_criteria(ratings, sheets), severity),
        "levels": level_use(ratings),
        "reliability": _reliability(ratings.framework, sheets),
    }
    return Result("difficulty", tables, notes(tables, sheets, weak, crowded), settings, {"ratings": ratings})


_RASCH = {
    "difficulty": "difficulty", "robust_se": "difficulty_se", "low": "difficulty_low", "high": "difficulty_high",
    "infit": "infit", "outfit": "outfit",
}  # fmt: skip
"""Columns of the criteria of ``severity``, and their names here."""


def _with_rasch(table: pd.DataFrame, severity: Result | None) -> pd.DataFrame:
    """The many-facet Rasch numbers before the remark, where a result has them."""
    if severity is None or "criteria" not in severity.tables:
        return table
    own = severity.tables["criteria"].set_index("criterion")
    answer = table.drop(columns="reason")
    for theirs, ours in _RASCH.items():
        answer[ours] = own[theirs].astype(float).reindex(table["criterion"]).to_numpy()
    answer["reason"] = table["reason"].mask((table["reason"] == "") & answer["difficulty"].isna(), "no_rasch_measure")
    return answer


def _criteria(ratings: Ratings, sheets: Sheets) -> pd.DataFrame:
    without = _alpha_without(sheets)
    rows = [_criterion(ratings.framework, sheets, j, float(without[j])) for j in range(len(sheets.keys))]
    return pd.DataFrame(rows)


def _alpha_without(sheets: Sheets) -> np.ndarray:
    if len(sheets.x) < 2:
        return np.full(len(sheets.keys), np.nan)
    return classical.alpha_without(classical.covariance(sheets.x))


def _criterion(framework: Framework, sheets: Sheets, j: int, alpha_without: float) -> dict[str, Any]:
    x, key = sheets.x[:, j], sheets.keys[j]
    known = ~np.isnan(x)
    scale, entry, n = framework.level_scores(key), framework.criterion(key), int(known.sum())
    lowest, highest = min(scale), max(scale)
    average = classical.mean(x, sheets.student)
    item_rest, other, polyserial = sheets.item_rest(j)[0], sheets.item_rest_other(j)[0], sheets.polyserial_other(j)
    row: dict[str, Any] = {
        "criterion": key,
        "item": entry.item,
        "phase": framework.phase_of(key),
        "n_students": len(np.unique(sheets.student[known])),
        "n_trainers": len(np.unique(sheets.trainer[known])),
        "n_ratings": n,
        "mean": average.value,
        "se": average.se,
        "low": average.low,
        "high": average.high,
        "sd": float(np.std(x[known], ddof=1)) if n > 1 else np.nan,
        "position": (highest - average.value) / (highest - lowest) if highest > lowest else np.nan,
        **_named("item_rest", item_rest),
        **_named("item_rest_other", other),
        **_named("polyserial", polyserial),
        "alpha_if_dropped": alpha_without,
        "floor": float((x[known] == lowest).mean()) if n else np.nan,
        "ceiling": float((x[known] == highest).mean()) if n else np.nan,
    }
    return row | {"reason": _reason(row, sheets, j)}


def _named(name: str, estimate: Interval) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _reason(row: dict[str, Any], sheets: Sheets, j: int) -> str:
    """Why a number of the row is missing, or must be read with care; the gravest cause only."""
    x = sheets.x[:, j]
    if not row["n_ratings"]:
        return "no_ratings"
    if row["n_students"] < 2:
        return "single_student"
    if classical.is_constant(x[~np.isnan(x)]):
        return "constant_scores"
    if len(sheets.keys) == 1:
        return "one_criterion"
    if np.isnan(row["item_rest"]):
        return "no_common_rows"
    if np.isnan(sheets.rest_other[:, j][~np.isnan(x)]).all():
        return "one_trainer_per_file"
    if np.isnan(row["item_rest_other"]):
        return "few_students"
    if np.isnan(row["alpha_if_dropped"]):
        return "no_alpha"
    if row["n_students"] < FEW_STUDENTS:
        return "few_students"
    return "perfect_order" if np.isnan(row["polyserial_low"]) else ""


def _reliability(framework: Framework, sheets: Sheets) -> pd.DataFrame:
    item = np.array([entry.item for entry in framework.scored], dtype=object)
    phase = np.array([framework.phase_of(entry.key) for entry in framework.scored], dtype=object)
    everything = np.ones(len(item), dtype=bool)
    rows = [{"scope": "all", "phase": None, "item": None, **_alpha(sheets, everything)}]
    for key in dict.fromkeys(phase):
        if (phase == key).sum() >= 2 and not (phase == key).all():
            rows.append({"scope": "phase", "phase": key, "item": None, **_alpha(sheets, phase == key)})
    for key in dict.fromkeys(item):
        if (item == key).sum() >= 2 and not (item == key).all():
            own = phase[item == key][0]
            rows.append({"scope": "item", "phase": own, "item": key, **_alpha(sheets, item == key)})
    return pd.DataFrame(rows)


def _alpha(sheets: Sheets, chosen: np.ndarray) -> dict[str, Any]:
    x = sheets.x[:, chosen]
    rated = ~np.isnan(x).all(axis=1)
    x, student = x[rated], sheets.student[rated]
    n_students, n_criteria = len(np.unique(student)), int(chosen.sum())
    counts = {"n_criteria": n_criteria, "n_students": n_students, "n_sheets": len(x)}
    numbers = ("alpha", "se", "low", "high", "omega", "omega_low", "omega_high")
    nothing = {**dict.fromkeys(numbers, np.nan), **counts, "method": ""}
    if n_criteria < 2:
        return nothing | {"reason": "one_criterion"}
    if n_students < 2:
        return nothing | {"reason": "single_student" if n_students else "no_ratings"}
    c = classical.covariance(x)
    if np.isnan(c).any():
        return nothing | {"reason": "no_common_rows"}
    if c.sum() <= 1e-12:
        return nothing | {"reason": "no_alpha" if np.trace(c) > 0 else "constant_scores"}
    value = float(pingouin.cronbach_alpha(pd.DataFrame(x), nan_policy="pairwise")[0])
    moved = classical.covariance_influence(x, c, classical.alpha_slope(c))
    clustered = classical.interval(value, moved, student, "alpha")
    # Feldt's interval takes sheets for independent, so it holds only where each student has a single complete one.
    independent = n_students == len(x) and not np.isnan(x).any()
    low, high = classical.feldt(value, len(x), n_criteria) if independent else (clustered.low, clustered.high)
    estimate = {"alpha": value, "se": clustered.se, "low": low, "high": high}
    omega, reason = _omega(x, c, student)
    if n_students < FEW_STUDENTS:
        reason = reason or "few_students"
    return {**estimate, **omega, **counts, "method": "feldt" if independent else "clustered", "reason": reason}


def _omega(x: np.ndarray, c: np.ndarray, student: np.ndarray) -> tuple[dict[str, float], str]:
    """ω with its bounds, and why they are missing or doubtful."""
    fit = factor.one_factor(c)
    if fit is None:
        return dict.fromkeys(("omega", "omega_low", "omega_high"), np.nan), "no_omega_two" if len(c) < 3 else "no_omega"
    moved = classical.covariance_influence(x, c, factor.omega_slope(c, fit))
    found = classical.interval(fit.omega, moved, student, "share")
    if fit.bounded:  # at the edge the likelihood equations do not hold, and neither does the interval
        return {"omega": fit.omega, "omega_low": np.nan, "omega_high": np.nan}, "heywood"
    return _named("omega", found), ""
