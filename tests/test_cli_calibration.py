"""``crcne simulate --next``: two versions of a framework with known drift."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crcne_stats.cli import main

NEXT = "2026-illustration"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("versions")
    asked = ["--students", "150", "--inspe", "3", "--sessions", "1", "--links", "0.2", "--seed", "4"]
    assert main(["simulate", "--out", str(folder), *asked, "--next", NEXT]) == 0
    return folder


def test_simulate_writes_the_next_version_beside_the_first(versions: Path) -> None:
    truth = json.loads((versions / "next" / "truth.json").read_text(encoding="utf-8"))
    assert truth["simulated"] is True and truth["settings"]["framework"] == NEXT
    assert len(truth["planted"]["drift"]) == 2
    assert {path.name for path in (versions / "next").iterdir()} == {"ratings.csv", "students.csv", "truth.json"}


def test_a_version_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    asked = ["simulate", "--out", str(tmp_path), "--students", "60", "--inspe", "2"]
    assert main([*asked, "--framework", NEXT, "--next", "2022-2023"]) == 2
