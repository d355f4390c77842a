"""Small tools that the shared nouns need on frames: text categories and integer keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.errors import LISTED, Problems


def as_text(values: Any) -> pd.Series:
    """``values`` as a category of text in sorted order; a whole number loses its ``.0``, an empty text is missing."""
    series = pd.Series(values)
    category = series if isinstance(series.dtype, pd.CategoricalDtype) else series.astype("category")
    texts = [_text(value) for value in category.cat.categories]
    names = sorted({text for text in texts if text})
    index = {name: position for position, name in enumerate(names)}
    recode = np.array([index.get(text, -1) for text in texts] + [-1], dtype=np.int64)
    codes = recode[category.cat.codes.to_numpy()]
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype=object)), index=series.index)


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return plain_text(str(value))


_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u202f\u2007", " ") | dict.fromkeys("\u200b\ufeff", None))


def plain_text(text: str) -> str:
    """``text`` as one compares identifiers: composed accents, plain spaces, nothing invisible, none around."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.translate(_BLANKS)).strip()


def combined_codes(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """One integer per row (rows,) that orders and tells apart the rows by ``columns`` (all of them categories)."""
    key = np.zeros(len(frame), dtype=np.int64)
    for name in columns:
        values = frame[name].cat
        key = key * (len(values.categories) + 1) + values.codes.to_numpy().astype(np.int64) + 1
    return key


def first_rows(key: np.ndarray) -> np.ndarray:
    """For each row (rows,) the position of the first row that has the same key."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first[inverse] if len(key) else np.zeros(0, dtype=np.int64)


def positions(problems: Problems, where: np.ndarray) -> int:
    """How many of the faulty rows ``where`` still fit in the listing; all of them are remembered as faulty."""
    problems.faulty.append(where)
    return min(len(where), max(0, LISTED - len(problems.items)))
