"""The same link by other methods: does the conclusion hang on how the versions were put on one scale?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.calibration_design import RATER, VERSION, Stacked
from crcne_stats.analysis.calibration_fit import Anchors, Joint, Trainers, rater_row
from crcne_stats.core.linking import (
    Shift,
    haberman,
    jackknife_error,
    mean_sigma,
    partial_credit_curve,
    stocking_lord,
)
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.categories import step_sums
from crcne_stats.core.rasch.design import Anchor, Model, RatingData
from crcne_stats.core.rasch.layout import ANCHORED, ESTIMATED
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.rasch.rated import thresholds_by_level

MOST = 200_000
"""With more ratings than this the versions are not fitted again by other methods."""
NODES = np.linspace(-6, 6, 61)


def constant(found: Joint, held: Anchors) -> Shift:
    """What to add to the new version's difficulties, centred over its criteria, to stand on the previous scale."""
    known, rows = found.known, found.difficulty
    weight = held.full(found.asked.n_forms)
    anchored = np.einsum("f,fe->e", weight, rows[:, 1] - rows[:, 0])
    ours, theirs = rows[known[:, 1], 1].mean(axis=0), rows[known[:, 0], 0].mean(axis=0)
    return found.shift(ours - theirs - anchored, held.variance)


def link_table(
    found: Joint,
    held: Anchors,
    who: Trainers,
    together: Shift,
    chosen: str,
    thresholds: str,
    level: float,
    alpha: float,
) -> pd.DataFrame:
    """``links``: a row for each method, the one retained first."""
    other = "robust" if chosen == "mean" else "mean"
    rows = [_row(chosen, constant(found, held), together, held.n, level, True, _jackknife(held))]
    rows += [
        _of_weights(found, _weighed(found, held, how, alpha), who, how, level) for how in (other, "all_anchors")
    ]  # fmt: skip
    methods = ("concurrent", "fixed", "separate", "mean_sigma", "stocking_lord")
    if len(found.asked.data.score) > MOST:
        rows += [_without(name, held.n, "too_many_ratings") for name in methods]
        return pd.DataFrame(rows)
    rows += list(_refits(found, held, who, thresholds, level))
    return pd.DataFrame(rows)


def _weighed(found: Joint, held: Anchors, how: str, alpha: float) -> Anchors:
    """The same anchors weighed otherwise: all alike, by the bisquare, or those that do not stand out.

    A choice is taken to err as much as that of the link retained; all alike are no choice.
    """
    kind = np.array(found.asked.kind, dtype=object)[held.linked]
    wanted = (kind == "same") | (held.weight > 0)
    weight = np.zeros(len(held.linked))
    if how == "robust" and wanted.sum() > 2:
        weight[wanted] = haberman(np.array([np.zeros(int(wanted.sum())), held.raw.value[wanted]])).weight[1]
    else:
        weight[wanted] = 1.0 if how != "mean" else ~(held.p_adjusted[wanted] < alpha)
    weight /= max(weight.sum(), 1e-300)
    move = np.eye(len(weight)) - weight
    drift = replace(held.raw, value=move @ held.raw.value, covariance=move @ held.raw.covariance @ move.T)
    return replace(held, weight=weight, drift=drift, choice=0.0 if how == "all_anchors" else held.choice)


def _of_weights(found: Joint, held: Anchors, who: Trainers, name: str, level: float) -> dict[str, Any]:
    weight = held.full(found.asked.n_forms)
    criteria = np.einsum("f,fe->e", weight, found.difficulty[:, 1] - found.difficulty[:, 0])
    together = found.ability(1) - found.ability(0) - rater_row(found, who.weight) - criteria
    moved = found.shift(together, held.variance + who.variance)
    return _row(name, constant(found, held), moved, held.n, level, False, _jackknife(held))


def _jackknife(held: Anchors) -> float:
    return jackknife_error(held.drift.value[held.weight > 0])


