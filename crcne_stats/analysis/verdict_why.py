"""Why methods do not concur: which property of the data, or of the question that each asks, parts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.analysis.verdict_answers import METHODS
from crcne_stats.domain.ratings import Ratings

THIN = 50
"""Fewer students rated twice than this, and an interval is often too wide to settle anything."""
THIN_TRAINER = 30
PREVALENT = 0.6
"""Where one level takes that share of the ratings, chance agreement is high and kappas are low (prevalence)."""
NARROW = 0.5
"""A variance of students below that share of the median criterion's is a restricted range."""
SEVERE = 0.1
"""Share of the variance from trainers' means from which severity weighs on agreement."""


@dataclass(frozen=True)
class Facts:
    """What a criterion's ratings look like: ``most`` the share of its most given level, ``range`` the variance of
    students relative to the median criterion, ``trainers`` the share of variance from trainers' means."""

    most: float
    range: float
    trainers: float
    n_double: float


def facts(
    ratings: Ratings, keys: list[str], found: Mapping[str, Fitted], n_double: Mapping[str, float]
) -> dict[str, Facts]:
    """The facts of each criterion."""
    frame = ratings.scored
    universe, trainers = {}, {}
    for key, fit in found.items():
        value = np.maximum(fit.value, 0)
        names = [facets - {"rating"} for facets in fit.facets]
        universe[key] = float(value[[name == frozenset({"student"}) for name in names]].sum())
        trainers[key] = float(value[[name == frozenset({"trainer"}) for name in names]].sum() / max(value.sum(), 1e-12))
    middle = float(np.median(list(universe.values()))) if universe else float("nan")
    answer = {}
    for key in keys:
        own = frame.loc[frame["criterion"] == key, "score"]
        most = float(own.value_counts(normalize=True).max()) if len(own) else float("nan")
        relative = universe.get(key, float("nan")) / middle if middle else float("nan")
        answer[key] = Facts(most, relative, trainers.get(key, float("nan")), n_double.get(key, float("nan")))
    return answer


def concurrence(answers: list[str]) -> str:
    """How the answers stand to one another."""
    given = [answer for answer in answers if answer]
    if len(given) < 2:
        return "alone"
    if set(given) == {"unsure"}:
        return "none_settles"
    firm = {answer for answer in given if answer != "unsure"}
    if len(firm) == 2:
        return "oppose"
    return "concur" if "unsure" not in given else "partly"


def why_criterion(answers: Mapping[str, str], about: Facts) -> str:
    """What parts the methods on a criterion, empty where nothing does."""
    if concurrence(list(answers.values())) in ("concur", "alone"):
        return ""
    if about.n_double < THIN:
        return "thin_data"
    agreement, variance, model = (answers[name] for name in METHODS)
    if agreement == "no" and "yes" in (variance, model):
        if about.most >= PREVALENT:
            return "prevalence"
        if about.range < NARROW:
            return "restricted_range"
        if about.trainers >= SEVERE and model == "yes":
            return "severity"
        return "one_rating" if variance != "no" else "fit_is_not_precision"
    if model == "no" and "yes" in (agreement, variance):
        return "other_sense"
    if variance == "no" and model == "yes":
        return "restricted_range" if about.range < NARROW else "fit_is_not_precision"
    return "near_the_bound"


def why_trainer(answers: Mapping[str, str], n_students: float) -> str:
    """What parts the methods on a trainer, empty where nothing does."""
    if concurrence(list(answers.values())) in ("concur", "alone"):
        return ""
    agreement, variance, model = (answers[name] for name in METHODS)
    if "yes" not in answers.values() or n_students < THIN_TRAINER:
        return "thin_data"
    if agreement == "yes" and model != "yes":
        return "close_colleagues"
    if model == "yes" and agreement != "yes":
        return "indirect_links"
    return "diluted" if variance != "yes" else "own_order"


def overall(answers: Mapping[str, str], good: str) -> str:
    """The verdict in one word, ``good`` being the answer that speaks for the subject."""
    given = [answer for answer in answers.values() if answer]
    bad = "no" if good == "yes" else "yes"
    if not given:
        return "undecided"
    if given.count(bad) >= 2:
        return "against"
    if given.count(bad) == 1:
        return "with_care"
    if given.count(good) >= 2 or (len(given) == 1 and given[0] == good):
        return "for"
    return "undecided"


def joined(rows: list[dict[str, Any]], subject: str, n_students: Mapping[str, float]) -> pd.DataFrame:
    """A row for each subject with the answer of each method side by side."""
    table = pd.DataFrame(rows)
    wide = []
    for name in dict.fromkeys(table[subject]):
        mine = table[table[subject] == name].set_index("judge")["answer"]
        wide.append({subject: name, **{f"by_{method}": str(mine.get(method, "")) for method in METHODS},
                     "n_students": n_students.get(name, float("nan"))})  # fmt: skip
    return pd.DataFrame(wide)
