"""Two classifications of the same students: counts, and shares with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def cross_table(first: Any, second: Any, n_first: int, n_second: int) -> Ints:
    """Counts (first, second) of two codes (student,); a student whose code is -1 in either is left out."""
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    known = (a >= 0) & (b >= 0)
    flat = np.bincount(a[known] * n_second + b[known], minlength=n_first * n_second)
    return flat.reshape(n_first, n_second).astype(np.int64)


def wilson(successes: Any, trials: Any, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Bounds of shares, without continuity correction (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    ``successes`` and ``trials`` broadcast; NaN where there is no trial.
    """
    k, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(trials, dtype=float))
    z = float(stats.norm.ppf((1 + confidence) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        low, high = centre - reach, centre + reach
    # Exactly 0 and 1 at the ends, where rounding would leave -1e-17.
    return np.where(k == 0, np.where(n > 0, 0.0, np.nan), low), np.where(k == n, np.where(n > 0, 1.0, np.nan), high)
