"""What the commands share once they run: the progress bar and the reading of data."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students
from crcne_stats.domain.errors import DataError
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
