"""What the trainers' disagreement alone does to the agreement of the rubric with PIX+Édu."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_agreement import on_z
from crcne_stats.analysis.concordance_cells import Compared
from crcne_stats.analysis.levels import file_cells, last_files, levels_from_cells
from crcne_stats.core.pairs import cohen
from crcne_stats.core.polychoric import Polychoric, polychoric
from crcne_stats.core.unreliability import disattenuated, expected_table, lengthened
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

NAN = float("nan")
_NUMBERS = ("value", "corrected", "corrected_low", "corrected_high", "at_most", "at_most_low", "at_most_high",
            "reliability", "reliability_low", "reliability_high")  # fmt: skip
_Z = float(stats.norm.ppf(0.975))


def trainer_error(
    ratings: Ratings, both: Compared, normal: Polychoric, n_trainers: np.ndarray, weights: str, severity: Result | None
) -> pd.DataFrame:
    """Agreement as it is, without the error of the trainers, and at most.

    ``n_trainers`` (row,) of each student compared, 0 where there is no rating.
    """
    table, n_double = two_sheets(ratings)
    single = polychoric(table) if n_double > 1 else None
    rows = []
    for origin in ("two_trainers", "severity"):
        if origin == "two_trainers":
            rel, why = _from_sheets(single, n_trainers)
        else:
            rel, why = _from_severity(severity)
        why = why or normal.reason or ("" if rel[0] > 0 else "no_reliability")
        for name in ("polychoric", "percent", "cohen"):
            row: dict[str, Any] = {"reliability_from": origin, "coefficient": name}
            row["weights"] = {"percent": "identity", "cohen": weights}.get(name, "")
            numbers = dict.fromkeys(_NUMBERS, NAN) if why else _numbers(name, both, normal, rel, weights)
            open_end = "" if np.isfinite([*numbers.values()]).all() else "reliability_without_error"
            rows.append(
                row | numbers | {"n_students": both.n_students, "n_double": n_double, "reason": why or open_end}
            )
    return pd.DataFrame(rows)


Reliability = tuple[float, float, float, float]
"""Value, error and bounds."""


def two_sheets(ratings: Ratings) -> tuple[np.ndarray, int]:
    """Levels that single trainers give by the framework's rule to the same file, crossed (level, level) both ways.

    Every file rated twice or more weighs one, spread over its pairs of trainers; also the number of such files.
    """
    framework, size = ratings.framework, len(ratings.framework.levels)
    if not len(ratings.scored):
        return np.zeros((size, size)), 0
    frame, unit = last_files(ratings)
    trainer, names = ratings.codes("trainer", frame)
    key, sheet = np.unique(unit * len(names) + trainer, return_inverse=True)
    cells = file_cells(ratings, frame, sheet.reshape(-1), framework.rules.trainers)
    level, file = levels_from_cells(framework, cells, framework.rules), key // len(names)
    level, file = level[level >= 0], file[level >= 0]
    number = np.bincount(file)
    first = np.cumsum(number) - number
    table = np.zeros((size, size))
    for apart in range(1, int(number.max(initial=0))):
        start = np.flatnonzero(np.arange(len(file)) + apart < (first + number)[file])
        weight = 2.0 / (number[file[start]] * (number[file[start]] - 1))
        np.add.at(table, (level[start], level[start + apart]), weight)
    return (table + table.T) / 2, int((number > 1).sum())


def _from_sheets(single: Polychoric | None, n_trainers: np.ndarray) -> tuple[Reliability, str]:
    """Reliability of the level of the trainers met, from the correlation of two single ones (Spearman and Brown)."""
    nothing = (NAN, NAN, NAN, NAN)
    if single is None:
        return nothing, "no_double_rating"
    if single.reason:
        return nothing, single.reason
    k = n_trainers[n_trainers > 0]
    if not len(k):
        return nothing, "no_ratings"

    def mean(r: float) -> float:
        return float(lengthened(r, k).mean())

    low, high = on_z(single.rho, single.se)
    se = single.se * float((k / (1 + (k - 1) * single.rho) ** 2).mean())
    return (mean(single.rho), se, mean(max(low, 0.0)), mean(max(high, 0.0))), ""


def _from_severity(severity: Result | None) -> tuple[Reliability, str]:
    """Reliability of the abilities of the many-facet model, which knows who met whom."""
    nothing = (NAN, NAN, NAN, NAN)
    table = severity.tables.get("model") if severity is not None else None
    if table is None:
        return nothing, "no_severity"
    own = table[table["chosen"].astype(bool)]["eap_reliability"].astype(float)
    if not len(own) or not np.isfinite(own.iloc[0]):
        return nothing, "no_severity"
    return (float(own.iloc[0]), 0.0, NAN, NAN), ""


def _numbers(name: str, both: Compared, normal: Polychoric, rel: Reliability, weights: str) -> dict[str, float]:
    reliability, error, low, high = rel
    without = disattenuated(normal.rho, normal.se, reliability, error)
    corrected, most = [without.value, without.low, without.high], [np.sqrt(r) for r in (reliability, low, high)]
    given = normal.rho
    if name != "polychoric":
        told = _Agreement(name, both, weights)
        given = told.observed
        corrected = [told(min(rho, 1.0)) for rho in corrected]
        most = [told(rho) for rho in most]
    values = (given, *corrected, *most, reliability, low, high)
    return dict(zip(_NUMBERS, map(float, values), strict=True))


class _Agreement:
    """Agreement of two levels with the margins found, under a latent correlation."""

    def __init__(self, name: str, both: Compared, weights: str) -> None:
        q = len(both.scores)
        self.first, self.second = np.bincount(both.inspe, minlength=q), np.bincount(both.pix, minlength=q)
        self.weights = weight_matrix("identity" if name == "percent" else weights, both.scores)
        self.part = 1 if name == "percent" else 0
        found = np.zeros((q, q))
        np.add.at(found, (both.inspe, both.pix), 1)
        self.observed = float(cohen(found, self.weights)[self.part])

    def __call__(self, rho: float) -> float:
        if np.isnan(rho):
            return NAN
        return float(cohen(expected_table(rho, self.first, self.second), self.weights)[self.part])
