"""The one model of ``priorities``: criteria before each mention and session, their levels, and what is left over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.contrasts import Contrasts, centre
from crcne_stats.core.rasch.design import THRESHOLD, Model, combination, interaction_name
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.one_step import influence
from crcne_stats.core.rasch.population import Population, group_means
from crcne_stats.core.rasch.rated import Rated, rated
from crcne_stats.core.rasch.residuals import Residuals, residuals_over

UNKNOWN = "–"
"""The group of students of whom nothing is known in a column."""
MIN_STUDENTS, MIN_CELL = 30, 10
"""A group of fewer students is not compared; nor is a criterion that fewer of either side were rated on."""
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Judged:
    """The fit and the contrasts taken from it.

    ``rows`` says what each contrast is about and why it may not be used (``reason``); ``contrasts``
    (contrast, parameter), their ``value`` (contrast,) and ``influence`` (student, contrast).
    """

    asked: Design
    fit: mml.Fit
    rows: list[dict[str, Any]]
    contrasts: np.ndarray
    value: np.ndarray
    influence: np.ndarray

    @cached_property
    def found(self) -> Rated:
        """The model seen from the ratings that inform it."""
        return rated(self.fit.plan, self.fit.problem.stats, self.fit.found.point.value)

    @cached_property
    def residuals(self) -> Residuals:
        """Residuals over the posteriors of the students."""
        return residuals_over(self.found, self.fit.found.posterior, self.fit.found.nodes)

    @cached_property
    def without_trainers(self) -> np.ndarray:
        """Residual of each rating (rating,) had it been expected of an average trainer."""
        value = self.fit.found.point.value.copy()
        value[self.fit.block("trainer")] = 0.0
        plain = rated(self.fit.plan, self.fit.problem.stats, value)
        return residuals_over(plain, self.fit.found.posterior, self.fit.found.nodes).residual


def judged(asked: Design) -> Judged:
    """Fit the model, and take from it what differs between groups and how far apart the thresholds stand.

    Students have a free mean of ability for each INSPÉ, mention and session in each island of the graph, so that a
    weaker group is no criterion that treats it badly.

    Raises
    ------
    mml.Inestimable
        When nothing can be estimated.
    """
    groups = [name for name in ("mention", "session") if len(_compared(asked, name)) > 1]
    parts = {"trainer": asked.trainer_component} if asked.n_components > 1 else {}
    pairs = tuple(("criterion", name) for name in groups)
    model = Model(thresholds="criterion", interactions=pairs, components=parts)
    fit = mml.fit(asked.data, model, _population(asked))
    parts_ = [_groups(asked, fit, name) for name in groups] + [_levels(asked, fit)]
    rows = [row for own, _ in parts_ for row in own]
    matrix = np.concatenate([own for _, own in parts_])
    value, moved = matrix @ np.nan_to_num(fit.value), influence(fit, matrix)
    fit.problem.incidences.forget()
    _centred(rows, matrix, value, moved)
    return Judged(asked, fit, rows, matrix, value, moved)


def _population(asked: Design) -> Population:
    keys = [asked.component.astype(np.int64)]
    for name in ("inspe", "mention", "session"):
        keys.append(asked.people[name].cat.codes.to_numpy().astype(np.int64) + 1)
    return group_means(combination(keys, [int(key.max(initial=0)) + 1 for key in keys])[1])


def _people(asked: Design, by: str) -> np.ndarray:
    """Students of each group (group,)."""
    n = len(asked.names[by])
    seen = combination([asked.data.student, asked.data.facets[by]], [asked.data.n_students, n])[0]
    return np.bincount(seen[:, 1], minlength=n)


def _compared(asked: Design, by: str) -> list[int]:
    """Codes of the groups large enough to be compared."""
    people = _people(asked, by)
    return [g for g, name in enumerate(asked.names[by]) if name != UNKNOWN and people[g] >= MIN_STUDENTS]


def _groups(asked: Design, fit: mml.Fit, by: str) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Each criterion in a mention against the other mentions, in a later session against the first."""
    data, block = asked.data, fit.plan.blocks[interaction_name(("criterion", by))]
    shape = (len(asked.names["criterion"]), len(asked.names[by]))
    seen = combination([data.student, data.facets["criterion"], data.facets[by]], [data.n_students, *shape])[0]
    students = np.bincount(seen[:, 1] * shape[1] + seen[:, 2], minlength=shape[0] * shape[1]).reshape(shape)
    place = np.full(shape, -1)
    place[block.labels[:, 0], block.labels[:, 1]] = block.start + np.arange(len(block.labels))
    groups = _compared(asked, by)
    rows, weights = [], []
    for group, others in _sides(groups, by):
        for criterion in range(shape[0]):
            cells = [place[criterion, g] for g in (group, *others)]
            n = min(students[criterion, group], students[criterion, others].sum())
            usable = all(cell >= 0 and fit.plan.status[cell] == ESTIMATED for cell in cells)
            reason = "few_in_cell" if n < MIN_CELL else "" if usable else "no_spread"
            row = np.zeros(len(fit.plan.status))
            if not reason:
                row[cells[0]] = 1.0
                row[cells[1:]] -= 1.0 / len(others)
            symptom = "dif" if by == "mention" else "drift"
            rows.append({"criterion": criterion, "symptom": symptom, by: asked.names[by][group], "n_students": int(n),
                         "reason": reason})  # fmt: skip
            weights.append(row)
    return rows, np.array(weights).reshape(-1, len(fit.plan.status))


