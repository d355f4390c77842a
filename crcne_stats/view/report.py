"""The report: one page that stands alone, the conclusions first."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.result import Result, Study
from crcne_stats.view import figures as drawn
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.methods import methods
from crcne_stats.view.methods import sources as references_of
from crcne_stats.view.printed import chosen
from crcne_stats.view.revisions import revisions
from crcne_stats.view.sentences import sentence
from crcne_stats.view.style import settled, svg
from crcne_stats.view.tables import Table, table
from crcne_stats.words import DEFAULT_LANGUAGE, Words, languages, words

BLOCKING, MAIN, DETAIL = 10, 30, 60
FINDINGS, OF_ONE, ACTIONS, ROWS = 5, 2, 3, 60
"""Sentences on the first screen, at most so many from one analysis; next steps; rows of a table."""


@dataclass(frozen=True)
class Picture:
    """A figure as the page holds it."""

    title: str
    alt: str
    caption: str
    source: str


@dataclass(frozen=True)
class Section:
    """What the page says of one analysis."""

    name: str
    title: str
    question: str
    reading: str
    doubt: str
    reason: str
    notes: list[tuple[str, str]]
    pictures: list[Picture]
    tables: list[tuple[Table, bool]]
    """Each with whether paper shows it too."""


def report(
    study: Study,
    lang: str = DEFAULT_LANGUAGE,
    threshold: int = THRESHOLD,
    images: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """The report of a study as one HTML page: no network, no script, readable by keyboard and on paper.

    Parameters
    ----------
    study
        As it is or published; what may not be shown is hidden either way.
    lang
        "fr" or "en"; framework texts that a language lacks stay French.
    threshold
        Numbers that rest on fewer students are hidden.
    images
        SVG of figures that are drawn already, by analysis and name; the others are drawn.
    """
    w = words(lang)
    shown = published(study, threshold)
    status = _status(shown)
    found = [shown.results[entry.name] for entry in ANALYSES if entry.name in shown.results]
    sections = [_section(result, w, threshold, images or {}) for result in found]
    told = methods(shown, lang, threshold)
    template = _environment().get_template("report.html")
    return template.render(
        w=w,
        lang=lang,
        study=shown,
        framework=shown.ratings.framework,
        official=shown.ratings.framework.rules.official,
        rules_note=shown.ratings.framework.rules.note,
        status=status,
        revise=revisions(shown, w),
        findings=_findings(shown, w),
        actions=_actions(shown, w),
        sections=sections,
        sources=list(_sources(shown)),
        options=list(_options(shown)),
        data_notes=_data_notes(shown, w),
        threshold=threshold,
        simulated=shown.simulated,
        methods=told,
        references=references_of(told, lang),
        languages=languages(),
    )


@cache
def _environment() -> jinja2.Environment:
    folder = Path(__file__).with_name("templates")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["style"] = Markup((folder / "report.css").read_text(encoding="utf-8"))
    return environment


def _status(study: Study) -> str:
    """What can be concluded: nothing yet, some things, or things to be read with care."""
    cautions = [note.rank for _, note in study.notes if note.kind == "caution"]
    if any(rank < BLOCKING for rank in cautions):
        return "blocked"
    return "care" if any(rank < MAIN for rank in cautions) else "ok"


def _findings(study: Study, w: Words) -> list[tuple[str, str, str]]:
    """Kind, sentence and analysis of the notes for the first screen."""
    told = [(name, note) for name, note in study.notes if note.kind != "action"]
    shown: Counter[str] = Counter()
    main = []
    for name, note in told:
        if note.rank < MAIN and (note.rank < BLOCKING or shown[name] < OF_ONE):
            main.append((name, note))
            shown[name] += 1
    main = main[:FINDINGS] or told[:3]
    return [(note.kind, sentence(note, study.ratings.framework, w), name) for name, note in main]


def _actions(study: Study, w: Words) -> list[tuple[str, str]]:
    told = [(name, note) for name, note in study.notes if note.kind == "action"][:ACTIONS]
    return [(sentence(note, study.ratings.framework, w), name) for name, note in told]


def _section(result: Result, w: Words, threshold: int, images: Mapping[tuple[str, str], str]) -> Section:
    key = f"analysis.{result.name}"
    main = [name for name, _ in chosen(result)]
    framework = result.ratings.framework if result.ratings is not None else None
    return Section(
        name=result.name,
        title=w(f"{key}.title"),
        question=w(f"{key}.question"),
        reading=w(f"{key}.reading"),
        doubt=w(f"{key}.doubt"),
        reason=w(f"reason.{result.reason}", **result.settings) if result.reason else "",
        notes=[(note.kind, sentence(note, framework, w)) for note in sorted(result.notes, key=lambda note: note.rank)],
        pictures=[
            _picture(result, name, w, threshold, images.get((result.name, name))) for name in drawn.figures(result)
        ],
        tables=[
            (table(result, name, w.language, threshold, ROWS), name in main)
            for name in result.tables
            if len(result.tables[name])
        ],
    )


def _picture(result: Result, name: str, w: Words, threshold: int, image: str | None) -> Picture:
    title = drawn.title(result, name, w.language)
    image = image or svg(settled(drawn.figure(result, name, w.language, threshold=threshold)), title)
    source = "data:image/svg+xml;base64," + base64.b64encode(image.encode("utf-8")).decode("ascii")
    alt = drawn.alt_text(result, name, w.language, threshold)
    return Picture(title, alt, w(f"figure.{result.name}.{name}.caption"), source)


def _sources(study: Study) -> Iterator[tuple[str, int, str]]:
    students = study.students.sources if study.students is not None else ()
    before = study.previous.sources if study.previous is not None else ()
    for source in (*study.ratings.sources, *students, *before):
        yield source.file, source.rows_read, source.sha256[:12]


def _options(study: Study) -> Iterator[tuple[str, str]]:
    for result in study.results.values():
        told = [f"{name} = {_plain(value)}" for name, value in result.settings.items() if _short(value)]
        if told:
            yield result.name, ", ".join(told)


def _short(value: Any) -> bool:
    return isinstance(value, bool | int | float | str) or value is None


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _data_notes(study: Study, w: Words) -> list[str]:
    students = study.students.notes if study.students is not None else ()
    return [
        sentence(note, study.ratings.framework, w)
        for note in sorted((*study.ratings.notes, *students), key=lambda note: note.rank)
    ]
