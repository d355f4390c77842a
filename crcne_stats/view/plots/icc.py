"""Figure of intraclass correlations: one trainer and the mean of several, for all criteria and for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import FAINT, MARKERS, SERIES, criterion_rows, in_language
from crcne_stats.words import Words

SERIES_OF = {"single": ("ICC(A,1)", "ICC(1)"), "several": ("ICC(Q,k)", "ICC(k)")}
"""Of each series the first form that a row has."""


def draw(ax: Axes, result: Result, w: Words) -> None:
    """One row for the mean over criteria and for each group or criterion, a point and an interval per series."""
    table = _rows(result)
    labels = list(dict.fromkeys(table["label"]))
    heights = dict(
        zip(labels, criterion_rows(ax, [label or w("figure.icc.icc.mean") for label in labels]), strict=True)
    )
    for index, series in enumerate(SERIES_OF):
        own = _of(table, series)
        y = np.array([heights[label] for label in own["label"]], dtype=float) + 0.12 - 0.24 * index
        value, low, high = (own[part].to_numpy(dtype=float) for part in ("value", "low", "high"))
        ax.hlines(y, low, high, color=SERIES[index], linewidth=1.6)
        ax.scatter(
            value, y, s=20, color=SERIES[index], marker=MARKERS[index], zorder=3, label=w(f"figure.icc.icc.{series}")
        )
    for height in heights.values():
        ax.axhline(height - 0.5, color=FAINT, linewidth=0.5)
    lowest = np.nanmin(np.r_[table["low"].to_numpy(dtype=float), 0.0])
    ax.set_xlim(max(float(np.floor(lowest * 10) / 10), -1.0), 1.0)
    ax.grid(axis="x")
    in_language(ax.xaxis, w)
    ax.set_xlabel(w("figure.icc.icc.x"))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.03), ncols=2, borderaxespad=0)


def _rows(result: Result) -> pd.DataFrame:
    """The rows of both tables with a label each; the mean over criteria has none."""
    groups = [name for name in ("inspe", "trainer_inspe", "mention", "session") if name in result.tables["icc"].columns]
    name = groups[0] if groups else "criterion"
    found = [result.tables["icc"], *([result.tables["criteria"]] if "criteria" in result.tables else [])]
    return pd.concat([table.assign(label=[_text(label) for label in table[name]]) for table in found])


def _text(label: Any) -> str:
    return "" if pd.isna(label) else str(label)


def _of(table: pd.DataFrame, series: str) -> pd.DataFrame:
    """For each label the first form of the series that has a value."""
    order = {form: place for place, form in enumerate(SERIES_OF[series])}
    known = table[table["form"].isin(order) & table["value"].notna()]
    known = known.assign(order=known["form"].map(order)).sort_values("order", kind="stable")
    return known.drop_duplicates("label")


def told(result: Result) -> dict[str, Any]:
    """The lowest and the highest row for one trainer."""
    table = _rows(result)
    own = _of(table, "single").sort_values("value")
    values: dict[str, Any] = {
        "n": table["label"].nunique(),
        "lowest": "–",
        "highest": "–",
        "low": np.nan,
        "high": np.nan,
    }
    if not len(own):
        return values
    first, last = own.iloc[0], own.iloc[-1]
    ends = {"low": float(first["value"]), "high": float(last["value"])}
    return {**values, **ends, "lowest": first["label"] or "–", "highest": last["label"] or "–"}


def _size(result: Result) -> tuple[float, float]:
    return 7.6, 1.5 + 0.3 * _rows(result)["label"].nunique()


PLOTS = {"icc": Plot(("icc",), draw, _size, told)}
