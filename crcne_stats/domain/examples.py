"""Published examples as they ship: data and numbers of books and papers, each with its source and its precision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from crcne_stats import shipped


@dataclass(frozen=True)
class Example:
    """An example: where it is from, its data, and what was printed: name of the number, number, half its last digit."""

    name: str
    source: str
    data: Any
    expected: tuple[tuple[str, float, float], ...]


@cache
def examples() -> tuple[Example, ...]:
    """The examples of ``data_schema/published.json``, in the order of the file."""
    content = json.loads((shipped.data_schema() / "published.json").read_text(encoding="utf-8"))
    return tuple(
        Example(
            name,
            entry["source"],
            entry["data"],
            tuple((row["quantity"], float(row["value"]), float(row["tolerance"])) for row in entry["expected"]),
        )
        for name, entry in content.items()
    )
