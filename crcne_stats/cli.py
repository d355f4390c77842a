"""``crcne``: the order of things, one command each.

Commands are imported when they run, so that ``crcne --help`` answers at once. All that they say stands in ``words``.
They end with 0 when done, 1 when the data are refused, 2 when they are called wrongly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from crcne_stats.cli_click import LANGUAGE_VARIABLE, Group, Integer, chosen_language, expanded, told
from crcne_stats.cli_options import (
    command,
    data_options,
    file_option,
    file_or_folder,
    files_argument,
    flag,
    language_option,
    option,
    ratings_options,
    text_option,
    version_option,
)
from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.errors import DataError
from crcne_stats.words import Words, words

REFUSED, WRONG_USE, INTERRUPTED = 1, 2, 130
_WRONG_USE = {"framework_absent", "unknown_analysis", "unknown_option", "settings_not_toml", "settings_unknown_key",
               "marked_suffix", "marked_same", "marked_unwritable"}  # fmt: skip
"""Problems of the call, not of the data."""
_MADE = {
    "template": ("cli_grid", "template_command"),
    "pseudonymise": ("cli_pseudonymise", "pseudonymise_command"),
    "simulate": ("cli_data", "simulate_command"),
    "trainer-sheet": ("cli_sheet", "trainer_sheet_command"),
    "proofs": ("cli_proofs", "proofs_command"),
}
"""Commands built by a module of their own when they are called."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (that of the process when None) and return its exit code."""
    arguments = expanded(sys.argv[1:] if argv is None else argv)
    language, asked = chosen_language(arguments, os.environ)
    w = words(language)
    try:
        with commands(w).make_context("crcne", arguments, obj=w) as context:
            context.meta[LANGUAGE_VARIABLE] = asked
            context.command.invoke(context)
        return 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    except click.UsageError as error:
        click.echo(told(error, w), err=True)
        return WRONG_USE
    except click.exceptions.Exit as error:
        return error.exit_code
    except DataError as error:
        click.echo(error.text(language), err=True)
        return WRONG_USE if all(problem.code in _WRONG_USE for problem in error.problems) else REFUSED
    except (FileExistsError, click.ClickException) as error:
        click.echo(w("cli.error.sentence", message=str(error)), err=True)
        return WRONG_USE
    except BrokenPipeError:  # whoever reads has seen enough (crcne … | head)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return 0
    except (KeyboardInterrupt, click.Abort):
        click.echo(w("cli.interrupted"), err=True)
        return INTERRUPTED


class Crcne(Group):
    """The commands written here, then one for each analysis, built from its signature when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *_MADE, *(entry.name for entry in ANALYSES)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in self.list_commands(ctx):
            return super().get_command(ctx, cmd_name)
        w: Words = ctx.find_root().obj
        made: click.Command = (
            _late(*_MADE[cmd_name])(w) if cmd_name in _MADE else _late("cli_analysis", "analysis_command")(w, cmd_name)
        )
        return made

    def summary(self, ctx: click.Context, name: str) -> str:
        w: Words = ctx.find_root().obj
        return w(f"cli.{name}.help") if w.has(f"cli.{name}.help") else w(f"analysis.{name}.question")


def commands(w: Words) -> Group:
    """Every command, with its help in one language."""
    group = Crcne(
        "crcne",
        params=[version_option(w), language_option(w)],
        help=w("cli.help"),
        epilog=w("cli.epilog"),
        no_args_is_help=True,
    )
    given: dict[str, tuple[Callable[..., Any], list[click.Parameter]]] = {
        "study": (_study, [
            files_argument(w, required=False), *data_options(w), file_or_folder(w, "previous"),
            text_option(w, "previous-framework", "framework", multiple=True),
            text_option(w, "out", "folder", shown="study"), file_option(w, "settings"),
            option(w, "seed", Integer(0), shown=1), option(w, "jobs", Integer(1), shown=1),
            text_option(w, "cluster", "address"),
            file_option(w, "replay"), option(w, "threshold", Integer(0), shown=5), flag(w, "strict"),
            flag(w, "no-notebooks"),
        ]),
        "validate": (_late("cli_data", "validate"), [
            files_argument(w), *ratings_options(w), text_option(w, "report", "xlsx"), flag(w, "json"),
        ]),
        "frameworks": (_late("cli_data", "frameworks"), [
            click.Argument(["version"], required=False, metavar=w("cli.metavar.framework")), file_option(w, "draft"),
            *(text_option(w, name, "column") for name in ("student", "trainer", "criterion", "score")),
        ]),
        "lab": (_late("cli_study", "lab"), [
            text_option(w, "dir", "folder", shown=f"crcne-lab-{w.language}"), flag(w, "no-browser"),
        ]),
    }  # fmt: skip
    for name, (callback, params) in given.items():
        group.add_command(command(w, name, callback, params))
    return group


def _late(module: str, name: str) -> Callable[..., Any]:
    """The function ``name`` of a sibling module, imported when it is called."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(f"crcne_stats.{module}"), name)(*args, **kwargs)

    return run


def _study(w: Words, **given: Any) -> None:
    if not given["files"] and not given["replay"]:
        context = click.get_current_context()
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    _late("cli_study", "study")(w, **given)
