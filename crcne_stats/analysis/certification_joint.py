"""What the joint rule decides: levels and states, the part that holds back, and one more level on either side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.concordance_cells import shared
from crcne_stats.analysis.student_pairs import ceiling, failed_level, level_keys
from crcne_stats.core import decisions
from crcne_stats.domain.framework import Framework

GROUPS = ("inspe", "mention", "session")
RAISED = ("inspe", "pix", "both")


def joint_codes(pairs: pd.DataFrame, framework: Framework) -> tuple[np.ndarray, np.ndarray]:
    """Index of the joint level (student,), -1 where it is not known, and code of the state (student,)."""
    failed = failed_level(framework)
    if framework.rules.combination == "gate":
        level, state = decisions.joint_gate(pairs["inspe"], pairs["gate"], failed, pairs["waiting"])
    else:
        level, state = decisions.joint_minimum(pairs["inspe"], pairs["pix"], failed, pairs["waiting"])
    # Said again here for a framework without the level «not reached», where the code alone cannot tell.
    return level, np.where(pairs["refused"], decisions.REFUSED, state)


def joint_table(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Certified levels from the lowest to the highest, then the other states."""
    level, state = joint_codes(pairs, framework)
    rows = joint_counts(level, state, framework)
    return shared(pd.DataFrame(rows), len(pairs))


def joint_counts(level: np.ndarray, state: np.ndarray, framework: Framework) -> list[dict[str, Any]]:
    """``state``, ``joint_level`` and ``n_students`` of each outcome, empty ones too."""
    ladder, failed = level_keys(framework), failed_level(framework)
    certified = state == decisions.CERTIFIED
    rows: list[dict[str, Any]] = [
        {"state": "certified", "joint_level": ladder[i], "n_students": int((certified & (level == i)).sum())}
        for i in range(len(ladder))
        if i != failed
    ]
    for code, name in enumerate(decisions.STATES):
        if code != decisions.CERTIFIED:
            held = ladder[failed] if code == decisions.REFUSED and failed >= 0 else None
            rows.append({"state": name, "joint_level": held, "n_students": int((state == code).sum())})
    return rows


def binding_parts(pairs: pd.DataFrame, framework: Framework) -> dict[str, np.ndarray]:
    """For each answer which students (student,) it holds for; nobody with a part missing or a jury that waits."""
    decided = decided_students(pairs, framework)
    if framework.rules.combination == "gate":
        no_inspe = (pairs["inspe"] == failed_level(framework)).to_numpy() & decided
        no_pix = (pairs["gate"] == 0).to_numpy() & decided
        return {
            "none": decided & ~no_inspe & ~no_pix,
            "inspe": no_inspe & ~no_pix,
            "pix": no_pix & ~no_inspe,
            "both": no_inspe & no_pix,
        }
    code = np.where(decided, decisions.binding(pairs["inspe"], pairs["pix"], ceiling(framework)), -1)
    return {name: code == position for position, name in enumerate(decisions.BINDING)}


def decided_students(pairs: pd.DataFrame, framework: Framework) -> np.ndarray:
    """Which students (student,) have both parts, and a jury that does not wait."""
    other = pairs["gate" if framework.rules.combination == "gate" else "pix"]
    return ~pairs["waiting"].to_numpy() & (pairs["inspe"] >= 0).to_numpy() & (other >= 0).to_numpy()


def binding_table(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Which part holds students back, among those who have both."""
    parts = binding_parts(pairs, framework)
    table = pd.DataFrame({"binding": list(parts), "n_students": [int(part.sum()) for part in parts.values()]})
    return shared(table, int(decided_students(pairs, framework).sum()))


def binding_groups(pairs: pd.DataFrame, groups: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """The same by INSPÉ, mention and session, one column each; a student whose group is not known is left out.

    ``groups`` are those of :func:`crcne_stats.analysis.student_pairs.student_groups`.
    """
    parts = binding_parts(pairs, framework)
    decided = decided_students(pairs, framework)
    tables = []
    for name in GROUPS:
        values = groups[name].astype(object)
        for member in sorted(values[decided].dropna().unique(), key=str):
            own = (values == member).to_numpy()
            rows = [
                {name: member, "binding": key, "n_students": int((part & own).sum())} for key, part in parts.items()
            ]
            tables.append(shared(pd.DataFrame(rows), int((decided & own).sum())))
    columns = [*GROUPS, "binding", "n_students", "share", "low", "high", "reason"]
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return found.reindex(columns=columns)


def raised_table(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Who would hold a higher certificate with one more level on a side: by the level that they would then hold."""
    decided = decided_students(pairs, framework)
    now, _ = joint_codes(pairs, framework)
    ladder, failed = level_keys(framework), failed_level(framework)
    tables = []
    for part in RAISED:
        then, state = joint_codes(one_more(pairs, framework, part), framework)
        gains = decided & (state == decisions.CERTIFIED) & (then > now)
        rows = [
            {"raised": part, "joint_level": ladder[i], "n_students": int((gains & (then == i)).sum())}
            for i in range(len(ladder))
            if i != failed
        ]
        tables.append(shared(pd.DataFrame(rows), int(decided.sum())))
    return without_empty_levels(pd.concat(tables, ignore_index=True))


def without_empty_levels(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` without the certificates that nobody holds in any of its rows."""
    most = table.groupby("joint_level", observed=True, dropna=False)["n_students"].transform("max")
    kept = (most > 0) | table["joint_level"].isna() | (table.get("state", "certified") != "certified")
    return table[kept].reset_index(drop=True) if kept.any() else table


def one_more(pairs: pd.DataFrame, framework: Framework, part: str) -> pd.DataFrame:
    """The students with one more level in a part, as far as its ladder goes; an open gate where the gate was shut."""
    moved = pairs.copy()
    if part in ("inspe", "both"):
        inspe = pairs["inspe"].to_numpy()
        moved["inspe"] = np.where(inspe >= 0, np.minimum(inspe + 1, len(framework.levels) - 1), inspe)
        moved["refused"] = False
    if part in ("pix", "both"):
        pix, gate = pairs["pix"].to_numpy(), pairs["gate"].to_numpy()
        moved["pix"] = np.where(pix >= 0, np.maximum(np.minimum(pix + 1, ceiling(framework)), pix), pix)
        moved["gate"] = np.where(gate >= 0, 1, gate)
    return moved
