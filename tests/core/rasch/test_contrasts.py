"""Contrasts: arithmetic by hand, errors against the sandwich, the omnibus test against its own simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core.rasch import contrasts
from crcne_stats.core.rasch.bias import adjusted
from crcne_stats.core.rasch.contrasts import Contrasts, combined
from crcne_stats.core.rasch.design import Model, RatingData
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import one_mean


def test_combinations_by_hand() -> None:
    found = combined(
        np.array([[1.0, -1, 0], [0.5, 0.5, -1]]), np.array([3.0, 1, 1]), np.diag([1.0, 4, 9]), np.array([10.0, 30])
    )
    np.testing.assert_allclose(found.value, [2, 1])
    np.testing.assert_allclose(found.covariance, [[5, -1.5], [-1.5, 10.25]])
    high = found.interval()[1]
    assert high[0] - 2 == pytest.approx(2.2281388519649385 * np.sqrt(5))  # qt(.975, 10) in R
    assert found.p[0] == pytest.approx(2 * stats.t.sf(2 / np.sqrt(5), 10))
    assert found.beyond(1.5)[0] == pytest.approx(stats.t.sf(0.5 / np.sqrt(5), 10))


def test_independent_contrasts_have_the_plain_chi_square() -> None:
    z = np.array([0.3, -1.2, 2.5, 0.8])
    chi2, df, p = Contrasts(2 * z, 4 * np.eye(4), np.full(4, 1e9)).omnibus()
    assert (chi2, df) == pytest.approx(((z**2).sum(), 4), rel=1e-6)
    assert p == pytest.approx(stats.chi2.sf((z**2).sum(), 4), rel=1e-5)
    same = Contrasts(np.full(4, 2.0), np.ones((4, 4)), np.full(4, 1e9)).omnibus()
    assert same == pytest.approx((4, 1, stats.chi2.sf(4, 1)), rel=1e-5)
    assert np.isnan(Contrasts(np.zeros(2), np.zeros((2, 2)), np.ones(2)).omnibus()).all()


def test_the_omnibus_test_rejects_at_its_level_with_dependent_contrasts() -> None:
    rng = np.random.default_rng(0)
    shift = np.eye(9) - np.kron(np.eye(3), np.ones((3, 3)) / 3)
    drawn = rng.normal(size=(2000, 9)) @ shift.T
    p = [Contrasts(row, shift @ shift.T, np.full(9, 1e9)).omnibus()[2] for row in drawn]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)


def test_leverages_by_hand() -> None:
    # Cell 0 has students 0 and 1, cell 1 students 1, 2, 3; a rating more of the same pair changes nothing.
    got = contrasts.leverages(np.array([0, 0, 1, 1, 1, 1]), np.array([0, 1, 1, 2, 3, 3]), 5)
    np.testing.assert_allclose(got, [1 / 2, 1 / 2 + 1 / 3, 1 / 3, 1 / 3, 0])


def test_the_centre_leaves_out_what_stands_out() -> None:
    value = np.array([0.1, -0.1, 0.0, 2.0, 0.05, -0.05])
    weights = contrasts.centre(Contrasts(value, 0.01 * np.eye(6), np.full(6, 100.0)), 0.05)
    np.testing.assert_allclose(weights, [0.2, 0.2, 0.2, 0, 0.2, 0.2])
    nothing = contrasts.centre(Contrasts(value / 100, 0.01 * np.eye(6), np.full(6, 100.0)), 0.05)
    np.testing.assert_allclose(nothing, 1 / 6)
    torn = contrasts.centre(Contrasts(np.repeat([0.0, 5], 3), 0.01 * np.eye(6), np.full(6, 100.0)), 0.05)
    assert (torn > 0).sum() >= 3


def test_without_leverage_the_errors_are_those_of_the_sandwich_and_grow_with_it() -> None:
    rng = np.random.default_rng(1)
    student, trainer, item = (index.ravel() for index in np.indices((60, 2, 4)))
    trainer = (trainer + student) % 5
    score = np.clip(np.round(1.5 + rng.normal(size=60)[student] + rng.normal(size=len(student))), 0, 3).astype(int)
    data = RatingData(
        student, {"trainer": trainer, "criterion": item}, score, 60, {"trainer": 5, "criterion": 4}, np.full(4, 4)
    )
    found = fit(data, Model(), one_mean(60))
    plain = contrasts.whole_students(found, np.zeros(60))
    free = found.plan.free
    np.testing.assert_allclose(np.sqrt(np.diag(plain))[free], found.robust_se[free], rtol=1e-3)
    larger = contrasts.whole_students(found, np.full(60, 0.19))
    np.testing.assert_allclose(larger, plain / 0.81, rtol=1e-9)


def test_many_draws_are_centred_as_each_alone() -> None:
    rng = np.random.default_rng(4)
    root = 0.1 * rng.normal(size=(9, 9))
    given = Contrasts(np.zeros(9), root @ root.T + 0.01 * np.eye(9), np.full(9, 40.0))
    draws = rng.normal(size=(30, 9)) * rng.choice([0.1, 1.0], (30, 9))
    together = contrasts.centres(draws, given, 0.05)
    for row, weight in zip(draws, together, strict=True):
        np.testing.assert_array_equal(weight, contrasts.centre(Contrasts(row, given.covariance, given.df), 0.05))
        alone = combined(np.eye(9) - weight, row, given.covariance, given.df)
        value, se = contrasts.measured_from(row[None, :], given.covariance, weight[None, :])
        np.testing.assert_allclose(value[0], alone.value)
        np.testing.assert_allclose(se[0], alone.se)


def test_p_values_adjusted_as_in_r() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    # p.adjust(c(.01, .04, .03), "BH") in R
    np.testing.assert_allclose(adjusted(p), [0.03, np.nan, 0.04, 0.04])
