"""The settings file of a study: ``[options.<analysis>]`` tables in TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.errors import DataError, Problem, Problems


def read_settings(path: Path) -> dict[str, dict[str, Any]]:
    """The options of each analysis that the file names.

    Raises
    ------
    DataError
        When the file is no TOML, or holds a key that nobody would read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError([Problem("settings_not_toml", {"fault": str(error)}, file=path.name)]) from error
    names = [entry.name for entry in ANALYSES]
    problems = Problems()
    for key in content:
        if key != "options":
            problems.add(_unknown(path, key, ["options"]))
    options = content.get("options", {})
    if not isinstance(options, dict):
        raise DataError([_unknown(path, "options", ["[options.agreement]"])])
    for name, table in options.items():
        if name not in names or not isinstance(table, dict):
            problems.add(_unknown(path, f"options.{name}", [f"options.{known}" for known in names]))
    if problems:
        raise DataError(problems)
    return options


def _unknown(path: Path, key: str, allowed: list[str]) -> Problem:
    return Problem("settings_unknown_key", {"allowed": ", ".join(allowed)}, file=path.name, found=key)
