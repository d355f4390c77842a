"""How far two levels of the same students agree, go together, and differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_cells import Compared
from crcne_stats.core import agreement, agreement_resamples, marginal
from crcne_stats.core.association import cross_table
from crcne_stats.core.counts import counts, kinds_of
from crcne_stats.core.ordinal_association import measures
from crcne_stats.core.polychoric import Polychoric, polychoric
from crcne_stats.core.resample import Progress
from crcne_stats.core.weights import weight_matrix

FEW_STUDENTS = 30
COEFFICIENTS = ("percent", "cohen", "gwet_ac")
ASSOCIATIONS = ("polychoric", "tau_b", "gamma", "somers_pix", "somers_inspe")
NAN = float("nan")


def coefficients(
    both: Compared, weights: str, resamples: int, seed: int, progress: Progress | None, gate: bool
) -> pd.DataFrame:
    """Percent agreement, κ and AC with each weighting, on the common scale.

    Bootstrap over students, those of one kind (same levels) drawn together; linearised without resamples.
    """
    n, n_students = len(both), both.n_students
    names = list(dict.fromkeys(["identity", weights]))
    if n < 2:
        reason = "gate_only" if gate and not n else "no_pair"
        return pd.DataFrame([_row(name, way, None, n, reason) for way in names for name in COEFFICIENTS])
    data = _counts(both.inspe, both.pix, both.student, both.scores)
    asked = [agreement_resamples.Asked(COEFFICIENTS, weight_matrix(name, both.scores)) for name in names]
    drawn: list[np.ndarray] | None = None
    if resamples:
        number, kind, cell = kinds_of(both.student, both.inspe * len(both.scores) + both.pix)
        one_each = _counts(*np.divmod(cell, len(both.scores)), kind, both.scores)
        questions = [(one_each, one) for one in asked]
        drawn = agreement_resamples.resampled(questions, len(number), resamples, seed, progress, numbers=number)
    table = []
    for position, (way, one) in enumerate(zip(names, asked, strict=True)):
        for column, name in enumerate(COEFFICIENTS):
            found = agreement.estimate(data, name, one.weights)
            estimate: dict[str, Any] = {"value": found.value, "se": found.se, "low": found.low, "high": found.high}
            estimate |= {"method": "linearised"}
            if drawn is not None and np.isfinite(found.value):
                estimate |= _spread(drawn[position][:, column])
            reason = "one_level_only" if np.isnan(found.value) else "few_students" if n_students < FEW_STUDENTS else ""
            table.append(_row(name, way, estimate | {"pa": found.pa, "pe": found.pe}, n_students, reason))
    return pd.DataFrame(table)


def _counts(inspe: np.ndarray, pix: np.ndarray, student: np.ndarray, scores: list[float]) -> Any:
    rows = np.arange(len(inspe))
    sides = np.repeat([0, 1], len(rows))
    return counts(np.concatenate([rows, rows]), sides, np.concatenate([inspe, pix]), scores, cluster=student)


def _spread(values: np.ndarray) -> dict[str, Any]:
    kept = values[np.isfinite(values)]
    if len(kept) < 2:
        return {}
    low, high = np.quantile(kept, [0.025, 0.975])
    return {"se": float(kept.std(ddof=1)), "low": float(low), "high": float(high), "method": "bootstrap"}


def _row(name: str, weights: str, estimate: dict[str, Any] | None, n: int, reason: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("value", "se", "low", "high", "pa", "pe"), np.nan)
    numbers: dict[str, Any] = {**nothing, "method": "", **(estimate or {})}
    if reason and np.isnan(numbers["value"]):
        numbers["method"] = ""
    first: dict[str, Any] = {"coefficient": name, "weights": weights}
    numbers |= {"n_students": n, "reason": reason}
    order = ("value", "se", "low", "high", "pa", "pe", "n_students", "method", "reason")
    return first | {key: numbers[key] for key in order}


def on_z(value: float, se: float) -> tuple[float, float]:
    """Bounds of a correlation, through Fisher's z."""
    if not se > 0 or not abs(value) < 1:
        return NAN, NAN
    middle, reach = np.arctanh(value), float(stats.norm.ppf(0.975)) * se / (1 - value**2)
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def association(both: Compared, n_levels: int) -> tuple[pd.DataFrame, Polychoric]:
    """Measures of how the two levels rise together, on the whole ladders: nothing is cut at the top of PIX+Édu.

    Of a student in several sessions the last one counts: errors take students to be independent. The second value is
    the polychoric correlation itself, for other tables.
    """
    latest = both.latest
    table = cross_table(latest.full, latest.pix, n_levels, len(both.scores))
    normal = polychoric(table)
    found = measures(table)
    found |= {"somers_pix": found["somers_d"], "somers_inspe": measures(table.T)["somers_d"]}
    rows = []
    for name in ASSOCIATIONS:
        if name == "polychoric":
            value, se, reason, method = normal.rho, normal.se, normal.reason, "likelihood_z"
        else:
            value, se, method = found[name].value, found[name].se, "linearised_z"
            reason = "one_level_only" if np.isnan(value) else ""
        low, high = on_z(value, se)
        if not reason:
            few = "few_students" if both.n_students < FEW_STUDENTS else ""
            reason = "no_bounds" if np.isnan(low) else few
        rows.append(
            {
                "coefficient": name, "value": value, "se": se, "low": low, "high": high,
                "n_students": both.n_students, "method": "" if np.isnan(value) else method, "reason": reason,
            }
        )  # fmt: skip
    return pd.DataFrame(rows), normal


