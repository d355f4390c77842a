"""What rests on few students is hidden, the same in every output."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.domain.result import Note, Result
from crcne_stats.view.disclosure import Published, hidden, published
from crcne_stats.view.suppression import to_hide, units

FEW = simulate(40, 2, 1, seed=4)
OPTIONS = {
    **{name: {"resamples": 50} for name in ("agreement", "generalizability", "concordance", "priorities")},
    "severity": {"simulations": 5},
}
STUDY = study(FEW.ratings, FEW.students, options=OPTIONS)


def test_a_row_on_few_students_keeps_its_subject_and_loses_its_numbers() -> None:
    table = pd.DataFrame({"criterion": ["1.1", "1.2"], "value": [0.4, 0.5], "n_students": [4, 5], "reason": ["", ""]})
    shown = hidden(table, 5)
    assert shown["criterion"].tolist() == ["1.1", "1.2"]
    assert np.isnan(shown["value"].iloc[0]) and np.isnan(shown["n_students"].iloc[0])
    assert shown["reason"].tolist() == ["hidden", ""] and shown["value"].iloc[1] == 0.5


def test_a_row_on_nobody_is_no_secret_and_a_reason_beside_a_value_stays() -> None:
    table = pd.DataFrame({"value": [0.0, 0.4], "n_students": [0, 30], "reason": ["no_ratings", "unanimous"]})
    pd.testing.assert_frame_equal(hidden(table, 5), table)


def test_files_rated_twice_count_as_well() -> None:
    table = pd.DataFrame({"value": [0.4], "n_students": [60], "n_double": [3]})
    assert hidden(table, 5)["reason"].tolist() == ["hidden"]


def cross(counts: list[int]) -> pd.DataFrame:
    cells = [(row, column) for row in "abc" for column in "xyz"]
    return pd.DataFrame(
        {"inspe_level": [r for r, _ in cells], "pix_level": [c for _, c in cells], "n_students": counts, "reason": ""}
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=9, max_size=9))
def test_no_line_of_a_cross_table_gives_its_hidden_cell_away(counts: list[int]) -> None:
    table = cross(counts)
    shown = hidden(table, 5)
    secret = (shown["reason"] == "hidden").to_numpy()
    small = (np.array(counts) > 0) & (np.array(counts) < 5)
    assert secret[small].all()
    found = units(Result("", {"": table}), 5)
    known = {key for key, unit in found.keys.items() if not to_hide(found)[unit]}
    for side in ("inspe_level", "pix_level"):
        for line in table[side].unique():
            members = (table[side] == line).to_numpy()
            if secret[members].sum() == 1 and small[members].any() and frozenset({(side, line)}) in known:
                # Nobody else stands in this line: its total is the small number itself.
                assert np.array(counts)[members & ~secret].sum() == 0


def test_hiding_twice_changes_nothing() -> None:
    once, twice = published(STUDY), published(published(STUDY))
    for name, result in once.results.items():
        for table, frame in result.tables.items():
            pd.testing.assert_frame_equal(frame, twice.results[name].tables[table])


def test_a_higher_threshold_hides_more_of_what_is_published_already() -> None:
    once = published(STUDY, 5)
    assert published(once, 3).results["describe"] is once.results["describe"]
    for name, result in published(once, 11).results.items():
        assert isinstance(result, Published) and result.threshold == 11
        for table, frame in result.tables.items():
            if {"reason", "n_students"} <= set(frame.columns):
                counts = frame["n_students"].to_numpy(dtype=float)
                assert not ((counts > 0) & (counts < 11)).any()
                if "reason" in once.results[name].tables[table].columns:
                    before = once.results[name].tables[table]["reason"] == "hidden"
                    assert (frame["reason"][before] == "hidden").all()


def test_a_note_goes_with_the_number_it_tells() -> None:
    table = pd.DataFrame({"direction": ["above", "equal", "below"], "n_students": [2, 40, 50], "reason": ""})
    note = Note("concordance.direction", {"n": 92, "above": 0.02, "equal": 0.4, "below": 0.5}, "finding", 14, 92)
    assert published(Result("concordance", {"direction": table}, [note])).notes == []
    assert published(Result("concordance", {"direction": table.assign(n_students=20)}, [note])).notes == [note]


def test_students_notes_and_models_are_not_published() -> None:
    table = pd.DataFrame({"student": ["E1"], "value": [1.0]})
    notes = [
        Note("describe.one_trainer", n_students=3),
        Note("describe.no_inspe"),
        Note("describe.one_inspe", n_students=9),
    ]
    shown = published(Result("describe", {"a": table}, notes, model=object()))
    assert shown.tables == {} and shown.model is None
    assert [note.key for note in shown.notes] == ["describe.no_inspe", "describe.one_inspe"]


@pytest.mark.parametrize("threshold", [1, 5, 11])
def test_the_threshold_alone_decides(threshold: int) -> None:
    for result in published(STUDY, threshold).results.values():
        for table in result.tables.values():
            if "n_students" in table.columns:
                counts = table["n_students"].to_numpy(dtype=float)
                assert not ((counts > 0) & (counts < threshold)).any()
