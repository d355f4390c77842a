"""Does the rubric agree with PIX+Édu, and what does the joint rule make of the two?"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.levels import told
from crcne_stats.analysis.student_pairs import GATES, ceiling, failed_level, level_keys, student_pairs
from crcne_stats.core import agreement, agreement_resamples, association, decisions
from crcne_stats.core.counts import counts
from crcne_stats.core.resample import Progress
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result
from crcne_stats.domain.students import Students

FEW_STUDENTS = 30
MANY = 0.1
"""From this share of computed levels on, the rule that made them is a main point."""
DIRECTIONS = ("above", "equal", "below")
COEFFICIENTS = ("percent", "cohen", "gwet_ac")


def concordance(
    ratings: Ratings,
    students: Students | None = None,
    *,
    weights: str = "linear",
    resamples: int = 2000,
    seed: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Agreement between the INSPÉ level and the PIX+Édu level, and the joint level.

    The INSPÉ level of a student is the one in ``students`` where it is known; otherwise the framework's rule is applied
    to the ratings, and a Note says for how many. A student without a PIX+Édu result takes no part in the agreement: no
    result is not the lowest level.

    Parameters
    ----------
    ratings, students
        Joined by student and session (by student alone where one side does not know the session).
    weights
        Name of the agreement weights, beside identity.
    resamples, seed
        Bootstrap over students; 0 gives the analytic (linearised) intervals.

    Returns
    -------
    Result
        ``tables["cross"]``: ``n_students`` and ``share`` of each pair ``inspe_level``, ``pix_level``, empty too, on
        the full INSPÉ ladder; ``tables["gate"]``: the same with ``pix_gate``, where PIX+Édu is a gate.

        ``tables["concordance"]``: percent agreement, Cohen's κ (1968) and Gwet's AC1/AC2 (2008), each with identity
        weights and ``weights``, on the *common* scale: INSPÉ levels above the highest that PIX+Édu can give count as
        that one, since PIX+Édu cannot agree with them.

        ``tables["direction"]``: INSPÉ ``above``, ``equal`` or ``below`` PIX+Édu on the common scale, Wilson intervals.

        ``tables["joint"]``: ``state`` (certified, refused, waiting_inspe, waiting_pix) and ``joint_level`` by the
        framework's rule of combination. ``tables["binding"]``: which part holds students back, where both are known;
        ``pix_ceiling`` when it is only the top of PIX+Édu's ladder.
    """
    inputs = {"ratings": ratings, "students": students}
    settings: dict[str, Any] = {"weights": weights, "resamples": resamples, "seed": seed}
    if students is None or not len(students):
        return Result("concordance", settings=settings | {"reason": "no_students"}, inputs=inputs)
    framework, pairs = ratings.framework, student_pairs(ratings, students)
    if reason := _impossible(pairs):
        return Result("concordance", settings=settings | {"reason": reason}, inputs=inputs)
    rule = framework.rules.combination
    settings |= {"combination": rule, "highest_pix_level": level_keys(framework)[ceiling(framework)]}
    tables = {
        "cross": _cross(pairs, framework),
        "concordance": _coefficients(pairs, framework, weights, resamples, seed, progress),
        "direction": _direction(pairs, framework),
        "joint": _joint(pairs, framework),
        "binding": _binding(pairs, framework),
    }
    if (pairs["gate"] >= 0).any():
        tables["gate"] = _gate(pairs, framework)
    return Result("concordance", tables, _notes(pairs, tables, ratings.framework, weights), settings, inputs)


def _impossible(pairs: pd.DataFrame) -> str:
    """Why nothing can be said, empty when something can."""
    if not ((pairs["inspe"] >= 0) | pairs["waiting"]).any():
        return "no_student_in_both"
    return "" if ((pairs["pix"] >= 0) | (pairs["gate"] >= 0)).any() else "no_pix_results"


