"""What the two parts of the certificate say, in sentences."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from crcne_stats.analysis.concordance_agreement import FEW_STUDENTS
from crcne_stats.analysis.concordance_cells import DIRECTIONS, Compared
from crcne_stats.analysis.levels import told
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Note

MANY = 0.1
"""From this share of computed levels on, the rule that made them is a main point."""


def concordance_notes(
    pairs: pd.DataFrame, both: Compared, tables: dict[str, pd.DataFrame], framework: Framework, weights: str
) -> list[Note]:
    """The findings of the first screen, and the doubts."""
    n = len(both)
    found = [*_main(tables, weights, n), *_trainers(tables, n)]
    found += [*_carrying(tables["criteria"]), *_groups_note(tables), *_beside(tables)]
    computed = int(pairs["computed"].sum())
    if computed:
        rules = framework.rules
        rank = 60.0 if rules.published else 12.0 if computed >= MANY * len(pairs) else 42.0
        key = "concordance.level_by_rule" if rules.published else "concordance.level_by_unpublished_rule"
        found.append(Note(key, {"n": computed, **told(rules)}, "caution", rank, computed))
    cut = int((both.full > both.inspe).sum())
    if cut:
        found.append(Note("concordance.common_scale", {"n": cut}, "caution", 32, cut))
    without = int(((pairs["inspe"] >= 0) & (pairs["pix"] < 0) & (pairs["gate"] < 0)).sum())
    if without:
        found.append(Note("concordance.without_pix", {"n": without}, "caution", 40, without))
    if both.repeated:
        several = int((np.bincount(both.student) > 1).sum())
        found.append(Note("concordance.repeated", {"n": several}, "caution", 46, several))
    unrated = int((~pairs["rated"]).sum())
    if unrated:
        found.append(Note("concordance.unrated", {"n": unrated}, "caution", 58, unrated))
    if _regimes(pairs["session"].iloc[both.row]) == {"before", "after"}:
        found.append(Note("concordance.sessions_pooled", {}, "caution", 11))
    if framework.rules.combination == "minimum" and not (pairs["pix"] >= 0).any():
        found.append(Note("concordance.gate_under_minimum", {}, "caution", 5))
    if framework.rules.combination == "gate" and not (pairs["gate"] >= 0).any():
        found.append(Note("concordance.levels_under_gate", {}, "caution", 5))
    return found


def _main(tables: dict[str, pd.DataFrame], weights: str, n: int) -> list[Note]:
    table, direction = tables["concordance"], tables["direction"].set_index("direction")
    kappa = table[(table["coefficient"] == "cohen") & (table["weights"] == weights)].iloc[0]
    if np.isnan(direction["share"]).all():
        return []
    shares = {key: float(direction.loc[key, "share"]) for key in DIRECTIONS}
    found = [Note("concordance.direction", {"n": n, **shares}, "finding", 14, n)]
    if np.isfinite(kappa["value"]):
        values = {key: float(kappa[key]) for key in ("value", "low", "high")} | {"weights": weights}
        found.append(Note("concordance.kappa", values, "finding", 16, n))
    above, below = direction.loc["above"], direction.loc["below"]
    if above["low"] > below["high"] or below["low"] > above["high"]:
        key = "inspe_higher" if above["low"] > below["high"] else "pix_higher"
        found.append(Note(f"concordance.{key}", {"above": shares["above"], "below": shares["below"]}, "finding", 18, n))
    return found


def _regimes(sessions: pd.Series) -> set[str]:
    """ "before" and "after" January 2024, as far as the names of the sessions tell their last year."""
    years = (re.findall(r"20\d\d", str(name)) for name in sessions.dropna().unique())
    return {"before" if max(map(int, found)) <= 2023 else "after" for found in years if found}


def _trainers(tables: dict[str, pd.DataFrame], n: int) -> list[Note]:
    """What is left when only the trainers disagree, from pairs of trainers."""
    table = tables["trainer_error"]
    row = table[(table["reliability_from"] == "two_trainers") & (table["coefficient"] == "percent")].iloc[0]
    equal = tables["direction"].set_index("direction").loc["equal"]
    if not np.isfinite(row["at_most_low"]):
        return []
    key = "part" if equal["high"] < row["at_most_low"] else "all"
    values = {"at_most": float(row["at_most"]), "value": float(row["value"])}
    return [Note(f"concordance.trainers_explain_{key}", values, "finding", 20, n)]


def _carrying(table: pd.DataFrame) -> list[Note]:
    """The criteria that bring most, where the whole brings something."""
    rows = table[table["criterion"].notna() & table["dominance"].notna()]
    if len(rows) < 2 or not table["dominance"].iloc[-1] > 0.02:
        return []
    first, second = rows.iloc[0], rows.iloc[1]
    values = {
        "explained": float(table["dominance"].iloc[-1]), "first": first["criterion"], "second": second["criterion"],
        "share_first": float(first["share_explained"]), "share_second": float(second["share_explained"]),
        "even": 1 / len(rows),
    }  # fmt: skip
    return [Note("concordance.carrying", values, "finding", 34, int(first["n_students"]))]


def _groups_note(tables: dict[str, pd.DataFrame]) -> list[Note]:
    """Each facet whose groups differ in the share at the same level or in κ, after correction."""
    if "group_tests" not in tables:
        return []
    test, groups = tables["group_tests"], tables["groups"]
    found = []
    for facet, own in test[test["coefficient"] != "mean_shift"].groupby("facet", sort=False):
        p = float(own["p_adjusted"].min())
        if p < 0.05:
            rows = groups[(groups["facet"] == facet) & (groups["n_students"] >= FEW_STUDENTS)]
            values = {
                "facet": facet, "p": p, "lowest": float(rows["percent"].min()),
                "highest": float(rows["percent"].max()),
            }  # fmt: skip
            n = int(rows["n_students"].min())
            found.append(Note("concordance.groups_differ", values, "finding", 22, n))
    return found


def _beside(tables: dict[str, pd.DataFrame]) -> list[Note]:
    """What the core certification is, and what the rubric says of the gate."""
    found = []
    if "core_scores" in tables:
        found.append(Note("concordance.core_not_edu", {}, "caution", 62))
    if "gate_summary" in tables:
        row = tables["gate_summary"].iloc[0]
        if np.isfinite(row["low"]):
            n = int(row["n_students"])
            values = {"n": n, **{name: float(row[name]) for name in ("value", "low", "high")}}
            found.append(Note("concordance.foretold", values, "finding", 17, n))
    return found
