"""Standard errors of severity contrasts from a design, before and after new ratings.

A sheet (a file seen by a trainer) is one observation of ability less severity with information ``weight``. Abilities
are random around the mean of their group, whose means are free. Integrating them out leaves the information on
severities and means (Searle, Casella & McCulloch 1992, § 7.2), whose inverse gives every contrast: on files alone it is
the effective resistance of the graph (Klein & Randić 1993, doi:10.1007/BF01164627).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sheets:
    """Who rated what, with what information.

    ``file``, ``trainer`` and ``weight`` (sheet,): information in the inverse square of the unit of severity; ``group``
    (file,) and ``spread``: variance of ability within groups.
    """

    file: Ints
    trainer: Ints
    weight: Floats
    group: Ints
    spread: float
    n_trainers: int

    @property
    def n_columns(self) -> int:
        """Severities and group means."""
        return self.n_trainers + int(self.group.max(initial=-1)) + 1

    def rows(self) -> sparse.csr_array:
        """What each sheet observes (sheet, column): minus its trainer's severity, plus its group's mean."""
        n = len(self.file)
        place = np.r_[self.trainer, self.n_trainers + self.group[self.file]]
        value = np.r_[-np.ones(n), np.ones(n)]
        return sparse.csr_array((value, (np.tile(np.arange(n), 2), place)), shape=(n, self.n_columns))

    def of_files(self) -> tuple[Floats, sparse.csr_array]:
        """Posterior variance of each file's ability (file,), and weighted sums of its rows (file, column)."""
        n_files = len(self.group)
        own = sparse.csr_array((self.weight, (self.file, np.arange(len(self.file)))), shape=(n_files, len(self.file)))
        total = np.bincount(self.file, self.weight, minlength=n_files)
        return 1 / (total + 1 / self.spread), sparse.csr_array(own @ self.rows())


def information(sheets: Sheets) -> Floats:
    """Information (column, column) on severities and group means."""
    rows = sheets.rows()
    variance, sums = sheets.of_files()
    direct = (rows.T @ (rows * sheets.weight[:, None])).toarray()
    shared = (sums.T @ (sums * variance[:, None])).toarray()
    return np.asarray(direct - shared)


def covariance(sheets: Sheets) -> Floats:
    """Generalised inverse (trainer, trainer) of the information: contrasts of it are variances."""
    matrix = information(sheets)
    scale = np.diag(matrix).mean() or 1.0
    values, vectors = np.linalg.eigh(matrix / scale)
    kept = values > 1e-10 * max(values[-1], 1.0)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T / scale
    return np.asarray(inverse[: sheets.n_trainers, : sheets.n_trainers])


def contrast_errors(cov: Floats) -> Floats:
    """Standard errors (trainer, trainer) of the differences of severity, from a generalised inverse."""
    own = np.diag(cov)
    return np.sqrt(np.maximum(own[:, None] + own - 2 * cov, 0.0))


@dataclass(eq=False)
class Growing:
    """The covariance of severities and means while single ratings are added."""

    cov: Floats
    sheets: Sheets
    spread: dict[int, float]
    sums: dict[int, Floats]

    @classmethod
    def of(cls, sheets: Sheets) -> Growing:
        """Before any new rating."""
        matrix = information(sheets)
        scale = np.diag(matrix).mean() or 1.0
        return cls(np.linalg.pinv(matrix / scale, rcond=1e-10, hermitian=True) / scale, sheets, {}, {})

    def direction(self, file: int, trainer: int, weight: float) -> tuple[Floats, float]:
        """What a new sheet tells beyond the file's others (column,), and the information that it has on it."""
        variance, sums = self._file(file)
        row = np.zeros(self.sheets.n_columns)
        row[trainer] -= 1
        row[self.sheets.n_trainers + self.sheets.group[file]] += 1
        return row - variance * sums, 1 / (1 / weight + variance)

    def gain(self, first: int, second: int, direction: Floats, worth: float) -> float:
        """By how much a new sheet lowers the variance of a contrast of two trainers."""
        own = np.flatnonzero(direction)
        part = direction[own]
        along = (self.cov[first, own] - self.cov[second, own]) @ part
        return float(worth * along**2 / (1 + worth * (part @ self.cov[np.ix_(own, own)] @ part)))

    def add(self, file: int, trainer: int, weight: float) -> None:
        """Add a sheet."""
        direction, worth = self.direction(file, trainer, weight)
        along = self.cov @ direction
        self.cov -= np.outer(along, along) * (worth / (1 + worth * (direction @ along)))
        variance, sums = self._file(file)
        row = np.zeros(self.sheets.n_columns)
        row[trainer] -= 1
        row[self.sheets.n_trainers + self.sheets.group[file]] += 1
        self.spread[file] = 1 / (1 / variance + weight)
        self.sums[file] = sums + weight * row

    def _file(self, file: int) -> tuple[float, Floats]:
        if file not in self.spread:
            own = np.flatnonzero(self.sheets.file == file)
            weight = self.sheets.weight[own]
            sums = np.zeros(self.sheets.n_columns)
            np.add.at(sums, self.sheets.trainer[own], -weight)
            sums[self.sheets.n_trainers + self.sheets.group[file]] += weight.sum()
            self.spread[file] = 1 / (float(weight.sum()) + 1 / self.sheets.spread)
            self.sums[file] = sums
        return self.spread[file], self.sums[file]


def errors_of(growing: Growing) -> Floats:
    """Standard errors (trainer, trainer) of the contrasts at this point."""
    n = growing.sheets.n_trainers
    return contrast_errors(growing.cov[:n, :n])


def with_sheets(sheets: Sheets, file: Any, trainer: Any, weight: Any) -> Sheets:
    """The design with new sheets."""
    return Sheets(
        np.r_[sheets.file, np.asarray(file, dtype=np.int64)],
        np.r_[sheets.trainer, np.asarray(trainer, dtype=np.int64)],
        np.r_[sheets.weight, np.asarray(weight, dtype=float)],
        sheets.group, sheets.spread, sheets.n_trainers,
    )  # fmt: skip
