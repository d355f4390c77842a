"""Simulated data: valid, repeatable, and drawn from the model that they claim."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.core.rasch.probabilities import category_probabilities
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.students import faults

EFFECTS = (
    "inspe_ability_sd", "severity_sd", "centrality_sd", "halo_sd", "disordered", "dif", "drift", "low_agreement",
    "missing",
)  # fmt: skip


def test_without_effects_scores_follow_the_model():
    made = simulate(20000, 4, 1, seed=3, **dict.fromkeys(EFFECTS, 0))
    frame, truth = made.ratings.frame, made.truth
    ability = np.array(list(truth["ability"].values()))
    for key in made.ratings.criteria:
        thresholds = np.array(truth["thresholds"][key])
        expected = category_probabilities(ability - truth["difficulty"][key], thresholds).mean(axis=0)
        scores = frame.loc[frame["criterion"] == key, "score"]
        found = scores.value_counts(normalize=True).reindex(range(5), fill_value=0).to_numpy()
        np.testing.assert_allclose(found, expected, atol=0.012)
    assert set(truth["severity"].values()) == {0.0} and set(truth["inspe_ability"].values()) == {0.0}
    assert truth["planted"] == {}


def test_same_seed_same_data_and_another_seed_others():
    one, again, other = simulate(seed=5), simulate(seed=5), simulate(seed=6)
    pd.testing.assert_frame_equal(one.ratings.frame, again.ratings.frame)
    pd.testing.assert_frame_equal(one.students.frame, again.students.frame)
    assert not one.ratings.frame["score"].equals(other.ratings.frame["score"])
    assert json.loads(json.dumps(one.truth)) == one.truth


def test_simulated_data_are_valid_and_marked():
    made = simulate(seed=5)
    frame, framework = made.ratings.frame, made.ratings.framework
    assert made.ratings.simulated and made.students.simulated
    plain = frame.astype({name: object for name in frame.columns if name != "score"})
    rebuilt = Ratings.from_frame(plain, framework=framework)
    pd.testing.assert_frame_equal(rebuilt.frame, frame)
    assert not faults(made.students.frame, framework)


def test_links_are_the_share_of_files_that_was_asked_and_none_makes_islands():
    def away(links):
        frame = simulate(800, 8, links=links, seed=2).ratings.frame
        far = frame["inspe"].astype(object) != frame["trainer_inspe"].astype(object)
        return far.groupby(frame["student"], observed=True).any().mean()

    assert away(0) == 0
    assert away(0.05) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("name", [*EFFECTS, "difficulty_sd", "links", "pix_error_sd"])
@pytest.mark.parametrize("nothing", [0, False, None])
def test_each_effect_can_be_set_to_nothing(name, nothing):
    assert len(simulate(60, 2, 2, **{name: nothing}).ratings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"links": 2}, {"missing": 1}, {"severity_sd": -1}, {"severity_sd": float("nan")}, {"inspe": 0},
        {"students": 0}, {"trainers": 3}, {"trainers_per_student": 0}, {"inspe": 1000},
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_met_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        simulate(**wrong)


def test_an_overall_level_moves_no_other_number_and_stays_outside_every_total():
    plain, made = simulate(200, 2, seed=3), simulate(200, 2, seed=3, global_level=True, global_error_sd=0, halo_sd=0.4)
    np.testing.assert_array_equal(plain.ratings.frame["score"], made.ratings.scored["score"])
    pd.testing.assert_frame_equal(plain.students.frame, made.students.frame)
    overall = made.ratings.frame.query("criterion == 'G'")
    assert len(overall) == 400 and made.ratings.framework.version == "2022-2023-G"
    # Without halo and error the level is that of ability − severity.
    exact = simulate(200, 2, seed=3, global_level=True, global_error_sd=0, halo_sd=0)
    rows = exact.ratings.frame.query("criterion == 'G'")
    seen = rows["student"].astype(object).map(exact.truth["ability"]) - rows["trainer"].astype(object).map(
        exact.truth["severity"]
    )
    cuts = np.array(list(exact.truth["global_cuts"]["G"].values()))
    assert (np.searchsorted(cuts, seen.to_numpy(float), side="right") == rows["score"]).all()
    again = Framework.from_toml(made.ratings.framework.to_toml())
    assert simulate(60, 2, framework=again, seed=1).truth["global_cuts"]["G"].keys() == {
        "initie", "confirme", "avance", "expert"
    }  # fmt: skip


def test_any_framework_can_be_simulated():
    made = simulate(80, 2, framework="2026-illustration", seed=1)
    assert made.students.known("pix_gate") and not made.students.known("pix_level")
