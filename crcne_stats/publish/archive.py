"""Files that are archives (.xlsx, .docx), written so that the same content gives the same bytes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The first moment that an archive can hold."""
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def settle(path: Path, changed: Mapping[str, tuple[bytes, bytes]] | None = None) -> None:
    """Take the time of writing out of an archive of the Open Packaging kind, and out of its properties.

    ``changed`` tells by the name of a member what is put in the place of what, once.
    """
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", content)
            if changed and name in changed:
                content = content.replace(*changed[name], 1)
            info = zipfile.ZipInfo(name, _WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
