"""Agreement coefficients against published numbers and against R irrCAC, irr and the package krippendorff."""

from __future__ import annotations

import json
from pathlib import Path

import krippendorff as peer
import numpy as np
import pytest

from crcne_stats.core import agreement, pairs
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.levels import level_kappa, specific_agreement
from crcne_stats.core.moments import moments
from crcne_stats.core.pairwise import pair_table
from crcne_stats.core.weights import weight_matrix

REFERENCE = Path(__file__).parents[1] / "reference"
IRRCAC = json.loads((REFERENCE / "agreement_irrcac.json").read_text(encoding="utf-8"))["data"]
PUBLISHED = json.loads((REFERENCE / "agreement_published.json").read_text(encoding="utf-8"))


def from_matrix(matrix, levels) -> Counts:
    """Counts from a matrix (file, trainer) of scores, None or NaN where not rated."""
    table = np.array(matrix, dtype=float)
    file, trainer = np.nonzero(~np.isnan(table))
    return counts(file, trainer, np.searchsorted(levels, table[file, trainer]), levels)


def from_table(table) -> Counts:
    """Counts from a cross-table of two trainers."""
    table = np.array(table)
    first, second = np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)
    both = np.stack([first, second], axis=1)
    return from_matrix(both, np.arange(len(table)))


def value(data: Counts, coefficient: str, weights="identity") -> float:
    return agreement.estimate(data, coefficient, weight_matrix(weights, data.scores)).value


IRRCAC_ROWS = [
    (name, coefficient, weights)
    for name, entry in IRRCAC.items()
    for coefficient, by_weights in entry["irrCAC"].items()
    for weights in by_weights
]


@pytest.mark.parametrize(("name", "coefficient", "weights"), IRRCAC_ROWS)
def test_every_full_precision_number_of_irrcac(name, coefficient, weights):
    entry = IRRCAC[name]
    data = from_matrix(entry["ratings"], entry["levels"])
    found = agreement.estimate(data, coefficient, weight_matrix(weights, data.scores))
    wanted = entry["irrCAC"][coefficient][weights]
    ours = [found.value, found.pa, found.pe, found.se, found.low, found.high, found.p]
    theirs = [wanted[key] for key in ("coef", "pa", "pe", "se", "ci_low", "ci_high", "p")]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("row", PUBLISHED["gwet_table"][1:], ids=lambda row: f"{row[1]}-{row[0]}")
def test_gwet_2014_as_printed(row):
    weights, coefficient, pa, pe, printed, se, low, p = row
    entry = IRRCAC["cac_raw4raters"]
    data = from_matrix(entry["ratings"], entry["levels"])
    found = agreement.estimate(data, coefficient, weight_matrix(weights, data.scores))
    assert found.pa == pytest.approx(pa, abs=1e-6)
    assert found.pe == pytest.approx(pe, abs=1e-6)
    assert found.value == pytest.approx(printed, abs=6e-6)
    assert found.se == pytest.approx(se, abs=6e-6)
    assert found.low == pytest.approx(low, abs=6e-4)
    assert found.high == 1
    assert found.p == pytest.approx(p, rel=1e-3)


def test_counts_of_the_gwet_data():
    entry = IRRCAC["cac_raw4raters"]
    data = from_matrix(entry["ratings"], entry["levels"])
    assert (data.n_files, data.n_trainers, data.n_ratings) == (12, 4, 41)
    assert (data.n_students_pairable, data.n_ratings_pairable) == (11, 40)
    assert agreement.estimate(data, "fleiss", np.eye(5)).n_files == 12
    assert agreement.estimate(data, "krippendorff", np.eye(5)).n_files == 11


@pytest.mark.parametrize(("metric", "printed"), PUBLISHED["krippendorff_canonical"]["values"].items())
def test_krippendorff_canonical_data(metric, printed):
    matrix = np.array(PUBLISHED["krippendorff_canonical"]["ratings"], dtype=float)
    data = from_matrix(matrix.T, [1, 2, 3, 4, 5])
    assert value(data, "krippendorff", metric) == pytest.approx(printed, abs=5e-4)
    assert value(data, "krippendorff", metric) == pytest.approx(peer_alpha(matrix, metric, [1, 2, 3, 4, 5]), abs=1e-12)


@pytest.mark.parametrize(("metric", "printed"), PUBLISHED["krippendorff_three_coders"]["values"].items())
def test_krippendorff_three_coders(metric, printed):
    matrix = np.array(PUBLISHED["krippendorff_three_coders"]["ratings"], dtype=float)
    assert value(from_matrix(matrix.T, [1, 2, 3, 4]), "krippendorff", metric) == pytest.approx(printed, abs=6e-7)


