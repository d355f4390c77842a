"""The tables of ``agreement`` that follow from its estimates: compared, in words, two by two, under other choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from crcne_stats.analysis.agreement_compare import COMPARED, compared_groups, differences
from crcne_stats.analysis.agreement_groups import Group
from crcne_stats.analysis.agreement_multiverse import multiverse
from crcne_stats.analysis.agreement_notes import HEADLINES
from crcne_stats.analysis.agreement_pairs import Panel, margins, paired
from crcne_stats.analysis.agreement_readings import benchmarked, columns_about, main_rows, sample_sizes
from crcne_stats.core.compare import ADJUSTMENTS
from crcne_stats.domain.ratings import Ratings


def headline(names: Sequence[str]) -> str:
    """The coefficient on which further tables and notes rest."""
    return next(name for name in HEADLINES if name in names)


def check_further(group: str | None, adjustment: str, half_width: float) -> None:
    """Raise ValueError for options of the further tables that mean nothing."""
    if group is not None and group not in COMPARED:
        raise ValueError(f"unknown group {group!r}; there are {', '.join(COMPARED)}")
    if adjustment not in ADJUSTMENTS:
        raise ValueError(f"unknown adjustment {adjustment!r}; there are {', '.join(ADJUSTMENTS)}")
    if not half_width > 0:
        raise ValueError(f"half_width must be positive, not {half_width}")


def further_tables(
    ratings: Ratings,
    chosen: list[str],
    groups: list[Group],
    table: pd.DataFrame,
    weights: Any,
    settings: dict[str, Any],
) -> dict[str, pd.DataFrame]:
    """Every further table, in the order in which a reader wants them.

    ``table`` is that of the estimates. Criteria are compared and put under other choices where the question was asked
    criterion by criterion; groups where ``settings["group"]`` names them.
    """
    name = headline(settings["coefficients"])
    main, about = main_rows(table, name), columns_about(table)
    found, every = {"benchmark": benchmarked(main, about)}, None
    omnibus = []
    if settings["by"] == "criterion":
        if settings["multiverse"]:
            every, summary = multiverse(ratings, groups, name, weights, settings)
            found["multiverse_summary"] = summary
        found["differences"], test = differences(groups, name, settings, len(ratings.codes("student")[1]))
        omnibus.append(test)
    if settings["group"] is not None:
        found["groups"], test = compared_groups(ratings, chosen, settings["group"], name, weights, settings)
        omnibus.append(test)
    if omnibus:
        found["omnibus"] = pd.concat(omnibus, ignore_index=True)
    panel = Panel(ratings, chosen, weights)
    found |= {"pairs": paired(panel, settings), "margins": margins(panel, settings)}
    found["sample_size"] = sample_sizes(main, about, settings["half_width"], settings["level"])
    return found if every is None else {**found, "multiverse": every}