def _sides(groups: list[int], by: str) -> list[tuple[int, list[int]]]:
    """A group and those that it is compared with."""
    if by == "session":
        return [(later, [groups[0]]) for later in groups[1:]]
    if len(groups) == 2:
        return [(groups[1], [groups[0]])]
    return [(group, [other for other in groups if other != group]) for group in groups]


def _levels(asked: Design, fit: mml.Fit) -> tuple[list[dict[str, Any]], np.ndarray]:
    """How much further up the next threshold stands: under 0 the level between them is never the likeliest."""
    block, rows, weights = fit.plan.blocks[THRESHOLD], [], []
    place = {(int(g), int(level)): block.start + i for i, (g, level) in enumerate(block.labels)}
    data = asked.data
    for criterion, key in enumerate(asked.names["criterion"]):
        scale = sorted(asked.ratings.framework.scale(key), key=lambda level: level.score)
        used = [level for level in range(len(scale)) if (criterion, level) in place]
        n = len(np.unique(data.student[data.facets["criterion"] == criterion]))
        for level, above in pairwise(used):
            row = np.zeros(len(fit.plan.status))
            ends = [place[criterion, level], place[criterion, above]]
            reason = "" if all(fit.plan.status[end] == ESTIMATED for end in ends) else "no_spread"
            if not reason:
                row[ends] = -1.0, 1.0
            about = {"level": scale[level].key, "other_level": scale[above].key}
            rows.append({"criterion": criterion, "symptom": "levels", **about, "n_students": n, "reason": reason})
            weights.append(row)
    return rows, np.array(weights).reshape(-1, len(fit.plan.status))


def _centred(rows: list[dict[str, Any]], matrix: np.ndarray, value: np.ndarray, moved: np.ndarray) -> None:
    """Measure differences between groups from the mean of the criteria that do not stand out, in place."""
    about = [(row["symptom"], row.get("mention"), row.get("session")) for row in rows]
    for key in dict.fromkeys(about):
        own = np.array([i for i, other in enumerate(about) if other == key and not rows[i]["reason"]], dtype=int)
        if key[0] == "levels" or not len(own):
            continue
        df = np.array([rows[i]["n_students"] - 1 for i in own], dtype=float)
        weight = centre(Contrasts(value[own], moved[:, own].T @ moved[:, own], df), ALPHA)
        matrix[own] -= weight @ matrix[own]
        value[own] -= weight @ value[own]
        moved[:, own] -= (moved[:, own] @ weight)[:, None]
