"""Which criteria to revise first, why, how sure is that order, and what to do about them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from crcne_stats.analysis.generalizability_data import of_same_ratings
from crcne_stats.analysis.priorities_files import file_table
from crcne_stats.analysis.priorities_index import choices, gathered, order
from crcne_stats.analysis.priorities_model import Judged, judged
from crcne_stats.analysis.priorities_notes import priorities_notes
from crcne_stats.analysis.priorities_signs import SYMPTOMS, TOLERABLE, batches, bridged
from crcne_stats.analysis.priorities_tables import (
    choice_table,
    priority_table,
    stability_table,
    swap_table,
    symptom_table,
)
from crcne_stats.analysis.severity_design import Design, design
from crcne_stats.analysis.severity_scale import pix_levels
from crcne_stats.core.rasch.mml import Inestimable
from crcne_stats.core.symptoms import measured, resampled
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students

FEWEST = 20
"""Fewer students than this show no sign of anything."""


def priorities(
    ratings: Ratings,
    *,
    students: Students | None = None,
    calibration: Result | None = None,
    weights: Mapping[str, float] | None = None,
    tolerable: Mapping[str, float] | None = None,
    power: float = 8.0,
    first: int = 5,
    resamples: int = 500,
    level: float = 0.95,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Criteria in the order in which to revise them, with what is wrong with each and how sure the order is.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out.
    students
        With PIX+Édu levels: criteria that go with them less than the others do show it.
    calibration
        Where a previous version was calibrated with these ratings, the drift of its criteria is a sign too.
    weights
        By which the strain of a symptom is multiplied, ``{"dif": 2}``; 1 for those that are not named, 0 leaves out.
    tolerable
        The edge of the tolerable of a symptom in its own units, ``{"drift": 0.5}``; see below.
    power
        Of the index: large, the worst sign counts alone; 1, signs add up.
    first
        How many criteria files are proposed for, and are followed under other weights.
    resamples, level, seed
        Of the students, each with all ratings.

    Returns
    -------
    Result
        ``tables["priorities"]``: a row for each criterion, in order: ``priority_index`` with bounds that hold for all
        the criteria at once, ``rank`` and the ranks left open (``rank_low`` to ``rank_high``); ``priority`` "revise"
        where the index surely exceeds 1, the edge of the tolerable, all criteria being looked at; "likely" where it
        does so in 95 % of the resamples (``probability_above``); "keep" elsewhere; ``symptom``, the worst, with what it
        concerns, and a ``suggestion``.

        ``tables["symptoms"]``: each criterion and symptom at its worst: ``value`` with its own percentile interval and
        ``tolerable`` in the symptom's units, ``strain`` on the common scale. Symptoms and edges: ``levels``, distance
        of two neighbouring thresholds (0 logit: below, the level between is never the likeliest); ``agreement``,
        Gwet's AC2 with quadratic weights (0.8); ``swaps``, of the ratings of two trainers on two neighbouring levels,
        the share that part (0.5, as by a coin); ``trainer_criterion`` and ``trainer``, shares of the variance of the
        criterion due to how these trainers read it apart from, and with, their severity (5 %, 10 %); ``misfit``, infit
        (1.3); ``dependence``, residual correlation with another criterion above the mean (0.2); ``dif`` between
        mentions (0.43 logit) and ``drift`` from the first session (0.3 logit) at equal ability, ``bridge`` the same
        from the previous version; ``extremes``, share of
        ratings at one end (0.4); ``pix``, τ-b with the PIX+Édu level below that of the median criterion (0.15).

        ``tables["swaps"]``: two neighbouring levels and how often trainers part on them. ``tables["choices"]``: other
        weights and powers, and what they change; ``tables["stability"]``: each criterion under all of them.
        ``tables["files"]``: five files to read together for each of the first criteria; it names students and is never
        published.

    Raises
    ------
    ValueError
        For an unknown symptom or a number outside its range.

    Notes
    -----
    One many-facet Rasch model serves all: thresholds by criterion, interactions of criterion with mention and session,
    free means for each INSPÉ, mention and session. It is resampled by one step (:mod:`crcne_stats.core.rasch.one_step`)
    and not refitted. The trainers are taken as they are: another panel may read the criteria otherwise. Ranks after
    Mogstad, Romano, Shaikh & Wilhelm (:func:`crcne_stats.core.ranks.rank_sets`).

    References
    ----------
    Kline & Santos (2012), doi:10.1515/2156-6674.1006. Mogstad, Romano, Shaikh & Wilhelm (2024),
    doi:10.1093/restud/rdad006. Linacre (2002), Journal of Applied Measurement 3, 85–106 (levels). Zwick (2012),
    doi:10.1002/j.2333-8504.2012.tb02290.x (0.43 logit).
    """
    weighing, edges = _all(weights, 1.0), {**TOLERABLE, **_all(tolerable, None)}
    _check(weighing, edges, power, first, resamples, level)
    settings: dict[str, Any] = {
        "power": float(power), "first": int(first), "resamples": int(resamples), "level": level,
        **{f"weight_{name}": value for name, value in weighing.items() if value != 1},
        **{f"tolerable_{name}": value for name, value in edges.items() if value != TOLERABLE[name]},
    }  # fmt: skip
    inputs: dict[str, Any] = {"ratings": ratings} | ({} if students is None else {"students": students})
    of_same_ratings(ratings, calibration)
    asked = design(ratings, ("mention", "session"))
    reason = _reason(asked)
    if reason:
        return Result("priorities", settings=settings | {"reason": reason}, inputs=inputs)
    model = _model(asked)
    pix = None if students is None else pix_levels(asked, students)
    found = batches(asked, model, pix)
    bridge = bridged(calibration, asked)
    found += [bridge[0]] if bridge is not None else []
    signs = [batch.sign for batch in found]
    value = measured(signs, asked.data.n_students)
    draws = resampled(signs, asked.data.n_students, resamples, seed, progress)
    if bridge is not None:  # its students are others: its errors are drawn beside
        own = np.random.default_rng([seed, 1]).standard_normal((resamples, len(bridge[1])))
        draws[:, -len(bridge[1]) :] += own * bridge[1]
    signs_ = gathered(found, value, draws, len(asked.names["criterion"]), edges, level)
    placed = order(signs_, weighing, power)
    tried = choices(signs_, weighing, power)
    names = asked.names["criterion"]
    symptoms = symptom_table(signs_, names, edges)
    tables = {
        "priorities": priority_table(signs_, placed, asked, weighing),
        "symptoms": symptoms,
        "swaps": swap_table(signs_, names),
        "choices": choice_table(placed, tried, names, first),
        "stability": stability_table(placed, tried, names, first),
    }
    files = file_table(asked, model, tables["priorities"], first)
    if len(files):
        tables["files"] = files
    notes = priorities_notes(tables, asked, placed, model, settings)
    return Result("priorities", tables, notes, settings, inputs, placed)


