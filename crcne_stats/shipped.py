"""Where the checkout or the wheel keeps ``data_schema/`` and ``notebooks/``."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    inside = _PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def data_schema() -> Path:
    """The published data contract: schemas, frameworks, examples."""
    return _folder("data_schema")


def notebooks() -> Path:
    """The notebooks as they ship, in all languages and without outputs."""
    return _folder("notebooks")
