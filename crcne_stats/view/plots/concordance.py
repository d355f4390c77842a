"""Figures of the two parts of the certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.concordance_more import PLOTS as MORE
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import PAPER, SOFT, ramp, text_on
from crcne_stats.words import Words


def draw(ax: Axes, result: Result, w: Words) -> None:
    """Heat map of students: the rubric upwards, PIX+Édu to the right; equal levels framed, hidden cells hatched."""
    framework = framework_of(result)
    table = result.tables["cross"]
    ladder = [level.key for level in framework.levels]
    rows = [key for key in ladder if key in set(table["inspe_level"].astype(object))]
    columns = [key for key in ladder if key in set(table["pix_level"].astype(object))]
    counts = _grid(table, rows, columns)
    shades = ramp(101)
    most = float(np.nanmax(counts, initial=1))
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            n = counts[y, x]
            colour = PAPER if not n > 0 else shades[round(100 * float(np.sqrt(n / most)))]
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER, linewidth=2,
                                   hatch="////" if np.isnan(n) else None))  # fmt: skip
            if np.isnan(n):
                ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=SOFT, hatch="////", linewidth=0))
            else:
                ax.text(x, y, w.count(n), ha="center", va="center", fontsize=10, color=text_on(colour))
            if row == column:
                ax.add_patch(
                    Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, edgecolor=text_on(colour), linewidth=1.6)
                )
    ax.set_xticks(range(len(columns)), [framework.name("level", key, w.language) for key in columns])
    ax.set_yticks(range(len(rows)), [framework.name("level", key, w.language) for key in rows])
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(w("column.pix_level.label"))
    ax.set_ylabel(w("column.inspe_level.label"))


def _grid(table: pd.DataFrame, rows: list[str], columns: list[str]) -> np.ndarray:
    counts = np.zeros((len(rows), len(columns)))
    for row, column, n in table[["inspe_level", "pix_level", "n_students"]].itertuples(index=False):
        counts[rows.index(str(row)), columns.index(str(column))] = n
    return counts


def told(result: Result) -> dict[str, Any]:
    """How many students stand in the cells shown, and how many of them at equal levels."""
    table = result.tables["cross"]
    shown = table[table["n_students"].notna()]
    equal = shown[shown["inspe_level"].astype(object) == shown["pix_level"].astype(object)]
    total = float(shown["n_students"].sum())
    return {"n": int(total), "share": float(equal["n_students"].sum()) / max(total, 1.0)}


def _pairs(result: Result) -> bool:
    """Whether any student has both levels: under a gate there is no cross table."""
    return bool(result.tables["cross"]["n_students"].fillna(1).any())


PLOTS = {"cross": Plot(("cross",), draw, lambda r: (5.4, 4.6), told, _pairs), **MORE}
