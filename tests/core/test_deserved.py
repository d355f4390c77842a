"""Levels deserved: against direct integration, enumeration and counting."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import sparse, stats

from crcne_stats.core.award_risk import Reach, parameter_variance, share_interval, too_high, too_low, total
from crcne_stats.core.deserved import (
    Spread,
    Yardstick,
    above,
    boundaries,
    cumulants,
    drawn_scores,
    panel_boundaries,
)
from crcne_stats.core.panels import Panel, cells_reach, drawn_again, lee_panels, panel_levels, wrong_chances
from crcne_stats.core.second_part import level_chances, misclassified, true_levels, true_shares, updated
from crcne_stats.core.tempered import flattened, halo_by_moments, share_left


def mean_level(cells: np.ndarray) -> np.ndarray:
    """The mean score, rounded down onto 0, 1, 2."""
    return np.floor(np.nanmean(cells, axis=1) + 1e-9).astype(np.int64)


def small(n_criteria: int = 3) -> Yardstick:
    rng = np.random.default_rng(1)
    steps = np.sort(rng.normal(0, 1, (2, n_criteria)), axis=0)
    offset = np.vstack([np.zeros(n_criteria), np.cumsum(steps, axis=0)])
    return Yardstick(offset, np.tile(np.arange(3.0)[:, None], n_criteria), mean_level, 3)


def test_boundaries_are_where_the_expected_scores_reach_a_level() -> None:
    yard = small()
    (cut,) = boundaries(yard)
    assert np.nanmean(yard.expected(cut[:1])) == pytest.approx(1.0, abs=1e-8)
    assert np.isposinf(cut[1]) or cut[1] > 15  # rounded down, nobody is expected to have the highest score throughout
    moved = boundaries(yard, yard.offset[None] + 0.5 * np.arange(3)[:, None])
    assert moved[0, 0] == pytest.approx(cut[0] + 0.5)


@pytest.mark.parametrize("total_score", [0, 6, 19, 38])
def test_edgeworth_against_direct_integration(total_score: int) -> None:
    """Posteriors of a student with that total on 38 two-step ratings, an extreme one too."""
    fine = np.linspace(-12, 12, 24001)
    grid = np.arange(-60, 61) * 0.2

    def posterior(x: np.ndarray) -> np.ndarray:
        log = x * total_score - 19 * (np.log1p(np.exp(x - 0.7)) + np.log1p(np.exp(x + 0.7))) - x**2 / 8
        p = np.exp(log - log.max())
        return np.asarray(p / p.sum())

    moments = cumulants(posterior(grid)[None], grid)
    true = posterior(fine)
    cuts = moments.mean[0] + np.sqrt(moments.variance[0]) * np.array([-2.5, -1.3, -0.4, 0.0, 0.7, 1.9])
    share, density = above(moments, cuts)
    expected = [true[fine > cut].sum() for cut in cuts]
    np.testing.assert_allclose(share[0], expected, atol=4e-3)
    np.testing.assert_allclose(density[0], np.interp(cuts, fine, true / (fine[1] - fine[0])), atol=0.03)
    wide = above(moments, cuts, 0.09)[0][0]
    blurred = [float(true @ stats.norm.sf((cut - fine) / 0.3)) for cut in cuts]
    np.testing.assert_allclose(wide, blurred, atol=4e-3)


def test_drawn_scores_have_the_chances_of_the_model() -> None:
    yard = small()
    rng = np.random.default_rng(2)
    scores = drawn_scores(yard, np.full(40_000, 0.6), rng.random((40_000, 3)))
    shares = np.array([(scores == level).mean(axis=0) for level in range(3)])
    np.testing.assert_allclose(shares, yard.chances(np.array([0.6]))[0], atol=0.01)


def test_half_of_the_panel_reaches_its_boundaries() -> None:
    yard, spread = small(), Spread(0.4, 0.3)
    cut = panel_boundaries(yard, spread, 4000, np.random.default_rng(3))
    rng = np.random.default_rng(4)
    for place, where in enumerate(cut):
        location = where + 0.5 * rng.standard_normal(40_000)
        level = yard.level_of(drawn_scores(yard, location, rng.random((40_000, 3))))
        assert (level > place).mean() == pytest.approx(0.5, abs=0.02)


def test_lee_with_two_trainers_as_enumerated() -> None:
    """All score vectors of two trainers on three criteria, each trainer's severity its own."""
    yard, nodes = small(), np.array([-1.0, 0.0, 0.5, 1.5])
    cuts, severity, mass = np.array([-0.3, 1.1]), np.array([0.3, -0.5]), np.array([0.1, 0.4, 0.3, 0.2])
    level = np.arange(3)
    bound = 2 * np.einsum("rlc,l->r", yard.chances(cuts), level)
    table, twice = np.zeros((3, 3)), 0.0
    for node, share in zip(nodes, mass, strict=True):
        p = [yard.chances(np.array([node - one]))[0] for one in severity]
        true, given = int(np.searchsorted(cuts, node, side="right")), np.zeros(3)
        for scores in product(range(3), repeat=6):
            chance = np.prod([p[place // 3][score, place % 3] for place, score in enumerate(scores)])
            given[np.searchsorted(bound, sum(scores), side="right")] += chance
        table[true] += share * given
        twice += share * float((given**2).sum())
    found, curves = lee_panels(yard, 0.0, nodes, [Panel(severity, mass)], cuts, spacing=0.01)
    np.testing.assert_allclose(curves @ mass, [found.accuracy, found.consistency])
    np.testing.assert_allclose(found.table, table, atol=1e-4)
    assert found.consistency == pytest.approx(twice, abs=1e-4)
    assert found.accuracy == pytest.approx(np.trace(table), abs=1e-4)


def test_lee_averages_halo_as_drawn() -> None:
    yard, nodes, cuts = small(), np.array([0.2]), np.array([-0.3, 1.1])
    found, _ = lee_panels(yard, 0.8, nodes, [Panel(np.zeros(2), np.ones(1))], cuts)
    rng = np.random.default_rng(5)
    totals = sum(
        drawn_scores(yard, 0.2 + 0.8 * rng.standard_normal(60_000), rng.random((60_000, 3))).sum(axis=1)
        for _ in range(2)
    )
    bound = 2 * np.einsum("rlc,l->r", yard.chances(cuts), np.arange(3))
    level = np.searchsorted(bound, totals, side="right")
    np.testing.assert_allclose(found.table[1], [(level == one).mean() for one in range(3)], atol=0.01)


def test_panels_of_other_sizes_as_counted() -> None:
    yard, spread, nodes = small(), Spread(0.5, 0.0), np.array([0.0, 1.0])
    chance = panel_levels(yard, lambda s: s.mean(axis=0), spread, nodes, 2, 20_000, np.random.default_rng(6))
    np.testing.assert_allclose(chance.sum(axis=2), 1)
    rng = np.random.default_rng(7)
    severity = 0.5 * rng.standard_normal((2, 40_000))
    level = drawn_again(yard, lambda s: s.mean(axis=0), np.full(40_000, 1.0), severity, 0.0, rng)[0]
    np.testing.assert_allclose(chance[1, 1], [(level == one).mean() for one in range(3)], atol=0.015)


def test_wrong_chances_of_two_parts_by_hand() -> None:
    nodes = np.array([0.0, 1.0])
    reach = cells_reach(nodes, np.array([0.5, np.inf]))
    given = np.array([[0.8, 0.2, 0.0], [0.1, 0.6, 0.3]])
    other, cap = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 2])
    high, low = wrong_chances(given, reach, other, cap, np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    # Only those whom the gate lets through can be wrong: half of them.
    np.testing.assert_allclose(high, [0.5 * 0.2, 0.5 * 0.3])
    np.testing.assert_allclose(low, [0, 0.5 * 0.1])


def test_risks_and_their_totals_by_hand() -> None:
    share = np.array([[1.0, 0.7, 0.1], [1.0, 0.9, 0.4]])
    high, low = too_high(share, np.ones((2, 3)), np.array([1, 2])), too_low(share, np.ones((2, 3)), np.array([1, 2]))
    np.testing.assert_allclose(high.chance, [0.3, 0.6])
    np.testing.assert_allclose(low.chance, [0.1, 0.0])
    gradient = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 0.0]]))
    cut_gradient = np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 0.5]])
    covariance = np.diag([0.04, 0.01])
    reach = Reach(share, np.full((2, 3), 0.2), gradient, cut_gradient)
    found = total(high, reach, np.arange(2), covariance, 0.95)
    slope = np.array([-0.4, 0.2])  # both abilities up: fewer too high; the boundaries up: more
    chance = np.array([0.3, 0.6])
    variance = (chance * (1 - chance)).sum() + slope @ covariance @ slope
    assert found.number == pytest.approx(0.9)
    assert found.sd == pytest.approx(np.sqrt(variance))
    own = parameter_variance(gradient, cut_gradient, covariance)
    np.testing.assert_allclose(own, np.array([[0.04, 0.0425, 0.0425]] * 2))


