"""Counts of the two parts of the certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crcne_stats.analysis.student_pairs import GATES, ceiling, level_keys
from crcne_stats.core import association
from crcne_stats.domain.framework import Framework

DIRECTIONS = ("above", "equal", "below")
CLOSENESS = ("exact", "adjacent", "farther")


def cross(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Students at each pair of levels, empty pairs too, on the whole ladder of the INSPÉ."""
    ladder, top = level_keys(framework), ceiling(framework)
    table = association.cross_table(pairs["inspe"], pairs["pix"], len(ladder), len(ladder))
    # Levels that PIX+Édu cannot give are no columns, unless a file has them all the same.
    shown = [j for j in range(len(ladder)) if j <= top or table[:, j].any()]
    total = int(table.sum())
    rows = [
        {"inspe_level": ladder[i], "pix_level": ladder[j], "n_students": int(table[i, j])}
        for i in range(len(ladder))
        for j in shown
    ]
    return shared(pd.DataFrame(rows), total)


def gate(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Share admissible, level by level of the INSPÉ part: the shares of one level add up to one."""
    ladder = level_keys(framework)
    table = association.cross_table(pairs["inspe"], pairs["gate"], len(ladder), len(GATES))
    rows = []
    for i, level in enumerate(ladder):
        total = int(table[i].sum())
        low, high = association.wilson(table[i], total)
        for j, gate in enumerate(GATES):
            share = table[i, j] / total if total else np.nan
            row = {"inspe_level": level, "pix_gate": gate, "n_students": int(table[i, j]), "share": share}
            rows.append(row | {"low": low[j], "high": high[j], "reason": "" if total else "no_pair"})
    return pd.DataFrame(rows)


def shared(table: pd.DataFrame, total: int) -> pd.DataFrame:
    """``table`` with the share of ``n_students`` in ``total``, its Wilson interval and a reason where there is none."""
    low, high = association.wilson(table["n_students"], total)
    share = table["n_students"] / total if total else np.nan
    return table.assign(share=share, low=low, high=high, reason="" if total else "no_pair")


@dataclass(frozen=True, eq=False)
class Compared:
    """The students who have both levels, codes (row,): ``inspe`` and ``pix`` on the common scale, ``full`` the INSPÉ's
    own level, ``student`` from 0, ``row`` their rows in the pairs, ``session`` the place of the session in their order;
    ``scores`` of the levels of the common scale.
    """

    inspe: np.ndarray
    pix: np.ndarray
    full: np.ndarray
    student: np.ndarray
    row: np.ndarray
    session: np.ndarray
    scores: list[float]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def n_students(self) -> int:
        """A student in two sessions counts once."""
        return int(self.student.max(initial=-1)) + 1

    @property
    def repeated(self) -> bool:
        """Whether a student stands in several rows."""
        return self.n_students < len(self.row)

    @property
    def latest(self) -> Compared:
        """Each student once, in the last session: for methods that take rows to be independent."""
        if not self.repeated:
            return self
        order = np.lexsort((self.session, self.student))
        last = np.sort(order[np.flatnonzero(np.diff(np.append(self.student[order], -1)))])
        return Compared(
            self.inspe[last], self.pix[last], self.full[last], self.student[last], self.row[last], self.session[last],
            self.scores,
        )  # fmt: skip


def compared(pairs: pd.DataFrame, framework: Framework) -> Compared:
    """Both levels on the common scale: INSPÉ levels above the highest of PIX+Édu count as that one."""
    row = np.flatnonzero((pairs["inspe"] >= 0) & (pairs["pix"] >= 0))
    both = pairs.iloc[row]
    inspe, pix = both["inspe"].to_numpy(), both["pix"].to_numpy()
    top = max(ceiling(framework), int(pix.max(initial=0)))
    student = np.unique(both["student"], return_inverse=True)[1]
    scores = [float(level.score) for level in framework.levels][: top + 1]
    session = pd.factorize(both["session"].fillna("").astype(str), sort=True)[0]
    return Compared(np.minimum(inspe, top), pix, inspe, student, row, session, scores)


def margins(both: Compared, framework: Framework) -> pd.DataFrame:
    """Students at each level of the INSPÉ, then at each level of PIX+Édu, on their own ladders."""
    ladder, top = level_keys(framework), len(both.scores)
    rows = [
        {"inspe_level": key, "pix_level": None, "n_students": int((both.full == i).sum())}
        for i, key in enumerate(ladder)
    ]
    rows += [
        {"inspe_level": None, "pix_level": key, "n_students": int((both.pix == j).sum())}
        for j, key in enumerate(ladder[:top])
    ]
    return shared(pd.DataFrame(rows), len(both))


def closeness(both: Compared) -> pd.DataFrame:
    """Students at the same level, one level apart, and farther, on the common scale."""
    gap = np.abs(both.inspe - both.pix)
    numbers = [int(part.sum()) for part in (gap == 0, gap == 1, gap > 1)]
    return shared(pd.DataFrame({"closeness": CLOSENESS, "n_students": numbers}), len(both))


def direction(both: Compared) -> pd.DataFrame:
    """Students whom the INSPÉ places above PIX+Édu, at the same level, below, on the common scale."""
    inspe, pix = both.inspe, both.pix
    numbers = [int(part.sum()) for part in (inspe > pix, inspe == pix, inspe < pix)]
    return shared(pd.DataFrame({"direction": DIRECTIONS, "n_students": numbers}), len(both))
