"""What one trainer gets to read about the own ratings: in levels, beside the colleagues as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.levels import on_ladder
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

FEW_TRAINERS = 5
"""With fewer trainers the middle half of them would tell single ones."""
LEAST = 3
"""Of two trainers each would read the other's measure from the own one."""


def trainer_sheet(ratings: Ratings, severity: Result) -> Result:
    """The numbers of every trainer's feedback sheet.

    Parameters
    ----------
    ratings
    severity
        The many-facet Rasch result on the same ratings.

    Returns
    -------
    Result
        ``tables["position"]``, a row per trainer: ``fair_difference``, by how many levels the trainer's mean level
        would differ from that of the trainers whom files link (all of them on a common scale) before the same students,
        with bounds; ``middle_low``, ``middle_high``, between which the middle half of these trainers lies (where they
        are five or more); ``exact`` and ``exact_expected``, how often another trainer of the file gave the same level;
        the verdicts on centrality and halo.

        ``tables["use"]``: share of each level among the trainer's ratings and among all.
        ``tables["criteria"]``: ``difference`` of the observed from the expected mean level, criterion by criterion.
        ``tables["sessions"]``: ``change_levels``, how the trainer's levels moved in a session, ability held.
        Without a severity result all is empty and ``reason`` is that of severity.
    """
    inputs = {"ratings": ratings}
    if "trainers" not in severity.tables:
        return Result("trainer_sheet", settings={"reason": severity.reason or "not_estimable"}, inputs=inputs)
    tables = {
        "position": _position(severity),
        "use": _use(ratings),
        "criteria": _criteria(severity),
        "sessions": _sessions(severity),
    }
    return Result("trainer_sheet", tables, [], {}, inputs)


def _position(severity: Result) -> pd.DataFrame:
    table = severity.tables["trainers"]
    part = table["component"].where(table["assumption"] == "relative", 0)
    groups = table["fair_average"].where(table["severity"].notna()).groupby(part)
    centre = groups.transform("mean")
    number = groups.transform("count")
    known, many = table["severity"].notna() & (number >= LEAST), number >= FEW_TRAINERS
    answer = table[["trainer", "n_students", "n_ratings", "assumption"]].copy()
    for name, column in (("", "fair_average"), ("_low", "fair_low"), ("_high", "fair_high")):
        answer[f"fair_difference{name}"] = (table[column] - centre).where(known)
    for name, share in (("middle_low", 0.25), ("middle_high", 0.75)):
        answer[name] = (groups.transform("quantile", share) - centre).where(many)
    raters = severity.tables["raters"].drop(columns=["n_students", "reason"])
    kept = ["trainer", "n_sheets", "n_pairs", "exact", "exact_expected", "centrality_verdict", "halo_verdict"]
    reason = table["reason"].mask((table["reason"] == "") & ~known, "two_trainers")
    return answer.merge(raters[kept], on="trainer", how="left").assign(reason=reason.to_numpy())


def _use(ratings: Ratings) -> pd.DataFrame:
    """Levels of the framework's ladder; a criterion with a scale of its own is stretched onto it."""
    frame, framework = ratings.scored, ratings.framework
    keys = [entry.key for entry in framework.criteria]
    codes, labels = ratings.codes("criterion", frame)
    place = np.array([keys.index(label) for label in labels] or [0])[codes]
    score = np.rint(on_ladder(framework, frame["score"].to_numpy(dtype=float), place))
    names = {level.score: level.key for level in framework.levels}
    table = frame[["trainer", "student"]].assign(level=pd.Series(score).map(names).to_numpy(dtype=object))
    counts = table.groupby(["trainer", "level"], observed=True).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(names.values()), fill_value=0)
    students = table.groupby("trainer", observed=True)["student"].nunique()
    total, every = counts.sum(axis=1), counts.sum()
    rows = counts.rename_axis(columns="level").stack().rename("n_ratings").reset_index()
    trainer = rows["trainer"].astype(object)
    rows["share"] = rows["n_ratings"] / trainer.map(total)
    rows["share_all"] = rows["level"].map(every) / every.sum()
    return rows.assign(trainer=trainer, n_students=trainer.map(students), reason="")


def _criteria(severity: Result) -> pd.DataFrame:
    table = severity.tables["bias"]
    kept = table[["trainer", "criterion", "n_students", "n_ratings", "p_adjusted", "reason"]].copy()
    kept.insert(4, "difference", table["observed_average"] - table["expected_average"])
    return kept


def _sessions(severity: Result) -> pd.DataFrame:
    """Change of severity in logits, turned into levels by the slope of the trainer's fair average."""
    table, trainers = severity.tables.get("drift", pd.DataFrame()), severity.tables["trainers"].set_index("trainer")
    if not len(table):
        return pd.DataFrame(columns=["trainer", "session", "n_students", "change_levels", "p_adjusted", "reason"])
    slope = (trainers["fair_low"] - trainers["fair_high"]) / (trainers["high"] - trainers["low"])
    kept = table[["trainer", "session", "n_students", "p_adjusted", "reason"]].copy()
    kept.insert(3, "change_levels", table["severity_change"] * table["trainer"].map(slope).astype(float))
    return kept
