"""The framework that a file of the kit carries: Parquet holds it whole, the trainers' grid names its version."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet

from crcne_stats.data.raw import OWN
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import available, load_framework

GRID_PROPERTY = "crcne_framework"
"""The custom document property of a workbook that names its version."""

_DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, NotImplementedError)


def declared_framework(path: Path) -> Framework | None:
    """The framework of a file that the kit wrote; None for other files and for versions that do not ship."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            return _of_parquet(path)
        if start == b"PK\x03\x04":
            version = grid_version(path)
            return load_framework(version) if version in available() else None
    except (*_DAMAGED, pa.ArrowException, DataError):
        # Whatever is wrong with the file is told when it is read.
        return None
    return None


def _of_parquet(path: Path) -> Framework | None:
    metadata = pyarrow.parquet.read_schema(path).metadata or {}
    if OWN.encode() not in metadata:
        return None
    return Framework.from_toml(json.loads(metadata[OWN.encode()])["framework"])


def grid_version(path: Path) -> str | None:
    """The framework's version in the properties of a workbook."""
    with zipfile.ZipFile(path) as archive:
        if "docProps/custom.xml" not in archive.namelist():
            return None
        try:
            tree = ElementTree.fromstring(archive.read("docProps/custom.xml"))
        except ElementTree.ParseError:
            return None
    for node in tree:
        if node.get("name") == GRID_PROPERTY:
            return "".join(node.itertext()).strip() or None
    return None