def test_krippendorff_canonical_nominal_is_exact():
    data = from_matrix(np.array(PUBLISHED["krippendorff_canonical"]["ratings"], dtype=float).T, [1, 2, 3, 4, 5])
    assert value(data, "krippendorff") == pytest.approx(904 / 1216, abs=1e-15)


@pytest.mark.parametrize("metric", IRRCAC["cac_raw4raters"]["irr_alpha"])
def test_alpha_of_irr(metric):
    entry = IRRCAC["cac_raw4raters"]
    data = from_matrix(entry["ratings"], entry["levels"])
    assert value(data, "krippendorff", metric) == pytest.approx(entry["irr_alpha"][metric], abs=1e-12)


def test_gwets_ordinal_weights_are_not_krippendorffs_ordinal_metric():
    entry = IRRCAC["cac_raw4raters"]
    data = from_matrix(entry["ratings"], entry["levels"])
    assert value(data, "krippendorff", "ordinal") == pytest.approx(0.834, abs=5e-4)
    assert value(data, "krippendorff", "krippendorff_ordinal") == pytest.approx(0.815, abs=5e-4)


PEER_METRIC = {
    "identity": "nominal",
    "krippendorff_ordinal": "ordinal",
    "quadratic": "interval",
    "ratio": "ratio",
}


def peer_alpha(by_trainer, weights: str, levels) -> float:
    return peer.alpha(by_trainer, value_domain=levels, level_of_measurement=PEER_METRIC[weights])


@pytest.mark.parametrize("weights", PEER_METRIC)
@pytest.mark.parametrize("seed", range(4))
def test_alpha_equals_the_package_krippendorff_on_ragged_data(weights, seed):
    rng = np.random.default_rng(seed)
    levels = [1, 2, 4, 7]  # gaps, and a level that may stay unused
    matrix = rng.choice(levels[: 3 + seed % 2], size=(40, 6)).astype(float)
    matrix[rng.random(matrix.shape) < 0.45] = np.nan
    matrix[:2] = np.nan
    data = from_matrix(matrix, levels)
    assert value(data, "krippendorff", weights) == pytest.approx(peer_alpha(matrix.T, weights, levels), abs=1e-12)


def test_fleiss_1971_with_its_levels_and_lights_mean():
    wanted = PUBLISHED["fleiss_1971"]
    entry = IRRCAC["irr_diagnoses"]
    data = from_matrix(entry["ratings"], entry["levels"])
    assert value(data, "fleiss") == pytest.approx(wanted["fleiss"], abs=5e-4)
    assert value(data, "conger") == pytest.approx(wanted["conger"], abs=5e-4)
    four = from_matrix(np.array(entry["ratings"])[:, :4], entry["levels"])
    assert value(four, "fleiss") == pytest.approx(wanted["fleiss_raters_1_to_4"], abs=1e-6)
    by_level = level_kappa(moments(data))[0]
    np.testing.assert_allclose(by_level, wanted["level_kappa"], atol=5e-4)
    assert value(data, "light") == pytest.approx(wanted["light"], abs=1e-6)


@pytest.mark.parametrize("name", ["irr_anxiety", "irr_diagnoses"])
def test_lights_mean_of_irr(name):
    entry = IRRCAC[name]
    data = from_matrix(entry["ratings"], entry["levels"])
    found = value(data, "light")
    assert found == pytest.approx(entry["light_complete_rows"], abs=1e-12)


@pytest.mark.parametrize("name", IRRCAC)
@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
def test_cohen_of_each_pair_equals_irr(name, weights):
    entry = IRRCAC[name]
    data = from_matrix(entry["ratings"], entry["levels"])
    met = pairs.pairs(data)
    for table, pair in zip(met.tables(), entry["pairs"], strict=True):
        # kappa2 numbers the levels that the two raters used and forgets the gaps between them.
        used = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
        w = weight_matrix(weights, np.arange(len(used)))
        assert pairs.cohen(table[np.ix_(used, used)], w)[0] == pytest.approx(pair[weights], abs=1e-12)
    assert met.students().tolist() == [pair["n"] for pair in entry["pairs"]]


