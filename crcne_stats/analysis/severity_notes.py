"""What the tables of ``severity`` say, for the first screen of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_drift import MOST
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import MOST_COMPARED, Models
from crcne_stats.analysis.severity_scale import RELATIVE, Scale
from crcne_stats.core.rasch.jml import JointFit
from crcne_stats.core.rasch.mml import Fit
from crcne_stats.domain.result import Note

Tables = Mapping[str, pd.DataFrame]
SURE = 0.95
"""Probability from which two thresholds are said to be disordered."""
MOVED = 0.5
"""Displacement of an anchor, in logits, that is told."""
BETTER = 10.0
"""Difference of BIC from which another model is said to describe the ratings better (Raftery 1995)."""


def severity_notes(
    fitted: Fitted, scale: Scale, tables: Tables, settings: Mapping[str, Any], models: Models, refused: str
) -> list[Note]:
    """Ranked notes: what blocks conclusions, the findings on trainers, then on criteria and levels, footnotes."""
    return [
        *_estimation(fitted, models),
        *_islands(fitted, scale, tables, settings, refused),
        *_spread(fitted, tables, settings),
        *_equivalence(tables, settings),
        *_raters(tables),
        *_drift(tables),
        *_fit(tables),
        *_levels(tables, models),
        *_rest(fitted, tables, settings),
    ]


def _estimation(fitted: Fitted, models: Models) -> list[Note]:
    main, found = models.main, []
    if not (main.converged and fitted.plain.converged):
        found.append(Note("severity.not_converged", {}, "caution", 2))
    if models.deficiency:
        found.append(Note("severity.not_identified", {"n": models.deficiency}, "caution", 2))
    if isinstance(main, Fit) and main.no_variance:
        found.append(Note("severity.no_variance", {}, "caution", 7))
    if isinstance(main, Fit) and main.no_bound:
        found.append(Note("severity.no_bound", {}, "caution", 6))
    if isinstance(main, JointFit):
        found.append(Note("severity.joint", {"factor": main.correction}, "caution", 26))
    elif main.halo:
        found.append(Note("severity.halo_model", {"sd": main.halo, "sd_se": main.halo_se}, "finding", 18))
    if len(fitted.asked.names["trainer"]) == 1:
        found.append(Note("severity.one_trainer", {}, "caution", 5))
    if models.lost:
        absent = {"n": len(models.lost), "names": ", ".join(models.lost[:3])}
        found.append(Note("severity.anchors_lost", absent, "caution", 20))
    return found


def _islands(fitted: Fitted, scale: Scale, tables: Tables, settings: Mapping[str, Any], refused: str) -> list[Note]:
    n_inspe = int(fitted.asked.people["inspe"].nunique())
    pooled = settings["population"] == "equal_means" and settings["estimator"] == "mml"
    if fitted.asked.n_components < 2:
        told = pooled and n_inspe > 1
        return [Note("severity.equal_means", {"n": n_inspe}, "caution", 12)] if told else []
    values = {"n": fitted.asked.n_components}
    if pooled:
        return [Note("severity.equal_means_islands", values, "caution", 3)]
    found = []
    if refused:
        found.append(Note("severity.link_refused", {"link": settings["link"], "reason": refused}, "caution", 4))
    if scale.assumption == RELATIVE:
        found.append(Note("severity.islands", values, "caution", 3))
        found.append(Note("severity.action_link", {}, "action", 24))
    else:
        found.append(Note("severity.linked", values | {"assumption": scale.assumption}, "caution", 9))
    if "assumptions" not in tables:
        return found
    assumed = tables["assumptions"]
    assumed = assumed[assumed["n_changed"].notna() & (assumed["assumption"] != RELATIVE)]
    if len(assumed):
        changed = assumed.groupby("assumption")["n_changed"].sum()
        told = {
            "most": int(changed.max()),
            "assumption": str(changed.idxmax()),
            "n": len(tables["trainers"]),
        }
        found.append(Note("severity.assumptions", told, "caution", 11))
    return found


def _known(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table[name].notna()]


def _spread(fitted: Fitted, tables: Tables, settings: Mapping[str, Any]) -> list[Note]:
    """From the most severe to the most lenient: what the same average student would get."""
    trainers = _known(tables["trainers"], "severity")
    if trainers["assumption"].eq(RELATIVE).any():
        # Within the largest island only: across islands nothing is comparable.
        trainers = trainers[trainers["component"] == trainers["component"].mode().iloc[0]]
    if len(trainers) < 2:
        return []
    hard, easy = trainers.loc[trainers["severity"].idxmax()], trainers.loc[trainers["severity"].idxmin()]
    summary = tables["summary"]
    row = summary[(summary["facet"] == "trainer") & (summary["version"] == "population")].iloc[0]
    values = {
        "trainer_a": str(hard["trainer"]),
        "trainer_b": str(easy["trainer"]),
        "low": float(hard["fair_average"]),
        "high": float(easy["fair_average"]),
        "sd": float(trainers["severity"].std(ddof=0)),
        "n": len(trainers),
    }
    n = int(min(hard["n_students"], easy["n_students"]))
    found = [Note("severity.spread", values, "finding", 13, n)]
    if np.isfinite(row["reliability"]):
        told = {name: float(row[name]) for name in ("separation", "strata", "reliability")}
        key = "reliable" if row["reliability"] >= 0.8 else "unreliable"
        found.append(Note(f"severity.{key}", told, "finding", 41))
    return found


def _equivalence(tables: Tables, settings: Mapping[str, Any]) -> list[Note]:
    """How many trainers are surely within the bound, surely beyond it, or not to be told."""
    verdict = tables["raters"]["equivalence"]
    counts = {name: int((verdict == name).sum()) for name in ("within", "beyond", "unsure")}
    if not sum(counts.values()):
        return []
    values = {**counts, "n": sum(counts.values()), "bound": settings["equivalence"]}
    found = [Note("severity.equivalence", values, "finding", 14)]
    if counts["beyond"]:
        found.append(Note("severity.action_calibrate", {"n": counts["beyond"]}, "action", 23))
    elif counts["unsure"] > counts["within"]:
        found.append(Note("severity.action_more", {}, "action", 27))
    return found


def _raters(tables: Tables) -> list[Note]:
    raters, found = tables["raters"], []
    told = raters[raters["halo_verdict"] != "too_few"]
    if len(told):
        n = int((told["halo_verdict"] == "halo").sum())
        if n:
            key = "halo" if tables["model"]["with_halo"].iloc[0] else "halo_unmodelled"
            found.append(Note(f"severity.{key}", {"n": n, "total": len(told)}, "caution", 17))
        else:
            found.append(Note("severity.no_halo", {"total": len(told)}, "finding", 46))
    central = raters[raters["centrality_verdict"] != "too_few"]
    n_central, n_extreme = (int((central["centrality_verdict"] == name).sum()) for name in ("central", "extreme"))
    if n_central or n_extreme:
        values = {"central": n_central, "extreme": n_extreme, "total": len(central)}
        found.append(Note("severity.centrality", values, "finding", 34))
    few = int((raters["halo_verdict"] == "too_few").sum())
    if few and few < len(raters):
        found.append(Note("severity.few_sheets", {"n": few}, "caution", 58))
    pairs = raters[raters["n_pairs"] > 0]
    if len(pairs):
        weight = pairs["n_pairs"]
        exact, expected = (float((pairs[name] * weight).sum() / weight.sum()) for name in ("exact", "exact_expected"))
        share = {"exact": exact, "expected": expected, "kappa": (exact - expected) / max(1 - expected, 1e-12)}
        found.append(Note("severity.agreement", share, "finding", 44))
    return found


def _drift(tables: Tables) -> list[Note]:
    found = []
    for row in tables["bias_tests"].to_dict("records"):
        if row["reason"] == "too_many_elements":
            found.append(Note("severity.drift_left_out", {"n": MOST}, "caution", 62))
        if not np.isfinite(row["p"]):
            continue
        values = {
            "chi2": float(row["chi2"]),
            "df": int(row["df"]),
            "p": float(row["p"]),
            "n": int(row["n_flagged"]),
        }
        name = "drift" if row["interaction"] == "trainer_session" else "bias"
        if row["p"] >= 0.05:
            found.append(Note(f"severity.no_{name}", values, "finding", 47))
        else:
            rank = 27 if name == "drift" else 37
            found.append(Note(f"severity.{name}", values | {"n_cells": int(row["n_cells"])}, "finding", rank))
    return found


def _fit(tables: Tables) -> list[Note]:
    found = []
    for name, rank in (("trainers", 33), ("criteria", 36)):
        table = tables[name]
        known = table[table["fit"] != ""]
        noisy, muted = (int((known["fit"] == verdict).sum()) for verdict in ("noisy", "muted"))
        if len(known) and (noisy or muted):
            rule = int((known["fit_rule"] == "noisy").sum())
            values = {"noisy": noisy, "muted": muted, "total": len(known), "rule": rule}
            found.append(Note(f"severity.fit_{name}", values, "finding", rank))
    moved = pd.concat([tables[name]["displacement"] for name in ("trainers", "criteria")]).abs()
    if (moved > MOVED).any():
        far = {"n": int((moved > MOVED).sum()), "most": float(moved.max())}
        found.append(Note("severity.displaced", far, "caution", 22))
    return found


def _levels(tables: Tables, models: Models) -> list[Note]:
    thresholds, found = tables["thresholds"], []
    wrong = thresholds[thresholds["disordered"] > SURE]
    if len(wrong):
        names = wrong["criterion"].dropna().unique()
        listed = ", ".join(map(str, names[:3])) + (" …" if len(names) > 3 else "")
        key = "disordered" if len(names) else "disordered_all"
        found.append(Note(f"severity.{key}", {"n": max(len(names), 1), "criteria": listed}, "finding", 24))
    unused = tables["levels"][tables["levels"]["reason"] == "level_never_used"]
    if len(unused):
        found.append(Note("severity.unused", {"n": int(unused["criterion"].nunique())}, "finding", 52))
    model = tables["model"]
    plain = model[~model["with_halo"] & ~model["with_slopes"] & model["bic"].notna()]
    own, best = plain[plain["thresholds"] == models.thresholds], plain.sort_values("bic").head(1)
    if len(own) and own["bic"].iloc[0] - best["bic"].iloc[0] > BETTER:
        own, best = own.iloc[0], best.iloc[0]
        values = {"thresholds": str(best["thresholds"]), "gain": float(own["bic"] - best["bic"])}
        found.append(Note("severity.better_model", values, "caution", 28))
    return found


def _rest(fitted: Fitted, tables: Tables, settings: Mapping[str, Any]) -> list[Note]:
    found = [Note(f"severity.residuals_{settings['residuals']}", {}, "finding", 66)]
    first = tables["residual_components"]
    if len(first) and first["eigenvalue"].iloc[0] > first["limit"].iloc[0]:
        values = {
            "eigenvalue": float(first["eigenvalue"].iloc[0]),
            "limit": float(first["limit"].iloc[0]),
        }
        found.append(Note("severity.dimension", values, "finding", 42))
    for name in ("trainers", "criteria"):
        lost = int(tables[name]["reason"].isin(["extreme_low", "extreme_high", "extreme"]).sum())
        if lost:
            found.append(Note(f"severity.extreme_{name}", {"n": lost}, "caution", 54))
    if settings["halo"] == "auto" and len(fitted.asked.frame) > MOST_COMPARED:
        found.append(Note("severity.too_many_to_compare", {"n": MOST_COMPARED}, "caution", 63))
    if len(tables["unexpected"]):
        found.append(Note("severity.cases", {"n": len(tables["unexpected"])}, "finding", 48))
    return found
