"""Two trainers before the same file: how often they agree, and how often the model says that they should."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from crcne_stats.core.rasch.design import Floats, Ints, combination, tally
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import RUN, Rated


@dataclass(frozen=True, eq=False)
class Agreement:
    """By trainer (trainer,): opportunities to agree, exact agreements, those expected; ``kappa`` = (observed −
    expected) / (opportunities − expected), the Rasch-kappa of the Facets manual (0: as independent experts would)."""

    opportunities: Floats
    exact: Floats
    expected: Floats

    @property
    def kappa(self) -> Floats:
        """Agreement beyond what independent raters of the model reach, as a share of what is left."""
        with np.errstate(invalid="ignore", divide="ignore"):
            value = (self.exact - self.expected) / (self.opportunities - self.expected)
        return np.where(self.opportunities > 0, value, np.nan)


def rating_pairs(place: Ints, trainer: Ints) -> tuple[Ints, Ints]:
    """Every two ratings of the same place (a file and a criterion) by two trainers, as indices; both (pair,)."""
    order = np.lexsort((trainer, place))
    sorted_place, who = place[order], trainer[order]
    first: list[Ints] = []
    second: list[Ints] = []
    for lag in range(1, len(place)):
        here = np.flatnonzero(sorted_place[lag:] == sorted_place[:-lag])
        if not len(here):
            break
        here = here[who[here] != who[here + lag]]
        first.append(order[here])
        second.append(order[here + lag])
    if not first:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(first), np.concatenate(second)


def agreement(
    found: Rated, ability: Floats, first: Ints, second: Ints, trainer: Ints, n: int
) -> tuple[Agreement, Agreement]:
    """Agreement by trainer (trainer,), and over all pairs of ratings (1,)."""
    equal = (found.score[first] == found.score[second]).astype(float)
    expected = np.empty(len(first))
    for part in chunks(len(first), RUN):
        a, b = first[part], second[part]
        own = ability[found.student[a]]
        p, q = found.chances(own, found.cell[a]), found.chances(own, found.cell[b])
        expected[part] = (p * q).sum(axis=0)
    known = np.isfinite(expected)
    both = np.concatenate([trainer[first[known]], trainer[second[known]]])
    equal, expected = equal[known], expected[known]
    by = [tally(both, np.tile(x, 2), n) for x in (np.ones(len(equal)), equal, expected)]
    whole = [np.array([float(x.sum())]) for x in (np.ones(len(equal)), equal, expected)]
    return Agreement(*by), Agreement(*whole)


@dataclass(frozen=True, eq=False)
class Sheets:
    """The sheets (a student seen by one trainer) behind the ratings.

    ``sheet`` (rating,); ``trainer`` (sheet,); ``pairs`` (sheet,), the pairs of different criteria in each.
    """

    sheet: Ints
    trainer: Ints
    pairs: Floats


def sheets(found: Rated, file: Ints, trainer: Ints) -> Sheets:
    """Which ratings stand on the same sheet; ``file`` and ``trainer`` (rating,)."""
    rows, sheet = combination([file, trainer], [int(codes.max(initial=0)) + 1 for codes in (file, trainer)])
    size = tally(sheet, None, len(rows))
    return Sheets(sheet, rows[:, 1], size * (size - 1) / 2)


def halo(z: Floats, where: Sheets, n: int) -> Floats:
    """Mean product of the standardised residuals (rating,) of two criteria of the same sheet, by trainer (trainer,).

    Near 0 when a trainer's criteria are independent given the student, positive when they move together. A residual is
    held within ±4, for one wild rating is no halo.
    """
    bounded = np.clip(np.where(np.isfinite(z), z, 0.0), -4, 4)
    size = len(where.trainer)
    total = tally(where.sheet, bounded, size)
    products = (total**2 - tally(where.sheet, bounded**2, size)) / 2
    pairs, summed = tally(where.trainer, where.pairs, n), tally(where.trainer, products, n)
    return np.where(pairs > 0, summed / np.maximum(pairs, 1), np.nan)


def equivalence(measure: Floats, se: Floats, bound: float, level: float = 0.95) -> Ints:
    """Two one-sided tests (Schuirmann 1987, doi:10.1007/BF01068419): 1 within ± bound, −1 surely beyond it, 0 unsure.

    ``measure`` and ``se`` (element,). Within: the interval of level 2·level − 1 lies inside the bounds. Beyond: the
    interval of that level lies outside them.
    """
    reach = norm.ppf(level) * se
    inside = (measure - reach > -bound) & (measure + reach < bound)
    outside = (measure - reach > bound) | (measure + reach < -bound)
    return np.where(inside, 1, np.where(outside, -1, 0))
