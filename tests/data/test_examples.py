"""The examples beside the data contract do what is said of them."""

from __future__ import annotations

import csv
import json

import pytest

from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.data.validate import validate
from crcne_stats.shipped import data_schema

EXAMPLES = data_schema() / "examples"


def test_the_ratings_load_in_both_shapes_and_agree() -> None:
    long, wide = (load_ratings(EXAMPLES / f"ratings-{shape}.csv", framework="2022-2023") for shape in ("long", "wide"))
    assert long.simulated and wide.simulated
    assert wide.frame["criterion"].nunique() == 19
    key = ["student", "trainer", "criterion"]
    common = long.frame.astype(dict.fromkeys(key, str)).merge(wide.frame.astype(dict.fromkeys(key, str)), on=key)
    assert len(common) == len(long)
    assert (common["score_x"] == common["score_y"]).all()


def test_the_students_load_and_are_those_of_the_ratings() -> None:
    students = load_students(EXAMPLES / "students.csv", framework="2022-2023")
    ratings = load_ratings(EXAMPLES / "ratings-wide.csv", framework="2022-2023")
    assert students.simulated
    assert set(students.frame["student"]) == set(ratings.frame["student"])
    assert set(students.frame["jury"]) == {"level", "refused", "waiting"}


def test_the_faulty_example_is_refused_with_every_fault() -> None:
    answer = validate(EXAMPLES / "ratings-faulty.csv", framework="2022-2023")
    assert (answer.kind, answer.exit_code) == ("ratings", 1)
    assert sorted((problem.row or 0, problem.code) for problem in answer.problems) == [
        (3, "unknown_level"),
        (4, "off_scale_score"),
        (5, "fractional_score"),
        (6, "unknown_criterion"),
        (7, "duplicate_equal"),
        (8, "duplicate_contradictory"),
        (9, "empty_identifier"),
        (10, "two_inspes"),
        (11, "csv_ragged"),
    ]


@pytest.mark.parametrize("name", ["ratings-long", "ratings-wide", "students"])
def test_the_good_examples_pass_the_check(name: str) -> None:
    answer = validate(EXAMPLES / f"{name}.csv")
    assert (answer.kind, answer.exit_code) == (name.split("-")[0], 0)


def test_the_data_package_lists_what_is_there() -> None:
    package = json.loads((data_schema() / "datapackage.json").read_text(encoding="utf-8"))
    listed = {resource["path"] for resource in package["resources"]}
    kinds = ("examples/*.csv", "*.schema.json", "frameworks/*")
    there = {path.relative_to(data_schema()).as_posix() for kind in kinds for path in data_schema().glob(kind)}
    assert listed == there
    assert len({resource["name"] for resource in package["resources"]}) == len(listed)
    for resource in package["resources"]:
        if "schema" in resource:
            fields = json.loads((data_schema() / resource["schema"]).read_text(encoding="utf-8"))["fields"]
            with (data_schema() / resource["path"]).open(encoding="utf-8", newline="") as file:
                header = next(csv.reader(file, delimiter=resource["dialect"]["delimiter"]))
            assert set(header) <= {entry["name"] for entry in fields}
