"""What is believed to have stayed put, and what then must have moved.

Between two sessions the ratings show only mean ability − mean difficulty − mean severity. Two of the three have to be
held for the third to be known, unless files of one session were rated again in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.calibration_fit import Anchors, Joint, Trainers, rater_row
from crcne_stats.core.linking import Shift

BELIEFS = {
    "criteria_and_trainers": "ability", "criteria_and_students": "severity", "trainers_and_students": "difficulty",
    "files": "ability", "files_and_criteria": "severity", "files_and_trainers": "difficulty",
}  # fmt: skip
"""Each belief with what it leaves to move."""
CHOICES = tuple(BELIEFS)[:4]
WITH_FILES = ("files", "files_and_criteria", "files_and_trainers")


@dataclass(frozen=True, eq=False)
class Moves:
    """``together``: mean ability − mean difficulty − mean severity, new less previous. ``instrument``: criteria and
    trainers together, known from files rated again; None without them. ``ability``: from such files too.

    ``rows`` holds the rows of ``together`` and ``instrument`` over the estimates.
    """

    together: Shift
    instrument: Shift | None
    ability: Shift | None
    common: bool

    def of(self, belief: str) -> Shift | None:
        """What must have moved under a belief; None where the data cannot say."""
        if belief in WITH_FILES:
            return self.ability if belief == "files" else self.instrument
        sign = 1.0 if belief == "criteria_and_trainers" else -1.0
        own = self.together
        return Shift(sign * own.value, own.se, own.se_link)

    def instrument_under(self, belief: str) -> Shift | None:
        """By how much the same student is measured lower, criteria and trainers together, under a belief."""
        if belief == "criteria_and_trainers":
            return Shift(0.0, 0.0, 0.0)
        return self.instrument if belief in WITH_FILES else self.of(belief)


def moves(found: Joint, held: Anchors, who: Trainers) -> Moves:
    """The rows of what moved, with their errors."""
    asked = found.asked
    weight = held.full(asked.n_forms)
    criteria = np.einsum("f,fe->e", weight, found.difficulty[:, 1] - found.difficulty[:, 0])
    together = found.ability(1) - found.ability(0) - rater_row(found, who.weight) - criteria
    drawn = who.variance if who.common else 0.0
    whole = found.shift(together, held.variance + drawn)
    shared = _shared_islands(found)
    if not len(shared):
        return Moves(whole, None, None, who.common)
    raters = _raters_of(found, who, shared)
    instrument = rater_row(found, raters) + criteria
    return Moves(
        whole, found.shift(instrument, held.variance), found.shift(together + instrument), who.common
    )  # fmt: skip


def _shared_islands(found: Joint) -> np.ndarray:
    """Islands in which files of the previous version were rated again."""
    asked = found.asked
    return np.unique(asked.person_part[asked.again])


def _raters_of(found: Joint, who: Trainers, islands: np.ndarray) -> np.ndarray:
    """Weights (rater,) of the mean change of severity in those islands."""
    asked = found.asked
    weight = np.zeros(len(asked.part))
    both = np.isin(asked.part[who.first], islands) & (asked.part[who.first] == asked.part[who.second])
    if both.any():
        weight[who.second[both]] += 1 / both.sum()
        weight[who.first[both]] -= 1 / both.sum()
        return weight
    for version, sign in ((1, 1.0), (0, -1.0)):
        own = (asked.version == version) & np.isin(asked.part, islands) & (found.rater >= 0)
        weight[own] += sign / max(int(own.sum()), 1)
    return weight


def belief_table(found: Joint, moved: Moves, held: Anchors, chosen: str, level: float) -> pd.DataFrame:
    """``beliefs``: a row for each belief, with and without the error of the link."""
    n = int(min(np.bincount(found.asked.cohort, minlength=2)))
    again = int(found.asked.again.sum())
    rows = []
    for belief, what in BELIEFS.items():
        shift = moved.of(belief)
        row: dict[str, Any] = {"belief": belief, "retained": belief == chosen, "moved": what}
        if shift is None:
            names = ("logit_change", "se", "link_error", "low", "high", "low_without", "high_without")
            row |= dict.fromkeys(names, np.nan)
            row |= {"moved_verdict": "", "n_students": n, "reason": "no_files_again"}
        else:
            low, high = shift.interval(level)
            bare = Shift(shift.value, shift.se).interval(level)
            verdict = "up" if low > 0 else "down" if high < 0 else "unclear"
            reason = "" if held.n > 1 or belief == "files" else "one_anchor"
            reason = reason if moved.common or belief == "files" else "no_common_trainer"
            row |= {
                "logit_change": shift.value, "se": shift.se, "link_error": shift.se_link, "low": low, "high": high,
                "low_without": bare[0], "high_without": bare[1], "moved_verdict": verdict,
                "n_students": again if belief in WITH_FILES else n, "reason": reason,
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def comparison_table(found: Joint, held: Anchors, who: Trainers, moved: Moves) -> pd.DataFrame:
    """``comparisons``: what may be compared between the versions, what only under a belief, what not."""
    files = moved.instrument is not None
    linked, common = held.n > 0, who.common
    islands = len(np.unique(found.asked.part[found.asked.version == 1])) > 1
    whole = "with_files" if files else "if_two_stay"
    rows = [
        ("criteria_each", "yes" if held.n > 1 else "no", "against_anchors" if held.n > 1 else "no_anchors"),
        ("criteria_new", "yes" if linked else "no", "on_anchor_scale" if linked else "no_anchors"),
        ("criteria_whole", "if", "files_and_trainers" if files else "if_two_stay"),
        ("trainers_each", "yes" if common else "no", "against_common" if common else "no_common"),
        ("trainers_whole", "if", "files_and_criteria" if files else "if_two_stay"),
        ("students", "yes" if files else "if", whole),
        ("inspe_levels", "no", "see_cuts"),
        ("inspe_criteria", "yes", "aligned"),
        ("inspe_severities", "no" if islands else "yes", "islands" if islands else "one_island"),
    ]
    return pd.DataFrame(rows, columns=["comparison", "allowed", "condition"])
