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


def test_rudner_as_enumerated() -> None:
    """Every pattern of 3 criteria × 3 levels, every true ability around its estimate, every second estimate."""
    steps, nodes = np.array([[-0.9, 0.4], [-0.2, 1.1], [-1.3, 0.7]]), np.linspace(-6, 6, 241)
    cuts, width, reach = np.array([-0.5, 0.7]), 0.01, 600
    summed = np.hstack([np.zeros((3, 1)), np.cumsum(steps, axis=1)])
    odds = np.exp(nodes[:, None, None] * np.arange(3) - summed)
    chance = odds / odds.sum(axis=2, keepdims=True)
    table, twice, estimates, errors = np.zeros((3, 3)), 0.0, [], []
    patterns = list(product(range(3), repeat=3))
    for pattern in patterns:
        posterior = stats.norm.pdf(nodes) * np.prod([chance[:, c, s] for c, s in enumerate(pattern)], axis=0)
        posterior /= posterior.sum()
        estimate = float(posterior @ nodes)
        se = float(np.sqrt(posterior @ (nodes - estimate) ** 2))
        # A lattice on which cuts lie half way between two abilities.
        first = np.floor((estimate - cuts[0]) / width)
        lattice = cuts[0] + width * (first + np.arange(-reach, reach) + 0.5)
        share = stats.norm.pdf(lattice, estimate, se) * width
        true = [sum(ability >= cut for cut in cuts) for ability in lattice]
        observed = sum(estimate >= cut for cut in cuts)
        for level, part in zip(true, share, strict=True):
            table[level, observed] += part / len(patterns)
        same = np.equal.outer(true, true)
        twice += float(np.outer(share, share)[same].sum()) / len(patterns)
        estimates.append(estimate)
        errors.append(se)
    found = rudner(estimates, errors, cuts)
    np.testing.assert_allclose(found.table, table, atol=1e-5)
    assert found.accuracy == pytest.approx(np.trace(table), abs=1e-5)
    assert found.consistency == pytest.approx(twice, abs=1e-5)
    assert found.too_high == pytest.approx(sum(table[t, o] for t, o in product(range(3), repeat=2) if o > t), abs=1e-5)


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
