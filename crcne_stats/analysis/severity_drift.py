"""Does a trainer's severity move from one session to the next?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.graph import components, distinct_pairs, partners
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.design import Ints, Model
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.rasch.summaries import wald_chi2

MOST = 2000
"""With more pairs of a trainer and a session than this, drift is not estimated."""
ELEMENT = "trainer_session"
COLUMNS = [
    "trainer", "session", "n_students", "n_ratings", "severity_change", "se", "low", "high", "p", "p_adjusted",
    "reason",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drift:
    """A fit in which a trainer is another in each session.

    ``trainer`` and ``session`` (element,) of each such trainer; ``part`` (element,) the island that it lies in: each
    session is one at least, for no student belongs to two. ``reason`` says why there is no fit.
    """

    fit: mml.Fit | None
    trainer: Ints
    session: Ints
    part: Ints
    reason: str = ""


def drift(asked: Design, thresholds: str) -> Drift:
    """The fit, with a free mean for the students of each INSPÉ in each session (in each island).

    So neither a stronger cohort nor a stronger INSPÉ turns into drift; what is left is how far a trainer moved against
    the other trainers.
    """
    nothing = np.zeros(0, dtype=np.int64)
    session, labels = asked.ratings.codes("session", asked.frame)
    if len(labels) < 2 or (session < 0).any():
        return Drift(None, nothing, nothing, nothing, "one_session")
    trainer = asked.data.facets["trainer"]
    key, element = np.unique(trainer * len(labels) + session, return_inverse=True)
    own, when = np.divmod(key, len(labels))
    if len(own) == len(np.unique(own)):
        return Drift(None, nothing, nothing, nothing, "one_session")
    if len(key) > MOST:
        return Drift(None, nothing, nothing, nothing, "too_many_elements")
    people = distinct_pairs(asked.data.student, element)
    mine, part = components(*people, asked.data.n_students, len(key))
    inspe = asked.people["inspe"].cat.codes.to_numpy().astype(np.int64)
    group = np.unique(mine * (int(inspe.max(initial=0)) + 2) + inspe + 1, return_inverse=True)[1]
    data = replace(
        asked.data,
        facets={ELEMENT: element.astype(np.int64), **asked.data.facets},
        sizes={ELEMENT: len(key), **asked.data.sizes},
    )
    try:
        wish = Model((ELEMENT, "criterion"), (), thresholds, components={ELEMENT: part})
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            found = mml.fit(data, wish, group_means(group))
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return Drift(None, nothing, nothing, nothing, "not_estimable")
    return Drift(found, own, when, part)


def drift_table(asked: Design, found: Drift, level: float) -> tuple[pd.DataFrame, dict[str, Any]]:
    """``drift``: how far each trainer's severity in each session stands from the own mean over sessions.

    Against the mean of the trainers who rated in several sessions, island by island; errors are those of the sandwich,
    for a trainer's scores of one student move together. Also the row of the omnibus test, from the whole covariance.
    """
    test: dict[str, Any] = {
        "interaction": "trainer_session", "chi2": np.nan, "df": 0, "p": np.nan, "n_cells": 0, "n_flagged": 0,
        "reason": found.reason,
    }  # fmt: skip
    if found.fit is None:
        return pd.DataFrame(columns=COLUMNS), test
    fit = found.fit
    block = fit.plan.blocks[ELEMENT]
    usable = fit.plan.status[block.range] == ESTIMATED
    several = usable & (np.bincount(found.trainer[usable], minlength=int(found.trainer.max()) + 1)[found.trainer] > 1)
    rows = np.flatnonzero(several)
    both = _centring(found.part[rows], found.trainer[rows])
    place = np.full(len(fit.plan.status), -1)
    place[fit.plan.free] = np.arange(len(fit.plan.free))
    index = place[block.range][rows]
    value = both @ fit.value[block.range][rows]
    covariance = both @ fit.robust_covariance[np.ix_(index, index)] @ both.T
    se = np.sqrt(np.maximum(np.diag(covariance), 0))
    still = se < 1e-6
    value, se = np.where(still, np.nan, value), np.where(still, np.nan, se)
    omnibus = wald_chi2(value[~still], covariance[np.ix_(~still, ~still)])
    table = _rows(asked, found, rows, value, se, level)
    test |= {"chi2": omnibus.chi2, "df": omnibus.df, "p": omnibus.p, "n_cells": int((~still).sum())}
    flagged = int((table["p_adjusted"] < 0.05).sum())
    return table, {**test, "n_flagged": flagged, "reason": "" if omnibus.df > 0 else "one_session"}


def _centring(part: np.ndarray, trainer: np.ndarray) -> np.ndarray:
    """The projection that takes off the mean of each island and of each trainer (element,) at once."""
    marks = np.column_stack([codes[:, None] == np.unique(codes) for codes in (part, trainer)]).astype(float)
    return np.asarray(np.eye(len(part)) - marks @ np.linalg.pinv(marks.T @ marks, hermitian=True) @ marks.T)


def _rows(asked: Design, found: Drift, rows: Ints, value: np.ndarray, se: np.ndarray, level: float) -> pd.DataFrame:
    """A row for each trainer and session; those of trainers seen in one session only say so."""
    assert found.fit is not None
    data, n = found.fit.plan.data, len(found.trainer)
    code = data.facets[ELEMENT]
    change, error = np.full(n, np.nan), np.full(n, np.nan)
    change[rows], error[rows] = value, se
    with np.errstate(invalid="ignore"):
        p = 2 * norm.sf(np.abs(change / error))
    reach = norm.ppf((1 + level) / 2) * error
    names = np.array(asked.names["trainer"], dtype=object)
    sessions = np.array(asked.ratings.codes("session", asked.frame)[1], dtype=object)
    return pd.DataFrame(
        {
            "trainer": names[found.trainer],
            "session": sessions[found.session],
            "n_students": partners(code, data.student, n),
            "n_ratings": np.bincount(code, minlength=n),
            "severity_change": change,
            "se": error,
            "low": change - reach,
            "high": change + reach,
            "p": p,
            "p_adjusted": adjusted(p),
            "reason": np.where(np.isfinite(change), "", "one_session").astype(object),
        }
    )
