"""Designs of generalizability studies, written as facets crossed (*) and nested (:), and the effects that they hold.

``student * (trainer : inspe)`` reads: students crossed with trainers, who are nested in INSPÉ (Brennan 2001,
Generalizability Theory, § 3.2 and 7.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
RESIDUAL = "residual"
_TOKEN = re.compile(r"\s*([^\W\d]\w*|[*×:()])")


class DesignError(ValueError):
    """A design that cannot be read: ``key`` says why, ``found`` where."""

    def __init__(self, key: str, found: str) -> None:
        super().__init__(f"{key}: {found!r}")
        self.key, self.found = key, found


@dataclass(frozen=True)
class Term:
    """An effect: one value for each combination of its ``facets``; ``within`` are those that it is nested in.

    ``key`` names it: crossed facets joined by "*", after ":" what they are nested in.
    """

    key: str
    facets: frozenset[str]
    within: frozenset[str]


@dataclass(frozen=True)
class Design:
    """``facets`` in the order in which they are named; ``terms``, simple ones first, the last holding all facets."""

    facets: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class _Part:
    facets: tuple[str, ...]
    effects: tuple[tuple[frozenset[str], frozenset[str]], ...]


def design(text: str) -> Design:
    """Read a design; ":" binds tighter than "*".

    Raises
    ------
    DesignError
        Where the text is no design, or names a facet twice.
    """
    tokens: list[str] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise DesignError("design_syntax", text[place:].strip())
        tokens.append("*" if match.group(1) == "×" else match.group(1))
        place = match.end()
    part = _crossed(tokens)
    if tokens:
        raise DesignError("design_syntax", " ".join(tokens))
    rank = {name: position for position, name in enumerate(part.facets)}

    def order(effect: tuple[frozenset[str], frozenset[str]]) -> tuple[int, list[int]]:
        return len(effect[0] | effect[1]), sorted(rank[name] for name in effect[0] | effect[1])

    def joined(names: frozenset[str]) -> str:
        return "*".join(sorted(names, key=rank.__getitem__))

    terms = tuple(
        Term(joined(own) + (f":{joined(within)}" if within else ""), own | within, within)
        for own, within in sorted(part.effects, key=order)
    )
    return Design(part.facets, terms)


def _crossed(tokens: list[str]) -> _Part:
    found = _nested(tokens)
    while tokens and tokens[0] == "*":
        tokens.pop(0)
        other = _nested(tokens)
        both = tuple((a | b, (n | m) - (a | b)) for a, n in found.effects for b, m in other.effects)
        found = _Part(_distinct(found, other), (*found.effects, *other.effects, *both))
    return found


def _nested(tokens: list[str]) -> _Part:
    found = _single(tokens)
    if tokens and tokens[0] == ":":
        tokens.pop(0)
        outer = _nested(tokens)
        inner = tuple((own, within | frozenset(outer.facets)) for own, within in found.effects)
        return _Part(_distinct(found, outer), (*outer.effects, *inner))
    return found


def _single(tokens: list[str]) -> _Part:
    if not tokens or tokens[0] in ("*", ":", ")"):
        raise DesignError("design_syntax", tokens[0] if tokens else "")
    token = tokens.pop(0)
    if token != "(":
        return _Part((token,), ((frozenset((token,)), frozenset()),))
    found = _crossed(tokens)
    if not tokens or tokens.pop(0) != ")":
        raise DesignError("design_syntax", "(")
    return found


def _distinct(first: _Part, second: _Part) -> tuple[str, ...]:
    for name in second.facets:
        if name in first.facets:
            raise DesignError("design_facet_twice", name)
    return first.facets + second.facets


class Levels:
    """Level codes (rating,) of any set of facets, from 0 without gaps, made once."""

    def __init__(self, codes: Mapping[str, Any]) -> None:
        self._codes: dict[frozenset[str], Ints] = {}
        self.n = len(next(iter(codes.values()))) if codes else 0
        for name, code in codes.items():
            self._codes[frozenset((name,))] = dense(np.asarray(code, dtype=np.int64))
        self._codes[frozenset()] = np.zeros(self.n, dtype=np.int64)

    def __call__(self, facets: frozenset[str]) -> Ints:
        if facets not in self._codes:
            last = sorted(facets)[-1]
            outer, inner = self(facets - {last}), self(frozenset((last,)))
            self._codes[facets] = dense(outer * (int(inner.max(initial=-1)) + 1) + inner)
        return self._codes[facets]

    def forget(self) -> None:
        """Keep the codes of single facets alone; those of several are made again when they are asked for."""
        self._codes = {facets: code for facets, code in self._codes.items() if len(facets) < 2}

    def count(self, facets: frozenset[str]) -> int:
        """How many levels occur."""
        return int(self(facets).max(initial=-1)) + 1


def dense(code: Ints) -> Ints:
    """Codes from 0 without gaps, in the same order."""
    size = int(code.max(initial=-1)) + 1
    if size > max(8 * len(code), 1 << 22):
        return np.unique(code, return_inverse=True)[1].astype(np.int64)
    used = np.zeros(size, dtype=bool)
    used[code] = True
    return code if used.all() else (np.cumsum(used) - 1)[code]


@dataclass(frozen=True)
class Estimable:
    """``terms`` that the ratings can tell apart, the residual not among them.

    ``confounded`` names, for each term that they cannot, what it is confounded with ("mean", "residual" or terms).
    """

    terms: tuple[Term, ...]
    confounded: dict[str, tuple[str, ...]]


def estimable(plan: Design, levels: Levels) -> Estimable:
    """Which effects the ratings can tell apart.

    An effect with one level is confounded with the mean, one with a level for each rating with the residual, two that
    part the ratings alike with each other. What is left may still be dependent:
    :func:`crcne_stats.core.henderson.henderson` finds that in the expected sums of squares.
    """
    kept: list[Term] = []
    lost: dict[str, tuple[str, ...]] = {}
    for term in plan.terms:
        n = levels.count(term.facets)
        twins = [other for other in kept if levels.count(other.facets | term.facets) == n == levels.count(other.facets)]
        if n <= 1:
            lost[term.key] = ("mean",)
        elif n == levels.n:
            lost[term.key] = (RESIDUAL,)
        elif twins:
            lost[term.key] = tuple(other.key for other in twins)
        else:
            kept.append(term)
    return Estimable(tuple(kept), lost)


def within_cells(levels: Levels, facet: str, others: Sequence[str]) -> bool:
    """Whether each combination of ``others`` that occurs has every level of ``facet`` exactly once."""
    rest = frozenset(others)
    cells, size = levels.count(rest), levels.count(frozenset((facet,)))
    return cells * size == levels.n == levels.count(rest | {facet})
