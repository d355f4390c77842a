"""The random effect of student × trainer: against integrals written out, and what it does to standard errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crcne_stats.core.rasch.design import THRESHOLD, Model
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.newton import HALO_FLOOR
from crcne_stats.core.rasch.population import group_means, one_mean
from crcne_stats.core.rasch.probabilities import category_probabilities


def written_out(found, move):
    """The likelihood by a product rule over ability and each block's effect, from category probabilities alone."""
    plan, problem = found.plan, found.problem
    data, free = plan.data, plan.free
    value = found.found.point.value.copy()
    value[free] += move[: len(free)]
    mean = problem.population.mean(found.found.point.coefficient + move[problem.coefficients])
    sd, halo = found.sd * np.exp(move[problem.sd_place]), found.halo * np.exp(move[problem.halo_place])
    steps = np.full((len(plan.steps.lowest), plan.steps.gap.shape[1]), np.inf)
    steps[~np.isnan(plan.steps.gap)] = value[plan.blocks[THRESHOLD].range]
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    outer = np.linspace(-7, 7, 71)
    density = np.exp(-(((outer - mean[:, None]) / sd) ** 2) / 2) / sd / np.sqrt(2 * np.pi) * (outer[1] - outer[0])
    location = -sum(value[plan.blocks[name].range][data.facets[name]] for name in plan.model.facets)
    pairs, pair = np.unique(data.student * 1000 + data.facets["trainer"], return_inverse=True)
    product = np.zeros((data.n_students, len(outer)))
    for index, theta in enumerate(outer):
        inner = np.zeros(len(pairs))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            chance = category_probabilities(theta + halo * node + location, steps[plan.cell_group[plan.cell]])
            log = np.log(chance[np.arange(len(location)), data.score])
            inner += weight * np.exp(np.bincount(pair, data.weights * log))
        product[:, index] = np.bincount(pairs // 1000, np.log(inner), minlength=data.n_students)
    return float(np.log((np.exp(product) * density).sum(axis=1)).sum())


@pytest.mark.parametrize("thresholds", ["shared", "trainer"])
def test_likelihood_gradient_and_information_by_differences(thresholds, drawn, chosen):
    data, _, _ = drawn(n=20, inspe=1, trainers=3, criteria=4, links=0, halo=0.8, seed=2)
    incomplete = chosen(data, np.random.default_rng(1).random(len(data.score)) > 0.1)
    found = fit(incomplete, Model(thresholds=thresholds), one_mean(20), halo="trainer", restricted=False)
    assert found.converged and not found.no_halo
    size = len(found.covariance)
    middle = written_out(found, np.zeros(size))
    assert middle == pytest.approx(found.log_likelihood, abs=1e-5)
    constraints = np.pad(found.plan.constraints, ((0, 0), (0, size - found.plan.constraints.shape[1])))
    basis = np.linalg.svd(constraints)[2][len(constraints) :]
    information = np.linalg.inv(basis @ found.covariance @ basis.T)
    ends = np.zeros((2, size))
    ends[0, found.problem.halo_place] = 1
    ends[1, found.problem.sd_place] = 1
    step = 5e-3
    for direction in [*ends, *basis[:: max(1, len(basis) // 2)]]:
        up, down = written_out(found, step * direction), written_out(found, -step * direction)
        assert (up - down) / (2 * step) == pytest.approx(0, abs=2e-3)
        along = basis @ direction
        curvature = along @ information @ along
        assert -(up - 2 * middle + down) / step**2 == pytest.approx(curvature, rel=5e-3)


def test_halo_is_found_and_widens_the_errors_of_trainers(drawn):
    data, home, truth = drawn(n=700, criteria=10, halo=0.8, links=0.2, seed=4)
    plain = fit(data, Model(), group_means(home))
    found = fit(data, Model(), group_means(home), halo="trainer")
    assert found.converged
    assert found.halo == pytest.approx(0.8, abs=4 * found.halo_se)
    assert found.sd == pytest.approx(1.2, abs=4 * found.sd_se)
    assert found.bic < plain.bic - 100
    assert found.n_parameters == plain.n_parameters + 1
    trainers = found.block("trainer")
    assert (found.se[trainers] > 1.3 * plain.se[trainers]).all()
    z = (found.value[trainers] - truth.severity) / found.se[trainers]
    assert np.abs(z).max() < 4
    # The sandwich of the plain model sees the dependence too.
    np.testing.assert_allclose(plain.robust_se[trainers], found.se[trainers], rtol=0.35)


def test_the_restricted_estimate_makes_up_for_the_trainers_estimated(drawn):
    """Forty trainers of eight files each: maximum likelihood finds too little halo, as with any variance."""
    estimates = []
    for seed in range(6):
        data, home, _ = drawn(n=160, inspe=1, trainers=40, criteria=15, halo=0.7, links=0, seed=seed)
        found = [fit(data, Model(), group_means(home), halo="trainer", restricted=kind) for kind in (False, True)]
        assert found[0].deviance == found[1].deviance
        assert all(one.converged for one in found)
        estimates.append([one.halo for one in found])
    plain, restricted = np.mean(estimates, axis=0)
    assert plain < 0.66
    assert restricted == pytest.approx(0.7, abs=0.04)


def test_without_halo_the_effect_vanishes_and_the_plain_model_is_preferred(drawn):
    data, home, _ = drawn(n=500, criteria=6, halo=0.0)
    plain = fit(data, Model(), group_means(home))
    found = fit(data, Model(), group_means(home), halo="trainer")
    assert found.halo < 0.35
    assert found.bic > plain.bic
    # At its floor the effect costs a little.
    assert found.deviance < plain.deviance + (0.5 if found.no_halo else 1e-3)
    assert found.halo >= HALO_FLOOR


def test_finer_nodes_and_the_order_of_rows_change_nothing(drawn, chosen):
    data, home, _ = drawn(n=150, criteria=8, halo=0.6)
    found = fit(data, Model(), group_means(home), halo="trainer")
    finer = fit(data, Model(), group_means(home), halo="trainer", distance=0.1)
    np.testing.assert_allclose(found.value, finer.value, atol=1e-4)
    np.testing.assert_allclose(found.se, finer.se, atol=1e-4)
    assert found.halo == pytest.approx(finer.halo, abs=1e-4)
    order = np.random.default_rng(5).permutation(len(data.score))
    shuffled = fit(chosen(data, order), Model(), group_means(home), halo="trainer")
    np.testing.assert_allclose(shuffled.value, found.value, atol=1e-6)
    assert shuffled.deviance == pytest.approx(found.deviance, abs=1e-6)


def test_one_rating_to_a_block_leaves_halo_open(drawn, chosen):
    """With single ratings the effect is a wider population and nothing else: it may not break the fit."""
    data, _, _ = drawn(n=200, inspe=1, links=0)
    single = chosen(data, (data.facets["criterion"] == data.facets["trainer"] % 5))
    found = fit(replace(single), Model(facets=("trainer",)), one_mean(200), halo="trainer")
    assert np.isfinite(found.deviance)
