"""Pairs of trainers against one pair at a time, against R psych, and at the size of a national cohort."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core import agreement, pairs
from crcne_stats.core.counts import counts
from crcne_stats.core.pairwise import pair_table
from crcne_stats.core.weights import weight_matrix

REFERENCE = Path(__file__).parents[1] / "reference"
PSYCH = json.loads((REFERENCE / "classical.json").read_text(encoding="utf-8"))["kappa"]
STATSMODELS = json.loads((REFERENCE / "weighted_kappa.json").read_text(encoding="utf-8"))["tables"]


def one_pair(table):
    first, second = np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)
    n = len(first)
    rows = np.tile(np.arange(n), 2), np.repeat([0, 1], n), np.r_[first, second]
    return first, second, counts(*rows, np.arange(len(table)))


@pytest.mark.parametrize("name", STATSMODELS)
@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
def test_kappa_and_its_error_as_statsmodels(name, weights):
    data = one_pair(np.array(STATSMODELS[name]["table"]))[2]
    found, n = pair_table(data, weight_matrix(weights, data.scores)), data.n_files
    # The formula of 1969 divides by n, ours by n − 1.
    ours = [found.kappa.value[0], found.kappa.se[0] * np.sqrt((n - 1) / n)]
    np.testing.assert_allclose(ours, STATSMODELS[name][weights], rtol=1e-9)


def test_kappa_as_psych_and_the_difference_as_a_paired_t_test():
    table = np.array(PSYCH["table"])
    first, second, data = one_pair(table)
    n = len(first)
    for weights, key in (("identity", "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        found = pair_table(data, weight_matrix(weights, data.scores))
        assert found.kappa.value[0] == pytest.approx(PSYCH[key][0])
        if weights == "identity":
            assert found.kappa.se[0] * np.sqrt((n - 1) / n) == pytest.approx(PSYCH["se_unweighted"][0])
    paired = stats.ttest_rel(first, second)
    low, high = paired.confidence_interval()
    gap = found.difference
    np.testing.assert_allclose([gap.value[0] / gap.se[0], gap.low[0], gap.high[0]], [paired.statistic, low, high])
    assert found.percent.value[0] == pytest.approx(np.trace(table) / n)


@pytest.mark.parametrize("weights", ["quadratic", "krippendorff_ordinal"])
def test_every_pair_is_that_pair_alone(weights):
    rng = np.random.default_rng(4)
    rows = [
        (file, trainer, np.clip(file % 4 + rng.integers(-1, 2), 0, 3))
        for file in range(160)
        for trainer in rng.choice(6, 3, replace=False)
        if {file % 7, trainer} != {0, 1}
    ]
    data = counts(*np.array(rows).T, [0, 1, 3, 4], np.arange(160) // 2)
    w = weight_matrix(weights, data.scores)
    found = pair_table(data, w)
    assert found.n_apart == 0 and len(found) == 15
    assert (found.n_students == pairs.pairs(data).students()).all()
    for row, (one, other) in enumerate(found.trainers):
        theirs = np.isin(data.trainer, [one, other])
        both = counts(data.file[theirs], data.trainer[theirs], data.level[theirs], data.scores, data.cluster)
        both = both.only(both.pairable)
        alone = agreement.estimate(both, "cohen", w, convention="delta")
        ours = [found.kappa.value[row], found.kappa.se[row], found.kappa.low[row], found.n_files[row]]
        np.testing.assert_allclose(ours, [alone.value, alone.se, alone.low, alone.n_files], rtol=1e-9)
        percent = agreement.estimate(both, "percent", np.eye(4), convention="delta")
        np.testing.assert_allclose([found.percent.value[row], found.percent.se[row]], [percent.value, percent.se])


def test_pairs_apart_and_pairs_of_one_student_are_not_taken_for_certain():
    data = counts([0, 0, 1, 2, 2, 3, 3], [0, 1, 0, 2, 3, 2, 3], [1, 1, 0, 0, 1, 1, 2], np.arange(3))
    found = pair_table(data, weight_matrix("quadratic", data.scores), n_trainers=6)
    assert found.trainers.tolist() == [[0, 1], [2, 3]] and found.n_apart == 13
    assert np.isnan([found.difference.se[0], found.difference.low[0]]).all()
    assert found.difference.se[1] == 0 and np.isnan(found.difference.low[1])
    assert found.shared().toarray()[[0, 1, 0], [1, 0, 2]].tolist() == [1, 1, 0]
    whole = found.matrix(found.difference.value, -1)
    assert (whole[2, 3], whole[3, 2]) == (-1, 1) and np.isnan(whole[0, 2]) and np.isnan(np.diag(whole)).all()
    nobody = pair_table(counts([0, 1], [0, 1], [0, 1], np.arange(3)), np.eye(3))
    assert len(nobody) == 0 and nobody.n_apart == 1


def test_a_national_cohort_of_trainers():
    rng = np.random.default_rng(5)
    n, home = 6000, rng.integers(0, 30, 6000)
    panel = home[:, None] * 30 + np.argsort(rng.random((n, 30)), axis=1)[:, :2]
    level = np.clip(rng.integers(0, 5, n)[:, None] + rng.integers(-1, 2, (n, 2)), 0, 4)
    data = counts(np.repeat(np.arange(n), 2), panel.ravel(), level.ravel(), np.arange(5))
    found = pair_table(data, weight_matrix("quadratic", data.scores))
    assert found.n_trainers == 900 and found.n_files.sum() == n
    assert len(found) + found.n_apart == 900 * 899 // 2
    assert found.matrix(found.kappa.value).shape == (900, 900)
