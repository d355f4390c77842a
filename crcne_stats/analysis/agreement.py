"""Do trainers agree, criterion by criterion?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.agreement_further import check_further, further_tables
from crcne_stats.analysis.agreement_further_notes import further_notes
from crcne_stats.analysis.agreement_groups import LIGHT, Array, Draws, Group, Question
from crcne_stats.analysis.agreement_groups import groups as group_counts
from crcne_stats.analysis.agreement_notes import agreement_notes
from crcne_stats.core import agreement as core
from crcne_stats.core import pairs as pairwise
from crcne_stats.core.agreement_resamples import Asked, answers, resampled
from crcne_stats.core.counts import Counts
from crcne_stats.core.weights import CUSTOM
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

DEFAULT = ("percent", "conger", "fleiss", "brennan_prediger", "gwet_ac", "krippendorff")
NAMES = (*core.COEFFICIENTS, LIGHT)
GROUPS = ("inspe", "trainer_inspe", "mention", "session")
ENOUGH_STUDENTS = 5
"""Fewer students rated twice than this carry no interval."""
DEFINED_SHARE = 0.9
"""An interval needs the coefficient to exist in this share of the resamples."""
BENCHMARK = 2 / 3
NAN = float("nan")


def agreement(
    ratings: Ratings,
    *,
    by: str | None = "criterion",
    coefficients: Sequence[str] | None = None,
    weights: Any = "quadratic",
    resamples: int = 2000,
    seed: int = 1,
    level: float = 0.95,
    criteria: Sequence[str] | None = None,
    benchmark: float = BENCHMARK,
    group: Literal["inspe", "trainer_inspe", "mention", "session", "occasion"] | None = None,
    adjustment: Literal["holm", "benjamini_hochberg", "none"] = "holm",
    half_width: float = 0.1,
    multiverse: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Agreement between trainers, on any number of them and any pattern of missing ratings.

    Parameters
    ----------
    ratings
        What was rated. What is compared is a file: a student in one session on one occasion.
    by
        "criterion": one answer per criterion. None: one answer, each criterion of each file being a thing rated.
        "inspe", "trainer_inspe", "mention" or "session": one answer per criterion and value of that column.
    coefficients
        Of percent, cohen, scott, light, conger, fleiss, brennan_prediger, gwet_ac, krippendorff; by default those that
        are defined for any number of trainers.
    weights
        How disagreements count by their size: identity, linear, quadratic, ordinal (Gwet), radical, ratio, circular,
        bipolar, krippendorff_ordinal, or a symmetric matrix of shape (level, level) with ones on its diagonal. Weights
        follow the scores of the framework, gaps included; a level that nobody used still counts.
    resamples
        Bootstrap resamples of students, for percentile intervals. 0: Gwet's linearised error and t intervals instead,
        as R irrCAC gives them (there the share of files rated twice is held fixed, which makes them wide where few
        are).
    seed
        Same seed, same numbers.
    level
        Level of the intervals.
    criteria
        Keys of the criteria to ask about; by default all that count in totals (not those with role "global").
    benchmark
        The notes say which criteria lie below it, interval and all. The default, 0.667, is the least at which
        Krippendorff (2019) draws tentative conclusions.
    group
        Column whose values are compared: does agreement differ between INSPÉ, mentions or sessions, or between the
        occasions before and after a meeting?
    adjustment
        How p values are corrected for the number of comparisons: "holm" (Holm 1979), "benjamini_hochberg" or "none".
    half_width
        Half-width of the interval for which ``tables["sample_size"]`` tells the students needed.
    multiverse
        Whether every criterion is also put under all other reasonable choices.

    Returns
    -------
    Result
        ``tables["agreement"]``: one row per criterion and coefficient. ``pa`` is observed and ``pe`` chance agreement,
        ``value`` = (pa − pe) / (1 − pe). ``n_students``, ``n_trainers`` and ``n_ratings`` are those that the
        coefficient uses; ``n_double`` counts the students who have a file rated twice or more, on whom alone observed
        agreement rests. ``reason`` says why a number is missing or must be read with care.
        ``tables["levels"]``: for each level, ``specific`` (where one trainer gave it, how often another of the same
        file did) and ``level_kappa`` (Fleiss' kappa of that level against all others).
        ``tables["pairs"]``: for each two trainers with a common file, over all the criteria asked: share of equal
        scores, Cohen's kappa and the mean difference in levels (first minus second).
        ``tables["benchmark"]``: the words of four scales for the first coefficient of krippendorff, fleiss, conger …
        that was asked: naive, at the bounds of the interval, and deserved with 95 % probability.
        ``tables["multiverse"]``, ``["multiverse_summary"]``: the conclusion against ``benchmark`` under every
        coefficient, weighting, reading of absent ratings and panel, and how often it flips.
        ``tables["differences"]``: criteria two by two, ``contrast`` = first less second; ``tables["groups"]``: each
        value of ``group``, ``contrast`` = it less all the others; ``tables["omnibus"]``: the tests that all are equal.
        ``tables["margins"]``: do two trainers use the levels alike; ``difference`` in levels, first minus second.
        ``tables["sample_size"]``: students rated twice that an interval of ± ``half_width`` needs.
        ``model`` (by="criterion", with resamples): the resampled values, shape (resample, criterion, coefficient); the
        same students are drawn for all criteria, so that differences and orders of criteria can be read off them.

    Raises
    ------
    ValueError
        For an unknown coefficient, weight, column or criterion, and for a matrix that does not fit the scale.

    Notes
    -----
    Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed.; Krippendorff, K. (2019), Content Analysis, 4th
    ed. The bootstrap draws students, with all that belongs to them: the inference is to other students rated by these
    trainers.
    """
    names = _checked(by, coefficients, level, resamples)
    check_further(group, adjustment, half_width)
    chosen = _chosen(ratings, criteria)
    settings = {
        "by": by, "coefficients": list(names), "weights": weights if isinstance(weights, str) else CUSTOM,
        "resamples": int(resamples), "seed": seed, "level": level, "criteria": chosen, "benchmark": benchmark,
        "group": group, "adjustment": adjustment, "half_width": half_width, "multiverse": multiverse,
    }  # fmt: skip
    if settings["weights"] == CUSTOM:
        settings["weights_matrix"] = np.asarray(weights, dtype=float).tolist()
    inputs = {"ratings": ratings}
    if by in GROUPS and not ratings.known(str(by)):
        return Result("agreement", settings={**settings, "reason": "column_unknown"}, inputs=inputs)
    groups = group_counts(ratings, chosen, by, weights)
    n_students = len(ratings.codes("student")[1])
    asked = [(group, asked) for group in groups for asked in group.asked(names)]
    drawn = (
        resampled([(a.counts, a.what) for _, a in asked], n_students, resamples, seed, progress) if resamples else []
    )
    for number, (own, question) in enumerate(asked):
        own.found.append((question, drawn[number] if resamples else None))
    tables = {
        "agreement": _agreement_table(groups, names, settings, by),
        "levels": _level_table(groups, settings, by),
    }
    tables |= further_tables(ratings, chosen, groups, tables["agreement"], weights, settings)
    model = _draws(groups, names) if resamples and by == "criterion" else None
    notes = [*agreement_notes(ratings, chosen, tables, settings, model), *further_notes(tables, settings)]
    return Result("agreement", tables, notes, settings, inputs, model)


