"""Many-facet Rasch: trainers, criteria and levels on one ruler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from crcne_stats.analysis.severity_assumptions import assumption_table, chosen_scale
from crcne_stats.analysis.severity_design import FURTHER, design
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import fitted_models
from crcne_stats.analysis.severity_notes import severity_notes
from crcne_stats.analysis.severity_scale import Scale, pix_levels
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
        "thresholds": thresholds, "population": population, "link": link, "facets": list(facets),
        "interactions": list(interactions), "residuals": residuals, "simulations": int(simulations),
        "equivalence": equivalence, "level": level, "seed": seed,
    }  # fmt: skip
    pairs = _checked(settings, anchors)
    inputs = {"ratings": ratings} | ({} if students is None else {"students": students})
    extra = list(dict.fromkeys([*facets, *(name for pair in pairs for name in pair if name in FURTHER)]))
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
    tables = _tables(fitted, scale, models, equivalence)
    assumed = assumption_table(fitted, scale, means, pix)
    if len(assumed):
        tables["assumptions"] = assumed
    notes = severity_notes(fitted, scale, tables, settings, models, refused)
    return Result("severity", tables, notes, settings, inputs, Measured(fitted, scale))
