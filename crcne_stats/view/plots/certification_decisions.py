"""Figures of what is decided: who is held back, other rules, and where levels begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import INK, PAPER, SERIES, in_language
from crcne_stats.words import Words

_BINDING = ("none", "inspe", "pix", "pix_ceiling", "both")
_SHADES = ("#e6e6e6", SERIES[0], SERIES[1], PAPER, "#7f7f7f")
_HATCHES = ("", "", "", "///", "")
_METHODS = (("contrasting_groups", "o"), ("borderline_regression", "s"))


def draw_binding(ax: Axes, result: Result, w: Words) -> None:
    """A stacked bar for each INSPÉ; a share that is hidden leaves a gap."""
    table = _of_inspe(result)
    names = list(dict.fromkeys(table["inspe"].astype(str)))
    left = np.zeros(len(names))
    for part, shade, hatch in zip(_BINDING, _SHADES, _HATCHES, strict=True):
        own = table[table["binding"].astype(str) == part]
        if not len(own):
            continue
        share = own.set_index(own["inspe"].astype(str))["share"].astype(float).reindex(names).to_numpy()
        wide = np.nan_to_num(share)
        ax.barh(names, wide, left=left, color=shade, hatch=hatch, edgecolor=INK, linewidth=0.5,
                label=w(f"binding.{part}"))  # fmt: skip
        left += wide
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel(w("figure.certification.binding.axis"))
    in_language(ax.xaxis, w, 0, percent=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18 - 0.4 / max(len(names), 2)), ncols=2)


def _of_inspe(result: Result) -> pd.DataFrame:
    table = result.tables.get("binding_groups", pd.DataFrame({"inspe": [], "share": [], "binding": []}))
    return table[table["inspe"].notna() & table["share"].notna()]


def told_binding(result: Result) -> dict[str, Any]:
    """The least and the largest share that PIX+Édu holds back."""
    table = _of_inspe(result)
    held = table.loc[table["binding"].astype(str) == "pix", "share"].astype(float)
    return {"least": float(held.min()), "most": float(held.max())}


def draw_level_rules(ax: Axes, result: Result, w: Words) -> None:
    """For each rule a bar to the left for levels that go down, to the right for those that go up."""
    table = _moves(result)
    places = list(dict.fromkeys(zip(table["level_rule"].astype(str), table["rounding"].astype(str), strict=True)))
    for move, sign, shade, hatch in (("down", -1.0, SERIES[1], "///"), ("up", 1.0, SERIES[0], "")):
        own = table[table["move"].astype(str) == move]
        at = [places.index(key) for key in zip(own["level_rule"].astype(str), own["rounding"].astype(str), strict=True)]
        ax.barh(at, sign * own["share"].astype(float), color=shade, hatch=hatch, edgecolor=INK, linewidth=0.5,
                label=w(f"move.{move}"))  # fmt: skip
    ax.set_yticks(
        range(len(places)), [f"{w(f'level_rule.{rule}')}, {w(f'rounding_short.{way}')}" for rule, way in places]
    )
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=0.8)
    reach = min(1.0, 1.1 * float(table.loc[table["move"].astype(str) != "same", "share"].max()) or 0.1)
    ax.set_xlim(-reach, reach)
    ax.grid(axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel(w("figure.certification.level_rules.axis"))
    in_language(ax.xaxis, w, 0, percent=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)


def _moves(result: Result) -> pd.DataFrame:
    table = result.tables["level_rules"]
    return table[table["share"].notna()]


def told_level_rules(result: Result) -> dict[str, Any]:
    """The largest share each way."""
    table = _moves(result)
    move = table["move"].astype(str)
    return {way: float(table.loc[move == way, "share"].astype(float).max()) for way in ("up", "down")}


def draw_cut_scores(ax: Axes, result: Result, w: Words) -> None:
    """A line for each level, a mark for each method with its interval."""
    table, framework = _cuts(result), framework_of(result)
    levels = [level.key for level in framework.levels if level.key in set(table["level"].astype(str))]
    for place, (method, marker) in enumerate(_METHODS):
        own = table[table["cut_method"].astype(str) == method]
        y = np.array([levels.index(key) for key in own["level"].astype(str)]) + (0.14 if place else -0.14)
        value, low, high = (own[name].astype(float).to_numpy() for name in ("cut_score", "cut_low", "cut_high"))
        ends = np.nan_to_num(np.abs(np.vstack([value - low, high - value])))
        ax.errorbar(value, y, xerr=ends, fmt=marker, color=SERIES[place], capsize=3, label=w(f"cut_method.{method}"))
    ax.set_yticks(range(len(levels)), [framework.name("level", key, w.language) for key in levels])
    ax.set_ylim(-0.6, len(levels) - 0.4)
    ax.grid(axis="x")
    ax.set_xlabel(w("figure.certification.cut_scores.axis"))
    in_language(ax.xaxis, w, 0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _cuts(result: Result) -> pd.DataFrame:
    table = result.tables.get("cut_scores", pd.DataFrame({"cut_score": []}))
    return table[table["cut_score"].notna()]


def told_cut_scores(result: Result) -> dict[str, Any]:
    """The largest gap between the two methods."""
    wide = _cuts(result).assign(level=lambda t: t["level"].astype(str)).pivot(
        index="level", columns="cut_method", values="cut_score"
    )  # fmt: skip
    return {"gap": float((wide.max(axis=1) - wide.min(axis=1)).max())}


PLOTS = {
    "binding": Plot(
        ("binding_groups",), draw_binding, lambda r: (6.0, 1.6 + 0.28 * _of_inspe(r)["inspe"].nunique()), told_binding,
        lambda r: bool((_of_inspe(r)["binding"].astype(str) == "pix").any()),
    ),
    "level_rules": Plot(
        ("level_rules",), draw_level_rules, lambda r: (7.0, 1.4 + 0.1 * len(_moves(r))), told_level_rules,
        lambda r: bool(len(_moves(r))),
    ),
    "cut_scores": Plot(
        ("cut_scores",), draw_cut_scores, lambda r: (6.0, 1.6 + 0.25 * len(_cuts(r))), told_cut_scores,
        lambda r: bool(len(_cuts(r))),
    ),
}  # fmt: skip