def test_table_of_two_raters():
    wanted = PUBLISHED["two_raters"]
    data = from_table(wanted["table"])
    for coefficient in ("cohen", "scott", "krippendorff", "gwet_ac"):
        assert value(data, coefficient) == pytest.approx(wanted[coefficient], abs=1e-6)
    for coefficient in ("cohen", "gwet_ac"):
        found = agreement.estimate(data, coefficient, np.eye(3))
        # irrCAC divides by n in its functions for tables, by n - 1 in those for ratings.
        assert found.se * np.sqrt(99 / 100) == pytest.approx(wanted[f"{coefficient}_se"], abs=6e-6)


@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_unaided_vision(weights):
    data = from_table(PUBLISHED["vision"]["table"])
    assert value(data, "cohen", weights) == pytest.approx(PUBLISHED["vision"][weights], abs=1e-6)
    value_by_pair = pairs.cohen(pairs.pairs(data).tables(), weight_matrix(weights, data.scores))[0]
    assert value_by_pair[0] == pytest.approx(PUBLISHED["vision"][weights], abs=1e-6)


def test_standard_error_of_a_pair_equals_that_of_the_coefficient():
    data = from_table(PUBLISHED["two_raters"]["table"])
    w = weight_matrix("linear", data.scores)
    wanted = agreement.estimate(data, "cohen", w).se
    assert pair_table(data, w).kappa.se[0] == pytest.approx(wanted, abs=1e-12)
    assert agreement.estimate(data, "light", w).se == pytest.approx(wanted, abs=1e-12)


def test_a_repeated_file_of_one_student_adds_no_information():
    """Two identical files per student: the error must not shrink, since files of one student move together."""
    entry = IRRCAC["irr_anxiety"]
    once = from_matrix(entry["ratings"], entry["levels"])
    n = once.n_files
    file = np.concatenate([once.file, once.file + n])
    owner = np.concatenate([np.arange(n), np.arange(n)])
    twice = counts(file, np.tile(once.trainer, 2), np.tile(once.level, 2), once.scores, owner)
    for coefficient in ("fleiss", "conger", "gwet_ac", "percent"):
        one, two = (agreement.estimate(data, coefficient, np.eye(6)) for data in (once, twice))
        assert two.value == pytest.approx(one.value, abs=1e-12)
        assert two.se == pytest.approx(one.se, abs=1e-12)


@pytest.mark.parametrize("coefficient", [name for name in agreement.COEFFICIENTS if name not in ("cohen", "scott")])
def test_plain_linearised_error_is_the_derivative(coefficient):
    """Against a finite difference: one more copy of a file, in the limit of a small copy."""
    rng = np.random.default_rng(3)
    matrix = rng.integers(0, 4, size=(60, 3)).astype(float)
    matrix[rng.random(matrix.shape) < 0.3] = np.nan
    data = from_matrix(matrix, np.arange(4))
    w = weight_matrix("quadratic", data.scores)
    found = agreement.deviates(data, coefficient, w, convention="delta")
    copies = 400  # of the whole data: one file more is then a small step

    def moved(extra: np.ndarray) -> float:
        file = (data.file + data.n_files * np.arange(copies)[:, None]).ravel()
        more = counts(
            np.concatenate([file, np.full(extra.sum(), data.n_files * copies)]),
            np.concatenate([np.tile(data.trainer, copies), data.trainer[extra]]),
            np.concatenate([np.tile(data.level, copies), data.level[extra]]),
            data.scores,
        )
        return float(agreement.values(agreement.moments_of(more, coefficient, w), coefficient, w)[0][0])

    start = moved(np.zeros(data.n_ratings, dtype=bool))
    number = copies * (data.pairable.sum() if agreement.COEFFICIENTS[coefficient].files == "pairable" else data.n_files)
    for target in np.flatnonzero(data.pairable)[:5]:
        step = (moved(data.file == target) - start) * number
        assert step == pytest.approx(found[target], rel=0.02, abs=4e-3)


def test_specific_agreement_equals_its_formula_on_two_raters():
    table = np.array(PUBLISHED["two_raters"]["table"])
    found = specific_agreement(moments(from_table(table)))[0]
    np.testing.assert_allclose(found, 2 * np.diag(table) / (table.sum(0) + table.sum(1)), atol=1e-12)


def test_islands_of_trainers():
    linked = counts([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 3], [0] * 6, [0, 1])
    apart = counts([0, 0, 1, 1], [0, 1, 2, 3], [0] * 4, [0, 1])
    assert (linked.trainer_islands, apart.trainer_islands) == (1, 2)


def test_fewer_students_than_two_have_no_error():
    found = agreement.estimate(counts([0, 0], [0, 1], [0, 1], [0, 1, 2]), "fleiss", np.eye(3))
    assert np.isfinite(found.value)
    assert np.isnan([found.se, found.low, found.high, found.p]).all()
