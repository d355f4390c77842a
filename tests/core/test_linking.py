"""Linking against published constants and other programs, and its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.linking import (
    Curve,
    Shift,
    aligned,
    excess_variance,
    haberman,
    jackknife_error,
    mean_mean,
    mean_sigma,
    partial_credit_curve,
    robust_z,
    stocking_lord,
)

# Twelve common items of Kolen & Brennan (2014), Table 6.5; constants of Table 6.6 with the digits of STUIRT, example 1.
NEW = np.array([
    [0.4551, -0.7101, 0.2087], [0.5839, -0.8567, 0.2038], [0.7544, 0.0212, 0.1600], [0.6633, 0.0506, 0.1240],
    [1.0690, 0.9610, 0.2986], [0.9672, 0.1950, 0.0535], [0.3479, 2.2768, 0.1489], [1.4579, 1.0241, 0.2453],
    [1.8811, 1.4062, 0.1992], [0.7020, 2.2401, 0.0853], [1.4080, 1.5556, 0.0789], [1.2993, 2.1589, 0.1075],
])  # fmt: skip
OLD = np.array([
    [0.4416, -1.3349, 0.1559], [0.5730, -1.3210, 0.1913], [0.5987, -0.7098, 0.1177], [0.6041, -0.3539, 0.0818],
    [0.9902, 0.5320, 0.3024], [0.8081, -0.1156, 0.0648], [0.4140, 2.5538, 0.2410], [1.3554, 0.5811, 0.2243],
    [1.0417, 0.9392, 0.1651], [0.6336, 1.8960, 0.0794], [1.1347, 1.0790, 0.0630], [0.9255, 2.1337, 0.1259],
])  # fmt: skip
NODES = np.array([-4, -3.111, -2.222, -1.333, -0.4444, 0.4444, 1.333, 2.222, 3.111, 4])
NEW_WEIGHT = np.array(
    [0.0001008, 0.002760, 0.03021, 0.1420, 0.3149, 0.3158, 0.1542, 0.03596, 0.003925, 0.0001862]
)  # fmt: skip
OLD_WEIGHT = np.array(
    [0.0001173, 0.003242, 0.03449, 0.1471, 0.3148, 0.3110, 0.1526, 0.03406, 0.002510, 0.0001116]
)  # fmt: skip
# Eight Rasch items and the constants of R sirt, equating.rasch(fX, fY, theta = seq(-4, 4, by = .05)).
RASCH_X = np.array(
    [-3.188047976, 1.031760328, 0.819040914, -2.706947360, -0.094527077, 0.689697135, -0.551837153, -0.359559276]
)
RASCH_Y = np.array(
    [-3.074599226, 1.01282435, 0.868538408, -2.404483603, 0.037402866, 0.70074742, -0.602555046, -0.350426446]
)


def logistic_curve(items: np.ndarray) -> Curve:
    slope, difficulty, guess = items.T[:, :, None]
    return lambda ability: (guess + (1 - guess) / (1 + np.exp(-1.7 * slope * (ability - difficulty)))).sum(axis=0)


def rasch_curve(difficulty: np.ndarray) -> Curve:
    return partial_credit_curve(difficulty, np.zeros((len(difficulty), 2)))


def test_mean_sigma_and_mean_mean_of_kolen_and_brennan() -> None:
    assert mean_sigma(OLD[:, 1], NEW[:, 1]) == pytest.approx((1.168891, -0.515543), abs=1e-6)
    assert mean_mean(OLD[:, 1], NEW[:, 1], OLD[:, 0], NEW[:, 0]) == pytest.approx((1.217266, -0.557156), abs=1e-6)


def test_stocking_lord_of_kolen_and_brennan() -> None:
    found = stocking_lord(logistic_curve(OLD), logistic_curve(NEW), NODES, OLD_WEIGHT, new_weight=NEW_WEIGHT)
    assert found == pytest.approx((1.083417, -0.487619), abs=1e-5)


def test_rasch_constants_of_sirt() -> None:
    nodes = np.linspace(-4, 4, 161)
    assert mean_mean(RASCH_Y, RASCH_X) == pytest.approx((1.0, 0.068484), abs=1e-6)
    found = stocking_lord(rasch_curve(RASCH_Y), rasch_curve(RASCH_X), nodes, np.ones(161), free_slope=False)
    assert found == pytest.approx((1.0, 0.05736233), abs=1e-4)


def test_least_squares_of_two_forms_is_the_difference_of_means() -> None:
    assert haberman([RASCH_Y, RASCH_X], robust=False).shift[1] == pytest.approx(0.068484, abs=1e-6)


def test_items_that_moved_do_not_pull_a_robust_link() -> None:
    rng = np.random.default_rng(1)
    old = rng.normal(size=15)
    new = old - 0.7 + 0.03 * rng.normal(size=15)
    new[[2, 9, 11]] += 1.5
    found = haberman([old, new])
    assert found.shift[1] == pytest.approx(0.7, abs=0.03)
    assert (found.weight[1, [2, 9, 11]] < 0.01).all() and found.weight.shape == (2, 15)
    assert haberman([old, new], robust=False).shift[1] == pytest.approx(0.4, abs=0.05)


def test_three_forms_in_a_chain() -> None:
    item = np.linspace(-2, 2, 9)
    table = np.array([item, item - 0.4, item - 1.0])
    table[0, 6:] = table[2, :3] = np.nan
    assert haberman(table).shift == pytest.approx([0.0, 0.4, 1.0], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(-2, 2), st.permutations(list(range(8))))
def test_a_common_shift_is_found_whatever_the_order(shift: float, order: list[int]) -> None:
    nodes, weight = np.linspace(-5, 5, 41), np.ones(41)
    new = RASCH_X[order] - shift
    assert mean_sigma(RASCH_X[order], new) == pytest.approx((1.0, shift), abs=1e-9)
    assert haberman([RASCH_X[order], new]).shift[1] == pytest.approx(shift, abs=1e-8)
    found = stocking_lord(rasch_curve(RASCH_X), rasch_curve(new), nodes, weight)
    assert found == pytest.approx((1.0, shift), abs=1e-4)


def test_robust_z_by_hand() -> None:
    # Quartiles 0.1 and 0.3, median 0.2: 0.74 × 0.2 = 0.148.
    assert robust_z([0.0, 0.1, 0.2, 0.3, 1.0]) == pytest.approx(np.array([-0.2, -0.1, 0, 0.1, 0.8]) / 0.148)
    assert np.isnan(robust_z([1.0, 1.0, 1.0])).all()


def test_jackknife_error_is_the_standard_error_of_a_mean() -> None:
    drift = np.random.default_rng(3).normal(size=11)
    assert jackknife_error(drift) == pytest.approx(drift.std(ddof=1) / np.sqrt(11))
    assert np.isnan(jackknife_error([0.3]))


def test_excess_variance_takes_the_sampling_error_off() -> None:
    rng = np.random.default_rng(5)
    covariance = 0.04 * np.eye(4000) + 0.03
    drift = 0.3 * rng.normal(size=4000) + 0.2 * rng.normal(size=4000) + np.sqrt(0.03) * rng.normal()
    assert excess_variance(drift, covariance) == pytest.approx(0.09, abs=0.006)
    assert excess_variance([0.1, 0.1], np.eye(2)) == pytest.approx(-1)  # unbiased, so not cut at 0
    assert excess_variance([0.1], np.eye(1)) == 0.0


def test_errors_of_a_chain_grow() -> None:
    one, two = Shift(0.3, 0.03, 0.04), Shift(-0.1, 0.04, 0.03)
    chain = one + two
    assert chain.value == pytest.approx(0.2) and chain.total == pytest.approx(np.hypot(0.05, 0.05))
    assert chain.interval()[1] - chain.value == pytest.approx(1.959964 * chain.total)


def test_alignment_leaves_the_few_apart() -> None:
    rng = np.random.default_rng(7)
    common = rng.normal(size=10)
    shift = np.array([0.0, 0.6, -0.4, 0.3])
    table = common - shift[:, None] + 0.02 * rng.normal(size=(4, 10))
    table[1, 4] += 1.2
    table[2, 7] -= 1.0
    table[3, 2] = np.nan
    found = aligned(table, np.ones(4))
    assert found - found[0] == pytest.approx(shift, abs=0.04)
    assert aligned(table[:1], np.ones(1)).tolist() == [0.0]
