"""The main tables as a journal prints them (APA): few columns, intervals in brackets, a note with n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result, Study
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.documents import Grid
from crcne_stats.view.methods import missing, overview
from crcne_stats.view.tables import cell, entries
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

_ENDS = "low:high"
"""The interval of the row, as one column."""

CHOSEN: dict[str, dict[str, tuple[str, ...]]] = {
    "describe": {
        "overview": ("n_students", "n_trainers", "n_inspe", "n_sessions", "n_criteria", "n_ratings", "n_components"),
        "design": ("inspe", "n_students", "n_trainers", "trainers_per_file", "share_double", "share_linked"),
    },
    "agreement": {"agreement": ()},
    "icc": {"icc": ("form", "name", "value", _ENDS, "k_effective", "n_students", "n_trainers")},
    "severity": {
        "model": ("thresholds", "with_halo", "n_parameters", "log_likelihood", "aic", "bic", "eap_reliability"),
        "trainers": ("trainer", "n_students", "severity", "se", _ENDS, "fair_average", "infit", "outfit"),
        "criteria": ("criterion", "n_students", "difficulty", "se", _ENDS, "infit", "outfit"),
        "thresholds": ("criterion", "level", "threshold", "se", _ENDS),
        "summary": ("facet", "version", "n_elements", "measure_sd", "rmse", "separation", "strata", "reliability"),
    },
    "generalizability": {
        "components": ("source", "variance", "se", _ENDS, "percent"),
        "coefficients": ("coefficient", "value", _ENDS, "trainers_per_file", "n_criteria", "n_students"),
    },
    "difficulty": {
        "difficulty": (
            "criterion", "n_students", "mean", "sd", "item_rest", "item_rest_low:item_rest_high", "floor", "ceiling",
        ),
        "reliability": ("scope", "phase", "item", "alpha", _ENDS, "omega", "omega_low:omega_high", "n_criteria"),
    },
    "fairness": {
        "tests": ("interaction", "method", "chi2", "df", "p", "n_cells", "n_flagged"),
        "criteria": ("criterion", "mention", "inspe", "session", "group_gap", _ENDS, "p_adjusted", "fairness_verdict"),
    },
    "concordance": {
        "cross": ("inspe_level", "pix_level", "n_students", "share", _ENDS),
        "concordance": ("coefficient", "weights", "value", _ENDS, "n_students"),
        "joint": ("state", "joint_level", "n_students", "share", _ENDS),
    },
    "certification": {
        "scheme": ("part", "definition", "risk", "wrong", "wrong_low:wrong_high", "n_wrong", "n_students"),
        "panels": (
            "definition", "part", "risk", "panel_size", "wrong", "wrong_low:wrong_high", "wrong_change",
            "wrong_change_low:wrong_change_high",
        ),
    },
    "calibration": {
        "beliefs": ("belief", "retained", "moved", "logit_change", "se", "link_error", _ENDS, "n_students"),
        "drift": ("criterion", "previous_difficulty", "difficulty", "drift", _ENDS, "p_adjusted", "drift_verdict"),
    },
    "priorities": {
        "priorities": (
            "criterion", "rank", "rank_low:rank_high", "priority_index", "priority_index_low:priority_index_high",
            "priority", "symptom", "suggestion",
        ),
    },
    "verdict": {
        "criteria": (
            "criterion", "by_agreement", "by_generalizability", "by_many_facet", "concurrence", "overall", "n_students",
        ),
    },
    "planning": {
        "schemes": ("scheme", "trainers_per_file", "generalizability", "dependability", "wrong_level", "hours"),
    },
}  # fmt: skip
"""Tables and columns of each analysis; one that is absent gets its first table and the first of its columns."""
_MOST = 8
"""Columns of a table that nobody has chosen."""
_SHARES = ("p", "p_adjusted", "alpha", "omega", "item_rest", "reliability", "eap_reliability")
"""Numbers that cannot pass 1: in English they are written without a zero before the point."""


def printed(study: Study, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> list[Grid]:
    """The main tables of a study, numbered in its order, with only what may be shown.

    A row whose numbers are hidden or cannot be had shows a dash; the note says why.
    """
    w = words(lang)
    shown = published(study, threshold)
    total = overview(shown).get("n_students")
    found: list[Grid] = []
    for result in shown.results.values():
        for name, columns in chosen(result):
            if len(result.tables[name]) and not _without(result.tables[name]):
                label = w("printed.table", n=len(found) + 1)
                grid = _grid(result, name, columns, label, total, study.ratings.framework, w)
                if any(grid.numeric):  # else everything is hidden but what the rows are about
                    found.append(grid)
    return found


def _without(frame: pd.DataFrame) -> bool:
    """Whether every row only says why its numbers cannot be had."""
    if "reason" not in frame.columns or not (frame["reason"].astype(object).fillna("") != "").all():
        return False
    return not (frame.select_dtypes("number").fillna(0) != 0).any(axis=None)


def chosen(result: Result) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The main tables of a result and the columns to print."""
    if result.name in CHOSEN:
        yield from ((name, columns) for name, columns in CHOSEN[result.name].items() if name in result.tables)
        return
    for name, frame in list(result.tables.items())[:1]:
        kept = [one for one in frame.columns if one not in ("reason", "low", "high") and frame[one].notna().any()]
        ends = [_ENDS] if {"low", "high"} <= set(frame.columns) else []
        yield name, (*kept[: _MOST - len(ends)], *ends)


