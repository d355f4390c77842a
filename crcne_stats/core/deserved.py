"""The level that a student deserves, whoever rates: where on the scale of ability each level begins, and how sure.

Two definitions. The *expected* level is the one that the rule gives to the expected score of each criterion before
trainers of severity zero. The *panel* level is the highest that at least half of a large panel would give, each trainer
alone, severities and halo drawn anew. Both are steps of ability, so a posterior of ability gives that of the level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LevelOf = Callable[[Floats], Ints]
"""The rule: scores (file, criterion) to the index of the level (file,)."""
Together = Callable[[Floats], Floats]
"""Scores (trainer, file, criterion) of the trainers of a file taken together (file, criterion)."""

FAR = 15.0
"""Logits beyond the hardest and the easiest criterion within which a boundary is looked for."""
HALVINGS = 44
PANEL_HALVINGS = 12
PANEL_FAR = 5.0
"""Logits beyond the boundaries of expected scores within which those of a panel are looked for."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The criteria before a trainer of severity zero, and the rule.

    ``offset`` (level, criterion): summed step difficulties up to each level, +inf where nobody used it; ``score``
    (level, criterion) on the ladder of the rule; ``level_of`` the rule; ``n_levels`` the number of its levels.
    """

    offset: Floats
    score: Floats
    level_of: LevelOf
    n_levels: int

    def chances(self, ability: Floats, offset: Floats | None = None) -> Floats:
        """Probability (row, level, criterion) at abilities (row,); ``offset`` (row, level, criterion) of its own."""
        power = np.arange(len(self.offset), dtype=float)[:, None]
        logits = ability[:, None, None] * power - (self.offset if offset is None else offset)
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def expected(self, ability: Floats, offset: Floats | None = None) -> Floats:
        """Expected score (row, criterion) at abilities (row,)."""
        return np.asarray(np.einsum("rlc,lc->rc", self.chances(ability, offset), self.score))

    @property
    def ends(self) -> tuple[float, float]:
        """Abilities beyond which nothing changes."""
        steps = np.diff(np.where(np.isfinite(self.offset), self.offset, np.nan), axis=0)
        return float(np.nanmin(steps, initial=0.0)) - FAR, float(np.nanmax(steps, initial=0.0)) + FAR


def boundaries(yardstick: Yardstick, offsets: Floats | None = None) -> Floats:
    """Ability (set, level above the lowest) from which the expected scores reach each level, by halving.

    ``offsets`` (set, level, criterion) are sets of step difficulties; without them the yardstick's own, one set. A
    level that no ability reaches begins at +inf, one that all reach at −inf.
    """
    sets = yardstick.offset[None] if offsets is None else offsets
    wanted = np.tile(np.arange(1, yardstick.n_levels), len(sets))
    offset = np.repeat(sets, yardstick.n_levels - 1, axis=0)

    def reached(ability: Floats) -> NDArray[np.bool_]:
        return np.asarray(yardstick.level_of(yardstick.expected(ability, offset)) >= wanted)

    return _halved(reached, *yardstick.ends, len(wanted), HALVINGS).reshape(len(sets), -1)


def _halved(reached: Callable[[Floats], Any], low: float, high: float, n: int, steps: int) -> Floats:
    """Where each of ``n`` rising yes-or-no functions turns to yes; ±inf where it does not within the ends."""
    below, above = np.full(n, low), np.full(n, high)
    always, never = reached(below), ~np.asarray(reached(above))
    for _ in range(steps):
        middle = (below + above) / 2
        yes = reached(middle)
        above, below = np.where(yes, middle, above), np.where(yes, below, middle)
    return np.where(never, np.inf, np.where(always, -np.inf, (below + above) / 2))


@dataclass(frozen=True)
class Spread:
    """Standard deviations in logits of severities and of the student × trainer effect (halo).

    ``square_se`` is the standard error of the sum of their squares.
    """

    severity: float
    halo: float
    square_se: float = 0.0


def panel_boundaries(
    yardstick: Yardstick,
    spread: Spread,
    n: int,
    rng: np.random.Generator,
    seats: int = 1,
    together: Together | None = None,
) -> Floats:
    """Ability (level above the lowest,) from which at least half of ``n`` panels of ``seats`` trainers give each level.

    Each panel keeps the same draws at every ability, so that a more able student never gets less; the boundary is the
    median over panels of the ability from which each gives the level. Draws come in antithetic pairs. ``together``
    takes the scores of the trainers of a file together.
    """
    half = -(-n // 2)
    moved = np.hypot(spread.severity, spread.halo) * rng.standard_normal((seats, half))
    moved = np.hstack([moved, -moved])
    uniform = rng.random((seats, half, yardstick.offset.shape[1]))
    uniform = np.concatenate([uniform, 1 - uniform], axis=1)
    centre = boundaries(yardstick)[0]
    inside = centre[np.isfinite(centre)]
    low, high = inside.min(initial=0.0) - PANEL_FAR, inside.max(initial=0.0) + PANEL_FAR
    found = []
    for wanted in range(1, yardstick.n_levels):

        def reached(ability: Floats, wanted: int = wanted) -> NDArray[np.bool_]:
            sheets = [drawn_scores(yardstick, ability + row, own) for row, own in zip(moved, uniform, strict=True)]
            scores = sheets[0] if together is None else together(np.array(sheets))
            return np.asarray(yardstick.level_of(scores) >= wanted)

        # Boundaries of single panels far off do not move a median.
        found.append(np.median(_halved(reached, float(low), float(high), moved.shape[1], PANEL_HALVINGS)))
    return np.array(found)


def drawn_scores(yardstick: Yardstick, location: Floats, uniform: Floats) -> Floats:
    """Scores (row, criterion) of trainers before whom students stand at locations (row,), by uniforms (row,
    criterion).
    """
    # Odds are powers of exp(location) times a factor of level and criterion: no exponential of a single score is taken.
    known = np.isfinite(yardstick.offset).any(axis=0)
    middle = np.where(known, np.nanmax(np.where(np.isfinite(yardstick.offset), yardstick.offset, np.nan), axis=0), 0.0)
    factor = np.where(known, np.exp(middle / 2 - np.where(known, yardstick.offset, 0.0)), 0.0)
    power = np.exp(location[:, None] * (np.arange(len(factor)) - (len(factor) - 1) / 2))
    wanted = uniform * (power @ factor)
    odds, place = np.zeros(uniform.shape), np.zeros(uniform.shape, dtype=np.int64)
    for level in range(len(factor) - 1):
        odds += power[:, level, None] * factor[level]
        place += odds < wanted
    answer = np.take_along_axis(yardstick.score, place, axis=0)
    answer[:, ~known] = np.nan
    return np.asarray(answer)


@dataclass(frozen=True, eq=False)
class Cumulants:
    """Mean, variance, third and fourth cumulant of ability (student,)."""

    mean: Floats
    variance: Floats
    third: Floats
    fourth: Floats


def cumulants(posterior: Floats, nodes: Floats) -> Cumulants:
    """Those of posteriors (student, node) on a lattice of nodes (node,), whose sums are exact to many digits."""
    mean = posterior @ nodes
    raw = [posterior @ nodes**power for power in (2, 3, 4)]
    variance = raw[0] - mean**2
    third = raw[1] - 3 * mean * raw[0] + 2 * mean**3
    fourth = raw[2] - 4 * mean * raw[1] + 6 * mean**2 * raw[0] - 3 * mean**4
    return Cumulants(mean, np.maximum(variance, 1e-9), third, fourth - 3 * variance**2)


def above(found: Cumulants, cuts: Floats, further: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Probability that ability lies above each cut, and its density there, both (student, cut).

    By Edgeworth's series to the fourth cumulant. ``cuts`` (cut,) or (student, cut); ``further`` (student, cut) is the
    variance that the error of the parameters adds.
    """
    variance = found.variance[:, None] + further
    sd = np.sqrt(variance)
    edges = np.broadcast_to(cuts, (len(found.mean), np.shape(cuts)[-1]))
    z = np.clip((edges - found.mean[:, None]) / sd, -12, 12)
    skew, tail = found.third[:, None] / sd**3, found.fourth[:, None] / variance**2
    phi = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    he2, he3, he5 = z**2 - 1, z**3 - 3 * z, z**5 - 10 * z**3 + 15 * z
    he4, he6 = z**4 - 6 * z**2 + 3, z**6 - 15 * z**4 + 45 * z**2 - 15
    share = ndtr(-z) + phi * (skew * he2 / 6 + tail * he3 / 24 + skew**2 * he5 / 72)
    density = phi * (1 + skew * he3 / 6 + tail * he4 / 24 + skew**2 * he6 / 72) / sd
    share = np.minimum.accumulate(np.clip(share, 0.0, 1.0), axis=1)
    return share, np.maximum(density, 0.0)
