"""``crcne``: the order of things, one command each.

Commands import what they need when they run, so that ``crcne --help`` answers at once. All that they say stands in
``words``. They end with 0 when done, 1 when the data are refused, 2 when they are called wrongly.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crcne_stats.cli_click import (
    Command,
    Group,
    InputPath,
    Integer,
    Number,
    OneOf,
    Option,
    chosen_language,
    expanded,
    told,
)
from crcne_stats.domain.analyses import ANALYSES, analysis
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.words import Words, languages, words

if TYPE_CHECKING:
    from crcne_stats.domain.ratings import Ratings
    from crcne_stats.domain.result import Result
    from crcne_stats.domain.students import Students

REFUSED, WRONG_USE, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (that of the process when None) and return its exit code."""
    arguments = expanded(sys.argv[1:] if argv is None else argv)
    w = words(chosen_language(arguments, os.environ))
    try:
        with commands(w).make_context("crcne", list(arguments), obj=w) as context:
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
        click.echo(error.text(w.language), err=True)
        return REFUSED
    except FileExistsError as error:
        click.echo(w("cli.error.sentence", message=str(error)), err=True)
        return WRONG_USE
    except (KeyboardInterrupt, click.Abort):
        click.echo(w("cli.interrupted"), err=True)
        return INTERRUPTED


