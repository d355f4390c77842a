"""What a killed run leaves: its target is absent or whole, never half."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from crcne_stats.data.ratings import load_ratings
from crcne_stats.publish.manifest import file_hash
from crcne_stats.publish.manifest import read as read_manifest

SCRIPT = Path(__file__).with_name("killed_runs.py")
TARGETS = {"parquet": "r.parquet", "csv": "r.csv", "template": "g.xlsx", "report": "f.xlsx", "pseudonymise": "p.csv"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that part from this one")


def left(base: Path, kind: str) -> dict[str, Path]:
    """Run the writers and give the folder of each run."""
    subprocess.run([sys.executable, str(SCRIPT), str(base), kind], check=True, timeout=500)
    return {folder.name: folder for folder in sorted(base.iterdir()) if folder.is_dir()}


def shown(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_file_is_absent_or_whole(tmp_path: Path, kind: str) -> None:
    name = TARGETS[kind]
    folders = left(tmp_path, kind)
    whole = folders.pop("whole") / name
    assert whole.is_file()
    absent = 0
    for folder in folders.values():
        target = folder / name
        others = shown(folder) - {name}
        assert others <= {"key"}, others
        if not target.exists():
            absent += 1
        elif name.endswith(".csv"):
            assert kind == "pseudonymise" or target.read_bytes() == whole.read_bytes()
            assert len(target.read_bytes().splitlines()) == len(whole.read_bytes().splitlines())
        elif name.endswith(".parquet"):
            assert load_ratings(target).frame.equals(load_ratings(whole).frame)
        else:
            with zipfile.ZipFile(target) as archive:
                assert archive.testzip() is None
            assert openpyxl.load_workbook(target).sheetnames == openpyxl.load_workbook(whole).sheetnames
        if kind == "pseudonymise":
            key = folder / "key"
            # Without the key of its pseudonyms a file can never be joined to another.
            assert key.exists() or not target.exists()
            assert not key.exists() or (
                key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == (whole.parent / "key").stat().st_size
            )
    assert absent > 2, "no run was killed before its file was there"


@pytest.mark.slow
def test_a_study_is_absent_or_whole(tmp_path: Path) -> None:
    folders = left(tmp_path, "study")
    whole = folders.pop("whole")
    assert shown(whole) == {"study"}
    absent = 0
    for folder in folders.values():
        assert shown(folder) <= {"study"}
        study = folder / "study"
        if not study.exists():
            absent += 1
            continue
        listed = read_manifest(study / "manifest.json")["files"]
        assert {name: file_hash(study / name) for name in listed} == listed
    assert absent > 2
