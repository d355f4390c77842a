"""Trainers drawn like students: against the same ratings copied out, and against a double sum by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crcne_stats.core import agreement
from crcne_stats.core.agreement_resamples import Asked, answers, resampled
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.intervals import satterthwaite
from crcne_stats.core.moments import moments
from crcne_stats.core.two_way import TwoWay, trainer_pull, variance_parts
from crcne_stats.core.weights import weight_matrix

MANY = [name for name, entry in agreement.COEFFICIENTS.items() if entry.files != "pair"]


def some(trainers=7, n=60, seed=3, most=4) -> Counts:
    """Students with one to three ratings, of trainers numbered with gaps."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(size=trainers)
    rows = []
    for student in range(n):
        base = rng.normal()
        for trainer in rng.choice(trainers, rng.integers(1, most), replace=False):
            level = np.clip(np.round(1.5 + base - severity[trainer] + 0.5 * rng.normal()), 0, 3)
            rows.append((student, 2 * trainer, level))
    return counts(*np.array(rows).T, np.arange(4), np.arange(n))


def test_weights_of_one_give_the_data():
    data = some()
    sums = TwoWay(data, True, True, 60)
    found, tables, weight = sums(np.ones((60, 2)), np.ones((14, 2)))
    np.testing.assert_allclose(found.flat, np.repeat(moments(data).flat, 2, axis=0), atol=1e-12)
    asked = Asked(tuple(MANY), weight_matrix("quadratic", data.scores), levels=True)
    np.testing.assert_allclose(asked.answer(found, tables, weight)[1], answers(data, asked), atol=1e-12)


def test_a_trainer_of_weight_nought_is_as_good_as_absent():
    data = some(most=3)
    trainer, student = np.ones((14, 1)), np.ones((60, 1))
    trainer[4], student[:5] = 0, 0
    asked = Asked(("percent", "brennan_prediger", "light"), np.eye(4))
    (found,) = asked.answer(*TwoWay(data, True, True, 60)(student, trainer))
    kept = (data.trainer_name[data.trainer] != 4) & (data.file >= 5)
    rest = counts(data.file[kept], data.trainer[kept], data.level[kept], data.scores)
    np.testing.assert_allclose(found, answers(rest, asked), atol=1e-12)


def test_draws_are_the_same_whatever_the_company_and_wider_than_those_of_students():
    data, w = some(n=300), np.eye(4)
    questions = [(data, Asked(("fleiss", "conger"), w)), (some(seed=5), Asked(("percent",), w))]
    both = resampled(questions, 300, 300, 1, None, 14)
    np.testing.assert_array_equal(both[0], resampled(questions[:1], 300, 300, 1, None, 14)[0])
    (students,) = resampled(questions[:1], 300, 300, 1)
    assert (np.nanstd(both[0], axis=0) > 1.2 * students.std(axis=0)).all()


@pytest.mark.parametrize("weights", ["quadratic", "krippendorff_ordinal"])
@pytest.mark.parametrize("name", MANY)
def test_the_student_part_is_the_linearised_variance(name, weights):
    data = some()
    w = weight_matrix(weights, data.scores)
    students, trainers = variance_parts(data, name, w)
    assert students**0.5 == pytest.approx(agreement.estimate(data, name, w, convention="delta").se, rel=0.02)
    assert trainers > 0


@pytest.mark.parametrize("weights", ["quadratic", "krippendorff_ordinal"])
@pytest.mark.parametrize("name", MANY)
def test_the_pull_of_a_trainer_is_what_more_weight_does(name, weights):
    """Krippendorff's small-sample term is held fixed in the derivative, as Gwet does: hence its wider tolerance."""
    data, step = some(), 1e-6
    w = weight_matrix(weights, data.scores)
    asked, sums = Asked((name,), w), TwoWay(data, True, True, 60)
    trainer = np.ones((14, 2 * data.n_trainers))
    for place, code in enumerate(data.trainer_name):
        trainer[code, [2 * place, 2 * place + 1]] += step, -step
    found = asked.answer(*sums(np.ones((60, trainer.shape[1])), trainer))[:, 0].reshape(-1, 2)
    moved = (found[:, 0] - found[:, 1]) / (2 * step)
    tolerance = 5e-3 if name == "krippendorff" else 1e-7
    np.testing.assert_allclose(trainer_pull(data, name, w), moved, atol=tolerance)


def test_the_trainer_part_by_a_double_sum():
    """Percent agreement of files rated twice: the pull of a comparison is its agreement less the mean, over n."""
    rng = np.random.default_rng(0)
    panel = np.array([rng.choice(6, 2, replace=False) for _ in range(40)])
    level = rng.integers(0, 3, (40, 2))
    data = counts(np.repeat(np.arange(40), 2), panel.ravel(), level.ravel(), np.arange(3))
    pull = (level[:, 0] == level[:, 1]) * 1.0
    pull = (pull - pull.mean()) / 40
    shared = np.array([[len(set(a) & set(b)) for b in panel] for a in panel])
    students, trainers = variance_parts(data, "percent", np.eye(3))
    assert students == pytest.approx(40 / 39 * (pull**2).sum())
    assert trainers == pytest.approx(6 / 5 * (pull @ shared @ pull - (pull**2).sum()))


def test_degrees_of_freedom_lie_between_those_of_the_parts():
    assert satterthwaite([1.0, 0.0], [99, 19]) == pytest.approx(99)
    assert satterthwaite([0.0, 2.0], [99, 19]) == pytest.approx(19)
    assert 19 < satterthwaite([1.0, 2.0], [99, 19]) < 118


def test_where_trainers_cannot_be_drawn():
    alone = counts([0, 1, 2], [0, 0, 0], [0, 1, 2], np.arange(3))
    assert np.isnan(variance_parts(alone, "fleiss", np.eye(3))).all()
