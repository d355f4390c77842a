"""Joint maximum likelihood against the Guilford example of Facets, and its known bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crcne_stats.core.rasch.design import Anchor, Model, RatingData
from crcne_stats.core.rasch.jml import ADJUSTMENT, joint_fit
from crcne_stats.core.rasch.layout import EXTREME
from crcne_stats.core.rasch.mml import Inestimable, fit
from crcne_stats.core.rasch.population import one_mean
from crcne_stats.core.rasch.probabilities import category_probabilities

# Guilford (1954), Psychometric Methods, p. 282: three seniors (blocks) rate seven juniors (words) on five traits, 1–9.
GUILFORD = (
    "55353 97585 33371 73133 97785 35351 77555",
    "65463 87572 45366 56455 24323 44642 33554",
    "55573 77575 35555 53331 97777 33353 77757",
)
# Fully converged joint estimates on these data (R script of the authors of the reference file), seniors not centred.
SENIORS = (0.04, 0.24, -0.10)
JUNIORS = (-0.07, 0.66, -0.26, -0.48, 0.44, -0.58, 0.29)
TRAITS = (-0.28, -0.15, 0.21, -0.30, 0.52)


@pytest.fixture(scope="module")
def guilford():
    scores = np.array([[[int(digit) - 1 for digit in word] for word in row.split()] for row in GUILFORD])
    senior, junior, trait = (codes.ravel() for codes in np.indices(scores.shape))
    sizes = {"trainer": 3, "criterion": 5}
    return RatingData(junior, {"trainer": senior, "criterion": trait}, scores.ravel(), 7, sizes, np.full(5, 9))


def test_guilford_measures(guilford):
    found = joint_fit(guilford, Model())
    assert found.converged
    mean = found.ability.mean()
    np.testing.assert_allclose(found.value[found.block("trainer")] - mean, SENIORS, atol=0.0055)
    np.testing.assert_allclose(found.ability - mean, JUNIORS, atol=0.0055)
    np.testing.assert_allclose(found.value[found.block("criterion")], TRAITS, atol=0.0055)


def test_guilford_summaries(guilford):
    """Separation, fixed χ² and expected agreement of the same converged estimates."""
    found = joint_fit(guilford, Model())
    error = np.sqrt((found.ability_se**2).mean())
    for ddof, separation in ((0, 2.25), (1, 2.47)):
        own = np.sqrt(found.ability.var(ddof=ddof) - error**2) / error
        assert own == pytest.approx(separation, abs=0.005)
    weight = found.ability_se**-2.0
    spread = (weight * found.ability**2).sum() - (weight * found.ability).sum() ** 2 / weight.sum()
    assert spread == pytest.approx(41.3, abs=0.05)
    data = found.plan.data
    steps = found.value[found.block("threshold")]
    location = found.ability[data.student] - sum(
        found.value[found.block(name)][data.facets[name]] for name in ("trainer", "criterion")
    )
    chance = category_probabilities(location, steps).reshape(3, 35, 9)
    score = data.score.reshape(3, 35)
    pairs = ((0, 1), (0, 2), (1, 2))
    assert sum((score[a] == score[b]).sum() for a, b in pairs) == 33
    assert sum((chance[a] * chance[b]).sum() for a, b in pairs) == pytest.approx(27.0, abs=0.05)


def test_totals_are_reproduced(drawn):
    data, _, _ = drawn(n=200, criteria=6)
    found = joint_fit(data, Model(thresholds="criterion"))
    assert found.converged
    plan = found.plan
    steps = found.value[plan.blocks["threshold"].range].reshape(6, 3)
    kept, student = plan.kept, plan.data.student[plan.kept]
    trainer, criterion = (data.facets[name][kept] for name in ("trainer", "criterion"))
    location = found.ability[student] - found.value[found.block("trainer")][trainer]
    location -= found.value[found.block("criterion")][criterion]
    expected = category_probabilities(location, steps[criterion]) @ np.arange(4)
    for code, n in ((student, 200), (trainer, 8), (criterion, 6)):
        observed = np.bincount(code, data.score[kept], minlength=n)
        np.testing.assert_allclose(np.bincount(code, expected, minlength=n), observed, atol=1e-5)


def test_the_bias_is_as_stated_and_comes_off(drawn):
    data, _, truth = drawn(n=3000, criteria=4, inspe=1, links=0, trainers=6)
    joint = joint_fit(data, Model())
    assert joint.correction == pytest.approx(7 / 8)
    marginal = fit(data, Model(), one_mean(3000))
    trainers = joint.block("trainer")
    slope = np.polyfit(truth.severity, joint.value[trainers], 1)[0]
    assert 1.06 < slope < 1.25
    assert np.polyfit(truth.severity, joint.corrected()[trainers], 1)[0] == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(joint.corrected()[trainers], marginal.value[trainers], atol=0.07)


def test_the_sandwich_is_what_leaving_each_student_out_a_little_moves(drawn):
    """Σ over students of the squared change of the estimates by their weight: no information matrix is needed."""
    data, _, _ = drawn(n=40, criteria=4, trainers=3, inspe=1, links=0)
    found, step = joint_fit(data, Model()), 1e-3
    moved = []
    for student in range(40):
        more, less = (
            joint_fit(replace(data, weight=np.where(data.student == student, 1 + sign * step, 1.0)), Model()).value
            for sign in (1, -1)
        )
        moved.append((more - less) / (2 * step))
    jackknife = np.sqrt(np.square(moved).sum(axis=0))
    free = found.plan.free
    np.testing.assert_allclose(found.robust_se[free], jackknife[free], rtol=1e-4)
    # Trainers and thresholds of a true model with 40 students: of the size of the model's own errors.
    assert 0.6 < (found.robust_se / found.joint_se)[free].mean() < 1.4


def test_extreme_students_get_the_measure_of_an_adjusted_total(drawn):
    data, _, _ = drawn(n=200)
    score = np.where(data.student == 5, 0, np.where(data.student == 9, 3, data.score))
    found = joint_fit(replace(data, score=score), Model())
    assert found.extreme[5] == -1 and found.extreme[9] == 1
    rows = data.student == 5
    location = found.ability[5] - sum(
        found.value[found.block(name)][data.facets[name][rows]] for name in ("trainer", "criterion")
    )
    expected = (category_probabilities(location, found.value[found.block("threshold")]) @ np.arange(4)).sum()
    assert expected == pytest.approx(ADJUSTMENT, abs=1e-6)
    assert found.ability[9] == np.nanmax(found.ability)
    assert found.ability_se[5] > np.nanmedian(found.ability_se)


def test_an_extreme_trainer_gets_one_too_and_moves_nobody(drawn, chosen):
    data, _, _ = drawn(n=200, seats=3, inspe=1, links=0)
    one = data.facets["trainer"] == 3
    found = joint_fit(replace(data, score=np.where(one, 0, data.score)), Model())
    without = joint_fit(chosen(data, ~one), Model())
    assert found.plan.status[found.block("trainer")][3] == EXTREME
    severity = found.value[found.block("trainer")]
    assert severity[3] == severity.max() and np.isfinite(severity[3])
    np.testing.assert_allclose(np.delete(severity, 3), np.delete(without.value[without.block("trainer")], 3), atol=1e-6)


def test_extreme_measures_allow_for_interactions(drawn):
    data, _, _ = drawn(n=300, inspe=1, links=0, trainers=4, criteria=3)
    score = np.where(data.student == 5, 0, data.score)
    score[(data.facets["trainer"] == 0) & (data.facets["criterion"] == 0)] = 3
    harder = (data.facets["trainer"] == 2) & (data.facets["criterion"] == 1) & (data.student != 5)
    score[harder] = np.maximum(score[harder] - 1, 0)
    data, pair = replace(data, score=score), ("trainer", "criterion")
    found = joint_fit(data, Model(interactions=(pair,)))
    block = found.plan.blocks["trainer:criterion"]
    cell = data.facets["trainer"] * 3 + data.facets["criterion"]
    location = -sum(found.value[found.block(name)][data.facets[name]] for name in pair)
    location -= found.value[block.range][cell]
    steps, level = found.value[found.block("threshold")], np.arange(4)

    def expected(rows):
        chance = category_probabilities(found.ability[data.student[rows]] + location[rows], steps)
        return (chance @ level).sum()

    assert found.plan.status[block.range][0] == EXTREME
    assert np.isfinite(found.value[block.range]).all() and found.value[block.range][0] < -1
    inside = (cell == 0) & (found.extreme[data.student] == 0)
    assert expected(inside) == pytest.approx(3 * inside.sum() - ADJUSTMENT, abs=1e-6)
    assert expected(data.student == 5) == pytest.approx(ADJUSTMENT, abs=1e-6)


def test_the_order_of_rows_and_anchors(drawn, chosen):
    data, _, _ = drawn(n=120)
    found = joint_fit(data, Model())
    order = np.random.default_rng(1).permutation(len(data.score))
    np.testing.assert_allclose(joint_fit(chosen(data, order), Model()).value, found.value, atol=1e-7)
    held = joint_fit(data, Model(anchors=(Anchor("trainer", 0, 1.0),)))
    shift = 1.0 - found.value[found.block("trainer")][0]
    np.testing.assert_allclose(
        held.value[held.block("trainer")], found.value[found.block("trainer")] + shift, atol=1e-6
    )
    np.testing.assert_allclose(held.ability, found.ability + shift, atol=1e-6)


def test_nothing_to_estimate(drawn):
    data, _, _ = drawn(n=20)
    with pytest.raises(Inestimable):
        joint_fit(replace(data, score=data.score * 0), Model())


def test_islands_do_not_converge_silently(drawn):
    data, _, _ = drawn(links=0.0)
    assert not joint_fit(data, Model()).converged
    within = Model(components={"trainer": np.repeat([0, 1], 4)})
    assert joint_fit(data, within).converged
