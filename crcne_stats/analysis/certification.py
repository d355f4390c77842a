"""What does the joint rule decide, and how often is it wrong?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_decisions import cut_notes, cut_tables, decisions_made
from crcne_stats.analysis.certification_notes import certification_notes
from crcne_stats.analysis.certification_panels import accuracy_table, panel_table
from crcne_stats.analysis.certification_risk import (
    Case,
    case,
    group_tables,
    pix_table,
    scheme_table,
)
from crcne_stats.analysis.certification_students import student_tables
from crcne_stats.analysis.concordance import concordance as agreed
from crcne_stats.analysis.cut_scores import cut_scores
from crcne_stats.analysis.generalizability_data import of_same_ratings
from crcne_stats.analysis.levels import Asked, asked_rules, inspe_levels
from crcne_stats.analysis.severity import severity as measures
from crcne_stats.analysis.student_pairs import student_groups, student_pairs
from crcne_stats.core.resample import Progress
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result
from crcne_stats.domain.students import Students


def certification(
    ratings: Ratings,
    students: Students | None = None,
    *,
    severity: Result | None = None,
    concordance: Result | None = None,
    rule: Literal["minimum", "gate"] | None = None,
    level_rule: Literal["median", "mean", "lowest_item", "lowest_criterion", "count", "phases"]
    | Mapping[str, Any]
    | None = None,
    pix_error: float | None = None,
    pix_informs: bool = True,
    panel: int = 4000,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 1,
    progress: Progress | None = None,
) -> Result:
    """What the joint rule decides, what other rules would, and the risks for each student and for the scheme.

    A student's *true level* is the one that the framework's rule gives to the expected criterion scores at the
    student's ability and severity zero. Beside it ("panel") stands the highest level that at least half of a large
    panel would give, each trainer alone. How sure a true level is comes from the posterior of ability in the many-facet
    model: the severity of the trainers met and its own error, the student × trainer effect, the number of trainers.

    Parameters
    ----------
    ratings, students
        Joined by student and session. Where the jury's level is not known the rule is applied to the ratings.
    severity
        A result already computed from the same ratings; None computes it (without simulated limits).
    concordance
        The same: the counts of both results add up, and its ledger decides what may be shown of the shared ones.
    rule
        How the two parts are combined; None: as the framework says. "minimum" takes the lower level; with "gate"
        PIX+Édu only opens the way.
    level_rule
        What replaces the framework's way from criteria to the INSPÉ level, where the jury's level is not known: the
        name of a rule, or settings of [rules]. None: the framework's own.
    pix_error
        Share of PIX+Édu results that are one level off (a wrong side of the gate), which only the user can state. None:
        the result is taken for true, and ``tables["pix_error"]`` shows what an error would change.
    pix_informs
        Whether the PIX+Édu result counts as a sign of ability, through an ordered probit that is estimated from the
        data. Able students are better at both; without it risks among those who did well at PIX+Édu are overstated.
    panel
        Trainers drawn for the large panel.
    resamples
        Bootstrap over students of the cut scores; 0: no bounds.

    Returns
    -------
    Result
        ``tables["joint"]``: ``state`` (certified, refused, waiting_inspe, waiting_pix) and ``joint_level``.
        ``binding``: which part holds students back, where both are known; ``pix_ceiling`` when it is only the top of
        PIX+Édu's ladder. ``binding_groups``: the same by INSPÉ, mention and session. ``raised``: who would hold a
        higher certificate with one more level on a side, by the level that they would then hold.

        ``level_rules``: files whose INSPÉ level would go up or down under each other rule, rounded down or to the
        nearest; ``rule_certificates``: the certificates that would follow, the jury's decisions left aside.
        ``cut_scores``: where each level begins in logits, by the overall levels that trainers give to files
        (:mod:`crcne_stats.core.cut_scores`); ``cut_certificates``: the certificates if ability were cut there.

        ``scheme``: ``wrong``, the share of students whose level is "too_high" (a false award) or "too_low" (a
        false refusal), with ``n_wrong`` and an interval that holds both chance and the error of the parameters, by
        ``part`` ("inspe": the INSPÉ level, "joint": the certificate) and ``definition``. ``by_level``, ``by_mention``,
        ``by_inspe``: the same for the certificate. ``pix_error``: the band. ``panels``: the shares expected if each
        file had one, two or three trainers, with intervals of the same kind, and ``wrong_change`` from one trainer
        fewer, whose interval leaves out the luck of single ratings. ``accuracy``: share on the true INSPÉ level, and on
        one level twice over, by the rule itself ("rule_drawn", on 200 draws of the posterior and of the parameters),
        Lee's, Rudner's and Livingston and Lewis' methods; the three stand on a scale of totals or abilities, the first
        on the rule.

        ``students``, ``posterior`` and ``review`` name students and are never published. ``review`` lists those whose
        most probable level is another than the one given: for a jury to look at, never a decision.

    Raises
    ------
    ValueError
        For values that mean nothing, or a result of other ratings.

    References
    ----------
    Rudner (2001), PARE 7(14); Lee (2010), doi:10.1111/j.1745-3984.2009.00096.x; Livingston & Lewis (1995),
    doi:10.1111/j.1745-3984.1995.tb00462.x; Lord & Wingersky (1984), doi:10.1177/014662168400800409.
    """
    settings: dict[str, Any] = {
        "rule": rule or ratings.framework.rules.combination, "level_rule": level_rule, "pix_error": pix_error,
        "pix_informs": pix_informs, "panel": int(panel), "resamples": int(resamples), "level": level, "seed": seed,
    }  # fmt: skip
    _check(settings)
    framework = _ruled(ratings.framework, settings["rule"], level_rule)
    for earlier in (severity, concordance):
        of_same_ratings(ratings, earlier)
    inputs = {"ratings": ratings, "students": students}
    if students is None or not len(students):
        return Result("certification", settings=settings | {"reason": "no_students"}, inputs=inputs)
    rubric = inspe_levels(ratings, level_rule)
    pairs = student_pairs(ratings, students, rubric)
    if reason := _impossible(ratings, pairs, settings["rule"]):
        return Result("certification", settings=settings | {"reason": reason}, inputs=inputs)
    tables, notes = decisions_made(
        ratings, pairs, student_groups(students, rubric, pairs["file"].to_numpy()), framework
    )
    measured = severity if severity is not None else measures(ratings, simulations=0)
    found = None
    if reason := _unmeasured(measured):
        notes.append(Note("certification.no_risks", {"why": reason}, "caution", 7))
    else:
        found = case(pairs, students.frame, measured.model, framework, settings)
        tables |= _tables(found, settings, progress)
        cuts = cut_scores(ratings, measured.model, settings["resamples"], seed)
        tables |= cut_tables(cuts, found, framework)
        notes += [*certification_notes(found, tables, settings), *cut_notes(cuts, tables)]
    first = concordance if concordance is not None else agreed(ratings, students, resamples=0)
    return Result("certification", tables, notes, settings, inputs, found, follows=first)


def _ruled(framework: Framework, combination: str, level_rule: Asked) -> Framework:
    """The framework with the rules that are in force here."""
    return replace(framework, rules=replace(asked_rules(framework, level_rule), combination=combination))


def _tables(found: Case, settings: dict[str, Any], progress: Progress | None) -> dict[str, pd.DataFrame]:
    error, level, seed = settings["pix_error"] or 0.0, settings["level"], settings["seed"]
    tables = {"scheme": scheme_table(found, error, level), **group_tables(found, error, level)}
    tables["pix_error"] = pix_table(found, settings["pix_error"], level)
    panels = panel_table(found, error, level, seed)
    if len(panels):
        tables["panels"] = panels
    tables["accuracy"] = accuracy_table(found, level, seed, progress)
    return tables | student_tables(found, error, settings["panel"], seed)


def _impossible(ratings: Ratings, pairs: pd.DataFrame, rule: str) -> str:
    """Why nothing can be said, empty when something can."""
    if not len(ratings.scored):
        return "no_ratings"
    gate, pix = (pairs["gate"] >= 0).any(), (pairs["pix"] >= 0).any()
    if not pairs["rated"].any():
        return "no_student_in_both"
    if not pix and not gate:
        return "no_pix_results"
    if rule == "minimum" and not pix:
        return "gate_under_minimum"
    if rule == "gate" and not gate:
        return "levels_under_gate"
    return "jury_waiting" if pairs["waiting"].all() else ""


def _unmeasured(measured: Result) -> str:
    """Why there is no posterior of ability, empty where there is one."""
    if measured.model is None:
        return measured.reason or "not_estimable"
    return "" if np.size(measured.model.fitted.measured.nodes) else "no_posterior"


def _check(settings: dict[str, Any]) -> None:
    """Refuse what means nothing.

    Raises
    ------
    ValueError
        With the name of the setting.
    """
    if settings["rule"] not in ("minimum", "gate"):
        raise ValueError(f"rule is minimum or gate, not {settings['rule']!r}")
    error = settings["pix_error"]
    if error is not None and not 0 <= error < 0.5:
        raise ValueError(f"pix_error is a share from 0 to below one half, not {error!r}")
    if not 0 < settings["level"] < 1 or settings["panel"] < 2 or settings["resamples"] < 0:
        raise ValueError("level must lie between 0 and 1, panel be 2 or more, resamples 0 or more")
