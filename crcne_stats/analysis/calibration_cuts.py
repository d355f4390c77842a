"""What the levels of one version are worth in the other: cut scores carried over, split and merged criteria."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crcne_stats.analysis.calibration_beliefs import Moves
from crcne_stats.analysis.calibration_drift import reach
from crcne_stats.analysis.calibration_fit import Anchors, Joint, Trainers, rater_row
from crcne_stats.analysis.calibration_links import constant, steps_of
from crcne_stats.analysis.levels import levels_from_cells, on_ladder
from crcne_stats.core.linking import Shift, partial_credit_curve
from crcne_stats.domain.framework import Framework

GRID = np.linspace(-12, 12, 1201)
"""Abilities in logits at which expected scores are looked at."""


class Scale:
    """The scale of the previous version before its average trainer; ``move`` (version,) brings each version onto it.

    ``expected(key, version)`` is the expected score (grid,) of a criterion there, its anchors held.
    """

    def __init__(self, found: Joint, held: Anchors, who: Trainers) -> None:
        self.found, self.asked = found, found.asked
        weight = held.full(found.asked.n_forms)
        self.anchored = float(weight @ ((found.difficulty[:, 1] - found.difficulty[:, 0]) @ found.estimate))
        severity = [float(rater_row(found, np.maximum(sign * who.weight, 0)) @ found.estimate) for sign in (-1.0, 1.0)]
        self.move = np.array([severity[0], severity[1] + self.anchored])

    def difficulty(self, key: str, version: int) -> float:
        """Difficulty of a criterion; NaN without estimate."""
        form = (self.asked.new_form if version else self.asked.old_form)[key]
        if not self.found.known[form, version]:
            return float("nan")
        value = float(self.found.difficulty[form, version] @ self.found.estimate)
        return value - (self.anchored if version else 0.0)

    def expected(self, key: str, version: int) -> np.ndarray:
        """Expected score (grid,) of a criterion; NaN without estimate."""
        framework = (self.asked.new if version else self.asked.old).framework
        form = (self.asked.new_form if version else self.asked.old_form)[key]
        difficulty = self.difficulty(key, version)
        if np.isnan(difficulty):
            return np.full(len(GRID), np.nan)
        steps = steps_of(self.found.fit, np.array([form]))
        score = np.zeros(steps.shape)
        ladder = sorted(framework.level_scores(key))
        score[0, : len(ladder)] = ladder
        return partial_credit_curve(np.array([difficulty]), steps, score)(GRID)

    def cells(self, version: int) -> np.ndarray:
        """Expected scores (grid, criterion) on the ladder of the framework's levels."""
        framework = (self.asked.new if version else self.asked.old).framework
        table = np.column_stack([self.expected(entry.key, version) for entry in framework.scored])
        place = np.array([index for index, entry in enumerate(framework.criteria) if entry.role != "global"])
        return on_ladder(framework, table, place[None, :])


def _cuts(framework: Framework, cells: np.ndarray) -> dict[str, float]:
    """Ability at which the expected file reaches each level but the lowest; NaN where it never does."""
    index = levels_from_cells(framework, cells, framework.rules)
    answer = {}
    for place, level in enumerate(framework.levels[1:], start=1):
        reached = np.flatnonzero(index >= place)
        inside = len(reached) and reached[0] > 0
        answer[level.key] = float(GRID[reached[0]]) if inside else float("nan")
    return answer


