"""The framework versions that ship, and frameworks from elsewhere by path."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_file import crosswalk_problems
from crcne_stats.shipped import data_schema


def available() -> list[str]:
    """The versions that ship, oldest first: adding a version is adding one file."""
    return sorted(path.stem for path in (data_schema() / "frameworks").glob("*.toml"))


def newest_official() -> str:
    """The version that is taken where none is named."""
    official = []
    for version in available():
        with suppress(DataError):  # a file of another version that is wrong must not stop this one
            official += [version] if load_framework(version).status == "official" else []
    return official[-1]


def load_framework(version: str | Path | None = None) -> Framework:
    """A framework by its version, or by the path of a TOML file; the newest official one when None.

    Raises
    ------
    DataError
        When there is no such version or file, or with every fault of the file, each with its line and the mend.
    """
    if version is None:
        version = newest_official()
    shipped = data_schema() / "frameworks" / f"{version}.toml"
    path = shipped if str(version) in available() else Path(version)
    if not path.is_file():
        known = ", ".join(available())
        raise DataError([Problem("framework_absent", {"allowed": known}, found=str(version))])
    stamp = path.stat()
    return _loaded(path.resolve(), stamp.st_mtime_ns, stamp.st_size)


@cache
def _loaded(path: Path, modified: int, size: int) -> Framework:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError([Problem("framework_encoding", file=path.name)]) from None
    framework = Framework.from_toml(text, path.name)
    walk = framework.crosswalk
    if walk is not None:
        if walk.previous not in available() or walk.previous == framework.version:
            others = ", ".join(version for version in available() if version != framework.version)
            raise DataError([_absent_previous(text, path.name, walk.previous, others)])
        old = [criterion.key for criterion in load_framework(walk.previous).criteria]
        problems = crosswalk_problems(framework.to_table(), text, old, path.name)
        if problems:
            raise DataError(problems)
    return framework


def _absent_previous(text: str, name: str, previous: str, others: str) -> Problem:
    lines = enumerate(text.splitlines(), start=1)
    row = next((number for number, line in lines if line.strip().startswith("previous")), 1)
    return Problem("framework_reference", {"allowed": others}, name, "", row, "crosswalk.previous", previous)
