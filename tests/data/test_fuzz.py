"""Broken files: some hundred here, ten thousand in ``tools/fuzz.py``; and the least file of each fault it has found."""

from __future__ import annotations

import importlib
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.schema import folded
from crcne_stats.data.students import load_students, write_students
from crcne_stats.data.validate import validate
from crcne_stats.domain.errors import DataError

TOOLS = Path(__file__).parents[2] / "tools"
LONG = "etudiant;formateur;critere;niveau\n"

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="a source archive has no tools")


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    sys.path.insert(0, str(TOOLS))
    try:
        yield importlib.import_module("fuzz")
    finally:
        sys.path.remove(str(TOOLS))


def codes(path: Path) -> list[str]:
    return [problem.code for problem in validate(path).problems]


def test_some_hundred_broken_files_are_refused_or_read_as_they_stand(fuzz: ModuleType, tmp_path: Path) -> None:
    all_seeds = fuzz.seeds()
    # Another seed than the long run's; number 0 would start the program itself.
    outcomes = [fuzz.tried(*fuzz.case(all_seeds, 2, number), number, tmp_path) for number in range(1, 250)]
    assert [one for one in outcomes if one.kind in fuzz.BAD] == []
    assert {one.kind for one in outcomes} >= {"refused", "accepted"}


def test_the_run_repeats_and_reports(fuzz: ModuleType) -> None:
    once, again = fuzz.seeds(), fuzz.seeds()
    for number in range(60):
        assert fuzz.case(once, 5, number) == fuzz.case(again, 5, number)
    page = fuzz.report([fuzz.Outcome(0, "long-utf8", "cut", "slow", "11 s", 11.0)], 5)
    assert "1 failures" in page and "| long-utf8 | 0 | 0 | 0 | 1 |" in page


