"""Many-facet Rasch: trainers, criteria and levels on one ruler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from crcne_stats.analysis.severity_assumptions import assumption_table, chosen_scale
from crcne_stats.analysis.severity_categories import curve_table, level_table, targeting_table, threshold_table
from crcne_stats.analysis.severity_design import COVARIATES, FURTHER, MAIN, design
from crcne_stats.analysis.severity_drift import drift, drift_table
from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import THRESHOLDS, Models, fitted_models, model_table
from crcne_stats.analysis.severity_notes import severity_notes
from crcne_stats.analysis.severity_raters import bias_tables, case_table, dependence_tables, rater_table
from crcne_stats.analysis.severity_scale import LINKS, Scale, pix_levels
from crcne_stats.analysis.severity_students import student_table
from crcne_stats.analysis.severity_tables import (
    criterion_table,
    facet_tables,
    summary_table,
    trainer_table,
)
from crcne_stats.analysis.severity_weights import weight_notes, weights_of
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students


@dataclass(frozen=True, eq=False)
class Measured:
    """What later analyses read: the fit with its design, and the scale of the trainers."""

    fitted: Fitted
    scale: Scale


def severity(
    ratings: Ratings,
    *,
    thresholds: Literal["shared", "criterion", "trainer"] = "shared",
    estimator: Literal["mml", "jml"] = "mml",
    halo: bool | Literal["auto"] = "auto",
    slopes: bool = False,
    population: str | None = None,
    link: Literal["equal_trainer_means", "equal_inspe_means", "anchors", "pix"] | None = None,
    anchors: pd.DataFrame | None = None,
    rating_weights: pd.DataFrame | None = None,
    facets: Sequence[str] = (),
    interactions: Sequence[str] = (),
    residuals: Literal["wle", "posterior"] = "wle",
    simulations: int = 100,
    equivalence: float = 0.5,
    level: float = 0.95,
    students: Students | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Fit the many-facet Rasch model and judge trainers, criteria and levels on one ruler.

    The log-odds of level k over k − 1 are ability(student) − difficulty(criterion) − severity(trainer) − threshold(k).

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out. A student in two sessions is two persons.
    thresholds
        "shared" (rating scale: by criteria with the same number of levels), or own to each "criterion" (partial
        credit) or each "trainer" (which then tells who keeps to the middle). The others are fitted too and compared in
        ``tables["model"]``, on 200 000 ratings at most.
    estimator
        "mml": marginal maximum likelihood. "jml": joint maximum likelihood as Facets has it, for comparison with older
        reports; it stretches measures by about L / (L − 1), L ratings for each student (``bias_factor`` in ``model``
        takes that off), and knows neither population nor halo.
    halo
        A random effect of student × trainer, for a trainer's criteria move together. "auto" fits it, on 200 000 ratings
        at most, and keeps it where BIC does; True keeps it anyway. Where trainers saw a handful of students each
        its standard deviation comes out too small. Measures come from the model with halo, fit and halo
        of each trainer are judged by the one without.
    slopes
        Fit the model with a slope for each trainer too (generalised partial credit) and compare it in ``model``; the
        slopes stand in ``raters``. A sensitivity model: no other table rests on it.
    population
        None or "inspe": a free mean ability for each INSPÉ (each island where none is known), so that differences in
        ability between INSPÉ do not turn into severities. "equal_means": one mean for all, an *assumption*. "+session"
        and "+mention" add columns.
    link
        Trainers whom no common student links form islands. None: severities are relative to their island and the
        table says so. "equal_trainer_means", "equal_inspe_means", "anchors" (mean abilities of INSPÉ given as anchors)
        or "pix" (students of the same PIX+Édu level are equally able) put them on one scale by assumption;
        ``tables["assumptions"]`` shows what each would change.
    anchors
        Values to hold: columns ``facet``, ``member``, ``value`` (logits), and ``level`` for thresholds, ``group`` for
        means of several elements; see :func:`crcne_stats.data.anchors.load_anchors`.
    rating_weights
        How many times ratings count: a column ``weight`` (from 0) and the identifiers (student, trainer, criterion,
        session…) of the ratings that each row stands for; a rating that no row names counts once, one of weight 0 is
        left out. See :func:`crcne_stats.data.rating_weights.load_rating_weights`. Intervals are then the sandwich's,
        which takes no weight for more students; fit, bias and information criteria take weights for numbers of ratings.
    facets, interactions
        Columns (session, mention, occasion, inspe, trainer_inspe) that become facets; pairs such as
        "trainer:criterion" that get a parameter for each rated combination.
    residuals
        "wle": at Warm's estimate of each student; "posterior": averaged over each student's posterior. Never at the
        posterior mean, which biases infit.
    simulations
        Sets of ratings drawn from the fitted model on the design of the data, for limits of fit and of halo; scored
        without a refit. 0: no limits.
    equivalence
        Half-width in logits within which a trainer counts as interchangeable (two one-sided tests).
    students
        PIX+Édu levels for ``link="pix"``.

    Returns
    -------
    Result
        ``model``: a row for each model compared, that of the tables first.

        ``trainers``, ``criteria`` (and ``facets``): ``severity`` or ``difficulty`` in logits; ``se`` from the observed
        information and ``robust_se`` from the sandwich clustered by student, which sees that a trainer's criteria move
        together (halo); ``low``, ``high`` from the former with halo in the model, else from the larger of both
        (with rating weights from the latter);
        ``fair_average``, the score before a student of mean ability, all else at its mean, with bounds, and
        ``fair_zero`` at the zero of the scale; infit and outfit with simulated limits and the verdict ``fit``, the
        rule of thumb in ``fit_rule``. ``component`` is the island, ``assumption`` what makes the scale.

        ``summary``: separation, strata, reliability, χ² by facet. ``thresholds``: Andrich and half-point (Thurstone)
        thresholds, ``disordered`` the probability that a threshold lies below the one before. ``levels``: use and
        average measures. ``raters``: agreement beside the expected one, centrality (1: as the others), halo against
        simulations without halo, equivalence. ``drift``, ``bias_tests`` (omnibus tests), ``bias`` (trainer ×
        criterion) and ``bias_pairs`` (two trainers on a criterion). ``dependence``, ``residual_components``,
        ``loadings``; ``curves``, ``targeting``; ``assumptions`` with islands. ``students`` and ``unexpected`` name
        students and are never published.

        A measure that cannot be had (nobody to compare with, all scores at one end) is a row with a ``reason``.

    Raises
    ------
    ValueError
        For a value that means nothing.

    References
    ----------
    Linacre (1989), Many-facet Rasch measurement; Wright & Masters (1982), Rating scale analysis; Warm (1989),
    doi:10.1007/BF02294627; Schuirmann (1987), doi:10.1007/BF01068419; Eckes (2015), Introduction to many-facet Rasch
    measurement.
    """
    settings: dict[str, Any] = {
        "thresholds": thresholds, "estimator": estimator, "halo": halo, "slopes": slopes, "population": population,
        "link": link, "facets": list(facets), "interactions": list(interactions), "residuals": residuals,
        "simulations": int(simulations),
        "equivalence": equivalence, "level": level, "seed": seed,
    }  # fmt: skip
    pairs = _checked(settings, anchors)
    weights = None if rating_weights is None else weights_of(ratings.scored, rating_weights)
    settings["rating_weights"] = None if weights is None else list(weights.keys)
    settings["anchors"] = None if anchors is None else len(anchors)
    inputs = {"ratings": ratings} | ({} if students is None else {"students": students})
    extra = list(dict.fromkeys([*facets, *(name for pair in pairs for name in pair if name not in MAIN)]))
    absent = [name for name in extra if not ratings.known(name)]
    if absent:
        return Result("severity", settings=settings | {"reason": "column_unknown", "by": absent[0]}, inputs=inputs)
    asked = design(ratings, extra, None if weights is None else weights.value)
    if not len(asked.frame):
        return Result("severity", settings=settings | {"reason": "no_ratings"}, inputs=inputs)
    models = fitted_models(asked, settings, pairs, anchors)
    if models.chosen is None:
        return Result("severity", settings=settings | {"reason": models.reason}, inputs=inputs)
    fitted = models.chosen
    if simulations:
        limits = fitted.simulated(("trainer", "criterion"), int(simulations), seed, progress)
        fitted = replace(fitted, limits=limits)
    means = _inspe_means(anchors)
    pix = None if students is None else pix_levels(asked, students)
    scale, refused = chosen_scale(fitted, link, means, pix)
    tables = _tables(fitted, scale, models, settings)
    assumed = assumption_table(fitted, scale, means, pix)
    if len(assumed):
        tables["assumptions"] = assumed
    notes = severity_notes(fitted, scale, tables, settings, models, refused)
    notes += [] if weights is None else weight_notes(weights)
    return Result("severity", tables, notes, settings, inputs, Measured(fitted.lighter(), scale))


