"""Do trainers agree, criterion by criterion?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from crcne_stats.analysis.agreement_further import check_further, further_tables
from crcne_stats.analysis.agreement_further_notes import further_notes, together
from crcne_stats.analysis.agreement_groups import Draws, Group, drawn_units
from crcne_stats.analysis.agreement_groups import groups as group_counts
from crcne_stats.analysis.agreement_levels import confusion_table, level_table
from crcne_stats.analysis.agreement_notes import agreement_notes
from crcne_stats.analysis.agreement_rows import Plan, agreement_table
from crcne_stats.analysis.agreement_tests import chance_table, tested
from crcne_stats.core.agreement import COEFFICIENTS
from crcne_stats.core.agreement_resamples import resampled
from crcne_stats.core.weights import CUSTOM
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

DEFAULT = ("percent", "conger", "fleiss", "brennan_prediger", "gwet_ac", "krippendorff")
NAMES = tuple(COEFFICIENTS)
GROUPS = ("inspe", "trainer_inspe", "mention", "session")
BENCHMARK = 2 / 3
FURTHER = ("group", "adjustment", "half_width", "multiverse")
_CHOICES = {
    "interval": ("t", "percentile", "bca"),
    "clusters": ("student", "inspe"),
    "trainers": ("these", "like_these"),
}


def agreement(
    ratings: Ratings,
    *,
    by: str | None = "criterion",
    coefficients: Sequence[str] | None = None,
    weights: Any = "quadratic",
    resamples: int = 2000,
    seed: int = 1,
    level: float = 0.95,
    interval: Literal["t", "percentile", "bca"] | None = None,
    clusters: Literal["student", "inspe"] = "student",
    trainers: Literal["these", "like_these"] = "these",
    population_students: int | None = None,
    population_trainers: int | None = None,
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
        Of percent, cohen, scott, light, conger, fleiss, brennan_prediger, gwet_ac, krippendorff, kendall_w; by default
        those that are made for any number of trainers and any pattern of missing ratings.
    weights
        How disagreements count by their size: identity, linear, quadratic, ordinal (Gwet), radical, ratio, circular,
        bipolar, krippendorff_ordinal, or a symmetric matrix of shape (level, level) with ones on its diagonal. Weights
        follow the scores of the framework, gaps included; a level that nobody used still counts. Krippendorff's
        nominal, ordinal, interval and ratio metrics are identity, krippendorff_ordinal, quadratic and ratio.
    resamples
        Bootstrap resamples. 0: Gwet's linearised error and t intervals instead, as R irrCAC gives them (there the
        share of files rated twice is held fixed, which makes them wide where few are).
    seed
        Same seed, same numbers.
    level
        Level of the intervals.
    interval
        "bca", bias-corrected and accelerated (Efron 1987), or "percentile", both of the resamples; or "t", a t interval
        on Fisher's z scale. By default what covers best in the committed study (benchmarks/agreement_coverage.py): bca
        for these trainers, t for trainers like them; without resamples t on the plain scale, as irrCAC. Levels and
        confusions have t intervals (of shares on the logit scale), or percentiles where these are asked.
    clusters
        What is drawn: "student", with all that belongs to the student, or "inspe", with all its students.
    trainers
        "these": the inference is to other students rated by these trainers. "like_these": to other students and other
        trainers of whom these are a sample; every comparison that shares a student or a trainer with another counts
        as related to it. Meant for 20 trainers or more.
    population_students, population_trainers
        Size of the finite population of which those seen are a part; by default it has no end. The variance that comes
        from a population seen whole is nothing.
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
        ``value`` = (pa − pe) / (1 − pe) (for light pa and pe are means over pairs; kendall_w has neither, and no
        weights). ``se`` belongs to the interval; beside it ``se_linearised`` (Gwet's) and ``se_jackknife``, both of
        drawing students (INSPÉ where ``clusters`` says so), not trainers. ``n_students``, ``n_trainers`` and
        ``n_ratings`` are those that the coefficient uses; ``n_double`` counts the students who have a file rated twice
        or more, on whom alone observed agreement rests.
        ``reason`` says why a number is missing or must be read with care.
        ``tables["levels"]``: for each level, ``specific`` (where one trainer gave it, how often another of the same
        file did) and ``level_kappa`` (Fleiss' kappa of that level against all others).
        ``tables["confusion"]``: where one trainer gave ``level``, the share of the others who gave ``other_level``, the
        level above or below; ``n_students`` have a file with both.
        ``tables["pairs"]``: for each two trainers with a common file, over all the criteria asked: share of equal
        scores, Cohen's kappa and the mean difference in levels (first minus second).
        ``tables["benchmark"]``: the words of four scales for the first coefficient of krippendorff, fleiss, conger …
        that was asked: naive, at the bounds of the interval, and deserved with 95 % probability.
        ``tables["multiverse"]``, ``["multiverse_summary"]``: the conclusion against ``benchmark`` under every
        coefficient, weighting, reading of absent ratings and panel, and how often it flips.
        ``tables["differences"]``: criteria two by two, ``contrast`` = first less second; ``tables["groups"]``: each
        value of ``group``, ``contrast`` = it less all the others; ``tables["omnibus"]``: the tests that all are equal.
        These compare students rated by these trainers, whatever ``clusters`` and ``trainers``.
        ``tables["margins"]``: do two trainers use the levels alike; ``difference`` in levels, first minus second.
        ``tables["sample_size"]``: students rated twice that an interval of ± ``half_width`` needs.
        ``tables["tests"]``, where kendall_w, cohen, or fleiss with identity weights is asked: tests against chance.
        ``model`` (by="criterion", with resamples): the resampled values, shape (resample, criterion, coefficient); the
        same students are drawn for all criteria, so that differences and orders of criteria can be read off them.

    Raises
    ------
    ValueError
        For an unknown coefficient, weight, column, criterion or way of making intervals, and for a matrix that does
        not fit the scale.

    Notes
    -----
    Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed.; Krippendorff, K. (2019), Content Analysis, 4th
    ed.; Efron (1987) doi:10.1080/01621459.1987.10478410; Owen & Eckles (2012) doi:10.1214/12-AOAS547.
    """
    asked = locals()
    if interval is None:
        asked["interval"] = "bca" if resamples and trainers == "these" else "t"
    names = _checked(asked)
    check_further(group, adjustment, half_width)
    chosen = _chosen(ratings, criteria)
    _large_enough(ratings, asked)
    settings = _settings(asked, names, chosen)
    inputs = {"ratings": ratings}
    for column in (by, clusters):
        if column in GROUPS and not ratings.known(column):
            return Result("agreement", settings={**settings, "reason": "column_unknown"}, inputs=inputs)
    groups, plan = _resampled(ratings, names, chosen, asked, settings)
    tables = {
        "agreement": agreement_table(groups, names, plan),
        "levels": level_table(groups, plan),
        "confusion": confusion_table(groups, plan),
    }
    tables |= further_tables(ratings, chosen, groups, tables["agreement"], weights, settings)
    if with_test := tested(names, settings["weights"]):
        tables["tests"] = chance_table(groups, with_test)
    model = _draws(groups, names) if resamples and by == "criterion" else None
    notes = together(agreement_notes(ratings, chosen, tables, settings, model), further_notes(tables, settings))
    return Result("agreement", tables, notes, settings, inputs, model)