def test_the_plain_reading_finds_a_wrong_score(
    fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that cannot fail is none: a kit that read every 3 as a 4 would be found out."""
    seed = next(seed for seed in fuzz.seeds() if seed.name == "long-utf8")

    def wrong(path: Path) -> object:
        ratings = load_ratings(path)
        ratings.frame["score"] = ratings.frame["score"].replace(3, 4)
        return ratings

    monkeypatch.setattr(fuzz, "load_ratings", wrong)
    assert fuzz.tried(seed, "none", seed.content, 1, tmp_path).kind == "differs"


def test_a_hang_and_a_death_are_told(fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = fuzz.seeds()[0]
    monkeypatch.setattr(fuzz, "LIMIT", -1.0)
    assert fuzz.tried(seed, "none", seed.content, 1, tmp_path).kind == "slow"
    monkeypatch.setattr(fuzz, "_judged", lambda *args: 1 / 0)
    assert fuzz.tried(seed, "none", seed.content, 1, tmp_path).kind == "traceback"


@pytest.mark.slow
def test_two_thousand_in_two_processes(fuzz: ModuleType) -> None:
    outcomes = list(fuzz.run(range(2000), 3, 2))
    assert len(outcomes) == 2000
    assert [one for one in outcomes if one.kind in fuzz.BAD] == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ('E1;F1;1.1;2\nE2;F1;"1.1;3\nE3;F1;1.1";4\n', [("unknown_criterion", 3)]),
        ('E"1;F1;1.1;2\nE2";F1;1.1;9\n', [("off_scale_score", 3)]),
        (
            '"E1";F1;1.1;2\nx"E2"y;F1;1.1;3\n"E\n3";F1;1.1;9\nE4;F1;1.1;8',
            [("off_scale_score", 4), ("off_scale_score", 6)],
        ),
    ],
)
def test_a_quotation_mark_within_a_cell_shifts_no_row(tmp_path: Path, rows: str, told: list[tuple[str, int]]) -> None:
    path = tmp_path / "r.csv"
    path.write_text(LONG + rows, encoding="utf-8")
    assert [(problem.code, problem.row) for problem in validate(path).problems] == told


def rezipped(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == "xl/worksheets/sheet1.xml" else old.read(name))
    return out.getvalue()


@pytest.mark.parametrize("place", ["XFD1048576", "XFD900000", "ZZZZ9", "A4294967296", "AB1048576"])
def test_a_cell_at_the_far_end_is_refused_in_no_time(fuzz: ModuleType, tmp_path: Path, place: str) -> None:
    seed = next(seed for seed in fuzz.seeds() if seed.name == "book-long")
    path = tmp_path / "far.xlsx"
    # The far cell stands in an early row, so that the last row does not tell of it.
    path.write_bytes(rezipped(seed.content, lambda text: text.replace(b'r="C3"', f'r="{place}"'.encode())))
    assert codes(path) == ["sheet_too_large"]


@pytest.mark.parametrize("attributes", ['pageOrder="downThenOver" r="B1"', 'color="auto12345678"'])
def test_other_attributes_are_no_places(fuzz: ModuleType, tmp_path: Path, attributes: str) -> None:
    """LibreOffice writes attributes whose names end in r."""
    seed = next(seed for seed in fuzz.seeds() if seed.name == "book-long")
    path = tmp_path / "fine.xlsx"
    end = f"</sheetData><pageSetup {attributes}/>".encode()
    path.write_bytes(rezipped(seed.content, lambda text: text.replace(b"</sheetData>", end)))
    assert codes(path) == []


def test_an_archive_cut_inside_is_refused(fuzz: ModuleType, tmp_path: Path) -> None:
    seed = next(seed for seed in fuzz.seeds() if seed.name == "book-students")
    start = seed.content.index(b"xl/worksheets/sheet1.xml")
    for place in range(start - 12, start, 4):
        content = bytearray(seed.content)
        content[place : place + 4] = b"\xff\xff\xff\x7f"
        path = tmp_path / "cut.xlsx"
        path.write_bytes(bytes(content))
        assert set(codes(path)) <= {"workbook_unreadable"}


@pytest.mark.parametrize("score", ["7", "abc", None])
def test_a_parquet_file_of_our_own_that_was_changed_is_not_trusted(tmp_path: Path, score: str | None) -> None:
    rows = pd.DataFrame({"etudiant": ["a", "b"], "formateur": "f", "critere": "1.1", "niveau": [1, 2]})
    path = write_ratings(load_ratings(rows, framework="2022-2023"), tmp_path / "r.parquet")
    table = pyarrow.parquet.read_table(path)
    place = table.column_names.index("score")
    changed = table.set_column(place, "score", pa.array(["1", score], pa.string()))
    pyarrow.parquet.write_table(changed, path)
    if score is None:
        assert len(load_ratings(path)) == 1
        return
    with pytest.raises(DataError) as caught:
        load_ratings(path)
    (problem,) = caught.value.problems
    assert problem.row == 3 and problem.code in ("off_scale_score", "unknown_level")


def test_a_changed_parquet_file_of_students_is_not_trusted(tmp_path: Path) -> None:
    rows = pd.DataFrame({"etudiant": ["a", "b"], "niveau_inspe": ["Expert", "Initié"]})
    path = write_students(load_students(rows, framework="2022-2023"), tmp_path / "s.parquet")
    table = pyarrow.parquet.read_table(path)
    changed = table.set_column(0, "student", pa.array(["a", "a"], pa.string()))
    pyarrow.parquet.write_table(changed, path)
    with pytest.raises(DataError):
        load_students(path)


def test_a_parquet_text_of_two_bytes_a_letter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    student = pa.array(["E1".encode("utf-16-le")])
    columns = {"etudiant": student, "formateur": ["F"], "critere": ["1.1"], "niveau": ["2"]}
    pyarrow.parquet.write_table(pa.table(columns), path)
    assert codes(path) == ["parquet_unreadable"]


def test_a_column_of_scores_whose_criterion_is_unknown_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("etudiant;formateur;1.1;9.9;1.2 remarque\nE1;F1;2;3;bien\n", encoding="utf-8")
    (problem,) = validate(path).problems
    assert (problem.code, problem.row, problem.column) == ("unknown_criterion", 1, "9.9")
    path.write_text("etudiant;formateur;1.1;9.9;1.2 remarque\nE1;F1;2;;bien\n", encoding="utf-8")
    ratings = load_ratings(path, framework="2022-2023")
    assert len(ratings) == 1
    assert [note.values["n"] for note in ratings.notes if note.key == "ratings.columns_set_aside"] == [2]


def test_letters_of_other_alphabets_count() -> None:
    assert folded("Øc") != folded("c")
    assert folded("«Confirmé»") == folded("CONFIRME") == "confirme"
