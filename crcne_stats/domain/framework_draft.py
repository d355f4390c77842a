"""A first framework file for any other rubric, to be completed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Criterion, Framework, Item, Level, Link, Phase
from crcne_stats.words import Words, languages, words

LONGEST = 100
"""Between two scores further apart, the numbers that nobody gave are not taken for levels."""


def draft_framework(version: str, levels_by_criterion: Mapping[str, Iterable[int | str]], language: str = "fr") -> str:
    """The TOML text of a draft whose criteria and levels are those of a data file.

    Parameters
    ----------
    version
        The name of the new version.
    levels_by_criterion
        For each criterion the distinct levels found: whole numbers are the scores, texts are names of levels. A level
        that nobody used is not in the data: the comments of the draft ask for it. Numbers between the lowest and the
        highest of a criterion are filled in. Texts have no order that a program knows: they stand in the order found,
        on one scale for all the criteria.
    language
        Of the comments that say what to complete.

    Raises
    ------
    DataError
        When there is no criterion, or one without a level.
    """
    if not levels_by_criterion or not all(list(levels) for levels in levels_by_criterion.values()):
        raise DataError([Problem("no_ratings")])
    w = words(language)
    found = {str(key): list(levels) for key, levels in levels_by_criterion.items()}
    numbers = all(not isinstance(level, str) for levels in found.values() for level in levels)
    scales = {key: _whole(levels) if numbers else tuple(map(str, levels)) for key, levels in found.items()}
    main = max(scales.values(), key=lambda scale: (len(scale), scale))
    if not numbers:
        main = tuple(dict.fromkeys(str(level) for levels in found.values() for level in levels))
        scales = dict.fromkeys(scales, main)
    others = [scale for scale in dict.fromkeys(scales.values()) if scale != main]
    names = {scale: f"{scale[0]}-{scale[-1]}" for scale in others}
    framework = Framework(
        version=_bare(version),
        status="draft",
        title={lang: words(lang)("draft.title", version=version) for lang in languages()},
        levels=_levels(main, numbers),
        phases=(Phase("1", _todo("draft.phase", "1")),),
        items=(Item("1", "1", _todo("draft.item", "1")),),
        criteria=tuple(
            Criterion(key, "1", dict.fromkeys(languages(), key), scale=names.get(scale, ""))
            for key, scale in scales.items()
        ),
        other_scales={names[scale]: _levels(scale, numbers) for scale in others},
    )
    return _commented(framework.to_toml(), w)


def with_global_level(framework: Framework) -> Framework:
    """The framework with a criterion for the trainer's overall level, outside every total, where it has none.

    A framework that gains one is no longer the version that it was: its name says so.
    """
    if len(framework.scored) < len(framework.criteria):
        return framework
    texts = {lang: words(lang)("draft.global_level") for lang in languages()}
    taken = {criterion.key for criterion in framework.criteria}
    key = next(name for name in ("G", *(f"G{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    extra = Criterion(key, framework.items[-1].key, texts, role="global")
    links = framework.crosswalk
    if links is not None:
        links = replace(links, links=(*links.links, Link("new", (), (key,))))
    criteria = (*framework.criteria, extra)
    return replace(framework, version=f"{framework.version}-{key}", criteria=criteria, crosswalk=links)


def _whole(levels: Iterable[int | str]) -> tuple[int, ...]:
    scores = sorted(int(level) for level in levels)
    if scores[-1] - scores[0] > LONGEST:
        return tuple(dict.fromkeys(scores))
    return tuple(range(scores[0], scores[-1] + 1))


def _levels(scale: tuple[int | str, ...], numbers: bool) -> tuple[Level, ...]:
    return tuple(
        Level(str(value), int(value) if numbers else rank, {lang: str(value) for lang in languages()})
        for rank, value in enumerate(scale)
    )


def _todo(key: str, name: str) -> dict[str, str]:
    return {lang: words(lang)(key, name=name) for lang in languages()}


def _bare(version: str) -> str:
    return re.sub(r"[^\w.-]+", "-", version).strip("-") or "draft"


def _commented(toml: str, w: Words) -> str:
    """Say above each part what to complete there."""
    lines = [f"# {line}" for line in w("draft.head").splitlines()] + [""]
    told: set[str] = set()
    for line in toml.splitlines():
        part = line.strip("[]").split(".")[0]
        if line.startswith("[") and part not in told and w.has(f"draft.part.{part}"):
            told.add(part)
            lines += [f"# {comment}" for comment in w(f"draft.part.{part}").splitlines()]
        lines.append(line)
    return "\n".join(lines) + "\n"
