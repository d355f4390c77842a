"""Any file → tables of text; what a file is, its content says, not its name."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from crcne_stats.data.delimited import decoded, delimited
from crcne_stats.data.raw import OWN, Judge, RawTable, cell_text, coded, text_cells
from crcne_stats.data.workbook import workbook
from crcne_stats.domain.errors import DataError, Problem, Problems

WORTH_PROCESSES = 4_000_000
"""Bytes of workbooks from which starting other processes costs less than it saves."""


def read_all(paths: Sequence[Path], judge: Judge) -> tuple[list[RawTable], Problems]:
    """The tables of many files, in their order, and what is wrong with those that cannot be read.

    Large workbooks are read in several processes of this machine, whose number joblib finds.
    """
    size = sum(path.stat().st_size for path in paths if path.suffix.lower().startswith(".xls") and path.exists())
    workers = min(len(paths), joblib.cpu_count()) if len(paths) > 1 and size > WORTH_PROCESSES else 1
    if workers > 1:
        answers = joblib.Parallel(n_jobs=workers, backend="loky")(joblib.delayed(_read)(path, judge) for path in paths)
    else:
        answers = [_read(path, judge) for path in paths]
    raws, problems = [], Problems()
    for found, faults in answers:
        raws += found
        problems.extend(faults)
    return raws, problems


def _read(path: Path, judge: Judge) -> tuple[list[RawTable], Problems]:
    try:
        return tables(path, judge), Problems()
    except DataError as error:
        return [], error.problems


def tables(path: Path, judge: Judge) -> list[RawTable]:
    """The tables of a file; what the file is, its content says.

    Raises
    ------
    DataError
        When nothing in it can be read as a table, with the reason.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError([Problem("file_absent", file=path.name)]) from None
    except OSError as error:
        raise DataError([Problem("file_unreadable", file=path.name, found=type(error).__name__)]) from None
    digest = hashlib.sha256(content).hexdigest()
    if not content.strip(b"\x00\t\r\n ;,\xef\xbb\xbf"):
        raise DataError([Problem("file_empty", file=path.name)])
    if content[:4] == b"PAR1":
        return [_parquet(content, path.name, digest)]
    if content[:4] == b"PK\x03\x04" or content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return workbook(content, path.name, digest, judge)
    for magic in (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8"):
        if content.startswith(magic):
            raise DataError([Problem("file_no_table", file=path.name)])
    if content.lstrip()[:1] == b"<":
        raise DataError([Problem("file_no_table", file=path.name)])
    return [delimited(decoded(content, path.name), path.name, digest, judge)]


def _parquet(content: bytes, name: str, digest: str) -> RawTable:
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(content))
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError):
        raise DataError([Problem("parquet_unreadable", file=name)]) from None
    try:
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        cells = [_cells(column, OWN in metadata) for column in table.columns]
    except (pa.ArrowException, UnicodeDecodeError, MemoryError):
        raise DataError([Problem("parquet_unreadable", file=name)]) from None
    rows = np.arange(2, 2 + table.num_rows)
    return RawTable(name, "", list(table.column_names), cells, rows, digest, metadata=metadata)


def _cells(column: pa.ChunkedArray, own: bool) -> pd.Categorical:
    """A column as text; the texts of our own files (``own``) stay to the letter."""
    if pa.types.is_integer(column.type):
        return text_cells(*coded(column.cast(pa.string())))
    if pa.types.is_boolean(column.type):
        codes, texts = coded(column.cast(pa.string()))
        return text_cells(codes, np.array([text.upper() for text in texts], dtype=object))
    if pa.types.is_floating(column.type):
        codes, uniques = pd.factorize(column.to_pandas())
        return text_cells(codes, np.array([cell_text(float(value)) for value in uniques], dtype=object))
    codes, texts = coded(column if pa.types.is_dictionary(column.type) else column.cast(pa.string()))
    if any("\x00" in text for text in texts):
        raise pa.ArrowInvalid("NUL")
    if own and len(set(texts)) == len(texts) and all(texts):
        return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object))
    return text_cells(codes, texts)
