"""Ratings whose truth is known, to try the kit and to judge its methods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.analysis.simulate_overall import global_cuts, global_keys, overall_levels
from crcne_stats.core.simulation import Design, Parameters, centred, design, drawn_scores
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_draft import with_global_level
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings, prepare
from crcne_stats.domain.students import Students
from crcne_stats.domain.students import prepare as prepare_students

_MENTION_SHARES = (0.5, 0.4, 0.1)
_STEPS = (-3.9, -1.2, 1.3, 3.7)
_SWAPPED = (-2.9, 1.1, -1.0, 2.8)
"""Thresholds of the disordered criterion: the third comes below the second, so the level between them is useless."""
_PIX_CUTS = (-2.0, 0.4)
_NO_PIX, _WAITING, _NO_CORE = 0.05, 0.02, 0.04
_PLANTED = {"drift_up": 0.16, "dif": 0.32, "disordered": 0.5, "drift_down": 0.68, "low_agreement": 0.79}
"""Where in the list of criteria each planted defect goes, as a share of its length."""


@dataclass(frozen=True)
class Simulation:
    """Simulated ratings and students, and the truth behind them.

    ``truth`` holds only numbers, texts, lists and mappings, so that it can be written as JSON: ``settings``, and the
    true ``ability`` of each student, ``severity``, ``centrality`` and ``inspe`` of each trainer, ``inspe_ability``,
    ``difficulty`` and ``thresholds`` of each criterion in the first session, the ``planted`` defects by criterion, the
    trainers' own ``views`` of the criterion with low agreement, and ``global_cuts`` of each level above the lowest for
    each criterion with overall levels.
    """

    ratings: Ratings
    students: Students
    truth: dict[str, Any]


@dataclass(frozen=True)
class Cohort:
    """Who takes part: students, their sessions and codes of mentions (student,), names of trainers and of INSPÉ."""

    students: list[str]
    session: list[str]
    mention: np.ndarray
    trainers: list[str]
    inspe: list[str]


def simulate(
    students: int = 600,
    inspe: int = 8,
    sessions: int = 2,
    *,
    trainers: int | None = None,
    trainers_per_student: int = 2,
    links: float = 0.05,
    ability_sd: float = 2.0,
    inspe_ability_sd: float = 0.3,
    severity_sd: float = 0.35,
    centrality_sd: float = 0.1,
    halo_sd: float = 0.4,
    difficulty_sd: float = 0.8,
    disordered: bool = True,
    dif: float = 0.8,
    drift: float = 0.6,
    low_agreement: float = 2.0,
    taste_sd: float = 0.0,
    missing: float = 0.02,
    pix_error_sd: float = 1.6,
    global_level: bool = False,
    global_error_sd: float = 0.8,
    framework: str | Framework | None = None,
    seed: int = 1,
) -> Simulation:
    """Ratings drawn from the many-facet model; each effect can be set to nothing (0, False or None).

    Parameters
    ----------
    students
        In all the sessions together; each belongs to one INSPÉ, one session and one mention.
    inspe, sessions, trainers
        Numbers of them; trainers are nested in INSPÉ (by default one for some 33 students, three per INSPÉ at least).
    trainers_per_student
        Trainers of each file, from its own INSPÉ.
    links
        Share of the files of each INSPÉ (one at least) of which one trainer comes from another INSPÉ; 0 makes islands.
    ability_sd, inspe_ability_sd, severity_sd, difficulty_sd
        Standard deviations in logits: students within INSPÉ, means of INSPÉ, trainers, criteria.
    centrality_sd
        Of the logarithm by which a trainer stretches the thresholds: above 0 the trainer keeps to the middle levels.
    halo_sd
        Of the student × trainer effect, in logits: all the scores that a trainer gives a student move together.
    disordered
        One criterion has a threshold below the one before it.
    dif
        Logits by which one criterion is harder for the second mention.
    drift
        Logits by which two criteria become harder and easier from the first session to the last.
    low_agreement
        Standard deviation in logits of the trainers' own views of one criterion.
    taste_sd
        The same for every criterion (trainer × criterion).
    missing
        Share of the ratings lost at random.
    pix_error_sd
        Error of the automated part, in logits, around the same ability.
    global_level
        Each trainer also gives the file an overall level, on a criterion with the role "global" that the framework then
        gains; where the framework has one, such levels are drawn anyway.
    global_error_sd
        Error of the overall level, in logits, around the student as the trainer sees him.

    Raises
    ------
    ValueError
        When the numbers cannot be met (fewer trainers in an INSPÉ than a file needs, a share outside 0–1, …).

    Notes
    -----
    Same seed, same data. Jury and INSPÉ levels follow the framework's rule.
    """
    chosen = framework if isinstance(framework, Framework) else load_framework(framework)
    chosen = with_global_level(chosen) if global_level else chosen
    trainers = trainers if trainers is not None else max(3 * inspe, trainers_per_student * inspe, students // 33)
    settings = {name: value for name, value in locals().items() if name not in ("framework", "chosen")}
    settings = {name: 0 if value is None else value for name, value in settings.items()}
    _check(settings)
    rng = np.random.default_rng(seed)
    who = design(rng, students, inspe, trainers, trainers_per_student, settings["links"])
    session, mention = drawn_groups(rng, chosen, students, sessions)
    true, truth = _parameters(rng, chosen, who, session, mention, settings)
    scores = drawn_scores(rng, who, true)
    truth["global_cuts"] = global_cuts(chosen)
    overall = overall_levels(rng.spawn(1)[0], chosen, who, true, settings["global_error_sd"])
    labels = session_names(chosen, sessions)
    cohort = Cohort(
        student_names(students), [labels[code] for code in session], mention, trainer_names(trainers),
        list(inspe_names(inspe)),
    )  # fmt: skip
    ratings = drawn_ratings(rng, chosen, who, scores, cohort, settings["missing"], overall)
    table = drawn_students(rng, ratings, who, true.ability, cohort, settings["pix_error_sd"])
    return Simulation(ratings, table, {"settings": settings | {"framework": chosen.version}, **truth})


def _check(s: dict[str, Any]) -> None:
    wrong = [f"{name} must be at least 1" for name in ("students", "inspe", "sessions", "trainers") if s[name] < 1]
    wrong += [f"{name} must lie between 0 and 1" for name in ("links", "missing") if not 0 <= s[name] < 1]
    wrong += [f"{name} must be a number from 0" for name in s if name.endswith("_sd") and not 0 <= s[name] < np.inf]
    if s["inspe"] > s["students"]:
        wrong.append("there are more INSPÉ than students")
    if not 1 <= s["trainers_per_student"] <= s["trainers"] // max(1, s["inspe"]):
        wrong.append("an INSPÉ needs at least as many trainers as rate one file")
    if wrong:
        raise ValueError("; ".join(wrong))


def drawn_groups(
    rng: np.random.Generator, framework: Framework, n: int, sessions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Session (student,) and mention (student,), as indices."""
    session = rng.permutation(np.arange(n) % sessions)
    known = max(1, min(len(framework.mentions), len(_MENTION_SHARES)))
    shares = np.array(_MENTION_SHARES[:known])
    return session, rng.choice(known, n, p=shares / shares.sum())


