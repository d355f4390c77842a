"""Relative difficulty of criteria from one INSPÉ to the next, by alignment: it links no severities."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.calibration_drift import reach
from crcne_stats.analysis.severity_design import design
from crcne_stats.core.linking import aligned
from crcne_stats.core.rasch import contrasts, mml
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.design import Model
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.population import group_means
from crcne_stats.domain.ratings import Ratings

LEAST = 30
"""An INSPÉ with fewer students is set aside."""


def alignment_table(ratings: Ratings, alpha: float, level: float) -> pd.DataFrame:
    """``alignment``: a row for each INSPÉ and criterion: how far it stands from where it stands elsewhere.

    Each INSPÉ is fitted alone, so that neither its trainers nor its students need be linked to the others.
    """
    if not ratings.known("inspe"):
        return pd.DataFrame()
    names = list(ratings.frame["inspe"].cat.categories)
    criteria = ratings.criteria
    value, variance = (np.full((len(names), len(criteria)), np.nan) for _ in range(2))
    students = np.zeros(len(names))
    reason = np.full(len(names), "", dtype=object)
    for place, name in enumerate(names):
        own = ratings.where((ratings.frame["inspe"] == name).to_numpy())
        students[place] = len(own.frame[["session", "student"]].drop_duplicates())
        if students[place] < LEAST:
            reason[place] = "group_too_small"
            continue
        found = _alone(own)
        if found is None:
            reason[place] = "not_estimable"
        else:
            value[place], variance[place] = found
    fitted = np.flatnonzero(reason == "")
    if len(fitted) < 2:
        return pd.DataFrame()
    shift = np.zeros(len(names))
    shift[fitted] = aligned(value[fitted], students[fitted])
    return _table(names, criteria, value + shift[:, None], variance, students, reason, alpha, level)


def _alone(ratings: Ratings) -> tuple[np.ndarray, np.ndarray] | None:
    """Difficulties (criterion,) and their variances; None where they cannot be estimated."""
    asked = design(ratings, ())
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            fit = mml.fit(
                asked.data, Model(components={"trainer": asked.trainer_component}), group_means(asked.component)
            )
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None
    block = fit.block("criterion")
    leverage = contrasts.leverages(asked.data.facets["criterion"], asked.data.student, asked.data.n_students)
    known = fit.plan.status[block] == ESTIMATED
    variance = np.diag(contrasts.whole_students(fit, leverage))[block]
    return np.where(known, fit.value[block], np.nan), np.where(known, variance, np.nan)


def _table(
    names: list[str],
    criteria: list[str],
    value: np.ndarray,
    variance: np.ndarray,
    students: np.ndarray,
    reason: np.ndarray,
    alpha: float,
    level: float,
) -> pd.DataFrame:
    """Each difficulty against the mean of the other INSPÉ, weighted by their students."""
    weight = np.where(np.isfinite(value), students[:, None], 0.0)
    others = weight.sum(axis=0) - weight
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (np.nansum(weight * np.nan_to_num(value), axis=0) - weight * np.nan_to_num(value)) / others
        spread = np.nan_to_num(variance) * weight**2
        gap = value - mean
        se = np.sqrt(variance + (spread.sum(axis=0) - spread) / others**2)
        p = 2 * stats.norm.sf(np.abs(gap / se))
    flat = adjusted(p.ravel())
    near, inspe = np.tile(criteria, len(names)), np.repeat(names, len(criteria))
    table = pd.DataFrame(
        {
            "criterion": near,
            "inspe": inspe,
            "difficulty": value.ravel(),
            "inspe_gap": gap.ravel(),
            "se": se.ravel(),
            "low": (gap - reach(level) * se).ravel(),
            "high": (gap + reach(level) * se).ravel(),
            "p": p.ravel(),
            "p_adjusted": flat,
            "flagged": flat < alpha,
            "n_students": np.repeat(students.astype(int), len(criteria)),
            "reason": np.repeat(reason, len(criteria)),
        }
    )
    lost = table["inspe_gap"].isna() & (table["reason"] == "")
    table.loc[lost, "reason"] = "no_ratings"
    return table
