"""Marginal homogeneity against R contingencytables, irr, coin, clust.bin.pair and the program MH."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core import marginal

PEER = json.loads((Path(__file__).parents[1] / "reference" / "marginal.json").read_text(encoding="utf-8"))


BASE = json.loads((Path(__file__).parents[1] / "reference" / "margins_base.json").read_text(encoding="utf-8"))["tables"]


def pairs(table):
    """Comparisons of a table, one student each."""
    table = np.array(table)
    return np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)


@pytest.mark.parametrize("name", ["vision", "fischer"])
def test_square_tables_as_r(name):
    wanted = PEER["tables"][name]
    for found, key in (
        (marginal.stuart_maxwell(wanted["table"]), "stuart"),
        (marginal.stuart_maxwell(wanted["table"]), "coin"),
        (marginal.bhapkar(wanted["table"]), "bhapkar"),
    ):
        np.testing.assert_allclose([found.statistic, found.p], [wanted[key], wanted[f"{key}_p"]], rtol=1e-9)
    found = marginal.bowker(wanted["table"])
    np.testing.assert_allclose(found.statistic, wanted["bowker"], rtol=1e-9)
    # contingencytables counts the two pairs of levels that nobody confused in fischer among its degrees of freedom.
    assert found.df == wanted["bowker_df"] - {"vision": 0, "fischer": 2}[name]


def test_a_level_on_which_all_agree_as_the_program_mh_prints_it():
    # J. Uebersax, MH 1.2, output mt-zero-sample.txt, «nonconservative» degrees of freedom.
    table = [[30, 0, 0], [0, 10, 2], [0, 4, 8]]
    s, b, w = marginal.stuart_maxwell(table), marginal.bhapkar(np.array(table)[1:, 1:]), marginal.bowker(table)
    np.testing.assert_allclose([s.statistic, s.p, b.statistic, b.p], [0.667, 0.414, 0.686, 0.408], atol=6e-4)
    # MH leaves the 30 students of that level out of n too; they belong to the sample, so we do not.
    assert marginal.bhapkar(table).statistic == pytest.approx(s.statistic / (1 - s.statistic / 54))
    assert (s.df, b.df) == (1, 1) and w.statistic == pytest.approx(2 / 3)
    np.testing.assert_allclose(marginal.level_changes(table).p, [1, 0.6875, 0.6875])
    padded = np.zeros((5, 5), dtype=int)
    padded[np.ix_([0, 2, 3], [0, 2, 3])] = table
    assert marginal.stuart_maxwell(padded).statistic == pytest.approx(s.statistic)
    assert marginal.stuart_maxwell(padded).levels == (0, 2, 3)


def test_two_levels_are_mcnemar_and_degenerate_tables_have_a_reason():
    table = PEER["bonett_price"]["table"]
    assert marginal.stuart_maxwell(table).statistic == pytest.approx((1 - 7) ** 2 / 8)
    found = marginal.level_changes(table)
    np.testing.assert_allclose([found.low[0], found.high[0]], [-0.5084, -0.0134], atol=5e-5)
    assert found.p[0] == pytest.approx(PEER["mcnemar_exact"]["p"])
    assert marginal.bowker([[3, 0], [0, 4]]).reason == "no_disagreement"
    assert marginal.bhapkar([[3, 0], [0, 0]]).reason == "one_level"
    assert marginal.bhapkar([[0, 5], [0, 0]]).p == 0
    with pytest.raises(ValueError, match="does not cross"):
        marginal.bowker(np.ones((2, 3)))


def test_direction_in_scores_as_r():
    wanted = PEER["mean"]
    first, second = pairs(PEER["tables"]["fischer"]["table"])
    n = len(first)
    shift = marginal.shift_of_pairs(first, second, np.arange(n), 5)
    found = marginal.mean_shift(shift, wanted["scores"])
    # R divides by n where we divide by n − 1.
    assert found.value == pytest.approx(wanted["difference"])
    np.testing.assert_allclose(found.value / found.se * np.sqrt(n / (n - 1)), 4.372, atol=5e-4)
    bhapkar = PEER["tables"]["fischer"]["bhapkar"]
    assert marginal.equal_margins(shift).statistic == pytest.approx(bhapkar * (n - 1) / n)
    stuart = PEER["tables"]["fischer"]["stuart"]
    score = marginal.equal_margins_score(first, second, np.arange(n), 5)
    assert score.statistic == pytest.approx(stuart * (n - 1) / n)
    np.testing.assert_allclose(marginal.level_shifts(shift).value.sum(), 0, atol=1e-12)


def test_students_within_psychiatrists_as_clust_bin_pair():
    data = PEER["clustered"]
    cells = np.array([data[key] for key in "abcd"]).T
    cluster, cell = np.repeat(np.indices(cells.shape).reshape(2, -1), cells.ravel(), axis=1)
    found = marginal.equal_margins_score(cell // 2, cell % 2, cluster, 2)
    assert found.statistic == pytest.approx(data["obuchowski"])
    shift = marginal.shift_of_pairs(cell // 2, cell % 2, cluster, 2)
    np.testing.assert_allclose(shift.influence.sum(axis=0), 0, atol=1e-12)
    assert shift.n_students == len(cells)


def test_incomplete_pairs_reduce_to_complete_ones_and_use_the_singles():
    first, second = pairs(PEER["tables"]["fischer"]["table"])
    n = len(first)
    student, side = np.tile(np.arange(n), 2), np.repeat([False, True], n)
    both = marginal.shift_of_ratings(np.concatenate([first, second]), side, student, 5)
    whole = marginal.shift_of_pairs(first, second, np.arange(n), 5)
    np.testing.assert_allclose(both.difference, whole.difference, atol=1e-15)
    np.testing.assert_allclose(both.influence, whole.influence, atol=1e-15)
    # Two separate groups of students: variances of two means add up.
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 3, 300), rng.integers(0, 3, 200)
    apart = marginal.shift_of_ratings(np.r_[a, b], np.r_[np.zeros(300), np.ones(200)], np.arange(500), 3)
    found = marginal.mean_shift(apart, [0, 1, 2])
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.se == pytest.approx(np.sqrt(500 / 499 * (a.var() / 300 + b.var() / 200)))
    assert np.isnan(marginal.mean_shift(marginal.shift_of_pairs([1], [0], [0], 2), [0, 1]).se)


@pytest.mark.parametrize("name", BASE)
def test_base_r_finds_the_same_with_a_stratum_per_student(name):
    wanted = BASE[name]
    stuart, bowker = marginal.stuart_maxwell(wanted["table"]), marginal.bowker(wanted["table"])
    np.testing.assert_allclose([stuart.statistic, stuart.df, stuart.p],
                               [wanted["stuart"], wanted["stuart_df"], wanted["stuart_p"]], rtol=1e-9)  # fmt: skip
    # On two levels Bowker's test is McNemar's; base R gives NaN where two levels were never confused (0 / 0).
    assert wanted["bowker"] is None or bowker.statistic == pytest.approx(wanted["bowker"])


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_trainers_change_places_and_only_the_direction_turns(seed, q):
    table = np.random.default_rng(seed).integers(0, 6, (q, q))
    for test in (marginal.stuart_maxwell, marginal.bhapkar, marginal.bowker):
        one, other = test(table), test(table.T)
        assert one.reason == other.reason and one.df == other.df
        np.testing.assert_allclose([one.statistic, one.p], [other.statistic, other.p], rtol=1e-7, atol=1e-12)
    first, second = pairs(table)
    student = np.arange(len(first)) // 2
    if len(first) < 6:
        return
    here = marginal.mean_shift(marginal.shift_of_pairs(first, second, student, q), np.arange(q))
    there = marginal.mean_shift(marginal.shift_of_pairs(second, first, student, q), np.arange(q))
    np.testing.assert_allclose([here.value, here.low, here.high], [-there.value, -there.high, -there.low], atol=1e-12)


@given(st.integers(0, 10_000))
def test_an_unused_level_and_the_order_of_students_change_no_test(seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 5, (3, 3))
    padded = np.zeros((5, 5), dtype=int)
    padded[np.ix_([0, 2, 4], [0, 2, 4])] = table
    for test in (marginal.stuart_maxwell, marginal.bhapkar, marginal.bowker):
        np.testing.assert_allclose(test(table).statistic, test(padded).statistic, rtol=1e-9)
    first, second = pairs(table)
    student = np.arange(len(first)) // 2
    mixed = rng.permutation(len(first))
    one = marginal.equal_margins_score(first, second, student, 3)
    other = marginal.equal_margins_score(first[mixed], second[mixed], student[mixed], 3)
    np.testing.assert_allclose([one.statistic, one.p], [other.statistic, other.p], rtol=1e-7, atol=1e-12)
