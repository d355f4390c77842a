"""Figure of trainers two by two: kappa below the diagonal, mean difference above it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot
from crcne_stats.view.style import FAINT, INK, PAPER, SOFT, ramp, text_on
from crcne_stats.words import Words

MOST = 24
"""Trainers on the figure; with more, those who share the most files are drawn."""
_STEPS = 9


def _shown(result: Result) -> pd.DataFrame:
    """The pairs among the trainers who are drawn."""
    table = result.tables["pairs"]
    table = table[table["trainer_a"].notna()]
    weight = table["n_students"].astype(float).fillna(1)
    met = pd.concat([weight.groupby(table[side].astype(str)).sum() for side in ("trainer_a", "trainer_b")])
    most = met.groupby(level=0).sum().sort_values(ascending=False, kind="stable").head(MOST).index
    return table[table["trainer_a"].astype(str).isin(most) & table["trainer_b"].astype(str).isin(most)]


def _trainers(table: pd.DataFrame) -> list[str]:
    """Trainers in the order in which chains of common files link them, so that groups stand together."""
    names = sorted({*table["trainer_a"].astype(str), *table["trainer_b"].astype(str)})
    near: dict[str, list[str]] = {name: [] for name in names}
    for a, b in zip(table["trainer_a"].astype(str), table["trainer_b"].astype(str), strict=True):
        near[a].append(b)
        near[b].append(a)
    order: list[str] = []
    for name in names:
        waiting = [name]
        while waiting:
            one = waiting.pop(0)
            if one not in order:
                order.append(one)
                waiting += sorted(near[one])
    return order


def draw(ax: Axes, result: Result, w: Words) -> None:
    """A square per pair with a common file; hatched where the number may not be shown."""
    table = _shown(result)
    order = _trainers(table)
    place = {name: position for position, name in enumerate(order)}
    colours, n = ramp(_STEPS + 5)[:_STEPS], len(order)  # light enough for dark text
    for row in table.to_dict("records"):
        a, b = place[str(row["trainer_a"])], place[str(row["trainer_b"])]
        later, first = max(a, b), min(a, b)
        sign = 1.0 if a < b else -1.0
        kappa, gap = float(row["value"]), sign * float(row["difference"])
        step = 0 if np.isnan(kappa) else int(np.clip(kappa, 0, 0.999) * _STEPS)
        _square(ax, first, later, "" if np.isnan(kappa) else w.number(kappa), colours[step], np.isnan(kappa))
        told = "" if np.isnan(gap) else ("+" if gap > 0 else "") + w.number(gap)
        _square(ax, later, first, told, PAPER, np.isnan(gap))
    ax.plot([-0.5, n - 0.5], [-0.5, n - 0.5], color=SOFT, linewidth=0.8)
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_xticks(range(n), order, rotation=90 if n > 8 else 0)
    ax.set_yticks(range(n), order)
    ax.tick_params(length=0)
    ax.set_aspect("equal")
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(w("figure.agreement.pairs.x"))


def _square(ax: Axes, x: int, y: int, text: str, colour: str, hidden: bool) -> None:
    """One cell of the matrix."""
    face = PAPER if hidden else colour
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor=FAINT, linewidth=0.7,
                           hatch="////" if hidden else None))  # fmt: skip
    ink = INK if hidden or colour == PAPER else text_on(colour)
    ax.text(x, y, text, ha="center", va="center", fontsize=7.5, color=ink)


def told(result: Result) -> dict[str, Any]:
    """How many pairs are drawn, and the range of kappa."""
    table = _shown(result)
    kappa = table["value"].astype(float).dropna()
    ends = (float(kappa.min()), float(kappa.max())) if len(kappa) else (np.nan, np.nan)
    return {"n": len(table), "n_trainers": len(_trainers(table)), "lowest": ends[0], "highest": ends[1]}


def shown(result: Result) -> bool:
    """Whether any two trainers may be shown."""
    table = result.tables["pairs"]
    return bool((table["value"].notna() & table["trainer_a"].notna()).any())


def size(result: Result) -> tuple[float, float]:
    side = 1.6 + 0.36 * len(_trainers(_shown(result)))
    return max(side, 3.4), max(side, 3.4)


PAIRS = Plot(("pairs",), draw, size, told, shown)
