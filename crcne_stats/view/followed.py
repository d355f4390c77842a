"""Results that count the same students: what one ledger decides for another result, and what rough counts tell.

``certification`` follows the ledger of ``concordance``: joint level and binding part are sums of the cells of its cross
table. What else ``certification`` counts is shown as multiples of the threshold
(:data:`crcne_stats.view.margins.COARSE`), and hidden where it tells again what the ledger hides.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from crcne_stats.domain.result import Result
from crcne_stats.view.margins import about
from crcne_stats.view.units import Units, key_of

_AGAIN = {
    "rule_certificates": ("level_rule", "framework"),
    "cut_certificates": ("cut_method", "framework_rule"),
    "by_level": ("", ""),
}
"""Tables of joint levels whose rows tell the table ``joint`` again: all of them, or those with a value in a column."""
_TOTALS = ("scheme", "pix_error", "panels", "accuracy")
"""Tables whose number of students is a sum of joint levels."""


def follow(found: Units, result: Result, theirs: Units, gone: np.ndarray) -> None:
    """Hide in ``result`` what the ledger of the result that it follows hides (``gone``, by unit of ``theirs``)."""
    first = result.follows
    assert first is not None
    gone = np.append(gone, False)
    names = tuple(name for name in ("joint", "binding") if _same(first.counted.get(name), result.tables.get(name)))
    for name in names:
        hidden = gone[theirs.rows[name]]
        place = np.full(len(hidden), -1)
        for row in range(len(hidden)):
            place[row] = found.unit(frozenset({("", name), ("row", str(row))}), np.inf, bool(hidden[row]))
        found.rows[name] = place
    found.decided = names
    if "joint" in names:
        secret = gone[theirs.rows["joint"]]
        _again(found, result, result.tables["joint"][secret])
        for name in [name for name in _TOTALS if name in result.tables]:
            every = np.ones(len(result.tables[name]), dtype=bool)
            for unit in found.rows["joint"][secret]:
                columns = tuple(c for c in ("n_students", "n_wrong") if c in result.tables[name].columns)
                found.parts.append((int(unit), name, every, columns))
    _groups(found, result, {key for key, unit in theirs.keys.items() if gone[unit]})


def _same(counted: pd.DataFrame | None, table: pd.DataFrame | None) -> bool:
    if counted is None or table is None or not len(counted):
        return False
    return bool(counted["n_students"].equals(table["n_students"]))


def _again(found: Units, result: Result, secret: pd.DataFrame) -> None:
    """Rows that tell a hidden joint level again."""
    hidden = set(zip(secret["state"].astype(str), secret["joint_level"].astype(str), strict=True))
    for name, (column, value) in _AGAIN.items():
        table = result.tables.get(name)
        if table is None or not hidden:
            continue
        for record in table[about(result.name, name, table)].astype(object).to_dict("records"):
            same = (str(record["state"]), str(record["joint_level"])) in hidden
            if same and (not column or record[column] == value):
                found.unit(key_of(record, name), np.inf, True)


def _groups(found: Units, result: Result, secret: set[frozenset[tuple[str, str]]]) -> None:
    """The groups whose direction is hidden: the binding part would tell it again."""
    table = result.tables.get("binding_groups")
    if table is None:
        return
    for record in table[about(result.name, "binding_groups", table)].astype(object).to_dict("records"):
        for facet in ("inspe", "mention", "session"):
            if pd.notna(record[facet]):
                key = frozenset({("facet", facet), ("member", str(record[facet])), ("", "groups")})
                if key in secret:
                    found.unit(key_of(record, "binding_groups"), np.inf, True)


def gains(found: Units, result: Result, terms: list[int], cells: list[tuple[int, int]], ceiling: int) -> None:
    """Who gains by one more level is a sum of ``cells`` (INSPÉ level, the other part's), known to half the threshold.

    With the gate the other part is 1 where it is open, 0 where it is not, and ``ceiling`` is 1.
    """
    table = result.counted.get("raised")
    if table is None or result.ratings is None:
        return
    framework = result.ratings.framework
    ladder = [level.key for level in framework.levels]
    failed = ladder.index("not_reached") if "not_reached" in ladder else -1
    gated = framework.rules.combination == "gate"

    def held(inspe: int, other: int) -> int:
        level = (inspe if other else failed) if gated else min(inspe, other)
        return -1 if level == failed else level

    own: dict[tuple[str, str], list[int]] = defaultdict(list)
    for term, (inspe, other) in zip(terms, cells, strict=True):
        more, higher = min(inspe + 1, len(ladder) - 1), max(min(other + 1, ceiling), other)
        for part, pair in (("inspe", (more, other)), ("pix", (inspe, higher)), ("both", (more, higher))):
            if held(*pair) > held(inspe, other):
                own[part, ladder[held(*pair)]].append(term)
    for part, level, number in zip(table["raised"], table["joint_level"].astype(str), table["n_students"], strict=True):
        sums = own.get((part, level), [])
        # Who waits for the jury stands in the cells alone: the sum is nearly the number, which says nearly the same.
        rough = found.threshold / 2
        if number >= found.threshold and abs(sum(found.ledger.value[term] for term in sums) - number) <= rough:
            found.adds(sums, slack=rough)
