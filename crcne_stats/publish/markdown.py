"""Documents as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crcne_stats.view.documents import Block, Grid, Heading, Items

_MARKS = re.compile(r"([\\`*_\[\]<>|])")


def markdown(blocks: Iterable[Block]) -> str:
    """The document, one blank line between its parts."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_safe(block.text)}"
    if isinstance(block, Items):
        return "\n".join(f"- {_safe(entry)}" for entry in block.entries)
    if isinstance(block, Grid):
        return _grid(block)
    return _safe(block.text)


def _grid(grid: Grid) -> str:
    rule = ["---:" if number else "---" for number in grid.numeric]
    lines = [_row(map(_safe, grid.header)), _row(rule), *(_row(map(_safe, row)) for row in grid.rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """Marks of Markdown and of HTML taken as letters; a line stays one."""
    return _MARKS.sub(r"\\\1", " ".join(text.split("\n")))
