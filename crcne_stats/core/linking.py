"""Two scales made one: constants of a link, drift of what should have stayed put, and the error that a link adds.

Difficulties are in logits, positive for hard; an *anchor* is a criterion that two versions share. A link says what to
add to the new version's measures so that they stand on the previous version's scale.

Sources: Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., § 6.2–6.3 (mean/sigma, mean/mean,
characteristic curves); Stocking & Lord (1983), doi:10.1177/014662168300700208; Haberman (2009),
doi:10.1002/j.2333-8504.2009.tb02197.x (several forms at once); He & Cui (2020), doi:10.1177/0146621619886050 (robust);
Huynh & Meyer (2010), Journal of Applied Testing Technology 11 (robust z); Monseur & Berezner (2007), Journal of Applied
Measurement 8 (jackknife); Asparouhov & Muthén (2014), doi:10.1080/10705511.2014.919210 (alignment).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Curve = Callable[[Floats], Floats]
"""Expected total score (node,) at abilities (node,)."""

SUSPECT = 1.645
"""Robust z beyond which Huynh & Meyer look at an anchor again."""
TUNING = 4.685
"""Of the bisquare weight: 95 % efficient for normal errors (Holland & Welsch 1977, doi:10.1080/03610927708827533)."""
ROUNDS = 100
SMOOTH = 0.01
"""Below this difference in logits the loss of the alignment is rounded off (the ε of Asparouhov & Muthén)."""


def mean_sigma(previous: Any, new: Any) -> tuple[float, float]:
    """Slope and intercept that give the new difficulties (anchor,) mean and deviation of the previous (anchor,)."""
    old, now = np.asarray(previous, dtype=float), np.asarray(new, dtype=float)
    spread = now.std()
    slope = float(old.std() / spread) if spread > 0 else float("nan")
    return slope, float(old.mean() - slope * now.mean())


def mean_mean(previous: Any, new: Any, previous_slope: Any = 1.0, new_slope: Any = 1.0) -> tuple[float, float]:
    """Slope from the mean discriminations (1 in a Rasch model) and intercept from the mean difficulties."""
    slope = float(np.mean(new_slope) / np.mean(previous_slope))
    return slope, float(np.mean(previous) - slope * np.mean(new))


def stocking_lord(
    previous: Curve, new: Curve, nodes: Floats, weight: Floats, *, free_slope: bool = True,
    new_weight: Floats | None = None,
) -> tuple[float, float]:  # fmt: skip
    """Slope and intercept that bring the characteristic curves of the anchors together.

    Parameters
    ----------
    previous, new
        Expected total score of the anchors, each on its own scale.
    nodes, weight : (node,)
        Abilities on the previous scale and how much the distance of the curves counts there.
    free_slope
        Without it the slope is 1, as in a Rasch model.
    new_weight : (node,), optional
        Weights for the way back, from the previous scale to the new one; None leaves it out.
    """
    here = previous(nodes)

    def loss(move: Floats) -> float:
        slope, intercept = (float(np.exp(move[0])), float(move[1])) if free_slope else (1.0, float(move[0]))
        away = float(weight @ (here - new((nodes - intercept) / slope)) ** 2) / float(weight.sum())
        if new_weight is None:
            return away
        back = float(new_weight @ (new(nodes) - previous(slope * nodes + intercept)) ** 2)
        return away + back / float(new_weight.sum())

    start = np.zeros(1 + free_slope)
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-13}).x
    return (float(np.exp(found[0])), float(found[1])) if free_slope else (1.0, float(found[0]))


def partial_credit_curve(difficulty: Floats, steps: Floats, score: Floats | None = None) -> Curve:
    """The characteristic curve of partial-credit criteria.

    ``difficulty`` (criterion,); ``steps`` (criterion, level) summed thresholds up to each level, +inf beyond the last;
    ``score`` (criterion, level), the number of the level when absent.
    """
    level = np.arange(steps.shape[1], dtype=float)
    points = np.broadcast_to(level, steps.shape) if score is None else score

    def curve(ability: Floats) -> Floats:
        logits = level[:, None] * (ability - difficulty[:, None])[:, None, :] - steps[:, :, None]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance = odds / odds.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("cl,cln->n", np.where(np.isfinite(steps), points, 0.0), chance))

    return curve


@dataclass(frozen=True, eq=False)
class Linked:
    """``shift`` (form,) to add to a form's difficulties, 0 for the first; ``difficulty`` (item,) on that scale.

    ``weight`` (form, item) is 1 for what the link rests on and falls to 0 for what stands apart.
    """

    shift: Floats
    difficulty: Floats
    weight: Floats


def haberman(table: Any, robust: bool = True) -> Linked:
    """Link any number of forms at once: difficulty = item − shift of the form, by (robust) least squares.

    Parameters
    ----------
    table : (form, item)
        Difficulties, NaN where a form lacks an item. Forms must hang together by common items.
    robust
        Bisquare weights by Tukey around the median absolute residual: an item that moved is left out of the link
        instead of pulling it. With two forms and without it this is the difference of means.
    """
    given = np.asarray(table, dtype=float)
    known = np.isfinite(given)
    form, item = np.nonzero(known)
    value = given[known]
    n_forms, n_items = given.shape
    design = np.zeros((len(value), n_items + n_forms - 1))
    design[np.arange(len(value)), item] = 1.0
    moved = form > 0
    design[np.flatnonzero(moved), n_items + form[moved] - 1] = -1.0
    weight = np.ones(len(value))
    solution = _least_squares(design, value, weight)
    if robust:
        # From the medians: a start by least squares would let a few far items hide behind one another.
        solution = _absolute(design, value, solution)
        for _ in range(ROUNDS):
            residual = value - design @ solution
            scale = max(float(np.median(np.abs(residual[known.sum(axis=0)[item] > 1]))) / 0.6745, 1e-3)
            weight = np.clip(1 - (residual / (TUNING * scale)) ** 2, 0.0, None) ** 2
            before, solution = solution, _least_squares(design, value, np.maximum(weight, 1e-9))
            if np.abs(solution - before).max() < 1e-10:
                break
    weights = np.zeros(given.shape)
    weights[known] = weight
    return Linked(np.r_[0.0, solution[n_items:]], solution[:n_items], weights)


def _least_squares(design: Floats, value: Floats, weight: Floats) -> Floats:
    root = np.sqrt(weight)
    return np.asarray(np.linalg.lstsq(design * root[:, None], value * root, rcond=None)[0])


def _absolute(design: Floats, value: Floats, start: Floats) -> Floats:
    """Least absolute residuals, by reweighting."""
    solution = start
    for _ in range(ROUNDS):
        weight = 1 / np.maximum(np.abs(value - design @ solution), 1e-6)
        before, solution = solution, _least_squares(design, value, weight)
        if np.abs(solution - before).max() < 1e-8:
            break
    return solution


def robust_z(drift: Any) -> Floats:
    """Distance (anchor,) of each drift from the median in robust standard deviations (0.74 × interquartile range)."""
    values = np.asarray(drift, dtype=float)
    if not np.isfinite(values).any():
        return np.full(len(values), np.nan)
    low, middle, high = np.nanpercentile(values, [25, 50, 75])
    spread = 0.74 * (high - low)
    return np.asarray((values - middle) / spread) if spread > 0 else np.full(len(values), np.nan)


def jackknife_error(drift: Any) -> float:
    """Link error: the standard error of a mean shift over these anchors, were they drawn from many (anchor,).

    Each is left out in turn; NaN with fewer than two. It holds the sampling error of the drifts too.
    """
    values = np.asarray(drift, dtype=float)
    n = len(values)
    if n < 2:
        return float("nan")
    without = (values.sum() - values) / (n - 1)
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def excess_variance(drift: Any, covariance: Any) -> float:
    """Variance of true drifts (anchor,) beyond what their error ``covariance`` (anchor, anchor) makes.

    Unbiased, hence below 0 where by chance they differ less than their errors: who adds it up cuts the sum at 0.
    """
    values, known = np.asarray(drift, dtype=float), np.asarray(covariance, dtype=float)
    n = len(values)
    if n < 2:
        return 0.0
    noise = (np.trace(known) - known.sum() / n) / (n - 1)
    return float(values.var(ddof=1) - noise)


@dataclass(frozen=True, eq=False)
class Shift:
    """A linear combination with its error: ``value``, ``se`` from sampling alone, ``se_link`` that drift adds."""

    value: float
    se: float
    se_link: float = 0.0

    @property
    def total(self) -> float:
        """Error of sampling and link together."""
        return float(np.hypot(self.se, self.se_link))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Bounds, link error included."""
        reach = float(stats.norm.ppf((1 + level) / 2)) * self.total
        return self.value - reach, self.value + reach

    def __add__(self, other: Shift) -> Shift:
        """Independent shifts in a chain: values add up, and so do variances."""
        return Shift(
            self.value + other.value, float(np.hypot(self.se, other.se)), float(np.hypot(self.se_link, other.se_link))
        )


