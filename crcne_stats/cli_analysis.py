"""One command per analysis, made from its signature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from crcne_stats.analysis.study import FUNCTIONS, answer, needed
from crcne_stats.cli_click import Command, Integer
from crcne_stats.cli_options import (
    command,
    data_options,
    files_argument,
    flag,
    option,
    ratings_options,
    signature_options,
    text_option,
)
from crcne_stats.cli_run import Reading, earlier, loaded, options_told, progress, with_tables
from crcne_stats.cli_workers import draws_at_random, repeats, worker_options, workers
from crcne_stats.data.plan import write_plan
from crcne_stats.domain.analyses import analysis
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.result import Result
from crcne_stats.publish.tables import dictionary, files, write_csv
from crcne_stats.view.disclosure import STRICT, THRESHOLD, published
from crcne_stats.view.sentences import sentence
from crcne_stats.view.tables import table
from crcne_stats.words import Words

_NONE = "none"
"""How None is written on the command line (``--by none``)."""


SEED = 1
"""The seed of a study that names none."""
_ROWS = 60
"""A table stops here on the terminal; a file holds them all."""


def analysis_command(w: Words, name: str) -> Command:
    """``crcne <name>``: the analysis with the earlier results that it reads, as in a study."""
    entry = analysis(name)
    chain = [analysis(each) for each in (*needed(name), name)]
    functions = [FUNCTIONS[each.name] for each in chain]
    known = signature_options(w, FUNCTIONS[name], {"seed", *entry.inputs, *entry.after, *entry.may})
    asks_students = "students" in entry.may or any("students" in each.inputs for each in chain)
    data = data_options(w) if asks_students else ratings_options(w)
    versions = "previous" in entry.inputs
    data += [text_option(w, "previous-framework", "framework", multiple=True)] if versions else []

    def run(w: Words, **given: Any) -> None:
        reading = Reading.taken(given)
        paths = list(given.pop("files"))
        if versions and len(paths) < 2:
            raise click.UsageError(w("cli.error.two_versions"))
        before, paths = (paths[:-1], paths[-1:]) if versions else ([], paths)
        ratings, students = loaded(paths, given.pop("students", None), given.pop("pix", ()), reading)
        previous = earlier(before, reading, ratings.framework) or None
        out, strict = given.pop("out"), given.pop("strict")
        grid, reading_list = given.pop("grid", None), given.pop("reading", None)
        jobs, cluster = given.pop("jobs", None), given.pop("cluster", None)
        seed = given.pop("seed", None)
        asked = {key: None if value == _NONE else value for key, value in given.items() if value is not None}
        asked = with_tables(asked, ratings.framework)
        with progress(w(f"analysis.{name}.title")) as show, workers(w, jobs, cluster), options_told(w):
            result = answer(
                name, ratings, students, previous,
                options={name: asked}, seed=SEED if seed is None else seed, progress=show,
            )  # fmt: skip
        tell(w, published(result, STRICT if strict else THRESHOLD), out)
        if grid is not None:
            with options_told(w):
                made = write_plan(result, grid, lang=w.language)
            click.echo(w("cli.done.plan", file=str(made), n=len(result.tables["repair"])))
        if reading_list is not None:
            _write_reading(w, result, Path(reading_list))

    text = w(f"analysis.{name}.question")
    draws = [option(w, "seed", Integer(), shown=SEED)] if any(map(draws_at_random, functions)) else []
    shared = worker_options(w) if any(map(repeats, functions)) else []
    ends = [*draws, *shared, text_option(w, "out", "out"), flag(w, "strict")]
    if name == "planning":
        ends.append(text_option(w, "grid", "file", help=w("cli.option.planning.grid")))
    if name == "priorities":
        ends.append(text_option(w, "reading", "file", help=w("cli.option.priorities.reading")))
    return command(w, name, run, [files_argument(w), *data, *known, *ends], help=text)


def _write_reading(w: Words, result: Result, target: Path) -> None:
    """The files to read together, which name students: for the owner of the data, never published."""
    listed = result.tables.get("files")
    if listed is None:
        raise DataError([Problem("reading_empty")])
    target.parent.mkdir(parents=True, exist_ok=True)
    write_csv(listed, target)
    click.echo(w("cli.done.reading", file=str(target), n=len(listed)))


def _lines(result: Result, w: Words, rows: int) -> Iterator[str]:
    """Title and question, the tables, what the analysis notes."""
    yield w(f"analysis.{result.name}.title")
    yield w(f"analysis.{result.name}.question")
    if result.reason:
        yield ""
        yield w(f"reason.{result.reason}", **result.settings)
    for name in result.tables:
        yield ""
        yield table(result, name, w.language, rows=rows).text()
    if result.notes:
        yield ""
    framework = result.ratings.framework if result.ratings is not None else None
    for note in sorted(result.notes, key=lambda note: note.rank):
        yield f"- {sentence(note, framework, w)}"


def tell(w: Words, shown: Result, out: str | None, rows: int = _ROWS) -> None:
    """Print a published result, or write it: to one CSV file, or each table to a folder."""
    if out is None:
        click.echo("\n".join(_lines(shown, w, rows)))
        return
    found = files(shown)
    if not found:
        raise DataError([Problem("analysis_empty", {"why": w(f"reason.{shown.reason}", **shown.settings)})])
    target = Path(out)
    if target.suffix.lower() == ".csv":
        target.parent.mkdir(parents=True, exist_ok=True)
        write_csv(next(iter(found.values())), target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in {**found, "dictionary": dictionary(found, w.language)}.items():
        write_csv(frame, target / f"{name}.csv")
