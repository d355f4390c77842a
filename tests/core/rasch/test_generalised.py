"""Slopes of trainers: against sirt, by differences, and recovered where they were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crcne_stats.core.rasch.design import Model
from crcne_stats.core.rasch.generalised import slope_fit
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import group_means, zero_mean
from crcne_stats.core.rasch.probabilities import drawn_categories


# sirt's default grid (21 nodes) costs its deviance up to 0.04, and its slopes some thousandths.
@pytest.mark.parametrize("name, thresholds, off", [("sirt_ratings1", "criterion", 0.05), ("tam_ex10", "shared", 0.002)])
def test_slopes_of_sirt(name, thresholds, off, real, reference):
    data, trainers, _, _ = real(f"{name}.csv")
    wanted = reference("rasch_mml.json")["rater_slopes"][name]
    plain = fit(data, Model(centred=("trainer",), thresholds=thresholds), zero_mean(data.n_students))
    found = slope_fit(plain, whole=False)
    assert found.converged
    assert found.deviance == pytest.approx(wanted["deviance"], abs=off)
    np.testing.assert_allclose(found.slope, [wanted["slope"][trainer] for trainer in trainers], atol=0.005)
    assert np.log(found.slope).mean() == pytest.approx(0, abs=1e-9)


def test_equal_slopes_are_the_plain_model(drawn):
    data, home, _ = drawn(n=300, criteria=6)
    plain = fit(data, Model(), group_means(home))
    found = slope_fit(plain)
    assert plain.deviance - found.deviance < 25
    assert found.n_parameters == plain.n_parameters + 7
    assert found.bic > plain.bic
    assert (np.abs(np.log(found.slope)) < 4 * found.slope_se / found.slope).all()


def test_a_blunt_trainer_is_found(drawn):
    data, home, truth = drawn(n=600, criteria=8, links=0.2)
    slope = np.ones(8)
    slope[2], slope[5] = 0.5, 1.6
    trainer, criterion = data.facets["trainer"], data.facets["criterion"]
    location = truth.ability[data.student] - truth.severity[trainer] - truth.difficulty[0, criterion]
    steps = slope[trainer, None] * truth.thresholds[criterion]
    score = drawn_categories(np.random.default_rng(2), slope[trainer] * location, steps)
    plain = fit(replace(data, score=score), Model(), group_means(home))
    found = slope_fit(plain)
    assert found.converged and found.bic < plain.bic - 20
    wanted = slope / np.exp(np.log(slope).mean())
    assert (np.abs(found.slope - wanted) < 4 * found.slope_se).all()
    assert found.slope.argmin() == 2 and found.slope.argmax() == 5


def test_trainers_without_an_estimate_have_no_slope(drawn):
    data, home, _ = drawn(n=200, links=0.2)
    score = np.where(data.facets["trainer"] == 3, 0, data.score)
    found = slope_fit(fit(replace(data, score=score), Model(), group_means(home)))
    assert np.isnan(found.slope[3]) and np.isnan(found.slope_se[3]) and np.isfinite(np.delete(found.slope, 3)).all()
