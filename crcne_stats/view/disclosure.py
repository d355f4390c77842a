"""What may be shown: numbers that rest on few students are hidden, the same ones in every output.

A row that rests on fewer students than the threshold keeps what it is about and loses its numbers (``reason`` says
"hidden"). So do further rows, the fewest students first, until no published total, share, mean or second table gives a
hidden number away (:mod:`crcne_stats.view.suppression` knows what adds up, :mod:`crcne_stats.view.audit` what follows
from it). A hidden number can still be at least ``threshold`` different values for the reader, as far as there is
anything left to hide beside it. Tables of single students are left out; a Note that rests on a hidden number is
dropped; trainers appear under labels (:mod:`crcne_stats.view.aliases`). What is hidden depends on the data and the
threshold alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.result import Note, Result, Study
from crcne_stats.view.aliases import relabelled, told, trainer_labels
from crcne_stats.view.margins import COARSE, of_pairs
from crcne_stats.view.suppression import Units, to_hide, units

THRESHOLD = 5
STRICT = 11
HIDDEN, PARTLY = "hidden", "hidden_part"
Trainers = Literal["labels", "as_given"]
ANSWERS = (
    "verdict", "verdict_low", "verdict_high", "verdict_sure", "conclusion", "decisive", "priority", "suggestion",
    "answer", "by_agreement", "by_generalizability", "by_many_facet", "concurrence", "why", "overall", "apart",
    "drift_verdict", "moved_verdict", "revision_verdict",
)  # fmt: skip
"""Columns of words that say what the numbers of their row amount to: they go with them."""

_NOTES: dict[str, tuple[str, dict[str, str]]] = {
    "concordance.direction": ("direction", {}),
    "concordance.inspe_higher": ("direction", {}),
    "concordance.pix_higher": ("direction", {}),
    "certification.decided": ("joint", {}),
    "certification.binding": ("binding", {}),
    "certification.waiting": ("joint", {}),
    "concordance.groups_differ": ("groups", {"facet": "facet"}),
    "describe.missing_most": ("coverage", {"facet": "facet", "member": "member"}),
    "describe.linked": ("design", {}),
    "describe.rated_once": ("design", {}),
    "severity.spread": ("trainers", {"trainer": "trainer_a"}),
    "agreement.flips": ("multiverse_summary", {"criterion": "name"}),
    "agreement.words": ("benchmark", {"criterion": "name"}),
    "agreement.groups_differ": ("groups", {"criterion": "name"}),
    "agreement.action_size": ("sample_size", {"criterion": "name"}),
    "difficulty.floor": ("difficulty", {"criterion": "first"}),
    "difficulty.ceiling": ("difficulty", {"criterion": "first"}),
}
"""The rows on which a note rests: a table, and which of the note's values a column must equal (none: every row)."""
_CELL = {
    "describe.linked": "share_linked", "describe.rated_once": "share_double", "difficulty.floor": "floor",
    "difficulty.ceiling": "ceiling",
}  # fmt: skip
"""The column of those rows that the note tells; without an entry, the whole row."""

_FIGURES = (
    "concordance",
    "association",
    "tests",
    "shift",
    "groups",
    "group_tests",
    "trainer_error",
    "criteria",
    "regression",
)
"""Tables of ``concordance`` that follow from its counts: to every digit they would be equations between these."""


_ROUGH = {
    "certification.raised": "raised",
    "certification.raised_gate": "raised",
    "certification.rules": "rule_certificates",
    "certification.cuts": "cut_certificates",
}
"""Notes that tell in whole percents what a table shows as multiples of the threshold."""


@dataclass
class Published(Result):
    """A result in which only what may be shown is left; ``threshold`` says under which rule."""

    threshold: int = THRESHOLD


