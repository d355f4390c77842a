"""What other panels would give: one, two or three trainers, the same trainers again, and published comparisons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from crcne_stats.analysis.certification_data import MOVE, Offsets, together
from crcne_stats.analysis.certification_error import half_of, moved, moved_each
from crcne_stats.analysis.certification_risk import DEFINITIONS, PARTS, RISKS, Case
from crcne_stats.core.award_risk import share_interval
from crcne_stats.core.classification import Classified, livingston_lewis, rudner, rudner_each
from crcne_stats.core.deserved import Spread
from crcne_stats.core.graph import distinct_pairs
from crcne_stats.core.panels import Panel, cells_reach, drawn_again, lee_panels, panel_levels, wrong_chances
from crcne_stats.core.rasch.abilities import eap_reliability, posterior_draws
from crcne_stats.core.resample import Progress, Task, repeat

MOST = 3
"""Trainers of the largest panel tried."""
AT_NODE = 400
"""Panels drawn at each ability, in :data:`BATCHES`."""
BATCHES = 8
SPREADS = (1.0, 0.9, 1.1)
"""Standard deviations of trainers that are tried, in shares of the estimate."""
RESAMPLES = 100
"""Resamples of students for Livingston and Lewis' method."""
FINE, ROUGH = 4001, 401
"""Points at which its beta distribution is summed, once and in resamples."""
DRAWS = 200
"""Draws of the posterior for a rule that is not a total."""
FILES = 500
"""Files rated again in each draw."""
MOST_PANELS = 500
"""Distinct sets of trainers laid together for Lee's method; of more, so many are drawn."""
METHODS = ("rule_drawn", "lee", "rudner", "livingston_lewis")


def panel_table(case: Case, error: float, level: float, seed: int) -> pd.DataFrame:
    """``panels``: shares of wrong levels if each file had one, two or three trainers, drawn anew.

    The interval of a share holds chance, the error of the parameters, that of the spread of trainers, and that of the
    draws. That of the change from one trainer fewer is about what is expected of these students: chance counts only as
    far as their abilities are not known.
    """
    decided = case.decided
    if not len(decided):
        return pd.DataFrame()
    person, found = case.person[decided], case.found
    coarse = found.posterior[person].mean(axis=0)
    nodes = np.linspace(found.nodes[0], found.nodes[-1], 2 * len(found.nodes) - 1)
    weight = np.interp(nodes, found.nodes, coarse)
    kept = weight > 1e-6 * weight.max()
    nodes, weight = nodes[kept], weight[kept] / weight[kept].sum()
    given = _drawn_panels(case, nodes + _shift(case, person), seed)
    other = _other_chances(case, nodes, decided)
    reach = case.other.reach(error)[: len(case.other.cap)]
    alone = np.ones((len(nodes), 1)), np.array([case.yard.n_levels - 1]), np.ones((1, case.yard.n_levels))
    rows = []
    for definition in DEFINITIONS:
        own = cells_reach(nodes + _shift(case, person), case.where[definition])
        for part in PARTS:
            second = alone if part == "inspe" else (other, case.other.cap, reach)
            chances = np.array(
                [[[wrong_chances(own_given, own, *second) for own_given in size] for size in batch] for batch in given]
            )  # (batch, spread, size, risk, node)
            luck = _second_moments(given[:, 0].mean(axis=0), own, *second)
            for place, kind in enumerate(RISKS):
                columns = _shares(case, definition, person, nodes, weight, chances[:, :, :, place], luck[place], level)
                rows += [
                    {"definition": definition, "part": part, "risk": kind, "panel_size": size + 1} | row
                    | {"n_students": len(decided), "reason": ""}
                    for size, row in enumerate(columns)
                ]  # fmt: skip
    return pd.DataFrame(rows)


