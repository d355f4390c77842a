"""One command per analysis, made from its signature."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from crcne_stats.cli_click import Command, Integer, Number, OneOf, Option, Several, Text
from crcne_stats.cli_options import command, data_options, files_argument, option, text_option
from crcne_stats.cli_run import loaded, options_told, progress
from crcne_stats.domain.analyses import analysis
from crcne_stats.words import Words

if TYPE_CHECKING:
    from crcne_stats.domain.result import Result


def analysis_command(w: Words, name: str) -> Command:
    entry = analysis(name)
    function = getattr(importlib.import_module(f"crcne_stats.analysis.{name}"), name)
    known = _signature_options(w, function, {*entry.inputs, *entry.after})
    data = data_options(w) if "students" in entry.inputs else [text_option(w, "framework", "framework")]

    def run(w: Words, **given: Any) -> None:
        ratings, students = loaded(
            given.pop("files"), given.pop("students", None), given.pop("pix", ()), given.pop("framework")
        )
        out = given.pop("out")
        inputs = (ratings, students) if "students" in entry.inputs else (ratings,)
        asked = {key: value for key, value in given.items() if value is not None}
        with progress(w(f"analysis.{name}.title")) as show:
            if "progress" in inspect.signature(function).parameters:
                asked["progress"] = show
            with options_told(w):
                result = function(*inputs, **asked)
        _show(w, result, out)

    text = w(f"analysis.{name}.question")
    return command(w, name, run, [files_argument(w), *data, *known, text_option(w, "out", "out")], help=text)


def _signature_options(w: Words, function: Callable[..., Any], skip: set[str]) -> list[click.Parameter]:
    """An option for each keyword of ``function`` whose value can be written on a command line."""
    found: list[click.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in skip | {"progress", "framework"} or parameter.default is parameter.empty:
            continue
        kind, flag = _kind(parameter), name.replace("_", "-")
        shown = parameter.default if isinstance(parameter.default, str | int | float) else None
        if kind is bool:
            found.append(Option([f"--{flag}/--no-{flag}"], default=None, help=w(f"cli.option.{flag}")))
        elif kind is not None:
            found.append(option(w, flag, kind, shown=shown if shown != "" else None))
    return found


def _kind(parameter: inspect.Parameter) -> Any:
    """How the value of a keyword is written: ``bool``, a type of click's, or None where it cannot be."""
    kind = str(parameter.annotation)
    if kind.startswith("bool"):
        return bool
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
