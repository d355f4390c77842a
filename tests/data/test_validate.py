"""The answer of the check: its keys are a contract, its counts exact, its words there in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.students import load_students, write_students
from crcne_stats.data.validate import validate
from crcne_stats.domain.errors import LISTED

KEYS = ["kind", "ratings", "students", "trainers", "criteria", "missing", "problem_count", "problems"]
PROBLEM_KEYS = ["code", "file", "sheet", "row", "column", "found", "expected", "remedy"]

RATINGS = "etudiant;formateur;critere;niveau\nE1;F1;1.1;3\nE1;F1;1.2;NE\nE2;F1;1.1;0\nE2;F2;1.1;1\n"
WIDE = "etudiant;formateur;1.1;1.2\nE1;F1;3;NE\nE2;F1;0;\n"
STUDENTS = "etudiant;inspe;niveau_inspe;niveau_pix_edu\nE1;Lille;Confirmé;Initié\nE2;Lille;Initié;\n"
PIX = (
    "\ufeff\"Numéro de certification\";\"Prénom\";\"Nom\";\"Date de naissance\";\"Lieu de naissance\";"
    "\"Identifiant Externe\";\"Type de certification\";\"Statut\";\"Niveau\"\n"
    "1;\"A\";\"B\";\"01/01/2000\";\"C\";\"E1\";\"Pix+ Édu 1er degré\";\"Validée\";\"Admissible\""
)  # fmt: skip
OTHER = "ville;population\nLille;236000\n"


def saved(folder: Path, **contents: str) -> list[Path]:
    for name, text in contents.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return [folder / f"{name}.csv" for name in contents]


def told(source: Any, **options: Any) -> dict[str, Any]:
    answer = validate(source, **options)
    both = {language: answer.as_json(language) for language in ("fr", "en")}
    for content in both.values():
        assert list(content) == KEYS
        assert json.loads(json.dumps(content)) == content
        for problem in content["problems"]:
            assert list(problem) == PROBLEM_KEYS
            assert problem["expected"] and problem["remedy"]
    assert answer.exit_code == (1 if both["fr"]["problem_count"] else 0)
    for french, english in zip(both["fr"]["problems"], both["en"]["problems"], strict=True):
        assert french["expected"] != english["expected"] or french["remedy"] != english["remedy"]
    return both["fr"]


@pytest.mark.parametrize(
    "text, kind, counts",
    [
        (RATINGS, "ratings", (3, 2, 2, 1, 1)),
        (WIDE, "ratings", (2, 2, 1, 1, 2)),
        (STUDENTS, "students", (0, 2, 0, 0, 0)),
        (PIX, "pix", (0, 1, 0, 0, 0)),
    ],
    ids=["long", "wide", "students", "pix"],
)
def test_a_good_file_is_counted(tmp_path: Path, text: str, kind: str, counts: tuple[int, ...]) -> None:
    content = told(saved(tmp_path, donnees=text)[0])
    assert content["kind"] == kind
    assert tuple(content[name] for name in ("ratings", "students", "trainers", "criteria", "missing")) == counts
    assert content["problem_count"] == 0 and content["problems"] == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_files_of_the_kit_are_known(tmp_path: Path, suffix: str) -> None:
    ratings, students = saved(tmp_path, notes=RATINGS, etudiants=STUDENTS)
    assert told(write_ratings(load_ratings(ratings), tmp_path / f"r{suffix}"))["kind"] == "ratings"
    assert told(write_students(load_students(students), tmp_path / f"s{suffix}"))["kind"] == "students"


def test_files_of_several_kinds_are_mixed(tmp_path: Path) -> None:
    content = told(saved(tmp_path, notes=RATINGS, etudiants=STUDENTS, pix=PIX))
    assert (content["kind"], content["problem_count"], content["ratings"]) == ("mixed", 0, 3)


def test_a_table_of_something_else_is_unknown(tmp_path: Path) -> None:
    content = told(saved(tmp_path, villes=OTHER)[0])
    assert content["kind"] == "unknown"
    assert [(problem["code"], problem["file"]) for problem in content["problems"]] == [("file_unknown", "villes.csv")]


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "avis.csv").write_bytes(b"%PDF-1.7")
    (tmp_path / "vide").mkdir()
    for source, code in (("avis.csv", "file_no_table"), ("absent.csv", "file_absent"), ("vide", "folder_empty")):
        content = told(tmp_path / source)
        assert (content["kind"], [problem["code"] for problem in content["problems"]]) == ("unknown", [code])


def test_an_absent_framework_is_a_problem(tmp_path: Path) -> None:
    content = told(saved(tmp_path, notes=RATINGS)[0], framework="1999")
    assert [problem["code"] for problem in content["problems"]] == ["framework_absent"]


def test_a_fault_has_its_place_and_nothing_is_counted(tmp_path: Path) -> None:
    content = told(saved(tmp_path, notes=RATINGS + "E3;F1;1.1;bien\n")[0])
    (problem,) = content["problems"]
    assert (content["kind"], content["problem_count"], content["ratings"]) == ("ratings", 1, 0)
    assert [problem[name] for name in PROBLEM_KEYS[:6]] == ["unknown_level", "notes.csv", "", 6, "niveau", "bien"]


def test_a_good_file_is_counted_beside_a_faulty_one(tmp_path: Path) -> None:
    content = told(saved(tmp_path, notes=RATINGS + "E3;F1;1.1;bien\n", etudiants=STUDENTS))
    assert (content["kind"], content["students"], content["problem_count"]) == ("mixed", 2, 1)


@pytest.mark.parametrize(
    "level, code", [("bien", "unknown_level"), ("9", "off_scale_score"), ("1,5", "fractional_score")]
)
def test_the_listing_is_bounded_and_the_count_exact(tmp_path: Path, level: str, code: str) -> None:
    n = LISTED + 37
    lines = "".join(f"X{number};F1;1.1;{level}\n" for number in range(n))
    content = told(saved(tmp_path, notes=RATINGS + lines)[0])
    assert (content["problem_count"], len(content["problems"])) == (n, LISTED)
    assert {problem["code"] for problem in content["problems"]} == {code}


def test_the_count_adds_up_over_files(tmp_path: Path) -> None:
    lines = "".join(f"X{number};F1;1.1;bien\n" for number in range(150))
    content = told(saved(tmp_path, a=RATINGS + lines, b=RATINGS.replace("\nE", "\nD") + lines.replace("X", "Y")))
    assert (content["problem_count"], len(content["problems"])) == (300, LISTED)


def test_further_missing_codes(tmp_path: Path) -> None:
    path = saved(tmp_path, notes=RATINGS + "E3;F1;1.1;99\n")[0]
    assert told(path, missing=["99"])["missing"] == 2
    assert told(path)["problem_count"] == 1


def test_a_workbook_is_told_with_its_sheet(tmp_path: Path) -> None:
    rows = pd.DataFrame({"etudiant": ["E1"], "formateur": ["F1"], "critere": ["1.1"], "niveau": [7]})
    with pd.ExcelWriter(tmp_path / "notes.xlsx") as book:
        rows.assign(niveau=2).to_excel(book, sheet_name="Lundi", index=False)
        rows.assign(etudiant="E2").to_excel(book, sheet_name="Mardi", index=False)
    (problem,) = told(tmp_path / "notes.xlsx")["problems"]
    assert [problem[name] for name in PROBLEM_KEYS[:6]] == [
        "off_scale_score", "notes.xlsx", "Mardi", 2, "niveau", "7",
    ]  # fmt: skip


def test_results_of_pix_are_joined_with_the_students_beside_them(tmp_path: Path) -> None:
    other = PIX + '\n2;"A";"D";"01/01/2000";"C";"E9";"Pix+ Édu 1er degré";"Non obtenue";"Non admissible"'
    paths = saved(tmp_path, etudiants=STUDENTS, pix=other)
    notes = {note.key: dict(note.values) for note in validate(paths, framework="2022-2023").notes}
    assert notes["students.pix_matched"] == {"n": 1, "total": 2} and notes["students.pix_unmatched"] == {"n": 1}
    shared = other + '\n3;"A";"Z";"01/01/2000";"C";"E9";"Pix+ Édu 1er degré";"Validée";"Admissible"'
    notes = {note.key: dict(note.values) for note in validate(saved(tmp_path, pix=shared)).notes}
    assert notes == {"students.pix_ambiguous": {"n": 1}}
