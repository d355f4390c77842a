"""Figures of generalizability: where the variance is, and what more trainers would bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import ACCENT, FAINT, SERIES, SOFT, criterion_rows, in_language
from crcne_stats.view.tables import effects
from crcne_stats.words import Words


def draw_components(ax: Axes, result: Result, w: Words) -> None:
    """A bar for each source, with its interval; an open mark where it is nil or negative."""
    table = _main(result)
    heights = criterion_rows(ax, [effects(str(key), w) for key in table["source"]])
    value, low, high = (table[name].to_numpy(dtype=float) for name in ("variance", "low", "high"))
    student = table["source"].astype(str).str.startswith("student") & ~table["source"].astype(str).str.contains(
        "*", regex=False
    )
    colours = np.where(student, ACCENT, SOFT)
    ax.barh(heights, np.maximum(value, 0), color=colours, height=0.6)
    ax.hlines(heights, low, high, color="black", linewidth=1.2)
    ax.scatter(value[value <= 0], heights[value <= 0], s=26, facecolor="white", edgecolor="black", zorder=3)
    ax.set_xlim(min(0.0, float(np.nanmin(value)) * 1.2), None)
    ax.grid(axis="x")
    ax.set_xlabel(w("figure.generalizability.components.axis"))
    in_language(ax.xaxis, w, 2)


def _main(result: Result) -> pd.DataFrame:
    table = result.tables["components"]
    return table[(table["estimator"] == table["estimator"].iloc[0]) & table["variance"].notna()].reset_index(drop=True)


def told_components(result: Result) -> dict[str, Any]:
    """The largest source."""
    table = _main(result)
    if not len(table):
        return {"share": np.nan, "n": 0}
    return {"share": float(table["percent"].astype(float).max()), "n": len(table)}


def draw_dstudy(ax: Axes, result: Result, w: Words) -> None:
    """Φ with its interval against the number of trainers; Eρ² of common trainers beside it."""
    own, crossed = _curve(result, "own"), _curve(result, "crossed")
    x = own["n_trainers"].to_numpy(dtype=float)
    low, high = (own[f"dependability_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
    ax.fill_between(x, low, high, color=FAINT, linewidth=0)
    ax.plot(x, own["dependability"].astype(float), color=SERIES[0], marker="o",
            label=w("figure.generalizability.dstudy.dependability"))  # fmt: skip
    ax.plot(x, crossed["generalizability"].astype(float), color=SERIES[1], marker="s", linestyle=(0, (4, 3)),
            label=w("figure.generalizability.dstudy.generalizability"))  # fmt: skip
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y")
    ax.set_xlabel(w("figure.generalizability.dstudy.trainers"))
    ax.set_ylabel(w("figure.generalizability.dstudy.axis"))
    in_language(ax.yaxis, w, 1)
    ax.legend(loc="lower right")


def _curve(result: Result, layout: str) -> pd.DataFrame:
    table = result.tables["dstudy"]
    most = table["n_criteria"].astype(float).max()
    kept = table[(table["layout"] == layout) & ~(table["n_criteria"].astype(float) < most)]
    return kept.sort_values("n_trainers")


def told_dstudy(result: Result) -> dict[str, Any]:
    """Both ends of the curve of Φ."""
    curve = _curve(result, "own")
    first, last = curve.iloc[0], curve.iloc[-1]
    return {"first": float(first["dependability"]), "low": int(first["n_trainers"]),
            "last": float(last["dependability"]), "high": int(last["n_trainers"])}  # fmt: skip


PLOTS = {
    "components": Plot(
        ("components",), draw_components, lambda r: (6.4, 1.2 + 0.32 * len(_main(r))), told_components
    ),
    "dstudy": Plot(("dstudy",), draw_dstudy, lambda _: (6.0, 3.6), told_dstudy),
}  # fmt: skip
