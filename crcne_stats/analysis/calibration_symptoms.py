"""Signs of a criterion that need a model of its version: thresholds out of order, ratings that nobody could expect."""

from __future__ import annotations

import numpy as np

from crcne_stats.analysis.priorities_model import Judged, judged
from crcne_stats.analysis.severity_design import design
from crcne_stats.core.rasch.design import tally
from crcne_stats.core.rasch.mml import Inestimable
from crcne_stats.domain.ratings import Ratings

Measured = dict[tuple[str, str], tuple[float, float, int]]
"""Value, standard error and number of students by criterion and sign."""


def model_signs(ratings: Ratings, keys: list[str]) -> Measured:
    """``narrowest`` and ``misfit`` of these criteria; nothing where the version alone cannot be fitted.

    ``narrowest`` is the smallest distance in logits from one threshold to the next: under 0 the level between them is
    never the likeliest. Its error is that of this distance, from whole students. ``misfit`` is the infit mean square
    (Wright & Masters 1982, Rating Scale Analysis, ch. 5), its error from the students' sums, the model as given.
    """
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            found = judged(design(ratings, ("mention", "session")))
            return _narrowest(found, keys) | _misfit(found, keys)
    except (Inestimable, FloatingPointError, np.linalg.LinAlgError):
        return {}


def _narrowest(found: Judged, keys: list[str]) -> Measured:
    error = np.sqrt((found.influence**2).sum(axis=0))
    answer: Measured = {}
    for place, row in enumerate(found.rows):
        key = found.asked.names["criterion"][row["criterion"]]
        if row["symptom"] != "levels" or row["reason"] or key not in keys:
            continue
        own = float(found.value[place]), float(error[place]), int(row["n_students"])
        if (key, "narrowest") not in answer or own[0] < answer[key, "narrowest"][0]:
            answer[key, "narrowest"] = own
    return answer


def _misfit(found: Judged, keys: list[str]) -> Measured:
    names, n_students = found.asked.names["criterion"], found.asked.data.n_students
    code = found.found.student * len(names) + found.found.codes("criterion")
    squared, variance, number = (
        tally(code, values, n_students * len(names)).reshape(-1, len(names))
        for values in (found.residuals.squared, found.residuals.variance, np.ones(len(code)))
    )
    answer: Measured = {}
    for place, key in enumerate(names):
        total = float(variance[:, place].sum())
        if key in keys and total > 0:
            infit = float(squared[:, place].sum()) / total
            error = float(np.sqrt(((squared[:, place] - infit * variance[:, place]) ** 2).sum())) / total
            answer[key, "misfit"] = infit, error, int((number[:, place] > 0).sum())
    return answer