def tests(both: Compared, normal: Polychoric) -> pd.DataFrame:
    """Are the levels used as often by both parts, is the table symmetric, does the normal model fit?

    On the common scale, the last one on the whole ladders. Where students stand in several sessions, tests by student
    replace those of Stuart and Maxwell and of Bhapkar, and the other two take the last session of each.
    """
    levels, latest = len(both.scores), both.latest
    table = cross_table(latest.inspe, latest.pix, levels, levels)
    if both.repeated:
        shift = marginal.shift_of_pairs(both.inspe, both.pix, both.student, levels)
        found: dict[str, Any] = {
            "margins_score": marginal.equal_margins_score(both.inspe, both.pix, both.student, levels),
            "margins_wald": marginal.equal_margins(shift),
        }
    else:
        found = {"stuart_maxwell": marginal.stuart_maxwell(table), "bhapkar": marginal.bhapkar(table)}
    found["bowker"] = marginal.bowker(table)
    rows = []
    for method, one in found.items():
        gone = np.isnan(one.statistic)
        rows.append(
            {
                "method": method, "statistic": one.statistic, "df": NAN if gone else float(one.df), "p": one.p,
                "n_students": both.n_students, "reason": "parts_never_differ" if gone else "",
            }
        )  # fmt: skip
    reason = normal.reason or ("" if normal.df > 0 else "always_fits")
    rows.append(
        {
            "method": "normal_model", "statistic": normal.statistic, "df": NAN if reason else float(normal.df),
            "p": normal.p, "n_students": both.n_students, "reason": reason,
        }
    )  # fmt: skip
    return pd.DataFrame(rows)


def shift(both: Compared) -> pd.DataFrame:
    """Mean INSPÉ level less mean PIX+Édu level, in levels of the common scale, with a t interval over students."""
    n = both.n_students
    if n < 2:
        row: dict[str, Any] = dict.fromkeys(("difference", "se", "difference_low", "difference_high", "p"), NAN)
        return pd.DataFrame([row | {"n_students": n, "reason": "no_pair"}])
    moved = marginal.shift_of_pairs(both.inspe, both.pix, both.student, len(both.scores))
    found = marginal.mean_shift(moved, np.arange(len(both.scores)))
    row = {
        "difference": float(found.value), "se": float(found.se), "difference_low": float(found.low),
        "difference_high": float(found.high), "p": float(found.p), "n_students": n,
        "reason": "parts_never_differ" if np.isnan(found.p) else "",
    }  # fmt: skip
    return pd.DataFrame([row])
