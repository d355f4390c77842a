"""Several panels in the place of one, and the marks that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from crcne_stats.view.style import ACCENT, FAINT, PAPER, SOFT

MARGINS = (0.62, 0.62, 0.2, 0.4)
"""Left, bottom, right and top of a figure of its own, in inches."""


def panels(
    ax: Axes, shares: Sequence[float], margins: tuple[float, float, float, float] = MARGINS, gap: float = 0.25
) -> list[Axes]:
    """``ax`` and further axes beside it, as wide as ``shares``, with ``gap`` inches between them."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.set_layout_engine("none")
    width, height = figure.get_size_inches()
    box = ax.get_position()
    if len(figure.axes) == 1:
        left, bottom, right, top = margins
        box = box.from_extents(left / width, bottom / height, 1 - right / width, 1 - top / height)
    space = gap / width
    room = box.width - space * (len(shares) - 1)
    widths = room * np.array(shares, dtype=float) / sum(shares)
    starts = box.x0 + np.r_[0, np.cumsum(widths + space)][:-1]
    ax.set_position((starts[0], box.y0, widths[0], box.height))
    return [ax, *(figure.add_axes((x, box.y0, w, box.height)) for x, w in zip(starts[1:], widths[1:], strict=True))]


def inch(ax: Axes) -> float:
    """One inch as a share of the height of the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return float(1 / (ax.get_position().height * figure.get_size_inches()[1]))


def estimates(
    ax: Axes, at: Any, value: Any, low: Any, high: Any, colour: str = ACCENT, marker: str = "o", filled: Any = True,
    upright: bool = False, size: float = 22, faint: bool = False,
) -> None:  # fmt: skip
    """Points with their intervals, lying or ``upright``; hollow where not ``filled``; ``faint`` where lines meet."""
    lines = ax.vlines if upright else ax.hlines
    at, value = np.asarray(at, dtype=float), np.asarray(value, dtype=float)
    lines(at, np.asarray(low, dtype=float), np.asarray(high, dtype=float), color=colour, linewidth=1.3,
          alpha=0.4 if faint else 1, zorder=2)  # fmt: skip
    face = np.where(np.broadcast_to(filled, at.shape), colour, PAPER)
    place = (at, value) if upright else (value, at)
    ax.scatter(*place, s=size, c=face, edgecolors=colour, linewidths=1.1, marker=marker, zorder=3)


def rows(ax: Axes, names: Sequence[str], labelled: bool = True) -> np.ndarray:
    """A row for each name, the first on top, faint lines between them; returns the heights."""
    heights = np.arange(len(names))[::-1].astype(float)
    ax.set_yticks(*((heights, list(names)) if labelled else ([],)))
    ax.set_ylim(-0.7, max(len(names), 1) - 0.3)
    ax.tick_params(axis="y", length=0)
    if len(names) <= 80:
        for height in heights:
            ax.axhline(height - 0.5, color=FAINT, linewidth=0.5, zorder=0)
    return heights


def zero(ax: Axes, at: float = 0.0) -> None:
    """The line of no difference."""
    ax.axvline(at, color=SOFT, linewidth=0.8, zorder=1)
