"""What to rate next, by whom, and at what cost?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from crcne_stats.analysis.generalizability import generalizability as study_of_variance
from crcne_stats.analysis.generalizability_data import of_same_ratings
from crcne_stats.analysis.planning_data import situation
from crcne_stats.analysis.planning_measure import Measure, measure
from crcne_stats.analysis.planning_notes import planning_notes
from crcne_stats.analysis.planning_repair import (
    Plan,
    common_table,
    plan,
    precision_table,
    repair_table,
    stage_table,
    trainer_table,
)
from crcne_stats.analysis.planning_schemes import cheapest_table, power_table, scheme_table
from crcne_stats.analysis.severity import severity as measures
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result


def planning(
    ratings: Ratings,
    *,
    generalizability: Result | None = None,
    severity: Result | None = None,
    hours_per_file: float = 0.5,
    moderation_hours: float = 0.25,
    travel_hours: float = 0.0,
    dependability: float = 0.8,
    dependability_at_cut: float = 0.9,
    misclassification: float = 0.15,
    target_se: float = 0.3,
    load: int = 10,
    most_ratings: int = 500,
    same_mention: bool = True,
    exclude_own: bool = False,
    effects: Sequence[float] = (0.1, 0.2, 0.3),
    power: float = 0.8,
    level: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Schemes of ratings with their cost, and the new ratings that make trainers comparable.

    Parameters
    ----------
    generalizability, severity
        Results already computed from the same ratings; None computes them (without intervals or simulated limits).
    hours_per_file, moderation_hours, travel_hours
        A trainer's time for a file; what several trainers of one file spend on it together; what a rating in another
        INSPÉ adds.
    dependability, dependability_at_cut, misclassification
        Goals: Φ, Φ(λ) at the worst level boundary, share of students on a wrong level.
    target_se
        Standard error in logits that no contrast of two severities should be above.
    load, most_ratings
        New ratings that one trainer can take, and that tightening may ask for in all.
    same_mention, exclude_own
        Ask trainers only for files of mentions that they rated; never for files of their own INSPÉ.
    effects, power
        Changes of one criterion in levels, and the chance with which they should be seen.

    Returns
    -------
    Result
        ``tables["schemes"]``: a row for each scheme, trainers drawn anew for each file ("own"), common to all
        ("crossed"), or a second one only ``band`` levels around a cut ("near_cut"): coefficients, ``wrong_level``,
        ``hours`` for a file, ``pareto``. ``tables["cheapest"]``: the cheapest that reaches each goal.
        ``tables["repair"]``: a row for each new rating, never published for it names students; ``tables["stages"]``
        counts them: "connect" joins groups of trainers at least cost, "strengthen" leaves no single file and no single
        trainer that parts them, "tighten" lowers the largest error; ``bound`` and ``gap`` in ratings, ``proof`` how
        sure it is that no list is shorter. ``tables["precision"]``: errors of severity contrasts, between trainers that
        files link, before and after each stage; ``tables["trainers"]`` the same for each trainer.
        ``tables["common_set"]``: the alternative of a few files rated by all. ``tables["power"]``: students needed.

    Raises
    ------
    ValueError
        For times, goals or limits that mean nothing, or results of other ratings.

    References
    ----------
    Kruskal (1956), doi:10.1090/S0002-9939-1956-0078686-7; Eswaran & Tarjan (1976), doi:10.1137/0205044; Brennan & Kane
    (1977), doi:10.1111/j.1745-3984.1977.tb00045.x; Brennan (2001), Generalizability Theory.
    """
    settings: dict[str, Any] = {
        "hours_per_file": hours_per_file, "moderation_hours": moderation_hours, "travel_hours": travel_hours,
        "dependability": dependability, "dependability_at_cut": dependability_at_cut,
        "misclassification": misclassification, "target_se": target_se, "load": int(load),
        "most_ratings": int(most_ratings), "same_mention": same_mention, "exclude_own": exclude_own,
        "effects": [float(size) for size in effects], "power": power, "level": level,
    }  # fmt: skip
    _check(settings)
    inputs = {"ratings": ratings}
    for earlier in (generalizability, severity):
        of_same_ratings(ratings, earlier)
    given = situation(ratings)
    if not len(ratings.scored):
        return Result("planning", settings=settings | {"reason": "no_ratings"}, inputs=inputs)
    variance = generalizability if generalizability is not None else study_of_variance(ratings, resamples=0)
    many_facet = severity if severity is not None else measures(ratings, simulations=0)
    measured = measure(given, many_facet)
    tables: dict[str, pd.DataFrame] = _schemes(variance, settings)
    found = plan(given, measured, settings, progress) if given.n_trainers > 1 else None
    if found is not None:
        tables |= _repair(found, measured, settings)
    notes = planning_notes(given, found, tables, settings)
    return Result("planning", tables, notes, settings, inputs, found)


def _schemes(variance: Result, settings: dict[str, Any]) -> dict[str, pd.DataFrame]:
    found = variance.model
    if found is None:
        reason = variance.reason or "no_components"
        return {"schemes": pd.DataFrame([{"scheme": "own", "reason": reason}])}
    schemes = scheme_table(found, settings)
    return {
        "schemes": schemes,
        "cheapest": cheapest_table(schemes, settings),
        "power": power_table(found, settings["effects"], settings),
    }


def _repair(found: Plan, measured: Measure | None, settings: dict[str, Any]) -> dict[str, pd.DataFrame]:
    tables = {"stages": stage_table(found)}
    if found.precise and measured is not None:
        tables |= {
            "precision": precision_table(found, settings["target_se"]),
            "trainers": trainer_table(found),
            "common_set": common_table(found, measured, settings["target_se"]),
        }
    if found.repair.file:
        tables["repair"] = repair_table(found)
    return tables


def _check(settings: dict[str, Any]) -> None:
    """Refuse what means nothing.

    Raises
    ------
    ValueError
        With the name of the setting.
    """
    for name in ("moderation_hours", "travel_hours", "most_ratings"):
        if not settings[name] >= 0:
            raise ValueError(f"{name} is not a number from 0 up: {settings[name]!r}")
    for name in ("hours_per_file", "target_se", "load"):
        if not settings[name] > 0:
            raise ValueError(f"{name} is not a number above 0: {settings[name]!r}")
    for name in ("dependability", "dependability_at_cut", "misclassification", "power", "level"):
        if not 0 < settings[name] < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {settings[name]!r}")
    if not settings["effects"] or not all(size > 0 for size in settings["effects"]):
        raise ValueError(f"effects are sizes above 0, not {settings['effects']!r}")
