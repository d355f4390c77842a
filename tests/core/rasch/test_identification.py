"""What can be compared: the rank of the model against the graph, and what the stated assumptions link."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.graph import fragile
from crcne_stats.core.rasch.design import Anchor, Model, RatingData
from crcne_stats.core.rasch.identification import NONE, identify, relative, with_groups
from crcne_stats.core.rasch.layout import layout
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.rasch.population import anchored_means, dummies, group_means, one_mean, yardstick


def test_islands_are_two_scales_when_means_are_free(drawn):
    data, home, _ = drawn(links=0.0)
    found = identify(layout(data, Model()), group_means(home))
    assert found.deficiency == 1 and found.n_components == 2
    assert found.labels["trainer"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found.labels["criterion"].tolist() == [0] * 5
    assert (found.student == home).all()
    assert found.linked.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_one_link_makes_one_scale(drawn):
    data, home, _ = drawn(links=0.001)
    found = identify(layout(data, Model()), group_means(home))
    assert found.deficiency == 0 and found.n_components == 1


def test_one_mean_for_all_hides_the_islands_and_the_graph_still_shows_them(drawn):
    data, _, _ = drawn(links=0.0)
    found = identify(layout(data, Model()), one_mean(data.n_students))
    assert found.deficiency == 0 and found.n_components == 1
    assert found.linked.max() == 1


def test_trainers_of_one_inspe_are_linked_by_its_mean(drawn):
    data, home, _ = drawn(seats=1, links=0.0)
    found = identify(layout(data, Model()), group_means(home))
    assert found.n_components == 2
    assert found.linked.max() == 7


def test_relative_severities_are_the_fit_of_each_component(drawn):
    data, home, _ = drawn(links=0.0, apart=1.0)
    found = identify(layout(data, Model()), group_means(home))
    model = relative(Model(), found)
    assert identify(layout(data, model), group_means(home)).deficiency == 0
    fitted = fit(data, model, group_means(home))
    assert fitted.converged
    severity = fitted.value[fitted.block("trainer")]
    assert severity[:4].sum() == pytest.approx(0, abs=1e-9)
    assert severity[4:].sum() == pytest.approx(0, abs=1e-9)
    silent = fit(data, Model(), group_means(home))
    assert not silent.converged


def test_stated_assumptions_link_the_islands_and_differ(drawn):
    data, home, truth = drawn(n=800, links=0.0, apart=1.5)
    truth_gap = truth.severity[4:].mean() - truth.severity[:4].mean()
    level = np.digitize(truth.ability, [-0.5, 0.8, 2.0])
    gaps = {}
    for name, population in {
        "equal": one_mean(800),
        "anchored": anchored_means(home, [0.0, 1.5]),
        "yardstick": yardstick(level),
        "covariate": group_means(np.zeros(800, dtype=int), dummies(level)),
    }.items():
        assert identify(layout(data, Model()), population).deficiency == 0
        fitted = fit(data, Model(), population)
        severity = fitted.value[fitted.block("trainer")]
        gaps[name] = severity[4:].mean() - severity[:4].mean()
        assert fitted.converged, name
    assert gaps["anchored"] == pytest.approx(truth_gap, abs=0.35)
    # Equal means turn the ability difference of 1.5 into leniency.
    assert gaps["equal"] < truth_gap - 1.0
    assert abs(gaps["yardstick"] - truth_gap) < 0.5
    assert gaps["covariate"] == pytest.approx(gaps["yardstick"], abs=1e-6)


def test_an_anchor_in_each_island_links_them(drawn):
    data, home, _ = drawn(links=0.0)
    model = Model(anchors=(Anchor("trainer", 1, 0.2), Anchor("trainer", 6, -0.1)))
    found = identify(layout(data, model), group_means(home))
    assert found.deficiency == 0 and found.n_components == 1
    one = Model(anchors=(Anchor("trainer", 1, 0.2),))
    assert identify(layout(data, one), group_means(home)).n_components == 2


def test_an_uncentred_model_lacks_an_origin(drawn):
    data, home, _ = drawn(links=0.3)
    found = identify(layout(data, Model(centred=("criterion",))), group_means(home))
    assert found.deficiency == 1 and found.n_components == 1


def test_elements_without_estimate_have_no_label(drawn):
    data, home, _ = drawn(links=0.3)
    score = np.where(data.facets["trainer"] == 2, 0, data.score)
    wider = replace(data, score=score, sizes={"trainer": 9, "criterion": 5})
    found = identify(layout(wider, Model()), group_means(home))
    assert found.labels["trainer"][[2, 8]].tolist() == [NONE, NONE]
    assert found.linked[[2, 8]].tolist() == [NONE, NONE]


def test_a_criterion_rated_in_one_island_alone_stays_comparable_there(drawn, chosen):
    data, home, _ = drawn(links=0.0)
    keep = ~((data.facets["criterion"] < 2) & (home[data.student] == 1))
    keep &= ~((data.facets["criterion"] >= 2) & (home[data.student] == 0))
    found = identify(layout(chosen(data, keep), Model()), group_means(home))
    assert found.labels["criterion"].tolist() == [1, 1, 0, 0, 0]
    assert found.labels["trainer"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found.deficiency == 2 + 0


@settings(max_examples=25, deadline=None)
@given(edges=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7)), min_size=8, max_size=24))
def test_labels_are_the_components_of_trainers_and_groups(edges):
    """One trainer a student: trainers compare through groups alone, so the rank must agree with the plain graph."""
    group, trainer = np.array(edges).T
    n = len(edges)
    score = np.tile([0, 1], n)
    data = RatingData(
        np.repeat(np.arange(n), 2),
        {"trainer": np.repeat(trainer, 2), "criterion": np.tile([0, 1], n)},
        np.where(np.repeat(np.arange(n) % 2, 2) == 1, score, 1 - score),
        n,
        {"trainer": 8, "criterion": 2},
        np.array([2, 2]),
    )
    found = identify(layout(data, Model()), group_means(group))
    label = found.labels["trainer"]
    reached = np.eye(8, dtype=bool)
    for g in range(5):
        members = np.unique(trainer[group == g])
        reached[np.ix_(members, members)] = True
    for _ in range(3):
        reached = (reached.astype(int) @ reached) > 0
    rated = np.flatnonzero(label >= 0)
    same = label[rated][:, None] == label[rated]
    assert (same == reached[np.ix_(rated, rated)]).all()


def test_a_single_common_file_is_fragile_when_means_are_free(drawn):
    data, home, _ = drawn(links=0.001)
    pairs = with_groups(data.student, data.facets["trainer"], home, 8)
    files, _ = fragile(*pairs)
    linking = {weak.index for weak in files}
    crossing = np.flatnonzero(np.bincount(data.student, (data.facets["trainer"] >= 4) != home[data.student]) > 0)
    # Two files, one of each INSPÉ, link: neither is alone.
    assert len(crossing) == 2 and not linking
    keep = data.student != crossing[0]
    student, trainer = data.student[keep], data.facets["trainer"][keep]
    assert [weak.index for weak in fragile(*with_groups(student, trainer, home, 8))[0]] == [crossing[1]]


def test_a_group_without_ratings_has_no_mean(drawn):
    data, home, _ = drawn(links=0.3)
    found = fit(data, Model(), group_means(np.where(home == 1, 2, 0)))
    assert found.converged and np.isnan(found.coefficient[1]) and np.isfinite(found.coefficient[[0, 2]]).all()
    assert np.isnan(found.coefficient_se[1])
