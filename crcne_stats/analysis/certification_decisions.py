"""What is decided, what would be under other rules, and what to say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis import cut_scores as cutting
from crcne_stats.analysis import level_rules as rules
from crcne_stats.analysis.certification_joint import (
    binding_groups,
    binding_table,
    decided_students,
    joint_codes,
    joint_table,
    one_more,
    raised_table,
)
from crcne_stats.analysis.certification_risk import Case
from crcne_stats.analysis.cut_scores import CutScores
from crcne_stats.core.decisions import CERTIFIED, REFUSED
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note


def decisions_made(
    ratings: Ratings, pairs: pd.DataFrame, groups: pd.DataFrame, framework: Framework
) -> tuple[dict[str, pd.DataFrame], list[Note]]:
    """The tables that rest on the two parts alone, and their sentences."""
    levels = rules.rule_levels(ratings, framework)
    tables = {
        "joint": joint_table(pairs, framework),
        "binding": binding_table(pairs, framework),
        "raised": raised_table(pairs, framework),
    }
    by = binding_groups(pairs, groups, framework)
    if len(by):
        tables["binding_groups"] = by
    tables |= {
        "level_rules": rules.move_table(levels),
        "rule_certificates": rules.certificate_table(levels, pairs, framework),
    }
    notes = [
        *_joint(tables["joint"], len(pairs)),
        *_binding(tables["binding"], framework),
        *_raised(pairs, framework),
        *_one_level(pairs),
        *_rules(rules.spread_of_rules(levels, pairs, framework)),
    ]
    return tables, notes


def _joint(joint: pd.DataFrame, n: int) -> list[Note]:
    count = joint.groupby("state", observed=True)["n_students"].sum()
    values = {state: int(count[state]) for state in ("certified", "refused", "waiting_inspe", "waiting_pix")}
    return [Note("certification.decided", {"n": n, **values}, "finding", 12, n)]


def _binding(binding: pd.DataFrame, framework: Framework) -> list[Note]:
    if framework.rules.combination == "gate" or np.isnan(binding["share"]).all():
        return []
    shares = binding.set_index("binding")["share"]
    values = {key: float(shares[key]) for key in ("inspe", "pix", "pix_ceiling")}
    return [Note("certification.binding", values, "finding", 30, int(binding["n_students"].sum()))]


def _raised(pairs: pd.DataFrame, framework: Framework) -> list[Note]:
    """Among those refused with both parts, who would be certified with one more level on a side."""
    refused = decided_students(pairs, framework) & (joint_codes(pairs, framework)[1] == REFUSED)
    n = int(refused.sum())
    if not n:
        return []
    saved = {
        part: float((joint_codes(one_more(pairs, framework, part), framework)[1] == CERTIFIED)[refused].mean())
        for part in ("inspe", "pix")
    }
    key = "raised_gate" if framework.rules.combination == "gate" else "raised"
    return [Note(f"certification.{key}", saved, "finding", 34, n)]


def _one_level(pairs: pd.DataFrame) -> list[Note]:
    """A part that gives all the same level decides nothing."""
    found = []
    for part in ("inspe", "pix", "gate"):
        known = pairs.loc[pairs[part] >= 0, part]
        if len(known) > 1 and known.nunique() == 1:
            found.append(Note(f"certification.one_level_{part}", {"n": len(known)}, "caution", 22, len(known)))
    return found


def _rules(spread: dict[str, Any]) -> list[Note]:
    if not spread["n"]:
        return []
    values: dict[str, Any] = {"n": spread["n"], "share": spread["share"]}
    for name in ("fewest", "most"):
        key = spread[name]
        values |= {name: spread["certified"][key] / spread["rated"], f"{name}_rule": key[0], f"{name}_way": key[1]}
    return [Note("certification.rules", values, "caution" if spread["share"] > 0 else "finding", 23, spread["n"])]


def cut_tables(cuts: CutScores, found: Case, framework: Framework) -> dict[str, pd.DataFrame]:
    """``cut_scores``, and the certificates that they would give where there are any."""
    tables = {"cut_scores": cutting.cut_table(cuts, framework)}
    if cuts.found:
        tables["cut_certificates"] = cutting.certificate_table(
            cuts, found.pairs, found.person, found.measured, framework
        )
    return tables


def cut_notes(cuts: CutScores, tables: dict[str, pd.DataFrame]) -> list[Note]:
    """How far the two methods and the rule are apart, in certificates."""
    table = tables.get("cut_certificates")
    if table is None:
        return []
    n = int(table.loc[table["cut_method"] == "framework_rule", "n_students"].sum())
    own = table[table["state"] == "certified"].groupby("cut_method", observed=True)["n_students"].sum() / max(n, 1)
    values = {name: float(own.get(name, np.nan)) for name in ("framework_rule", *cuts.found)}
    if not np.isfinite(list(values.values())).all():
        return []
    return [Note("certification.cuts", values, "finding", 36, n)]
