"""``crcne severity``: its options reach the analysis, its files are read and refused with their reasons."""

from __future__ import annotations

import inspect
from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.analysis.study import FUNCTIONS, option_names
from crcne_stats.cli import main
from crcne_stats.cli_run import TABLES, table_files, with_files
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.frameworks import load_framework

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def islands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("islands")
    asked = ["--students", "150", "--inspe", "2", "--sessions", "1", "--links", "0", "--seed", "4"]
    assert main(["simulate", "--out", str(folder), *asked]) == 0
    return folder


def said(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    code = main(["severity", *(str(argument) for argument in arguments), "--lang", "en"])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_islands_are_told_and_linked_on_demand(capsys: Capture, islands: Path, tmp_path: Path) -> None:
    code, out, _ = said(capsys, islands / "ratings.csv", "--simulations", "0", "--no-halo")
    assert code == 0
    assert "own to each group" in out
    assert "any comparison between them is refused" in out
    asked = ["--students", islands / "students.csv", "--link", "pix", "--simulations", "0", "--out", tmp_path]
    code, _, _ = said(capsys, islands / "ratings.csv", *asked)
    assert code == 0
    assert set(pd.read_csv(tmp_path / "severity-trainers.csv")["assumption"]) == {"pix"}
    assert not (tmp_path / "severity-students.csv").exists()
    assert not (tmp_path / "severity-unexpected.csv").exists()


def test_anchors_come_from_a_file(capsys: Capture, islands: Path, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.csv"
    anchors.write_text("facet;member;value\ncriterion;1.1;0,25\ncriterion;1.2;-0,25\n", encoding="utf-8")
    asked = ["--anchors", anchors, "--no-halo", "--simulations", "0", "--out", tmp_path / "out"]
    assert said(capsys, islands / "ratings.csv", *asked)[0] == 0
    table = pd.read_csv(tmp_path / "out" / "severity-criteria.csv", dtype={"criterion": str}).set_index("criterion")
    assert table.loc["1.1", "difficulty"] == 0.25
    assert table.loc["1.1", "reason"] == "anchored"
    anchors.write_text("facet,member,value\nnose,1.1,0\n", encoding="utf-8")
    code, _, err = said(capsys, islands / "ratings.csv", "--anchors", anchors)
    assert code == 1
    assert "nose" in err


def test_weights_come_from_the_file_of_ratings(capsys: Capture, islands: Path, tmp_path: Path) -> None:
    table = pd.read_csv(islands / "ratings.csv", dtype=str)
    table.assign(poids="2").to_csv(tmp_path / "weighted.csv", index=False)
    asked = ["--no-halo", "--simulations", "0", "--rating-weights", tmp_path / "weighted.csv"]
    code, out, _ = said(capsys, tmp_path / "weighted.csv", *asked)
    assert code == 0
    assert "Some ratings count more or less than once" in out
    code, _, err = said(capsys, islands / "ratings.csv", "--rating-weights", islands / "ratings.csv")
    assert code == 1
    assert "poids" in err


def test_values_that_mean_nothing_are_wrong_use(capsys: Capture, islands: Path) -> None:
    for wrong in (["--thresholds", "nose"], ["--population", "nose"], ["--link", "nose"], ["--facets", "nose"]):
        code, _, err = said(capsys, islands / "ratings.csv", *wrong)
        assert code == 2
        assert "nose" in err


def test_the_tables_of_a_study_are_files_beside_its_settings(tmp_path: Path) -> None:
    (tmp_path / "fixed.csv").write_text("facet,member,value\ncriterion,1.1,0.4\n")
    (tmp_path / "twice.csv").write_text("formateur;poids\nf1;2\n")
    options = {
        "severity": {"anchors": "fixed.csv", "rating_weights": "twice.csv", "halo": False},
        "icc": {"level": 0.9},
    }
    files = table_files(options, tmp_path)
    assert files == {"severity.anchors": [tmp_path / "fixed.csv"], "severity.rating_weights": [tmp_path / "twice.csv"]}
    found = with_files(options, {"ratings": [tmp_path / "ratings.csv"], **files}, load_framework(None))
    assert found["severity"]["anchors"]["value"].tolist() == [0.4]
    assert found["severity"]["rating_weights"]["weight"].tolist() == [2.0]
    assert (found["severity"]["halo"], found["icc"]) == (False, {"level": 0.9})
    with pytest.raises(DataError) as error:
        table_files({"severity": {"anchors": 3, "rating_weights": "nowhere.csv"}}, tmp_path)
    assert [problem.code for problem in error.value.problems] == ["file_absent", "file_absent"]


def test_every_option_that_is_a_table_has_a_file() -> None:
    for name, function in FUNCTIONS.items():
        taken = inspect.signature(function).parameters
        tables = {key for key in option_names(name) if str(taken[key].annotation).startswith("pd.DataFrame")}
        assert tables <= TABLES.keys()
