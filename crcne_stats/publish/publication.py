"""The folder ``publication/`` of a study: what goes with a paper.

``methods``, ``captions``, the ``grras`` checklist and the ``study-card``, each in Markdown and DOCX; the tables in
``tables.docx``, ``tables.tex`` and ``tables/``, as LaTeX and CSV; ``references.bib`` with the sources of the methods
used, no others. All of it comes from what may be shown, and the same study gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crcne_stats.domain.references import bibtex
from crcne_stats.domain.result import Study
from crcne_stats.publish.latex import latex_document, latex_table
from crcne_stats.publish.markdown import markdown
from crcne_stats.publish.tables import write_csv
from crcne_stats.publish.word import write_document
from crcne_stats.view.documents import Block, Grid, Heading, Items, Text
from crcne_stats.view.methods import cited_keys, methods, sources
from crcne_stats.view.printed import printed
from crcne_stats.view.reporting import KOTTNER, captions, card, checklist
from crcne_stats.words import words


def write_publication(shown: Study, folder: Path, lang: str, threshold: int) -> None:
    """Write the folder from a published study."""
    w = words(lang)
    told = methods(shown, lang, threshold)
    grids = printed(shown, lang, threshold)
    simulated: list[Block] = [Text(w("report.simulated"))] if shown.simulated else []
    paragraphs: list[Block] = [block for one in told for block in (Heading(one.title), Text(one.text))]
    references: list[Block] = [Heading(w("printed.references")), Items(tuple(sources(told, lang)))]
    documents: dict[str, list[Block]] = {
        "methods": [Heading(w("printed.methods"), 1), *simulated, *paragraphs, *references],
        "captions": captions(shown, lang, threshold),
        "grras": checklist(shown, lang, threshold),
        "study-card": card(shown, lang, threshold),
    }
    folder.mkdir()
    note = w("printed.note")
    for name, blocks in documents.items():
        _text(folder / f"{name}.md", markdown(blocks))
        write_document(blocks, folder / f"{name}.docx", lang, note)
    write_document([Heading(w("printed.tables"), 1), *simulated, *grids], folder / "tables.docx", lang, note)
    _write_tables(grids, folder, lang, note)
    _text(folder / "references.bib", bibtex([*cited_keys(told), KOTTNER]))


def _write_tables(grids: list[Grid], folder: Path, lang: str, note: str) -> None:
    (folder / "tables").mkdir()
    for grid in grids:
        frame = pd.DataFrame(list(grid.rows), columns=pd.Index(grid.header), dtype=object)
        write_csv(frame, folder / "tables" / f"{grid.name}.csv")
        _text(folder / "tables" / f"{grid.name}.tex", latex_table(grid, note))
    _text(folder / "tables.tex", latex_document(grids, lang))


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
