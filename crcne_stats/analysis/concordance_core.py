"""The core certification's score beside the rubric: a covariate, never a result of PIX+Édu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_agreement import FEW_STUDENTS, on_z
from crcne_stats.analysis.levels import file_cells, last_files
from crcne_stats.core.equating import Joint, equipercentile, smoothed
from crcne_stats.core.ordinal import polyserial
from crcne_stats.core.resample import repeat
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students

PERCENTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
PIX_STEP = 8.0
"""One level of Pix is 8 points wide in each competence: finer steps tell nothing."""
STEPS = {"severity": 0.1, "mean": 0.05}
"""Width of a step of the rubric, in logits with ``severity``, else in levels."""
DRAWS, MOST = 200, 6
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Measure:
    """``value`` (row of the pairs,) of the rubric, NaN without one; ``origin``: "severity" (logits) or "mean"."""

    value: np.ndarray
    origin: str


def rubric_measure(ratings: Ratings, rubric: pd.DataFrame, file: np.ndarray, severity: Result | None) -> Measure:
    """Ability in the many-facet model, which makes up for the trainers met; else the mean score over all criteria."""
    table = severity.tables.get("students") if severity is not None else None
    if table is not None:
        name = "eap" if "eap" in table.columns else "jml"
        own = table[["session", "student", name]].astype({"session": object, "student": object})
        known = rubric[["session", "student"]].astype(object)
        found = known.merge(own.drop_duplicates(["session", "student"]), on=["session", "student"], how="left")
        values = found[name].to_numpy(dtype=float)
    elif len(rubric):
        cells = file_cells(ratings, *last_files(ratings), "mean")
        values = np.nansum(cells, axis=1) / np.maximum((~np.isnan(cells)).sum(axis=1), 1)
    else:
        values = np.zeros(0)
    return Measure(np.append(values, NAN)[file], "mean" if table is None else "severity")


def core_scores(measure: Measure, score: np.ndarray, seed: int, resamples: int) -> pd.DataFrame:
    """Core certification score that stands as high among the students as a given measure of the rubric.

    Equipercentile, both distributions smoothed by a log-linear model of the degree with the smallest BIC (Holland &
    Thayer 2000), on students who have both; errors by drawing them anew, smoothed alike.
    """
    known = np.isfinite(measure.value) & np.isfinite(score)
    n = int(known.sum())
    x, y = measure.value[known], score[known]
    reason = "few_students" if n < FEW_STUDENTS else "constant_scores" if min(np.ptp(x), np.ptp(y)) <= 0 else ""
    if reason:
        none = dict.fromkeys(("percentile", "rubric_measure", "pix_score", "se", "low", "high"), NAN)
        return pd.DataFrame([{**none, "n_students": n, "reason": reason}])
    step = STEPS[measure.origin]
    first, second = (np.floor((v - v.min()) / s).astype(np.int64) for v, s in ((x, step), (y, PIX_STEP)))
    fits = [smoothed(np.bincount(code), MOST) for code in (first, second)]
    found = equipercentile(fits[0].frequency, fits[1].frequency)
    wanted = np.quantile(x, PERCENTILES)

    def at(curve: np.ndarray) -> np.ndarray:
        middles = x.min() + step * (np.arange(curve.shape[-1]) + 0.5)
        return np.array([np.interp(wanted, middles, line) for line in np.atleast_2d(curve)])

    def points(places: np.ndarray) -> np.ndarray:
        return np.asarray(y.min() + PIX_STEP * (places + 0.5))

    table = pd.DataFrame(
        {"percentile": PERCENTILES, "rubric_measure": wanted, "pix_score": points(at(found)[0]), "n_students": n}
    )
    if not resamples:
        return table.assign(se=NAN, low=NAN, high=NAN, reason="no_resamples")
    task = Joint(first, second, (fits[0].degree, fits[1].degree))
    drawn = points(at(repeat(task, min(resamples, DRAWS), seed, threads=True)))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return table.assign(se=drawn.std(axis=0, ddof=1), low=low, high=high, reason="")


def core_association(measure: Measure, pairs: pd.DataFrame, students: Students) -> pd.DataFrame:
    """How the core certification's score goes with the rubric and with the PIX+Édu level."""
    score = students.frame["pix_score"].to_numpy(dtype=float)
    known = np.isfinite(measure.value) & np.isfinite(score)
    rows: list[dict[str, Any]] = []
    x, y, n = measure.value[known], score[known], int(known.sum())
    for name in ("pearson", "spearman"):
        value = se = NAN
        if n > 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
            value = float((stats.pearsonr if name == "pearson" else stats.spearmanr)(x, y).statistic)
            # Bonett & Wright (2000), doi:10.1007/BF02294183, for ranks.
            z_error = np.sqrt((1 if name == "pearson" else 1 + value**2 / 2) / (n - 3))
            se = float(z_error * (1 - value**2))
        low, high = on_z(value, se)
        rows.append(_row("rubric", name, (value, se, low, high), n, "fisher_z"))
    level = pairs["pix"].to_numpy()
    known = np.isfinite(score) & (level >= 0)
    found = polyserial(level[known], score[known], pairs["student"].to_numpy()[known])
    numbers = (found.value, found.se, found.low, found.high)
    rows.append(_row("pix_level", "polyserial", numbers, int(known.sum()), "linearised_z"))
    return pd.DataFrame(rows)


def _row(compared: str, name: str, numbers: tuple[float, float, float, float], n: int, method: str) -> dict[str, Any]:
    value, se, low, high = numbers
    few = "few_students" if n < FEW_STUDENTS else ""
    reason = "no_correlation" if np.isnan(value) else "no_bounds" if np.isnan(low) else few
    return {
        "compared_with": compared, "coefficient": name, "value": value, "se": se, "low": low, "high": high,
        "n_students": n, "method": "" if np.isnan(value) else method, "reason": reason,
    }  # fmt: skip