def _resampled(
    ratings: Ratings, names: tuple[str, ...], chosen: list[str], asked: dict[str, Any], settings: dict[str, Any]
) -> tuple[list[Group], Plan]:
    """The groups with their resamples, and the plan of the intervals."""
    unit, n_units = drawn_units(ratings, asked["clusters"])
    n_trainers = len(ratings.codes("trainer")[1])
    groups = group_counts(
        ratings, chosen, asked["by"], asked["weights"], unit if asked["clusters"] == "inspe" else None
    )
    shared = ("resamples", "level", "interval", "clusters", "trainers", "population_students", "population_trainers")
    plan = Plan(
        **{key: settings[key] for key in shared}, weights=settings["weights"], n_units=n_units, n_trainers=n_trainers
    )
    for group in groups:
        group.found += group.asked(names)
    if asked["resamples"]:
        questions = [question for group in groups for question in group.found]
        pairs = [(question.counts, question.what) for question in questions]
        drawn_trainers = n_trainers if asked["trainers"] == "like_these" else 0
        drawn = resampled(pairs, n_units, asked["resamples"], asked["seed"], asked["progress"], drawn_trainers)
        for question, values in zip(questions, drawn, strict=True):
            question.drawn = values
    return groups, plan


def _draws(groups: list[Group], names: Sequence[str]) -> Draws:
    """The resamples of every criterion side by side; the same students are drawn for all of them."""
    found = [[group.draws(name) for name in names] for group in groups]
    size = max((len(drawn) for row in found for drawn in row if drawn is not None), default=0)
    values = np.full((size, len(groups), len(names)), np.nan)
    for g, row in enumerate(found):
        for c, drawn in enumerate(row):
            if drawn is not None:
                values[:, g, c] = drawn
    return Draws(tuple(group.labels["criterion"] for group in groups), tuple(names), values)


