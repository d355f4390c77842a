"""The thirty-two kinds of file that INSPÉ send, several files together, and the faults that only spreadsheets make."""

from __future__ import annotations

import datetime
import io
import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.students import load_students
from crcne_stats.data.validate import validate
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import words

HEADER = ["etudiant", "formateur", "critere", "niveau"]
Rows = Sequence[Sequence[Any]]


def book(path: Path, sheets: dict[str, Rows], hidden: Sequence[str] = ()) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    made.save(path)
    return path


def csv(path: Path, rows: Rows) -> Path:
    path.write_text("".join(";".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


def refused(source: Any, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        load_ratings(source, **{"framework": "2022-2023", **options})
    for language in ("fr", "en"):
        assert caught.value.text(language)
    return caught.value


def told(error: DataError) -> list[tuple[str, int | None, str, str]]:
    return [(problem.code, problem.row, problem.column, problem.found) for problem in error.problems]


def only(error: DataError) -> Problem:
    assert error.problems.count == 1, told(error)
    return error.problems.items[0]


def keys(ratings: Ratings) -> dict[str, Any]:
    return {note.key: dict(note.values) for note in ratings.notes}


# Sheets


def test_one_sheet_per_trainer(tmp_path: Path) -> None:
    grid = [["étudiant", "1.1", "1.2"], ["E1", 2, 3]]
    path = book(tmp_path / "n.xlsx", {"F07": grid, "F12": [grid[0], ["E1", 1, "NE"]], "Légende": [["Niveau", "Sens"]]})
    ratings = load_ratings(path, framework="2022-2023")
    assert list(zip(ratings.frame["trainer"], ratings.frame["score"], strict=True)) == [
        ("F07", 2),
        ("F07", 3),
        ("F12", 1),
    ]
    assert keys(ratings)["ratings.sheet_is_trainer"]["sheets"] == "F07, F12"
    assert keys(ratings)["ratings.sheets_set_aside"] == {"n": 1, "sheets": "Légende"}


@pytest.mark.parametrize(
    "names, column",
    [(("Lille", "Évry"), "inspe"), (("2022-2023", "2023-2024"), "session"), (("Feuil1", "Feuil2"), None)],
)
def test_the_name_of_a_sheet_is_an_inspe_or_a_session(
    tmp_path: Path, names: tuple[str, str], column: str | None
) -> None:
    rows = {name: [HEADER, [f"E{n}", "F1", "1.1", 2]] for n, name in enumerate(names)}
    ratings = load_ratings(book(tmp_path / "n.xlsx", rows), framework="2022-2023")
    for known in ("inspe", "session"):
        found = set(ratings.frame[known].dropna())
        assert found == (set(names) if known == column else set())


def test_a_column_goes_before_the_name_of_the_sheet(tmp_path: Path) -> None:
    rows = {name: [[*HEADER, "inspe"], [f"E{name}", "F1", "1.1", 2, "Paris"]] for name in ("Lille", "Évry")}
    ratings = load_ratings(book(tmp_path / "n.xlsx", rows), framework="2022-2023")
    assert set(ratings.frame["inspe"]) == {"Paris"} and not any("sheet_is" in key for key in keys(ratings))


def test_a_hidden_sheet_is_set_aside_and_said(tmp_path: Path) -> None:
    rows = [HEADER, ["E1", "F1", "1.1", 2]]
    path = book(tmp_path / "n.xlsx", {"Notes": rows, "Brouillon": [HEADER, ["E1", "F1", "1.1", 4]]}, ["Brouillon"])
    ratings = load_ratings(path, framework="2022-2023")
    assert list(ratings.frame["score"]) == [2]
    assert keys(ratings)["ratings.sheets_set_aside"]["sheets"] == "Brouillon"


def test_merged_phases_and_items_stand_above_the_header(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    rows = [[], ["", "", "", "Phase 1 : conception"], ["", "", "", "Item 1", "", "Item 2"], [],
            ["", "Étudiant", "Formateur", 1.1, "1,2", "2.1"], ["", "E1", "F1", 2, 3, 4]]  # fmt: skip
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("D2:F2")
    sheet.merge_cells("D3:E3")
    for row in range(7, 400):
        sheet.cell(row, 2).fill = openpyxl.styles.PatternFill("solid", fgColor="DDDDDD")
    made.save(tmp_path / "n.xlsx")
    ratings = load_ratings(tmp_path / "n.xlsx", framework="2022-2023")
    assert list(ratings.frame["criterion"]) == ["1.1", "1.2", "2.1"] and list(ratings.frame["score"]) == [2, 3, 4]
    assert ratings.sources[0].rows_read == 1


# What spreadsheets do to cells


@pytest.mark.parametrize(
    "date", [datetime.datetime(2026, 2, 1), datetime.date(2026, 2, 1), "01/02/2026", "1-févr", "01-Feb"]
)
def test_a_date_made_of_a_criterion_says_so(tmp_path: Path, date: Any) -> None:
    problem = only(refused(book(tmp_path / "n.xlsx", {"N": [HEADER, ["E1", "F1", date, 2], ["E1", "F1", "1.1", 2]]})))
    assert (problem.code, problem.row, problem.column) == ("date_for_criterion", 2, "critere")
    assert "1.2" in problem.expected(words("fr"))


def test_a_date_made_of_a_header_or_a_score_says_so(tmp_path: Path) -> None:
    header = ["etudiant", "formateur", "1.1", datetime.datetime(2026, 2, 1)]
    path = book(tmp_path / "n.xlsx", {"N": [[], header, ["E1", "F1", 2, 3]]})
    assert told(refused(path)) == [("date_for_criterion", 2, "01/02/2026", "01/02/2026")]
    path = book(tmp_path / "m.xlsx", {"N": [HEADER, ["E1", "F1", "1.1", datetime.datetime(2026, 2, 1)]]})
    assert told(refused(path)) == [("date_for_score", 2, "niveau", "01/02/2026")]


def edited(path: Path, old: str, new: str) -> Path:
    """The workbook with its first sheet's XML changed."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(content, "w") as target:
        for item in source.infolist():
            text = source.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                changed, n = re.subn(old, new, text.decode())
                assert n, text
                text = changed.encode()
            target.writestr(item, text)
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize(
    "cell, code, found",
    [
        ('<c r="D2" t="e"><v>#N/A</v></c>', "cell_error", "#N/A"),
        ('<c r="D2"><f>1+1</f><v></v></c>', "formula_without_value", "="),
        ('<c r="D2"><f>1+1</f></c>', "formula_without_value", "="),
    ],
)
def test_errors_and_formulas_without_value(tmp_path: Path, cell: str, code: str, found: str) -> None:
    path = book(tmp_path / "n.xlsx", {"N": [HEADER, ["E1", "F1", "1.1", 2], ["E2", "F1", "1.1", 3]]})
    assert told(refused(edited(path, '<c r="D2".*?</c>', cell))) == [(code, 2, "niveau", found)]


def test_the_stored_value_of_a_formula_is_read_and_said(tmp_path: Path) -> None:
    path = book(tmp_path / "n.xlsx", {"N": [HEADER, ["E1", "F1", "1.1", 2], ["E2", "F1", "1.1", 3]]})
    edited(path, '<c r="D2".*?</c>', '<c r="D2"><f>1+2</f><v>3</v></c>')
    ratings = load_ratings(edited(path, '<c r="D3".*?</c>', '<c r="D3" t="str"><f>IF(1,"")</f><v></v></c>'))
    assert list(ratings.frame["score"]) == [3] and keys(ratings)["ratings.formulas_read"] == {"n": 2}


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#VALEUR!"])
def test_an_error_written_to_csv_is_one(tmp_path: Path, text: str) -> None:
    path = csv(tmp_path / "n.csv", [HEADER, [text, "F1", "1.1", 2], ["E1", "F1", "1.1", text]])
    assert told(refused(path)) == [("cell_error", 2, "etudiant", text), ("cell_error", 3, "niveau", text)]


@pytest.mark.parametrize("text", ["1,23457E+12", 123456789012345678, "1.2E+15"])
def test_an_identifier_that_the_spreadsheet_rounded(tmp_path: Path, text: Any) -> None:
    path = book(tmp_path / "n.xlsx", {"N": [HEADER, [text, "F1", "1.1", 2]]})
    problem = only(refused(path))
    assert (problem.code, problem.row, problem.column) == ("identifier_rounded", 2, "etudiant")


def test_a_number_and_its_text_are_one_student(tmp_path: Path) -> None:
    rows = [HEADER, [123, "F1", "1.1", 2], ["123", "F1", "1.2", 2], ["00123", "F1", "1.1", 2], ["1E5", "F1", "1.1", 2]]
    ratings = load_ratings(book(tmp_path / "n.xlsx", {"N": rows}))
    assert list(ratings.frame["student"].cat.categories) == ["00123", "123", "1E5"]


def test_letters_are_compared_after_normalisation(tmp_path: Path) -> None:
    rows = [["E\u0301tudiant", "formateur", "crite\u0300re", "niveau"], ["e\u0301", "F1", "1.1", "Confirme\u0301"],
            ["é", "F1", "1.2", "non\u00a0atteint"]]  # fmt: skip
    ratings = load_ratings(csv(tmp_path / "n.csv", rows))
    assert list(ratings.frame["student"].cat.categories) == ["é"] and list(ratings.frame["score"]) == [2, 0]


def test_a_column_of_notes_does_not_make_a_wide_table_long(tmp_path: Path) -> None:
    ratings = load_ratings(csv(tmp_path / "n.csv", [["etudiant", "formateur", "1.1", "note"], ["E1", "F1", 2, 17]]))
    assert list(ratings.frame["score"]) == [2]
    assert keys(ratings)["ratings.columns_set_aside"]["columns"] == "note"


@pytest.mark.parametrize("code", ["NA", "-", "ABS", ""])
def test_an_inspe_that_is_missing_is_no_inspe(tmp_path: Path, code: str) -> None:
    rows = [[*HEADER, "inspe"], ["E1", "F1", "1.1", 2, code], ["E2", "F1", "1.1", 2, "Lille"]]
    ratings = load_ratings(csv(tmp_path / "n.csv", rows))
    assert list(ratings.frame["inspe"].cat.categories) == ["Lille"]


# Several files


def test_the_ledger_tells_what_became_of_each_file(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv", [HEADER, ["E1", "F1", "1.1", "Confirmé"], ["E1", "F1", "1.2", "NE"]])
    csv(tmp_path / "b.csv", [HEADER, ["E2", "F1", "1.1", 3]])
    ledger = [(s.file, s.rows_read, s.recoded, s.set_aside, s.refused) for s in load_ratings(tmp_path).sources]
    assert ledger == [("a.csv", 2, 1, 1, 0), ("b.csv", 1, 0, 0, 0)]
    csv(tmp_path / "b.csv", [HEADER, ["E2", "F1", "1.1", 9], ["E2", "F1", "9.9", "x"], ["E1", "F1", "1.1", 3]])
    error = refused(tmp_path)
    assert [(s.file, s.rows_read, s.refused) for s in error.sources] == [("a.csv", 2, 0), ("b.csv", 3, 3)]
    assert [(p.code, p.row) for p in error.problems][-1] == ("duplicate_contradictory_elsewhere", 4)


def test_a_list_of_students_in_the_folder_is_set_aside_and_said(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv", [HEADER, ["E1", "F1", "1.1", 2]])
    csv(tmp_path / "z.csv", [["etudiant", "niveau_inspe"], ["E1", "Initié"]])
    assert keys(load_ratings(tmp_path))["ratings.tables_set_aside"]["tables"] == "z.csv"
    assert len(load_students(tmp_path)) == 1
    answer = validate(tmp_path)
    assert (answer.kind, answer.counts["students"], answer.exit_code) == ("mixed", 1, 0)


def test_all_the_faults_of_readable_files_are_told_beside_an_unreadable_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"%PDF-1.7")
    csv(tmp_path / "b.csv", [HEADER, ["E1", "F1", "1.1", 9]])
    assert [problem.code for problem in refused(tmp_path).problems] == ["file_no_table", "off_scale_score"]


def test_workbooks_are_read_in_other_processes_with_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        book(tmp_path / f"{n}.xlsx", {"N": [HEADER, [f"E{n}", "F1", "1.1", n]]})
    alone = load_ratings(tmp_path, framework="2022-2023")
    monkeypatch.setattr("crcne_stats.data.files.WORTH_PROCESSES", 1)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    together = load_ratings(tmp_path, framework="2022-2023")
    assert together.frame.equals(alone.frame) and together.sources == alone.sources


def test_the_framework_that_the_files_carry_is_taken(tmp_path: Path) -> None:
    frame = load_ratings(csv(tmp_path / "n.csv", [HEADER, ["E1", "F1", "1.1", 2]])).frame
    for version, name in (("2022-2023", "a.parquet"), ("2026-illustration", "b.parquet")):
        framework = load_framework(version)
        known = frame.assign(criterion=framework.criteria[0].key)
        write_ratings(Ratings.from_frame(known, framework=framework), tmp_path / name)
    own = load_ratings([tmp_path / "b.parquet", csv(tmp_path / "c.csv", [HEADER, ["E9", "F1", "1.1", 2]])])
    assert own.framework.version == "2026-illustration" and "ratings.framework_carried" in keys(own)
    problem = only(refused([tmp_path / "a.parquet", tmp_path / "b.parquet"], framework=None))
    assert (problem.code, problem.file) == ("framework_conflict", "b.parquet")


# What cannot be read


_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def locked_workbook() -> bytes:
    """The smallest OLE envelope in which Excel keeps a workbook that has a password."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0) + struct.pack("<I", 0)
    header += struct.pack("<I", _FREE) * 108
    fat = [_FAT, _END, *range(3, 10), _END]
    directory = _entry("Root Entry", 5, child=1, start=_END, size=0) + _entry("EncryptedPackage", 2, _FREE, 2, 4096)
    sectors = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat))) + directory + bytes(512 - len(directory))
    return header + sectors + bytes(4096)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text), kind, 1)
        + struct.pack("<III", _FREE, _FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def test_a_locked_workbook_says_so(tmp_path: Path) -> None:
    (tmp_path / "n.xlsx").write_bytes(locked_workbook())
    assert only(refused(tmp_path / "n.xlsx")).code == "workbook_locked"


def test_a_sheet_that_claims_a_million_columns(tmp_path: Path) -> None:
    path = book(tmp_path / "n.xlsx", {"N": [HEADER, ["E1", "F1", "1.1", 2]]})
    edited(path, "</row></sheetData>", '</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert only(refused(path)).code == "sheet_too_large"


def test_far_cells_that_are_only_formatted_are_none(tmp_path: Path) -> None:
    path = book(tmp_path / "n.xlsx", {"N": [HEADER, ["E1", "F1", "1.1", 2]]})
    edited(path, "</row></sheetData>", '</row><row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')
    assert len(load_ratings(path)) == 1


def test_lines_of_two_encodings(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes("etudiant;formateur;critere;niveau\né1;F1;1.1;2\n".encode() + "é2;F1;1.1;2\n".encode("cp1252"))
    problem = only(refused(path))
    assert (problem.code, problem.row) == ("file_mixed", 3)


def test_direct_identifiers_are_refused_and_can_be_declared_harmless(tmp_path: Path) -> None:
    path = csv(tmp_path / "n.csv", [[*HEADER, "Nom"], ["E1", "F1", "1.1", 2, "grille"]])
    problem = only(refused(path))
    assert (problem.code, problem.column) == ("direct_identifier_header", "Nom")
    assert len(load_ratings(path, allow=["nom"])) == 1
