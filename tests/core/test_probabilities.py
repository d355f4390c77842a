"""Category probabilities of the many-facet model."""

from __future__ import annotations

import numpy as np

from crcne_stats.core.rasch.probabilities import category_probabilities, drawn_categories

THRESHOLDS = np.array([-1.0, 0.2, 1.3])


def test_log_odds_of_neighbouring_levels_are_location_less_threshold():
    location = np.linspace(-3, 3, 7)
    p = category_probabilities(location, THRESHOLDS)
    np.testing.assert_allclose(np.log(p[:, 1:] / p[:, :-1]), location[:, None] - THRESHOLDS)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_an_infinite_threshold_closes_a_level():
    p = category_probabilities(np.zeros(3), np.array([-1, 0.2, np.inf]))
    assert (p[:, 3] == 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_extreme_locations_overflow_nothing():
    p = category_probabilities(np.array([-2000.0, 2000.0]), THRESHOLDS)
    np.testing.assert_allclose(p[[0, 1], [0, 3]], 1)


def test_draws_follow_the_probabilities():
    drawn = drawn_categories(np.random.default_rng(0), np.full(200_000, 0.4), THRESHOLDS)
    expected = category_probabilities([0.4], THRESHOLDS)[0]
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / len(drawn), expected, atol=0.005)
