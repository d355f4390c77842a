"""Figures of priorities: the order with what it leaves open, and the signs behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, panels, rows, zero
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import PAPER, SERIES, in_language, shades, text_on
from crcne_stats.words import Words

_STEPS = 11
_CAP = 5.0


def draw_order(ax: Axes, result: Result, w: Words) -> None:
    """Left the index with its interval, right the ranks left open."""
    table = result.tables["priorities"]
    names = list(table["criterion"].astype(str))
    ax, beside = panels(ax, (0.55, 0.45), (0.62, 0.4, 0.2, 0.4))
    heights = rows(ax, names)
    rows(beside, names, False)
    value = table["priority_index"].astype(float)
    high = np.minimum(table["priority_index_high"].astype(float), 1.6 * float(np.nanmax(np.r_[value, 1.0])))
    estimates(ax, heights, value, table["priority_index_low"].astype(float), high,
              filled=(table["priority"] == "revise").to_numpy())  # fmt: skip
    zero(ax, 1.0)
    ax.set_xlim(left=0)
    low, rank, last = (table[name].astype(float) for name in ("rank_low", "rank", "rank_high"))
    beside.hlines(heights, low, last, color=SERIES[1], linewidth=3, zorder=2)
    beside.scatter(rank, heights, s=26, color=PAPER, edgecolors=SERIES[1], linewidths=1.3, marker="s", zorder=3)
    beside.set_xlim(0.4, len(table) + 0.6)
    beside.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    for one, name in ((ax, "index"), (beside, "rank")):
        one.set_title(w(f"figure.priorities.order.{name}"))
        one.grid(axis="x")
        in_language(one.xaxis, w, 0 if name == "rank" else 1)


def told_order(result: Result) -> dict[str, Any]:
    """How many exceed the limit, and the first."""
    table = result.tables["priorities"]
    first = table.iloc[0]
    return {"n": len(table), "k": int((table["priority"] == "revise").sum()), "first": str(first["criterion"]),
            "value": float(first["priority_index"])}  # fmt: skip


def draw_symptoms(ax: Axes, result: Result, w: Words) -> None:
    """A cell for each criterion (in order) and symptom: the darker the stronger."""
    grid = _grid(result)
    colours = shades(_STEPS)
    heights = rows(ax, list(grid.index.astype(str)))
    for column, symptom in enumerate(grid.columns):
        for row, height in enumerate(heights):
            value = float(grid.iloc[row, column])
            if not np.isfinite(value):
                continue
            colour = colours[min(int(value / _CAP * _STEPS), _STEPS - 1)]
            ax.add_patch(Rectangle((column - 0.5, height - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER, linewidth=1))
            ax.text(column, height, w.number(value, 1), ha="center", va="center", fontsize=7.5,
                    color=text_on(colour), fontweight="bold" if value > 1 else "normal")  # fmt: skip
        ax.text(column, len(grid) - 0.35, w(f"symptom.{symptom}"), rotation=38, ha="left", va="bottom", fontsize=8,
                rotation_mode="anchor")  # fmt: skip
    ax.set_xlim(-0.5, len(grid.columns) - 0.5)
    ax.set_ylim(-0.5, len(grid) - 0.5)
    ax.set_xticks([])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def _grid(result: Result) -> pd.DataFrame:
    """Strains, criteria in their order by symptoms as they stand; those that nobody could judge left out."""
    table = result.tables["symptoms"]
    grid = table.pivot(index="criterion", columns="symptom", values="strain").astype(float)
    order = result.tables["priorities"]["criterion"]
    kept = [name for name in dict.fromkeys(table["symptom"]) if grid[name].notna().any()]
    return grid.loc[order, kept]


def told_symptoms(result: Result) -> dict[str, Any]:
    """How many cells exceed the limit, and the strongest."""
    grid = _grid(result)
    cells = grid.stack()
    if not len(cells):
        return {"n": len(grid), "m": 0, "k": 0, "symptom": "levels", "criterion": "–", "value": np.nan}
    criterion, symptom = cells.idxmax()
    return {"n": len(grid), "m": len(grid.columns), "k": int((cells > 1).sum()), "symptom": symptom,
            "criterion": str(criterion), "value": float(cells.max())}  # fmt: skip


PLOTS = {
    "order": Plot(("priorities",), draw_order, lambda r: (8.2, 1.1 + 0.24 * len(r.tables["priorities"])), told_order),
    "symptoms": Plot(
        ("symptoms",), draw_symptoms, lambda r: (8.2, 2.2 + 0.25 * len(r.tables["priorities"])), told_symptoms
    ),
}  # fmt: skip
