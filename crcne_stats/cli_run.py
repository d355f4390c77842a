"""What the commands share once they run: the progress bar and the reading of data."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd
from tqdm import tqdm

from crcne_stats.data.anchors import load_anchors
from crcne_stats.data.rating_weights import load_rating_weights
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import available
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.students import Students
from crcne_stats.words import Words


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(desc=text, leave=False, file=sys.stderr, bar_format="{desc} {bar} {percentage:3.0f} %") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


@contextlib.contextmanager
def options_told(w: Words) -> Iterator[None]:
    """Tell a value that an analysis refuses as wrong use of the command, not as a fault of the kit."""
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        raise click.UsageError(w("cli.error.option_value", message=str(error))) from error


@dataclass(frozen=True)
class Reading:
    """How files are read: under which framework, which codes mean «not rated», which columns are no identifiers."""

    framework: str | None = None
    missing: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    previous_framework: tuple[str, ...] = ()

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Reading:
        """Take the options that say it out of those of a command."""
        earlier = tuple(given.pop("previous_framework", ()))
        return cls(given.pop("framework"), tuple(given.pop("missing")), tuple(given.pop("allow")), earlier)


def loaded(
    files: Sequence[Path], students: Path | None, pix: Sequence[Path], reading: Reading
) -> tuple[Ratings, Students | None]:
    """The ratings, and the students where a file tells of them."""
    how = {"missing": reading.missing, "allow": reading.allow}
    ratings = load_ratings([str(path) for path in files], framework=reading.framework, **how)
    if students is None and not pix:
        return ratings, None
    return ratings, load_students(students, pix=list(pix) or None, framework=ratings.framework, **how)


def earlier(files: Sequence[Path], reading: Reading, after: Framework) -> list[Ratings]:
    """The ratings of earlier versions, in the order of the files, which is that of the versions.

    Each is read under the framework that the call gives for it, else the one that the crosswalk of the version after it
    names, else that same version. A Parquet file carries its own.
    """
    how = {"missing": reading.missing, "allow": reading.allow}
    found: list[Ratings] = []
    for place in range(len(files) - 1, -1, -1):
        framework: str | Framework | None = after
        if place < len(reading.previous_framework):
            framework = reading.previous_framework[place]
        elif files[place].suffix.lower() == ".parquet":
            framework = None
        elif after.crosswalk is not None and after.crosswalk.previous in available():
            framework = after.crosswalk.previous
        found.insert(0, load_ratings(str(files[place]), framework=framework, **how))
        after = found[0].framework
    return found


def _anchors(path: Path, framework: Framework) -> pd.DataFrame:
    return load_anchors(path)


TABLES: dict[str, Callable[[Path, Framework], pd.DataFrame]] = {
    "anchors": _anchors,
    "rating_weights": load_rating_weights,
}
"""Options of analyses that are tables: on a command line, in a settings file and in a manifest, the name of a file."""


def with_tables(options: Mapping[str, Any], framework: Framework) -> dict[str, Any]:
    """The options of an analysis, the files among them read."""
    return {key: TABLES[key](Path(value), framework) if key in TABLES else value for key, value in options.items()}


def table_files(options: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, list[Path]]:
    """The files that the options of a study name, by ``analysis.option``; ``folder`` is where their paths start.

    Raises
    ------
    DataError
        For what is no name of a file that is there.
    """
    found: dict[str, list[Path]] = {}
    problems = Problems()
    for name, own in options.items():
        for key in own.keys() & TABLES.keys():
            path = folder / str(own[key])
            found[f"{name}.{key}"] = [path]
            if not path.is_file():
                problems.add(Problem("file_absent", file=f"options.{name}.{key} = {own[key]}"))
    if problems:
        raise DataError(problems)
    return found


def with_files(
    options: Mapping[str, Mapping[str, Any]], files: Mapping[str, Sequence[Path]], framework: Framework
) -> dict[str, dict[str, Any]]:
    """The options of a study, each of those that ``files`` names by ``analysis.option`` read from its file."""
    found = {name: dict(own) for name, own in options.items()}
    for kind, paths in files.items():
        name, _, key = kind.partition(".")
        if key:
            found[name] |= with_tables({key: paths[0]}, framework)
    return found
