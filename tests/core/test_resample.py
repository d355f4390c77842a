"""The one door of repeated work: same seed, same numbers, whoever does the work."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

from crcne_stats.core import agreement
from crcne_stats.core import agreement_resamples as resamples
from crcne_stats.core.counts import counts
from crcne_stats.core.resample import bootstrap_weights, repeat
from crcne_stats.core.weights import weight_matrix


def normals(rng, size):
    return rng.normal(size=(size, 3))


def two_arrays(rng, size):
    drawn = rng.normal(size=size)
    return drawn, drawn[:, None] > 0


def too_short(rng, size):
    return np.zeros(size - 1)


def test_same_numbers_whatever_the_number_of_workers():
    alone = repeat(normals, 25, seed=7, block=4)
    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            np.testing.assert_array_equal(repeat(normals, 25, seed=7, block=4), alone)


def test_first_axis_seeds_and_blocks():
    found = repeat(normals, 25, seed=7, block=4)
    assert found.shape == (25, 3)
    assert len(np.unique(found)) == found.size  # no block repeats another
    np.testing.assert_array_equal(found, repeat(normals, 25, seed=7, block=4))
    assert not np.array_equal(found, repeat(normals, 25, seed=8, block=4))
    np.testing.assert_array_equal(found[:24], repeat(normals, 24, seed=7, block=4))  # more work moves no earlier number


def test_a_seed_sequence_is_not_spent():
    seed = np.random.SeedSequence(3)
    np.testing.assert_array_equal(repeat(normals, 8, seed, block=4), repeat(normals, 8, seed, block=4))


def test_several_arrays_come_back_side_by_side():
    numbers, flags = repeat(two_arrays, 10, seed=1, block=3)
    assert numbers.shape == (10,)
    assert flags.shape == (10, 1)
    np.testing.assert_array_equal(flags[:, 0], numbers > 0)


def test_progress_tells_repetitions_done_in_order():
    told = []
    repeat(normals, 10, seed=1, progress=lambda done, total: told.append((done, total)), block=4)
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="positive"):
        repeat(normals, 0, seed=1)
    with pytest.raises(ValueError, match="block of 4"):
        repeat(too_short, 8, seed=1, block=4)


def test_bootstrap_weights_are_multinomial():
    weight = bootstrap_weights(np.random.default_rng(0), 400, 50)
    assert weight.shape == (50, 400)
    assert (weight.sum(axis=0) == 50).all()
    assert weight.mean() == 1
    assert weight.var() == pytest.approx(1 - 1 / 50, rel=0.05)


def question(seed=0, n=120, trainers=6):
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=n)
    file = np.repeat(np.arange(n), 2)
    trainer = np.stack(
        [np.arange(n) % trainers, (np.arange(n) + 1 + np.arange(n) // trainers % 2) % trainers], 1
    ).ravel()
    level = np.clip(np.round(2 + ability[file] + 0.7 * rng.normal(size=2 * n)), 0, 4).astype(int)
    data = counts(file, trainer, level, np.arange(5), np.arange(n))
    names = tuple(name for name, entry in agreement.COEFFICIENTS.items() if entry.files != "pair")
    return data, resamples.Asked(names, weight_matrix("quadratic", data.scores), levels=True)


def test_a_resample_by_sparse_products_equals_the_same_ratings_copied_out():
    data, asked = question()
    weight = bootstrap_weights(np.random.default_rng(5), 3, 120)
    found = resamples._Resample([(data, asked)], 120, 0, None)(np.random.default_rng(5), 3)
    for column in range(3):
        drawn = np.repeat(np.arange(120), weight[:, column].astype(int))
        rows = [np.flatnonzero(data.file == student) for student in drawn]
        file = np.repeat(np.arange(len(drawn)), [len(r) for r in rows])
        own = np.concatenate(rows)
        copied = counts(file, data.trainer[own], data.level[own], data.scores)
        np.testing.assert_allclose(found[column], resamples.answers(copied, asked), atol=1e-6)


def test_bootstrap_error_is_near_the_linearised_one():
    data, asked = question(n=600)
    (found,) = resamples.resampled([(data, asked)], 600, 1000, seed=2)
    for column, name in enumerate(asked.coefficients):
        wanted = agreement.estimate(data, name, asked.weights).se
        assert found[:, column].std(ddof=1) == pytest.approx(wanted, rel=0.12), name


def test_bootstrap_of_coefficients_does_not_depend_on_workers_nor_on_company():
    questions = [question(seed) for seed in (0, 1)]
    alone = resamples.resampled(questions, 120, 250, seed=4)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shared = resamples.resampled(questions, 120, 250, seed=4)
    for one, other in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(resamples.resampled(questions[1:], 120, 250, seed=4)[0], alone[1])
    assert resamples.resampled([], 120, 250, seed=4) == []
