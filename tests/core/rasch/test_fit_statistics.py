"""Abilities, residuals and fit against TAM, eRm and the Guilford example of Facets; formulas against brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from crcne_stats.core.rasch import bias as bias_module
from crcne_stats.core.rasch.abilities import eap_reliability, posterior_draws, warm_table, wle_reliability
from crcne_stats.core.rasch.categories import curves, disorder, half_points, step_sums
from crcne_stats.core.rasch.design import THRESHOLD, Model, RatingData
from crcne_stats.core.rasch.dimensionality import principal_components, residual_correlations, residual_sheets
from crcne_stats.core.rasch.fitstats import displacement, fit_statistics, mean_squares, stretch
from crcne_stats.core.rasch.jml import joint_fit
from crcne_stats.core.rasch.layout import layout
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import group_means, one_mean, zero_mean
from crcne_stats.core.rasch.rated import moments, rated, thresholds_by_level
from crcne_stats.core.rasch.raters import agreement, equivalence, halo, rating_pairs, sheets
from crcne_stats.core.rasch.residuals import residuals_at, residuals_over
from crcne_stats.core.rasch.simulated import Asked, Source, limits, reference
from crcne_stats.core.rasch.sufficient import sufficient
from crcne_stats.core.rasch.summaries import fixed_chi2, random_chi2, spread, wald_chi2

# Guilford (1954), Psychometric Methods, p. 282: three seniors (blocks) rate seven juniors (words) on five traits, 1–9.
GUILFORD = (
    "55353 97585 33371 73133 97785 35351 77555",
    "65463 87572 45366 56455 24323 44642 33554",
    "55573 77575 35555 53331 97777 33353 77757",
)


def seen(found):
    """A fit as its ratings see it."""
    return rated(found.plan, found.problem.stats, found.found.point.value)


@pytest.mark.parametrize(("name", "thresholds"), [("TAM_rsm_fine", "shared"), ("TAM_pcm_item_fine", "criterion")])
def test_abilities_and_fit_of_tam(name, thresholds, real, reference):
    data, trainers, criteria, persons = real("sirt_ratings1.csv")
    found = fit(data, Model(thresholds=thresholds, centred=("trainer",)), zero_mean(data.n_students))
    told = reference("rasch_fit_tam.json")["models"][name]
    who = seen(found)
    ability, se = warm_table(who).at(found.problem.stats.total)
    for person, theta, error in told["wle"]:
        assert ability[persons.index(person)] == pytest.approx(theta, abs=0.002)
        assert se[persons.index(person)] == pytest.approx(error, abs=0.001)
    assert wle_reliability(ability, se) == pytest.approx(told["WLE_reliability"], abs=0.0005)
    assert eap_reliability(found.found.eap, found.found.variance) == pytest.approx(told["EAP_reliability"], abs=0.001)
    residuals = residuals_over(who, found.found.posterior, found.found.nodes)
    fits = fit_statistics(who, residuals, who.cell, found.plan.n_cells)
    for label, outfit, infit in told["fit"]:
        item, trainer = label.replace("rater", "", 1).rsplit("-", 1)
        codes = [trainers.index(trainer), criteria.index(item)]
        cell = int(np.flatnonzero((found.plan.cell_codes == codes).all(axis=1))[0])
        assert fits.infit[cell] == pytest.approx(infit, abs=0.005)
        assert fits.outfit[cell] == pytest.approx(outfit, abs=0.005)


def test_item_fit_of_erm(reference):
    told = reference("rasch_fit.json")
    kept = ~np.array(told["extreme"])
    score = np.array(told["scores"])[kept]
    n, items = score.shape
    data = RatingData(
        np.repeat(np.arange(n), items),
        {"criterion": np.tile(np.arange(items), n)},
        score.ravel(),
        n,
        {"criterion": items},
        np.full(items, 3),
    )
    plan = layout(data, Model(facets=("criterion",), thresholds="criterion", centred=()))
    steps = np.array(told["thresholds"])
    value = np.zeros(len(plan.status))
    value[plan.blocks["criterion"].range] = steps.mean(axis=1)
    value[plan.blocks[THRESHOLD].range] = (steps - steps.mean(axis=1, keepdims=True)).ravel()
    who = rated(plan, sufficient(plan), value)
    residuals = residuals_at(who, np.array(told["theta"], dtype=float)[kept])
    found = fit_statistics(who, residuals, who.codes("criterion"), items)
    for ours, theirs in ((found.infit, "infit"), (found.outfit, "outfit")):
        np.testing.assert_allclose(ours, told[theirs], atol=2e-5)
    for ours, theirs in ((found.infit_z, "infit_z"), (found.outfit_z, "outfit_z")):
        np.testing.assert_allclose(ours, told[theirs], atol=2e-4)
    np.testing.assert_allclose(mean_squares(who, residuals, who.codes("criterion"), items), [found.infit, found.outfit])


@pytest.fixture(scope="module")
def creativity():
    """The Guilford example: the joint fit as its ratings see it, and the joint abilities."""
    levels = np.array([[[int(x) for x in word] for word in block.split()] for block in GUILFORD]) - 1
    senior, junior, trait = (x.ravel() for x in np.indices(levels.shape))
    data = RatingData(
        junior,
        {"trainer": senior, "criterion": trait},
        levels.ravel(),
        7,
        {"trainer": 3, "criterion": 5},
        np.full(5, 9),
    )
    found = joint_fit(data, Model())
    who = rated(found.plan, sufficient(found.plan), found.value)
    return found, who, found.ability


def test_fit_and_agreement_of_guilford(creativity):
    _, who, ability = creativity
    residuals = residuals_at(who, ability)
    seniors = fit_statistics(who, residuals, who.codes("trainer"), 3)
    juniors = fit_statistics(who, residuals, who.student, 7)
    assert seniors.infit[1] == pytest.approx(1.48, abs=0.01)
    assert juniors.infit[4] == pytest.approx(1.99, abs=0.005)
    assert juniors.infit[0] == pytest.approx(0.24, abs=0.005)
    first, second = rating_pairs(who.student * 5 + who.codes("criterion"), who.codes("trainer"))
    by, whole = agreement(who, ability, first, second, who.codes("trainer"), 3)
    assert (whole.opportunities[0], whole.exact[0]) == (105, 33)
    assert whole.expected[0] == pytest.approx(27.0, abs=0.05)
    assert by.exact.sum() == 66
    assert whole.kappa[0] == pytest.approx((33 - whole.expected[0]) / (105 - whole.expected[0]))


def test_bias_of_guilford(creativity):
    _, who, ability = creativity
    code = who.codes("trainer") * 7 + who.student
    found = bias_module.bias(who, ability, code, 21)
    david, edward = 7 + 3, 7 + 4
    assert found.observed[[david, edward]] + 5 == pytest.approx([25, 14])
    assert found.expected[[david, edward]] + 5 == pytest.approx([17.3, 27.0], abs=0.1)
    assert found.bias[[david, edward]] == pytest.approx([0.74, -1.30], abs=0.005)
    assert found.se[[david, edward]] == pytest.approx([0.30, 0.36], abs=0.005)
    assert found.t[[david, edward]] == pytest.approx([2.49, -3.61], abs=0.02)
    assert (found.t**2).sum() == pytest.approx(42.8, abs=0.05)
    # Facets table 14: David as Brahe sees him and as Cavendish does, 1.30 (.45), t 2.86 on 8 degrees of freedom.
    two = bias_module.pair_bias(found, np.arange(21) % 7)
    pair = int(np.flatnonzero((two.first == david) & (two.second == 14 + 3))[0])
    assert two.contrast[pair] == pytest.approx(1.30, abs=0.05)
    assert two.se[pair] == pytest.approx(0.45, abs=0.01)
    assert two.df[pair] == 8
    assert two.p[pair] == pytest.approx(0.0211, abs=0.003)
    assert len(two.first) == 21
    pairs = np.unique(np.column_stack([who.codes("trainer"), who.student]), axis=0)
    assert bias_module.independent_cells(pairs) == 2 * 6


def test_the_surest_pairs_are_those_of_all_the_pairs():
    rng = np.random.default_rng(5)
    own = np.sort(rng.integers(0, 4, 300))
    shift = np.where(rng.random(300) < 0.05, np.nan, rng.normal(size=300) * rng.choice([0.3, 2], 300))
    n = rng.integers(2, 30, 300).astype(float)
    cells = bias_module.Bias(n, n, n, shift, rng.uniform(0.2, 1.0, 300))
    every, few = bias_module.pair_bias(cells, own), bias_module.pair_bias(cells, own, 0.05)
    known = np.isfinite(shift)
    assert len(every.p) == sum(k * (k - 1) // 2 for k in np.bincount(own[known]))
    np.testing.assert_allclose(every.p_adjusted, stats.false_discovery_control(every.p), rtol=1e-12)
    assert 0 < len(few.p) == (every.p_adjusted <= 0.05).sum()
    for name in ("first", "second", "contrast", "p_adjusted"):
        np.testing.assert_array_equal(getattr(few, name), getattr(every, name)[: len(few.p)])
    nothing = bias_module.pair_bias(bias_module.Bias(n, n, n, np.full(300, np.nan), n), own, 0.05)
    assert len(nothing.first) == 0


def test_spread_of_guilford(creativity):
    found, _, ability = creativity
    population, sample = (spread(ability, found.ability_se, flag) for flag in (False, True))
    assert population.separation == pytest.approx(2.25, abs=0.005)
    assert sample.separation == pytest.approx(2.47, abs=0.005)
    assert fixed_chi2(ability, found.ability_se).chi2 == pytest.approx(41.3, abs=0.05)


def test_arithmetic_of_facets_table_7():
    # 12 readers of essays: strata and reliability that the manual prints for a separation of 2.17.
    measure = np.array([-1.0, 1.0]).repeat(6) * 0.17 / np.sqrt(1 - 1 / (1 + 2.17**2))
    error = np.full(12, np.sqrt((measure.std() ** 2) / (1 + 2.17**2)))
    found = spread(measure, error, sample=False)
    assert found.separation == pytest.approx(2.17)
    assert found.strata == pytest.approx(3.22, abs=0.01)
    assert found.reliability == pytest.approx(0.82, abs=0.005)


def test_spread_of_measures_that_are_all_error():
    found = spread(np.array([0.1, -0.1, 0.0]), np.array([1.0, 1.0, 1.0]), sample=True)
    assert (found.separation, found.reliability) == (0.0, 0.0)
    assert np.isnan(spread(np.array([0.3]), np.array([0.1]), sample=True).separation)
    assert random_chi2(np.array([0.1, -0.1, 0.0]), np.ones(3)).df == 1
    assert np.isnan(fixed_chi2(np.array([0.1]), np.array([0.1])).chi2)
    assert wald_chi2(np.array([1.0, -1.0]), np.array([[0.5, -0.5], [-0.5, 0.5]])).df == 1


@pytest.fixture(scope="module")
def small(drawn):
    """A fit of 240 students in two INSPÉ."""
    data, home, truth = drawn(halo=0.0)
    return fit(data, Model(), group_means(home)), data, truth


def test_warm_estimates_solve_their_equation(small):
    found, _, _ = small
    who = seen(found)
    ability, _ = warm_table(who).at(found.problem.stats.total)

    def gap(theta, rows):
        mean, variance, third, _ = moments(who.chances(np.full(len(rows), theta), who.cell[rows]))
        return who.score[rows].sum() - mean.sum() + third.sum() / (2 * variance.sum())

    for student in (0, 7, int(np.argmin(found.problem.stats.total)), int(np.argmax(found.problem.stats.total))):
        rows = np.flatnonzero(who.student == student)
        assert ability[student] == pytest.approx(brentq(gap, -15, 15, args=(rows,), xtol=1e-12), abs=1e-6)


def test_residuals_over_the_posterior_average_to_one(small):
    found, _, _ = small
    who = seen(found)
    residuals = residuals_over(who, found.found.posterior, found.found.nodes)
    assert residuals.squared.sum() / residuals.variance.sum() == pytest.approx(1, abs=0.03)
    # The trainers' scores are met exactly by the posterior means of the expected ones.
    for facet, n in (("trainer", 8), ("criterion", 5)):
        assert np.abs(np.bincount(who.codes(facet), residuals.residual, minlength=n)).max() < 1e-4


def test_point_measure_is_a_correlation(small):
    found, _, _ = small
    who = seen(found)
    residuals = residuals_at(who, warm_table(who).at(found.problem.stats.total)[0])
    fits = fit_statistics(who, residuals, who.codes("trainer"), 8)
    location = residuals.ability - who.difficulty[who.cell]
    mine = who.codes("trainer") == 3
    assert fits.point_measure[3] == pytest.approx(np.corrcoef(who.score[mine], location[mine])[0, 1])
    assert np.abs(fits.point_measure - fits.point_measure_expected).max() < 0.15
    assert np.abs(displacement(who, residuals, who.codes("trainer"), 8)).max() < 0.05


def test_centrality_finds_the_trainer_who_keeps_to_the_middle(small):
    _, data, _ = small
    rng = np.random.default_rng(5)
    middle = (data.facets["trainer"] == 2) & (rng.random(len(data.score)) < 0.6)
    shy = replace(data, score=np.where(middle, np.clip(data.score, 1, 2), data.score))
    found = fit(shy, Model(), one_mean(data.n_students))
    who = seen(found)
    residuals = residuals_at(who, warm_table(who).at(found.problem.stats.total)[0])
    answer = stretch(who, residuals, who.codes("trainer"), 8)
    assert answer.centrality.argmax() == 2
    assert answer.centrality[2] - 3 * answer.centrality_se[2] > 1


def asked(found, file):
    who = seen(found)
    source = Source(who, warm_table(who), found.found.posterior, found.found.nodes)
    trainer, item = (who.codes("trainer"), 8), (who.codes("criterion"), 5)
    where = sheets(who, file[found.plan.kept], who.codes("trainer"))
    return Asked(source, (trainer, item), trainer, item, where)


def test_simulated_limits_hold_a_true_model_and_show_halo(small, drawn):
    found, data, _ = small
    question = asked(found, data.student)
    drawn_limits = reference(question, 40, seed=3, reach=1.96)
    residuals = question.source.residuals(question.source.found.score)
    fits = fit_statistics(question.source.found, residuals, *question.trainer)
    inside = (fits.infit > drawn_limits.infit[0].low) & (fits.infit < drawn_limits.infit[0].high)
    assert inside.sum() >= 6
    own = halo(residuals.z, question.sheets, 8)
    assert ((own > drawn_limits.halo.low) & (own < drawn_limits.halo.high)).sum() >= 6
    moved, home, _ = drawn(halo=0.8)
    other = asked(fit(moved, Model(), group_means(home)), moved.student)
    theirs = halo(other.source.residuals(other.source.found.score).z, other.sheets, 8)
    assert (theirs > reference(other, 40, seed=3, reach=1.96).halo.high).sum() >= 4


def test_limits_leave_out_what_a_replicate_lacks():
    found = limits(np.array([[1.0, np.nan], [1.2, np.nan], [0.9, 2.0]]), 1.96, log=True)
    assert found.low[0] < found.middle[0] < found.high[0]
    assert np.isnan(found.middle[1])


def test_draws_follow_the_posterior(small):
    found, _, _ = small
    rng = np.random.default_rng(2)
    draws = np.array([posterior_draws(rng, found.found.posterior, found.found.nodes) for _ in range(200)])
    np.testing.assert_allclose(draws.mean(axis=0), found.found.eap, atol=0.25)


def test_draws_have_the_variance_of_the_posterior_however_far_apart_its_nodes_are():
    nodes = np.arange(-20, 21) * 0.4
    sd = np.array([0.4, 1.0])
    posterior = np.exp(-((nodes - np.array([[0.1], [0.5]])) ** 2) / (2 * sd[:, None] ** 2))
    posterior /= posterior.sum(axis=1, keepdims=True)
    draws = posterior_draws(np.random.default_rng(1), np.repeat(posterior, 100_000, axis=0), nodes).reshape(2, -1)
    np.testing.assert_allclose(draws.mean(axis=1), [0.1, 0.5], atol=0.01)
    np.testing.assert_allclose(draws.std(axis=1), sd, rtol=0.01)  # 4 % too much if merely spread about the nodes
    alone = np.eye(41)[[20]]
    assert posterior_draws(np.random.default_rng(1), alone, nodes)[0] == pytest.approx(0)


def test_thresholds_and_half_points():
    steps = np.array([[-np.inf, -1.5, 0.2, 1.0], [-np.inf, 0.8, -0.4, np.inf]])
    points, sums = half_points(steps), step_sums(steps)
    for group, level in ((0, 1), (0, 2), (0, 3), (1, 1), (1, 2)):
        p = curves(sums, points[group, level, None])[:, group, 0]
        assert p[level:].sum() == pytest.approx(0.5)
    assert np.isnan(points[1, 3])
    assert points[1, 1] < points[1, 2]  # in order where the Andrich thresholds are not
    wrong = disorder(np.array([0.8, -0.4]), np.eye(2) * 0.01)
    assert np.isnan(wrong[0])
    assert wrong[1] > 0.999


@settings(deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=1, max_size=6))
def test_half_points_are_in_order_whatever_the_thresholds(steps):
    table = np.array([[-np.inf, *steps]])
    points = half_points(table)[0, 1:]
    assert (np.diff(points) > 0).all()
    # The curves of a scale cross the half in that order, and sum to 1 everywhere.
    p = curves(step_sums(table), points)[:, 0]
    np.testing.assert_allclose(p.sum(axis=0), 1)
    reached = p[::-1].cumsum(axis=0)[::-1]
    np.testing.assert_allclose(reached[np.arange(1, len(table[0])), np.arange(len(points))], 0.5, atol=1e-9)


def test_warm_estimates_rise_with_the_total(small):
    found, _, _ = small
    who = seen(found)
    table, total = warm_table(who), found.problem.stats.total
    ladder = np.array([table.at(np.minimum(total, 29) + up)[0] for up in (0, 0.5, 1)])
    assert (np.diff(ladder, axis=0) > 0).all()


def test_an_unused_level_is_passed_over(small):
    _, data, _ = small
    without = replace(data, score=np.where(data.score == 1, 2, data.score))
    found = fit(without, Model(), one_mean(data.n_students))
    who = seen(found)
    table = thresholds_by_level(found.plan, found.found.point.value)
    assert np.isposinf(table[0, 1])
    assert np.isfinite(table[0, [2, 3]]).all()
    p = who.chances(np.zeros(3), who.cell[:3])
    assert (p[1] == 0).all()
    np.testing.assert_allclose(p.sum(axis=0), 1)
    # A step over the unused level climbs two levels, and the cells agree with the curves.
    location = np.array([0.3])
    alone = curves(step_sums(table), location)[:, 0, 0]
    np.testing.assert_allclose(alone, who.chances(location + who.difficulty[0], np.zeros(1, dtype=int))[:, 0])


def test_residual_correlations_are_those_of_numpy():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((50, 4))
    sheet, item = (x.ravel() for x in np.indices(z.shape))
    matrix = residual_sheets(z.ravel(), sheet, item, 4)
    found, n = residual_correlations(matrix)
    np.testing.assert_allclose(found, np.corrcoef(matrix.T))
    assert (n == 50).all()
    size, loadings = principal_components(found)
    assert size.sum() == pytest.approx(4)
    np.testing.assert_allclose(loadings @ loadings.T, found, atol=1e-12)


def test_two_one_sided_tests():
    verdict = equivalence(np.array([0.1, 0.9, 0.4]), np.array([0.1, 0.1, 0.2]), 0.5)
    np.testing.assert_array_equal(verdict, [1, -1, 0])


def test_p_values_adjusted_after_benjamini_hochberg():
    np.testing.assert_allclose(bias_module.adjusted(np.array([0.01, np.nan, 0.04, 0.03])), [0.03, np.nan, 0.04, 0.04])
