"""The wheel carries all that the kit needs, and runs elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked in a folder far from the checkout, as an installer does."""
    made = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(made), versions=["standard"])
    target = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path = [p for p in sys.path if 'crcne' not in p]; sys.meta_path = "
        "[f for f in sys.meta_path if 'editable' not in repr(f).lower()]; "
        f"sys.path.insert(0, {str(installed)!r}); import crcne_stats; "
        f"assert crcne_stats.__file__.startswith({str(installed)!r}), crcne_stats.__file__; "
        "from crcne_stats.cli import main; raise SystemExit(main())"
    )
    environment = {**os.environ, "CRCNE_LANG": "en", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=installed, env=environment, capture_output=True, text=True
    )


def test_the_wheel_carries_frameworks_words_notebooks_and_templates(installed: Path) -> None:
    package = installed / "crcne_stats"
    for name in (
        "words/fr.toml", "words/en.toml", "py.typed", "__init__.pyi", "view/templates/report.html",
        "_shipped/data_schema/frameworks/2022-2023.toml", "_shipped/data_schema/frameworks/framework.schema.json",
        "_shipped/data_schema/ratings.schema.json", "_shipped/notebooks/01-donnees.ipynb",
    ):  # fmt: skip
        assert (package / name).is_file(), name


def test_the_installed_kit_runs_elsewhere(installed: Path) -> None:
    listed = run(installed, "frameworks")
    assert listed.returncode == 0, listed.stderr
    assert "2022-2023" in listed.stdout
    made = run(installed, "simulate", "--out", "demo", "--students", "40", "--inspe", "2")
    assert made.returncode == 0, made.stderr
    done = run(installed, "study", "demo/ratings.csv", "--out", "study", "--no-notebooks")
    assert done.returncode == 0, done.stderr
    assert (installed / "study" / "report.html").is_file()
