"""What an agreement amounts to in words, and how many students would settle it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.core.benchmark import SCALES, deserved, naive
from crcne_stats.core.samplesize import students_needed

NAN = float("nan")
WANTED = 0.95
"""A word is deserved when the coefficient reaches its range with this probability."""


def benchmarked(main: pd.DataFrame, about: list[str]) -> pd.DataFrame:
    """The word of each scale for each row of ``main``: on the estimate, on the interval, and the one deserved.

    ``verdict`` is the naive word. ``verdict_low`` and ``verdict_high`` are the words of the interval's bounds (Koo &
    Li 2016 advise to read their scale so). ``verdict_sure`` is the best word deserved with a probability of 95 %
    (Gwet 2014), ``probability`` that probability. ``about`` are the columns that say what a row is about.
    """
    rows = []
    for record in main.to_dict("records"):
        base = {name: record[name] for name in (*about, "coefficient", "weights", "value", "se")}
        for name, scale in SCALES.items():
            word, probability = deserved(record["value"], record["se"], scale)
            bounds = {
                f"verdict_{end}": naive(record[end], scale) if pd.notna(record[end]) else None
                for end in ("low", "high")
            }
            known = pd.notna(record["value"])
            rows.append(
                {**base, "scale": name, "verdict": naive(record["value"], scale) if known else None, **bounds,
                 "verdict_sure": word or None, "probability": probability, "n_students": record["n_students"],
                 "n_double": record["n_double"], "reason": record["reason"] if not word else ""}
            )  # fmt: skip
    text = dict.fromkeys(("verdict", "verdict_low", "verdict_high", "verdict_sure", "reason"), object)
    return pd.DataFrame(rows).astype(text)


def sample_sizes(main: pd.DataFrame, about: list[str], half_width: float, level: float) -> pd.DataFrame:
    """How many students rated twice an interval of ± ``half_width``, and of half of it, would need.

    From the error of each row of ``main`` (Gwet 2014, ch. 5), the share of students rated once and the number of
    trainers per file being kept. ``half_width_now`` is half the interval in hand.
    """
    rows = []
    for record in main.to_dict("records"):
        base = {name: record[name] for name in (*about, "coefficient", "weights", "value", "se")}
        now = (record["high"] - record["low"]) / 2 if pd.notna(record["low"]) else NAN
        for wanted in (half_width, half_width / 2):
            needed = students_needed(record["se"], record["n_double"], wanted, level)
            reason = "" if np.isfinite(needed) else record["reason"] or "no_error"
            rows.append(
                {**base, "half_width_now": now, "half_width": wanted, "n_students": record["n_students"],
                 "n_double": record["n_double"], "n_needed": needed,
                 "n_more": max(0.0, needed - record["n_double"]) if np.isfinite(needed) else NAN, "reason": reason}
            )  # fmt: skip
    return pd.DataFrame(rows).astype({"reason": object})


def main_rows(table: pd.DataFrame, coefficient: str) -> pd.DataFrame:
    """The rows of the coefficient on which words and sizes are given."""
    return table[table["coefficient"] == coefficient].reset_index(drop=True)


def columns_about(table: pd.DataFrame) -> list[str]:
    """The columns before the coefficient: what a row is about."""
    names = list(table.columns)
    return [str(name) for name in names[: names.index("coefficient")]]


def settled(row: dict[str, Any], benchmark: float) -> str:
    """What an interval concludes against the benchmark: "below", "above" or "unsure"; "" without an interval."""
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return ""
    if row["high"] < benchmark:
        return "below"
    return "above" if row["low"] >= benchmark else "unsure"
