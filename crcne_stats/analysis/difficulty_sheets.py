"""The scores as sheets: what one trainer gave one student's file, and what the other trainers of the file gave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crcne_stats.core import classical, ordinal
from crcne_stats.core.classical import Interval
from crcne_stats.domain.ratings import Ratings


@dataclass(frozen=True)
class Sheets:
    """The scores as an array: a row is one student's file seen by one trainer.

    ``x`` (row, criterion) has NaN for a cell that was not rated; ``student``, ``file`` and ``trainer`` are codes
    (row,); ``keys`` names the criteria, in the framework's order.
    """

    x: np.ndarray
    student: np.ndarray
    file: np.ndarray
    trainer: np.ndarray
    keys: list[str]

    @cached_property
    def rest(self) -> np.ndarray:
        """(row, criterion) how the row stands on the other criteria."""
        return classical.rest(self.x)

    @cached_property
    def rest_other(self) -> np.ndarray:
        """(row, criterion) the same, as the other trainers of the file saw it, on average."""
        return classical.of_others(self.rest, self.file)

    @cached_property
    def _rest_other_square(self) -> np.ndarray:
        return classical.of_others(self.rest**2, self.file)

    def item_rest(self, j: int) -> tuple[Interval, np.ndarray]:
        """Correlation of criterion ``j`` with the rest of the sheet, and the influence of each row."""
        return classical.correlation(self.x[:, j], self.rest[:, j], self.student)

    def item_rest_other(self, j: int) -> tuple[Interval, np.ndarray]:
        """The same with the rest of one other sheet of the file.

        One, and not the mean of all the others: a mean of several trainers is more reliable than one hand and could
        not be compared with :meth:`item_rest`.
        """
        return classical.correlation(self.x[:, j], self.rest_other[:, j], self.student, self._rest_other_square[:, j])

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A row, another row of its file, and the weight of the pair: one over the number of other rows."""
        order = np.argsort(self.file, kind="stable")
        size = np.bincount(self.file)[self.file[order]]
        start = np.searchsorted(self.file[order], self.file[order])
        row = np.repeat(np.arange(len(order)), size)
        place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size) + start[row]
        away = place != row
        row, place = row[away], place[away]
        return order[row], order[place], 1 / (size[row] - 1.0)

    def polyserial_other(self, j: int) -> Interval:
        """Polyserial correlation of criterion ``j`` with the rest of one other sheet of the file."""
        row, other, weight = self._pairs
        level = np.where(np.isnan(self.x[row, j]), -1, self.x[row, j] - np.nanmin(self.x, initial=0))
        return ordinal.polyserial(level.astype(np.int64), self.rest[other, j], self.student[row], weight)

    @cached_property
    def holes(self) -> float:
        """Share of cells without a rating."""
        return float(np.isnan(self.x).mean()) if self.x.size else 0.0


def sheets_of(ratings: Ratings) -> Sheets:
    """The sheets of all criteria that count in totals."""
    frame = ratings.scored
    student, trainer = ratings.codes("student", frame)[0], ratings.codes("trainer", frame)[0]
    criterion, labels = ratings.codes("criterion", frame)
    file = ratings.units(frame)
    key = file * (int(trainer.max(initial=0)) + 1) + trainer
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    column = np.array([ratings.criteria.index(label) if label in ratings.criteria else -1 for label in labels])
    x = np.full((len(first), len(ratings.criteria)), np.nan)
    x[row, column[criterion]] = frame["score"].to_numpy()
    return Sheets(x, student[first], file[first], trainer[first], ratings.criteria)