def _row(
    name: str, shift: Shift, together: Shift, n: int, level: float, retained: bool, jackknife: float, slope: float = 1.0
) -> dict[str, Any]:
    low, high = shift.interval(level)
    return {
        "link_method": name, "retained": retained, "link_constant": shift.value, "se": shift.total, "low": low,
        "high": high, "jackknife_error": jackknife, "link_slope": slope, "together": together.value,
        "together_se": together.total, "n_anchors": n, "reason": "",
    }  # fmt: skip


def _without(name: str, n: int, reason: str) -> dict[str, Any]:
    names = ("link_constant", "se", "low", "high", "jackknife_error", "link_slope", "together", "together_se")
    return {"link_method": name, "retained": False, **dict.fromkeys(names, np.nan), "n_anchors": n, "reason": reason}


def _refits(found: Joint, held: Anchors, who: Trainers, thresholds: str, level: float) -> list[dict[str, Any]]:
    """Concurrent, fixed-anchor and separate calibration, each fitted anew."""
    asked, own = found.asked, held.linked[held.weight > 0]

    @cache
    def alone(version: int) -> mml.Fit:
        return _alone(asked, version, thresholds)

    makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "concurrent": lambda: [_concurrent(asked, own, held, who, thresholds, level)],
        "fixed": lambda: [_fixed(asked, own, who, alone(0), thresholds, held.n)],
        "separate": lambda: _separate(asked, own, who, (alone(0), alone(1)), held.n),
    }
    rows = []
    for name, make in makers.items():
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                rows += make()
        except (ValueError, FloatingPointError, np.linalg.LinAlgError):
            names = (name,) if name != "separate" else ("separate", "mean_sigma", "stocking_lord")
            rows += [_without(each, held.n, "not_estimable") for each in names]
    return rows


def _concurrent(
    asked: Stacked, own: np.ndarray, held: Anchors, who: Trainers, thresholds: str, level: float
) -> dict[str, Any]:
    """Anchors have one difficulty in both versions, all other criteria are as many criteria as versions."""
    split = np.setdiff1d(np.flatnonzero(_in_both(asked)), own)
    newer = np.arange(asked.n_forms)
    newer[split] = asked.n_forms + np.arange(len(split))
    form, later = asked.data.facets["criterion"], asked.data.facets[VERSION] == 1
    sizes = np.r_[asked.data.n_levels, asked.data.n_levels[split]]
    data = RatingData(
        asked.data.student, {RATER: asked.data.facets[RATER], "criterion": np.where(later, newer[form], form)},
        asked.data.score, asked.data.n_students, {RATER: asked.data.sizes[RATER], "criterion": len(sizes)}, sizes,
    )  # fmt: skip
    fit = mml.fit(data, Model((RATER, "criterion"), (), thresholds, components={RATER: asked.part}), _groups(asked))
    block = fit.plan.blocks["criterion"]
    known = fit.plan.status[block.range] == ESTIMATED
    place = np.full(len(fit.plan.status), -1)
    place[fit.plan.free] = np.arange(len(fit.plan.free))
    row, estimate = np.zeros(len(fit.covariance)), np.zeros(len(fit.covariance))
    new, old = (np.array(sorted(set(table.values()))) for table in (asked.new_form, asked.old_form))
    for members, sign in ((newer[new], 1.0), (old, -1.0)):
        used = members[known[members]]
        np.add.at(row, place[block.start + used], sign / len(used))
    estimate[: len(fit.plan.free)] = fit.value[fit.plan.free]
    variance = float(row @ fit.robust_covariance @ row)
    shift = Shift(float(row @ estimate), max(variance, 0.0) ** 0.5)
    together = _ability(asked, fit, 1) - _ability(asked, fit, 0) - _severity(fit, who)
    return _row("concurrent", shift, Shift(together, np.nan), held.n, level, False, np.nan)


def _in_both(asked: Stacked) -> np.ndarray:
    forms = np.arange(asked.n_forms)
    return np.isin(forms, list(asked.new_form.values())) & np.isin(forms, list(asked.old_form.values()))


def _groups(asked: Stacked) -> Any:
    return group_means(asked.group)


