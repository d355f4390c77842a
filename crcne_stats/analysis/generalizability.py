"""Where does the variance come from, and how many trainers are needed?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crcne_stats.analysis.generalizability_data import NAMES, data_of, of_same_ratings
from crcne_stats.analysis.generalizability_fit import fitted
from crcne_stats.analysis.generalizability_notes import generalizability_notes
from crcne_stats.analysis.generalizability_ordinal import ordinal
from crcne_stats.analysis.generalizability_profile import check_weights, profile
from crcne_stats.analysis.generalizability_tables import (
    coefficients,
    components,
    conditional,
    cuts,
    dstudy,
    left_out,
)
from crcne_stats.core.designs import DesignError
from crcne_stats.core.designs import design as read_design
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

ESTIMATORS = ("reml", "anova")
MOST_TRAINERS = 8


def generalizability(
    ratings: Ratings,
    *,
    design: str = "student * trainer * criterion",
    estimator: str = "reml",
    fixed: Sequence[str] = ("criterion", "item", "phase"),
    weights: dict[str, float] | None = None,
    resamples: int = 200,
    seed: int = 1,
    level: float = 0.95,
    severity: Result | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Variance components, and what a measurement with more or fewer trainers would be worth.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out. A student is a file: one student in one session on one occasion.
    design
        Facets crossed (*) and nested (:), such as ``"student * (trainer : inspe)"`` or ``"student * trainer *
        (criterion : phase)"``. Facets: student, trainer, criterion, item, phase, inspe, trainer_inspe, mention,
        session. What is measured is the student.
    estimator
        "reml": restricted maximum likelihood, equal to lme4's. "anova": sums of squares (Henderson's method I where
        cells are missing), which may come out negative. Both are shown where they disagree.
    fixed
        Facets that are the whole universe rather than a sample of it. The criteria are the whole framework, so they are
        fixed by default: the universe score then holds σ²(student × criterion) divided by their number.
    weights
        Weight of each phase in the composite of the profile; by default its number of criteria.
    resamples
        Draws of the parametric bootstrap behind the intervals; 0 gives none.
    severity
        The Result of ``severity`` on the same ratings, for ``tables["ordinal"]``.

    Returns
    -------
    Result
        ``tables["components"]``: one row per effect and estimator: ``variance`` with ``se``, ``low`` and ``high``,
        ``percent`` of the total (negative ones counting as nil), ``n_members``, ``confounded`` with what, ``reason``.
        ``tables["coefficients"]`` for the design in hand, ``tables["dstudy"]`` for other numbers of trainers and
        criteria, trainers common to all students ("crossed") or drawn anew for each ("own"): ``universe``,
        ``relative`` and ``absolute`` error variance, ``generalizability`` and ``dependability`` with bounds, and
        ``sem_relative``, ``sem_absolute`` in levels. ``tables["cuts"]``: Φ(λ) at each level boundary.
        ``tables["left_out"]``: both coefficients without one level of a facet. ``tables["conditional"]``: the error of
        a student's mean by mean level. ``tables["profile"]`` and ``tables["profile_correlations"]``: phases as a
        profile, with a weighted composite. ``tables["ordinal"]``, with ``severity``: Φ, error and share of students on
        a wrong level with levels as numbers ("numbers"), with levels where the many-facet model has them ("respaced"),
        and for panels drawn from that model ("model").

    Raises
    ------
    ValueError
        For an unknown estimator, weights of unknown phases, or a result of other ratings.

    References
    ----------
    Brennan (2001), Generalizability Theory. Searle, Casella & McCulloch (1992), Variance Components.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator is one of {', '.join(ESTIMATORS)}, not {estimator!r}")
    settings: dict[str, Any] = {
        "design": design, "estimator": estimator, "fixed": list(fixed), "resamples": int(resamples), "seed": seed,
        "level": level,
    }  # fmt: skip
    check_weights(ratings, weights)
    of_same_ratings(ratings, severity)
    inputs = {"ratings": ratings}

    def nothing(reason: str, **values: Any) -> Result:
        return Result("generalizability", settings={**settings, **values, "reason": reason}, inputs=inputs)

    try:
        plan = read_design(design)
    except DesignError as error:
        return nothing(error.key, found=error.found)
    unknown = [name for name in plan.facets if name not in NAMES]
    if unknown:
        return nothing("design_unknown_facet", found=unknown[0])
    if "student" not in plan.facets:
        return nothing("design_no_student")
    data = data_of(ratings, plan, frozenset(fixed))
    reason = data.reason
    if reason:
        return nothing(reason)
    found = fitted(data, estimator, resamples, seed, progress)
    if found.reason:
        return nothing(found.reason)
    tables = {
        "components": components(found, level),
        "coefficients": coefficients(found, level),
        "dstudy": dstudy(found, range(1, MOST_TRAINERS + 1), level),
        "cuts": cuts(found, level),
        "left_out": left_out(found),
        "conditional": conditional(found),
    }
    tables |= profile(found, weights)
    tables["ordinal"] = ordinal(found, severity, seed)
    tables = {name: table for name, table in tables.items() if len(table)}
    notes = generalizability_notes(found, tables)
    found.data.levels.forget()
    return Result("generalizability", tables, notes, settings, inputs, found)
