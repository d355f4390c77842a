"""Every word that someone reads, and how each language writes a number.

One TOML catalogue per language stands beside this file. ``words("fr")`` gives the look-up::

    w = words("fr")
    w("note.agreement.low", n=3, value=0.412)

Placeholders are those of ``str.format`` with four additions: numbers follow the language (decimal comma, thousands
space), ``{n:étudiant|étudiants}`` counts and agrees in number, ``{n:une|des!}`` with a final ``!`` agrees without
writing the number, and ``{x!k:coefficient}`` looks the value up as ``coefficient.<x>``.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

DEFAULT_LANGUAGE = "fr"

_NARROW_NO_BREAK_SPACE = "\u202f"
_NO_BREAK_SPACE = "\u00a0"
_MINUS = "\u2212"
_BEFORE = re.compile(r" ([;?!])")


class MissingWord(KeyError):
    """A key that a catalogue lacks: a fault of the kit, never of the user."""


class Words(string.Formatter):
    """The catalogue of one language, called with a key and the values of its placeholders."""

    def __init__(self, language: str, entries: Mapping[str, str]) -> None:
        self.language = language
        self._entries = dict(entries)

    def __call__(self, key: str, /, **values: Any) -> str:
        try:
            template = self._entries[key]
        except KeyError:
            raise MissingWord(f"{key} ({self.language})") from None
        return self._spaced(self.vformat(template, (), values))

    def has(self, key: str) -> bool:
        """Whether the catalogue holds ``key``."""
        return key in self._entries

    def keys(self) -> list[str]:
        """Every key of the catalogue, in its own order."""
        return list(self._entries)

    def raw(self, key: str) -> str:
        """The sentence with its placeholders unfilled."""
        return self._entries[key]

    def number(self, value: float, decimals: int = 2) -> str:
        """``value`` with a fixed number of decimals, as the language writes it; a non-finite one is a dash."""
        if value != value or value in (float("inf"), float("-inf")):
            return "–"
        return self._localised(f"{value:,.{decimals}f}")

    def count(self, value: float) -> str:
        """A whole number with the thousands mark of the language."""
        return self.number(value, 0)

    def percent(self, share: float, decimals: int = 0) -> str:
        """A share (0 to 1) as a percentage."""
        if share != share:
            return "–"
        return self._localised(f"{share:.{decimals}%}")

    def vformat(self, format_string: str, args: Any, kwargs: Any) -> str:
        parts: list[str] = []
        for literal, field, spec, conversion in self.parse(format_string):
            parts.append(literal)
            if field is None:
                continue
            value, _ = self.get_field(field, args, kwargs)
            if conversion == "k":
                parts.append(self(f"{spec}.{value}"))
            else:
                parts.append(self.format_field(value, spec or ""))
        return "".join(parts)

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            silent = format_spec.endswith("!")
            one, many = format_spec.rstrip("!").split("|")
            word = one if self._is_one(value) else many
            return word if silent else f"{self.count(value)}{_NO_BREAK_SPACE}{word}"
        if isinstance(value, bool) or not isinstance(value, Real):
            return format(str(value), format_spec)
        if value != value:
            return "–"
        if not format_spec:
            format_spec = ",d" if isinstance(value, Integral) else ",.2f"
        return self._localised(format(value, format_spec))

    def _spaced(self, text: str) -> str:
        """French punctuation keeps to its word: a line never begins with a question mark."""
        if self.language != "fr":
            return text
        text = _BEFORE.sub(rf"{_NARROW_NO_BREAK_SPACE}\1", text)
        for before, after in (("« ", "«\u00a0"), (" »", "\u00a0»"), (" :", "\u00a0:")):
            text = text.replace(before, after)
        return text

    def _is_one(self, value: float) -> bool:
        return abs(value) < 2 if self.language == "fr" else value == 1

    def _localised(self, text: str) -> str:
        text = text.replace("-", _MINUS)
        if text.strip(_MINUS + "0.,%") == "":
            text = text.replace(_MINUS, "")  # a rounded -0.00 is written 0.00
        if self.language == "fr":
            text = text.replace(",", _NARROW_NO_BREAK_SPACE).replace(".", ",")
            text = text.replace("%", f"{_NARROW_NO_BREAK_SPACE}%")
        return text


@cache
def words(language: str = DEFAULT_LANGUAGE) -> Words:
    """The catalogue of ``language`` ("fr" or "en").

    Raises
    ------
    MissingWord
        When no catalogue of that language stands beside this file.
    """
    path = Path(__file__).with_name(f"{language}.toml")
    if not path.is_file():
        raise MissingWord(f"no catalogue for language {language!r}; there are {', '.join(languages())}")
    return Words(language, dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")))))


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a catalogue, the default first."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))
    return tuple(sorted(found, key=lambda language: language != DEFAULT_LANGUAGE))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
