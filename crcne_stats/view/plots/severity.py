"""Figures of severity: one ruler for all, trainers one by one, levels, fit, drift, trainers on criteria."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.panels import estimates, inch, panels, rows, zero
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.plots.severity_levels import LEVEL_PLOTS
from crcne_stats.view.style import ACCENT, FAINT, INK, SERIES, SOFT, in_language
from crcne_stats.words import Words

MOST_NAMES = 60
"""With more trainers than this their labels are left out, and the figure stays as high."""
MOST_SEATS = 10
"""With as many measures side by side their names would lie on one another."""
ROW = 0.21


def measured(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows that have a measure, the most severe first."""
    return table[table[name].notna()].sort_values(name, ascending=False, kind="stable")


def _high(n: int, room: float) -> float:
    return room + ROW * min(max(n, 4), MOST_NAMES)


def draw_trainers(ax: Axes, result: Result, w: Words) -> None:
    """Left: severity with its interval. Right: fair average, the mean level of the trainer before the same students."""
    table = result.tables["trainers"]
    groups = [part for _, part in table.groupby("component")] if table["assumption"].eq("relative").any() else [table]
    shown = pd.concat([measured(part, "severity") for part in groups])
    ax, beside = panels(ax, (0.55, 0.45))
    labelled = len(shown) <= MOST_NAMES
    heights = rows(ax, list(shown["trainer"].astype(str)), labelled)
    rows(beside, list(shown["trainer"].astype(str)), False)
    out = ((shown["low"] > 0) | (shown["high"] < 0)).to_numpy()
    estimates(ax, heights, shown["severity"], shown["low"], shown["high"], filled=out)
    estimates(beside, heights, shown["fair_average"], shown["fair_low"], shown["fair_high"], SERIES[1], "s", out)
    zero(ax)
    edge = len(shown) - 0.5
    for part in groups[:-1]:
        edge -= int(part["severity"].notna().sum())
        for one in (ax, beside):
            one.axhline(edge, color=INK, linewidth=1.2)
    for one, title in ((ax, "logits"), (beside, "fair")):
        one.set_title(w(f"figure.severity.trainers.{title}"))
        one.grid(axis="x")
        in_language(one.xaxis, w)
    ax.set_ylabel("" if labelled else w("figure.severity.trainers.many", n=len(shown)))


def told_trainers(result: Result) -> dict[str, Any]:
    """How many, and from where to where."""
    table = result.tables["trainers"]
    known = table[table["severity"].notna()]
    return {
        "n": len(known), "low": float(known["severity"].min()), "high": float(known["severity"].max()),
        "fair_low": float(known["fair_average"].min()), "fair_high": float(known["fair_average"].max()),
        "n_out": int(((known["low"] > 0) | (known["high"] < 0)).sum()),
    }  # fmt: skip


def draw_wright(ax: Axes, result: Result, w: Words) -> None:
    """Students, trainers, criteria, further facets and thresholds beside one ruler in logits."""
    tables = result.tables
    facets = list(tables["facets"].groupby("facet", sort=False)) if "facets" in tables else []
    shares = (1.0, 0.8, 1.0, *[0.9] * len(facets), 1.0)
    axes = panels(ax, shares, (0.62, 0.3, 0.2, 0.42), 0.12)
    ends = _ends(tables, [part for _, part in facets])
    for one in axes:
        one.set_ylim(*ends)
        one.grid(axis="y")
        one.set_xticks([])
        one.spines["bottom"].set_visible(False)
    for one in axes[1:]:
        one.set_yticklabels([])
        one.spines["left"].set_visible(False)
        one.tick_params(axis="y", length=0)
    in_language(axes[0].yaxis, w, 0)
    axes[0].set_ylabel(w("figure.severity.wright.logits"))
    _students(axes[0], tables["targeting"])
    _column(axes[1], tables["trainers"], "severity", "trainer", ACCENT, "o", _apart(tables["trainers"]))
    _column(axes[2], tables["criteria"], "difficulty", "criterion", SERIES[1], "s")
    for place, (_, part) in enumerate(facets):
        _column(axes[3 + place], part, "difficulty", "member", SERIES[3], "D")
    _thresholds(axes[-1], tables["thresholds"], framework_of(result), w)
    titles = ["students", "trainers", "criteria"]
    for one, title in zip([*axes[:3], axes[-1]], [*titles, "thresholds"], strict=True):
        one.set_title(w(f"figure.severity.wright.{title}"))
    for one, (name, _) in zip(axes[3:], facets, strict=False):
        one.set_title(w(f"facet.{name}") if w.has(f"facet.{name}") else str(name))


