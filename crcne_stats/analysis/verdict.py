"""Do agreement, generalizability and the many-facet model concur, and if not, why?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from crcne_stats.analysis.agreement import agreement as agreement_of
from crcne_stats.analysis.generalizability import generalizability as variance_of
from crcne_stats.analysis.generalizability_data import of_same_ratings
from crcne_stats.analysis.severity import severity as severity_of
from crcne_stats.analysis.verdict_answers import (
    METHODS,
    criteria_by_agreement,
    criteria_by_model,
    criteria_by_variance,
    studies,
    trainers_by_agreement,
    trainers_by_model,
    trainers_by_variance,
)
from crcne_stats.analysis.verdict_notes import verdict_notes
from crcne_stats.analysis.verdict_why import concurrence, facts, joined, overall, why_criterion, why_trainer
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

COEFFICIENT = "krippendorff"


def verdict(
    ratings: Ratings,
    *,
    agreement: Result | None = None,
    generalizability: Result | None = None,
    severity: Result | None = None,
    dependable: float = 0.7,
    margin: float = 0.25,
    resamples: int = 100,
    level: float = 0.95,
    seed: int = 1,
) -> Result:
    """The same two questions put to three methods, and what parts them where they do not concur.

    Parameters
    ----------
    agreement, generalizability, severity
        Results already computed from the same ratings; None computes them.
    dependable
        Φ of the mean of a file's trainers from which a criterion is usable.
    margin
        Levels by which a trainer may differ from colleagues on the same files.
    resamples
        Simulated ratings behind the bounds of Φ.

    Returns
    -------
    Result
        ``tables["criteria"]``: *is this criterion usable?* A row for each, ``by_agreement``, ``by_generalizability``
        and ``by_many_facet`` being "yes", "no", "unsure" or empty without an answer; ``concurrence``; ``why`` they
        part; ``overall``: "for" where two say yes and none no, "with_care" where one says no, "against" where two do,
        else "undecided".

        ``tables["trainers"]``: *is this trainer apart?* The same, "yes" speaking against.

        ``tables["criteria_answers"]``, ``tables["trainers_answers"]``: the number behind each answer, its bounds, and
        what it is held against. Agreement: Krippendorff's α, quadratic, and the benchmark of that analysis; for a
        trainer the mean difference in levels on common files. Generalizability: Φ of a file's mean level on that
        criterion, students × trainers by sums of squares; for a trainer the gain in Φ of the grid without the trainer,
        as a modified z-score among the trainers (3.5). Many-facet: infit, 1.3 and the simulated limits; for a trainer
        severity in logits and the margin of equivalence.

    Raises
    ------
    ValueError
        For numbers outside their range, or results of other ratings.

    Notes
    -----
    The methods do not ask quite the same: α judges a single rating, Φ the mean of a file's trainers, infit whether
    ratings follow ability whatever their precision. Much of what looks like contradiction is that; ``why`` says so.

    References
    ----------
    Feinstein & Cicchetti (1990), doi:10.1016/0895-4356(90)90158-L (prevalence). Brennan (2001), Generalizability
    Theory. Linacre & Wright (1994), Rasch Measurement Transactions 8, 370 (infit). Iglewicz & Hoaglin (1993).
    """
    if not 0 < dependable < 1 or not margin > 0 or resamples < 20 or not 0 < level < 1:
        raise ValueError("dependable and level lie between 0 and 1, margin is above 0, resamples are 20 or more")
    settings: dict[str, Any] = {
        "dependable": dependable, "margin": margin, "resamples": int(resamples), "level": level,
        "coefficient": COEFFICIENT,
    }  # fmt: skip
    inputs = {"ratings": ratings}
    for earlier in (agreement, generalizability, severity):
        of_same_ratings(ratings, earlier)
    if not len(ratings.scored):
        return Result("verdict", settings=settings | {"reason": "no_ratings"}, inputs=inputs)
    model = severity if severity is not None else severity_of(ratings)
    pairs = agreement if agreement is not None else agreement_of(ratings)
    shares = generalizability if generalizability is not None else variance_of(ratings, severity=model)
    found = studies(ratings, ratings.criteria, resamples, seed)
    criteria = _criteria(pairs, model, found, ratings, settings)
    names = list(ratings.scored["trainer"].cat.categories)
    trainers = [
        *trainers_by_agreement(pairs, names, margin, level), *trainers_by_variance(shares, names),
        *trainers_by_model(model, names, level),
    ]  # fmt: skip
    tables = {
        "criteria": _judged(criteria, "criterion", "yes", ratings, found),
        "trainers": _judged(trainers, "trainer", "no", ratings, found),
        "criteria_answers": pd.DataFrame(criteria),
        "trainers_answers": pd.DataFrame(trainers),
    }
    return Result("verdict", tables, verdict_notes(tables), settings, inputs)


def _criteria(
    pairs: Result, model: Result, found: dict[str, Any], ratings: Ratings, settings: dict[str, Any]
) -> list[dict[str, Any]]:
    keys = ratings.criteria
    return [
        *criteria_by_agreement(pairs, keys, COEFFICIENT),
        *criteria_by_variance(found, keys, settings["dependable"], settings["level"]),
        *criteria_by_model(model, keys),
    ]


def _judged(
    rows: list[dict[str, Any]], subject: str, good: str, ratings: Ratings, found: dict[str, Any]
) -> pd.DataFrame:
    """The answers side by side, with what they amount to."""
    frame = ratings.scored
    n = frame.groupby(subject, observed=True)["student"].nunique()
    students = {str(key): float(value) for key, value in n.items()}
    table = joined(rows, subject, students)
    double = {
        row["criterion"]: row["n_students"] for row in rows if subject == "criterion" and row["judge"] == METHODS[0]
    }
    about = facts(ratings, ratings.criteria, found, double) if subject == "criterion" else {}
    told = []
    for row in table.to_dict("records"):
        answers = {method: row[f"by_{method}"] for method in METHODS}
        why = why_criterion(answers, about[row[subject]]) if about else why_trainer(answers, row["n_students"])
        told.append({"concurrence": concurrence(list(answers.values())), "why": why, "overall": overall(answers, good),
                     "reason": "" if any(answers.values()) else "no_answer"})  # fmt: skip
    wide = pd.concat([table, pd.DataFrame(told)], axis=1)
    if subject == "trainer":
        wide = wide.rename(columns={"overall": "apart"})
        wide["apart"] = wide["apart"].map(
            {"for": "no", "against": "yes", "with_care": "one_says", "undecided": "undecided"}
        )
    return wide
