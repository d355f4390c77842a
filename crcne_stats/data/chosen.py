"""Which framework gives the scores of some files their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crcne_stats.data.declared import declared_framework
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.result import Note


@dataclass(frozen=True)
class Chosen:
    """A framework and, where the user did not name it, a note that says how it was found."""

    framework: Framework
    notes: tuple[Note, ...] = ()


def framework_of(given: str | Path | Framework | None, paths: Sequence[Path]) -> Chosen:
    """The framework that the user names, else the one that the files carry, else the newest official one.

    Raises
    ------
    DataError
        When the files carry several, or the named one cannot be found.
    """
    if isinstance(given, Framework):
        return Chosen(given)
    if given is not None:
        return Chosen(load_framework(given))
    carried: dict[str, Framework] = {}
    where: dict[str, str] = {}
    for path in paths:
        found = declared_framework(path)
        if found is not None:
            carried.setdefault(found.to_toml(), found)
            where.setdefault(found.to_toml(), path.name)
    if len(carried) > 1:
        (first, second), files = list(carried.values())[:2], list(where.values())
        values = {"first": first.version, "first_file": files[0]}
        raise DataError([Problem("framework_conflict", values, file=files[1], found=second.version)])
    if carried:
        framework = next(iter(carried.values()))
        return Chosen(framework, (Note("ratings.framework_carried", {"version": framework.version}, "finding", 72),))
    framework = load_framework(None)
    return Chosen(framework, (Note("ratings.framework_assumed", {"version": framework.version}, "caution", 72),))
