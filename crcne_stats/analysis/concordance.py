"""Does the rubric agree with PIX+Édu?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis import concordance_cells as cells
from crcne_stats.analysis.certification_joint import binding_table, joint_table, raised_table
from crcne_stats.analysis.concordance_agreement import association, coefficients, shift, tests
from crcne_stats.analysis.concordance_core import core_association, core_scores, rubric_measure
from crcne_stats.analysis.concordance_gate import accuracy, foretelling
from crcne_stats.analysis.concordance_groups import group_tests, groups
from crcne_stats.analysis.concordance_notes import concordance_notes
from crcne_stats.analysis.concordance_rubric import criteria, parallel, regression, rubric_scores
from crcne_stats.analysis.concordance_trainers import trainer_error
from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.analysis.student_pairs import ceiling, level_keys, student_pairs
from crcne_stats.core.resample import Progress
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result
from crcne_stats.domain.students import Students

OF_LEVELS = ("cross", "margins", "closeness", "direction", "association", "tests", "shift", "trainer_error")
"""Tables that set two levels side by side: there are none where PIX+Édu is only a gate."""


def concordance(
    ratings: Ratings,
    students: Students | None = None,
    *,
    severity: Result | None = None,
    weights: str = "linear",
    resamples: int = 2000,
    seed: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Agreement between the INSPÉ level and the PIX+Édu level. What the joint rule makes of them: ``certification``.

    The INSPÉ level of a student is the one in ``students`` where it is known; otherwise the framework's rule is applied
    to the ratings, and a Note says for how many. A student without a PIX+Édu result takes no part in the agreement: no
    result is not the lowest level. The *common* scale is that of PIX+Édu: INSPÉ levels above the highest that PIX+Édu
    can give count as that one, since PIX+Édu cannot agree with them.

    Parameters
    ----------
    ratings, students
        Joined by student and session (by student alone where one side does not know the session).
    severity
        What ``severity`` returned for these ratings; without it, what rests on the many-facet model has a reason.
    weights
        Name of the agreement weights, beside identity.
    resamples, seed
        Bootstrap over students, those with the same levels drawn together; 0 gives the analytic (linearised) intervals.

    Returns
    -------
    Result
        ``tables["cross"]``: ``n_students`` and ``share`` of each pair ``inspe_level``, ``pix_level``, empty too, on
        the full INSPÉ ladder; ``tables["margins"]``: the same of each level alone; ``tables["gate"]``: ``pix_gate`` by
        ``inspe_level``, where PIX+Édu is a gate.

        ``tables["concordance"]``: percent agreement, Cohen's κ (1968) and Gwet's AC1/AC2 (2008), each with identity
        weights and ``weights``, on the common scale. ``tables["association"]``, on the whole ladders: polychoric
        correlation (Olsson 1979), Kendall's τ-b, Goodman and Kruskal's γ, Somers' D of PIX+Édu given the INSPÉ
        (``somers_pix``) and the other way round.

        ``tables["closeness"]``: students at the same level, one apart, farther; ``tables["direction"]``: INSPÉ
        ``above``, ``equal`` or ``below`` PIX+Édu; both on the common scale, Wilson intervals.

        ``tables["tests"]``: are levels used as often by both parts (Stuart–Maxwell, Bhapkar), is the table symmetric
        (Bowker), and does the normal model behind the polychoric correlation fit (likelihood ratio; with empty cells
        its p is rough)? ``tables["shift"]``: the mean difference in levels.

        ``tables["groups"]``: by INSPÉ, mention and session, exact agreement, κ with ``weights``, mean difference, and
        κ against that of all the others (``contrast``; ``p_adjusted`` after Benjamini & Hochberg);
        ``tables["group_tests"]``: is it the same in all groups (``p_adjusted`` after Holm)?

        ``tables["trainer_error"]``: what the trainers' disagreement alone would explain. ``value`` as found;
        ``corrected``: without the error of the rubric; ``at_most``: if PIX+Édu placed every student where a rubric
        without error would, so that trainers alone made the levels differ. With the margins found, under the normal
        model. ``reliability`` of the rubric from pairs of trainers on one file (each trainer's own level), or of the
        abilities of ``severity``.

        ``tables["criteria"]``: which criteria carry the agreement: ``with_pix``, polyserial correlation of each with
        the PIX+Édu level, and ``dominance``, what it brings on average to R² of the latent level over all orders of
        entry (Budescu 1993); the last row is the whole rubric. ``tables["regression"]``: proportional odds of the
        PIX+Édu level on all the criteria at once, ``odds_ratio`` for one level more; ``parallel_p`` tests that it is
        the same at every level of PIX+Édu (Brant 1990). Criteria move together, so that single slopes are unsure where
        dominance is not.

        ``tables["core_scores"]``: the *core* certification's score (``pix_score``, no result of PIX+Édu; 0 is missing)
        that stands as high among students as a given measure of the rubric, and ``tables["core_association"]``, how it
        goes with the rubric and the PIX+Édu level: covariates, no agreement.

        Where PIX+Édu is a gate, tables of two levels (:data:`OF_LEVELS`) are left out: ``tables["accuracy"]``, if an
        INSPÉ level meant admissible; ``tables["gate_summary"]``: area under the ROC curve (DeLong), slope of
        calibration and Brier score of probabilities foretold from other students; ``tables["roc"]`` and
        ``tables["calibration"]``, the curves.

        A student in several sessions counts in each; errors then take the rows of a student together, and what needs
        independent students (``association``, Bowker's test and that of the normal model in ``tests``,
        ``group_tests``) has the last session of each.
    """
    inputs = {"ratings": ratings, "students": students}
    settings: dict[str, Any] = {"weights": weights, "resamples": resamples, "seed": seed}
    if students is None or not len(students):
        return Result("concordance", settings=settings | {"reason": "no_students"}, inputs=inputs)
    framework, rubric = ratings.framework, inspe_levels(ratings)
    pairs = student_pairs(ratings, students, rubric)
    if reason := _impossible(pairs):
        return Result("concordance", settings=settings | {"reason": reason}, inputs=inputs)
    settings |= {
        "combination": framework.rules.combination,
        "highest_pix_level": level_keys(framework)[ceiling(framework)],
    }
    both, gated = cells.compared(pairs, framework), bool((pairs["gate"] >= 0).any())
    related, normal = association(both, len(framework.levels))
    tables = {
        "cross": cells.cross(pairs, framework),
        "margins": cells.margins(both, framework),
        "concordance": coefficients(both, weights, resamples, seed, progress, gated),
        "closeness": cells.closeness(both),
        "direction": cells.direction(both),
        "association": related,
        "tests": tests(both, normal),
        "shift": shift(both),
    }
    by = groups(both, students, rubric, pairs["file"].to_numpy(), weights)
    if len(by):
        once = groups(both.latest, students, rubric, pairs["file"].to_numpy(), weights) if both.repeated else by
        tables |= {"groups": by, "group_tests": group_tests(once, by["facet"].unique())}
    trainers = np.append(rubric["n_trainers"].to_numpy(), 0)[pairs["file"].to_numpy()[both.row]]
    tables["trainer_error"] = trainer_error(ratings, both, normal, trainers, weights, severity)
    scores = rubric_scores(ratings, pairs)
    tables["criteria"] = criteria(scores, resamples, seed)
    tables["regression"], lines = regression(scores)
    tables["tests"] = pd.concat([tables["tests"], parallel(scores, lines)], ignore_index=True)
    measure = rubric_measure(ratings, rubric, pairs["file"].to_numpy(), severity)
    settings["measure"] = measure.origin
    if students.known("pix_score"):
        score = students.frame["pix_score"].to_numpy(dtype=float)
        tables["core_scores"] = core_scores(measure, score, seed, resamples)
        tables["core_association"] = core_association(measure, pairs, students)
    if gated:
        tables |= {"gate": cells.gate(pairs, framework), "accuracy": accuracy(pairs, framework)}
        tables |= foretelling(pairs, measure)
    notes = concordance_notes(pairs, both, tables, framework, weights)
    if gated and not len(both):
        notes.append(Note("concordance.gate_only", {}, "caution", 15))
        tables = {name: table for name, table in tables.items() if name not in OF_LEVELS}
    counted = {
        "joint": joint_table(pairs, framework),
        "binding": binding_table(pairs, framework),
        "raised": raised_table(pairs, framework),
    }
    return Result("concordance", tables, notes, settings, inputs, counted=counted)


def _impossible(pairs: pd.DataFrame) -> str:
    """Why nothing can be said, empty when something can."""
    if not ((pairs["inspe"] >= 0) | pairs["waiting"]).any():
        return "no_student_in_both"
    return "" if ((pairs["pix"] >= 0) | (pairs["gate"] >= 0)).any() else "no_pix_results"
