"""The tables of ``severity`` with a row for each trainer, criterion, further facet or student, and their summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_scale import RELATIVE, Scale
from crcne_stats.core.graph import partners
from crcne_stats.core.rasch.abilities import eap_reliability
from crcne_stats.core.rasch.categories import expected_levels_of, step_sums
from crcne_stats.core.rasch.design import tally, threshold_groups
from crcne_stats.core.rasch.fitstats import displacement
from crcne_stats.core.rasch.jml import JointFit
from crcne_stats.core.rasch.layout import ANCHORED, ESTIMATED, EXTREME, UNRATED
from crcne_stats.core.rasch.rated import thresholds_by_level
from crcne_stats.core.rasch.simulated import Limits
from crcne_stats.core.rasch.summaries import fixed_chi2, random_chi2, spread

RULE = (0.5, 1.5)
"""Mean squares that Linacre (2002) calls productive for measurement; shown beside the simulated limits."""


def trainer_table(fitted: Fitted, scale: Scale) -> pd.DataFrame:
    """``trainers``: a row for each trainer, in the order of the identifiers."""
    asked = fitted.asked
    component = asked.trainer_component
    homes = asked.frame.groupby("trainer", observed=False)["trainer_inspe"].first()
    homes = homes.reindex(asked.names["trainer"]).astype(object)
    about = {
        "trainer": asked.names["trainer"],
        "trainer_inspe": homes.to_numpy(dtype=object),
        "component": component + 1,
        "assumption": scale.assumption,
    }
    reference = _reference_ability(fitted, scale)[component]
    measure = scale.severity, scale.se, scale.robust_se
    table = _element_table(fitted, "trainer", "severity", about, measure, reference, 0)
    alone = np.bincount(component, minlength=asked.n_components)[component] == 1
    if scale.assumption == RELATIVE or len(component) == 1:
        reason = "one_trainer" if len(component) == 1 else "alone_in_component"
        _without_measure(table, "severity", alone, reason)
    return table


def criterion_table(fitted: Fitted, scale: Scale) -> pd.DataFrame:
    """``criteria``: a row for each criterion, in the framework's order."""
    framework, keys = fitted.asked.ratings.framework, fitted.asked.names["criterion"]
    about = {
        "criterion": keys,
        "item": [framework.criterion(key).item for key in keys],
        "phase": [framework.phase_of(key) for key in keys],
    }
    ability = np.full(len(keys), float(np.mean(_reference_ability(fitted, scale)[fitted.asked.component])))
    table = _element_table(fitted, "criterion", "difficulty", about, _measure(fitted, "criterion"), ability, 1)
    single = fitted.asked.data.n_levels == 1
    table.loc[single & (table["reason"] != "no_ratings"), "reason"] = "one_level_scale"
    if len(keys) == 1:
        _without_measure(table, "difficulty", np.ones(1, dtype=bool), "one_criterion")
    return table


