"""Does a criterion or a trainer treat groups of students differently?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.analysis.fairness_contrasts import Comparisons, of_criteria, of_slopes, of_trainers
from crcne_stats.analysis.fairness_models import Compared, criteria_before, trainers_before, without_groups
from crcne_stats.analysis.fairness_notes import OTHERS, fairness_notes, left_out_notes
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
    group: Sequence[str] = "mention",
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
        The column whose values are compared ("mention", "inspe" or "session"), or several: each value with the mean of
        the others, or the second with the first of two.
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

        ``tables["slopes"]``: ``gap_slope``, by how many logits the gap of a criterion grows for each logit of ability:
        0 where it is the same for weak and able students (uniform), from the criteria that do not stand out; one step
        from the model, so that large slopes come out too small.

        ``tables["groups"]``: the groups, their numbers and mean levels; a difference there is no unfairness.

        ``group_by`` is the column compared, ``group`` its value, in every table.

    Raises
    ------
    ValueError
        For another column, or numbers outside their range.

    Notes
    -----
    Many-facet Rasch models by marginal maximum likelihood, the trainer facet kept, with a free mean of ability for each
    group in each INSPÉ. Errors are clustered by student. Differences are relative: if all the
    criteria disadvantage a group alike, or all the trainers of an INSPÉ do, nothing in the ratings tells it from a
    weaker group. In an INSPÉ with few trainers, one who stands out pushes the colleagues the other way by as much as a
    share of them: with three, a gap of 1 logit shows as 0.67 and −0.33.

    References
    ----------
    Engelhard & Wind (2018), Invariant measurement with raters and rating scales. Zwick (2012),
    doi:10.1002/j.2333-8504.2012.tb02290.x (ETS classes). Meade (2010), doi:10.1037/a0018966 (effect in levels).
    Candell & Drasgow (1988), doi:10.1177/014662168801200305 (purified centre). Muraki (1992),
    doi:10.1177/014662169201600206 (slopes, one step from the model). Benjamini & Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    columns = [group] if isinstance(group, str) else list(dict.fromkeys(group))
    known = bool(columns) and set(columns) <= set(GROUPS)
    if not known or min_students < 2 or min_cell < 2 or not 0 < alpha < 1 or thresholds not in _THRESHOLDS:
        raise ValueError(f"group is one of {', '.join(GROUPS)}, numbers of students are 2 or more, alpha lies in 0–1")
    settings: dict[str, Any] = {
        "group": columns, "min_students": min_students, "min_cell": min_cell, "alpha": alpha, "thresholds": thresholds,
    }  # fmt: skip
    inputs = {"ratings": ratings}
    parts = [_compared(ratings, by, settings) for by in columns]
    answered = [part for part in parts if not part.reason]
    if not answered:
        return Result("fairness", settings=settings | {"reason": parts[0].reason}, inputs=inputs)
    tables = {
        name: pd.concat([part.tables[name] for part in parts if name in part.tables], ignore_index=True)
        for name in answered[0].tables
    }
    notes = [note for part in answered for note in fairness_notes(part.tables, part.by, part.converged)]
    return Result("fairness", tables, [*notes, *left_out_notes(tables["tests"])], settings, inputs)


@dataclass(frozen=True, eq=False)
class _Part:
    """The comparison of the values of one column; ``reason`` says why there is none."""

    by: str
    tables: dict[str, pd.DataFrame]
    converged: bool = True
    reason: str = ""


def _compared(ratings: Ratings, by: str, settings: dict[str, Any]) -> _Part:
    alpha, least = settings["alpha"], settings["min_cell"]
    if not ratings.known(by):
        return _nothing(by, "column_unknown")
    groups = _groups(ratings, by, settings["min_students"])
    kept = _kept(ratings, by, groups)
    reason = "one_group" if (groups["reason"] == "").sum() < 2 else _flat(kept)
    if reason:
        return _nothing(by, reason)
    asked, thresholds = design(kept, (by,)), settings["thresholds"]
    null = without_groups(asked, by, thresholds)
    # One model after the other: two do not fit the memory with the students of a country.
    harder = _of_criteria(asked, by, criteria_before(asked, by, thresholds, null), least, alpha)
    harsher = _of_trainers(asked, by, trainers_before(asked, by, thresholds, null), least, alpha)
    tables = {
        "tests": pd.DataFrame([*harder.tests, *harsher.tests, *harder.further]),
        "criteria": harder.tables["criteria"],
        "trainers": harsher.tables["trainers"],
        "slopes": harder.tables["slopes"],
        "groups": groups.rename(columns={by: "group"}),
    }
    for table in tables.values():
        table.insert(int(table.columns[0] in ("criterion", "trainer")), "group_by", by)
    return _Part(by, tables, harder.converged and harsher.converged)


@dataclass(frozen=True, eq=False)
class _Facet:
    """What a facet answers: rows of ``tests``, those of ``further`` tests after the other facet's, and tables."""

    tests: list[dict[str, Any]]
    tables: dict[str, pd.DataFrame]
    converged: bool
    further: list[dict[str, Any]] = field(default_factory=list)


