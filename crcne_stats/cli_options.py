"""The options that commands share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import click

from crcne_stats import __version__
from crcne_stats.cli_click import Command, InputPath, Integer, Number, OneOf, Option, Several, Text
from crcne_stats.words import Words, languages


def command(
    w: Words, name: str, callback: Callable[..., Any], params: Sequence[click.Parameter], help: str = ""
) -> Command:
    """A command with its help; what it does gets the catalogue first, then the values given."""
    text = help or w(f"cli.{name}.help")
    if w.has(f"cli.{name}.more"):
        text = f"{text}\n\n{w(f'cli.{name}.more')}"
    return Command(name, params=[*params, language_option(w)], callback=click.pass_obj(callback), help=text)


def option(w: Words, name: str, kind: click.ParamType[Any], **extra: Any) -> Option:
    """An option that takes a value."""
    help = extra.pop("help", None) or w(f"cli.option.{name}")
    metavar = extra.pop("metavar", None) or (None if isinstance(kind, OneOf) else w(f"cli.metavar.{kind.name}"))
    return Option([f"--{name}"], type=kind, metavar=metavar, help=help, **extra)


def text_option(w: Words, name: str, metavar: str, **extra: Any) -> Option:
    """An option whose value is any text."""
    return option(w, name, Text(), metavar=w(f"cli.metavar.{metavar}"), **extra)


def file_option(w: Words, name: str, **extra: Any) -> Option:
    """An option whose value is an existing file."""
    return option(w, name, InputPath(folders=False), **extra)


def file_or_folder(w: Words, name: str, **extra: Any) -> Option:
    """An option whose value is an existing file or folder."""
    return option(w, name, InputPath(), **extra)


def flag(w: Words, name: str) -> Option:
    """An option without a value."""
    return Option([f"--{name}"], is_flag=True, help=w(f"cli.option.{name}"))


def files_argument(w: Words, required: bool = True) -> click.Argument:
    """The files that a command reads."""
    return click.Argument(["files"], nargs=-1, required=required, type=InputPath(), metavar=w("cli.metavar.files"))


def data_options(w: Words) -> list[click.Parameter]:
    """What tells of the students, and the framework."""
    return [file_option(w, "students"), file_option(w, "pix", multiple=True), *ratings_options(w)]


def ratings_options(w: Words) -> list[click.Parameter]:
    """How rubric scores are read."""
    return [text_option(w, "framework", "framework"), *reading_options(w)]


def reading_options(w: Words) -> list[click.Parameter]:
    """What is read as «not rated», and which columns are no direct identifiers."""
    return [text_option(w, "missing", "code", multiple=True), text_option(w, "allow", "column", multiple=True)]


def language_option(w: Words) -> Option:
    """``--lang``, read before anything else by ``chosen_language``; here it is checked and shown in the help."""
    return Option(["--lang"], type=OneOf(languages()), help=w("cli.option.lang"), expose_value=False)


def version_option(w: Words) -> Option:
    """``--version``."""

    def show(context: click.Context, _: click.Parameter, asked: bool) -> None:
        if asked:
            click.echo(f"crcne_stats {__version__}")
            context.exit()

    return Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=w("cli.option.version")
    )


def signature_options(w: Words, function: Callable[..., Any], skip: Collection[str] = ()) -> list[click.Parameter]:
    """An option for each keyword of ``function`` whose value can be written on a command line."""
    found: list[click.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind, flag = _kind(parameter), name.replace("_", "-")
        if kind is None or name in skip or name == "progress" or parameter.default is parameter.empty:
            continue
        own = f"cli.option.{function.__name__}.{flag}"
        help = w(own if w.has(own) else f"cli.option.{flag}")
        shown = parameter.default if isinstance(parameter.default, str | int | float) else None
        if kind is bool:
            found.append(Option([f"--{flag}/--no-{flag}"], default=None, help=help))
        else:
            found.append(option(w, flag, kind, shown=shown, help=help))
    return found


def _kind(parameter: inspect.Parameter) -> Any:
    """How the value of a keyword is written: ``bool``, a type of click's, or None where it cannot be.

    A table is written as the name of the file that holds it.
    """
    kind = str(parameter.annotation)
    if kind.startswith("bool"):
        return bool
    if kind.startswith("pd.DataFrame"):
        return InputPath(folders=False)
    if kind.startswith("int"):
        return Integer()
    if kind.startswith("float"):
        return Number()
    if kind.startswith("Literal"):
        return OneOf(re.findall(r"[\"'](\w+)[\"']", kind))
    if kind.startswith("Sequence[str]"):
        return Several()
    if kind.startswith("str") or isinstance(parameter.default, str):
        return Text()
    return None
