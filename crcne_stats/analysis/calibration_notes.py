"""What ``calibration`` tells the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from crcne_stats.analysis.calibration_beliefs import Moves
from crcne_stats.analysis.calibration_fit import Anchors, Joint
from crcne_stats.domain.result import Kind, Note

ENOUGH = 5
"""With fewer anchors a link hangs on each of them."""
STRETCH = 0.1
"""Slopes farther from 1 than this say that the scales stretch differently."""
ASIDE = 0.15
"""Constants farther apart than this, in logits, say that the link hangs on the method."""
WAYS = {
    ("ability", "up"): "ability_up", ("ability", "down"): "ability_down", ("severity", "up"): "severity_up",
    ("severity", "down"): "severity_down", ("difficulty", "up"): "difficulty_up",
    ("difficulty", "down"): "difficulty_down",
}  # fmt: skip
"""Words for what moved and which way."""
SHARE = 0.02
"""A smaller share of students with another level is a detail."""
AGAIN = 60
"""Files rated again that the action asks for."""


def calibration_notes(
    found: Joint, held: Anchors, moved: Moves, belief: str, tables: Mapping[str, pd.DataFrame], source: str
) -> list[Note]:
    """Notes on what moved, on what the conclusion rests, and what to do."""
    n = int(min(np.bincount(found.asked.cohort, minlength=2)))
    notes = [*_beliefs(tables["beliefs"], belief, n), *_drift(tables["drift"], held, n)]
    notes += [*_trainers(tables, n), *_cuts(tables["cuts"]), *_methods(tables["links"], n)]
    notes += [*_doubts(found, held, source, n), *_further(tables)]
    if moved.instrument is None:
        notes.append(Note("calibration.rate_again", {"n": AGAIN}, "action", 24, n))
    return notes


def _beliefs(table: pd.DataFrame, belief: str, n: int) -> Iterator[Note]:
    """What moved under the belief retained, and what else the same numbers may mean."""
    known = table.set_index("belief")
    row = known.loc[belief]
    way, what = str(row["moved_verdict"]), str(row["moved"])
    sign = -1 if way == "down" else 1
    low, high = sorted((sign * float(row["low"]), sign * float(row["high"])))
    if way == "unclear":
        yield Note("calibration.moved_unclear", {"belief": belief, "moved": what, "low": low, "high": high}, "finding",
                   16, n)  # fmt: skip
    else:
        values = {"belief": belief, "moved": WAYS[what, way], "size": abs(float(row["logit_change"]))}
        yield Note("calibration.moved", {**values, "low": low, "high": high}, "finding", 16, n)
    if belief != "files" and way != "unclear":
        together = float(known.loc["criteria_and_trainers", "logit_change"])
        values = {"size": abs(together), "way": "up" if together > 0 else "down"}
        yield Note("calibration.depends", values, "caution", 17, n)
    both = known.loc["files_and_criteria"]
    if belief == "files" and both["moved_verdict"] in ("up", "down"):
        ways = {name: WAYS[name, str(both["moved_verdict"])] for name in ("severity", "difficulty")}
        yield Note("calibration.instrument", {"size": abs(float(both["logit_change"])), **ways}, "finding", 18, n)


def _drift(table: pd.DataFrame, held: Anchors, n: int) -> Iterator[Note]:
    tested, out = table[table["drift"].notna()], table[table["flagged"]]
    if len(out):
        order = (-out["drift"].abs()).sort_values(kind="stable").index
        first = out.loc[order[0]]
        values = {
            "n": len(out), "n_tested": len(tested), "first": str(first["criterion"]),
            "size": abs(float(first["drift"])), "levels": abs(float(first["drift_levels"])),
            "way": "harder" if first["drift"] > 0 else "easier",
        }  # fmt: skip
        matter = out["drift_verdict"].isin(("moderate", "large")).any()
        yield Note("calibration.drift", values, "finding", 19 if matter else 34, int(out["n_students"].min()))
        names = ", ".join(out.loc[order, "criterion"].astype(str))
        yield Note("calibration.drift_action", {"criteria": names}, "action", 23 if matter else 40,
                   int(out["n_students"].min()))  # fmt: skip
    elif len(tested):
        unclear = int((tested["drift_verdict"] == "unclear").sum())
        yield Note("calibration.drift_none", {"n_tested": len(tested), "unclear": unclear}, "finding", 32, n)
    joined = table[(table["status"] == "reworded") & table["anchor"]]
    if len(joined):
        names = ", ".join(joined["criterion"].astype(str))
        yield Note("calibration.reworded", {"n": len(joined), "criteria": names}, "finding", 52, n)


def _trainers(tables: Mapping[str, pd.DataFrame], n: int) -> Iterator[Note]:
    table = tables.get("trainers")
    if table is None:
        yield Note("calibration.no_common_trainer", {}, "caution", 26, n)
        return
    tested = int(table["p"].notna().sum())
    out = table[table["p_adjusted"] < 0.05]
    if len(out):
        values = {"n": len(out), "n_tested": tested, "largest": float(out["severity_drift"].abs().max())}
        yield Note("calibration.trainers", values, "finding", 33, int(out["n_students"].min()))
    elif tested:
        yield Note("calibration.trainers_none", {"n_tested": tested}, "finding", 54, n)


def _cuts(table: pd.DataFrame) -> Iterator[Note]:
    """The level whose meaning moved most, where it surely did."""
    sure = table[table["share_other_low"] > 0]
    if len(sure):
        row = sure.loc[sure["share_other_level"].idxmax()]
        share = float(row["share_other_level"])
        values = {
            "n": round(float(row["n_other_level"])), "share": share,
            "low": float(row["share_other_low"]),
            "high": float(row["share_other_high"]), "way": "demanding" if row["cut_gap"] > 0 else "generous",
        }  # fmt: skip
        rank = 21 if share >= SHARE else 42
        yield Note("calibration.cuts", values, "finding", rank, int(row["n_students"]))


def _methods(table: pd.DataFrame, n: int) -> Iterator[Note]:
    """Whether the methods agree."""
    rows = table[(table["reason"] == "") & (table["link_method"] != "all_anchors")]
    apart = float(rows["link_constant"].max() - rows["link_constant"].min())
    slopes = rows[rows["link_method"].isin(("mean_sigma", "stocking_lord"))]["link_slope"].dropna()
    if apart > ASIDE:
        yield Note("calibration.methods_apart", {"apart": apart}, "caution", 28, n)
    else:
        yield Note("calibration.methods_agree", {"n": len(rows), "apart": apart}, "finding", 56, n)
    if len(slopes) and float((slopes - 1).abs().min()) > STRETCH:
        yield Note("calibration.stretch", {"slope": float(slopes.iloc[-1])}, "caution", 38, n)


def _doubts(found: Joint, held: Anchors, source: str, n: int) -> Iterator[Note]:
    if not found.fit.converged:
        yield Note("calibration.not_converged", {}, "caution", 8)
    if held.n < ENOUGH:
        yield Note("calibration.few_anchors", {"n": held.n}, "caution", 14, n)
    if source == "texts":
        yield Note("calibration.no_crosswalk", {}, "caution", 27)
    if len(np.unique(found.asked.part[found.asked.version == 1])) > 1:
        yield Note("calibration.islands", {}, "caution", 25, n)


def _further(tables: Mapping[str, pd.DataFrame]) -> Iterator[Note]:
    if "revision" in tables:
        table = tables["revision"]
        counted = {name: int((table["revision_verdict"] == name).sum()) for name in ("better", "worse", "unclear")}
        known = table[table["revision_verdict"] != ""]
        if len(known):
            kind: Kind = "finding" if not counted["worse"] else "caution"
            yield Note("calibration.revision", counted, kind, 36, int(known["n_students"].min()))
    if "alignment" in tables:
        table = tables["alignment"]
        values = {"n": int(table["flagged"].sum()), "n_tested": int(table["p"].notna().sum())}
        yield Note("calibration.aligned", values, "finding", 55, int(table["n_students"].max()))
