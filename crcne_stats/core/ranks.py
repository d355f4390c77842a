"""Ranks of estimates with the ranks that each may really have, and bounds that hold for all estimates at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def bounds(estimate: Floats, draws: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Bounds (element,) that hold for all elements together, from resamples (resample, element).

    The estimate less and plus a multiple of its standard deviation over resamples; the multiple is the quantile of the
    largest deviation in units of that (max-t; Romano & Wolf 2005, doi:10.1198/016214504000000539).
    """
    spread = draws.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(spread > 0, np.abs(draws - draws.mean(axis=0)) / spread, 0.0)
    reach = np.quantile(off.max(axis=1, initial=0.0), level) * spread
    return estimate - reach, estimate + reach


def ranks(estimate: Floats) -> Ints:
    """Rank of each element (element,), 1 the largest; equal ones share the best."""
    return np.asarray(1 + (estimate[None, :] > estimate[:, None]).sum(axis=1), dtype=np.int64)


def rank_sets(estimate: Floats, draws: Floats, level: float = 0.95) -> tuple[Ints, Ints]:
    """Best and worst rank (element,) that the data leave open for each element, for all of them together.

    Which of two elements is larger is tested for every ordered pair, at one critical value for all the pairs still open
    (max-t); those rejected leave, and the rest is tested again with a smaller one (stepdown). An element's best rank is
    one more than the elements surely larger, its worst the number of elements less those surely smaller. With the
    given probability all the sets hold their true rank. Resampled ranks would not do so where elements are nearly tied.

    Mogstad, Romano, Shaikh & Wilhelm (2024), doi:10.1093/restud/rdad006; Romano & Wolf (2005),
    doi:10.1198/016214504000000539.

    Parameters
    ----------
    estimate : (element,)
    draws : (resample, element)
    """
    surely = surely_larger(estimate, draws, level)
    n = len(estimate)
    return 1 + surely.sum(axis=0), n - surely.sum(axis=1)


def surely_larger(estimate: Floats, draws: Floats, level: float = 0.95) -> NDArray[np.bool_]:
    """(element, other): whether an element is surely larger than the other, errors of all pairs being controlled."""
    n = len(estimate)
    first, other = np.nonzero(~np.eye(n, dtype=bool))
    gap = estimate[first] - estimate[other]
    off: Any = draws[:, first] - draws[:, other]
    off = off - off.mean(axis=0)
    spread = off.std(axis=0, ddof=1)
    moves = spread > 1e-12 * (1 + np.abs(gap))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(moves, gap / spread, np.where(gap > 0, np.inf, -np.inf))
        off = np.where(moves, off / spread, 0.0)
    open_ = np.ones(len(t), dtype=bool)
    while open_.any():
        critical = np.quantile(off[:, open_].max(axis=1), level)
        rejected = open_ & (t > critical)
        if not rejected.any():
            break
        open_ &= ~rejected
    answer = np.zeros((n, n), dtype=bool)
    answer[first[~open_], other[~open_]] = True
    return answer
