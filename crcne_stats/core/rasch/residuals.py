"""Residuals of the ratings: at one ability for each student, or averaged over each student's posterior.

At the posterior mean itself they would be too small, for it has been drawn towards the mean: infit would be biased.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crcne_stats.core.rasch.design import Floats, Ints
from crcne_stats.core.rasch.expectation import runs
from crcne_stats.core.rasch.nodes import chunks
from crcne_stats.core.rasch.rated import RUN, Rated, cell_moments, moments

MOST = 1 << 22
"""Most numbers in a table of moments by cell and node, unless the posteriors of students need more nodes at once."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """What the model expected of each rating, all (rating,), NaN where the student has no ability.

    ``observed`` and ``expected`` level; model ``variance`` and fourth central moment ``fourth``; ``squared`` and
    ``standard``, the squared residual and the squared standardised residual (averages where the residuals are taken
    over the posterior); ``ability`` of the student.
    """

    observed: Floats
    expected: Floats
    variance: Floats
    fourth: Floats
    squared: Floats
    standard: Floats
    ability: Floats

    @property
    def residual(self) -> Floats:
        """Observed less expected level."""
        return self.observed - self.expected

    @property
    def z(self) -> Floats:
        """Residual in model standard deviations."""
        return self.residual / np.sqrt(np.maximum(self.variance, 1e-12))


def residuals_at(found: Rated, ability: Floats, score: Ints | None = None) -> Residuals:
    """Residuals at an ability for each student (student,), of the ratings or of other scores in their place."""
    own = ability[found.student]
    observed = (found.score if score is None else score).astype(float)
    expected, variance, fourth = (np.empty(len(own)) for _ in range(3))
    for part in chunks(len(own), RUN):
        p = found.chances(own[part], found.cell[part])
        expected[part], variance[part], _, fourth[part] = moments(p)
    squared = (observed - expected) ** 2
    return Residuals(observed, expected, variance, fourth, squared, squared / np.maximum(variance, 1e-12), own)


def residuals_over(found: Rated, posterior: Floats, nodes: Floats) -> Residuals:
    """Residuals averaged over posteriors (student, node)."""
    n = len(found.student)
    columns = [np.empty(n) for _ in range(5)]
    order = np.argsort(found.student, kind="stable")
    start = np.searchsorted(found.student[order], np.arange(found.n_students + 1))
    for begin, end, looks in runs(posterior, max(MOST // max(found.plan.n_cells, 1), 1)):
        mean, second, _, fourth = cell_moments(found, nodes[begin:end])
        for who, first, width in looks:
            span = slice(first - begin, first - begin + width)
            size = start[who + 1] - start[who]
            rows = order[np.repeat(start[who] - np.r_[0, np.cumsum(size)[:-1]], size) + np.arange(int(size.sum()))]
            weight = np.repeat(posterior[who, first : first + width], size, axis=0)
            for part in chunks(len(rows), RUN):
                own, cell, mass = rows[part], found.cell[rows[part]], weight[part]
                off = (found.score[own][:, None] - mean[cell, span]) ** 2
                variance = second[cell, span]
                values = (mean[cell, span], variance, fourth[cell, span], off, off / np.maximum(variance, 1e-12))
                for column, value in zip(columns, values, strict=True):
                    column[own] = np.einsum("rq,rq->r", mass, value)
        del mean, second, _, fourth  # before the next ones are made
    ability = (posterior @ nodes)[found.student]
    expected, variance, fourth, squared, standard = columns
    return Residuals(found.score.astype(float), expected, variance, fourth, squared, standard, ability)
