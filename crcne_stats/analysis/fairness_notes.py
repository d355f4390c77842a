"""What ``fairness`` tells the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crcne_stats.domain.result import Kind, Note

OUT = ("moderate", "large")
NONUNIFORM = 0.05
OTHERS = "others"
"""What a group is compared with where there are more than two."""


def fairness_notes(tables: Mapping[str, pd.DataFrame], by: str, converged: bool) -> list[Note]:
    """Notes on what stands out, what does not, and what could not be tested."""
    compared = tables["groups"][tables["groups"]["reason"] == ""]
    n = int(compared["n_students"].sum())
    found = [*_of("criteria", "criterion", tables, by, n), *_of("trainers", "trainer", tables, by, n)]
    small = int((tables["groups"]["reason"] != "").sum())
    if small:
        found.append(Note("fairness.small_groups", {"n": small, "by": by}, "caution", 46, n))
    found += _growing(tables, by, n)
    if not converged:
        found.append(Note("fairness.not_converged", {}, "caution", 8))
    return found


def _growing(tables: Mapping[str, pd.DataFrame], by: str, n: int) -> Iterator[Note]:
    """Whether a gap depends on ability: the omnibus test before single criteria."""
    test = tables["tests"].set_index("interaction")["p"].get("criterion_group_ability", float("nan"))
    out = tables["slopes"][tables["slopes"]["p_adjusted"] < NONUNIFORM]
    if test < NONUNIFORM and len(out):
        first = out.loc[out["gap_slope"].abs().idxmax()]
        values = {"n": int(out["criterion"].nunique()), "first": str(first["criterion"]), "by": by}
        values |= {"slope": float(first["gap_slope"]), "group": str(first["group"]), "p": float(test)}
        yield Note("fairness.growing", values, "finding", 32, int(out["n_students"].min()))
    elif test >= NONUNIFORM:
        yield Note("fairness.growing_none", {"by": by, "p": float(test)}, "finding", 49, n)


def left_out_notes(tests: pd.DataFrame) -> list[Note]:
    """Columns that could not be compared beside others that could."""
    lost = tests[tests["reason"].isin(["column_unknown", "one_group", "constant_scores", "no_ratings"])]
    lost = lost[~lost["group_by"].isin(tests.loc[tests["reason"] == "", "group_by"])].drop_duplicates("group_by")
    return [
        Note("fairness.group_left_out", {"by": str(by), "reason": str(reason)}, "caution", 45)
        for by, reason in zip(lost["group_by"], lost["reason"], strict=True)
    ]


def _of(name: str, column: str, tables: Mapping[str, pd.DataFrame], by: str, n: int) -> Iterator[Note]:
    table = tables[name]
    tested, out = table[table["reason"] == ""], table[table["fairness_verdict"].isin(OUT)]
    test = tables["tests"].set_index(["interaction", "method"]).loc[(f"{column}_group", "whole_students")]
    values: dict[str, Any] = {"n_tested": int(tested[column].nunique()), "by": by}
    if len(out):
        order = (-out["group_gap"].abs()).sort_values(kind="stable").index
        first = out.loc[order[0]]
        values |= {
            "n": int(out[column].nunique()), "first": str(first[column]), "group": str(first["group"]),
            "against": str(first["against"]), "contrast": abs(float(first["group_gap"])),
            "levels": abs(float(first["group_gap_levels"])), "way": "harder" if first["group_gap"] > 0 else "easier",
        }  # fmt: skip
        if column == "trainer":
            # The sentence names no trainer: the table does, under labels.
            values = {key: value for key, value in values.items() if key not in ("first", "group", "against", "way")}
        pair = column == "criterion" and first["against"] != OTHERS
        rank = 20.0 if (out["fairness_verdict"] == "large").any() else 27.0
        n_students = int(out["n_students"].min())
        yield Note(f"fairness.{name}_pair" if pair else f"fairness.{name}", values, "finding", rank, n_students)
        listed = {"criteria": ", ".join(dict.fromkeys(out[column].astype(str)))} if column == "criterion" else {}
        yield Note(f"fairness.{name}_action", {**listed, "by": by}, "action", rank + 3, n_students)
    elif len(tested):
        unclear = int((tested["fairness_verdict"] == "unclear").sum())
        yield Note(f"fairness.{name}_none", values | {"unclear": unclear, "p": float(test["p"])}, "finding", 35, n)
    left = int(table.loc[table["reason"] != "", column].nunique())
    if left:
        kind: Kind = "caution" if len(tested) == 0 else "finding"
        yield Note(f"fairness.{name}_not_testable", {"n": left, "by": by}, kind, 44 if len(tested) == 0 else 58, n)
