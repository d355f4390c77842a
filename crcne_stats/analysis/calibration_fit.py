"""The two versions fitted together, each linked criterion with a difficulty in each, each trainer a rater in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crcne_stats.analysis.calibration_design import RATER, VERSION, Stacked
from crcne_stats.core.linking import Shift, excess_variance, haberman
from crcne_stats.core.rasch import contrasts, mml
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.contrasts import NEGLIGIBLE, Contrasts
from crcne_stats.core.rasch.design import Model, combination, interaction_name
from crcne_stats.core.rasch.information import Scores, student_scores
from crcne_stats.core.rasch.layout import ESTIMATED
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.rasch.rated import Rated, rated

EQUAL = 1.645
"""Two one-sided tests at 5 % say that a drift is negligible."""
DRAWS, DRAW_SEED = 400, 1955
"""Draws in which the anchors are chosen anew: they give the standard error that the choice adds within 4 %."""


@dataclass(frozen=True, eq=False)
class Joint:
    """A fit of both versions. Every answer is a row over the estimates (free parameters, then mean abilities).

    Raters are centred within islands, criteria over both versions, drifts at zero on average, mean abilities free: so
    nothing ties the versions but what the rows say. ``cell`` (form, version) is the place of a difficulty in a version
    among the interactions, −1 where nobody rated it; ``code`` (rating,) that of each rating.
    """

    asked: Stacked
    fit: mml.Fit
    cell: np.ndarray
    code: np.ndarray

    @cached_property
    def estimate(self) -> np.ndarray:
        """Free parameters and regression coefficients (estimate,)."""
        answer = np.zeros(len(self.fit.covariance))
        n_free = len(self.fit.plan.free)
        answer[:n_free] = self.fit.value[self.fit.plan.free]
        answer[self.fit.problem.coefficients] = np.nan_to_num(self.fit.coefficient)
        return answer

    @cached_property
    def covariance(self) -> np.ndarray:
        """Their covariance from whole students, for criteria and abilities."""
        return self._covariance(self.code)

    @cached_property
    def rater_covariance(self) -> np.ndarray:
        """The same for raters, who have few students each."""
        return self._covariance(self.asked.data.facets[RATER])

    def _covariance(self, code: np.ndarray) -> np.ndarray:
        data = self.fit.plan.data
        leverage = contrasts.leverages(code, data.student, data.n_students)
        return contrasts.whole_estimates(self.fit, leverage, self.scores)

    @cached_property
    def scores(self) -> Scores:
        """Scores of the students, which both covariances rest on."""
        return student_scores(self.fit.problem, self.fit.found)

    @cached_property
    def place(self) -> np.ndarray:
        """Place of each parameter among the estimates, −1 where it has none (parameter,)."""
        answer = np.full(len(self.fit.plan.status), -1)
        answer[self.fit.plan.free] = np.arange(len(self.fit.plan.free))
        return answer

    @cached_property
    def known(self) -> np.ndarray:
        """Which difficulties are estimated (form, version)."""
        status, blocks = self.fit.plan.status, self.fit.plan.blocks
        main = status[blocks["criterion"].range] == ESTIMATED
        start = blocks[interaction_name(("criterion", VERSION))].start
        own = (self.cell >= 0) & (status[start + np.maximum(self.cell, 0)] == ESTIMATED)
        return np.asarray(main[:, None] & own)

    @cached_property
    def difficulty(self) -> np.ndarray:
        """Rows (form, version, estimate) of the difficulties."""
        blocks = self.fit.plan.blocks
        answer = np.zeros((*self.cell.shape, len(self.estimate)))
        start = blocks[interaction_name(("criterion", VERSION))].start
        for form, version in np.argwhere(self.known):
            for parameter in (blocks["criterion"].start + form, start + self.cell[form, version]):
                answer[form, version, self.place[parameter]] += 1.0
        return answer

    @cached_property
    def rater(self) -> np.ndarray:
        """Place of each rater among the estimates, −1 where it has none (rater,)."""
        return self.place[self.fit.plan.blocks[RATER].range]

    def ability(self, cohort: int) -> np.ndarray:
        """Row of the mean ability of the students of a version (estimate,)."""
        asked, answer = self.asked, np.zeros(len(self.estimate))
        share = np.bincount(asked.group[asked.cohort == cohort], minlength=len(asked.group_cohort)).astype(float)
        share[~self.fit.problem.informed] = 0.0
        answer[self.fit.problem.coefficients] = share / max(share.sum(), 1.0)
        return answer

    @cached_property
    def students(self) -> np.ndarray:
        """Students behind each difficulty (form, version)."""
        met = np.unique(np.column_stack([self.code, self.fit.plan.data.student]), axis=0)[:, 0]
        n = np.bincount(met, minlength=int(self.cell.max(initial=0)) + 1)
        return np.where(self.cell >= 0, n[np.maximum(self.cell, 0)], 0)

    @cached_property
    def found(self) -> Rated:
        """The model seen from the ratings that inform it."""
        return rated(self.fit.plan, self.fit.problem.stats, self.fit.found.point.value)

    def levels_apart(self, form: int, drift: float) -> float:
        """What a drift means in levels, for the ratings of the new version."""
        rows = self.code[self.fit.plan.kept] == self.cell[form, 1]
        return contrasts.levels_apart(self.found, self.fit.found.eap, np.flatnonzero(rows), drift)

    def shift(self, row: np.ndarray, link_variance: float = 0.0) -> Shift:
        """A row with its errors; ``link_variance`` is what anchors or trainers that move add."""
        variance = float(row @ self.covariance @ row)
        return Shift(float(row @ self.estimate), float(np.sqrt(max(variance, 0.0))), float(np.sqrt(link_variance)))


def joint(asked: Stacked, thresholds: str) -> Joint:
    """Fit both versions together, thresholds of a linked criterion the same in both."""
    pair = ("criterion", VERSION)
    model = Model((RATER, "criterion"), (pair,), thresholds, components={RATER: asked.part})
    found = mml.fit(asked.data, model, group_means(asked.group))
    data = asked.data
    rows, code = combination([data.facets[name] for name in pair], [data.sizes[name] for name in pair])
    cell = np.full((asked.n_forms, 2), -1)
    cell[rows[:, 0], rows[:, 1]] = np.arange(len(rows))
    return Joint(asked, found, cell, code)


@dataclass(frozen=True, eq=False)
class Anchors:
    """What the link rests on.

    ``linked`` (linked,) forms known in both versions; ``raw`` their differences new − previous, up to a common shift;
    ``weight`` (linked,) of sum one; ``drift`` the same measured from the weighted mean; ``choice`` the variance that
    the choice of the anchors adds to the link.
    """

    linked: np.ndarray
    raw: Contrasts
    weight: np.ndarray
    drift: Contrasts
    p_adjusted: np.ndarray
    choice: float = 0.0

    @property
    def n(self) -> int:
        """Number of criteria on which the link rests."""
        return int((self.weight > 0).sum())

    @property
    def variance(self) -> float:
        """Variance of the link from anchors that drift a little and from having chosen them by the same ratings.

        Anchors chosen because they agree differ less than their errors say, which the choice makes up for: so the sum
        is cut at 0, and not each part.
        """
        own = self.weight > 0
        excess = excess_variance(self.drift.value[own], self.drift.covariance[np.ix_(own, own)])
        return max(excess * float((self.weight**2).sum()) + self.choice, 0.0)

    def full(self, n_forms: int) -> np.ndarray:
        """Weights over all forms (form,)."""
        answer = np.zeros(n_forms)
        answer[self.linked] = self.weight
        return answer


def anchors(found: Joint, alpha: float, reworded: str, link: str) -> Anchors:
    """Anchors after stepwise purification, reworded candidates tested against them.

    ``reworded`` "test" lets a reworded criterion in where its drift is surely negligible, "never" and "always" decide
    beforehand. ``link`` "robust" weighs all the candidates by Tukey's bisquare instead of leaving some out.
    """
    asked = found.asked
    linked = np.flatnonzero(found.known.all(axis=1))
    kind = np.array(asked.kind, dtype=object)[linked]
    rows = found.difficulty[linked, 1] - found.difficulty[linked, 0]
    df = np.maximum(found.students[linked].min(axis=1) - 1, 1).astype(float)
    raw = Contrasts(rows @ found.estimate, rows @ found.covariance @ rows.T, df)
    wanted = kind == "same" if reworded != "always" or not (kind == "reworded").any() else np.isin(
        kind, ["same", "reworded"])  # fmt: skip
    if not wanted.any():
        wanted = kind == "reworded"
    if not wanted.any():
        return Anchors(linked, raw, np.zeros(len(linked)), raw, np.full(len(linked), np.nan))
    tested = (kind == "reworded") & ~wanted & (reworded == "test" and link == "mean")

    def chosen(values: np.ndarray) -> np.ndarray:
        return _weights(values, raw, wanted, tested, alpha, link)

    weight = chosen(raw.value[None, :])[0]
    drift = _from(raw, weight)
    single = (weight > 0).sum() == 1
    p = np.where(single & (weight > 0), np.nan, drift.p)
    held = Anchors(linked, raw, weight, drift, adjusted(p))
    return replace(held, choice=_choice(held, chosen))


def _weights(
    values: np.ndarray, raw: Contrasts, wanted: np.ndarray, tested: np.ndarray, alpha: float, link: str
) -> np.ndarray:
    """Weights (draw, linked), of sum one, for each row of differences (draw, linked) with the errors of ``raw``.

    ``wanted`` (linked,) are the candidates, ``tested`` (linked,) those that join where their drift is negligible.
    """
    own = Contrasts(raw.value[wanted], raw.covariance[np.ix_(wanted, wanted)], raw.df[wanted])
    n = len(own.value)
    if n < 3:
        found = np.full((len(values), n), 1 / n)
    elif link == "robust":
        found = np.array([haberman(np.array([np.zeros(n), row])).weight[1] for row in values[:, wanted]])
    else:
        found = contrasts.centres(values[:, wanted], own, alpha)
    weight = np.zeros(values.shape)
    weight[:, wanted] = found
    if tested.any():
        moved, se = contrasts.measured_from(values, raw.covariance, weight)
        weight = ((weight > 0) | (tested & (np.abs(moved) + EQUAL * se < NEGLIGIBLE))).astype(float)
    return np.asarray(weight / weight.sum(axis=1)[:, None])


def _choice(held: Anchors, chosen: Callable[[np.ndarray], np.ndarray]) -> float:
    """Variance that the choice of the anchors adds to the link, for other ratings would have chosen others.

    A parametric bootstrap that chooses anew in every draw (Efron 2014, doi:10.1080/01621459.2013.823775): the anchors
    lie at their mean, the other criteria where they were found, all with the errors of the fit. What counts is the
    spread of the link by the anchors of the draw about the link by the anchors kept. Among criteria that stay the mean
    does not depend on which of them stands out (Basu 1955, Sankhyā 15, 377–380), so the variances add up.
    """
    own = held.weight > 0
    if own.sum() < 2:
        return 0.0
    rng = np.random.default_rng(DRAW_SEED)
    noise = rng.standard_normal((DRAWS, len(own)))
    value, vector = np.linalg.eigh(held.raw.covariance)
    # The symmetric root, for that of Cholesky does not exist: differences known up to a shift are dependent.
    root = (vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T
    middle = np.where(own, held.weight @ held.raw.value, held.raw.value)
    draws = middle + noise @ root
    return float((((chosen(draws) - held.weight) * draws).sum(axis=1)).var(ddof=1))


def _from(raw: Contrasts, weight: np.ndarray) -> Contrasts:
    """The contrasts measured from their weighted mean."""
    move = np.eye(len(weight)) - weight
    return contrasts.combined(move, raw.value, raw.covariance, raw.df)


@dataclass(frozen=True, eq=False)
class Trainers:
    """Trainers who rated under both versions: ``first`` and ``second`` (common,) raters, ``trainer`` (common,) codes.

    ``weight`` (rater,) averages the raters of each version with which abilities are compared (the previous with minus,
    the new with plus); ``change`` the change of each common trainer against the mean of those of the same two islands;
    ``variance`` what their own drift adds to the error of a mean; ``common`` whether any trainer is.
    """

    trainer: np.ndarray
    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray
    change: Contrasts
    tested: np.ndarray
    variance: float

    @property
    def common(self) -> bool:
        """Whether some trainer rated under both versions."""
        return bool(len(self.trainer))


def trainers(found: Joint) -> Trainers:
    """Who rated under both versions, and how far each moved against the others."""
    asked, data = found.asked, found.asked.data
    known = found.rater >= 0
    place = {(int(t), int(v)): r for r, (t, v) in enumerate(zip(asked.trainer, asked.version, strict=True))}
    both = [
        (t, place[t, 0], place[t, 1])
        for t in range(len(asked.trainers))
        if (t, 0) in place and (t, 1) in place and known[place[t, 0]] and known[place[t, 1]]
    ]
    codes = np.array(both, dtype=np.int64).reshape(-1, 3)
    who, first, second = codes.T
    weight = np.zeros(len(known))
    for version, members in ((0, first), (1, second)):
        share = _share(asked, version)
        for island in np.unique(asked.part[asked.version == version]):
            own = members[asked.part[members] == island]
            if not len(own):
                own = np.flatnonzero(known & (asked.version == version) & (asked.part == island))
            if len(own):
                weight[own] += (1 if version else -1) * share.get(int(island), 0.0) / len(own)
    rows = np.zeros((len(who), len(found.estimate)))
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        rows[row, found.rater[b]], rows[row, found.rater[a]] = 1.0, -1.0
    islands = np.unique(np.column_stack([asked.part[first], asked.part[second]]), axis=0, return_inverse=True)[1]
    islands = islands.reshape(-1)
    tested = np.bincount(islands)[islands] > 1 if len(who) else np.zeros(0, dtype=bool)
    for island in np.unique(islands):
        rows[islands == island] -= rows[islands == island].mean(axis=0)
    students = np.bincount(
        np.unique(np.column_stack([data.facets[RATER], data.student]), axis=0)[:, 0], minlength=len(known)
    )
    df = np.maximum(np.minimum(students[first], students[second]) - 1, 1).astype(float)
    change = Contrasts(rows @ found.estimate, rows @ found.rater_covariance @ rows.T, df)
    excess = excess_variance(change.value[tested], change.covariance[np.ix_(tested, tested)])
    variance = max(excess, 0.0) / max(len(who), 1)
    return Trainers(who, first, second, weight, change, tested, variance)


def _share(asked: Stacked, version: int) -> dict[int, float]:
    """Share of the students of a version in each island."""
    own = asked.person_part[(asked.cohort == version) | asked.again]
    island, n = np.unique(own, return_counts=True)
    return dict(zip(island.tolist(), (n / n.sum()).tolist(), strict=True))


def rater_row(found: Joint, weight: np.ndarray) -> np.ndarray:
    """The row of a weighted sum of raters (rater,)."""
    answer = np.zeros(len(found.estimate))
    own = (weight != 0) & (found.rater >= 0)
    np.add.at(answer, found.rater[own], weight[own])
    return answer
