"""The two models of ``fairness``: criteria as hard as their group makes them, trainers as severe as theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.stats import chi2

from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.graph import components, distinct_pairs
from crcne_stats.core.rasch import contrasts, mml, nonuniform
from crcne_stats.core.rasch.design import Model, RatingData, combination, interaction_name
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.population import Population, group_means
from crcne_stats.core.rasch.rated import Rated, rated

CELL = "cell"
"""The facet of a trainer before one group."""


@dataclass(frozen=True)
class Null:
    """What is kept of the fit without the groups: the whole of it would be held beside the two others."""

    deviance: float
    n_parameters: int
    converged: bool


@dataclass(frozen=True, eq=False)
class Compared:
    """A fit in which the elements of a facet have a parameter for each group that they met.

    A cell is an element before a group: ``element``, ``group`` (cell,) in codes, ``place`` (cell,) its parameter,
    ``part`` (cell,) the cells that have a common zero, ``students`` and ``ratings`` (cell,) how many it has.
    ``cell`` (rating,) is the one of each rating. ``null`` is the fit without the groups.
    """

    fit: mml.Fit
    null: Null
    element: np.ndarray
    group: np.ndarray
    place: np.ndarray
    part: np.ndarray
    cell: np.ndarray
    students: np.ndarray
    ratings: np.ndarray

    @cached_property
    def estimated(self) -> np.ndarray:
        """Whether a cell has a finite parameter (cell,)."""
        return np.asarray(self.fit.plan.status[self.place] == ESTIMATED)

    @cached_property
    def value(self) -> np.ndarray:
        """Parameters (cell,), 0 without an estimate."""
        return np.nan_to_num(self.fit.value[self.place])

    @cached_property
    def covariance(self) -> np.ndarray:
        """Their covariance (cell, cell), from whole students."""
        data = self.fit.plan.data
        leverage = contrasts.leverages(self.cell, data.student, data.n_students)
        return contrasts.whole_students(self.fit, leverage, self.place)

    @cached_property
    def found(self) -> Rated:
        """The model seen from the ratings that inform it."""
        return rated(self.fit.plan, self.fit.problem.stats, self.fit.found.point.value)

    @cached_property
    def slopes(self) -> nonuniform.Slopes:
        """The slope of each cell, less 1."""
        seen = self.cell[self.fit.plan.kept]
        return nonuniform.slopes(self.found, self.fit.found.posterior, self.fit.found.nodes, seen, len(self.place))

    def levels_apart(self, cell: int, contrast: float) -> float:
        """What a contrast of a cell means in levels, for its own ratings."""
        order, start = self._by_cell
        rows = order[start[cell] : start[cell + 1]]
        return contrasts.levels_apart(self.found, self.fit.found.eap, rows, contrast)

    @cached_property
    def _by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        """The ratings that inform the fit, by cell, and where each cell starts (cell + 1,)."""
        cell = self.cell[self.fit.plan.kept]
        order = np.argsort(cell, kind="stable")
        return order, np.searchsorted(cell[order], np.arange(len(self.place) + 1))

    @property
    def converged(self) -> bool:
        """Whether both fits did."""
        return self.fit.converged and self.null.converged

    @property
    def likelihood_ratio(self) -> tuple[float, float, float]:
        """χ², degrees of freedom and p of the groups making no difference; takes all the ratings for independent."""
        df = self.fit.n_parameters - self.null.n_parameters
        statistic = max(self.null.deviance - self.fit.deviance, 0.0)
        return (statistic, float(df), float(chi2.sf(statistic, df))) if df > 0 else (np.nan, 0.0, np.nan)


def without_groups(asked: Design, by: str, thresholds: str) -> Null:
    """The model in which the groups of the column ``by`` make no difference.

    In this model and the others the students have a free mean for each group within each INSPÉ, so that a weaker group
    is not a group treated worse.
    """
    fit = mml.fit(asked.data, _model(asked, thresholds), _population(asked, by, asked.component))
    return Null(fit.deviance, fit.n_parameters, fit.converged)


def _model(asked: Design, thresholds: str) -> Model:
    parts = {"trainer": asked.trainer_component} if asked.n_components > 1 else {}
    return Model(thresholds=thresholds, components=parts)


def _population(asked: Design, by: str, component: np.ndarray) -> Population:
    """A free mean for each component, INSPÉ and group of students."""
    keys = [component.astype(np.int64)]
    for name in dict.fromkeys(("inspe", by)):
        keys.append(asked.people[name].cat.codes.to_numpy().astype(np.int64) + 1)
    return group_means(combination(keys, [int(key.max(initial=0)) + 1 for key in keys])[1])


def criteria_before(asked: Design, by: str, thresholds: str, null: Null) -> Compared:
    """Interaction of criterion and group: its margins are zero, and the group itself belongs to the population."""
    pair = ("criterion", by)
    model = replace(_model(asked, thresholds), interactions=(pair,))
    found = mml.fit(asked.data, model, _population(asked, by, asked.component))
    rows, cell = combination([asked.data.facets[name] for name in pair], [asked.data.sizes[name] for name in pair])
    start = found.plan.blocks[interaction_name(pair)].start
    part = np.zeros(len(rows), dtype=np.int64)
    return _filled(found, null, rows, start + np.arange(len(rows)), part, cell)


def trainers_before(asked: Design, by: str, thresholds: str, null: Null) -> Compared:
    """Each trainer before each group as a rater of its own; the criteria are shared.

    A student belongs to one group, so the raters of different groups never meet: each group, and each island of it, has
    its own zero, and only differences between trainers of one island can be compared between groups.
    """
    data = asked.data
    rows, cell = combination([data.facets["trainer"], data.facets[by]], [data.sizes["trainer"], data.sizes[by]])
    own, part = components(*distinct_pairs(data.student, cell), data.n_students, len(rows))
    cells = RatingData(
        data.student, {CELL: cell, "criterion": data.facets["criterion"]}, data.score, data.n_students,
        {CELL: len(rows), "criterion": data.sizes["criterion"]}, data.n_levels,
    )  # fmt: skip
    model = Model(facets=(CELL, "criterion"), thresholds=thresholds, components={CELL: part})
    found = mml.fit(cells, model, _population(asked, by, own))
    return _filled(found, null, rows, found.plan.blocks[CELL].start + np.arange(len(rows)), part, cell)


def _filled(
    found: mml.Fit, null: Null, rows: np.ndarray, place: np.ndarray, part: np.ndarray, cell: np.ndarray
) -> Compared:
    met = distinct_pairs(cell, found.plan.data.student)[0]
    students, ratings = (np.bincount(codes, minlength=len(rows)) for codes in (met, cell))
    return Compared(found, null, rows[:, 0], rows[:, 1], place, part, cell, students, ratings)
