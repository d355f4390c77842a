"""The command line of intake: grids, the check with its marked copy and its JSON, what is strict."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from crcne_stats.cli import main
from crcne_stats.words import languages, words

Capture = pytest.CaptureFixture[str]
GOOD = "etudiant;formateur;critere;niveau\nE1;F1;1.1;2\nE2;F1;1.1;3\n"
FAULTY = GOOD + "E3;F1;1.1;7\n"


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CRCNE_LANG", raising=False)
    monkeypatch.chdir(tmp_path)


def said(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = (text.replace("\u00a0", " ").replace("\u202f", " ") for text in capsys.readouterr())
    assert "Traceback" not in err
    return code, out, err


# Grids


def test_a_grid_is_made_filled_and_read(capsys: Capture) -> None:
    Path("etudiants.csv").write_text("etudiant;inspe;session\nE1;Lille;2025\nE2;Lille;2025\n", encoding="utf-8")
    arguments = ("template", "--framework", "2022-2023", "--students", "etudiants.csv")
    code, out, err = said(capsys, *arguments, "--trainer", "F1", "--trainer", "F2", "--out", "g.xlsx")
    assert (code, err) == (0, "") and "g.xlsx" in out and "2 étudiants, 19 critères" in out
    book = openpyxl.load_workbook("g.xlsx")
    for name in ("F1", "F2"):
        sheet = book[name]
        for row in sheet.iter_rows():
            for cell in row:
                if cell.row > 5 and cell.column > 4 and sheet.cell(5, cell.column).value:
                    cell.value = "Confirmé"
    book.save("rempli.xlsx")
    code, out, err = said(capsys, "validate", "rempli.xlsx", "--json")
    found = json.loads(out)
    assert (code, err, found["problem_count"]) == (0, "", 0)
    assert (found["ratings"], found["students"], found["trainers"]) == (76, 2, 2)
    assert said(capsys, *arguments, "--out", "g.xlsx")[0] == 2  # trainers may have filled it
    assert said(capsys, *arguments, "--out", "g.csv")[0] == 2


# The check


@pytest.mark.parametrize("lang", languages())
def test_the_marked_copy_stands_beside_the_list(capsys: Capture, lang: str) -> None:
    Path("notes.csv").write_text(FAULTY, encoding="utf-8")
    code, out, err = said(capsys, "validate", "notes.csv", "--report", "fautes.xlsx", "--lang", lang)
    assert (code, err) == (1, "") and "fautes.xlsx" in out and "notes.csv" in out
    listing, copy = openpyxl.load_workbook("fautes.xlsx").worksheets
    assert copy["D4"].value == "7" and copy["D4"].comment.text and copy["D3"].comment is None
    assert Path("notes.csv").read_text(encoding="utf-8") == FAULTY
    assert listing.title == words(lang)("marked.sheet")


def test_nothing_to_mark_is_said_and_nothing_is_written(capsys: Capture) -> None:
    Path("notes.csv").write_text(GOOD, encoding="utf-8")
    code, out, _ = said(capsys, "validate", "notes.csv", "--report", "fautes.xlsx")
    assert code == 0 and "aucune copie annotée" in out and not Path("fautes.xlsx").exists()


@pytest.mark.parametrize("text", [GOOD, FAULTY])
@pytest.mark.parametrize("report", ["notes.xlsx", "fautes.csv"])
def test_a_report_that_cannot_be_is_wrong_use(capsys: Capture, text: str, report: str) -> None:
    Path("notes.xlsx").write_text(text, encoding="utf-8")  # what a file is, its content says
    code, out, err = said(capsys, "validate", "notes.xlsx", "--report", report)
    assert (code, out) == (2, "") and report in err
    assert Path("notes.xlsx").read_text(encoding="utf-8") == text


def test_a_report_that_cannot_be_written_still_tells_the_faults(capsys: Capture) -> None:
    Path("notes.csv").write_text(FAULTY, encoding="utf-8")
    code, out, err = said(capsys, "validate", "notes.csv", "--report", "notes.csv/fautes.xlsx")
    assert code == 2 and "ligne 4" in out and "fautes.xlsx" in err


@pytest.mark.parametrize("more", [(), ("--report", "fautes.xlsx")])
def test_json_is_all_that_stands_on_standard_output(capsys: Capture, more: tuple[str, ...]) -> None:
    Path("notes.csv").write_text(FAULTY, encoding="utf-8")
    code, out, err = said(capsys, "validate", "notes.csv", "--json", *more)
    assert (code, err) == (1, "")
    (problem,) = json.loads(out)["problems"]
    assert (problem["code"], problem["file"], problem["sheet"], problem["row"], problem["column"]) == (
        "off_scale_score", "notes.csv", "", 4, "niveau",
    )  # fmt: skip


# What the check accepts, a study reads


def test_codes_and_columns_declared_reach_analysis_study_and_replay(capsys: Capture) -> None:
    rows = [
        f"E{student},F{trainer},{criterion},{99 if student == trainer else (student + trainer) % 5},Zoé Ygrec"
        for student in range(6)
        for trainer in range(2)
        for criterion in ("1.1", "1.2")
    ]
    Path("notes.csv").write_text("\n".join(["etudiant,formateur,critere,niveau,nom", *rows]), encoding="utf-8")
    declared = ("--missing", "99", "--allow", "nom")
    assert said(capsys, "validate", "notes.csv")[0] == 1
    assert said(capsys, "validate", "notes.csv", *declared)[0] == 0
    assert said(capsys, "describe", "notes.csv")[0] == 1
    assert said(capsys, "describe", "notes.csv", *declared)[0] == 0
    assert said(capsys, "study", "notes.csv", *declared, "--out", "a", "--no-notebooks")[0] == 0
    record = json.loads(Path("a/manifest.json").read_text(encoding="utf-8"))
    assert record["call"]["missing"] == ["99"] and record["call"]["allow"] == ["nom"]
    assert said(capsys, "study", "--replay", "a/manifest.json", "--out", "b", "--no-notebooks")[0] == 0
    assert Path("a/report.html").read_bytes() == Path("b/report.html").read_bytes()
