"""Which criteria of the rubric go with the PIX+Édu level, one by one and together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_agreement import FEW_STUDENTS
from crcne_stats.analysis.levels import file_cells, last_files
from crcne_stats.core.compare import adjusted
from crcne_stats.core.dominance import MOST, Drawn, drawn_orders, general_dominance
from crcne_stats.core.proportional_odds import Brant, ProportionalOdds, brant, proportional_odds
from crcne_stats.core.resample import repeat
from crcne_stats.domain.ratings import Ratings

DRAWS, ORDERS = 200, 400
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Rubric:
    """Students compared whose every criterion was rated: PIX+Édu ``level`` (row,), ``scores`` (row, criterion).

    ``criteria`` are those that vary; ``student`` (row,) from 0.
    """

    criteria: tuple[str, ...]
    constant: tuple[str, ...]
    level: np.ndarray
    scores: np.ndarray
    student: np.ndarray

    @property
    def n_students(self) -> int:
        return int(self.student.max(initial=-1)) + 1

    @property
    def reason(self) -> str:
        """Why nothing can be said, empty where something can."""
        if len(np.unique(self.level)) < 2:
            return "one_pix_level"
        if self.n_students < max(FEW_STUDENTS, 3 * len(self.criteria)):
            return "few_for_criteria"
        return "" if self.criteria else "constant_scores"


def rubric_scores(ratings: Ratings, pairs: pd.DataFrame) -> Rubric:
    """Mean score over the trainers of each criterion, for the students with a PIX+Édu level (or gate, without any).

    ``pairs``: see :func:`crcne_stats.analysis.student_pairs.student_pairs`.
    """
    result = pairs["pix" if (pairs["pix"] >= 0).any() else "gate"].to_numpy()
    told = result >= 0
    result, own, person = result[told], pairs["file"].to_numpy()[told], pairs["student"].to_numpy()[told]
    keys = [criterion.key for criterion in ratings.framework.scored]
    if not len(ratings.scored):
        return Rubric((), tuple(keys), np.zeros(0, dtype=int), np.zeros((0, 0)), np.zeros(0, dtype=int))
    cells = file_cells(ratings, *last_files(ratings), "mean")
    rated = ~np.isnan(cells).all(axis=0)
    scores = cells[own]
    kept = (own >= 0) & ~np.isnan(scores[:, rated]).any(axis=1)
    scores = scores[kept]
    varies = rated & (np.nanmax(scores, axis=0, initial=-np.inf) > np.nanmin(scores, axis=0, initial=np.inf))
    student = np.unique(person[kept], return_inverse=True)[1].reshape(-1)
    names = np.array(keys, dtype=object)
    return Rubric(tuple(names[varies]), tuple(names[~varies]), result[kept], scores[:, varies], student)


def criteria(rubric: Rubric, resamples: int, seed: int) -> pd.DataFrame:
    """Share of each criterion in what the rubric explains of the latent PIX+Édu level; the last row is the whole."""
    if rubric.reason or len(rubric.criteria) > MOST:
        return _without(rubric, rubric.reason or "too_many_criteria")
    orders = drawn_orders(len(rubric.criteria), ORDERS, np.random.default_rng(seed))
    task = Drawn(rubric.level, rubric.scores, rubric.student, orders)
    among, outcome = task.sums.correlations(task.total)
    try:
        brought = general_dominance(among, outcome)
        np.linalg.cholesky(among)
    except np.linalg.LinAlgError:
        return _without(rubric, "collinear")
    whole = float(brought.sum())
    low, high = _bounds(task, np.r_[outcome, brought, whole], resamples, seed)
    n = len(rubric.criteria)
    reason = "" if np.isfinite(low).all() else "no_resamples"
    rows: list[dict[str, Any]] = []
    for i, key in enumerate((*rubric.criteria, None)):
        place = n + i
        row = {
            "criterion": key, "dominance": float(np.r_[brought, whole][i]), "dominance_low": low[place],
            "dominance_high": high[place],
            "share_explained": float(np.r_[brought, whole][i] / whole) if whole > 0 else NAN,
            "with_pix": float(outcome[i]) if key else float(np.sqrt(whole)), "with_pix_low": low[i] if key else NAN,
            "with_pix_high": high[i] if key else NAN,
        }  # fmt: skip
        if key is None:
            row |= {"with_pix_low": float(np.sqrt(low[place])), "with_pix_high": float(np.sqrt(high[place]))}
        rows.append(row | {"n_students": rubric.n_students, "reason": reason})
    table = pd.concat([pd.DataFrame(rows[:-1]).sort_values("dominance", ascending=False, kind="stable"),
                       _constant(rubric), pd.DataFrame(rows[-1:])], ignore_index=True)  # fmt: skip
    named = table["criterion"].astype(object)
    return table.assign(criterion=named.where(named.notna(), None), n_students=rubric.n_students)


def _bounds(task: Drawn, found: np.ndarray, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over students of correlations, dominances and their sum, around what was found.

    Drawn orders stand for all, and resamples explain more than the students do: both are a shift of the middle.
    """
    if not resamples:
        return np.full(len(found), NAN), np.full(len(found), NAN)
    n = (len(found) - 1) // 2
    drawn = repeat(task, min(resamples, DRAWS), seed, threads=True)
    drawn = np.c_[drawn, drawn[:, n:].sum(axis=1)]
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    moved = drawn - drawn.mean(axis=0) + found if len(drawn) else drawn
    if len(moved) < 20:
        return np.full(len(found), NAN), np.full(len(found), NAN)
    low, high = np.quantile(moved, [0.025, 0.975], axis=0)
    low[n:], high[:n] = np.maximum(low[n:], 0.0), np.minimum(high[:n], 1.0)
    return low, high


