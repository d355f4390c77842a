"""Intraclass correlations of incomplete ratings: variance components by REML, bounds by Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crcne_stats.core.components import Components, components
from crcne_stats.core.icc import FORMS, Estimate, value

Floats = NDArray[np.float64]
MOST = 1e7
"""More degrees of freedom than this make no difference to a draw."""


@dataclass(frozen=True)
class Fit:
    """REML components ``s, r, e`` (two-way) or ``s, e`` (one-way), as estimated and as :class:`Components`."""

    found: Components
    two_way: bool

    @property
    def usable(self) -> bool:
        """Whether bounds can be drawn."""
        covariance = self.found.covariance
        if not self.found.converged or not np.isfinite(covariance).all():
            return False
        norm = np.sqrt(np.diag(covariance))
        return bool(norm.all() and np.linalg.eigvalsh(covariance / norm / norm[:, None])[0] > 1e-9)


def fit(y: Any, file: Any, trainer: Any = None, group: Any = None) -> Fit:
    """Components of ratings y (rating,): students and, when ``trainer`` is given, trainers, and the rest.

    ``group`` (rating,): groups of files each with a mean of its own.
    """
    if trainer is None:
        return Fit(components(y, file, [], group), False)
    f, t = np.asarray(file), np.asarray(trainer)
    if len(np.unique(t)) <= len(np.unique(f)):
        return Fit(components(y, f, [t], group), True)
    # Whichever has more levels is eliminated one by one; the model does not care which is which.
    other = components(y, t, [f], group)
    order = np.array([1, 0, 2])
    return Fit(
        Components(
            other.variance[order], other.unbounded[order], other.covariance[np.ix_(order, order)],
            other.boundary[order], other.deviance, other.converged, other.iterations, other.residual_zero,
        ),
        True,
    )  # fmt: skip


def draws(found: Components, rng: np.random.Generator, n: int) -> Floats:
    """``n`` plausible values of the components, shape (component, draw), none negative.

    The estimates are turned into uncorrelated sums of components, the residual first. In a balanced design these are
    the mean squares over their sizes, which are exactly χ² with known degrees of freedom; elsewhere the degrees of
    freedom are those that fit the asymptotic variance (Satterthwaite). Drawing each anew is Weerahandi's generalised
    interval (1993, doi:10.1080/01621459.1993.10476355; for two-way designs see Ionan et al. 2014,
    doi:10.1186/1471-2288-14-121). Normal draws of the components (ten Hove, Jorgensen & van der Ark 2025,
    doi:10.1080/00273171.2025.2507745) do as well where trainers differ little, but promise too much where few trainers
    differ as much as students do; benchmarks/results/icc_coverage.md compares them.
    """
    back = slice(None, None, -1)
    covariance = found.covariance[back, back]
    mix = np.linalg.cholesky(covariance)
    spread = np.diag(mix) ** 2
    mix = mix / np.diag(mix)
    level = np.linalg.solve(mix, found.variance[back])
    seen = np.maximum(np.linalg.solve(mix, found.unbounded[back]), 1e-6 * level)
    df = np.minimum(2 * level**2 / spread, MOST)
    drawn = (seen * df)[:, None] / np.maximum(rng.chisquare(df[:, None], (len(df), n)), 1e-300)
    return np.maximum(mix @ drawn, 0.0)[back]


def estimates(
    given: Fit, k: float, q: float, rng: np.random.Generator, n: int, level: float = 0.95
) -> tuple[dict[str, Estimate], Floats]:
    """Every form that the fit can tell, with Monte Carlo bounds, and bounds (component, 2) of the components."""
    size = len(given.found.variance)
    drawn = draws(given.found, rng, n) if given.usable else np.full((size, 1), np.nan)
    ends = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for name, form in FORMS.items():
        if form.two_way == given.two_way:
            point = value(name, given.found.variance[:, None], k, q)[0]
            low, high = np.quantile(value(name, drawn, k, q), ends)
            found[name] = Estimate(float(point), float(low), float(high))
    return found, np.quantile(drawn, ends, axis=1).T
