"""What a figure is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from crcne_stats.domain.result import Result
from crcne_stats.words import Words


@dataclass(frozen=True)
class Plot:
    """``draw`` puts ink on the axes, ``size`` gives inches, ``told`` the values of the alternative text.

    ``tables`` names the tables without which there is nothing to draw, ``shown`` says whether what they hold suits.
    """

    tables: tuple[str, ...]
    draw: Callable[[Axes, Result, Words], None]
    size: Callable[[Result], tuple[float, float]]
    told: Callable[[Result], dict[str, Any]]
    shown: Callable[[Result], bool] = lambda result: True


def framework_of(result: Result) -> Any:
    """The framework that names levels and criteria."""
    assert result.ratings is not None
    return result.ratings.framework
