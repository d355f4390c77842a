"""Running notebooks: parameters, language, faults, interruption, traces of the machine."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crcne_stats.publish import notebooks


def a_notebook(*sources: str) -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)]
    return new_notebook(cells=cells, metadata={"crcne": {"analysis": "agreement"}})


def tagged(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell(text, metadata={"tags": [tag] if tag else []}) for text, tag in cells])


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def test_language_filter() -> None:
    notebook = tagged(("Bonjour", "lang-fr"), ("Hello", "lang-en"), ("both", ""))
    assert texts(notebooks.in_language(notebook, "fr")) == ["Bonjour", "both"]
    assert texts(notebooks.in_language(notebook, "en")) == ["Hello", "both"]
    assert len(notebook.cells) == 3


def test_a_language_that_is_lacking_stays_french_and_says_so() -> None:
    copy = notebooks.in_language(tagged(("Bonjour", "lang-fr"), ("Hello", "lang-en")), "de")
    assert texts(copy) == ["Bonjour"]
    assert copy.metadata["crcne"]["lang"] == "fr"


def test_parameters_are_put_in_place() -> None:
    notebook = new_notebook(
        cells=[new_code_cell('a = None  # é\nb = {"x": 1}; c = 2', metadata={"tags": ["parameters"]})]
    )
    copy = notebooks.with_parameters(notebook, {"a": "l'été", "b": [1.5, None]})
    assert copy.cells[0].source == 'a = "l\'été"  # é\nb = [1.5, None]; c = 2'
    assert notebooks.parameters(copy) == {"a", "b", "c"}
    with pytest.raises(KeyError, match="absent"):
        notebooks.with_parameters(notebook, {"absent": 1})


def test_kernels_are_of_this_interpreter(tmp_path: Path) -> None:
    run = notebooks.Run("a", a_notebook("import sys; print(sys.executable, end='')", "import crcne_stats"))
    notebooks.execute([run], tmp_path)
    assert run.notebook.cells[1].outputs[0].text == sys.executable
    assert not run.failed


def test_a_failing_cell_ends_its_notebook_alone(tmp_path: Path) -> None:
    bad, good = notebooks.Run("bad", a_notebook("1/0", "2")), notebooks.Run("good", a_notebook("3"))
    done: list[tuple[int, int]] = []
    notebooks.execute([bad, good], tmp_path, progress=lambda *pair: done.append(pair))
    assert (bad.failed, good.failed) == (True, False)
    assert bad.notebook.cells[1].outputs[0].ename == "ZeroDivisionError"
    assert bad.notebook.cells[2].outputs == []
    assert done[-1] == (2, 2)


def test_a_kernel_that_serves_again_remembers_no_name(tmp_path: Path) -> None:
    asked = ("import os; print(os.getpid(), 'left' in globals(), end='')", "left = 1; left")
    runs = [notebooks.Run(name, a_notebook(*asked)) for name in ("one", "two")]
    broken = notebooks.Run("broken", a_notebook(asked[0], "1/0"))
    last = notebooks.Run("last", a_notebook(*asked))
    notebooks.execute([*runs, broken, last], tmp_path, at_once=1)
    told = [run.notebook.cells[1].outputs[0].text.split() for run in (*runs, broken, last)]
    assert [known for _, known in told] == ["False"] * 4
    first, second, third, fourth = (process for process, _ in told)
    assert first == second == third != fourth
    assert [cell.execution_count for cell in runs[1].notebook.cells[1:]] == [1, 2]
    assert runs[1].notebook.cells[2].outputs[0].execution_count == 2


def test_nothing_tells_where_it_ran(tmp_path: Path) -> None:
    source = f"import warnings; warnings.warn('in {tmp_path}'); print({str(tmp_path / 'x.csv')!r})"
    run = notebooks.Run("a", a_notebook(source, f"open({str(tmp_path / 'none')!r})"))
    notebooks.execute([run], tmp_path)
    found = nbformat.writes(notebooks.without_paths(run.notebook, [tmp_path, Path.home()]))
    outputs = str([cell.outputs for cell in nbformat.reads(found, 4).cells[1:]])
    assert "x.csv" in outputs
    assert str(tmp_path) not in outputs
    assert "ipykernel" not in outputs


def test_an_interruption_stops_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = notebooks.Run(
        "slow", a_notebook(f"open({str(tmp_path / 'started')!r}, 'w').close()", "import time; time.sleep(60)")
    )
    join = threading.Thread.join

    def interrupted(self: threading.Thread, timeout: float | None = None) -> None:
        if self.name == "notebooks" and timeout is not None and (tmp_path / "started").exists():
            raise KeyboardInterrupt
        join(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        notebooks.execute([run], tmp_path)
    assert time.monotonic() - start < 30
    assert not any(thread.name == "notebooks" for thread in threading.enumerate())
