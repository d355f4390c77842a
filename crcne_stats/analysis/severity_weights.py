"""How many times each rating counts: a table of weights laid on the ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crcne_stats.domain.frame import as_text
from crcne_stats.domain.ratings import IDENTIFIERS
from crcne_stats.domain.result import Note

KEYS = (*IDENTIFIERS, "criterion")
"""Columns by which a weight finds its ratings."""


@dataclass(frozen=True, eq=False)
class Weights:
    """``value`` (rating,), 1 where the table says nothing; ``keys`` the columns of the table that were compared.

    ``n_lost`` rows of the table belong to no rating.
    """

    value: np.ndarray
    keys: tuple[str, ...]
    n_lost: int


def weights_of(frame: pd.DataFrame, table: pd.DataFrame) -> Weights:
    """The weights of the ratings of ``frame``, found by every identifier that ``table`` has as a column.

    Raises
    ------
    ValueError
        Without a column ``weight`` or a known identifier, for a weight that is no number from 0, or where two rows that
        stand for the same ratings disagree.
    """
    keys = tuple(name for name in KEYS if name in table.columns)
    if not keys or "weight" not in table.columns:
        raise ValueError(f"rating weights are a table with the column weight and some of {', '.join(KEYS)}")
    weight = pd.to_numeric(table["weight"], errors="coerce").to_numpy(dtype=float)
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("a rating weight is no number from 0")
    theirs, own = np.zeros(len(table), dtype=np.int64), np.zeros(len(frame), dtype=np.int64)
    foreign = np.zeros(len(table), dtype=bool)
    for name in keys:
        cells, wanted = frame[name].cat, as_text(table[name].reset_index(drop=True)).cat
        place = {label: code for code, label in enumerate(cells.categories)}
        code = np.array([*(place.get(label, -2) for label in wanted.categories), -1], dtype=np.int64)[wanted.codes]
        foreign |= code == -2
        theirs = theirs * (len(place) + 2) + code + 2
        own = own * (len(place) + 2) + cells.codes.to_numpy().astype(np.int64) + 2
    distinct, first, row = np.unique(theirs, return_index=True, return_inverse=True)
    if (weight != weight[first][row])[~foreign].any():
        raise ValueError("two rows of rating weights disagree on the same ratings")
    distinct, first = distinct[~foreign[first]], first[~foreign[first]]
    value = np.ones(len(own))
    if len(distinct):
        at = np.minimum(np.searchsorted(distinct, own), len(distinct) - 1)
        value = np.where(distinct[at] == own, weight[first][at], 1.0)
    return Weights(value, keys, int((foreign | ~np.isin(theirs, own)).sum()))


def weight_notes(found: Weights) -> list[Note]:
    """How the ratings were weighted, and rows of weights without a rating."""
    value = found.value
    values = {
        "n": int(((value != 1) & (value > 0)).sum()),
        "zero": int((value == 0).sum()),
        "total": len(value),
        "low": float(value[value > 0].min(initial=1.0)),
        "high": float(value.max(initial=1.0)),
    }
    notes = [Note("severity.weighted", values, "caution", 19)]
    if found.n_lost:
        notes.append(Note("severity.weights_lost", {"n": found.n_lost}, "caution", 21))
    return notes