def aligned(difficulty: Any, weight: Any) -> Floats:
    """Shift (group,) for each group that makes the difficulties of most criteria agree, those of a few apart.

    The loss grows with the square root of a difference, so that many equal criteria and few large differences are
    preferred to many middling ones.

    Parameters
    ----------
    difficulty : (group, criterion)
        NaN where a group lacks a criterion.
    weight : (group,)
        Students, say; a pair of groups counts with the root of the product.
    """
    table, size = np.asarray(difficulty, dtype=float), np.asarray(weight, dtype=float)
    n = len(table)
    if n < 2:
        return np.zeros(n)
    first, second = np.triu_indices(n, 1)
    pair = np.sqrt(size[first] * size[second])
    pair = (pair / pair.mean())[:, None] * np.isfinite(table[first] - table[second])
    apart = np.nan_to_num(table[first] - table[second])

    def loss(shift: Floats, smooth: float) -> tuple[float, Floats]:
        gap = apart + (shift[first] - shift[second])[:, None]
        square = gap**2 + smooth
        slope = (pair * 0.5 * square**-0.75 * gap).sum(axis=1)
        gradient = np.bincount(first, slope, minlength=n) - np.bincount(second, slope, minlength=n)
        return float((pair * square**0.25).sum()), np.asarray(gradient, dtype=float)

    start = np.array([-np.nanmedian(row) if np.isfinite(row).any() else 0.0 for row in table])
    for smooth in (1.0, 0.1, SMOOTH**2 * 100, SMOOTH**2):  # from a smooth loss to a sharp one
        start = optimize.minimize(loss, start - start.mean(), args=(smooth,), jac=True, method="BFGS").x
    return np.asarray(start - start.mean())
