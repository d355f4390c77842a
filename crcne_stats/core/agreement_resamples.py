"""Bootstrap of agreement coefficients: one weight per student serves every criterion.

A student's files and criteria move together. A resample is a vector of weights; counts of patterns, and of each
trainer's levels, under those weights are sparse products, and coefficients follow from them as from the data. Where
trainers are drawn too, every comparison weighs the product of the weights of its student and its two trainers
(:mod:`crcne_stats.core.two_way`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crcne_stats.core.agreement import COEFFICIENTS, values, with_pairs
from crcne_stats.core.counts import Counts
from crcne_stats.core.levels import confusion, level_kappa, specific_agreement
from crcne_stats.core.moments import Moments, moments, pattern_moments, trainer_moments
from crcne_stats.core.pairs import pairs
from crcne_stats.core.resample import Progress, bootstrap_weights, kind_weights, repeat
from crcne_stats.core.two_way import TwoWay

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Asked:
    """Coefficients under given weights; if wanted the levels one by one, and how they are confused.

    ``weights``: (level, level), or None for Krippendorff's ordinal metric, drawn anew from each resample.
    """

    coefficients: tuple[str, ...]
    weights: Array | None
    levels: bool = False

    @property
    def trainers(self) -> bool:
        """Whether a coefficient needs the trainers' margins."""
        return any(COEFFICIENTS[name].trainers for name in self.coefficients)

    @property
    def pairs(self) -> bool:
        """Whether a coefficient needs the cross-tables of the pairs of trainers."""
        return any(COEFFICIENTS[name].pairs is not None for name in self.coefficients)

    def answer(self, m: Moments, tables: Array | None = None, weight: Array | None = None) -> Array:
        """Values, shape (resample, value): coefficients, then agreement and kappa of each level, then confusions.

        ``tables``: cross-tables of the pairs of trainers, shape (resample, pair, level, level), and ``weight``
        (resample, pair) how much each pair counts, where a coefficient rests on pairs.
        """
        found = []
        for name in self.coefficients:
            own = m if tables is None else with_pairs(m, name, self.weights, tables, weight)
            found.append(values(own, name, self.weights)[0][:, None])
        if self.levels:
            found += [specific_agreement(m), level_kappa(m), confusion(m)]
        return np.concatenate(found, axis=1) if found else np.empty((len(m.flat), 0))


def answers(counts: Counts, asked: Asked) -> Array:
    """The answer of the data themselves, shape (value,)."""
    tables = pairs(counts).tables()[None] if asked.pairs else None
    return asked.answer(moments(counts, asked.trainers), tables)[0]


def resampled(
    questions: Sequence[tuple[Counts, Asked]],
    n_students: int,
    n: int,
    seed: int | Sequence[int],
    progress: Progress | None = None,
    n_trainers: int = 0,
    numbers: Array | None = None,
) -> list[Array]:
    """Bootstrap over students: for each question its answers, shape (resample, value).

    Parameters
    ----------
    questions
        Counts and what is asked of them. Counts without a rating cannot be asked.
    n_students
        Number of students of the whole analysis, or of INSPÉ if these are drawn; ``Counts.cluster`` runs below it.
    n, seed, progress
        As in :func:`crcne_stats.core.resample.repeat`: same seed, same numbers, whatever the number of workers.
    n_trainers
        Number of trainers of the whole analysis, if they are drawn too; ``Counts.trainer_name`` runs below it. 0:
        trainers stay.
    numbers
        (student,) how many students each one stands for, all with the same ratings; by default one. Students are then
        drawn by kind, which costs the same whatever their number.

    NaN where a resample leaves a coefficient undefined.
    """
    if not questions:
        return []
    joined = repeat(_Resample(questions, n_students, n_trainers, numbers), n, seed, progress, threads=True)
    widths = [answers(counts, asked).size for counts, asked in questions]
    return np.split(joined, np.cumsum(widths)[:-1], axis=1)


class _Sums(Protocol):
    """Moments, cross-tables of pairs and weights of these under weights of students (and trainers)."""

    def __call__(self, student: Array, trainer: Array | None) -> tuple[Moments, Array | None, Array | None]: ...


class _Resample:
    """One block of resamples; holds plain arrays, so that it can be sent to other processes."""

    def __init__(
        self, questions: Sequence[tuple[Counts, Asked]], n_students: int, n_trainers: int, numbers: Array | None
    ) -> None:
        self.n_students, self.n_trainers, self.numbers = n_students, n_trainers, numbers
        self.asked = [asked for _, asked in questions]
        make = TwoWay if n_trainers else _Students
        self.sums: list[_Sums] = [make(counts, a.trainers, a.pairs, n_students) for counts, a in questions]

    def __call__(self, rng: np.random.Generator, size: int) -> Array:
        if self.numbers is None:
            student = bootstrap_weights(rng, size, self.n_students)
        else:
            student = kind_weights(rng, size, self.numbers)
        trainer = bootstrap_weights(rng, size, self.n_trainers) if self.n_trainers else None
        found = [asked.answer(*sums(student, trainer)) for asked, sums in zip(self.asked, self.sums, strict=True)]
        return np.concatenate(found, axis=1)


class _Students:
    """The sums where students alone are drawn."""

    def __init__(self, counts: Counts, trainers: bool, by_pair: bool, n_students: int) -> None:
        self.n_levels = counts.n_levels
        self.rows = pattern_moments(counts)
        self.patterns = counts.pattern_one_hot(n_students)
        self.margins: sparse.csr_array | None = counts.margin_one_hot(n_students) if trainers else None
        self.pairs: sparse.csr_array | None = pairs(counts).one_hot(n_students) if by_pair else None

    def __call__(self, student: Array, trainer: Array | None) -> tuple[Moments, Array | None, Array | None]:
        q, size = self.n_levels, student.shape[1]
        flat = np.asarray(self.patterns @ student, dtype=float).T @ self.rows
        if self.margins is not None:
            counted = np.asarray(self.margins @ student).reshape(-1, q, size)
            flat = np.concatenate([flat, trainer_moments(counted)], axis=1)
        tables = None
        if self.pairs is not None:
            tables = np.asarray(self.pairs @ student, dtype=float).T.reshape(size, -1, q, q)
        return Moments(flat, q), tables, None
