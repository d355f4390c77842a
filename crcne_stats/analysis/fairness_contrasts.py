"""Which comparisons between groups can be made, and their contrasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crcne_stats.analysis.fairness_models import Compared
from crcne_stats.analysis.severity_design import Design
from crcne_stats.core.rasch.contrasts import Contrasts, centre, combined


@dataclass(frozen=True, eq=False)
class Comparisons:
    """An element before one group and before the others, a row each.

    ``element``, ``group``, ``versus`` (the other group, −1: the mean of several), ``cell`` (−1: none), ``smaller``
    (students of the smaller side), ``ratings``, ``home`` (INSPÉ of a trainer), ``reason`` (why there is no test) are
    (comparison,); ``contrasts`` holds those with a test, ``sides`` (tested comparison, cell) the group less the others.
    """

    element: np.ndarray
    group: np.ndarray
    versus: np.ndarray
    cell: np.ndarray
    smaller: np.ndarray
    ratings: np.ndarray
    home: np.ndarray
    reason: np.ndarray
    contrasts: Contrasts
    sides: np.ndarray

    @property
    def tested(self) -> np.ndarray:
        """Whether a comparison has a test (comparison,)."""
        return np.asarray(self.reason == "")


@dataclass(eq=False)
class _Side:
    """A comparison before it is tested: cells of the group and of the others; ``versus`` is a single other group."""

    element: int
    group: int
    cell: int
    others: list[int]
    versus: int
    smaller: int
    ratings: int
    reason: str


def of_criteria(asked: Design, by: str, fits: Compared, least: int, alpha: float) -> Comparisons:
    """Each criterion; contrasts are measured from the criteria that do not stand out."""
    sides = list(_sides(fits, asked.data.sizes["criterion"], asked.data.sizes[by], least, every=True))
    for g in range(asked.data.sizes[by]):
        open_ = [side for side in sides if side.group == g and not side.reason]
        if len(open_) == 1:
            open_[0].reason = "one_criterion"
    groups = np.array([side.group for side in sides if not side.reason], dtype=np.int64)
    weights = _centred(_weights(sides, fits), groups, fits.value, fits.covariance, _df(sides), alpha)
    return _made(sides, fits, weights, np.full(len(sides), None, dtype=object))


def of_slopes(fits: Compared, found: Comparisons, alpha: float) -> Contrasts:
    """How each tested difference of a criterion grows with ability, from the criteria that do not stand out.

    Positive: for each logit of ability the criterion becomes that much harder for the group than for the others.
    """
    own = fits.slopes
    contrasts = found.contrasts
    weights = _centred(found.sides, found.group[found.tested], -own.value, own.covariance, contrasts.df, alpha)
    return combined(weights, -np.nan_to_num(own.value), own.covariance, contrasts.df)


def _centred(
    weights: np.ndarray, group: np.ndarray, value: np.ndarray, covariance: np.ndarray, df: np.ndarray, alpha: float
) -> np.ndarray:
    """Comparisons (comparison, cell) measured, in each group, from those that do not stand out."""
    weights, value = weights.copy(), np.nan_to_num(value)
    for g in np.unique(group):
        mine = group == g
        own = combined(weights[mine], value, covariance, df[mine])
        weights[mine] -= centre(own, alpha) @ weights[mine]
    return weights


def of_trainers(asked: Design, by: str, fits: Compared, least: int) -> Comparisons:
    """Each trainer; contrasts are measured from the mean of the colleagues who can be compared."""
    n_groups = asked.data.sizes[by]
    sides = list(_sides(fits, asked.data.sizes["trainer"], n_groups, least, every=n_groups == 2))
    homes = asked.frame.groupby("trainer", observed=False)["trainer_inspe"].first()
    homes = homes.reindex(asked.names["trainer"]).astype(object).to_numpy(dtype=object)
    classes: dict[tuple[object, ...], list[int]] = {}
    for i, side in enumerate(sides):
        if not side.reason:
            parts = tuple((int(fits.group[cell]), int(fits.part[cell])) for cell in (side.cell, *side.others))
            classes.setdefault((str(homes[side.element]), *parts), []).append(i)
    for members in classes.values():
        if len(members) < 2:
            sides[members[0]].reason = "no_colleague"
    weights = _weights(sides, fits)
    rows = {i: row for row, i in enumerate(i for i, side in enumerate(sides) if not side.reason)}
    for members in classes.values():
        own = [rows[i] for i in members if i in rows]
        if own:
            weights[own] -= weights[own].mean(axis=0)
    return _made(sides, fits, weights, np.array([homes[side.element] for side in sides], dtype=object))


def _sides(fits: Compared, n_elements: int, n_groups: int, least: int, every: bool) -> Iterator[_Side]:
    """Every element before every group (of two groups the second alone); ``every``: also groups that it never met."""
    cells = {(int(e), int(g)): i for i, (e, g) in enumerate(zip(fits.element, fits.group, strict=True))}
    enough = fits.estimated & (fits.students >= least)
    for element in range(n_elements):
        met = [cells.get((element, g), -1) for g in range(n_groups)]
        for g in range(n_groups) if n_groups > 2 else (1,):
            cell = met[g]
            if cell < 0 and not every:
                continue
            others = [other for h, other in enumerate(met) if h != g and other >= 0]
            usable = [other for other in others if enough[other]]
            if n_groups > 2 and cell >= 0 and enough[cell] and len(usable) == 1 and fits.group[usable[0]] > g:
                continue  # the comparison of the same two groups comes later, the other way round
            counted = usable or others
            here = int(fits.students[cell]) if cell >= 0 else 0
            there = int(fits.students[counted].sum()) if counted else 0
            reason = ""
            if cell < 0 or not usable or not enough[cell]:
                extreme = cell >= 0 and not (fits.estimated[cell] and fits.estimated[counted].all())
                reason = "no_spread" if extreme and min(here, there) >= least else "few_in_cell"
            ratings = int(fits.ratings[[c for c in (cell, *counted) if c >= 0]].sum())
            groups = {int(fits.group[other]) for other in usable} or set(range(n_groups)) - {g}
            versus = groups.pop() if len(groups) == 1 else -1
            yield _Side(element, g, cell, usable, versus, min(here, there), ratings, reason)


def _weights(sides: list[_Side], fits: Compared) -> np.ndarray:
    """One in the cell of the group, less the mean of the others: (tested comparison, cell)."""
    tested = [side for side in sides if not side.reason]
    weights = np.zeros((len(tested), len(fits.place)))
    for row, side in enumerate(tested):
        weights[row, side.cell] = 1.0
        weights[row, side.others] = -1.0 / len(side.others)
    return weights


def _df(sides: list[_Side]) -> np.ndarray:
    return np.array([side.smaller - 1 for side in sides if not side.reason], dtype=float)


def _made(sides: list[_Side], fits: Compared, weights: np.ndarray, home: np.ndarray) -> Comparisons:
    names = ("element", "group", "versus", "cell", "smaller", "ratings")
    codes = np.array([[getattr(side, name) for name in names] for side in sides], dtype=np.int64).reshape(-1, 6)
    element, group, versus, cell, smaller, ratings = codes.T
    reason = np.array([side.reason for side in sides], dtype=object)
    contrasts = combined(weights, fits.value, fits.covariance, _df(sides))
    return Comparisons(element, group, versus, cell, smaller, ratings, home, reason, contrasts, _weights(sides, fits))
