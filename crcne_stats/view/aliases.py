"""Trainers under a pseudonym of the publication.

A label («F01») says nothing of a trainer: the order of the labels is that of SHA-256 digests of the identifiers, salted
with a digest of all the ratings, so that neither the alphabet, nor severity, nor any result is in it, and nobody who
lacks the ratings can compute it. The same ratings give the same labels in every output. No list that joins labels and
identifiers is ever written into a study; the owner of the data has it from :func:`trainer_labels`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note

PREFIXES = ("F", "P", "Q", "V", "X", "Z")
"""F for «formateur»; another letter where the data already have identifiers of that form."""
COLUMNS = ("trainer", "trainer_a", "trainer_b")
_PAIR = ("trainer_a", "trainer_b")
_SIGNED = ("difference", "bias_difference", "t")
"""Columns that turn their sign when the two trainers of a pair change places."""
_BOUNDS = (("difference_low", "difference_high"),)
"""Bounds of these: they change places as well."""
_VALUES = ("trainer", "trainer_a", "trainer_b", "trainers")
"""Values of a Note that name trainers; the last one is a list with commas."""


def trainer_labels(ratings: Ratings) -> dict[str, str]:
    """The pseudonym of each trainer in everything published from these ratings, by identifier.

    A trainer learns the own label from whoever holds the data; labels of two studies have nothing in common.
    """
    names = [str(name) for name in ratings.codes("trainer")[1]]
    salt = _salt(ratings)
    ranked = sorted(names, key=lambda name: hashlib.sha256(salt + name.encode("utf-8", "surrogatepass")).digest())
    taken = {found[1].upper() for name in names if (found := re.match(r"\s*([A-Za-z])[\W_]*0*\d+\s*$", name))}
    prefix = next((letter for letter in PREFIXES if letter not in taken), "F*")
    wide = max(2, len(str(len(names))))
    return {name: f"{prefix}{place:0{wide}d}" for place, name in enumerate(ranked, 1)}


def _salt(ratings: Ratings) -> bytes:
    """A digest of who rated whom how, which the file hashes in a manifest do not give away."""
    digest = hashlib.sha256()
    for name in ("student", "session", "occasion", "trainer", "criterion"):
        codes, labels = ratings.codes(name)
        digest.update("\x1f".join(map(str, labels)).encode("utf-8", "surrogatepass") + b"\x1e")
        digest.update(np.ascontiguousarray(codes, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(ratings.frame["score"].to_numpy(), dtype="<i8").tobytes())
    return digest.digest()


def relabelled(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """``table`` with labels for trainers, its rows in their order: the old order would tell the alphabet."""
    own = [name for name in COLUMNS if name in table.columns]
    facet = (
        (table["facet"].astype(object) == "trainer").to_numpy()
        if {"facet", "member"} <= set(table.columns)
        else np.zeros(len(table), dtype=bool)
    )
    if not own and not facet.any():
        return table
    answer = table.copy()
    for name in own:
        answer[name] = _labelled(answer[name], labels)
    if facet.any():
        answer["member"] = answer["member"].astype(object).where(~facet, _labelled(answer["member"], labels))
        places = np.arange(len(answer))
        inside = np.flatnonzero(facet)
        places[inside] = inside[np.argsort(answer["member"].to_numpy(dtype=object)[inside].astype(str), kind="stable")]
        answer = answer.iloc[places].reset_index(drop=True)
    if set(_PAIR) <= set(own):
        answer = _turned(answer)
    return answer.sort_values(own, kind="stable", ignore_index=True) if own else answer


def _labelled(values: pd.Series, labels: Mapping[str, str]) -> pd.Series:
    """Labels of trainers; a name that no rating knows is left out, not shown."""
    return values.astype(object).map(lambda name: None if pd.isna(name) else labels.get(str(name), "–")).astype(object)


def _turned(pairs: pd.DataFrame) -> pd.DataFrame:
    """The lesser label first in each pair."""
    wrong = (pairs["trainer_a"].astype(str) > pairs["trainer_b"].astype(str)).to_numpy()
    first, second = pairs["trainer_a"].copy(), pairs["trainer_b"].copy()
    answer = pairs.assign(trainer_a=first.where(~wrong, second), trainer_b=second.where(~wrong, first))
    for name in set(_SIGNED) & set(pairs.columns):
        answer[name] = answer[name].where(~wrong, -answer[name])
    for low, high in (pair for pair in _BOUNDS if set(pair) <= set(pairs.columns)):
        answer[low], answer[high] = pairs[low].where(~wrong, -pairs[high]), pairs[high].where(~wrong, -pairs[low])
    return answer


def told(note: Note, labels: Mapping[str, str]) -> Note:
    """The note with labels for the trainers that it names."""
    values: dict[str, Any] = dict(note.values)
    names = [key for key in _VALUES if key in values]
    if values.get("facet") == "trainer" and "member" in values:
        names.append("member")
    for key in names:
        if isinstance(values[key], str):
            # «trainers» may also be the name of a rule: what is no trainer's name stays.
            parts = [values[key]] if values[key] in labels or key != "trainers" else values[key].split(", ")
            values[key] = ", ".join(labels.get(part, part if key == "trainers" else "–") for part in parts)
    return Note(note.key, values, note.kind, note.rank, note.n_students) if names else note
