"""A crossed design with its files eliminated: what REML needs of the data, made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DENSE = 200_000
"""Files by columns up to which a plain array is faster than a sparse one."""


@dataclass(frozen=True)
class Absorbed:
    """Ratings with their effects, the columns being the fixed means and then each block in turn.

    ``y`` (rating,) is centred at its mean, ``codes`` holds an integer array (rating,) per set of columns (fixed first)
    and ``starts`` where each begins. ``file`` (rating,) holds codes of files and ``per_file`` (file,) how many ratings
    each has. ``gram`` (column, column), ``cross`` (column,) and ``square`` are products over ratings; ``table`` (file,
    column; sparse where large) and ``total`` (file,) are sums over the ratings of a file.
    """

    y: Floats
    file: Ints
    per_file: Floats
    codes: list[Ints]
    starts: list[int]
    gram: Floats
    cross: Floats
    square: float
    table: Any
    total: Floats

    @property
    def n_fixed(self) -> int:
        """Columns of the fixed part."""
        return self.starts[1]

    @property
    def sizes(self) -> list[int]:
        """Columns of each block."""
        return [end - start for start, end in zip(self.starts[1:-1], self.starts[2:], strict=True)]

    @property
    def slices(self) -> list[slice]:
        """Where the columns of each block stand."""
        return [slice(start, end) for start, end in zip(self.starts[1:-1], self.starts[2:], strict=True)]

    @property
    def freedom(self) -> int:
        """Ratings less means."""
        return len(self.y) - self.n_fixed

    @property
    def spread(self) -> float:
        """Variance of the ratings."""
        return float(self.y @ self.y) / max(len(self.y) - 1, 1)

    def weighted(self, gamma: float) -> tuple[Floats, Floats, float]:
        """Products under the weights that are left when files of variance ratio ``gamma`` are taken out."""
        weight = gamma / (1 + gamma * self.per_file)
        gram = self.gram - self.over_files(weight)
        return gram, self.cross - self.table.T @ (weight * self.total), self.square - float(weight @ self.total**2)

    def over_files(self, weight: Floats) -> Floats:
        """Products (column, column) of the sums of files, each file with its ``weight`` (file,)."""
        if isinstance(self.table, np.ndarray):
            return np.asarray((self.table.T * weight) @ self.table)
        scaled = sparse.csr_array(
            (self.table.data * np.repeat(weight, np.diff(self.table.indptr)), self.table.indices, self.table.indptr),
            shape=self.table.shape,
        )
        return np.asarray((self.table.T @ scaled).todense())

    def scales(self, ratios: Floats) -> Floats:
        """Square root of the variance ratio of each column; 1 for the fixed ones."""
        return np.repeat(np.sqrt(np.r_[1.0, ratios]), np.diff(self.starts))

    def weigh(self, vector: Floats, gamma: float) -> Floats:
        """The weights applied to a vector (rating,)."""
        total = np.bincount(self.file, vector, len(self.per_file))
        return vector - (gamma * total / (1 + gamma * self.per_file))[self.file]

    def effects(self, column: Floats) -> Floats:
        """Each rating's sum of its columns' effects."""
        return np.sum([column[start + code] for start, code in zip(self.starts, self.codes, strict=False)], axis=0)

    def sums(self, vector: Floats) -> Floats:
        """Sum of a vector (rating,) over the ratings of each column."""
        sizes = np.diff(self.starts)
        return np.concatenate([np.bincount(c, vector, n) for c, n in zip(self.codes, sizes, strict=True)])

    def spread_back(self, vector: Floats) -> list[Floats]:
        """Z Z' v for the file and each block: every rating gets the sum over all that share its file or column."""
        levels = [self.file, *self.codes[1:]]
        return [np.bincount(code, vector)[code] for code in levels]


def absorbed(y: Any, file: Any, blocks: list[Any], fixed: Any = None) -> Absorbed:
    """The design of some ratings; arguments as in :func:`crcne_stats.core.components.components`."""
    values = np.asarray(y, dtype=float)
    values = values - values.mean() if len(values) else values
    who = np.unique(np.asarray(file), return_inverse=True)[1].astype(np.int64)
    given = [np.zeros(len(values), dtype=np.int64) if fixed is None else np.asarray(fixed), *blocks]
    codes = [np.unique(np.asarray(code), return_inverse=True)[1].astype(np.int64) for code in given]
    sizes = [int(code.max(initial=-1)) + 1 for code in codes]
    starts = [0, *np.cumsum(sizes).tolist()]
    rows = np.tile(np.arange(len(values)), len(codes))
    columns = np.concatenate([code + start for code, start in zip(codes, starts, strict=False)])
    table = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(values), starts[-1]))
    n_files = int(who.max(initial=-1)) + 1
    summed = sparse.csr_array((np.ones(len(who)), (who, np.arange(len(who)))), shape=(n_files, len(who))) @ table
    small = n_files * starts[-1] <= DENSE
    return Absorbed(
        values, who, np.bincount(who, minlength=n_files).astype(float), codes, starts,
        np.asarray((table.T @ table).todense()), table.T @ values, float(values @ values),
        np.asarray(summed.todense()) if small else sparse.csr_array(summed),
        np.bincount(who, values, n_files).astype(float),
    )  # fmt: skip
