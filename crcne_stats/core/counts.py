"""Ratings of one criterion as counts: how many trainers gave each level to each file.

Few distinct patterns of counts exist (two trainers on five levels: twenty), so a resample of thousands of files is a
sum over patterns. An absent rating is an absent entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.integer[Any]]
Floats = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of one criterion.

    Axes: *file* (what is rated), *pattern* (a distinct row of counts), *level*, *rating*, *trainer*.

    Attributes
    ----------
    patterns : (pattern, level) int
    pattern : (file,) index of each file's pattern
    cluster : (file,) code of the student to whom the file belongs; codes run over all the students of the analysis
    file, trainer, level : (rating,) codes; only files and trainers that have a rating here are counted
    scores : (level,) scores of the levels of the scale, used or not
    trainer_name : (trainer,) code of each trainer as it was given: one name in all the criteria of an analysis
    """

    patterns: Ints
    pattern: Ints
    cluster: Ints
    file: Ints
    trainer: Ints
    level: Ints
    scores: Floats
    trainer_name: Ints

    @property
    def n_levels(self) -> int:
        return len(self.scores)

    @property
    def n_files(self) -> int:
        return len(self.pattern)

    @property
    def n_ratings(self) -> int:
        return len(self.level)

    @cached_property
    def n_trainers(self) -> int:
        return int(self.trainer.max()) + 1 if len(self.trainer) else 0

    @cached_property
    def pairable(self) -> NDArray[np.bool_]:
        """(file,) whether a file has two ratings or more."""
        return self.patterns.sum(axis=1)[self.pattern] >= 2

    @cached_property
    def n_students(self) -> int:
        """Students with a rating."""
        return distinct(self.cluster)

    @cached_property
    def n_students_pairable(self) -> int:
        """Students with a file rated twice or more."""
        return distinct(self.cluster[self.pairable])

    @cached_property
    def n_trainers_pairable(self) -> int:
        """Trainers who share a file with another."""
        return distinct(self.trainer[self.pairable[self.file]])

    @cached_property
    def n_ratings_pairable(self) -> int:
        """Ratings on files rated twice or more."""
        return int(self.patterns.sum(axis=1)[self.pattern][self.pairable].sum())

    @cached_property
    def crossed(self) -> bool:
        """Whether every trainer who shares a file with another rated every file rated twice or more."""
        return self.n_ratings_pairable == self.n_trainers_pairable * int(self.pairable.sum())

    @cached_property
    def unanimous(self) -> bool:
        """Whether every file rated twice or more received one level only."""
        twice = self.patterns.sum(axis=1) >= 2
        return bool((np.count_nonzero(self.patterns[twice], axis=1) <= 1).all())

    @cached_property
    def students(self) -> tuple[Ints, Ints]:
        """Codes of the students with a rating, ascending, and the place of each file's student among them (file,)."""
        codes, owner = np.unique(self.cluster, return_inverse=True)
        return codes, owner

    @cached_property
    def kinds(self) -> tuple[Ints, Floats]:
        """Kind of each student, by ascending code, and how often the files of a kind show each pattern (kind, pattern).

        Students of one kind have the same patterns. Those with many files are seldom of one kind; each is then a kind
        of its own.
        """
        owner = self.students[1]
        size = np.bincount(owner)
        kind = np.empty(len(size), dtype=np.int64)
        rows: list[Floats] = []
        order = np.lexsort((self.pattern, owner))
        start = np.concatenate([[0], np.cumsum(size)[:-1]])
        offset = 0
        for number in np.unique(size):
            members = np.flatnonzero(size == number)
            shown = self.pattern[order][start[members][:, None] + np.arange(number)]
            different, index = _distinct(shown)
            kind[members] = offset + index
            table = np.zeros((len(different), len(self.patterns)))
            np.add.at(table, (np.arange(len(different))[:, None], different), 1)
            rows.append(table)
            offset += len(different)
        return kind, np.concatenate(rows)

    @cached_property
    def frequencies(self) -> Floats:
        """(pattern,) number of files that show it."""
        return np.bincount(self.pattern, minlength=len(self.patterns)).astype(float)

    @cached_property
    def margins(self) -> Floats:
        """(trainer, level) number of ratings."""
        cells = self.trainer * self.n_levels + self.level
        flat = np.bincount(cells, minlength=self.n_trainers * self.n_levels)
        return flat.reshape(self.n_trainers, self.n_levels).astype(float)

    @cached_property
    def trainer_islands(self) -> int:
        """Number of groups of trainers that no common file links (connected components of the co-rating graph)."""
        if not self.n_ratings:
            return 0
        ones = np.ones(self.n_ratings, dtype=np.int8)
        size = self.n_trainers + self.n_files
        graph = sparse.coo_array((ones, (self.trainer, self.file + self.n_trainers)), shape=(size, size))
        return int(sparse.csgraph.connected_components(graph, directed=False)[0])

    def pattern_one_hot(self, n_clusters: int) -> sparse.csr_array:
        """(pattern, student): number of the student's files that show the pattern."""
        return counting(self.pattern, self.cluster, (len(self.patterns), n_clusters))

    def margin_one_hot(self, n_clusters: int) -> sparse.csr_array:
        """(trainer × level, student): number of ratings of that level by that trainer of the student's files."""
        rows = self.trainer * self.n_levels + self.level
        return counting(rows, self.cluster[self.file], (self.n_trainers * self.n_levels, n_clusters))

    def only(self, keep: NDArray[np.bool_]) -> Counts:
        """The files marked in ``keep`` (file,), with their ratings."""
        rated = keep[self.file]
        trainer = self.trainer_name[self.trainer[rated]]
        return counts(self.file[rated], trainer, self.level[rated], self.scores, self.cluster)


