"""Bootstrap of agreement coefficients: one weight per student serves every criterion.

A student's files and criteria move together. A resample is a vector of weights; counts of patterns, and of each
trainer's levels, under those weights are sparse products, and coefficients follow from them as from the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core import agreement
from crcne_stats.core.agreement import COEFFICIENTS, Moments
from crcne_stats.core.counts import Counts
from crcne_stats.core.pairs import cohen, mean_of_pairs, pairs
from crcne_stats.core.resample import Progress, bootstrap_weights, repeat

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Asked:
    """Coefficients under given weights; if wanted the levels one by one, and Light's mean of pairs.

    ``weights``: (level, level), or None for Krippendorff's ordinal metric, drawn anew from each resample.
    """

    coefficients: tuple[str, ...]
    weights: Array | None
    levels: bool = False
    light: bool = False

    @property
    def trainers(self) -> bool:
        """Whether a coefficient needs the trainers' margins."""
        return any(COEFFICIENTS[name].trainers for name in self.coefficients)

    def answer(self, m: Moments, tables: Array | None = None) -> Array:
        """Values, shape (resample, value): coefficients, agreement and kappa of each level, Light's mean.

        ``tables``: cross-tables of the pairs of trainers, shape (resample, pair, level, level), for Light's mean.
        """
        found = [agreement.values(m, name, self.weights)[0][:, None] for name in self.coefficients]
        if self.levels:
            found += [specific_agreement(m), level_kappa(m)]
        if self.light and tables is not None:
            found.append(mean_of_pairs(cohen(tables, self.weights)[0])[:, None])
        return np.concatenate(found, axis=1) if found else np.empty((len(m.flat), 0))


def specific_agreement(m: Moments) -> Array:
    """For each level, shape (resample, level): where one trainer gave it, how often another of that file did too.

    Each rating counts once, so that with the same number of trainers per file this is the specific agreement of
    Cicchetti & Feinstein (1990, doi:10.1016/0895-4356(90)90159-M). NaN for a level that no pairable rating uses.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diagonal(m.coincidences, axis1=1, axis2=2) / m.coincidences.sum(axis=2)


def level_kappa(m: Moments) -> Array:
    """Fleiss' kappa of each level against all others, shape (resample, level) (Fleiss 1971)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = m.shares / m.files[:, None]
        split = m.pairs.sum(axis=2) - np.diagonal(m.pairs, axis1=1, axis2=2)
        return agreement.ratio_of(1 - 2 * split / m.pairable[:, None], share**2 + (1 - share) ** 2)


def answers(counts: Counts, asked: Asked) -> Array:
    """The answer of the data themselves, shape (value,)."""
    tables = pairs(counts).tables()[None] if asked.light else None
    return asked.answer(agreement.moments(counts, asked.trainers), tables)[0]


def resampled(
    questions: Sequence[tuple[Counts, Asked]],
    n_students: int,
    n: int,
    seed: int | Sequence[int],
    progress: Progress | None = None,
) -> list[Array]:
    """Bootstrap over students: for each question its answers, shape (resample, value).

    ``n_students`` is the number of students of the whole analysis (codes of ``Counts.cluster`` run below it). Same
    seed, same numbers, whatever the number of workers. NaN where a resample leaves a coefficient undefined. Counts
    without a rating cannot be asked.
    """
    if not questions:
        return []
    joined = repeat(_Resample(questions, n_students), n, seed, progress)
    widths = [answers(counts, asked).size for counts, asked in questions]
    return np.split(joined, np.cumsum(widths)[:-1], axis=1)


class _Resample:
    """One block of resamples; holds plain arrays, so that it can be sent to other processes."""

    def __init__(self, questions: Sequence[tuple[Counts, Asked]], n_students: int) -> None:
        self.n_students = n_students
        self.asked = [asked for _, asked in questions]
        self.levels = [counts.n_levels for counts, _ in questions]
        self.rows = [agreement.pattern_moments(counts) for counts, _ in questions]
        self.patterns = [counts.pattern_one_hot(n_students) for counts, _ in questions]
        self.margins = [counts.margin_one_hot(n_students) if asked.trainers else None for counts, asked in questions]
        self.pairs = [pairs(counts).one_hot(n_students) if asked.light else None for counts, asked in questions]

    def __call__(self, rng: np.random.Generator, size: int) -> Array:
        weight = bootstrap_weights(rng, size, self.n_students)
        found = [asked.answer(self._moments(i, weight), self._tables(i, weight)) for i, asked in enumerate(self.asked)]
        return np.concatenate(found, axis=1)

    def _tables(self, i: int, weight: Array) -> Array | None:
        q, one_hot = self.levels[i], self.pairs[i]
        return None if one_hot is None else np.asarray(one_hot @ weight, dtype=float).T.reshape(len(weight.T), -1, q, q)

    def _moments(self, i: int, weight: Array) -> Moments:
        q, margins = self.levels[i], self.margins[i]
        flat = np.asarray(self.patterns[i] @ weight, dtype=float).T @ self.rows[i]
        if margins is not None:
            counted = np.asarray(margins @ weight).reshape(-1, q, weight.shape[1])
            flat = np.concatenate([flat, agreement.trainer_moments(counted)], axis=1)
        return Moments(flat, q)
