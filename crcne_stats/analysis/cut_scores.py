"""Cut scores in logits from the overall levels of trainers, and how many certificates they would give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_data import ability_gradient, posteriors, yardstick
from crcne_stats.analysis.certification_joint import joint_codes, joint_counts, without_empty_levels
from crcne_stats.analysis.levels import on_ladder
from crcne_stats.analysis.severity import Measured
from crcne_stats.analysis.student_pairs import failed_level, level_keys
from crcne_stats.core import cut_scores as core
from crcne_stats.core import decisions
from crcne_stats.core.cut_scores import METHODS, Cuts, Judged, passing
from crcne_stats.core.level_rules import rounded
from crcne_stats.core.rasch.mml import Fit
from crcne_stats.core.rasch.one_step import estimate_influence
from crcne_stats.core.resample import Progress
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings

FEW_STUDENTS = 30
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class CutScores:
    """Cut scores by method, the judgements behind them, and why there are none (``reason``, empty where there are)."""

    found: dict[str, Cuts]
    judged: Judged | None
    n_trainers: int
    reason: str


def cut_scores(
    ratings: Ratings, measured: Measured, resamples: int, seed: int, progress: Progress | None = None
) -> CutScores:
    """Cut scores on the scale of ``measured``, for a trainer of severity zero.

    Each overall level is set beside the student's ability less the severity of the trainer who gave it, for a severe
    trainer sees every file lower. Resamples are of students; abilities and severities follow each, by one step from
    their estimates.
    """
    found = judgements(ratings, measured)
    if isinstance(found, str):
        return CutScores({}, None, 0, found)
    judged, trainer = found
    follow = _follow(judged, trainer, measured, ratings.framework) if resamples else None
    cuts = core.cut_scores(judged, resamples, seed, progress, follow)
    return CutScores(cuts, judged, len(np.unique(trainer)), "")


def _follow(judged: Judged, trainer: np.ndarray, measured: Measured, framework: Framework) -> core.Follow:
    """How much each student moves the cut scores through the measures of the others, for both kinds of measures.

    A student weighs on severities, difficulties and means as in the model without halo, whose influences have the
    spread of the sandwich's errors.
    """
    fitted, scale = measured.fitted, measured.scale
    yard, found = yardstick(fitted, framework), posteriors(fitted, scale, None, 0)
    sure = replace(found, moments=replace(found.moments, variance=np.zeros_like(found.moments.variance)))
    gradient = {
        name: ability_gradient(fitted, scale, yard, own) for name, own in zip(METHODS, (found, sure), strict=True)
    }
    plain = fitted.plain
    assert isinstance(plain, Fit)
    size = len(fitted.plan.free) + fitted.measured.design.shape[1]
    n_trainers = len(scale.severity)

    def follow(method: str, pull: np.ndarray) -> np.ndarray:
        by_student = np.array([np.bincount(judged.student, row, judged.n_students) for row in pull])
        by_trainer = np.array([np.bincount(trainer, row, n_trainers) for row in pull])
        slope = (gradient[method].T @ by_student.T).T - by_trainer @ scale.rows
        matrix = np.zeros((len(pull), plain.problem.size))
        matrix[:, :size] = slope[:, :size]
        return estimate_influence(plain, matrix)

    return follow


def judgements(ratings: Ratings, measured: Measured) -> tuple[Judged, np.ndarray] | str:
    """The overall levels with the measures of their files, and the trainer (judgement,) of each; or why there are
    none. Students are persons of ``measured``.
    """
    framework, fitted = ratings.framework, measured.fitted
    role = [criterion.role == "global" for criterion in framework.criteria]
    codes = ratings.codes("criterion")[0]
    frame = ratings.frame[np.array(role)[codes]].reset_index(drop=True)
    if not len(frame):
        return "no_global_level"
    if not measured.scale.common:
        return "cuts_apart"
    criterion = ratings.codes("criterion", frame)[0]
    level = rounded(
        on_ladder(framework, frame["score"].to_numpy(dtype=float), criterion),
        [entry.score for entry in framework.levels],
        "nearest",
    )
    person = _places(fitted.asked.people[["session", "student"]], frame[["session", "student"]])
    trainers = {name: place for place, name in enumerate(fitted.asked.names["trainer"])}
    trainer = frame["trainer"].astype(object).map(trainers).fillna(-1).to_numpy(dtype=np.int64)
    expected, unshrunken = abilities(measured)
    severity = measured.scale.severity[trainer]
    kept = (person >= 0) & (trainer >= 0) & np.isfinite(severity) & np.isfinite(expected[person])
    if not kept.any():
        return "no_global_level"
    own = person[kept]
    judged = Judged(
        own, level[kept], expected[own] - severity[kept], unshrunken[own] - severity[kept], len(expected),
        len(framework.levels),
    )  # fmt: skip
    return judged, trainer[kept]


def _places(people: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """For each of ``rows`` the place of the same student and session in ``people``, −1 where there is none."""
    keys = ["session", "student"]
    known = people[keys].astype(object).fillna("").assign(place=np.arange(len(people)))
    joined = rows[keys].astype(object).fillna("").merge(known, on=keys, how="left", sort=False)
    return joined["place"].fillna(-1).to_numpy().astype(np.int64)


def abilities(measured: Measured) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean (person,) on the common scale, and the same stretched back from the mean of the student's group.

    The second divides the distance from the group's mean by the share of the variance that the ratings of that student
    tell, so that its error no longer depends on the ability.
    """
    fit, shift = measured.fitted.measured, measured.scale.shift[measured.fitted.asked.component]
    mean = fit.design @ fit.coefficient if fit.design.shape[1] else np.zeros(len(fit.ability))
    off = fit.ability - mean
    known = np.isfinite(off)
    variance = float(np.var(off[known]) + fit.variance[known].mean()) if known.any() else 1.0
    told = np.clip(1 - fit.variance / max(variance, 1e-12), 0.05, 1.0)
    return fit.ability + shift, mean + off / told + shift


