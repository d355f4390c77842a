"""Figures of the certificate's risks: by the certificate given, and with more trainers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots import certification_decisions
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import SERIES, in_language
from crcne_stats.words import Words

_RISKS = (("too_high", "o"), ("too_low", "s"))
_STYLES = (("expected", "-"), ("panel", (0, (4, 3))))


def draw_by_level(ax: Axes, result: Result, w: Words) -> None:
    """A line for each certificate given, discs for too high, squares for too low, with intervals."""
    table, framework = _shown(result), framework_of(result)
    given = list(dict.fromkeys(table["joint_level"].astype(str)))
    for place, (risk, marker) in enumerate(_RISKS):
        own = table[table["risk"] == risk]
        y = np.array([given.index(key) for key in own["joint_level"].astype(str)]) + (0.14 if place else -0.14)
        value, low, high = (own[name].astype(float).to_numpy() for name in ("wrong", "wrong_low", "wrong_high"))
        ends = np.abs(np.vstack([value - low, high - value]))
        ax.errorbar(value, y, xerr=ends, fmt=marker, color=SERIES[place], capsize=3, label=w(f"risk.{risk}"))
    refused = dict(zip(table["joint_level"].astype(str), table["state"] == "refused", strict=True))
    names = [w("state.refused") if refused[key] else framework.name("level", key, w.language) for key in given]
    ax.set_yticks(range(len(given)), names)
    ax.set_ylim(-0.6, len(given) - 0.4)
    ax.set_xlim(left=0)
    ax.grid(axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel(w("figure.certification.by_level.axis"))
    in_language(ax.xaxis, w, 0, percent=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)


def _shown(result: Result) -> pd.DataFrame:
    table = result.tables["by_level"]
    return table[table["wrong"].notna()]


def told_by_level(result: Result) -> dict[str, Any]:
    """The largest share."""
    return {"most": float(_shown(result)["wrong"].max())}


def draw_panels(ax: Axes, result: Result, w: Words) -> None:
    """Lines over the number of trainers: colour and mark by direction, solid with intervals or dashed by definition."""
    table = _of_certificates(result)
    for place, (risk, marker) in enumerate(_RISKS):
        for definition, style in _STYLES:
            own = table[(table["risk"] == risk) & (table["definition"] == definition)]
            label = f"{w(f'risk.{risk}')}, {w(f'definition.{definition}')}"
            x, value = own["panel_size"].astype(float) + (0.02 if place else -0.02), own["wrong"].astype(float)
            ax.plot(x, value, marker=marker, color=SERIES[place], linestyle=style, label=label)
            if definition == _STYLES[0][0]:
                ax.vlines(x, own["wrong_low"], own["wrong_high"], color=SERIES[place], linewidth=1)
    ax.set_xticks(sorted(table["panel_size"].astype(int).unique()))
    ax.set_ylim(0, float(table[["wrong", "wrong_high"]].max(axis=None)) * 1.1)
    ax.grid(axis="y")
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel(w("figure.certification.panels.trainers"))
    ax.set_ylabel(w("figure.certification.panels.axis"))
    in_language(ax.yaxis, w, 0, percent=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, handlelength=3.4)


def _of_certificates(result: Result) -> pd.DataFrame:
    table = result.tables["panels"]
    return table[(table["part"] == "joint") & table["wrong"].notna()]


def told_panels(result: Result) -> dict[str, Any]:
    """Both ends by the leading definition."""
    table = _of_certificates(result)
    own = table[table["definition"] == "expected"].set_index(["risk", "panel_size"])["wrong"].astype(float)
    ends = {"one": int(table["panel_size"].min()), "three": int(table["panel_size"].max())}
    return {
        f"{short}_{name}": float(own[risk, size])
        for risk, short in (("too_high", "high"), ("too_low", "low"))
        for name, size in ends.items()
    }


PLOTS = certification_decisions.PLOTS | {
    "by_level": Plot(
        ("by_level",), draw_by_level, lambda r: (6.0, 1.6 + 0.5 * len(r.tables["by_level"]) / 2), told_by_level,
        lambda r: bool(len(_shown(r))),
    ),
    "panels": Plot(
        ("panels",), draw_panels, lambda _: (6.0, 4.0), told_panels, lambda r: bool(len(_of_certificates(r))),
    ),
}  # fmt: skip
