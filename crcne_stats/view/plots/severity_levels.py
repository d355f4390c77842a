"""Figures of severity on levels and on trainers before criteria: category curves, information, bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import ACCENT, FAINT, INK, PAPER, SOFT, in_language, shades, text_on
from crcne_stats.words import Words

DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
WIDE = 4
"""Panels of curves beside one another."""
MOST_PANELS = 24
MOST_TRAINERS = 60
SPAN = 1.5
"""Bias in logits at which the colour is full."""


def _groups(curves: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The curves of each criterion or trainer that has its own, with its name; one without name where all share."""
    keyed = curves.assign(
        name=curves[["criterion", "trainer"]].astype(object).bfill(axis=1)["criterion"].fillna("").astype(str),
        n=curves.groupby(["criterion", "trainer", "location"], dropna=False)["level"].transform("size"),
    )
    return [(str(name), part) for (name, _), part in keyed.groupby(["name", "n"], sort=False)][:MOST_PANELS]


def draw_curves(ax: Axes, result: Result, w: Words) -> None:
    """Probability of each level along ability less difficulty less severity."""
    framework, groups = framework_of(result), _groups(result.tables["curves"])
    axes = _grid(ax, len(groups))
    several = len(groups) > 1
    for one, (title, part) in zip(axes, groups, strict=True):
        levels = list(part["level"].drop_duplicates())
        for index, level in enumerate(levels):
            own = part[part["level"] == level]
            x, y = own["location"].astype(float).to_numpy(), own["level_probability"].astype(float).to_numpy()
            name = framework.name("level", str(level), w.language)
            colour, dash = INK if index % 2 == 0 else ACCENT, DASHES[index % len(DASHES)]
            one.plot(x, y, color=colour, linestyle=dash, linewidth=1.5, label=name)
            if not several:
                top = int(np.argmax(y))
                side = {0: "left", len(x) - 1: "right"}.get(top, "center")
                shift = {"left": 4, "right": -4}.get(side, 0)
                one.annotate(name, (x[top], y[top]), (shift, 4), textcoords="offset points", ha=side, fontsize=8.5)
        one.set_ylim(0, 1.1)
        one.set_xlim(float(part["location"].min()), float(part["location"].max()))
        one.set_yticks([0, 0.5, 1])
        in_language(one.yaxis, w, 1)
        in_language(one.xaxis, w, 0)
        if several:
            one.set_title(title, fontsize=8)
            one.tick_params(labelsize=7)
    if several:
        axes[0].get_figure(root=True).legend(  # type: ignore[union-attr]
            *axes[0].get_legend_handles_labels(), loc="lower center", ncols=5, fontsize=8
        )
    else:
        axes[0].set_xlabel(w("figure.severity.curves.location"))
        axes[0].set_ylabel(w("column.level_probability.label"))


