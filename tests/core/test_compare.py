"""Coefficients compared, against R pairedCAC, R multiagree and p.adjust."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core.compare import (
    adjusted,
    all_differences,
    difference,
    homogeneity,
    hotelling,
    independent_difference,
    wald,
)
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.influence import influences, standard_errors
from crcne_stats.core.weights import weight_matrix

REFERENCE = Path(__file__).parents[1] / "reference"
PAIRED = json.loads((REFERENCE / "paired.json").read_text(encoding="utf-8"))
PEER = json.loads((REFERENCE / "compare.json").read_text(encoding="utf-8"))


def whole(matrix, n_levels, student=None) -> Counts:
    """Counts from a complete matrix (file, trainer) of levels."""
    table = np.asarray(matrix)
    file, trainer = np.indices(table.shape)
    owner = np.arange(len(table)) if student is None else student
    return counts(file.ravel(), trainer.ravel(), table.ravel(), np.arange(n_levels), owner)


@pytest.mark.parametrize("row", PAIRED["rows"], ids=lambda row: f"{row[0]}-{row[1]}")
def test_gwet_paired_test_as_pairedcac_prints_it(row):
    sides = [np.array([[int(x) - 1 for x in line] for line in PAIRED[f"ratings{side}"]]) for side in (1, 2)]
    w = weight_matrix(row[1], np.arange(3.0))
    values, pull = influences([(whole(side, 3), row[0], w) for side in sides], 15)
    found = difference(values[1], values[0], pull[:, [1, 0]])
    ours = [values[0], values[1], found.value, found.se, found.t, found.p]
    np.testing.assert_allclose(ours, row[2:], rtol=2e-6)
    assert (found.df, found.n_students) == (14, 15)


@pytest.mark.parametrize("weights", ["linear", "identity"])
def test_hotelling_of_kappas_within_patients_as_multiagree(weights):
    ratings, patient = np.array(PEER["fees"]["ratings"]), np.array(PEER["fees"]["subject"])
    owner = np.unique(patient, return_inverse=True)[1]
    w = weight_matrix(weights, np.arange(3.0))
    asked = [(whole(ratings[:, [k, k + 1]], 3, owner), "cohen", w) for k in (0, 2, 4)]
    values, pull = influences(asked, owner.max() + 1)
    found, wanted = hotelling(values, pull), PEER["fees"][weights]
    np.testing.assert_allclose(values, wanted["kappa"], rtol=1e-12)
    np.testing.assert_allclose(standard_errors(pull), wanted["se"], rtol=1e-10)
    np.testing.assert_allclose(np.corrcoef(pull.T), wanted["cor"], rtol=1e-9)
    np.testing.assert_allclose([found.statistic, found.p], [wanted["T2"], wanted["p"]], rtol=1e-9)
    assert wald(values, pull).p < found.p


def test_two_kappas_are_the_same_question_to_hotelling_and_to_the_paired_test():
    ratings = np.array(PEER["depression"]["ratings"])
    asked = [(whole(ratings[:, pair], 2), "cohen", np.eye(2)) for pair in ([0, 1], [0, 2])]
    values, pull = influences(asked, len(ratings))
    wanted, one = PEER["depression"]["identity"], hotelling(values, pull)
    pairs, found = all_differences(values, pull)
    np.testing.assert_allclose([one.statistic, one.p], [wanted["T2"], wanted["p"]], rtol=1e-9)
    assert pairs == [(0, 1)]
    np.testing.assert_allclose([found[0].t ** 2, found[0].p], [one.statistic, one.p], rtol=1e-9)


def test_a_coefficient_twice_is_no_contrast_and_a_missing_one_is_left_out():
    ratings = np.array(PEER["depression"]["ratings"])
    asked = [(whole(ratings[:, pair], 2), "cohen", np.eye(2)) for pair in ([0, 1], [0, 2], [0, 1])]
    values, pull = influences(asked, len(ratings))
    three, two = hotelling(values, pull), hotelling(values[:2], pull[:, :2])
    np.testing.assert_allclose([three.statistic, three.df, three.p], [two.statistic, 1, two.p], rtol=1e-9)
    assert difference(values[0], values[2], pull[:, [0, 2]]).p == 1
    gone = np.array([values[0], values[1], np.nan])
    assert hotelling(gone, np.where([True, True, False], pull, np.nan)).p == pytest.approx(two.p)
    assert np.isnan(hotelling(values[:1], pull[:, :1]).p)


def test_independent_groups_by_hand():
    # Weights 100, 25 and 400; pooled (50 + 15 + 320) / 525; chi2 = 100 (.5 - p)^2 + 25 (.6 - p)^2 + 400 (.8 - p)^2.
    found = homogeneity([0.5, 0.6, 0.8, np.nan], [0.1, 0.2, 0.05, 0.1])
    p = 385 / 525
    np.testing.assert_allclose(found.pooled, p)
    np.testing.assert_allclose(found.statistic, 100 * (0.5 - p) ** 2 + 25 * (0.6 - p) ** 2 + 400 * (0.8 - p) ** 2)
    assert (found.df, found.n_groups) == (2, 3)
    two = homogeneity([0.5, 0.8], [0.1, 0.05])
    gap = independent_difference(0.5, 0.8, (0.1, 0.05), (40, 90))
    np.testing.assert_allclose(gap.t**2, two.statistic)
    np.testing.assert_allclose(gap.df, 0.0125**2 / (0.01**2 / 39 + 0.0025**2 / 89))
    assert np.isnan(homogeneity([0.5, 0.6], [0.1, 0.0]).p)


def test_adjusted_p_values_as_r():
    p = PEER["adjust"]["p"]
    for method in ("holm", "benjamini_hochberg"):
        np.testing.assert_allclose(adjusted([*p, np.nan], method)[:-1], PEER["adjust"][method], rtol=1e-12)
        assert np.isnan(adjusted([*p, np.nan], method)[-1])
    with pytest.raises(ValueError, match="unknown adjustment"):
        adjusted(p, "bonferroni-ish")


@given(st.integers(0, 10_000))
def test_order_of_students_and_of_coefficients_changes_no_test(seed):
    rng = np.random.default_rng(seed)
    values, pull = rng.normal(size=4), rng.normal(size=(20, 4)) / 20
    pull -= pull.mean(axis=0)
    rows, columns = rng.permutation(20), rng.permutation(4)
    one, other = hotelling(values, pull), hotelling(values[columns], pull[rows][:, columns])
    np.testing.assert_allclose([one.statistic, one.df, one.p], [other.statistic, other.df, other.p], rtol=1e-7)
    there, back = difference(*values[:2], pull[:, :2]), difference(*values[1::-1], pull[:, 1::-1])
    np.testing.assert_allclose([there.value, there.low, there.p], [-back.value, -back.high, back.p], rtol=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_no_smaller_and_keep_their_order(p):
    for method in ("holm", "benjamini_hochberg"):
        found = adjusted(p, method)
        assert (found >= np.array(p) - 1e-15).all() and (found <= 1).all()
        order = np.argsort(p, kind="stable")
        assert (np.diff(found[order]) >= -1e-15).all()
