"""The two small figures of a trainer's sheet."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import ACCENT, FAINT, INK, SOFT, in_language
from crcne_stats.words import Words


def draw_position(ax: Axes, result: Result, w: Words) -> None:
    """The trainer as a point with its interval over the band of the middle half of the trainers."""
    row = result.tables["position"].iloc[0]
    value, low, high = (float(row[f"fair_difference{end}"]) for end in ("", "_low", "_high"))
    middle = float(row["middle_low"]), float(row["middle_high"])
    if np.isfinite(middle).all():
        ax.axvspan(*middle, ymin=0.2, ymax=0.8, color=FAINT, linewidth=0)
        ax.text(sum(middle) / 2, 0.93, w("figure.trainer_sheet.position.middle"), ha="center", fontsize=8, color=SOFT)
    ax.axvline(0, ymin=0.2, ymax=0.8, color=SOFT, linewidth=0.8)
    ax.hlines(0.5, low, high, color=ACCENT, linewidth=2)
    ax.scatter([value], [0.5], s=52, color=ACCENT, zorder=3)
    ax.text(value, 0.2, w("figure.trainer_sheet.position.you"), ha="center", va="top", fontsize=8.5, color=INK)
    wide = max(0.6, 1.15 * max(abs(low), abs(high)))
    ax.set_xlim(-wide, wide)
    ax.set_ylim(0, 1.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    in_language(ax.xaxis, w)
    ax.set_xlabel(w("figure.trainer_sheet.position.levels"))


def told_position(result: Result) -> dict[str, Any]:
    """The difference and its bounds."""
    row = result.tables["position"].iloc[0]
    return {"value": float(row["fair_difference"]), "low": float(row["fair_difference_low"]),
            "high": float(row["fair_difference_high"])}  # fmt: skip


def draw_use(ax: Axes, result: Result, w: Words) -> None:
    """Share of each level, the trainer's above that of all."""
    framework, table = framework_of(result), result.tables["use"]
    order = [level.key for level in framework.levels]
    own = table.set_index("level").reindex(order)
    heights = np.arange(len(order))[::-1].astype(float)
    for shift, name, colour, hatch in ((0.19, "share", ACCENT, ""), (-0.19, "share_all", FAINT, "")):
        bars = own[name].astype(float).fillna(0.0)
        ax.barh(heights + shift, bars, height=0.36, color=colour, hatch=hatch,
                label=w(f"figure.trainer_sheet.use.{name}"))  # fmt: skip
        for y, share in zip(heights + shift, bars, strict=True):
            ax.text(share + 0.006, y, w.percent(share), va="center", fontsize=7.5, color=INK)
    ax.set_yticks(heights, [framework.name("level", key, w.language) for key in order])
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower right", fontsize=8)


def told_use(result: Result) -> dict[str, Any]:
    """The level given most often."""
    table = result.tables["use"]
    most = table.loc[table["share"].astype(float).idxmax()]
    return {"level": str(most["level"]), "share": float(most["share"]), "share_all": float(most["share_all"])}


PLOTS = {
    "position": Plot(
        ("position",), draw_position, lambda r: (6.6, 1.25), told_position,
        lambda r: r.tables["position"]["fair_difference"].notna().any(),
    ),
    "use": Plot(("use",), draw_use, lambda r: (6.6, 2.0), told_use, lambda r: r.tables["use"]["share"].notna().any()),
}  # fmt: skip
