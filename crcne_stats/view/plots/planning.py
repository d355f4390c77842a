"""Figures of planning: what schemes cost and how safe they are, and how precise severities become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import ACCENT, SERIES, in_language
from crcne_stats.words import Words

_SHOWN = (("own", "o"), ("near_cut", "D"))


def draw_pareto(ax: Axes, result: Result, w: Words) -> None:
    """Share on a wrong level against hours; a line through the schemes that no other beats."""
    table = _schemes(result)
    kept = _kept(result)
    ax.plot(kept["hours_each"].astype(float), kept["wrong_level"].astype(float), color=ACCENT, linewidth=1.2, zorder=1)
    for place, (scheme, marker) in enumerate(_SHOWN):
        own = table[table["scheme"] == scheme]
        if len(own):
            ax.scatter(own["hours_each"].astype(float), own["wrong_level"].astype(float), s=34, marker=marker,
                       color=SERIES[place], label=w(f"figure.planning.pareto.{scheme}"), zorder=3)  # fmt: skip
    for row in table.itertuples():
        text = w.number(row.trainers_per_file, 0 if row.scheme == "own" else 1)
        up = row.scheme == "own"
        ax.annotate(text, (row.hours_each, row.wrong_level), xytext=(0, 7 if up else -7), fontsize=8, ha="center",
                    va="bottom" if up else "top", textcoords="offset points")  # fmt: skip
    ax.set_ylim(0, float(table["wrong_level"].max()) * 1.18 if len(table) else 1)
    ax.set_xlim(0, float(table["hours_each"].max()) * 1.08 if len(table) else 1)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.grid(True)
    ax.set_xlabel(w("figure.planning.pareto.hours"))
    ax.set_ylabel(w("figure.planning.pareto.axis"))
    in_language(ax.xaxis, w, 1)
    in_language(ax.yaxis, w, 0, percent=True)
    if len(table):
        ax.legend(loc="lower left")


def _schemes(result: Result) -> pd.DataFrame:
    table = result.tables["schemes"]
    if "wrong_level" not in table:
        return table.iloc[:0].assign(wrong_level=[], hours_each=[], pareto=[])
    return table[table["scheme"].isin([scheme for scheme, _ in _SHOWN]) & table["wrong_level"].notna()]


def _kept(result: Result) -> pd.DataFrame:
    table = _schemes(result)
    return table[table["pareto"].astype(bool)].sort_values("hours_each")


def told_pareto(result: Result) -> dict[str, Any]:
    """Both ends of the line."""
    kept = _kept(result)
    if not len(kept):
        return {"n": 0, "first": np.nan, "last": np.nan}
    ends = kept["wrong_level"].astype(float)
    return {"n": len(_schemes(result)), "first": float(ends.iloc[0]), "last": float(ends.iloc[-1])}


def draw_precision(ax: Axes, result: Result, w: Words) -> None:
    """Mean and largest error at each stage, the target as a line, the share of comparable pairs above."""
    table = result.tables["precision"]
    x = np.arange(len(table))
    for place, name in enumerate(("se_mean", "se_max")):
        label = w(f"figure.planning.precision.{'mean' if name == 'se_mean' else 'worst'}")
        ax.plot(x, table[name].astype(float), color=SERIES[place], marker="os"[place], label=label)
    target = float(result.settings["target_se"])
    ax.axhline(target, color="black", linewidth=0.9, linestyle=(0, (4, 3)), label=w("figure.planning.precision.target"))
    ax.set_xticks(x, [w(f"stage.{stage}") for stage in table["stage"]])
    top = float(np.nanmax(np.r_[table["se_max"].astype(float), target])) * 1.2
    ax.set_ylim(0, top)
    ax.set_xlim(-0.4, len(table) - 0.6)
    for where, share in zip(x, table["share_comparable"].astype(float), strict=True):
        ax.annotate(w.percent(share), (float(where), top), xytext=(0, -4), textcoords="offset points", ha="center",
                    va="top", fontsize=8)  # fmt: skip
    ax.grid(axis="y")
    ax.set_ylabel(w("figure.planning.precision.axis"))
    in_language(ax.yaxis, w, 1)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)


def told_precision(result: Result) -> dict[str, Any]:
    """The largest error at the end points."""
    table = result.tables["precision"]
    ends = table["se_max"].astype(float)
    return {"first": float(ends.iloc[0]), "last": float(ends.iloc[-1]), "groups": int(table["n_components"].iloc[0])}


PLOTS = {
    "pareto": Plot(("schemes",), draw_pareto, lambda _: (6.0, 3.8), told_pareto),
    "precision": Plot(("precision",), draw_precision, lambda _: (6.0, 3.6), told_precision),
}  # fmt: skip