def _draws(groups: list[Group], names: Sequence[str]) -> Draws:
    """The resamples of every criterion side by side; the same students are drawn for all of them."""
    found = [[_where(group, name) for name in names] for group in groups]
    size = max((len(drawn) for row in found for _, drawn, _ in row if drawn is not None), default=0)
    values = np.full((size, len(groups), len(names)), np.nan)
    for g, row in enumerate(found):
        for c, (_, drawn, column) in enumerate(row):
            if drawn is not None:
                values[:, g, c] = drawn[:, column]
    return Draws(tuple(group.labels["criterion"] for group in groups), tuple(names), values)


def _checked(by: str | None, coefficients: Sequence[str] | None, level: float, resamples: int) -> tuple[str, ...]:
    names = DEFAULT if coefficients is None else tuple(coefficients)
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise ValueError(f"unknown coefficients {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if by is not None and by not in ("criterion", *GROUPS):
        raise ValueError(f"unknown by {by!r}; there are criterion, None, {', '.join(GROUPS)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    if resamples < 0 or resamples == 1:
        raise ValueError(f"resamples must be 0 or more than 1, not {resamples}")
    return names


def _chosen(ratings: Ratings, criteria: Sequence[str] | None) -> list[str]:
    known = [criterion.key for criterion in ratings.framework.criteria]
    wanted = ratings.criteria if criteria is None else list(criteria)
    unknown = [key for key in wanted if key not in known]
    if unknown or not wanted:
        raise ValueError(f"unknown criteria {', '.join(unknown)}; there are {', '.join(known)}")
    return [key for key in known if key in wanted]


def _agreement_table(
    groups: list[Group], names: Sequence[str], settings: dict[str, Any], by: str | None
) -> pd.DataFrame:
    rows = [
        {**group.labels, "coefficient": name, "weights": settings["weights"], **_estimate(group, name, settings)}
        for group in groups
        for name in names
    ]
    return _typed(pd.DataFrame(rows), by)


def _estimate(group: Group, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Columns value … reason of one row."""
    entry = core.COEFFICIENTS.get(name)
    data = group.counts
    pairable_only = entry is None or entry.files != "rated"
    row = {
        "value": NAN, "se": NAN, "low": NAN, "high": NAN, "pa": NAN, "pe": NAN,
        "n_students": data.n_students_pairable if pairable_only else data.n_students,
        "n_double": data.n_students_pairable,
        "n_trainers": data.n_trainers_pairable if pairable_only else data.n_trainers,
        "n_ratings": data.n_ratings_pairable if pairable_only else data.n_ratings,
        "method": "bootstrap" if settings["resamples"] else "linearised",
        "reason": group.reason,
    }  # fmt: skip
    if group.reason:
        return row
    question, drawn, column = _where(group, name)
    if question is None:
        return {**row, "reason": "too_many_pairs" if name == LIGHT else "not_two_trainers"}
    point = _point(question, name)
    row |= {"value": point[0], "pa": point[1], "pe": point[2]}
    row["reason"] = _reservation(question.counts, point[0])
    if not row["reason"]:
        row |= _interval(question, name, None if drawn is None else drawn[:, column], point, settings)
    if not row["reason"] and name == "conger" and question.counts.trainer_islands > 1:
        row["reason"] = "trainers_apart"
    return row


def _where(group: Group, name: str) -> tuple[Question | None, Array | None, int]:
    """The question that asked for a coefficient, its resamples and the column there."""
    for question, drawn in group.found:
        if name in question.what.coefficients:
            return question, drawn, question.what.coefficients.index(name)
        if name == LIGHT and question.what.light:
            return question, drawn, -1
    return None, None, 0


def _point(question: Question, name: str) -> tuple[float, float, float]:
    if name == LIGHT:
        return pairwise.light(pairwise.pairs(question.counts), question.what.weights)[0], NAN, NAN
    moments = core.moments(question.counts, core.COEFFICIENTS[name].trainers)
    value, pa, pe = core.values(moments, name, question.what.weights)
    return float(value[0]), float(pa[0]), float(pe[0])


def _reservation(data: Counts, value: float) -> str:
    """Why no interval is given, the first that applies."""
    used = data.patterns[np.unique(data.pattern[data.pairable])].sum(axis=0)
    if np.isnan(value) or np.count_nonzero(used) == 1:
        return "one_level"
    if data.n_students_pairable == 1:
        return "one_student"
    if data.unanimous:
        return "unanimous"
    return "too_few" if data.n_students_pairable < ENOUGH_STUDENTS else ""


def _interval(
    question: Question, name: str, drawn: Array | None, point: tuple[float, float, float], settings: dict[str, Any]
) -> dict[str, Any]:
    if drawn is not None:
        return _percentile(drawn, settings["level"])
    if name != LIGHT:
        found = core.estimate(question.counts, name, question.what.weights, settings["level"])
        return {"se": found.se, "low": found.low, "high": found.high}
    se = pairwise.light(pairwise.pairs(question.counts), question.what.weights)[1]
    return _t_interval(point[0], se, question.counts.n_students_pairable, settings["level"])


def _percentile(drawn: Array, level: float) -> dict[str, Any]:
    exists = drawn[~np.isnan(drawn)]
    if len(exists) < DEFINED_SHARE * len(drawn):
        return {"reason": "unstable"}
    low, high = np.quantile(exists, [(1 - level) / 2, (1 + level) / 2])
    return {"se": float(exists.std(ddof=1)) if len(exists) > 1 else NAN, "low": float(low), "high": float(high)}


def _t_interval(value: Any, se: Any, students: Any, level: float) -> dict[str, Any]:
    reach = se * stats.t.ppf((1 + level) / 2, np.maximum(students - 1, 1))
    return {"se": se, "low": value - reach, "high": np.minimum(1, value + reach)}


def _level_table(groups: list[Group], settings: dict[str, Any], by: str | None) -> pd.DataFrame:
    """Agreement level by level; intervals where the ratings were resampled."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        data, q = group.counts, group.counts.n_levels
        used = data.patterns.sum(axis=1)[data.pattern] >= 2
        table = data.patterns[data.pattern] * used[:, None]
        if group.found:
            question, drawn = group.found[0]
            start = len(question.what.coefficients)
            found = answers(data, Asked((), group.weights, levels=True)).reshape(2, q)
        for k, key in enumerate(group.levels):
            about = {
                **group.labels, "level": key, "n_students": len(np.unique(data.cluster[table[:, k] > 0])),
                "n_ratings": int(table[:, k].sum()), "share": table[:, k].sum() / max(table.sum(), 1),
            }  # fmt: skip
            for kind, name in enumerate(("specific", "level_kappa")):
                row: dict[str, Any] = {
                    "coefficient": name,
                    "value": NAN,
                    "se": NAN,
                    "low": NAN,
                    "high": NAN,
                    "reason": group.reason,
                }
                if group.found:
                    row["value"] = float(found[kind, k])
                    row["reason"] = _level_reservation(row["value"], about["n_students"], data, drawn is None)
                    if drawn is not None and not row["reason"]:
                        row |= _percentile(drawn[:, start + kind * q + k], settings["level"])
                rows.append({**about, **row})
    return _typed(pd.DataFrame(rows), by)[[*groups[0].labels, *_LEVEL_COLUMNS]]


_LEVEL_COLUMNS = (
    "level", "coefficient", "value", "se", "low", "high", "n_students", "n_ratings", "share", "reason",
)  # fmt: skip


def _level_reservation(value: float, students: int, data: Counts, analytic: bool) -> str:
    if np.isnan(value):
        return "level_unused" if not students else "one_level"
    if students < ENOUGH_STUDENTS or data.n_students_pairable < ENOUGH_STUDENTS:
        return "too_few"
    if data.unanimous:
        return "unanimous"
    return "no_resamples" if analytic else ""


def _typed(table: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Text columns as plain objects, whatever the rows."""
    for name in {"criterion", by or "criterion", "coefficient", "reason"} & set(table.columns):
        table[name] = table[name].astype(object)
    return table
