"""How figures look: one style, readable in grey, without touching matplotlib's global settings."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from crcne_stats.words import Words

INK, SOFT, FAINT, PAPER = "#1b1b1b", "#5c5c5c", "#d4d4d4", "#ffffff"
ACCENT = "#0b5394"
SERIES = ("#0b5394", "#c7511f", "#4d7c0f", "#7a3e9d", "#6b6b6b", "#a8791c")
MARKERS = ("o", "s", "D", "^", "v", "P")
_PARAMETERS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "crcne",
}


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the time of a drawing only."""
    with mpl.rc_context(_PARAMETERS):
        yield


class Drawing(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self, 110)


def drawing(width: float, height: float) -> Drawing:
    """An empty figure, sizes in inches."""
    figure = Drawing(figsize=(width, height), layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def settled(figure: Figure) -> Figure:
    """The same figure, its layout found and kept: each of its files is then drawn once instead of twice."""
    with styled():
        figure.draw_without_rendering()
    figure.set_layout_engine(None)
    return figure


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG, the same bytes for the same figure."""
    sink = io.BytesIO()
    with styled():
        figure.savefig(sink, format="png", dpi=dpi, metadata={"Software": None})
    return sink.getvalue()


def svg(figure: Figure, title: str = "", description: str = "") -> str:
    """The figure as SVG, the same text for the same figure; ``title`` and ``description`` are read aloud."""
    sink = io.BytesIO()
    told = {name: text for name, text in (("Title", title), ("Description", description)) if text}
    with styled():
        figure.savefig(sink, format="svg", metadata={"Date": None, **told})
    return sink.getvalue().decode("utf-8")


def in_language(axis: Any, w: Words, decimals: int = 1, percent: bool = False) -> None:
    """Write the numbers of an axis as the language does, with one decimal more where ticks stand between."""

    def written(value: float, _: Any) -> str:
        if percent:
            return w.percent(abs(value))
        ticks = np.asarray(axis.get_majorticklocs(), dtype=float)
        between = (np.abs(ticks - np.round(ticks, decimals)) > 1e-6).any()
        return w.number(value, decimals + int(between))

    axis.set_major_formatter(FuncFormatter(written))


def ramp(n: int) -> list[str]:
    """``n`` colours from light to dark, ordered in grey as well."""
    scale = mpl.colormaps["cividis_r"]
    return [mpl.colors.to_hex(scale(position)) for position in np.linspace(0.06, 0.98, max(n, 1))]


def shades(n: int) -> list[str]:
    """``n`` colours from white to the dark of the accent, for sizes that begin at nothing."""
    scale = mpl.colors.LinearSegmentedColormap.from_list("size", [PAPER, "#a9c1da", "#0b3560"])
    return [mpl.colors.to_hex(scale(position)) for position in np.linspace(0, 1, max(n, 2))]


def text_on(colour: str) -> str:
    """Black or white, whichever is easier to read on ``colour``."""
    red, green, blue = mpl.colors.to_rgb(colour)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else PAPER


def criterion_rows(ax: Axes, keys: Sequence[str]) -> np.ndarray:
    """Put the criteria on the vertical axis, the first on top; returns their heights."""
    heights = np.arange(len(keys))[::-1].astype(float)
    ax.set_yticks(heights, list(keys))
    ax.set_ylim(-0.7, len(keys) - 0.3)
    ax.tick_params(axis="y", length=0)
    return heights