def _ability(asked: Stacked, fit: mml.Fit, cohort: int) -> float:
    """Mean ability of the students of a version in a fit whose groups are those of both versions."""
    share = np.bincount(asked.group[asked.cohort == cohort], minlength=len(asked.group_cohort)).astype(float)
    share[~fit.problem.informed] = 0.0
    return float(share @ np.nan_to_num(fit.coefficient) / max(share.sum(), 1.0))


def _severity(fit: mml.Fit, who: Trainers) -> float:
    return float(who.weight @ np.nan_to_num(fit.value[fit.block(RATER)]))


def _alone(asked: Stacked, version: int, thresholds: str, anchors: tuple[Anchor, ...] = ()) -> mml.Fit:
    """One version fitted alone, in the codes of both."""
    data, own = asked.data, asked.data.facets[VERSION] == version
    names = (RATER, "criterion")
    alone = RatingData(
        data.student[own], {name: data.facets[name][own] for name in names}, data.score[own], data.n_students,
        {name: data.sizes[name] for name in names}, data.n_levels,
    )  # fmt: skip
    model = Model((RATER, "criterion"), (), thresholds, components={RATER: asked.part}, anchors=anchors)
    return mml.fit(alone, model, _groups(asked))


def _fixed(asked: Stacked, own: np.ndarray, who: Trainers, first: mml.Fit, thresholds: str, n: int) -> dict[str, Any]:
    """The new version fitted with the anchors held at the difficulties of the previous one."""
    value = first.value[first.block("criterion")]
    held = tuple(Anchor("criterion", int(form), float(value[form])) for form in own if np.isfinite(value[form]))
    second = _alone(asked, 1, thresholds, held)
    ours = second.value[second.block("criterion")]
    status = second.plan.status[second.block("criterion")]
    used = np.isin(status, [ESTIMATED, ANCHORED]) & np.isfinite(ours)
    shift = float(ours[used].mean()) - float(np.nanmean(value))
    together = _ability(asked, second, 1) - _ability(asked, first, 0)
    together -= _severity(second, replace(who, weight=np.maximum(who.weight, 0)))
    together -= _severity(first, replace(who, weight=np.minimum(who.weight, 0)))
    return _row("fixed", Shift(shift, np.nan), Shift(together, np.nan), n, 0.95, False, np.nan)


def _separate(
    asked: Stacked, own: np.ndarray, who: Trainers, fits: tuple[mml.Fit, mml.Fit], n: int
) -> list[dict[str, Any]]:
    """Both versions fitted alone, then linked; slopes other than 1 say that the scales stretch differently."""
    value = [fit.value[fit.block("criterion")] for fit in fits]
    known = own[np.isfinite(value[0][own]) & np.isfinite(value[1][own])]
    old, new = value[0][known], value[1][known]
    # Mean ability of each version against its own trainers.
    bare = [
        _ability(asked, fits[0], 0) + _severity(fits[0], replace(who, weight=np.minimum(who.weight, 0))),
        _ability(asked, fits[1], 1) - _severity(fits[1], replace(who, weight=np.maximum(who.weight, 0))),
    ]
    curves = [partial_credit_curve(value[v][known], steps_of(fits[v], known)) for v in (0, 1)]
    density = np.exp(-((NODES - bare[0]) ** 2) / (2 * fits[0].sd ** 2))
    links = {
        "separate": (1.0, float(old.mean() - new.mean())),
        "mean_sigma": mean_sigma(old, new) if len(known) > 1 else (np.nan, np.nan),
        "stocking_lord": stocking_lord(curves[0], curves[1], NODES, density),
    }
    return [
        _row(name, Shift(b, np.nan), Shift(a * bare[1] + b - bare[0], np.nan), n, 0.95, False, np.nan, a)
        for name, (a, b) in links.items()
    ]


def steps_of(fit: mml.Fit, forms: np.ndarray) -> np.ndarray:
    """Summed thresholds (form, level), +inf for levels that nobody used."""
    table = step_sums(thresholds_by_level(fit.plan, np.nan_to_num(fit.value)))
    if len(table) == fit.plan.data.sizes["criterion"]:
        return table[forms]
    return table[np.unique(fit.plan.data.n_levels, return_inverse=True)[1][forms]]
