"""The record of a study: enough to make it again, nothing of persons or machines."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crcne_stats.domain.errors import DataError
from crcne_stats.domain.framework import Framework
from crcne_stats.publish import manifest

FRAMEWORK = Framework.plain("test", ["c1", "c2"], range(4))


def codes(error: pytest.ExceptionInfo[DataError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def a_call(folder: Path) -> dict[str, object]:
    (folder / "r.csv").write_text("a,b\n1,2\n")
    (folder / "s.csv").write_text("c\n")
    inputs = {"ratings": [folder / "r.csv"], "students": [folder / "s.csv"], "pix": []}
    return {"call": manifest.called({"framework": "2022-2023"}, inputs)}


def test_paths_tell_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert manifest.relative(tmp_path / "work" / "sub" / "r.csv") == "sub/r.csv"
    assert manifest.relative(tmp_path / "elsewhere" / "r.csv") == "r.csv"
    assert manifest.relative("sub/r.csv") == "sub/r.csv"
    assert manifest.relative("") == ""


def test_replay_finds_the_files_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = a_call(tmp_path)
    found = manifest.replayed(record, {})
    assert found == {"ratings": [Path("r.csv")], "students": [Path("s.csv")], "pix": []}


def test_replay_takes_files_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = a_call(tmp_path)
    (tmp_path / "r.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(DataError) as error:
        manifest.replayed(record, {})
    assert codes(error) == ["replay_missing"]
    assert manifest.replayed(record, {"ratings": [tmp_path / "moved.csv"]})["ratings"] == [tmp_path / "moved.csv"]


def test_replay_refuses_changed_files_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = a_call(tmp_path)
    (tmp_path / "r.csv").write_text("a,b\n1,3\n")
    (tmp_path / "s.csv").write_text("d\n")
    with pytest.raises(DataError) as error:
        manifest.replayed(record, {})
    assert codes(error) == ["replay_changed", "replay_changed"]
    assert "r.csv" in error.value.text("fr")
    with pytest.raises(DataError) as error:
        manifest.replayed(record, {"ratings": [tmp_path / "r.csv", tmp_path / "s.csv"]})
    assert codes(error) == ["replay_other_number", "replay_changed"]


def test_the_hash_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "r.csv").write_text("a")
    (tmp_path / "two" / ".hidden").write_text("x")
    (tmp_path / "two" / "~$r.xlsx").write_text("x")
    assert manifest.file_hash(tmp_path / "one") == manifest.file_hash(tmp_path / "two")
    (tmp_path / "two" / "sub" / "r.csv").write_text("b")
    assert manifest.file_hash(tmp_path / "one") != manifest.file_hash(tmp_path / "two")


def test_another_framework_is_refused() -> None:
    record = {"framework": {"version": "test", "sha256": manifest.framework_hash(FRAMEWORK)}}
    manifest.check_framework(record, FRAMEWORK)
    with pytest.raises(DataError) as error:
        manifest.check_framework(record, dataclasses.replace(FRAMEWORK, version="other"))
    assert codes(error) == ["replay_framework"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"crcne_stats": "1", "form": 99}', "\x00"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError) as error:
        manifest.read(tmp_path / "manifest.json")
    assert codes(error) == ["not_a_manifest"]


def test_values_become_plain_json() -> None:
    value = {"a": np.float64("nan"), 1: np.array([[1, 2]]), "s": {3}, "f": pd.DataFrame(), "b": True, "n": np.int16(4)}
    table = {"rows": 0, "sha256": hashlib.sha256(b"\n").hexdigest()}
    assert manifest.plain(value) == {"a": None, "1": [[1, 2]], "s": [3], "f": table, "b": True, "n": 4}