def _all(given: Mapping[str, float] | None, default: float | None) -> dict[str, float]:
    """Numbers by symptom, with the default for those not named (None: these alone).

    Raises
    ------
    ValueError
        For a name that is no symptom.
    """
    named = dict(given or {})
    unknown = sorted(set(named) - set(SYMPTOMS))
    if unknown:
        raise ValueError(f"no symptom is called {', '.join(unknown)}; there are {', '.join(SYMPTOMS)}")
    own = {name: float(value) for name, value in named.items()}
    return own if default is None else {name: own.get(name, default) for name in SYMPTOMS}


def _check(
    weights: Mapping[str, float], edges: Mapping[str, float], power: float, first: int, resamples: int, level: float
) -> None:
    """Refuse numbers that mean nothing.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if not all(0 <= value < np.inf for value in weights.values()) or not any(weights.values()):
        raise ValueError("weights are numbers from 0, one of them above")
    perfect = {"levels": (-np.inf, 1.0), "agreement": (-1.0, 1.0), "misfit": (1.0, np.inf)}
    for name, edge in edges.items():
        low, high = perfect.get(name, (0.0, np.inf))
        if not low < edge < high:
            raise ValueError(f"the tolerable edge of {name} must lie between {low} and {high}, not {edge!r}")
    if not power >= 1:
        raise ValueError(f"power is a number from 1 up, not {power!r}")
    if first < 1 or resamples < 20 or not 0 < level < 1:
        raise ValueError("first is 1 or more, resamples 20 or more, level lies between 0 and 1")


def _reason(asked: Design) -> str:
    """Why nothing can be put in order, empty where something can."""
    if not len(asked.data.score):
        return "no_ratings"
    if len(np.unique(asked.data.facets["criterion"])) < 2:
        return "one_criterion"
    return "few_for_priorities" if len(asked.people) < FEWEST else ""


def _model(asked: Design) -> Judged | None:
    """The model, None where nothing can be estimated."""
    try:
        return judged(asked)
    except Inestimable:
        return None
