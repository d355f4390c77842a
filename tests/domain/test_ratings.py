"""Ratings are valid by construction, in one canonical order, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.domain.errors import LISTED, DataError
from crcne_stats.domain.ratings import COLUMNS, Ratings


def long_frame(n_students: int = 6, n_trainers: int = 3, n_criteria: int = 2) -> pd.DataFrame:
    rows = [
        {"person": f"S{s}", "rater": f"T{t}", "item": f"c{c}", "score": (s + t + c) % 4}
        for s in range(n_students)
        for t in range(n_trainers)
        for c in range(n_criteria)
    ]
    return pd.DataFrame(rows)


def load(frame: pd.DataFrame, **options: object) -> Ratings:
    names = {"student": "person", "trainer": "rater", "criterion": "item"}
    return Ratings.from_frame(frame, **names, **{"levels": range(5), **options})  # type: ignore[arg-type]


def codes_of(error: DataError) -> list[str]:
    return [problem.code for problem in error.problems]


def test_every_column_is_there_and_unknown_ones_are_missing_throughout() -> None:
    ratings = load(long_frame())
    assert list(ratings.frame.columns) == list(COLUMNS)
    assert ratings.known("student") and not ratings.known("inspe")
    assert ratings.frame["score"].dtype == np.int16


def test_the_number_of_levels_comes_from_the_scale_not_from_the_data() -> None:
    assert load(long_frame()).framework.level_scores("c0") == (0, 1, 2, 3, 4)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_changes_nothing(random) -> None:  # type: ignore[no-untyped-def]
    frame = long_frame()
    order = list(range(len(frame)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(load(frame).frame, load(frame.iloc[order]).frame)


def test_a_row_without_score_is_an_absent_rating() -> None:
    frame = long_frame()
    frame.loc[3, "score"] = np.nan
    assert len(load(frame)) == len(frame) - 1


def test_level_names_become_scores() -> None:
    frame = long_frame()
    frame["score"] = frame["score"].map({0: "A", 1: "B", 2: "C", 3: "D"})
    ratings = load(frame, levels=["A", "B", "C", "D", "E"])
    pd.testing.assert_series_equal(ratings.frame["score"], load(long_frame()).frame["score"])


def test_an_unknown_level_name_is_refused_with_its_row() -> None:
    frame = long_frame()
    frame["score"] = frame["score"].map({0: "A", 1: "B", 2: "C", 3: "D"})
    frame.loc[4, "score"] = "Z"
    with pytest.raises(DataError) as caught:
        load(frame, levels=["A", "B", "C", "D"])
    (problem,) = caught.value.problems
    assert (problem.code, problem.row, problem.found) == ("unknown_level", 5, "Z")


def test_whole_number_identifiers_lose_no_digit_and_gain_no_decimal() -> None:
    frame = long_frame()
    frame["person"] = [float(name[1:]) for name in frame["person"]]
    assert set(load(frame).frame["student"].cat.categories) == {"0", "1", "2", "3", "4", "5"}


def test_all_faults_are_told_at_once() -> None:
    frame = long_frame()
    frame["inspe"] = "Amiens"
    frame.loc[0, "score"] = 9
    frame["score"] = frame["score"].astype(float)
    frame.loc[1, "score"] = 1.5
    frame.loc[2, "person"] = None
    frame.loc[7, "inspe"] = "Lille"
    frame = pd.concat([frame, frame.iloc[[10]], frame.iloc[[11]].assign(score=4)], ignore_index=True)
    with pytest.raises(DataError) as caught:
        load(frame)
    assert set(codes_of(caught.value)) == {
        "off_scale_score", "fractional_score", "empty_identifier", "two_inspes",
        "duplicate_equal", "duplicate_contradictory",
    }  # fmt: skip
    rows = {problem.code: problem.row for problem in caught.value.problems}
    assert rows["off_scale_score"] == 1 and rows["fractional_score"] == 2 and rows["empty_identifier"] == 3
    assert rows["duplicate_equal"] == len(frame) - 1 and rows["duplicate_contradictory"] == len(frame)
    for language in ("fr", "en"):
        text = caught.value.text(language)
        assert all(len(line) > 20 for line in text.splitlines()) and "{" not in text


def test_an_occasion_makes_a_second_rating_legitimate() -> None:
    frame = pd.concat([long_frame().assign(occasion=1), long_frame().assign(occasion=2)])
    assert len(load(frame)) == 2 * len(long_frame())


def test_the_listing_is_capped_and_the_count_is_exact() -> None:
    frame = long_frame(200, 3, 2).assign(score=99)
    with pytest.raises(DataError) as caught:
        load(frame)
    assert caught.value.problems.count == len(frame) == 1200
    assert len(caught.value.problems.items) == LISTED
    assert str(1000) in caught.value.text("en").replace(",", "").splitlines()[-1]


def test_a_missing_column_and_a_missing_scale_are_told() -> None:
    with pytest.raises(DataError) as caught:
        load(long_frame().drop(columns=["rater", "score"]))
    assert [problem.column for problem in caught.value.problems] == ["rater", "score"]
    with pytest.raises(DataError) as caught:
        load(long_frame(), levels=None)
    assert codes_of(caught.value) == ["levels_not_given"]


def test_the_trainers_inspe_is_where_most_of_their_files_are() -> None:
    frame = long_frame()
    frame["inspe"] = np.where(frame["person"] < "S4", "Amiens", "Lille")
    ratings = load(frame)
    assert set(ratings.frame["trainer_inspe"]) == {"Amiens"}
    assert [note.key for note in ratings.notes] == ["ratings.trainer_inspe_inferred"]


def test_units_are_files_and_where_keeps_them_valid() -> None:
    ratings = load(long_frame().assign(session="2023"))
    assert len(np.unique(ratings.units())) == 6
    half = ratings.where(ratings.frame["student"].isin(["S0", "S1"]))
    assert list(half.frame["student"].cat.categories) == ["S0", "S1"] and half.framework is ratings.framework


def test_a_single_criterion_needs_no_column() -> None:
    frame = long_frame(n_criteria=1).drop(columns="item")
    ratings = Ratings.from_frame(frame, student="person", trainer="rater", criterion=None, levels=range(5))
    assert ratings.criteria == ["1"]
