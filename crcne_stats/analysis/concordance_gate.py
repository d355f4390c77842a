"""Where PIX+Édu is a gate: how well the rubric foretells who is admissible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_agreement import FEW_STUDENTS
from crcne_stats.analysis.concordance_core import Measure
from crcne_stats.analysis.student_pairs import level_keys
from crcne_stats.core.association import wilson
from crcne_stats.core.roc import at_cuts, auc, calibrated, spaced_cuts
from crcne_stats.domain.framework import Framework

CUTS, BINS, FOLDS = 15, 10, 5
LEAST = 11
"""Students of each kind between two cuts, at least: a curve tells of no one alone."""
NAN = float("nan")
_SHARES = ("sensitivity", "specificity", "ppv", "npv")


def accuracy(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """If admissible meant an INSPÉ level of ``cut_level`` or higher: how often that would be right.

    ``youden``: sensitivity plus specificity less 1; ``best_cut``: where it is largest.
    """
    both = pairs[(pairs["inspe"] >= 0) & (pairs["gate"] >= 0)]
    level, good = both["inspe"].to_numpy(), both["gate"].to_numpy() == 1
    rows: list[dict[str, Any]] = []
    for k, key in enumerate(level_keys(framework)):
        if k == 0:
            continue
        taken = level >= k
        hits, passes = int((taken & good).sum()), int((~taken & ~good).sum())
        totals = (int(good.sum()), int((~good).sum()), int(taken.sum()), int((~taken).sum()))
        row: dict[str, Any] = {"cut_level": key}
        for name, right, total in zip(_SHARES, (hits, passes, hits, passes), totals, strict=True):
            low, high = wilson(right, total)
            row |= {name: right / total if total else NAN, f"{name}_low": float(low), f"{name}_high": float(high)}
        row["youden"] = row["sensitivity"] + row["specificity"] - 1
        rows.append(row | {"n_students": len(both), "reason": "" if min(totals) else "never_cut"})
    table = pd.DataFrame(rows)
    best = table["youden"].max()
    place = table.columns.get_loc("youden")
    assert isinstance(place, int)
    table.insert(place + 1, "best_cut", (table["youden"] == best) & np.isfinite(best))
    return table


def foretelling(pairs: pd.DataFrame, measure: Measure) -> dict[str, pd.DataFrame]:
    """ROC curve of the rubric's measure, its area, and probabilities against what came true.

    Probabilities come from a logistic regression on other students (five folds by student).
    """
    known = (pairs["gate"] >= 0).to_numpy() & np.isfinite(measure.value)
    value, good = measure.value[known], pairs["gate"].to_numpy()[known] == 1
    student = np.unique(pairs["student"].to_numpy()[known], return_inverse=True)[1].reshape(-1)
    n = int(student.max(initial=-1)) + 1
    reason = "few_students" if n < FEW_STUDENTS else "one_gate" if good.all() or not good.any() else ""
    if reason:
        return {"gate_summary": pd.DataFrame([_row(name, NAN, NAN, NAN, NAN, n, reason) for name in _SUMMARY])}
    area = auc(value, good, student)
    told = calibrated(value, good, student % FOLDS)
    reach = float(stats.norm.ppf(0.975)) * told.slope_se
    one = "" if np.isfinite(area.low) else "no_bounds"
    summary = [
        _row("auc", area.value, area.se, area.low, area.high, n, one),
        _row("calibration_slope", told.slope, told.slope_se, told.slope - reach, told.slope + reach, n, told.reason),
        _row("brier", told.brier, *_brier_error(told.probability, good, student), n, told.reason),
    ]
    tables = {"gate_summary": pd.DataFrame(summary)}
    cuts = spaced_cuts(value, good, CUTS, LEAST)
    if len(cuts):
        tables["roc"] = _curve(value, good, cuts, n)
    edges = spaced_cuts(told.probability, good, BINS - 1, LEAST) if not told.reason else np.zeros(0)
    if len(edges):
        tables["calibration"] = _bins(told.probability, good, edges)
    return tables


_SUMMARY = ("auc", "calibration_slope", "brier")


def _row(name: str, value: float, se: float, low: float, high: float, n: int, reason: str) -> dict[str, Any]:
    return {"coefficient": name, "value": value, "se": se, "low": low, "high": high, "n_students": n, "reason": reason}


def _brier_error(p: np.ndarray, good: np.ndarray, student: np.ndarray) -> tuple[float, float, float]:
    off = (p - good) ** 2
    value = float(off.mean())
    sums = np.bincount(student, off - value)
    se = float(np.sqrt((sums @ sums) * len(sums) / max(len(sums) - 1, 1)) / len(off))
    return se, value - float(stats.norm.ppf(0.975)) * se, value + float(stats.norm.ppf(0.975)) * se


def _curve(value: np.ndarray, good: np.ndarray, cuts: np.ndarray, n: int) -> pd.DataFrame:
    found = at_cuts(value, good, cuts)
    parts: dict[str, Any] = {"rubric_measure": cuts}
    for name, right, total in (
        ("sensitivity", found.hits, found.n_positive), ("specificity", found.passes, found.n_negative),
    ):  # fmt: skip
        low, high = wilson(right, total)
        parts |= {name: right / total, f"{name}_low": low, f"{name}_high": high}
    return pd.DataFrame(parts).assign(n_students=n, reason="")


def _bins(p: np.ndarray, good: np.ndarray, edges: np.ndarray) -> pd.DataFrame:
    """Students between two edges: mean probability foretold, share that was admissible."""
    place = np.searchsorted(edges, p, side="right")
    size = np.bincount(place, minlength=len(edges) + 1)
    right = np.bincount(place, good, minlength=len(edges) + 1)
    low, high = wilson(right, size)
    return pd.DataFrame(
        {
            "foretold": np.bincount(place, p, minlength=len(edges) + 1) / size, "share": right / size, "low": low,
            "high": high, "n_students": size, "reason": "",
        }
    )  # fmt: skip