def cut_table(
    found: Joint, held: Anchors, who: Trainers, moved: Moves, belief: str, level: float
) -> pd.DataFrame:  # fmt: skip
    """``cuts``: each level of the previous version carried to the new one, and how many students it would concern."""
    scale, instrument = Scale(found, held, who), moved.instrument_under(belief)
    before, after = (_cuts(r.framework, scale.cells(v)) for v, r in enumerate((found.asked.old, found.asked.new)))
    n = int((found.asked.cohort == 1).sum())
    assert instrument is not None
    error = float(np.hypot(constant(found, held).total, instrument.total))
    rows = []
    for key in (level.key for level in found.asked.new.framework.levels[1:]):
        carried = before.get(key, np.nan) - instrument.value
        row: dict[str, Any] = {"level": key, "previous_cut": before.get(key, np.nan), "carried_cut": carried,
                               "new_cut": after[key]}  # fmt: skip
        gap = after[key] - carried
        ends = (gap - reach(level) * error, gap + reach(level) * error)
        shares = [_between(scale, after[key] - end, after[key]) for end in (gap, *ends)]
        inside = ends[0] <= 0 <= ends[1]
        low, high = (0.0 if inside else min(shares[1:])), max(shares[1:])
        row |= {
            "cut_gap": gap, "se": error if np.isfinite(gap) else np.nan, "low": ends[0], "high": ends[1],
            "share_other_level": shares[0], "share_other_low": low, "share_other_high": high,
            "n_other_level": shares[0] * n if np.isfinite(shares[0]) else np.nan, "n_students": n,
            "reason": "" if np.isfinite(gap) else "level_out_of_reach" if key in before else "level_unknown_before",
        }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _between(scale: Scale, one: float, other: float) -> float:
    """Share of the students of the new version between two abilities."""
    if not np.isfinite(one + other):
        return float("nan")
    asked, fit = scale.asked, scale.found.fit
    share = np.bincount(asked.group[asked.cohort == 1], minlength=len(asked.group_cohort)).astype(float)
    means = np.nan_to_num(fit.coefficient) - scale.move[1]
    low, high = min(one, other), max(one, other)
    part = stats.norm.cdf((high - means) / fit.sd) - stats.norm.cdf((low - means) / fit.sd)
    return float(share @ part / max(share.sum(), 1.0))


def equivalence_table(found: Joint, held: Anchors, who: Trainers, level: float) -> pd.DataFrame:
    """``equivalence``: the score to expect on split and merged criteria where the previous ones give a level."""
    scale, asked = Scale(found, held, who), found.asked
    rows: list[dict[str, Any]] = []
    for tie in asked.ties:
        if tie.kind not in ("split", "merged") or not tie.old or not tie.new:
            continue
        sets = [tie.new] if len(tie.new) == 1 else [tie.new, *((key,) for key in tie.new)]
        before = np.mean([scale.expected(key, 0) for key in tie.old], axis=0)
        ladder = sorted(asked.old.framework.level_scores(tie.old[0]))[1:-1]
        for members in sets:
            after = np.mean([scale.expected(key, 1) for key in members], axis=0)
            shift = _shift(found, held, tie.old, members)
            for score in ladder:
                rows.append(
                    {"status": tie.kind, "previous_criterion": " + ".join(tie.old), "criterion": " + ".join(members),
                     "score": score, **_at(before, after, score, shift, level),
                     "n_students": _students(found, tie.old, members)}
                )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(reason=np.where(table["expected_score"].isna(), "no_ratings", "")) if rows else table


def _at(before: np.ndarray, after: np.ndarray, score: float, shift: Shift, level: float) -> dict[str, float]:
    """Expected new score where the expected previous one is ``score``, with bounds."""
    if not np.isfinite(before).all() or not np.isfinite(after).all():
        return {"expected_score": np.nan, "low": np.nan, "high": np.nan}
    ability = float(np.interp(score, before, GRID))
    width = reach(level) * shift.total
    low, middle, high = (float(np.interp(ability + move, GRID, after)) for move in (-width, 0.0, width))
    return {"expected_score": middle, "low": low, "high": high}


def _shift(found: Joint, held: Anchors, old: tuple[str, ...], new: tuple[str, ...]) -> Shift:
    """Difference of the mean difficulties, anchors held."""
    asked, rows = found.asked, found.difficulty
    weight = held.full(asked.n_forms)
    row = np.mean([rows[asked.new_form[key], 1] for key in new], axis=0)
    row = row - np.mean([rows[asked.old_form[key], 0] for key in old], axis=0)
    return found.shift(row - np.einsum("f,fe->e", weight, rows[:, 1] - rows[:, 0]), held.variance)


def _students(found: Joint, old: tuple[str, ...], new: tuple[str, ...]) -> int:
    students = found.students
    counts = [students[found.asked.old_form[key], 0] for key in old]
    return int(min([*counts, *(students[found.asked.new_form[key], 1] for key in new)]))
