"""What the analyses note, as sentences."""

from __future__ import annotations

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Note
from crcne_stats.words import Words

_GROUPS = ("group", "against")
"""Values that name a group of the column that ``by`` tells."""


def sentence(note: Note, framework: Framework | None, w: Words) -> str:
    """A note in the reader's language, its mentions by the names that the framework gives them."""
    values = dict(note.values)
    if framework is not None:
        named = [name for name in _GROUPS if name in values and values.get("by") == "mention"]
        for name in [*named, *(["mention"] if "mention" in values else [])]:
            values[name] = framework.name("mention", str(values[name]), w.language)
    return w(f"note.{note.key}", **values)