def _cross(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    ladder, top = level_keys(framework), ceiling(framework)
    table = association.cross_table(pairs["inspe"], pairs["pix"], len(ladder), len(ladder))
    # Levels that PIX+Édu cannot give are no columns, unless a file has them all the same.
    shown = [j for j in range(len(ladder)) if j <= top or table[:, j].any()]
    total = int(table.sum())
    rows = [
        {"inspe_level": ladder[i], "pix_level": ladder[j], "n_students": int(table[i, j])}
        for i in range(len(ladder))
        for j in shown
    ]
    return _shared(pd.DataFrame(rows), total)


def _gate(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Share admissible, level by level of the INSPÉ part: the shares of one level add up to one."""
    ladder = level_keys(framework)
    table = association.cross_table(pairs["inspe"], pairs["gate"], len(ladder), len(GATES))
    rows = []
    for i, level in enumerate(ladder):
        total = int(table[i].sum())
        low, high = association.wilson(table[i], total)
        for j, gate in enumerate(GATES):
            share = table[i, j] / total if total else np.nan
            row = {"inspe_level": level, "pix_gate": gate, "n_students": int(table[i, j]), "share": share}
            rows.append(row | {"low": low[j], "high": high[j], "reason": "" if total else "no_pair"})
    return pd.DataFrame(rows)


def _shared(table: pd.DataFrame, total: int) -> pd.DataFrame:
    """``table`` with the share of ``n_students`` in ``total``, its Wilson interval and a reason where there is none."""
    low, high = association.wilson(table["n_students"], total)
    share = table["n_students"] / total if total else np.nan
    return table.assign(share=share, low=low, high=high, reason="" if total else "no_pair")


def _common(pairs: pd.DataFrame, framework: Framework) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both codes on the common scale and the student's code, for the students who have both levels."""
    both = pairs[(pairs["inspe"] >= 0) & (pairs["pix"] >= 0)]
    pix = both["pix"].to_numpy()
    top = max(ceiling(framework), int(pix.max(initial=0)))
    return np.minimum(both["inspe"].to_numpy(), top), pix, np.unique(both["student"], return_inverse=True)[1]


def _coefficients(
    pairs: pd.DataFrame,
    framework: Framework,
    weights: str,
    resamples: int,
    seed: int,
    progress: Progress | None,
) -> pd.DataFrame:
    inspe, pix, student = _common(pairs, framework)
    n, n_students = len(inspe), len(np.unique(student))
    scores = [level.score for level in framework.levels][: max(ceiling(framework), int(pix.max(initial=0))) + 1]
    names = list(dict.fromkeys(["identity", weights]))
    if n < 2:
        reason = "gate_only" if (pairs["gate"] >= 0).any() and not (pairs["pix"] >= 0).any() else "no_pair"
        return pd.DataFrame([_row(name, way, None, n, reason) for way in names for name in COEFFICIENTS])
    rows = np.arange(n)
    data = counts(
        np.concatenate([rows, rows]), np.repeat([0, 1], n), np.concatenate([inspe, pix]), scores, cluster=student
    )
    asked = [agreement_resamples.Asked(COEFFICIENTS, weight_matrix(name, scores)) for name in names]
    drawn: list[np.ndarray] | None = None
    if resamples:
        questions = [(data, one) for one in asked]
        drawn = agreement_resamples.resampled(questions, n_students, resamples, seed, progress)
    table = []
    for position, (way, one) in enumerate(zip(names, asked, strict=True)):
        for column, name in enumerate(COEFFICIENTS):
            found = agreement.estimate(data, name, one.weights)
            estimate = {
                "value": found.value,
                "se": found.se,
                "low": found.low,
                "high": found.high,
                "method": "linearised",
            }
            if drawn is not None and np.isfinite(found.value):
                estimate |= _spread(drawn[position][:, column])
            reason = "one_level_only" if np.isnan(found.value) else "few_students" if n_students < FEW_STUDENTS else ""
            table.append(_row(name, way, estimate | {"pa": found.pa, "pe": found.pe}, n_students, reason))
    return pd.DataFrame(table)


def _spread(values: np.ndarray) -> dict[str, Any]:
    kept = values[np.isfinite(values)]
    if len(kept) < 2:
        return {}
    low, high = np.quantile(kept, [0.025, 0.975])
    return {"se": float(kept.std(ddof=1)), "low": float(low), "high": float(high), "method": "bootstrap"}


def _row(name: str, weights: str, estimate: dict[str, Any] | None, n: int, reason: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("value", "se", "low", "high", "pa", "pe"), np.nan)
    numbers: dict[str, Any] = {**nothing, "method": "", **(estimate or {})}
    if reason and np.isnan(numbers["value"]):
        numbers["method"] = ""
    first: dict[str, Any] = {"coefficient": name, "weights": weights}
    numbers |= {"n_students": n, "reason": reason}
    order = ("value", "se", "low", "high", "pa", "pe", "n_students", "method", "reason")
    return first | {key: numbers[key] for key in order}


def _direction(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    inspe, pix, _ = _common(pairs, framework)
    numbers = [int(part.sum()) for part in (inspe > pix, inspe == pix, inspe < pix)]
    return _shared(pd.DataFrame({"direction": DIRECTIONS, "n_students": numbers}), len(inspe))


def _joint(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Certified levels from the lowest to the highest, then the other states."""
    ladder, failed = level_keys(framework), failed_level(framework)
    level, state = _joint_codes(pairs, framework)
    certified = state == decisions.CERTIFIED
    rows = [
        {"state": "certified", "joint_level": ladder[i], "n_students": int((certified & (level == i)).sum())}
        for i in range(len(ladder))
        if i != failed
    ]
    for code, name in enumerate(decisions.STATES):
        if code != decisions.CERTIFIED:
            held = ladder[failed] if code == decisions.REFUSED and failed >= 0 else None
            rows.append({"state": name, "joint_level": held, "n_students": int((state == code).sum())})
    return _shared(pd.DataFrame(rows), len(pairs))


def _joint_codes(pairs: pd.DataFrame, framework: Framework) -> tuple[np.ndarray, np.ndarray]:
    failed = failed_level(framework)
    if framework.rules.combination == "gate":
        level, state = decisions.joint_gate(pairs["inspe"], pairs["gate"], failed, pairs["waiting"])
    else:
        level, state = decisions.joint_minimum(pairs["inspe"], pairs["pix"], failed, pairs["waiting"])
    # Said again here for a framework without the level «not reached», where the code alone cannot tell.
    return level, np.where(pairs["refused"], decisions.REFUSED, state)


def _binding(pairs: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    known = ~pairs["waiting"].to_numpy()
    if framework.rules.combination == "gate":
        inspe, gate, failed = pairs["inspe"].to_numpy(), pairs["gate"].to_numpy(), failed_level(framework)
        decided = known & (inspe >= 0) & (gate >= 0)
        no_inspe, no_pix = (inspe == failed) & decided, (gate == 0) & decided
        parts = {
            "none": decided & ~no_inspe & ~no_pix,
            "inspe": no_inspe & ~no_pix,
            "pix": no_pix & ~no_inspe,
            "both": no_inspe & no_pix,
        }
    else:
        code = np.where(known, decisions.binding(pairs["inspe"], pairs["pix"], ceiling(framework)), -1)
        decided = code >= 0
        parts = {name: code == position for position, name in enumerate(decisions.BINDING)}
    table = pd.DataFrame({"binding": list(parts), "n_students": [int(part.sum()) for part in parts.values()]})
    return _shared(table, int(decided.sum()))


def _notes(pairs: pd.DataFrame, tables: dict[str, pd.DataFrame], framework: Framework, weights: str) -> list[Note]:
    inspe = _common(pairs, framework)[0]
    n = len(inspe)
    found = [*_main(tables, weights, n), *_binding_note(tables["binding"], framework)]
    computed = int(pairs["computed"].sum())
    if computed:
        rules = framework.rules
        rank = 60.0 if rules.published else 12.0 if computed >= MANY * len(pairs) else 42.0
        key = "concordance.level_by_rule" if rules.published else "concordance.level_by_unpublished_rule"
        found.append(Note(key, {"n": computed, **told(rules)}, "caution", rank, computed))
    both = (pairs["inspe"] >= 0) & (pairs["pix"] >= 0)
    cut = int((pairs.loc[both, "inspe"].to_numpy() > inspe).sum())
    if cut:
        found.append(Note("concordance.common_scale", {"n": cut}, "caution", 32, cut))
    without = int(((pairs["inspe"] >= 0) & (pairs["pix"] < 0) & (pairs["gate"] < 0)).sum())
    if without:
        found.append(Note("concordance.without_pix", {"n": without}, "caution", 40, without))
    unrated = int((~pairs["rated"]).sum())
    if unrated:
        found.append(Note("concordance.unrated", {"n": unrated}, "caution", 58, unrated))
    if _regimes(pairs.loc[both, "session"]) == {"before", "after"}:
        found.append(Note("concordance.sessions_pooled", {}, "caution", 11))
    if framework.rules.combination == "minimum" and not (pairs["pix"] >= 0).any():
        found.append(Note("concordance.gate_under_minimum", {}, "caution", 5))
    if framework.rules.combination == "gate" and not (pairs["gate"] >= 0).any():
        found.append(Note("concordance.levels_under_gate", {}, "caution", 5))
    return found


def _main(tables: dict[str, pd.DataFrame], weights: str, n: int) -> list[Note]:
    table, direction = tables["concordance"], tables["direction"].set_index("direction")
    kappa = table[(table["coefficient"] == "cohen") & (table["weights"] == weights)].iloc[0]
    if np.isnan(direction["share"]).all():
        return []
    shares = {key: float(direction.loc[key, "share"]) for key in DIRECTIONS}
    found = [Note("concordance.direction", {"n": n, **shares}, "finding", 14, n)]
    if np.isfinite(kappa["value"]):
        values = {key: float(kappa[key]) for key in ("value", "low", "high")} | {"weights": weights}
        found.append(Note("concordance.kappa", values, "finding", 16, n))
    above, below = direction.loc["above"], direction.loc["below"]
    if above["low"] > below["high"] or below["low"] > above["high"]:
        key = "inspe_higher" if above["low"] > below["high"] else "pix_higher"
        found.append(Note(f"concordance.{key}", {"above": shares["above"], "below": shares["below"]}, "finding", 18, n))
    return found


def _binding_note(binding: pd.DataFrame, framework: Framework) -> list[Note]:
    if framework.rules.combination == "gate" or np.isnan(binding["share"]).all():
        return []
    shares = binding.set_index("binding")["share"]
    values = {key: float(shares[key]) for key in ("inspe", "pix", "pix_ceiling")}
    return [Note("concordance.binding", values, "finding", 30, int(binding["n_students"].sum()))]


def _regimes(sessions: pd.Series) -> set[str]:
    """ "before" and "after" January 2024, as far as the names of the sessions tell their last year."""
    years = (re.findall(r"20\d\d", str(name)) for name in sessions.dropna().unique())
    return {"before" if max(map(int, found)) <= 2023 else "after" for found in years if found}
