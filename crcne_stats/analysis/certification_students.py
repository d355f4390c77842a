"""The students of ``certification``: risks, levels deserved, and the list for a jury. Private."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_data import DEFINITIONS, like_cuts
from crcne_stats.analysis.certification_risk import PARTS, RISKS, Case, risk
from crcne_stats.analysis.student_pairs import level_keys
from crcne_stats.core import decisions
from crcne_stats.core.award_risk import parameter_variance
from crcne_stats.core.deserved import Cumulants, above
from crcne_stats.core.graph import distinct_pairs


def student_tables(case: Case, error: float, n_panel: int, seed: int) -> dict[str, pd.DataFrame]:
    """``students``, ``posterior`` and ``review``, which name students and are never published."""
    ladder = level_keys(case.framework)
    known = np.flatnonzero(case.person >= 0)
    person = case.person[known]
    lead = case.reach[DEFINITIONS[0]]
    chance = _chances(lead.share[person])
    frame = case.frame.iloc[known]
    about = {name: frame[name].astype(object).to_numpy() for name in ("student", "session", "inspe", "mention")}
    given = case.pairs["inspe"].to_numpy()[known]
    n_trainers = trainers_met(case)[0]
    table = pd.DataFrame(about).assign(
        n_trainers=n_trainers[person],
        inspe_level=_named(given, ladder),
        state=np.array(decisions.STATES, dtype=object)[case.state[known]],
        joint_level=_named(case.level[known], ladder),
        deserved_level=_named(chance.argmax(axis=1), ladder),
    )
    for part in PARTS:
        for kind in RISKS:
            found, _ = risk(case, part, DEFINITIONS[0], kind, error)
            values = np.full(len(case.pairs), np.nan)
            values[case.rows(part)] = found.chance
            table[f"inspe_{kind}" if part == "inspe" else kind] = values[known]
    table["reason"] = np.where(np.isnan(table["too_high"]), "nobody_decided_yet", "").astype(object)
    posterior = pd.DataFrame(
        {
            "student": np.repeat(about["student"], len(ladder)),
            "session": np.repeat(about["session"], len(ladder)),
            "level": np.tile(np.array(ladder, dtype=object), len(known)),
            "probability": chance.ravel(),
        }
    )
    return {"students": table, "posterior": posterior, "review": review_table(case, table, n_panel, seed)}


def review_table(case: Case, table: pd.DataFrame, n_panel: int, seed: int) -> pd.DataFrame:
    """``review``: students whose level would change if the trainers they met had severity zero.

    A level is the one that as many trainers mostly give at the student's ability, so that rounding and the number of
    trainers stay what they were. A student is listed when trainers of severity zero would mostly give another level
    than the one given, and trainers as severe as those met would not.
    """
    rows = np.flatnonzero((case.person >= 0) & (case.pairs["inspe"] >= 0) & ~case.pairs["waiting"])
    person, given = case.person[rows], case.pairs["inspe"].to_numpy()[rows]
    size, met = trainers_met(case)
    chance, same = np.zeros((len(rows), case.yard.n_levels)), np.zeros(len(rows), dtype=np.int64)
    for seats in np.unique(size[person]):
        mine = size[person] == seats
        who = person[mine]
        cut = like_cuts(case.yard, case.between.halo, int(seats), case.framework.rules.trainers, n_panel, seed)
        variance = _ability_variance(case)[who]
        chance[mine] = level_chances_at(case, who, cut + np.zeros((len(who), 1)), variance)
        same[mine] = level_chances_at(case, who, cut + met[who, None], variance).argmax(axis=1)
    likely = chance.argmax(axis=1)
    listed = np.flatnonzero((likely != given) & (same != likely))
    up = (likely > given)[listed]
    below = np.cumsum(chance[listed], axis=1)[np.arange(len(listed)), np.where(up, given[listed], given[listed] - 1)]
    sure = np.where(up, 1 - below, below)
    order = np.argsort(-sure, kind="stable")
    listed, sure = listed[order], sure[order]
    place = np.cumsum(case.person >= 0) - 1  # rows of ``table``
    names = ["student", "session", "inspe", "n_trainers", "inspe_level"]
    found = table.iloc[place[rows[listed]]][names].reset_index(drop=True)
    ladder = level_keys(case.framework)
    return found.assign(
        adjusted_level=_named(likely[listed], ladder), severity_met=met[person[listed]], probability=sure
    )


def level_chances_at(case: Case, person: np.ndarray, cut: np.ndarray, further: np.ndarray) -> np.ndarray:
    """Chance of each level (row, level) of persons (row,) with boundaries of their own (row, cut)."""
    moments = case.found.moments
    own = Cumulants(*(part[person] for part in (moments.mean, moments.variance, moments.third, moments.fourth)))
    share = above(own, np.clip(cut, -1e3, 1e3), further[:, None])[0]
    return _chances(np.hstack([np.ones((len(share), 1)), share]))


def _ability_variance(case: Case) -> np.ndarray:
    """What the error of the parameters adds to the variance of ability (person,)."""
    gradient = case.reach[DEFINITIONS[0]].gradient
    return parameter_variance(gradient, np.zeros((1, gradient.shape[1])), case.covariance)[:, 0]


def trainers_met(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Number of trainers of each person (person,), and their mean severity on the scale of the person's ability."""
    data = case.measured.fitted.asked.data
    who, trainer = distinct_pairs(data.student, data.facets["trainer"])
    severity = np.nan_to_num(case.measured.scale.severity)
    size = np.bincount(who, minlength=data.n_students)
    return size, np.bincount(who, severity[trainer], minlength=data.n_students) / np.maximum(size, 1)


def _chances(reach: np.ndarray) -> np.ndarray:
    """Chance of each level from that of each level or more."""
    return np.asarray(-np.diff(np.hstack([reach, np.zeros((len(reach), 1))]), axis=1)) + 0.0


def _named(codes: np.ndarray, ladder: list[str]) -> np.ndarray:
    return np.array([*ladder, None], dtype=object)[codes]
