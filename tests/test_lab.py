"""The form of the notebook that loads files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.data.ratings import load_ratings
from crcne_stats.domain.errors import LISTED, Problem, Problems
from crcne_stats.lab import Intake
from crcne_stats.view.faults import fault_table
from crcne_stats.words import languages, words

EXAMPLES = Path(__file__).parent.parent / "data_schema/examples"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def sent(*paths: Path) -> tuple[dict[str, object], ...]:
    """What a browser sends."""
    return tuple(
        {"name": path.name, "type": "", "size": 1, "content": memoryview(path.read_bytes()),
         "last_modified": pd.Timestamp("2023-01-01", tz="UTC").to_pydatetime()}
        for path in paths
    )  # fmt: skip


@pytest.mark.parametrize("lang", languages())
def test_a_good_file_is_understood_and_saved(folder: Path, lang: str) -> None:
    form = Intake(lang=lang)
    assert words(lang)("lab.nothing") in form.shown.value
    assert form._saving.layout.display == "none"
    form.upload.value = sent(EXAMPLES / "ratings-long.csv")
    assert form.ratings is not None and len(form.ratings) == 95
    assert "ratings-long.csv" in form.shown.value and words(lang)("lab.accepted") in form.shown.value
    assert form._saving.layout.display == ""
    form.save.click()
    assert load_ratings(folder / "ratings.parquet").frame.equals(form.ratings.frame)
    assert "95" in form.done.value


def test_the_form_keeps_nothing_of_the_file_sent() -> None:
    form = Intake()
    form.upload.value = sent(EXAMPLES / "ratings-long.csv")
    assert form.upload.value == ()
    assert b"content" not in repr(form.upload.get_state()).encode()


@pytest.mark.parametrize("lang", languages())
def test_faults_are_a_table_and_nothing_is_saved(folder: Path, lang: str) -> None:
    form = Intake(EXAMPLES / "ratings-faulty.csv", lang=lang)
    assert form.ratings is None
    assert "<table" in form.shown.value and words(lang)("lab.refused") in form.shown.value
    assert form._saving.layout.display == "none"
    form.save.click()
    assert list(folder.iterdir()) == []


def test_a_path_typed_by_hand_and_several(folder: Path) -> None:
    form = Intake()
    form.path.value = f'"{EXAMPLES / "ratings-wide.csv"}" ; '
    form.read.click()
    assert form.ratings is not None
    form.path.value = "absent.csv"
    form.read.click()
    assert form.ratings is None and "absent.csv" in form.shown.value
    form.path.value = " "
    form.read.click()
    assert "absent.csv" in form.shown.value


def test_a_chosen_framework_is_used(folder: Path) -> None:
    assert Intake(EXAMPLES / "ratings-long.csv", framework="2022-2023").ratings is not None
    assert Intake(EXAMPLES / "ratings-long.csv", framework="absent.toml").ratings is None


def test_students_are_checked_and_not_saved_as_ratings() -> None:
    form = Intake(EXAMPLES / "students.csv", lang="en")
    assert form.ratings is None
    assert words("en")("lab.no_ratings") in form.shown.value


def test_a_file_that_stands_is_not_replaced_and_a_wrong_name_is_told(folder: Path) -> None:
    form = Intake(EXAMPLES / "ratings-long.csv", lang="en")
    (folder / "ratings.parquet").write_text("mine")
    form.save.click()
    assert (folder / "ratings.parquet").read_text() == "mine" and "ratings.parquet" in form.done.value
    form.target.value = "ratings.csv"
    form.save.click()
    assert ".parquet" in form.done.value
    form.target.value = "ratings.parquet/x.parquet"
    form.save.click()
    assert words("en")("lab.unwritable", file="ratings.parquet/x.parquet") in form.done.value


def test_what_a_file_says_is_shown_as_text(folder: Path) -> None:
    path = folder / "r.csv"
    path.write_text("etudiant;formateur;critere;niveau\nE1;F1;1.1;<script>alert(1)</script>\n", encoding="utf-8")
    form = Intake(path)
    assert "<script" not in form.shown.value and "&lt;script" in form.shown.value


def test_the_table_of_faults_counts_those_past_the_listing() -> None:
    problems = Problems()
    for row in range(LISTED + 7):
        problems.add(Problem("csv_quote", row=row + 2, file="r.csv", found='"'))
    table = fault_table(problems, "en")
    assert len(table.frame) == LISTED and table.rows_left == 7
    assert list(table.frame.columns) == ["File", "Row", "Fault", "Expected", "What to do"]
