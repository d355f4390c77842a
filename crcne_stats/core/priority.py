"""One number from several signs that a criterion does not work, on a scale where 1 is the edge of the tolerable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CAP = 5.0
"""Five times the tolerable counts as much as ten times."""


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of trouble, all (sign,): a criterion has several of one symptom (one for each group, pair of levels, …).

    ``criterion`` and ``symptom`` are codes. A two-sided sign (a difference between groups) counts by its size; any
    other has the strain ``offset + slope * value``; ``slope`` is one over the tolerable size.
    """

    criterion: Ints
    symptom: Ints
    two_sided: Bools
    offset: Floats
    slope: Floats

    def strain(self, value: Floats, noise: Floats) -> Floats:
        """Strain (…, sign) of values (…, sign): 0 is none, 1 the edge of the tolerable, no more than :data:`CAP`.

        ``noise`` (sign,) is the variance that sampling adds to the square of a two-sided value, which would make every
        difference look larger than it is; it is taken off.
        """
        size = np.sqrt(np.maximum(value**2 - noise, 0.0)) * self.slope
        return np.clip(np.where(self.two_sided, size, self.offset + self.slope * value), 0.0, CAP)

    def known(self, strain: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Bounds of the strain (sign,) from bounds of the value (sign,)."""
        ends = np.sort([self.offset + self.slope * low, self.offset + self.slope * high], axis=0)
        least = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high))) * self.slope
        most = np.maximum(np.abs(low), np.abs(high)) * self.slope
        bottom = np.where(self.two_sided, least, ends[0])
        return np.clip(np.minimum(bottom, strain), 0, CAP), np.clip(np.where(self.two_sided, most, ends[1]), 0, CAP)


def index(strain: Floats, weight: Floats, criterion: Ints, n: int, power: float) -> Floats:
    """The index (…, criterion) of strains (…, sign): (Σ (weight · strain)^power)^(1 / power).

    With a large power it is hardly more than the worst sign, as a chain is as weak as its weakest link, and still
    smooth, so that it can be resampled; infinity takes the worst sign itself.
    """
    weighted = strain * weight
    answer = np.zeros((*strain.shape[:-1], n))
    for place in range(n):
        own = weighted[..., criterion == place]
        if not own.shape[-1]:
            continue
        top = own.max(axis=-1)
        if np.isinf(power):
            answer[..., place] = top
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(top[..., None] > 0, own / np.maximum(top, 1e-300)[..., None], 0.0)
        answer[..., place] = top * (share**power).sum(axis=-1) ** (1 / power)
    return answer
