"""Ratings cut into blocks by one facet, whose own effects leave the equations block by block.

The facet with the most levels (students, as a rule) parts the ratings. Effects that involve it stay inside a block and
are absorbed in the block's covariance matrix; the others (trainers, criteria) make the dense system. Blocks of the same
shape share one covariance matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Shape:
    """Blocks of one shape. ``rows`` are their ratings in the order of the design, block after block.

    Attributes
    ----------
    same : (inside effect, rating, rating)
        Whether two ratings of a block share a level of the effect.
    place : (rating, column)
        Which of the columns that a block meets a rating has.
    columns : (block, column)
        The columns of the dense system that each block meets.
    """

    rows: slice
    same: Floats
    place: Floats
    columns: Ints

    @property
    def size(self) -> tuple[int, int]:
        """Blocks and ratings per block."""
        return len(self.columns), len(self.place)

    def stacked(self, vector: Floats) -> Floats:
        """Ratings (rating, sample) as (block, rating, sample)."""
        return vector[self.rows].reshape(*self.size, vector.shape[1])

    def add(self, small: Floats, dense: Floats) -> None:
        """Add the same small matrix (column, column) of each block to the dense system (its column, its column)."""
        width, n = len(dense), len(self.columns)
        if n * small.size < width**2:
            for columns in self.columns:
                dense[np.ix_(columns, columns)] += small
            return
        key = (self.columns[:, :, None] * width + self.columns[:, None, :]).ravel()
        dense += np.bincount(key, np.tile(small.ravel(), n), minlength=width**2).reshape(width, width)

    def taken(self, dense: Floats) -> Floats:
        """Sum over the blocks of what they meet of the dense system, (column, column)."""
        met = np.zeros((self.columns.shape[1],) * 2)
        for columns in self.columns:
            met += dense[np.ix_(columns, columns)]
        return met


@dataclass(frozen=True, eq=False)
class Blocks:
    """``y`` (rating, sample) in the order of the shapes; ``outside`` (effect, rating) columns of the dense system.

    ``starts`` (effect + 1,): where each outside effect's columns begin; the first effect is the mean where
    ``n_fixed`` is 1.
    """

    y: Floats
    outside: Ints
    starts: Ints
    n_fixed: int
    n_inside: int
    shapes: tuple[Shape, ...]

    @property
    def width(self) -> int:
        """Columns of the dense system."""
        return int(self.starts[-1])

    @property
    def freedom(self) -> int:
        """Ratings less means, over all samples."""
        return (len(self.y) - self.n_fixed) * self.y.shape[1]

    def slices(self) -> list[slice]:
        """Columns of the random outside effects."""
        edges = self.starts[self.n_fixed :].tolist()
        return [slice(a, b) for a, b in pairwise(edges)]

    def sums(self, vector: Floats) -> Floats:
        """Sums (column, sample) of a vector (rating, sample) over the ratings of each column."""
        width = self.width
        found = np.zeros((width, vector.shape[1]))
        for code in self.outside:
            for sample in range(vector.shape[1]):
                found[:, sample] += np.bincount(code, vector[:, sample], minlength=width)
        return found

    def effects(self, columns: Floats) -> Floats:
        """What columns (column, sample) add to each rating (rating, sample)."""
        return np.asarray(sum((columns[code] for code in self.outside), np.zeros_like(self.y)))


def blocks(y: Any, block: Any, inside: Sequence[Any], outside: Sequence[Any], mean: bool = True) -> Blocks:
    """Cut ratings into blocks.

    Parameters
    ----------
    y : (rating,) or (rating, sample)
    block : (rating,)
        Level codes of the facet that parts the ratings.
    inside, outside : sequences of (rating,)
        Level codes, from 0 without gaps, of the effects that involve that facet, and of the others.
    mean
        Whether the ratings have a mean of their own.
    """
    codes = [*([np.zeros(len(block), dtype=np.int64)] if mean else []), *outside]
    order = np.lexsort([*reversed([*inside, *codes]), block])
    starts = np.r_[0, np.cumsum([int(code.max(initial=-1)) + 1 for code in codes])].astype(np.int64)
    columns = np.array([code[order] + start for code, start in zip(codes, starts, strict=False)], dtype=np.int64)
    columns = columns.reshape(len(codes), len(order))
    inner = np.array([np.asarray(code)[order] for code in inside], dtype=np.int64).reshape(len(inside), len(order))
    edges = np.flatnonzero(np.r_[True, np.diff(np.asarray(block)[order]) != 0])
    length = np.diff(np.r_[edges, len(order)])
    kept, shapes, done = [], [], 0
    for n in np.unique(length):
        rows = edges[length == n][:, None] + np.arange(n)
        for members, same, place, met in _alike(inner, columns, rows):
            chosen = rows[members]
            shapes.append(Shape(slice(done, done + chosen.size), same, place, met))
            kept.append(chosen.ravel())
            done += chosen.size
    final = np.concatenate(kept)
    values = np.asarray(y, dtype=float).reshape(len(order), -1)[order][final]
    return Blocks(values, columns[:, final], starts, int(mean), len(inside), tuple(shapes))


def _alike(inner: Ints, columns: Ints, rows: Ints) -> list[tuple[Ints, Floats, Floats, Ints]]:
    """Blocks (rows: (block, rating)) of one size by shape: members, ``same``, ``place`` and columns met."""
    if not len(inner) and not len(columns):
        size = rows.shape[1]
        empty = np.zeros((len(rows), 0), dtype=np.int64)
        return [(np.arange(len(rows)), np.zeros((0, size, size)), np.zeros((size, 0)), empty)]
    firsts = np.concatenate([_first(code[rows]) for code in (*inner, *columns)], axis=1)
    _, member, kind = np.unique(firsts, axis=0, return_index=True, return_inverse=True)
    found, n = [], rows.shape[1]
    for number, example in enumerate(member):
        members = np.flatnonzero(kind.ravel() == number)
        own = firsts[example].reshape(-1, n)
        inside, outside = own[: len(inner)], own[len(inner) :]
        same = (inside[:, :, None] == inside[:, None, :]).astype(float)
        effect, rating = np.nonzero(outside == np.arange(n))
        place = (outside[effect] == rating[:, None]).astype(float).T
        found.append((members, same, place, columns[effect[None, :], rows[members][:, rating]]))
    return found


def _first(code: Ints) -> Ints:
    """For each rating of each block (block, rating) the first one with the same level."""
    n, found = code.shape[1], np.empty(code.shape, dtype=np.int64)
    step = max(1, _CELLS // max(n * n, 1))
    for start in range(0, len(code), step):
        part = code[start : start + step]
        found[start : start + step] = (part[:, :, None] == part[:, None, :]).argmax(axis=2)
    return found
