"""Trainers two by two: agreement, direction of their differences, and whether they use the levels alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.agreement_groups import MOST_PAIRS, Array, Group
from crcne_stats.analysis.agreement_groups import groups as group_counts
from crcne_stats.analysis.agreement_rows import ENOUGH
from crcne_stats.core import marginal
from crcne_stats.core.compare import adjusted
from crcne_stats.core.pairs import Pairs, most_shared, pairs
from crcne_stats.core.pairwise import PairTable, Statistic, pair_table
from crcne_stats.domain.ratings import Ratings

NAN = float("nan")


class Panel:
    """All the criteria asked, each of a file being a thing rated; trainers by name."""

    def __init__(self, ratings: Ratings, chosen: list[str], weights: Any) -> None:
        self.group: Group = group_counts(ratings, chosen, None, weights)[0]
        names = np.asarray(ratings.codes("trainer")[1], dtype=object)
        rated = ratings.frame[ratings.frame["criterion"].isin(chosen)]
        self.names = names[np.unique(ratings.codes("trainer", rated)[0])]

    def named(self, trainers: Array) -> tuple[Array, Array]:
        """Names of the first and of the second trainer of each pair."""
        if not len(trainers):
            return np.zeros(0, dtype=object), np.zeros(0, dtype=object)
        return self.names[trainers[:, 0]], self.names[trainers[:, 1]]


def paired(panel: Panel, settings: dict[str, Any]) -> pd.DataFrame:
    """Kappa, share of equal scores and mean difference of each two trainers with a common file.

    Intervals are of t over the students that both rated, all their criteria moving together. With very many pairs
    those with the most common files are kept.
    """
    if panel.group.reason:
        return _nothing(panel, settings)
    table = pair_table(panel.group.counts, panel.group.weights, settings["level"])
    kept = _most(table)
    first, second = panel.named(table.trainers[kept])
    reason = _reasons(table)[kept]
    found: dict[str, Any] = {
        "trainer_a": first, "trainer_b": second, "coefficient": "cohen", "weights": settings["weights"],
    }  # fmt: skip
    columns = (("", table.kappa, "value"), ("percent_", table.percent, "percent"),
               ("difference_", table.difference, "difference"))  # fmt: skip
    few = table.n_students < ENOUGH
    for prefix, statistic, name in columns:
        found[name] = statistic.value[kept]
        if not prefix:
            found["se"] = _bare(statistic, statistic.se, few)[kept]
        for bound in ("low", "high"):
            ends = _bare(statistic, getattr(statistic, bound), few)
            cut = {"percent_": (0, 1), "": (-np.inf, 1)}.get(prefix, (-np.inf, np.inf))
            found[f"{prefix}{bound}"] = np.clip(ends, *cut)[kept]
    found |= {"n_students": table.n_students[kept], "n_ratings": table.n_files[kept], "method": "linearised"}
    return pd.DataFrame({**found, "reason": reason})


def _bare(statistic: Statistic, values: Array, few: Array) -> Array:
    """Errors and bounds where they say something: not of few students, nor of students who all say the same."""
    return np.where(few | ~(statistic.se > 0), np.nan, values)


def _reasons(table: PairTable) -> Array:
    conditions = [
        np.isnan(table.kappa.value), table.n_students == 1, table.percent.value == 1,
        (table.n_students < ENOUGH) | ~(table.kappa.se > 0),
    ]  # fmt: skip
    return np.select(conditions, ["one_level", "one_student", "unanimous", "too_few"], "").astype(object)


def _most(table: PairTable) -> Array:
    """Places of the pairs with the most common files, in the order of their trainers."""
    return np.sort(np.argsort(-table.n_files, kind="stable")[:MOST_PAIRS])


def _nothing(panel: Panel, settings: dict[str, Any]) -> pd.DataFrame:
    """One row that says why no two trainers can be compared."""
    row = {
        "trainer_a": None, "trainer_b": None, "coefficient": "cohen", "weights": settings["weights"],
        **dict.fromkeys(("value", "se", "low", "high", "percent", "percent_low", "percent_high", "difference",
                         "difference_low", "difference_high"), NAN),
        "n_students": 0, "n_ratings": 0, "method": "linearised", "reason": panel.group.reason,
    }  # fmt: skip
    return pd.DataFrame([row]).astype({"trainer_a": object, "trainer_b": object, "reason": object})


_TEST = {
    "stuart_maxwell": marginal.stuart_maxwell,
    "bhapkar": marginal.bhapkar,
    "bowker": marginal.bowker,
}
TESTS = tuple(_TEST)
CLUSTERED = ("margins_score", "margins_wald")


def margins(panel: Panel, settings: dict[str, Any]) -> pd.DataFrame:
    """Do two trainers use the levels alike, and if not, who gives the higher ones and by how much?

    Where each common student was compared once: Stuart–Maxwell, Bhapkar (equal distributions) and Bowker (symmetry).
    Where a student was compared on several criteria, the comparisons are not independent: a score test (Obuchowski
    1998 for two levels) and a Wald test over students take their place. p values are adjusted within each test.
    """
    if panel.group.reason:
        row = {**_margin_row("stuart_maxwell", None), "difference": NAN, "difference_low": NAN, "difference_high": NAN,
               "n_students": 0, "n_ratings": 0, "reason": panel.group.reason}  # fmt: skip
        return _adjusted_within([{"trainer_a": None, "trainer_b": None, **row}], settings)
    data = panel.group.counts
    met = most_shared(pairs(data), MOST_PAIRS)
    order = np.argsort(met.pair, kind="stable")
    edges = np.searchsorted(met.pair[order], np.arange(len(met) + 1))
    first, second = panel.named(met.trainers)
    rows = []
    for place in range(len(met)):
        about = {"trainer_a": first[place], "trainer_b": second[place]}
        rows += [
            {**about, **row} for row in _tested(met, order[edges[place] : edges[place + 1]], data.scores, settings)
        ]
    return _adjusted_within(rows, settings)


def _tested(met: Pairs, rows: Array, scores: Array, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The tests of one pair of trainers."""
    a, b, student, q = met.first[rows], met.second[rows], met.cluster[rows], met.n_levels
    n = len(np.unique(student))
    base: dict[str, Any] = {"difference": float((scores[a] - scores[b]).mean()), "difference_low": NAN,
                            "difference_high": NAN, "n_students": n, "n_ratings": len(rows)}  # fmt: skip
    once = n == len(rows)
    if n < ENOUGH:
        name = TESTS[0] if once else CLUSTERED[0]
        return [{**_margin_row(name, None), **base, "reason": "one_student" if n == 1 else "too_few"}]
    shift = marginal.mean_shift(marginal.shift_of_pairs(a, b, student, q), scores, settings["level"])
    if shift.se > 0:
        base |= {"difference_low": float(shift.low), "difference_high": float(shift.high)}
    return [{**base, **row} for row in (_once(a, b, q) if once else _often(a, b, student, q))]