def facet_tables(fitted: Fitted, scale: Scale) -> pd.DataFrame:
    """``facets``: the elements of every facet beside trainer and criterion."""
    parts = []
    for facet in fitted.plan.model.facets:
        if facet not in ("trainer", "criterion"):
            names = fitted.asked.names[facet]
            about = {"facet": facet, "member": names}
            ability = np.full(len(names), float(np.mean(_reference_ability(fitted, scale)[fitted.asked.component])))
            parts.append(_element_table(fitted, facet, "difficulty", about, _measure(fitted, facet), ability, None))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _measure(fitted: Fitted, facet: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = fitted.measured
    own = found.block(facet)
    return found.value[own], found.se[own], found.robust_se[own]


def _element_table(
    fitted: Fitted,
    facet: str,
    measure_name: str,
    about: dict[str, Any],
    measure: tuple[np.ndarray, np.ndarray, np.ndarray],
    ability: np.ndarray,
    simulated: int | None,
) -> pd.DataFrame:
    """What every element gets; ``simulated`` is its facet's place among the simulated limits."""
    asked, statistics = fitted.asked, fitted.statistics(facet)
    stretch = fitted.stretch(facet)
    value, se, robust = (np.array(part, dtype=float) for part in measure)
    students, ratings, average = _counts(fitted, facet)
    error = fitted.measured.of_intervals(se, robust)
    status = fitted.plan.status[fitted.measured.block(facet)]
    table = pd.DataFrame(
        {
            **about,
            measure_name: value,
            "se": se,
            "robust_se": robust,
            "low": value - fitted.reach * error,
            "high": value + fitted.reach * error,
            "n_students": students,
            "n_ratings": ratings,
            "observed_average": average,
            **_fair(fitted, facet, value, fitted.reach * np.nan_to_num(error), ability),
            "infit": statistics.infit,
            "outfit": statistics.outfit,
            "infit_z": statistics.infit_z,
            "outfit_z": statistics.outfit_z,
            **_limits(fitted, simulated, len(value)),
            "point_measure": statistics.point_measure,
            "point_measure_expected": statistics.point_measure_expected,
            "discrimination": stretch.discrimination,
        }
    )
    table["fit"] = _verdict(statistics.infit, statistics.outfit, table)
    table["fit_rule"] = _by_rule(statistics.infit, statistics.outfit)
    moved = displacement(fitted.found, fitted.residuals, *fitted.codes(facet))
    table["displacement"] = np.where(status == ANCHORED, moved, np.nan)
    table["method"] = fitted.method
    table["reason"] = _reasons(asked, fitted, facet, status)
    table.loc[np.isnan(value) & (table["reason"] == ""), "reason"] = "left_out"
    return table


def _counts(fitted: Fitted, facet: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Students, ratings and average score (each rating by its weight) of each element, over all the ratings."""
    data, n = fitted.asked.data, fitted.asked.data.sizes[facet]
    code = data.facets[facet]
    students = partners(code, data.student, n)
    ratings = np.bincount(code, minlength=n)
    score, weight = fitted.asked.frame["score"].to_numpy(dtype=float), data.weights
    total, count = (np.bincount(code, values, minlength=n) for values in (weight * score, weight))
    return students, ratings, np.where(ratings > 0, total / np.where(ratings > 0, count, 1.0), np.nan)


def _limits(fitted: Fitted, place: int | None, n: int) -> dict[str, np.ndarray]:
    nothing = np.full(n, np.nan)
    if fitted.limits is None or place is None:
        return dict.fromkeys(("infit_low", "infit_high", "outfit_low", "outfit_high"), nothing)
    inner: Limits = fitted.limits.infit[place]
    outer: Limits = fitted.limits.outfit[place]
    return {"infit_low": inner.low, "infit_high": inner.high, "outfit_low": outer.low, "outfit_high": outer.high}


def _verdict(infit: np.ndarray, outfit: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Against the simulated limits: «noisy» when infit or outfit lies above, «muted» when one lies below."""
    with np.errstate(invalid="ignore"):
        noisy = (infit > table["infit_high"]) | (outfit > table["outfit_high"])
        muted = (infit < table["infit_low"]) | (outfit < table["outfit_low"])
        known = np.isfinite(infit) & table["infit_low"].notna()
    return np.select([~known, noisy, muted], ["", "noisy", "muted"], "expected").astype(object)


def _by_rule(infit: np.ndarray, outfit: np.ndarray) -> np.ndarray:
    low, high = np.fmin(infit, outfit), np.fmax(infit, outfit)
    return np.select([~np.isfinite(infit), high > RULE[1], low < RULE[0]], ["", "noisy", "muted"], "expected").astype(
        object
    )


def _reasons(asked: Any, fitted: Fitted, facet: str, status: np.ndarray) -> np.ndarray:
    code, score = asked.data.facets[facet], asked.data.score
    n = asked.data.sizes[facet]
    ratings = np.bincount(code, minlength=n)
    lowest = np.bincount(code[score == 0], minlength=n) == ratings
    top = asked.data.n_levels[asked.data.facets["criterion"]] - 1
    highest = np.bincount(code[score == top], minlength=n) == ratings
    extreme = status == EXTREME
    if isinstance(fitted.plain, JointFit):  # the measure of an adjusted total
        return np.select(
            [ratings == 0, extreme, status == ANCHORED], ["no_ratings", "extreme_adjusted", "anchored"], ""
        ).astype(object)
    return np.select(
        [ratings == 0, extreme & lowest, extreme & highest, extreme, status == UNRATED, status == ANCHORED],
        ["no_ratings", "extreme_low", "extreme_high", "extreme", "left_out", "anchored"],
        "",
    ).astype(object)


def _without_measure(table: pd.DataFrame, name: str, rows: np.ndarray, reason: str) -> None:
    """Rows whose measure is nothing but the zero of its scale."""
    table.loc[rows, [name, "se", "robust_se", "low", "high"]] = np.nan
    table.loc[rows & (table["reason"] == ""), "reason"] = reason


def _reference_ability(fitted: Fitted, scale: Scale) -> np.ndarray:
    """Mean ability (component,) before which fair averages are computed: everyone's, or the island's own."""
    asked, rated = fitted.asked, fitted.rated
    ability = fitted.measured.ability + scale.shift[asked.component]
    if scale.common:
        return np.full(max(asked.n_components, 1), float(ability[rated].mean()) if rated.any() else 0.0)
    n = np.maximum(np.bincount(asked.component[rated], minlength=asked.n_components), 1)
    return np.bincount(asked.component[rated], ability[rated], minlength=asked.n_components) / n


def _fair(
    fitted: Fitted, facet: str, value: np.ndarray, half: np.ndarray, ability: np.ndarray
) -> dict[str, np.ndarray]:
    """Expected score of each element before a student of mean ability (and of ability zero), the rest at its mean."""
    plan, data = fitted.plan, fitted.asked.data
    group, levels = threshold_groups(data, plan.model.thresholds)
    group, code, item = group[plan.kept], data.facets[facet][plan.kept], data.facets[data.item][plan.kept]
    n_groups, n = len(levels), data.sizes[facet]
    own = facet in (plan.model.thresholds, data.item)
    weight = np.zeros((n, n_groups))
    if own:
        weight[:] = tally(code * n_groups + group, None, weight.size).reshape(weight.shape)
    else:
        weight[:] = np.bincount(group, minlength=n_groups)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1)
    shared = tally(group * data.sizes[data.item] + item, None, n_groups * data.sizes[data.item])
    score = shared.reshape(n_groups, -1) @ np.nan_to_num(fitted.asked.scores)
    score = score[:, : len(fitted.found.offset)] / np.maximum(np.bincount(group, minlength=n_groups), 1)[:, None]
    sums = step_sums(thresholds_by_level(plan, fitted.measured.known))
    others = 0.0
    for name in plan.model.facets:
        if name != facet:
            used = np.isin(plan.status[plan.blocks[name].range], (ESTIMATED, ANCHORED))
            others += float(fitted.measured.known[plan.blocks[name].range][used].mean()) if used.any() else 0.0
    where = {
        "fair_average": ability - others - value,
        "fair_low": ability - others - value - half,
        "fair_high": ability - others - value + half,
        "fair_zero": -value,
    }
    return {name: _with_halo(sums, score, weight, place, fitted.measured.halo) for name, place in where.items()}


def _with_halo(sums: np.ndarray, score: np.ndarray, weight: np.ndarray, place: np.ndarray, halo: float) -> np.ndarray:
    """Expected scores averaged over the halo that the element may meet."""
    if not halo:
        return expected_levels_of(sums, score, weight, place)
    nodes, mass = np.polynomial.hermite_e.hermegauss(9)
    parts = [m * expected_levels_of(sums, score, weight, place + halo * x) for x, m in zip(nodes, mass, strict=True)]
    return np.asarray(np.sum(parts, axis=0) / mass.sum())


def summary_table(fitted: Fitted, tables: dict[str, pd.DataFrame], scale: Scale) -> pd.DataFrame:
    """``summary``: separation and χ² of each facet, within each component where trainers have no common scale."""
    rows = []
    trainers = tables["trainers"]
    parts = [(None, trainers)]
    if not scale.common:
        parts = list(trainers.groupby("component"))
    for component, own in parts:
        rows += _summary_rows("trainer", component, own, "severity", fitted.reach)
    rows += _summary_rows("criterion", None, tables["criteria"], "difficulty", fitted.reach)
    for facet, own in tables["facets"].groupby("facet") if "facets" in tables else ():
        rows += _summary_rows(str(facet), None, own, "difficulty", fitted.reach)
    return pd.DataFrame([*rows, *_student_summary(fitted)])


def _summary_rows(facet: str, component: Any, own: pd.DataFrame, measure: str, reach: float) -> list[dict[str, Any]]:
    se = (own["high"] - own["low"]) / (2 * reach)  # the error of the intervals
    return _spread_rows(facet, component, own[measure].to_numpy(dtype=float), se.to_numpy(dtype=float))


def _spread_rows(facet: str, component: Any, value: np.ndarray, se: np.ndarray) -> list[dict[str, Any]]:
    known = np.isfinite(value) & np.isfinite(se) & (se > 0)
    value, se = value[known], se[known]
    fixed, random = fixed_chi2(value, se), random_chi2(value, se)
    rows = []
    for version in ("population", "sample"):
        found = spread(value, se, version == "sample")
        rows.append(
            {
                "facet": facet, "component": component, "version": version, "n_elements": found.n,
                "measure_mean": found.mean, "measure_sd": found.sd, "rmse": found.rmse, "true_sd": found.true_sd,
                "separation": found.separation, "strata": found.strata, "reliability": found.reliability,
                "fixed_chi2": fixed.chi2, "fixed_df": fixed.df, "fixed_p": fixed.p,
                "random_chi2": random.chi2, "random_df": random.df, "random_p": random.p,
                "reason": "" if found.n > 1 else "too_few_elements",
            }
        )  # fmt: skip
    return rows


def _student_summary(fitted: Fitted) -> list[dict[str, Any]]:
    """Separation of students, from Warm's or joint estimates; the reliability of posterior means beside."""
    measured, rated = fitted.measured, fitted.rated
    if isinstance(fitted.plain, JointFit):
        return _spread_rows("student", None, measured.ability, np.sqrt(measured.variance))
    reliability = eap_reliability(measured.ability[rated], measured.variance[rated])
    return [row | {"eap_reliability": reliability} for row in _spread_rows("student", None, *fitted.wle)]
