"""Files that hold no table, or none that can be opened: each is told as what it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

from crcne_stats.data.ratings import load_ratings
from crcne_stats.domain.errors import DataError, Problem


def saved(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def workbook(folder: Path, rows: list[list[str]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "notes.xlsx")
    return folder / "notes.xlsx"


def refused(path: Path | list[Path]) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        load_ratings(path, framework="2022-2023")
    for language in ("fr", "en"):
        assert caught.value.text(language)
    return list(caught.value.problems)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, [(problem.code, problem.row, problem.column) for problem in problems]
    return problems[0]


@pytest.mark.parametrize(
    "content, code",
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "file_no_table"),
        (b"<!DOCTYPE html><html><body>Connexion</body></html>", "file_no_table"),
        (b"\n  <html></html>", "file_no_table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "file_no_table"),
        (b"abc\x00\x01\x02def", "file_no_table"),
        (b"", "file_empty"),
        (b"\xef\xbb\xbf\n", "file_empty"),
        (b"\n\n;;;\n", "file_empty"),
        (b"PAR1 and then nothing", "parquet_unreadable"),
        (b"PK\x03\x04 no archive follows", "workbook_unreadable"),
    ],
)
@pytest.mark.parametrize("name", ["notes.csv", "notes.xlsx"])
def test_what_is_no_table_is_told_as_such(tmp_path: Path, content: bytes, code: str, name: str) -> None:
    problem = only(refused(saved(tmp_path, content, name)))
    assert (problem.code, problem.file) == (code, name)


def test_a_corrupt_workbook_is_told_as_such(tmp_path: Path) -> None:
    whole = workbook(tmp_path, [["etudiant", "formateur", "1.1"], ["E1", "F1", "3"]]).read_bytes()
    problem = only(refused(saved(tmp_path, whole[: len(whole) // 2], "coupe.xlsx")))
    assert (problem.code, problem.file) == ("workbook_unreadable", "coupe.xlsx")
    with zipfile.ZipFile(tmp_path / "photos.xlsx", "w") as archive:
        archive.writestr("plage.txt", "pas un classeur")
    assert only(refused(tmp_path / "photos.xlsx")).code == "workbook_unreadable"


def test_a_locked_workbook_is_told_as_such(tmp_path: Path) -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
    assert only(refused(saved(tmp_path, content, "verrou.xlsx"))).code in {"workbook_locked", "workbook_unreadable"}


def test_a_workbook_without_any_row(tmp_path: Path) -> None:
    problem = only(refused(workbook(tmp_path, [])))
    assert (problem.code, problem.file) == ("file_empty", "notes.xlsx")


def test_an_absent_file_and_an_empty_folder(tmp_path: Path) -> None:
    problem = only(refused(tmp_path / "absent.csv"))
    assert (problem.code, problem.file) == ("file_absent", "absent.csv")
    (tmp_path / "vide").mkdir()
    problem = only(refused(tmp_path / "vide"))
    assert (problem.code, problem.file) == ("folder_empty", "vide")


def test_unreadable_files_are_told_together(tmp_path: Path) -> None:
    paths = [saved(tmp_path, b"%PDF-1.4", "a.csv"), tmp_path / "b.csv", saved(tmp_path, b"", "c.csv")]
    assert [(problem.code, problem.file) for problem in refused(paths)] == [
        ("file_no_table", "a.csv"),
        ("file_absent", "b.csv"),
        ("file_empty", "c.csv"),
    ]
