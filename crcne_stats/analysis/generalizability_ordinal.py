"""How far it matters that levels are taken as numbers: the same conclusions from the many-facet model.

The model knows levels as an order only. Levels are put where it finds them on its scale and the study is done again;
and panels of trainers are drawn from it, whose means are compared with one another and with what the model expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.analysis.generalizability_tables import common_scale
from crcne_stats.core import variance
from crcne_stats.core.dstudy import errors
from crcne_stats.core.rasch.rated import Rated, rated
from crcne_stats.core.rasch.sufficient import sufficient
from crcne_stats.core.schemes import scores_of, wrong_level
from crcne_stats.domain.result import Result

STUDENTS, TRAINERS = 4000, 40
"""Students drawn, and trainers among whom panels are drawn."""
_GRID = 121
_NODES, _MASS = np.polynomial.hermite_e.hermegauss(5)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The model as panels are drawn from it: ``cells`` (trainer, criterion), ``scores`` (level,), ``halo``."""

    found: Rated
    cells: np.ndarray
    scores: np.ndarray
    halo: float

    def expected(self, ability: np.ndarray) -> np.ndarray:
        """Mean score (student,) over all trainers, criteria and halos."""
        total = np.zeros(len(ability))
        for node, mass in zip(_NODES, _MASS / _MASS.sum(), strict=True):
            for cell in self.cells.ravel():
                p = self.found.chances(ability + self.halo * node, np.full(len(ability), cell))
                total += mass * (self.scores @ p)
        return total / self.cells.size

    def means(self, rng: np.random.Generator, ability: np.ndarray, trainers: int) -> np.ndarray:
        """Mean score (student,) from a panel of trainers drawn anew for each student."""
        total = np.zeros(len(ability))
        for _ in range(trainers):
            who = rng.integers(0, len(self.cells), len(ability))
            place = ability + self.halo * rng.standard_normal(len(ability))
            for criterion in range(self.cells.shape[1]):
                p = self.found.chances(place, self.cells[who, criterion]).cumsum(axis=0)
                level = (rng.random(len(ability)) > p[:-1]).sum(axis=0)
                total += self.scores[level]
        return total / (trainers * self.cells.shape[1])


def ordinal(given: Fitted, measured: Result | None, seed: int) -> pd.DataFrame:
    """Φ, absolute error and share of wrong levels with levels as numbers, spaced by the model, and drawn from it."""
    ladder = common_scale(given)
    data = given.data
    if (
        measured is None
        or measured.model is None
        or ladder is None
        or given.error_hidden
        or "trainer" not in data.sizes
    ):
        return pd.DataFrame()
    model = measured.model.fitted
    found = rated(model.plan, sufficient(model.plan), model.measured.known)
    trainers = max(round(data.sizes["trainer"]), 1)
    plan = data.measurement(trainers, own=True)
    here = given.errors(plan)
    cuts = tuple((a.score + b.score) / 2 for a, b in pairwise(ladder))
    one, two = (given.errors(data.measurement(k, own=True)) for k in (1, 2))
    theory = scores_of(float(data.y.mean()), one, two, cuts)
    values: dict[tuple[str, str], float] = {
        ("dependability", "numbers"): float(here.dependability),
        ("sem_absolute", "numbers"): float(np.sqrt(here.absolute)),
        ("wrong_level", "numbers"): wrong_level(theory, trainers) if theory.universe > 0 else float("nan"),
    }
    placed = _placed(found, model, len(ladder))
    if placed is not None and len(data.y) == len(model.asked.data.score):
        again = variance.by_squares(data.study, placed[model.asked.data.score])
        values["dependability", "respaced"] = float(errors(given.facets, again, plan).dependability)
    cells = _cells(found, model)
    if len(cells):
        scores = np.array([level.score for level in ladder], dtype=float)
        drawn = _Drawn(found, cells, scores, float(model.measured.halo))
        values |= _from_model(drawn, model, trainers, cuts, np.random.default_rng(seed))
    return pd.DataFrame(
        [{"coefficient": name, "approach": how, "value": value, "trainers_per_file": float(trainers),
          "n_students": data.n_students, "reason": "" if np.isfinite(value) else "no_universe"}
         for (name, how), value in sorted(values.items(), key=lambda pair: pair[0][0])]
    )  # fmt: skip


def _placed(found: Rated, model: Any, n_levels: int) -> np.ndarray | None:
    """Mean distance (level,) of ability from difficulty where each level was given; None unless they rise."""
    ability = np.nan_to_num(model.measured.ability)[found.student] - found.difficulty[found.cell]
    n = np.bincount(found.score, minlength=n_levels)
    if (n == 0).any():
        return None
    place = np.bincount(found.score, ability, minlength=n_levels) / n
    return place if (np.diff(place) > 0).all() else None


def _cells(found: Rated, model: Any) -> np.ndarray:
    """Cells (trainer, criterion) of trainers who rated every criterion, some of them where there are many."""
    plan, names = found.plan, list(found.plan.names)
    if sorted(names) != ["criterion", "trainer"]:
        return np.zeros((0, 1), dtype=np.int64)
    who, what = (plan.cell_codes[:, names.index(name)] for name in ("trainer", "criterion"))
    criteria = np.unique(what)
    table = np.full((int(who.max(initial=-1)) + 1, len(criteria)), -1)
    table[who, np.searchsorted(criteria, what)] = np.arange(len(who))
    whole = np.flatnonzero((table >= 0).all(axis=1))
    chosen = whole[np.unique(np.linspace(0, len(whole) - 1, TRAINERS).round().astype(int))] if len(whole) else whole
    return np.asarray(table[chosen])


def _from_model(
    drawn: _Drawn, model: Any, trainers: int, cuts: tuple[float, ...], rng: np.random.Generator
) -> dict[tuple[str, str], float]:
    known = np.flatnonzero(np.isfinite(model.measured.ability))
    who = rng.choice(known, STUDENTS)
    ability = model.measured.ability[who] + np.sqrt(model.measured.variance[who]) * rng.standard_normal(STUDENTS)
    grid = np.linspace(ability.min(), ability.max(), _GRID)
    universe = np.interp(ability, grid, drawn.expected(grid))
    first, second = (drawn.means(rng, ability, trainers) for _ in range(2))
    error = ((first - universe) ** 2 + (second - universe) ** 2).mean() / 2
    shared = float(((first - first.mean()) * (second - second.mean())).mean())
    wrong = np.searchsorted(cuts, first, side="right") != np.searchsorted(cuts, universe, side="right")
    return {
        ("dependability", "model"): shared / ((first.var() + second.var()) / 2),
        ("sem_absolute", "model"): float(np.sqrt(error)),
        ("wrong_level", "model"): float(wrong.mean()),
    }
