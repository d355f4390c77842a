"""How hard and how discriminating is each criterion, and are its levels used?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pingouin

from crcne_stats.analysis.levels import level_use
from crcne_stats.core import classical
from crcne_stats.core.classical import Interval
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result

FEW_STUDENTS = 30
FAR = 0.05
"""A gap between two correlations that deserves the first screen."""


@dataclass(frozen=True)
class Sheets:
    """The scores as an array: a row is one student's file seen by one trainer.

    ``x`` (row, criterion) has NaN for a cell that was not rated; ``student``, ``file`` and ``trainer`` are codes
    (row,); ``keys`` names the criteria, in the framework's order.
    """

    x: np.ndarray
    student: np.ndarray
    file: np.ndarray
    trainer: np.ndarray
    keys: list[str]

    @cached_property
    def rest(self) -> np.ndarray:
        """(row, criterion) how the row stands on the other criteria."""
        return classical.rest(self.x)

    @cached_property
    def rest_other(self) -> np.ndarray:
        """(row, criterion) the same, as the other trainers of the file saw it, on average."""
        return classical.of_others(self.rest, self.file)

    @cached_property
    def _rest_other_square(self) -> np.ndarray:
        return classical.of_others(self.rest**2, self.file)

    def item_rest(self, j: int) -> tuple[Interval, np.ndarray]:
        """Correlation of criterion ``j`` with the rest of the sheet, and the influence of each row."""
        return classical.correlation(self.x[:, j], self.rest[:, j], self.student)

    def item_rest_other(self, j: int) -> tuple[Interval, np.ndarray]:
        """The same with the rest of one other sheet of the file.

        One, and not the mean of all the others: a mean of several trainers is more reliable than one hand and could
        not be compared with :meth:`item_rest`.
        """
        return classical.correlation(self.x[:, j], self.rest_other[:, j], self.student, self._rest_other_square[:, j])

    @cached_property
    def holes(self) -> float:
        """Share of cells without a rating."""
        return float(np.isnan(self.x).mean()) if self.x.size else 0.0


def difficulty(ratings: Ratings, *, weak: float = 0.3, crowded: float = 0.4) -> Result:
    """Classical statistics of each criterion.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out.
    weak, crowded
        Notes name the criteria whose item–rest correlation lies under ``weak``, and those with more than the share
        ``crowded`` of ratings at one end of the scale (on a scale of four levels or fewer, more than twice an even
        share, 90 % on two levels). Rules of thumb; they change no number.

    Returns
    -------
    Result
        ``tables["difficulty"]``, a row per criterion: ``mean`` with ``se``, ``low``, ``high`` and ``sd`` in levels;
        ``position`` from 0 (everybody at the highest level) to 1 (everybody at the lowest), which compares criteria
        whose scales differ; ``item_rest``, the correlation with the other criteria of the same sheet (a sheet is one
        student's file filled in by one trainer), and ``item_rest_other``, with the other criteria as *another* trainer
        of the file saw them, which halo and severity do not inflate, both with bounds; ``alpha_if_dropped``;
        ``floor`` and ``ceiling``, shares at the ends of the scale; ``reason``.

        ``tables["levels"]``: ``n_ratings`` and ``share`` of each level of each criterion, unused ones too.

        ``tables["reliability"]``: Cronbach's α of all the criteria, and of each phase and item with two or more.

    Notes
    -----
    Errors and intervals are clustered by student. Correlations and covariances use, for each pair, the sheets that
    have both (pairwise). α describes one trainer's sheet: it says nothing on whether two trainers agree.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555. Henrysson (1963), doi:10.1007/BF02289618 (item–rest). Feldt, Woodruff &
    Salih (1987), doi:10.1177/014662168701100107 (interval of α on independent sheets); otherwise log(1 − α) after
    Bonett (2002), doi:10.3102/10769986027004335, with the clustered error.
    """
    settings: dict[str, Any] = {"weak": weak, "crowded": crowded}
    sheets = _sheets(ratings)
    tables = {
        "difficulty": _criteria(ratings, sheets),
        "levels": level_use(ratings),
        "reliability": _reliability(ratings.framework, sheets),
    }
    found = _notes(tables, sheets, weak, crowded)
    return Result("difficulty", tables, found, settings, {"ratings": ratings})


def _sheets(ratings: Ratings) -> Sheets:
    frame = ratings.scored
    student, trainer = ratings.codes("student", frame)[0], ratings.codes("trainer", frame)[0]
    criterion, labels = ratings.codes("criterion", frame)
    file = ratings.units(frame)
    key = file * (int(trainer.max(initial=0)) + 1) + trainer
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    column = np.array([ratings.criteria.index(label) if label in ratings.criteria else -1 for label in labels])
    x = np.full((len(first), len(ratings.criteria)), np.nan)
    x[row, column[criterion]] = frame["score"].to_numpy()
    return Sheets(x, student[first], file[first], trainer[first], ratings.criteria)


def _criteria(ratings: Ratings, sheets: Sheets) -> pd.DataFrame:
    without = _alpha_without(sheets)
    rows = [_criterion(ratings.framework, sheets, j, float(without[j])) for j in range(len(sheets.keys))]
    return pd.DataFrame(rows)


def _alpha_without(sheets: Sheets) -> np.ndarray:
    if len(sheets.x) < 2:
        return np.full(len(sheets.keys), np.nan)
    return classical.alpha_without(classical.covariance(sheets.x))


def _criterion(framework: Framework, sheets: Sheets, j: int, alpha_without: float) -> dict[str, Any]:
    x, key = sheets.x[:, j], sheets.keys[j]
    known = ~np.isnan(x)
    scale, entry, n = framework.level_scores(key), framework.criterion(key), int(known.sum())
    lowest, highest = min(scale), max(scale)
    average = classical.mean(x, sheets.student)
    item_rest, other = sheets.item_rest(j)[0], sheets.item_rest_other(j)[0]
    row: dict[str, Any] = {
        "criterion": key,
        "item": entry.item,
        "phase": framework.phase_of(key),
        "n_students": len(np.unique(sheets.student[known])),
        "n_trainers": len(np.unique(sheets.trainer[known])),
        "n_ratings": n,
        "mean": average.value,
        "se": average.se,
        "low": average.low,
        "high": average.high,
        "sd": float(np.std(x[known], ddof=1)) if n > 1 else np.nan,
        "position": (highest - average.value) / (highest - lowest) if highest > lowest else np.nan,
        **_named("item_rest", item_rest),
        **_named("item_rest_other", other),
        "alpha_if_dropped": alpha_without,
        "floor": float((x[known] == lowest).mean()) if n else np.nan,
        "ceiling": float((x[known] == highest).mean()) if n else np.nan,
    }
    return row | {"reason": _reason(row, sheets, j)}


def _named(name: str, estimate: Interval) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _reason(row: dict[str, Any], sheets: Sheets, j: int) -> str:
    """Why a number of the row is missing, or must be read with care; the gravest cause only."""
    x = sheets.x[:, j]
    if not row["n_ratings"]:
        return "no_ratings"
    if row["n_students"] < 2:
        return "single_student"
    if classical.is_constant(x[~np.isnan(x)]):
        return "constant_scores"
    if len(sheets.keys) == 1:
        return "one_criterion"
    if np.isnan(row["item_rest"]):
        return "no_common_rows"
    if np.isnan(sheets.rest_other[:, j][~np.isnan(x)]).all():
        return "one_trainer_per_file"
    if np.isnan(row["item_rest_other"]):
        return "few_students"
    if np.isnan(row["alpha_if_dropped"]):
        return "no_alpha"
    return "few_students" if row["n_students"] < FEW_STUDENTS else ""


def _reliability(framework: Framework, sheets: Sheets) -> pd.DataFrame:
    item = np.array([entry.item for entry in framework.scored], dtype=object)
    phase = np.array([framework.phase_of(entry.key) for entry in framework.scored], dtype=object)
    everything = np.ones(len(item), dtype=bool)
    rows = [{"scope": "all", "phase": None, "item": None, **_alpha(sheets, everything)}]
    for key in dict.fromkeys(phase):
        if (phase == key).sum() >= 2 and not (phase == key).all():
            rows.append({"scope": "phase", "phase": key, "item": None, **_alpha(sheets, phase == key)})
    for key in dict.fromkeys(item):
        if (item == key).sum() >= 2 and not (item == key).all():
            own = phase[item == key][0]
            rows.append({"scope": "item", "phase": own, "item": key, **_alpha(sheets, item == key)})
    return pd.DataFrame(rows)


def _alpha(sheets: Sheets, chosen: np.ndarray) -> dict[str, Any]:
    x = sheets.x[:, chosen]
    rated = ~np.isnan(x).all(axis=1)
    x, student = x[rated], sheets.student[rated]
    n_students, n_criteria = len(np.unique(student)), int(chosen.sum())
    counts = {"n_criteria": n_criteria, "n_students": n_students, "n_sheets": len(x)}
    nothing = {"alpha": np.nan, "se": np.nan, "low": np.nan, "high": np.nan, **counts, "method": ""}
    if n_criteria < 2:
        return nothing | {"reason": "one_criterion"}
    if n_students < 2:
        return nothing | {"reason": "single_student" if n_students else "no_ratings"}
    c = classical.covariance(x)
    if np.isnan(c).any():
        return nothing | {"reason": "no_common_rows"}
    if c.sum() <= 1e-12:
        return nothing | {"reason": "no_alpha" if np.trace(c) > 0 else "constant_scores"}
    value = float(pingouin.cronbach_alpha(pd.DataFrame(x), nan_policy="pairwise")[0])
    clustered = classical.interval(value, classical.alpha_influence(x, c), student, "alpha")
    # Feldt's interval takes sheets for independent, so it holds only where each student has a single complete one.
    independent = n_students == len(x) and not np.isnan(x).any()
    low, high = classical.feldt(value, len(x), n_criteria) if independent else (clustered.low, clustered.high)
    estimate = {"alpha": value, "se": clustered.se, "low": low, "high": high, **counts}
    reason = "few_students" if n_students < FEW_STUDENTS else ""
    return {**estimate, "method": "feldt" if independent else "clustered", "reason": reason}


def _notes(tables: dict[str, pd.DataFrame], sheets: Sheets, weak: float, crowded: float) -> list[Note]:
    table = tables["difficulty"]
    n = len(np.unique(sheets.student))
    found = [
        *_extremes(table, n),
        *_crowded(tables, crowded, n),
        *_discrimination(table, weak, n),
        *_same_hand(sheets, n),
    ]
    if table["reason"].isin(["one_trainer_per_file"]).any():
        found.append(Note("difficulty.one_trainer", {}, "caution", 45))
    unused = tables["levels"].query("n_ratings == 0 and reason == ''")["criterion"].nunique()
    if unused:
        found.append(Note("difficulty.unused_levels", {"n": int(unused)}, "finding", 50, n))
    if tables["levels"].groupby("criterion").size().nunique() > 1:
        found.append(Note("difficulty.mixed_scales", {}, "caution", 62))
    if sheets.holes > 0:
        found.append(Note("difficulty.holes", {"share": sheets.holes}, "caution", 65, n))
    return found


def _listed(keys: pd.Series, most: int = 3) -> str:
    return ", ".join(str(key) for key in keys.head(most)) + (" …" if len(keys) > most else "")


def _extremes(table: pd.DataFrame, n: int) -> list[Note]:
    rated = table[table["position"].notna()].sort_values(["position", "criterion"], ascending=[False, True])
    if len(rated) < 2 or rated["position"].iloc[0] == rated["position"].iloc[-1]:
        return []
    hard, easy = rated.iloc[0], rated.iloc[-1]
    values = {
        "hardest": _listed(rated["criterion"].head(3)),
        "easiest": _listed(rated["criterion"].iloc[::-1].head(3)),
        "hard": str(hard["criterion"]),
        "hard_mean": float(hard["mean"]),
        "easy": str(easy["criterion"]),
        "easy_mean": float(easy["mean"]),
    }
    return [Note("difficulty.extremes", values, "finding", 15, n)]


def _crowded(tables: dict[str, pd.DataFrame], crowded: float, n: int) -> list[Note]:
    table = tables["difficulty"]
    n_levels = tables["levels"].groupby("criterion").size().reindex(table["criterion"]).to_numpy()
    limit = np.maximum(crowded, np.minimum(2 / n_levels, 0.9))
    found = []
    for end in ("floor", "ceiling"):
        over = table.assign(limit=limit)[(table[end] > limit).to_numpy()]
        over = over.sort_values([end, "criterion"], ascending=[False, True])
        if len(over):
            values = {
                "n": len(over),
                "criteria": _listed(over["criterion"]),
                "share": float(over[end].iloc[0]),
                "first": str(over["criterion"].iloc[0]),
                "limit": float(over["limit"].min()),
            }
            found.append(Note(f"difficulty.{end}", values, "finding", 25, n))
    return found


def _discrimination(table: pd.DataFrame, weak: float, n: int) -> list[Note]:
    """Criteria surely under the limit make a finding; those that may be under it, a detail."""
    other = table["item_rest_other"].notna().any()
    name = "item_rest_other" if other else "item_rest"
    kind = "other" if other else "same"
    found = []
    sure = table[f"{name}_high"] < weak
    perhaps = (table[name] < weak) & ~sure
    for key, chosen, rank in (("weak", sure, 22.0), ("perhaps_weak", perhaps, 48.0)):
        low = table[chosen].sort_values([name, "criterion"])
        if len(low):
            worst = low.iloc[0]
            values = {
                "n": len(low),
                "criteria": _listed(low["criterion"]),
                "first": str(worst["criterion"]),
                "value": float(worst[name]),
                "low": float(worst[f"{name}_low"]),
                "high": float(worst[f"{name}_high"]),
                "limit": weak,
                "kind": kind,
            }
            found.append(Note(f"difficulty.{key}", values, "finding", rank, n))
    return found


def _same_hand(sheets: Sheets, n: int) -> list[Note]:
    """How much of the item–rest correlation, on average over criteria, comes from the same trainer's hand."""
    own, other, moves = [], [], []
    for j in range(len(sheets.keys)):
        (first, a), (second, b) = sheets.item_rest(j), sheets.item_rest_other(j)
        if np.isfinite(first.value) and np.isfinite(second.value):
            own.append(first.value)
            other.append(second.value)
            # As means over all rows, so that the two can be subtracted although they rest on different rows.
            moves.append(_over_all(a) - _over_all(b))
    if not own:
        return []
    gap = classical.interval(float(np.mean(own) - np.mean(other)), np.mean(moves, axis=0), sheets.student)
    values = {"own": float(np.mean(own)), "other": float(np.mean(other)), "gap": gap.value}
    values |= {"low": gap.low, "high": gap.high}
    key = "same_hand" if gap.low > 0 else "same_hand_unclear"
    return [Note(f"difficulty.{key}", values, "finding", 28 if gap.low > 0 and gap.value >= FAR else 55, n)]


def _over_all(influence: np.ndarray) -> np.ndarray:
    known = ~np.isnan(influence)
    return np.where(known, influence, 0.0) / known.mean()
