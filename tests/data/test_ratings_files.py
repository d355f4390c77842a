"""Files of rubric scores as people really have them, and what is told of those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from crcne_stats.data.ratings import load_ratings
from crcne_stats.domain.errors import LISTED, DataError, Problem
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import words

LONG = [
    ["etudiant", "formateur", "inspe", "critere", "niveau"],
    ["E1", "F1", "Évry", "1.1", "3"],
    ["E1", "F1", "Évry", "1.2", "0"],
    ["E2", "F1", "Lille", "1.1", "4"],
    ["E2", "F2", "Lille", "1.1", "2"],
]
WIDE = [
    ["etudiant", "formateur", "inspe", "1.1", "1.2"],
    ["E1", "F1", "Évry", "3", "0"],
    ["E2", "F1", "Lille", "4", ""],
    ["E2", "F2", "Lille", "2", ""],
]
EXPECTED = [("E1", "F1", "1.1", 3), ("E1", "F1", "1.2", 0), ("E2", "F1", "1.1", 4), ("E2", "F2", "1.1", 2)]

Rows = Sequence[Sequence[Any]]


def text_of(rows: Rows, mark: str = ",", end: str = "\n") -> str:
    return "".join(mark.join(map(str, row)) + end for row in rows)


def saved(folder: Path, content: str | bytes, name: str = "notes.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def workbook(folder: Path, sheets: dict[str, Rows], name: str = "notes.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(folder / name)
    return folder / name


def contents(ratings: Ratings) -> list[tuple[str, str, str, int]]:
    frame = ratings.frame
    return [
        (str(student), str(trainer), str(criterion), int(score))
        for student, trainer, criterion, score in zip(
            frame["student"], frame["trainer"], frame["criterion"], frame["score"], strict=True
        )
    ]


def refused(path: Path | list[Path], **options: Any) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        load_ratings(path, **{"framework": "2022-2023", **options})
    for language in ("fr", "en"):
        assert caught.value.text(language)
    return list(caught.value.problems)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, [(problem.code, problem.row, problem.column) for problem in problems]
    return problems[0]


def place(problem: Problem) -> tuple[str, str, int | None, str, str]:
    return problem.file, problem.sheet, problem.row, problem.column, problem.found


# What can be read


@pytest.mark.parametrize("rows", [LONG, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_csv_of_every_separator_and_line_end_in_both_shapes(tmp_path: Path, rows: Rows, mark: str, end: str) -> None:
    assert contents(load_ratings(saved(tmp_path, text_of(rows, mark, end)))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_of_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    ratings = load_ratings(saved(tmp_path, text_of(LONG, ";").encode(encoding)))
    assert contents(ratings) == EXPECTED
    assert list(ratings.frame["inspe"].cat.categories) == ["Lille", "Évry"]


def test_wide_equals_long(tmp_path: Path) -> None:
    long = load_ratings(saved(tmp_path, text_of(LONG), "long.csv"))
    wide = load_ratings(saved(tmp_path, text_of(WIDE), "wide.csv"))
    pd.testing.assert_frame_equal(long.frame, wide.frame)


def test_the_sep_line_of_excel_tells_the_separator(tmp_path: Path) -> None:
    assert contents(load_ratings(saved(tmp_path, "sep=;\r\n" + text_of(LONG, ";", "\r\n")))) == EXPECTED
    wrong = "sep=;\n" + text_of([*LONG, ["E3", "F1", "Lille", "1.1", "7"]], ";")
    assert only(refused(saved(tmp_path, wrong))).row == 7


@pytest.mark.parametrize("value", ["3,0", "3.0", "3", " 3 ", "Avancé", "avance", "AVANCÉ", "Advanced", "A", "a"])
def test_a_level_is_a_number_a_name_or_an_initial(tmp_path: Path, value: str) -> None:
    rows = [LONG[0], ["E1", "F1", "Lille", "1.1", value]]
    ratings = load_ratings(saved(tmp_path, text_of(rows, ";")))
    assert contents(ratings) == [("E1", "F1", "1.1", 3)]
    assert ratings.sources[0].recoded == (0 if value.strip()[0] == "3" else 1)


@pytest.mark.parametrize("code", ["", "NE", "ne", "ABS", "NR", "NA", "N/A", "non évalué", "Non évaluée", "-", "–", "—"])
@pytest.mark.parametrize("shape", ["long", "wide"])
def test_missing_codes_are_no_ratings_and_no_zeros(tmp_path: Path, code: str, shape: str) -> None:
    if shape == "long":
        rows = [LONG[0], ["E1", "F1", "Lille", "1.1", code], ["E1", "F1", "Lille", "1.2", "0"]]
    else:
        rows = [WIDE[0], ["E1", "F1", "Lille", code, "0"]]
    ratings = load_ratings(saved(tmp_path, text_of(rows, ";")))
    assert contents(ratings) == [("E1", "F1", "1.2", 0)]
    assert [note.values["n"] for note in ratings.notes if note.key == "ratings.missing_cells"] == [1]


def test_further_missing_codes_are_the_callers(tmp_path: Path) -> None:
    path = saved(tmp_path, text_of([*LONG, ["E3", "F1", "Lille", "1.1", "99"]]))
    assert contents(load_ratings(path, missing=[99])) == EXPECTED
    assert only(refused(path)).code == "off_scale_score"


def test_title_rows_above_the_header_and_blank_lines_below(tmp_path: Path) -> None:
    text = "Grille CRCNÉ 2022-2023;;;;\n;;;;\n" + text_of(LONG, ";")
    assert contents(load_ratings(saved(tmp_path, text + "\n;;;;\n\n"))) == EXPECTED
    assert only(refused(saved(tmp_path, text + "\nE3;F1;Lille;1.1;9\n"))).row == 9


def test_quoted_line_breaks_and_separators_stay_in_their_cell(tmp_path: Path) -> None:
    text = (
        'etudiant,formateur,"avis, en\nclair",critere,niveau\n'
        'E1,F1,"bien,\nmais ""peu""\nréfléchi",1.1,3\n'
        'E2,F1,"x",1.1,8\n'
    )
    problem = only(refused(saved(tmp_path, text)))
    assert place(problem) == ("notes.csv", "", 6, "niveau", "8")
    ratings = load_ratings(saved(tmp_path, text.replace(",8", ",2")))
    assert contents(ratings) == [("E1", "F1", "1.1", 3), ("E2", "F1", "1.1", 2)]
    aside = next(note for note in ratings.notes if note.key == "ratings.columns_set_aside")
    assert aside.values["n"] == 1


def test_identifiers_stay_text(tmp_path: Path) -> None:
    names = ["00123", "123", "1E5", "2024-01-02", "NA", "true"]
    rows = [LONG[0], *([name, "007", "Lille", "1.1", "2"] for name in names)]
    ratings = load_ratings(saved(tmp_path, text_of(rows)))
    assert sorted(ratings.frame["student"].cat.categories) == sorted(names)
    assert list(ratings.frame["trainer"].cat.categories) == ["007"]


@pytest.mark.parametrize("name", ["1.1", "1,1", "Critère 1.1", "criterion 1.1", "CRITÈRE 1.1"])
def test_criteria_are_known_under_every_name(tmp_path: Path, name: str) -> None:
    rows = [["étudiant", "Formateur", name], ["E1", "F1", "2"]]
    assert contents(load_ratings(saved(tmp_path, text_of(rows, ";")))) == [("E1", "F1", "1.1", 2)]


def test_english_headers(tmp_path: Path) -> None:
    rows = [["student", "trainer", "INSPÉ", "criterion", "score"], *LONG[1:]]
    assert contents(load_ratings(saved(tmp_path, text_of(rows)))) == EXPECTED


@pytest.mark.parametrize("rows", [LONG, WIDE], ids=["long", "wide"])
def test_excel_with_numbers_as_numbers(tmp_path: Path, rows: Rows) -> None:
    def cell(text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return text or None

    assert contents(load_ratings(workbook(tmp_path, {"Feuil1": [[cell(text) for text in row] for row in rows]}))) == (
        EXPECTED
    )


def test_excel_with_titles_above_and_several_sheets(tmp_path: Path) -> None:
    first = [["Grille CRCNÉ"], [], *LONG[:3]]
    path = workbook(tmp_path, {"Lundi": first, "Vide": [], "Mardi": [LONG[0], *LONG[3:]]})
    assert contents(load_ratings(path)) == EXPECTED
    path = workbook(tmp_path, {"Lundi": first, "Mardi": [LONG[0], ["E9", "F1", "Lille", "1.1", 6]]})
    assert place(only(refused(path))) == ("notes.xlsx", "Mardi", 2, "niveau", "6")


def test_parquet_of_others_with_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame(LONG[1:], columns=LONG[0])
    frame["niveau"] = frame["niveau"].astype(float)
    frame.to_parquet(tmp_path / "notes.parquet")
    assert contents(load_ratings(tmp_path / "notes.parquet")) == EXPECTED


def test_a_folder_and_a_list_of_files_are_read_together(tmp_path: Path) -> None:
    parts = [
        saved(tmp_path, text_of(LONG[:3], ";"), "b.csv"),
        workbook(tmp_path, {"F": [LONG[0], *LONG[3:]]}, "a.xlsx"),
    ]
    saved(tmp_path, "lisez-moi", "notes.md")
    saved(tmp_path, "verrou", "~$a.xlsx")
    for source in (tmp_path, parts, [str(part) for part in parts]):
        ratings = load_ratings(source)
        assert contents(ratings) == EXPECTED
        assert [note.values["n"] for note in ratings.notes if note.key == "ratings.files_merged"] == [2]
        assert sorted((source.file, source.rows_read) for source in ratings.sources) == [("a.xlsx", 2), ("b.csv", 2)]


def test_what_the_file_is_its_content_says(tmp_path: Path) -> None:
    book = workbook(tmp_path, {"Feuil1": LONG}).read_bytes()
    assert contents(load_ratings(saved(tmp_path, book, "export.csv"))) == EXPECTED
    assert contents(load_ratings(saved(tmp_path, text_of(LONG, ";"), "export.xlsx"))) == EXPECTED


# What cannot


@pytest.mark.parametrize(
    "row, code, column, found",
    [
        (["E9", "F1", "Lille", "1.1", "moyen"], "unknown_level", "niveau", "moyen"),
        (["E9", "F1", "Lille", "1.1", "5"], "off_scale_score", "niveau", "5"),
        (["E9", "F1", "Lille", "1.1", "-1"], "off_scale_score", "niveau", "-1"),
        (["E9", "F1", "Lille", "1.1", "2,5"], "fractional_score", "niveau", "2.5"),
        (["E9", "F1", "Lille", "9.9", "2"], "unknown_criterion", "critere", "9.9"),
        (["E1", "F1", "Évry", "1.1", "3"], "duplicate_equal", "niveau", "3"),
        (["E1", "F1", "Évry", "1.1", "2"], "duplicate_contradictory", "niveau", "2"),
        (["", "F1", "Lille", "1.1", "2"], "empty_identifier", "etudiant", ""),
        (["E9", "", "Lille", "1.1", "2"], "empty_identifier", "formateur", ""),
        (["E9", "F1", "Lille", "", "2"], "empty_identifier", "critere", ""),
        (["E1", "F9", "Lille", "1.1", "2"], "two_inspes", "inspe", "Lille"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_fault_is_told_with_its_exact_place(
    tmp_path: Path, row: list[str], code: str, column: str, found: str, kind: str
) -> None:
    rows = [*LONG, row]
    if kind == "csv":
        problem = only(refused(saved(tmp_path, text_of(rows, ";"))))
        assert place(problem) == ("notes.csv", "", 6, column, found)
    else:
        problem = only(
            refused(workbook(tmp_path, {"Feuil1": rows, "Autre": [LONG[0], ["E8", "F1", "Lille", "1.1", "2"]]}))
        )
        assert place(problem) == ("notes.xlsx", "Feuil1", 6, column, found)
    assert problem.code == code


def test_a_duplicate_names_the_row_it_repeats(tmp_path: Path) -> None:
    problem = only(refused(saved(tmp_path, text_of([*LONG, ["E2", "F1", "Lille", "1.1", "3"]]))))
    assert (problem.row, problem.values["first_row"], problem.values["first_score"]) == (6, 4, 4)


def test_a_duplicate_across_files_names_its_own_file(tmp_path: Path) -> None:
    one, two = saved(tmp_path, text_of(LONG), "a.csv"), saved(tmp_path, text_of(LONG[:2]), "b.csv")
    problem = only(refused([one, two]))
    assert (problem.code, *place(problem)) == (
        "duplicate_equal_elsewhere", "b.csv", "", 2, "niveau", "3",
    )  # fmt: skip
    assert "a.csv" in problem.sentence(words("fr"))


def test_a_wide_fault_names_the_header_of_the_criterion(tmp_path: Path) -> None:
    path = saved(tmp_path, text_of([*WIDE, ["E3", "F1", "Lille", "2", "bien"]], ";"))
    problem = only(refused(path))
    assert (problem.code, *place(problem)) == ("unknown_level", "notes.csv", "", 5, "1.2", "bien")
    path = saved(tmp_path, text_of([*WIDE, ["E3", "F1", "Lille", "2", "7"]], ";"))
    assert place(only(refused(path))) == ("notes.csv", "", 5, "1.2", "7")


def test_the_empty_identifier_of_a_wide_row_is_told_once(tmp_path: Path) -> None:
    problem = only(refused(saved(tmp_path, text_of([*WIDE, ["", "F1", "Lille", "2", "1"]]))))
    assert (problem.code, *place(problem)) == ("empty_identifier", "notes.csv", "", 5, "etudiant", "")


def test_a_missing_column_tells_what_stands_there(tmp_path: Path) -> None:
    path = saved(tmp_path, text_of([row[:1] + row[2:] for row in LONG]))
    problem = only(refused(path))
    assert (problem.code, *place(problem)) == (
        "header_missing", "notes.csv", "", 1, "formateur", "etudiant, inspe, critere, niveau",
    )  # fmt: skip


@pytest.mark.parametrize("header", ["etudiant", "student", "Étudiant"])
def test_twice_the_same_column(tmp_path: Path, header: str) -> None:
    problem = only(refused(saved(tmp_path, text_of([[*LONG[0], header], *([*row, "E"] for row in LONG[1:])]))))
    assert (problem.code, *place(problem)) == ("header_twice", "notes.csv", "", 1, header, header)
    assert problem.values["first"] == "etudiant"


def test_twice_the_same_criterion_in_a_wide_table(tmp_path: Path) -> None:
    rows = [["etudiant", "formateur", "1.1", "1.2", "Critère 1.1"], ["E1", "F1", "2", "2", "2"]]
    problem = only(refused(saved(tmp_path, text_of(rows))))
    assert (problem.code, problem.column) == ("header_twice", "Critère 1.1")


@pytest.mark.parametrize("line, n", [("E9;F1;Lille;1.1", 4), ("E9;F1;Lille;1.1;2;trop", 6)])
def test_a_ragged_row_is_told_with_its_counts(tmp_path: Path, line: str, n: int) -> None:
    text = text_of(LONG[:3], ";") + line + "\n" + text_of(LONG[3:], ";")
    problem = only(refused(saved(tmp_path, text)))
    assert (problem.code, *place(problem)) == ("csv_ragged", "notes.csv", "", 4, "", line)
    assert (problem.values["expected_n"], problem.values["found_n"]) == (5, n)


def test_an_unclosed_quote_is_told_with_its_line(tmp_path: Path) -> None:
    text = text_of(LONG[:3]) + 'E9,"F1,Lille,1.1,2\n' + text_of(LONG[3:])
    problem = only(refused(saved(tmp_path, text)))
    assert (problem.code, problem.file, problem.row) == ("csv_quote", "notes.csv", 4)


@pytest.mark.parametrize("rows", [LONG[:1], WIDE[:1]], ids=["long", "wide"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_header_alone_holds_no_ratings(tmp_path: Path, rows: Rows, kind: str) -> None:
    path = saved(tmp_path, text_of(rows)) if kind == "csv" else workbook(tmp_path, {"Feuil1": rows})
    problem = only(refused(path))
    assert (problem.code, problem.file) == ("header_only", f"notes.{kind}")


def test_all_the_faults_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        *LONG,
        ["", "F1", "Lille", "1.1", "2"],
        ["E3", "F1", "Lille", "1.1", "bien"],
        ["E4", "F1", "Lille", "9.9", "2"],
        ["E5", "F1", "Lille", "1.1", "12"],
        ["E1", "F1", "Évry", "1.1", "3"],
        ["E6", "F1"],
    ]
    one = saved(tmp_path, text_of(rows, ";"), "a.csv")
    two = saved(tmp_path, text_of([*LONG[:1], ["E7", "F1", "Lille", "1.1", "1,5"]], ";"), "b.csv")
    found = {(problem.code, problem.file, problem.row) for problem in refused([one, two])}
    assert found == {
        ("empty_identifier", "a.csv", 6),
        ("unknown_level", "a.csv", 7),
        ("unknown_criterion", "a.csv", 8),
        ("off_scale_score", "a.csv", 9),
        ("duplicate_equal", "a.csv", 10),
        ("csv_ragged", "a.csv", 11),
        ("fractional_score", "b.csv", 2),
    }


def test_the_listing_is_bounded_and_the_count_exact(tmp_path: Path) -> None:
    rows = [LONG[0], *([f"E{number}", "F1", "Lille", "1.1", "bien"] for number in range(LISTED + 50))]
    with pytest.raises(DataError) as caught:
        load_ratings(saved(tmp_path, text_of(rows)), framework="2022-2023")
    assert len(caught.value.problems.items) == LISTED
    assert caught.value.problems.count == LISTED + 50
