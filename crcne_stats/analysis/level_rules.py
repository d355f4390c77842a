"""What the INSPÉ level would be under other rules: who would move, and which certificates would follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_joint import joint_codes, joint_counts, without_empty_levels
from crcne_stats.analysis.concordance_cells import shared
from crcne_stats.analysis.levels import NAMED_RULES, asked_rules, file_cells, last_files, levels_from_cells
from crcne_stats.core.decisions import CERTIFIED
from crcne_stats.domain.framework import Framework, Rules
from crcne_stats.domain.ratings import Ratings

FRAMEWORK = "framework"
"""The rule that the framework has now: all others are compared with it."""
ROUNDINGS = ("down", "nearest")
CUTS = "cuts"
MOVES = ("up", "same", "down")


def tried(framework: Framework) -> list[tuple[str, str, Rules]]:
    """Every rule that is tried, by name and by the way onto the ladder: rounded down or to the nearest, or by cuts.

    Cuts are tried where the framework has them; the framework's own rule comes first, and once.
    """
    own = framework.rules
    found = [(FRAMEWORK, CUTS if own.cuts else own.rounding, own)]
    ways: list[tuple[str, dict[str, Any]]] = [(way, {"rounding": way, "cuts": ()}) for way in ROUNDINGS]
    if own.cuts:
        ways.append((CUTS, {}))
    for name, settings in NAMED_RULES.items():
        for way, onto in ways:
            rules = asked_rules(framework, {**settings, **onto})
            if rules != own:
                found.append((name, way, rules))
    return found


def rule_levels(ratings: Ratings, framework: Framework) -> dict[tuple[str, str], np.ndarray]:
    """Index of the INSPÉ level (file,) under each rule that is tried; −1 without one. Files as in ``inspe_levels``.

    ``framework`` is that of the ratings, with the rules in force.
    """
    frame, unit = last_files(ratings)
    cells = file_cells(ratings, frame, unit, framework.rules.trainers)
    return {(name, way): levels_from_cells(framework, cells, rules) for name, way, rules in tried(framework)}


def move_table(levels: dict[tuple[str, str], np.ndarray]) -> pd.DataFrame:
    """``level_rules``: under each rule, how many files get a higher, the same or a lower level than now."""
    (now, *others) = levels.items()
    base = now[1]
    tables = []
    for (name, way), level in others:
        known = (base >= 0) & (level >= 0)
        change = (level - base)[known]
        counts = [int(part.sum()) for part in (change > 0, change == 0, change < 0)]
        table = shared(pd.DataFrame({"move": MOVES, "n_students": counts}), int(known.sum()))
        table.insert(0, "level_rule", name)
        table.insert(1, "rounding", way)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def certificate_table(
    levels: dict[tuple[str, str], np.ndarray], pairs: pd.DataFrame, framework: Framework
) -> pd.DataFrame:
    """``rule_certificates``: certificates by level under each rule, the framework's first.

    Students are those of ``pairs`` with ratings; the jury's decisions are left aside, so that the rules differ in
    nothing else. ``share`` is of all of them.
    """
    rated = pairs[pairs["rated"]].assign(waiting=False, refused=False)
    tables = []
    for (name, way), level in levels.items():
        rows = rated.assign(inspe=level[rated["file"].to_numpy()])
        table = shared(pd.DataFrame(joint_counts(*joint_codes(rows, framework), framework)), len(rated))
        table.insert(0, "level_rule", name)
        table.insert(1, "rounding", way)
        tables.append(table)
    return without_empty_levels(pd.concat(tables, ignore_index=True))


def spread_of_rules(
    levels: dict[tuple[str, str], np.ndarray], pairs: pd.DataFrame, framework: Framework
) -> dict[str, Any]:
    """How far the choice of a rule goes: share of files whose level some rule moves, most and fewest certificates."""
    stacked = np.stack(list(levels.values()))
    known = (stacked >= 0).all(axis=0)
    moved = (stacked[:, known] != stacked[0, known]).any(axis=0)
    rated = pairs[pairs["rated"]].assign(waiting=False, refused=False)
    file = rated["file"].to_numpy()
    certified = {
        key: int((joint_codes(rated.assign(inspe=level[file]), framework)[1] == CERTIFIED).sum())
        for key, level in levels.items()
    }
    return {
        "share": float(moved.mean()) if len(moved) else np.nan,
        "n": int(known.sum()),
        "rated": max(len(rated), 1),
        "fewest": min(certified, key=lambda key: certified[key]),
        "most": max(certified, key=lambda key: certified[key]),
        "certified": certified,
    }