def session_names(framework: Framework, n: int) -> list[str]:
    """Labels of ``n`` sessions from the year of the framework on."""
    found = re.match(r"(\d{4})", framework.version)
    year = int(found.group(1)) if found else 2022
    return [f"{year + index}-{year + index + 1}" for index in range(n)]


def _parameters(
    rng: np.random.Generator,
    framework: Framework,
    who: Design,
    session: np.ndarray,
    mention: np.ndarray,
    s: dict[str, Any],
) -> tuple[Parameters, dict[str, Any]]:
    criteria = [criterion.key for criterion in framework.scored]
    n_criteria, n_trainers, seats = len(criteria), len(who.trainer_home), who.panel.shape[1]
    means = centred(rng, s["inspe_ability_sd"], s["inspe"])
    ability = means[who.home] + s["ability_sd"] * rng.standard_normal(len(who.home))
    severity = centred(rng, s["severity_sd"], n_trainers)
    centrality = np.exp(s["centrality_sd"] * rng.standard_normal(n_trainers))
    halo = s["halo_sd"] * rng.standard_normal((len(who.home), seats))
    thresholds = drawn_thresholds(rng, framework)
    difficulty = centred(rng, s["difficulty_sd"], n_criteria)
    # Without it nothing is drawn, so that the numbers of a seed stay what they were.
    taste = centred(rng, s["taste_sd"], n_trainers, n_criteria) if s["taste_sd"] else np.zeros((n_trainers, n_criteria))
    spots = _spots(n_criteria)
    planted: dict[str, Any] = {}
    views: dict[str, float] = {}
    if s["disordered"] and framework.n_levels(criteria[spots["disordered"]]) == len(_SWAPPED) + 1:
        thresholds[spots["disordered"], : len(_SWAPPED)] = _SWAPPED
        planted["disordered"] = criteria[spots["disordered"]]
    if s["low_agreement"]:
        taste[:, spots["low_agreement"]] = centred(rng, s["low_agreement"], n_trainers)
        planted["low_agreement"] = criteria[spots["low_agreement"]]
        views = dict(zip(trainer_names(n_trainers), taste[:, spots["low_agreement"]].tolist(), strict=True))
    n_mentions = int(mention.max()) + 1
    by_group = np.tile(difficulty, (s["sessions"] * n_mentions, 1))
    if s["dif"] and n_mentions > 1:
        by_group[1::n_mentions, spots["dif"]] += s["dif"]
        second = framework.mentions[1].key
        planted["dif"] = {"criterion": criteria[spots["dif"]], "mention": second, "logits": s["dif"]}
    if s["drift"] and s["sessions"] > 1 and n_criteria > 1:
        share = np.repeat(np.arange(s["sessions"]) / (s["sessions"] - 1), n_mentions)
        up, down = spots["drift_up"], spots["drift_down"]
        by_group[:, up] += s["drift"] * share
        by_group[:, down] -= s["drift"] * share
        planted["drift"] = {criteria[up]: s["drift"], criteria[down]: -s["drift"]}
    true = Parameters(ability, by_group, session * n_mentions + mention, severity, centrality, halo, taste, thresholds)
    names, students = trainer_names(n_trainers), student_names(len(ability))
    truth = {
        "ability": dict(zip(students, ability.tolist(), strict=True)),
        "severity": dict(zip(names, severity.tolist(), strict=True)),
        "centrality": dict(zip(names, centrality.tolist(), strict=True)),
        "trainer_inspe": dict(zip(names, inspe_names(s["inspe"])[who.trainer_home].tolist(), strict=True)),
        "inspe_ability": dict(zip(inspe_names(s["inspe"]).tolist(), means.tolist(), strict=True)),
        "difficulty": dict(zip(criteria, difficulty.tolist(), strict=True)),
        "thresholds": {
            key: thresholds[index, : framework.n_levels(key) - 1].tolist() for index, key in enumerate(criteria)
        },
        "linked_students": [students[index] for index in np.flatnonzero(who.linked)],
        "planted": planted,
        "views": views,
    }
    return true, truth


