"""Ratings under the next version of a framework, whose drift is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from crcne_stats.analysis.simulate import (
    Cohort,
    Simulation,
    drawn_groups,
    drawn_ratings,
    drawn_students,
    drawn_thresholds,
    inspe_names,
    session_names,
)
from crcne_stats.core.simulation import Design, Parameters, centred, design, drawn_scores
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework

_APART = 0.3
"""Logits by which the parts of a split criterion lie around the whole."""


def simulate_next(
    first: Simulation,
    framework: str | Framework | None = None,
    *,
    students: int | None = None,
    ability_shift: float = 0.5,
    severity_shift: float = 0.0,
    trainer_drift_sd: float = 0.2,
    drift: float = 0.5,
    drifting: int = 2,
    again: int = 0,
    seed: int = 1,
) -> Simulation:
    """A further session under the next version of the framework, rated by the same trainers.

    Parameters
    ----------
    first
        What was simulated under the previous version.
    framework
        The next version, whose crosswalk names the previous one; None keeps the same.
    students
        New students; as many as there were when None.
    ability_shift
        Logits by which the new students are better on average.
    severity_shift, trainer_drift_sd
        Logits by which all the trainers become more severe, and the standard deviation of each one's own drift.
    drift, drifting
        Logits by which that many of the unchanged criteria become harder and easier in turn.
    again
        Files of the previous version that the trainers rate again under the new one.

    Returns
    -------
    Simulation
        ``truth["planted"]`` holds ``drift`` by criterion, ``ability_shift``, ``severity_shift`` as it came out over the
        trainers, and ``again``, the students whose files are rated again.

    Raises
    ------
    ValueError
        When the framework does not follow the previous one, or a number means nothing.

    Notes
    -----
    Same seed, same data. Unchanged and reworded criteria keep difficulty (that of the middle of the first sessions) and
    thresholds; parts of a split one lie around it, a merged one lies at the mean, a new one anywhere.
    """
    before = first.ratings.framework
    chosen = (
        before if framework is None else framework if isinstance(framework, Framework) else load_framework(framework)
    )
    follows = chosen.version == before.version or (
        chosen.crosswalk is not None and chosen.crosswalk.previous == before.version
    )
    settings = {
        "students": int(first.truth["settings"]["students"] if students is None else students),
        "ability_shift": ability_shift, "severity_shift": severity_shift, "trainer_drift_sd": trainer_drift_sd,
        "drift": drift, "drifting": int(drifting), "again": int(again), "seed": seed,
    }  # fmt: skip
    if not follows:
        raise ValueError(f"framework {chosen.version} has no crosswalk from {before.version}")
    if settings["students"] < 1 or not 0 <= settings["again"] <= len(first.truth["ability"]) or drifting < 0:
        raise ValueError("students must be at least 1, drifting at least 0, again at most the previous students")
    if not trainer_drift_sd >= 0:
        raise ValueError("trainer_drift_sd must be a number from 0")
    rng = np.random.default_rng(seed)
    given = {**first.truth["settings"], **settings}
    who, cohort, ability = _people(rng, first, chosen, given)
    true, truth = _parameters(rng, first, chosen, who, cohort, ability, given)
    scores = drawn_scores(rng, who, true)
    ratings = drawn_ratings(rng, chosen, who, scores, cohort, given["missing"])
    table = drawn_students(rng, ratings, who, ability, cohort, given["pix_error_sd"])
    return Simulation(ratings, table, {"settings": settings | {"framework": chosen.version}, **truth})


def _people(
    rng: np.random.Generator, first: Simulation, framework: Framework, s: dict[str, Any]
) -> tuple[Design, Cohort, np.ndarray]:
    """New students in a new session, and those of the previous version who are rated again."""
    n_inspe, trainers = int(s["inspe"]), list(first.truth["severity"])
    fresh = design(rng, s["students"], n_inspe, len(trainers), int(s["trainers_per_student"]), float(s["links"]))
    means = np.array(list(first.truth["inspe_ability"].values()))
    ability = means[fresh.home] + s["ability_shift"] + s["ability_sd"] * rng.standard_normal(s["students"])
    known = len(first.truth["ability"])
    names = [f"E{known + index + 1:06d}" for index in range(s["students"])]
    sessions = first.ratings.framework, int(s["sessions"])
    year = session_names(sessions[0], sessions[1] + 1)[-1]
    label = max(year, *(name for name in session_names(framework, 1)))
    mention = drawn_groups(rng, framework, s["students"], 1)[1]
    table = first.students.frame.set_index("student")
    picked = sorted(rng.choice(list(first.truth["ability"]), s["again"], replace=False).tolist())
    places = {name: place for place, name in enumerate(inspe_names(n_inspe))}
    home = np.array([places[str(table.loc[name, "inspe"])] for name in picked], dtype=np.int64)
    keys = [entry.key for entry in framework.mentions]
    theirs = np.array([keys.index(str(table.loc[name, "mention"])) if keys else 0 for name in picked], dtype=np.int64)
    panel = np.array(
        [rng.choice(np.flatnonzero(fresh.trainer_home == own), fresh.panel.shape[1], replace=False) for own in home],
        dtype=np.int64,
    ).reshape(len(picked), fresh.panel.shape[1])
    who = Design(
        np.r_[fresh.home, home], fresh.trainer_home, np.r_[fresh.panel, panel],
        np.r_[fresh.linked, np.zeros(len(picked), dtype=bool)],
    )  # fmt: skip
    cohort = Cohort(
        [*names, *picked], [*[label] * s["students"], *(str(table.loc[name, "session"]) for name in picked)],
        np.r_[mention, theirs], trainers, list(inspe_names(n_inspe)),
    )  # fmt: skip
    return who, cohort, np.r_[ability, [first.truth["ability"][name] for name in picked]]


def _parameters(
    rng: np.random.Generator,
    first: Simulation,
    framework: Framework,
    who: Design,
    cohort: Cohort,
    ability: np.ndarray,
    s: dict[str, Any],
) -> tuple[Parameters, dict[str, Any]]:
    truth, keys = first.truth, [criterion.key for criterion in framework.scored]
    origin = _origins(first.ratings.framework, framework)
    difficulty, thresholds = _criteria(rng, truth, framework, origin, float(s["difficulty_sd"]))
    stable = [place for place, key in enumerate(keys) if origin[key][0] in ("same", "reworded")]
    unchanged = [place for place in stable if origin[keys[place]][0] == "same"]
    chosen = [unchanged[round(at)] for at in np.linspace(1, len(unchanged) - 2, s["drifting"])] if s["drift"] else []
    moved = {place: s["drift"] * (1 - 2 * (turn % 2)) for turn, place in enumerate(dict.fromkeys(chosen))}
    for place, by in moved.items():
        difficulty[place] += by
    old = np.array(list(truth["severity"].values()))
    severity = old + s["severity_shift"] + centred(rng, float(s["trainer_drift_sd"]), len(old))
    taste = np.zeros((len(old), len(keys)))
    n_mentions = int(cohort.mention.max()) + 1
    by_group = np.tile(difficulty, (n_mentions, 1))
    for place in stable:
        own = origin[keys[place]][1][0]
        if own == truth["planted"].get("low_agreement") and truth["views"]:
            taste[:, place] = list(truth["views"].values())
        dif = truth["planted"].get("dif")
        if dif and own == dif["criterion"] and n_mentions > 1:
            by_group[1, place] += dif["logits"]
    centrality = np.array(list(truth["centrality"].values()))
    halo = s["halo_sd"] * rng.standard_normal(who.panel.shape)
    true = Parameters(ability, by_group, cohort.mention, severity, centrality, halo, taste, thresholds)
    planted = {
        "drift": {keys[place]: by for place, by in moved.items()},
        "ability_shift": s["ability_shift"],
        "severity_shift": float((severity - old).mean()),
        "again": cohort.students[s["students"] :],
    }
    return true, {
        "ability": dict(zip(cohort.students, ability.tolist(), strict=True)),
        "severity": dict(zip(cohort.trainers, severity.tolist(), strict=True)),
        "difficulty": dict(zip(keys, difficulty.tolist(), strict=True)),
        "thresholds": {
            key: thresholds[index, : framework.n_levels(key) - 1].tolist() for index, key in enumerate(keys)
        },
        "planted": planted,
    }


def _origins(before: Framework, after: Framework) -> dict[str, tuple[str, tuple[str, ...]]]:
    """For each criterion of the next version what became of which ones: kind and previous keys."""
    if after.version == before.version or after.crosswalk is None:
        return {criterion.key: ("same", (criterion.key,)) for criterion in after.scored}
    found = {key: (link.kind, link.old) for link in after.crosswalk.links for key in link.new}
    return {criterion.key: found.get(criterion.key, ("new", ())) for criterion in after.scored}


def _criteria(
    rng: np.random.Generator,
    truth: dict[str, Any],
    framework: Framework,
    origin: dict[str, tuple[str, tuple[str, ...]]],
    sd: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Difficulties (criterion,) and thresholds (criterion, step) of the next version."""
    halfway = {key: by / 2 for key, by in truth["planted"].get("drift", {}).items()}
    thresholds = drawn_thresholds(rng, framework)
    difficulty = np.zeros(len(origin))
    seen: dict[tuple[str, ...], int] = {}
    for place, (kind, old) in enumerate(origin.values()):
        known = [truth["difficulty"][key] + halfway.get(key, 0.0) for key in old]
        difficulty[place] = np.mean(known) if known else sd * rng.standard_normal()
        if kind == "split":
            turn = seen[old] = seen.get(old, 0) + 1
            difficulty[place] += _APART * (1 if turn % 2 else -1)
        own = np.array(truth["thresholds"][old[0]]) if kind in ("same", "reworded") else np.zeros(0)
        if len(own) and len(own) == int(np.isfinite(thresholds[place]).sum()):
            thresholds[place, : len(own)] = own
    return difficulty, thresholds
