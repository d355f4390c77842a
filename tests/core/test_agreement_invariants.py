"""What must not move a coefficient, and what must move it exactly as its formula says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core import agreement, pairs
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.weights import WEIGHTS, ordinal_metric, weight_matrix, weight_names

GENERAL = [name for name, entry in agreement.COEFFICIENTS.items() if entry.files != "pair"]


@st.composite
def ragged(draw, most=5):
    """Ratings (file, trainer), NaN where absent, with at least two files rated twice and two levels used."""
    files, number = draw(st.integers(3, 15)), draw(st.integers(2, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = rng.integers(0, 4, size=(files, number)).astype(float)
    matrix[rng.random(matrix.shape) < draw(st.sampled_from([0.0, 0.3, 0.5]))] = np.nan
    matrix[0, :2], matrix[1, :2] = (0, 1), (2, 2)
    return matrix


def build(matrix, levels=(0, 1, 2, 3)) -> Counts:
    file, trainer = np.nonzero(~np.isnan(matrix))
    return counts(file, trainer, np.searchsorted(levels, matrix[file, trainer]), levels)


def everything(data: Counts, coefficient: str, weights: str) -> list[float]:
    found = agreement.estimate(data, coefficient, weight_matrix(weights, data.scores))
    return [found.value, found.pa, found.pe, found.se]


few = settings(max_examples=25, deadline=None)


@few
@given(matrix=ragged(), weights=st.sampled_from(weight_names()), seed=st.integers(0, 99))
@pytest.mark.parametrize("coefficient", GENERAL)
def test_order_of_files_and_names_of_trainers_move_nothing(coefficient, matrix, weights, seed):
    rng = np.random.default_rng(seed)
    shuffled = matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])]
    ours, theirs = (everything(build(m), coefficient, weights) for m in (matrix, shuffled))
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@few
@given(matrix=ragged(), weights=st.sampled_from(weight_names()))
@pytest.mark.parametrize("coefficient", GENERAL)
def test_an_unrated_student_moves_nothing(coefficient, matrix, weights):
    more = np.vstack([matrix, np.full(matrix.shape[1], np.nan)])
    np.testing.assert_equal(*(everything(build(m), coefficient, weights) for m in (matrix, more)))


@few
@given(matrix=ragged(most=2), weights=st.sampled_from(weight_names()))
def test_for_two_trainers_conger_is_cohen_and_fleiss_is_scott(matrix, weights):
    data = build(matrix[~np.isnan(matrix).any(axis=1)])
    w = weight_matrix(weights, data.scores)
    assert everything(data, "conger", weights) == everything(data, "cohen", weights)
    assert everything(data, "fleiss", weights) == everything(data, "scott", weights)
    met = pairs.pairs(data)
    assert pairs.cohen(met.tables(), w)[0][0] == pytest.approx(everything(data, "conger", weights)[0], abs=1e-12)
    assert everything(data, "light", weights)[0] == pytest.approx(everything(data, "conger", weights)[0], abs=1e-12)


@few
@given(matrix=ragged(), weights=st.sampled_from(["identity", "linear", "quadratic"]))
@pytest.mark.parametrize("coefficient", ["fleiss", "conger", "krippendorff"])
def test_an_unused_level_moves_no_value(coefficient, matrix, weights):
    """Linear and quadratic weights stretch with the scale; the coefficient does not."""
    ours = everything(build(matrix), coefficient, weights)[0]
    longer = everything(build(matrix, levels=(0, 1, 2, 3, 4)), coefficient, weights)[0]
    # Krippendorff's small-sample term is the only part that a change of scale can touch, and it does not.
    assert longer == pytest.approx(ours, abs=1e-12)


@few
@given(matrix=ragged())
def test_an_unused_level_moves_percent_not_and_ac_and_bp_by_their_formulas(matrix):
    used, longer = build(matrix), build(matrix, levels=(0, 1, 2, 3, 4))
    q = 4
    assert everything(used, "percent", "identity") == pytest.approx(everything(longer, "percent", "identity"))
    pe_ac = everything(used, "gwet_ac", "identity")[2]
    assert everything(longer, "gwet_ac", "identity")[2] == pytest.approx(pe_ac * (q - 1) / q, abs=1e-12)
    assert everything(used, "brennan_prediger", "identity")[2] == pytest.approx(1 / q)
    assert everything(longer, "brennan_prediger", "identity")[2] == pytest.approx(1 / (q + 1))


@few
@given(matrix=ragged(), weights=st.sampled_from(["identity", "linear", "quadratic"]))
def test_an_unused_level_moves_weighted_coefficients_by_their_formulas(matrix, weights):
    """Percent agreement with linear or quadratic weights moves too: the same distance is less on a longer scale."""
    shares, pairs_of = _shares_and_pairs(matrix)
    for q in (4, 5):
        data, w = build(matrix, levels=tuple(range(q))), weight_matrix(weights, np.arange(q))
        pa = (pairs_of * w[:4, :4]).sum()
        pe_ac = w.sum() * (shares * (1 - shares)).sum() / (q * (q - 1))
        assert everything(data, "percent", weights)[0] == pytest.approx(pa, abs=1e-12)
        assert everything(data, "gwet_ac", weights)[0] == pytest.approx((pa - pe_ac) / (1 - pe_ac), abs=1e-12)
        assert everything(data, "brennan_prediger", weights)[2] == pytest.approx(w.mean(), abs=1e-12)


def _shares_and_pairs(matrix):
    """Mean distribution of the rated files, and mean share of each ordered pair of levels on files rated twice."""
    rows = [row[~np.isnan(row)].astype(int) for row in matrix]
    shares = np.mean([np.bincount(row, minlength=4) / len(row) for row in rows if len(row)], axis=0)
    found = np.zeros((4, 4))
    twice = [row for row in rows if len(row) > 1]
    for row in twice:
        for a in range(len(row)):
            for b in range(len(row)):
                found[row[a], row[b]] += (a != b) / (len(row) * (len(row) - 1) * len(twice))
    return shares, found


@pytest.mark.parametrize("coefficient", GENERAL)
def test_full_agreement_on_several_levels_is_one(coefficient):
    matrix = np.repeat(np.array([[0.0], [1.0], [2.0], [3.0], [1.0]]), 3, axis=1)
    assert everything(build(matrix), coefficient, "quadratic")[0] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("coefficient", ["fleiss", "conger", "krippendorff"])
def test_one_level_only_leaves_kappa_undefined_not_one(coefficient):
    assert np.isnan(everything(build(np.ones((6, 3))), coefficient, "quadratic")[0])


@pytest.mark.parametrize("coefficient", GENERAL)
def test_single_ratings_only_give_no_value(coefficient):
    matrix = np.array([[0, np.nan], [1, np.nan], [np.nan, 2]])
    assert np.isnan(
        agreement.values(agreement.moments_of(build(matrix), coefficient, np.eye(4)), coefficient, np.eye(4))[0][0]
    )


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("scores", [(0, 1, 2, 3, 4), (1, 2, 5), (0, 1), (3,)])
def test_weights_are_symmetric_with_ones_on_the_diagonal_and_zero_at_the_worst(name, scores):
    w = weight_matrix(name, scores)
    np.testing.assert_allclose(w, w.T)
    np.testing.assert_allclose(np.diag(w), 1)
    assert w.min() == pytest.approx(0 if len(scores) > 1 else 1, abs=1e-12)
    assert w.max() == 1


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("linear", 1 - 1 / 4),
        ("quadratic", 1 - 1 / 16),
        ("ordinal", 1 - 1 / 10),
        ("radical", 1 - 1 / 2),
        ("ratio", 1 - (1 / 3) ** 2 / (4 / 6) ** 2),
        ("circular", 1 - np.sin(np.pi / 5) ** 2 / np.sin(2 * np.pi / 5) ** 2),
        ("bipolar", 1 - (1 / 7) / 1),
    ],
)
def test_weight_of_the_first_two_of_five_levels(name, wanted):
    """By hand from Gwet's formulas, on the scores 1 to 5."""
    assert weight_matrix(name, (1, 2, 3, 4, 5))[0, 1] == pytest.approx(wanted, abs=1e-12)


