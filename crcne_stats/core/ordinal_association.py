"""How two ordered variables go together: γ, τ-b and Somers' D with their errors.

With P the concordant and Q the discordant pairs of students, each measure is a ratio of P − Q to a number of pairs; the
errors are those of the delta method over cells (Goodman & Kruskal 1963, doi:10.1080/01621459.1963.10500850; Brown &
Benedetti 1977, doi:10.1080/01621459.1977.10480995), with the students drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAMES = ("gamma", "tau_b", "somers_d")


@dataclass(frozen=True)
class Measure:
    """``value`` and ``se``; NaN where no pair tells."""

    value: float
    se: float


def measures(table: Any) -> dict[str, Measure]:
    """γ, τ-b and Somers' D of the second variable (columns) given the first (rows), from counts (first, second)."""
    counts = np.asarray(table, dtype=float)
    n = counts.sum()
    if n < 2:
        return {name: Measure(np.nan, np.nan) for name in NAMES}
    p = counts / n
    concordant, discordant = _beyond(p)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    up, down = float((p * concordant).sum()), float((p * discordant).sum())
    first, second = 1 - float((rows**2).sum()), 1 - float((columns**2).sum())
    # d of the numerator and of each denominator by cell probabilities, up to a constant.
    lean = 2 * (concordant - discordant)
    by_first = np.broadcast_to(-2 * rows[:, None], p.shape)
    by_second = np.broadcast_to(-2 * columns[None, :], p.shape)
    root = np.sqrt(first * second)
    by_root = (by_first * second + first * by_second) / (2 * root) if root > 0 else np.zeros_like(p)
    gaps = up - down
    return {
        "gamma": _ratio(gaps, up + down, lean, 2 * (concordant + discordant), p, n),
        "tau_b": _ratio(gaps, root, lean, by_root, p, n),
        "somers_d": _ratio(gaps, first, lean, by_first, p, n),
    }


def _beyond(p: Floats) -> tuple[Floats, Floats]:
    """For each cell the share of students beyond it in the same direction on both, and in opposite directions."""
    low = np.zeros((p.shape[0] + 1, p.shape[1] + 1))
    low[1:, 1:] = p.cumsum(axis=0).cumsum(axis=1)
    i, j = np.indices(p.shape)
    whole_rows, whole_columns, total = low[:, -1], low[-1], low[-1, -1]
    below = low[i, j]
    above = total - whole_rows[i + 1] - whole_columns[j + 1] + low[i + 1, j + 1]
    left = whole_columns[j] - low[i + 1, j]
    right = whole_rows[i] - low[i, j + 1]
    return below + above, left + right


def _ratio(top: float, bottom: float, d_top: Floats, d_bottom: Floats, p: Floats, n: float) -> Measure:
    if bottom <= 1e-14:
        return Measure(np.nan, np.nan)
    slope = (d_top - top / bottom * d_bottom) / bottom
    variance = float((p * slope**2).sum() - (p * slope).sum() ** 2) / n
    return Measure(top / bottom, float(np.sqrt(max(variance, 0.0))))