def _once(a: Array, b: Array, q: int) -> list[dict[str, Any]]:
    """The tests where every student was compared once."""
    table = np.bincount(a * q + b, minlength=q * q).reshape(q, q)
    rows = []
    for name, test in _TEST.items():
        found = test(table)
        told = None if found.reason else (found.statistic, found.df, NAN, found.p)
        rows.append({**_margin_row(name, told), "reason": found.reason})
    return rows


def _often(a: Array, b: Array, student: Array, q: int) -> list[dict[str, Any]]:
    """The tests where a student was compared several times."""
    score = marginal.equal_margins_score(a, b, student, q)
    wald = marginal.equal_margins(marginal.shift_of_pairs(a, b, student, q))
    why = "no_disagreement" if (a == b).all() else "too_few"
    rows = []
    for name, found in zip(CLUSTERED, (score, wald), strict=True):
        exists = not np.isnan(found.p)
        df2 = found.df2 if np.isfinite(found.df2) else NAN
        told = (found.statistic, found.df, df2, found.p) if exists else None
        rows.append({**_margin_row(name, told), "reason": "" if exists else why})
    return rows


def _margin_row(method: str, found: tuple[float, float, float, float] | None) -> dict[str, Any]:
    statistic, df, df2, p = found or (NAN, NAN, NAN, NAN)
    return {"method": method, "statistic": statistic, "df": df, "df2": df2, "p": p}


_MARGINS = (
    "trainer_a", "trainer_b", "difference", "difference_low", "difference_high", "method", "statistic", "df", "df2",
    "p", "p_adjusted", "n_students", "n_ratings", "reason",
)  # fmt: skip


def _adjusted_within(rows: list[dict[str, Any]], settings: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    table["p_adjusted"] = NAN
    for name in table["method"].unique():
        own = (table["method"] == name).to_numpy()
        table.loc[own, "p_adjusted"] = adjusted(table.loc[own, "p"].to_numpy(dtype=float), settings["adjustment"])
    text = dict.fromkeys(("trainer_a", "trainer_b", "reason"), object)
    return table[list(_MARGINS)].astype(text)
