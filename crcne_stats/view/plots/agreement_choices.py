"""Figures of the choices: every criterion under all of them, and the specification curve of one criterion.

The curve is that of Simonsohn, Simmons & Nelson (2020) doi:10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import FAINT, INK, MARKERS, PAPER, SERIES, SOFT, criterion_rows, in_language
from crcne_stats.words import Words

CHOICES = ("coefficient", "weights", "reading", "panel")
_SHADES = {"below": INK, "unsure": "#9a9a9a", "above": "#0b5394"}


def draw(ax: Axes, result: Result, w: Words) -> None:
    """One dot per choice, one marker per coefficient; on the right, how many choices conclude otherwise."""
    table = result.tables["multiverse"]
    summary = result.tables["multiverse_summary"].set_index("criterion")
    keys = [str(key) for key in dict.fromkeys(table["criterion"])]
    heights = dict(zip(keys, criterion_rows(ax, keys), strict=True))
    names = list(dict.fromkeys(table["coefficient"]))
    for index, name in enumerate(names):
        own = table[table["coefficient"] == name]
        offset = 0.15 * ((len(names) - 1) / 2 - index)
        y = own["criterion"].map(heights).to_numpy(dtype=float) + offset
        ax.scatter(own["value"].to_numpy(dtype=float), y, s=9, marker=MARKERS[index % len(MARKERS)],
                   color=SERIES[index % len(SERIES)], linewidth=0, alpha=0.75,
                   label=w(f"coefficient.{name}"))  # fmt: skip
    mark = float(result.settings["benchmark"])
    ax.axvline(mark, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    for key, height in heights.items():
        ax.axhline(height - 0.5, color=FAINT, linewidth=0.5)
        share = float(summary["share_flipped"].get(key, np.nan))
        ax.text(1.01, height, w.percent(share) if np.isfinite(share) else "–", transform=ax.get_yaxis_transform(),
                va="center", fontsize=8.5, color=INK)  # fmt: skip
    ax.text(1.01, len(keys) - 0.35, w("figure.agreement.multiverse.flipped"), transform=ax.get_yaxis_transform(),
            va="bottom", fontsize=8, color=SOFT)  # fmt: skip
    lowest = np.nanmin(table["value"].to_numpy(dtype=float), initial=0)
    ax.set_xlim(min(0.0, float(np.floor(lowest * 10) / 10)), 1.0)
    ax.grid(axis="x")
    in_language(ax.xaxis, w)
    ax.set_xlabel(w("figure.agreement.multiverse.x"))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.03), ncols=3, borderaxespad=0, markerscale=1.8)


def told(result: Result) -> dict[str, Any]:
    """How many choices, and the criterion whose conclusion is the most fragile."""
    summary = result.tables["multiverse_summary"]
    known = summary[summary["share_flipped"].notna()]
    base = {"n": len(summary), "n_choices": 0, "name": "–", "share": np.nan}
    if not len(known):
        return base
    worst = known.sort_values(["share_reversed", "share_flipped"], kind="stable").iloc[-1]
    return {**base, "n_choices": int(known["n_choices"].max()), "name": str(worst["criterion"]),
            "share": float(worst["share_flipped"])}  # fmt: skip


def most_fragile(result: Result) -> pd.DataFrame:
    """The choices of the criterion that flips most, by ascending value."""
    table = result.tables["multiverse"]
    name = told(result)["name"]
    own = table[(table["criterion"].astype(str) == name) & table["low"].notna()]
    return own.sort_values("value", kind="stable", ignore_index=True)


def draw_specification(ax: Axes, result: Result, w: Words) -> None:
    """Above, the estimates in order with their intervals; below, the choice behind each."""
    own = most_fragile(result)
    ax.set_axis_off()
    options = [(name, str(value)) for name in CHOICES for value in dict.fromkeys(own[name])]
    above, below = ax.inset_axes((0, 0.52, 1, 0.48)), ax.inset_axes((0, 0, 1, 0.5))
    place = np.arange(len(own))
    for conclusion, colour in _SHADES.items():
        mine = (own["conclusion"] == conclusion).to_numpy()
        low, high, value = (own[part].to_numpy(dtype=float)[mine] for part in ("low", "high", "value"))
        style = {"below": "v", "unsure": "o", "above": "^"}[conclusion]
        above.vlines(place[mine], low, high, color=colour, linewidth=0.8, alpha=0.6)
        above.scatter(place[mine], value, s=12, marker=style, color=colour, zorder=3,
                      label=w(f"conclusion.{conclusion}"))  # fmt: skip
    above.axhline(float(result.settings["benchmark"]), color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    above.set_xticks([])
    above.grid(axis="y")
    in_language(above.yaxis, w)
    above.set_ylabel(w("figure.agreement.specification.y", name=told(result)["name"]))
    above.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, borderaxespad=0)
    y, labels, heights = 0.0, [], []
    previous = ""
    for name, value in options:
        y -= 1.0 + (0.5 if previous and name != previous else 0.0)
        previous = name
        mine = (own[name].astype(str) == value).to_numpy()
        below.scatter(place[mine], np.full(int(mine.sum()), y), s=14, marker="|", color=INK, linewidth=1.0)
        labels.append(w(f"{_FAMILIES[name]}.{value}"))
        heights.append(y)
    below.set_yticks(heights, labels, fontsize=8)
    below.set_ylim(y - 0.8, -0.2)
    below.tick_params(axis="y", length=0)
    below.set_xlabel(w("figure.agreement.specification.x", n=len(own)))
    below.set_xticks([])
    for axes in (above, below):
        axes.set_xlim(-1, len(own))
        axes.set_facecolor(PAPER)
    below.spines["left"].set_visible(False)


_FAMILIES = {"coefficient": "coefficient", "weights": "weights", "reading": "reading", "panel": "panel"}


def told_specification(result: Result) -> dict[str, Any]:
    """The range of the values of the most fragile criterion, and how they conclude."""
    own = most_fragile(result)
    base = {"name": told(result)["name"], "n": len(own)}
    shares = {name: float((own["conclusion"] == name).mean()) if len(own) else np.nan for name in _SHADES}
    ends = own["value"].agg(["min", "max"]).to_numpy(dtype=float) if len(own) else np.array([np.nan, np.nan])
    return {**base, **shares, "lowest": float(ends[0]), "highest": float(ends[1])}


def shown(result: Result) -> bool:
    """Whether any choice gives an interval."""
    return bool(result.tables["multiverse"]["low"].notna().any())


MULTIVERSE = Plot(
    ("multiverse", "multiverse_summary"), draw,
    lambda r: (7.8, 1.8 + 0.42 * r.tables["multiverse"]["criterion"].nunique()), told, shown,
)  # fmt: skip
SPECIFICATION = Plot(
    ("multiverse", "multiverse_summary"), draw_specification, lambda r: (8.2, 5.6), told_specification, shown
)
