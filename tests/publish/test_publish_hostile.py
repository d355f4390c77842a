"""Hostile identifiers do nothing, and identifiers of persons are nowhere in what is written."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Study
from crcne_stats.domain.students import Students
from crcne_stats.publish import tables
from crcne_stats.publish.write import write_study

HOSTILE = [
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", '+HYPERLINK("http://x")', "-2+3", "@SUM(1)", "a;=1+1",
    '"><img src=x onerror=alert(1)>', "$x^2$", "{{7*7}}", "</title><b>",
]  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Study:
    made = simulate(students=150, inspe=10, seed=3)
    frame = made.ratings.frame.copy()
    names = {
        "inspe": HOSTILE, "trainer_inspe": HOSTILE,
        "trainer": [f"{bad}trn_{k}" for k, bad in enumerate(HOSTILE * 20)],
        "student": [f"{bad}stu_{k}" for k, bad in enumerate(HOSTILE * 20)],
    }  # fmt: skip
    for column, new in names.items():
        old = frame[column].cat.categories
        frame[column] = frame[column].astype(object).map(dict(zip(old, new, strict=False)))
    ratings = Ratings.from_frame(frame.astype({"criterion": object}), framework=made.ratings.framework)
    known = dict(zip(made.ratings.frame["student"].cat.categories, names["student"], strict=False))
    people = made.students.frame.astype(object)
    people["student"], people["inspe"] = people["student"].map(known), None
    students = Students.from_frame(people, framework=ratings.framework)
    options = {name: {"resamples": 5} for name in ("agreement", "generalizability", "concordance")}
    options |= {"severity": {"simulations": 5}, "priorities": {"resamples": 20}}
    return study(ratings, students, options=options, seed=5)


def test_no_output_runs_or_names_anybody(
    hostile: Study, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    out = write_study(hostile, tmp_path / "study", "fr", notebooks=True, threshold=11)
    record = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (record["threshold"], record["trainers"]) == (11, "labels")
    assert set(record["notebooks"].values()) == {"done", "no_previous"}
    assert list(record["notebooks"].values()).count("no_previous") == 1
    persons = re.compile(r"(trn|stu)_\d")  # pictures in base64 hold no underscore
    for page in out.rglob("*.html"):
        text = page.read_text("utf-8")
        for bad in ("<script>alert", "<img src=x", "</title><b>"):
            assert bad not in text, page.name
    for name in [path.relative_to(out).as_posix() for path in out.rglob("*")]:
        assert not persons.search(name) and not any(bad in name for bad in HOSTILE)
    said = capfd.readouterr()
    for text in (said.out, said.err, caplog.text, (out / "manifest.json").read_text("utf-8")):
        assert not persons.search(text)
    for path in [*out.rglob("*.html"), *out.rglob("*.csv"), *out.rglob("*.ipynb"), *out.rglob("*.svg")]:
        assert not persons.search(path.read_text("utf-8")), path.name
    for path in out.rglob("*.csv"):
        for values in pd.read_csv(path, dtype=str, keep_default_na=False).to_numpy():
            for value in values:
                assert re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) or not re.match(r"[=+\-@\t\r]", value), (path, value)
                assert not re.search(r";\s*[=+@]", value)
    book = openpyxl.load_workbook(out / "tables.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert not any(isinstance(cell.value, str) and persons.search(cell.value) for cell in cells)
    assert any(cell.value == HOSTILE[0] for cell in cells)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1+1", "'=1+1"), ("-1", "-1"), ("+33,5", "+33,5"), ("-inf", "'-inf"), ("\t=1", "'\t=1"), (" @x", "' @x"),
        ("a;=cmd|x", "a;'=cmd|x"), ("a\n-b", "a\n'-b"), ("＝1+1", "'＝1+1"), ("a-b; c", "a-b; c"), ("0-1", "0-1"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_could_run_gets_an_apostrophe(given: str, written: str, tmp_path: Path) -> None:
    tables.write_csv(pd.DataFrame({"trainer": [given]}), tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv", dtype=str)["trainer"].tolist() == [written]
