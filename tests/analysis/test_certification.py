"""Risks of the certificate: what they rest on, what they add up to, and what cannot be said."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from crcne_stats.analysis.certification import certification
from crcne_stats.analysis.certification_error import half_of, moved
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figures

PLAIN: dict[str, Any] = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0}


@cache
def cohort() -> tuple[Simulation, Result]:
    made = simulate(160, 2, 1, links=0.2, taste_sd=0.3, seed=4, **PLAIN)
    return made, severity(made.ratings, simulations=0, halo=True)


@cache
def answered() -> Result:
    made, measured = cohort()
    return certification(made.ratings, made.students, severity=measured, panel=400)


def test_a_scheme_is_the_sum_of_its_students() -> None:
    found = answered()
    scheme = found.tables["scheme"].set_index(["definition", "part", "risk"])
    table = found.tables["students"]
    for part, prefix in (("joint", ""), ("inspe", "inspe_")):
        for risk in ("too_high", "too_low"):
            row = scheme.loc[("expected", part, risk)]
            chance = table[prefix + risk].dropna()
            assert row["n_students"] == len(chance)
            assert row["n_wrong"] == pytest.approx(chance.sum())
            assert 0 <= row["wrong_low"] <= row["wrong"] <= row["wrong_high"] <= 1
    level = found.tables["by_level"]
    for risk in ("too_high", "too_low"):
        total = scheme.loc[("expected", "joint", risk), "n_wrong"]
        assert level.loc[level["risk"] == risk, "n_wrong"].sum() == pytest.approx(total)


def test_posteriors_are_chances_and_agree_with_the_risks() -> None:
    found = answered()
    posterior = found.tables["posterior"].pivot(index="student", columns="level", values="probability")
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert (posterior >= 0).all(axis=None)
    table = found.tables["students"].set_index("student").dropna(subset=["inspe_too_high"])
    ladder = [level.key for level in found.ratings.framework.levels]
    for student, row in table.head(30).iterrows():
        place = ladder.index(row["inspe_level"])
        assert row["inspe_too_high"] == pytest.approx(posterior.loc[student, ladder[:place]].sum(), abs=1e-9)


def test_an_error_of_pix_only_adds_risks_and_more_trainers_take_them_off() -> None:
    tables = answered().tables
    band = tables["pix_error"].groupby("pix_error")["wrong"].sum()
    assert band.is_monotonic_increasing
    panels = tables["panels"]
    own = panels[(panels["definition"] == "expected") & (panels["part"] == "inspe")]
    assert own.groupby("panel_size")["wrong"].sum().is_monotonic_decreasing


def test_shares_of_other_panels_and_of_methods_have_intervals() -> None:
    tables = answered().tables
    panels = tables["panels"]
    assert (panels["wrong_low"] < panels["wrong"]).all() and (panels["wrong"] < panels["wrong_high"]).all()
    first = panels["panel_size"] == 1
    assert panels.loc[first, "wrong_change"].isna().all()
    later = panels[~first]
    before = panels[panels["panel_size"] < 3]["wrong"].to_numpy()
    np.testing.assert_allclose(later["wrong_change"], later["wrong"].to_numpy() - before, atol=1e-12)
    change = later["wrong_change_high"] - later["wrong_change_low"]
    assert (change > 0).all() and (change < later["wrong_high"] - later["wrong_low"]).all()
    # With the certificate the luck of PIX+Édu comes in: more is unknown for the same size of change.
    own = later[later["definition"] == "expected"].assign(half=change / 2).set_index(["part", "risk", "panel_size"])
    first_step = own.xs(2, level="panel_size")
    relative = first_step["half"] / first_step["wrong_change"].abs()
    assert relative["joint", "too_high"] > relative["inspe", "too_high"]
    accuracy = tables["accuracy"]
    for name in ("accuracy", "consistency"):
        low, value, high = (accuracy[f"{name}{end}"] for end in ("_low", "", "_high"))
        chance = np.sqrt(value * (1 - value) / accuracy["n_students"])
        assert (low < value - 1.9 * chance).all() and (high > value + 1.7 * chance).all() and (high < 1).all()


@pytest.mark.parametrize("definition", ["expected", "panel"])
def test_a_share_moves_with_the_parameters_as_far_as_told(definition: str) -> None:
    """A chance that is a step at a boundary moves as the number of those who deserve that level does."""
    found = answered().model
    person, cut = found.person[found.graded], found.where[definition]
    level = int(np.argmin(np.abs(cut - found.found.moments.mean[person].mean())))
    reach, fine = found.reach[definition], 0.4
    told = moved(found, definition, person, ndtr((found.found.nodes - cut[level]) / fine))
    gap = (cut[level] - found.found.moments.mean[person]) / np.sqrt(found.found.moments.variance[person] + fine**2)
    density = np.exp(-(gap**2) / 2) / np.sqrt(2 * np.pi * (found.found.moments.variance[person] + fine**2))
    by_hand = reach.gradient[person].T @ density - density.sum() * reach.cut_gradient[level + 1]
    size = np.sqrt(by_hand @ found.covariance @ by_hand)
    assert np.sqrt(told @ found.covariance @ told) * len(person) == pytest.approx(size, rel=0.2)


def test_a_stated_error_is_in_the_band_and_in_the_scheme() -> None:
    made, measured = cohort()
    found = certification(made.ratings, made.students, severity=measured, panel=100, pix_error=0.15)
    band = found.tables["pix_error"]
    row = band[(band["pix_error"] == 0.15) & (band["risk"] == "too_high")].iloc[0]
    scheme = found.tables["scheme"].set_index(["definition", "part", "risk"])
    assert row["wrong"] == pytest.approx(scheme.loc[("expected", "joint", "too_high"), "wrong"])
    assert not any(note.key == "certification.pix_unknown" for note in found.notes)


def test_the_jury_list_is_about_severity_and_is_private() -> None:
    found = answered()
    review = found.tables["review"]
    assert len(review)
    ladder = [level.key for level in found.ratings.framework.levels]
    up = review["adjusted_level"].map(ladder.index) > review["inspe_level"].map(ladder.index)
    # A severe panel keeps a level down: adjusted upwards, and the other way round.
    assert ((review["severity_met"] > 0) == up).all()
    assert review["probability"].is_monotonic_decreasing
    assert {"students", "posterior", "review"}.isdisjoint(published(found).tables)
    assert any(note.key == "certification.review" and note.kind == "action" for note in found.notes)


def test_methods_of_accuracy_tell_the_same_story() -> None:
    table = answered().tables["accuracy"].set_index("method")
    assert (table["reason"] == "").all()
    assert (table[["accuracy", "consistency"]] > 0.5).all(axis=None)
    np.testing.assert_allclose(table[["accuracy", "too_high", "too_low"]].sum(axis=1), 1)
    assert table.loc["lee", "accuracy"] == pytest.approx(table.loc["rudner", "accuracy"], abs=0.05)


def test_half_of_a_covariance_gives_it_back() -> None:
    covariance = answered().model.covariance
    half = half_of(covariance)
    np.testing.assert_allclose(half @ half.T, covariance, atol=1e-10)


def changed(students: Students, **columns: Any) -> Students:
    return Students.from_frame(students.frame.astype(object).assign(**columns), framework=students.framework)


def test_a_gate_file_runs_under_the_gate_and_says_so_under_the_minimum() -> None:
    made, measured = cohort()
    passed = made.students.frame["pix_level"].astype(object).map({"not_reached": "not_admissible"})
    gate = passed.fillna("admissible").where(made.students.frame["pix_level"].notna())
    people = changed(made.students, pix_level=None, pix_gate=gate)
    assert certification(made.ratings, people, severity=measured).reason == "gate_under_minimum"
    found = certification(made.ratings, people, severity=measured, rule="gate", panel=100)
    scheme = found.tables["scheme"].set_index(["definition", "part", "risk"])
    assert scheme.loc[("expected", "joint", "too_high"), "wrong"] > 0
    assert certification(made.ratings, made.students, severity=measured, rule="gate").reason == "levels_under_gate"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"student": lambda frame: "Z" + frame["student"].astype(str)}, "no_student_in_both"),
        ({"pix_level": None}, "no_pix_results"),
        ({"jury": "waiting", "inspe_level": None}, "jury_waiting"),
    ],
)
def test_what_cannot_be_said(columns: dict[str, Any], reason: str) -> None:
    made, measured = cohort()
    people = changed(made.students, **columns)
    assert certification(made.ratings, people, severity=measured).reason == reason
    assert certification(made.ratings, None).reason == "no_students"


def test_one_level_of_pix_and_one_of_the_jury_still_have_an_answer() -> None:
    made, measured = cohort()
    people = changed(made.students, pix_level="confirme", inspe_level="confirme", jury="level")
    found = certification(made.ratings, people, severity=measured, panel=100)
    assert not any(note.key == "certification.pix_informs" for note in found.notes)
    assert np.isfinite(found.tables["scheme"]["wrong"]).all()


def test_islands_are_not_compared() -> None:
    made = simulate(120, 2, 1, links=0, seed=2, **PLAIN)
    measured = severity(made.ratings, simulations=0, halo=False)
    found = certification(made.ratings, made.students, severity=measured, panel=100)
    assert (found.tables["by_inspe"]["reason"] == "islands_apart").all()
    assert found.tables["by_inspe"]["wrong"].isna().all()
    assert {"certification.islands", "certification.halo_by_moments"} <= {note.key for note in found.notes}


def test_halo_by_moments_comes_near_the_model_with_halo() -> None:
    made, measured = cohort()
    plain = severity(made.ratings, simulations=0, halo=False)
    found = certification(made.ratings, made.students, severity=plain, panel=100)
    exact = answered().tables["scheme"]["wrong"].to_numpy()
    np.testing.assert_allclose(found.tables["scheme"]["wrong"], exact, atol=0.02)
    assert found.model.found.halo == pytest.approx(measured.model.fitted.measured.halo, abs=0.12)


def no_risks(found: Result) -> str:
    """Why there are decisions and no risks."""
    assert "joint" in found.tables and "scheme" not in found.tables
    return next(str(note.values["why"]) for note in found.notes if note.key == "certification.no_risks")


def test_joint_estimates_and_equal_ratings_have_a_reason() -> None:
    made, _ = cohort()
    joint = severity(made.ratings, estimator="jml", simulations=0)
    assert no_risks(certification(made.ratings, made.students, severity=joint)) == "no_posterior"
    frame = made.ratings.frame.astype(object).assign(score=2)
    equal = type(made.ratings).trusted(frame.astype(made.ratings.frame.dtypes.to_dict()), made.ratings.framework)
    assert no_risks(certification(equal, made.students)) == "all_equal"


@pytest.mark.parametrize("wrong", [{"pix_error": 0.5}, {"rule": "mean"}, {"level": 1.0}, {"panel": 1}])
def test_values_that_mean_nothing(wrong: dict[str, Any]) -> None:
    made, measured = cohort()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        certification(made.ratings, made.students, severity=measured, **wrong)


def test_shown_tables_keep_their_small_groups() -> None:
    found = answered()
    shown = published(found).tables
    small = found.tables["by_mention"]["n_students"] < 5
    assert shown["by_mention"].loc[small, "wrong"].isna().all()
    assert isinstance(shown["scheme"], pd.DataFrame)


def test_each_figure_of_shown_tables_has_its_words() -> None:
    found = published(answered())
    assert set(found.tables["panels"]["panel_size"]) == {1, 2, 3}
    for name in figures(found):
        assert alt_text(found, name, "fr")
