"""What the kit writes it reads back exactly, and a file that could not be written leaves the old one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.reading import is_error, is_rounded
from crcne_stats.data.saved import atomically
from crcne_stats.data.schema import as_code, schema
from crcne_stats.data.students import load_students, write_students
from crcne_stats.domain.frame import plain_text
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings, Source
from crcne_stats.domain.result import Note
from crcne_stats.domain.students import Students

OFFICIAL = load_framework("2022-2023")
KEYS = [criterion.key for criterion in OFFICIAL.criteria]
HOSTILE = [
    "=1+1", "+33", "-2", "@x", "'x", "''x", "'=1", "'",
    "001", "1E5", "1.0", "é", " é", "é ", "a,b", "a;b", 'a"b', '"', "a\nb",
    "l’élève", "日本", "None", "nan", "TRUE", "a  b", "\u200bx", "é".encode().decode("latin-1"),
]  # fmt: skip
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])))
IDENTIFIERS = NAMES.filter(lambda text: bool(plain_text(text)) and not is_error(text) and not is_rounded(text))
CODES = schema("students").missing | schema("ratings").missing
KNOWN = IDENTIFIERS.filter(lambda text: as_code(plain_text(text)) not in CODES)

MADE_UP = ["etudiant", "formateur"]
"""Columns of made-up texts, of which some look like the name of a person."""

KINDS = pytest.mark.parametrize("suffix", [".parquet", ".csv"])


def ratings_of(rows: list[dict[str, Any]], **options: Any) -> Ratings:
    return Ratings.from_frame(pd.DataFrame(rows), framework=OFFICIAL, **options)


@st.composite
def some_ratings(draw: st.DrawFn) -> Ratings:
    students = draw(st.lists(IDENTIFIERS, min_size=1, max_size=4, unique_by=plain_text))
    trainers = draw(st.lists(IDENTIFIERS, min_size=1, max_size=3, unique_by=plain_text))
    home = {student: draw(st.one_of(st.none(), KNOWN)) for student in students}
    pairs = st.tuples(st.sampled_from(students), st.sampled_from(trainers), st.sampled_from(KEYS))
    rated = draw(st.lists(pairs, min_size=1, max_size=12, unique=True))
    rows = [
        {"student": s, "trainer": t, "criterion": c, "score": draw(st.integers(0, 4)), "inspe": home[s], "mention": "1"}
        for s, t, c in rated
    ]
    return ratings_of(rows, simulated=draw(st.booleans()))


@st.composite
def some_students(draw: st.DrawFn) -> Students:
    names = draw(st.lists(IDENTIFIERS, min_size=1, max_size=5, unique_by=plain_text))
    level = st.sampled_from([level.key for level in OFFICIAL.levels])
    rows = [
        {
            "student": name,
            "inspe": draw(st.one_of(st.none(), KNOWN)),
            "inspe_level": draw(level),
            "pix_level": draw(st.one_of(st.none(), level)),
            "pix_gate": draw(st.sampled_from([None, "admissible", "not_admissible"])),
            "jury": draw(st.sampled_from([None, "level", "waiting"])),
            "pix_score": draw(st.one_of(st.none(), st.integers(1, 900))),
        }
        for name in names
    ]
    return Students.from_frame(pd.DataFrame(rows), framework=OFFICIAL, simulated=draw(st.booleans()))


@KINDS
@settings(max_examples=60, deadline=None)
@given(ratings=some_ratings())
def test_ratings_come_back_exactly(suffix: str, ratings: Ratings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_ratings(ratings, Path(folder) / f"notes{suffix}")
        again = load_ratings(path, framework=None if suffix == ".parquet" else OFFICIAL, allow=MADE_UP)
    pd.testing.assert_frame_equal(again.frame, ratings.frame)
    assert again.simulated == ratings.simulated
    assert again.framework == ratings.framework


@KINDS
@settings(max_examples=60, deadline=None)
@given(students=some_students())
def test_students_come_back_exactly(suffix: str, students: Students) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_students(students, Path(folder) / f"etudiants{suffix}")
        again = load_students(path, framework=OFFICIAL, allow=MADE_UP)
    pd.testing.assert_frame_equal(again.frame, students.frame)
    assert again.simulated == students.simulated


@KINDS
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_identifier_comes_back(tmp_path: Path, name: str, suffix: str) -> None:
    ratings = ratings_of([{"student": name, "trainer": "F1", "criterion": "1.1", "score": 2}])
    again = load_ratings(write_ratings(ratings, tmp_path / f"notes{suffix}"), framework=OFFICIAL)
    pd.testing.assert_frame_equal(again.frame, ratings.frame)


@pytest.mark.parametrize("name", ["=1+1", "+33", "-2", "@x", "'x"])
def test_no_cell_of_a_csv_is_run_as_a_formula(tmp_path: Path, name: str) -> None:
    ratings = ratings_of([{"student": name, "trainer": name, "criterion": "1.1", "score": 2, "inspe": name}])
    students = Students.from_frame(pd.DataFrame({"student": [name], "inspe": [name]}), framework=OFFICIAL)
    for path in (write_ratings(ratings, tmp_path / "r.csv"), write_students(students, tmp_path / "s.csv")):
        cells = path.read_text(encoding="utf-8").splitlines()[1].split(",")
        assert not any(cell.startswith(tuple("=+-@")) for cell in cells)


def test_texts_that_look_the_same_are_the_same() -> None:
    ratings = ratings_of(
        [
            {"student": student, "trainer": trainer, "criterion": "1.1", "score": 2}
            for student, trainer in (("a\u00a0b", "É1"), ("a b", "E\u03011"), ("a b\u200b", "E1"))
            if trainer != "É1"
        ]
    )
    assert list(ratings.frame["student"].cat.categories) == ["a b"]
    assert list(ratings.frame["trainer"].cat.categories) == ["E1", "É1"]


@pytest.mark.parametrize("name", ["NA", "ABS", "-"])
def test_a_pseudonym_may_look_like_a_missing_code(tmp_path: Path, name: str) -> None:
    students = Students.from_frame(pd.DataFrame({"student": [name]}), framework=OFFICIAL)
    again = load_students(write_students(students, tmp_path / "s.csv"), framework=OFFICIAL)
    assert list(again.frame["student"]) == [name]


def test_notes_sources_and_framework_survive_in_parquet(tmp_path: Path) -> None:
    plain = Framework.plain("autre", ["a", "b"], {"a": range(1, 4), "b": range(1, 7)})
    frame = pd.DataFrame({"student": ["x", "y"], "trainer": "t", "criterion": ["a", "b"], "score": [3, 6]})
    ratings = Ratings.from_frame(
        frame,
        framework=plain,
        notes=[Note("ratings.files_merged", {"n": 2}, "finding", 75)],
        sources=[Source("é.csv", "0" * 64, 2)],
        simulated=True,
    )
    again = load_ratings(write_ratings(ratings, tmp_path / "notes.parquet"))
    pd.testing.assert_frame_equal(again.frame, ratings.frame)
    assert (again.framework, again.notes, again.sources, again.simulated) == (
        plain, ratings.notes, ratings.sources, True,
    )  # fmt: skip


@KINDS
@pytest.mark.parametrize("simulated", [True, False])
def test_the_simulated_mark_survives(tmp_path: Path, suffix: str, simulated: bool) -> None:
    ratings = ratings_of([{"student": "E1", "trainer": "F1", "criterion": "1.1", "score": 2}], simulated=simulated)
    assert load_ratings(write_ratings(ratings, tmp_path / f"r{suffix}")).simulated is simulated
    students = Students.from_frame(pd.DataFrame({"student": ["E1"]}), framework=OFFICIAL, simulated=simulated)
    assert load_students(write_students(students, tmp_path / f"s{suffix}")).simulated is simulated


@KINDS
def test_the_same_ratings_are_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    rows = [{"student": s, "trainer": "F1", "criterion": "1.1", "score": 2} for s in ("E2", "E1")]
    one = write_ratings(ratings_of(rows), tmp_path / f"one{suffix}")
    two = write_ratings(ratings_of(rows[::-1]), tmp_path / f"two{suffix}")
    assert one.read_bytes() == two.read_bytes()


@KINDS
def test_a_folder_that_is_not_there_is_made(tmp_path: Path, suffix: str) -> None:
    ratings = ratings_of([{"student": "E1", "trainer": "F1", "criterion": "1.1", "score": np.int64(2)}])
    assert write_ratings(ratings, tmp_path / "a" / "b" / f"r{suffix}").is_file()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "notes.csv"
    target.write_text("avant", encoding="utf-8")

    def fail(path: Path) -> None:
        path.write_text("à moitié", encoding="utf-8")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        atomically(target, fail)
    assert target.read_text(encoding="utf-8") == "avant"
    assert list(tmp_path.iterdir()) == [target]


@KINDS
def test_the_writers_are_whole_or_not_at_all(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ratings_of([{"student": "E1", "trainer": "F1", "criterion": "1.1", "score": 2}])
    target = write_ratings(first, tmp_path / f"notes{suffix}")
    before = target.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    monkeypatch.setattr("pyarrow.parquet.write_table", fail)
    with pytest.raises(OSError, match="no space"):
        write_ratings(ratings_of([{"student": "E2", "trainer": "F1", "criterion": "1.1", "score": 3}]), target)
    students = Students.from_frame(pd.DataFrame({"student": ["E1"]}), framework=OFFICIAL)
    with pytest.raises(OSError, match="no space"):
        write_students(students, target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]
