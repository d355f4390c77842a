"""The key of pseudonyms: 32 random bytes in a file of text of its own, for its owner's eyes alone.

The file holds lines of explanation that begin with «#» and one line ``crcne-cle-1:<key>:<check>``, where the key stands
as 64 hexadecimal digits and the check is the beginning of its SHA-256, so that a key damaged on its way is refused
instead of silently giving other pseudonyms.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.words import words

KEY_BYTES = 32
_FORM = "crcne-cle-1"
_LINE = re.compile(rf"{_FORM}:([0-9a-f]{{{2 * KEY_BYTES}}}):([0-9a-f]{{8}})")
_LONGEST = 4096
"""A key file is short; another file, given by mistake, is not read whole."""


def make_key(path: Path) -> bytes:
    """Make a key and its file, mode 600. The file appears whole, and only where no file of that name is.

    Raises
    ------
    DataError
        When the file exists or cannot be written.
    """
    key = secrets.token_bytes(KEY_BYTES)
    explained = "".join(f"# {line}\n" for line in words("fr")("pseudonymise.key_file").splitlines())
    content = f"{explained}{_FORM}:{key.hex()}:{_check(key)}\n".encode()
    try:
        _write_new(path, content)
        mode = stat.S_IMODE(path.stat().st_mode)
        if _open_to_others(mode):  # a file system that knows no rights
            path.unlink()
            raise DataError([Problem("key_open_to_others", file=path.name, found=f"{mode:o}")])
    except FileExistsError:
        raise DataError([Problem("key_exists", file=path.name)]) from None
    except OSError as error:
        raise DataError([Problem("key_unwritable", file=path.name, found=type(error).__name__)]) from None
    return key


def read_key(path: Path) -> bytes:
    """The key that a file holds (32 bytes).

    Raises
    ------
    DataError
        When others than its owner may read the file (POSIX), or it holds no whole key. The key is never shown.
    """
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            content = stream.read(_LONGEST)
    except OSError as error:
        raise DataError([Problem("key_unreadable", file=path.name, found=type(error).__name__)]) from None
    if _open_to_others(mode):
        raise DataError([Problem("key_open_to_others", file=path.name, found=f"{mode:o}")])
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = _LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    key = bytes.fromhex(found.group(1)) if found else b""
    if found is None or not hmac.compare_digest(found.group(2), _check(key)):
        raise DataError([Problem("key_malformed", file=path.name)])
    return key


def _open_to_others(mode: int) -> bool:
    return os.name == "posix" and bool(mode & 0o077)


def _check(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


def _write_new(path: Path, content: bytes) -> None:
    """Write a whole file beside ``path``, then link it there, which fails where a file stands."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".key")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as that of a memory stick
            _write_exclusively(path, content)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _write_exclusively(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