def _of_criteria(asked: Design, by: str, fits: Compared, least: int, alpha: float) -> _Facet:
    found = of_criteria(asked, by, fits, least, alpha)
    growing = of_slopes(fits, found, alpha)
    tables = {
        "criteria": _table("criterion", asked, by, fits, found, alpha),
        "slopes": _slope_table(asked, by, found, growing),
    }
    tests = _tests("criterion_group", fits, found, found.contrasts, alpha)
    return _Facet(tests, tables, fits.converged, _tests("criterion_group_ability", None, found, growing, alpha))


def _of_trainers(asked: Design, by: str, fits: Compared, least: int, alpha: float) -> _Facet:
    found = of_trainers(asked, by, fits, least)
    tests = _tests("trainer_group", fits, found, found.contrasts, alpha)
    return _Facet(tests, {"trainers": _table("trainer", asked, by, fits, found, alpha)}, fits.converged)


def _nothing(by: str, reason: str) -> _Part:
    """The tests that cannot be made on a column."""
    row = {"group_by": by, "n_cells": 0, "n_flagged": 0, "reason": reason}
    names = ("criterion_group", "trainer_group")
    tests = pd.DataFrame([{**row, "interaction": name, "method": "whole_students"} for name in names])
    return _Part(by, {"tests": tests}, reason=reason)


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
        row |= _sides(names[by], g, found.versus[i])
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


def _sides(names: list[str], group: int, versus: int) -> dict[str, str]:
    return {"group": names[group], "against": OTHERS if versus < 0 else names[versus]}


def _slope_table(asked: Design, by: str, found: Comparisons, growing: Contrasts) -> pd.DataFrame:
    """A row for each comparison of a criterion: whether the gap is the same for weak and able students."""
    low, high = growing.interval()
    known = growing.se > 0
    numbers = {
        "gap_slope": growing.value, "se": growing.se, "low": low, "high": high, "p": growing.p,
        "p_adjusted": adjusted(np.where(known, growing.p, np.nan)),
    }  # fmt: skip
    place, rows = np.cumsum(found.tested) - 1, []
    for i, (element, g) in enumerate(zip(found.element, found.group, strict=True)):
        row: dict[str, Any] = {"criterion": asked.names["criterion"][element]}
        row |= _sides(asked.names[by], g, found.versus[i])
        row |= {"n_students": int(found.smaller[i]), "n_ratings": int(found.ratings[i])}
        there = bool(found.tested[i] and known[place[i]])
        row |= {name: float(column[place[i]]) if there else np.nan for name, column in numbers.items()}
        rows.append(row | {"reason": "" if there else str(found.reason[i]) or "no_spread"})
    return pd.DataFrame(rows)


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


def _tests(
    interaction: str, fits: Compared | None, found: Comparisons, contrasts: Contrasts, alpha: float
) -> list[dict[str, Any]]:
    """The omnibus tests of an interaction; only the one from whole students without ``fits``."""
    n = int(found.tested.sum())
    flagged = int((adjusted(contrasts.p) < alpha).sum())
    reason = "" if n else (str(found.reason[0]) if len(found.reason) else "no_ratings")
    answers = {"whole_students": contrasts.omnibus()}
    answers |= {} if fits is None else {"likelihood_ratio": fits.likelihood_ratio}
    rows = []
    for method, numbers in answers.items():
        statistic, df, p = numbers if n else (np.nan, np.nan, np.nan)
        rows.append(
            {
                "interaction": interaction, "method": method, "chi2": statistic, "df": df, "p": p, "n_cells": n,
                "n_flagged": flagged, "reason": (reason or "no_interaction") if np.isnan(p) else "",
            }
        )  # fmt: skip
    return rows