def _second_moments(
    given: np.ndarray, own: np.ndarray, other: np.ndarray, cap: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """Mean square, over the results of the other part, of the change that one more trainer makes (risk, step, node).

    ``given`` (trainers, node, level); the other arguments as in :func:`crcne_stats.core.panels.wrong_chances`.
    """
    answer = np.zeros((len(RISKS), len(given) - 1, len(other)))
    for seen in range(other.shape[1]):
        alone = np.ones((len(other), 1)), cap[[seen]], reach[[seen]]
        chances = np.array([wrong_chances(size, own, *alone) for size in given])  # (trainers, risk, node)
        answer += other[:, seen] * np.diff(chances, axis=0).swapaxes(0, 1) ** 2
    return answer


def _shift(case: Case, person: np.ndarray) -> float:
    """What is added to the abilities of those persons on the common scale, on average."""
    return float(case.measured.scale.shift[case.measured.fitted.asked.component[person]].mean())


def _drawn_panels(case: Case, nodes: np.ndarray, seed: int) -> np.ndarray:
    """Chance of each level (batch, spread, trainers, node, level) for panels drawn anew.

    Batches are independent, so that they tell the error of drawing. Spreads of trainers are that of the model, then a
    smaller and a larger one (:data:`SPREADS`), from the same draws.
    """
    how = together(case.framework.rules.trainers)
    sd = float(np.hypot(case.between.severity, case.between.halo))
    return np.array(
        [
            [
                panel_levels(
                    case.yard, how, Spread(0.0, sd * factor), nodes, MOST, AT_NODE // BATCHES,
                    np.random.default_rng([seed, batch]),
                )
                for factor in SPREADS
            ]
            for batch in range(BATCHES)
        ]
    )  # fmt: skip


def _shares(
    case: Case,
    definition: str,
    person: np.ndarray,
    nodes: np.ndarray,
    weight: np.ndarray,
    chances: np.ndarray,
    luck: np.ndarray,
    level: float,
) -> list[dict[str, float]]:
    """Shares with their intervals, by number of trainers; ``chances`` (batch, spread, trainers, node), ``luck`` (step,
    node) the mean square of the change.
    """
    share = chances @ weight
    square = case.between.severity**2 + case.between.halo**2
    ends = (SPREADS[2] ** 2 - SPREADS[1] ** 2) * square
    by_spread = (share[:, 2] - share[:, 1]).mean(axis=0) / ends if ends > 0 else np.zeros(MOST)
    curves = [np.interp(case.found.nodes, nodes, curve) for curve in chances[:, 0].mean(axis=0)]
    slope = np.array([moved(case, definition, person, curve) for curve in curves])
    rows = []
    for size in range(MOST):
        value = float(share[:, 0, size].mean())
        sure = _variance(case, slope[size], by_spread[size], share[:, 0, size])
        low, high = share_interval(value, sure + value * (1 - value) / len(person), level)
        row = {"wrong": value, "wrong_low": low, "wrong_high": high}
        row |= dict.fromkeys(("wrong_change", "wrong_change_low", "wrong_change_high"), float("nan"))
        if size:
            gap = share[:, 0, size] - share[:, 0, size - 1]
            sure = _variance(case, slope[size] - slope[size - 1], by_spread[size] - by_spread[size - 1], gap)
            mean_square = np.interp(case.found.nodes, nodes, luck[size - 1])
            sure += _unknown(case, person, curves[size] - curves[size - 1], mean_square)
            half = float(ndtri((1 + level) / 2)) * np.sqrt(sure)
            mean = float(gap.mean())
            row |= {"wrong_change": mean, "wrong_change_low": mean - half, "wrong_change_high": mean + half}
        rows.append(row)
    return rows


def _unknown(case: Case, person: np.ndarray, curve: np.ndarray, square: np.ndarray) -> float:
    """Variance of the mean over persons of something with that mean and mean square by ability (node,).

    It holds what is not known of each ability, and the luck of results of the other part.
    """
    posterior = case.found.posterior[person]
    return float(np.maximum(posterior @ square - (posterior @ curve) ** 2, 0.0).sum()) / len(person) ** 2


def _variance(case: Case, slope: np.ndarray, by_spread: float, batches: np.ndarray) -> float:
    """Of an expected share: the error of the parameters, of the spread of trainers, and of the draws (batch,)."""
    parameters = float(slope @ case.covariance @ slope)
    return parameters + (by_spread * case.between.square_se) ** 2 + float(batches.var(ddof=1)) / len(batches)


def _other_chances(case: Case, nodes: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Chance of each PIX+Édu result by ability (node, result)."""
    if case.found.chances is not None:
        table = case.found.chances
        return np.column_stack([np.interp(nodes, case.found.nodes, column) for column in table.T])
    seen = case.other.seen[decided]
    count = np.bincount(seen[seen >= 0], minlength=len(case.other.cap)).astype(float)
    return np.tile(count / max(count.sum(), 1.0), (len(nodes), 1))


def accuracy_table(case: Case, level: float, seed: int, progress: Progress | None) -> pd.DataFrame:
    """``accuracy``: the INSPÉ level by the rule itself and by three published methods; the leading definition.

    Intervals hold chance (which of the students are on their level) and the error of the parameters.
    """
    rows = []
    n = len(case.graded)
    for method in METHODS:
        found, reason = _classified(case, method, seed, progress)
        row: dict[str, Any] = {"method": method}
        for place, name in enumerate(("accuracy", "consistency")):
            value = float("nan") if found is None else float(getattr(found.classified, name))
            ends = (value, value)
            if found is not None:
                ends = share_interval(value, found.variance[place] + value * (1 - value) / n, level)
            row |= {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
        for name in ("too_high", "too_low"):
            row[name] = np.nan if found is None else getattr(found.classified, name)
        rows.append(row | {"n_students": n, "reason": reason})
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class _Found:
    """A classification, and what the error of the parameters adds to the variance of accuracy and of consistency."""

    classified: Classified
    variance: tuple[float, float]


def _classified(case: Case, method: str, seed: int, progress: Progress | None) -> tuple[_Found | None, str]:
    person = case.person[case.graded]
    if not len(person):
        return None, "nobody_decided"
    lead = DEFINITIONS[0]
    if method == "rule_drawn":
        return drawn(case, person, seed, progress), ""
    if method == "rudner":
        return _rudner(case, person), ""
    if method == "lee":
        found, curves = lee_panels(case.yard, case.between.halo, *_panels(case, person, seed), case.where[lead])
        slopes = [moved(case, lead, person, curve) for curve in curves]
        return _Found(found, (_of(case, slopes[0]), _of(case, slopes[1]))), ""
    return _livingston_lewis(case, person, seed)


def _of(case: Case, slope: np.ndarray) -> float:
    return float(slope @ case.covariance @ slope)


def _rudner(case: Case, person: np.ndarray) -> _Found:
    """Abilities moved up and down a little tell how far the parameters move the shares."""
    moments, cut = case.found.moments, case.where[DEFINITIONS[0]]
    mean, sd = moments.mean[person], np.sqrt(moments.variance[person])
    up, down = (rudner_each(mean + step, sd, cut) for step in (MOVE, -MOVE))
    slopes = [moved_each(case, DEFINITIONS[0], person, own) for own in (up - down) / (2 * MOVE)]
    return _Found(rudner(mean, sd, cut), (_of(case, slopes[0]), _of(case, slopes[1])))


def _livingston_lewis(case: Case, person: np.ndarray, seed: int) -> tuple[_Found | None, str]:
    """With resamples of the students for the error of the reliability and of the moments of the scores."""
    fitted = case.measured.fitted
    data = fitted.asked.data
    count = np.bincount(data.student, minlength=data.n_students)
    mean = (np.bincount(data.student, data.score, minlength=data.n_students) / np.maximum(count, 1))[person]
    ability, variance = fitted.measured.ability[person], fitted.measured.variance[person]
    level = np.arange(len(case.yard.offset), dtype=float)
    known = np.isfinite(case.yard.offset).any(axis=0)
    cut = case.where[DEFINITIONS[0]]
    bounds = [
        float(np.einsum("lc,l->c", case.yard.chances(np.array([c]))[0], level)[known].mean())
        for c in cut[np.isfinite(cut)]
    ]

    def of(chosen: np.ndarray, points: int) -> Classified:
        reliability = eap_reliability(ability[chosen], variance[chosen])
        return livingston_lewis(mean[chosen], reliability, 0, len(level) - 1, bounds, points)

    def task(rng: np.random.Generator, size: int) -> np.ndarray:
        found = [of(rng.integers(0, len(person), len(person)), ROUGH) for _ in range(size)]
        return np.array([(one.accuracy, one.consistency) for one in found])

    try:
        found = of(np.arange(len(person)), FINE)
        spread = repeat(task, RESAMPLES, seed, threads=True).var(axis=0, ddof=1)
    except ValueError:
        return None, "scores_alike"
    return _Found(found, (float(spread[0]), float(spread[1]))), ""


def _panels(case: Case, person: np.ndarray, seed: int) -> tuple[np.ndarray, list[Panel]]:
    """Nodes and the distinct sets of trainers, with the posterior mass of the students of each."""
    data = case.measured.fitted.asked.data
    shift = case.measured.scale.shift[case.measured.fitted.asked.component]
    severity = np.nan_to_num(case.measured.scale.severity)
    keys = _sets(data.student, data.facets["trainer"], data.n_students)
    sets: dict[tuple[int, ...], list[int]] = {}
    for one in person:
        sets.setdefault(keys[one], []).append(int(one))
    names = list(sets)
    if len(names) > MOST_PANELS:
        chosen = np.random.default_rng(seed).choice(len(names), MOST_PANELS, replace=False)
        names = [names[place] for place in np.sort(chosen)]
    nodes = case.found.nodes
    panels = []
    for name in names:
        mass = case.found.posterior[sets[name]].sum(axis=0)
        panels.append(Panel(severity[list(name)] - shift[sets[name][0]], mass))
    return nodes, panels


def _sets(student: np.ndarray, trainer: np.ndarray, n: int) -> list[tuple[int, ...]]:
    """The trainers whom each student (student,) met."""
    who, met = distinct_pairs(student, trainer)
    ends = np.searchsorted(who, np.arange(n + 1))
    return [tuple(met[ends[one] : ends[one + 1]].tolist()) for one in range(n)]


def drawn(case: Case, person: np.ndarray, seed: int, progress: Progress | None) -> _Found:
    """The rule on draws of the posterior and of the parameters, before the trainers whom each student met."""
    found = repeat(_again(case, person), DRAWS, seed, progress, block=50, threads=True)
    n_levels = case.yard.n_levels
    files = min(FILES, len(person))
    table = found[:, :-1].mean(axis=0).reshape(n_levels, n_levels) / files
    each = np.column_stack([found[:, : -1 : n_levels + 1].sum(axis=1), found[:, -1]]) / files
    mean = each.mean(axis=0)
    # What the parameters add: draws differ by as much more than chance alone would make them.
    added = np.maximum(each.var(axis=0, ddof=1) - mean * (1 - mean) / files, 0.0)
    high, low = float(np.triu(table, 1).sum()), float(np.tril(table, -1).sum())
    classified = Classified(float(mean[0]), float(mean[1]), high, low, table)
    return _Found(classified, (float(added[0]), float(added[1])))


def _again(case: Case, person: np.ndarray) -> Task:
    """For each draw the number of files by true and given level, and of those with one level twice."""
    fitted = case.measured.fitted
    data, scale = fitted.asked.data, case.measured.scale
    sets = _sets(data.student, data.facets["trainer"], data.n_students)
    size = np.array([len(sets[one]) for one in person])
    severity, shift = np.nan_to_num(scale.severity), scale.shift[fitted.asked.component]
    cut, reach = case.where[DEFINITIONS[0]], case.reach[DEFINITIONS[0]]
    combined, offsets, n_levels = together(case.framework.rules.trainers), Offsets.of(fitted.plan), case.yard.n_levels
    root = half_of(case.covariance)
    estimated = np.zeros((len(fitted.measured.value), root.shape[0]))
    estimated[fitted.plan.free, np.arange(len(fitted.plan.free))] = 1.0

    def task(rng: np.random.Generator, draws: int) -> np.ndarray:
        answer = np.zeros((draws, n_levels * n_levels + 1))
        for draw in range(draws):
            off = root @ rng.standard_normal(root.shape[1])
            yard = replace(case.yard, offset=offsets.at(fitted.measured.known + estimated @ off))
            there = np.maximum.accumulate(cut + reach.cut_gradient[1:] @ off)
            strict = severity + scale.rows @ off
            chosen = rng.choice(len(person), min(FILES, len(person)), replace=False)
            away = reach.gradient[person[chosen]] @ off
            for k in np.unique(size[chosen]):
                own = size[chosen] == k
                who = person[chosen[own]]
                ability = posterior_draws(rng, case.found.posterior[who], case.found.nodes) + shift[who] + away[own]
                met = np.array([sets[one] for one in who]).T.reshape(k, len(who))
                levels = drawn_again(yard, combined, ability, strict[met], case.between.halo, rng)
                true = np.searchsorted(there, ability, side="right")
                answer[draw, :-1] += np.bincount(true * n_levels + levels[0], minlength=n_levels**2)
                answer[draw, -1] += (levels[0] == levels[1]).sum()
        return answer

    return task