def _settings(asked: dict[str, Any], names: tuple[str, ...], chosen: list[str]) -> dict[str, Any]:
    weights = asked["weights"]
    kept = ("by", "seed", "level", "interval", "clusters", "trainers", "benchmark", *FURTHER)
    settings = {
        **{key: asked[key] for key in kept},
        "coefficients": list(names),
        "weights": weights if isinstance(weights, str) else CUSTOM,
        "resamples": int(asked["resamples"]),
        "criteria": chosen,
        "population_students": asked["population_students"],
        "population_trainers": asked["population_trainers"],
    }
    if settings["weights"] == CUSTOM:
        settings["weights_matrix"] = np.asarray(weights, dtype=float).tolist()
    return settings


def _checked(asked: dict[str, Any]) -> tuple[str, ...]:
    coefficients, by, resamples = asked["coefficients"], asked["by"], asked["resamples"]
    names = DEFAULT if coefficients is None else tuple(coefficients)
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise ValueError(f"unknown coefficients {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if by is not None and by not in ("criterion", *GROUPS):
        raise ValueError(f"unknown by {by!r}; there are criterion, None, {', '.join(GROUPS)}")
    if not 0 < asked["level"] < 1:
        raise ValueError(f"level must lie between 0 and 1, not {asked['level']}")
    if resamples < 0 or resamples == 1:
        raise ValueError(f"resamples must be 0 or more than 1, not {resamples}")
    for key, choices in _CHOICES.items():
        if asked[key] not in choices:
            raise ValueError(f"unknown {key} {asked[key]!r}; there are {', '.join(choices)}")
    if asked["interval"] != "t" and not resamples:
        raise ValueError(f"interval {asked['interval']} needs resamples")
    if asked["clusters"] == "inspe" and asked["trainers"] == "like_these":
        raise ValueError(
            "trainers of an INSPÉ are drawn with it: ask for clusters or for trainers like these, not both"
        )
    for key in ("population_students", "population_trainers"):
        if asked[key] is not None and asked[key] < 1:
            raise ValueError(f"{key} must be positive, not {asked[key]}")
    if asked["population_trainers"] is not None and asked["trainers"] == "these":
        raise ValueError('a population of trainers counts only where trainers are drawn: trainers="like_these"')
    return names


def _large_enough(ratings: Ratings, asked: dict[str, Any]) -> None:
    for key, column in (("population_students", "student"), ("population_trainers", "trainer")):
        seen = len(ratings.codes(column)[1])
        if asked[key] is not None and asked[key] < seen:
            raise ValueError(f"{key} is {asked[key]}, fewer than the {seen} in the data")


def _chosen(ratings: Ratings, criteria: Sequence[str] | None) -> list[str]:
    known = [criterion.key for criterion in ratings.framework.criteria]
    wanted = ratings.criteria if criteria is None else list(criteria)
    unknown = [key for key in wanted if key not in known]
    if unknown or not wanted:
        raise ValueError(f"unknown criteria {', '.join(unknown)}; there are {', '.join(known)}")
    return [key for key in known if key in wanted]
