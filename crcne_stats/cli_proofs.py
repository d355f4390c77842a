"""``crcne proofs``."""

from __future__ import annotations

import click

from crcne_stats.analysis.proofs import proofs
from crcne_stats.cli_analysis import tell
from crcne_stats.cli_click import Command
from crcne_stats.cli_options import command, text_option
from crcne_stats.view.disclosure import published
from crcne_stats.words import Words

_WRONG = 1


def proofs_command(w: Words) -> Command:
    """``crcne proofs [--out FILE.csv|FOLDER]``: it ends with 1 when a number is not the published one."""
    return command(w, "proofs", _proofs, [text_option(w, "out", "out")])


def _proofs(w: Words, out: str | None) -> None:
    found = proofs()
    tell(w, published(found), out, rows=len(found.tables["proofs"]))
    if not found.tables["proofs"]["holds"].all():
        click.get_current_context().exit(_WRONG)