def test_an_interval_of_a_share_stays_inside() -> None:
    low, high = share_interval(0.01, 0.0001, 0.95)
    assert 0 <= low < 0.01 < high < 1
    assert stats.beta.cdf(high, 0.98, 97.02) - stats.beta.cdf(low, 0.98, 97.02) == pytest.approx(0.95, abs=0.01)
    assert share_interval(0.0, 0.1, 0.95) == (0.0, 0.0)


def test_the_other_part_recovers_what_it_was_drawn_from() -> None:
    rng = np.random.default_rng(8)
    ability = 2 * rng.standard_normal(20_000)
    nodes = np.arange(-45, 46) * 0.2
    posterior = np.exp(-((nodes - (ability + 0.3 * rng.standard_normal(20_000))[:, None]) ** 2) / 0.18)
    posterior /= posterior.sum(axis=1, keepdims=True)
    level = np.searchsorted([-1.0, 0.8], ability + 1.5 * rng.standard_normal(20_000))
    chances = level_chances(posterior, nodes, level, 3)
    assert chances is not None
    true = stats.norm.cdf((np.array([-1.0, 0.8]) - nodes[:, None]) / 1.5)
    np.testing.assert_allclose(np.cumsum(chances, axis=1)[20:71, :2], true[20:71], atol=0.04)
    after = updated(posterior, chances, np.where(np.arange(20_000) < 5, -1, level))
    np.testing.assert_allclose(after[:5], posterior[:5])
    shift = (after - posterior) @ nodes
    assert shift[level == 2].mean() > 0.02 > -0.02 > shift[level == 0].mean()
    assert level_chances(posterior, nodes, np.ones(20_000, dtype=np.int64), 3) is None


