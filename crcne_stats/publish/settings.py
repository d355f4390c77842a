"""The settings file of a study, in TOML: ``threshold`` or ``strict`` first, then ``[options.<analysis>]`` tables."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.view.disclosure import STRICT

_KEYS = ("threshold", "strict", "options")


@dataclass(frozen=True)
class Settings:
    """What a settings file says: ``options`` of each analysis that it names, ``threshold`` of publication (None: not
    said)."""

    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    threshold: int | None = None


def threshold_of(threshold: int | None, strict: bool) -> int | None:
    """The threshold that an explicit number and the word «strict» give together, None where neither is said."""
    return max(threshold or 0, STRICT) if strict else threshold


def read_settings(path: Path) -> Settings:
    """What the file says.

    Raises
    ------
    DataError
        When the file is no TOML, holds a key that nobody would read, or a threshold that is none.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError([Problem("settings_not_toml", {"fault": str(error)}, file=path.name)]) from error
    names = [entry.name for entry in ANALYSES]
    problems = Problems()
    for key in content:
        if key not in _KEYS:
            problems.add(_unknown(path, key, list(_KEYS)))
    threshold, strict = content.get("threshold"), content.get("strict", False)
    if threshold is not None and (type(threshold) is not int or threshold < 0):
        problems.add(Problem("settings_value", {"allowed": "0, 1, 2 …"}, file=path.name, found="threshold"))
    if not isinstance(strict, bool):
        problems.add(Problem("settings_value", {"allowed": "true, false"}, file=path.name, found="strict"))
    options = content.get("options", {})
    if not isinstance(options, dict):
        raise DataError([_unknown(path, "options", ["[options.agreement]"])])
    for name, table in options.items():
        if name not in names or not isinstance(table, dict):
            problems.add(_unknown(path, f"options.{name}", [f"options.{known}" for known in names]))
    if problems:
        raise DataError(problems)
    return Settings(options, threshold_of(threshold, strict))


def _unknown(path: Path, key: str, allowed: list[str]) -> Problem:
    return Problem("settings_unknown_key", {"allowed": ", ".join(allowed)}, file=path.name, found=key)
