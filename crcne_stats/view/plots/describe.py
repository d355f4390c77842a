"""Figures of the data: use of levels, and the graph of trainers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.view.plots.plot import Plot, framework_of
from crcne_stats.view.style import ACCENT, INK, PAPER, SERIES, SOFT, criterion_rows, in_language, ramp, text_on
from crcne_stats.words import Words

MANY_TRAINERS = 130


def draw_levels(ax: Axes, result: Result, w: Words) -> None:
    """Diverging bars: the levels under the middle of the scale to the left, those above to the right."""
    framework = framework_of(result)
    table = result.tables["levels"]
    keys = list(dict.fromkeys(table["criterion"]))
    heights = criterion_rows(ax, keys)
    names = {level.key: level for scale in framework.scales.values() for level in scale}
    ordered = list(dict.fromkeys([level.key for level in framework.levels] + list(table["level"])))
    colours = dict(zip(ordered, ramp(len(ordered)), strict=True))
    done: set[str] = set()
    for height, key in zip(heights, keys, strict=True):
        own = table[table["criterion"] == key]
        share = own["share"].to_numpy(dtype=float)
        known = np.nan_to_num(share)
        start = -(known[: len(known) // 2].sum() + (known[len(known) // 2] / 2 if len(known) % 2 else 0))
        lefts = start + np.cumsum(known) - known
        for level, left, width, shown in zip(own["level"], lefts, known, share, strict=True):
            label = names[level].text.get(w.language, names[level].text["fr"]) if level not in done else None
            done.add(level)
            ax.barh(
                height, width, left=left, height=0.74, color=colours[level], edgecolor=PAPER, linewidth=0.8, label=label
            )
            if np.isfinite(shown) and width >= 0.07:
                ax.text(left + width / 2, height, w.percent(width), ha="center", va="center", fontsize=7,
                        color=text_on(colours[level]))  # fmt: skip
    _phases(ax, keys, framework, w)
    ax.axvline(0, color=INK, linewidth=0.8, zorder=0.5)
    in_language(ax.xaxis, w, percent=True)
    ax.set_xlabel(w("figure.describe.levels.x"))
    handles, labels = ax.get_legend_handles_labels()
    order = sorted(
        range(len(labels)), key=lambda i: [n.text.get(w.language, "") for n in names.values()].index(labels[i])
    )
    ax.legend([handles[i] for i in order], [labels[i] for i in order], ncols=min(5, len(labels)), loc="lower left",
              bbox_to_anchor=(0, 1.0), borderaxespad=0.2, handlelength=1.2, columnspacing=1.2)  # fmt: skip


def _phases(ax: Axes, keys: list[str], framework: Any, w: Words) -> None:
    """A light line between phases."""
    if len(framework.phases) < 2:
        return
    phases = [framework.phase_of(key) for key in keys]
    for place in range(1, len(keys)):
        if phases[place] != phases[place - 1]:
            ax.axhline(len(keys) - place - 0.5, color=SOFT, linewidth=0.7, linestyle=(0, (2, 2)))


def told_levels(result: Result) -> dict[str, Any]:
    """The commonest level overall and its share."""
    framework = framework_of(result)
    table = result.tables["levels"]
    counts = table.groupby("level")["n_ratings"].sum()
    key = str(counts.idxmax())
    share = float(counts.max() / max(counts.sum(), 1))
    return {"n": table["criterion"].nunique(), "level": framework.name("level", key), "share": share}


def draw_graph(ax: Axes, result: Result, w: Words) -> None:
    """Trainers around a circle, grouped by INSPÉ; a line joins two trainers who rated files in common."""
    nodes, edges = _graph(result)
    place = _layout(nodes)
    ax.set_aspect("equal")
    ax.axis("off")
    most = float(np.nanmax(edges["n_files"].to_numpy(dtype=float), initial=1))
    group = dict(zip(nodes["name"], nodes["group"], strict=True))
    # Where nearly everyone meets everyone, thin and pale lines keep the frequent meetings in sight.
    crowd = min(1.0, 4 * len(nodes) / max(len(edges), 1))
    for one, other, files in edges[["a", "b", "n_files"]].itertuples(index=False):
        if one in place and other in place:
            (x1, y1), (x2, y2) = place[one], place[other]
            weight = 0.0 if np.isnan(files) else files / most
            across = group[one] != group[other]
            colour, dash = (SERIES[1], "--") if across else (ACCENT, "-")
            width, alpha = 0.4 + 3.5 * weight * crowd, (0.5 + 0.4 * weight) * crowd
            ax.plot([x1, x2], [y1, y2], linewidth=width, alpha=alpha, zorder=1, color=colour, linestyle=dash)
    shapes = "osD^vP*X"
    for component, members in nodes.groupby("component"):
        points = np.array([place[name] for name in members["name"]])
        ax.scatter(points[:, 0], points[:, 1], s=26, color=INK, edgecolor=PAPER, linewidth=0.6, zorder=2,
                   marker=shapes[(int(component) - 1) % len(shapes)])  # fmt: skip
    for name, members in nodes.groupby("group", sort=False):
        points = np.array([place[node] for node in members["name"]])
        x, y = points.mean(axis=0)
        radius = max(float(np.hypot(x, y)), 1e-9)
        ax.text(x / radius * 1.17, y / radius * 1.17, str(name), ha="center", va="center", fontsize=8, color=INK)
    if len(set(group.values())) > 1:
        ax.plot([], [], color=ACCENT, label=w("figure.describe.graph.within"))
        ax.plot([], [], color=SERIES[1], linestyle="--", label=w("figure.describe.graph.across"))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.1), ncols=2)
    ax.set_xlim(-1.35, 1.35)
    ax.set_ylim(-1.28, 1.28)


def _graph(result: Result) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes (name, group, component) and edges (a, b, n_files): trainers, or INSPÉ where trainers are too many."""
    nodes, edges = result.tables["nodes"], result.tables["corating"]
    group = nodes["trainer_inspe"].astype(object).where(nodes["trainer_inspe"].notna(), "")
    if len(nodes) <= MANY_TRAINERS:
        drawn = pd.DataFrame({"name": nodes["trainer"], "group": group, "component": nodes["component"]})
        return drawn.sort_values(["group", "name"]), edges.rename(columns={"trainer_a": "a", "trainer_b": "b"})
    pairs = result.tables["corating_inspe"].rename(columns={"inspe": "a", "trainer_inspe": "b"})
    by_group = nodes.assign(group=group).groupby("group")["component"].min()
    drawn = pd.DataFrame({"name": by_group.index, "group": by_group.index, "component": by_group.to_numpy()})
    return drawn, pairs[pairs["a"].astype(object) != pairs["b"].astype(object)]


def _layout(nodes: pd.DataFrame) -> dict[Any, tuple[float, float]]:
    """Angles around the circle with a gap between groups."""
    groups = nodes["group"].tolist()
    steps = np.array([0.0] + [1.0 if a == b else 2.2 for a, b in itertools.pairwise(groups)])
    total = steps.sum() + 2.2
    angles = np.pi / 2 - 2 * np.pi * np.cumsum(steps) / total
    return dict(zip(nodes["name"], zip(np.cos(angles), np.sin(angles), strict=True), strict=True))


def told_graph(result: Result) -> dict[str, Any]:
    """How many trainers, INSPÉ and groups."""
    nodes = result.tables["nodes"]
    return {
        "n_trainers": len(nodes),
        "n_inspe": nodes["trainer_inspe"].nunique(),
        "n_components": nodes["component"].nunique(),
    }


PLOTS = {
    "levels": Plot(
        ("levels",), draw_levels, lambda r: (7.6, 1.2 + 0.27 * r.tables["levels"]["criterion"].nunique()), told_levels
    ),
    "graph": Plot(("nodes",), draw_graph, lambda r: (6.4, 6.4), told_graph),
}
