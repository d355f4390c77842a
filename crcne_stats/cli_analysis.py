"""One command per analysis, made from its signature."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import click

from crcne_stats.cli_click import Command
from crcne_stats.cli_options import command, data_options, files_argument, signature_options, text_option
from crcne_stats.cli_run import loaded, options_told, progress
from crcne_stats.domain.analyses import analysis
from crcne_stats.words import Words

if TYPE_CHECKING:
    from crcne_stats.domain.result import Result


_NONE = "none"
"""How None is written on the command line (``--by none``)."""


def analysis_command(w: Words, name: str) -> Command:
    entry = analysis(name)
    function = getattr(importlib.import_module(f"crcne_stats.analysis.{name}"), name)
    known = signature_options(w, function, {*entry.inputs, *entry.after})
    data = data_options(w) if "students" in entry.inputs else [text_option(w, "framework", "framework")]

    def run(w: Words, **given: Any) -> None:
        ratings, students = loaded(
            given.pop("files"), given.pop("students", None), given.pop("pix", ()), given.pop("framework")
        )
        out = given.pop("out")
        inputs = (ratings, students) if "students" in entry.inputs else (ratings,)
        asked = {key: None if value == _NONE else value for key, value in given.items() if value is not None}
        with progress(w(f"analysis.{name}.title")) as show:
            if "progress" in inspect.signature(function).parameters:
                asked["progress"] = show
            with options_told(w):
                result = function(*inputs, **asked)
        _show(w, result, out)

    text = w(f"analysis.{name}.question")
    return command(w, name, run, [files_argument(w), *data, *known, text_option(w, "out", "out")], help=text)
