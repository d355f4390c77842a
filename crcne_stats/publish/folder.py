"""A folder that is either the former one or the whole new one, never something between."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from uuid import uuid4

from crcne_stats.publish.manifest import NAME, read
from crcne_stats.words import words


class ForeignFolder(FileExistsError):
    """The folder asked for exists and is no study: the kit replaces nothing that it did not make."""


def check_destination(out: str | Path, lang: str = "fr") -> Path:
    """The absolute path of the folder to write.

    Raises
    ------
    ForeignFolder
        When something stands there that is neither an empty folder nor an earlier study.
    """
    path = Path(os.path.abspath(out))
    if not path.exists() and not path.is_symlink():
        return path
    if path.is_dir() and not path.is_symlink():
        if not any(path.iterdir()):
            return path
        own = _written(path)
        if own is not None:
            foreign = sorted(name for name in _visible(path) if name not in own)
            if not foreign:
                return path
            raise ForeignFolder(words(lang)("publish.foreign_file", folder=str(out), file=foreign[0]))
    raise ForeignFolder(words(lang)("publish.foreign_folder", folder=str(out)))


def _written(path: Path) -> set[str] | None:
    """The files that a study wrote, None where there is no study."""
    try:
        return {NAME, *read(path / NAME)["files"]}
    except (ValueError, KeyError):
        return None


def _visible(path: Path) -> Iterator[str]:
    """Files below ``path``, without those that systems and editors leave behind."""
    for file in path.rglob("*"):
        inside = file.relative_to(path)
        litter = any(part.startswith((".", "~$")) or part == "__pycache__" for part in inside.parts)
        if file.is_file() and not litter and inside.name.lower() not in {"thumbs.db", "desktop.ini"}:
            yield inside.as_posix()


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A new sibling folder to write in, put in the place of ``path`` when the block ends well.

    When it ends otherwise – an exception, Ctrl-C, a request to end – what stood at ``path`` is as before and the
    sibling is gone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid4().hex[:8]
    fresh = path.with_name(f".{path.name}.{mark}.new")
    former = path.with_name(f".{path.name}.{mark}.former")
    with ended_by_exception():
        try:
            fresh.mkdir()
            yield fresh
            _swap(path, fresh, former)
        finally:
            _remove(fresh)
            if path.exists():
                _remove(former)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:  # a second interruption still leaves nothing behind
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _swap(path: Path, fresh: Path, former: Path) -> None:
    moved = False
    try:
        if path.exists():
            path.rename(former)
            moved = True
        fresh.rename(path)
    except BaseException:
        # An interruption may fall after a rename and before the line that notes it.
        if (moved or former.exists()) and not path.exists():
            former.rename(path)
        raise


@contextmanager
def ended_by_exception() -> Iterator[None]:
    """Let a request to end (SIGTERM, a closed terminal) unwind the stack as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is signal.SIG_DFL:  # somebody else's handler, or nohup, stays
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
