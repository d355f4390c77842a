"""The trainers' grid: what stands in it, and that what comes back loads without a question."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from crcne_stats.data.declared import grid_version
from crcne_stats.data.grid import sheet_names, write_grid
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.data.validate import validate
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import available, load_framework
from crcne_stats.domain.students import Students
from crcne_stats.words import languages, words

HEADER = 5
CODES = ["00123", "123", "1E5", "É-7", "=1+1", "O’Hara"]

GLOBAL = """
[[criteria]]
key = "G"
item = "8"
role = "global"
scale = ""
fr = "Niveau global"
en = "Overall level"
"""


def listed(version: str | Framework = "2022-2023", **more: Any) -> Students:
    frame = pd.DataFrame({"etudiant": CODES, "inspe": ["Évry", "Lille"] * 3, **more})
    return load_students(frame, framework=version)


def header_of(sheet: Worksheet) -> list[str]:
    return [cell.value for cell in sheet[HEADER]]


def fill(path: Path, skip: str = "") -> dict[tuple[str, str, str], int]:
    """Choose a level from the list of each cell, as a trainer does; what was chosen, by student, trainer, header."""
    book = openpyxl.load_workbook(path)
    chosen: dict[tuple[str, str, str], int] = {}
    for sheet in book.worksheets[:-1]:
        header = header_of(sheet)
        offered = {
            place: choices(sheet, cell.coordinate)
            for place, cell in enumerate(sheet[HEADER + 1])
            if not cell.protection.locked and header[place] != "formateur"
        }
        for number, row in enumerate(sheet.iter_rows(min_row=HEADER + 1), HEADER + 1):
            for place, entries in offered.items():
                pick = (3 * number + place) % len(entries)
                row[place].value = entries[pick]
                if entries[pick] != "NE":
                    chosen[str(row[0].value), str(row[1].value or skip), header[place]] = pick
            if skip:
                row[1].value = skip
    book.save(path)
    return chosen


def choices(sheet: Worksheet, place: str) -> list[Any]:
    """What the drop-down list of a cell offers."""
    (rule,) = [rule for rule in sheet.data_validations.dataValidation if place in rule.sqref]
    assert (rule.type, rule.errorStyle, rule.showErrorMessage) == ("list", "stop", True)
    name, cells = rule.formula1.rsplit("!", 1)
    return [cell.value for (cell,) in sheet.parent[name.strip("'").replace("''", "'")][cells.replace("$", "")]]


def taken(path: Path, **options: Any) -> tuple[dict[tuple[str, str, str], int], Any]:
    ratings = load_ratings(path, **options)
    rows = ratings.frame[["student", "trainer", "criterion", "score"]].astype(object).itertuples(index=False)
    return {(row.student, row.trainer, row.criterion): int(row.score) for row in rows}, ratings


def by_key(chosen: dict[tuple[str, str, str], int], framework: Framework, lang: str) -> dict[tuple[str, str, str], int]:
    """The criteria by key: the headers are keys and wordings."""
    keys = {f"{one.key} {framework.name('criterion', one.key, lang)}": one.key for one in framework.criteria}
    return {(student, trainer, keys.get(header, header)): score for (student, trainer, header), score in chosen.items()}


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("version", available())
@pytest.mark.parametrize("trainers", [None, ["F/02", "Feuil1"]])
def test_a_filled_grid_loads_without_a_question(tmp_path: Path, version: str, lang: str, trainers: Any) -> None:
    path = write_grid(listed(version), tmp_path / "g.xlsx", trainer=trainers, lang=lang)
    chosen = fill(path, skip="F09" if trainers is None else "")
    found, ratings = taken(path)
    assert ratings.framework == load_framework(version)
    assert found == by_key(chosen, ratings.framework, lang) and len(found) > 50
    names = {note.key for note in ratings.notes}
    assert names <= {
        "ratings.framework_carried", "ratings.missing_cells", "ratings.trainer_inspe_inferred",
        "ratings.sheets_set_aside",
    }  # fmt: skip
    inspe = ratings.frame[["student", "inspe"]].drop_duplicates().astype(str)
    assert dict(inspe.itertuples(index=False)) == dict(zip(CODES, ["Évry", "Lille"] * 3, strict=True))
    found_out = validate(path)
    assert not found_out.problems and found_out.framework == version


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("version", available())
def test_phases_items_and_wordings_stand_above_the_criteria(tmp_path: Path, version: str, lang: str) -> None:
    framework, w = load_framework(version), words(lang)
    path = write_grid(listed(version), tmp_path / "g.xlsx", trainer="F01", lang=lang)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    place = {text: number for number, text in enumerate(header_of(sheet), 1)}
    merged = {(m.min_row, column): m for m in sheet.merged_cells.ranges for column in range(m.min_col, m.max_col + 1)}
    for criterion in framework.criteria:
        wording = framework.name("criterion", criterion.key, lang)
        column = place[f"{criterion.key} {wording}"]
        phase = framework.phase_of(criterion.key)
        for row, kind, key in ((3, "phase", phase), (4, "item", criterion.item)):
            first = merged[row, column].min_col if (row, column) in merged else column
            assert sheet.cell(row, first).value == f"{key}. {framework.name(kind, key, lang)}"
        note = sheet.cell(HEADER, column).comment.text
        assert wording in note and framework.name("phase", phase, lang) in note
    assert book.sheetnames[-1] == w("grid.legend.sheet")
    legend = [str(cell.value) for row in book.worksheets[-1].iter_rows() for cell in row if cell.value is not None]
    assert version in legend and framework.title[lang] in legend
    for level in framework.levels:
        assert level.text[lang] in legend
    assert version in sheet.cell(2, 1).value


def test_what_is_no_score_is_protected(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_grid(listed(), tmp_path / "g.xlsx", trainer="F01"))
    for sheet in book.worksheets:
        assert sheet.protection.sheet and not sheet.protection.password
    sheet = book.worksheets[0]
    opened = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    last = HEADER + len(CODES)
    assert opened == {
        sheet.cell(row, column).coordinate for row in range(HEADER + 1, last + 1) for column in range(4, 23)
    }
    assert [sheet.cell(row, 1).value for row in range(HEADER + 1, last + 1)] == sorted(CODES)
    assert all(sheet.cell(row, 1).data_type == "s" for row in range(HEADER + 1, last + 1))


def test_the_version_stands_in_the_properties_and_a_foreign_one_is_no_hindrance(tmp_path: Path) -> None:
    path = write_grid(listed("2026-illustration"), tmp_path / "g.xlsx", trainer="F01")
    assert grid_version(path) == "2026-illustration"
    with zipfile.ZipFile(path) as archive:
        assert b"2026-illustration" in archive.read("docProps/custom.xml")
    # Whoever names another framework is taken at his word, and told what does not fit.
    fill(path)
    other = load_framework("2022-2023")
    codes = {problem.code for problem in validate(path, framework=other).problems}
    assert codes == set() or codes <= {"unknown_criterion", "header_twice"}


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("trainers", ["F01", ["F01", "F02"]])
def test_the_overall_level_stands_apart(tmp_path: Path, lang: str, trainers: Any) -> None:
    framework = Framework.from_toml(load_framework("2022-2023").to_toml() + GLOBAL)
    students = listed(framework)
    path = write_grid(students, tmp_path / "g.xlsx", trainer=trainers, lang=lang)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    header = header_of(sheet)
    assert header[-1].startswith("G ")
    assert sheet.cell(3, len(header)).value == words(lang)("grid.overall")
    chosen = fill(path)
    found, _ = taken(path, framework=framework)
    assert found == by_key(chosen, framework, lang)
    assert any(criterion == "G" for _, _, criterion in found)


def test_a_half_filled_grid_is_only_missing_cells(tmp_path: Path) -> None:
    path = write_grid(listed(), tmp_path / "g.xlsx", trainer="F01")
    book = openpyxl.load_workbook(path)
    book.worksheets[0].cell(HEADER + 1, 4).value = "confirme"
    book.save(path)
    ratings = load_ratings(path)
    assert len(ratings) == 1
    missing = sum(note.values["n"] for note in ratings.notes if note.key == "ratings.missing_cells")
    assert missing == 19 * len(CODES) - 1
    empty = write_grid(listed(), tmp_path / "e.xlsx", trainer="F01")
    assert [problem.code for problem in validate(empty).problems] == ["no_ratings"]


def test_grids_of_a_folder_load_as_one(tmp_path: Path) -> None:
    for trainer in ("F01", "F02"):
        fill(write_grid(listed(), tmp_path / f"{trainer}.xlsx", trainer=trainer))
    ratings = load_ratings(tmp_path)
    assert ratings.frame["trainer"].nunique() == 2
    assert ratings.framework.version == "2022-2023"


def test_mention_and_session_have_columns_where_they_are_known(tmp_path: Path) -> None:
    path = write_grid(listed(mention="1", session="2022-2023"), tmp_path / "g.xlsx", trainer="F01")
    header = header_of(openpyxl.load_workbook(path).worksheets[0])
    assert header[:5] == ["etudiant", "formateur", "inspe", "mention", "session"]
    fill(path)
    frame = load_ratings(path).frame
    assert set(frame["session"].astype(str)) == {"2022-2023"} and set(frame["mention"].astype(str)) == {"1"}


def test_a_filled_grid_is_never_overwritten(tmp_path: Path) -> None:
    path = write_grid(CODES, tmp_path / "g.xlsx", framework="2022-2023")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_grid(CODES, path, framework="2022-2023")
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="xlsx"):
        write_grid(CODES, tmp_path / "g.csv", framework="2022-2023")


@pytest.mark.parametrize(
    ("trainer", "code"),
    [("", "grid_trainer_empty"), ("F\x01", "grid_control_character"), ("#N/A", "cell_error"),
     ("1,23457E+12", "identifier_rounded"), ("jean.dupont@exemple.fr", "direct_identifier_value")],
)  # fmt: skip
def test_trainers_that_could_not_come_back_are_refused(tmp_path: Path, trainer: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        write_grid(CODES, tmp_path / "g.xlsx", framework="2022-2023", trainer=[trainer])
    assert code in {problem.code for problem in caught.value.problems}
    assert list(tmp_path.iterdir()) == []


def test_names_of_sheets_are_those_that_excel_takes() -> None:
    names = sheet_names(["a/b", "A b", "a?b", "x" * 40, "x" * 41, "", "'", "History", "Légende"], ["légende"])
    assert len({name.casefold() for name in names}) == len(names)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert "history" not in [name.casefold() for name in names]
