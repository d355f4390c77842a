"""The data contract holds for a validator that is not ours, and tells what schema.data.gouv.fr asks."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import frictionless
import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.ratings import write_ratings
from crcne_stats.data.schema import schema
from crcne_stats.data.students import write_students
from crcne_stats.data.validate import validate
from crcne_stats.domain.frameworks import available, load_framework
from crcne_stats.shipped import data_schema

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = data_schema()
TABLES = ("ratings", "students")


@pytest.fixture(autouse=True)
def _trusted() -> Any:
    """The files of this test stand outside the folder in which it runs."""
    with frictionless.system.use_context(trusted=True):
        yield


def contract(table: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / f"{table}.schema.json").read_text(encoding="utf-8"))
    return content


def seen(path: Path, table: str, key: tuple[str, ...] = (), mark: str = ";") -> set[tuple[int | None, str]]:
    """Row and type of each fault that frictionless sees; ``key`` is a primary key of the columns that are there."""
    descriptor = contract(table) | ({"primaryKey": list(key)} if key else {})
    resource = frictionless.resources.TableResource(
        path=str(path),
        schema=frictionless.Schema.from_descriptor(descriptor),
        dialect=frictionless.Dialect.from_descriptor({"csv": {"delimiter": mark}}),
    )
    report = resource.validate()
    return {(row, kind) for row, kind in report.flatten(["rowNumber", "type"])}


@pytest.mark.parametrize("table", TABLES)
def test_the_schemas_are_valid_and_tell_what_the_national_register_asks(table: str) -> None:
    content = contract(table)
    frictionless.Schema.from_descriptor(content)
    for name in ("name", "title", "description", "homepage", "licenses", "resources", "keywords"):
        assert content[name], name
    assert re.fullmatch(r"[a-z0-9-]+", content["name"]) and content["homepage"].startswith("https://")
    assert re.fullmatch(r"\d+\.\d+\.\d+", content["version"])
    created, modified = (datetime.date.fromisoformat(content[name]) for name in ("created", "lastModified"))
    assert created <= modified
    assert all(person["title"] and person["role"] for person in content["contributors"])
    for entry in content["fields"]:
        for name in ("title", "description", "example", "type", "column", "aliases"):
            assert entry[name], (entry["name"], name)
        assert isinstance(entry["constraints"]["required"], bool)
    for resource in content["resources"]:
        assert (ROOT / resource["path"]).is_file()
    assert {name for (key,) in [content["uniqueKeys"]] for name in key} <= {
        entry["name"] for entry in content["fields"]
    }


@pytest.mark.parametrize("table", TABLES)
def test_each_example_of_a_field_keeps_its_own_constraints(tmp_path: Path, table: str) -> None:
    fields = contract(table)["fields"]
    rows = [[entry[part] for entry in fields] for part in ("name", "example")]
    (tmp_path / "example.csv").write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    assert seen(tmp_path / "example.csv", table) == set()
    told = validate(tmp_path / "example.csv", framework="2022-2023")
    assert told.exit_code == 0 or {problem.code for problem in told.problems} == {"level_refused"}


def test_the_readme_names_every_field_in_both_languages() -> None:
    halves = (ROOT / "README.md").read_text(encoding="utf-8").split("# Data contract")
    assert len(halves) == 2
    for table in TABLES:
        for entry in contract(table)["fields"]:
            assert all(f"`{entry['name']}`" in half for half in halves), entry["name"]


def test_the_data_package_and_its_files_are_valid() -> None:
    content = json.loads((ROOT / "datapackage.json").read_text(encoding="utf-8"))
    assert content["homepage"] and content["version"] and content["contributors"] and content["licenses"]
    report = frictionless.Package(str(ROOT / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "rowNumber", "type", "note"])
    assert {task.name for task in report.tasks} == {resource["name"] for resource in content["resources"]}
    assert {task.name for task in report.tasks if task.type == "table"} == {"ratings-long", "ratings-wide", "students"}


def test_the_faulty_example_fails_where_a_table_schema_can_see_the_fault() -> None:
    found = seen(ROOT / "examples" / "ratings-faulty.csv", "ratings", ("session", "etudiant", "formateur", "critere"))
    # The bounds of the scale, the criteria of the framework and the one INSPÉ of a student are out of its sight.
    assert {row for row, _ in found} == {3, 5, 7, 8, 9, 11}
    assert {(3, "constraint-error"), (7, "primary-key"), (9, "constraint-error"), (11, "missing-cell")} <= found


def test_what_the_kit_writes_keeps_the_contract(tmp_path: Path) -> None:
    made = simulate(students=60, inspe=3, seed=4)
    write_ratings(made.ratings, tmp_path / "ratings.csv")
    write_students(made.students, tmp_path / "students.csv")
    for table in TABLES:
        assert seen(tmp_path / f"{table}.csv", table, mark=",") == set()


def test_the_contract_takes_every_level_and_missing_code(tmp_path: Path) -> None:
    texts = {"3", "0", "2,0", "-1", *contract("ratings")["missingValues"]}
    for version in available():
        for scale in load_framework(version).scales.values():
            for level in scale:
                texts |= {level.key, str(level.score), *level.text.values(), *level.short.values()}
    lines = [f"E{row};F1;1.1;{text}" for row, text in enumerate(sorted(texts))]
    path = tmp_path / "levels.csv"
    path.write_text("\n".join(["etudiant;formateur;critere;niveau", *lines]) + "\n", encoding="utf-8")
    assert seen(path, "ratings") == set()
    told = validate(path, framework="2022-2023").problems
    assert {problem.found for problem in told} == {"-1"}


@pytest.mark.parametrize("code", ["NA", "ABS", "-"])
def test_a_pseudonym_may_look_like_a_missing_code(tmp_path: Path, code: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"etudiant;formateur;critere;niveau\n{code};{code};1.1;3\n", encoding="utf-8")
    assert seen(path, "ratings") == set()
    assert validate(path, framework="2022-2023").counts["students"] == 1


def test_a_missing_column_and_an_unknown_word_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("etudiant;critere;niveau;origine\nE1;1.1;9 sur 10;invention\n", encoding="utf-8")
    assert {(None, "missing-label"), (2, "constraint-error")} == seen(path, "ratings")
    path.write_text("etudiant;score_pix;decision_jury\nE1;beaucoup;peut-être\n", encoding="utf-8")
    assert {(2, "type-error"), (2, "constraint-error")} == seen(path, "students")


def test_the_loader_and_the_contract_share_their_words() -> None:
    for table in TABLES:
        content = contract(table)
        assert set(schema(table).headers.values()) == {entry["name"] for entry in content["fields"]}
        assert len({alias for entry in content["fields"] for alias in entry["aliases"]}) == sum(
            len(entry["aliases"]) for entry in content["fields"]
        )
