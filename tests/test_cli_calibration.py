"""``crcne simulate --next``, ``crcne calibration`` and ``crcne study --previous`` on two versions of a framework."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.cli import main

NEXT = "2026-illustration"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("versions")
    asked = ["--students", "60", "--inspe", "2", "--sessions", "1", "--links", "0.2", "--seed", "4"]
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


def test_calibration_links_old_and_new(versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(versions / "ratings.csv"), str(versions / "next" / "ratings.csv")]
    asked = ["--framework", NEXT, "--no-alignment", "--thresholds", "shared", "--out", str(tmp_path)]
    assert main(["calibration", *files, *asked]) == 0
    drift = pd.read_csv(tmp_path / "calibration-drift.csv")
    assert {"criterion", "previous_criterion", "drift", "flagged", "drift_verdict"} <= set(drift.columns)
    assert set(drift["status"]) == {"same", "reworded", "split", "merged", "new", "dropped"}
    capsys.readouterr()
    assert main(["calibration", files[1], "--framework", NEXT, "--lang", "en"]) == 2
    assert "two files" in capsys.readouterr().err


def test_a_study_with_a_previous_version_is_replayed(
    versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(versions)
    (tmp_path / "s.toml").write_text(
        "[options.agreement]\nresamples = 0\nmultiverse = false\n[options.severity]\nsimulations = 0\n"
        "[options.calibration]\nalignment = false\n"
    )
    asked = ["--previous", "ratings.csv", "--framework", NEXT, "--settings", str(tmp_path / "s.toml"), "--no-notebooks"]
    assert main(["study", "next/ratings.csv", *asked, "--out", str(tmp_path / "one")]) == 0
    request.getfixturevalue("without_figures")
    assert main(["study", "--replay", str(tmp_path / "one/manifest.json"), "--out", str(tmp_path / "two")]) == 0
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "two"))
    assert one["call"]["previous"][0]["path"] == "ratings.csv" and one["inputs"]["previous"]
    tables = [name for name in one["files"] if name.startswith("tables/") and name.endswith(".csv")]
    assert any("calibration" in name for name in tables)
    assert {name: one["files"][name] for name in tables} == {name: two["files"][name] for name in tables}