def test_misclassified_levels_are_traced_back() -> None:
    table = misclassified(3, 0.1)
    np.testing.assert_allclose(table, [[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]])
    true = np.array([0.2, 0.5, 0.3])
    found = true_shares(10_000 * true @ table, table)
    np.testing.assert_allclose(found, true, atol=1e-4)
    given = true_levels(np.array([0, -1]), table, true)
    np.testing.assert_allclose(given[0], np.array([0.18, 0.025, 0.0]) / 0.205)
    np.testing.assert_allclose(given[1], true)
    np.testing.assert_allclose(true_levels(np.array([1]), misclassified(3, 0.0), true), [[0, 1, 0]])


def test_halo_is_found_by_moments_and_flattens_the_posterior() -> None:
    rng = np.random.default_rng(9)
    n, info = 4000, 9.0
    student = np.repeat(np.arange(n), 2)
    gap = 0.5 * rng.standard_normal(2 * n) + rng.standard_normal(2 * n) / np.sqrt(info)
    assert halo_by_moments(student, gap * info, np.full(2 * n, info)) == pytest.approx(0.5, abs=0.03)
    assert np.isnan(halo_by_moments(np.arange(5), np.zeros(5), np.ones(5)))
    share = share_left(student, np.full(2 * n, info), 0.5, n + 1)
    np.testing.assert_allclose(share[:n], 1 / (1 + 0.25 * info))
    assert share[n] == 1
    nodes = np.arange(-40, 41) * 0.2
    likelihood = -((nodes - 1.0) ** 2) / 2 * 18
    sharp = np.exp(likelihood - nodes**2 / 8)
    flat = flattened((sharp / sharp.sum())[None], nodes, np.zeros(1), 2.0, np.array([0.25]))
    moments = cumulants(flat, nodes)
    precision = 18 * 0.25 + 0.25
    assert moments.variance[0] == pytest.approx(1 / precision, abs=1e-6)
    assert moments.mean[0] == pytest.approx(4.5 / precision, abs=1e-6)
