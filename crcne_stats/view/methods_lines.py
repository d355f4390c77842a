"""The sentences of methods of each analysis: which ones, and the values that fill them, from settings and tables.

A sentence is told only where the study did what it says: the model chosen, the intervals found, the tests made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from crcne_stats.domain.result import Result
from crcne_stats.view.tables import effects
from crcne_stats.words import Words

Line = tuple[str, dict[str, Any]]
"""A key of ``words`` and its values."""


def _list(parts: list[str], w: Words) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return w("methods.list", before=", ".join(parts[:-1]), last=parts[-1])


def _methods_of(table: pd.DataFrame) -> set[str]:
    return set(table["method"].dropna().astype(str)) - {""} if "method" in table.columns else set()


def _rows(result: Result, name: str) -> pd.DataFrame:
    return result.tables.get(name, pd.DataFrame())


def _found(result: Result, name: str) -> bool:
    """Is there a row of the table that is no mere reason why nothing can be said?"""
    table = _rows(result, name)
    return len(table) > 0 and ("reason" not in table.columns or bool((table["reason"].fillna("") == "").any()))


def _describe(result: Result, w: Words) -> Iterator[Line]:
    yield "methods.describe.first", {}


def _agreement(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    names = [f"methods.coefficient.{name}" for name in s["coefficients"]]
    told = _list([w(key) for key in names if w.has(key)], w)
    weights = w(f"weights.{s['weights']}") if w.has(f"weights.{s['weights']}") else w("methods.agreement.own_weights")
    yield "methods.agreement.first", {"coefficients": told, "weights": weights}
    for method in sorted(_methods_of(_rows(result, "agreement"))):
        key = f"methods.interval.{method}"
        if w.has(key):
            yield key, {"resamples": s["resamples"]}
    if len(_rows(result, "multiverse_summary")):
        yield "methods.agreement.multiverse", {"benchmark": s["benchmark"]}
    if len(_rows(result, "benchmark")):
        yield "methods.agreement.benchmark", {}
    if len(_rows(result, "differences")):
        yield "methods.agreement.differences", {}
    if len(_rows(result, "margins")):
        yield "methods.agreement.margins", {}
    if s["adjustment"] == "holm":
        yield "methods.agreement.holm", {}
    elif s["adjustment"] == "benjamini_hochberg":
        yield "methods.agreement.benjamini_hochberg", {}


def _icc(result: Result, w: Words) -> Iterator[Line]:
    table = result.tables["icc"]
    forms = list(dict.fromkeys(table["form"].astype(str)))
    yield "methods.icc.first", {"forms": _list(forms, w)}
    found = _methods_of(table)
    if "reml_monte_carlo" in found:
        yield "methods.icc.reml", {"draws": result.settings["draws"]}
    if "mean_squares" in found:
        yield "methods.icc.squares", {}
    if len(_rows(result, "restricted")):
        yield "methods.icc.restricted", {}


def _severity(result: Result, w: Words) -> Iterator[Line]:
    s, model = result.settings, result.tables["model"]
    chosen = model[model["chosen"].astype(bool)].iloc[0]
    yield "methods.severity.first", {}
    yield f"methods.severity.{chosen['thresholds']}", {}
    if chosen["estimator"] == "jml":
        yield "methods.severity.joint", {}
    else:
        yield "methods.severity.marginal", {"population": str(chosen["population"])}
    yield "methods.severity.constraint", {"constraint": str(chosen["constraint"])}
    if bool(chosen["with_halo"]):
        yield "methods.severity.halo", {}
    if bool(chosen["with_slopes"]):
        yield "methods.severity.slopes", {}
    others = model[~model["chosen"].astype(bool)]
    if len(others) and pd.notna(chosen["bic"]):
        yield "methods.severity.compared", {"n": len(model), "bic": float(chosen["bic"])}
    if pd.notna(chosen["n_parameters"]):
        yield "methods.severity.size", {"n": int(chosen["n_parameters"]), "ratings": _count(chosen["n_ratings"], w)}
    if not bool(chosen["converged"]):
        yield "methods.severity.not_converged", {}
    if s["simulations"]:
        yield "methods.severity.fit", {"n": s["simulations"]}
    yield "methods.severity.rest", {"bound": s["equivalence"]}


def _count(value: Any, w: Words) -> str:
    return w.count(float(value)) if pd.notna(value) else "–"


def _generalizability(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    fixed = [w(f"facet.{name}") for name in s["fixed"] if w.has(f"facet.{name}")]
    yield "methods.generalizability.first", {"design": effects(str(s["design"]).replace(" ", ""), w)}
    yield f"methods.generalizability.{s['estimator']}", {}
    if fixed:
        yield "methods.generalizability.fixed", {"facets": _list(fixed, w)}
    if "parametric_bootstrap" in _methods_of(_rows(result, "coefficients")):
        yield "methods.generalizability.bootstrap", {"n": s["resamples"]}
    if len(_rows(result, "cuts")):
        yield "methods.generalizability.cuts", {}


def _difficulty(result: Result, w: Words) -> Iterator[Line]:
    yield "methods.difficulty.first", {}
    if len(_rows(result, "reliability")):
        yield "methods.difficulty.reliability", {}


def _fairness(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    for group in [s["group"]] if isinstance(s["group"], str) else s["group"]:
        yield "methods.fairness.first", {"by": group, "n": s["min_students"], "cell": s["min_cell"]}
    yield "methods.fairness.tests", {"alpha": s["alpha"]}


def _concordance(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    yield "methods.concordance.first", {"weights": w(f"weights.{s['weights']}")}
    if "bootstrap" in _methods_of(_rows(result, "concordance")):
        yield "methods.interval.bootstrap", {"resamples": s["resamples"]}
    for name in ("association", "tests", "trainer_error", "criteria", "regression", "roc"):
        if _found(result, name):
            yield f"methods.concordance.{name}", {}
    if w.has(f"methods.concordance.{s.get('combination')}"):
        yield f"methods.concordance.{s['combination']}", {}


def _planning(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    yield "methods.planning.first", {"phi": s["dependability"], "power": s["power"], "hours": s["hours_per_file"]}


def _certification(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    yield "methods.certification.first", {"n": s["panel"]}
    if w.has(f"methods.concordance.{s['rule']}"):
        yield f"methods.concordance.{s['rule']}", {}
    if s["pix_informs"]:
        yield "methods.certification.pix", {}
    if s["pix_error"] is not None:
        yield "methods.certification.pix_error", {"share": s["pix_error"]}
    if len(_rows(result, "accuracy")):
        yield "methods.certification.accuracy", {}


def _calibration(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    yield "methods.calibration.first", {}
    yield f"methods.calibration.{s['link']}", {}
    if len(_rows(result, "drift")):
        yield "methods.calibration.drift", {"alpha": s["alpha"]}
    if len(_rows(result, "links")):
        yield "methods.calibration.links", {}
    if len(_rows(result, "alignment")):
        yield "methods.calibration.alignment", {}


def _priorities(result: Result, w: Words) -> Iterator[Line]:
    yield "methods.priorities.first", {"power": result.settings["power"]}
    yield "methods.priorities.ranks", {"n": result.settings["resamples"]}


def _verdict(result: Result, w: Words) -> Iterator[Line]:
    s = result.settings
    yield "methods.verdict.first", {"coefficient": w(f"coefficient.{s['coefficient']}"), "dependable": s["dependable"]}


LINES: dict[str, Callable[[Result, Words], Iterator[Line]]] = {
    "describe": _describe,
    "agreement": _agreement,
    "icc": _icc,
    "severity": _severity,
    "generalizability": _generalizability,
    "difficulty": _difficulty,
    "fairness": _fairness,
    "concordance": _concordance,
    "certification": _certification,
    "planning": _planning,
    "calibration": _calibration,
    "priorities": _priorities,
    "verdict": _verdict,
}
"""The sentences of each analysis; one that is absent is told by its question and its settings."""
