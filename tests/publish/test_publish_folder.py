"""A folder is the former one or the whole new one, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crcne_stats.publish.folder import ForeignFolder, check_destination, replaced
from crcne_stats.publish.manifest import FORM


def a_study(path: Path, mark: str) -> None:
    path.mkdir(parents=True, exist_ok=True)
    (path / "report.html").write_text(mark)
    record = {"crcne_stats": "0", "form": FORM, "files": {"report.html": ""}}
    (path / "manifest.json").write_text(json.dumps(record))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "study"
    with replaced(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    assert names(target) == ["a"]
    assert names(tmp_path / "deep") == ["study"]


def test_former_study_is_replaced_not_mixed(tmp_path: Path) -> None:
    a_study(tmp_path / "study", "old")
    with replaced(tmp_path / "study") as folder:
        (folder / "new").write_text("1")
    assert names(tmp_path / "study") == ["new"]
    assert names(tmp_path) == ["study"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_failure_leaves_the_former_state(tmp_path: Path, error: type[BaseException]) -> None:
    a_study(tmp_path / "study", "old")

    def fail() -> None:
        with replaced(tmp_path / "study") as folder:
            (folder / "half").write_text("1")
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "study" / "report.html").read_text() == "old"
    assert names(tmp_path) == ["study"]


def test_failure_between_the_renames_brings_the_former_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_study(tmp_path / "study", "old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), replaced(tmp_path / "study"):
        pass
    assert (tmp_path / "study" / "report.html").read_text() == "old"
    assert names(tmp_path) == ["study"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_end_leaves_the_former_state(tmp_path: Path, number: signal.Signals) -> None:
    a_study(tmp_path / "study", "old")
    program = (
        "import sys, time, pathlib, signal\n"
        # Tests may run in the background, where both are ignored from the start.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "from crcne_stats.publish.folder import replaced\n"
        "with replaced(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('1')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "study")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(names(tmp_path)) == 2
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(20) != 0
        assert time.monotonic() - start < 20
    assert (tmp_path / "study" / "report.html").read_text() == "old"
    assert names(tmp_path) == ["study"]


def test_empty_folder_and_study_are_destinations(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    a_study(tmp_path / "study", "old")
    assert check_destination(tmp_path / "empty") == tmp_path / "empty"
    assert check_destination(tmp_path / "study") == tmp_path / "study"
    assert check_destination(tmp_path / "none") == tmp_path / "none"


def test_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_text("years of work")
    with pytest.raises(ForeignFolder, match="n’est pas une étude"):
        check_destination(tmp_path / "mine")
    with pytest.raises(ForeignFolder, match="is no study"):
        check_destination(tmp_path / "mine", "en")


def test_a_manifest_of_something_else_makes_no_study(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "web app"}')
    with pytest.raises(ForeignFolder):
        check_destination(tmp_path / "app")


def test_a_file_that_the_study_did_not_write_is_not_lost(tmp_path: Path) -> None:
    a_study(tmp_path / "study", "old")
    (tmp_path / "study" / ".DS_Store").write_text("")
    check_destination(tmp_path / "study")
    (tmp_path / "study" / "notes.txt").write_text("mine")
    with pytest.raises(ForeignFolder, match=r"notes\.txt"):
        check_destination(tmp_path / "study")


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("a file")
    with pytest.raises(ForeignFolder):
        check_destination(tmp_path / "study")
