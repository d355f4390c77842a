"""Figure of agreement: coefficients with intervals, criterion by criterion."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.agreement_chance import CHANCE
from crcne_stats.view.plots.agreement_choices import MULTIVERSE, SPECIFICATION
from crcne_stats.view.plots.agreement_pairs import PAIRS
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import FAINT, INK, MARKERS, SERIES, SOFT, criterion_rows, in_language
from crcne_stats.words import Words

SHOWN = ("krippendorff", "gwet_ac", "percent")
"""Three readings that frame the others: corrected for the chance of the margins, of the scale, and not at all."""


def draw(ax: Axes, result: Result, w: Words) -> None:
    """One line of points and intervals per coefficient; the benchmark is a vertical line."""
    table = _pooled(result)
    keys = list(dict.fromkeys(table["criterion"].astype(object)))
    heights = dict(zip(keys, criterion_rows(ax, [str(key) for key in keys]), strict=True))
    asked = list(dict.fromkeys(table["coefficient"]))
    present = [name for name in SHOWN if name in asked] or asked[: len(SHOWN)]
    for index, name in enumerate(present):
        own = table[table["coefficient"] == name]
        y = (
            np.array([heights[key] for key in own["criterion"].astype(object)])
            + 0.22 * (len(present) - 1) / 2
            - 0.22 * index
        )
        value, low, high = (own[part].to_numpy(dtype=float) for part in ("value", "low", "high"))
        ax.hlines(y, low, high, color=SERIES[index], linewidth=1.6)
        ax.scatter(value, y, s=20, color=SERIES[index], marker=MARKERS[index], zorder=3, label=w(f"coefficient.{name}"))
    benchmark = float(result.settings["benchmark"])
    ax.axvline(benchmark, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.text(benchmark, len(keys) - 0.35, w("figure.agreement.agreement.benchmark", value=benchmark), ha="right",
            va="bottom", fontsize=8, color=SOFT)  # fmt: skip
    for height in heights.values():
        ax.axhline(height - 0.5, color=FAINT, linewidth=0.5)
    lowest = np.nanmin(table["low"].to_numpy(dtype=float), initial=0)
    ax.set_xlim(min(0.0, float(np.floor(lowest * 10) / 10)), 1.0)
    ax.grid(axis="x")
    in_language(ax.xaxis, w)
    ax.set_xlabel(w("figure.agreement.agreement.x"))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.03), ncols=3, borderaxespad=0)


def _pooled(result: Result) -> Any:
    table = result.tables["agreement"]
    groups = [name for name in ("inspe", "mention", "session") if name in table.columns]
    table = table[table[groups].isna().all(axis=1)] if groups and table[groups].isna().all(axis=1).any() else table
    return table[table["criterion"].notna()] if table["criterion"].notna().any() else table.fillna({"criterion": ""})


def told(result: Result) -> dict[str, Any]:
    """The lowest and the highest criterion by the first coefficient that there is."""
    table = _pooled(result)
    name = next((name for name in SHOWN if name in set(table["coefficient"])), str(table["coefficient"].iloc[0]))
    own = table[(table["coefficient"] == name) & table["value"].notna()].sort_values("value")
    if not len(own):
        return {"n": table["criterion"].nunique(), "coefficient": name, "lowest": "–", "highest": "–",
                "low": np.nan, "high": np.nan}  # fmt: skip
    first, last = own.iloc[0], own.iloc[-1]
    return {
        "n": table["criterion"].nunique(),
        "coefficient": name,
        "lowest": str(first["criterion"]),
        "low": float(first["value"]),
        "highest": str(last["criterion"]),
        "high": float(last["value"]),
    }


PLOTS = {
    "agreement": Plot(
        ("agreement",), draw, lambda r: (7.6, 1.5 + 0.3 * r.tables["agreement"]["criterion"].nunique()), told
    ),
    "chance": CHANCE,
    "multiverse": MULTIVERSE,
    "specification": SPECIFICATION,
    "pairs": PAIRS,
}
