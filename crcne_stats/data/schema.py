"""The published data contract, read from ``data_schema/``: names of columns, their aliases, missing codes.

Each field of a Table Schema carries two properties of our own: ``column``, our name of it, and ``aliases``, other
headers under which it is known.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from crcne_stats.shipped import data_schema

MARK = "simulation"
"""The value of the field ``origine`` that marks simulated data."""


@dataclass(frozen=True)
class Schema:
    """Headers of one table: ``headers`` our name → published header, ``known`` folded header → our name."""

    headers: Mapping[str, str]
    known: Mapping[str, str]
    missing: frozenset[str]

    def column(self, header: str) -> str | None:
        """Our name of a header, None when it is not one of the contract's."""
        return self.known.get(folded(header))


@cache
def schema(table: str) -> Schema:
    """The schema of "ratings" or "students"."""
    content = json.loads((data_schema() / f"{table}.schema.json").read_text(encoding="utf-8"))
    fields = content["fields"]
    known = {folded(name): field["column"] for field in fields for name in [field["name"], *field["aliases"]]}
    return Schema({field["column"]: field["name"] for field in fields}, known, missing_codes(content["missingValues"]))


def missing_codes(codes: Iterable[object]) -> frozenset[str]:
    """Codes as they are compared with cells."""
    return frozenset(as_code(str(code)) for code in codes)


@cache
def as_code(text: str) -> str:
    """A cell as it is compared with missing codes: case and accents do not count, marks do (-1 is not 1)."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(letters.casefold().split()) or text.strip()


@cache
def folded(text: str) -> str:
    """``text`` without case, accents, punctuation and doubled spaces, so that headers and names can be compared.

    Letters of other alphabets stay: «Øc» is not «c».
    """
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return " ".join(re.findall(r"(?:[^\W_]|\.)+", plain)).strip(".")
