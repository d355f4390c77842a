"""The marked copy: the list of faults, and the user's own sheets with the faulty cells shown."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from crcne_stats.data.marked import FILL, write_marked
from crcne_stats.data.reading import paths_of
from crcne_stats.data.validate import validate
from crcne_stats.domain.errors import LISTED, DataError, Problem, Problems
from crcne_stats.shipped import data_schema
from crcne_stats.words import words

HEADER = ["etudiant", "formateur", "critere", "niveau"]
TOP = 5
"""The row of the header in the list of a file whose faults are all listed."""


def marked(source: Any, target: Path, lang: str = "fr") -> tuple[Any, Problems]:
    problems = validate(source, framework="2022-2023").problems
    assert problems
    assert write_marked(paths_of(source), problems, target, lang) == target
    book = openpyxl.load_workbook(target)
    # What is computed would be a formula here.
    assert not [cell.coordinate for sheet in book for row in sheet for cell in row if cell.data_type in "fe"]
    return book, problems


def shown(sheet: Any) -> dict[str, str]:
    """The marked cells of a sheet and what stands in them."""
    cells = [cell for row in sheet for cell in row if cell.comment]
    for cell in cells:
        assert cell.fill.fgColor.rgb == FILL.fgColor.rgb
        assert cell.font.bold and cell.border.left.style == cell.border.bottom.style == "medium"
    return {cell.coordinate: cell.value for cell in cells}


def written(folder: Path, sheets: dict[str, list[list[Any]]], name: str = "notes.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return folder / name


def test_every_fault_of_the_example_is_listed_linked_and_marked(tmp_path: Path) -> None:
    source = data_schema() / "examples" / "ratings-faulty.csv"
    for lang, title in (("fr", "Fautes"), ("en", "Faults")):
        book, problems = marked(source, tmp_path / f"{lang}.xlsx", lang)
        assert book.sheetnames == [title, "ratings-faulty"]
        listing, copy = book.worksheets
        rows = list(listing.iter_rows(min_row=TOP + 1))
        assert len(rows) == len(problems.items) == problems.count
        assert listing["A1"].value.startswith("9\u00a0")
        w = words(lang)
        for row, problem in zip(rows, problems, strict=True):
            link, *texts = row
            assert link.hyperlink.location == f"'ratings-faulty'!{link.value}"
            assert copy[link.value].row == problem.row
            comment = copy[link.value].comment.text
            assert problem.title(w) in comment and problem.remedy(w) in comment
            told = [problem.file, problem.sheet or None, problem.row, problem.column or None, problem.title(w)]
            told += [problem.found or None, problem.expected(w), problem.remedy(w)]
            assert [cell.value for cell in texts] == told
        assert len(shown(copy)) == len({(problem.row, problem.column) for problem in problems})
        lines = source.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(filter(None, lines), 1):
            cells = [cell.value or "" for cell in copy[number]]
            assert cells[: line.count(";") + 1] == line.split(";")


def test_row_n_of_the_copy_is_line_n_of_a_csv_file(tmp_path: Path) -> None:
    text = (
        'Grille de l’année\n\netudiant;formateur;critere;niveau;remarque\n\n00123;F1;1.1;3;"deux\nlignes ""ici"""\n'
        "\n1E5;F1;1.1;9;=1+1\n1E6;F1\n"
    )
    path = tmp_path / "notes.csv"
    path.write_bytes(text.replace("\n", "\r\n").encode("cp1252"))
    book, _ = marked(path, tmp_path / "faults.xlsx")
    copy = book["notes"]
    assert [cell.value for cell in copy[3]] == [*HEADER, "remarque"]
    assert [cell.value for cell in copy[5]] == ["00123", "F1", "1.1", "3", 'deux\nlignes "ici"']
    assert [cell.value for cell in copy[8]] == ["1E5", "F1", "1.1", "9", "=1+1"]
    assert copy["E8"].data_type == "s" and copy["E8"].quotePrefix
    assert shown(copy) == {"D8": "9", "A9": "1E6"}
    assert copy.freeze_panes == "A4"


def test_only_the_faulty_sheets_of_a_workbook_are_copied_with_their_names(tmp_path: Path) -> None:
    title = [["Grille des formateurs"], [None, None, "Phase 1"]]
    good = [*title, ["etudiant", "1.1", "1.2"], ["E1", 3, 2]]
    bad = [*title, ["etudiant", "1.1", "1.2"], ["E1", 3.5, 2], ["E2", "#N/A", "@SUM(A1)"], ["E3", "=1+1", 2]]
    path = written(tmp_path, {"Mme A": good, "M. B": bad})
    before = path.read_bytes()
    book, _ = marked(path, tmp_path / "faults.xlsx")
    assert path.read_bytes() == before
    assert book.sheetnames == ["Fautes", "M. B"]
    copy = book["M. B"]
    assert copy["A1"].value == title[0][0] and copy["C2"].value == "Phase 1"
    assert shown(copy) == {"B4": "3.5", "B5": "#N/A", "C5": "@SUM(A1)", "B6": "="}
    assert copy["C4"].value == "2" and copy["C4"].data_type == "s"