def _grid(ax: Axes, n: int) -> list[Axes]:
    """``n`` axes in rows of four in the place of one."""
    if n == 1:
        return [ax]
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.set_layout_engine("none")
    width, height = figure.get_size_inches()
    lines = -(-n // WIDE)
    left, bottom, gap_x, gap_y = 0.4 / width, 0.65 / height, 0.35 / width, 0.5 / height
    wide, high = (1 - left - 0.1 / width - gap_x * (WIDE - 1)) / WIDE, (1 - bottom - 0.3 / height) / lines - gap_y
    found = [ax, *(figure.add_axes((0, 0, 1, 1)) for _ in range(n - 1))]
    for index, one in enumerate(found):
        line, column = divmod(index, WIDE)
        one.set_position(
            (left + column * (wide + gap_x), bottom + gap_y / 2 + (lines - 1 - line) * (high + gap_y), wide, high)
        )
    return found


def size_curves(result: Result) -> tuple[float, float]:
    """One panel, or rows of four."""
    n = len(_groups(result.tables["curves"]))
    return (7.0, 3.6) if n == 1 else (9.0, 1.0 + 1.75 * -(-n // WIDE))


def told_curves(result: Result) -> dict[str, Any]:
    """How many panels and levels."""
    groups = _groups(result.tables["curves"])
    return {"n": len(groups), "n_levels": max(int(part["level"].nunique()) for _, part in groups)}


def draw_targeting(ax: Axes, result: Result, w: Words) -> None:
    """Where students stand, and how much the criteria tell there."""
    table = result.tables["targeting"]
    low, high = table["ability_low"].astype(float), table["ability_high"].astype(float)
    ax.bar(low, table["share"].astype(float).fillna(0.0), width=0.94 * (high - low), align="edge", color=FAINT,
           edgecolor=SOFT, linewidth=0.5, label=w("figure.severity.targeting.students"))  # fmt: skip
    in_language(ax.yaxis, w, 0, percent=True)
    in_language(ax.xaxis, w, 0)
    seen = table["share"].astype(float).fillna(0.0) > 0
    if seen.any():
        ax.set_xlim(float(low[seen].min()) - 0.5, float(high[seen].max()) + 0.5)
    ax.set_xlabel(w("figure.severity.targeting.ability"))
    ax.set_ylabel(w("figure.severity.targeting.students"))
    beside = ax.twinx()
    beside.plot((low + high) / 2, table["information"].astype(float), color=ACCENT, linewidth=2,
                label=w("column.information.label"))  # fmt: skip
    beside.set_ylim(0, None)
    beside.spines["right"].set_visible(True)
    beside.set_ylabel(w("column.information.label"), color=ACCENT)
    in_language(beside.yaxis, w, 0)


def told_targeting(result: Result) -> dict[str, Any]:
    """Where the criteria tell most."""
    table = result.tables["targeting"]
    best = table.loc[table["information"].astype(float).idxmax()]
    return {"low": float(best["ability_low"]), "high": float(best["ability_high"])}


def draw_bias(ax: Axes, result: Result, w: Words) -> None:
    """Trainers down, criteria across: darker the farther a trainer's levels stand from what was expected."""
    framework, table = framework_of(result), result.tables["bias"]
    clear = table["p_adjusted"] < 0.05
    trainers = list(table.assign(clear=clear).groupby("trainer", sort=False)["clear"].sum().sort_values(
        ascending=False, kind="stable").index[:MOST_TRAINERS])  # fmt: skip
    trainers.sort(key=str)
    criteria = [entry.key for entry in framework.scored if entry.key in set(table["criterion"].astype(str))]
    heat(ax, table, ("trainer", trainers), ("criterion", criteria), "bias", w)


def heat(
    ax: Axes, table: pd.DataFrame, down: tuple[str, list[Any]], across: tuple[str, list[Any]], value: str, w: Words
) -> None:
    """A map of ``value``: darker is larger, a plus or minus gives the side, a frame what stands out."""
    colours = shades(11)
    cells = table.set_index([down[0], across[0]])
    for y, name in enumerate(down[1]):
        for x, other in enumerate(across[1]):
            found = cells.loc[(name, other)] if (name, other) in cells.index else None
            number = np.nan if found is None else float(found[value])
            if np.isnan(number):
                ax.add_patch(_box(x, y, PAPER, FAINT, hatch="////" if found is not None else ""))
                continue
            colour = colours[min(10, round(10 * abs(number) / SPAN))]
            out = bool(found["p_adjusted"] < 0.05) if found is not None else False
            ax.add_patch(_box(x, y, colour, INK if out else FAINT, 1.6 if out else 0.5, z=3 if out else 2))
            sign = "·" if abs(number) < 0.1 * SPAN else "+" if number > 0 else "−"
            ax.text(x, y, sign, ha="center", va="center", fontsize=7, color=text_on(colour), zorder=4)
    ax.set_xlim(-0.5, len(across[1]) - 0.5)
    ax.set_ylim(len(down[1]) - 0.5, -0.5)
    ax.set_xticks(range(len(across[1])), [str(name) for name in across[1]], fontsize=7.5)
    ax.set_yticks(range(len(down[1])), [str(name) for name in down[1]], fontsize=7.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    steps = [0.0, SPAN / 3, 2 * SPAN / 3, SPAN]
    handles = [_box(0, 0, colours[round(10 * step / SPAN)], FAINT) for step in steps]
    names = [w.number(step, 1) for step in steps[:-1]] + [w("figure.severity.bias.more", value=SPAN)]
    ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), title=w("figure.severity.bias.scale"),
              title_fontsize=8, alignment="left")  # fmt: skip


def _box(x: float, y: float, colour: str, edge: str, width: float = 0.5, hatch: str = "", z: float = 2) -> Any:

    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=edge, linewidth=width, hatch=hatch, zorder=z)


def told_bias(result: Result) -> dict[str, Any]:
    """How many cells, and how many stand out."""
    table = result.tables["bias"]
    return {"n": len(table), "n_clear": int((table["p_adjusted"] < 0.05).sum())}


LEVEL_PLOTS = {
    "curves": Plot(("curves",), draw_curves, size_curves, told_curves),
    "targeting": Plot(("targeting",), draw_targeting, lambda r: (7.0, 3.4), told_targeting),
    "bias": Plot(
        ("bias",), draw_bias,
        lambda r: (2.2 + 0.33 * r.tables["bias"]["criterion"].nunique(),
                   0.7 + 0.2 * min(max(r.tables["bias"]["trainer"].nunique(), 6), MOST_TRAINERS)),
        told_bias,
    ),
}  # fmt: skip
