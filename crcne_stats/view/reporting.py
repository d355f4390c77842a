"""What a journal asks beside the results: the GRRAS checklist, a study card, the captions of the figures.

What can be computed from the study is told; what cannot is asked of the authors, never made up. The checklist follows
Kottner et al. (2011), doi:10.1016/j.jclinepi.2010.03.002; its fifteen items are told in our own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.references import cited
from crcne_stats.domain.result import Result, Study
from crcne_stats.view import figures as drawn
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.documents import Block, Grid, Heading, Items, Text
from crcne_stats.view.methods import missing, overview
from crcne_stats.view.printed import rested
from crcne_stats.view.sentences import sentence
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

ITEMS = (
    "title", "instrument", "subjects", "raters", "background", "size", "sampling", "process", "independence",
    "analysis", "actual", "characteristics", "estimates", "relevance", "details",
)  # fmt: skip
"""The items of the checklist, in their order."""
TOLD = ("instrument", "analysis", "actual", "estimates", "details")
"""Those that a study can answer in full; of the others the authors are asked for the rest."""
KOTTNER = "kottner2011"
_FOOTNOTE = 60
"""Rank from which a note is a footnote."""
_CARD_ASKED = ("purpose", "collection", "training", "basis", "access", "contact")


def checklist(study: Study, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> list[Block]:
    """The fifteen items of GRRAS: what the study says of each, and what the authors have to add."""
    w = words(lang)
    shown = published(study, threshold)
    told = _told(shown, w)
    rows = []
    for number, item in enumerate(ITEMS, start=1):
        answer = " ".join(told.get(item, []))
        asked = w("grras.unanswered") if item in TOLD and not answer else ""
        asked = w(f"grras.asked.{item}") if item not in TOLD else asked
        state = "asked" if not answer else "partly" if asked else "filled"
        rows.append((str(number), w(f"grras.item.{item}"), w(f"grras.state.{state}"), answer or "–", asked or "–"))
    header = tuple(w(f"grras.header.{name}") for name in ("item", "wanted", "state", "answer", "asked"))
    done = sum(item in told for item in TOLD)
    return [
        Heading(w("grras.title"), 1),
        Text(cited(w("grras.intro", n=done, total=len(ITEMS)), w)),
        *([Text(w("report.simulated"))] if shown.simulated else []),
        Grid(header, tuple(rows), (True, False, False, False, False)),
    ]


def _told(study: Study, w: Words) -> dict[str, list[str]]:
    """What the study says of each item."""
    n, framework = overview(study), study.ratings.framework
    counts = {name: int(value) for name, value in n.items() if name.startswith("n_")}
    told: dict[str, list[str]] = {
        "title": [w("grras.told.title")],
        "instrument": [_instrument(framework, w)],
        "analysis": [w("grras.told.methods")],
        "details": [w("grras.told.details")],
    }
    if {"n_students", "n_inspe", "n_sessions"} <= set(counts):
        told["subjects"] = [w("grras.told.subjects", **counts)]
    if {"n_trainers", "n_inspe"} <= set(counts):
        told["raters"] = [w("grras.told.raters", **counts)]
    if {"n_students", "n_trainers", "n_ratings"} <= set(counts):
        told["size"] = [w("grras.told.size", **counts)]
        told["actual"] = [w("grras.told.actual", **counts)]
        if "share_double" in n and "trainers_per_file" in n:
            told["actual"].append(w("grras.told.replicates", share=n["share_double"], mean=n["trainers_per_file"]))
    if "n_components" in counts:
        told["sampling"] = [w("grras.told.design", n=counts["n_components"])]
    halo = _halo(study)
    if halo is not None:
        told["independence"] = [w("grras.told.halo", sd=halo)]
    groups = list(_groups(study, w))
    if groups:
        told["characteristics"] = groups
    estimates = list(_estimates(study, w))
    if estimates:
        told["estimates"] = [*estimates, w("grras.told.more")]
    first = [sentence(note, study.ratings.framework, w) for _, note in study.notes if note.kind == "finding"][:3]
    if first:
        told["relevance"] = [w("grras.told.findings"), *first]
    return told


def _instrument(framework: Framework, w: Words) -> str:
    title = framework.title.get(w.language, framework.title["fr"])
    scale = ", ".join(framework.name("level", level.key, w.language) for level in framework.levels)
    values = {"phases": len(framework.phases), "items": len(framework.items), "criteria": len(framework.criteria)}
    return w("grras.told.instrument", title=title, version=framework.version, scale=scale, **values)


def _halo(study: Study) -> float | None:
    """Standard deviation of what belongs to a whole sheet, where the model chosen has one."""
    model = _table(study, "severity", "model")
    chosen = model[model["chosen"].astype(bool)] if len(model) else model
    if not len(chosen) or pd.isna(chosen["halo_sd"].iloc[0]):
        return None
    return float(chosen["halo_sd"].iloc[0])


def _groups(study: Study, w: Words) -> Iterator[str]:
    """Students of each INSPÉ, session and mention, as far as they may be shown."""
    coverage = _table(study, "describe", "coverage")
    for facet in ("inspe", "session", "mention"):
        rows = coverage[coverage["facet"] == facet] if len(coverage) else coverage
        rows = rows[rows["n_students"].notna()] if len(rows) else rows
        if len(rows) > 1:
            parts = ", ".join(f"{row.member} ({w.count(row.n_students)})" for row in rows.itertuples())
            yield w("grras.told.groups", facet=facet, parts=parts)


def _estimates(study: Study, w: Words) -> Iterator[str]:
    """The main estimates with their intervals: agreement over criteria, ICC, dependability, spread of trainers."""
    agreement = _table(study, "agreement", "agreement")
    if len(agreement):
        last = agreement[agreement["coefficient"] == list(agreement["coefficient"])[-1]].dropna(subset=["value"])
        if len(last):
            low, high = last.loc[last["value"].idxmin()], last.loc[last["value"].idxmax()]
            ends = {"least": low["value"], "least_low": low["low"], "least_high": low["high"]}
            ends |= {"most": high["value"], "most_low": high["low"], "most_high": high["high"]}
            yield w("grras.told.agreement", coefficient=str(low["coefficient"]), n=len(last), **ends)
    for analysis, name, column, keys in (
        ("icc", "icc", "form", ("ICC(A,1)", "ICC(A,k)")),
        ("generalizability", "coefficients", "coefficient", ("generalizability", "dependability")),
    ):
        table = _table(study, analysis, name)
        for _, row in table[table[column].isin(keys)].iterrows() if len(table) else ():
            if pd.notna(row["value"]) and pd.isna(row.get("criterion")):
                label = row[column] if column == "form" else w(f"coefficient.{row[column]}")
                yield w("grras.told.estimate", name=label, value=row["value"], low=row["low"], high=row["high"])
    trainers = _table(study, "severity", "trainers")
    if len(trainers) and trainers["severity"].notna().any():
        known = trainers["severity"].dropna().astype(float)
        yield w("grras.told.severity", low=float(known.min()), high=float(known.max()), n=len(known))


def _table(study: Study, analysis: str, name: str) -> pd.DataFrame:
    result = study.results.get(analysis)
    return pd.DataFrame() if result is None else result.tables.get(name, pd.DataFrame())


def card(study: Study, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> list[Block]:
    """A page that says what the study is: data, framework, analyses, seed, limits; and what only its authors know."""
    w = words(lang)
    shown = published(study, threshold)
    n, framework = overview(shown), shown.ratings.framework
    facts: list[tuple[str, str]] = [
        ("framework", f"{framework.version} – {framework.title.get(lang, framework.title['fr'])}"),
        ("status", w(f"framework_status.{framework.status}")),
        ("simulated", w("table.yes" if shown.simulated else "table.no")),
    ]
    facts += [(name, w.count(n[name])) for name in _COUNTS if name in n]
    facts += [(name, w.percent(n[name], 1)) for name in ("share_missing", "share_double") if name in n]
    facts += [("threshold", w.count(threshold)), ("seed", str(shown.seed))]
    facts += [("source", w("report.source", **source)) for source in _sources(shown)]
    done = [result for result in shown.results.values() if result.tables]
    facts.append(("analyses", ", ".join(w(f"analysis.{result.name}.title") for result in done)))
    undone = [result for result in shown.results.values() if not result.tables]
    facts += [("not_done", f"{w(f'analysis.{result.name}.title')} – {_why(result, w)}") for result in undone]
    doubts = [note for _, note in shown.notes if note.kind == "caution" and note.rank < _FOOTNOTE]
    cautions = [sentence(note, framework, w) for note in doubts]
    header = (w("card.header.fact"), w("card.header.value"))
    rows = tuple((w(f"card.fact.{name}"), value) for name, value in facts)
    return [
        Heading(w("card.title"), 1),
        *([Text(w("report.simulated"))] if shown.simulated else []),
        Grid(header, rows, (False, False)),
        Heading(w("card.limits")),
        Items(tuple(cautions)) if cautions else Text(w("card.no_limit")),
        Heading(w("card.to_add")),
        Items(tuple(w(f"card.asked.{name}") for name in _CARD_ASKED)),
    ]


_COUNTS = ("n_students", "n_trainers", "n_inspe", "n_sessions", "n_criteria", "n_ratings", "n_components")


def _sources(study: Study) -> Iterator[Mapping[str, Any]]:
    students = study.students.sources if study.students is not None else ()
    for source in (*study.ratings.sources, *students):
        name = source.file.replace("\\", "/").rpartition("/")[2]
        yield {"file": name, "rows": source.rows_read, "digest": source.sha256[:12]}


def _why(result: Result, w: Words) -> str:
    return w(f"reason.{result.reason or 'hidden'}", **result.settings)


def captions(study: Study, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> list[Block]:
    """The caption of each figure: title, how to read it, on how many it rests, what became of missing ratings."""
    w = words(lang)
    shown = published(study, threshold)
    blocks: list[Block] = [Heading(w("printed.figures"), 1)]
    total = overview(shown).get("n_students")
    number = 0
    for result in shown.results.values():
        for name in drawn.figures(result):
            number += 1
            stem = name if name == result.name else f"{result.name}-{name}"
            n = rested(result.tables.get(name, pd.DataFrame()), total, w)
            parts = [w(f"figure.{result.name}.{name}.caption"), n, missing(result.name, w)]
            blocks.append(Heading(f"{w('printed.figure', n=number)}. {drawn.title(result, name, lang)}"))
            blocks.append(Text(" ".join(part for part in parts if part)))
            blocks.append(Text(w("printed.file", file=f"figures/{stem}.svg")))
    return blocks