def test_weights_respect_gaps_between_scores():
    assert weight_matrix("linear", (0, 1, 4))[0, 1] == pytest.approx(0.75)
    assert weight_matrix("quadratic", (0, 1, 4))[1, 2] == pytest.approx(1 - 9 / 16)
    assert weight_matrix("ordinal", (0, 1, 4))[0, 1] == weight_matrix("ordinal", (0, 1, 4))[1, 2]


def test_a_matrix_of_ones_own_must_be_a_matrix_of_weights():
    own = np.array([[1, 0.5], [0.5, 1]])
    np.testing.assert_array_equal(weight_matrix(own, (0, 1)), own)
    for wrong in ([[1, 0.5], [0.2, 1]], [[0.9, 0], [0, 1]], np.eye(3), [[1, np.nan], [np.nan, 1]]):
        with pytest.raises(ValueError):
            weight_matrix(wrong, (0, 1))
    with pytest.raises(ValueError, match="kwadratic"):
        weight_matrix("kwadratic", (0, 1))
    with pytest.raises(ValueError):
        weight_matrix("ratio", (-1, 0, 1))


def test_ordinal_metric_depends_on_the_use_of_levels_alone():
    even = ordinal_metric(np.array([10.0, 10.0, 10.0]))
    assert even[0, 1] == even[1, 2]
    assert even[0, 2] == 0
    crowded = ordinal_metric(np.array([1.0, 1.0, 50.0]))
    assert crowded[0, 1] > crowded[1, 2]


@pytest.mark.parametrize("coefficient", GENERAL)
def test_no_ratings_at_all_give_no_value(coefficient):
    assert np.isnan(everything(counts([], [], [], range(4)), coefficient, "linear")).sum() >= 3
