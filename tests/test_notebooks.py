"""The notebooks: thin, in both languages, without outputs, and running on the demo data."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from crcne_stats.analysis.proofs import proofs
from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.publish import notebooks
from crcne_stats.words import languages

ORIGINALS = notebooks.originals()
INTAKE = next(path for path in ORIGINALS if path.stem == "00-charger")
PROOFS = next(path for path in ORIGINALS if path.stem == "11-preuves")
ASKING = [path for path in ORIGINALS if path not in (INTAKE, PROOFS)]
"""The notebooks that ask a question of ratings; the first one only makes them, and the proofs need none."""

EXAMPLES = Path(__file__).parent.parent / "data_schema/examples"
OF_A_GATE = ("gate", "accuracy", "gate_summary", "roc", "calibration")
"""What the notebook of PIX+Édu shows only where it is a gate; in the demo it gives levels."""

PARAMETERS = {"ratings", "students", "framework", "lang", "seed", "resamples", "threshold", "options"}


def raw(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_there_is_one_notebook_per_analysis() -> None:
    about = [raw(path).metadata["crcne"]["analysis"] for path in ASKING]
    assert sorted(about) == sorted(analysis.name for analysis in ANALYSES)


@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_kept(path: Path) -> None:
    notebook = raw(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert path.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.stem)
def test_cells_are_thin(path: Path) -> None:
    for cell in raw(path).cells:
        if cell.cell_type == "code":
            # The cell of parameters has a line for each and computes nothing.
            assert len(cell.source.splitlines()) <= (10 if "parameters" in cell.metadata.get("tags", []) else 9), (
                cell.source
            )
            assert not re.search(r"\b(def|class|for|while)\b", cell.source)


@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.stem)
def test_prose_is_in_every_language(path: Path) -> None:
    spoken = {lang: [] for lang in languages()}
    for cell in raw(path).cells:
        if cell.cell_type == "markdown":
            (tag,) = cell.metadata["tags"]
            spoken[tag.removeprefix("lang-")].append(re.match("#*", cell.source)[0])
    assert all(headings == spoken["fr"] for headings in spoken.values())


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.stem)
def test_a_copy_holds_one_language(path: Path, lang: str) -> None:
    copy = notebooks.read(path, lang)
    tags = [tag for cell in copy.cells for tag in cell.metadata.get("tags", [])]
    assert tags == ["parameters"]
    prose = [cell for cell in raw(path).cells if f"lang-{lang}" in cell.metadata.get("tags", [])]
    assert [cell.source for cell in copy.cells if cell.cell_type == "markdown"] == [cell.source for cell in prose]
    own = {INTAKE: {"ratings", "framework", "lang", "target"}, PROOFS: {"lang"}}
    further = {"09-calibrage": {"previous"}, "05-severite": {"anchors", "rating_weights"}}.get(path.stem, set())
    assert notebooks.parameters(copy) == own.get(path, PARAMETERS | further)


def in_every_language(path: Path) -> dict[str, nbformat.NotebookNode]:
    """Copies that are ready to run on the demo data."""
    values = {"ratings": str(EXAMPLES / "ratings-long.csv")} if path == INTAKE else {"resamples": 20}
    values = {} if path == PROOFS else values
    return {
        lang: notebooks.with_parameters(notebooks.read(path, lang), {"lang": lang, **values}) for lang in languages()
    }


def speaks(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and re.search(r"\blang\b", cell.source) is not None


@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.stem)
def test_languages_differ_only_where_a_cell_asks_for_the_language(path: Path) -> None:
    silent = [[cell.source for cell in copy.cells if cell.cell_type == "code" and not speaks(cell)]
              for copy in in_every_language(path).values()]  # fmt: skip
    assert all(cells == silent[0] for cells in silent)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], notebooks.Run]:
    """Every notebook in every language on the demo data.

    Each runs whole in one language; the cells that name the language then run again in the others, in the same kernel.
    """
    copies = {path.stem: in_every_language(path) for path in ORIGINALS}
    runs = {}
    for name, spoken in copies.items():
        whole, *others = (nbformat.from_dict(copy) for copy in spoken.values())
        whole.cells += [cell for copy in others for cell in copy.cells if speaks(cell)]
        runs[name] = notebooks.Run(name, whole)
    notebooks.execute(list(runs.values()), tmp_path_factory.mktemp("nb"))
    found = {}
    for name, spoken in copies.items():
        cells = iter(runs[name].notebook.cells)
        first: dict[str, nbformat.NotebookNode] = {}
        for lang, copy in spoken.items():
            copy.cells = [
                next(cells) if not first or speaks(cell) else first.get(cell.source, cell) for cell in copy.cells
            ]
            first = first or {cell.source: cell for cell in copy.cells if cell.cell_type == "code"}
            found[name, lang] = notebooks.Run(f"{name}-{lang}", copy, runs[name].failed)
        assert next(cells, None) is None
    return found


@pytest.mark.parametrize("lang", languages())
def test_the_first_one_shows_a_form(executed: dict[tuple[str, str], notebooks.Run], lang: str) -> None:
    run = executed[INTAKE.stem, lang]
    (output,) = [output for cell in run.notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not run.failed
    assert "application/vnd.jupyter.widget-view+json" in output.data


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("name", [path.stem for path in ASKING])
def test_it_runs_and_shows(executed: dict[tuple[str, str], notebooks.Run], name: str, lang: str) -> None:
    run = executed[name, lang]
    outputs = [(cell, output) for cell in run.notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    faults = [output for _, output in outputs if output.output_type in ("error", "stream")]
    assert not faults
    assert not run.failed
    assert any("image/png" in output.data for _, output in outputs)
    for cell in run.notebook.cells:
        if "cs.table(" in cell.source or "cs.figure(" in cell.source:
            gate = name == "04-pix-edu" and any(f'if "{one}" in' in cell.source for one in OF_A_GATE)
            assert len(cell.outputs) == (0 if gate else 1), cell.source


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("name", [path.stem for path in ASKING])
def test_its_page_needs_no_network(executed: dict[tuple[str, str], notebooks.Run], name: str, lang: str) -> None:
    page = notebooks.page(executed[name, lang].notebook, lang, "banner & co")
    assert f'<html lang="{lang}">' in page
    assert "banner &amp; co" in page
    assert not re.search(r"<script|<link|@import|url\(|(src|href)=[\"']?(https?:)?//", page)
    assert "No description" not in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize("lang", languages())
def test_the_proofs_show_every_published_number(executed: dict[tuple[str, str], notebooks.Run], lang: str) -> None:
    run = executed[PROOFS.stem, lang]
    assert not run.failed
    shown = [output.data["text/html"] for cell in run.notebook.cells for output in cell.get("outputs", [])]
    assert len(shown) == 2 and shown[1].count("<tr>") == 1 + len(proofs().tables["proofs"])
