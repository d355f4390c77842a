"""Signs under weights: against scipy, against the agreement of the kit, and against refits on the resample itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import kendalltau

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.priorities_model import judged
from crcne_stats.analysis.priorities_signs import batches
from crcne_stats.analysis.severity_design import design
from crcne_stats.analysis.simulate import simulate
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.design import RatingData
from crcne_stats.core.rasch.one_step import influence
from crcne_stats.core.rasch.population import Population
from crcne_stats.core.symptoms import TrainerShare, measured, tau_b
from crcne_stats.domain.ratings import Ratings


def test_tau_b_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 6, 300), rng.integers(0, 3, 300)
    table = np.zeros((1, 6, 3))
    np.add.at(table, (0, first, second), 1)
    assert tau_b(table)[0] == pytest.approx(kendalltau(first, second).statistic, abs=1e-12)


def test_trainer_variance_is_found_without_bias() -> None:
    rng, found = np.random.default_rng(2), []
    trainer, student = np.repeat(np.arange(30), 12), np.arange(360)
    for _ in range(60):
        residual = 0.3 * rng.standard_normal(30)[trainer] + rng.standard_normal(360)
        cells = [sparse.csr_array(sparse.coo_array((v, (trainer, student)), shape=(30, 360)))
                 for v in (residual, np.ones(360))]  # fmt: skip
        level = rng.standard_normal((360, 1))
        sign = TrainerShare(cells[0], cells[1], level, level**2, np.ones((360, 1)))
        found.append(float(sign(np.ones((360, 1)))[0, 0] * level.var()))
    assert np.mean(found) == pytest.approx(0.09, abs=3 * np.std(found) / np.sqrt(60))


@pytest.fixture(scope="module")
def few() -> Ratings:
    made = simulate(160, 2, 2, seed=5)
    keep = made.ratings.frame["criterion"].isin(made.ratings.criteria[:8])
    return Ratings.trusted(made.ratings.frame[keep].reset_index(drop=True), made.ratings.framework, simulated=True)


def test_agreement_is_the_one_of_the_analysis(few: Ratings) -> None:
    asked = design(few, ("mention", "session"))
    batch = batches(asked, None, None)[0]
    value = measured([batch.sign], asked.data.n_students)
    table = agreement(few, resamples=0).tables["agreement"]
    known = table[table["coefficient"] == "gwet_ac"].set_index("criterion")["value"].astype(float)
    mine = {asked.names["criterion"][row["criterion"]]: value[place] for place, row in enumerate(batch.rows)
            if row["symptom"] == "agreement" and not row["reason"]}  # fmt: skip
    assert len(mine) == 8
    np.testing.assert_allclose(known.loc[list(mine)], list(mine.values()), rtol=1e-9)


def test_one_step_is_near_to_a_refit_of_the_resample(few: Ratings) -> None:
    asked = design(few, ("mention", "session"))
    model = judged(asked)
    plan, rng = model.fit.plan, np.random.default_rng(3)
    block = plan.blocks["criterion"]
    matrix = np.zeros((8, len(plan.status)))
    matrix[np.arange(8), np.arange(block.start, block.start + 8)] = 1.0
    moved = influence(model.fit, matrix)
    np.testing.assert_allclose(moved.sum(axis=0), 0, atol=1e-4)
    own = np.searchsorted(plan.free, np.arange(block.start, block.start + 8))
    np.testing.assert_allclose(moved.T @ moved, model.fit.robust_covariance[np.ix_(own, own)], rtol=1e-4, atol=1e-6)
    steps, refits = [], []
    for _ in range(5):
        weight = rng.multinomial(len(asked.people), np.full(len(asked.people), 1 / len(asked.people)))
        steps.append(moved.T @ (weight - 1))
        again = mml.fit(*_drawn(asked.data, weight, model.fit))
        refits.append((again.value[block.range] - model.fit.value[block.range])[:8])
    assert np.corrcoef(np.ravel(steps), np.ravel(refits))[0, 1] > 0.95
    assert np.std(steps) == pytest.approx(np.std(refits), rel=0.1)


def _drawn(data: RatingData, weight: np.ndarray, fit: mml.Fit) -> tuple[RatingData, object, Population]:
    """The students drawn, those drawn twice as two."""
    order = np.repeat(np.arange(len(weight)), weight)
    rows = [np.flatnonzero(data.student == student) for student in order]
    chosen = np.concatenate(rows)
    student = np.repeat(np.arange(len(order)), [len(own) for own in rows])
    facets = {name: codes[chosen] for name, codes in data.facets.items()}
    resample = RatingData(student, facets, data.score[chosen], len(order), data.sizes, data.n_levels)
    return resample, fit.plan.model, Population(fit.problem.population.design[order])
