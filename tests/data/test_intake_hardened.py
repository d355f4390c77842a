"""Faults that hide: quotation marks astray, NUL characters, columns nearly criteria, legends, names of sheets, sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.data.delimited import record_lines
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.data.validate import Validation, validate
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.words import languages, words

HEAD = "etudiant;formateur;critere;niveau\n"
GOOD = f"{HEAD}E1;F1;1.1;2\nE2;F1;1.1;3\n"
LONG = ["etudiant", "formateur", "critere", "niveau"]
FRAMEWORK = load_framework("2022-2023")
TEXT = FRAMEWORK.criteria[0].text["fr"]


def saved(folder: Path, content: str | bytes, name: str = "n.csv") -> Path:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / name


def book(folder: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    made.save(folder / "n.xlsx")
    return folder / "n.xlsx"


def told(answer: Validation) -> list[tuple[str, str, int | None, str, str]]:
    """Code, sheet, row, column, found of each problem, whose sentences are there in both languages and differ."""
    found = []
    for problem in answer.problems:
        sentences = {problem.sentence(words(language)) for language in languages()}
        assert len(sentences) == len(languages()) and not any("{" in text for text in sentences)
        found.append((problem.code, problem.sheet, problem.row, problem.column, problem.found))
    return found


def faults(source: Path, **options: Any) -> list[tuple[str, str, int | None, str, str]]:
    answer = validate(source, framework="2022-2023", **options)
    assert {problem.file for problem in answer.problems} <= {source.name}
    return told(answer)


def notes(source: Path, **options: Any) -> dict[str, dict[str, Any]]:
    answer = validate(source, framework="2022-2023", **options)
    assert not answer.problems, told(answer)
    for note in answer.notes:
        assert all(words(language)(f"note.{note.key}", **note.values) for language in languages())
    return {note.key: dict(note.values) for note in answer.notes}


# Quotation marks


@given(st.text(alphabet='ab;"\n', max_size=30))
def test_records_begin_where_the_csv_module_has_them(text: str) -> None:
    try:
        found = record_lines(text, ";", "n.csv").tolist()
    except DataError:
        return
    reader, wanted, start = csv.reader(io.StringIO(text, newline=""), delimiter=";"), [], 0
    for _ in reader:
        wanted.append(start + 1)
        start = reader.line_num
    assert found == [*wanted, *([start + 1] if text.endswith("\n") or not text else [])]


@pytest.mark.parametrize(
    "lines, row",
    [
        ('E3;"F1;1.1;2\nE4;F1;1.1;2\n', 4),
        ('E3;"F1;1.1;2\nE4;"F1";1.1;2\nE5;F1";1.1;2\n', 4),
        ('E3;F1;1.1;2\nE4;"a "b" c";1.1;2\n', 5),
        ('E3;"F1";1.1;2\nE4;"F1"x;1.1;2\n', 5),
    ],
)
def test_a_quotation_mark_astray_is_told_where_it_opens(tmp_path: Path, lines: str, row: int) -> None:
    ((code, _, line, column, found),) = faults(saved(tmp_path, GOOD + lines))
    assert (code, line, column) == ("csv_quote", row, "") and found.startswith('"')


@pytest.mark.parametrize("names", [('E"3', "E4"), ('E"3', 'E"4'), ("5\" d'écran", '"é"')])
def test_a_loose_quotation_mark_is_a_mark_like_any_other(tmp_path: Path, names: tuple[str, str]) -> None:
    path = saved(tmp_path, f"{GOOD}{names[0]};F1;1.1;2\n{names[1]};F1;1.1;9\n")
    assert faults(path) == [("off_scale_score", "", 5, "niveau", "9")]


# Encodings and NUL


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    text = f"{HEAD}É1;F1;1.1;Confirmé\nE2;F1;1.1;9\n".replace("\n", end)
    assert faults(saved(tmp_path, text.encode(encoding))) == [("off_scale_score", "", 3, "niveau", "9")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_nul_character_is_told_with_its_line(tmp_path: Path, encoding: str) -> None:
    path = saved(tmp_path, f"{GOOD}É\x003;F1;1.1;2\n".encode(encoding))
    assert faults(path) == [("file_nul", "", 4, "", "É\u24003;F1;1.1;2")]


def test_a_file_of_bytes_is_no_table(tmp_path: Path) -> None:
    assert faults(saved(tmp_path, bytes(range(256)) * 4)) == [("file_no_table", "", None, "", "")]


@pytest.mark.parametrize("score", ["99", "99,0", "99.0"])
def test_a_declared_code_that_the_scale_forbids(tmp_path: Path, score: str) -> None:
    path = saved(tmp_path, f"{GOOD}E3;F1;1.1;{score}\n")
    assert notes(path, missing=[99])["ratings.missing_cells"] == {"n": 1}
    assert [problem[0] for problem in faults(path)] == ["off_scale_score"]


# Criteria


@pytest.mark.parametrize(
    "header",
    ["1.1.", "1,1", "C1.1", "c1,1", "Crit. 1.1", f"1.1. {TEXT}", f"1.1 - {TEXT}", f"(1.1) {TEXT}", f"1.1\n{TEXT}",
     f"Critère 1.1 : {TEXT}", TEXT.upper(), f"{TEXT}.", TEXT.replace("'", "’").replace(" ", "\u00a0")],
)  # fmt: skip
def test_a_criterion_under_the_names_that_people_give_it(tmp_path: Path, header: str) -> None:
    frame = load_ratings(book(tmp_path, N=[["Étudiant", "Formateur", header], ["E1", "F1", 2]])).frame
    assert frame["criterion"].tolist() == ["1.1"]


@pytest.mark.parametrize("header", ["9.9", "9,9", "C9.9", "Critère 9.9 : autre", TEXT.replace("lorsque", "quand")])
@pytest.mark.parametrize("beside", [["1.2"], []])
def test_a_column_that_is_nearly_a_criterion_is_not_set_aside(tmp_path: Path, header: str, beside: list[str]) -> None:
    path = book(tmp_path, N=[[], ["Étudiant", "Formateur", *beside, header], ["E1", "F1", *[2 for _ in beside], 3]])
    assert faults(path) == [("unknown_criterion", "", 2, header, header)]


def test_the_nearest_criterion_is_sought_by_its_text_too(tmp_path: Path) -> None:
    answer = validate(saved(tmp_path, f"{GOOD}E3;F1;{TEXT.replace('lorsque', 'quand')};2\n"), framework="2022-2023")
    assert answer.problems.items[0].values["nearest"] == "1.1"


@pytest.mark.parametrize("line", ["E{};F1;c{};2", "E{};F1;{}/02/2026;2"])
def test_each_of_many_different_faults_is_counted(tmp_path: Path, line: str) -> None:
    lines = "".join(line.format(n, n % 28 + 1) + "\n" for n in range(5000))
    answer = validate(saved(tmp_path, HEAD + lines), framework="2022-2023")
    assert (answer.problems.count, len(answer.problems.items)) == (5000, 200)


# Sheets


def test_a_legend_with_known_headers_is_set_aside_and_said(tmp_path: Path) -> None:
    legend = [["Critère", "Niveau"], ["1.1", "Initié"]]
    path = book(tmp_path, Légende=legend, Lille=[LONG, ["E1", "F1", "1.1", 2]])
    assert notes(path)["ratings.sheets_set_aside"] == {"n": 1, "sheets": "Légende"}
    assert load_ratings(path).frame["inspe"].isna().all()  # one sheet is left: its name says nothing


def test_a_grid_whose_header_has_a_slip_is_no_legend(tmp_path: Path) -> None:
    path = book(
        tmp_path,
        F1=[["etudaint", "critere", "niveau"], ["E1", "1.1", 2]],
        F2=[["etudiant", *LONG[2:]], ["E1", "1.1", 2]],
    )
    assert [problem[:4] for problem in faults(path)] == [("header_missing", "F1", 1, "etudiant")]


def test_names_of_persons_on_sheets_are_refused(tmp_path: Path) -> None:
    grid = [["Étudiant", "1.1"], ["E1", 2]]
    path = book(tmp_path, **{"Mme Ygrec": grid, "M. Zède": grid})
    ((code, sheet, row, column, found),) = faults(path)
    assert (code, sheet, row, column) == ("direct_identifier_sheet", "", None, "formateur") and "Zède" not in found
    assert notes(path, allow=["formateur"])["ratings.sheet_is_trainer"]["n"] == 2


def test_errors_and_formulas_of_a_column_set_aside_do_no_harm(tmp_path: Path) -> None:
    rows = [[*LONG, "moyenne", None], ["E1", "F1", "1.1", 2, "=1/0", "=A1"]]
    assert set(notes(book(tmp_path, N=rows))) == {"ratings.columns_set_aside"}
    students = [["etudiant", "niveau_inspe", "moyenne"], ["E1", "Initié", "=1/0"]]
    assert len(load_students(book(tmp_path, N=students))) == 1


@pytest.mark.parametrize("name", ["Moyenne", "TOTAL", "Écart-type"])
def test_a_row_of_sums_is_no_student(tmp_path: Path, name: str) -> None:
    path = book(tmp_path, F1=[["Étudiant", "1.1"], ["E1", 2], [name, 2]], F2=[["Étudiant", "1.1"], ["E1", 2]])
    assert faults(path) == [("summary_row", "F1", 3, "Étudiant", name)]


def test_names_written_almost_alike_are_said(tmp_path: Path) -> None:
    text = "etudiant;formateur;inspe;critere;niveau\nE1;F1;Lille;1.1;2\nE2;F1;LILLE;1.1;2\nE3;F1;Lyon;1.1;2\n"
    assert notes(saved(tmp_path, text))["ratings.spellings"] == {"column": "inspe", "names": "LILLE, Lille"}


# Students


def test_a_candidate_who_is_not_admissible_needs_no_level(tmp_path: Path) -> None:
    text = "etudiant;niveau_inspe;admissible\nE1;Avancé;Admissible\nE2;;Non admissible\nE3;;Admissible\n"
    assert [problem[:4] for problem in faults(saved(tmp_path, text))] == [("level_unexplained", "", 4, "niveau_inspe")]
