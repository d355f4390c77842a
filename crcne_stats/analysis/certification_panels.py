"""What other panels would give: one, two or three trainers, the same trainers again, and published comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_data import together
from crcne_stats.analysis.certification_risk import DEFINITIONS, PARTS, RISKS, Case
from crcne_stats.core.classification import Classified, livingston_lewis, rudner
from crcne_stats.core.graph import distinct_pairs
from crcne_stats.core.panels import Panel, cells_reach, drawn_again, lee_panels, panel_levels, wrong_shares
from crcne_stats.core.rasch.abilities import eap_reliability, posterior_draws
from crcne_stats.core.resample import Progress, repeat

MOST = 3
"""Trainers of the largest panel tried."""
AT_NODE = 400
"""Panels drawn at each ability."""
DRAWS = 200
"""Draws of the posterior for a rule that is not a total."""
FILES = 500
"""Files rated again in each draw."""
MOST_PANELS = 500
"""Distinct sets of trainers laid together for Lee's method; of more, so many are drawn."""
METHODS = ("rule_drawn", "lee", "rudner", "livingston_lewis")


def panel_table(case: Case, error: float, seed: int) -> pd.DataFrame:
    """``panels``: shares of wrong levels if each file had one, two or three trainers, drawn anew."""
    decided = case.decided
    if not len(decided):
        return pd.DataFrame()
    person, found = case.person[decided], case.found
    coarse = found.posterior[person].mean(axis=0)
    nodes = np.linspace(found.nodes[0], found.nodes[-1], 2 * len(found.nodes) - 1)
    weight = np.interp(nodes, found.nodes, coarse)
    shift = float(case.measured.scale.shift[case.measured.fitted.asked.component[person]].mean())
    kept = weight > 1e-6 * weight.max()
    nodes, weight = nodes[kept], weight[kept] / weight[kept].sum()
    rng = np.random.default_rng(seed)
    given = panel_levels(
        case.yard, together(case.framework.rules.trainers), case.between, nodes + shift, MOST, AT_NODE, rng
    )
    other = _other_chances(case, nodes, decided)
    reach = case.other.reach(error)[: len(case.other.cap)]
    alone = np.ones((len(nodes), 1)), np.array([case.yard.n_levels - 1]), np.ones((1, case.yard.n_levels))
    rows = []
    for definition in DEFINITIONS:
        own = cells_reach(nodes + shift, case.where[definition])
        for part in PARTS:
            for size in range(1, MOST + 1):
                second = alone if part == "inspe" else (other, case.other.cap, reach)
                shares = wrong_shares(weight, given[size - 1], own, *second)
                rows += [
                    {
                        "definition": definition, "part": part, "risk": kind, "panel_size": size, "wrong": share,
                        "n_students": len(decided), "reason": "",
                    }
                    for kind, share in zip(RISKS, shares, strict=True)
                ]  # fmt: skip
    return pd.DataFrame(rows)


def _other_chances(case: Case, nodes: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Chance of each PIX+Édu result by ability (node, result)."""
    if case.found.chances is not None:
        table = case.found.chances
        return np.column_stack([np.interp(nodes, case.found.nodes, column) for column in table.T])
    seen = case.other.seen[decided]
    count = np.bincount(seen[seen >= 0], minlength=len(case.other.cap)).astype(float)
    return np.tile(count / max(count.sum(), 1.0), (len(nodes), 1))


def accuracy_table(case: Case, seed: int, progress: Progress | None) -> pd.DataFrame:
    """``accuracy``: the INSPÉ level by the rule itself and by three published methods; the leading definition."""
    rows = []
    for method in METHODS:
        found, reason = _classified(case, method, seed, progress)
        row: dict[str, Any] = {"method": method}
        for name in ("accuracy", "consistency", "too_high", "too_low"):
            row[name] = np.nan if found is None else getattr(found, name)
        rows.append(row | {"n_students": len(case.graded), "reason": reason})
    return pd.DataFrame(rows)


def _classified(case: Case, method: str, seed: int, progress: Progress | None) -> tuple[Classified | None, str]:
    person = case.person[case.graded]
    if not len(person):
        return None, "nobody_decided"
    fitted = case.measured.fitted
    cut = case.where[DEFINITIONS[0]]
    if method == "rule_drawn":
        return _drawn(case, person, seed, progress), ""
    if method == "rudner":
        moments = case.found.moments
        return rudner(moments.mean[person], np.sqrt(moments.variance[person]), cut), ""
    if method == "lee":
        return lee_panels(case.yard, case.between.halo, *_panels(case, person, seed), cut), ""
    reliability = eap_reliability(fitted.measured.ability[fitted.rated], fitted.measured.variance[fitted.rated])
    data = fitted.asked.data
    count = np.bincount(data.student, minlength=data.n_students)
    mean = np.bincount(data.student, data.score, minlength=data.n_students) / np.maximum(count, 1)
    level = np.arange(len(case.yard.offset), dtype=float)
    known = np.isfinite(case.yard.offset).any(axis=0)
    bounds = [
        float(np.einsum("lc,l->c", case.yard.chances(np.array([c]))[0], level)[known].mean())
        for c in cut[np.isfinite(cut)]
    ]
    try:
        return livingston_lewis(mean[person], reliability, 0, len(level) - 1, bounds), ""
    except ValueError:
        return None, "scores_alike"


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


def _drawn(case: Case, person: np.ndarray, seed: int, progress: Progress | None) -> Classified:
    """The rule on draws of the posterior, before the trainers whom each student met."""
    fitted = case.measured.fitted
    data = fitted.asked.data
    sets = _sets(data.student, data.facets["trainer"], data.n_students)
    size = np.array([len(sets[one]) for one in person])
    severity = np.append(np.nan_to_num(case.measured.scale.severity), 0.0)
    shift = case.measured.scale.shift[fitted.asked.component]
    cut = case.where[DEFINITIONS[0]]
    combined = together(case.framework.rules.trainers)
    n_levels = case.yard.n_levels

    def task(rng: np.random.Generator, draws: int) -> np.ndarray:
        answer = np.zeros((draws, n_levels * n_levels + 1))
        for draw in range(draws):
            chosen = rng.choice(len(person), min(FILES, len(person)), replace=False)
            for k in np.unique(size[chosen]):
                own = chosen[size[chosen] == k]
                who = person[own]
                ability = posterior_draws(rng, case.found.posterior[who], case.found.nodes) + shift[who]
                met = np.array([sets[one] for one in who]).T.reshape(k, len(who))
                levels = drawn_again(case.yard, combined, ability, severity[met], case.between.halo, rng)
                true = np.searchsorted(cut, ability, side="right")
                answer[draw, :-1] += np.bincount(true * n_levels + levels[0], minlength=n_levels**2)
                answer[draw, -1] += (levels[0] == levels[1]).sum()
        return answer

    drawn = repeat(task, DRAWS, seed, progress, block=50).sum(axis=0)
    table = drawn[:-1].reshape(n_levels, n_levels)
    n = table.sum()
    table = table / n
    high, low = float(np.triu(table, 1).sum()), float(np.tril(table, -1).sum())
    return Classified(float(np.trace(table)), float(drawn[-1] / n), high, low, table)