def _ends(tables: dict[str, pd.DataFrame], facets: list[pd.DataFrame]) -> tuple[float, float]:
    """Where the ruler ends: at the last thing that stands on it."""
    targeting = tables["targeting"]
    seen = targeting[targeting["share"].fillna(0) > 0]
    places = [seen["ability_low"], seen["ability_high"], tables["thresholds"]["threshold"]]
    places += [
        tables["trainers"]["severity"],
        tables["criteria"]["difficulty"],
        *(part["difficulty"] for part in facets),
    ]
    every = pd.concat([part.astype(float) for part in places]).dropna()
    low, high = (float(every.min()), float(every.max())) if len(every) else (-3.0, 3.0)
    return low - 0.3, high + 0.3


def _students(ax: Axes, targeting: pd.DataFrame) -> None:
    """How many students stand where, bars towards the ruler."""
    share = targeting["share"].astype(float).fillna(0.0)
    high = targeting["ability_high"].astype(float) - targeting["ability_low"].astype(float)
    ax.barh(targeting["ability_low"].astype(float), share, height=0.92 * high, align="edge", color=SOFT)
    ax.set_xlim(1.1 * max(float(share.max()), 1e-9), 0)


def _apart(trainers: pd.DataFrame) -> pd.Series | None:
    """The island of each trainer where each has a zero of its own."""
    return trainers["component"] if trainers["assumption"].eq("relative").any() else None


def _column(
    ax: Axes, table: pd.DataFrame, measure: str, name: str, colour: str, marker: str, apart: pd.Series | None = None
) -> None:
    """Measures with their intervals, shifted sideways so that none lies on another; their names where there is room.

    Those of other parts (``apart``) stand beside, a line between them.
    """
    parts = [table] if apart is None else [part for _, part in table.groupby(apart)]
    parts = [part for part in (measured(part, measure) for part in parts) if len(part)]
    start, widest, places = 0.0, 2.0, []
    for part in parts:
        if start:
            ax.axvline(start - 0.3, color=INK, linewidth=1.0)
        value = part[measure].to_numpy(dtype=float)
        seats = start + _seats(value, ax)
        estimates(ax, seats, value, part["low"], part["high"], colour, marker, upright=True, size=15, faint=True)
        places.append((seats, value, part[name].astype(str)))
        widest = max(widest, float(seats.max()))
        start = float(seats.max()) + 1.45
    if sum(map(len, parts)) <= MOST_NAMES and widest < MOST_SEATS:
        for x, y, text in (label for place in places for label in zip(*place, strict=True)):
            ax.annotate(text, (x, y), (3.2, 0), textcoords="offset points", fontsize=6.5, color=INK, va="center")
    ax.set_xlim(-0.5, widest + 1.1)


def _seats(value: np.ndarray, ax: Axes) -> np.ndarray:
    """The first free column (measure,) for each measure, from the top down."""
    bottom, top = ax.get_ylim()
    near = 0.12 * inch(ax) * (top - bottom)
    last: list[float] = []
    seats = np.zeros(len(value))
    for i, y in enumerate(value):
        free = next((seat for seat, other in enumerate(last) if other - y > near), len(last))
        if free == len(last):
            last.append(y)
        last[free] = y
        seats[i] = free
    return seats


def _thresholds(ax: Axes, table: pd.DataFrame, framework: Any, w: Words) -> None:
    """Each level's threshold, one mark for each scale, criterion or trainer that has its own."""
    known = table[table["threshold"].notna()]
    groups = known[["criterion", "trainer", "n_levels"]].astype(object).fillna("").astype(str).agg("|".join, axis=1)
    place = pd.factorize(groups)[0].astype(float)
    n = int(place.max(initial=0)) + 1
    x = place / max(n - 1, 1) if n > 1 else place + 0.15
    estimates(ax, x, known["threshold"], known["low"], known["high"], SERIES[2], "^", upright=True, size=15)
    for level, part in known.groupby("level", sort=False):
        middle = float(part["threshold"].mean())
        ax.annotate(framework.name("level", str(level), w.language), (1.08 if n > 1 else 0.27, middle), fontsize=7.5,
                    color=INK, va="center", annotation_clip=False)  # fmt: skip
    ax.set_xlim(-0.12, 1.75 if n > 1 else 1.2)


def told_wright(result: Result) -> dict[str, Any]:
    """Ends of the measures of trainers and criteria."""
    trainers, criteria = (result.tables[name] for name in ("trainers", "criteria"))
    return {
        "n_trainers": int(trainers["severity"].notna().sum()), "n_criteria": int(criteria["difficulty"].notna().sum()),
        "lenient": float(trainers["severity"].min()), "severe": float(trainers["severity"].max()),
        "easy": float(criteria["difficulty"].min()), "hard": float(criteria["difficulty"].max()),
    }  # fmt: skip


