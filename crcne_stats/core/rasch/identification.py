"""Which parameters the design can compare, before anything is estimated; for convergence is no proof.

What ratings tell of the locations of their cells is relative to the mean of the student's group: the marginal
likelihood moves only with the differences (location of a cell) − (mean of a group) that some student realises. The
rank of these differences says how many directions no amount of such data could show; two elements can be compared
when none of these directions parts them (San Martín & De Boeck 2015, doi:10.1007/978-3-319-07503-7_2, on what a random
ability identifies; Linacre 1989 on subsets).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg, sparse

from crcne_stats.core.graph import components, distinct_pairs
from crcne_stats.core.rasch.design import THRESHOLD, Floats, Ints, Model
from crcne_stats.core.rasch.layout import ESTIMATED, EXTREME, UNRATED, Layout
from crcne_stats.core.rasch.population import Population

RANK = 1e-9
"""Eigenvalue, relative to the largest of a matrix scaled to a unit diagonal, below which a direction is not seen."""
NONE = -1
"""Label of an element that has no estimate at all."""


@dataclass(frozen=True, eq=False)
class Identification:
    """What can be compared.

    Attributes
    ----------
    deficiency : int
        Number of directions of the parameters that the ratings do not show, the constraints of the model given. A
        model with one or more has no single scale: fit it with ``Model.components`` or a stated assumption.
    labels : facet → (element,)
        Elements with the same label can be compared, given the population; 0 is the label with most elements, −1 says
        that the element has no estimate (unrated, or always at one end of the scale).
    linked : (element of ``facet``,)
        The same by common students alone, whatever the population. Within a ``labels`` component, comparisons across
        ``linked`` ones assume that students of a group were given to trainers without regard to ability.
    student : (student,)
        Label of each student's trainers; −1 without ratings.
    """

    deficiency: int
    labels: dict[str, Ints]
    linked: Ints
    student: Ints

    @property
    def n_components(self) -> int:
        """Number of sets of the linking facet that cannot be compared with one another."""
        return int(max((label.max(initial=NONE) for label in self.labels.values()), default=NONE)) + 1


def identify(plan: Layout, population: Population, facet: str = "trainer") -> Identification:
    """Rank of the model with this population, and who can be compared with whom.

    Parameters
    ----------
    facet
        The facet whose elements are linked by common students.
    """
    unseen, columns = _unseen(plan, population)
    labels = {name: _labels(plan, name, unseen, columns) for name in plan.model.facets}
    student, element = plan.data.student[plan.kept], plan.data.facets[facet][plan.kept]
    pairs = distinct_pairs(student, element)
    n_students, size = plan.data.n_students, plan.data.sizes[facet]
    linked = components(*pairs, n_students, size)[1]
    met = np.bincount(pairs[1], minlength=size) > 0
    own = np.full(n_students, NONE)
    if facet in labels:
        own[student] = labels[facet][element]
    return Identification(unseen.shape[1], labels, _ranked(np.where(met, linked, NONE)), own)


def _reduced(plan: Layout) -> tuple[sparse.csr_array, Ints]:
    """Free parameters as a function of those that matter for the rank, and the parameter of each of these, or −1.

    Distances between the thresholds of a group are always seen, so a group has one column for their common shift, and
    none when one of them is anchored.
    """
    block, start = plan.blocks[THRESHOLD], plan.blocks[THRESHOLD].start
    free = plan.status == ESTIMATED
    group = block.labels[:, 0]
    held = np.unique(group[~free[block.range]])
    shifted = np.setdiff1d(np.unique(group), held)
    places = np.flatnonzero(free[:start])
    member = np.flatnonzero(np.isin(group, shifted))
    row = np.concatenate([places, start + member])
    column = np.concatenate([np.arange(len(places)), len(places) + np.searchsorted(shifted, group[member])])
    size = (len(plan.status), len(places) + len(shifted))
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=size)
    return matrix, np.concatenate([places, np.full(len(shifted), -1)])


def _unseen(plan: Layout, population: Population) -> tuple[Floats, Ints]:
    """Directions (column, direction) that neither ratings nor constraints show, and the parameter of each column."""
    reduced, parameter = _reduced(plan)
    gap = plan.steps.gap[plan.cell_group, 0] if plan.n_cells else np.zeros(0)
    cells = sparse.diags_array(1 / gap) @ (plan.jacobian[: plan.n_cells] @ reduced)
    rated = np.bincount(plan.data.student[plan.kept], minlength=plan.data.n_students) > 0
    informed = population.informed(rated)
    patterns, pattern = np.unique(population.design[:, informed], axis=0, return_inverse=True)
    met = np.unique(pattern.ravel()[plan.data.student[plan.kept]] * max(plan.n_cells, 1) + plan.cell)
    incidence = sparse.csr_array(
        (np.ones(len(met)), (met // max(plan.n_cells, 1), met % max(plan.n_cells, 1))),
        shape=(len(patterns), plan.n_cells),
    )
    n = cells.shape[1]
    gram = np.zeros((n + patterns.shape[1],) * 2)
    gram[:n, :n] = (cells.T @ sparse.diags_array(incidence.sum(axis=0)) @ cells).toarray()
    gram[n:, :n] = -patterns.T @ (incidence @ cells).toarray()
    gram[:n, n:] = gram[n:, :n].T
    gram[n:, n:] = patterns.T @ (patterns * incidence.sum(axis=1)[:, None])
    constraints = plan.constraints @ reduced[plan.free].toarray()
    if not len(gram):
        return np.zeros((0, 0)), np.zeros(0, dtype=np.int64)
    gram[:n, :n] += float(np.diag(gram).mean()) * constraints.T @ constraints
    root = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    values, vectors = linalg.eigh(gram / root / root[:, None])
    null = vectors[:, values < RANK * values.max()] / root[:, None]
    return null, np.concatenate([parameter, np.full(patterns.shape[1], -1)])


def _labels(plan: Layout, facet: str, unseen: Floats, columns: Ints) -> Ints:
    """Elements that no unseen direction parts share a label."""
    block = plan.blocks[facet]
    lost = np.isin(plan.status[block.range], [UNRATED, EXTREME])
    if lost.all():
        return np.full(len(lost), NONE)
    place = np.full(len(plan.status), -1)
    place[columns[columns >= 0]] = np.flatnonzero(columns >= 0)
    where = place[block.range]
    # One random mixture of the directions tells elements apart as surely as all of them.
    mixed = unseen @ np.random.default_rng(0).standard_normal(unseen.shape[1])
    value = np.where(where >= 0, mixed[where], 0.0)
    order = np.argsort(value, kind="stable")
    sorted_ = value[order]
    tolerance = 1e-6 * max(np.abs(mixed).max(initial=0.0), 1e-300)
    label = np.empty(len(value), dtype=np.int64)
    label[order] = np.cumsum(np.r_[0, np.diff(sorted_) > tolerance])
    return _ranked(np.where(lost, NONE, label))


def _ranked(label: Ints) -> Ints:
    """Labels renumbered from the one with most elements; −1 stays."""
    known = label[label >= 0]
    names, first, count = np.unique(known, return_index=True, return_counts=True)
    order = np.lexsort((first, -count))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    answer = np.full(len(label), NONE)
    answer[label >= 0] = rank[np.searchsorted(names, known)]
    return answer


def relative(model: Model, found: Identification, facet: str = "trainer") -> Model:
    """The model with a facet centred within each of its components: the elements are comparable only there.

    The same fit is had by the assumption that the components' elements are equal on average; only its reading differs.
    """
    return replace(model, components={**model.components, facet: found.labels[facet]})


def with_groups(student: Any, trainer: Any, group: Any, n_trainers: int) -> tuple[Ints, Ints]:
    """Pairs of files and trainers in which each group of students counts as one trainer more, who saw all its files.

    For :func:`crcne_stats.core.graph.fragile`: what holds trainers together when group means are free is a common
    student or a common group. ``group`` (student,); groups are numbered from ``n_trainers`` on.
    """
    student, trainer, group = (np.asarray(codes, dtype=np.int64) for codes in (student, trainer, group))
    seen = np.unique(student)
    return distinct_pairs(np.concatenate([student, seen]), np.concatenate([trainer, n_trainers + group[seen]]))
