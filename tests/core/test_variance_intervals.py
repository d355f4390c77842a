"""Generalised confidence intervals against the exact ones of a one-way layout and of a residual."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core import variance
from crcne_stats.core.designs import Levels, design
from crcne_stats.core.henderson import simulated
from crcne_stats.core.variance_intervals import bounds, mean_squares, pivots


def test_exact_intervals_of_a_one_way_layout() -> None:
    """The residual is a multiple of χ², the intraclass correlation of F (Searle, Casella & McCulloch 1992, § 3.6)."""
    a, n = 8, 5
    study = variance.study(design("p"), Levels({"p": np.repeat(np.arange(a), n)}))
    value = np.array([0.7, 1.3])
    rng = np.random.default_rng(1)
    draws = np.column_stack(
        [study.squares.components(simulated(study.terms, study.levels, value, rng)) for _ in range(8000)]
    )
    facets = [frozenset({"p"}), frozenset({"p", "rating"})]
    explained = pivots(value, draws, mean_squares(facets, [a, a * n], a * n))
    low, high = bounds(value, np.maximum(explained, 0.0))
    df = a * (n - 1)
    exact = 1.3 * df / stats.chi2.ppf([0.975, 0.025], df)
    assert (low[1], high[1]) == pytest.approx(tuple(exact), rel=0.03)
    ratio = (1.3 + n * 0.7) / 1.3 / stats.f.ppf([0.975, 0.025], a - 1, df)
    rho = (ratio - 1) / (ratio + n - 1)
    found = bounds(0.35, explained[0] / explained.sum(axis=0))
    assert (float(found[0]), float(found[1])) == pytest.approx(tuple(rho), abs=0.02)


def test_less_variable_estimates_have_narrower_intervals() -> None:
    value, rng = np.array([1.0, 1.0]), np.random.default_rng(2)
    draws = value[:, None] * rng.chisquare(10, (2, 2000)) / 10
    expected = mean_squares([frozenset({"p"}), frozenset({"p", "rating"})], [10, 50], 50)
    wide, narrow, open_ = (
        np.ptp(bounds(value, pivots(value, draws, expected, given)), axis=0)
        for given in (None, np.diag([0.02, 0.02]), np.full((2, 2), np.nan))
    )
    assert (narrow < 0.7 * wide).all()
    np.testing.assert_allclose(open_, wide)


def test_a_study_without_variance_has_no_width() -> None:
    expected = mean_squares([frozenset({"p"}), frozenset({"p", "rating"})], [4, 8], 8)
    low, high = bounds(np.zeros(2), pivots(np.zeros(2), np.zeros((2, 10)), expected))
    assert not low.any() and not high.any()
