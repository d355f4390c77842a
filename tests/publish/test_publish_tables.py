"""Tables as files: the same numbers for programs, safe and readable for Excel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result
from crcne_stats.publish import tables

FRAMEWORK = Framework.plain("test", ["c1", "c2"], range(4))


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trainer": pd.Categorical(["=1+1", "@cmd", "-5"]),
            "criterion": ["c1", "c2", "c2"],
            "value": [1 / 3, np.nan, -0.25],
            "share": [0.125, 0.5, 1.0],
            "n_students": np.array([1200, 3, 4], dtype=np.int64),
        }
    )


def test_csv_keeps_every_digit_and_runs_no_formula(tmp_path: Path) -> None:
    tables.write_csv(table(), tmp_path / "t.csv")
    raw = (tmp_path / "t.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    read = pd.read_csv(tmp_path / "t.csv", dtype={"trainer": str})
    assert read["trainer"].tolist() == ["'=1+1", "'@cmd", "-5"]
    assert read["value"].tolist()[0] == 1 / 3
    assert np.isnan(read["value"].tolist()[1])


def test_workbook_has_words_numbers_and_no_formula(tmp_path: Path) -> None:
    tables.write_workbook({"agreement": table()}, FRAMEWORK, tmp_path / "t.xlsx", "fr")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["colonnes", "agreement"]
    sheet = book["agreement"]
    assert [cell.value for cell in sheet[1]] == ["formateur", "critère", "valeur", "part", "étudiants"]
    assert [cell.data_type for cell in sheet["A"]] == ["s"] * 4
    assert sheet["A2"].value == "=1+1"
    assert sheet["C2"].value == 1 / 3
    assert sheet["C2"].number_format == "0.00"
    assert sheet["C3"].value is None
    assert sheet["D2"].number_format == "0%"
    assert sheet["E2"].value == 1200


def test_workbook_survives_what_xml_forbids(tmp_path: Path) -> None:
    odd = pd.DataFrame({"trainer": ["a\x00b", "x" * 40_000]})
    tables.write_workbook({"t": odd}, FRAMEWORK, tmp_path / "t.xlsx", "en")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"]
    assert sheet["A2"].value == "a b"
    assert len(sheet["A3"].value) == 32767


def test_sheet_names_are_short_and_told_apart(tmp_path: Path) -> None:
    names = [f"a-very-long-name-of-an-analysis-{k}" for k in range(12)] + ["a/b"]
    tables.write_workbook({name: table() for name in names}, FRAMEWORK, tmp_path / "t.xlsx", "fr")
    found = openpyxl.load_workbook(tmp_path / "t.xlsx").sheetnames
    assert len(set(found)) == 14
    assert max(map(len, found)) <= 31


def test_dictionary_explains_every_column() -> None:
    found = tables.dictionary({"agreement": table()}, "en")
    assert found["column"].tolist() == list(table().columns)
    assert found.loc[found["column"] == "share", "kind"].item() == "share, 0 to 1"
    assert (found["meaning"] != "").all()


def test_file_names_tell_analysis_and_table() -> None:
    result = Result("agreement", {"agreement": table(), "pairs": table()})
    assert list(tables.files(result)) == ["agreement", "agreement-pairs"]
