"""Is one criterion better agreed on than another, one group than another, one meeting than the one before?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import Array, Group
from crcne_stats.analysis.agreement_groups import groups as group_counts
from crcne_stats.analysis.agreement_rows import reservation
from crcne_stats.core.compare import (
    Difference,
    Omnibus,
    adjusted,
    all_differences,
    difference,
    homogeneity,
    hotelling,
    independent_difference,
)
from crcne_stats.core.influence import influence, standard_errors
from crcne_stats.core.intervals import t_interval
from crcne_stats.domain.ratings import Ratings

NAN = float("nan")
COMPARED = ("inspe", "trainer_inspe", "mention", "session", "occasion")
"""Columns whose values can be compared."""


class Measured:
    """One coefficient on several counts of the same students: values (counts,), influences (student, counts)."""

    def __init__(self, found: Sequence[Group], coefficient: str, n_students: int) -> None:
        self.groups = list(found)
        pairs = [_measured(group, coefficient, n_students) for group in self.groups]
        self.values = np.array([value for value, _ in pairs])
        self.pull = np.stack([pull for _, pull in pairs], axis=1) if pairs else np.zeros((n_students, 0))
        self.reasons = [_reason(group, value, coefficient) for group, value in zip(self.groups, self.values)]

    @cached_property
    def usable(self) -> Array:
        """(counts,) whether there is a value with an error."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    @cached_property
    def overlap(self) -> bool:
        """Whether a student counts in two of the counts."""
        return bool(((~np.isnan(self.pull[:, self.usable])).sum(axis=1) > 1).any())


def _measured(group: Group, coefficient: str, n_students: int) -> tuple[float, Array]:
    if group.reason or group.data(coefficient) is None:
        return NAN, np.full(n_students, np.nan)
    return influence(group.counts, coefficient, group.weights, n_students)


def _reason(group: Group, value: float, coefficient: str) -> str:
    """Why a coefficient cannot be compared; empty where it can."""
    if group.reason:
        return group.reason
    return "not_two_trainers" if group.data(coefficient) is None else reservation(group.counts, coefficient, value)


def interval(value: Any, se: Any, df: Any, level: float) -> tuple[Array, Array]:
    """t intervals on Fisher's z scale, on the plain one where that ends."""
    low, high = t_interval(value, se, df, level, "fisher")
    plain = t_interval(value, se, df, level)
    ends = ~(np.isfinite(low) & np.isfinite(high))
    return np.where(ends, plain[0], low), np.minimum(1.0, np.where(ends, plain[1], high))


