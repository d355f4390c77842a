"""What may be shown: numbers that rest on few students are hidden, the same ones in every output.

A row that rests on fewer students than the threshold keeps what it is about and loses its numbers (``reason`` says
"hidden"). In a table whose cells add up to margins, one more cell of each row and column is hidden, so that no
subtraction gives the first away. Tables of single students are left out. What is hidden depends on the counts and the
threshold alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.result import Result, Study

THRESHOLD = 5
HIDDEN = "hidden"
_RESTS_ON = ("n_students", "n_double")
_CROSSED = {
    ("concordance", "cross"): ("inspe_level", "pix_level"),
    ("describe", "corating_inspe"): ("inspe", "trainer_inspe"),
}
_LISTED = {
    ("concordance", "direction"), ("concordance", "joint"), ("concordance", "binding"), ("concordance", "gate"),
    ("describe", "components"),
}  # fmt: skip
"""Tables whose rows add up to a total."""


def published(given: Any, threshold: int = THRESHOLD) -> Any:
    """A copy of a result or a study in which only what may be shown is left. Doing it twice changes nothing.

    Parameters
    ----------
    given
        A Result or a Study.
    threshold
        A number is shown when it rests on that many students or more (or on none at all).
    """
    if isinstance(given, Study):
        shown = {name: published(result, threshold) for name, result in given.results.items()}
        return replace(given, results=shown)
    assert isinstance(given, Result)
    tables = {
        name: hidden(table, threshold, _CROSSED.get((given.name, name)), (given.name, name) in _LISTED)
        for name, table in given.tables.items()
        if "student" not in table.columns
    }
    notes = [note for note in given.notes if note.n_students is None or not 0 < note.n_students < threshold]
    return Result(given.name, tables, notes, dict(given.settings), dict(given.inputs), None)


def hidden(
    table: pd.DataFrame, threshold: int, crossed: tuple[str, str] | None = None, listed: bool = False
) -> pd.DataFrame:
    """``table`` without the numbers that rest on too few students."""
    counts = [name for name in _RESTS_ON if name in table.columns]
    if not counts or not len(table):
        return table.copy()
    rests = table[counts].astype(float)
    done = (table["reason"] == HIDDEN).to_numpy() if "reason" in table.columns else np.zeros(len(table), dtype=bool)
    small = ((rests > 0) & (rests < threshold)).any(axis=1).to_numpy() | done
    if crossed is not None and not done.any():
        small = _crossed(table, small, crossed)
    elif listed and not done.any() and small.sum() == 1:
        small = _one_more(table["n_students"].to_numpy(dtype=float), small)
    if not small.any():
        return table.copy()
    answer = table.copy()
    for name in answer.columns:
        kind = COLUMNS[name].kind
        if kind in ("number", "percent", "count") and name != "component":
            answer[name] = answer[name].astype(float).mask(small)
    if "reason" not in answer.columns:
        answer["reason"] = ""
    answer["reason"] = answer["reason"].astype(object).mask(small, HIDDEN)
    return answer


def _one_more(counts: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Hide the smallest of the cells left, where there is one that counts anybody."""
    left = np.where(small | ~(counts > 0), np.inf, counts)
    answer = small.copy()
    if np.isfinite(left.min(initial=np.inf)):
        answer[int(np.argmin(left))] = True
    return answer


def _crossed(table: pd.DataFrame, small: np.ndarray, sides: tuple[str, str]) -> np.ndarray:
    """No row and no column of the cross-table may have a single hidden cell."""
    counts = table["n_students"].to_numpy(dtype=float)
    codes = [pd.factorize(table[side])[0] for side in sides]
    answer = small.copy()
    while True:
        before = answer.copy()
        for code in codes:
            for line in np.unique(code):
                members = np.flatnonzero(code == line)
                if answer[members].sum() == 1:
                    answer[members] = _one_more(counts[members], answer[members])
        if (answer == before).all():
            return answer
