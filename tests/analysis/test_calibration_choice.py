"""What the choice of anchors adds to the error of a link, against its own simulation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crcne_stats.analysis.calibration_fit import Anchors, anchors

ERROR = 0.08
"""Standard error of each difference."""


def linked(value: np.ndarray, kind: str = "same", **settings: Any) -> Anchors:
    """Anchors among independent differences (criterion,), as a fit would show them."""
    n = len(value)
    rows = np.zeros((n, 2, n))
    rows[:, 1] = np.eye(n)
    found: Any = SimpleNamespace(
        asked=SimpleNamespace(kind=[kind] * n), known=np.ones((n, 2), dtype=bool), difficulty=rows, estimate=value,
        covariance=ERROR**2 * np.eye(n), students=np.full((n, 2), 300),
    )  # fmt: skip
    return anchors(found, **{"alpha": 0.05, "reworded": "test", "link": "mean"} | settings)


def test_the_error_of_the_link_is_the_spread_of_links() -> None:
    rng = np.random.default_rng(3)
    true = np.r_[0.5, -0.5, np.zeros(11)]
    rows = []
    for _ in range(200):
        value = true + ERROR * rng.standard_normal(13)
        held = linked(value)
        rows.append([held.weight @ value, ERROR**2 * (held.weight**2).sum(), held.choice, (held.weight[2:] == 0).any()])
    link, sampling, choice, thrown = np.array(rows).T
    assert 0.03 < thrown.mean() < 0.25
    # What is known of the link without the choice is less than its spread; 200 links know their spread within 20 %.
    assert choice.mean() > 0.08 * sampling.mean() and choice[thrown > 0].mean() > choice[thrown == 0].mean()
    assert (sampling + choice).mean() == pytest.approx(link.var(), rel=0.2)
    assert 0.9 < (np.abs(link) < 1.96 * np.sqrt(sampling + choice)).mean() < 0.99


def test_a_clear_choice_adds_nothing_and_a_doubtful_one_much() -> None:
    quiet = np.array([0.01, -0.02, 0.0, 0.02, -0.01, 0.015, -0.015, 0.0])
    far, near = quiet.copy(), quiet.copy()
    far[0], near[0] = 5.0, 0.24
    settings = {"alpha": 1e-6, "reworded": "never"}
    assert linked(far, **settings).choice == 0.0
    # Beyond the bound by chance: now in, now out, each time moving the mean of the other seven by a share of 0.24.
    assert 0 < linked(near).choice < (0.24 / 8) ** 2
    assert linked(near).choice > 3 * linked(quiet).choice
    assert linked(quiet[:1]).choice == 0.0


def test_a_robust_link_has_it_too() -> None:
    value = np.r_[0.5, ERROR * np.random.default_rng(2).standard_normal(9)]
    held = linked(value, link="robust")
    assert held.weight[0] < 0.01 and held.choice > 0 and held.variance >= 0
    assert held.choice < (ERROR**2 * held.weight**2).sum()
