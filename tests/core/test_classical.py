"""Classical statistics against R's psych, and their clustered errors against brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core import classical

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "classical.json").read_text(encoding="utf-8"))


def data(name: str) -> np.ndarray:
    return np.array(REFERENCE[name]["data"], dtype=float)


def influence_of_alpha(x: np.ndarray) -> np.ndarray:
    c = classical.covariance(x)
    return classical.covariance_influence(x, c, classical.alpha_slope(c))


@pytest.mark.parametrize("name", ["complete", "holes"])
def test_alpha_as_psych(name: str) -> None:
    c = classical.covariance(data(name))
    assert classical.alpha(c) == pytest.approx(REFERENCE[name]["alpha"][0], abs=1e-12)
    np.testing.assert_allclose(classical.alpha_without(c), REFERENCE[name]["alpha_if_dropped"], atol=1e-12)


def test_item_rest_and_mean_as_psych() -> None:
    x = data("complete")
    others, rows = classical.rest(x), np.arange(len(x))
    got = [classical.correlation(x[:, j], others[:, j], rows)[0].value for j in range(7)]
    np.testing.assert_allclose(got, REFERENCE["complete"]["item_rest"], atol=1e-12)
    np.testing.assert_allclose([classical.mean(x[:, j], rows).value for j in range(7)], x.mean(axis=0))


def test_interval_of_a_mean_is_the_t_interval_when_rows_are_independent() -> None:
    x, rows = data("complete")[:, 0], np.arange(30)
    got = classical.mean(x, rows)
    assert got.se == pytest.approx(x.std(ddof=1) / np.sqrt(30))
    assert got.low == pytest.approx(x.mean() - 2.0452296421327034 * got.se)  # qt(.975, 29) in R


def test_rows_given_twice_do_not_shrink_errors() -> None:
    x = data("holes")
    twice, rows = np.vstack([x, x]), np.arange(30)
    cluster = np.concatenate([rows, rows])
    once = classical.interval(0.8, influence_of_alpha(x), rows)
    again = classical.interval(0.8, influence_of_alpha(twice), cluster)
    assert again.n_clusters == 30
    assert again.se == pytest.approx(once.se, rel=0.05)
    one, two = (classical.mean(part[:, 0], c).se for part, c in ((x, rows), (twice, cluster)))
    assert two == pytest.approx(one)


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_influence_is_the_derivative(holes: float) -> None:
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=(300, 1)) + rng.normal(size=(300, 4)))
    x[rng.random(x.shape) < holes] = np.nan
    x[0] = [3.0, -2.0, np.nan if holes else 1.0, 2.0]

    def alpha_of(rows: np.ndarray) -> float:
        return classical.alpha(classical.covariance(rows))

    influence = influence_of_alpha(x)
    many = np.vstack([np.repeat(x, 200, axis=0), x[:1]])  # one row more among 60,000
    step = len(many) * (alpha_of(many) - alpha_of(np.repeat(x, 200, axis=0)))
    assert step == pytest.approx(influence[0], rel=0.02)
    assert np.nanmean(influence) == pytest.approx(0, abs=0.01)


def test_clustered_errors_are_those_of_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    student = rng.normal(size=(200, 1, 1))
    x = np.round(student + rng.normal(size=(200, 2, 1)) * 0.6 + rng.normal(size=(200, 2, 5)) + 2).clip(0, 4)
    flat, cluster = x.reshape(400, 5), np.repeat(np.arange(200), 2)
    other = classical.of_others(classical.rest(flat), cluster)

    def numbers(rows: np.ndarray, rest: np.ndarray, who: np.ndarray) -> list[float]:
        r = classical.correlation(rows[:, 0], rest[:, 0], who)[0]
        return [rows[:, 0].mean(), r.value, classical.alpha(classical.covariance(rows))]

    drawn = []
    for _ in range(1500):
        take = rng.integers(0, 200, 200)
        rows = np.stack([2 * take, 2 * take + 1], axis=1).ravel()
        drawn.append(numbers(flat[rows], other[rows], np.repeat(np.arange(200), 2)))
    spread = np.std(drawn, axis=0)
    influence = influence_of_alpha(flat)
    ours = [
        classical.mean(flat[:, 0], cluster).se,
        classical.correlation(flat[:, 0], other[:, 0], cluster)[0].se,
        classical.interval(0.8, influence, cluster, "alpha").se,
    ]
    np.testing.assert_allclose(ours, spread, rtol=0.1)


def test_the_rest_of_another_trainer_by_hand() -> None:
    x = np.array([[1.0, 2, 3], [3, 2, 1], [0, np.nan, 2], [4, 4, 4]])
    others = classical.rest(x)
    deviation = x - np.nanmean(x, axis=0)
    np.testing.assert_allclose(
        others[0], [deviation[0, [1, 2]].mean(), deviation[0, [0, 2]].mean(), deviation[0, :2].mean()]
    )
    np.testing.assert_allclose(others[2], [deviation[2, 2], deviation[2, [0, 2]].mean(), deviation[2, 0]])
    elsewhere = classical.of_others(others, np.array([0, 0, 1, 2]))
    np.testing.assert_allclose(elsewhere[:2], others[[1, 0]])
    assert np.isnan(elsewhere[2:]).all()


def test_three_trainers_the_mean_of_the_two_others() -> None:
    values = np.array([[1.0], [2.0], [6.0], [9.0]])
    np.testing.assert_allclose(classical.of_others(values, np.array([1, 1, 1, 0]))[:, 0], [4, 3.5, 1.5, np.nan])


def test_each_of_several_others_counts_singly() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=12), rng.normal(size=(12, 3))
    x += y[:, 0] + y[:, 1]
    got = classical.correlation(x, y.mean(axis=1), np.arange(12), (y**2).mean(axis=1))[0]
    assert got.value == pytest.approx(np.corrcoef(np.repeat(x, 3), y.ravel())[0, 1])
    paired = classical.correlation(np.repeat(x, 3), y.ravel(), np.repeat(np.arange(12), 3))[0]
    assert (got.se, got.low) == pytest.approx((paired.se, paired.low))


def test_what_cannot_be_had_is_nan() -> None:
    rows = np.arange(4)
    flat = np.full(4, 2.0)
    assert np.isnan(classical.correlation(flat, np.arange(4.0), rows)[0].value)
    assert np.isnan(classical.correlation(flat[:2], flat[:2], rows[:2])[0].value)
    assert np.isnan(classical.mean(np.full(4, np.nan), rows).value)
    assert np.isnan(classical.mean(np.arange(4.0), np.zeros(4, dtype=int)).se)
    assert np.isnan(classical.alpha(np.array([[1.0]])))
    assert np.isnan(classical.alpha(np.zeros((3, 3))))
    assert np.isnan(classical.rest(np.arange(3.0)[:, None])).all()


@given(st.integers(0, 10**6))
def test_order_and_relabelling_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, (24, 4)).astype(float)
    x[rng.random(x.shape) < 0.15] = np.nan
    file = np.repeat(np.arange(12), 2)
    order, names = rng.permutation(24), rng.permutation(12)

    def numbers(x: np.ndarray, file: np.ndarray) -> np.ndarray:
        rest = classical.of_others(classical.rest(x), file)
        r = [classical.correlation(x[:, j], rest[:, j], file)[0] for j in range(4)]
        a = classical.interval(0.5, influence_of_alpha(x), file, "alpha")
        return np.array([*(v for one in r for v in (one.value, one.se, one.low, one.high)), a.se, a.low])

    np.testing.assert_allclose(numbers(x, file), numbers(x[order], names[file][order]), atol=1e-9)