def published(given: Any, threshold: int = THRESHOLD, trainers: Trainers = "labels") -> Any:
    """A copy of a result or a study in which only what may be shown is left. Doing it twice changes nothing.

    Parameters
    ----------
    given
        A Result or a Study.
    threshold
        A number is shown when it rests on that many students or more (or on none at all).
    trainers
        "labels": each trainer under a pseudonym, the same in every output from the same ratings (see
        :func:`crcne_stats.view.aliases.trainer_labels`, by which the owner of the data tells a trainer the own one).
        "as_given": under the identifier of the data. What has labels keeps them.
    """
    if trainers not in ("labels", "as_given"):
        raise ValueError(f'trainers is "labels" or "as_given", not {trainers!r}')
    if isinstance(given, Study):
        shown = {name: published(result, threshold, trainers) for name, result in given.results.items()}
        return replace(given, results=shown)
    assert isinstance(given, Result)
    if isinstance(given, Published) and threshold <= given.threshold:
        return given
    found = units(given, threshold)
    secret = to_hide(found)
    tables = {name: _masked(given, name, found, secret) for name in given.tables if _safe(given, name)}
    notes = [note for note in given.notes if _stays(note, tables, threshold)]
    if trainers == "labels" and not isinstance(given, Published) and given.ratings is not None:
        labels = trainer_labels(given.ratings)
        tables = {name: relabelled(table, labels) for name, table in tables.items()}
        notes = [told(note, labels) for note in notes]
    return Published(
        given.name,
        tables,
        notes,
        dict(given.settings),
        dict(given.inputs),
        None,
        given.counted,
        given.follows,
        threshold,
    )


