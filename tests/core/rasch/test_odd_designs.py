"""Small and odd designs: an answer or a stated reason, never a warning or another error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.rasch.design import Model, RatingData
from crcne_stats.core.rasch.identification import identify, relative
from crcne_stats.core.rasch.jml import joint_fit
from crcne_stats.core.rasch.layout import layout
from crcne_stats.core.rasch.mml import Inestimable, fit
from crcne_stats.core.rasch.newton import CEILING
from crcne_stats.core.rasch.population import group_means, one_mean


def odd(seed):
    """Few ratings, scattered: criteria of one to five levels, weights of 0, skewed scores."""
    rng = np.random.default_rng(seed)
    n, trainers, criteria = (int(rng.integers(1, most)) for most in (30, 7, 5))
    n_levels = rng.integers(1, 6, criteria)
    key = np.unique(rng.integers(0, n * trainers * criteria, int(rng.integers(1, 150))))
    student, rest = np.divmod(key, trainers * criteria)
    trainer, criterion = np.divmod(rest, criteria)
    top = n_levels[criterion]
    score = np.minimum((rng.random(len(key)) ** rng.uniform(0.3, 3) * top).astype(int), top - 1)
    weight = rng.choice([0.0, 1.0, 1.0, 2.5], len(key)) if seed % 3 == 0 else None
    facets, sizes = {"trainer": trainer, "criterion": criterion}, {"trainer": trainers, "criterion": criteria}
    return RatingData(student, facets, score, n, sizes, n_levels, weight=weight), rng.integers(0, 3, n)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), thresholds=st.sampled_from(["shared", "criterion", "trainer"]))
def test_an_answer_or_a_reason(seed, thresholds):
    data, group = odd(seed)
    model, means = Model(thresholds=thresholds), group_means(group)
    known = identify(layout(data, model), means)
    within = relative(model, known)
    assert identify(layout(data, within), means).n_components <= max(known.n_components, 1)
    for call in (lambda: fit(data, within, means), lambda: joint_fit(data, model)):
        try:
            found = call()
        except Inestimable as refused:
            reason = refused.reason
        else:
            reason = "" if np.isfinite(found.value[found.plan.free]).all() else "no number"
        assert reason in ("", "no_ratings", "one_level", "all_extreme")


def test_one_rating_a_student_cannot_tell_the_spread(drawn, chosen):
    data, _, _ = drawn(n=60, inspe=1, trainers=2, links=0)
    first = np.unique(data.student, return_index=True)[1]
    found = fit(chosen(data, first), Model(facets=("trainer",)), one_mean(60))
    assert found.converged or found.no_bound
    assert found.sd <= CEILING


def test_too_few_ratings_hold_the_spread_at_its_ceiling():
    """Two students who are always right and two who are always wrong: the spread would be infinite."""
    student = np.repeat(np.arange(4), 4)
    score = np.repeat([0, 1, 0, 1], 4)
    score[[1, 6]] = 1, 0
    criterion = np.tile(np.arange(4), 4)
    sizes = {"trainer": 1, "criterion": 4}
    data = RatingData(student, {"trainer": 0 * student, "criterion": criterion}, score, 4, sizes, np.full(4, 2))
    found = fit(data, Model(), one_mean(4))
    assert found.sd <= CEILING and np.isfinite(found.deviance)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_held_spread_stays(value, drawn):
    data, _, _ = drawn(n=100, inspe=1, links=0)
    population = one_mean(100)
    held = fit(data, Model(), type(population)(population.design, sd=value + 0.5))
    assert held.sd == value + 0.5 and np.isnan(held.sd_se)