def drawn_thresholds(rng: np.random.Generator, framework: Framework) -> np.ndarray:
    """Thresholds (criterion, step) of sum zero, each criterion its own around common ones."""
    sizes = [framework.n_levels(criterion.key) - 1 for criterion in framework.scored]
    table = np.full((len(sizes), max(sizes)), np.inf)
    for index, size in enumerate(sizes):
        common = np.array(_STEPS) if size == len(_STEPS) else np.linspace(-2, 2, size) if size > 1 else np.zeros(1)
        own = common[:size] + 0.15 * rng.standard_normal(size)
        table[index, :size] = np.sort(own) - own.mean()
    return table


def _spots(n_criteria: int) -> dict[str, int]:
    """Index of the criterion that carries each planted defect; few criteria carry several."""
    spots = {name: int(share * n_criteria) for name, share in _PLANTED.items()}
    if spots["drift_up"] == spots["drift_down"]:
        spots |= {"drift_up": 0, "drift_down": n_criteria - 1}
    return spots


def inspe_names(n: int) -> np.ndarray:
    """Identifiers of the INSPÉ."""
    return np.array([f"INSPE-{index + 1:02d}" for index in range(n)], dtype=object)


def trainer_names(n: int) -> list[str]:
    """Identifiers of the trainers."""
    return [f"F{index + 1:04d}" for index in range(n)]


def student_names(n: int) -> list[str]:
    """Identifiers of the students."""
    return [f"E{index + 1:06d}" for index in range(n)]


