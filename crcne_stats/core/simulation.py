"""Ratings drawn from the many-facet model with known parameters: who rates whom, and the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.rasch.probabilities import drawn_categories

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """Who rates whom: ``home`` (student,), ``trainer_home`` (trainer,) are INSPÉ; ``panel`` (student, seat) trainers.

    ``linked`` (student,) marks the files whose last seat is held by a trainer of another INSPÉ.
    """

    home: Ints
    trainer_home: Ints
    panel: Ints
    linked: NDArray[np.bool_]


def design(
    rng: np.random.Generator, n_students: int, n_inspe: int, n_trainers: int, seats: int, links: float
) -> Design:
    """Students and trainers shared out over INSPÉ as evenly as can be; panels drawn within the INSPÉ.

    A share ``links`` of the files of each INSPÉ, one at least, has its last seat given to another INSPÉ.
    """
    home = np.sort(np.arange(n_students) % n_inspe)
    trainer_home = np.sort(np.arange(n_trainers) % n_inspe)
    start = np.searchsorted(trainer_home, np.arange(n_inspe))
    size = np.bincount(trainer_home, minlength=n_inspe)
    lottery = rng.random((n_students, int(size.max())))
    lottery[np.arange(lottery.shape[1]) >= size[home][:, None]] = np.inf
    panel = start[home][:, None] + np.argsort(lottery, axis=1)[:, :seats]
    linked = np.zeros(n_students, dtype=bool)
    if links > 0 and n_inspe > 1:
        for inspe in range(n_inspe):
            members = np.flatnonzero(home == inspe)
            wanted = min(len(members), max(1, round(links * len(members))))
            linked[rng.choice(members, wanted, replace=False)] = True
        other = (home + rng.integers(1, n_inspe, n_students)) % n_inspe
        stranger = start[other] + rng.integers(0, size[other])
        panel[linked, -1] = stranger[linked]
    return Design(home, trainer_home, panel, linked)


@dataclass(frozen=True, eq=False)
class Parameters:
    """True values in logits, by named axis.

    ``ability`` (student,); ``difficulty`` (student group, criterion), the group being session × mention;
    ``group`` (student,); ``severity`` (trainer,); ``centrality`` (trainer,) multiplies the thresholds; ``halo``
    (student, seat); ``taste`` (trainer, criterion), a trainer's own view of a criterion; ``thresholds``
    (criterion, step), +inf beyond a criterion's own levels.
    """

    ability: Floats
    difficulty: Floats
    group: Ints
    severity: Floats
    centrality: Floats
    halo: Floats
    taste: Floats
    thresholds: Floats


def drawn_scores(rng: np.random.Generator, who: Design, true: Parameters) -> Ints:
    """Levels (student, seat, criterion) as indices from 0, drawn from the model.

    Criterion by criterion, so that memory grows with students and not with ratings.
    """
    n_criteria = true.difficulty.shape[1]
    scores = np.empty((*who.panel.shape, n_criteria), dtype=np.int64)
    base = true.ability[:, None] + true.halo - true.severity[who.panel]
    stretch = true.centrality[who.panel].ravel()[:, None]
    for criterion in range(n_criteria):
        location = base - true.difficulty[true.group, criterion][:, None] - true.taste[who.panel, criterion]
        thresholds = stretch * true.thresholds[criterion]
        scores[:, :, criterion] = drawn_categories(rng, location.ravel(), thresholds).reshape(who.panel.shape)
    return scores


def drawn_overall(rng: np.random.Generator, who: Design, true: Parameters, cuts: Floats, error_sd: float) -> Ints:
    """Overall levels (student, seat) as indices from 0: how many of the ``cuts`` (level above the lowest,) are passed.

    A trainer sees the student as in the criteria (ability, halo, own severity), with a normal error of ``error_sd``.
    """
    seen = true.ability[:, None] + true.halo - true.severity[who.panel]
    return np.searchsorted(cuts, seen + error_sd * rng.standard_normal(seen.shape), side="right").astype(np.int64)


def centred(rng: np.random.Generator, sd: float, *shape: int) -> Floats:
    """Normal draws with that standard deviation, their mean taken off; zeros when ``sd`` is 0."""
    draws: Any = rng.standard_normal(shape)
    return np.asarray(sd * (draws - draws.mean(axis=0))) if len(draws) else np.zeros(shape)