def _grid(
    result: Result, name: str, columns: tuple[str, ...], label: str, total: float | None, framework: Framework, w: Words
) -> Grid:
    frame = result.tables[name]
    if (result.name, name) == ("agreement", "agreement"):
        header, rows, numeric = _agreement(frame, result.settings["level"], framework, w)
    else:
        header, rows, numeric = _long(frame, columns, result, framework, w)
    return Grid(
        tuple(header), tuple(tuple(row) for row in rows), tuple(numeric), label, w(f"table.{result.name}.{name}"),
        _note(result, frame, rows, total, w), result.name if name == result.name else f"{result.name}-{name}",
    )  # fmt: skip


def _long(
    frame: pd.DataFrame, columns: tuple[str, ...], result: Result, framework: Framework, w: Words
) -> tuple[list[str], list[list[str]], list[bool]]:
    """A column for each that was chosen and holds anything."""
    kept = [one for one in columns if all(part in frame.columns for part in one.split(":"))]
    kept = [one for one in kept if any(_filled(frame[part]) for part in one.split(":")) or len(frame.columns) == 1]
    kinds = dict(zip(frame.columns, entries(frame), strict=True))
    rows = []
    for record in frame.astype(object).to_dict("records"):
        rows.append([_text(record, one, kinds, framework, w) for one in kept])
    level = result.settings.get("level", 0.95)
    header = [w("printed.interval", level=level) if ":" in one else w(f"column.{one}.label") for one in kept]
    return header, rows, [COLUMNS[one.split(":")[0]].kind in ("number", "percent", "count") for one in kept]


def _filled(values: pd.Series) -> bool:
    return bool((values.notna() & (values.astype(object) != "")).any())


def _text(record: Mapping[str, Any], one: str, kinds: Mapping[str, Any], framework: Framework, w: Words) -> str:
    """A cell, or the two ends of an interval; a dash where there is none."""
    low, _, high = one.partition(":")
    parts = [_bare(cell(record, name, kinds[name], framework, w), name, w) for name in (low, high) if name]
    if high:
        return f"[{parts[0]}{w('printed.between')}{parts[1]}]" if all(parts) else "–"
    return parts[0] or "–"


def _bare(text: str, name: str, w: Words) -> str:
    leading = w.language != "fr" and name.partition("_low")[0].partition("_high")[0] in _SHARES
    return text.replace("0.", ".", 1) if leading and text.lstrip("−< \u00a0").startswith("0.") else text


def _agreement(
    frame: pd.DataFrame, level: float, framework: Framework, w: Words
) -> tuple[list[str], list[list[str]], list[bool]]:
    """One row per criterion or group, one column per coefficient, and the interval of the last one."""
    names = list(dict.fromkeys(frame["coefficient"]))
    about = [one for one in frame.columns[: list(frame.columns).index("coefficient")] if _filled(frame[one])]
    header = [w(f"column.{one}.label") for one in about] + [w("column.n_students.label")]
    header += [w(f"coefficient.{name}") for name in names] + [
        w("printed.interval_of", level=level, name=w(f"coefficient.{names[-1]}"))
    ]
    kinds = dict(zip(frame.columns, entries(frame), strict=True))
    rows = []
    for _, part in frame.groupby(about or "method", sort=False, dropna=False):
        by = {record["coefficient"]: record for record in part.astype(object).to_dict("records")}
        last = by.get(names[-1], {})
        told = next(iter(by.values()))
        rows.append(
            [_text(told, one, kinds, framework, w) for one in (*about, "n_students")]
            + [_text(by[name], "value", kinds, framework, w) if name in by else "–" for name in names]
            + [_text(last, _ENDS, kinds, framework, w) if last else "–"]
        )
    return header, rows, [False] * len(about) + [True] * (len(names) + 2)


def _note(result: Result, frame: pd.DataFrame, rows: list[list[str]], total: float | None, w: Words) -> str:
    """On how many the table rests, what was done with missing ratings, why a dash stands where it does."""
    parts = [rested(frame, total, w), missing(result.name, w)]
    if any("–" in row for row in rows) and "reason" in frame.columns:
        records = frame[frame["reason"].fillna("") != ""].astype(object).to_dict("records")
        why = list(dict.fromkeys(w(f"reason.{record['reason']}", **record) for record in records))
        if why:
            parts.append(w("printed.dash", why=" ".join(why[:3])))
    return " ".join(part for part in parts if part)


def rested(frame: pd.DataFrame, total: float | None, w: Words) -> str:
    """«n = 598 à 600 étudiants», as far as the table tells; where it does not, the students of the study."""
    counts = frame["n_students"].astype(float).dropna() if "n_students" in frame.columns else pd.Series(dtype=float)
    if len(counts) and "share" not in frame.columns:  # rows that share out the students rest on all of them
        low, high = int(counts.min()), int(counts.max())
        return w("printed.n_one", n=low) if low == high else w("printed.n_range", low=low, high=high)
    return w("printed.n_study", n=int(total)) if total is not None else ""
