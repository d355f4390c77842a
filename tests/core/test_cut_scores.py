"""Cut scores: R's glm and lm, their resamples, and judgements that give no cut."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crcne_stats.core.cut_scores import METHODS, Cuts, Judged, cut_scores, passing

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "cut_scores.json").read_text(encoding="utf-8"))


def judged(student: list[int], level: list[int], measure: list[float], n_levels: int = 4) -> Judged:
    x = np.array(measure, dtype=float)
    return Judged(np.array(student), np.array(level), x, x, max(student) + 1, n_levels)


def contrasting_groups(given: Judged, resamples: int) -> Cuts:
    return cut_scores(given, resamples, 1)[METHODS[0]]


def borderline_regression(given: Judged, resamples: int) -> Cuts:
    return cut_scores(given, resamples, 1)[METHODS[1]]


KNOWN = judged(REFERENCE["student"], REFERENCE["level"], REFERENCE["measure"])


def test_values_as_glm_and_lm() -> None:
    np.testing.assert_allclose(contrasting_groups(KNOWN, 0).value, REFERENCE["contrasting"], atol=1e-8)
    np.testing.assert_allclose(borderline_regression(KNOWN, 0).value, REFERENCE["borderline"], atol=1e-10)


def test_errors_as_a_refit_of_every_resample() -> None:
    one, two = contrasting_groups(KNOWN, 4000), borderline_regression(KNOWN, 4000)
    assert one.drawn.shape == two.drawn.shape == (4000, 3)
    np.testing.assert_allclose(one.drawn.std(axis=0), REFERENCE["contrasting_se"], rtol=0.08)
    np.testing.assert_allclose(two.drawn.std(axis=0), REFERENCE["borderline_se"], rtol=0.05)
    np.testing.assert_array_equal(one.drawn, contrasting_groups(KNOWN, 4000).drawn)


def test_moving_the_scale_moves_the_cuts() -> None:
    moved = Judged(KNOWN.student, KNOWN.level, 3 + 2 * KNOWN.expected, 3 + 2 * KNOWN.unshrunken, KNOWN.n_students, 4)
    for way in (contrasting_groups, borderline_regression):
        np.testing.assert_allclose(way(moved, 0).value, 3 + 2 * way(KNOWN, 0).value, atol=1e-8)


def test_judgements_without_a_cut() -> None:
    same = judged([0, 1, 2], [1, 1, 1], [0.0, 1.0, 2.0])
    assert np.isnan(contrasting_groups(same, 20).value).all() and np.isnan(contrasting_groups(same, 20).drawn).all()
    assert np.isnan(borderline_regression(same, 20).value).all()
    apart = judged([0, 1, 2, 3], [0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0], 2)
    assert contrasting_groups(apart, 20).value.tolist() == [1.5]
    against = judged([0, 1, 2, 3], [1, 0, 1, 0], [0.0, 1.0, 2.0, 3.0], 2)
    assert np.isnan(contrasting_groups(against, 0).value).all()


def test_cuts_follow_measures_as_refitted() -> None:
    told: dict[str, np.ndarray] = {}

    def follow(method: str, pull: np.ndarray) -> np.ndarray:
        told[method] = pull
        return np.zeros((KNOWN.n_students, len(pull)))

    cut_scores(KNOWN, 2, 1, follow=follow)
    move = 1e-4 * np.random.default_rng(2).standard_normal(len(KNOWN.level))
    ends = [
        cut_scores(replace(KNOWN, expected=KNOWN.expected + way, unshrunken=KNOWN.unshrunken + way), 0, 1)
        for way in (move, -move)
    ]
    for method in METHODS:
        np.testing.assert_allclose(told[method].sum(axis=1), 1)  # all measures up by one: the cuts too
        by_refit = (ends[0][method].value - ends[1][method].value) / 2
        np.testing.assert_allclose(told[method] @ move, by_refit, atol=1e-8)


def test_intervals_hold_a_known_cut_when_severities_are_estimated() -> None:
    """Each file is judged by one trainer, whose severity is estimated from the same files: 6 trainers with 12 files."""
    cut, n_trainers, files = 0.4, 6, 12
    rng, held = np.random.default_rng(5), []
    trainer = np.repeat(np.arange(n_trainers), files)
    n = len(trainer)
    for _ in range(250):
        ability, noise = 1.2 * rng.standard_normal(n), 1.2 * rng.standard_normal(n)
        off = np.bincount(trainer, noise) / files  # the error of each severity
        level = (ability + 0.6 * rng.logistic(size=n) > cut).astype(np.int64)
        x = ability - off[trainer]
        judged = Judged(np.arange(n), level, x, x, n, 2)
        own = (noise - off[trainer]) / files

        def follow(_: str, pull: np.ndarray, own: np.ndarray = own) -> np.ndarray:
            by_trainer = np.array([np.bincount(trainer, row) for row in pull])
            return -own[:, None] * by_trainer[:, trainer].T

        drawn = [cut_scores(judged, 200, 1, follow=way)[METHODS[0]].drawn[:, 0] for way in (follow, None)]
        ends = np.nanquantile(drawn, [0.025, 0.975], axis=1)
        held.append([*((ends[0] <= cut) & (cut <= ends[1])), *(ends[1] - ends[0])])
    followed, fixed, wide, narrow = np.mean(held, axis=0)
    assert 0.92 <= followed <= 0.98
    assert fixed < followed - 0.03 and wide > 1.1 * narrow


@pytest.mark.parametrize(("cuts", "expected"), [([0.0, 1.0, 1.5], [4, 3, 1]), ([np.nan], [0]), ([-9.0], [4])])
def test_how_many_reach_a_cut(cuts: list[float], expected: list[int]) -> None:
    assert passing([0.0, 1.0, 1.0, 2.0, np.nan], cuts).tolist() == expected
