"""Marginal maximum likelihood against TAM, R's observed information, lme4 and a likelihood written out in full."""

from __future__ import annotations

import numpy as np
import pytest

from crcne_stats.core.rasch.design import THRESHOLD, Model, RatingData
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import group_means, zero_mean
from crcne_stats.core.rasch.probabilities import category_probabilities

MODELS = {
    "sirt_ratings1:TAM_rsm": Model(centred=("trainer",)),
    "sirt_ratings1:TAM_pcm_item": Model(centred=("trainer",), thresholds="criterion"),
    "sirt_ratings1:TAM_item_x_rater": Model(centred=("trainer",), interactions=(("criterion", "trainer"),)),
    "tam_ex10:TAM_rasch": Model(centred=("trainer",)),
    "tam_ex10:TAM_item_x_rater": Model(centred=("trainer",), interactions=(("criterion", "trainer"),)),
}


def named(found, trainers, criteria):
    """Estimates under TAM's names."""
    answer = {}
    for name, block in found.plan.blocks.items():
        for label, value in zip(block.labels.tolist(), found.value[block.range], strict=True):
            if name == "trainer":
                answer[f"rater{trainers[label[0]]}"] = value
            elif name == "criterion":
                answer[criteria[label[0]]] = value
            elif name == THRESHOLD:
                prefix = f"{criteria[label[0]]}:" if found.plan.model.thresholds == "criterion" else ""
                answer[f"{prefix}step{label[1]}"] = value
            else:
                answer[f"{criteria[label[0]]}:rater{trainers[label[1]]}"] = value
    return answer


@pytest.mark.parametrize("key", MODELS)
def test_parameters_and_deviance_of_tam(key, real, reference):
    data, trainers, criteria, persons = real(key.split(":")[0] + ".csv")
    wanted = reference("rasch_mml.json")["tam"][key.replace(":TAM_", ":")]
    found = fit(data, MODELS[key], zero_mean(data.n_students))
    assert found.converged
    assert found.n_parameters == wanted["n_parameters"]
    # TAM stops up to 0.06 early: a better fit is right, a worse one is not.
    assert wanted["deviance"] - 0.1 < found.deviance < wanted["deviance"] + 0.05
    estimates = named(found, trainers, criteria)
    for name, value in wanted["parameters"].items():
        assert estimates[name] == pytest.approx(value, abs=0.005), name
    assert found.sd**2 == pytest.approx(wanted["variance"], abs=0.03)
    for row in wanted["eap"]:
        student = persons.index(str(row["person"]))
        assert found.found.eap[student] == pytest.approx(row["eap"], abs=0.01)
        assert np.sqrt(found.found.variance[student]) == pytest.approx(row["sd"], abs=0.005)


@pytest.mark.parametrize("key, thresholds", [("rsm", "shared"), ("pcm", "criterion")])
def test_standard_errors_of_the_observed_information(key, thresholds, real, reference):
    data, trainers, criteria, _ = real("sirt_ratings1.csv")
    wanted = reference("rasch_mml.json")["observed_information"][key]
    found = fit(data, Model(centred=("trainer",), thresholds=thresholds), zero_mean(data.n_students))
    assert found.deviance == pytest.approx(wanted["deviance"], abs=1e-5)
    for block, names in (("trainer", trainers), ("criterion", criteria)):
        value, se = np.transpose([wanted["trainers" if block == "trainer" else "criteria"][name] for name in names])
        np.testing.assert_allclose(found.value[found.block(block)], value, atol=5e-4)
        np.testing.assert_allclose(found.se[found.block(block)], se, rtol=1e-3)
    assert found.sd == pytest.approx(wanted["sd"], abs=1e-4)
    assert found.sd_se / found.sd == pytest.approx(wanted["log_sd_se"], rel=1e-3)


