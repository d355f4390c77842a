"""Proportional odds, dominance, ROC and unreliability: R's numbers, and what must hold whatever the data."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.dominance import (
    Sums,
    dominance_over,
    drawn_orders,
    explained,
    general_dominance,
)
from crcne_stats.core.proportional_odds import brant, proportional_odds
from crcne_stats.core.roc import at_cuts, auc, calibrated, spaced_cuts
from crcne_stats.core.unreliability import disattenuated, expected_table, lengthened

R: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference" / "concordance.json").read_text(encoding="utf-8")
)
X, Y = np.array(R["x"]).T, np.array(R["y"])


def test_proportional_odds_as_mass() -> None:
    fit, polr = proportional_odds(Y, X), R["polr"]
    np.testing.assert_allclose(fit.slopes, polr["slopes"], atol=1e-6)
    np.testing.assert_allclose(fit.cuts, polr["cuts"], atol=1e-6)
    assert fit.log_likelihood == pytest.approx(polr["log_likelihood"], abs=1e-8)
    se = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(np.r_[se[3:], se[:3]], polr["se"], rtol=1e-4)


def test_brant_as_worked_in_base_r() -> None:
    found = brant(Y, X)
    assert (found.statistic, found.df) == (pytest.approx(R["brant"]["statistic"], rel=2e-6), R["brant"]["df"])
    np.testing.assert_allclose(found.each, R["brant"]["each"], rtol=2e-6)


def test_clustered_errors_are_those_of_a_bootstrap_of_clusters() -> None:
    twice = np.repeat(np.arange(len(Y)), 2)
    doubled = proportional_odds(Y[twice], X[twice])
    # Every row twice over tells no more than once.
    np.testing.assert_allclose(
        doubled.clustered(twice), proportional_odds(Y, X).clustered(np.arange(len(Y))), rtol=1e-5
    )
    rng = np.random.default_rng(3)
    n = 600
    x = rng.normal(size=(n, 1))
    y = np.digitize(x[:, 0] + rng.logistic(size=n), [-0.5, 1.0])
    fit = proportional_odds(y, x)
    draws = []
    for _ in range(200):
        chosen = rng.integers(0, n, n)
        draws.append(proportional_odds(y[chosen], x[chosen]).slopes[0])
    assert np.sqrt(fit.clustered(np.arange(n))[0, 0]) == pytest.approx(np.std(draws), rel=0.15)


@pytest.mark.parametrize(
    ("level", "x", "reason"),
    [
        ([1, 1, 1, 1], [[0.0], [1], [2], [3]], "one_level_only"),
        ([0, 1, 0, 1], [[2.0], [2], [2], [2]], "collinear"),
        ([0, 1, 0, 1], [[0.0, 0], [1, 2], [2, 4], [0, 0]], "collinear"),
        ([0, 0, 1, 1], [[0.0], [1], [2], [3]], "perfect_prediction"),
    ],
)
def test_no_finite_fit_has_its_reason(level: list[int], x: list[list[float]], reason: str) -> None:
    assert proportional_odds(level, x).reason == reason


def test_brant_keeps_its_size_and_sees_crossing_lines() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(200):
        x = rng.normal(size=(400, 2))
        p.append(brant(np.digitize(x[:, 0] + rng.logistic(size=400), [-1, 0, 1]), x).p)
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10
    x = rng.normal(size=(4000, 1))
    above = [rng.random(4000) < 1 / (1 + np.exp(-slope * x[:, 0] - start)) for slope, start in ((0.3, 2), (1.5, -2))]
    assert brant(above[0].astype(int) + (above[0] & above[1]), x).p < 1e-6


def test_dominance_as_every_order_by_lm() -> None:
    latent = np.array(R["latent"])
    r = np.corrcoef(np.c_[X, latent].T)
    found = general_dominance(r[:3, :3], r[:3, 3])
    np.testing.assert_allclose(found, R["dominance"], atol=1e-8)
    every = np.array(list(itertools.permutations(range(3))))
    np.testing.assert_allclose(dominance_over(r[:3, :3], r[:3, 3], every), found, atol=1e-12)


def correlations(level: Any, x: Any, weight: Any = None) -> tuple[Any, Any]:
    sums = Sums(level, x)
    return sums.correlations((np.ones(len(level)) if weight is None else weight) @ sums.rows)


def test_polyserial_in_two_steps_as_polycor() -> None:
    np.testing.assert_allclose(correlations(Y, X)[1], R["polyserial"], atol=1e-9)
    weight = np.random.default_rng(2).integers(0, 4, len(Y))
    rows = np.repeat(np.arange(len(Y)), weight)
    for one, other in zip(correlations(Y, X, weight), correlations(Y[rows], X[rows]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10**6))
def test_dominance_shares_out_all_that_is_explained(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = np.corrcoef(rng.normal(size=(n + 1, 3 * n)) + rng.normal(size=3 * n))
    among, outcome = r[:n, :n], r[:n, n]
    shares = general_dominance(among, outcome)
    assert shares.sum() == pytest.approx(explained(among, outcome)[-1])
    assert shares.sum() == pytest.approx(outcome @ np.linalg.solve(among, outcome))
    assert (shares >= -1e-12).all()
    order = rng.permutation(n)
    np.testing.assert_allclose(general_dominance(among[np.ix_(order, order)], outcome[order]), shares[order])
    drawn = dominance_over(among, outcome, drawn_orders(n, 400, rng))
    assert drawn.sum() == pytest.approx(shares.sum())
    np.testing.assert_allclose(drawn, shares, atol=0.06)


def test_area_under_the_curve_as_delongs_placements() -> None:
    measure, good = np.array(R["measure"]), Y >= 2
    found = auc(measure, good)
    assert found.value == pytest.approx(R["auc"]["value"], abs=1e-10)
    assert found.se == pytest.approx(R["auc"]["se"], abs=1e-10)
    assert found.low < found.value < found.high
    assert auc(measure, good, np.arange(len(Y))).se == pytest.approx(found.se, rel=0.02)
    twice = np.repeat(np.arange(len(Y)), 2)
    assert auc(measure[twice], good[twice], twice).se == pytest.approx(found.se, rel=0.02)
    assert np.isnan(auc(measure, np.ones(len(Y), dtype=bool)).value)


def test_cuts_count_both_classes_and_keep_their_distance() -> None:
    measure, good = X[:, 0], Y >= 2
    cuts = spaced_cuts(measure, good, 12, 8)
    found = at_cuts(measure, good, cuts)
    assert len(cuts) > 2
    for place, cut in enumerate(cuts):
        assert found.hits[place] == (good & (measure >= cut)).sum()
        assert found.passes[place] == (~good & (measure < cut)).sum()
    assert (np.diff(np.r_[found.n_positive, found.hits, 0]) <= -8).all()
    assert (np.diff(np.r_[0, found.passes, found.n_negative]) >= 8).all()


def test_foretold_probabilities_of_a_true_model_are_calibrated() -> None:
    rng = np.random.default_rng(4)
    measure = rng.normal(size=4000)
    good = rng.random(4000) < 1 / (1 + np.exp(-1.2 * measure))
    found = calibrated(measure, good, np.arange(4000) % 5)
    assert found.slope == pytest.approx(1, abs=3 * found.slope_se)
    assert found.probability.mean() == pytest.approx(good.mean(), abs=0.01)
    assert calibrated(measure, measure > 0, np.arange(4000) % 5).reason == "perfect_prediction"


def test_expected_table_as_mvtnorm_and_correction_as_spearman() -> None:
    table = expected_table(0.8, [0.2, 0.5, 0.3], [0.4, 0.4, 0.2])
    np.testing.assert_allclose(table.ravel(), R["expected"], atol=1e-8)
    gaps = expected_table(0.5, [0.0, 0.5, 0.5], [0.3, 0.0, 0.7])
    np.testing.assert_allclose(gaps.sum(axis=0), [0.3, 0, 0.7], atol=1e-9)
    np.testing.assert_allclose(gaps.sum(axis=1), [0, 0.5, 0.5], atol=1e-9)
    assert lengthened(0.5, 2) == pytest.approx(2 / 3)
    found = disattenuated(0.6, 0.05, 0.81, 0.0)
    assert (found.value, found.se) == (pytest.approx(0.6 / 0.9), pytest.approx(0.05 / 0.9))
