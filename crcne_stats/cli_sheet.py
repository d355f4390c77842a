"""``crcne trainer-sheet``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.trainer_sheet import trainer_sheet
from crcne_stats.cli_click import Command
from crcne_stats.cli_options import command, files_argument, flag, ratings_options, text_option
from crcne_stats.cli_run import Reading, loaded, progress
from crcne_stats.view.aliases import trainer_labels
from crcne_stats.view.disclosure import STRICT, THRESHOLD
from crcne_stats.view.trainer_sheet import sheet
from crcne_stats.words import Words


def trainer_sheet_command(w: Words) -> Command:
    """``crcne trainer-sheet FILE… (--trainer T… | --all) [--out FOLDER|FILE.html]``."""
    params: list[click.Parameter] = [
        files_argument(w),
        *ratings_options(w),
        text_option(w, "trainer", "text", multiple=True, help=w("cli.option.trainer-sheet.trainer")),
        flag(w, "all"),
        text_option(w, "out", "out", shown=".", help=w("cli.option.trainer-sheet.out")),
        flag(w, "strict"),
    ]
    return command(w, "trainer-sheet", _sheets, params)


def _sheets(w: Words, files: Sequence[Path], trainer: Sequence[str], all: bool, out: str | None, **given: Any) -> None:
    strict = given.pop("strict")
    if all == bool(trainer):
        raise click.UsageError(w("cli.error.trainer_or_all"))
    ratings, _ = loaded(files, None, (), Reading.taken(given))
    labels = trainer_labels(ratings)
    unknown = [name for name in trainer if name not in labels]
    if unknown:
        raise click.UsageError(w("cli.error.unknown_trainer", found=unknown[0]))
    with progress(w("cli.trainer-sheet.help")) as show:
        found = trainer_sheet(ratings, severity(ratings, progress=show))
    chosen = [labels[name] for name in (labels if all else trainer)]
    target = Path(out or ".")
    single = target.suffix.lower() == ".html"
    if single and len(chosen) > 1:
        raise click.UsageError(w("cli.error.one_file"))
    (target.parent if single else target).mkdir(parents=True, exist_ok=True)
    for label in sorted(chosen):
        file = target if single else target / w("cli.trainer-sheet.file", label=label)
        file.write_text(sheet(found, label, w.language, STRICT if strict else THRESHOLD), encoding="utf-8")
        if not all:
            click.echo(w("cli.done.trainer-sheet", file=str(file)))
    if all:
        click.echo(w("cli.done.trainer-sheets", n=len(chosen), folder=str(target)))
