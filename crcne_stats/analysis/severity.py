"""Many-facet Rasch: trainers, criteria and levels on one ruler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from crcne_stats.analysis.severity_assumptions import assumption_table, chosen_scale
from crcne_stats.analysis.severity_categories import curve_table, level_table, targeting_table, threshold_table
from crcne_stats.analysis.severity_design import COVARIATES, FURTHER, MAIN, design
from crcne_stats.analysis.severity_drift import drift, drift_table
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import THRESHOLDS, Models, fitted_models, model_table
from crcne_stats.analysis.severity_notes import severity_notes
from crcne_stats.analysis.severity_raters import bias_tables, case_table, dependence_tables, rater_table
from crcne_stats.analysis.severity_scale import LINKS, Scale, pix_levels
from crcne_stats.analysis.severity_tables import (
    criterion_table,
    facet_tables,
    student_table,
    summary_table,
    trainer_table,
)
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students


@dataclass(frozen=True, eq=False)
class Measured:
    """What later analyses read: the fit with its design, and the scale of the trainers."""

    fitted: Fitted
    scale: Scale


def severity(
    ratings: Ratings,
    *,
    thresholds: Literal["shared", "criterion", "trainer"] = "shared",
    population: str | None = None,
    link: str | None = None,
    anchors: pd.DataFrame | None = None,
    facets: Sequence[str] = (),
    interactions: Sequence[str] = (),
    residuals: Literal["wle", "posterior"] = "wle",
    simulations: int = 50,
    equivalence: float = 0.5,
    level: float = 0.95,
    students: Students | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """TODO"""
    settings: dict[str, Any] = {
        "thresholds": thresholds, "estimator": "mml", "population": population, "link": link, "facets": list(facets),
        "interactions": list(interactions), "residuals": residuals, "simulations": int(simulations),
        "equivalence": equivalence, "level": level, "seed": seed,
    }  # fmt: skip
    pairs = _checked(settings, anchors)
    inputs = {"ratings": ratings} | ({} if students is None else {"students": students})
    extra = list(dict.fromkeys([*facets, *(name for pair in pairs for name in pair if name not in MAIN)]))
    absent = [name for name in extra if not ratings.known(name)]
    if absent:
        return Result("severity", settings=settings | {"reason": "column_unknown", "by": absent[0]}, inputs=inputs)
    asked = design(ratings, extra)
    if not len(asked.frame):
        return Result("severity", settings=settings | {"reason": "no_ratings"}, inputs=inputs)
    models = fitted_models(asked, settings, pairs, anchors)
    if models.chosen is None:
        return Result("severity", settings=settings | {"reason": models.reason}, inputs=inputs)
    fitted = models.chosen
    if simulations:
        limits = fitted.simulated(("trainer", "criterion"), int(simulations), seed, progress)
        fitted = replace(fitted, limits=limits)
    means = _inspe_means(anchors)
    pix = None if students is None else pix_levels(asked, students)
    scale, refused = chosen_scale(fitted, link, means, pix)
    tables = _tables(fitted, scale, models, settings)
    assumed = assumption_table(fitted, scale, means, pix)
    if len(assumed):
        tables["assumptions"] = assumed
    notes = severity_notes(fitted, scale, tables, settings, models, refused)
    return Result("severity", tables, notes, settings, inputs, Measured(fitted, scale))


def _tables(fitted: Fitted, scale: Scale, models: Models, settings: dict[str, Any]) -> dict[str, pd.DataFrame]:
    tables = {
        "model": model_table(models),
        "trainers": trainer_table(fitted, scale),
        "criteria": criterion_table(fitted, scale),
    }
    further = facet_tables(fitted, scale)
    if len(further):
        tables["facets"] = further
    tables["summary"] = summary_table(fitted, tables, scale)
    tables["thresholds"] = threshold_table(fitted)
    tables["levels"] = level_table(fitted)
    tables["raters"] = rater_table(fitted, scale, settings["equivalence"])
    moved, drift_test = drift_table(fitted.asked, drift(fitted.asked, settings["thresholds"]), settings["level"])
    tests, cells = bias_tables(fitted)
    tables |= {"bias_tests": pd.concat([tests, pd.DataFrame([drift_test])], ignore_index=True), "bias": cells}
    if len(moved):
        tables["drift"] = moved
    tables |= dependence_tables(fitted)
    tables |= {"curves": curve_table(fitted), "targeting": targeting_table(fitted, scale)}
    return tables | {"students": student_table(fitted, scale), "unexpected": case_table(fitted)}


def _checked(settings: dict[str, Any], anchors: pd.DataFrame | None) -> list[tuple[str, str]]:
    """The interactions as pairs of facets.

    Raises
    ------
    ValueError
        For values that mean nothing.
    """
    allowed = {"thresholds": THRESHOLDS, "link": (None, *LINKS), "residuals": ("wle", "posterior")}
    for name, values in allowed.items():
        if settings[name] not in values:
            raise ValueError(f"unknown {name} {settings[name]!r}; there are {', '.join(map(str, values))}")
    first, *more = (settings["population"] or "inspe").split("+")
    if first not in ("inspe", "equal_means") or not set(more) <= set(COVARIATES):
        raise ValueError(f"unknown population {settings['population']!r}; inspe or equal_means, +session, +mention")
    known = (*MAIN, *FURTHER)
    pairs = [tuple(text.split(":")) for text in settings["interactions"]]
    wrong = [":".join(pair) for pair in pairs if len(pair) != 2 or not set(pair) <= set(known)]
    wrong += [name for name in settings["facets"] if name not in FURTHER]
    if wrong:
        raise ValueError(f"unknown facets {', '.join(wrong)}; there are {', '.join(known)}")
    if not 0 < settings["level"] < 1 or settings["simulations"] < 0 or not settings["equivalence"] > 0:
        raise ValueError("level must lie between 0 and 1, simulations be 0 or more, equivalence positive")
    if anchors is not None and not {"facet", "member", "value"} <= set(anchors.columns):
        raise ValueError("anchors need the columns facet, member and value")
    return [(pair[0], pair[1]) for pair in pairs]


def _inspe_means(anchors: pd.DataFrame | None) -> dict[str, float]:
    """Mean ability of each INSPÉ that an anchor file gives."""
    if anchors is None:
        return {}
    rows = anchors[anchors["facet"].astype(str) == "inspe"]
    return {str(member): float(value) for member, value in zip(rows["member"], rows["value"], strict=True)}
