"""What the model may contain: anchors, weights, interactions, unused levels, covariates; and what it must refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.rasch.design import THRESHOLD, Anchor, GroupAnchor, Model, RatingData
from crcne_stats.core.rasch.layout import EXTREME, UNRATED
from crcne_stats.core.rasch.mml import Inestimable, fit
from crcne_stats.core.rasch.population import group_means, one_mean, zero_mean


def block(found, name):
    return found.value[found.block(name)]


def test_the_order_of_rows_changes_nothing(drawn, chosen):
    data, home, _ = drawn()
    found = fit(data, Model(), group_means(home))
    order = np.random.default_rng(3).permutation(len(data.score))
    shuffled = fit(chosen(data, order), Model(), group_means(home))
    np.testing.assert_allclose(shuffled.value, found.value, atol=1e-9)
    np.testing.assert_allclose(shuffled.se, found.se, atol=1e-9)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), thresholds=st.sampled_from(["shared", "criterion", "trainer"]))
def test_labels_change_nothing(seed, thresholds, drawn):
    data, home, _ = drawn(n=100, trainers=6, criteria=4)
    rng = np.random.default_rng(seed)
    student, trainer, criterion = rng.permutation(100), rng.permutation(6), rng.permutation(4)
    renamed = replace(
        data,
        student=student[data.student],
        facets={"trainer": trainer[data.facets["trainer"]], "criterion": criterion[data.facets["criterion"]]},
    )
    group = np.empty(100, dtype=int)
    group[student] = home
    one = fit(data, Model(thresholds=thresholds), group_means(home))
    other = fit(renamed, Model(thresholds=thresholds), group_means(group))
    assert other.deviance == pytest.approx(one.deviance, abs=1e-6)
    np.testing.assert_allclose(block(other, "trainer")[trainer], block(one, "trainer"), atol=1e-6)
    np.testing.assert_allclose(block(other, "criterion")[criterion], block(one, "criterion"), atol=1e-6)
    np.testing.assert_allclose(other.se[other.block("trainer")][trainer], one.se[one.block("trainer")], atol=1e-5)


def test_a_weight_of_two_is_the_rating_twice(drawn, chosen):
    data, _, _ = drawn(n=80)
    twice = np.repeat(np.arange(len(data.score)), np.where(data.facets["criterion"] == 1, 2, 1))
    repeated = fit(chosen(data, twice), Model(), one_mean(data.n_students))
    weighted = replace(data, weight=np.where(data.facets["criterion"] == 1, 2.0, 1.0))
    found = fit(weighted, Model(), one_mean(data.n_students))
    np.testing.assert_allclose(found.value, repeated.value, atol=1e-7)
    np.testing.assert_allclose(found.se, repeated.se, rtol=1e-4)
    both = (weighted, chosen(data, twice))
    one, two = (fit(part, Model(), one_mean(data.n_students), "trainer", restricted=False) for part in both)
    np.testing.assert_allclose(one.value, two.value, atol=1e-6)
    assert one.halo == pytest.approx(two.halo, abs=1e-6)
    left_out = replace(data, weight=np.where(data.facets["criterion"] == 1, 0.0, 1.0))
    kept = chosen(data, data.facets["criterion"] != 1)
    found, kept = (fit(some, Model(), one_mean(data.n_students)) for some in (left_out, kept))
    np.testing.assert_allclose(found.value, kept.value, atol=1e-9)
    with pytest.raises(ValueError, match="weights"):
        replace(data, weight=np.full(len(data.score), -1.0))


def test_anchors_hold_and_move_only_the_origin(drawn):
    data, home, _ = drawn()
    free = fit(data, Model(), group_means(home))
    severity = block(free, "trainer")
    shifted = Model(anchors=(Anchor("trainer", 2, float(severity[2]) + 0.7),))
    held = fit(data, shifted, group_means(home))
    assert held.plan.centred == ("criterion",)
    np.testing.assert_allclose(block(held, "trainer"), severity + 0.7, atol=1e-6)
    np.testing.assert_allclose(held.coefficient, free.coefficient + 0.7, atol=1e-6)
    assert np.isnan(held.se[held.block("trainer")][2])
    assert held.deviance == pytest.approx(free.deviance, abs=1e-6)
    over = Model(anchors=(*shifted.anchors, Anchor("trainer", 3, 0.0), Anchor(THRESHOLD, 0, -1.9, level=1)))
    found = fit(data, over, group_means(home))
    assert found.deviance > free.deviance
    assert found.value[found.block(THRESHOLD)][0] == -1.9
    with pytest.raises(ValueError, match="no parameter"):
        fit(data, Model(anchors=(Anchor("trainer", 99, 0.0),)), group_means(home))


def test_group_anchors_hold_means(drawn):
    data, home, _ = drawn(links=0.3)
    groups = (GroupAnchor("trainer", (0, 1, 2, 3), 0.0), GroupAnchor("trainer", (4, 5, 6, 7), 0.2))
    found = fit(data, Model(group_anchors=groups), group_means(home))
    assert found.converged
    assert block(found, "trainer")[:4].mean() == pytest.approx(0, abs=1e-9)
    assert block(found, "trainer")[4:].mean() == pytest.approx(0.2, abs=1e-9)


def test_one_facet_may_be_left_uncentred_for_a_population_mean_of_zero(drawn):
    data, _, _ = drawn()
    free = fit(data, Model(), one_mean(data.n_students))
    fixed = fit(data, Model(centred=("trainer",)), zero_mean(data.n_students))
    assert fixed.deviance == pytest.approx(free.deviance, abs=1e-6)
    np.testing.assert_allclose(block(fixed, "criterion"), block(free, "criterion") - free.coefficient, atol=1e-6)


def test_further_facets_and_an_interaction_by_name(drawn):
    data, home, _ = drawn(n=300)
    session = (np.arange(300) % 2)[data.student]
    task = ((data.student // 2 + data.facets["trainer"]) % 3).astype(int)
    wider = replace(
        data, facets={**data.facets, "task": task, "session": session}, sizes={**data.sizes, "task": 3, "session": 2}
    )
    model = Model(facets=("trainer", "criterion", "task"), interactions=(("trainer", "session"),))
    found = fit(wider, model, group_means(home))
    assert found.converged
    assert found.n_parameters == 7 + 4 + 2 + 7 + 2 + 2 + 1
    cells = found.value[found.block("trainer:session")].reshape(8, 2)
    np.testing.assert_allclose(cells.sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(cells.sum(axis=0), 0, atol=1e-9)
    plain = fit(data, Model(), group_means(home))
    assert plain.deviance - found.deviance < 40
    with pytest.raises(ValueError, match="unknown facets: place"):
        fit(data, Model(facets=("trainer", "place")), group_means(home))


def test_an_unused_level_is_closed_and_the_others_keep_their_distance(drawn):
    data, home, _ = drawn()
    score = np.where(data.score == 1, 2, data.score)
    found = fit(replace(data, score=score), Model(), group_means(home))
    assert found.plan.blocks[THRESHOLD].labels[:, 1].tolist() == [2, 3]
    assert found.plan.steps.gap.tolist() == [[2.0, 1.0]]
    longer = replace(data, n_levels=np.full(5, 6))
    same = fit(longer, Model(), group_means(home))
    np.testing.assert_allclose(same.value, fit(data, Model(), group_means(home)).value, atol=1e-9)


@pytest.mark.parametrize("thresholds, n_steps", [("shared", 5), ("criterion", 13)])
def test_criteria_with_different_numbers_of_levels(thresholds, n_steps, drawn):
    data, home, truth = drawn(n=600)
    n_levels = np.array([3, 3, 4, 4, 4])
    mixed = replace(data, n_levels=n_levels, score=np.minimum(data.score, n_levels[data.facets["criterion"]] - 1))
    found = fit(mixed, Model(thresholds=thresholds), group_means(home))
    assert found.converged
    assert len(found.plan.blocks[THRESHOLD].labels) == n_steps
    error = block(found, "trainer") - truth.severity
    assert np.abs((error - error.mean()) / found.se[found.block("trainer")]).max() < 4


def test_thresholds_of_each_trainer_show_central_tendency(drawn):
    data, home, _ = drawn(n=400, trainers=6)
    middle = (data.facets["trainer"] == 2) & (data.student % 2 == 0)
    score = np.where(middle, np.clip(data.score, 1, 2), data.score)
    found = fit(replace(data, score=score), Model(thresholds="trainer"), group_means(home))
    steps = found.value[found.block(THRESHOLD)].reshape(6, 3)
    assert (np.delete(np.ptp(steps, axis=1), 2) < np.ptp(steps[2]) - 0.5).all()


def test_latent_regression_on_inspe_and_session(drawn):
    data, home, _ = drawn(n=800, links=0.2, apart=0.8)
    session = np.arange(800) % 2
    found = fit(data, Model(), group_means(home, session[:, None]))
    means, slope = found.coefficient[:2], found.coefficient[2]
    assert means[1] - means[0] == pytest.approx(0.8, abs=4 * np.hypot(*found.coefficient_se[:2]))
    assert abs(slope) < 4 * found.coefficient_se[2]
    assert found.sd == pytest.approx(1.2, abs=4 * found.sd_se)


def test_a_trainer_always_at_one_end_has_no_severity(drawn):
    data, home, _ = drawn()
    one = data.facets["trainer"] == 3
    for level in (0, 3):
        found = fit(replace(data, score=np.where(one, level, data.score)), Model(), group_means(home))
        assert found.plan.status[found.block("trainer")].tolist().index(EXTREME) == 3
        assert np.isnan(block(found, "trainer")[3])
        assert found.converged
        assert not found.plan.kept[one].any()


def test_students_at_the_ends_stay_in(drawn):
    data, home, _ = drawn()
    score = np.where(data.student < 3, 0, np.where(data.student > 236, 3, data.score))
    found = fit(replace(data, score=score), Model(), group_means(home))
    assert found.converged and found.n_students == 240 and np.isfinite(found.found.eap).all()


def test_a_trainer_with_one_rating_has_a_wide_standard_error(drawn, chosen):
    data, home, _ = drawn()
    one = data.facets["trainer"] == 3
    keep = ~one
    keep[np.flatnonzero(one & (data.score == 1))[0]] = True
    found = fit(chosen(data, keep), Model(), group_means(home))
    assert found.se[found.block("trainer")][3] > 1


def test_one_trainer_one_criterion_and_students_without_ratings(drawn, chosen):
    data, _, _ = drawn()
    one = fit(chosen(data, data.facets["trainer"] == 0), Model(), one_mean(240))
    assert (one.plan.status[one.block("trainer")][1:] == UNRATED).all()
    assert block(one, "trainer")[0] == pytest.approx(0, abs=1e-12)
    which = data.facets["criterion"] == 2
    facets = {"trainer": data.facets["trainer"][which], "criterion": np.zeros(which.sum(), dtype=int)}
    single = RatingData(
        data.student[which], facets, data.score[which], 240, {"trainer": 8, "criterion": 1}, np.array([4])
    )
    found = fit(single, Model(), one_mean(240))
    assert found.converged and np.isfinite(found.se[found.block("trainer")]).all()


def test_a_criterion_with_one_level_leaves_the_fit(drawn):
    data, home, _ = drawn()
    first = data.facets["criterion"] == 0
    constant = replace(data, score=np.where(first, 0, data.score), n_levels=np.array([1, 4, 4, 4, 4]))
    found = fit(constant, Model(), group_means(home))
    assert found.plan.status[found.block("criterion")].tolist() == [EXTREME, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "score, reason", [(lambda data: data.score * 0 + 2, "one_level"), (lambda data: data.facets["trainer"] % 2 * 3, "")]
)
def test_ratings_that_say_nothing_are_refused_with_a_reason(score, reason, drawn):
    data, home, _ = drawn()
    with pytest.raises(Inestimable) as caught:
        fit(replace(data, score=score(data)), Model(), group_means(home))
    assert caught.value.reason == (reason or "all_extreme")


def test_no_rating_at_all(drawn, chosen):
    data, home, _ = drawn()
    with pytest.raises(Inestimable) as caught:
        fit(chosen(data, data.student < 0), Model(), group_means(home))
    assert caught.value.reason == "no_ratings"


def test_ratings_without_variance_between_students(drawn):
    data, _, _ = drawn()
    score = np.random.default_rng(0).integers(0, 4, len(data.score))
    found = fit(replace(data, score=score), Model(), one_mean(240))
    assert found.no_variance and found.converged
    assert np.isnan(found.sd_se)


def test_scores_and_codes_out_of_range_are_refused(drawn):
    data, _, _ = drawn()
    with pytest.raises(ValueError, match="levels"):
        replace(data, score=data.score + 1)
    with pytest.raises(ValueError, match="one entry"):
        replace(data, score=data.score[:-1])
    with pytest.raises(ValueError, match="facet"):
        replace(data, item="task")


def test_severities_are_recovered_within_their_errors(drawn):
    data, home, truth = drawn(n=1500, trainers=12, links=0.2)
    found = fit(data, Model(), group_means(home))
    z = (block(found, "trainer") - truth.severity) / found.se[found.block("trainer")]
    assert np.abs(z).max() < 4
