"""Components of a generalizability study by both estimators, with draws for their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from crcne_stats.analysis.generalizability_data import REPLICATE, Data
from crcne_stats.core import variance
from crcne_stats.core.dstudy import Errors, Measurement, errors
from crcne_stats.core.henderson import simulated
from crcne_stats.core.resample import repeat
from crcne_stats.core.variance_intervals import mean_squares, pivots

BLOCK = 20
APART = 0.5
"""Standard errors by which two estimates of a component differ enough to be shown side by side."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Components (component,) by estimator, "reml" or "anova"; those of ``main`` serve what follows.

    ``draws`` (component, draw) of the sums of squares at the main estimate, None without intervals. ``boundary``
    (component,) where REML stopped at nil, ``covariance`` (component, component) of its estimates; ``unavailable`` says
    why there is none.
    """

    data: Data
    values: dict[str, np.ndarray] = field(default_factory=dict)
    main: str = "anova"
    draws: np.ndarray | None = None
    boundary: np.ndarray | None = None
    covariance: np.ndarray | None = None
    converged: bool = True
    unavailable: str = ""
    reason: str = ""

    @property
    def value(self) -> np.ndarray:
        """The main estimate (component,)."""
        return self.values[self.main]

    @property
    def facets(self) -> list[frozenset[str]]:
        """Facets of each component, the residual last with all of them and that of the ratings of one cell."""
        return [*(term.facets for term in self.data.study.terms), frozenset((*self.data.design.facets, REPLICATE))]

    def errors(self, plan: Measurement) -> Errors:
        """Variances of a measurement at the estimate."""
        return errors(self.facets, self.value, plan, self.data.n_objects)

    def drawn(self, plan: Measurement) -> Errors | None:
        """The same for each draw of components that would explain the estimate."""
        return None if self.draws is None else errors(self.facets, self.explained(self.main), plan, self.data.n_objects)

    def explained(self, name: str) -> np.ndarray:
        """Components (component, draw) that would explain an estimate, for its interval; needs ``draws``."""
        levels = self.data.levels
        counts = [levels.count(facets - {REPLICATE}) for facets in self.facets[:-1]] + [levels.n]
        spread = self.covariance if name == "reml" else None
        return pivots(self.values[name], self.draws, mean_squares(self.facets, counts, levels.n), spread)

    @property
    def error_hidden(self) -> bool:
        """Whether an error is part of what looks like universe score, as when each student met one trainer."""
        known = self.data.object | self.data.fixed
        universe = {term.key for term in self.data.study.terms if term.facets <= known}
        errors = [term.key for term in self.data.design.terms if not term.facets <= known]
        return any(universe & set(self.data.study.confounded.get(key, ())) for key in errors)

    @property
    def disagree(self) -> bool:
        """Whether the two estimators differ enough to be shown side by side."""
        if len(self.values) < 2:
            return False
        gap = np.abs(self.values["reml"] - self.values["anova"])
        if self.draws is None:
            return bool((gap > 0.02 * np.maximum(self.value, 0).sum()).any())
        return bool((gap > APART * self.draws.std(axis=1, ddof=1)).any()) or bool((self.values["anova"] < 0).any())


def fitted(
    data: Data, estimator: str, resamples: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> Fitted:
    """Fit both estimators where they can be had."""
    study = data.study
    if not any(term.facets >= data.object for term in study.terms):
        return Fitted(data, reason="student_confounded")
    values = {"anova": variance.by_squares(study, data.y)}
    boundary, covariance, converged, unavailable = None, None, True, ""
    try:
        restricted = variance.by_reml(study, data.y, values["anova"])
    except variance.TooLarge:
        unavailable = "reml_too_large"
    except variance.ExactFit:
        unavailable = "reml_exact"
    else:
        values["reml"], boundary, converged = restricted.variance, restricted.boundary, restricted.converged
        covariance = restricted.covariance
    main = estimator if estimator in values else "anova"
    draws = None
    if resamples:
        task = partial(_drawn, study, values[main])
        draws = np.asarray(repeat(task, resamples, seed, progress, block=BLOCK, threads=True)).T
    return Fitted(data, values, main, draws, boundary, covariance, converged, unavailable)


def by_squares(data: Data, resamples: int, seed: int) -> Fitted:
    """Fit by sums of squares alone, for what is asked of every criterion."""
    if not any(term.facets >= data.object for term in data.study.terms):
        return Fitted(data, reason="student_confounded")
    value = variance.by_squares(data.study, data.y)
    task = partial(_drawn, data.study, value)
    draws = np.asarray(repeat(task, resamples, seed, block=BLOCK, threads=True)).T
    return Fitted(data, {"anova": value}, "anova", draws)


def _drawn(study: variance.Study, components: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Components (draw, component) of ratings drawn anew from the model."""
    found = np.empty((size, len(components)))
    for place in range(size):
        found[place] = study.squares.components(simulated(study.terms, study.levels, components, rng))
    return found
