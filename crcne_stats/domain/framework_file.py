"""What may be wrong with a framework file, each fault with its line and the mend."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.shape import Fault, Path, faults
from crcne_stats.shipped import data_schema

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_FILLED = r"\S"

_LINK_SHAPES = {
    "same": ((1, 1), (1, 1)),
    "reworded": ((1, 1), (1, 1)),
    "split": ((1, 1), (2, None)),
    "merged": ((2, None), (1, 1)),
    "new": ((0, 0), (1, 1)),
    "dropped": ((1, 1), (0, 0)),
}


def read(text: str, where: str = "") -> dict[str, Any]:
    """The tables of a framework file.

    Raises
    ------
    DataError
        With every fault of structure; when there is none, with every fault of sense.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([_syntax(str(error), text, where)]) from None
    teller = _Teller(where, _lines(text))
    for fault in sorted(faults(table, _schema()), key=lambda fault: [str(part) for part in fault.path]):
        teller.structure(fault)
    if not teller.problems:
        _sense(table, teller)
    if teller.problems:
        raise DataError(teller.problems)
    return table


def written(table: Mapping[str, Any]) -> str:
    """The tables as TOML, each entry of a list under a ``[[title]]`` of its own so that a fault in it has a line.

    (The libraries that write TOML put short entries on one line.)
    """
    return "\n".join(_written(table, ())).lstrip("\n") + "\n"


def _written(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping) or _is_entries(value)}
    for name, value in table.items():
        if name not in inner:
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
    for name, value in inner.items():
        title = ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in (*path, name))
        for entry in value if _is_entries(value) else (value,):
            if entry is not value or any(not isinstance(part, Mapping | list) for part in value.values()):
                yield f"\n[[{title}]]" if entry is not value else f"\n[{title}]"
            yield from _written(entry, (*path, name))


def _is_entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def crosswalk_problems(table: Mapping[str, Any], text: str, old: Sequence[str], where: str = "") -> Problems:
    """Criteria of the previous version that its crosswalk does not know, or forgets."""
    teller = _Teller(where, _lines(text))
    links = table["crosswalk"]["links"]
    for index, link in enumerate(links):
        for key in link.get("old", ()):
            if key not in old:
                teller.tell("framework_link_unknown", ("crosswalk", "links", index, "old"), key, allowed=", ".join(old))
    told = {key for link in links for key in link.get("old", ())}
    for key in old:
        if key not in told:
            teller.tell("framework_link_missing", ("crosswalk",), key)
    return teller.problems


@cache
def _schema() -> dict[str, Any]:
    path = data_schema() / "frameworks" / "framework.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _syntax(message: str, text: str, where: str) -> Problem:
    found = re.search(r"at line (\d+)", message)
    row = int(found.group(1)) if found else max(1, text.count("\n"))
    lines = text.splitlines()
    shown = lines[row - 1].strip() if row <= len(lines) else ""
    return Problem("framework_syntax", file=where, row=row, found=shown[:80])


