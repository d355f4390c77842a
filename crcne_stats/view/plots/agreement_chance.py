"""Figure of the paradox: observed agreement, chance agreement and what the coefficients make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import FAINT, INK, PAPER, SERIES, criterion_rows, in_language
from crcne_stats.words import Words

KAPPAS = ("fleiss", "conger", "krippendorff")
"""The first of these that was asked stands against Gwet's AC."""
OTHER = "gwet_ac"


def pair(result: Result) -> list[str]:
    """The coefficients shown: a kappa (or what was asked in its place) and AC, one alone where only one was asked."""
    asked = [name for name in dict.fromkeys(result.tables["agreement"]["coefficient"]) if name != "percent"]
    kappa = next((name for name in (*KAPPAS, *asked) if name in asked and name != OTHER), None)
    return [name for name in (kappa, OTHER) if name is not None and name in asked]


def _rows(result: Result, name: str) -> pd.DataFrame:
    table = result.tables["agreement"]
    own = table[(table["coefficient"] == name) & table["criterion"].notna()]
    return own.drop_duplicates("criterion").set_index("criterion")


def draw(ax: Axes, result: Result, w: Words) -> None:
    """Per criterion: pa, pe of either coefficient, and the coefficients themselves, one scale from 0 to 1."""
    names = pair(result)
    tables = [_rows(result, name) for name in names]
    keys = [str(key) for key in tables[0].index]
    heights = criterion_rows(ax, keys)
    for height in heights:
        ax.axhline(height - 0.5, color=FAINT, linewidth=0.5)
    seen = tables[0]["pa"].to_numpy(dtype=float)
    ax.vlines(seen, heights - 0.3, heights + 0.3, color=INK, linewidth=2.2, label=w("figure.agreement.chance.pa"))
    for place, (name, table) in enumerate(zip(names, tables, strict=True)):
        y = heights + (0.17 if place == 0 else -0.17)
        pa, pe, value = (table[part].to_numpy(dtype=float) for part in ("pa", "pe", "value"))
        colour, marker = SERIES[place], ("o", "D")[place]
        ax.hlines(y, pe, pa, color=colour, linewidth=1.4, linestyle=("-", (0, (3, 2)))[place])
        told = w(f"coefficient.{name}")
        ax.scatter(pe, y, s=26, marker="|", color=colour, linewidth=1.8, zorder=3,
                   label=w("figure.agreement.chance.pe", coefficient=told))  # fmt: skip
        ax.scatter(value, y, s=26, marker=marker, facecolor=PAPER if place else colour, edgecolor=colour, zorder=4,
                   label=told)  # fmt: skip
    lowest = np.nanmin(np.concatenate([table["value"].to_numpy(dtype=float) for table in tables]), initial=0)
    ax.set_xlim(min(0.0, float(np.floor(lowest * 10) / 10)), 1.0)
    ax.grid(axis="x")
    in_language(ax.xaxis, w)
    ax.set_xlabel(w("figure.agreement.chance.x"))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.02), ncols=3, borderaxespad=0)


def told(result: Result) -> dict[str, Any]:
    """Where the two coefficients lie farthest apart."""
    names = pair(result)
    first, second = _rows(result, names[0])["value"], _rows(result, names[-1])["value"]
    gap = (second - first).astype(float).dropna()
    if not len(gap):
        return {"n": len(first), "name": "–", "first": np.nan, "second": np.nan, "coefficient": names[0]}
    place = gap.abs().idxmax()
    return {
        "n": len(first), "name": str(place), "first": float(first[place]), "second": float(second[place]),
        "coefficient": names[0],
    }  # fmt: skip


def shown(result: Result) -> bool:
    """Whether there is a coefficient with a chance agreement, criterion by criterion."""
    if result.settings["by"] != "criterion" or not pair(result):
        return False
    return bool(_rows(result, pair(result)[0])["pe"].notna().any())


def size(result: Result) -> tuple[float, float]:
    return 7.6, 1.8 + 0.34 * result.tables["agreement"]["criterion"].nunique()


CHANCE = Plot(("agreement",), draw, size, told, shown)
