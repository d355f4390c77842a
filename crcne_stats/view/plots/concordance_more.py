"""Figures of the two parts of the certificate: levels used, groups, criteria, and the gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, panels, rows
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import ACCENT, SERIES, SOFT, in_language
from crcne_stats.words import Words

MOST_GROUPS = 40
ALPHA = 0.05


def draw_margins(ax: Axes, result: Result, w: Words) -> None:
    """Two bars for each level: share of students whom each part places there."""
    framework, table = framework_of(result), result.tables["margins"]
    ladder = [level.key for level in framework.levels]
    for place, (part, hatch) in enumerate((("inspe_level", None), ("pix_level", "////"))):
        own = table[table[part].notna()].set_index(part)
        own = own.reindex([key for key in ladder if key in own.index])
        at = np.array([ladder.index(str(key)) for key in own.index]) + (place - 0.5) * 0.38
        share = own["share"].to_numpy(dtype=float)
        error = np.abs(np.array([share - own["low"].to_numpy(float), own["high"].to_numpy(float) - share]))
        ax.bar(at, share, width=0.36, color=ACCENT if place == 0 else "white", edgecolor=SERIES[place], hatch=hatch,
               yerr=np.nan_to_num(error), ecolor=SOFT, capsize=2, label=w(f"column.{part}.label"))  # fmt: skip
    ax.set_xticks(range(len(ladder)), [framework.name("level", key, w.language) for key in ladder])
    ax.set_ylim(bottom=0)
    ax.set_ylabel(w("figure.concordance.margins.axis"))
    in_language(ax.yaxis, w, 0, percent=True)
    ax.tick_params(axis="x", length=0)
    ax.legend(loc="upper right")


def told_margins(result: Result) -> dict[str, Any]:
    """The mean difference between the parts."""
    return {name: float(result.tables["shift"][name].iloc[0]) for name in
            ("difference", "difference_low", "difference_high")}  # fmt: skip


def _groups(result: Result) -> pd.DataFrame:
    """The groups with a value; of very many those that stand farthest from the others."""
    table = result.tables["groups"]
    table = table[table["value"].notna()]
    far = table["contrast"].astype(float).abs().fillna(0).sort_values(ascending=False, kind="stable")
    return table[table.index.isin(far.index[:MOST_GROUPS])]


def draw_groups(ax: Axes, result: Result, w: Words) -> None:
    """A row for each group: κ with its interval, solid where it differs from the others; a line for all together."""
    table, framework = _groups(result), framework_of(result)
    names = [
        f"{w(f'facet.{row.facet}')} {framework.name('mention', row.member, w.language)}"
        if row.facet == "mention"
        else str(row.member)
        for row in table.itertuples()
    ]
    heights = rows(ax, names)
    out = (table["p_adjusted"].astype(float) < ALPHA).to_numpy()
    estimates(ax, heights, table["value"], table["low"], table["high"], filled=out)
    ax.axvline(_overall(result), color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    ax.set_xlabel(w("figure.concordance.groups.axis"))
    in_language(ax.xaxis, w, 1)


def _overall(result: Result) -> float:
    table = result.tables["concordance"]
    own = table[(table["coefficient"] == "cohen") & (table["weights"] == result.settings["weights"])]
    return float(own["value"].iloc[0])


def told_groups(result: Result) -> dict[str, Any]:
    """How many groups, from what to what, and how many differ."""
    table = _groups(result)
    value = table["value"].astype(float)
    return {"n": len(table), "n_out": int((table["p_adjusted"].astype(float) < ALPHA).sum()),
            "lowest": float(value.min()), "highest": float(value.max())}  # fmt: skip


def _criteria(result: Result) -> pd.DataFrame:
    table = result.tables["criteria"]
    return table[table["criterion"].notna() & table["dominance"].notna()]


def draw_criteria(ax: Axes, result: Result, w: Words) -> None:
    """What each criterion brings, the most first; a line where all would bring the same."""
    table = _criteria(result)
    heights = rows(ax, list(table["criterion"].astype(str)))
    estimates(ax, heights, table["dominance"], table["dominance_low"], table["dominance_high"])
    even = float(table["dominance"].sum()) / len(table)
    ax.axvline(even, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    ax.set_xlim(left=0)
    ax.set_xlabel(w("figure.concordance.criteria.axis"))
    in_language(ax.xaxis, w, 0, percent=True)


def told_criteria(result: Result) -> dict[str, Any]:
    """The first and the last."""
    table = _criteria(result)
    ends = table.iloc[[0, -1]]
    return {"n": len(table), "first": str(ends["criterion"].iloc[0]), "most": float(ends["dominance"].iloc[0]),
            "last": str(ends["criterion"].iloc[1]), "least": float(ends["dominance"].iloc[1])}  # fmt: skip


def draw_gate(ax: Axes, result: Result, w: Words) -> None:
    """The ROC curve, and what came true of the probabilities foretold."""
    axes = panels(ax, [1.0, 1.0], (0.65, 0.6, 0.2, 0.4), 0.75)
    roc, bins = result.tables["roc"], result.tables["calibration"]
    x = np.r_[1.0, 1 - roc["specificity"].to_numpy(dtype=float), 0.0]
    y = np.r_[1.0, roc["sensitivity"].to_numpy(dtype=float), 0.0]
    axes[0].plot(x, y, color=ACCENT, marker="o", markersize=3.5, linewidth=1.3)
    axes[0].set_xlabel(w("figure.concordance.gate.false_alarms"))
    axes[0].set_ylabel(w("column.sensitivity.label"))
    axes[0].set_title(w("figure.concordance.gate.curve"), fontsize=9)
    upright = bins[bins["share"].notna()]
    estimates(axes[1], upright["foretold"], upright["share"], upright["low"], upright["high"], upright=True)
    axes[1].set_xlabel(w("column.foretold.label"))
    axes[1].set_ylabel(w("figure.concordance.gate.observed"))
    axes[1].set_title(w("figure.concordance.gate.calibration"), fontsize=9)
    for one in axes:
        one.plot([0, 1], [0, 1], color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        one.set_xlim(-0.02, 1.02)
        one.set_ylim(-0.02, 1.02)
        in_language(one.xaxis, w, 0, percent=True)
        in_language(one.yaxis, w, 0, percent=True)


def told_gate(result: Result) -> dict[str, Any]:
    """Area under the curve and slope of calibration."""
    table = result.tables["gate_summary"].set_index("coefficient")["value"]
    return {"area": float(table["auc"]), "slope": float(table["calibration_slope"])}


PLOTS = {
    "margins": Plot(
        ("margins", "shift"), draw_margins, lambda _: (6.0, 3.4), told_margins,
        lambda r: bool(r.tables["margins"]["share"].notna().any()),
    ),
    "groups": Plot(
        ("groups",), draw_groups, lambda r: (6.2, 1.0 + 0.23 * max(len(_groups(r)), 3)), told_groups,
        lambda r: len(_groups(r)) > 1,
    ),
    "criteria": Plot(
        ("criteria",), draw_criteria, lambda r: (6.0, 1.0 + 0.23 * max(len(_criteria(r)), 3)), told_criteria,
        lambda r: len(_criteria(r)) > 1,
    ),
    "gate": Plot(("roc", "calibration", "gate_summary"), draw_gate, lambda _: (7.2, 3.7), told_gate),
}  # fmt: skip