def test_a_missing_column_marks_the_header_and_a_doubled_one_both(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("etudiant,critere,niveau\nE1,1.1,3\n", encoding="utf-8")
    two.write_text("etudiant,formateur,critere,niveau,niveau\nE1,F1,1.1,3,3\n", encoding="utf-8")
    book, _ = marked([one, two], tmp_path / "faults.xlsx")
    assert shown(book["one"]) == {"A1": "etudiant"}
    assert shown(book["two"]) == {"D1": "niveau", "E1": "niveau"}


@pytest.mark.parametrize(
    "content, place",
    [
        (b'etudiant;formateur;critere;niveau\nE1;F1;1.1;3\nE2;"F1;1.1;3\n', "A3"),
        ("etudiant;formateur;critere;niveau\nÉ1;F1;1.1;3\n".encode() + "É2;F1;1.1;3\n".encode("cp1252"), "A3"),
    ],
    ids=["unclosed quote", "two encodings"],
)
def test_a_file_refused_at_a_line_is_shown_line_by_line(tmp_path: Path, content: bytes, place: str) -> None:
    (tmp_path / "notes.csv").write_bytes(content)
    book, _ = marked(tmp_path / "notes.csv", tmp_path / "faults.xlsx")
    assert list(shown(book["notes"])) == [place]
    assert book["notes"]["A2"].value in ("E1", "É1")


def test_parquet_and_a_file_that_is_no_table(tmp_path: Path) -> None:
    frame = pd.DataFrame([["E1", "F1", "1.1", 3.0], ["E2", "F1", "1.1", 7.0]], columns=HEADER)
    frame.to_parquet(tmp_path / "notes.parquet")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    book, problems = marked(tmp_path, tmp_path.parent / f"{tmp_path.name}.xlsx")
    assert book.sheetnames == ["Fautes", "notes"] and problems.count == 2
    assert shown(book["notes"]) == {"D3": "7"}
    links = {row[1].value: row[0].hyperlink for row in book["Fautes"].iter_rows(min_row=TOP + 1)}
    assert links["image.csv"] is None and links["notes.parquet"] is not None


def test_files_of_one_name_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    paths = []
    for folder, levels in (("lille", (3, 7)), ("evry", (8, 2))):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "notes.csv")
        lines = [f"{folder}{row};F{folder};1.1;{level}" for row, level in enumerate(levels)]
        paths[-1].write_text("\n".join([";".join(HEADER), *lines]), encoding="utf-8")
    book, _ = marked(paths, tmp_path / "faults.xlsx")
    assert book.sheetnames == ["Fautes", "notes", "notes-2"]
    assert shown(book["notes"]) == {"D3": "7"} and shown(book["notes-2"]) == {"D2": "8"}


def test_the_listing_ends_at_its_limit_and_the_count_is_exact(tmp_path: Path) -> None:
    lines = [f"E{number};F1;1.1;9" for number in range(450)]
    (tmp_path / "notes.csv").write_text("\n".join([";".join(HEADER), *lines]), encoding="utf-8")
    book, _ = marked(tmp_path / "notes.csv", tmp_path / "faults.xlsx")
    assert book["Fautes"]["A1"].value.startswith("450\u00a0") and "200" in book["Fautes"]["A1"].value
    assert book["Fautes"].max_row == TOP + LISTED and book["notes"].max_row == 451
    assert len(shown(book["notes"])) == LISTED


def test_nothing_of_the_user_is_overwritten_and_no_half_file_is_left(tmp_path: Path) -> None:
    path = written(tmp_path, {"A": [HEADER, ["E1", "F1", "1.1", 9]]})
    (tmp_path / "other.xlsx").hardlink_to(path)
    before, problems = path.read_bytes(), validate(path).problems
    (tmp_path / "folder.xlsx").mkdir()
    for target, code in (
        ("notes.xlsx", "marked_same"), ("other.xlsx", "marked_same"), ("faults.csv", "marked_suffix"),
        ("folder.xlsx", "marked_unwritable"), ("notes.xlsx/faults.xlsx", "marked_unwritable"),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            write_marked([path], problems, tmp_path / target)
        assert [problem.code for problem in caught.value.problems] == [code]
        assert caught.value.text("fr") and caught.value.text("en")
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder.xlsx", "notes.xlsx", "other.xlsx"]


def test_faults_without_a_place_in_the_file_are_only_listed(tmp_path: Path) -> None:
    path = written(tmp_path, {"A": [HEADER, ["E1", "F1", "1.1", 3]]})
    problems = Problems([Problem("file_empty", file="notes.xlsx"), Problem("cell_error", file="elsewhere.csv", row=3)])
    write_marked([path], problems, tmp_path / "faults.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "faults.xlsx")
    assert book.sheetnames == ["Faults"] and book["Faults"].max_row == TOP + 2


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_the_copy_and_keeps_texts_and_comments(tmp_path: Path) -> None:
    rows = [HEADER, ["00123", "F1", "1.1", 9], ["=1+1", "-F2", "1.1", "_x0041_\tb"]]
    (tmp_path / "notes.csv").write_text("\n".join(";".join(map(str, row)) for row in rows), encoding="utf-8")
    marked(tmp_path / "notes.csv", tmp_path / "faults.xlsx")
    command = [
        "soffice",
        f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        "ods",
    ]
    done = subprocess.run([*command, "--outdir", str(tmp_path), str(tmp_path / "faults.xlsx")], capture_output=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "faults.ods") as archive:
        content = archive.read("content.xml").decode("utf-8")
    assert content.count("<office:annotation ") == 2 and "of:=" not in content
    for text in ("00123", "=1+1", "-F2", "_x0041_"):
        assert f">{text}<" in content, text
