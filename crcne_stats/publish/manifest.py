"""What a study was made from and with: enough to make it again, nothing that names a person or a machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats import __version__
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.result import Study

NAME = "manifest.json"
FORM = 1
"""Number of the form of this file; a kit refuses a form that it does not know."""

_PACKAGES = (
    "numpy", "pandas", "scipy", "pingouin", "matplotlib", "pyarrow", "openpyxl", "python-calamine", "python-docx",
    "joblib", "networkx", "jinja2", "nbclient", "nbconvert",
)  # fmt: skip


READING = ("framework", "missing", "allow", "previous_framework")
"""What a call says besides its files."""


def manifest(
    study: Study,
    lang: str,
    *,
    threshold: int,
    trainers: str = "labels",
    notebooks: Mapping[str, str],
    files: Mapping[str, str],
    seconds: Mapping[str, float],
    call: Mapping[str, Any] | None,
    made: str,
) -> dict[str, Any]:
    """The record of a written study, as plain JSON values.

    ``files`` maps each file written (relative to the study) to its SHA-256; ``seconds`` are those of the steps of
    writing; ``notebooks`` says of each whether it is done, failed, or why it was left out; ``call`` holds the inputs as
    the command line was given them (see :func:`called`); ``made`` is a time.
    """
    framework = study.ratings.framework
    sources = {"ratings": study.ratings.sources, "students": study.students.sources if study.students else ()}
    sources |= {"previous": study.previous.sources} if study.previous is not None else {}
    record: dict[str, Any] = plain(
        {
            "crcne_stats": __version__,
            "form": FORM,
            "made": made,
            "language": lang,
            "simulated": study.simulated,
            "inputs": {kind: [_source(source) for source in found] for kind, found in sources.items()},
            "call": dict(call or {}),
            "framework": {
                "version": framework.version,
                "status": framework.status,
                "sha256": framework_hash(framework),
            },
            "seed": study.seed,
            "options": study.options,
            "threshold": threshold,
            "trainers": trainers,
            "notebooks": notebooks,
            "settings": {name: result.settings for name, result in study.results.items()},
            "versions": {"python": platform.python_version(), "system": platform.system(), **_versions()},
            "seconds": {"analyses": study.seconds, "writing": dict(seconds)},
            "files": dict(sorted(files.items())),
        }
    )
    return record


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _source(source: Source) -> dict[str, Any]:
    return {**dataclasses.asdict(source), "file": relative(source.file)}


def relative(path: str | Path) -> str:
    """``path`` below the current folder with forward slashes; elsewhere its name alone: nothing of the machine."""
    given = Path(path)
    if not str(path):
        return ""
    try:
        return given.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return given.name


def framework_hash(framework: Framework) -> str:
    """SHA-256 of what the framework says, wherever its file stands and however it is laid out."""
    content = json.dumps(plain(framework.to_table()), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and hashes of its visible files."""
    if path.is_dir():
        members = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "~$")))
        listing = "".join(f"{member.relative_to(path).as_posix()}\n{file_hash(member)}\n" for member in members)
        return hashlib.sha256(listing.encode()).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def called(reading: Mapping[str, Any], inputs: Mapping[str, Iterable[Path]]) -> dict[str, Any]:
    """The inputs of a command line, by kind, each with its hash, as :func:`replayed` finds them again.

    ``reading`` says how they were read: ``framework``, ``missing`` codes, columns to ``allow``, ``previous_framework``.
    A table that an option names has the kind ``analysis.option``.
    """

    def shown(framework: str) -> str:
        return relative(framework) if Path(framework).exists() else framework

    told = {
        kind: [{"path": relative(path), "sha256": file_hash(path)} for path in paths] for kind, paths in inputs.items()
    }
    said = {name: list(reading.get(name, ())) for name in READING[1:]}
    said["previous_framework"] = [shown(framework) for framework in said["previous_framework"]]
    framework = reading.get("framework")
    return {**said, "framework": framework and shown(framework), **told}


def write(record: Mapping[str, Any], folder: Path) -> None:
    """Put the record into the folder of its study."""
    text = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """A manifest of this kit.

    Raises
    ------
    DataError
        When the file is none, or of a form that this version does not know.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = isinstance(content, dict) and "crcne_stats" in content and content.get("form") == FORM
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        known = False
    if not known:
        raise DataError([Problem("not_a_manifest", file=path.name)])
    return dict(content)


def replayed(record: Mapping[str, Any], given: Mapping[str, Sequence[Path]]) -> dict[str, list[Path]]:
    """The files of the recorded call, by kind: those ``given`` again, else those found under their recorded paths.

    Raises
    ------
    DataError
        With one problem for each file that is not there or is not the same any more.
    """
    problems = Problems()
    found: dict[str, list[Path]] = {}
    for kind, entries in record["call"].items():
        if kind in READING:
            continue
        again = list(given.get(kind, ()))
        paths = again or [Path(entry["path"]) for entry in entries]
        found[kind] = paths
        if len(paths) != len(entries):
            values = {"kind": kind, "given": len(paths), "recorded": len(entries)}
            problems.add(Problem("replay_other_number", values, file=kind))
            continue
        for path, entry in zip(paths, entries, strict=True):
            if not path.exists():
                problems.add(Problem("replay_missing", file=str(entry["path"])))
            elif file_hash(path) != entry["sha256"]:
                problems.add(Problem("replay_changed", file=path.name))
    if problems:
        raise DataError(problems)
    return found


def check_framework(record: Mapping[str, Any], framework: Framework) -> None:
    """Refuse a framework that says something else than the recorded one (DataError)."""
    if framework_hash(framework) != record["framework"]["sha256"]:
        raise DataError([Problem("replay_framework", {"version": record["framework"]["version"]})])


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it; a number that is not finite is null, a table is its size and hash."""
    if isinstance(value, pd.DataFrame):
        text = value.to_csv(index=False, lineterminator="\n")
        return {"rows": len(value), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return type(value).__name__  # its text could hold an address or a path
