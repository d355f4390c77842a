"""``crcne validate``, ``crcne simulate`` and ``crcne frameworks``."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import Any

import click
import pandas as pd

from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.simulate_next import simulate_next
from crcne_stats.cli_click import Command
from crcne_stats.cli_options import command, signature_options, text_option
from crcne_stats.cli_run import options_told
from crcne_stats.data.files import tables
from crcne_stats.data.marked import check_target, write_marked
from crcne_stats.data.ratings import write_ratings
from crcne_stats.data.reading import paths_of
from crcne_stats.data.schema import as_code, folded, schema
from crcne_stats.data.students import write_students
from crcne_stats.data.validate import Validation
from crcne_stats.data.validate import validate as validation
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_draft import draft_framework
from crcne_stats.domain.frameworks import available, load_framework
from crcne_stats.publish.manifest import plain
from crcne_stats.words import Words

_WIDTH = 100


def frameworks(w: Words, version: str | None, draft: Path | None, **columns: str | None) -> None:
    """List the versions, print one, or draft one from a data file."""
    if draft is not None:
        click.echo(draft_framework(draft.stem, _levels(draft, columns), w.language), nl=False)
    elif version is not None:
        click.echo("\n".join(_grid(load_framework(version), w)))
    else:
        for name in available():
            framework = load_framework(name)
            status = w(f"cli.status.{framework.status}")
            click.echo(w("cli.frameworks.line", version=name, status=status, title=_title(framework, w)))


def _title(framework: Framework, w: Words) -> str:
    return framework.title.get(w.language) or framework.title["fr"]


def _grid(framework: Framework, w: Words) -> Iterator[str]:
    """The framework as lines of text: scale, then phases, items and criteria with their whole texts."""
    yield _title(framework, w)
    yield w("cli.frameworks.about", version=framework.version, status=w(f"cli.status.{framework.status}"))
    if framework.source:
        yield from _wrapped(framework.source, "")
    for note in (framework.rules.note, framework.rules.official):
        if note:
            yield from _wrapped(note.get(w.language) or note.get("fr", ""), "")
    for name, scale in framework.scales.items():
        rungs = " < ".join(f"{level.text.get(w.language) or level.text['fr']} ({level.score})" for level in scale)
        yield from _wrapped(w("cli.frameworks.scale", name=name, levels=rungs) if name else rungs, "")
    for phase in framework.phases:
        yield ""
        yield from _wrapped(f"{phase.key}. {framework.name('phase', phase.key, w.language)}", "")
        for item in (item for item in framework.items if item.phase == phase.key):
            yield from _wrapped(f"{item.key}. {framework.name('item', item.key, w.language)}", "  ")
            for criterion in (criterion for criterion in framework.criteria if criterion.item == item.key):
                told = f"{criterion.key}  {framework.name('criterion', criterion.key, w.language)}"
                yield from _wrapped(f"{told} [{criterion.scale}]" if criterion.scale else told, "    ")
    if framework.mentions:
        yield ""
        names = (
            f"{mention.key} {framework.name('mention', mention.key, w.language)}" for mention in framework.mentions
        )
        yield from _wrapped(w("cli.frameworks.mentions", names="; ".join(names)), "")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")


def simulate_command(w: Words) -> Command:
    """``crcne simulate``, whose options are those of :func:`simulate`."""
    ends = [text_option(w, "next", "framework")]
    params = [text_option(w, "out", "folder", required=True), *signature_options(w, simulate), *ends]
    return command(w, "simulate", _simulate, params)


def _simulate(w: Words, out: str, next: str | None, **given: Any) -> None:
    with options_told(w):
        made = simulate(**{name: value for name, value in given.items() if value is not None})
        follows = simulate_next(made, next, seed=made.truth["settings"]["seed"] + 1) if next is not None else None
    _write_simulated(made, Path(out))
    click.echo(w("cli.done.simulate", folder=out))
    if follows is not None:
        folder = Path(out) / "next"
        _write_simulated(follows, folder)
        click.echo(w("cli.done.simulate", folder=str(folder)))


def _write_simulated(made: Simulation, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_ratings(made.ratings, folder / "ratings.csv")
    write_students(made.students, folder / "students.csv")
    if made.truth["settings"].get("global_level"):  # a version of its own, without which nobody could read the ratings
        (folder / "framework.toml").write_text(made.ratings.framework.to_toml(), encoding="utf-8")
    truth = {"simulated": True, **plain(made.truth)}
    (folder / "truth.json").write_text(dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def validate(
    w: Words,
    files: Sequence[Path],
    framework: str | None,
    missing: Sequence[str],
    allow: Sequence[str],
    report: str | None,
    json: bool,
) -> None:
    """Tell what the files hold and every problem; end with 1 when something was refused."""
    known = None if framework is None else load_framework(framework)
    if report is not None:
        check_target(Path(report), files)  # before the long work
    found = validation(list(files), framework=known, missing=missing, allow=allow)
    click.echo(dumps(found.as_json(w.language), ensure_ascii=False, indent=1) if json else "\n".join(_told(found, w)))
    if report is not None and found.problems:
        write_marked(paths_of(list(files)), found.problems, report, w.language)
    if report is not None and not json:
        click.echo(w("cli.done.marked", file=report) if found.problems else w("cli.done.not_marked"))
    click.get_current_context().exit(found.exit_code)


def _told(found: Validation, w: Words) -> Iterator[str]:
    """What the files hold, what became of their rows, and what is wrong."""
    first, *others = found.told(w)
    yield first
    yield from (f"- {line}" for line in others)
    yield DataError(found.problems).text(w.language) if found.problems else w("cli.holds.accepted")


def _levels(file: Path, columns: Mapping[str, str | None]) -> dict[str, list[int | str]]:
    """The levels found of each criterion of a long file, both in the order of the file."""
    contract = schema("ratings")
    named = {folded(header): column for column, header in columns.items() if header}

    def column(header: str) -> str | None:
        own = named.get(folded(header))
        known = contract.column(header)
        return own or (None if known in named.values() else known)

    found: dict[str, dict[str, None]] = {}
    for table in tables(file, lambda row: sum(column(cell) is not None for cell in row)):
        place = {column(header): position for position, header in reversed(list(enumerate(table.header)))}
        for wanted in ("criterion", "score"):
            if wanted not in place:
                values = {"wanted": wanted, "allowed": ", ".join(table.header)}
                raise DataError([Problem("draft_column", values, file=table.file, sheet=table.sheet)])
        pairs = pd.DataFrame({"criterion": table.cells[place["criterion"]], "level": table.cells[place["score"]]})
        for criterion, level in pairs.dropna().drop_duplicates().itertuples(index=False):
            if as_code(level) not in contract.missing:
                found.setdefault(criterion, {})[level] = None
    if not found:
        raise DataError([Problem("file_empty", file=file.name)])
    whole = all(re.fullmatch(r"-?\d+(?:[.,]0*)?", level) for levels in found.values() for level in levels)
    return {
        criterion: [int(re.split("[.,]", level)[0]) for level in levels] if whole else list(levels)
        for criterion, levels in found.items()
    }
