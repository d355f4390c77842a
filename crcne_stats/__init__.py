"""crcne_stats: measurement of rubric ratings for the CRCNÉ certification.

The public names are looked up when they are first used, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "DataError": "domain.errors",
    "Framework": "domain.framework",
    "Ratings": "domain.ratings",
    "Students": "domain.students",
    "agreement": "analysis.agreement",
    "calibration": "analysis.calibration",
    "certification": "analysis.certification",
    "concordance": "analysis.concordance",
    "describe": "analysis.describe",
    "difficulty": "analysis.difficulty",
    "fairness": "analysis.fairness",
    "figure": "view.figures",
    "generalizability": "analysis.generalizability",
    "icc": "analysis.icc",
    "load_framework": "domain.frameworks",
    "load_pix": "data.pix",
    "load_ratings": "data.ratings",
    "load_students": "data.students",
    "load_anchors": "data.anchors",
    "load_rating_weights": "data.rating_weights",
    "pseudonymise": "data.pseudonyms",
    "planning": "analysis.planning",
    "priorities": "analysis.priorities",
    "plausible_values": "analysis.severity_students",
    "proofs": "analysis.proofs",
    "published": "view.disclosure",
    "severity": "analysis.severity",
    "severity_difference": "analysis.severity_assumptions",
    "simulate": "analysis.simulate",
    "simulate_next": "analysis.simulate_next",
    "study": "analysis.study",
    "table": "view.tables",
    "write_anchors": "data.anchors",
    "verdict": "analysis.verdict",
    "validate": "data.validate",
    "write_grid": "data.grid",
    "write_marked": "data.marked",
    "write_plan": "data.plan",
    "write_ratings": "data.ratings",
    "write_students": "data.students",
    "write_study": "publish.write",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
