"""Students are valid by construction."""

from __future__ import annotations

import pandas as pd
import pytest

from crcne_stats.domain.errors import DataError
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.students import COLUMNS, Students

FRAMEWORK = load_framework("2022-2023")


def test_levels_are_ordered_categories_and_all_columns_are_there() -> None:
    frame = pd.DataFrame({"student": ["b", "a"], "inspe_level": ["expert", "initie"], "pix_level": ["confirme", None]})
    students = Students.from_frame(frame, framework=FRAMEWORK)
    assert list(students.frame.columns) == list(COLUMNS)
    assert list(students.frame["student"]) == ["a", "b"]
    assert students.frame["inspe_level"].max() == "expert"
    assert students.known("pix_level") and not students.known("mention")


def test_every_fault_of_a_student_is_told() -> None:
    frame = pd.DataFrame(
        {
            "student": ["a", "a", None, "d", "e", "f"],
            "mention": ["1", "1", "1", "99", "1", "1"],
            "inspe_level": ["initie", "initie", "initie", "initie", "maitre", None],
            "jury": ["refused", "level", "level", "level", "level", "level"],
        }
    )
    with pytest.raises(DataError) as caught:
        Students.from_frame(frame, framework=FRAMEWORK)
    assert {problem.code for problem in caught.value.problems} == {
        "student_repeated", "empty_identifier", "unknown_mention", "unknown_level", "level_unexplained",
        "level_refused",
    }  # fmt: skip
    assert all("{" not in caught.value.text(language) for language in ("fr", "en"))


def test_a_roster_without_levels_is_no_fault_and_a_waiting_jury_explains_an_empty_level() -> None:
    assert len(Students.from_frame(pd.DataFrame({"student": ["a", "b"]}), framework=FRAMEWORK)) == 2
    frame = pd.DataFrame({"student": ["a", "b"], "inspe_level": ["initie", None], "jury": ["level", "waiting"]})
    assert len(Students.from_frame(frame, framework=FRAMEWORK)) == 2
