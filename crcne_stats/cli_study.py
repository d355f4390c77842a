"""``crcne study`` and ``crcne lab``."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from crcne_stats.analysis.study import study as chain
from crcne_stats.cli_click import language_was_asked
from crcne_stats.cli_run import Reading, earlier, loaded, options_told, progress, table_files, with_files
from crcne_stats.cli_workers import workers
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Study
from crcne_stats.domain.students import Students
from crcne_stats.publish import manifest
from crcne_stats.publish.folder import check_destination, ended_by_exception
from crcne_stats.publish.notebooks import copied
from crcne_stats.publish.settings import Settings, read_settings, threshold_of
from crcne_stats.publish.write import write_study
from crcne_stats.view.disclosure import THRESHOLD
from crcne_stats.words import Words


def study(w: Words, **given: Any) -> None:
    """Read the data, ask every question, write the folder; with ``--replay`` as its manifest tells."""
    out = given["out"] or "study"
    check_destination(out, w.language)  # before the long work
    record = manifest.read(given["replay"]) if given["replay"] else {}
    settings = read_settings(given["settings"]) if given["settings"] else None
    own_tables = {} if settings is None else table_files(settings.options, given["settings"].parent)
    if settings is not None and record:  # which then says no more what was asked, and with which tables
        record["call"] = {kind: value for kind, value in record["call"].items() if "." not in kind}
    inputs = {
        "ratings": list(given["files"]),
        "students": [given["students"]] if given["students"] else [],
        "pix": list(given["pix"]),
        "previous": [given["previous"]] if given["previous"] else [],
    }
    if record:
        inputs = manifest.replayed(record, inputs)
    inputs |= own_tables
    reading = _reading(Reading.taken(given), record.get("call", {}))
    ratings, students = loaded(inputs["ratings"], next(iter(inputs["students"]), None), inputs["pix"], reading)
    if record:
        manifest.check_framework(record, ratings.framework)
    before = earlier(inputs.get("previous", []), reading, ratings.framework)
    options = record.get("options", {}) if settings is None else settings.options
    options = with_files(options, inputs, ratings.framework)
    answered = _answered(w, ratings, students, next(iter(before), None), given, options, record)
    with progress(w("cli.progress.write")) as show:
        write_study(
            answered,
            out,
            w.language if language_was_asked() else record.get("language", w.language),
            notebooks=bool(record.get("notebooks", True)) and not given["no_notebooks"],
            threshold=_threshold(given, settings, record),
            trainers=record.get("trainers", "labels"),
            progress=show,
            call=manifest.called(asdict(reading), inputs),
        )
    click.echo(os.path.join(out, "report.html"))


def _reading(given: Reading, call: Mapping[str, Any]) -> Reading:
    """As the call says, else as the study replayed did."""
    return Reading(
        given.framework or call.get("framework"),
        given.missing or tuple(call.get("missing", ())),
        given.allow or tuple(call.get("allow", ())),
        given.previous_framework or tuple(call.get("previous_framework", ())),
    )


def _threshold(given: Mapping[str, Any], settings: Settings | None, record: Mapping[str, Any]) -> int:
    """Of the call, else of the settings file, else of the study replayed, else the usual one."""
    said = threshold_of(given["threshold"], bool(given["strict"]))
    if said is None and settings is not None:
        said = settings.threshold
    return int(record.get("threshold", THRESHOLD)) if said is None else said


def _answered(
    w: Words,
    ratings: Ratings,
    students: Students | None,
    previous: Ratings | None,
    given: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    record: Mapping[str, Any],
) -> Study:
    seed = record.get("seed", 1) if given["seed"] is None else given["seed"]
    with progress(w("cli.progress.study")) as show, workers(w, given["jobs"], given["cluster"]), options_told(w):
        return chain(ratings, students, previous, options=options, seed=seed, progress=show)


def lab(w: Words, dir: str | None, no_browser: bool) -> None:
    """Copy the notebooks and open JupyterLab there, until it is stopped."""
    folder = Path(dir or f"crcne-lab-{w.language}")
    written, kept = copied(folder, w.language)
    click.echo(w("cli.lab.ready", folder=str(folder), n=len(written)))
    if kept:
        click.echo(w("cli.lab.kept", n=len(kept)))
    if importlib.util.find_spec("jupyterlab") is None:
        raise click.ClickException(w("cli.lab.missing"))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    with ended_by_exception():
        server = subprocess.Popen([*command, "--no-browser"] if no_browser else command)
        try:
            while server.poll() is None:
                # Ctrl-C reaches the server too, which asks whether to stop.
                with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                    server.wait(1)
        finally:
            server.terminate()
            server.wait()