_NUMBERS = ("dominance", "dominance_low", "dominance_high", "share_explained", "with_pix", "with_pix_low",
            "with_pix_high")  # fmt: skip


def _without(rubric: Rubric, reason: str) -> pd.DataFrame:
    row: dict[str, Any] = {"criterion": None, **dict.fromkeys(_NUMBERS, NAN)}
    return pd.DataFrame([row | {"n_students": rubric.n_students, "reason": reason}])


def _constant(rubric: Rubric) -> pd.DataFrame:
    rows = [{"criterion": key, **dict.fromkeys(_NUMBERS, NAN), "n_students": rubric.n_students,
             "reason": "constant_scores"} for key in rubric.constant]  # fmt: skip
    return pd.DataFrame(rows, columns=["criterion", *_NUMBERS, "n_students", "reason"]).astype(
        dict.fromkeys(_NUMBERS, float)
    )


def regression(rubric: Rubric) -> tuple[pd.DataFrame, Brant | None]:
    """Proportional odds of the PIX+Édu level on all the criteria at once, and Brant's test of all of them together.

    ``p_adjusted`` (Benjamini & Hochberg) counts the criteria; errors let the sittings of a student move together.
    """
    fit: ProportionalOdds | None = None
    reason = rubric.reason
    if not reason:
        fit = proportional_odds(rubric.level, rubric.scores)
        reason = fit.reason
    if reason or fit is None:
        numbers = ("log_odds", "se", "low", "high", "odds_ratio", "p", "p_adjusted")
        parallel = ("parallel_statistic", "parallel_df", "parallel_p")
        row: dict[str, Any] = {"criterion": None, **dict.fromkeys((*numbers, *parallel), NAN)}
        return pd.DataFrame([row | {"n_students": rubric.n_students, "reason": reason}]), None
    se = np.sqrt(np.diag(fit.clustered(rubric.student)))
    lines = brant(rubric.level, rubric.scores)
    reach = float(stats.norm.ppf(0.975)) * se
    p = 2 * stats.norm.sf(np.abs(fit.slopes / se))
    table = pd.DataFrame(
        {
            "criterion": rubric.criteria, "log_odds": fit.slopes, "se": se, "low": fit.slopes - reach,
            "high": fit.slopes + reach, "odds_ratio": np.exp(fit.slopes), "p": p,
            "p_adjusted": adjusted(p, "benjamini_hochberg"), "parallel_statistic": lines.each,
            "parallel_df": float(lines.each_df) if not lines.reason else NAN, "parallel_p": lines.each_p,
            "n_students": rubric.n_students, "reason": lines.reason,
        }
    )  # fmt: skip
    return table, lines


def parallel(rubric: Rubric, lines: Brant | None) -> pd.DataFrame:
    """Brant's test of all the criteria together, a row of the tests."""
    gone = lines is None or bool(lines.reason)
    reason = (rubric.reason or "no_regression") if lines is None else lines.reason
    statistic, df, p = (NAN, NAN, NAN) if lines is None or gone else (lines.statistic, float(lines.df), lines.p)
    row = {"method": "brant", "statistic": statistic, "df": df, "p": p, "n_students": rubric.n_students}
    return pd.DataFrame([row | {"reason": reason}])
