"""Difficulty and discrimination: psych's numbers through the public door, and data that answer in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crcne_stats.analysis.difficulty import difficulty
from crcne_stats.core import classical, ordinal
from crcne_stats.domain.columns import column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.words import words

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "classical.json").read_text(encoding="utf-8"))


def long(scores: Any, trainers: int = 1) -> pd.DataFrame:
    """(file × trainer, criterion) to one row per rating; NaN is no rating."""
    x = np.asarray(scores, dtype=float)
    row, criterion = np.nonzero(~np.isnan(x))
    names = np.array([f"c{j:02d}" for j in range(x.shape[1])])
    return pd.DataFrame(
        {
            "student": row // trainers,
            "trainer": row % trainers,
            "criterion": names[criterion],
            "score": x[row, criterion].astype(int),
        }
    )


def asked(scores: Any, trainers: int = 1, levels: Any = range(5)) -> Result:
    return difficulty(Ratings.from_frame(long(scores, trainers), levels=levels))


def simulated(n: int, halo: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ability, hand = rng.normal(size=(n, 1, 1)), rng.normal(size=(n, 2, 1)) * halo
    x = np.round(2 + ability + hand + np.linspace(1, -1, 6) + rng.normal(size=(n, 2, 6)))
    return x.clip(0, 4).reshape(2 * n, 6)


def keys(result: Result) -> set[str]:
    return {note.key for note in result.notes}


def said(result: Result) -> None:
    """Every note, reason and column has its words in both languages."""
    for w in (words("fr"), words("en")):
        for note in result.notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in result.tables.items():
            assert w(f"table.difficulty.{name}")
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title]) - {""})


@pytest.mark.parametrize("name", ["complete", "holes"])
def test_as_psych(name: str) -> None:
    expected = REFERENCE[name]
    result = asked(expected["data"], levels=range(101))
    table = result.tables["difficulty"]
    for mine, theirs in (("mean", "mean"), ("sd", "sd"), ("alpha_if_dropped", "alpha_if_dropped")):
        np.testing.assert_allclose(table[mine], expected[theirs], atol=1e-10)
    assert result.tables["reliability"]["alpha"][0] == pytest.approx(expected["alpha"][0], abs=1e-12)
    if name == "complete":
        np.testing.assert_allclose(table["item_rest"], expected["item_rest"], atol=1e-12)
    assert ("difficulty.holes" in keys(result)) == (name == "holes")


def test_interval_of_alpha_as_pingouin_when_each_student_has_one_sheet() -> None:
    row = asked(REFERENCE["complete"]["data"], levels=range(101)).tables["reliability"].iloc[0]
    interval = pingouin.cronbach_alpha(pd.DataFrame(REFERENCE["complete"]["data"]))[1]
    np.testing.assert_allclose([row["low"], row["high"]], interval, atol=5e-4)  # pingouin rounds to three decimals
    assert row["method"] == "feldt"


def test_two_sheets_per_student_are_not_two_students() -> None:
    x = simulated(150, 0.5)
    row = asked(x, 2).tables["reliability"].iloc[0]
    assert (row["method"], row["n_sheets"], row["n_students"]) == ("clustered", 300, 150)
    naive = pingouin.cronbach_alpha(pd.DataFrame(x))[1]
    assert row["high"] - row["low"] > naive[1] - naive[0]


def test_halo_lifts_the_item_rest_correlation_only_in_the_same_hand() -> None:
    with_halo, without = asked(simulated(400, 0.8), 2), asked(simulated(400, 0.0), 2)
    gap = [
        (r.tables["difficulty"]["item_rest"] - r.tables["difficulty"]["item_rest_other"]).mean()
        for r in (with_halo, without)
    ]
    assert gap[0] > 0.1 > abs(gap[1])
    assert "difficulty.same_hand" in keys(with_halo)
    assert "difficulty.same_hand_unclear" in keys(without)
    said(with_halo)
    said(without)


def test_the_polyserial_correlation_does_not_shrink_with_the_levels() -> None:
    x = simulated(400, 0.6)
    few = x.copy()
    few[:, 1] = few[:, 1] >= 4  # one level in ten or so
    full, cut = (asked(part, 2).tables["difficulty"].iloc[1] for part in (x, few))
    assert cut["item_rest_other"] < full["item_rest_other"] - 0.05
    assert cut["polyserial"] == pytest.approx(full["polyserial"], abs=0.06)
    assert full["polyserial_low"] < full["polyserial"] < full["polyserial_high"]
    assert full["polyserial"] > full["item_rest_other"]


def test_the_polyserial_correlation_of_three_trainers_is_that_of_their_pairs() -> None:
    rng = np.random.default_rng(5)
    ability = rng.normal(size=(60, 1, 1))
    x = np.clip(np.round(2 + ability + rng.normal(size=(60, 3, 4))), 0, 4)
    row = asked(x.reshape(180, 4), 3).tables["difficulty"].iloc[0]
    flat = x.reshape(180, 4)
    rest = classical.rest(flat)[:, 0].reshape(60, 3)
    first, second = np.array([(a, b) for a in range(3) for b in range(3) if a != b]).T
    level, other = x[:, first, 0].astype(np.int64).ravel(), rest[:, second].ravel()
    found = ordinal.polyserial(level, other, np.repeat(np.arange(60), 6))
    assert (row["polyserial"], row["polyserial_low"]) == pytest.approx((found.value, found.low), abs=1e-9)


def test_omega_beside_alpha() -> None:
    x = simulated(300, 0.0)
    row = asked(x, 2).tables["reliability"].iloc[0]
    assert row["omega"] == pytest.approx(row["alpha"], abs=0.02)
    assert row["omega_low"] < row["omega"] < row["omega_high"]
    pair = asked(x[:, :2], 2).tables["reliability"].iloc[0]
    assert pair["alpha"] > 0 and np.isnan(pair["omega"]) and pair["reason"] == "no_omega_two"


def test_rasch_numbers_stand_beside() -> None:
    ratings = Ratings.from_frame(long(simulated(100, 0.0), 2), levels=range(5))
    criteria = pd.DataFrame(
        {
            "criterion": [f"c{j:02d}" for j in (5, 4, 3, 2, 1)],
            "difficulty": [0.5, 0.3, 0.1, -0.3, -0.6],
            "robust_se": 0.1,
            "low": -1.0,
            "high": 1.0,
            "infit": 1.1,
            "outfit": 0.9,
        }
    )
    result = difficulty(ratings, severity=Result("severity", {"criteria": criteria}))
    table = result.tables["difficulty"].set_index("criterion")
    assert table["difficulty"].tolist()[1:] == [-0.6, -0.3, 0.1, 0.3, 0.5]
    assert table.loc["c05", ["difficulty_se", "infit", "outfit"]].tolist() == [0.1, 1.1, 0.9]
    assert table["reason"].tolist() == ["no_rasch_measure", "", "", "", "", ""]
    said(result)
    without = difficulty(ratings, severity=Result("severity", settings={"reason": "one_trainer"}))
    assert "difficulty" not in without.tables["difficulty"]


def test_weak_and_crowded_criteria_are_named() -> None:
    x = simulated(400, 0.0)
    rng = np.random.default_rng(1)
    x[:, 2] = rng.integers(0, 5, len(x))
    x[:, 4] = np.where(rng.random(len(x)) < 0.7, 0, x[:, 4])
    x[:, 5] = np.where(rng.random(len(x)) < 0.6, 4, 3)
    result = asked(x, 2)
    notes = {note.key: note.values for note in result.notes}
    assert "c02" in notes["difficulty.weak"]["criteria"]
    assert notes["difficulty.floor"]["first"] == "c04"
    assert notes["difficulty.ceiling"]["first"] == "c05"
    assert notes["difficulty.unused_levels"]["n"] == 1
    assert notes["difficulty.extremes"]["hard"] == "c04"
    said(result)


def test_the_ends_of_a_short_scale_are_judged_by_its_length() -> None:
    x = np.tile([[0, 0], [0, 0], [0, 1], [0, 1], [1, 2]], (8, 1))
    frame = long(x, 2)
    result = difficulty(Ratings.from_frame(frame, levels={"c00": range(2), "c01": range(5)}))
    assert result.tables["difficulty"]["floor"].tolist() == [0.8, 0.4]
    assert "difficulty.floor" not in keys(result)
    x[:, 0] = np.where(np.arange(40) < 1, 1, 0)
    result = difficulty(Ratings.from_frame(long(x, 2), levels={"c00": range(2), "c01": range(5)}))
    assert next(note.values["first"] for note in result.notes if note.key == "difficulty.floor") == "c00"


def test_levels_by_hand_with_the_unused_ones() -> None:
    table = asked([[0, 2], [0, 2], [1, 2]], levels=range(3)).tables["levels"]
    assert table["n_ratings"].tolist() == [2, 1, 0, 0, 0, 3]
    np.testing.assert_allclose(table["share"], [2 / 3, 1 / 3, 0, 0, 0, 1])


def test_scales_of_different_lengths_are_compared_by_position() -> None:
    frame = long([[0, 4], [1, 0], [1, 4], [0, 4]])
    result = difficulty(Ratings.from_frame(frame, levels={"c00": range(2), "c01": range(5)}))
    np.testing.assert_allclose(result.tables["difficulty"]["position"], [0.5, 0.25])
    assert result.tables["levels"].groupby("criterion").size().tolist() == [2, 5]
    assert "difficulty.mixed_scales" in keys(result)
    said(result)


REASONS = [
    ("one_criterion", [[1], [2], [3], [4]], 2),
    ("single_student", [[1, 2], [2, 3]], 2),
    ("constant_scores", [[2, 2], [2, 2], [2, 2], [2, 2]], 2),
    ("one_trainer_per_file", [[1, 2], [2, 3], [3, 3]], 1),
    ("no_common_rows", [[1, np.nan], [np.nan, 2], [2, np.nan], [np.nan, 1]], 1),
    ("no_alpha", [[1, 2], [1, 3], [2, 3], [3, 3], [0, 1], [0, 2]], 2),
    ("few_students", [[1, 2, 2], [1, 3, 2], [2, 3, 4], [3, 3, 3], [0, 1, 1], [0, 2, 0]], 2),
]


@pytest.mark.parametrize(("reason", "scores", "trainers"), REASONS)
def test_what_cannot_be_had_has_a_reason(reason: str, scores: list[list[float]], trainers: int) -> None:
    result = asked(scores, trainers)
    table = result.tables["difficulty"]
    assert table["reason"].tolist() == [reason] * len(table)
    for table in result.tables.values():
        numbers = table.select_dtypes("number")
        assert (table.loc[numbers.isna().any(axis=1), "reason"] != "").all()
    said(result)


def test_a_criterion_that_nobody_rated_keeps_its_row() -> None:
    framework = Framework.plain("data", ["c00", "c01", "c02"], range(5))
    result = difficulty(Ratings.from_frame(long([[1, 2], [2, 3], [3, 1]]), framework=framework))
    assert result.tables["difficulty"].set_index("criterion").loc["c02", "reason"] == "no_ratings"
    assert (result.tables["levels"].query("criterion == 'c02'")["reason"] == "no_ratings").all()
    said(result)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
@example(149)  # a unique variance near its floor, where the likelihood is all but flat
def test_order_and_names_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, (20, 3)).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[0] = 1
    frame = long(x, 2)
    names = rng.permutation(10)
    other = frame.assign(student=names[frame["student"]], trainer=1 - frame["trainer"])
    other = other.iloc[rng.permutation(len(other))]
    one, two = (difficulty(Ratings.from_frame(f, levels=range(5))) for f in (frame, other))
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name], atol=1e-6, rtol=1e-6)
