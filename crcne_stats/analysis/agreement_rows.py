"""One coefficient of one group as a row: value, errors, interval, on how many it rests, and why a number is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import Array, Group
from crcne_stats.core import agreement as core
from crcne_stats.core import intervals
from crcne_stats.core.counts import Counts
from crcne_stats.core.influence import influence, standard_errors
from crcne_stats.core.jackknife import jackknife, jackknife_se
from crcne_stats.core.two_way import variance_parts

ENOUGH = 5
"""Fewer students rated twice than this (or INSPÉ, where these are drawn) carry no interval."""
DEFINED_SHARE = 0.9
"""An interval needs the coefficient to exist in this share of the resamples."""
RANKS = "ranks"
NAN = float("nan")
_METHODS = {
    ("student", "these"): {"t": "bootstrap_t", "percentile": "bootstrap", "bca": "bootstrap_bca", "": "linearised"},
    ("inspe", "these"): {
        "t": "inspe_t", "percentile": "inspe_percentile", "bca": "inspe_bca", "": "linearised_inspe"
    },
    ("student", "like_these"): {
        "t": "linearised_two_way", "percentile": "two_way_percentile", "bca": "two_way_bca", "": "linearised_two_way"
    },
}  # fmt: skip
"""The key of ``words`` by what is drawn, trainers and kind of interval ("": nothing is resampled)."""


@dataclass(frozen=True)
class Plan:
    """How intervals are made; the names are the keywords of ``agreement``. ``n_units``: what is drawn, in number."""

    resamples: int
    level: float
    interval: str
    clusters: str
    trainers: str
    population_students: int | None
    population_trainers: int | None
    weights: str
    n_units: int
    n_trainers: int

    def method(self, kind: str) -> str:
        """The key of ``words`` that says how error and interval were found; ``kind`` "" is without resamples."""
        return _METHODS[self.clusters, self.trainers][kind]

    def left(self, students: int, trainers: int = 0) -> tuple[float, float]:
        """The shares of variance that stay when so many of a finite number of students and trainers were seen."""
        of = (self.population_students, self.population_trainers)
        seen = (students, trainers)
        first, second = (1.0 if n is None else max(0.0, 1 - s / n) for n, s in zip(of, seen, strict=True))
        return first, second


def agreement_table(groups: list[Group], names: Sequence[str], plan: Plan) -> pd.DataFrame:
    """One row per group and coefficient."""
    rows = [
        {
            **group.labels,
            "coefficient": name,
            "weights": plan.weights if core.COEFFICIENTS[name].weighted else RANKS,
            **_estimate(group, name, plan),
        }
        for group in groups
        for name in names
    ]
    return typed(pd.DataFrame(rows))


def _estimate(group: Group, name: str, plan: Plan) -> dict[str, Any]:
    """Columns value … reason of one row."""
    data, all_files = group.counts, core.COEFFICIENTS[name].files == "rated"
    row: dict[str, Any] = {
        "value": NAN, "se": NAN, "low": NAN, "high": NAN, "pa": NAN, "pe": NAN,
        "n_students": data.n_students if all_files else data.n_students_pairable,
        "n_double": data.n_students_pairable,
        "n_trainers": data.n_trainers if all_files else data.n_trainers_pairable,
        "n_ratings": data.n_ratings if all_files else data.n_ratings_pairable,
        "se_linearised": NAN, "se_jackknife": NAN, "method": plan.method(plan.interval if plan.resamples else ""),
        "reason": group.reason,
    }  # fmt: skip
    own = None if group.reason else group.data(name)
    if own is None:
        return {**row, "reason": group.reason or "not_two_trainers"}
    value, pa, pe = (float(x[0]) for x in core.values(core.moments_of(own, name, group.weights), name, group.weights))
    row |= {
        "value": value,
        "pa": pa,
        "pe": pe,
        "reason": reservation(group.counts, name, value) or _few_units(own, plan),
    }
    if not row["reason"]:
        found = agreement_interval(own, name, group.weights, value, group.draws(name), plan)
        row["method"] = plan.method(found.pop("kind"))
        row |= {**_errors(own, name, group.weights, plan), **found}
    if not row["reason"] and not np.isnan(row["low"]):
        row["reason"] = _caution(name, own)
    return row


def reservation(data: Counts, name: str, value: float) -> str:
    """Why no interval is given, the first that applies."""
    used = data.patterns[data.patterns.sum(axis=1) >= 2].sum(axis=0)
    if np.count_nonzero(used) == 1:
        return "one_level"
    if data.n_students_pairable == 1:
        return "one_student"
    if np.isnan(value):
        return "no_ranking" if name == "kendall_w" else "one_level"
    if data.unanimous:
        return "unanimous"
    return "too_few" if data.n_students_pairable < ENOUGH else ""


def _few_units(own: Counts, plan: Plan) -> str:
    return "few_inspe" if plan.clusters == "inspe" and own.n_students_pairable < ENOUGH else ""


def _caution(name: str, data: Counts) -> str:
    """What must be kept in mind with a number that is given."""
    if name == "conger" and data.trainer_islands > 1:
        return "trainers_apart"
    return "not_crossed" if name == "kendall_w" and not data.crossed else ""


def _errors(data: Counts, name: str, w: Array | None, plan: Plan) -> dict[str, Any]:
    """Gwet's linearised standard error and that of the jackknife, of drawing students (or INSPÉ) alone."""
    shrink = plan.left(data.n_students)[0] ** 0.5
    return {
        "se_linearised": core.estimate(data, name, w, plan.level).se * shrink,
        "se_jackknife": float(jackknife_se(jackknife(data, name, w, plan.n_units))) * shrink,
    }


