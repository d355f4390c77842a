"""Does the agreement of the two parts differ between INSPÉ, mentions or sessions?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.concordance_agreement import FEW_STUDENTS
from crcne_stats.analysis.concordance_cells import Compared
from crcne_stats.core.association import wilson
from crcne_stats.core.compare import adjusted, homogeneity
from crcne_stats.core.influence import cohen_slopes
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.students import Students

FACETS = ("inspe", "mention", "session")
COMPARED = ("percent", "cohen", "mean_shift")
NAN = float("nan")
_Z = float(stats.norm.ppf(0.975))


def groups(both: Compared, students: Students, rubric: pd.DataFrame, file: np.ndarray, weights: str) -> pd.DataFrame:
    """One row for each value of each facet that has two or more: how its students fare, and against all the others.

    ``contrast`` is κ less that of the others; ``p_adjusted`` (Benjamini & Hochberg) counts every group of the table.
    Groups under :data:`FEW_STUDENTS` students are shown and not tested.
    """
    rows: list[dict[str, Any]] = []
    for facet in FACETS:
        code, names = _codes(students.frame[facet], rubric[facet], file)
        code = code[both.row]
        present = np.unique(code[code >= 0])
        if len(present) > 1:
            rows += _facet(both, facet, np.searchsorted(present, code), code >= 0, names[present], weights)
    columns = ["facet", "member", "n_students", "n_equal", "n_above", "n_below", "percent", "percent_low",
               "percent_high", "value", "se", "low", "high", "difference", "difference_low", "difference_high",
               "contrast", "contrast_low", "contrast_high", "p", "p_adjusted", "reason"]  # fmt: skip
    table = pd.DataFrame(rows).assign(p_adjusted=NAN).reindex(columns=columns) if rows else pd.DataFrame()
    if rows:
        table["p_adjusted"] = adjusted(table["p"], "benjamini_hochberg")
    return table


def _codes(own: pd.Series, rated: pd.Series, file: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Code of each student and the names: what the file of students says, else the ratings."""
    told = own.astype(object)
    if len(rated):
        found = pd.Series(rated.astype(object).to_numpy()[file], index=own.index, dtype=object).where(file >= 0)
        told = told.where(told.notna(), found)
    codes, names = pd.factorize(told, sort=True)
    return codes, np.asarray(names, dtype=object)


def _tables(both: Compared, code: np.ndarray, used: np.ndarray, k: int) -> np.ndarray:
    """Counts (group, INSPÉ level, PIX+Édu level)."""
    q = len(both.scores)
    cell = (code * q + both.inspe) * q + both.pix
    return np.bincount(cell[used], minlength=k * q * q).reshape(k, q, q).astype(float)


def _facet(
    both: Compared, facet: str, code: np.ndarray, used: np.ndarray, names: np.ndarray, weights: str
) -> list[dict[str, Any]]:
    tables, w = _tables(both, code, used, len(names)), weight_matrix(weights, both.scores)
    others = tables.sum(axis=0) - tables
    person = _persons(both, code, used, len(names))
    kappa, error = _kappas(both, tables, code, used, person, w)
    rest, rest_error = _kappas_of_tables(others, w)
    gap, gap_error = _gaps(both, code, used, len(names))
    q = len(both.scores)
    equal, above = np.einsum("gii->g", tables), np.tril(np.ones((q, q)), -1)
    higher = (tables * above).sum(axis=(1, 2))
    total = tables.sum(axis=(1, 2))
    low, high = wilson(equal, total)
    rows = []
    for g, name in enumerate(names):
        few = person[g] < FEW_STUDENTS
        spread = float(np.hypot(error[g], rest_error[g]))
        contrast = float(kappa[g] - rest[g])
        tested = np.isfinite(contrast) and spread > 0 and not few
        reason = "one_level_only" if np.isnan(kappa[g]) else "few_students" if few else "" if tested else "no_bounds"
        reach = _Z * spread if tested else NAN
        rows.append(
            {
                "facet": facet, "member": name, "n_students": int(person[g]), "n_equal": int(equal[g]),
                "n_above": int(higher[g]), "n_below": int(total[g] - equal[g] - higher[g]),
                "percent": equal[g] / total[g], "percent_low": low[g], "percent_high": high[g],
                "value": kappa[g], "se": error[g],
                "low": kappa[g] - _Z * error[g], "high": min(1.0, kappa[g] + _Z * error[g]),
                "difference": gap[g], "difference_low": gap[g] - _Z * gap_error[g],
                "difference_high": gap[g] + _Z * gap_error[g], "contrast": contrast if tested else NAN,
                "contrast_low": contrast - reach, "contrast_high": contrast + reach,
                "p": float(2 * stats.norm.sf(abs(contrast) / spread)) if tested else NAN, "reason": reason,
            }
        )  # fmt: skip
    return rows


