"""Intervals against package boot on the same draws; jackknife and influence against leaving students out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from crcne_stats.core import agreement, intervals
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.influence import influence, standard_errors
from crcne_stats.core.jackknife import jackknife, jackknife_se
from crcne_stats.core.weights import weight_matrix

PEER = json.loads((Path(__file__).parents[1] / "reference" / "intervals.json").read_text(encoding="utf-8"))
MANY = [name for name, entry in agreement.COEFFICIENTS.items() if entry.files != "pair"]


def some(trainers=6, n=50, seed=3) -> Counts:
    """Students with one or two files, each rated by one to three trainers, on four levels."""
    rng = np.random.default_rng(seed)
    rows = []
    for file in range(2 * n):
        if file % 2 == 0 or rng.random() < 0.5:
            base = rng.integers(0, 4)
            for trainer in rng.choice(trainers, min(trainers, rng.integers(1, 4)), replace=False):
                rows.append((file, trainer, np.clip(base + rng.integers(-1, 2), 0, 3)))
    return counts(*np.array(rows).T, np.arange(4), np.arange(2 * n) // 2)


def test_bca_as_boot():
    draws, value = np.array(PEER["draws"]), PEER["value"]
    pull = np.array(PEER["influence"])
    z0, a = intervals.bias_correction(draws, value), intervals.acceleration(pull)
    np.testing.assert_allclose(intervals.bca_probabilities(z0, a), PEER["bca_probability"], atol=2e-5)
    # boot interpolates between draws on the normal scale, numpy on the plain one.
    np.testing.assert_allclose(intervals.bca(draws, value, pull), PEER["bca"], rtol=2e-3)
    np.testing.assert_allclose(intervals.percentile(draws), PEER["percentile"], rtol=2e-3)


def test_draws_equal_to_the_value_count_half_and_one_sided_draws_give_no_interval():
    even = np.array([0.4, 0.5, 0.5, 0.5, 0.6])
    assert intervals.bias_correction(even, 0.5) == pytest.approx(0)
    assert np.isnan(intervals.bca(np.array([0.6, 0.7, np.nan, 0.8]), 0.5, np.array([-1.0, 1.0]))).all()
    both = intervals.percentile(np.stack([even, np.full(5, np.nan)], axis=1))
    assert np.isfinite([bound[0] for bound in both]).all() and np.isnan([bound[1] for bound in both]).all()


@pytest.mark.parametrize("name", list(intervals.TRANSFORMS))
def test_transforms_go_and_come_back_with_their_slope(name):
    scale, x, h = intervals.TRANSFORMS[name], np.array([0.1, 0.5, 0.93]), 1e-6
    np.testing.assert_allclose(scale.back(scale.to(x)), x, rtol=1e-12)
    np.testing.assert_allclose((scale.to(x + h) - scale.to(x - h)) / (2 * h), scale.slope(x), rtol=1e-6)
    low, high = intervals.t_interval(x, 0.01, 30, transform=name)
    assert ((low < x) & (x < high)).all()
    assert name == "none" or np.isnan(intervals.t_interval(1.0, 0.1, 30, transform=name)).all()


@pytest.mark.parametrize("weights", ["identity", "quadratic", "krippendorff_ordinal"])
@pytest.mark.parametrize("name", MANY)
def test_jackknife_is_leaving_each_student_out(name, weights):
    data = some()
    w, n = weight_matrix(weights, data.scores), 50
    without, entry = jackknife(data, name, w, n), agreement.COEFFICIENTS[name]
    by_hand = []
    for student in range(n):
        rest = data.only(data.cluster != student)
        by_hand.append(agreement.values(agreement.moments_of(rest, name, w), name, w)[0][0])
    counted = ~np.isnan(without)
    assert counted.sum() == (data.n_students_pairable if entry.files == "pairable" else data.n_students)
    np.testing.assert_allclose(without[counted], np.array(by_hand)[counted], rtol=1e-10)


@pytest.mark.parametrize("name", MANY)
def test_influence_has_the_linearised_error_and_resembles_the_jackknife(name):
    data, n = some(n=400), 400
    w = weight_matrix("quadratic", data.scores)
    value, pull = influence(data, name, w, n)
    found = agreement.estimate(data, name, w, convention="delta")
    np.testing.assert_allclose([value, standard_errors(pull)], [found.value, found.se], rtol=1e-12)
    without = jackknife(data, name, w, n)
    left = without[~np.isnan(pull)]
    assert np.corrcoef(pull[~np.isnan(pull)], -left)[0, 1] > 0.999
    np.testing.assert_allclose(
        jackknife_se(without), found.se, rtol=0.04
    )  # pairs with few students each move Light most


def test_two_trainers_and_light():
    data = some(trainers=2)
    w = weight_matrix("linear", data.scores)
    both = data.only(data.pairable)
    for name in ("cohen", "scott"):
        value, pull = influence(data, name, w, 50)
        found = agreement.estimate(both, name, w)
        np.testing.assert_allclose([value, standard_errors(pull)], [found.value, found.se], rtol=1e-12)
        assert (~np.isnan(jackknife(data, name, w, 50))).sum() == both.n_students
    many = some()
    value, pull = influence(many, "light", w, 50)
    found = agreement.estimate(many, "light", w)
    np.testing.assert_allclose([value, standard_errors(pull)], [found.value, found.se], rtol=1e-10)


def test_where_nothing_exists():
    alone = counts([0, 1, 2], [0, 1, 0], [0, 1, 2], np.arange(3))
    for name in ("fleiss", "krippendorff", "cohen", "light"):
        value, pull = influence(alone, name, np.eye(3), 3)
        assert np.isnan(value) and np.isnan(pull).all()
    assert np.isnan(jackknife(alone, "krippendorff", np.eye(3), 3)).all()
    assert np.isnan(standard_errors(np.full((3, 1), np.nan))).all()
