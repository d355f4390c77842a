"""Where the zero of each island lies: islands share no file, so only an assumption can put them on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_design import Design
from crcne_stats.analysis.severity_fit import Estimates, Fitted

CONNECTED, RELATIVE = "connected", "relative"
LINKS = ("equal_trainer_means", "equal_inspe_means", "anchors", "pix")


@dataclass(frozen=True, eq=False)
class Scale:
    """The measures of trainers and students on one scale.

    ``assumption`` is "connected" (none was needed), "relative" (each island has its own zero) or what links them.
    ``severity`` (trainer,); ``rows`` (trainer, estimate) the map from the estimates whose ``covariance`` and
    ``robust_covariance`` are those of ``measured``; ``single`` (trainer,) the model's error where the map is empty;
    ``shift`` (component,) is added to the abilities of a component.
    """

    assumption: str
    severity: np.ndarray
    rows: np.ndarray
    single: np.ndarray
    measured: Estimates
    shift: np.ndarray

    @cached_property
    def se(self) -> np.ndarray:
        """Model standard error (trainer,); NaN where there is no estimate."""
        return np.where((self.rows != 0).any(axis=1), self._errors(self.measured.covariance), self.single)

    @cached_property
    def robust_se(self) -> np.ndarray:
        """Sandwich standard error (trainer,), clustered by student."""
        return self._errors(self.measured.robust_covariance)

    def _errors(self, covariance: np.ndarray) -> np.ndarray:
        variance = np.einsum("te,te->t", self.rows @ covariance, self.rows)
        return np.where((self.rows != 0).any(axis=1), np.sqrt(np.maximum(variance, 0)), np.nan)

    @property
    def error(self) -> np.ndarray:
        """The error (trainer,) of intervals."""
        return self.measured.of_intervals(self.se, self.robust_se)

    def difference_variance(self, a: int, b: int) -> float:
        """Variance of the difference of two trainers, from the same errors."""
        row = self.rows[a] - self.rows[b]
        both = (
            np.sqrt(max(float(row @ c @ row), 0.0)) for c in (self.measured.covariance, self.measured.robust_covariance)
        )
        own, robust = (np.array([error]) for error in both)
        return float(self.measured.of_intervals(own, robust)[0] ** 2)

    @property
    def common(self) -> bool:
        """Whether measures of different islands may be compared."""
        return self.assumption != RELATIVE


def scale(fitted: Fitted, assumption: str, inspe_means: Mapping[str, float] | None = None) -> Scale:
    """Severities under an assumption: a linear map of the estimates, so errors follow exactly.

    With islands the likelihood does not change when all abilities and severities of one island move together; an
    assumption only chooses how far.

    Parameters
    ----------
    assumption
        "connected", "relative" and "equal_trainer_means" leave the zero mean of each island's trainers;
        "equal_inspe_means" gives the students of all islands the same mean; "anchors" gives those of the INSPÉ of
        ``inspe_means`` their means; "pix" gives students of the same PIX+Édu level the same mean (the population of
        ``fitted`` then has the levels as columns).
    """
    fit, asked = fitted.measured, fitted.asked
    block = fit.plan.blocks["trainer"]
    n_trainers, n_parts = len(block.labels), max(asked.n_components, 1)
    size = len(fit.covariance)
    place = np.full(len(fit.plan.status), -1)
    place[fit.plan.free] = np.arange(len(fit.plan.free))
    own = place[block.range]
    rows = np.zeros((n_trainers, size))
    rows[np.flatnonzero(own >= 0), own[own >= 0]] = 1.0
    base = fit.value[block.range].copy()
    used = np.isfinite(base)
    shift = np.zeros(n_parts)
    if assumption in ("equal_inspe_means", "anchors", "pix"):
        weights, target = _means(fitted, inspe_means if assumption == "anchors" else None, assumption == "pix")
        first = len(fit.plan.free)
        offset = np.zeros((n_parts, size))
        offset[:, first : first + weights.shape[1]] = weights
        shift = target - weights @ np.nan_to_num(fit.coefficient)
        rows = np.where(used[:, None], rows - offset[asked.trainer_component], 0.0)
        base = base + shift[asked.trainer_component]
        if assumption != "anchors" and used.any():
            rows = np.where(used[:, None], rows - rows[used].mean(axis=0), 0.0)
            shift = shift - np.nanmean(base)
            base = base - np.nanmean(base)
    return Scale(assumption, base, rows, fit.se[block.range], fit, shift)


def _means(fitted: Fitted, inspe_means: Mapping[str, float] | None, alike: bool) -> tuple[np.ndarray, np.ndarray]:
    """For each component, the weights (component, coefficient) of its mean ability, and what that mean is to be.

    ``alike``: only the means of groups have weight, so that components are compared at the same level of another test.
    """
    asked, fit = fitted.asked, fitted.measured
    n_parts, n_groups = max(asked.n_components, 1), int(fitted.group.max(initial=0)) + 1
    target = np.zeros(n_parts)
    chosen = fit.informed
    if inspe_means is not None:
        value = asked.people["inspe"].astype(object).map(lambda name: inspe_means.get(str(name), np.nan))
        numbers = value.to_numpy(dtype=float)
        chosen = fit.informed & np.isfinite(numbers)
        for part in range(n_parts):
            mine = chosen & (asked.component == part)
            target[part] = numbers[mine].mean() if mine.any() else 0.0
    columns = np.eye(n_groups)[fitted.group] if alike else fit.design
    weights = np.zeros((n_parts, len(fit.coefficient)))
    for part in range(n_parts):
        mine = chosen & (asked.component == part)
        if mine.any():
            weights[part, : columns.shape[1]] = columns[mine].mean(axis=0)
    return weights, target


def linkable(fitted: Fitted, inspe_means: Mapping[str, float] | None, pix: Any) -> dict[str, str]:
    """Each assumption with the reason why it cannot be made here, empty where it can."""
    asked = fitted.asked
    if not len(fitted.measured.coefficient):  # a joint fit has no means of INSPÉ
        return {name: "no_population" if name != "equal_trainer_means" else "" for name in LINKS}
    known = asked.people["inspe"].astype(object)
    anchored = np.array([str(name) in (inspe_means or {}) for name in known], dtype=bool)
    anchored &= fitted.measured.informed
    every = all(anchored[asked.component == part].any() for part in range(asked.n_components))
    reasons = dict.fromkeys(LINKS, "")
    if not every:
        reasons["anchors"] = "no_inspe_anchor" if not inspe_means else "component_without_anchor"
    if pix is None:
        reasons["pix"] = "no_students"
    elif not _shared_level(asked, pix):
        reasons["pix"] = "no_shared_pix_level"
    return reasons


def _shared_level(asked: Design, pix: np.ndarray) -> bool:
    """Whether levels of the other test chain all the components together."""
    seen = np.unique(np.column_stack([asked.component, pix])[pix >= 0], axis=0)
    parts = np.arange(asked.n_components)
    for level in np.unique(seen[:, 1]) if len(seen) else []:
        mine = seen[seen[:, 1] == level, 0]
        joined = np.isin(parts, parts[mine])
        parts[joined] = parts[mine].min()
    return len(np.unique(parts)) == 1


def pix_levels(asked: Design, students: Any) -> np.ndarray:
    """Level of the automated part of each person (person,), −1 where it is not known."""
    own = asked.people[["student", "session"]].astype(object)
    theirs = students.frame[["student", "session", "pix_level"]].astype(object)
    codes = students.frame["pix_level"].cat.codes.to_numpy()
    table = pd.Series(codes, index=pd.MultiIndex.from_frame(theirs[["student", "session"]].fillna("")))
    table = table[~table.index.duplicated()]
    wanted = pd.MultiIndex.from_frame(own.fillna(""))
    return table.reindex(wanted).fillna(-1).to_numpy(dtype=np.int64)