class _Crcne(Group):
    """The commands written here, and one for each analysis, built from its signature when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *(entry.name for entry in ANALYSES)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in {entry.name for entry in ANALYSES}:
            return super().get_command(ctx, cmd_name)
        w = ctx.find_root().obj
        return _analysis_command(cmd_name, w)

    def summary(self, ctx: click.Context, name: str) -> str:
        w = ctx.find_root().obj
        return str(w(f"cli.{name}.help" if name in self.commands else f"analysis.{name}.question"))


def commands(w: Words) -> Group:
    """Every command, with its help in one language."""
    group = _Crcne(
        "crcne", params=[_version(w), _language(w)], help=w("cli.help"), epilog=w("cli.epilog"), no_args_is_help=True
    )
    group.add_command(_command(w, "study", _study, [
        _files(w, required=False), *_data(w), _text(w, "out", "folder", shown="study"), _file(w, "settings"),
        _option(w, "seed", Integer(0), shown=1), _option(w, "jobs", Integer(1), shown=1), _file(w, "replay"),
        _option(w, "threshold", Integer(0), shown=5), _flag(w, "no-notebooks"),
    ]))  # fmt: skip
    group.add_command(
        _command(w, "validate", _validate, [_files(w), _text(w, "framework", "framework"), _flag(w, "json")])
    )
    group.add_command(_simulate_command(w))
    group.add_command(_command(w, "frameworks", _frameworks, [
        click.Argument(["version"], required=False, metavar=w("cli.metavar.framework")), _file(w, "draft"),
        *(_text(w, name, "column") for name in ("student", "trainer", "criterion", "score")),
    ]))  # fmt: skip
    group.add_command(_command(w, "lab", _lab, [
        _text(w, "dir", "folder", shown=f"crcne-lab-{w.language}"), _flag(w, "no-browser"),
    ]))  # fmt: skip
    return group


# --- building blocks ---------------------------------------------------------------------------------------------


def _command(
    w: Words, name: str, callback: Callable[..., Any], params: Sequence[click.Parameter], help: str = ""
) -> Command:
    text = help or w(f"cli.{name}.help")
    if w.has(f"cli.{name}.more"):
        text = f"{text}\n\n{w(f'cli.{name}.more')}"
    return Command(name, params=[*params, _language(w)], callback=click.pass_obj(callback), help=text)


def _option(w: Words, name: str, kind: click.ParamType[Any], **extra: Any) -> Option:
    metavar = extra.pop("metavar", None) or w(f"cli.metavar.{kind.name}")
    return Option([f"--{name}"], type=kind, metavar=metavar, help=w(f"cli.option.{name}"), **extra)


def _text(w: Words, name: str, metavar: str, **extra: Any) -> Option:
    return _option(w, name, click.STRING, metavar=w(f"cli.metavar.{metavar}"), **extra)


def _file(w: Words, name: str, **extra: Any) -> Option:
    return _option(w, name, InputPath(folders=False), **extra)


def _flag(w: Words, name: str) -> Option:
    return Option([f"--{name}"], is_flag=True, help=w(f"cli.option.{name}"))


def _files(w: Words, required: bool = True) -> click.Argument:
    return click.Argument(["files"], nargs=-1, required=required, type=InputPath(), metavar=w("cli.metavar.files"))


def _data(w: Words) -> list[click.Parameter]:
    return [_file(w, "students"), _file(w, "pix", multiple=True), _text(w, "framework", "framework")]


def _language(w: Words) -> Option:
    return Option(
        ["--lang"],
        type=OneOf(languages()),
        metavar="|".join(languages()),
        help=w("cli.option.lang"),
        expose_value=False,
    )


def _version(w: Words) -> Option:
    def show(context: click.Context, _: click.Parameter, asked: bool) -> None:
        if asked:
            with contextlib.suppress(metadata.PackageNotFoundError):
                click.echo(f"crcne_stats {metadata.version('crcne_stats')}")
            context.exit()

    return Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=w("cli.option.version")
    )


@contextlib.contextmanager
def _progress(text: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=text, leave=False, file=sys.stderr, bar_format="{desc} {bar} {percentage:3.0f} %") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _framework(chosen: str | None) -> Any:
    """The framework of that version or file; None leaves the choice to the loader."""
    from crcne_stats.domain.frameworks import load_framework

    return None if chosen is None else load_framework(chosen)


def _loaded(
    files: Sequence[Path], students: Path | None, pix: Sequence[Path], framework: str | None
) -> tuple[Ratings, Students | None]:
    from crcne_stats.data.ratings import load_ratings
    from crcne_stats.data.students import load_students

    known = _framework(framework)
    ratings = load_ratings(list(files), **({} if known is None else {"framework": known}))
    if students is None and not pix:
        return ratings, None
    return ratings, load_students(students, pix=list(pix) or None, framework=ratings.framework)


# --- study -------------------------------------------------------------------------------------------------------


def _study(w: Words, **given: Any) -> None:
    from crcne_stats.publish import manifest
    from crcne_stats.publish.folder import check_destination
    from crcne_stats.publish.write import write_study

    out = check_destination(given["out"] or "study", w.language)
    inputs = {"ratings": list(given["files"]), "students": [given["students"]] if given["students"] else []}
    inputs["pix"] = list(given["pix"])
    record: dict[str, Any] = {}
    if given["replay"]:
        record = manifest.read(given["replay"])
        inputs = manifest.replayed(record, inputs)
    elif not inputs["ratings"]:
        raise click.MissingParameter(
            param=click.get_current_context().command.params[0], ctx=click.get_current_context()
        )
    framework = given["framework"] or record.get("call", {}).get("framework")
    ratings, students = _loaded(inputs["ratings"], (inputs["students"] or [None])[0], inputs["pix"], framework)
    if record:
        manifest.check_framework(record, ratings.framework)
    study = _chain(w, ratings, students, given, record)
    lang = w.language if _language_asked() else record.get("language", w.language)
    with _progress(w("cli.progress.write")) as progress:
        write_study(
            study, out, lang,
            notebooks=record.get("notebooks", True) and not given["no_notebooks"],
            threshold=record.get("threshold", 5) if given["threshold"] is None else given["threshold"],
            progress=progress, call=manifest.called(framework, **inputs),
        )  # fmt: skip
    click.echo(os.path.join(given["out"] or "study", "report.html"))


def _language_asked() -> bool:
    return any(argument.startswith("--lang") for argument in sys.argv[1:])


def _chain(
    w: Words, ratings: Ratings, students: Students | None, given: Mapping[str, Any], record: Mapping[str, Any]
) -> Any:
    from joblib import parallel_config

    from crcne_stats.analysis.study import study
    from crcne_stats.publish.settings import read_settings

    options = read_settings(given["settings"]) if given["settings"] else record.get("options", {})
    seed = given["seed"] if given["seed"] is not None else record.get("seed", 1)
    workers = parallel_config(n_jobs=given["jobs"]) if given["jobs"] else contextlib.nullcontext()
    with _progress(w("cli.progress.study")) as progress, workers:
        return study(ratings, students, options=options, seed=seed, progress=progress)


# --- one command per analysis ------------------------------------------------------------------------------------


def _analysis_command(name: str, w: Words) -> Command:
    entry = analysis(name)
    function = getattr(importlib.import_module(f"crcne_stats.analysis.{name}"), name)
    known = _signature_options(w, function, {*entry.inputs, *entry.after})
    data = _data(w) if "students" in entry.inputs else [_text(w, "framework", "framework")]

    def run(w: Words, **given: Any) -> None:
        ratings, students = _loaded(
            given.pop("files"), given.pop("students", None), given.pop("pix", ()), given.pop("framework")
        )
        out = given.pop("out")
        inputs = (ratings, students) if "students" in entry.inputs else (ratings,)
        asked = {key: value for key, value in given.items() if value is not None}
        with _progress(w(f"analysis.{name}.title")) as progress:
            if "progress" in inspect.signature(function).parameters:
                asked["progress"] = progress
            result = function(*inputs, **asked)
        _show(w, result, out)

    text = w(f"analysis.{name}.question")
    return _command(w, name, run, [_files(w), *data, *known, _text(w, "out", "out")], help=text)


def _signature_options(w: Words, function: Callable[..., Any], skip: set[str]) -> list[click.Parameter]:
    """An option for each keyword of ``function`` whose value can be written on a command line."""
    found: list[click.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind = str(parameter.annotation)
        if name in skip | {"progress", "framework"} or parameter.default is parameter.empty:
            continue
        flag, shown = name.replace("_", "-"), parameter.default
        shown = None if shown is None or shown == "" or not isinstance(shown, str | int | float) else shown
        if kind.startswith("bool"):
            found.append(Option([f"--{flag}/--no-{flag}"], default=None, help=w(f"cli.option.{flag}")))
        elif kind.startswith("int"):
            found.append(_option(w, flag, Integer(), shown=shown))
        elif kind.startswith("float"):
            found.append(_option(w, flag, Number(), shown=shown))
        elif kind.startswith("Literal"):
            choices = re.findall(r"[\"'](\w+)[\"']", kind)
            found.append(_option(w, flag, OneOf(choices), metavar="|".join(choices), shown=shown))
        elif kind.startswith("str"):
            found.append(_text(w, flag, "text", shown=shown))
    return found


def _show(w: Words, result: Result, out: str | None) -> None:
    raise NotImplementedError


# --- data --------------------------------------------------------------------------------------------------------


def _validate(w: Words, files: Sequence[Path], framework: str | None, json: bool) -> None:
    raise NotImplementedError


def _frameworks(w: Words, version: str | None, draft: Path | None, **columns: str | None) -> None:
    raise NotImplementedError


def _simulate_command(w: Words) -> Command:
    raise NotImplementedError


# --- notebooks to work in ----------------------------------------------------------------------------------------


def _lab(w: Words, dir: str | None, no_browser: bool) -> None:
    from crcne_stats.publish.folder import ended_by_exception
    from crcne_stats.publish.notebooks import copied

    folder = Path(dir or f"crcne-lab-{w.language}")
    written, kept = copied(folder, w.language)
    click.echo(w("cli.lab.ready", folder=str(folder), n=len(written)))
    if kept:
        click.echo(w("cli.lab.kept", n=len(kept)))
    if importlib.util.find_spec("jupyterlab") is None:
        raise click.UsageError(w("cli.lab.missing"))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    with ended_by_exception():
        server = subprocess.Popen([*command, "--no-browser"] if no_browser else command)
        try:
            while server.poll() is None:
                with contextlib.suppress(
                    KeyboardInterrupt, subprocess.TimeoutExpired
                ):  # the server asks whether to stop
                    server.wait(1)
        finally:
            server.terminate()
            server.wait()
