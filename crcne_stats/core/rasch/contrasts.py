"""Differences between groups in a fitted model: errors that see dependence, an omnibus test, effects in levels.

A trainer's ratings of one student move together (halo), which the errors of the model do not see. Errors here come from
the scores of whole students, each divided by the root of its share of freedom left (Bell & McCaffrey 2002, Survey
Methodology 28, 169–181), for in a small cell each student pulls the estimate towards the own ratings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from crcne_stats.core.graph import distinct_pairs
from crcne_stats.core.rasch.design import Floats, Ints
from crcne_stats.core.rasch.information import Scores, student_scores
from crcne_stats.core.rasch.mml import Fit, score_products
from crcne_stats.core.rasch.rated import Rated, moments

MOST = 0.8
"""Largest leverage of a student that is corrected for; beyond it a cell is too small to be tested."""
SPARSE = 0.1
"""Share of a matrix of contrasts that is not 0 under which the zeros are left out of its products."""
NEGLIGIBLE, LARGE = 0.43, 0.64
"""1 and 1.5 on the delta scale of ETS, in logits (Zwick 2012, doi:10.1002/j.2333-8504.2012.tb02290.x)."""


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Linear combinations of parameters: all (contrast,) but ``covariance`` (contrast, contrast).

    ``df`` are the degrees of freedom of the error: students of the smaller side less one.
    """

    value: Floats
    covariance: Floats
    df: Floats

    @property
    def se(self) -> Floats:
        """Standard errors (contrast,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def p(self) -> Floats:
        """Two-sided, from the t distribution."""
        return 2 * stats.t.sf(self._t, self.df)

    @property
    def _t(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.se > 0, np.abs(self.value) / self.se, 0.0)

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Bounds (contrast,)."""
        reach = stats.t.ppf((1 + confidence) / 2, self.df) * self.se
        return self.value - reach, self.value + reach

    def beyond(self, bound: float) -> Floats:
        """One-sided p of the hypothesis that the contrast is no larger than ``bound`` in size (contrast,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(self.se > 0, (np.abs(self.value) - bound) / self.se, 0.0)
        return stats.t.sf(t, self.df)

    def omnibus(self) -> tuple[float, float, float]:
        """χ², degrees of freedom and p of all the contrasts together being zero.

        The sum of the squared normal deviates of the contrasts, which are correlated, on a scaled χ² of the same mean
        and variance (Satterthwaite 1946, doi:10.2307/3002019; Rao & Scott 1981, doi:10.1080/01621459.1981.10477633).
        Unlike Wald's form it needs no inverse of an error covariance that few students support.
        """
        some = self.se > 0
        if not some.any():
            return np.nan, np.nan, np.nan
        tail = np.clip(stats.t.sf(self._t[some], self.df[some]), 1e-300, 0.5)
        z = stats.norm.isf(tail)
        own = self.covariance[np.ix_(some, some)] / np.outer(self.se[some], self.se[some])
        scale = float((own**2).sum() / len(z))
        return float((z**2).sum() / scale), len(z) / scale, float(stats.chi2.sf((z**2).sum() / scale, len(z) / scale))


def combined(matrix: Floats, value: Floats, covariance: Floats, df: Floats) -> Contrasts:
    """The contrasts ``matrix`` (contrast, parameter) of parameters with that covariance."""
    few = sparse.csr_array(matrix)
    if few.nnz > SPARSE * matrix.size:
        return Contrasts(matrix @ value, matrix @ covariance @ matrix.T, df)
    return Contrasts(matrix @ value, few @ (few @ covariance).T, df)


def whole_estimates(fit: Fit, leverage: Floats, scores: Scores | None = None, rows: Ints | None = None) -> Floats:
    """Covariance (estimate, estimate) of free parameters, regression coefficients and spreads, from whole students.

    ``leverage`` (student,) is the share of a student's information that the estimates have taken from the student;
    ``scores`` those of the students, where they are known already; ``rows`` the estimates asked, by default all.
    """
    weight = 1 / np.sqrt(1 - np.clip(leverage, 0.0, MOST))[:, None]
    found = student_scores(fit.problem, fit.found) if scores is None else scores
    moved = Scores(found.common * weight, found.few * weight, found.ability * weight[:, 0], found.spread * weight)
    own = fit.covariance if rows is None else fit.covariance[rows]
    return np.asarray((own @ score_products(fit.problem, moved)) @ own.T)


def whole_students(fit: Fit, leverage: Floats, places: Ints | None = None) -> Floats:
    """The same (place, place) for some parameters of the plan or for all, zero where one is not estimated."""
    chosen = np.arange(len(fit.plan.status)) if places is None else places
    free = np.full(len(fit.plan.status), -1)
    free[fit.plan.free] = np.arange(len(fit.plan.free))
    known = np.flatnonzero(free[chosen] >= 0)
    answer = np.zeros((len(chosen), len(chosen)))
    answer[np.ix_(known, known)] = whole_estimates(fit, leverage, rows=free[chosen[known]])
    return answer


def leverages(cell: Ints, student: Ints, n_students: int) -> Floats:
    """Leverage of each student (student,) on the parameters of the cells of the own ratings.

    With ``n`` students in a cell each has about 1 / n of its estimate. A student seen by m trainers has m − 1
    comparisons between them, over which the shares add up.
    """
    place, who = distinct_pairs(cell, student)
    n = np.bincount(place)
    share = np.bincount(who, 1 / n[place], minlength=n_students)
    met = np.bincount(who, minlength=n_students)
    return share / np.maximum(met - 1, 1)


def centre(contrasts: Contrasts, alpha: float) -> Floats:
    """Weights (contrast,), of sum one, of the mean from which the contrasts are to be measured.

    Contrasts of criteria are known up to a common shift, for a group may simply be weaker. Centred over all criteria,
    one that stands out would push all the others the other way. So it is left out of the centre, again and again until
    the same ones stand out (Candell & Drasgow 1988, doi:10.1177/014662168801200305); half of them at least stay.
    """
    return centres(contrasts.value[None, :], contrasts, alpha)[0]


def centres(values: Floats, contrasts: Contrasts, alpha: float, rounds: int = 10) -> Floats:
    """The same weights (draw, contrast) for each row of ``values`` (draw, contrast), errors those of ``contrasts``."""
    n = values.shape[1]
    anchor = np.ones(values.shape, dtype=bool)
    for _ in range(rounds):
        value, se = measured_from(values, contrasts.covariance, anchor / np.maximum(anchor.sum(axis=1)[:, None], 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(se > 0, np.abs(value) / se, 0.0)
        p = 2 * stats.t.sf(t, contrasts.df)
        stands_out = stats.false_discovery_control(np.nan_to_num(p, nan=1.0), axis=1) < alpha
        many = stands_out.sum(axis=1) > n / 2
        rank = np.argsort(np.argsort(-np.abs(value), axis=1, kind="stable"), axis=1)
        stands_out &= ~many[:, None] | (rank < n // 2)
        if (anchor == ~stands_out).all():
            break
        anchor = ~stands_out
    return np.asarray(anchor / np.maximum(anchor.sum(axis=1)[:, None], 1))


def measured_from(values: Floats, covariance: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Values (draw, contrast) measured from their weighted means, and their standard errors; ``weights`` alike."""
    shared = weights @ covariance
    variance = np.diag(covariance) - 2 * shared + (shared * weights).sum(axis=1)[:, None]
    return values - (weights * values).sum(axis=1)[:, None], np.sqrt(np.maximum(variance, 0.0))


def levels_apart(found: Rated, ability: Floats, rows: Ints, easier: float) -> float:
    """Mean difference of the expected level (index) of ratings, as they are and were they ``easier`` by some logits.

    ``ability`` (student,), ``rows`` the places of these ratings among those that inform the fit. The signed item
    difference in the sample of Meade (2010, doi:10.1037/a0018966).
    """
    if not len(rows):
        return float("nan")
    cell, own = found.cell[rows], ability[found.student[rows]]
    one, two = (moments(found.chances(own + move, cell))[0] for move in (0.0, easier))
    return float((one - two).mean())
