"""Who rated whom, what is missing, is the graph connected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.levels import level_use
from crcne_stats.core import graph
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result

FACETS = ("inspe", "session", "mention", "trainer", "criterion")
MUCH_MISSING = 0.05
OFTEN_ALONE = 0.2


def describe(ratings: Ratings) -> Result:
    """Counts, design, links between trainers, missing ratings and use of levels.

    Returns
    -------
    Result
        ``overview``: one row of counts. ``design``: overall, then by INSPÉ: files, trainers, trainers per file, and the
        share rated by two trainers or more and by trainers of another INSPÉ, and whether trainers are crossed with
        files, nested or partly crossed. ``coverage``: by facet and member, ratings against those expected of the
        trainers who saw the file. ``levels``: use of every level of every criterion, zeros included. ``corating``
        (trainers) and ``corating_inspe``: files in common. ``components``: groups of trainers that no file links.
        ``fragile_files`` and ``fragile_trainers``: those without which trainers lose touch; ``n_trainers`` is how many
        would be cut off. ``nodes``: trainers, for the graph.
    """
    frame = ratings.frame
    sheets = _Sheets(ratings)
    parts = graph.components(sheets.file, sheets.trainer, sheets.n_files, len(sheets.trainers))
    weak = graph.fragile(sheets.file, sheets.trainer)
    tables = {
        "overview": _overview(ratings, sheets, int(parts[1].max(initial=-1)) + 1),
        "design": _design(sheets),
        "coverage": _coverage(ratings, sheets),
        "levels": level_use(ratings),
        "corating": _corating(sheets),
        "corating_inspe": _corating_inspe(frame, sheets),
        "components": _components(sheets, *parts),
        "fragile_files": _fragile_files(sheets, weak[0]),
        "fragile_trainers": pd.DataFrame(
            {
                "trainer": [sheets.trainers[found.index] for found in weak[1]],
                "n_trainers": [found.parted for found in weak[1]],
            }
        ),
        "nodes": _nodes(sheets, parts[1]),
    }
    result = Result("describe", tables, [], {}, {"ratings": ratings})
    result.notes = _notes(ratings, tables)
    return result


class _Sheets:
    """The sheets, that is pairs of a file and a trainer who rated it, as codes (sheet,)."""

    def __init__(self, ratings: Ratings) -> None:
        frame = ratings.frame
        trainer, self.trainers = ratings.codes("trainer")
        unit = ratings.units()
        self.file, self.trainer = graph.distinct_pairs(unit, trainer)
        key = unit * max(len(self.trainers), 1) + trainer
        self.sheet_of = np.unique(key, return_inverse=True)[1]
        first = np.unique(key, return_index=True)[1]
        self.rows = frame.iloc[first].reset_index(drop=True)
        self.n_files = int(unit.max(initial=-1)) + 1
        self.panel_size = np.bincount(self.file, minlength=self.n_files)
        self.file_rows = frame.iloc[np.unique(unit, return_index=True)[1]].reset_index(drop=True)
        away = (self.rows["inspe"].astype(object) != self.rows["trainer_inspe"].astype(object)).to_numpy()
        known = self.rows["inspe"].notna().to_numpy()
        self.away = known & away
        self.linked = np.bincount(self.file, self.away, minlength=self.n_files) > 0


def _overview(ratings: Ratings, sheets: _Sheets, n_components: int) -> pd.DataFrame:
    frame = ratings.frame
    counts = {
        "n_students": frame["student"].nunique(),
        "n_files": sheets.n_files,
        "n_trainers": len(sheets.trainers),
        "n_inspe": frame["inspe"].nunique(),
        "n_sessions": frame["session"].nunique(),
        "n_criteria": frame["criterion"].nunique(),
        "n_ratings": len(frame),
        "n_components": n_components,
    }
    return pd.DataFrame([counts])


def _design(sheets: _Sheets) -> pd.DataFrame:
    rows = [{"inspe": None, **_design_row(sheets, np.ones(sheets.n_files, dtype=bool))}]
    home = sheets.file_rows["inspe"]
    if home.nunique() > 1:
        rows += [{"inspe": name, **_design_row(sheets, (home == name).to_numpy())} for name in home.cat.categories]
    return pd.DataFrame(rows)


def _design_row(sheets: _Sheets, chosen: np.ndarray) -> dict[str, Any]:
    size = sheets.panel_size[chosen]
    n_trainers = len(np.unique(sheets.trainer[chosen[sheets.file]]))
    kind = "partly"
    if n_trainers == 1:
        kind = "one_trainer"
    elif len(size) and size.min() == n_trainers:
        kind = "crossed"
    elif size.max(initial=0) == 1:
        kind = "nested"
    return {
        "design": kind,
        "n_students": sheets.file_rows["student"][chosen].nunique(),
        "n_files": len(size),
        "n_trainers": n_trainers,
        "trainers_per_file": size.mean(),
        "share_double": (size > 1).mean(),
        "share_linked": sheets.linked[chosen].mean() if sheets.file_rows["inspe"].nunique() > 1 else np.nan,
    }


def _coverage(ratings: Ratings, sheets: _Sheets) -> pd.DataFrame:
    """Expected: each trainer who rated a file rates it on every criterion."""
    n_criteria = max(1, len(ratings.framework.criteria))
    frames = []
    for facet in FACETS:
        if not ratings.known(facet):
            continue
        codes, labels = ratings.codes(facet)
        kept = codes >= 0
        n_ratings = np.bincount(codes[kept], minlength=len(labels))
        if facet == "criterion":
            expected = np.full(len(labels), len(sheets.file))
        else:
            own = sheets.rows[facet].cat.codes.to_numpy()
            expected = np.bincount(own[own >= 0], minlength=len(labels)) * n_criteria
        students = ratings.frame.groupby(facet, observed=False)["student"].nunique()
        frames.append(
            pd.DataFrame(
                {
                    "facet": facet,
                    "member": labels,
                    "n_students": students.reindex(labels).to_numpy(),
                    "n_ratings": n_ratings,
                    "n_expected": expected,
                    "share_missing": 1 - n_ratings / np.maximum(expected, 1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _corating(sheets: _Sheets) -> pd.DataFrame:
    one, other, files = graph.shared_files(sheets.file, sheets.trainer)
    student = sheets.file_rows["student"].cat.codes.to_numpy()[sheets.file]
    students = graph.shared_files(*graph.distinct_pairs(student, sheets.trainer))[2]
    names = np.array(sheets.trainers, dtype=object)
    return pd.DataFrame({"trainer_a": names[one], "trainer_b": names[other], "n_students": students, "n_files": files})


def _corating_inspe(frame: pd.DataFrame, sheets: _Sheets) -> pd.DataFrame:
    columns = ["inspe", "trainer_inspe"]
    if not frame["inspe"].notna().any():
        return pd.DataFrame(columns=[*columns, "n_students", "n_files"])
    pairs = sheets.rows.assign(file=sheets.file).dropna(subset=columns)
    grouped = pairs.groupby(columns, observed=True).agg(n_students=("student", "nunique"), n_files=("file", "nunique"))
    return grouped.reset_index()


def _components(sheets: _Sheets, of_file: np.ndarray, of_trainer: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({"component": of_file + 1, "student": sheets.file_rows["student"].to_numpy()})
    table["inspe"] = sheets.file_rows["inspe"].to_numpy()
    grouped = table.groupby("component").agg(
        n_students=("student", "nunique"), n_files=("student", "size"), n_inspe=("inspe", "nunique")
    )
    grouped["n_trainers"] = np.bincount(of_trainer)
    grouped["share"] = grouped["n_files"] / grouped["n_files"].sum()
    return grouped.reset_index()


def _fragile_files(sheets: _Sheets, weak: list[graph.Weak]) -> pd.DataFrame:
    rows = sheets.file_rows.iloc[[found.index for found in weak]]
    table = rows[["student", "session", "inspe"]].reset_index(drop=True)
    return table.assign(n_trainers=[found.parted for found in weak])


def _nodes(sheets: _Sheets, component: np.ndarray) -> pd.DataFrame:
    rows = sheets.rows.groupby("trainer", observed=True).agg(
        trainer_inspe=("trainer_inspe", "first"), n_students=("student", "nunique"), n_files=("student", "size")
    )
    table = rows.reindex(sheets.trainers).reset_index(names="trainer")
    return table.assign(component=component + 1)


def _notes(ratings: Ratings, tables: dict[str, pd.DataFrame]) -> list[Note]:
    overview = tables["overview"].iloc[0].to_dict()
    notes = [Note("describe.overview", overview, "finding", 40)]
    notes += _thin_notes(ratings, overview)
    notes += _graph_notes(tables, int(overview["n_components"]), int(overview["n_trainers"]))
    design = tables["design"].iloc[0]
    alone = 1 - design["share_double"]
    if alone > OFTEN_ALONE:
        values = {"share": alone, "n": round(alone * design["n_files"])}
        notes.append(Note("describe.rated_once", values, "caution", 18))
    coverage = tables["coverage"]
    whole = coverage[coverage["facet"] == "criterion"]
    missing = 1 - whole["n_ratings"].sum() / max(1, whole["n_expected"].sum())
    notes.append(Note("describe.missing", {"share": missing}, "finding", 48))
    worst = coverage[coverage["facet"] != "trainer"].sort_values("share_missing", ascending=False).head(1)
    if len(worst) and worst["share_missing"].iloc[0] > max(MUCH_MISSING, 2 * missing):
        row = worst.iloc[0]
        values = {"facet": row["facet"], "member": row["member"], "share": row["share_missing"]}
        notes.append(Note("describe.missing_most", values, "caution", 32, int(row["n_students"])))
    levels = tables["levels"]
    unused = levels[(levels["n_ratings"] == 0) & (levels["reason"] == "")]
    if len(unused):
        values = {"n": unused["criterion"].nunique(), "criteria": ", ".join(unused["criterion"].unique()[:6])}
        notes.append(Note("describe.unused_levels", values, "finding", 34))
    return notes


def _thin_notes(ratings: Ratings, overview: dict[str, Any]) -> list[Note]:
    notes = []
    if overview["n_trainers"] == 1:
        notes.append(Note("describe.one_trainer", {}, "caution", 2))
    if overview["n_criteria"] == 1:
        notes.append(Note("describe.one_criterion", {}, "caution", 30))
    if overview["n_inspe"] == 1:
        notes.append(Note("describe.one_inspe", {}, "caution", 46))
    elif overview["n_inspe"] == 0:
        notes.append(Note("describe.no_inspe", {}, "caution", 46))
    absent = len(ratings.framework.criteria) - overview["n_criteria"]
    if absent:
        notes.append(Note("describe.criteria_unrated", {"n": absent}, "caution", 31))
    return notes


def _graph_notes(tables: dict[str, pd.DataFrame], n_components: int, n_trainers: int) -> list[Note]:
    if n_trainers == 1:
        return []
    files, trainers = tables["fragile_files"], tables["fragile_trainers"]
    if n_components > 1:
        notes = [
            Note("describe.islands", {"n": n_components}, "caution", 4),
            Note("describe.link_islands", {"n": n_components - 1}, "action", 4),
        ]
    else:
        notes = [Note("describe.connected", {"n_trainers": n_trainers}, "finding", 44)]
    if len(files) or len(trainers):
        values = {"n_files": len(files), "n_trainers": len(trainers)}
        notes.append(Note("describe.fragile", values, "caution", 28))
        notes.append(Note("describe.link_more", {}, "action", 28))
    share = tables["design"]["share_linked"].iloc[0]
    if np.isfinite(share):
        notes.append(Note("describe.linked", {"share": share}, "finding", 46))
    return notes
