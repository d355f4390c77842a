"""What the ratings say, once and for all: totals, and who met which normalisers.

Given ability θ, the log-likelihood of a student is ``θ · total − Σ log Z(θ)``, the sum running over the cells of the
student's ratings (Andersen 1977, doi:10.1007/BF02293746). Students rated on all criteria by the same trainer share
that trainer's whole sum; a unit is such a whole or, for what is missing from it or rated beside it, a single cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crcne_stats.core.rasch.design import Floats, Ints, tally
from crcne_stats.core.rasch.layout import Layout


@dataclass(frozen=True, eq=False)
class Sufficient:
    """Totals and incidences; ``entry`` is all that the likelihood needs of the design.

    Attributes
    ----------
    total : (student,)
        Weighted sum of levels above the lowest used one.
    entry : (student, unit)
        How many times each unit's log-normaliser counts; a cell missing from a whole counts −1.
    unit_cells : (unit, cell)
    observed : (parameter,)
        Weighted sum of the steps climbed, by parameter.
    n_ratings : (student,)
        Weighted number of ratings that inform the fit.
    pair : (kept rating,), pair_student, pair_context : (pair,)
        The distinct pairs of a student and a context (all facets but the criterion).
    """

    total: Floats
    entry: sparse.csr_array
    unit_cells: sparse.csr_array
    observed: Floats
    n_ratings: Floats
    pair: Ints
    pair_student: Ints
    pair_context: Ints


def sufficient(plan: Layout) -> Sufficient:
    """The sufficient statistics of the ratings that inform the fit."""
    data, cell = plan.data, plan.cell
    student = data.student[plan.kept]
    weight = None if data.weight is None else data.weight[plan.kept]
    slot = plan.steps.slot[plan.cell_group[cell], data.score[plan.kept]]
    level = plan.steps.level[plan.cell_group[cell], slot]
    total = tally(student, level if weight is None else weight * level, data.n_students)
    n_ratings = tally(student, weight, data.n_students)
    n_slots = plan.steps.gap.shape[1]
    reached = np.bincount(slot * plan.n_cells + cell, weight, minlength=(n_slots + 1) * plan.n_cells)
    reached = reached.reshape(n_slots + 1, plan.n_cells)[::-1].cumsum(axis=0)[::-1][1:]
    observed = plan.jacobian.T @ reached.ravel()
    n_contexts = int(plan.context.max(initial=0)) + 1
    pairs, pair = distinct(student * n_contexts + plan.context[cell], data.n_students * n_contexts)
    owner, place = np.divmod(pairs, n_contexts)
    entry, unit_cells = _units(plan, pair, owner, place, weight)
    return Sufficient(total, entry, unit_cells, observed, n_ratings, pair, owner, place)


def _units(
    plan: Layout, pair: Ints, owner: Ints, place: Ints, weight: Floats | None
) -> tuple[sparse.csr_array, sparse.csr_array]:
    n_cells, n_students, context, item = plan.n_cells, plan.data.n_students, plan.context, plan.item
    n_contexts, n_items = int(context.max(initial=0)) + 1, int(item.max(initial=0)) + 1
    value = np.bincount(pair * n_items + item[plan.cell], weight, minlength=len(owner) * n_items).astype(float)
    value = value.reshape(len(owner), n_items)
    cell_of = np.full((n_contexts, n_items), -1)
    cell_of[context, item] = np.arange(n_cells)
    theirs = cell_of[place]
    odd = (theirs >= 0) & (value != 1)
    whole = 1 + odd.sum(axis=1) < (value != 0).sum(axis=1)
    single_pair, single_item = np.nonzero(np.where(whole[:, None], odd, value != 0))
    rows = np.concatenate([owner[whole], owner[single_pair]])
    columns = np.concatenate([n_cells + place[whole], theirs[single_pair, single_item]])
    singles = value[single_pair, single_item] - whole[single_pair]
    values = np.concatenate([np.ones(int(whole.sum())), singles])
    used, unit = distinct(columns, n_cells + n_contexts)
    entry = sparse.csr_array((values, (rows, unit)), shape=(n_students, len(used)))
    cells = np.flatnonzero(used < n_cells)
    wholes = np.flatnonzero(used >= n_cells)
    which = np.full(n_contexts, -1)
    which[used[wholes] - n_cells] = wholes
    inside = np.flatnonzero(which[context] >= 0)
    unit_rows = np.concatenate([cells, which[context[inside]]])
    unit_columns = np.concatenate([used[cells], inside])
    unit_cells = sparse.csr_array((np.ones(len(unit_rows)), (unit_rows, unit_columns)), shape=(len(used), n_cells))
    return entry, unit_cells


def distinct(key: Ints, size: int) -> tuple[Ints, Ints]:
    """Distinct keys, ordered, and the place of each entry among them."""
    if size > max(8 * len(key), 1 << 22):
        kept, place = np.unique(key, return_inverse=True)
        return kept, place.astype(np.int64)
    used = np.zeros(size, dtype=bool)
    used[key] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[key]
