"""Variance components by sums of squares: analysis of variance, and Henderson's method I where cells are missing.

Each effect's uncorrected sum of squares T = Σ (level total)² / (level size) is set equal to its expectation under
independent random effects (Henderson 1953, doi:10.2307/3001853; Searle, Casella & McCulloch 1992, Variance Components,
§ 5.3; Brennan 2001, § 7.1). On balanced data these are the components of the analysis of variance. Time is linear in
the number of ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.designs import RESIDUAL, Levels, Term

Floats = NDArray[np.float64]
_RANK = 1e-9


@dataclass(frozen=True, eq=False)
class Squares:
    """The expected sums of squares of some terms, made once for a design.

    ``terms`` (term,) are those that can be told apart; ``expected`` (term + 1, term + 1) maps their components and the
    residual's to the sums of squares corrected for the mean, of each term and in all; ``dependent`` names for each
    other term those that it depends on.
    """

    terms: tuple[Term, ...]
    expected: Floats
    dependent: dict[str, tuple[str, ...]]
    levels: Levels

    @cached_property
    def sizes(self) -> tuple[NDArray[np.int64], ...]:
        """Ratings of each level of each term."""
        return tuple(np.bincount(self.levels(term.facets)) for term in self.terms)

    def sums(self, y: Floats) -> Floats:
        """Sums of squares of a vector (rating,), or of columns (rating, sample), corrected for the mean."""
        columns = y.reshape(len(y), -1)
        centred = columns - columns.mean(axis=0)
        found = []
        for term, size in zip(self.terms, self.sizes, strict=True):
            code = self.levels(term.facets)
            found.append([float((np.bincount(code, column) ** 2 / size).sum()) for column in centred.T])
        found.append(list((centred**2).sum(axis=0)))
        return np.array(found).reshape(len(found), *y.shape[1:])

    def components(self, y: Floats) -> Floats:
        """Components (term + 1, …), the residual last; negative ones as they come out."""
        return np.asarray(np.linalg.solve(self.expected, self.sums(y)))


def squares(terms: tuple[Term, ...], levels: Levels) -> Squares:
    """The expected sums of squares of ``terms``; a term that depends on those before it is left out and named."""
    kept: list[Term] = []
    dependent: dict[str, tuple[str, ...]] = {}
    full = _expected(terms, levels)
    rows: list[int] = []
    last = len(terms)
    for place, term in enumerate(terms):
        trial = [*rows, place, last]
        block = full[np.ix_(trial, trial)]
        scaled = block / np.linalg.norm(block, axis=0)
        if np.linalg.svd(scaled, compute_uv=False)[-1] > _RANK:
            rows.append(place)
            kept.append(term)
            continue
        null = np.abs(np.linalg.svd(scaled)[2][-1])
        names = [*(one.key for one in kept), term.key, RESIDUAL]
        dependent[term.key] = tuple(
            name for name, weight in zip(names, null, strict=True) if weight > 1e-6 and name != term.key
        )
    chosen = [*rows, last]
    return Squares(tuple(kept), full[np.ix_(chosen, chosen)], dependent, levels)


def _expected(terms: tuple[Term, ...], levels: Levels) -> Floats:
    """Coefficients of the components in E(T_row − T_mean); the residual and the total stand last."""
    n = levels.n
    size = {term.facets: np.bincount(levels(term.facets)) for term in terms}
    found = np.empty((len(terms) + 1, len(terms) + 1))
    for column, effect in enumerate(terms):
        mean = float((size[effect.facets].astype(float) ** 2).sum()) / n
        for row, squared in enumerate(terms):
            found[row, column] = _coefficient(squared, effect, levels) - mean
        found[-1, column] = n - mean
    found[:-1, -1] = [len(size[term.facets]) - 1 for term in terms]
    found[-1, -1] = n - 1
    return found


def _coefficient(squared: Term, effect: Term, levels: Levels) -> float:
    """Σ over levels a of ``squared`` of Σ over levels b of ``effect`` of n(a, b)² / n(a)."""
    if effect.facets <= squared.facets:
        return float(levels.n)
    both = levels(squared.facets | effect.facets)
    outer = levels(squared.facets)
    shared = np.bincount(both).astype(float)
    owner = np.empty(len(shared), dtype=np.int64)
    owner[both] = outer
    return float((shared**2 / np.bincount(outer)[owner]).sum())


def simulated(terms: tuple[Term, ...], levels: Levels, components: Any, rng: np.random.Generator) -> Floats:
    """Ratings (rating,) drawn from normal effects with ``components`` (term + 1,), negative ones taken as nil."""
    spread = np.sqrt(np.maximum(np.asarray(components, dtype=float), 0))
    y = spread[-1] * rng.standard_normal(levels.n)
    for term, sd in zip(terms, spread[:-1], strict=True):
        if sd > 0:
            y += sd * rng.standard_normal(levels.count(term.facets))[levels(term.facets)]
    return y
