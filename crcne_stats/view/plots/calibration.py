"""Figures of calibration: what drifted, and what the conclusion is under each belief."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, rows, zero
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import ACCENT, FAINT, SERIES, in_language
from crcne_stats.words import Words

MODERATE = 0.43
"""Drifts in logits that matter begin here; the pale band of the figures."""
MOST_TRAINERS = 60


def _logits(ax: Axes, w: Words) -> None:
    """An axis of logits about zero, its ticks on tenths."""
    zero(ax)
    ax.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], nbins=8))
    in_language(ax.xaxis, w)


def _shown(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table[table[column].notna()]


def draw_drift(ax: Axes, result: Result, w: Words) -> None:
    """Each criterion's drift over the band of what does not matter; hollow where it is no anchor."""
    table = _shown(result.tables["drift"], "drift")
    heights = rows(ax, list(table["criterion"].astype(str)))
    ax.axvspan(-MODERATE, MODERATE, color=FAINT, alpha=0.5, zorder=0, linewidth=0)
    flagged, anchor = (table[name].to_numpy(dtype=bool) for name in ("flagged", "anchor"))
    for chosen, colour, marker in ((~flagged, ACCENT, "o"), (flagged, SERIES[1], "D")):
        part = table[chosen]
        filled = anchor[chosen] if marker == "o" else True
        estimates(ax, heights[chosen], part["drift"], part["low"], part["high"], colour, marker, filled)
    _logits(ax, w)
    ax.set_xlabel(w("figure.calibration.drift.logits"))


def told_drift(result: Result) -> dict[str, Any]:
    """How many criteria, and how many drifted."""
    table = _shown(result.tables["drift"], "drift")
    return {"n": len(table), "n_out": int(table["flagged"].sum())}


def draw_beliefs(ax: Axes, result: Result, w: Words) -> None:
    """What moved under each belief, the one retained as a diamond."""
    table = _shown(result.tables["beliefs"], "logit_change")
    heights = rows(ax, [w(f"figure_belief.{name}") for name in table["belief"]])
    chosen = table["retained"].to_numpy(dtype=bool)
    for mask, colour, marker in ((~chosen, ACCENT, "o"), (chosen, SERIES[1], "D")):
        part = table[mask]
        estimates(ax, heights[mask], part["logit_change"], part["low"], part["high"], colour, marker)
    _logits(ax, w)
    ax.set_xlabel(w("figure.calibration.beliefs.logits"))


def told_beliefs(result: Result) -> dict[str, Any]:
    """How many beliefs, and what moved under the one retained."""
    table = _shown(result.tables["beliefs"], "logit_change")
    kept = table[table["retained"]]
    size = float(kept["logit_change"].iloc[0]) if len(kept) else float("nan")
    return {"n": len(table), "size": abs(size)}


def draw_trainers(ax: Axes, result: Result, w: Words) -> None:
    """Each trainer's drift against those who stayed, the most severe first."""
    table = _most(result)
    heights = rows(ax, list(table["trainer"].astype(str)))
    ax.axvspan(-MODERATE, MODERATE, color=FAINT, alpha=0.5, zorder=0, linewidth=0)
    out = (table["p_adjusted"] < result.settings["alpha"]).to_numpy()
    for chosen, colour, marker in ((~out, ACCENT, "o"), (out, SERIES[1], "D")):
        part = table[chosen]
        estimates(ax, heights[chosen], part["severity_drift"], part["low"], part["high"], colour, marker)
    _logits(ax, w)
    ax.set_xlabel(w("figure.calibration.trainers.logits"))


def _most(result: Result) -> pd.DataFrame:
    table = _shown(result.tables["trainers"], "severity_drift")
    far = table["severity_drift"].abs().sort_values(ascending=False, kind="stable").index[:MOST_TRAINERS]
    return table.loc[table.index.isin(far)].sort_values("severity_drift", ascending=False, kind="stable")


def told_trainers(result: Result) -> dict[str, Any]:
    """How many trainers were tested, how many drifted."""
    table = _shown(result.tables["trainers"], "severity_drift")
    return {"n": len(table), "n_out": int((table["p_adjusted"] < result.settings["alpha"]).sum()),
            "largest": float(np.nanmax(np.r_[table["severity_drift"].abs().to_numpy(dtype=float), 0.0]))}  # fmt: skip


PLOTS = {
    "beliefs": Plot(
        ("beliefs",), draw_beliefs, lambda r: (7.2, 0.9 + 0.34 * len(_shown(r.tables["beliefs"], "logit_change"))),
        told_beliefs, lambda r: bool(r.tables["beliefs"]["logit_change"].notna().any()),
    ),
    "drift": Plot(
        ("drift",), draw_drift, lambda r: (6.4, 1.1 + 0.22 * len(_shown(r.tables["drift"], "drift"))), told_drift,
        lambda r: bool(r.tables["drift"]["drift"].notna().any()),
    ),
    "trainers": Plot(
        ("trainers",), draw_trainers, lambda r: (6.4, 1.1 + 0.21 * max(len(_most(r)), 4)), told_trainers,
        lambda r: bool(r.tables["trainers"]["severity_drift"].notna().any()),
    ),
}  # fmt: skip