def _persons(both: Compared, code: np.ndarray, used: np.ndarray, k: int) -> np.ndarray:
    """Students (group,), each once."""
    pairs = np.unique(code[used] * both.n_students + both.student[used])
    return np.bincount(pairs // both.n_students, minlength=k)


def _kappas(
    both: Compared, tables: np.ndarray, code: np.ndarray, used: np.ndarray, person: np.ndarray, w: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """κ of each group and its linearised error, rows of one student taken together."""
    value, slope = cohen_slopes(tables, w)
    pull = slope[code[used], both.inspe[used], both.pix[used]]
    key, owner = np.unique(code[used] * both.n_students + both.student[used], return_inverse=True)
    sums = np.bincount(owner.reshape(-1), pull, minlength=len(key))
    squares = np.bincount(key // both.n_students, sums**2, minlength=len(tables))
    with np.errstate(divide="ignore", invalid="ignore"):
        return value, np.sqrt(person / (person - 1.0) * squares)


def _kappas_of_tables(tables: np.ndarray, w: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The same for tables of many students."""
    value, slope = cohen_slopes(tables, w)
    return value, np.sqrt((tables * slope**2).sum(axis=(1, 2)))


def _gaps(both: Compared, code: np.ndarray, used: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean INSPÉ level less PIX+Édu level of each group and its error, rows of one student taken together."""
    gap = (both.inspe - both.pix)[used].astype(float)
    n = np.bincount(code[used], minlength=k).astype(float)
    mean = np.bincount(code[used], gap, minlength=k) / n
    key, owner = np.unique(code[used] * both.n_students + both.student[used], return_inverse=True)
    off = np.bincount(owner.reshape(-1), gap - mean[code[used]], minlength=len(key))
    group = key // both.n_students
    person = np.bincount(group, minlength=k)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean, np.sqrt(person / (person - 1.0) * np.bincount(group, off**2, minlength=k)) / n


def group_tests(table: pd.DataFrame, facets: Iterable[str]) -> pd.DataFrame:
    """Is it the same in every group of a facet: share at the same level, κ, and mean difference in levels?

    ``table`` is what :func:`groups` says of students who stand in it once. ``p_adjusted`` (Holm) counts all the tests.
    """
    rows: list[dict[str, Any]] = []
    for facet in facets:
        own = table[(table["facet"] == facet) & (table["n_students"] >= FEW_STUDENTS)] if len(table) else table
        for name in COMPARED:
            statistic, df, p = _tested(own, name)
            rows.append(
                {
                    "facet": facet, "coefficient": name, "statistic": statistic, "df": df, "p": p,
                    "method": "pearson" if name == "percent" else "homogeneity", "n_groups": len(own),
                    "reason": "" if np.isfinite(p) else "one_group",
                }
            )  # fmt: skip
    answer = pd.DataFrame(rows)
    if rows:
        answer.insert(5, "p_adjusted", adjusted(answer["p"], "holm"))
    return answer


def _tested(own: pd.DataFrame, name: str) -> tuple[float, float, float]:
    if len(own) < 2:
        return NAN, NAN, NAN
    if name == "percent":
        total = own[["n_equal", "n_above", "n_below"]].sum(axis=1).to_numpy(dtype=float)
        counts = np.c_[own["n_equal"].to_numpy(dtype=float), total - own["n_equal"].to_numpy(dtype=float)]
        if (counts.sum(axis=0) == 0).any():
            return NAN, NAN, NAN
        expected = total[:, None] * counts.sum(axis=0) / total.sum()
        statistic = float(((counts - expected) ** 2 / expected).sum())
        return statistic, len(own) - 1.0, float(stats.chi2.sf(statistic, len(own) - 1))
    value = own["value" if name == "cohen" else "difference"]
    error = own["se"] if name == "cohen" else (own["difference_high"] - own["difference_low"]) / (2 * _Z)
    found = homogeneity(value, error)
    return found.statistic, float(found.df), found.p
