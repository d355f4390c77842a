"""The models that ``severity`` fits: the one asked for, and those that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity_design import Design, model, population
from crcne_stats.analysis.severity_fit import Fitted, joint, marginal
from crcne_stats.core.rasch.abilities import eap_reliability
from crcne_stats.core.rasch.design import Model
from crcne_stats.core.rasch.generalised import SlopeFit, slope_fit
from crcne_stats.core.rasch.identification import identify
from crcne_stats.core.rasch.jml import JointFit, joint_fit
from crcne_stats.core.rasch.layout import Layout
from crcne_stats.core.rasch.mml import Fit, Inestimable, fit
from crcne_stats.core.rasch.population import Population

MOST_COMPARED = 200_000
"""With more ratings than this, other models are fitted only when they are asked for."""
MOST_THRESHOLDS = 800
"""The same with more thresholds than this."""
THRESHOLDS = ("shared", "criterion", "trainer")


@dataclass(frozen=True, eq=False)
class Models:
    """``chosen`` is the model of the tables, None with a ``reason`` where it cannot be fitted.

    ``fits`` has each model by its thresholds and whether it has halo, that of the tables first; ``lost`` the anchors
    that name nothing in these ratings; ``slopes`` the model with a slope for each trainer, where it was asked for;
    ``deficiency`` how many directions of the parameters no rating shows.
    """

    chosen: Fitted | None
    fits: dict[tuple[str, bool], Fit | JointFit]
    population: str
    lost: tuple[str, ...] = ()
    slopes: SlopeFit | None = None
    deficiency: int = 0
    reason: str = ""

    @property
    def thresholds(self) -> str:
        """Those of the model of the tables."""
        return next(iter(self.fits))[0]

    @property
    def main(self) -> Fit | JointFit:
        """The model of the tables."""
        return next(iter(self.fits.values()))


@dataclass(frozen=True, eq=False)
class _Asked:
    """How to fit: the design, the model by its thresholds, the population."""

    design: Design
    models: dict[str, Model]
    made: Population

    def fit(self, thresholds: str, halo: bool = False, estimator: str = "mml") -> tuple[Fit | JointFit | None, str]:
        """The fit, or why there is none."""
        wish, data = self.models[thresholds], self.design.data
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                if estimator == "jml":
                    return joint_fit(data, wish), ""
                return fit(data, wish, self.made, "trainer" if halo else None), ""
        except FloatingPointError:
            return None, "separated"
        except Inestimable as error:
            return None, "all_equal" if error.reason == "one_level" else "all_extreme"
        except np.linalg.LinAlgError:
            return None, "not_estimable"


def fitted_models(
    asked: Design, settings: dict[str, Any], pairs: list[tuple[str, str]], anchors: pd.DataFrame | None
) -> Models:
    """The model asked for, then with halo and with other thresholds, as far as the number of ratings allows."""
    wanted, thresholds = settings["population"], settings["thresholds"]
    made, group, covariates = population(asked, wanted)
    kind = "equal_means" if wanted == "equal_means" else "inspe" if asked.people["inspe"].notna().any() else "one_mean"
    extra = [*settings["facets"], *(name for pair in pairs for name in pair)]
    extra = [name for name in dict.fromkeys(extra) if name not in ("trainer", "criterion")]
    relative = wanted != "equal_means" or settings["estimator"] == "jml"  # which has no population
    found = {name: model(asked, name, pairs, extra, anchors, relative) for name in THRESHOLDS}
    ask, lost = _Asked(asked, {name: wish for name, (wish, _) in found.items()}, made), tuple(found[thresholds][1])
    plain, reason = ask.fit(thresholds, estimator=settings["estimator"])
    if plain is None:
        return Models(None, {}, kind, lost, reason=reason)
    over = settings["residuals"] == "posterior"
    if isinstance(plain, JointFit):
        chosen = Fitted(asked, joint(plain), plain, group, False, settings["level"])
        return Models(chosen, {(thresholds, False): plain}, "none", lost)
    fits: dict[tuple[str, bool], Fit | JointFit] = {(thresholds, False): plain}
    small, best = len(asked.frame) <= MOST_COMPARED, plain
    with_halo = _with_halo(ask, settings, plain, small)
    if with_halo is not None:
        better = settings["halo"] is True or with_halo.bic < plain.bic
        best = with_halo if better else plain
        fits[thresholds, True] = with_halo
        fits = dict(sorted(fits.items(), key=lambda item: item[0][1] != better))
    if small and anchors is None:
        for name in THRESHOLDS:
            elements = 1 if name == "shared" else asked.data.sizes[name]
            many = name == thresholds or elements * int(asked.data.n_levels.max(initial=1)) > MOST_THRESHOLDS
            other = None if many else ask.fit(name)[0]
            fits |= {} if other is None else {(name, False): other}
    # Trainers and criteria alone are seen within a component, whose students have a mean of their own.
    simple = not extra and not pairs and anchors is None and relative and not covariates
    unseen = 0 if simple else identify(plain.plan, plain.problem.population).deficiency
    slopes = _with_slopes(plain) if settings["slopes"] else None
    chosen = Fitted(asked, marginal(best), plain, group, over, settings["level"])
    return Models(chosen, fits, kind, lost, slopes, unseen)


def _with_slopes(plain: Fit) -> SlopeFit | None:
    """The model with a slope for each trainer; None where it cannot be fitted."""
    try:
        return slope_fit(plain)
    except (ValueError, np.linalg.LinAlgError):
        return None


def _with_halo(ask: _Asked, settings: dict[str, Any], plain: Fit, small: bool) -> Fit | None:
    """The model with a random effect of student × trainer, where it is asked for and can be fitted.

    By itself it is tried where some student was seen by two trainers: elsewhere nothing tells it from ability.
    """
    wanted = settings["halo"]
    pairs = plain.problem.stats.n_ratings
    seats = np.bincount(plain.problem.stats.pair_student, minlength=len(pairs))
    several = bool((seats > 1).any()) and len(ask.design.names["criterion"]) > 1
    if wanted is False or (wanted == "auto" and not (small and several and plain.converged)):
        return None
    found = ask.fit(settings["thresholds"], halo=True)[0]
    return found if isinstance(found, Fit) and (found.converged or wanted is True) else None


def model_table(models: Models) -> pd.DataFrame:
    """``model``: a row for each model, that of the tables first."""
    rows = []
    for place, ((thresholds, halo), found) in enumerate(models.fits.items()):
        plan: Layout = found.plan
        row = {
            "estimator": "jml" if isinstance(found, JointFit) else "mml",
            "thresholds": thresholds,
            "with_halo": halo,
            "with_slopes": False,
            "population": models.population,
            "constraint": _constraint(plan),
            "chosen": place == 0,
            "log_likelihood": found.log_likelihood,
            "deviance": -2 * found.log_likelihood,
        }
        row |= _joint_row(found) if isinstance(found, JointFit) else _marginal_row(found)
        row |= {"n_ratings": int(plan.kept.sum()), "reason": "" if found.converged else "not_converged"}
        rows.append(row)
    if models.slopes is not None:
        rows.append(_slope_row(rows[0], models.slopes))
    return pd.DataFrame(rows)


def _slope_row(first: dict[str, Any], found: SlopeFit) -> dict[str, Any]:
    """The model with slopes, which has the thresholds and the population of the first."""
    same = ("estimator", "thresholds", "population", "constraint", "n_students", "n_ratings")
    return {
        **{name: first[name] for name in same},
        "with_halo": False,
        "with_slopes": True,
        "chosen": False,
        "log_likelihood": found.log_likelihood,
        "deviance": found.deviance,
        "n_parameters": found.n_parameters,
        "aic": found.aic,
        "bic": found.bic,
        "converged": found.converged,
        "population_sd": found.sd,
        "reason": "" if found.converged else "not_converged",
    }


def _marginal_row(found: Fit) -> dict[str, Any]:
    rated = found.problem.stats.n_ratings > 0
    return {
        "n_parameters": found.n_parameters,
        "aic": found.aic,
        "bic": found.bic,
        "converged": bool(found.converged),
        "iterations": found.iterations,
        "gradient": found.gradient,
        "monotone": found.monotone,
        "population_sd": found.sd,
        "population_sd_se": found.sd_se,
        "halo_sd": found.halo if found.halo else np.nan,
        "halo_sd_se": found.halo_se,
        "eap_reliability": eap_reliability(found.found.eap[rated], found.found.variance[rated]),
        "n_students": found.n_students,
    }


def _joint_row(found: JointFit) -> dict[str, Any]:
    """A joint likelihood has no information criteria: its parameters grow with the students."""
    known = np.isfinite(found.ability)
    nothing = dict.fromkeys(("aic", "bic", "gradient"), np.nan)
    return {
        "n_parameters": found.plan.n_parameters + int((known & (found.extreme == 0)).sum()),
        **nothing,
        "converged": bool(found.converged),
        "iterations": found.iterations,
        "population_sd": float(found.ability[known].std(ddof=1)) if known.sum() > 1 else np.nan,
        "bias_factor": found.correction,
        "n_students": int(known.sum()),
    }


def _constraint(plan: Layout) -> str:
    """Which facets are centred, as a key of words."""
    if plan.model.anchors or plan.model.group_anchors:
        return "anchored"
    return "within_components" if plan.model.components else "centred"
