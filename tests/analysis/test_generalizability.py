"""Generalizability through the public door: references, bad data, options, and what must hold of any ratings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.analysis.generalizability import generalizability
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.columns import column
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.tables import table as shown
from crcne_stats.words import words

SOME = simulate(60, 3, 1, links=0.2, seed=1).ratings


def long(scores: Any, **more: Sequence[str]) -> pd.DataFrame:
    """Scores (student, trainer, criterion) to one row per rating; NaN is no rating; ``more`` (student,) columns."""
    x = np.asarray(scores, dtype=float)
    student, trainer, criterion = np.nonzero(~np.isnan(x))
    frame = pd.DataFrame(
        {"student": student, "trainer": trainer, "criterion": [f"c{k:02d}" for k in criterion],
         "score": x[student, trainer, criterion].astype(int)}
    )  # fmt: skip
    return frame.assign(**{name: np.asarray(values, dtype=object)[student] for name, values in more.items()})


def asked(scores: Any, levels: Any = range(10), **options: Any) -> Result:
    given = {name: options.pop(name) for name in ("inspe", "session") if name in options}
    return generalizability(Ratings.from_frame(long(scores, **given), levels=levels), **{"resamples": 0, **options})


def drawn(n: int, trainers: int, criteria: int, seed: int = 0) -> np.ndarray:
    """Scores 0–9 with effects of students, trainers, criteria and student × trainer."""
    rng = np.random.default_rng(seed)
    x = 4.5 + rng.normal(size=(n, 1, 1)) * 1.2 + rng.normal(size=(1, trainers, 1)) * 0.5
    x = x + rng.normal(size=(1, 1, criteria)) * 0.5 + rng.normal(size=(n, trainers, 1)) * 0.6
    return np.round(x + rng.normal(size=(n, trainers, criteria)) * 0.8).clip(0, 9)


def components(result: Result, estimator: str | None = None) -> dict[str, float]:
    table = result.tables["components"]
    own = table[table["estimator"] == (estimator or table["estimator"].iloc[0])].dropna(subset="variance")
    return dict(zip(own["source"], own["variance"], strict=True))


def coefficient(result: Result, name: str) -> float:
    return float(result.tables["coefficients"].set_index("coefficient").loc[name, "value"])


def keys(result: Result) -> set[str]:
    return {note.key.removeprefix("generalizability.") for note in result.notes}


def said(result: Result) -> None:
    """Every note, reason, table and column has its words in both languages, and every table can be shown."""
    for w in (words("fr"), words("en")):
        if result.reason:
            assert w(f"reason.{result.reason}", **result.settings)
        for note in result.notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in result.tables.items():
            assert w(f"table.generalizability.{name}")
            assert shown(result, name, w.language).text()
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title].dropna()) - {""})
    for table in result.tables.values():
        numbers = [name for name in ("variance", "value") if name in table]
        for name in numbers:  # never a bare NaN
            assert (table[name].notna() | (table["reason"] != "")).all()


def test_shrout_and_fleiss_as_published() -> None:
    # Shrout & Fleiss (1979, doi:10.1037/0033-2909.86.2.420), table 2; mean squares of table 3.
    scores = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    result = asked(np.array(scores)[:, :, None], range(1, 11), design="student * trainer", estimator="anova")
    found = components(result)
    expected = {"student": (11.24 - 1.02) / 4, "trainer": (32.49 - 1.02) / 6, "residual": 1.02}
    assert found == pytest.approx(expected, abs=0.01)
    assert coefficient(result, "dependability") == pytest.approx(0.62, abs=0.005)  # ICC(2,4)
    assert coefficient(result, "generalizability") == pytest.approx(0.91, abs=0.005)  # ICC(3,4)
    single = result.tables["dstudy"].set_index(["layout", "n_trainers"]).loc[("own", 1)]
    assert single["dependability"] == pytest.approx(0.29, abs=0.005)  # ICC(2,1)
    said(result)


@pytest.mark.parametrize(
    "design",
    [
        "student * trainer * criterion", "student * trainer", "student * criterion", "student", "student * item",
        "(student * trainer) : inspe", "student * (trainer : trainer_inspe)", "(student * trainer) : inspe * criterion",
        "student * trainer * (criterion : phase)", "student : inspe", "student : session : inspe",
        "(student : mention) * trainer",
    ],
)  # fmt: skip
def test_any_design_answers_with_words(design: str) -> None:
    result = generalizability(SOME, design=design, resamples=10)
    assert not result.reason and result.settings["design"] == design
    said(result)
    worth = result.tables["coefficients"].set_index("coefficient")["value"]
    if np.isfinite(worth["dependability"]):
        assert 0 <= worth["dependability"] <= worth["generalizability"] <= 1
        assert worth["sem_absolute"] >= worth["sem_relative"] > 0


def test_students_nested_in_inspe_are_measured_within_their_inspe() -> None:
    x = drawn(60, 4, 3) / 2
    x[30:] += 4
    x[:30, 2:], x[30:, :2] = np.nan, np.nan
    inspe = ["a"] * 30 + ["b"] * 30
    nested = asked(x, design="(student * trainer) : inspe", inspe=inspe)
    assert {"inspe", "student:inspe", "trainer:inspe"} <= set(components(nested))
    # The gap between the INSPÉ belongs to them, and those islands are told.
    assert components(nested)["inspe"] > 5 * components(nested)["trainer:inspe"]
    assert "islands" in keys(nested)
    said(nested)


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        ("", "design_syntax"), ("student **", "design_syntax"), ("student * student", "design_facet_twice"),
        ("student * martian", "design_unknown_facet"), ("trainer * criterion", "design_no_student"),
    ],
)  # fmt: skip
def test_a_design_that_means_nothing_is_answered_with_a_reason(design: str, reason: str) -> None:
    result = generalizability(SOME, design=design)
    assert result.reason == reason and not result.tables
    said(result)


def test_a_facet_that_the_data_lack_is_named() -> None:
    result = asked(drawn(20, 2, 3), design="student * trainer * session")
    assert result.reason == "column_unknown"
    said(result)


def test_one_trainer_per_student_hides_their_error_in_the_students() -> None:
    x = drawn(40, 4, 5)
    x[np.arange(4) != (np.arange(40) % 4)[:, None]] = np.nan
    result = asked(x)
    table = result.tables["components"].set_index("source")
    assert table.loc["student*trainer", "reason"] == "confounded"
    assert table.loc["student*trainer", "confounded"] == "student"
    assert set(result.tables["coefficients"]["reason"]) == {"error_hidden"}
    assert {"error_hidden", "confounded"} <= keys(result) and "dstudy" not in result.tables
    said(result)


def test_a_single_trainer() -> None:
    result = asked(drawn(40, 1, 5))
    table = result.tables["components"].set_index("source")
    assert table.loc["trainer", "confounded"] == "mean"
    assert table.loc["student*trainer", "confounded"] == "student"
    assert set(result.tables["coefficients"]["reason"]) == {"error_hidden"}
    said(result)


def test_one_criterion_is_confounded_with_the_mean_and_trainers_still_show() -> None:
    result = asked(drawn(40, 3, 1))
    table = result.tables["components"].set_index("source")
    assert table.loc["criterion", "confounded"] == "mean"
    assert components(result)["trainer"] > 0 and np.isfinite(coefficient(result, "dependability"))
    said(result)


def test_one_criterion_in_an_incomplete_design() -> None:
    x = drawn(40, 3, 1)
    x[np.arange(40), np.arange(40) % 3] = np.nan
    result = asked(x)
    assert components(result)["trainer"] >= 0 and components(result)["student"] > 0
    said(result)


def test_a_single_rating_of_each_student_has_no_replication() -> None:
    x = np.full((30, 3, 1), np.nan)
    x[np.arange(30), np.arange(30) % 3, 0] = np.arange(30) % 7
    result = asked(x)
    assert result.reason == "student_confounded"
    said(result)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.full((10, 2, 3), 2.0), "constant_scores"), (drawn(1, 3, 4), "single_student"),
        (np.full((3, 2, 2), np.nan), "no_ratings"),
    ],
)  # fmt: skip
def test_no_variance_no_component(scores: np.ndarray, reason: str) -> None:
    result = asked(scores)
    assert result.reason == reason and not result.tables
    said(result)


def test_scores_without_residual_have_no_likelihood_but_squares() -> None:
    x = np.arange(6.0)[:, None, None] + np.arange(3.0)[None, :, None] + np.zeros((1, 1, 2))
    result = asked(x)
    table = result.tables["components"]
    assert set(table["estimator"]) == {"anova"} and "no_reml" in keys(result)
    assert components(result)["residual"] == pytest.approx(0, abs=1e-12)
    said(result)


def test_empty_cells_are_no_fault() -> None:
    x = drawn(60, 5, 4, seed=3)
    x[np.random.default_rng(4).random(x.shape) < 0.5] = np.nan
    x[:, :, 3][:50] = np.nan
    result = asked(x, resamples=40)
    assert set(components(result)) <= {
        "student", "trainer", "criterion", "student*trainer", "student*criterion", "trainer*criterion", "residual",
    }  # fmt: skip
    assert not result.reason
    said(result)


def test_criteria_are_fixed_unless_asked() -> None:
    x = drawn(50, 3, 5, seed=5)
    fixed, random = asked(x), asked(x, fixed=())
    assert components(fixed) == components(random)
    parts = components(fixed)
    universe = parts["student"] + max(parts["student*criterion"], 0) / 5
    row = fixed.tables["dstudy"].iloc[0]
    assert row["universe"] == pytest.approx(universe)
    assert random.tables["dstudy"].iloc[0]["universe"] == pytest.approx(parts["student"])
    assert set(random.tables["dstudy"]["n_criteria"]) == {5.0, 10.0, 30.0}
    assert set(fixed.tables["dstudy"]["n_criteria"]) == {5.0}
    assert coefficient(random, "dependability") < coefficient(fixed, "dependability")
    assert "fixed" in keys(fixed) and "fixed" not in keys(random)


def test_criteria_in_phases_count_whole() -> None:
    result = generalizability(SOME, design="student * trainer * (criterion : phase)", resamples=0)
    assert set(result.tables["coefficients"]["n_criteria"]) == {19.0}


def test_brennans_p_by_i_with_known_error() -> None:
    # Absolute error and both coefficients by the formulas of Brennan (2001), § 2.4, from the components themselves.
    result = asked(drawn(30, 4, 5, seed=8), fixed=(), estimator="anova")
    v = {name: max(value, 0) for name, value in components(result).items()}
    relative = v["student*trainer"] / 4 + v["student*criterion"] / 5 + v["residual"] / 20
    absolute = relative + v["trainer"] / 4 + v["criterion"] / 5 + v["trainer*criterion"] / 20
    assert coefficient(result, "generalizability") == pytest.approx(v["student"] / (v["student"] + relative))
    assert coefficient(result, "dependability") == pytest.approx(v["student"] / (v["student"] + absolute))
    assert coefficient(result, "sem_absolute") == pytest.approx(np.sqrt(absolute))


def test_dependability_at_a_cut_is_least_at_the_mean() -> None:
    result = asked(drawn(80, 3, 4))
    cuts = result.tables["cuts"]
    phi = coefficient(result, "dependability")
    assert (cuts["value"] >= phi - 1e-12).all()
    assert result.ratings is not None
    mean = float(result.ratings.scored["score"].mean())
    assert cuts.loc[(cuts["cut"] - mean).abs().idxmin(), "value"] == pytest.approx(cuts["value"].min())


def test_a_trainer_apart_is_seen_when_left_out() -> None:
    x = drawn(60, 5, 4, seed=2)
    x[:, 4] = np.random.default_rng(1).integers(0, 10, (60, 4))
    table = asked(x).tables["left_out"].query("facet == 'trainer'").set_index("member")
    assert table["change"].idxmax() == "4" and table.loc["4", "change"] > 0


def test_the_conditional_error_is_that_of_the_trainers_means() -> None:
    x = np.array([[[1, 1], [3, 3]], [[2, 2], [2, 2]], [[5, 5], [9, 9]]], dtype=float)
    table = asked(x, design="student * trainer").tables["conditional"].set_index("level")
    by_score = table["sem_absolute"].dropna()
    # Students 1 and 2 have the mean 2: variances of their trainers' means 2 and 0, each over 2 trainers.
    assert sorted(by_score) == pytest.approx([np.sqrt((2 / 2 + 0) / 2), np.sqrt(8 / 2)])


def test_phases_as_a_profile_with_its_composite() -> None:
    equal = generalizability(SOME, resamples=0)
    tilted = generalizability(SOME, resamples=0, weights={"1": 1.0})
    one, two = (result.tables["profile"].set_index("scope") for result in (equal, tilted))
    phase = two.loc["phase"].set_index("phase").loc["1"]
    assert two.loc["composite", "dependability"] == pytest.approx(phase["dependability"])
    assert one.loc["composite", "dependability"] != pytest.approx(phase["dependability"])
    for bad in ({"9": 1.0}, {"1": -1.0}, {"1": float("nan")}):
        with pytest.raises(ValueError, match=r"phase|weight"):
            generalizability(SOME, weights=bad)


def test_an_unknown_estimator_is_refused() -> None:
    with pytest.raises(ValueError, match="estimator"):
        generalizability(SOME, estimator="guess")


def test_the_same_seed_gives_the_same_bounds() -> None:
    first, again, other = (generalizability(SOME, resamples=20, seed=seed) for seed in (1, 1, 2))
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    assert not first.tables["components"]["se"].equals(other.tables["components"]["se"])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.integers(1, 3), holes=st.sampled_from([0.0, 0.3]))
def test_names_order_and_zero_move_nothing_and_a_unit_squares(seed: int, shift: int, holes: float) -> None:
    x = drawn(12, 3, 4, seed)
    rng = np.random.default_rng(seed)
    x[rng.random(x.shape) < holes] = np.nan
    base = components(asked(x, range(40)))
    frame = long(x + shift).sample(frac=1, random_state=seed)
    frame["student"] = "s" + frame["student"].astype(str).str[::-1]
    frame["trainer"] = frame["trainer"].map({0: "z", 1: "y", 2: "x"})
    moved = components(generalizability(Ratings.from_frame(frame, levels=range(40)), resamples=0))
    assert moved == pytest.approx(base, rel=1e-4, abs=1e-5)
    doubled = components(asked(2 * x, range(40)))
    assert doubled == pytest.approx({name: 4 * value for name, value in base.items()}, rel=1e-4, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), trainers=st.integers(2, 4), criteria=st.integers(2, 4))
def test_both_estimators_agree_on_balanced_ratings_inside_the_bounds(seed: int, trainers: int, criteria: int) -> None:
    result = asked(drawn(15, trainers, criteria, seed), estimator="anova")
    squares = components(result, "anova")
    if min(squares.values()) > 1e-6:
        other = asked(drawn(15, trainers, criteria, seed))
        assert components(other, "reml") == pytest.approx(squares, rel=1e-3, abs=1e-5)
        assert "two_estimators" not in keys(other)
    curve = result.tables["dstudy"].query("layout == 'crossed'")
    assert (curve["dependability"].diff().dropna() >= -1e-12).all()


def test_numbers_on_few_students_are_hidden_and_trainers_get_labels() -> None:
    few = published(asked(drawn(4, 3, 4)))
    assert few.tables["components"]["variance"].isna().all() and not [n for n in few.notes if n.n_students]
    result = asked(drawn(40, 3, 4))
    open_, told = result.tables["left_out"], published(result).tables["left_out"]
    trainers = (open_["facet"] == "trainer").to_numpy()
    assert not set(open_.loc[trainers, "member"]) & set(told.loc[trainers, "member"])
    conditional = published(result).tables["conditional"]
    small = result.tables["conditional"]["n_students"].between(1, 4).to_numpy()
    assert small.any() and conditional.loc[small, "sem_absolute"].isna().all()


def test_levels_as_numbers_beside_the_model() -> None:
    ratings = simulate(100, 3, 1, links=0.2, seed=1).ratings
    many_facet = severity(ratings, simulations=0, halo=True)
    result = generalizability(ratings, severity=many_facet, resamples=0)
    table = result.tables["ordinal"].set_index(["coefficient", "approach"])["value"]
    phi = table["dependability"]
    assert phi["numbers"] == pytest.approx(coefficient(result, "dependability"), abs=0.01)
    # The many-facet model made these ratings: what it says must be near what the components say.
    assert phi["model"] == pytest.approx(phi["numbers"], abs=0.04)
    assert phi["respaced"] == pytest.approx(phi["numbers"], abs=0.04)
    assert table["sem_absolute", "model"] == pytest.approx(table["sem_absolute", "numbers"], rel=0.25)
    assert table["wrong_level", "model"] == pytest.approx(table["wrong_level", "numbers"], abs=0.05)
    assert "ordinal_checked" in keys(result) and "ordinal" not in keys(result)
    said(result)
    nothing = generalizability(ratings, severity=Result("severity"), resamples=0)
    assert "ordinal" not in nothing.tables and "ordinal" in keys(nothing)
