"""Are two framework versions on one scale, and what drifted?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.analysis.calibration_beliefs import CHOICES, Moves, belief_table, comparison_table, moves
from crcne_stats.analysis.calibration_cuts import cut_table, equivalence_table
from crcne_stats.analysis.calibration_design import stacked, ties
from crcne_stats.analysis.calibration_drift import drift_table, test_table, trainer_table
from crcne_stats.analysis.calibration_fit import Anchors, Joint, Trainers, anchors, joint, trainers
from crcne_stats.analysis.calibration_inspe import alignment_table
from crcne_stats.analysis.calibration_links import constant, link_table
from crcne_stats.analysis.calibration_notes import calibration_notes
from crcne_stats.analysis.calibration_revision import revision_table
from crcne_stats.core.linking import Shift
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

_ALLOWED: dict[str, tuple[Any, ...]] = {
    "stays": (None, *CHOICES),
    "link": ("mean", "robust"),
    "reworded": ("test", "never", "always"),
    "thresholds": ("criterion", "shared"),
}


@dataclass(frozen=True, eq=False)
class Linked:
    """What later analyses read: the fit of the last two versions, its anchors and trainers, and what moved."""

    found: Joint
    held: Anchors
    who: Trainers
    moved: Moves
    belief: str


def calibration(
    previous: Ratings | Sequence[Ratings],
    ratings: Ratings,
    *,
    stays: Literal["criteria_and_trainers", "criteria_and_students", "trainers_and_students", "files"] | None = None,
    link: Literal["mean", "robust"] = "mean",
    reworded: Literal["test", "never", "always"] = "test",
    thresholds: Literal["criterion", "shared"] = "criterion",
    alignment: bool = True,
    alpha: float = 0.05,
    level: float = 0.95,
) -> Result:
    """Put two or more versions of a framework on one scale, and tell what drifted.

    Between two sessions the ratings show only mean ability − mean difficulty − mean severity. Two of the three must be
    believed to have stayed put, unless files of one session were rated again in the other.

    Parameters
    ----------
    previous
        Ratings under the previous version; several in their order make a chain that ends at ``ratings``.
    ratings
        Ratings under the new version, whose crosswalk says what became of each criterion. Without one, criteria of the
        same key and text are the same. A student of the same session in both is one whose file was rated again.
    stays
        The belief that the first screen and the cut scores rest on; ``beliefs`` shows the conclusion under each. None:
        "files" where files were rated again, else "criteria_and_trainers".
    link
        "mean": the mean of the anchors that do not stand out, purified step by step. "robust": all anchors, weighted by
        Tukey's bisquare.
    reworded
        "test": a reworded criterion becomes an anchor where its drift is surely below 0.43 logit. Or decide beforehand.
    thresholds
        Each criterion its own, the same in both versions, or shared by all.
    alignment
        Whether to compare the relative difficulty of criteria between INSPÉ (a fit for each INSPÉ).
    alpha
        Share of false discoveries among the drifts pointed out (Benjamini & Hochberg).
    level
        Confidence of the intervals.

    Returns
    -------
    Result
        ``drift``: a row for each criterion: ``previous_difficulty`` and ``difficulty`` on the previous version's scale,
        ``drift`` with error and bounds, ``robust_z`` (Huynh & Meyer), ``drift_levels`` (negative where lower levels are
        given), ``flagged``, ``drift_verdict``: "large" from 0.64 logit, "moderate" from 0.43, "small"; "stable" lies
        surely within 0.43; "unclear" could be either. ``trainers``: the same for trainers, against those who stayed.
        ``tests``: is there any drift at all?

        ``beliefs``: what moved, in logits, under each belief; ``se`` from sampling, ``link_error`` from anchors and
        trainers that drift (their spread less what sampling makes) and from having chosen the anchors by the same
        ratings, bounds with and without it.

        ``links``: the constant to add to the new version's difficulties, each version centred over its own criteria, by
        each method; ``link_slope`` far from 1 says that the scales stretch; ``jackknife_error`` after Monseur &
        Berezner. ``chain``: the same constants added up over more than two versions. ``cuts``: levels carried to the
        new version and the share of students who would hold another one. ``equivalence``: split and merged criteria.
        ``alignment``: criteria by INSPÉ. ``revision``: symptoms of changed criteria before and after, among
        them ``narrowest``, the smallest distance between thresholds, and ``misfit``, infit, from a fit of each version
        alone (up to 200,000 ratings). ``comparisons``: what may be compared.

    Raises
    ------
    ValueError
        For a value that means nothing.

    Notes
    -----
    One marginal fit of both versions, in which each linked criterion has a difficulty and each trainer a severity in
    each; errors from whole students, which see that a trainer's scores of a student move together. Errors of a chain
    take its links for independent, which errs on the safe side: neighbouring links share the ratings of one version.
    In simulations where two criteria drift and the others stay, the intervals of the link cover 96 % at 95 %
    (benchmarks/results/calibration.md). Where every anchor drifts by chance (standard deviation 0.1 with 300
    students), purification keeps those that happen to agree and the intervals are too short; ``all_anchors`` in
    ``links`` then differs.

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking; Huynh & Meyer (2010), Journal of Applied Testing
    Technology 11; Monseur & Berezner (2007), Journal of Applied Measurement 8; Tate (1999),
    doi:10.1111/j.1745-3984.1999.tb00561.x, and Kim, Walker & McHale (2010), doi:10.1111/j.1745-3984.2009.00100.x (files
    rated again); Efron (2014), doi:10.1080/01621459.2013.823775 (error of a choice); Candell & Drasgow (1988),
    doi:10.1177/014662168801200305; Asparouhov & Muthén (2014), doi:10.1080/10705511.2014.919210.
    """
    settings: dict[str, Any] = {
        "stays": stays, "link": link, "reworded": reworded, "thresholds": thresholds, "alignment": alignment,
        "alpha": alpha, "level": level,
    }  # fmt: skip
    _check(settings)
    before = [previous] if isinstance(previous, Ratings) else list(previous)
    inputs = {"ratings": ratings, "previous": previous}
    if not before or not all(len(part.scored) for part in (*before, ratings)):
        reason = "no_ratings" if before else "no_previous"
        return Result("calibration", settings=settings | {"reason": reason}, inputs=inputs)
    versions = [*before, ratings]
    pairs = []
    for old, new in pairwise(versions):
        found, reason = linked_pair(old, new, settings)
        if found is None:
            return Result("calibration", settings=settings | {"reason": reason}, inputs=inputs)
        pairs.append(found)
    last = pairs[-1]
    tables = _tables(last, settings)
    if len(pairs) > 1:
        tables["chain"] = _chain(versions, pairs, level)
    source = ties(before[-1].framework, ratings.framework)[1]
    notes = calibration_notes(last.found, last.held, last.moved, last.belief, tables, source)
    return Result("calibration", tables, notes, settings | {"stays": last.belief}, inputs, last)


def linked_pair(old: Ratings, new: Ratings, settings: dict[str, Any]) -> tuple[Linked | None, str]:
    """Two versions linked, or why they cannot be."""
    asked = stacked(old, new)
    if not set(asked.old_form.values()) & set(asked.new_form.values()):
        return None, "no_anchor"
    if settings["stays"] == "files" and not asked.again.any():
        return None, "no_files_again"
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            found = joint(asked, settings["thresholds"])
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None, "not_estimable"
    held = anchors(found, settings["alpha"], settings["reworded"], settings["link"])
    if not held.n:
        return None, "no_anchor"
    who = trainers(found)
    belief = settings["stays"] or ("files" if asked.again.any() else "criteria_and_trainers")
    return Linked(found, held, who, moves(found, held, who), belief), ""


def _tables(pair: Linked, settings: dict[str, Any]) -> dict[str, pd.DataFrame]:
    found, held, who, moved, belief = pair.found, pair.held, pair.who, pair.moved, pair.belief
    alpha, level = settings["alpha"], settings["level"]
    drift, change = drift_table(found, held, alpha, level), trainer_table(found, who, level)
    tables = {
        "beliefs": belief_table(found, moved, held, belief, level),
        "comparisons": comparison_table(found, held, who, moved),
        "drift": drift,
        "tests": test_table(held, who, drift, change, alpha),
    }
    if who.common:
        tables["trainers"] = change
    tables["links"] = link_table(
        found, held, who, moved.together, settings["link"], settings["thresholds"], level, alpha
    )  # fmt: skip
    tables["cuts"] = cut_table(found, held, who, moved, belief, level)
    further = {
        "equivalence": equivalence_table(found, held, who, level),
        "revision": revision_table(found.asked, level),
        "alignment": alignment_table(found.asked.new, alpha, level) if settings["alignment"] else pd.DataFrame(),
    }
    return tables | {name: table for name, table in further.items() if len(table)}


def _chain(versions: Sequence[Ratings], pairs: Sequence[Linked], level: float) -> pd.DataFrame:
    """``chain``: the new version on the scale of each earlier one, what moved and errors of the links added up."""
    rows, total, together = [], Shift(0.0, 0.0, 0.0), Shift(0.0, 0.0, 0.0)
    for place in range(len(pairs) - 1, -1, -1):
        pair = pairs[place]
        total, together = total + constant(pair.found, pair.held), together + pair.moved.together
        low, high = total.interval(level)
        rows.append(
            {"framework_from": versions[-1].framework.version, "framework_to": versions[place].framework.version,
             "n_links": len(pairs) - place, "link_constant": total.value, "se": total.se, "link_error": total.se_link,
             "low": low, "high": high, "together": together.value, "together_se": together.total,
             "n_anchors": min(each.held.n for each in pairs[place:]), "reason": ""}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _check(settings: dict[str, Any]) -> None:
    """Refuse what means nothing.

    Raises
    ------
    ValueError
        With the name of the setting.
    """
    for name, allowed in _ALLOWED.items():
        if settings[name] not in allowed:
            raise ValueError(f"unknown {name} {settings[name]!r}; there are {', '.join(map(str, allowed))}")
    for name in ("alpha", "level"):
        if not 0 < settings[name] < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {settings[name]!r}")