def _tables(fitted: Fitted, scale: Scale, models: Models, settings: dict[str, Any]) -> dict[str, pd.DataFrame]:
    tables = {
        "model": model_table(models),
        "trainers": trainer_table(fitted, scale),
        "criteria": criterion_table(fitted, scale),
    }
    further = facet_tables(fitted, scale)
    if len(further):
        tables["facets"] = further
    tables["summary"] = summary_table(fitted, tables, scale)
    tables["thresholds"] = threshold_table(fitted)
    tables["levels"] = level_table(fitted)
    tables["raters"] = rater_table(fitted, scale, settings["equivalence"], models)
    moved, drift_test = drift_table(fitted.asked, drift(fitted.asked, settings["thresholds"]), settings["level"])
    tables |= bias_tables(fitted)
    tables["bias_tests"] = pd.concat([tables["bias_tests"], pd.DataFrame([drift_test])], ignore_index=True)
    if len(moved):
        tables["drift"] = moved
    tables |= dependence_tables(fitted)
    tables |= {"curves": curve_table(fitted), "targeting": targeting_table(fitted, scale)}
    return tables | {"students": student_table(fitted, scale), "unexpected": case_table(fitted)}


def _checked(settings: dict[str, Any], anchors: pd.DataFrame | None) -> list[tuple[str, str]]:
    """The interactions as pairs of facets.

    Raises
    ------
    ValueError
        For values that mean nothing.
    """
    allowed = {
        "thresholds": THRESHOLDS, "estimator": ("mml", "jml"), "halo": ("auto", True, False), "link": (None, *LINKS),
        "residuals": ("wle", "posterior"),
    }  # fmt: skip
    for name, values in allowed.items():
        if settings[name] not in values:
            raise ValueError(f"unknown {name} {settings[name]!r}; there are {', '.join(map(str, values))}")
    first, *more = (settings["population"] or "inspe").split("+")
    if first not in ("inspe", "equal_means") or not set(more) <= set(COVARIATES):
        raise ValueError(f"unknown population {settings['population']!r}; inspe or equal_means, +session, +mention")
    known = (*MAIN, *FURTHER)
    pairs = [tuple(text.split(":")) for text in settings["interactions"]]
    wrong = [":".join(pair) for pair in pairs if len(pair) != 2 or not set(pair) <= set(known)]
    wrong += [name for name in settings["facets"] if name not in FURTHER]
    if wrong:
        raise ValueError(f"unknown facets {', '.join(wrong)}; there are {', '.join(known)}")
    if not 0 < settings["level"] < 1 or settings["simulations"] < 0 or not settings["equivalence"] > 0:
        raise ValueError("level must lie between 0 and 1, simulations be 0 or more, equivalence positive")
    if anchors is not None and not {"facet", "member", "value"} <= set(getattr(anchors, "columns", ())):
        raise ValueError("anchors must be a table with the columns facet, member and value")
    return [(pair[0], pair[1]) for pair in pairs]


def _inspe_means(anchors: pd.DataFrame | None) -> dict[str, float]:
    """Mean ability of each INSPÉ that an anchor file gives."""
    if anchors is None:
        return {}
    rows = anchors[anchors["facet"].astype(str) == "inspe"]
    return {str(member): float(value) for member, value in zip(rows["member"], rows["value"], strict=True)}