def differences(
    found: Sequence[Group], coefficient: str, settings: dict[str, Any], n_students: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every two criteria compared, the clearest differences first, and the test that all are equal.

    The same students stand behind both criteria: Gwet's linearised paired test (2016, doi:10.1177/0013164415596420)
    and Hotelling's T² (Vanbelle & Albert 2008, doi:10.1080/00949650701410249).
    """
    about = {"coefficient": coefficient, "weights": settings["weights"]}
    names = [str(group.labels["criterion"]) for group in found]
    if len(names) < 2:
        row = {"criterion_a": names[0], "criterion_b": None, **about, **_gap(None), "n_students": 0}
        alone = _omnibus(None, "equal_criteria", about, 0, "one_criterion")
        return _finished([{**row, "reason": "one_criterion"}], settings), alone
    measured = Measured(found, coefficient, n_students)
    double = [group.counts.n_students_pairable for group in found]
    rows = []
    for (a, b), gap in zip(*all_differences(measured.values, measured.pull, settings["level"]), strict=True):
        reason = measured.reasons[a] or measured.reasons[b] or ("no_difference" if gap.se == 0 else "")
        told = None if reason else gap
        rows.append(
            {"criterion_a": names[a], "criterion_b": names[b], **about, **_gap(told),
             "n_students": min(double[a], double[b]), "reason": reason}
        )  # fmt: skip
    usable = measured.usable
    test = hotelling(np.where(usable, measured.values, np.nan), np.where(usable, measured.pull, np.nan))
    table = _finished(rows, settings).sort_values("p", kind="stable", ignore_index=True)
    return table, _omnibus(test, "equal_criteria", about, min(double), "too_few")


def _gap(found: Difference | None) -> dict[str, Any]:
    if found is None:
        return {"contrast": NAN, "se": NAN, "low": NAN, "high": NAN, "p": NAN, "method": "paired"}
    return {"contrast": found.value, "se": found.se, "low": found.low, "high": found.high, "p": found.p,
            "method": "paired"}  # fmt: skip


def _finished(rows: list[dict[str, Any]], settings: dict[str, Any]) -> pd.DataFrame:
    """The rows as a table, p values adjusted for how many were asked."""
    table = pd.DataFrame(rows)
    at = int(table.columns.get_loc("p")) + 1
    table.insert(at, "p_adjusted", adjusted(table["p"].to_numpy(dtype=float), settings["adjustment"]))
    table["reason"] = table.pop("reason").astype(object)
    return table


def _omnibus(
    test: Omnibus | None, hypothesis: str, about: dict[str, Any], n: int, reason: str, method: str = "hotelling"
) -> pd.DataFrame:
    """One row of the table of tests that all are equal."""
    exists = test is not None and not np.isnan(test.p)
    row = {"criterion": None, "hypothesis": hypothesis, **about, "statistic": NAN, "df": NAN, "df2": NAN, "p": NAN}
    if test is not None and exists:
        row |= {"statistic": test.statistic, "df": test.df, "df2": test.df2 if np.isfinite(test.df2) else NAN,
                "p": test.p}  # fmt: skip
    row |= {"p_adjusted": row["p"], "n_students": n, "method": method, "reason": "" if exists else reason}
    return pd.DataFrame([row]).astype({"criterion": object, "reason": object})


def compared_groups(
    ratings: Ratings, chosen: list[str], group: str, coefficient: str, weights: Any, settings: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each value of ``group`` beside the others, criterion by criterion, and the tests that all values are equal.

    Groups without a common student: inverse variances, χ² (Fleiss, Levin & Paik 2003, § 18.1). Students found in
    several groups, as before and after a meeting: their covariance enters, Hotelling's T². The trainers are taken as
    given: some who rate in two groups tie these together by no more than their severity.
    """
    about = {"coefficient": coefficient, "weights": settings["weights"]}
    if not ratings.known(group):
        row = {"criterion": None, group: None, **about, **_empty(), "n_students": 0, "n_double": 0, "n_ratings": 0,
               "method": "linearised", "reason": "column_unknown"}  # fmt: skip
        return _finished([row], settings), _omnibus(None, "equal_groups", about, 0, "column_unknown")
    n_students = len(ratings.codes("student")[1])
    found = group_counts(ratings, chosen, group, weights)
    rows: list[dict[str, Any]] = []
    tests = []
    for key in chosen:
        measured = Measured([g for g in found if g.labels["criterion"] == key], coefficient, n_students)
        rows += _group_rows(measured, group, about, settings["level"])
        tests.append(_group_test(measured, about).assign(criterion=key))
    omnibus = pd.concat(tests, ignore_index=True)
    omnibus["p_adjusted"] = adjusted(omnibus["p"].to_numpy(dtype=float), settings["adjustment"])
    return _finished(rows, settings), omnibus


def _empty() -> dict[str, float]:
    names = ("value", "se", "low", "high", "contrast", "contrast_low", "contrast_high", "p")
    return dict.fromkeys(names, NAN)


def _group_rows(measured: Measured, group: str, about: dict[str, Any], level: float) -> list[dict[str, Any]]:
    se = standard_errors(measured.pull)
    students = (~np.isnan(measured.pull)).sum(axis=0)
    low, high = interval(measured.values, se, np.maximum(students - 1, 1), level)
    rows = []
    for place, one in enumerate(measured.groups):
        data, reason = one.counts, measured.reasons[place]
        row = {**one.labels, **about, **_empty()}
        row["value"] = float(measured.values[place])
        gap = None
        if not reason:
            row |= {"se": float(se[place]), "low": float(low[place]), "high": float(high[place])}
            gap = _against_the_rest(measured, place, se, students, level)
            reason = "" if gap is not None else "nothing_to_compare"
        if gap is not None:
            row |= {"contrast": gap.value, "contrast_low": gap.low, "contrast_high": gap.high, "p": gap.p}
            reason = "no_difference" if np.isnan(gap.low) else ""
        row |= {"n_students": data.n_students, "n_double": data.n_students_pairable, "n_ratings": data.n_ratings,
                "method": "linearised", "reason": reason}  # fmt: skip
        rows.append(row)
    return rows


def _against_the_rest(measured: Measured, place: int, se: Array, students: Array, level: float) -> Difference | None:
    """One group less all the others together; None where there is no other."""
    rest = measured.usable & (np.arange(len(se)) != place)
    if not rest.any():
        return None
    value = float(measured.values[place])
    if measured.overlap:
        others = measured.pull[:, rest]
        absent = np.isnan(others).all(axis=1)
        mean = np.where(absent, np.nan, np.nansum(others, axis=1) / int(rest.sum()))
        pull = np.stack([measured.pull[:, place], mean], axis=1)
        return difference(value, float(measured.values[rest].mean()), pull, level)
    weight = 1 / se[rest] ** 2
    pooled = float((weight * measured.values[rest]).sum() / weight.sum())
    error = float(weight.sum() ** -0.5)
    return independent_difference(
        value, pooled, (float(se[place]), error), (int(students[place]), int(students[rest].sum())), level
    )


def _group_test(measured: Measured, about: dict[str, Any]) -> pd.DataFrame:
    usable = measured.usable
    n = min((g.counts.n_students_pairable for g, kept in zip(measured.groups, usable) if kept), default=0)
    values = np.where(usable, measured.values, np.nan)
    if measured.overlap:
        test = hotelling(values, np.where(usable, measured.pull, np.nan))
        return _omnibus(test, "equal_groups", about, n, "nothing_to_compare")
    found = homogeneity(values, standard_errors(measured.pull))
    test = Omnibus(found.statistic, float(found.df), np.inf, found.p, n)
    return _omnibus(test, "equal_groups", about, n, "nothing_to_compare", "homogeneity")
