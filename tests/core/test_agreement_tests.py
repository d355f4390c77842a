"""Tests against chance: Kendall's W and z of kappas against R irr and irrNA, and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from crcne_stats.core import agreement
from crcne_stats.core.agreement_tests import cohen_tests, fleiss_tests, kendall_tests, level_z
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.levels import level_kappa
from crcne_stats.core.moments import moments
from crcne_stats.core.weights import weight_matrix

REFERENCE = Path(__file__).parents[1] / "reference"
PUBLISHED = json.loads((REFERENCE / "agreement_published.json").read_text(encoding="utf-8"))
IRRCAC = json.loads((REFERENCE / "agreement_irrcac.json").read_text(encoding="utf-8"))["data"]


def build(matrix, levels) -> Counts:
    table = np.array(matrix, dtype=float)
    file, trainer = np.nonzero(~np.isnan(table))
    return counts(file, trainer, np.searchsorted(levels, table[file, trainer]), levels)


def w_of(data: Counts) -> float:
    return float(agreement.values(agreement.moments_of(data, "kendall_w", None), "kendall_w", None)[0][0])


@pytest.mark.parametrize("name", PUBLISHED["kendall"])
def test_with_ties_as_irr(name):
    wanted, entry = PUBLISHED["kendall"][name], IRRCAC[name]
    matrix = np.array(entry["ratings"], dtype=float)
    data = build(matrix[~np.isnan(matrix).any(axis=1)], entry["levels"])
    chi2 = kendall_tests(data)[0]
    assert data.crossed
    found = [w_of(data), chi2["statistic"], chi2["p"]]
    np.testing.assert_allclose(found, [wanted[key] for key in ("value", "statistic", "p")], rtol=1e-10)


@pytest.mark.parametrize("name", PUBLISHED["kendall_incomplete"])
def test_incomplete_as_irrna(name):
    wanted = PUBLISHED["kendall_incomplete"][name]
    data = build(wanted["ratings"], np.arange(1, 8))
    chi2 = kendall_tests(data)[0]
    assert not data.crossed
    assert w_of(data) == pytest.approx(wanted["value"], abs=1e-12)
    assert (chi2["statistic"], chi2["df"]) == (pytest.approx(wanted["statistic"]), wanted["df"])
    assert chi2["p"] == pytest.approx(wanted["p"], abs=5e-8)


def test_incomplete_ranks_without_ties_weigh_each_pair_by_its_common_files_less_one():
    """Taylor (1987), as irrNA does: the mean of Spearman's rho of all pairs of raters, by hand."""
    rng = np.random.default_rng(4)
    matrix = np.stack([rng.permutation(12) for _ in range(5)], axis=1).astype(float)
    matrix[rng.random(matrix.shape) < 0.3] = np.nan
    matrix[:2] = np.stack([np.arange(5) + 20, np.arange(5) + 40])
    matrix = matrix[(~np.isnan(matrix)).sum(axis=1) >= 2]
    total = weight = 0.0
    for a in range(5):
        for b in range(a):
            both = ~np.isnan(matrix[:, [a, b]]).any(axis=1)
            total += (both.sum() - 1) * stats.spearmanr(matrix[both, a], matrix[both, b]).statistic
            weight += both.sum() - 1
    size = (~np.isnan(matrix)).sum(axis=1).mean()
    levels = np.unique(matrix[~np.isnan(matrix)])
    assert w_of(build(matrix, levels)) == pytest.approx((1 + (size - 1) * total / weight) / size, abs=1e-12)


def test_f_of_complete_rankings():
    """By hand: W = 0.5 of 4 raters and 6 objects gives F = 3 · 0.5 / 0.5 on 4.5 and 13.5 degrees of freedom."""
    matrix = np.array([[1, 2, 3, 4, 5, 6]] * 4).T
    found = kendall_tests(build(matrix, np.arange(1, 7)))
    assert np.isnan(found[1]["statistic"])  # W is 1
    rng = np.random.default_rng(1)
    data = build(np.stack([rng.permutation(6) for _ in range(4)], axis=1), np.arange(6))
    chi2, f = kendall_tests(data)
    w = w_of(data)
    assert f["statistic"] == pytest.approx(3 * w / (1 - w))
    assert (f["df"], f["df2"]) == (4.5, 13.5)
    assert f["p"] == pytest.approx(stats.f.sf(f["statistic"], 4.5, 13.5))
    assert chi2["statistic"] == pytest.approx(stats.friedmanchisquare(*_by_object(data)).statistic)


def _by_object(data: Counts) -> list[np.ndarray]:
    return [data.level[data.file == file] for file in range(data.n_files)]


def test_one_level_gives_no_w():
    assert np.isnan(w_of(build(np.ones((5, 3)), np.arange(3))))
    assert np.isnan([one["p"] for one in kendall_tests(build(np.ones((5, 3)), np.arange(3)))]).all()


@pytest.mark.parametrize("name", PUBLISHED["null_z"]["fleiss"])
def test_z_of_fleiss_as_irr(name):
    matrix = np.array(IRRCAC[name]["ratings"], dtype=float)
    data = build(matrix[~np.isnan(matrix).any(axis=1)], IRRCAC[name]["levels"])
    (found,) = fleiss_tests(data, np.eye(data.n_levels))
    assert found["statistic"] == pytest.approx(PUBLISHED["null_z"]["fleiss"][name], abs=1e-10)


def test_z_of_each_level_as_irr():
    data = build(IRRCAC["irr_diagnoses"]["ratings"], IRRCAC["irr_diagnoses"]["levels"])
    found = level_z(data, level_kappa(moments(data))[0])
    np.testing.assert_allclose(found, PUBLISHED["null_z"]["levels"], atol=6e-4)


@pytest.mark.parametrize("row", PUBLISHED["null_z"]["cohen"], ids=lambda row: f"{row[0]}-{row[1]}{row[2]}-{row[3]}")
def test_z_of_cohen_as_irr(row):
    name, first, second, weights, z = row
    matrix = np.array(IRRCAC[name]["ratings"], dtype=float)[:, [first, second]]
    matrix = matrix[~np.isnan(matrix).any(axis=1)]
    data = build(matrix, np.unique(matrix))
    (found,) = cohen_tests(data, weight_matrix(weights, np.arange(data.n_levels)))  # irr numbers the levels used
    assert found["statistic"] == pytest.approx(z, abs=1e-10)


def test_where_there_is_no_z():
    uneven = build([[0, 1, np.nan], [1, 1, 1], [0, 0, 1]], np.arange(2))
    for found in (*fleiss_tests(uneven, np.eye(2)), *cohen_tests(uneven, np.eye(2))):
        assert np.isnan([found["statistic"], found["p"]]).all()
    same = build(np.ones((6, 2)), np.arange(3))
    assert np.isnan([cohen_tests(same, np.eye(3))[0]["p"], fleiss_tests(same, np.eye(3))[0]["p"]]).all()
