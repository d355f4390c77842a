"""``crcne validate``, ``crcne simulate`` and ``crcne frameworks``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_draft import draft_framework
from crcne_stats.domain.frameworks import available, load_framework
from crcne_stats.words import Words

_WIDTH = 100


def frameworks(w: Words, version: str | None, draft: Path | None, **columns: str | None) -> None:
    """List the versions, print one, or draft one from a data file."""
    if draft is not None:
        click.echo(draft_framework(draft.stem, _levels(draft, columns), w.language), nl=False)
    elif version is not None:
        click.echo("\n".join(_grid(load_framework(version), w)))
    else:
        for name in available():
            framework = load_framework(name)
            status = w(f"cli.status.{framework.status}")
            click.echo(w("cli.frameworks.line", version=name, status=status, title=_title(framework, w)))


def _title(framework: Framework, w: Words) -> str:
    return framework.title.get(w.language) or framework.title["fr"]


def _grid(framework: Framework, w: Words) -> Iterator[str]:
    """The framework as lines of text: scale, then phases, items and criteria with their whole texts."""
    yield _title(framework, w)
    yield w("cli.frameworks.about", version=framework.version, status=w(f"cli.status.{framework.status}"))
    if framework.source:
        yield from _wrapped(framework.source, "")
    for note in (framework.rules.note, framework.rules.official):
        if note:
            yield from _wrapped(note.get(w.language) or note.get("fr", ""), "")
    for name, scale in framework.scales.items():
        rungs = " < ".join(f"{level.text.get(w.language) or level.text['fr']} ({level.score})" for level in scale)
        yield from _wrapped(w("cli.frameworks.scale", name=name, levels=rungs) if name else rungs, "")
    for phase in framework.phases:
        yield ""
        yield from _wrapped(f"{phase.key}. {framework.name('phase', phase.key, w.language)}", "")
        for item in (item for item in framework.items if item.phase == phase.key):
            yield from _wrapped(f"{item.key}. {framework.name('item', item.key, w.language)}", "  ")
            for criterion in (criterion for criterion in framework.criteria if criterion.item == item.key):
                told = f"{criterion.key}  {framework.name('criterion', criterion.key, w.language)}"
                yield from _wrapped(f"{told} [{criterion.scale}]" if criterion.scale else told, "    ")
    if framework.mentions:
        yield ""
        names = (
            f"{mention.key} {framework.name('mention', mention.key, w.language)}" for mention in framework.mentions
        )
        yield from _wrapped(w("cli.frameworks.mentions", names="; ".join(names)), "")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