def counts(file: Any, trainer: Any, level: Any, scores: Any, cluster: Any = None) -> Counts:
    """Counts from integer codes, one entry per rating.

    Parameters
    ----------
    file, trainer, level : (rating,) int
        What was rated, by whom, and the index of the level in ``scores``. Codes may have gaps.
    scores : (level,)
        Scores of the levels of the scale, ascending; a level that nobody used still counts.
    cluster : (file,) int, optional
        Student of each file code, indexed by the file codes as given. By default each file is its own student.
    """
    scores = np.asarray(scores, dtype=float)
    level = np.asarray(level, dtype=np.int64)
    files, file_code = np.unique(np.asarray(file, dtype=np.int64), return_inverse=True)
    names, trainer_code = np.unique(np.asarray(trainer, dtype=np.int64), return_inverse=True)
    owner = files if cluster is None else np.asarray(cluster, dtype=np.int64)[files]
    if cluster is None:
        owner = np.arange(len(files))
    table = np.bincount(file_code * len(scores) + level, minlength=len(files) * len(scores))
    patterns, pattern = _distinct(table.reshape(len(files), len(scores)))
    return Counts(patterns, pattern, owner, file_code, trainer_code, level, scores, names)


def _distinct(table: Ints) -> tuple[Ints, Ints]:
    """Distinct rows and the index of each row among them."""
    base, width = int(table.max(initial=0)) + 1, table.shape[1]
    if base**width < 2**62:  # rows written as one number: much faster than unique rows
        power = base ** np.arange(width - 1, -1, -1, dtype=np.int64)
        _, first, index = np.unique(table @ power, return_index=True, return_inverse=True)
        return table[first], index
    rows, index = np.unique(table, axis=0, return_inverse=True)
    return rows, index.reshape(-1)


def kinds_of(owner: Any, cell: Any) -> tuple[Ints, Ints, Ints]:
    """Students who show the same cells, as often: ``owner`` and ``cell`` are codes from 0 of each row.

    Returns
    -------
    number : (kind,)
        How many students there are of each kind.
    kind, cell : (row of a kind,)
        The cells of one student of each kind.
    """
    who, what = np.asarray(owner, dtype=np.int64), np.asarray(cell, dtype=np.int64)
    order = np.lexsort((what, who))
    size = np.bincount(who)
    place = np.arange(len(who)) - np.repeat(np.cumsum(size) - size, size)
    table = np.zeros((len(size), int(size.max(initial=0))), dtype=np.int64)
    table[who[order], place] = what[order] + 1
    different, kind = _distinct(table)
    rows, columns = np.nonzero(different)
    return np.bincount(kind, minlength=len(different)), rows, different[rows, columns] - 1


def distinct(codes: Ints) -> int:
    """How many different codes there are."""
    return int(np.count_nonzero(np.bincount(codes)))


def counting(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    """Sparse matrix of how often each (row, column) occurs; single precision holds these whole numbers exactly."""
    ones = np.ones(len(rows), dtype=np.float32)
    return sparse.coo_array((ones, (rows, columns)), shape=shape).tocsr()
