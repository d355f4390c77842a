"""Figures of fairness: how much harder each criterion is for a group, how much more severe each trainer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, panels, rows, zero
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.plots.severity_levels import heat
from crcne_stats.view.style import ACCENT, FAINT, SERIES, in_language
from crcne_stats.words import Words

MODERATE = 0.43
"""Differences in logits that matter begin here; the pale band of the figure."""
OUT = ("moderate", "large")
MOST_GROUPS, MOST_TRAINERS = 4, 60


def _title(part: pd.DataFrame, w: Words) -> str:
    by, group, other = (str(part[name].iloc[0]) for name in ("group_by", "group", "against"))
    other = w(f"against.{other}") if w.has(f"against.{other}") else other
    return w("figure.fairness.criteria.panel", by=by, group=group, against=other)


def _groups(table: pd.DataFrame) -> pd.Series:
    """The column and the value that each row compares, as one name."""
    return table["group_by"].astype(str) + "\x1f" + table["group"].astype(str)


def draw_criteria(ax: Axes, result: Result, w: Words) -> None:
    """A panel for each group: how much harder each criterion is for it, over the band of what does not matter."""
    table = result.tables["criteria"]
    groups = _largest(table)
    names = list(dict.fromkeys(table["criterion"].astype(str)))
    axes = panels(ax, [1.0] * len(groups), (0.62, 0.55, 0.2, 0.4), 0.35)
    for place, (one, group) in enumerate(zip(axes, groups, strict=True)):
        own = table[_groups(table) == group].set_index("criterion").reindex(names).reset_index()
        heights = rows(one, names, place == 0)
        one.axvspan(-MODERATE, MODERATE, color=FAINT, alpha=0.5, zorder=0, linewidth=0)
        out = own["fairness_verdict"].isin(OUT).to_numpy()
        for chosen, colour, marker in ((~out, ACCENT, "o"), (out, SERIES[1], "D")):
            part = own[chosen]
            estimates(one, heights[chosen], part["group_gap"], part["low"], part["high"], colour, marker, out[chosen])
        zero(one)
        one.set_title(_title(own.dropna(subset=["against"]), w), fontsize=9)
        in_language(one.xaxis, w)
    wide = max(abs(bound) for one in axes for bound in one.get_xlim())
    for one in axes:
        one.set_xlim(-wide, wide)
    axes[0].set_xlabel(w("figure.fairness.criteria.logits"))


def _largest(table: pd.DataFrame) -> list[str]:
    """The groups that are shown: those with the largest differences, in their order."""
    size = table["group_gap"].abs().groupby(_groups(table)).max().fillna(0).sort_values(ascending=False)
    return sorted(size.index[:MOST_GROUPS])


def told_criteria(result: Result) -> dict[str, Any]:
    """How many criteria, and how many stand out."""
    table = result.tables["criteria"]
    return {"n": int(table["criterion"].nunique()),
            "n_out": int(table.loc[table["fairness_verdict"].isin(OUT), "criterion"].nunique())}  # fmt: skip


def draw_trainers(ax: Axes, result: Result, w: Words) -> None:
    """Trainers down, groups across, as a map; with two groups, points with their intervals."""
    table = result.tables["trainers"]
    table = table.assign(compared=_groups(table))
    groups = [name for _, part in table.groupby("group_by", sort=False) for name in sorted(set(part["compared"]))]
    tested = table[table["group_gap"].notna()]
    if len(groups) == 1:
        shown = tested.sort_values("group_gap", ascending=False, kind="stable")
        far = shown["group_gap"].abs().sort_values(ascending=False).index[:MOST_TRAINERS]
        shown = shown[shown.index.isin(far)]
        heights = rows(ax, list(shown["trainer"].astype(str)))
        ax.axvspan(-MODERATE, MODERATE, color=FAINT, alpha=0.5, zorder=0, linewidth=0)
        out = shown["fairness_verdict"].isin(OUT).to_numpy()
        estimates(ax, heights, shown["group_gap"], shown["low"], shown["high"], filled=out)
        zero(ax)
        ax.set_title(_title(table, w))
        ax.set_xlabel(w("figure.fairness.trainers.logits"))
        in_language(ax.xaxis, w)
        return
    size = tested["group_gap"].abs().groupby(tested["trainer"].astype(str)).max().sort_values(ascending=False)
    trainers = sorted(size.index[:MOST_TRAINERS])
    heat(ax, table, ("trainer", trainers), ("compared", groups), "group_gap", w)
    several = table["group_by"].nunique() > 1
    names = [group.split("\x1f") for group in groups]
    ax.set_xticks(range(len(groups)), [f"{w(f'by.{by}')} {name}" if several else name for by, name in names],
                  rotation=30 if several else 0, ha="right" if several else "center")  # fmt: skip
    ax.set_title("" if several else w(f"by.{names[0][0]}"))


def size_trainers(result: Result) -> tuple[float, float]:
    """Room for a row for each trainer that was tested."""
    table = result.tables["trainers"]
    n = min(max(int(table.loc[table["reason"] == "", "trainer"].nunique()), 6), MOST_TRAINERS)
    groups = int(_groups(table).nunique())
    return (6.4, 1.1 + 0.21 * n) if groups == 1 else (max(6.4, 2.6 + 0.55 * groups), 0.9 + 0.21 * n)


def told_trainers(result: Result) -> dict[str, Any]:
    """How many trainers were tested, and how many stand out."""
    table = result.tables["trainers"]
    tested = table[table["reason"] == ""]
    return {"n": int(tested["trainer"].nunique()),
            "n_out": int(tested.loc[tested["fairness_verdict"].isin(OUT), "trainer"].nunique()),
            "largest": float(np.nanmax(np.r_[tested["group_gap"].abs().to_numpy(dtype=float), 0.0]))}  # fmt: skip


PLOTS = {
    "criteria": Plot(
        ("criteria",), draw_criteria,
        lambda r: (3.2 + 2.2 * min(MOST_GROUPS, max(_groups(r.tables["criteria"]).nunique(), 2)),
                   1.1 + 0.24 * r.tables["criteria"]["criterion"].nunique()),
        told_criteria,
    ),
    "trainers": Plot(
        ("trainers",), draw_trainers, size_trainers, told_trainers,
        lambda r: bool(r.tables["trainers"]["group_gap"].notna().any()),
    ),
}  # fmt: skip