def drawn_ratings(
    rng: np.random.Generator,
    framework: Framework,
    who: Design,
    scores: np.ndarray,
    cohort: Cohort,
    missing: float,
    overall: np.ndarray | None = None,
) -> Ratings:
    """Ratings from levels (student, seat, criterion), a share of them lost; ``overall`` ones likewise, none lost."""
    kept = rng.random(scores.size) >= missing
    scored = [entry.key for entry in framework.scored]
    tables = [_rows(framework, who, scores, kept, scored, cohort)]
    if overall is not None and overall.size:
        tables.append(_rows(framework, who, overall, np.ones(overall.size, dtype=bool), global_keys(framework), cohort))
    table = pd.concat(tables) if len(tables) > 1 else tables[0]
    return Ratings.trusted(prepare(table, framework), framework, simulated=True)


def _rows(
    framework: Framework, who: Design, scores: np.ndarray, kept: np.ndarray, keys: list[str], cohort: Cohort
) -> pd.DataFrame:
    """One row for each of the ``scores`` (student, seat, criterion) that are ``kept`` (student × seat × criterion,)."""
    student, seat, criterion = (index.ravel()[kept] for index in np.indices(scores.shape))
    trainer = who.panel[student, seat]
    width = max(framework.n_levels(key) for key in keys)
    values = np.zeros((len(keys), width))
    for index, key in enumerate(keys):
        values[index, : framework.n_levels(key)] = framework.level_scores(key)
    mentions = [entry.key for entry in framework.mentions]
    labels = sorted(set(cohort.session))
    session = np.array([labels.index(name) for name in cohort.session])
    return pd.DataFrame(
        {
            "student": _named(student, cohort.students),
            "trainer": _named(trainer, cohort.trainers),
            "inspe": _named(who.home[student], cohort.inspe),
            "trainer_inspe": _named(who.trainer_home[trainer], cohort.inspe),
            "mention": _named(cohort.mention[student], mentions) if mentions else np.nan,
            "session": _named(session[student], labels),
            "occasion": np.nan,
            "criterion": _named(criterion, keys),
            "score": values[criterion, scores.ravel()[kept]],
        }
    )


def _named(codes: np.ndarray, names: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(names), dtype=object))


def drawn_students(
    rng: np.random.Generator, ratings: Ratings, who: Design, ability: np.ndarray, cohort: Cohort, pix_error_sd: float
) -> Students:
    """The results of both parts of the certificate."""
    framework, n = ratings.framework, len(ability)
    ladder = list(framework.pix_levels) or [level.key for level in framework.levels[:3]]
    sat = ability + pix_error_sd * rng.standard_normal(n)
    reached = np.minimum(np.searchsorted(_PIX_CUTS, sat), len(ladder) - 1)
    absent, waiting = rng.random(n) < _NO_PIX, rng.random(n) < _WAITING
    pix = np.array(ladder, dtype=object)[reached]
    pix[absent] = None
    table = pd.DataFrame(
        {
            "student": cohort.students,
            "inspe": np.array(cohort.inspe, dtype=object)[who.home],
            "mention": [framework.mentions[code].key for code in cohort.mention] if framework.mentions else np.nan,
            "session": cohort.session,
        }
    )
    levels = inspe_levels(ratings).set_index("student")["inspe_level"].astype(object)
    given = table["student"].map(levels).where(~waiting)
    table["inspe_level"] = given
    refused = (given == "not_reached").to_numpy()
    table["jury"] = np.select([given.isna().to_numpy(), refused], ["waiting", "refused"], "level")
    if framework.rules.combination == "gate":
        gate = np.where(reached > 0, "admissible", "not_admissible").astype(object)
        gate[absent] = None
        table["pix_gate"] = gate
    else:
        table["pix_level"] = pix
    table["pix_score"] = _core_scores(rng.spawn(1)[0], ability)
    return Students.trusted(prepare_students(table, framework), framework, simulated=True)


def _core_scores(rng: np.random.Generator, ability: np.ndarray) -> np.ndarray:
    """Core certification: a score (student,) that goes with the ability, missing where it was refused."""
    score = np.clip(np.round(430 + 60 * ability + 110 * rng.standard_normal(len(ability))), 1, 1000)
    return np.where(rng.random(len(ability)) < _NO_CORE, np.nan, score)
