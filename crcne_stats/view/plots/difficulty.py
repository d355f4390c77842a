"""Figure of difficulty: how hard each criterion is, and whether it goes with the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, inch, panels, rows, zero
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import ACCENT, FAINT, SERIES, criterion_rows, in_language
from crcne_stats.words import Words


def draw(ax: Axes, result: Result, w: Words) -> None:
    """Left: mean level with its interval. Right: item–rest correlation, same hand and another hand."""
    framework = framework_of(result)
    table = result.tables["difficulty"]
    keys = list(table["criterion"].astype(object))
    heights = criterion_rows(ax, [str(key) for key in keys])
    position, low, high = _positions(table, framework)
    ax.hlines(heights, low, high, color=ACCENT, linewidth=2)
    ax.scatter(position, heights, s=24, color=ACCENT, zorder=3)
    levels = framework.levels
    ends = np.linspace(0, 1, len(levels))
    names = [level.text.get(w.language, level.text["fr"]) for level in levels]
    ax.set_xticks(ends, names if max(map(len, names)) > 2 else [str(name) for name in names], fontsize=8)
    ax.set_xlim(-0.02, 1.02)
    ax.grid(axis="x")
    ax.set_title(w("figure.difficulty.difficulty.mean"))
    beside = panels(ax, (0.6, 0.4), (0.62, 0.62, 0.2, 0.4), 0.3)[1]
    for index, name in enumerate(("item_rest", "item_rest_other")):
        y = heights + (0.13 if index == 0 else -0.13)
        beside.hlines(y, table[f"{name}_low"].astype(float), table[f"{name}_high"].astype(float), color=SERIES[index],
                      linewidth=1.6)  # fmt: skip
        beside.scatter(table[name].astype(float), y, s=20, color=SERIES[index], marker="os"[index], zorder=3,
                       label=w(f"figure.difficulty.difficulty.{name}"))  # fmt: skip
    beside.set_yticks(heights, [])
    beside.set_ylim(ax.get_ylim())
    beside.tick_params(axis="y", length=0)
    lowest = np.nanmin(np.r_[table["item_rest_low"].astype(float), table["item_rest_other_low"].astype(float), 0.0])
    beside.set_xlim(float(np.floor(lowest * 10) / 10), 1)
    beside.grid(axis="x")
    in_language(beside.xaxis, w)
    beside.set_title(w("figure.difficulty.difficulty.correlation"))
    beside.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.26 * inch(beside)), ncols=2, handletextpad=0.3, columnspacing=1.0
    )
    for height in heights:
        for one in (ax, beside):
            one.axhline(height - 0.5, color=FAINT, linewidth=0.5)


def _positions(table: Any, framework: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and bounds as places between the lowest (0) and the highest level (1) of each criterion's own scale."""
    scales = [framework.level_scores(key) for key in table["criterion"].astype(object)]
    bottom = np.array([scale[0] for scale in scales], dtype=float)
    span = np.array([max(scale[-1] - scale[0], 1) for scale in scales], dtype=float)
    places = [(table[name].to_numpy(dtype=float) - bottom) / span for name in ("mean", "low", "high")]
    return places[0], places[1], places[2]


def told(result: Result) -> dict[str, Any]:
    """The hardest and the easiest criterion."""
    table = result.tables["difficulty"]
    known = table[table["position"].notna()].sort_values("position", ascending=False)
    if not len(known):
        return {"n": len(table), "hardest": "–", "easiest": "–", "low": np.nan, "high": np.nan}
    first, last = known.iloc[0], known.iloc[-1]
    return {"n": len(table), "hardest": str(first["criterion"]), "low": float(first["mean"]),
            "easiest": str(last["criterion"]), "high": float(last["mean"])}  # fmt: skip


def draw_rasch(ax: Axes, result: Result, w: Words) -> None:
    """Left: difficulty on the ruler of the model. Right: polyserial correlation with another trainer's rest."""
    table = result.tables["difficulty"]
    names = list(table["criterion"].astype(str))
    ax, beside = panels(ax, (0.5, 0.5), (0.62, 0.4, 0.2, 0.4))
    heights = rows(ax, names)
    rows(beside, names, False)
    estimates(ax, heights, table["difficulty"], table["difficulty_low"], table["difficulty_high"])
    estimates(beside, heights, table["polyserial"], table["polyserial_low"], table["polyserial_high"], SERIES[1], "s")
    zero(ax)
    beside.set_xlim(min(0.0, float(np.nanmin(np.r_[table["polyserial_low"].astype(float), 0.0]))), 1)
    for one, name in ((ax, "difficulty"), (beside, "polyserial")):
        one.set_title(w(f"figure.difficulty.rasch.{name}"))
        one.grid(axis="x")
        in_language(one.xaxis, w)


def told_rasch(result: Result) -> dict[str, Any]:
    """Ends of the difficulties."""
    known = result.tables["difficulty"].dropna(subset=["difficulty"]).sort_values("difficulty")
    if not len(known):
        return {"n": 0, "hardest": "–", "easiest": "–", "low": np.nan, "high": np.nan}
    return {"n": len(known), "hardest": str(known["criterion"].iloc[-1]), "easiest": str(known["criterion"].iloc[0]),
            "low": float(known["difficulty"].iloc[0]), "high": float(known["difficulty"].iloc[-1])}  # fmt: skip


PLOTS = {
    "difficulty": Plot(
        ("difficulty",), draw, lambda r: (8.2, 1.6 + 0.26 * len(r.tables["difficulty"])), told
    ),
    "rasch": Plot(
        ("difficulty",), draw_rasch, lambda r: (8.2, 1.1 + 0.24 * len(r.tables["difficulty"])), told_rasch,
        lambda r: "difficulty" in r.tables["difficulty"].columns,
    ),
}  # fmt: skip
