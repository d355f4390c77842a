"""Accuracy and consistency against enumeration and simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core.classification import effective_length, lee, livingston_lewis, rudner, total_distribution


def test_totals_as_enumerated() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(4), (3, 5))
    p[:, 2, 3] = 0
    p /= p.sum(axis=2, keepdims=True)
    expected = np.zeros((3, 16))
    for scores in product(range(4), repeat=5):
        expected[:, sum(scores)] += np.prod([p[:, rating, score] for rating, score in enumerate(scores)], axis=0)
    np.testing.assert_allclose(total_distribution(p), expected, atol=1e-14)


def test_lee_as_enumerated() -> None:
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.ones(3), (4, 3))
    weight, true = np.array([0.1, 0.4, 0.3, 0.2]), np.array([0, 1, 1, 2])
    level = np.array([0, 0, 1, 1, 1, 2, 2])
    table, twice = np.zeros((3, 3)), 0.0
    outcomes = list(product(range(3), repeat=3))
    for node in range(4):
        chance = {one: float(np.prod([p[node, r, s] for r, s in enumerate(one)])) for one in outcomes}
        for one in outcomes:
            table[true[node], level[sum(one)]] += weight[node] * chance[one]
            twice += weight[node] * chance[one] * sum(
                chance[two] for two in outcomes if level[sum(two)] == level[sum(one)]
            )  # fmt: skip
    found = lee(total_distribution(p), level, true, weight)
    np.testing.assert_allclose(found.table, table, atol=1e-14)
    assert found.consistency == pytest.approx(twice)
    assert found.accuracy + found.too_high + found.too_low == pytest.approx(1)


def test_rudner_by_hand() -> None:
    found = rudner([0.5, -1.0], [0.4, 0.8], [0.0])
    stays = [stats.norm.cdf(0.5 / 0.4), stats.norm.cdf(1.0 / 0.8)]
    assert found.accuracy == pytest.approx(np.mean(stays))
    assert found.too_high == pytest.approx((1 - stays[0]) / 2)
    assert found.too_low == pytest.approx((1 - stays[1]) / 2)
    assert found.consistency == pytest.approx(np.mean([s**2 + (1 - s) ** 2 for s in stays]))


def test_livingston_lewis_on_the_model_that_it_supposes() -> None:
    rng = np.random.default_rng(3)
    n, length, a, b = 200_000, 40, 6.0, 4.0
    true = rng.beta(a, b, n)
    scores = rng.binomial(length, true)
    variance_true = a * b / ((a + b) ** 2 * (a + b + 1))
    reliability = variance_true / scores.var() * length**2
    cuts = [15.5, 24.5, 31.5]
    found = livingston_lewis(scores, reliability, 0, length, cuts)
    mean = scores.mean() / length
    assert effective_length(mean, scores.var() / length**2, reliability) == pytest.approx(length, abs=1)
    observed = np.searchsorted(cuts, scores)
    deserved = np.searchsorted(np.array(cuts) / length, true)
    assert found.accuracy == pytest.approx((observed == deserved).mean(), abs=0.01)
    again = np.searchsorted(cuts, rng.binomial(length, true))
    assert found.consistency == pytest.approx((observed == again).mean(), abs=0.01)
    assert found.too_high == pytest.approx((observed > deserved).mean(), abs=0.01)


@pytest.mark.parametrize(("scores", "reliability"), [([1, 1, 1], 0.8), ([1, 2, 3], 1.0), ([1, 2, 3], 0.0)])
def test_what_cannot_be_classified(scores: list[int], reliability: float) -> None:
    with pytest.raises(ValueError, match="vary"):
        livingston_lewis(scores, reliability, 0, 4, [1.5])
