"""Where a level begins on a scale of ability, by the overall levels that trainers give to whole files.

Two ways (Cizek & Bunch 2007, Standard setting, doi:10.4135/9781412985918, chapters 6 and 13): *contrasting groups*, the
place at which a file is judged at that level or higher as often as below it (Livingston & Zieky 1982); *borderline
regression*, the measure that a straight line gives half a step below the level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.resample import Progress, bootstrap_weights, repeat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METHODS = ("contrasting_groups", "borderline_regression")
STEPS = 60
EXACT = 1e-10
REFITS = 15
CLOSE = 1e-4
"""In slopes of the curve: far below what a resample moves."""
WIDTH = 0.005
"""Logits: measures nearer than this are one class in resamples."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Overall levels, one entry each.

    ``student`` (judgement,) in 0 … ``n_students`` − 1; ``level`` (judgement,) as an index of a ladder of ``n_levels``;
    ``expected`` (judgement,) the measure of the file before that trainer, as a posterior mean, whose error is
    independent of it (Berkson): a logistic curve on it crosses one half where it does on the truth; ``unshrunken``
    (judgement,) the same with an error that is independent of the truth: the mean of it among files of a level is that
    of the truth.
    """

    student: Ints
    level: Ints
    expected: Floats
    unshrunken: Floats
    n_students: int
    n_levels: int


Follow = Callable[[str, Floats], Floats]
"""From a method and how its cut scores follow each measure (level above the lowest, judgement) to how much each student
(student, level above the lowest) moves them through the parameters that the measures rest on.
"""


@dataclass(frozen=True, eq=False)
class Cuts:
    """Cut scores (level above the lowest,), and the same in each resample (resample, level above the lowest)."""

    value: Floats
    drawn: Floats


def cut_scores(
    judged: Judged, resamples: int, seed: Any, progress: Progress | None = None, follow: Follow | None = None
) -> dict[str, Cuts]:
    """Cut scores by each method of :data:`METHODS`, and in resamples of students, the same ones for both.

    *Contrasting groups*: where the logistic curve of «judged at that level or higher» crosses one half. NaN where
    nobody was judged below the level, or nobody at it or above, or where the measure does not rise with the judgement.
    Where the two groups do not overlap the cut lies half way between them, without resamples. Each resample is fitted
    anew, on measures in classes of :data:`WIDTH`.

    *Borderline regression*: the measure half a step below each level, on the straight line of measure on judged level.
    NaN where all judgements are the same.

    With ``follow`` a resample moves the measures too, by one step from the estimates: the same students weigh on both.
    """
    n_cuts = judged.n_levels - 1
    lines = [_logistic(judged.expected, judged.level > cut) for cut in range(n_cuts)]
    sums = _sums(judged)
    place = np.arange(n_cuts, dtype=np.float64) + np.float64(0.5)
    value = (np.array([cut for cut, _ in lines]), _line(sums.sum(axis=0)[None], place)[0])
    drawn: Any = (np.full((0, n_cuts), np.nan), np.full((0, n_cuts), np.nan))
    if resamples:
        moved = None
        if follow is not None:
            crossing = [_pull(judged.expected, judged.level > cut, line) for cut, (_, line) in enumerate(lines)]
            moved = (follow(METHODS[0], np.array(crossing)), follow(METHODS[1], _line_pull(judged.level, place)))
        task = _Task(_curves(judged, [line for _, line in lines]), sums, place, moved)
        drawn = repeat(task, resamples, seed, progress, threads=True)
    return {name: Cuts(value[way], drawn[way]) for way, name in enumerate(METHODS)}


def _sums(judged: Judged) -> Floats:
    """What a regression of measure on level needs of each student (student, 5)."""
    g, x = judged.level.astype(float), judged.unshrunken
    terms = (np.ones_like(g), g, x, g * g, g * x)
    parts = [np.bincount(judged.student, part, minlength=judged.n_students) for part in terms]
    return np.column_stack(parts).astype(np.float64)


def passing(measure: Any, cuts: Any) -> Ints:
    """How many of ``measure`` (student,) reach each of ``cuts`` (…,); NaN cuts are reached by nobody."""
    known = np.sort(np.asarray(measure, dtype=float)[np.isfinite(measure)])
    return (len(known) - np.searchsorted(known, np.asarray(cuts, dtype=float), side="left")).astype(np.int64)


def _line(sums: Floats, place: Floats) -> Floats:
    """Regression of measure on level from its sums (resample, 5), read at ``place`` → (resample, place)."""
    n, g, x, gg, gx = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = gg - g * g / n
        slope = np.where(spread > EXACT * np.maximum(gg, 1), (gx - g * x / n) / spread, np.nan)
        return np.asarray((x / n)[:, None] + slope[:, None] * (place - (g / n)[:, None]))


def _logistic(x: Floats, passed: NDArray[np.bool_]) -> tuple[float, Floats | None]:
    """The measure at which the curve crosses one half, and the curve (intercept, slope); None without a curve."""
    if passed.all() or not passed.any():
        return np.nan, None
    if x[passed].min() > x[~passed].max():
        return float((x[passed].min() + x[~passed].max()) / 2), None
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale
    beta = np.array([np.log(passed.mean() / (1 - passed.mean())), 0.0])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(beta[0] + beta[1] * z)))
        off, weight = passed - p, p * (1 - p)
        score = np.array([off.sum(), off @ z])
        inner = np.array([[weight.sum(), weight @ z], [weight @ z, weight @ z**2]])
        step = np.linalg.lstsq(inner, score, rcond=None)[0]
        beta = beta + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < EXACT:
            break
    if beta[1] <= EXACT:
        return np.nan, None
    line = np.array([beta[0] - beta[1] * centre / scale, beta[1] / scale])
    return float(-line[0] / line[1]), line


def _pull(x: Floats, passed: NDArray[np.bool_], line: Floats | None) -> Floats:
    """How the place at which the curve crosses one half follows each measure (judgement,); 0 without a curve.

    The score equations moved by dx: H dβ = Σ [(y − p)(0, 1) − p (1 − p) β₁ (1, x)] dx, and the crossing is −β₀ / β₁.
    """
    if line is None:
        return np.zeros(len(x))
    z = line[0] / line[1] + x  # measured from the crossing: the intercept is 0 there
    p = 1 / (1 + np.exp(-line[1] * z))
    weight, off = p * (1 - p), passed - p
    inner = np.array([[weight.sum(), weight @ z], [weight @ z, weight @ z**2]])
    step = np.array([-weight * line[1], off - weight * line[1] * z])
    return np.asarray(-np.linalg.solve(inner, step)[0] / line[1])


def _line_pull(level: Ints, place: Floats) -> Floats:
    """The same (place, judgement) for the straight line of measure on level."""
    away = level - level.mean()
    spread = float(away @ away)
    if spread <= EXACT:
        return np.zeros((len(place), len(level)))
    return np.asarray(1 / len(level) + (place - level.mean())[:, None] * away / spread)


def _curves(judged: Judged, lines: list[Floats | None]) -> _Curves:
    classes, place = np.unique(np.round(judged.expected / WIDTH), return_inverse=True)
    size = (len(classes), judged.n_students)

    def counted(chosen: Any) -> sparse.csr_array:
        ones = np.ones(int(chosen.sum()))
        return sparse.csr_array((ones, (place[chosen], judged.student[chosen])), shape=size)

    passed = [counted(judged.level > cut) for cut in range(len(lines))]
    return _Curves(classes * WIDTH, counted(np.ones(len(place), dtype=bool)), passed, lines)


@dataclass(frozen=True, eq=False)
class _Curves:
    """``x`` (class,); ``every`` and, by cut, ``passed`` (class, student) count judgements; ``lines`` by cut."""

    x: Floats
    every: sparse.csr_array
    passed: list[sparse.csr_array]
    lines: list[Floats | None]

    def at(self, weights: Floats) -> Floats:
        """Cut scores (resample, cut) under ``weights`` (student, resample)."""
        total = self.every @ weights
        answer = np.full((weights.shape[1], len(self.lines)), np.nan)
        for cut, line in enumerate(self.lines):
            if line is not None:
                answer[:, cut] = _crossings(self.x, total, self.passed[cut] @ weights, line)
        return answer


def _crossings(x: Floats, total: Floats, passed: Floats, line: Floats) -> Floats:
    """Where each curve (resample,) crosses one half, by Newton steps from ``line``; NaN where it does not rise.

    ``total`` and ``passed`` (class, resample) are counts of judgements.
    """
    scale = 1 / line[1]
    z = (x + line[0] * scale) / scale  # the curve of all the students has intercept 0 and slope 1 here
    a, b = np.zeros(total.shape[1]), np.ones(total.shape[1])
    for _ in range(REFITS):
        p = 1 / (1 + np.exp(-np.clip(a + b * z[:, None], -50, 50)))
        off, weight = passed - total * p, total * p * (1 - p)
        s0, s1, h0, h1, h2 = off.sum(axis=0), z @ off, weight.sum(axis=0), z @ weight, (z * z) @ weight
        det = h0 * h2 - h1 * h1
        usable = det > EXACT
        det = np.where(usable, det, 1.0)
        step = np.where(usable, np.array([h2 * s0 - h1 * s1, h0 * s1 - h1 * s0]) / det, 0.0)
        step *= np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(axis=0), EXACT))
        a, b = a + step[0], b + step[1]
        if np.abs(step).max() < CLOSE:
            break
    inside = (passed.sum(axis=0) > 0) & (passed.sum(axis=0) < total.sum(axis=0)) & (b > EXACT)
    return np.where(inside, -a / np.where(inside, b, 1.0) * scale - line[0] * scale, np.nan)


@dataclass(frozen=True, eq=False)
class _Task:
    curves: _Curves
    sums: Floats
    place: Floats
    moved: tuple[Floats, Floats] | None

    def __call__(self, rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
        weights = bootstrap_weights(rng, size, len(self.sums)).astype(float)
        crossing, line = self.curves.at(weights), _line((self.sums.T @ weights).T, self.place)
        if self.moved is None:
            return crossing, line
        more = weights.T - 1
        return crossing + more @ self.moved[0], line + more @ self.moved[1]