def test_binary_ratings_of_lme4(reference):
    from_r = reference("rasch_lme4.json")
    data = ratings_from_r(from_r)
    found = fit(data, Model(centred=("trainer",)), zero_mean(data.n_students))
    assert found.deviance == pytest.approx(from_r["deviance"], abs=2e-3)
    np.testing.assert_allclose(found.value[found.block("criterion")], -np.array(from_r["criterion"]), atol=1e-3)
    np.testing.assert_allclose(found.value[found.block("trainer")], -np.array(from_r["trainer"]), atol=1e-3)
    assert found.sd == pytest.approx(from_r["sd"], abs=1e-3)


def ratings_from_r(from_r):
    """The ratings that R was given."""
    student, trainer, criterion, score = (np.array(column) for column in from_r["ratings"])
    sizes = {"trainer": int(trainer.max()) + 1, "criterion": int(criterion.max()) + 1}
    facets = {"trainer": trainer, "criterion": criterion}
    n = int(student.max()) + 1
    return RatingData(student, facets, score, n, sizes, np.full(sizes["criterion"], 2))


def written_out(found, move):
    """The marginal log-likelihood from category probabilities alone, on a fine grid, at the estimate moved."""
    plan, population = found.plan, found.problem.population
    data, free = plan.data, plan.free
    value = found.found.point.value.copy()
    value[free] += move[: len(free)]
    mean = population.design @ (found.coefficient + move[len(free) : len(free) + population.n_columns])
    sd = found.sd * np.exp(move[-1])
    location = -sum(value[plan.blocks[name].range][data.facets[name]] for name in plan.model.facets)
    steps = np.full((len(plan.steps.lowest), plan.steps.gap.shape[1]), np.inf)
    steps[~np.isnan(plan.steps.gap)] = value[plan.blocks[THRESHOLD].range]
    group = plan.cell_group[plan.cell]
    nodes = np.linspace(-9, 9, 241)
    weight = np.exp(-(((nodes - mean[:, None]) / sd) ** 2) / 2)
    log_density = np.log(weight / weight.sum(axis=1, keepdims=True))
    total = np.zeros_like(log_density)
    for index, node in enumerate(nodes):
        chance = category_probabilities(node + location, steps[group])[np.arange(len(group)), data.score]
        total[:, index] = np.bincount(data.student, np.log(chance), minlength=data.n_students)
    return float(np.log(np.exp(total + log_density).sum(axis=1)).sum())


@pytest.mark.parametrize("thresholds", ["shared", "criterion", "trainer"])
def test_likelihood_gradient_and_information_by_differences(thresholds, drawn):
    data, home, _ = drawn(n=60, trainers=4, criteria=3, links=0.4)
    found = fit(data, Model(thresholds=thresholds), group_means(home))
    size = len(found.covariance)
    assert written_out(found, np.zeros(size)) == pytest.approx(found.log_likelihood, abs=1e-6)
    # Directions that keep the constraints: the rows of a basis of their null space.
    constraints = np.pad(found.plan.constraints, ((0, 0), (0, size - found.plan.constraints.shape[1])))
    basis = np.linalg.svd(constraints)[2][len(constraints) :]
    step = 2e-3
    middle = found.log_likelihood
    for direction in basis[:: max(1, len(basis) // 6)]:
        up, down = written_out(found, step * direction), written_out(found, -step * direction)
        assert (up - down) / (2 * step) == pytest.approx(0, abs=2e-3)
        information = np.linalg.inv(basis @ found.covariance @ basis.T)
        curvature = direction @ basis.T @ information @ basis @ direction
        assert -(up - 2 * middle + down) / step**2 == pytest.approx(curvature, rel=3e-3)


@pytest.mark.parametrize("thresholds", ["shared", "criterion"])
def test_finer_nodes_move_nothing(thresholds, drawn):
    data, home, _ = drawn(n=120, criteria=12)
    found = fit(data, Model(thresholds=thresholds), group_means(home))
    distance = found.found.nodes[1] - found.found.nodes[0]
    finer = fit(data, Model(thresholds=thresholds), group_means(home), distance=distance / 2)
    assert found.monotone and found.iterations < 10 and found.gradient < 1e-3
    np.testing.assert_allclose(found.value, finer.value, atol=1e-4)
    np.testing.assert_allclose(found.se, finer.se, atol=1e-4)
    assert found.deviance == pytest.approx(finer.deviance, abs=1e-4)
