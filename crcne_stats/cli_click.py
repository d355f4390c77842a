"""Click in the language of the reader: help, usage errors and value types whose every sentence stands in ``words``."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from crcne_stats.words import DEFAULT_LANGUAGE, Words, languages

LANGUAGE_VARIABLE = "CRCNE_LANG"


def chosen_language(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[str, bool]:
    """The language that ``--lang`` or the environment asks for, else the default, and whether it was asked for.

    ``--lang`` may stand anywhere. It is read before click parses anything, so that even the message about a wrong
    argument is in that language.
    """
    asked = environment.get(LANGUAGE_VARIABLE, "")
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument.startswith("--lang="):
            asked = argument.partition("=")[2]
        elif argument == "--lang" and position + 1 < len(arguments):
            asked = arguments[position + 1]
    asked = asked.lower()
    return (asked, True) if asked in languages() else (DEFAULT_LANGUAGE, False)


def language_was_asked() -> bool:
    """Whether the language of the command that runs was asked for, rather than the default."""
    return bool(click.get_current_context().find_root().meta.get(LANGUAGE_VARIABLE))


def words_of(context: click.Context) -> Words:
    """The catalogue that the root context carries."""
    catalogue = context.find_root().obj
    assert isinstance(catalogue, Words)
    return catalogue


class Text(click.ParamType[str]):
    """Any text."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)


class Several(click.ParamType[list[str]]):
    """Several words with commas between them."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return [part.strip() for part in str(value).split(",") if part.strip()] if isinstance(value, str) else value


class Integer(click.ParamType[int]):
    """A whole number, not below ``least``."""

    name = "integer"

    def __init__(self, least: int | None = None) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        assert ctx is not None
        try:
            number = int(value)
        except ValueError:
            self.fail(words_of(ctx)("cli.error.not_integer", found=value), param, ctx)
        if self.least is not None and number < self.least:
            self.fail(words_of(ctx)("cli.error.too_small", found=str(value), least=self.least), param, ctx)
        return number


class Number(click.ParamType[float]):
    """A number; the decimal comma is understood."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        assert ctx is not None
        try:
            return float(str(value).replace(",", "."))
        except ValueError:
            self.fail(words_of(ctx)("cli.error.not_number", found=value), param, ctx)


class OneOf(click.ParamType[str]):
    """One of a few words."""

    name = "choice"

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "|".join(self.choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        assert ctx is not None
        if value not in self.choices:
            allowed = ", ".join(self.choices)
            self.fail(words_of(ctx)("cli.error.not_choice", found=value, allowed=allowed), param, ctx)
        return str(value)


class InputPath(click.ParamType[Path]):
    """A file that is there (a folder too, unless ``folders`` is false)."""

    name = "file"

    def __init__(self, folders: bool = True) -> None:
        self.folders = folders

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        assert ctx is not None
        path = Path(value)
        if not path.exists():
            self.fail(words_of(ctx)("cli.error.no_such_file", found=value), param, ctx)
        if path.is_dir() and not self.folders:
            self.fail(words_of(ctx)("cli.error.is_folder", found=value), param, ctx)
        return path


def expanded(arguments: Sequence[str]) -> list[str]:
    """``arguments`` with patterns such as ``*.xlsx`` expanded, which the Windows shell leaves to the program."""
    out: list[str] = []
    for argument in arguments:
        pattern = not argument.startswith("-") and any(mark in argument for mark in "*?[")
        matches = sorted(glob.glob(argument)) if pattern and not os.path.exists(argument) else []
        out += matches or [argument]
    return out


class Option(click.Option):
    """An option whose default is told in the language of the reader."""

    def __init__(self, *args: Any, shown: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown = shown

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        required, self.required = self.required, False  # click would add its own English word
        try:
            record = super().get_help_record(ctx)
        finally:
            self.required = required
        if record is None:
            return None
        extra = words_of(ctx)("cli.default", value=str(self.shown)) if self.shown is not None else ""
        extra = words_of(ctx)("cli.required") if required else extra
        return record[0], f"{record[1]} {extra}".strip()


class _Speaks(click.Command):
    """What command and group have in common."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        pieces = super().collect_usage_pieces(ctx)
        w = words_of(ctx)
        own = {"[OPTIONS]": w("cli.options_metavar"), "COMMAND [ARGS]...": w("cli.command_metavar")}
        return [own.get(piece, piece) for piece in pieces]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        usage = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, usage, prefix=words_of(ctx)("cli.usage") + " ")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = words_of(ctx)("cli.option.help")
        return option

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [p.get_help_record(ctx) for p in self.get_params(ctx) if not isinstance(p, click.Argument)]
        shown = [record for record in records if record is not None]
        if shown:
            with formatter.section(words_of(ctx)("cli.options")):
                formatter.write_dl(shown)


class Command(_Speaks):
    """A command."""


class Group(_Speaks, click.Group):
    """The list of commands, in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def summary(self, ctx: click.Context, name: str) -> str:
        """The line that the list of commands shows, got without importing what the command needs."""
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(200)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section(words_of(ctx)("cli.commands")):
            formatter.write_dl(rows)


def told(error: click.UsageError, w: Words) -> str:
    """The whole message of a usage error: usage, where to find help, what is wrong."""
    lines = []
    if error.ctx is not None:
        lines = [error.ctx.get_usage(), w("cli.hint", command=error.ctx.command_path), ""]
    return "\n".join([*lines, w("cli.error.sentence", message=_fault(error, w))])


def _fault(error: click.UsageError, w: Words) -> str:
    if isinstance(error, click.NoSuchOption):
        return _with_near(w("cli.error.no_such_option", name=error.option_name), error.possibilities, w)
    if isinstance(error, click.exceptions.NoSuchCommand):
        return _with_near(w("cli.error.no_such_command", name=error.command_name), error.possibilities, w)
    if isinstance(error, click.MissingParameter):
        kind = "missing_option" if isinstance(error.param, click.Option) else "missing_argument"
        return w(f"cli.error.{kind}", name=_name(error, w))
    if isinstance(error, click.BadParameter):
        return w("cli.error.invalid_value", name=_name(error, w), message=error.message)
    if isinstance(error, click.BadOptionUsage):
        flag = "does not take" in error.message
        return w("cli.error.takes_no_value" if flag else "cli.error.needs_value", name=error.option_name)
    extra = re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", error.message)
    if extra:
        return w("cli.error.extra_argument", found=extra[1])
    return w("cli.error.missing_command") if error.message == "Missing command." else error.message


def _name(error: click.BadParameter, w: Words) -> str:
    if error.param is None:
        return str(error.param_hint or "")
    if isinstance(error.param, click.Argument):
        return error.param.metavar or error.param.name or ""
    return max(error.param.opts, key=len)


def _with_near(message: str, near: list[str] | None, w: Words) -> str:
    return f"{message} {w('cli.error.near', names=', '.join(near))}" if near else message
