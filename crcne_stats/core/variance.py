"""Variance components of ratings under a design, by either estimator, with what cannot be told apart named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.designs import RESIDUAL, Design, Levels, Term, dense, estimable, within_cells
from crcne_stats.core.henderson import Squares, squares
from crcne_stats.core.reml import Part, Reml, reml
from crcne_stats.core.reml_blocks import blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WIDEST = 4000
"""Most columns of the dense system of REML: its matrix then takes 128 MB and a step some seconds."""
NIL = 1e-8
"""A residual under this share of the variance of the ratings is none."""


@dataclass(frozen=True, eq=False)
class Study:
    """A design on data: ``terms`` that can be told apart, ``confounded`` what the others are confounded with."""

    design: Design
    levels: Levels
    squares: Squares
    confounded: dict[str, tuple[str, ...]]

    @property
    def terms(self) -> tuple[Term, ...]:
        """Effects whose components are estimated; the residual comes after them."""
        return self.squares.terms

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the components, the residual last."""
        return (*(term.key for term in self.terms), RESIDUAL)


def study(plan: Design, levels: Levels) -> Study:
    """What of a design the ratings can tell."""
    possible = estimable(plan, levels)
    found = squares(possible.terms, levels)
    return Study(plan, levels, found, {**possible.confounded, **found.dependent})


class TooLarge(ValueError):
    """REML would need a dense system of ``width`` columns."""

    def __init__(self, width: int) -> None:
        super().__init__(f"{width} columns")
        self.width = width


class ExactFit(ValueError):
    """Nothing is left to the residual: the likelihood has no maximum."""


def by_squares(given: Study, y: Any) -> Floats:
    """Components (term + 1, …) by sums of squares; those of a balanced design are the analysis of variance's."""
    return given.squares.components(np.asarray(y, dtype=float))


def by_reml(given: Study, y: Any, start: Floats | None = None) -> Reml:
    """Components (term + 1,) by restricted maximum likelihood.

    Raises
    ------
    TooLarge
        When the effects that do not involve the facet with the most levels have too many levels of their own.
    ExactFit
        When the residual is nil.
    """
    values = np.asarray(y, dtype=float)
    spread = float(values.var())
    if spread == 0:
        raise ExactFit
    first = by_squares(given, values) if start is None else start
    found = reml(parts(given, values), np.maximum(first, np.r_[np.full(len(first) - 1, 0.01), 0.1] * spread))
    if found.variance[-1] <= NIL * spread:
        raise ExactFit
    return found


def parts(given: Study, y: Floats) -> list[Part]:
    """The data as REML takes them: rotated where the cells of a crossed facet are complete, else as they are."""
    facet = _complete(given)
    if facet is None:
        terms = [term.facets for term in given.terms]
        codes = [given.levels(facets) for facets in terms]
        return [_part(y, codes, terms, np.eye(len(terms) + 1), given.levels, True)]
    return _rotated(given, y, facet)


def _complete(given: Study) -> str | None:
    """The crossed facet with the most levels among those that every cell of the others has in full."""
    found = []
    for facet in given.design.facets:
        rest = [name for name in given.design.facets if name != facet]
        crossed = all(
            facet not in term.within and (term.facets != {facet} or not term.within) for term in given.design.terms
        ) and any(term.facets == {facet} for term in given.design.terms)
        size = given.levels.count(frozenset((facet,)))
        if rest and crossed and size > 1 and within_cells(given.levels, facet, rest):
            found.append((size, facet))
    outer = _widest(given)
    return max((pair for pair in found if pair[1] != outer), default=(0, None))[1]


def _widest(given: Study) -> str:
    return max(given.design.facets, key=lambda name: given.levels.count(frozenset((name,))))


def _rotated(given: Study, y: Floats, facet: str) -> list[Part]:
    """Two parts: the means of complete cells, and their contrasts by Helmert's rotation.

    With normal effects the mean of a cell's ratings, times √I, and its I − 1 orthonormal contrasts are independent:
    the effects of a facet set T and of T with ``facet`` add up to I σ²(T) + σ²(T × facet) in the first and leave
    σ²(T × facet) in each of the others.
    """
    levels, size = given.levels, given.levels.count(frozenset((facet,)))
    rest = frozenset(given.design.facets) - {facet}
    order = np.lexsort([levels(frozenset((facet,))), levels(rest)])
    table = y[order].reshape(-1, size)
    heads = order[::size]
    n = len(given.terms)
    bases = list(dict.fromkeys(term.facets - {facet} for term in given.terms if term.facets != {facet}))
    mean_map, contrast_map = np.zeros((len(bases) + 1, n + 1)), np.zeros((len(bases) + 1, n + 1))
    mean_map[-1, -1] = contrast_map[-1, -1] = 1
    for place, term in enumerate(given.terms):
        if term.facets == {facet}:
            continue
        base = bases.index(term.facets - {facet})
        mean_map[base, place] = 1 if facet in term.facets else size
        contrast_map[base, place] = 1 if facet in term.facets else 0
    codes = [dense(levels(base)[heads]) for base in bases]
    own = [place for place, term in enumerate(given.terms) if term.facets == {facet}]
    contrast_bases: list[frozenset[str]] = list(bases)
    contrast_codes = list(codes)
    if own:
        row = np.zeros((1, n + 1))
        row[0, own[0]] = 1
        contrast_map = np.vstack([row, contrast_map])
        contrast_bases, contrast_codes = [frozenset(), *bases], [np.zeros(len(heads), dtype=np.int64), *codes]
    mean = _part(table.sum(axis=1) / np.sqrt(size), codes, bases, mean_map, levels, True, heads)
    return [
        replace(mean, constant=float(np.log(size))),  # the mean of the ratings is that of this part over √I
        _part(table @ _helmert(size), contrast_codes, contrast_bases, contrast_map, levels, False, heads),
    ]


def _helmert(size: int) -> Floats:
    """Orthonormal contrasts (level, contrast)."""
    found = np.zeros((size, size - 1))
    for k in range(1, size):
        found[:k, k - 1] = 1 / np.sqrt(k * (k + 1))
        found[k, k - 1] = -k / np.sqrt(k * (k + 1))
    return found


def _part(
    y: Floats, codes: Sequence[Ints], terms: Sequence[frozenset[str]], variances: Floats, levels: Levels,
    mean: bool, rows: Ints | None = None,
) -> Part:  # fmt: skip
    """A part whose blocks are the levels of the facet with the most levels; ``variances`` (term + 1, component).

    An effect with a level of its own for each rating is part of the residual; one that nothing moves is left out.
    """
    n = len(y)
    alone = [int(code.max(initial=-1)) + 1 == n for code in codes]
    idle = [not variances[place].any() for place in range(len(codes))]
    residual = variances[-1] + sum((variances[place] for place in np.flatnonzero(alone)), np.zeros(variances.shape[1]))
    kept = [place for place in range(len(codes)) if not alone[place] and not idle[place]]
    names = sorted(set().union(*terms))
    block = max(names, key=lambda name: levels.count(frozenset((name,))))
    inside = [place for place in kept if block in terms[place]]
    outside = [place for place in kept if block not in terms[place]]
    width = mean + sum(int(codes[place].max()) + 1 for place in outside)
    if width > WIDEST:
        raise TooLarge(width)
    owner = levels(frozenset((block,)))
    made = blocks(
        y, owner if rows is None else owner[rows], [codes[i] for i in inside], [codes[i] for i in outside], mean
    )
    return Part(made, np.vstack([variances[[*inside, *outside]], residual]))