def agreement_interval(
    data: Counts, name: str, w: Array | None, value: float, drawn: Array | None, plan: Plan
) -> dict[str, Any]:
    """Columns se, low and high, or the reason why there are none, and the ``kind`` of interval."""
    if plan.trainers == "like_these" and (drawn is None or plan.interval == "t"):
        return {"kind": "", **_two_way(data, name, w, value, plan)}
    shrink = plan.left(data.n_students)[0] ** 0.5
    if drawn is not None:
        pull = influence(data, name, w, plan.n_units)[1] if plan.interval == "bca" else None
        return spread(value, value + (drawn - value) * shrink, data.n_students, plan, pull)
    if plan.resamples:  # too many pairs of trainers to resample
        se = float(standard_errors(influence(data, name, w, plan.n_units)[1][:, None])[0]) * shrink
        return {"kind": "", **_bounds(value, se, data.n_students - 1, plan.level)}
    found = core.estimate(data, name, w, plan.level)
    reach = (value - found.low) * shrink
    return {"kind": "", "se": found.se * shrink, "low": value - reach, "high": min(1.0, value + reach)}


def _two_way(data: Counts, name: str, w: Array | None, value: float, plan: Plan) -> dict[str, Any]:
    parts = np.array(variance_parts(data, name, w)) * plan.left(data.n_students, data.n_trainers)
    if np.isnan(parts).any():
        return {"reason": "unstable"}
    df = intervals.satterthwaite(parts, [data.n_students - 1, data.n_trainers - 1])
    return _bounds(value, float(parts.sum() ** 0.5), df, plan.level)


def spread(
    value: float, drawn: Array, units: int, plan: Plan, pull: Array | None = None, scale: str = "fisher"
) -> dict[str, Any]:
    """Standard error and interval from resamples (resample,) of ``units`` students (or INSPÉ).

    The bootstrap's variance is too small by (units − 1) / units. ``pull`` (unit,): influences, for BCa; where they are
    absent, or BCa does not exist (all resamples on one side), the interval is of t on ``scale``.
    """
    exists = drawn[~np.isnan(drawn)]
    if len(exists) < DEFINED_SHARE * len(drawn) or len(exists) < 2:
        return {"kind": plan.interval, "reason": "unstable"}
    se = float(exists.std(ddof=1)) * (units / max(units - 1, 1)) ** 0.5
    low = high = NAN
    if plan.interval == "percentile":
        low, high = (float(end) for end in intervals.percentile(exists, plan.level))
    elif plan.interval == "bca" and pull is not None:
        ends = intervals.bca(exists[:, None], np.array([value]), pull[:, None], plan.level)
        low, high = (float(end[0]) for end in ends)
    if np.isfinite([low, high]).all():
        return {"kind": plan.interval, "se": se, "low": low, "high": high}
    return {"kind": "t", **_bounds(value, se, units - 1, plan.level, scale)}


def _bounds(value: float, se: float, df: Any, level: float, scale: str = "fisher") -> dict[str, Any]:
    """A t interval on the scale on which it covers best (Fisher's z), or on the plain one where that ends."""
    low, high = intervals.t_interval(value, se, df, level, scale)
    if not np.isfinite([low, high]).all():
        low, high = intervals.t_interval(value, se, df, level)
    if not np.isfinite([low, high]).all():
        return {"se": se, "reason": "unstable"}
    return {"se": se, "low": float(low), "high": min(1.0, float(high))}


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Text columns as plain objects, whatever the rows."""
    texts = ("criterion", "inspe", "trainer_inspe", "mention", "session", "coefficient", "level", "other_level")
    for name in {*texts, "reason"} & set(table.columns):
        table[name] = table[name].astype(object)
    return table
