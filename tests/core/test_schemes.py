"""Shares of wrong levels against simulation and the bivariate normal; sizes against R's power functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core.schemes import Scores, near_cut, power, size_for, wrong_level, wrong_side

POPULATION = Scores(mean=1.9, universe=0.6, single=0.2, cuts=(0.5, 1.5, 2.5, 3.5))


def test_one_cut_as_the_bivariate_normal() -> None:
    for trainers in (1, 2, 5):
        total = POPULATION.universe + POPULATION.absolute(trainers)
        rho = np.sqrt(POPULATION.universe / total)
        h = (1.5 - 1.9) / np.sqrt(POPULATION.universe)
        k = (1.5 - 1.9) / np.sqrt(total)
        both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([h, k])
        expected = stats.norm.cdf(h) + stats.norm.cdf(k) - 2 * both
        assert wrong_side(POPULATION, trainers, 1.5) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("common", [0.0, 0.05])
def test_schemes_as_simulated(common: float) -> None:
    scores = Scores(1.9, 0.6, 0.2, (0.5, 1.5, 2.5, 3.5), common)
    rng = np.random.default_rng(1)
    n, cuts = 400_000, np.array(scores.cuts)
    true = rng.normal(1.9, np.sqrt(0.6), n)
    shared = true + rng.normal(0, np.sqrt(common), n)
    first, second = shared + rng.normal(0, np.sqrt(0.2), (2, n))
    level = np.searchsorted(cuts, true)
    assert wrong_level(scores, 1) == pytest.approx((np.searchsorted(cuts, first) != level).mean(), abs=4e-3)
    assert wrong_level(scores, 2) == pytest.approx(
        (np.searchsorted(cuts, (first + second) / 2) != level).mean(), abs=4e-3
    )
    near = (np.abs(first[:, None] - cuts) < 0.2).any(axis=1)
    seen = np.where(near, (first + second) / 2, first)
    wrong, twice = near_cut(scores, 0.2)
    assert wrong == pytest.approx((np.searchsorted(cuts, seen) != level).mean(), abs=4e-3)
    assert twice == pytest.approx(near.mean(), abs=6e-3)


def test_the_ends_of_the_band() -> None:
    wrong, twice = near_cut(POPULATION, 0.0)
    assert twice == 0
    assert wrong == pytest.approx(wrong_level(POPULATION, 1), abs=3e-3)
    wrong, twice = near_cut(POPULATION, 99.0)
    assert twice == pytest.approx(1)
    assert wrong == pytest.approx(wrong_level(POPULATION, 2), abs=3e-3)


def test_sizes_of_studies() -> None:
    # Two groups, normal test: n = 2 (z_.975 + z_.8)² / d² per group, d per group.
    found = size_for(0.5, lambda n: np.sqrt(2 / n))
    assert found == pytest.approx(2 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / 0.25, rel=1e-4)
    assert power(0.5, np.sqrt(2 / found)) == pytest.approx(0.8, abs=1e-6)
    assert size_for(0.01, lambda n: 1.0 + 0 * n) == float("inf")
    assert size_for(9.0, lambda n: np.sqrt(2 / n)) == 2.0
