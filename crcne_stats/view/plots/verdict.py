"""Figure of the verdict: what each method answers for each criterion."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import rows
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import ACCENT, INK, PAPER, SERIES
from crcne_stats.words import Words

_COLUMNS = ("by_agreement", "by_generalizability", "by_many_facet")
_MARKS = {"yes": ("o", ACCENT, ACCENT), "unsure": ("o", PAPER, ACCENT), "no": ("X", SERIES[1], SERIES[1])}


def draw(ax: Axes, result: Result, w: Words) -> None:
    """A row for each criterion: a mark for each method, then the verdict and why methods part, in words."""
    table = result.tables["criteria"]
    heights = rows(ax, list(table["criterion"].astype(str)))
    for place, column in enumerate(_COLUMNS):
        for answer, (marker, face, edge) in _MARKS.items():
            mine = (table[column] == answer).to_numpy()
            ax.scatter([place] * int(mine.sum()), heights[mine], marker=marker, s=52, color=face, edgecolors=edge,
                       linewidths=1.3, zorder=3)  # fmt: skip
        ax.text(
            place, len(table) - 0.45, w(f"judge.{column.removeprefix('by_')}"), ha="center", va="bottom", fontsize=8
        )
    for height, (_, row) in zip(heights, table.iterrows(), strict=True):
        if row["overall"]:
            ax.text(2.6, height, w(f"overall.{row['overall']}"), va="center", fontsize=8, color=INK)
        if row["why"]:
            ax.text(4.0, height, w(f"why.{row['why']}"), va="center", fontsize=7.5, color=INK)
    ax.set_xlim(-0.5, 7.6)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    shown = [Line2D([], [], linestyle="", marker=marker, markersize=7, markerfacecolor=face, markeredgecolor=edge,
                    label=w(f"answer.{answer}")) for answer, (marker, face, edge) in _MARKS.items()]  # fmt: skip
    ax.legend(handles=shown, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=3, handletextpad=0.3)


def told(result: Result) -> dict[str, Any]:
    """How many criteria have which verdict."""
    table = result.tables["criteria"]
    count = table["overall"].value_counts()
    return {"n": len(table), "usable": int(count.get("for", 0)), "care": int(count.get("with_care", 0)),
            "against": int(count.get("against", 0))}  # fmt: skip


PLOTS = {"criteria": Plot(("criteria",), draw, lambda r: (8.6, 1.3 + 0.25 * len(r.tables["criteria"])), told)}
