"""Methods paragraphs made from what a study really did, each method with its source."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pandas as pd

from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.references import bibliography, cited, keys_in
from crcne_stats.domain.result import Result, Study
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.methods_lines import LINES, Line
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

_PACKAGES = ("numpy", "pandas", "scipy")
_INNER = {"seed", "reason", "level", "criteria"}
"""Settings that say nothing of a method, or that another sentence tells."""


@dataclass(frozen=True)
class Paragraph:
    """What was done for one question: ``text`` to be read, ``keys`` of the sources that it cites."""

    name: str
    title: str
    text: str
    keys: tuple[str, ...]


def methods(study: Study, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> list[Paragraph]:
    """The methods of a study: data and software first, then each analysis in its order.

    An analysis that has no sentences of its own is told by its question and its settings. Only what may be shown is
    told, as everywhere.
    """
    w = words(lang)
    shown = published(study, threshold)
    paragraphs = [_paragraph("study", w("methods.study.title"), _of_study(shown, threshold), w)]
    for entry in ANALYSES:
        if entry.name in shown.results:
            result = shown.results[entry.name]
            lines = _of_result(result, w)
            paragraphs.append(_paragraph(entry.name, w(f"analysis.{entry.name}.title"), lines, w))
    return paragraphs


def sources(paragraphs: list[Paragraph], lang: str = DEFAULT_LANGUAGE) -> list[str]:
    """The list of references of those paragraphs."""
    return bibliography((key for paragraph in paragraphs for key in paragraph.keys), words(lang))


def missing(name: str, w: Words) -> str:
    """What the analysis of that name makes of missing ratings."""
    key = f"methods.missing.{name}"
    return w(key) if w.has(key) else w("methods.missing.other")


def overview(study: Study) -> dict[str, float]:
    """Counts of a published study: students, trainers, ratings, cells expected and missing, files rated twice.

    What is hidden or cannot be had is absent.
    """
    described = study.results["describe"].tables
    row = described["overview"].iloc[0]
    found: dict[str, Any] = {str(name): row[name] for name in row.index if str(name).startswith("n_")}
    design = described["design"]
    whole = design[design["inspe"].isna()].iloc[0]
    found |= {name: whole[name] for name in ("trainers_per_file", "share_double", "share_linked")}
    criteria = described["coverage"].query("facet == 'criterion'")
    found["n_expected"] = criteria["n_expected"].sum(skipna=False)
    found["share_missing"] = 1 - criteria["n_ratings"].sum(skipna=False) / found["n_expected"]
    return {name: value for name, value in found.items() if pd.notna(value)}


def _of_study(study: Study, threshold: int) -> Iterator[Line]:
    framework = study.ratings.framework
    n = overview(study)
    if study.simulated:
        yield "methods.study.simulated", {}
    counts = ("n_students", "n_inspe", "n_sessions", "n_trainers", "n_criteria", "n_ratings")
    if all(name in n for name in counts):
        yield "methods.study.data", {"version": framework.version, **{name: int(n[name]) for name in counts}}
    if "share_double" in n:
        yield "methods.study.double", {"share": n["share_double"]}
    if "n_components" in n:
        one = int(n["n_components"]) == 1
        yield "methods.study.connected" if one else "methods.study.islands", {"n": int(n["n_components"])}
    if "share_missing" in n:
        yield "methods.study.missing", {"share": n["share_missing"], "n": int(n["n_expected"])}
    yield "methods.study.threshold", {"n": threshold}
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    told = {"version": metadata.version("crcne-stats"), "python": platform.python_version(), "packages": versions}
    yield "methods.study.software", {**told, "seed": study.seed}


def _of_result(result: Result, w: Words) -> Iterator[Line]:
    name = result.name
    if not result.tables:
        why = w(f"reason.{result.reason or 'hidden'}", **result.settings)
        yield "methods.not_done", {"why": why}
        return
    if name in LINES:
        yield from LINES[name](result, w)
    else:
        yield "methods.asked", {"question": w(f"analysis.{name}.question")}
        told = ", ".join(_setting(key, value) for key, value in result.settings.items() if _telling(key, value))
        if told:
            yield "methods.settings", {"settings": told}
    yield f"methods.missing.{name}" if w.has(f"methods.missing.{name}") else "methods.missing.other", {}
    if "level" in result.settings:
        yield "methods.level", {"level": result.settings["level"]}


def _telling(key: str, value: Any) -> bool:
    return key not in _INNER and isinstance(value, bool | int | float | str) and value != ""


def _setting(key: str, value: Any) -> str:
    return f"{key} = {value:g}" if isinstance(value, float) else f"{key} = {value}"


def _paragraph(name: str, title: str, lines: Iterator[Line], w: Words) -> Paragraph:
    text = " ".join(w(key, **values) for key, values in lines)
    return Paragraph(name, title, cited(text, w), tuple(keys_in(text)))


def cited_keys(paragraphs: list[Paragraph]) -> list[str]:
    """The keys of all the sources of those paragraphs, sorted."""
    return sorted({key for paragraph in paragraphs for key in paragraph.keys})
