"""What a generalizability study tells its reader."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.generalizability_fit import Fitted
from crcne_stats.analysis.generalizability_tables import common_scale
from crcne_stats.domain.result import Note

WANTED = 0.8
"""Dependability that a decision about persons is usually asked for (Brennan 2001 gives none; .80 is the habit)."""


def generalizability_notes(found: Fitted, tables: dict[str, pd.DataFrame]) -> list[Note]:
    """Where the variance is, what the design in hand is worth, how many trainers would do, and the doubts."""
    n = found.data.n_students
    notes = [*_shares(tables["components"], found, n), *_worth(tables, n), *_doubts(found, tables, n)]
    return notes


def _shares(table: pd.DataFrame, found: Fitted, n: int) -> list[Note]:
    main = table[(table["estimator"] == found.main) & table["percent"].notna()].set_index("source")["percent"]
    of_object = [
        key for key, facets in zip(found.data.study.keys, found.facets, strict=True) if facets == found.data.object
    ]
    trainers = [
        key for key, facets in zip(found.data.study.keys[:-1], found.facets[:-1], strict=True) if "trainer" in facets
    ]
    if not of_object:
        return []
    values = {
        "students": float(main[of_object].sum()),
        "trainers": float(main[trainers].sum()),
        "residual": float(main["residual"]),
    }
    return [Note("generalizability.shares", values, "finding", 24, n)]


def _worth(tables: dict[str, pd.DataFrame], n: int) -> list[Note]:
    row = tables["coefficients"].set_index("coefficient").loc["dependability"]
    if row["reason"]:
        return [Note("generalizability.error_hidden", {}, "caution", 12, n)] if row["reason"] == "error_hidden" else []
    values = {
        "phi": float(row["value"]), "low": float(row["low"]), "high": float(row["high"]),
        "trainers": float(row["trainers_per_file"]), "wanted": WANTED,
    }  # fmt: skip
    bounded = bool(np.isfinite(row["low"]))
    notes = [Note("generalizability.phi" if bounded else "generalizability.phi_alone", values, "finding", 20, n)]
    study = tables.get("dstudy")
    if study is None:
        return notes
    criteria = study["n_criteria"].astype(float)
    own = study[(study["layout"] == "own") & ~(criteria < criteria.max())]
    enough = own[own["dependability"] >= WANTED]
    if len(enough):
        best = enough.iloc[0]
        told = {"n": int(best["n_trainers"]), "wanted": WANTED, "phi": float(best["dependability"])}
        notes.append(Note("generalizability.enough", told, "finding", 32, n))
    else:
        told = {
            "most": int(own["n_trainers"].max()),
            "wanted": WANTED,
            "phi": float(own["dependability"].max()),
        }
        notes.append(Note("generalizability.not_enough", told, "finding", 22, n))
    return notes


def _doubts(found: Fitted, tables: dict[str, pd.DataFrame], n: int) -> list[Note]:
    notes = []
    table = tables["components"]
    if found.data.n_groups > 1:
        notes.append(Note("generalizability.islands", {"n": found.data.n_groups}, "caution", 14))
    confounded = table[table["reason"] == "confounded"]
    if len(confounded):
        notes.append(Note("generalizability.confounded", {"n": len(confounded)}, "caution", 33))
    if found.disagree:
        notes.append(Note("generalizability.two_estimators", {}, "caution", 36, n))
    if found.unavailable:
        notes.append(Note("generalizability.no_reml", {"reason": found.unavailable}, "caution", 64))
    if not found.converged:
        notes.append(Note("generalizability.not_converged", {}, "caution", 13))
    if common_scale(found) is None:
        notes.append(Note("generalizability.several_scales", {}, "caution", 35))
    notes.append(_ordinal(tables, n))
    if found.data.fixed:
        notes.append(Note("generalizability.fixed", {}, "finding", 58))
    return notes


def _ordinal(tables: dict[str, pd.DataFrame], n: int) -> Note:
    """That levels are taken as numbers, and how far that matters where it was looked at."""
    if "ordinal" not in tables:
        return Note("generalizability.ordinal", {}, "caution", 61)
    found = tables["ordinal"].set_index(["coefficient", "approach"])["value"]
    told = {
        "numbers": float(found["dependability", "numbers"]),
        "model": float(found.get(("dependability", "model"), np.nan)),
        "respaced": float(found.get(("dependability", "respaced"), np.nan)),
        "wrong": float(found["wrong_level", "numbers"]),
        "wrong_model": float(found.get(("wrong_level", "model"), np.nan)),
    }
    return Note("generalizability.ordinal_checked", told, "finding", 56, n)
