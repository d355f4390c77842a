"""Variance components by REML, against lme4 (tests/reference/components.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.components import components

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "components.json").read_text(encoding="utf-8"))
SHROUT = np.array([(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)], dtype=float)
PERSON, RATER = np.indices(SHROUT.shape)
KEPT = np.ones(SHROUT.shape, dtype=bool)
KEPT[2, 0] = KEPT[1, 2] = False


def nested():
    entry = REFERENCE["nested"]
    return [np.array(entry[name]) for name in ("y", "person", "rater", "place")]


def data(name):
    y, person, rater, place = nested()
    return {
        "shrout": (SHROUT.ravel(), PERSON.ravel(), [RATER.ravel()]),
        "shrout_one_way": (SHROUT.ravel(), PERSON.ravel(), []),
        "holes": (SHROUT[KEPT], PERSON[KEPT], [RATER[KEPT]]),
        "nested": (y, person, [rater], place),
        "nested_one_mean": (y, person, [rater]),
        "nested_random_place": (y, person, [rater, place]),
    }[name]


@pytest.mark.parametrize(
    "name", ["shrout", "shrout_one_way", "holes", "nested", "nested_one_mean", "nested_random_place"]
)
def test_equal_to_lme4(name):
    found = components(*data(name))
    variance = REFERENCE[name]["variance"]
    wanted = [variance[key] for key in ("person", "rater", "place", "Residual") if key in variance]
    np.testing.assert_allclose(found.variance, wanted, rtol=1e-5, atol=1e-6)
    assert found.deviance == pytest.approx(REFERENCE[name]["criterion"], abs=1e-7)
    assert found.converged and not found.boundary.any()


def test_a_balanced_design_gives_mean_squares_and_their_errors():
    found = components(*data("shrout"))
    np.testing.assert_allclose(found.variance, [2.5555556, 5.2444444, 1.0194444], rtol=1e-6)
    assert found.covariance[2, 2] == pytest.approx(2 * 1.0194444**2 / 15, rel=1e-5)
    student = 4 * 2.5555556 + 1.0194444
    of_student = 16 * found.covariance[0, 0] + 8 * found.covariance[0, 2] + found.covariance[2, 2]
    assert of_student == pytest.approx(2 * student**2 / 5, rel=1e-5)


def test_which_factor_is_eliminated_makes_no_difference():
    y, person, (rater,) = data("holes")
    one, other = components(y, person, [rater]), components(y, rater, [person])
    np.testing.assert_allclose(one.variance, other.variance[[1, 0, 2]], rtol=1e-6)
    np.testing.assert_allclose(one.covariance, other.covariance[np.ix_([1, 0, 2], [1, 0, 2])], rtol=1e-4)


def test_a_component_that_wants_to_be_negative_stops_at_zero_and_shows_it():
    table = np.array([[1.0, 2, 4], [4, 1, 2], [2, 4, 1], [1, 4, 2]])  # students equal on average
    found = components(table.ravel(), np.repeat(np.arange(4), 3), [np.tile(np.arange(3), 4)])
    assert found.variance[0] == 0 and found.boundary[0]
    n, k = table.shape
    error = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    squares = (error**2).sum() / ((n - 1) * (k - 1))
    assert found.unbounded[0] == pytest.approx(table.mean(axis=1).var(ddof=1) - squares / k, rel=1e-6)
    assert found.converged and (found.variance >= 0).all()


def test_ratings_without_a_residual_are_told():
    table = np.arange(4.0)[:, None] + np.array([0.0, 2, 5])
    found = components(table.ravel(), np.repeat(np.arange(4), 3), [np.tile(np.arange(3), 4)])
    assert found.residual_zero and found.variance[-1] == 0
    assert found.variance[0] == pytest.approx(np.arange(4).var(ddof=1), rel=1e-3)


def test_no_more_ratings_than_means_is_refused():
    with pytest.raises(ValueError, match="no more ratings"):
        components([1.0, 2.0], [0, 1], [], [0, 1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-5, 5))
def test_order_labels_origin_and_unit_make_no_difference(seed, unit, origin):
    rng = np.random.default_rng(seed)
    person, rater = np.repeat(np.arange(30), 2), rng.integers(0, 5, 60)
    y = rng.normal(size=30)[person] + rng.normal(size=5)[rater] + rng.normal(size=60)
    order = rng.permutation(60)
    plain = components(y, person, [rater])
    moved = components((origin + unit * y)[order], 7 + 3 * person[order], [9 - rater[order]])
    np.testing.assert_allclose(moved.variance, unit**2 * plain.variance, rtol=1e-4, atol=1e-5 * unit**2)


DATA = Path(__file__).parents[3] / "shared" / "data"
"""Public data sets that the repository does not hold, where they stand beside it."""


@pytest.mark.skipif(not DATA.is_dir(), reason="the public data sets are not here")
@pytest.mark.parametrize(
    ("name", "file", "item"),
    [
        ("penicillin", "lme4_penicillin.csv", None),
        ("ratings1_k1", "sirt_ratings1.csv", "k1"),
        ("ratings1_k1_one_way", "sirt_ratings1.csv", "k1"),
        ("insteval", "insteval.csv", None),
    ],
)
def test_equal_to_lme4_on_real_data(name, file, item):
    frame = pd.read_csv(DATA / file)
    frame = frame if item is None else frame[frame["item"] == item]
    person, rater = pd.factorize(frame["person"])[0], pd.factorize(frame["rater"])[0]
    both = sorted([("person", person), ("rater", rater)], key=lambda pair: -pair[1].max())
    if name.endswith("one_way"):
        both = [("person", person)]
    found = components(frame["score"], both[0][1], [codes for _, codes in both[1:]])
    wanted = [REFERENCE[name]["variance"][key] for key in (*(key for key, _ in both), "Residual")]
    np.testing.assert_allclose(found.variance, wanted, rtol=1e-5)
    assert found.deviance == pytest.approx(REFERENCE[name]["criterion"], abs=1e-6)