class _Teller:
    """Collects faults and finds the line of each."""

    def __init__(self, where: str, lines: Mapping[Path, int]) -> None:
        self.where = where
        self.lines = lines
        self.problems = Problems()

    def tell(self, code: str, path: Path, found: object = "", **values: Any) -> None:
        """Count one fault at ``path``, or at the nearest place above it that has a line."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        column = ".".join(str(part) for part in path if isinstance(part, str))
        row = self.lines.get(known, 1)
        self.problems.add(Problem(code, values, file=self.where, row=row, column=column, found=str(found)))

    def structure(self, fault: Fault) -> None:
        """Translate one fault that the schema found."""
        path = fault.path
        if fault.keyword == "required":
            self.tell("framework_missing_key", (*path, fault.wanted), wanted=fault.wanted, table=_spoken(path))
        elif fault.keyword == "additionalProperties":
            for name in sorted(set(fault.found) - set(fault.schema.get("properties", {}))):
                allowed = ", ".join(fault.schema.get("properties", {}))
                self.tell("framework_unknown_key", (*path, name), name, allowed=allowed)
        elif fault.keyword == "enum":
            self.tell("framework_value", path, fault.found, allowed=", ".join(map(str, fault.wanted)))
        elif fault.keyword == "type":
            self.tell("framework_type", path, fault.found, kind=str(fault.wanted))
        elif fault.keyword == "minItems" or fault.wanted == _FILLED:
            self.tell("framework_empty", path, wanted=_spoken(path))
        elif fault.keyword in ("exclusiveMinimum", "maximum"):
            self.tell("framework_share", path, fault.found)
        else:
            self.tell("framework_form", path, fault.found)


def _spoken(path: Path) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "–"


def _sense(table: Mapping[str, Any], teller: _Teller) -> None:
    for name in ("levels", "mentions", "phases", "items", "criteria"):
        _repeated([entry["key"] for entry in table.get(name, ())], (name,), teller)
    phases = [entry["key"] for entry in table["phases"]]
    items = [entry["key"] for entry in table["items"]]
    scales = list(table.get("scales", {}))
    for index, entry in enumerate(table["items"]):
        _known(entry["phase"], phases, ("items", index, "phase"), teller)
    for index, entry in enumerate(table["criteria"]):
        _known(entry["item"], items, ("criteria", index, "item"), teller)
        if entry.get("scale"):
            _known(entry["scale"], scales, ("criteria", index, "scale"), teller)
    _rising(table["levels"], ("levels",), teller)
    for name, scale in table.get("scales", {}).items():
        _rising(scale, ("scales", name), teller)
        _repeated([entry["key"] for entry in scale], ("scales", name), teller)
    levels = [entry["key"] for entry in table["levels"]]
    rules = table.get("rules", {})
    _cuts(rules.get("cuts", ()), len(levels) - 1, teller)
    if math.isnan(rules.get("count_share", 1)):  # the schema lets it pass
        teller.tell("framework_share", ("rules", "count_share"), "nan")
    for key in table.get("pix_levels", ()):
        _known(key, levels, ("pix_levels",), teller)
    if "crosswalk" in table:
        _crosswalk(table, teller)


def _repeated(keys: Sequence[str], path: Path, teller: _Teller) -> None:
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key in first:
            line = teller.lines.get((*path, first[key]), 1)
            teller.tell("framework_repeated", (*path, index, "key"), key, first_row=line)
        first.setdefault(key, index)


def _known(key: str, allowed: Iterable[str], path: Path, teller: _Teller) -> None:
    if key not in allowed:
        teller.tell("framework_reference", path, key, allowed=", ".join(allowed))


def _rising(scale: Sequence[Mapping[str, Any]], path: Path, teller: _Teller) -> None:
    for index, (below, above) in enumerate(itertools.pairwise(scale), start=1):
        if above["score"] <= below["score"]:
            teller.tell("framework_levels_order", (*path, index, "score"), above["score"], below=below["score"])
    for language in ("fr", "en"):
        names = [entry.get(language, "") for entry in scale]
        for index, name in enumerate(names):
            if name and name in names[:index]:
                teller.tell("framework_level_named_twice", (*path, index, language), name)


def _cuts(cuts: Sequence[float], wanted: int, teller: _Teller) -> None:
    rise = all(below < above for below, above in itertools.pairwise(cuts))
    if cuts and (len(cuts) != wanted or not rise or not all(map(math.isfinite, cuts))):
        teller.tell("framework_cuts", ("rules", "cuts"), ", ".join(map(str, cuts)), wanted=wanted)


def _crosswalk(table: Mapping[str, Any], teller: _Teller) -> None:
    links = table["crosswalk"]["links"]
    criteria = [entry["key"] for entry in table["criteria"]]
    for index, link in enumerate(links):
        path: Path = ("crosswalk", "links", index)
        shape = _LINK_SHAPES[link["kind"]]
        for side, (least, most) in zip(("old", "new"), shape, strict=True):
            n = len(link.get(side, ()))
            if n < least or (most is not None and n > most):
                wanted = f"{least}" if least == most else f"{least}+"
                teller.tell("framework_link_count", (*path, side), n, kind=link["kind"], side=side, wanted=wanted)
        for key in link.get("new", ()):
            _known(key, criteria, (*path, "new"), teller)
    for side in ("old", "new"):
        told = Counter(key for link in links for key in link.get(side, ()))
        for key in [key for key, n in told.items() if n > 1]:
            last = max(index for index, link in enumerate(links) if key in link.get(side, ()))
            teller.tell("framework_link_twice", ("crosswalk", "links", last, side), key)
    told_new = {key for link in links for key in link.get("new", ())}
    for index, key in enumerate(criteria):
        if key not in told_new:
            teller.tell("framework_link_missing", ("criteria", index), key)


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_NAME = re.compile(r"""["']([^"']*)["']|([\w-]+)""")
_ENTRY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=""")


def _lines(text: str) -> dict[Path, int]:
    """The line of each table, array entry and key of a TOML text."""
    return dict(_located(text))


def _located(text: str) -> Iterator[tuple[Path, int]]:
    counts: Counter[Path] = Counter()
    here: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:
            quote = "" if line.count(quote) % 2 else quote
            continue
        header = _HEADER.match(line)
        entry = None if header else _ENTRY.match(line)
        if header:
            names = tuple(quoted or bare for quoted, bare in _NAME.findall(header.group(2)))
            here = _resolved(names, counts)
            if header.group(1) == "[[":
                here = (*here, counts[here])
                counts[here[:-1]] += 1
            yield here, number
        elif entry:
            yield (*here, *(part.strip("\"'") for part in entry.group(1).split("."))), number
            quote = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")


def _resolved(names: Sequence[str], counts: Mapping[Path, int]) -> Path:
    """The path of a header below the last entry of any array of tables that it goes through."""
    here: Path = ()
    for position, name in enumerate(names):
        here = (*here, name)
        if position < len(names) - 1 and counts.get(here):
            here = (*here, counts[here] - 1)
    return here
