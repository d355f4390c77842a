"""The command line: languages, exit codes, what each command prints and writes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crcne_stats.analysis.study import answer
from crcne_stats.cli import main
from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.result import Result
from crcne_stats.publish.notebooks import originals
from crcne_stats.words import languages, words

COMMANDS = [
    *("study", "validate", "frameworks", "lab", "template", "pseudonymise", "simulate"),
    *(entry.name for entry in ANALYSES),
]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    assert main(["simulate", "--out", str(folder), "--students", "120", "--inspe", "3", "--seed", "4"]) == 0
    return folder


@pytest.fixture(autouse=True)
def no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRCNE_LANG", raising=False)


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out = capsys.readouterr()
    return code, plain(out.out), plain(out.err)


def plain(text: str) -> str:
    """``text`` with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


# --- language and help -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lang", languages())
def test_help_is_in_one_language(capsys: Capture, command: str, lang: str) -> None:
    code, out, err = said(capsys, command, "--help", "--lang", lang)
    assert (code, err) == (0, "")
    assert out.startswith(plain(words(lang)("cli.usage")))
    english = r"Usage:|Options:|Show this message|default|required|\bTEXT\b|\bINTEGER\b|\bFILE\b"
    assert lang == "en" or not re.search(english, out)


def test_french_by_default_english_on_demand(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Utilisation" in said(capsys, "--help")[1]
    assert "Usage" in said(capsys, "--lang", "en", "--help")[1]
    monkeypatch.setenv("CRCNE_LANG", "en")
    assert "Usage" in said(capsys, "--help")[1]
    assert "Utilisation" in said(capsys, "--help", "--lang=fr")[1]


def test_the_list_of_commands_is_the_list_of_analyses(capsys: Capture) -> None:
    out = said(capsys, "--help")[1]
    assert all(f"\n  {name} " in out for name in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from crcne_stats.cli import main; main(['--help'])\n"
        "print([n for n in ('numpy', 'pandas', 'scipy', 'matplotlib') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.endswith("[]\n")


@pytest.mark.parametrize(
    ("arguments", "french", "english"),
    [
        (["studi"], "Vouliez-vous dire study", "Did you mean study"),
        (["study", "--outt", "x"], "L’option --outt n’existe pas", "There is no option --outt"),
        (["study"], "Il manque FICHIER…", "FILE… is missing"),
        (["study", "nowhere.csv"], "« nowhere.csv » n’existe pas", "“nowhere.csv” does not exist"),
        (
            ["study", ".", "--seed", "x"],
            "--seed : « x » n’est pas un nombre entier",
            "--seed: “x” is not a whole number",
        ),
        (["study", ".", "--jobs", "0"], "0 est trop petit", "0 is too small"),
        (["study", ".", "--out"], "--out attend une valeur", "--out needs a value"),
        (["study", ".", "--no-notebooks=1"], "--no-notebooks n’attend pas", "--no-notebooks takes no value"),
        (["study", ".", "--settings", "."], "est un dossier", "is a folder"),
        (["lab", "extra"], "Argument en trop : extra", "Unexpected argument: extra"),
        (["simulate"], "--out", "--out"),
        (["frameworks", "1999"], "« 1999 » est introuvable", "1999"),
        (["agreement", ".", "--level", "much"], "« much » n’est pas un nombre", "“much” is not a number"),
    ],
)
def test_wrong_use_is_told_in_both_languages(capsys: Capture, arguments: list[str], french: str, english: str) -> None:
    for lang, expected in (("fr", french), ("en", english)):
        code, out, err = said(capsys, "--lang", lang, *arguments)
        assert (code, out) == (2, "")
        assert expected in err


def test_no_argument_shows_the_help(capsys: Capture) -> None:
    code, out, err = said(capsys)
    assert (code, out) == (2, "")
    assert "study" in err


# --- data --------------------------------------------------------------------------------------------------------


def test_simulate_writes_three_files(demo: Path) -> None:
    assert sorted(path.name for path in demo.iterdir()) == ["ratings.csv", "students.csv", "truth.json"]
    assert json.loads((demo / "truth.json").read_text())["simulated"] is True


def test_validate_tells_what_a_file_holds(capsys: Capture, demo: Path) -> None:
    code, out, err = said(capsys, "validate", demo / "ratings.csv", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["kind"], found["problem_count"], found["problems"]) == ("ratings", 0, [])
    assert found["students"] == 120
    code, out, _ = said(capsys, "validate", demo / "ratings.csv", "--lang", "en")
    assert code == 0
    assert "120" in out


def test_validate_refuses_with_place_and_mend(capsys: Capture, demo: Path, tmp_path: Path) -> None:
    table = pd.read_csv(demo / "ratings.csv", dtype=str)
    table.loc[0, "niveau"] = "77"
    table.to_csv(tmp_path / "bad.csv", index=False)
    code, out, err = said(capsys, "validate", tmp_path / "bad.csv")
    assert code == 1
    assert "ligne 2" in out + err
    code, out, _ = said(capsys, "validate", tmp_path / "bad.csv", "--json")
    assert code == 1
    (problem,) = json.loads(out)["problems"]
    assert (problem["row"], problem["found"]) == (2, "77")
    code, out, err = said(capsys, "agreement", tmp_path / "bad.csv", "--lang", "en")
    assert (code, out) == (1, "")
    assert "bad.csv" in err


def test_frameworks_lists_and_prints(capsys: Capture) -> None:
    code, out, _ = said(capsys, "frameworks")
    assert code == 0
    assert "2022-2023  (officiel)" in out
    out = said(capsys, "frameworks", "2022-2023")[1]
    assert "Initié (1)" in out
    assert max(map(len, out.splitlines())) <= 100


def real_data(folder: Path) -> Path:
    rows = [
        {"person": p, "rater": f"R{r}", "item": item, "score": (p + r * (p % 3 == 0) + len(item)) % 4}
        for p in range(30)
        for r in range(3)
        for item in ("aa", "bbb")
    ]
    pd.DataFrame(rows).to_csv(folder / "field.csv", index=False)
    return folder / "field.csv"


def test_any_rubric_through_a_drafted_framework(capsys: Capture, tmp_path: Path) -> None:
    data = real_data(tmp_path)
    code, out, err = said(capsys, "frameworks", "--draft", data)
    assert (code, err) == (0, "")
    assert [criterion["key"] for criterion in tomllib.loads(out)["criteria"]] == ["aa", "bbb"]
    (tmp_path / "my.toml").write_text(out, encoding="utf-8")
    code, out, _ = said(capsys, "difficulty", data, "--framework", tmp_path / "my.toml")
    assert code == 0
    assert "bbb" in out


def test_a_draft_from_columns_that_are_named(capsys: Capture, tmp_path: Path) -> None:
    data = pd.read_csv(real_data(tmp_path)).rename(columns={"item": "question", "score": "points"})
    data.to_csv(tmp_path / "odd.csv", index=False)
    code, _, err = said(capsys, "frameworks", "--draft", tmp_path / "odd.csv")
    assert code == 1
    assert "question" in err
    code, out, _ = said(
        capsys, "frameworks", "--draft", tmp_path / "odd.csv", "--criterion", "question", "--score", "points"
    )
    assert code == 0
    assert [level["score"] for level in tomllib.loads(out)["levels"]] == [0, 1, 2, 3]


# --- analyses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [entry.name for entry in ANALYSES if "previous" not in entry.inputs])
def test_each_analysis_prints_and_writes(
    capsys: Capture, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    answers: list[Result] = []

    def once(*given: Any, **options: Any) -> Result:
        """The same question, printed and written, is worked out once."""
        if not answers:
            answers.append(answer(*given, **options))
        return answers[0]

    monkeypatch.setattr("crcne_stats.cli_analysis.answer", once)
    more = ["--students", str(demo / "students.csv")] if name in ("concordance", "certification") else []
    more += ["--resamples", "20"] if name in ("agreement", "concordance") else []
    code, out, err = said(capsys, name, demo / "ratings.csv", *more)
    assert (code, err) == (0, "")
    assert plain(words("fr")(f"analysis.{name}.title")) in out
    assert "nan" not in out.lower().split()
    code, out, _ = said(capsys, name, demo / "ratings.csv", *more, "--out", tmp_path / "tables")
    assert code == 0
    assert (tmp_path / "tables" / "dictionary.csv").exists()
    assert len(list((tmp_path / "tables").iterdir())) > 1


def test_options_reach_the_analysis(capsys: Capture, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    code, _, _ = said(
        capsys, "agreement", demo / "ratings.csv", "--weights", "linear", "--resamples", "0",
        "--coefficients", "percent,fleiss", "--out", target,
    )  # fmt: skip
    table = pd.read_csv(target)
    assert code == 0
    assert set(table["coefficient"]) == {"percent", "fleiss"}
    assert set(table["weights"]) == {"linear"}
    code, _, err = said(capsys, "agreement", demo / "ratings.csv", "--by", "weather")
    assert code == 2
    assert "weather" in err


def test_concordance_without_students_says_so(capsys: Capture, demo: Path) -> None:
    code, out, _ = said(capsys, "concordance", demo / "ratings.csv")
    assert code == 0
    assert plain(words("fr")("reason.no_students")) in out


# --- study -------------------------------------------------------------------------------------------------------


def test_study_and_its_replay(
    capsys: Capture, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(demo)
    (demo / "fixed.csv").write_text("facet,member,value\ncriterion,1.1,0.4\n")
    (tmp_path / "etude.toml").write_text(
        '[options.agreement]\nweights = "linear"\nresamples = 20\n'
        f'[options.severity]\nsimulations = 5\nanchors = "{(demo / "fixed.csv").as_posix()}"\n'
        "[options.concordance]\nresamples = 20\n[options.priorities]\nresamples = 20\n"
    )
    code, out, err = said(
        capsys, "study", "ratings.csv", "--students", "students.csv", "--settings", tmp_path / "etude.toml",
        "--seed", "7", "--lang", "en", "--no-notebooks", "--out", tmp_path / "one",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.strip() == str(tmp_path / "one" / "report.html")
    request.getfixturevalue("without_figures")
    code, _, err = said(capsys, "study", "--replay", tmp_path / "one" / "manifest.json", "--out", tmp_path / "two")
    assert (code, err) == (0, "")
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "two"))
    same = ["inputs", "call", "framework", "seed", "options", "settings", "language", "simulated", "versions"]
    assert {name: one[name] for name in same} == {name: two[name] for name in same}
    assert [entry["path"] for entry in one["call"]["severity.anchors"]] == ["fixed.csv"]
    criteria = pd.read_csv(tmp_path / "two" / "tables" / "severity-criteria.csv", dtype={"criterion": str})
    assert criteria.set_index("criterion").loc["1.1", ["difficulty", "reason"]].tolist() == [0.4, "anchored"]
    csv = [name for name in one["files"] if name.endswith(".csv")]
    assert csv
    assert {name: one["files"][name] for name in csv} == {name: two["files"][name] for name in csv}


@pytest.mark.usefixtures("without_figures")
def test_replay_refuses_other_data(
    capsys: Capture, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_bytes((demo / "ratings.csv").read_bytes())
    settings = tmp_path / "s.toml"
    settings.write_text("[options.agreement]\nresamples = 0\nmultiverse = false\n[options.severity]\nsimulations = 0\n")
    assert said(capsys, "study", "r.csv", "--no-notebooks", "--settings", settings, "--out", "one")[0] == 0
    with (tmp_path / "r.csv").open("a") as stream:
        stream.write("\n")
    code, _, err = said(capsys, "study", "--replay", "one/manifest.json", "--out", "two")
    assert code == 1
    assert "r.csv" in err
    assert "a changé depuis l’étude" in err
    assert not (tmp_path / "two").exists()


def test_study_leaves_a_foreign_folder_alone(capsys: Capture, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    code, _, err = said(capsys, "study", demo / "ratings.csv", "--out", tmp_path / "mine")
    assert code == 2
    assert "n’est pas une étude" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("content", ["[options.agreement]\nweigths = 'linear'\n", "[options.agrement]\n", "seed = 3\n"])
def test_unknown_settings_are_refused(capsys: Capture, demo: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "s.toml").write_text(content)
    arguments = ["study", demo / "ratings.csv", "--settings", tmp_path / "s.toml", "--out", tmp_path / "out"]
    assert said(capsys, *arguments)[0] == 2
    assert not (tmp_path / "out").exists()


# --- lab ---------------------------------------------------------------------------------------------------------


def test_lab_opens_a_copy(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str]) -> None:
            started.append(command)

        def poll(self) -> int:
            return 0

        def terminate(self) -> None: ...

        def wait(self) -> int:
            return 0

    monkeypatch.setattr("crcne_stats.cli_study.subprocess.Popen", Server)
    code, out, _ = said(capsys, "lab", "--lang", "en", "--no-browser", "--dir", tmp_path / "lab")
    assert code == 0
    assert str(tmp_path / "lab") in out
    names = sorted(path.name for path in (tmp_path / "lab").iterdir())
    assert names == [path.name for path in originals()]
    copy = (tmp_path / "lab" / names[0]).read_text(encoding="utf-8")
    assert "lang-fr" not in copy
    assert "lang = 'en'" in copy
    assert started[0][1:] == ["-m", "jupyterlab", f"--ServerApp.root_dir={tmp_path / 'lab'}", "--no-browser"]
    (tmp_path / "lab" / names[0]).write_text("my work")
    code, out, _ = said(capsys, "lab", "--dir", tmp_path / "lab")
    assert (tmp_path / "lab" / names[0]).read_text() == "my work"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_lab_starts_and_stops(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crcne_stats", "lab", "--no-browser", "--dir", str(tmp_path / "lab")]
    settings = {"ServerApp": {"allow_root": True}}  # so that the test also runs in a container
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as lab:
        assert lab.stderr is not None
        deadline = time.monotonic() + 60
        for line in lab.stderr:
            if "/lab?token=" in line or time.monotonic() > deadline:
                break
        assert "/lab?token=" in line
        lab.send_signal(signal.SIGTERM)
        lab.stderr.read()
        assert lab.wait(30) != 0
