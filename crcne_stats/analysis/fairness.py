"""Does a criterion or a trainer treat groups of students differently?"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.analysis.fairness_contrasts import Comparisons, of_criteria, of_trainers
from crcne_stats.analysis.fairness_models import Compared, compared
from crcne_stats.analysis.fairness_notes import OTHERS, fairness_notes
from crcne_stats.analysis.severity_design import Design, design
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.contrasts import LARGE, NEGLIGIBLE, Contrasts
from crcne_stats.domain.frame import combined_codes
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

GROUPS = ("mention", "inspe", "session")
_THRESHOLDS = ("criterion", "shared")


def fairness(
    ratings: Ratings,
    *,
    group: Literal["mention", "inspe", "session"] = "mention",
    min_students: int = 30,
    min_cell: int = 10,
    alpha: float = 0.05,
    thresholds: Literal["criterion", "shared"] = "criterion",
) -> Result:
    """Differential functioning of criteria (DIF) and of trainers (DFF) between groups of students.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out.
    group
        The column whose values are compared: each with the mean of the others, or the second with the first of two.
    min_students
        A group with fewer students is set aside.
    min_cell
        A criterion or a trainer is tested when both sides of the comparison have that many students.
    alpha
        Share of false discoveries among what is pointed out.
    thresholds
        Of the model: each criterion its own, or shared; with shared ones, criteria whose levels work differently may
        look unfair where groups differ in ability.

    Returns
    -------
    Result
        ``tables["tests"]``: is there any difference at all? For criteria and for trainers, the test from whole students
        (``method`` "whole_students"), which halo does not mislead, and the likelihood ratio, which it does.

        ``tables["criteria"]``: ``group_gap``, by how many logits the criterion is harder for the group than for
        ``against``, at equal ability and severity, from the mean of the criteria that do not stand out; ``se``,
        ``low``, ``high``; ``group_gap_levels``, the same in levels (negative where the group gets lower ones); ``p``,
        ``p_adjusted`` (Benjamini & Hochberg over the table); ``fairness_verdict``: "large" and "moderate" stand out and
        exceed 0.64 or 0.43 logit (ETS classes C and B), "negligible" lies surely below 0.43 or stands out but is small
        (A), "unclear" could be either, "not_testable" has a ``reason``. ``n_students`` are those of the smaller side.

        ``tables["trainers"]``: the same for trainers, more severe with the group than with ``against`` when
        positive, each compared with the colleagues of the own INSPÉ who rated the same groups.

        ``tables["groups"]``: the groups, their numbers and mean levels; a difference there is no unfairness.

    Raises
    ------
    ValueError
        For another column, or numbers outside their range.

    Notes
    -----
    Many-facet Rasch models by marginal maximum likelihood, the trainer facet kept, with a free mean of ability for each
    group in each INSPÉ. Uniform differences only. Errors are clustered by student. Differences are relative: if all the
    criteria disadvantage a group alike, or all the trainers of an INSPÉ do, nothing in the ratings tells it from a
    weaker group. In an INSPÉ with few trainers, one who stands out pushes the colleagues the other way by as much as a
    share of them: with three, a gap of 1 logit shows as 0.67 and −0.33.

    References
    ----------
    Engelhard & Wind (2018), Invariant measurement with raters and rating scales. Zwick (2012),
    doi:10.1002/j.2333-8504.2012.tb02290.x (ETS classes). Meade (2010), doi:10.1037/a0018966 (effect in levels).
    Candell & Drasgow (1988), doi:10.1177/014662168801200305 (purified centre). Benjamini & Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    if group not in GROUPS or min_students < 2 or min_cell < 2 or not 0 < alpha < 1 or thresholds not in _THRESHOLDS:
        raise ValueError(f"group is one of {', '.join(GROUPS)}, numbers of students are 2 or more, alpha lies in 0–1")
    settings: dict[str, Any] = {
        "group": group, "min_students": min_students, "min_cell": min_cell, "alpha": alpha, "thresholds": thresholds,
    }  # fmt: skip
    inputs = {"ratings": ratings}
    if not ratings.known(group):
        return Result("fairness", settings=settings | {"reason": "column_unknown"}, inputs=inputs)
    groups = _groups(ratings, group, min_students)
    kept = _kept(ratings, group, groups)
    reason = "one_group" if (groups["reason"] == "").sum() < 2 else _flat(kept)
    if reason:
        return Result("fairness", settings=settings | {"reason": reason}, inputs=inputs)
    asked = design(kept, (group,))
    criteria, trainers = compared(asked, group, thresholds)
    found = (of_criteria(asked, group, criteria, min_cell, alpha), of_trainers(asked, group, trainers, min_cell))
    tables = {
        "tests": pd.DataFrame([*_tests("criterion_group", criteria, found[0], alpha),
                               *_tests("trainer_group", trainers, found[1], alpha)]),
        "criteria": _table("criterion", asked, group, criteria, found[0], alpha),
        "trainers": _table("trainer", asked, group, trainers, found[1], alpha),
        "groups": groups,
    }  # fmt: skip
    notes = fairness_notes(tables, group, criteria.converged and trainers.converged)
    return Result("fairness", tables, notes, settings, inputs)


