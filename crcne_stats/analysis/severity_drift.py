"""Does a trainer's severity move from one session to the next?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.graph import components, distinct_pairs, partners
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.design import Floats, Ints, Model
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.rasch.summaries import wald_chi2

MOST = 5000
"""With more pairs of a trainer and a session than this, drift is not estimated: memory grows with their square."""
ELEMENT = "trainer_session"
COLUMNS = [
    "trainer", "session", "n_students", "n_ratings", "severity_change", "se", "low", "high", "p", "p_adjusted",
    "reason",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drift:
    """Severities of trainers in each session.

    ``trainer`` and ``session`` (element,) of each; ``part`` (element,) the island that it lies in: each session is one
    at least, for no student belongs to two. ``value`` (element,) is NaN without an estimate; ``covariance`` (element,
    element) is the sandwich's, nil across sessions. ``students`` and ``ratings`` (element,) are its numbers;
    ``reason`` says why there is nothing.
    """

    trainer: Ints
    session: Ints
    part: Ints
    value: Floats
    covariance: Floats
    students: Ints
    ratings: Ints
    reason: str = ""


def _nothing(reason: str) -> Drift:
    no, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Drift(no, no, no, none, np.zeros((0, 0)), no, no, reason)


def drift(asked: Design, thresholds: str) -> Drift:
    """A fit for each session, with a free mean for the students of each INSPÉ (in each island).

    So neither a stronger cohort, nor a stronger INSPÉ, nor criteria that have become harder turn into drift; what is
    left is how far a trainer moved against the other trainers.
    """
    session, labels = asked.ratings.codes("session", asked.frame)
    if len(labels) < 2 or (session < 0).any():
        return _nothing("one_session")
    trainer, student = asked.data.facets["trainer"], asked.data.student
    key, element = np.unique(trainer * len(labels) + session, return_inverse=True)
    own, when = np.divmod(key, len(labels))
    if len(own) == len(np.unique(own)):
        return _nothing("one_session")
    if len(key) > MOST:
        return _nothing("too_many_elements")
    element = element.astype(np.int64)
    mine, part = components(*distinct_pairs(student, element), asked.data.n_students, len(key))
    inspe = asked.people["inspe"].cat.codes.to_numpy().astype(np.int64)
    group = mine * (int(inspe.max(initial=0)) + 2) + inspe + 1
    value, covariance = np.full(len(key), np.nan), np.zeros((len(key), len(key)))
    for each in range(len(labels)):
        members, rows = np.flatnonzero(when == each), np.flatnonzero(session == each)
        found = _fit(asked, thresholds, rows, np.searchsorted(members, element[rows]), group, part[members])
        if found is not None:
            block = found.plan.blocks[ELEMENT].range
            free = np.flatnonzero(found.plan.status[block] == ESTIMATED)
            place = np.searchsorted(found.plan.free, free + block.start)
            value[members[free]] = found.value[block][free]
            covariance[np.ix_(members[free], members[free])] = found.robust_covariance[np.ix_(place, place)]
    if np.isnan(value).all():
        return _nothing("not_estimable")
    numbers = partners(element, student, len(key)), np.bincount(element, minlength=len(key))
    return Drift(own, when, part, value, covariance, *numbers)


def _fit(asked: Design, thresholds: str, rows: Ints, element: Ints, group: Ints, part: Ints) -> mml.Fit | None:
    """The fit of one session's ratings ``rows``; None where there is none.

    ``element`` (row,) and ``part`` (element,) are the session's own; ``group`` (student,) those of all.
    """
    data = asked.data
    people, student = np.unique(data.student[rows], return_inverse=True)
    own = replace(
        data,
        student=student.astype(np.int64),
        facets={ELEMENT: element, **{name: codes[rows] for name, codes in data.facets.items()}},
        score=data.score[rows],
        n_students=len(people),
        sizes={ELEMENT: len(part), **data.sizes},
        weight=None if data.weight is None else data.weight[rows],
    )
    try:
        wish = Model((ELEMENT, "criterion"), (), thresholds, components={ELEMENT: part})
        means = group_means(np.unique(group[people], return_inverse=True)[1])
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return mml.fit(own, wish, means)
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None


def drift_table(asked: Design, found: Drift, level: float) -> tuple[pd.DataFrame, dict[str, Any]]:
    """``drift``: how far each trainer's severity in each session stands from the own mean over sessions.

    Against the mean of the trainers who rated in several sessions, island by island; errors are those of the sandwich,
    for a trainer's scores of one student move together. Also the row of the omnibus test, from the whole covariance.
    """
    test: dict[str, Any] = {
        "interaction": "trainer_session", "chi2": np.nan, "df": 0, "p": np.nan, "n_cells": 0, "n_flagged": 0,
        "reason": found.reason,
    }  # fmt: skip
    if found.reason:
        return pd.DataFrame(columns=COLUMNS), test
    usable = np.isfinite(found.value)
    several = usable & (np.bincount(found.trainer[usable], minlength=int(found.trainer.max()) + 1)[found.trainer] > 1)
    rows = np.flatnonzero(several)
    value, covariance = _centred(
        found.value[rows], found.covariance[np.ix_(rows, rows)], found.part[rows], found.trainer[rows]
    )
    se = np.sqrt(np.maximum(np.diag(covariance), 0))
    still = se < 1e-6
    value, se = np.where(still, np.nan, value), np.where(still, np.nan, se)
    omnibus = wald_chi2(value[~still], covariance[np.ix_(~still, ~still)])
    table = _rows(asked, found, rows, value, se, level)
    test |= {"chi2": omnibus.chi2, "df": omnibus.df, "p": omnibus.p, "n_cells": int((~still).sum())}
    flagged = int((table["p_adjusted"] < 0.05).sum())
    return table, {**test, "n_flagged": flagged, "reason": "" if omnibus.df > 0 else "one_session"}


def _centred(value: Floats, covariance: Floats, part: Ints, trainer: Ints) -> tuple[Floats, Floats]:
    """Values (element,) less the means of their island and of their trainer at once, and their covariance.

    The projection that takes the means off is I − M G Mᵀ, M having two ones in each row: it is never written out.
    """
    codes = [np.unique(each, return_inverse=True)[1] for each in (part, trainer)]
    columns = np.concatenate([codes[0], codes[1] + codes[0].max(initial=-1) + 1])
    marks = sparse.csr_array((np.ones(len(columns)), (np.tile(np.arange(len(value)), 2), columns)))
    inverse = np.linalg.pinv((marks.T @ marks).toarray(), hermitian=True)
    value = value - marks @ (inverse @ (marks.T @ value))
    half = inverse @ (marks.T @ covariance)
    whole = half @ marks @ inverse
    covariance = covariance - marks @ half
    covariance -= half.T @ marks.T
    covariance += marks @ (marks @ whole.T).T
    return value, covariance


def _rows(asked: Design, found: Drift, rows: Ints, value: Floats, se: Floats, level: float) -> pd.DataFrame:
    """A row for each trainer and session; those of trainers seen in one session only say so."""
    n = len(found.trainer)
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
            "n_students": found.students,
            "n_ratings": found.ratings,
            "severity_change": change,
            "se": error,
            "low": change - reach,
            "high": change + reach,
            "p": p,
            "p_adjusted": adjusted(p),
            "reason": np.where(np.isfinite(change), "", "one_session").astype(object),
        }
    )
