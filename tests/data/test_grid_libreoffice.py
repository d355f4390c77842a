"""The trainers' grid in LibreOffice: opened, filled and saved there, through its own format too, it loads as filled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from crcne_stats.data.grid import write_grid
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.domain.frameworks import available
from crcne_stats.words import words

SOFFICE = shutil.which("soffice")
HEADER = 5

pytestmark = [pytest.mark.slow, pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")]


def converted(path: Path, kind: str, profile: Path) -> Path:
    """The file as LibreOffice saves it in another format, in a folder of its own."""
    out = path.parent / f"{kind}-{path.stem}"
    out.mkdir()
    call = [str(SOFFICE), f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", kind]
    subprocess.run([*call, "--outdir", str(out), str(path)], check=True, capture_output=True, timeout=300)
    return out / f"{path.stem}.{kind}"


def filled(path: Path) -> int:
    """Levels and missing codes in every open cell, as its list writes them; how many levels."""
    book = openpyxl.load_workbook(path)
    count = 0
    legend = [row[0].value for row in book.worksheets[-1].iter_rows() if row[0].value is not None]
    entries = legend[-6:]
    assert entries[-1] == "NE"
    for sheet in book.worksheets[:-1]:
        for row in sheet.iter_rows(min_row=HEADER + 1):
            for place, cell in enumerate(row):
                if not cell.protection.locked:
                    cell.value = entries[(cell.row + place) % 6]
                    count += cell.value != "NE"
    book.save(path)
    return count


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("version", available())
def test_a_grid_survives_libreoffice(tmp_path: Path, version: str, lang: str) -> None:
    codes = ["00123", "123", "1E5", "É-7", "=1+1", "O’Hara"]
    students = load_students(pd.DataFrame({"etudiant": codes, "inspe": ["Évry", "Lille"] * 3}), framework=version)
    path = write_grid(students, tmp_path / "grid.xlsx", trainer=["F01", "F02"], lang=lang)
    profile = tmp_path / "profile"
    # Opened and saved once empty, then filled, then saved again by way of LibreOffice's own format.
    opened = converted(path, "xlsx", profile)
    count = filled(opened)
    direct = load_ratings(opened)
    assert len(direct) == count > 150
    own = converted(opened, "ods", profile)
    back = converted(own, "xlsx", profile)
    for saved in (own, back):
        framework = None if saved is back else version  # an .ods file names no version
        again = load_ratings(saved, framework=framework)
        pd.testing.assert_frame_equal(again.frame, direct.frame)
        assert again.framework.version == version
    book = openpyxl.load_workbook(back)
    assert book.sheetnames == ["F01", "F02", words(lang)("grid.legend.sheet")]
    for sheet in book.worksheets[:-1]:
        assert sheet.protection.sheet
        lists = [rule for rule in sheet.data_validations.dataValidation if rule.type == "list"]
        covered = {place for rule in lists for part in rule.sqref.ranges for place in part.cells}
        opened_cells = {
            (cell.row, cell.column) for row in sheet.iter_rows(min_row=HEADER + 1) for cell in row
            if not cell.protection.locked and cell.row <= HEADER + len(codes) and cell.column <= 22
        }  # fmt: skip
        assert opened_cells and opened_cells <= covered
        assert sheet.cell(HEADER, 1).protection.locked and sheet.cell(HEADER, 4).comment is not None
