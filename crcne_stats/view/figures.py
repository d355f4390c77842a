"""Figures by name: a plot receives a computed table and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.plots import (
    agreement,
    calibration,
    certification,
    concordance,
    describe,
    difficulty,
    fairness,
    generalizability,
    icc,
    planning,
    priorities,
    severity,
    trainer_sheet,
    verdict,
)
from crcne_stats.view.style import drawing, styled
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

Plot = Callable[[Axes, Result, Words], None]

_PLOTS: dict[str, dict[str, Any]] = {
    "describe": describe.PLOTS,
    "agreement": agreement.PLOTS,
    "severity": severity.PLOTS,
    "icc": icc.PLOTS,
    "difficulty": difficulty.PLOTS,
    "fairness": fairness.PLOTS,
    "concordance": concordance.PLOTS,
    "certification": certification.PLOTS,
    "trainer_sheet": trainer_sheet.PLOTS,
    "generalizability": generalizability.PLOTS,
    "planning": planning.PLOTS,
    "calibration": calibration.PLOTS,
    "priorities": priorities.PLOTS,
    "verdict": verdict.PLOTS,
}


def figures(result: Result) -> Iterator[str]:
    """The names of the figures that a result can show."""
    for name, plot in _PLOTS.get(result.name, {}).items():
        if result.tables and all(len(result.tables.get(table, ())) for table in plot.tables) and plot.shown(result):
            yield name


def figure(
    result: Result, name: str, lang: str = DEFAULT_LANGUAGE, ax: Axes | None = None, threshold: int = THRESHOLD
) -> Figure:
    """Draw a figure of a result in the chosen language.

    Parameters
    ----------
    result, name
        The result and the name of one of its figures (:func:`figures` lists them).
    ax
        Draw on this axes; None makes a figure of its own.

    Raises
    ------
    KeyError
        When the result has no such figure, or not what it needs.
    """
    shown = published(result, threshold)
    if name not in list(figures(shown)):
        raise KeyError(f"{name}: {', '.join(figures(shown))}")
    plot = _PLOTS[result.name][name]
    with styled():
        if ax is None:
            page = drawing(*plot.size(shown))
            ax = page.add_subplot()
        plot.draw(ax, shown, words(lang))
        found = ax.get_figure()
    assert isinstance(found, Figure)
    return found


def title(result: Result, name: str, lang: str = DEFAULT_LANGUAGE) -> str:
    """The title of a figure."""
    return words(lang)(f"figure.{result.name}.{name}.title")


def alt_text(result: Result, name: str, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> str:
    """What the figure shows, in a sentence with its main numbers, for those who cannot see it."""
    shown = published(result, threshold)
    values = _PLOTS[result.name][name].told(shown)
    return words(lang)(f"figure.{result.name}.{name}.alt", **values)