def draw_fit(ax: Axes, result: Result, w: Words) -> None:
    """Infit of criteria (left) and trainers (right) over the band in which it would lie if the model held."""
    parts = (("criteria", "criterion"), ("trainers", "trainer"))
    axes = panels(ax, (0.5, 0.5), gap=0.65)
    for one, (name, column) in zip(axes, parts, strict=True):
        table = result.tables[name]
        shown = table[table["infit"].notna()]
        if column == "trainer":
            shown = shown.sort_values("infit", ascending=False, kind="stable")
        labelled = len(shown) <= MOST_NAMES
        heights = rows(one, list(shown[column].astype(str)), labelled)
        if shown["infit_low"].notna().any():
            one.barh(heights, shown["infit_high"] - shown["infit_low"], left=shown["infit_low"].astype(float),
                     height=1.0 if not labelled else 0.62, color=FAINT, zorder=1)  # fmt: skip
        out = shown["fit"].isin(["noisy", "muted"]).to_numpy()
        one.scatter(shown["infit"], heights, s=24, c=np.where(out, SERIES[1], ACCENT), zorder=3,
                    marker="o")  # fmt: skip
        far = shown[out]
        one.scatter(far["infit"], heights[out], s=70, facecolors="none", edgecolors=SERIES[1], zorder=4)
        zero(one, 1.0)
        ends = shown[["infit", "infit_low", "infit_high"]].astype(float).to_numpy()
        low, high = np.nanmin(np.r_[ends.ravel(), 1.0]), np.nanmax(np.r_[ends.ravel(), 1.0])
        one.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        one.set_title(w(f"figure.severity.fit.{name}"))
        in_language(one.xaxis, w, 2)
        one.set_xlabel(w("column.infit.label"))


def told_fit(result: Result) -> dict[str, Any]:
    """How many lie outside their limits."""
    counts: dict[str, Any] = {}
    for name in ("criteria", "trainers"):
        table = result.tables[name]
        counts[f"n_{name}"] = int(table["infit"].notna().sum())
        counts |= {f"{name}_{fit}": int((table["fit"] == fit).sum()) for fit in ("noisy", "muted")}
    return counts


def draw_drift(ax: Axes, result: Result, w: Words) -> None:
    """Change of severity of each trainer, a panel for each session, in the order of the last one."""
    table = result.tables["drift"]
    sessions = sorted(table["session"].astype(str).unique())
    names = _drifting(table, sessions)
    axes = panels(ax, [1.0] * len(sessions), (0.62, 0.55, 0.2, 0.4), 0.15)
    for place, (one, session) in enumerate(zip(axes, sessions, strict=True)):
        heights = rows(one, names, place == 0)
        own = table[table["session"].astype(str) == session].set_index("trainer").reindex(names)
        clear = (own["p_adjusted"] < 0.05).to_numpy()
        estimates(one, heights, own["severity_change"], own["low"], own["high"], filled=clear)
        zero(one)
        one.set_title(session)
        one.grid(axis="x")
        in_language(one.xaxis, w)
    wide = max(abs(bound) for one in axes for bound in one.get_xlim())
    for one in axes:
        one.set_xlim(-wide, wide)
    axes[0].set_xlabel(w("column.severity_change.label"))


def _drifting(table: pd.DataFrame, sessions: list[str]) -> list[str]:
    """The trainers that are shown: those with a number, the largest changes where they are too many."""
    known = table[table["severity_change"].notna()]
    size = known["severity_change"].abs().groupby(known["trainer"].astype(str)).max().sort_values(ascending=False)
    kept = known[known["trainer"].astype(str).isin(size.index[:MOST_NAMES])]
    last = kept[kept["session"].astype(str) == sessions[-1]].sort_values("severity_change", ascending=False)
    order = list(last["trainer"].astype(str))
    return order + sorted(set(kept["trainer"].astype(str)) - set(order))


def told_drift(result: Result) -> dict[str, Any]:
    """How many trainers and sessions, and how many clear changes."""
    table = result.tables["drift"]
    return {"n": int(table["trainer"].nunique()), "n_sessions": int(table["session"].nunique()),
            "n_clear": int(table.loc[table["p_adjusted"] < 0.05, "trainer"].nunique())}  # fmt: skip


PLOTS = {
    "wright": Plot(("trainers", "criteria", "thresholds", "targeting"), draw_wright, lambda r: (9.4, 7.6), told_wright),
    "trainers": Plot(
        ("trainers",), draw_trainers, lambda r: (8.2, _high(len(r.tables["trainers"]), 1.1)), told_trainers
    ),
    **LEVEL_PLOTS,
    "fit": Plot(
        ("criteria", "trainers"), draw_fit,
        lambda r: (8.2, _high(max(len(r.tables["criteria"]), len(r.tables["trainers"])), 1.1)), told_fit,
    ),
    "drift": Plot(
        ("drift",), draw_drift, lambda r: (8.2, _high(r.tables["drift"]["trainer"].nunique(), 1.05)), told_drift
    ),
}  # fmt: skip
