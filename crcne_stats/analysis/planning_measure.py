"""What the many-facet model says of a design: the information of each sheet, and errors of severity contrasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.planning_data import Situation
from crcne_stats.core.precision import Sheets, contrast_errors, covariance
from crcne_stats.core.rasch.rated import rated
from crcne_stats.core.rasch.residuals import residuals_at
from crcne_stats.core.rasch.sufficient import sufficient
from crcne_stats.domain.result import Result

NAN = float("nan")
_NODES, _MASS = np.polynomial.hermite_e.hermegauss(3)


@dataclass(frozen=True, eq=False)
class Measure:
    """Information on the logit scale: ``weight`` (sheet,), ``new`` (file,) of one more sheet with every criterion.

    ``spread``: variance of ability within INSPÉ.
    """

    weight: np.ndarray
    new: np.ndarray
    spread: float

    def sheets(self, given: Situation, file: Any = (), trainer: Any = ()) -> Sheets:
        """The design in hand with new ratings, means free in each INSPÉ of each group of trainers."""
        file, trainer = (np.asarray(part, dtype=np.int64) for part in (file, trainer))
        files, trainers = np.r_[given.file, file], np.r_[given.trainer, trainer]
        group = given.groups(files, trainers)[1]
        return Sheets(files, trainers, np.r_[self.weight, self.new[file]], group, self.spread, given.n_trainers)


def measure(given: Situation, measured: Result) -> Measure | None:
    """Information at the estimates of ``severity``; None where it has none.

    A rating tells as much of its student's ability as its variance under the model, here averaged over what is not
    known of ability and halo. Ratings that do not inform the fit count as the others of the criteria do on average.
    With halo the ratings of a sheet share an effect, which no number of criteria averages out.
    """
    if measured.model is None:
        return None
    fitted = measured.model.fitted
    estimates, plan = fitted.measured, fitted.plan
    found = rated(plan, sufficient(plan), estimates.known)
    ability = np.nan_to_num(estimates.ability)
    unknown = np.sqrt(np.nan_to_num(estimates.variance) + estimates.halo**2)
    variance = np.full(len(given.sheet), NAN)
    variance[np.flatnonzero(fitted.asked.counted)[plan.kept]] = sum(
        mass * residuals_at(found, ability + node * unknown).variance for node, mass in zip(_NODES, _MASS, strict=True)
    ) / float(_MASS.sum())
    variance = np.where(np.isfinite(variance), variance, np.nanmean(variance))
    halo = estimates.halo**2
    weight = 1 / (1 / np.maximum(np.bincount(given.sheet, variance), 1e-9) + halo)
    of_file = given.file[given.sheet]
    mean = np.bincount(of_file, variance, minlength=given.n_files) / np.bincount(of_file, minlength=given.n_files)
    new = 1 / (1 / np.maximum(mean * len(given.ratings.criteria), 1e-9) + halo)
    return Measure(weight, new, _spread(fitted))


def _spread(fitted: Any) -> float:
    """Variance of ability within groups: what is between the estimates and what is not known of each."""
    ability, variance = fitted.measured.ability, fitted.measured.variance
    known = np.isfinite(ability)
    group = fitted.group[known]
    n = np.bincount(group)
    mean = np.bincount(group, ability[known]) / np.maximum(n, 1)
    between = ((ability[known] - mean[group]) ** 2).mean()
    within = variance[known].mean()
    # Estimates without a population scatter more than abilities, posterior means less.
    return float(max(between + (within if len(fitted.measured.coefficient) else -within), 1e-3))


@dataclass(frozen=True, eq=False)
class Precision:
    """Standard errors of all the contrasts (trainer, trainer), NaN between groups that no file links."""

    error: np.ndarray
    group: np.ndarray

    @property
    def each(self) -> np.ndarray:
        """Mean standard error of each trainer's contrasts (trainer,), NaN without any."""
        off = ~np.eye(len(self.error), dtype=bool) & np.isfinite(self.error)
        n = off.sum(axis=1)
        total = np.where(off, self.error, 0).sum(axis=1)
        return np.where(n > 0, total / np.maximum(n, 1), NAN)

    def row(self, target: float) -> dict[str, Any]:
        """Summary over the pairs of trainers."""
        pairs = self.error[np.triu_indices(len(self.error), 1)]
        known = pairs[np.isfinite(pairs)]
        return {
            "n_components": len(np.unique(self.group)),
            "share_comparable": len(known) / len(pairs) if len(pairs) else NAN,
            "se_mean": float(known.mean()) if len(known) else NAN,
            "se_max": float(known.max()) if len(known) else NAN,
            "share_over": float((known > target).mean()) if len(known) else NAN,
            "reason": "" if len(known) else "no_pair_comparable",
        }


def precision(given: Situation, measured: Measure, file: Any = (), trainer: Any = ()) -> Precision:
    """Errors of the contrasts with new ratings added to the design in hand."""
    sheets = measured.sheets(given, file, trainer)
    group = given.groups(sheets.file, sheets.trainer)[0]
    error = contrast_errors(covariance(sheets))
    return Precision(np.where(group[:, None] == group, error, NAN), group)


def common_set(
    given: Situation, measured: Measure, price: Callable[[int, int], float], target: float, sizes: tuple[int, ...]
) -> pd.DataFrame:
    """What it would cost if all the trainers rated the same few files, those that tell most, and what it would bring.

    ``price`` of a file and a trainer in hours, infinite where a rating is not allowed; loads do not count here. Sizes
    are tried in order until the largest error is under the target.
    """
    order = np.argsort(-measured.new, kind="stable")
    done = set(zip(given.file.tolist(), given.trainer.tolist(), strict=True))
    rows = []
    for size in sizes:
        if size > given.n_files:
            break
        new = [
            (f, t)
            for f in order[:size].tolist()
            for t in range(given.n_trainers)
            if (f, t) not in done and np.isfinite(price(f, t))
        ]
        found = precision(given, measured, [f for f, _ in new], [t for _, t in new]).row(target)
        whole = found["n_components"] == 1
        rows.append({
            "n_files": size, "n_ratings": len(new), "hours": float(sum(price(f, t) for f, t in new)),
            "se_mean": found["se_mean"], "se_max": found["se_max"],
            "reached": whole and bool(found["se_max"] <= target),
            "reason": found["reason"] if whole else "still_islands",
        })  # fmt: skip
        if rows[-1]["reached"]:
            break
    return pd.DataFrame(rows)
