"""How much of an explained variance each variable brings: general dominance.

The mean, over all orders in which the variables can enter, of what each adds to R² when it enters: shares that add up
to R² (Budescu 1993, doi:10.1037/0033-2909.114.3.542; Azen & Budescu 2003, doi:10.1037/1082-989X.8.2.129; the Shapley
value). Everything follows from correlations: ``among`` (variable, variable) and ``outcome`` (variable,) with what is
explained.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from crcne_stats.core.resample import bootstrap_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = 20
"""Variables with which all the 2ⁿ sets are still gone through."""


def explained(among: Any, outcome: Any) -> Floats:
    """R² (set,) of every set of variables; variable v is in set s when bit v of s, from the highest, is 1.

    All sets grow together, one variable after the other: a set either leaves it out or sweeps it out of the rest.
    """
    rest = np.asarray(among, dtype=float)[None].copy()
    pull = np.asarray(outcome, dtype=float)[None].copy()
    found = np.zeros(1)
    for place in range(len(pull[0])):
        size = 2 ** (place + 1)
        pivot = np.maximum(rest[:, 0, 0], 1e-12)
        line = rest[:, 0, 1:]
        gained = found + pull[:, 0] ** 2 / pivot
        swept = rest[:, 1:, 1:] - line[:, :, None] * line[:, None, :] / pivot[:, None, None]
        moved = pull[:, 1:] - line * (pull[:, 0] / pivot)[:, None]
        rest = np.stack([rest[:, 1:, 1:], swept], axis=1).reshape(size, *swept.shape[1:])
        pull = np.stack([pull[:, 1:], moved], axis=1).reshape(size, moved.shape[1])
        found = np.stack([found, gained], axis=1).reshape(-1)
    return found


def general_dominance(among: Any, outcome: Any) -> Floats:
    """Share of R² (variable,) that each variable brings; they add up to the R² of all.

    Raises
    ------
    ValueError
        With more than :data:`MOST` variables.
    """
    n = len(np.asarray(outcome))
    if n > MOST:
        raise ValueError(f"{n} variables have too many sets; there may be {MOST}")
    table = explained(among, outcome).reshape((2,) * n) if n else np.zeros(())
    size = np.indices((2,) * (n - 1)).sum(axis=0) if n > 1 else np.zeros((), dtype=int)
    weight = np.array([1 / (n * comb(n - 1, k)) for k in range(n)])[size]
    return np.array([float((weight * np.diff(table, axis=v).squeeze(v)).sum()) for v in range(n)])


def drawn_orders(n: int, size: int, rng: np.random.Generator) -> Ints:
    """Orders (order, variable) of ``n`` variables, each followed by its reverse."""
    half = np.argsort(rng.random((max(size // 2, 1), n)), axis=1)
    return np.concatenate([half, half[:, ::-1]]).astype(np.int64)


def dominance_over(among: Any, outcome: Any, orders: Ints) -> Floats:
    """General dominance (variable,) as a mean over the given orders alone."""
    r, y = np.asarray(among, dtype=float), np.asarray(outcome, dtype=float)
    root = np.linalg.cholesky(r[orders[:, :, None], orders[:, None, :]])
    gains = np.linalg.solve(root, y[orders][:, :, None])[:, :, 0] ** 2
    return np.bincount(orders.ravel(), gains.ravel(), minlength=len(y)) / len(orders)


class Sums:
    """What is added up over rows to give correlations among ``x`` (row, variable) and with what is behind ``level``.

    ``rows`` (row, sum). The correlation of a variable with the normal variable behind the ordered ``level`` (row,) is
    polyserial, in two steps: r · s / Σ φ(cut), with r and s correlation and deviation of the level as a number (Olsson,
    Drasgow & Dorans 1982, doi:10.1007/BF02294164).
    """

    def __init__(self, level: Any, x: Any) -> None:
        z, code = np.asarray(x, dtype=float), np.unique(np.asarray(level), return_inverse=True)[1].reshape(-1)
        both = np.c_[z - z.mean(axis=0), code - code.mean()]
        self.width = both.shape[1]
        self.upper = np.triu_indices(self.width)
        hot = code[:, None] == np.arange(int(code.max(initial=-1)) + 1)
        self.rows = np.concatenate([hot, both, both[:, self.upper[0]] * both[:, self.upper[1]]], axis=1)

    def correlations(self, total: Floats) -> tuple[Floats, Floats]:
        """Among the variables, and of each with the latent variable, from sums (sum,) over rows as often as drawn.

        NaN where a variable or the level is constant.
        """
        levels = len(total) - self.width - len(self.upper[0])
        n = total[:levels].sum()
        mean = total[levels : levels + self.width] / n
        spread = np.zeros((self.width, self.width))
        spread[self.upper] = total[levels + self.width :] / n
        spread = spread + np.triu(spread, 1).T - np.outer(mean, mean)
        sd = np.sqrt(np.maximum(np.diag(spread), 0.0))
        cuts = ndtri(np.clip(np.cumsum(total[:levels])[:-1] / n, 0.0, 1.0))
        density = float(np.exp(-(cuts[np.isfinite(cuts)] ** 2) / 2).sum()) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore"):
            r = spread / np.outer(sd, sd)
            outcome = r[:-1, -1] * sd[-1] / density
        return r[:-1, :-1], np.clip(outcome, -1.0, 1.0)


class Drawn:
    """One block of resamples of students: correlations with the outcome, then dominance (2 · variable,), over orders.

    ``cluster`` (row,) is the student of each row, from 0. NaN where a resample leaves a variable constant.
    """

    def __init__(self, level: Any, x: Any, cluster: Any, orders: Ints) -> None:
        self.sums, self.orders = Sums(level, x), orders
        owner = np.asarray(cluster, dtype=np.int64)
        self.by_student = np.zeros((int(owner.max()) + 1, self.sums.rows.shape[1]))
        np.add.at(self.by_student, owner, self.sums.rows)

    @property
    def total(self) -> Floats:
        """Sums (sum,) over the students as they are."""
        return np.asarray(self.by_student.sum(axis=0))

    def __call__(self, rng: np.random.Generator, size: int) -> Floats:
        drawn = self.by_student.T @ bootstrap_weights(rng, size, len(self.by_student))
        return np.array([self.answer(total) for total in drawn.T])

    def answer(self, total: Floats) -> Floats:
        """Of sums (sum,) over students."""
        among, outcome = self.sums.correlations(total)
        try:
            return np.r_[outcome, dominance_over(among, outcome, self.orders)]
        except np.linalg.LinAlgError:
            return np.full(2 * len(outcome), np.nan)
