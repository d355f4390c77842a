"""Ranks that hold together, and bounds that do; checked by what they promise over many replicates."""

from __future__ import annotations

import numpy as np
import pytest

from crcne_stats.core.priority import CAP, Signs, index
from crcne_stats.core.ranks import bounds, rank_sets, ranks, surely_larger


def drawn(truth: np.ndarray, se: float, rng: np.random.Generator, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    estimate = truth + se * rng.standard_normal(len(truth))
    return estimate, estimate + se * rng.standard_normal((n, len(truth)))


@pytest.mark.parametrize("truth", [np.zeros(8), np.r_[3.0, 2.9, np.zeros(6)], np.linspace(0, 4, 8)])
def test_sets_and_bounds_hold_together_as_often_as_they_say(truth: np.ndarray) -> None:
    rng, replicates = np.random.default_rng(1), 150
    # Among ties every rank that the others leave is a true one.
    best = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    worst = len(truth) - (truth[None, :] < truth[:, None]).sum(axis=1)
    held = inside = 0
    for _ in range(replicates):
        estimate, draws = drawn(truth, 0.5, rng)
        low, high = rank_sets(estimate, draws)
        held += bool(((low <= best) & (high >= worst)).all())
        below, above = bounds(estimate, draws)
        inside += bool(((below <= truth) & (above >= truth)).all())
    assert held / replicates >= 0.91
    assert 0.91 <= inside / replicates <= 0.99


def test_a_clear_order_is_known_and_stepdown_knows_more_than_a_single_step() -> None:
    rng = np.random.default_rng(2)
    estimate, draws = drawn(np.arange(6.0) * 10, 0.5, rng)
    low, high = rank_sets(estimate, draws)
    assert (low == ranks(estimate)).all() and (high == low).all()
    more = 0
    for _ in range(60):
        estimate, draws = drawn(np.r_[5.0, 4.0, 1.6, 0, 0], 0.5, rng)
        off = draws[:, :, None] - draws[:, None, :]
        spread = off.std(axis=0, ddof=1) + np.eye(5)
        centred = (off - off.mean(axis=0)) / spread
        single = (estimate[:, None] - estimate[None, :]) / spread > np.quantile(centred.max(axis=(1, 2)), 0.95)
        found = surely_larger(estimate, draws)
        assert (found | ~single).all()
        more += int(found.sum() - single.sum())
    assert more > 0


def test_equal_estimates_without_spread_are_not_ordered() -> None:
    low, high = rank_sets(np.array([5.0, 5.0, 1.0]), np.tile([5.0, 5.0, 1.0], (50, 1)))
    assert low.tolist() == [1, 1, 3] and high.tolist() == [2, 2, 3]
    assert ranks(np.array([2.0, 2.0, 5.0])).tolist() == [2, 2, 1]


def test_strain_has_no_size_at_nothing_and_one_at_the_edge() -> None:
    signs = Signs(np.zeros(3, dtype=int), np.zeros(3, dtype=int), np.array([True, False, False]),
                  np.array([0.0, 1.0, 0.0]), np.array([1 / 0.3, -1.0, 20.0]))  # fmt: skip
    edge = signs.strain(np.array([-0.3, 0.0, 0.05]), np.zeros(3))
    np.testing.assert_allclose(edge, 1.0)
    np.testing.assert_allclose(signs.strain(np.array([0.1, 2.0, -0.1]), np.array([0.01, 0, 0])), 0.0, atol=1e-8)
    assert signs.strain(np.array([9.0, -9.0, 9.0]), np.zeros(3)).tolist() == [CAP] * 3


def test_an_index_is_a_mean_of_power_that_ends_at_the_worst() -> None:
    strain, criterion = np.array([0.5, 2.0, 1.0, 0.0]), np.array([0, 0, 1, 2])
    ones = np.ones(4)
    np.testing.assert_allclose(index(strain, ones, criterion, 3, 1.0), [2.5, 1.0, 0.0])
    np.testing.assert_allclose(index(strain, ones, criterion, 3, 2.0), [np.sqrt(4.25), 1.0, 0.0])
    np.testing.assert_allclose(index(strain, ones, criterion, 3, np.inf), [2.0, 1.0, 0.0])
    np.testing.assert_allclose(index(strain, 2 * ones, criterion, 3, 8.0), 2 * index(strain, ones, criterion, 3, 8.0))
