"""What the risks of the certificate amount to, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_risk import Case
from crcne_stats.domain.result import Note

APART = 0.05
"""From this difference on between the shares by the two definitions the definition is a main point."""


def certification_notes(case: Case, tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> list[Note]:
    """The sentences, ranked."""
    found = [*_scheme(case, tables["scheme"], settings), *_panels(tables.get("panels")), *_students(case, tables)]
    if case.found.informed:
        found.append(Note("certification.pix_informs", {}, "caution", 45))
    if settings["pix_error"] is None:
        found += _band(tables["pix_error"], settings["rule"])
    if not case.measured.scale.common:
        found.append(Note("certification.islands", {}, "caution", 8))
    top = case.where["expected"][-1]
    if np.isposinf(top) and np.isfinite(case.where["panel"][-1]):
        found.append(Note("certification.top_unreachable", {}, "caution", 33))
    if np.isnan(case.found.halo):
        found.append(Note("certification.no_halo", {}, "caution", 38))
    elif not case.measured.fitted.measured.halo:
        found.append(Note("certification.halo_by_moments", {"sd": case.found.halo}, "caution", 47))
    return found


def _scheme(case: Case, scheme: pd.DataFrame, settings: dict[str, Any]) -> list[Note]:
    """The main finding, the definition, and how far the other definition is."""
    table = scheme[scheme["part"] == "joint"].set_index(["definition", "risk"])
    n = len(case.decided)
    found = [Note("certification.definition", {}, "caution", 28)]
    if not n:
        return [*found, Note("certification.nobody", {}, "caution", 9)]
    values: dict[str, Any] = {}
    for kind, short in (("too_high", "high"), ("too_low", "low")):
        row = table.loc[("expected", kind)]
        ends = {"": "wrong", "_from": "wrong_low", "_to": "wrong_high"}
        values |= {f"{short}{end}": float(row[column]) for end, column in ends.items()}
    found.append(Note("certification.scheme", values, "finding", 13, n))
    other = {kind: float(table.loc[("panel", kind), "wrong"]) for kind in ("too_high", "too_low")}
    gap = max(abs(other["too_high"] - values["high"]), abs(other["too_low"] - values["low"]))
    if gap > APART:
        found.append(Note("certification.definitions_apart", {"high": other["too_high"], "low": other["too_low"]},
                          "caution", 21, n))  # fmt: skip
    return found


def _panels(panels: pd.DataFrame | None) -> list[Note]:
    if panels is None:
        return []
    wrong = panels[panels["part"] == "joint"].groupby(["definition", "panel_size"])["wrong"].sum()
    values = {name: float(wrong["expected", size]) for size, name in ((1, "one"), (2, "two"), (3, "three"))}
    return [Note("certification.panels", values, "finding", 24, int(panels["n_students"].iloc[0]))]


def _students(case: Case, tables: dict[str, pd.DataFrame]) -> list[Note]:
    n = len(tables["review"])
    found = []
    if n:
        found.append(Note("certification.review", {"n": n, "of": len(case.graded)}, "action", 26, n))
    unrated = int((case.person < 0).sum())
    if unrated:
        found.append(Note("certification.unrated", {"n": unrated}, "caution", 58, unrated))
    waiting = len(case.person) - unrated - len(case.decided)
    if waiting > 0:
        found.append(Note("certification.waiting", {"n": waiting}, "caution", 57, waiting))
    return found


def _band(table: pd.DataFrame, rule: str) -> list[Note]:
    both = table.groupby("pix_error")["wrong"].sum()
    last = float(both.index[-1])
    if not np.isfinite(both.iloc[-1]):
        return []
    values = {"error": last, "first": float(both.iloc[0]), "last": float(both.iloc[-1])}
    key = "pix_unknown_gate" if rule == "gate" else "pix_unknown"
    return [Note(f"certification.{key}", values, "caution", 27, int(table["n_students"].iloc[0]))]
