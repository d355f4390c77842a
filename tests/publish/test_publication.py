"""What goes with a paper: made from the study alone, in both languages, the same bytes each time."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.describe import describe
from crcne_stats.analysis.difficulty import difficulty
from crcne_stats.analysis.generalizability import generalizability
from crcne_stats.analysis.icc import icc
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.references import references
from crcne_stats.domain.result import Result, Study
from crcne_stats.publish.archive import settle
from crcne_stats.publish.latex import escaped, latex_table
from crcne_stats.publish.markdown import markdown
from crcne_stats.publish.publication import write_publication
from crcne_stats.view.disclosure import published
from crcne_stats.view.documents import Grid, Heading, Text
from crcne_stats.view.methods import methods
from crcne_stats.view.printed import printed
from crcne_stats.view.reporting import ITEMS, captions, card, checklist
from crcne_stats.words import languages, words


def asked(students: int, inspe: int) -> Study:
    """A study of a few quick analyses; the others say why they were not done."""
    demo = simulate(students=students, inspe=inspe, seed=3)
    found = {entry.name: Result(entry.name, settings={"reason": "no_students"}) for entry in ANALYSES}
    ratings = demo.ratings
    found["describe"] = describe(ratings)
    found["agreement"] = agreement(ratings, resamples=0, multiverse=False)
    found["icc"] = icc(ratings)
    found["severity"] = severity(ratings, halo=True, simulations=0)
    found["generalizability"] = generalizability(ratings, resamples=0)
    found["difficulty"] = difficulty(ratings)
    found["concordance"] = concordance(ratings, demo.students, resamples=10)
    return Study(found, ratings, demo.students, seed=5)


@pytest.fixture(scope="module")
def raw() -> Study:
    return asked(80, 2)


@pytest.fixture(scope="module")
def answered(raw: Study) -> Study:
    """As it may be shown."""
    return published(raw, 5)


@pytest.fixture(scope="module")
def folder(answered: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("publication")
    for lang in languages():
        write_publication(answered, out / lang, lang, 5)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_study_gives_the_same_bytes(answered: Study, folder: Path, tmp_path: Path) -> None:
    write_publication(answered, tmp_path / "again", "fr", 5)
    assert contents(tmp_path / "again") == contents(folder / "fr")
    names = set(contents(folder / "fr"))
    assert names == set(contents(folder / "en"))
    for stem in ("methods", "captions", "grras", "study-card"):
        assert {f"{stem}.md", f"{stem}.docx"} <= names
    assert {"tables.docx", "tables.tex", "references.bib", "tables/agreement.csv", "tables/agreement.tex"} <= names


def test_the_bibliography_holds_the_methods_used_and_no_others(answered: Study, folder: Path) -> None:
    cited = {key for paragraph in methods(answered, "en") for key in paragraph.keys}
    text = (folder / "en" / "references.bib").read_text(encoding="utf-8")
    assert set(re.findall(r"^@\w+\{([\w-]+),", text, re.M)) == cited | {"kottner2011"}
    assert cited < set(references())
    assert "masters1982" not in cited  # no partial credit model was fitted as the main one
    told = (folder / "en" / "methods.md").read_text(encoding="utf-8")
    assert "[@" not in told and "{" not in told


def test_methods_follow_what_was_done(answered: Study) -> None:
    text = {p.name: p.text for p in methods(answered, "en")}
    assert "linearised" in text["agreement"] and "(Gwet, 2014)" in text["agreement"]
    assert "10\u00a0bootstrap resamples" in text["concordance"]
    assert "seed 5" in text["study"] and "simulated" in text["study"]
    assert "Weights: quadratic" in text["agreement"]
    results = dict(answered.results)
    model = results["severity"].tables["model"].copy()
    model.loc[model["chosen"], ["estimator", "with_halo", "thresholds"]] = ["jml", False, "criterion"]
    results["severity"] = replace(results["severity"], tables={**results["severity"].tables, "model": model})
    other = {p.name: p for p in methods(replace(answered, results=results), "en")}
    assert "joint maximum likelihood" in other["severity"].text and "partial credit" in other["severity"].text
    assert "halo" not in other["severity"].text
    assert "could not be done" in other["fairness"].text and not other["fairness"].keys


def test_an_analysis_without_sentences_of_its_own_is_told(answered: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("crcne_stats.view.methods_lines", fromlist=["LINES"]).LINES, "difficulty")
    monkeypatch.delitem(__import__("crcne_stats.view.printed", fromlist=["CHOSEN"]).CHOSEN, "difficulty")
    text = {p.name: p.text for p in methods(answered, "en")}["difficulty"]
    assert text.startswith("Question asked: Which criteria") and "weak = 0.3" in text
    grid = next(grid for grid in printed(answered, "en") if grid.name == "difficulty")
    assert len(grid.header) <= 8 and "95% CI" in grid.header


@pytest.mark.parametrize("lang", languages())
def test_tables_are_those_of_the_study(answered: Study, lang: str) -> None:
    grids = {grid.name: grid for grid in printed(answered, lang)}
    assert [grid.label for grid in grids.values()] == [words(lang)("printed.table", n=n + 1) for n in range(len(grids))]
    for grid in grids.values():
        assert {len(row) for row in grid.rows} == {len(grid.header)} == {len(grid.numeric)}
        assert grid.note
    agreement = answered.results["agreement"].tables["agreement"]
    alpha = agreement[agreement["coefficient"] == "krippendorff"].set_index("criterion")
    w = words(lang)
    for row in grids["agreement"].rows:
        own = alpha.loc[row[0]]
        assert row[-2] == (w.number(own["value"]) if pd.notna(own["value"]) else "–")
    mark = ", " if lang == "en" else "\u202f; "
    assert any(re.fullmatch(rf"\[[−\d.,]+{mark}[−\d.,]+\]", row[-1]) for row in grids["agreement"].rows)


def test_nothing_hidden_is_printed(raw: Study) -> None:
    shown = published(raw, 40)
    text = str([make(shown, "en", 40) for make in (printed, checklist, card, captions, methods)])
    frame = raw.ratings.frame
    for column in ("student", "trainer"):
        assert not [name for name in frame[column].cat.categories if re.search(rf"\b{re.escape(name)}\b", text)]
    assert "severity-trainers" not in {grid.name for grid in printed(shown, "en", 40)}


@pytest.mark.parametrize("lang", languages())
def test_the_checklist_asks_what_cannot_be_computed(answered: Study, lang: str) -> None:
    (grid,) = [block for block in checklist(answered, lang) if isinstance(block, Grid)]
    assert [row[0] for row in grid.rows] == [str(n) for n in range(1, len(ITEMS) + 1)]
    w = words(lang)
    state = {row[0]: row[2] for row in grid.rows}
    assert state["5"] == state["8"] == w("grras.state.asked")
    assert state["13"] == state["11"] == w("grras.state.filled")
    assert all((row[4] == "–") == (row[2] == w("grras.state.filled")) for row in grid.rows)


def test_latex_takes_every_letter_of_the_tables(answered: Study) -> None:
    latin = set("".join(map(chr, range(32, 127)))) | set("àâäçéèêëîïôöùûüÿœæÀÂÇÉÈÊËÎÏÔŒÙÛÜ«»°§\n")
    for lang in languages():
        for grid in printed(answered, lang):
            text = latex_table(grid, words(lang)("printed.note"))
            assert set(text) <= latin, set(text) - latin
            assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    assert escaped(r"a_b & 50 % {\x}") == r"a\_b \& 50 \% \{\textbackslash{}x\}"


def test_latex_compiles(folder: Path, tmp_path: Path) -> None:
    for lang in languages():
        try:
            done = subprocess.run(
                ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={tmp_path}", "tables"],
                cwd=folder / lang, capture_output=True, text=True, errors="replace",
            )  # fmt: skip
        except OSError:
            pytest.skip("no LaTeX here")
        if ".sty' not found" in done.stdout or "Unknown option" in done.stdout:
            pytest.skip("this LaTeX lacks a package")
        assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("lang", languages())
def test_a_word_processor_reads_the_documents(answered: Study, folder: Path, lang: str) -> None:
    document = docx.Document(str(folder / lang / "tables.docx"))
    grids = printed(answered, lang)
    assert len(document.tables) == len(grids)
    for table, grid in zip(document.tables[:3], grids, strict=False):
        assert [cell.text for cell in table.rows[0].cells] == list(grid.header)
        assert [cell.text for cell in table.rows[1].cells] == list(grid.rows[0])
    text = "\n".join(paragraph.text for paragraph in docx.Document(str(folder / lang / "methods.docx")).paragraphs)
    assert words(lang)("printed.references") in text
    assert document.sections[0].page_width > document.sections[0].page_height


def test_markdown_reads_marks_as_letters() -> None:
    grid = Grid(("a|b",), (("<b>*x*",),), (False,))
    assert markdown([Heading("T", 1), Text("[x]_y"), grid]) == (
        "# T\n\n\\[x\\]\\_y\n\n| a\\|b |\n| --- |\n| \\<b\\>\\*x\\* |\n"
    )


def test_an_archive_keeps_no_time(tmp_path: Path) -> None:
    for name, stamp in (("a", "2026-01-01T00:00:00Z"), ("b", "2027-02-02T01:01:01Z")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            inside = f"<dcterms:modified a='b'>{stamp}</dcterms:modified>"
            archive.writestr(zipfile.ZipInfo("docProps/core.xml", (2020, 1, ord(name) - 96, 0, 0, 0)), inside)
        settle(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_ratings_of_any_field_are_told_too() -> None:
    rng = np.random.default_rng(1)
    rows = [(f"s{s}", f"r{t}", f"i{c}", int(rng.integers(4))) for s in range(30) for t in range(2) for c in range(3)]
    frame = pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score"])
    ratings = Ratings.from_frame(frame, levels=range(4))
    found = {"describe": describe(ratings), "agreement": agreement(ratings, resamples=0, multiverse=False)}
    other = Study(found, ratings)
    for lang in languages():
        assert methods(other, lang) and printed(other, lang) and checklist(other, lang) and card(other, lang)