def cut_table(cuts: CutScores, framework: Framework) -> pd.DataFrame:
    """``cut_scores``: each level above the lowest by each method, in logits."""
    ladder = level_keys(framework)
    if cuts.judged is None:
        rows = [_row(name, None, NAN, np.zeros(0), 0, 0, 0, cuts.reason) for name in METHODS]
        return pd.DataFrame(rows)
    n = (len(np.unique(cuts.judged.student)), cuts.n_trainers, len(cuts.judged.level))
    return pd.DataFrame(
        [
            _row(name, ladder[place + 1], float(found.value[place]), found.drawn[:, place], *n, "")
            for name, found in cuts.found.items()
            for place in range(len(ladder) - 1)
        ]
    )


def _row(
    method: str, level: str | None, value: float, drawn: np.ndarray, n: int, n_trainers: int, n_judged: int, reason: str
) -> dict[str, Any]:
    kept = drawn[np.isfinite(drawn)]
    se, low, high = NAN, NAN, NAN
    if len(kept) > 1 and np.isfinite(value):
        se = float(kept.std(ddof=1))
        low, high = (float(bound) for bound in np.quantile(kept, [0.025, 0.975]))
    if not reason:
        reason = "cut_not_found" if np.isnan(value) else "groups_apart" if len(drawn) and np.isnan(se) else ""
        reason = reason or ("few_students" if n < FEW_STUDENTS else "")
    return {
        "cut_method": method, "level": level, "cut_score": value, "cut_se": se, "cut_low": low, "cut_high": high,
        "n_students": n, "n_trainers": n_trainers, "n_ratings": n_judged, "reason": reason,
    }  # fmt: skip


def certificate_table(
    cuts: CutScores, pairs: pd.DataFrame, person: np.ndarray, measured: Measured, framework: Framework
) -> pd.DataFrame:
    """``cut_certificates``: certificates by level if ability were cut there, beside those by the framework's rule.

    Students are those of ``pairs`` with a measure; ``person`` (row of pairs,) is their place among the persons of
    ``measured``. The jury's decisions are left aside: the level comes from the rule, or from the cut scores. Bounds say
    how far the number moves with the error of the cut scores, for these very students.
    """
    measures = abilities(measured)[0]
    own = (person >= 0) & np.isfinite(measures[person])
    ability = measures[person[own]]
    rows = pairs[own].assign(waiting=False, refused=False)
    tables = [pd.DataFrame(joint_counts(*joint_codes(rows.assign(inspe=rows["by_rule"]), framework), framework))]
    tables[0].insert(0, "cut_method", "framework_rule")
    for name, found in cuts.found.items():
        if np.isnan(found.value).any():
            continue
        level = np.searchsorted(np.maximum.accumulate(found.value), ability, side="right")
        table = pd.DataFrame(joint_counts(*joint_codes(rows.assign(inspe=level), framework), framework))
        table.insert(0, "cut_method", name)
        tables.append(table.assign(**_bounds(table, found.drawn, rows, ability, framework)))
    answer = without_empty_levels(pd.concat(tables, ignore_index=True))
    for column in ("n_low", "n_high"):
        answer[column] = answer[column] if column in answer.columns else NAN
    answer["share"] = answer["n_students"] / max(int(own.sum()), 1)
    answer["reason"] = ""
    return answer[["cut_method", "state", "joint_level", "n_students", "n_low", "n_high", "share", "reason"]]


def _bounds(
    table: pd.DataFrame, drawn: np.ndarray, rows: pd.DataFrame, ability: np.ndarray, framework: Framework
) -> dict[str, np.ndarray]:
    """Percentiles of the number of certificates at each level over the resamples of the cut scores."""
    usable = drawn[np.isfinite(drawn).all(axis=1)]
    low, high = np.full(len(table), NAN), np.full(len(table), NAN)
    if len(usable) < 2:
        return {"n_low": low, "n_high": high}
    usable = np.maximum.accumulate(usable, axis=1)
    ladder, failed = level_keys(framework), failed_level(framework)
    other = _allowed(rows, framework)
    reached = np.zeros((len(ladder) + 1, len(usable)))  # certificates at that level or higher
    for place in range(max(failed + 1, 0), len(ladder)):
        open_to = ability[other >= place]
        reached[place] = passing(open_to, usable[:, place - 1]) if place else len(open_to)
    counts = reached[:-1] - reached[1:]
    for row, (state, level) in enumerate(zip(table["state"], table["joint_level"], strict=True)):
        if state == decisions.STATES[decisions.CERTIFIED]:
            low[row], high[row] = np.quantile(counts[ladder.index(level)], [0.025, 0.975], method="closest_observation")
    return {"n_low": low, "n_high": high}


def _allowed(rows: pd.DataFrame, framework: Framework) -> np.ndarray:
    """The highest joint level (row,) that the automated part leaves open; −1 where it leaves none or is not known."""
    if framework.rules.combination == "gate":
        return np.where(rows["gate"] == 1, len(framework.levels) - 1, -1)
    pix = rows["pix"].to_numpy()
    return np.where(pix == failed_level(framework), -1, pix)
