"""The tables of a generalizability study."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_data import REPLICATE
from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.core import variance
from crcne_stats.core.designs import RESIDUAL, Levels
from crcne_stats.core.dstudy import Errors, Measurement, errors
from crcne_stats.core.shared import answers
from crcne_stats.core.variance_intervals import bounds
from crcne_stats.domain.framework import Level

NAN = float("nan")
MOST_REFITS = 30_000_000
"""Ratings read over all refits of the table of levels left out."""


def components(found: Fitted, level: float) -> pd.DataFrame:
    """One row per effect and estimator."""
    study = found.data.study
    shown = [found.main, *(name for name in found.values if name != found.main and found.disagree)]
    rows = [row for name in shown for row in _estimates(found, name, level)]
    for key, others in study.confounded.items():
        facets = next(term.facets for term in found.data.design.terms if term.key == key)
        if others == (RESIDUAL,) and facets == frozenset(found.data.design.facets):
            continue  # the residual is that effect
        rows.append(
            {"source": key, "estimator": found.main, "n_members": found.data.levels.count(facets),
             "confounded": ",".join(others), "reason": "confounded"}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    if found.unavailable:
        table.loc[table["reason"] == "", "reason"] = found.unavailable
    return table


def _estimates(found: Fitted, name: str, level: float) -> Iterable[dict[str, Any]]:
    value = found.values[name]
    total = np.maximum(value, 0).sum()
    nothing = np.full(len(value), NAN)
    se = low = high = nothing
    if found.draws is not None:
        se = found.draws.std(axis=1, ddof=1)
        low, high = bounds(np.maximum(value, 0.0), np.maximum(found.explained(name), 0.0), level)
    for place, key in enumerate(found.data.study.keys):
        reason = "negative_component" if value[place] < 0 else ""
        if name == "reml" and found.boundary is not None and found.boundary[place]:
            reason = "boundary_component"
        yield {
            "source": key, "estimator": name, "variance": value[place], "se": se[place], "low": low[place],
            "high": high[place], "percent": max(value[place], 0) / total if total > 0 else NAN,
            "n_members": found.data.levels.count(found.facets[place] - {REPLICATE}),
            "n_students": found.data.n_students, "confounded": "", "reason": reason,
        }  # fmt: skip


def worth_of(found: Fitted, plan: Measurement, level: float) -> dict[str, float]:
    """Variances, coefficients and errors of a measurement, with bounds where there are draws."""
    here, drawn = found.errors(plan), found.drawn(plan)
    row: dict[str, float] = {
        "universe": float(here.universe), "relative": float(here.relative), "absolute": float(here.absolute),
    }  # fmt: skip
    for name in ("generalizability", "dependability"):
        row[name] = float(getattr(here, name))
        low, high = (NAN, NAN) if drawn is None else bounds(row[name], getattr(drawn, name), level)
        row[f"{name}_low"], row[f"{name}_high"] = float(low), float(high)
    for error in ("relative", "absolute"):
        row[f"sem_{error}"] = float(np.sqrt(getattr(here, error)))
        low, high = (NAN, NAN) if drawn is None else bounds(row[f"sem_{error}"], np.sqrt(getattr(drawn, error)), level)
        row[f"sem_{error}_low"], row[f"sem_{error}_high"] = float(low), float(high)
    return row


def _counts(found: Fitted) -> dict[str, Any]:
    return {"n_students": found.data.n_students, "n_criteria": found.data.n_criteria}


def coefficients(found: Fitted, level: float) -> pd.DataFrame:
    """The measurement in hand: each student as rated by as many trainers as there were on average."""
    worth = worth_of(found, found.data.measurement(), level)
    about = {"trainers_per_file": found.data.sizes.get("trainer", NAN), **_counts(found)}
    method = "" if found.draws is None else "parametric_bootstrap"
    rows = []
    for name in ("generalizability", "dependability", "sem_relative", "sem_absolute"):
        known = (worth[name], worth[f"{name}_low"], worth[f"{name}_high"])
        reason = "error_hidden" if found.error_hidden else "" if np.isfinite(known[0]) else "no_universe"
        value, low, high = (NAN, NAN, NAN) if found.error_hidden else known
        rows.append({"coefficient": name, "value": value, "low": low, "high": high, **about, "method": method,
                     "reason": reason})  # fmt: skip
    return pd.DataFrame(rows)


def dstudy(found: Fitted, trainers: Iterable[int], level: float) -> pd.DataFrame:
    """Other numbers of trainers and, where criteria are a sample, of criteria."""
    data = found.data
    n = data.n_criteria
    random = "criterion" in data.sizes and "criterion" not in data.fixed
    criteria = sorted({5.0, 10.0, float(round(n)), 30.0}) if random else [n]
    if found.error_hidden or "trainer" not in data.sizes:
        return pd.DataFrame()
    rows = []
    for layout in ("crossed", "own"):
        for many in criteria:
            for k in trainers:
                worth = worth_of(found, data.measurement(k, many if random else None, layout == "own"), level)
                about = {"layout": layout, "n_trainers": k, "n_criteria": many}
                rows.append({**about, **worth, "n_students": data.n_students})
    return pd.DataFrame(rows)


def cuts(found: Fitted, level: float) -> pd.DataFrame:
    """Φ(λ) at the boundary below each level but the lowest."""
    data = found.data
    ladder = common_scale(found)
    if found.error_hidden:
        return pd.DataFrame()
    if ladder is None:
        return pd.DataFrame([{"value": NAN, "reason": "several_scales", **_counts(found)}])
    plan = data.measurement()
    here, drawn = found.errors(plan), found.drawn(plan)
    mean = float(data.y.mean())
    rows = []
    for below, above in pairwise(ladder):
        cut = (below.score + above.score) / 2
        value = float(here.at_cut(mean, cut))
        low, high = (NAN, NAN) if drawn is None else bounds(value, drawn.at_cut(mean, cut), level)
        rows.append(
            {"level": above.key, "cut": cut, "value": value, "low": float(low), "high": float(high), **_counts(found),
             "reason": ""}
        )  # fmt: skip
    return pd.DataFrame(rows)


def left_out(found: Fitted) -> pd.DataFrame:
    """Both coefficients when one criterion, or one trainer, is left out (sums of squares)."""
    data = found.data
    if found.error_hidden:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    read = 0
    for facet in ("criterion", "trainer"):
        if facet not in data.sizes:
            continue
        n = data.levels.count(frozenset((facet,)))
        read += n * len(data.y)
        if n < 3 or read > MOST_REFITS:
            rows.append({"facet": facet, "reason": "few_levels" if n < 3 else "too_many_refits"})
            continue
        whole = _both(found, np.ones(len(data.y), dtype=bool), None)
        places = [place for place in range(len(data.labels[facet])) if (data.codes[facet] == place).any()]
        fewer = facet if facet in data.fixed else None
        refits = answers(_without, ((found, facet, place, fewer) for place in places))
        for place, own in zip(places, refits, strict=True):
            change = {} if own is None or whole is None else {
                "generalizability": own[0], "dependability": own[1], "change": own[1] - whole[1]
            }  # fmt: skip
            rows.append({"facet": facet, "member": data.labels[facet][place], **change, "n_students": data.n_students,
                         "reason": "" if change else "inseparable_without"})  # fmt: skip
    return pd.DataFrame(rows)


def _without(found: Fitted, facet: str, place: int, fewer: str | None) -> tuple[float, float] | None:
    return _both(found, found.data.codes[facet] != place, fewer)


def _both(found: Fitted, keep: np.ndarray, fewer: str | None) -> tuple[float, float] | None:
    data = found.data
    study = variance.study(data.design, Levels({name: code[keep] for name, code in data.codes.items()}))
    if {term.key for term in study.terms} != {term.key for term in data.study.terms}:
        return None
    sizes = dict(data.sizes)
    if fewer is not None:
        sizes[fewer] -= 1
    plan = Measurement(data.object, sizes, data.fixed - data.object)
    here: Errors = errors(found.facets, variance.by_squares(study, data.y[keep]), plan)
    return float(here.generalizability), float(here.dependability)


def conditional(found: Fitted) -> pd.DataFrame:
    """Absolute error of a student's mean, in levels, for the students whose mean is nearest each level.

    The criteria being the same for all, it is the variance of the trainers' means of a file over their number (Brennan
    1998, doi:10.1177/014662169802200401), averaged over those students.
    """
    data = found.data
    ladder = common_scale(found)
    if "trainer" not in data.codes or ladder is None:
        return pd.DataFrame()
    file = data.levels(frozenset(("student",)))
    sheet = data.levels(frozenset(("student", "trainer")))
    size = np.bincount(sheet)
    owner = np.zeros(len(size), dtype=np.int64)
    owner[sheet] = file
    means = np.bincount(sheet, data.y) / size
    k = np.bincount(owner).astype(float)
    mean = np.bincount(owner, means) / k
    square = np.bincount(owner, (means - mean[owner]) ** 2)
    several = k > 1
    error = square[several] / (k[several] - 1) / k[several]
    scores = np.array([level.score for level in ladder], dtype=float)
    nearest = np.abs(mean[several][:, None] - scores).argmin(axis=1)
    n = np.bincount(nearest, minlength=len(ladder))
    total = np.bincount(nearest, error, minlength=len(ladder))
    rows = [
        {"level": level.key, "n_students": int(n[place]),
         "sem_absolute": float(np.sqrt(total[place] / n[place])) if n[place] else NAN,
         "reason": "" if n[place] else "no_student_there"}
        for place, level in enumerate(ladder)
    ]  # fmt: skip
    return pd.DataFrame(rows if several.any() else [])


def common_scale(found: Fitted) -> tuple[Level, ...] | None:
    """The levels of the criteria where all have the same scale."""
    ratings = found.data.ratings
    scales = list(dict.fromkeys(criterion.scale for criterion in ratings.framework.scored))
    return tuple(ratings.framework.scales[scales[0]]) if len(scales) == 1 else None
