"""``--strict``: the threshold of eleven students, in the commands, the settings file, the manifest and its replay."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.cli import main
from crcne_stats.data.ratings import write_ratings


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRCNE_LANG", "fr")
    write_ratings(simulate(120, 3, 1, seed=4).ratings, "ratings.csv")
    return tmp_path


def few(folder: Path, name: str = "describe-levels") -> float:
    """The smallest count of students that a table shows, zeros aside."""
    counts = pd.read_csv(folder / f"{name}.csv")["n_students"]
    return float(counts[counts > 0].min())


def test_an_analysis_hides_more_when_strict(demo: Path) -> None:
    assert main(["describe", "ratings.csv", "--out", "usual"]) == 0
    assert main(["describe", "ratings.csv", "--out", "strict", "--strict"]) == 0
    assert 5 <= few(demo / "usual") < 11 <= few(demo / "strict")


@pytest.mark.usefixtures("without_figures")
def test_the_study_keeps_its_threshold_when_it_is_replayed(demo: Path) -> None:
    (demo / "s.toml").write_text(
        "threshold = 8\n[options.agreement]\nresamples = 5\nmultiverse = false\n[options.severity]\nsimulations = 5\n"
        "[options.priorities]\nresamples = 20\n"
    )

    def run(out: str, *more: str) -> int:
        assert main(["study", "--out", out, "--no-notebooks", *more]) == 0
        record = json.loads((demo / out / "manifest.json").read_text("utf-8"))
        assert record["trainers"] == "labels"
        return int(record["threshold"])

    usual = ("ratings.csv", "--settings", "s.toml")
    assert run("a", *usual) == 8
    assert run("b", *usual, "--strict") == 11
    assert run("c", *usual, "--strict", "--threshold", "20") == 20
    assert few(demo / "b" / "tables") >= 11
    assert run("d", "--replay", "b/manifest.json") == 11
    one, two = (json.loads((demo / name / "manifest.json").read_text("utf-8"))["files"] for name in ("b", "d"))
    tables = [name for name in one if name.endswith(".csv")]
    assert tables and all(one[name] == two[name] for name in tables)
