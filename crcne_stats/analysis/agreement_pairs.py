"""Trainers two by two, over all the criteria asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import MOST_PAIRS
from crcne_stats.analysis.agreement_groups import groups as group_counts
from crcne_stats.analysis.agreement_rows import ENOUGH
from crcne_stats.core import pairs as pairwise
from crcne_stats.core.intervals import t_interval
from crcne_stats.domain.ratings import Ratings


def pair_table(ratings: Ratings, chosen: list[str], weights: Any, settings: dict[str, Any]) -> pd.DataFrame:
    """Cohen's kappa of each two trainers over all the criteria asked, with the direction of their differences."""
    pooled = group_counts(ratings, chosen, None, weights)[0]
    names = np.asarray(ratings.codes("trainer")[1], dtype=object)
    present = np.unique(ratings.codes("trainer", ratings.frame[ratings.frame["criterion"].isin(chosen)])[0])
    met = pairwise.most_shared(pairwise.pairs(pooled.counts), MOST_PAIRS)
    value, students, number = pairwise.cohen(met.tables(), pooled.weights)[0], met.students(), np.bincount(met.pair)
    se = pairwise.cohen_errors(met, pooled.weights)
    equal = np.bincount(met.pair, met.first == met.second) / number
    score = pooled.counts.scores
    gap = np.bincount(met.pair, score[met.first] - score[met.second]) / number
    few = (students < ENOUGH) | (se == 0)
    known = np.where(few, np.nan, se)
    low, high = t_interval(value, known, np.maximum(students - 1, 1), settings["level"])
    reason = np.select(
        [np.isnan(value), students == 1, equal == 1, few], ["one_level", "one_student", "unanimous", "too_few"], ""
    )
    codes = present[met.trainers] if len(met) else np.zeros((0, 2), dtype=int)
    return pd.DataFrame(
        {
            "trainer_a": names[codes[:, 0]], "trainer_b": names[codes[:, 1]], "coefficient": "cohen",
            "weights": settings["weights"], "value": value, "se": known, "low": low,
            "high": np.minimum(1, high), "percent": equal, "difference": gap,
            "n_students": students, "n_ratings": number, "method": "linearised", "reason": reason,
        }
    )  # fmt: skip
