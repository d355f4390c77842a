"""How reliable is one trainer: tables, designs, degenerate data, notes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import crcne_stats as cs
from crcne_stats.core.icc import FORMS
from crcne_stats.view.figures import alt_text

SHROUT = json.loads((Path(__file__).parents[1] / "reference" / "icc.json").read_text("utf-8"))["shrout_fleiss_1979"]
TWO_WAY = {name for name, form in FORMS.items() if form.two_way}


def ratings(table, **more):
    """Ratings of one criterion from a matrix (student, trainer), None where not rated."""
    values = np.array(table, dtype=float)
    student, trainer = np.nonzero(~np.isnan(values))
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": values[student, trainer]})
    for name, column in more.items():
        frame[name] = np.asarray(column)[student]
    return cs.Ratings.from_frame(frame, criterion=None, levels=range(11))


def pairs(n=120, trainers=6, criteria=3, inspe=1, seed=0, severity=1.0):
    """Each student rated by two trainers of the own INSPÉ, on five levels; INSPÉ differ in ability."""
    rng = np.random.default_rng(seed)
    home = np.arange(n) % inspe
    first = rng.integers(0, trainers, n)
    rated = np.stack([first, (first + rng.integers(1, trainers, n)) % trainers], 1) + trainers * home[:, None]
    ability, severe = rng.normal(size=n) + 1.5 * home, severity * rng.normal(size=trainers * inspe)
    rows = []
    for c in range(criteria):
        latent = 2 + ability[:, None] - 0.5 * severe[rated] + 0.7 * rng.normal(size=(n, 2))
        score = np.clip(np.round(latent), 0, 4)
        for j in range(2):
            rows.append(pd.DataFrame({
                "student": np.arange(n), "trainer": rated[:, j], "inspe": home, "criterion": f"c{c}",
                "score": score[:, j],
            }))  # fmt: skip
    return cs.Ratings.from_frame(pd.concat(rows), levels=range(5))


def keys(result):
    return {note.key: note for note in result.notes}


def test_both_names_of_the_six_forms_on_complete_data():
    result = cs.icc(ratings(SHROUT["ratings"]))
    table = result.tables["icc"].set_index("form")
    assert list(table.index) == list(FORMS)
    for form, wanted in SHROUT["icc"].items():
        assert table.loc[form, "value"] == pytest.approx(wanted["value"], abs=6e-8)
        assert table.loc[form, "low"] == pytest.approx(wanted["low"], abs=6e-5)
    assert table.loc["ICC(A,1)", "name"] == "ICC(2,1)"
    assert (table["k_effective"] == 4).all() and (table["reason"] == "").all()
    assert (table["method"] == "mean_squares").all()
    test = result.tables["tests"].query("criterion.isna()").set_index("form")
    assert test.loc["ICC(C,1)", "f"] == pytest.approx(11.027248, abs=5e-7)


def test_reml_equals_mean_squares_on_complete_data():
    one = cs.icc(ratings(SHROUT["ratings"]), estimator="reml").tables["icc"].set_index("form")
    other = cs.icc(ratings(SHROUT["ratings"])).tables["icc"].set_index("form")
    np.testing.assert_allclose(one["value"], other["value"], atol=1e-6)
    assert (one["method"] == "reml_monte_carlo").all()


def test_one_answer_per_value_of_by():
    data = pairs(inspe=2)
    overall = cs.icc(data)
    assert overall.tables["icc"]["criterion"].isna().all()
    criteria = cs.icc(data, by="criterion")
    np.testing.assert_allclose(
        criteria.tables["icc"]["value"].to_numpy(), overall.tables["criteria"]["value"].to_numpy(), rtol=1e-9
    )
    assert "criteria" not in criteria.tables
    groups = cs.icc(data, by="inspe").tables["icc"]
    assert list(groups["inspe"].unique()) == ["0", "1"]
    assert (groups["n_students"] == 60).all()
    alone = cs.icc(data.where(data.frame["inspe"] == "1")).tables["icc"]
    np.testing.assert_allclose(groups[groups["inspe"] == "1"]["value"], alone["value"], rtol=1e-9)
    assert cs.icc(pairs(), by="mention").reason == "column_unknown"


def test_ability_of_inspe_is_not_taken_for_reliability_nor_for_severity():
    data = pairs(n=300, inspe=3)
    found = cs.icc(data)
    mixed = cs.icc(data, within="all")
    value = [r.tables["icc"].set_index("form").loc["ICC(C,1)", "value"] for r in (found, mixed)]
    assert value[0] < value[1]
    assert "icc.within_inspe" in keys(found) and "icc.within_inspe" not in keys(mixed)
    trainers = [r.tables["components"].set_index(["criterion", "source"])["variance"] for r in (found, mixed)]
    assert trainers[0].loc[("c0", "trainer")] < trainers[1].loc[("c0", "trainer")]
    islands = cs.icc(data, within="island").tables["icc"]
    np.testing.assert_allclose(islands["value"], found.tables["icc"]["value"], rtol=1e-6)


def test_trainers_nested_in_students_leave_the_one_way_forms():
    rng = np.random.default_rng(0)
    table = np.full((30, 60), np.nan)
    for student in range(30):
        table[student, 2 * student : 2 * student + 2] = np.round(5 + 2 * rng.normal() + rng.normal(size=2))
    result = cs.icc(ratings(np.clip(table, 0, 10)))
    found = result.tables["icc"].set_index("form")
    assert (found.loc[list(TWO_WAY), "reason"] == "trainers_nested").all()
    assert found.loc[list(TWO_WAY), "value"].isna().all()
    assert 0 < found.loc["ICC(1)", "low"] < found.loc["ICC(1)", "value"] < found.loc["ICC(k)", "value"]
    assert set(result.tables["components"]["source"]) == {"student", "within"}
    assert "icc.nested" in keys(result)


NONE = np.nan
DEGENERATE = {
    "one_trainer": [[1], [2], [3]],
    "single_student": [[1, 2, 3]],
    "constant_scores": [[2, 2], [2, 2], [2, 2]],
    "no_double_rating": [[1, NONE], [2, NONE], [NONE, 3], [NONE, 4]],
}


@pytest.mark.parametrize("reason", DEGENERATE)
def test_what_cannot_be_had_has_a_reason(reason):
    result = cs.icc(ratings(DEGENERATE[reason]))
    table = result.tables["icc"]
    assert (table["reason"] == reason).all() and table["value"].isna().all()
    assert list(table["form"]) == list(FORMS)
    for language in ("fr", "en"):
        assert cs.table(result, "icc", lang=language, threshold=0).text()


def test_nothing_rated_and_one_file_per_group():
    data = pairs()
    none = cs.icc(data.where(np.zeros(len(data), dtype=bool)))
    assert (none.tables["icc"]["reason"] == "no_ratings").all()
    alone = ratings([[1, 2, NONE, NONE], [NONE, NONE, 3, 5]])
    assert (cs.icc(alone, within="island").tables["icc"]["reason"] == "one_file_per_group").all()
    assert np.isfinite(cs.icc(alone).tables["icc"].set_index("form").loc["ICC(1)", "value"])


def test_ratings_without_error_have_no_interval():
    table = cs.icc(ratings([[0, 2], [1, 3], [3, 5], [6, 8]])).tables["icc"].set_index("form")
    assert table.loc["ICC(C,1)", "value"] == 1
    assert table.loc["ICC(A,1)", "value"] == pytest.approx(7 / (7 + 2))
    assert np.isnan(table.loc["ICC(C,1)", "low"]) and table.loc["ICC(C,1)", "reason"] == "no_residual"


def test_a_negative_variance_is_seen_and_named():
    complete = [[1, 5, 9], [9, 1, 5], [5, 9, 1], [1, 9, 5]]
    result = cs.icc(ratings(complete))
    assert result.tables["icc"].set_index("form").loc["ICC(C,1)", "value"] < 0
    assert "icc.negative" in keys(result)
    forced = cs.icc(ratings(complete), estimator="reml")
    row = forced.tables["icc"].set_index("form").loc["ICC(C,1)"]
    assert row["value"] == 0 and row["reason"] == "negative_variance"
    part = forced.tables["components"].set_index("source").loc["student"].iloc[0]
    assert part["variance"] < 0 and part["reason"] == "negative_variance"


def test_mean_squares_alone_on_incomplete_ratings():
    data = pairs()
    table = cs.icc(data, estimator="anova").tables["icc"].set_index("form")
    assert (table.loc[list(TWO_WAY), "reason"] == "needs_complete").all()
    assert table.loc["ICC(1)", "method"] == "mean_squares"


def test_a_missing_criterion_moves_no_mean():
    """A hard criterion that was not rated does not make a file better."""
    data = pairs(n=200, criteria=2)
    harder = data.frame.assign(
        score=np.where(data.frame["criterion"] == "c1", data.frame["score"] // 2, data.frame["score"])
    )
    whole = cs.Ratings.from_frame(harder, levels=range(5))
    rng = np.random.default_rng(0)
    holes = whole.where((harder["criterion"] == "c0").to_numpy() | (rng.random(len(whole)) < 0.7))
    values = [cs.icc(one).tables["icc"].set_index("form").loc["ICC(A,1)", "value"] for one in (whole, holes)]
    assert values[1] == pytest.approx(values[0], abs=0.08)
    assert "icc.holes" in keys(cs.icc(holes))


def test_criteria_of_different_scales_come_onto_one():
    data = pairs(criteria=2)
    frame = data.frame.assign(score=data.frame["score"] * np.where(data.frame["criterion"] == "c1", 2, 1))
    mixed = cs.Ratings.from_frame(frame, levels={"c0": range(5), "c1": range(0, 9, 2)})
    result = cs.icc(mixed)
    np.testing.assert_allclose(result.tables["icc"]["value"], cs.icc(data).tables["icc"]["value"], rtol=1e-5)
    assert "icc.mixed_scales" in keys(result)


def test_students_close_to_a_level_lower_the_correlation():
    result = cs.icc(pairs(n=400), near="1")
    table = result.tables["restricted"]
    own = table[table["criterion"].isna()].set_index("scope")
    assert own.loc["near_cut", "value"] < own.loc["every_student", "value"]
    assert own.loc["near_cut", "n_students"] >= 200
    assert "icc.restricted" in keys(result)
    # The forms that do not know trainers are those of the main table.
    one_way = result.tables["icc"].set_index("form").loc["ICC(1)", "value"]
    assert own.loc["every_student", "value"] == pytest.approx(one_way, rel=1e-9)


def test_the_seed_moves_the_bounds_only():
    one, same, other = (cs.icc(pairs(), seed=seed).tables["icc"] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    pd.testing.assert_series_equal(one["value"], other["value"])
    assert (one["low"] != other["low"]).any()


@pytest.mark.parametrize(
    "wrong", [{"by": "colour"}, {"estimator": "ml"}, {"within": "town"}, {"near": "top"}, {"share": 0}, {"level": 95}]
)
def test_wrong_use_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        cs.icc(pairs(), **wrong)


def test_few_trainers_are_told_and_the_figure_can_be_read_aloud():
    result = cs.icc(pairs(trainers=4))
    assert {"icc.few_trainers", "icc.overall", "icc.lowest"} <= set(keys(result))
    assert cs.figure(result, "icc", lang="en").get_axes()
    assert "c0" in alt_text(result, "icc", "fr") or "c1" in alt_text(result, "icc", "fr")
    assert cs.figure(cs.icc(pairs(inspe=2), by="inspe"), "icc").get_axes()


@settings(max_examples=30, deadline=None)
@example(114352, "auto", "island")  # F is 0 and k is 1
@given(st.integers(0, 10**6), st.sampled_from(["auto", "reml", "anova"]), st.sampled_from(["auto", "island", "all"]))
def test_small_odd_data_give_numbers_or_reasons(seed, estimator, within):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(1, 10), rng.integers(1, 5)
    a, b = rng.integers(0, 3, (n, 1)), rng.integers(0, 3, k)
    table = [rng.integers(0, 3, (n, k)), a + 0 * b, b + 0 * a, a + b, a + rng.integers(0, 2, (n, k))][rng.integers(5)]
    holes = np.where(rng.random((n, k)) < rng.choice([0.3, 0.7, 1.0]), table, np.nan)
    holes[0, 0] = 1
    result = cs.icc(ratings(holes), estimator=estimator, within=within)
    for name in ("icc", "criteria"):
        found = result.tables[name]
        assert list(found["form"]) == list(FORMS)
        assert (found["value"].dropna() <= 1 + 1e-9).all()
        bare = found[["value", "low", "high"]].isna().any(axis=1) & (found["reason"] == "")
        assert not bare.any()
        known = found[found["low"].notna()]
        assert (known["low"] <= known["value"] + 1e-6).all() and (known["value"] <= known["high"] + 1e-6).all()
