"""The phases of the framework as a profile: how dependable each is, how they go together, and their composite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.core import variance
from crcne_stats.core.designs import Levels, design
from crcne_stats.core.dstudy import Measurement, errors
from crcne_stats.core.multivariate import composite, correlations, covariance_components
from crcne_stats.domain.ratings import Ratings

NAN = float("nan")
_PLAN = design("student * trainer")


def check_weights(ratings: Ratings, weights: dict[str, float] | None) -> None:
    """Refuse weights of phases that the framework lacks, or that are no numbers above nil."""
    phases = [phase.key for phase in ratings.framework.phases]
    for key, value in (weights or {}).items():
        if key not in phases:
            raise ValueError(f"no phase {key!r}; there are {', '.join(phases)}")
        if not value >= 0:
            raise ValueError(f"the weight of {key!r} is not a number from 0 up: {value!r}")


def profile(found: Fitted, weights: dict[str, float] | None) -> dict[str, pd.DataFrame]:
    """Tables "profile" and "profile_correlations"; none where there are no two phases or no two trainers per file."""
    means, data, phases, sizes = _phase_means(found)
    if len(phases) < 2 or not len(means):
        return {}
    study = variance.study(_PLAN, Levels(data))
    if [term.key for term in study.terms] != ["student", "trainer"]:
        return {}
    parts = covariance_components(means, study.squares.components)
    facets = [frozenset({"student"}), frozenset({"trainer"}), frozenset({"student", "trainer"})]
    trainers = found.data.sizes.get("trainer", 1.0)
    plan = Measurement(frozenset({"student"}), {"trainer": trainers})
    own = np.array([(weights or {}).get(key, 0.0) if weights else sizes[key] for key in phases], dtype=float)
    own = own / own.sum() if own.sum() > 0 else own
    rows = []
    for place, key in enumerate([*phases, None]):
        values = composite(parts, own) if key is None else parts[:, place, place]
        worth = errors(facets, values, plan)
        rows.append({
            "scope": "composite" if key is None else "phase", "phase": key,
            "weight": NAN if key is None else own[place],
            "n_criteria": sum(sizes.values()) if key is None else sizes[key], "universe": float(worth.universe),
            "relative": float(worth.relative), "absolute": float(worth.absolute),
            "generalizability": float(worth.generalizability), "dependability": float(worth.dependability),
            "trainers_per_file": trainers, "n_students": found.data.n_students,
            "reason": "" if worth.universe > 0 else "no_universe",
        })  # fmt: skip
    return {"profile": pd.DataFrame(rows), "profile_correlations": _pairs(parts, phases, found)}


def _pairs(parts: np.ndarray, phases: list[str], found: Fitted) -> pd.DataFrame:
    """Correlations of the phases: of universe scores, and of one trainer's error."""
    universe, error = correlations(parts[0]), correlations(parts[-1])
    rows: list[dict[str, Any]] = []
    for a in range(len(phases)):
        for b in range(a):
            known = np.isfinite(universe[a, b])
            reason = "" if known and universe[a, b] <= 1 else "correlation_above_one" if known else "no_universe"
            rows.append({
                "phase": phases[b], "phase_b": phases[a], "universe_correlation": universe[a, b],
                "error_correlation": error[a, b], "n_students": found.data.n_students,
                "reason": reason,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _phase_means(found: Fitted) -> tuple[np.ndarray, dict[str, np.ndarray], list[str], dict[str, int]]:
    """Mean of each phase (sheet, phase) of the sheets that have all phases, and their students and trainers."""
    ratings, frame = found.data.ratings, found.data.frame
    framework = ratings.framework
    criterion, keys = ratings.codes("criterion", frame)
    owner = [framework.phase_of(key) for key in keys]
    phases = [phase.key for phase in framework.phases if phase.key in owner]
    sizes = {key: sum(framework.phase_of(one.key) == key for one in framework.scored) for key in phases}
    phase = np.array([phases.index(one) if one in phases else -1 for one in owner])[criterion]
    trainer, _ = ratings.codes("trainer", frame)
    file = ratings.units(frame)
    key, sheet = np.unique(file * (int(trainer.max()) + 1) + trainer, return_inverse=True)
    cell = sheet * len(phases) + phase
    count = np.bincount(cell, minlength=len(key) * len(phases)).reshape(len(key), -1)
    total = np.bincount(cell, found.data.y, minlength=len(key) * len(phases)).reshape(len(key), -1)
    whole = (count > 0).all(axis=1)
    codes = {"student": key[whole] // (int(trainer.max()) + 1), "trainer": key[whole] % (int(trainer.max()) + 1)}
    return total[whole] / count[whole], codes, phases, sizes
