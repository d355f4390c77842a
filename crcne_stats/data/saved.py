"""Files of our own: Parquet with the framework inside, CSV with the published headers; whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from crcne_stats.data.raw import FORMULA_STARTS, OWN, RawTable
from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings, Source, faults, prepare
from crcne_stats.domain.result import Note

if TYPE_CHECKING:
    from crcne_stats.domain.students import Students

RATING = ("student", "trainer", "criterion", "score")
"""What a rating is at the least."""


def write_saved(data: Ratings | Students, target: Path) -> Path:
    """Parquet of ratings or students with all that the frame does not say in its metadata."""
    table = pa.Table.from_pandas(data.frame, preserve_index=False)
    about = {
        "framework": data.framework.to_toml(),
        "simulated": data.simulated,
        "notes": [asdict(note) for note in data.notes],
        "sources": [asdict(source) for source in data.sources],
    }
    table = table.replace_schema_metadata({OWN: json.dumps(about, ensure_ascii=False)})
    return atomically(target, lambda path: pyarrow.parquet.write_table(table, path, compression="zstd"))


def is_saved(raw: RawTable) -> bool:
    """Whether a table was written by the kit."""
    return OWN in raw.metadata


def about(raw: RawTable) -> dict[str, Any]:
    """Framework, simulated, notes and sources of a table written by the kit, ready as keywords."""
    try:
        content = json.loads(raw.metadata[OWN])
        return {
            "framework": Framework.from_toml(content["framework"]),
            "simulated": content["simulated"],
            "notes": [Note(**note) for note in content["notes"]],
            "sources": [Source(**source) for source in content["sources"]],
        }
    except (ValueError, KeyError, TypeError):
        raise DataError([Problem("parquet_unreadable", file=raw.file)]) from None


def read_saved(raw: RawTable) -> Ratings | None:
    """Ratings as they were written, notes and sources included; None where it was changed since and is faulty."""
    told = about(raw)
    framework = told.pop("framework")
    if len(set(raw.header)) < len(raw.header) or {*RATING} - {*raw.header}:
        return None
    table = pd.DataFrame(dict(zip(raw.header, raw.cells, strict=True)))
    table["score"] = pd.to_numeric(pd.Series(table["score"].astype(object)), errors="coerce")
    prepared = prepare(table, framework)
    if prepared["score"].isna().any() or faults(prepared, framework):
        return None
    return Ratings.trusted(prepared, framework, **told)


def write_table(frame: pd.DataFrame, target: Path) -> Path:
    """CSV, UTF-8, commas. A text that a spreadsheet would run as a formula is refused a start: it gets a quote mark."""
    plain = frame.copy()
    for name in plain.columns:
        if isinstance(plain[name].dtype, pd.CategoricalDtype):
            plain[name] = plain[name].cat.rename_categories(
                {text: f"'{text}" for text in plain[name].cat.categories if str(text)[:1] in FORMULA_STARTS}
            )
    return atomically(target, lambda path: plain.to_csv(path, index=False))


def atomically(target: Path, write: Callable[[Path], Any]) -> Path:
    """Let ``write`` make the file under a temporary name beside ``target``, then rename it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    os.close(handle)
    path = Path(name)
    try:
        write(path)
        os.chmod(path, 0o644)
        os.replace(path, target)
    finally:
        path.unlink(missing_ok=True)
    return target
