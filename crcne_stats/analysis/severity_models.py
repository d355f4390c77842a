"""The models that ``severity`` fits: the one asked for, and those that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_design import Design, model, population
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.core.rasch import mml
from crcne_stats.core.rasch.abilities import eap_reliability
from crcne_stats.core.rasch.design import Model
from crcne_stats.core.rasch.identification import identify
from crcne_stats.core.rasch.population import Population

MOST_COMPARED = 200_000
"""With more ratings than this, other thresholds are fitted only when they are asked for."""
THRESHOLDS = ("shared", "criterion", "trainer")


@dataclass(frozen=True, eq=False)
class Models:
    """``chosen`` is the model of the tables, None with a ``reason`` where it cannot be fitted.

    ``fits`` has each model that was fitted by its thresholds; ``lost`` the anchors that name nothing in these ratings;
    ``covariates`` those that the groups of students do not already fix; ``deficiency`` how many directions of the
    parameters no rating shows.
    """

    chosen: Fitted | None
    fits: dict[str, mml.Fit]
    population: str
    lost: tuple[str, ...]
    covariates: tuple[str, ...]
    deficiency: int = 0
    reason: str = ""


def fitted_models(
    asked: Design, settings: dict[str, Any], pairs: list[tuple[str, str]], anchors: pd.DataFrame | None
) -> Models:
    """The model asked for, then the same with other thresholds, as far as their number of ratings allows it."""
    wanted = settings["population"]
    made, group, covariates = population(asked, wanted)
    kind = "equal_means" if wanted == "equal_means" else "inspe" if asked.people["inspe"].notna().any() else "one_mean"
    relative = wanted != "equal_means"
    extra = [*settings["facets"], *(name for pair in pairs for name in pair)]
    extra = [name for name in dict.fromkeys(extra) if name not in ("trainer", "criterion")]
    wish, lost = model(asked, settings["thresholds"], pairs, extra, anchors, relative)
    first, reason = _fit(asked, wish, made)
    if first is None:
        return Models(None, {}, kind, tuple(lost), tuple(covariates), 0, reason)
    fits = {settings["thresholds"]: first}
    if len(asked.frame) <= MOST_COMPARED and anchors is None:
        for name in THRESHOLDS:
            if name not in fits:
                other, _ = _fit(asked, model(asked, name, pairs, extra, None, relative)[0], made)
                fits |= {} if other is None else {name: other}
    chosen = Fitted(asked, first, group, settings["residuals"] == "posterior", settings["level"])
    # Trainers and criteria alone are seen within a component, whose students have a mean of their own.
    simple = not extra and not pairs and anchors is None and relative and not covariates
    unseen = 0 if simple else identify(first.plan, first.problem.population).deficiency
    return Models(chosen, fits, kind, tuple(lost), tuple(covariates), unseen)


def _fit(asked: Design, wish: Model, made: Population) -> tuple[mml.Fit | None, str]:
    """The fit, or why there is none."""
    if len(np.unique(asked.data.score)) == 1:
        return None, "all_equal"
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return mml.fit(asked.data, wish, made), ""
    except FloatingPointError:
        return None, "separated"
    except (ValueError, np.linalg.LinAlgError):
        return None, "not_estimable"


def model_table(models: Models) -> pd.DataFrame:
    """``model``: a row for each model, that of the tables first."""
    rows = []
    for thresholds, fit in models.fits.items():
        rated = fit.problem.stats.n_ratings > 0
        rows.append(
            {
                "thresholds": thresholds,
                "estimator": "mml",
                "population": models.population,
                "constraint": _constraint(fit),
                "chosen": thresholds == next(iter(models.fits)),
                "log_likelihood": fit.log_likelihood,
                "deviance": fit.deviance,
                "n_parameters": fit.n_parameters,
                "aic": fit.aic,
                "bic": fit.bic,
                "converged": bool(fit.converged),
                "iterations": len(fit.history),
                "gradient": fit.history[-1].gradient,
                "population_sd": fit.sd,
                "population_sd_se": fit.sd_se,
                "eap_reliability": eap_reliability(fit.found.eap[rated], fit.found.variance[rated]),
                "n_students": fit.n_students,
                "n_ratings": int(fit.plan.kept.sum()),
                "reason": "" if fit.converged else "not_converged",
            }
        )
    return pd.DataFrame(rows)


def _constraint(fit: mml.Fit) -> str:
    """Which facets are centred, as a key of words."""
    if fit.plan.model.anchors or fit.plan.model.group_anchors:
        return "anchored"
    return "within_components" if fit.plan.model.components else "centred"
