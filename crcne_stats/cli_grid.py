"""``crcne template``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from crcne_stats.cli_click import Command
from crcne_stats.cli_options import command, file_option, text_option
from crcne_stats.cli_run import options_told
from crcne_stats.data.grid import write_grid
from crcne_stats.data.students import load_students
from crcne_stats.words import Words

_OUT = "grille.xlsx"


def template_command(w: Words) -> Command:
    """``crcne template --framework V --students FILE [--trainer T]…``."""
    params: list[click.Parameter] = [
        text_option(w, "framework", "framework"),
        file_option(w, "students", required=True, help=w("cli.option.template.students")),
        text_option(w, "trainer", "text", multiple=True, help=w("cli.option.template.trainer")),
        text_option(w, "out", "file", shown=_OUT, help=w("cli.option.template.out")),
        text_option(w, "allow", "column", multiple=True),
    ]
    return command(w, "template", _template, params)


def _template(
    w: Words, framework: str | None, students: Path, trainer: Sequence[str], out: str | None, allow: Sequence[str]
) -> None:
    listed = load_students(students, framework=framework, allow=allow)
    with options_told(w):
        made = write_grid(listed, out or _OUT, trainer=trainer or None, lang=w.language, allow=allow)
    about = {"students": len(listed), "criteria": len(listed.framework.criteria)}
    click.echo(w("cli.done.template", file=str(made), version=listed.framework.version, **about))
