"""``crcne pseudonymise``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from crcne_stats.cli_click import Command, InputPath
from crcne_stats.cli_options import command, reading_options, text_option
from crcne_stats.data.pseudonyms import Pseudonymised, pseudonymise
from crcne_stats.domain.errors import DataError
from crcne_stats.words import Words

_CALL = {
    "pseudonymise_suffix", "pseudonymise_same", "pseudonymise_exists", "pseudonymise_unwritable", "key_exists",
    "key_unwritable", "key_unreadable", "key_open_to_others", "key_malformed",
}  # fmt: skip
"""Problems of the call, not of the data."""


def pseudonymise_command(w: Words) -> Command:
    """``crcne pseudonymise IN OUT --key FILE``."""
    params: list[click.Parameter] = [
        click.Argument(["source"], type=InputPath(folders=False), metavar=w("cli.metavar.file")),
        click.Argument(["target"], type=click.Path(path_type=Path), metavar=w("cli.metavar.target")),
        text_option(w, "key", "key", required=True),
        text_option(w, "framework", "framework"),
        *reading_options(w),
    ]
    return command(w, "pseudonymise", _pseudonymise, params)


def _pseudonymise(
    w: Words,
    source: Path,
    target: Path,
    key: str,
    framework: str | None,
    missing: Sequence[str],
    allow: Sequence[str],
) -> None:
    try:
        made = pseudonymise(source, target, key, framework=framework, missing=missing, allow=allow)
    except DataError as error:
        if all(problem.code in _CALL for problem in error.problems):
            raise click.ClickException(" ".join(problem.sentence(w) for problem in error.problems)) from None
        raise
    for line in _said(made, key, w):
        click.echo(line)


def _said(made: Pseudonymised, key: str, w: Words) -> list[str]:
    """What was written, what was left out, and what to do with the key."""
    counts = {"rows": made.rows, "students": made.students, "trainers": made.trainers}
    lines = [w("cli.pseudonymise.done", file=str(made.path), **counts)]
    if made.removed:
        columns = ", ".join(w("cli.pseudonymise.column", name=name) for name in made.removed)
        lines.append(w("cli.pseudonymise.removed", n=len(made.removed), columns=columns))
    lines += [f"- {w(f'note.{note.key}', **note.values)}" for note in made.notes]
    lines.append(w("cli.pseudonymise.key_made" if made.key_made else "cli.pseudonymise.key_used", file=key))
    return [*lines, w("cli.pseudonymise.personal")]
