"""Overall levels in simulated ratings: what each trainer thinks of a file as a whole."""

from __future__ import annotations

import numpy as np

from crcne_stats.core.simulation import Design, Parameters, drawn_overall
from crcne_stats.domain.framework import Framework

_CUTS = (-3.9, -1.2, 1.3, 3.7)


def global_keys(framework: Framework) -> list[str]:
    """The criteria that hold an overall level."""
    return [criterion.key for criterion in framework.criteria if criterion.role == "global"]


def global_cuts(framework: Framework) -> dict[str, dict[str, float]]:
    """By criterion, where each level above the lowest begins for a trainer of severity zero, in logits."""
    return {
        key: dict(zip([level.key for level in framework.scale(key)[1:]], _cuts(framework, key).tolist(), strict=True))
        for key in global_keys(framework)
    }


def overall_levels(
    rng: np.random.Generator, framework: Framework, who: Design, true: Parameters, error_sd: float
) -> np.ndarray:
    """Overall levels (student, seat, global criterion) as indices from 0."""
    drawn = [drawn_overall(rng, who, true, _cuts(framework, key), error_sd) for key in global_keys(framework)]
    return np.stack(drawn, axis=2) if drawn else np.zeros((*who.panel.shape, 0), dtype=np.int64)


def _cuts(framework: Framework, key: str) -> np.ndarray:
    n = framework.n_levels(key) - 1
    return np.array(_CUTS) if n == len(_CUTS) else np.linspace(-2, 2, n) if n > 1 else np.zeros(n)