def _groups(ratings: Ratings, by: str, least: int) -> pd.DataFrame:
    """The groups with their numbers; those that are too small have a remark."""
    frame = ratings.scored
    frame = frame[frame[by].notna()]
    person = pd.Series(combined_codes(frame, ("session", "student")), index=frame.index)
    table = frame.assign(person=person).groupby(by, observed=True).agg(
        n_students=("person", "nunique"), n_trainers=("trainer", "nunique"), n_ratings=("score", "size"),
        mean=("score", "mean"), sd=("score", "std"),
    ).reset_index()  # fmt: skip
    table[by] = table[by].astype(object)
    return table.assign(reason=np.where(table["n_students"] < least, "group_too_small", "").astype(object))


def _kept(ratings: Ratings, by: str, groups: pd.DataFrame) -> Ratings:
    """The ratings of the groups that are compared."""
    names = groups.loc[groups["reason"] == "", by]
    keep = ratings.frame[by].isin(names) & ratings.frame["criterion"].isin(ratings.criteria)
    return ratings.where(keep)


def _flat(kept: Ratings) -> str:
    """Why no model can be fitted, empty where one can."""
    if not len(kept):
        return "no_ratings"
    varies = kept.frame.groupby("criterion", observed=True)["score"].nunique() > 1
    return "" if varies.any() else "constant_scores"


def _table(facet: str, asked: Design, by: str, fits: Compared, found: Comparisons, alpha: float) -> pd.DataFrame:
    """A row for each comparison, tested or not."""
    contrasts, place = found.contrasts, np.cumsum(found.tested) - 1
    low, high = contrasts.interval()
    adjusted_p, names = adjusted(contrasts.p), asked.names
    verdicts = _verdicts(contrasts, adjusted_p, alpha)
    rows = []
    for i, (element, g) in enumerate(zip(found.element, found.group, strict=True)):
        row: dict[str, Any] = {facet: names[facet][element]}
        if facet == "trainer":
            row["trainer_inspe"] = found.home[i]
        row |= {by: names[by][g], "against": OTHERS if found.versus[i] < 0 else names[by][found.versus[i]]}
        row |= {"n_students": int(found.smaller[i]), "n_ratings": int(found.ratings[i])}
        if found.tested[i]:
            k = place[i]
            value = float(contrasts.value[k])
            row |= {
                "group_gap": value, "se": float(contrasts.se[k]), "low": float(low[k]), "high": float(high[k]),
                "group_gap_levels": fits.levels_apart(int(found.cell[i]), value), "p": float(contrasts.p[k]),
                "p_adjusted": float(adjusted_p[k]), "fairness_verdict": verdicts[k], "reason": "",
            }  # fmt: skip
        else:
            row |= dict.fromkeys(("group_gap", "se", "low", "high", "group_gap_levels", "p", "p_adjusted"), np.nan)
            row |= {"fairness_verdict": "not_testable", "reason": found.reason[i]}
        rows.append(row)
    table = pd.DataFrame(rows)
    if facet == "trainer":
        table["trainer_inspe"] = table["trainer_inspe"].astype(object)
    return table


def _verdicts(contrasts: Contrasts, adjusted_p: np.ndarray, alpha: float) -> np.ndarray:
    """How much a difference matters; what may be anything is "unclear"."""
    low, high = contrasts.interval()
    size, out = np.abs(contrasts.value), adjusted_p < alpha
    within = (low > -NEGLIGIBLE) & (high < NEGLIGIBLE)
    large = out & (size >= LARGE) & (contrasts.beyond(NEGLIGIBLE) < alpha)
    moderate = out & (size >= NEGLIGIBLE)
    return np.select(
        [large, moderate, within | (out & (size < NEGLIGIBLE))], ["large", "moderate", "negligible"], "unclear"
    ).astype(object)


def _tests(interaction: str, fits: Compared, found: Comparisons, alpha: float) -> list[dict[str, Any]]:
    n = int(found.tested.sum())
    flagged = int((adjusted(found.contrasts.p) < alpha).sum())
    reason = "" if n else (str(found.reason[0]) if len(found.reason) else "no_ratings")
    rows = []
    for method, numbers in (("whole_students", found.contrasts.omnibus()), ("likelihood_ratio", fits.likelihood_ratio)):
        statistic, df, p = numbers if n else (np.nan, np.nan, np.nan)
        rows.append(
            {
                "interaction": interaction, "method": method, "chi2": statistic, "df": df, "p": p, "n_cells": n,
                "n_flagged": flagged, "reason": (reason or "no_interaction") if np.isnan(p) else "",
            }
        )  # fmt: skip
    return rows
