"""The check of shapes says what the jsonschema package says."""

from __future__ import annotations

import copy
import datetime
import json
import random
import tomllib
from typing import Any

import jsonschema
import pytest

from crcne_stats.domain.shape import faults
from crcne_stats.shipped import data_schema

FOLDER = data_schema() / "frameworks"
SCHEMA = json.loads((FOLDER / "framework.schema.json").read_text(encoding="utf-8"))
JUNK = [
    None, True, False, 0, 1, 1.0, 1.5, -2, float("nan"), "", "  ", "mean", "2024-01-31", [], [1], ["x", ""], {},
    {"fr": ""}, {"fr": "x", "odd": 1}, datetime.date(2024, 1, 31),
]  # fmt: skip


def theirs(table: Any) -> list[tuple[Any, ...]]:
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(table)
    return sorted((tuple(map(str, fault.absolute_path)), fault.validator, repr(fault.instance)) for fault in found)


def ours(table: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(str, fault.path)), fault.keyword, repr(fault.found)) for fault in faults(table, SCHEMA))


def spoilt(table: Any, draw: random.Random) -> Any:
    """``table`` with one value somewhere in it changed, taken away or added."""
    if not isinstance(table, dict | list) or not table or draw.random() < 0.1:
        return copy.deepcopy(draw.choice(JUNK))
    place = draw.choice(list(table) if isinstance(table, dict) else range(len(table)))
    kind = draw.random()
    if kind < 0.1:
        del table[place]
    elif kind < 0.2 and isinstance(table, dict):
        table["odd"] = copy.deepcopy(draw.choice(JUNK))
    else:
        table[place] = spoilt(table[place], draw)
    return table


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_as_jsonschema_on_spoilt_files(path: Any) -> None:
    sound = tomllib.loads(path.read_text(encoding="utf-8"))
    assert ours(sound) == theirs(sound) == []
    sound["rules"] |= {"count_share": 0.5, "cuts": [0.5, 1.5, 2.5]}
    sound["scales"] = {"s": copy.deepcopy(sound["levels"])}
    draw = random.Random(1)
    kinds = set()
    for _ in range(200):
        table = copy.deepcopy(sound)
        for _ in range(draw.randint(1, 6)):
            table = spoilt(table, draw)
        found = ours(table)
        assert found == theirs(table)
        kinds |= {keyword for _, keyword, _ in found}
    assert {"type", "enum", "pattern", "required", "additionalProperties"} <= kinds


@pytest.mark.parametrize("name", ["levels", "phases", "criteria"])
def test_as_jsonschema_on_an_empty_list(name: str) -> None:
    table = tomllib.loads((FOLDER / "2022-2023.toml").read_text(encoding="utf-8")) | {name: []}
    assert ours(table) == theirs(table) == [((name,), "minItems", "[]")]


@pytest.mark.parametrize("share", [0, 1, 0.5, 1.1, -1, True, "1", float("nan"), float("inf")])
def test_as_jsonschema_on_the_bounds_of_a_share(share: object) -> None:
    table = tomllib.loads((FOLDER / "2022-2023.toml").read_text(encoding="utf-8"))
    table["rules"]["count_share"] = share
    assert ours(table) == theirs(table)


def test_a_keyword_that_is_not_checked_is_no_silence() -> None:
    with pytest.raises(KeyError, match="uniqueItems"):
        list(faults([1], {"type": "array", "uniqueItems": True}))
