"""The units of a result: what is shown or hidden together, and the counts behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.view.audit import Equation, Ledger

Key = frozenset[tuple[str, str]]


@dataclass
class Units:
    """The units of a result: what is shown or hidden together, wherever it stands.

    ``rows`` gives for each table the unit of each row (-1: none); ``parts`` the single cells that go with a unit, as
    (table, mask of rows, columns); ``variable`` finds the count of a unit in the ledger; ``decided`` are the tables of
    which another result's ledger decides.
    """

    threshold: int
    keys: dict[Key, int] = field(default_factory=dict)
    small: list[bool] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    variable: dict[tuple[int, str], int] = field(default_factory=dict)
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    parts: list[tuple[int, str, np.ndarray, tuple[str, ...]]] = field(default_factory=list)
    decided: tuple[str, ...] = ()

    def unit(self, key: Key, students: float, small: bool) -> int:
        """The unit of that key, made when it is new."""
        if key not in self.keys:
            self.keys[key] = len(self.small)
            self.small.append(False)
            self.ledger.students.append(students)
        place = self.keys[key]
        self.small[place] |= small
        self.ledger.students[place] = min(self.ledger.students[place], students)
        return place

    def count(self, unit: int, name: str, value: float) -> int:
        """The variable of a count of a unit."""
        if (unit, name) not in self.variable:
            self.variable[unit, name] = len(self.ledger.value)
            self.ledger.value.append(value)
            self.ledger.unit.append(unit)
            students = max(self.ledger.students[unit], 1.0)
            # As wide as the threshold in students; a student has many ratings.
            self.ledger.need.append((self.threshold - 1) * max(value / students, 1.0))
        return self.variable[unit, name]

    def adds(self, terms: list[int], weights: list[float] | None = None, slack: float = 0.0) -> None:
        """One more equation between variables."""
        chosen = [(t, w) for t, w in zip(terms, weights or [1.0] * len(terms), strict=True) if w]
        if chosen:
            self.ledger.equations.append(Equation(tuple(t for t, _ in chosen), tuple(w for _, w in chosen), slack))


def key_of(record: dict[str, Any], table: str) -> Key:
    """The key of the unit of a row of ``table``: whom it is about."""
    given = {name: str(value) for name, value in record.items() if not pd.isna(value)}
    if "other_level" in given:  # two levels confused rest on the same students, whichever is named first
        given["level"], given["other_level"] = sorted((given["level"], given["other_level"]))
    if "facet" in given:
        return frozenset({(given["facet"], given.get("member", ""))})
    if not given:
        return frozenset({("", "all")})
    if set(given) == {"group_by", "group"}:  # one population in every table, like «inspe» alone
        return frozenset({(given["group_by"], given["group"])})
    # «inspe» alone is one population in every table; two names together may be another thing elsewhere.
    return frozenset(given.items()) | (frozenset() if len(given) == 1 else frozenset({("", table)}))
