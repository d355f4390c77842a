"""``crcne trainer-sheet`` and ``crcne fairness``: files, names and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.cli import main
from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.view.aliases import trainer_labels


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    write_ratings(simulate(students=80, inspe=2, trainers=4, seed=3).ratings, path)
    return path


def test_every_trainer_gets_a_file_whose_name_says_nothing(file: Path, tmp_path: Path) -> None:
    assert main(["trainer-sheet", str(file), "--framework", "2022-2023", "--all", "--out", str(tmp_path / "s")]) == 0
    labels = trainer_labels(load_ratings(file, framework="2022-2023"))
    assert {path.name for path in (tmp_path / "s").iterdir()} == {f"fiche-{label}.html" for label in labels.values()}


def test_one_trainer_by_the_identifier_of_the_files(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.html"
    asked = ["trainer-sheet", str(file), "--framework", "2022-2023", "--lang", "en", "--out", str(out)]
    assert main([*asked, "--trainer", "F0002"]) == 0
    assert str(out) in capsys.readouterr().out
    assert "Feedback on my ratings" in out.read_text(encoding="utf-8")
    assert main([*asked, "--trainer", "F0002", "--trainer", "F0001"]) == 2
    assert "single sheet" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["--all", "--trainer", "F0001"], ["--trainer", "F9999"]])
def test_wrong_use(file: Path, given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trainer-sheet", str(file), "--framework", "2022-2023", "--lang", "en", *given]) == 2
    assert "trainer" in capsys.readouterr().err


def test_fairness_writes_its_tables(file: Path, tmp_path: Path) -> None:
    asked = ["fairness", str(file), "--framework", "2022-2023", "--group", "session", "--out", str(tmp_path / "f")]
    assert main([*asked, "--min-students", "20", "--min-cell", "5"]) == 0
    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "f").iterdir()}
    assert {"tests.csv", "criteria.csv", "trainers.csv", "groups.csv"} <= {name.split("-")[-1] for name in texts}
    assert not [name for name, text in texts.items() if "F0001" in text]
