"""What a document is made of, whatever it is written as: headings, paragraphs, lists, tables of text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A title; ``level`` 1 is that of the document."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list, its entries in order."""

    entries: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of texts: ``numeric`` says of each column whether it holds numbers.

    ``label`` («Table 1»), ``title`` and ``note`` are empty where a document needs none.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    label: str = ""
    title: str = ""
    note: str = ""
    name: str = ""


Block = Heading | Text | Items | Grid
