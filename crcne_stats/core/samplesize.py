"""How many students must be rated twice for an interval of a wanted width.

The error of an agreement coefficient falls with the root of the number of students, the shares of students rated once,
twice and more being kept; a study in hand thus tells what the next one needs (Gwet 2014, Handbook of Inter-Rater
Reliability, 4th ed., ch. 5, with the error found in the place of an assumed one).
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

MOST = 10_000_000


def half_width(se: float, n: float, wanted: float, level: float = 0.95) -> float:
    """Half-width of the t interval with ``wanted`` students, when ``n`` of them gave the standard error ``se``."""
    return float(stats.t.ppf((1 + level) / 2, wanted - 1) * se * np.sqrt(n / wanted))


def students_needed(se: float, n: int, wanted: float, level: float = 0.95) -> float:
    """The least number of students (2 or more) whose t interval has a half-width of at most ``wanted``.

    ``n`` students gave the standard error ``se``. NaN without an error, or where more than :data:`MOST` are needed.
    """
    if not (se > 0 and wanted > 0 and n > 1):
        return float("nan")
    if half_width(se, n, 2, level) <= wanted:
        return 2.0
    if half_width(se, n, MOST, level) > wanted:
        return float("nan")
    root = optimize.brentq(lambda m: half_width(se, n, m, level) - wanted, 2, MOST, xtol=1e-6)
    near = max(2, int(root) - 1)
    return float(next(m for m in range(near, near + 4) if half_width(se, n, m, level) <= wanted))
