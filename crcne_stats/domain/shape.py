"""Whether a table has the shape that a JSON Schema asks, for the keywords that the kit's own schemas use.

The jsonschema package says the same (a test compares them) but takes two seconds to import where a server of notebooks
is installed, and every command reads a framework file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """What ``keyword`` of ``schema`` asks (``wanted``) and the value at ``path`` (``found``) does not give.

    For "required", ``wanted`` is the one name that is missing.
    """

    path: Path
    keyword: str
    wanted: Any
    found: Any
    schema: Schema


def faults(value: Any, schema: Schema) -> Iterator[Fault]:
    """Every fault of ``value``, in the order of the schema.

    Raises
    ------
    KeyError
        When the schema uses a keyword that is not checked here: none is passed over in silence.
    """
    yield from _faults(value, schema, (), schema)


def _faults(value: Any, schema: Schema, path: Path, root: Schema) -> Iterator[Fault]:
    for keyword, wanted in schema.items():
        if keyword in _INNER:
            yield from _INNER[keyword](value, schema, path, root)
        elif keyword == "required":
            missing = [name for name in wanted if isinstance(value, dict) and name not in value]
            yield from (Fault(path, keyword, name, value, schema) for name in missing)
        elif keyword not in _SAYS_NOTHING and not _HOLDS[keyword](value, wanted):
            yield Fault(path, keyword, wanted, value, schema)


def _referred(value: Any, schema: Schema, path: Path, root: Schema) -> Iterator[Fault]:
    yield from _faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], path, root)


def _properties(value: Any, schema: Schema, path: Path, root: Schema) -> Iterator[Fault]:
    for name, inner in schema["properties"].items():
        if isinstance(value, dict) and name in value:
            yield from _faults(value[name], inner, (*path, name), root)


def _further(value: Any, schema: Schema, path: Path, root: Schema) -> Iterator[Fault]:
    inner = schema["additionalProperties"]
    names = [name for name in value if name not in schema.get("properties", {})] if isinstance(value, dict) else []
    if inner is False and names:
        yield Fault(path, "additionalProperties", inner, value, schema)
    elif isinstance(inner, Mapping):
        for name in names:
            yield from _faults(value[name], inner, (*path, name), root)


def _items(value: Any, schema: Schema, path: Path, root: Schema) -> Iterator[Fault]:
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        yield from _faults(entry, schema["items"], (*path, index), root)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


_INNER: Mapping[str, Callable[[Any, Schema, Path, Schema], Iterator[Fault]]] = {
    "$ref": _referred,
    "properties": _properties,
    "additionalProperties": _further,
    "items": _items,
}
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or float(value).is_integer()),
}
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, wanted: _TYPES[wanted](value),
    "enum": lambda value, wanted: value in wanted,
    "pattern": lambda value, wanted: not isinstance(value, str) or re.search(wanted, value) is not None,
    "minItems": lambda value, wanted: not isinstance(value, list) or len(value) >= wanted,
    "exclusiveMinimum": lambda value, wanted: not (_is_number(value) and value <= wanted),
    "maximum": lambda value, wanted: not (_is_number(value) and value > wanted),
}
_SAYS_NOTHING = ("$schema", "$defs", "title")