def hidden(table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """One table alone without the numbers that rest on too few students, and those that would give them away."""
    shown: Published = published(Result("", {"": table}), threshold, "as_given")
    return shown.tables[""]


def _safe(result: Result, name: str) -> bool:
    """A table without rows hides nothing; one of single students is never shown."""
    return "student" not in result.tables[name].columns


def _masked(result: Result, name: str, found: Units, secret: np.ndarray) -> pd.DataFrame:
    """The table without the rows and the single cells of hidden units."""
    table = result.tables[name]
    place = found.rows.get(name)
    if place is None or not len(table):
        return table.copy()
    rows = np.append(secret, False)[place]
    coarse = (result.name, name) in COARSE and name not in found.decided and bool(secret.any())
    parts = [(mask & ~rows, columns) for unit, other, mask, columns in found.parts if other == name and secret[unit]]
    answer = _rounded(result, name, found, secret)
    if not rows.any() and not coarse and not any(mask.any() for mask, _ in parts):
        return answer
    for column in answer.columns:
        if COLUMNS[column].kind in ("number", "percent", "count") and column != "component":
            answer[column] = answer[column].astype(float).mask(rows)
        elif column in ANSWERS:
            answer[column] = answer[column].astype(object).mask(rows, "")
    partly = np.zeros(len(answer), dtype=bool)
    for mask, columns in parts:
        for column in columns:
            answer[column] = answer[column].astype(float).mask(mask)
        partly |= mask
    if coarse or of_pairs(answer):
        answer = _coarse(answer, found.threshold)
        partly = ~rows
    if "reason" not in answer.columns:
        answer["reason"] = ""
    reason = answer["reason"].astype(object)
    answer["reason"] = reason.mask(partly & (reason == "").to_numpy(), PARTLY).mask(rows, HIDDEN)
    return answer


def _coarse(pairs: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Students and files in common as multiples of the threshold; nothing else so exact that it tells their number."""
    before = pairs["n_students"].astype(float) if "n_students" in pairs.columns else None
    for name in [name for name in pairs.columns if COLUMNS[name].kind == "count"]:
        counts = pairs[name].astype(float)
        pairs[name] = counts.mask(counts >= 0) if name == "n_ratings" else counts.div(threshold).round() * threshold
    if before is not None and "share" in pairs.columns:
        share = pairs["share"].astype(float)
        moved = share * (pairs["n_students"] / before.where(before > 0)).fillna(1) - share
        for name in [name for name in ("low", "high") if name in pairs.columns]:
            pairs[name] = (pairs[name].astype(float) + moved).clip(0, 1)
        pairs["share"] = share + moved
    if "n_wrong" in pairs.columns:
        pairs["n_wrong"] = pairs["wrong"].astype(float).round(3) * pairs["n_students"]
    if "df2" in pairs.columns:
        # Degrees of freedom are students less levels, and a T² with its p tells them as well.
        exact = pairs["df2"].notna()
        pairs["statistic"], pairs["df2"] = pairs["statistic"].mask(exact), pairs["df2"].mask(exact)
    return _shown(pairs, np.ones(len(pairs), dtype=bool))


def _rounded(result: Result, name: str, found: Units, secret: np.ndarray) -> pd.DataFrame:
    """Coefficients and means only as exactly as readers see them, where a count behind them is hidden.

    To every digit they would be one more equation between the counts.
    """
    table = result.tables[name].copy()
    if result.name == "priorities":
        return _signs(table, found.threshold)
    if result.name == "concordance" and name in _FIGURES and secret.any():
        return _shown(table, np.ones(len(table), dtype=bool))
    if (
        (result.name, name) != ("difficulty", "difficulty")
        or result.ratings is None
        or not _any(found, secret, "levels")
    ):
        return table
    levels = result.tables["levels"]
    touched = set(levels["criterion"].astype(str)[np.append(secret, False)[found.rows["levels"]]])
    rows = table["criterion"].astype(str).isin(touched).to_numpy()
    scales = [result.ratings.framework.level_scores(key) for key in table["criterion"].astype(str)]
    span = np.array([max(max(scale) - min(scale), 1) for scale in scales], dtype=float)
    move = table["mean"].astype(float).round(2) - table["mean"].astype(float)
    # All that is centred at the mean moves with it, else it would tell the digits that the mean has lost.
    for column, factor in (("mean", 1.0), ("low", 1.0), ("high", 1.0), ("position", -1.0 / span)):
        table[column] = table[column].astype(float).where(~rows, table[column].astype(float) + move * factor)
    return _shown(table, rows, leave=("position",))


def _signs(table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Signs of trouble without what would tell how many students hold a level.

    The share of ratings at an end of the scale is that of a level, which another table may hide; the students whose
    ratings lie on two levels are nearly those of the levels.
    """
    symptom = table["symptom"] if {"symptom", "value"} <= set(table.columns) else pd.Series("", table.index)
    end, swap = (symptom == "extremes").to_numpy(), (symptom == "swaps").to_numpy() | ("share" in table.columns)
    counts = table["n_students"].astype(float) if "n_students" in table.columns else pd.Series(np.nan, table.index)
    step = np.maximum(0.05, 2 * threshold / counts.where(counts > 0))
    for column in ("value", "low", "high"):
        if end.any():
            exact = table[column].astype(float)
            table[column] = exact.where(~end, (exact / step).round() * step)
    for column, source in (("strain", "value"), ("strain_low", "low"), ("strain_high", "high")):
        if end.any():
            told = (table[source] / table["tolerable"]).clip(0, table[column].max())
            table[column] = table[column].astype(float).where(~end, told)
    if swap.any():
        table["n_students"] = counts.where(~swap, (counts / threshold).round() * threshold)
    return _shown(table, np.ones(len(table), dtype=bool))


def _any(found: Units, secret: np.ndarray, *names: str) -> bool:
    """Whether a row of those tables is hidden."""
    return any(bool(np.append(secret, False)[found.rows[name]].any()) for name in names if name in found.rows)


def _shown(table: pd.DataFrame, rows: np.ndarray, leave: tuple[str, ...] = ()) -> pd.DataFrame:
    """Numbers of ``rows`` with the decimals that readers see."""
    for name in table.columns:
        entry = COLUMNS[name]
        if entry.kind in ("number", "percent") and name not in leave:
            values = table[name].astype(float)
            table[name] = values.where(~rows, values.round(entry.decimals + 2 * (entry.kind == "percent")))
    return table


def _stays(note: Note, tables: Mapping[str, pd.DataFrame], threshold: int) -> bool:
    """Whether the note rests on enough students and on no hidden number."""
    if note.n_students is not None and 0 < note.n_students < threshold:
        return False
    if note.key == "agreement.double" and 0 < note.values["n_files"] - note.values["n"] < threshold:
        return False  # how many files were rated only once
    if note.key == "agreement.shifted" and "margins" in tables:
        pairs = tables["margins"]
        told = {note.values["trainer_a"], note.values["trainer_b"]}
        same = [{a, b} == told for a, b in zip(pairs["trainer_a"], pairs["trainer_b"], strict=True)]
        return not (pairs.loc[same, "reason"] == HIDDEN).any()
    if note.key in _ROUGH and (note.n_students or 0) < 100 * threshold:
        table = tables.get(_ROUGH[note.key])
        return table is None or not (table["reason"] == HIDDEN).any()
    if note.key not in _NOTES:
        return True
    name, columns = _NOTES[note.key]
    table = tables.get(name)
    if table is None or "reason" not in table.columns:
        return True
    rows = np.ones(len(table), dtype=bool)
    for column, value in columns.items():
        rows &= (table[column].astype(object) == note.values[value]).to_numpy()
    cell = _CELL.get(note.key)
    if name == "design":
        rows &= table["inspe"].isna().to_numpy()
    if cell is not None:
        return bool(table.loc[rows, cell].notna().all())
    return not (table.loc[rows, "reason"] == HIDDEN).any()
