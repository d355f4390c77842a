"""Coefficients of agreement tested against trainers who rate without regard to the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.agreement_groups import Group
from crcne_stats.analysis.agreement_rows import NAN, reservation, typed
from crcne_stats.core import agreement as core
from crcne_stats.core.agreement_tests import TESTS, level_z
from crcne_stats.core.counts import Counts, distinct
from crcne_stats.core.levels import level_kappa
from crcne_stats.core.moments import moments


def tested(names: Sequence[str], weights: str) -> list[str]:
    """The coefficients asked that have a test; that of Fleiss' kappa knows identity weights only."""
    return [name for name in names if name in TESTS and (name != "fleiss" or weights == "identity")]


def chance_table(groups: list[Group], names: Sequence[str]) -> pd.DataFrame:
    """One row per group and test; Fleiss' kappa is tested level by level too, where every file has as many ratings."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        for name in names:
            rows += _whole(group, name)
            if name == "fleiss" and rows[-1]["reason"] == "":
                rows += _by_level(group)
    return typed(pd.DataFrame(rows))


def _whole(group: Group, name: str) -> Iterator[dict[str, Any]]:
    data = None if group.reason else group.data(name)
    about = {**group.labels, "coefficient": name, "level": None, "n_students": group.counts.n_students_pairable}
    for found in TESTS[name](group.counts if data is None else data, group.weights):
        if data is None:
            found |= {"statistic": NAN, "p": NAN, "reason": group.reason or "not_two_trainers"}
        else:
            found["reason"] = _reason(data, name, found["p"])
        yield {**about, **found}


def _reason(data: Counts, name: str, p: float) -> str:
    """Why a test is missing, or must be read with care."""
    w = np.eye(data.n_levels)
    kept = reservation(data, name, float(core.values(core.moments_of(data, name, w), name, w)[0][0]))
    if not np.isnan(p):
        return kept or ("" if name != "kendall_w" or data.crossed else "not_crossed")
    return kept or {"kendall_w": "same_ranking", "fleiss": "unequal_panels"}.get(name, "no_test")


def _by_level(group: Group) -> Iterator[dict[str, Any]]:
    data = group.counts
    z = level_z(data, level_kappa(moments(data))[0])
    table = data.patterns[data.pattern]
    for k, key in enumerate(group.levels):
        about = {**group.labels, "coefficient": "level_kappa", "level": key}
        number = {"n_students": distinct(data.cluster[table[:, k] > 0]), "method": "fleiss_null", "statistic": z[k]}
        p = float(2 * stats.norm.sf(abs(z[k])))
        yield {**about, **number, "df": NAN, "df2": NAN, "p": p, "reason": "level_unused" if np.isnan(z[k]) else ""}
