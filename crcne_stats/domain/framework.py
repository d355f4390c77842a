"""The framework of a rubric: scale, phases, items, criteria, mentions and rules, all from one TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from numbers import Real
from typing import Any

from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework_file import read, written

OTHER_LANGUAGE = "fr"
"""A text that a language lacks is shown in this one."""


@dataclass(frozen=True)
class Level:
    """A rung of the scale: the number that stands for it and its names."""

    key: str
    score: int
    text: Mapping[str, str]
    short: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """A phase of the rubric."""

    key: str
    text: Mapping[str, str]


@dataclass(frozen=True)
class Item:
    """An item, part of a phase."""

    key: str
    phase: str
    text: Mapping[str, str]


@dataclass(frozen=True)
class Criterion:
    """A criterion, part of an item.

    ``role`` "global" marks the trainer's overall level, outside every total. ``scale`` names another scale than the
    framework's levels.
    """

    key: str
    item: str
    text: Mapping[str, str]
    role: str = ""
    scale: str = ""


@dataclass(frozen=True)
class Mention:
    """A master's track."""

    key: str
    text: Mapping[str, str]


@dataclass(frozen=True)
class Rules:
    """From criteria to items to the INSPÉ level, and from two levels to the certificate.

    Several scores become one by their mean, median, minimum or "count" (the highest score that a share ``count_share``
    of them reaches). ``item`` is "none" where criteria count one by one. With ``inspe_level`` "phases" the items of
    each phase are taken together as ``phase`` says, and the lowest phase gives the level. ``cuts`` are the scores from
    which each level above the lowest is given; without them the score is rounded. ``published`` says whether the way to
    the INSPÉ level is official; ``note`` says so to the reader and ``official`` quotes the combination rule.
    """

    trainers: str = "mean"
    item: str = "median"
    phase: str = "median"
    inspe_level: str = "median"
    rounding: str = "down"
    count_share: float = 0.75
    cuts: tuple[float, ...] = ()
    combination: str = "minimum"
    published: bool = False
    note: Mapping[str, str] = field(default_factory=dict)
    official: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """What became of criteria: kind is same, reworded, split, merged, new or dropped."""

    kind: str
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crosswalk:
    """The links from a previous version to this one."""

    previous: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Framework:
    """One version of a rubric.

    ``status``: official, illustrative (an example, never used by default), draft (to be completed by hand) or data
    (made from rating data). ``pix_levels`` is the ladder of the automated part, lowest first.
    """

    version: str
    status: str
    title: Mapping[str, str]
    levels: tuple[Level, ...]
    phases: tuple[Phase, ...]
    items: tuple[Item, ...]
    criteria: tuple[Criterion, ...]
    mentions: tuple[Mention, ...] = ()
    sessions: tuple[str, ...] = ()
    pix_levels: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    crosswalk: Crosswalk | None = None
    other_scales: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    source: str = ""
    date: str = ""

    @property
    def scales(self) -> dict[str, tuple[Level, ...]]:
        """Every scale by name; the framework's own levels have the empty name."""
        return {"": self.levels, **self.other_scales}

    @cached_property
    def _named(self) -> dict[str, dict[str, Any]]:
        levels = {level.key: level for scale in reversed(self.scales.values()) for level in scale}
        groups: dict[str, tuple[Any, ...]] = {
            "criterion": self.criteria,
            "item": self.items,
            "phase": self.phases,
            "mention": self.mentions,
        }
        return {"level": levels, **{kind: {entry.key: entry for entry in group} for kind, group in groups.items()}}

    @cached_property
    def scored(self) -> tuple[Criterion, ...]:
        """The criteria that count in totals."""
        return tuple(criterion for criterion in self.criteria if criterion.role != "global")

    def criterion(self, key: str) -> Criterion:
        """The criterion of that key (KeyError when there is none)."""
        found: Criterion = self._named["criterion"][key]
        return found

    def scale(self, criterion: str) -> tuple[Level, ...]:
        """The levels of a criterion, lowest first."""
        return self.scales[self.criterion(criterion).scale]

    def level_scores(self, criterion: str) -> tuple[int, ...]:
        """The scores that a criterion allows, lowest first."""
        return tuple(level.score for level in self.scale(criterion))

    def n_levels(self, criterion: str) -> int:
        """How many levels a criterion has, used or not."""
        return len(self.scale(criterion))

    def level_key(self, criterion: str, score: int) -> str:
        """The key of the level that ``score`` names on a criterion."""
        return {level.score: level.key for level in self.scale(criterion)}[score]

    def phase_of(self, criterion: str) -> str:
        """The key of the phase of a criterion."""
        item: Item = self._named["item"][self.criterion(criterion).item]
        return item.phase

    def name(self, kind: str, key: str, lang: str = OTHER_LANGUAGE) -> str:
        """The text of a level, criterion, item, phase or mention; the key itself where the framework lacks it."""
        entry = self._named[kind].get(str(key))
        if entry is None:
            return str(key)
        return str(entry.text.get(lang) or entry.text[OTHER_LANGUAGE])

    @classmethod
    def plain(
        cls, version: str, criteria: Iterable[str], levels: Sequence[Any] | Mapping[str, Sequence[Any]]
    ) -> Framework:
        """A framework for any rating data: one phase, one item, the keys as texts.

        ``levels``: whole numbers are the scores themselves, texts are names of levels with scores 0, 1, …; a mapping
        gives each criterion its own scale.

        Raises
        ------
        DataError
            When a criterion has no scale, or a scale is empty, not rising, or neither whole numbers nor texts.
        """
        keys = [str(key) for key in criteria]
        if isinstance(levels, Mapping):
            given = {str(key): list(scale) for key, scale in levels.items()}
        else:
            given = {key: list(levels) for key in keys}
        without = [Problem("levels_missing", {"criterion": key}) for key in keys if key not in given]
        unusable = [
            Problem("levels_unusable", found=", ".join(map(str, scale)))
            for scale in {tuple(given[key]): given[key] for key in keys if key in given}.values()
            if not _usable(scale)
        ]
        if without or unusable:
            raise DataError([*without, *unusable])
        made = {key: _plain_scale(given[key]) for key in keys}
        main = max(made.values(), key=len, default=())
        names = {scale: f"{len(scale)}-{index}" for index, scale in enumerate(dict.fromkeys(made.values()))}
        names[main] = ""
        title = {"fr": version, "en": version}
        return cls(
            version=version,
            status="data",
            title=title,
            levels=main,
            phases=(Phase("1", title),),
            items=(Item("1", "1", title),),
            criteria=tuple(Criterion(key, "1", {"fr": key, "en": key}, scale=names[made[key]]) for key in keys),
            other_scales={name: scale for scale, name in names.items() if name},
        )

    @classmethod
    def from_toml(cls, text: str, where: str = "") -> Framework:
        """The framework that a TOML text holds.

        Raises
        ------
        DataError
            With every fault: file, line, what was found, what was expected, how to mend it.
        """
        return cls._from_table(read(text, where))

    @classmethod
    def _from_table(cls, table: Mapping[str, Any]) -> Framework:
        crosswalk = table.get("crosswalk")
        scales = {name: tuple(map(_level, scale)) for name, scale in table.get("scales", {}).items()}
        return cls(
            version=table["version"],
            status=table["status"],
            title=dict(table["title"]),
            levels=tuple(map(_level, table["levels"])),
            phases=tuple(Phase(e["key"], _text(e)) for e in table["phases"]),
            items=tuple(Item(e["key"], e["phase"], _text(e)) for e in table["items"]),
            criteria=tuple(
                Criterion(e["key"], e["item"], _text(e), e.get("role", ""), e.get("scale", ""))
                for e in table["criteria"]
            ),
            mentions=tuple(Mention(e["key"], _text(e)) for e in table.get("mentions", ())),
            sessions=tuple(table.get("sessions", ())),
            pix_levels=tuple(table.get("pix_levels", ())),
            rules=_rules(table.get("rules", {})),
            crosswalk=None if crosswalk is None else Crosswalk(
                crosswalk["previous"],
                tuple(Link(e["kind"], tuple(e.get("old", ())), tuple(e.get("new", ()))) for e in crosswalk["links"]),
            ),
            other_scales=scales,
            source=table.get("source", ""),
            date=table.get("date", ""),
        )  # fmt: skip

    def to_toml(self) -> str:
        """The text from which :meth:`from_toml` makes an equal framework."""
        return written(self.to_table())

    def to_table(self) -> dict[str, Any]:
        """The content of the TOML file as nested tables."""
        table: dict[str, Any] = {"version": self.version, "status": self.status}
        for name in ("date", "source"):
            if getattr(self, name):
                table[name] = getattr(self, name)
        for name in ("sessions", "pix_levels"):
            if getattr(self, name):
                table[name] = list(getattr(self, name))
        table["title"] = dict(self.title)
        table["rules"] = _rules_table(self.rules)
        table["levels"] = [_level_table(level) for level in self.levels]
        if self.other_scales:
            table["scales"] = {name: [_level_table(level) for level in s] for name, s in self.other_scales.items()}
        if self.mentions:
            table["mentions"] = [{"key": e.key, **e.text} for e in self.mentions]
        table["phases"] = [{"key": e.key, **e.text} for e in self.phases]
        table["items"] = [{"key": e.key, "phase": e.phase, **e.text} for e in self.items]
        table["criteria"] = [
            {"key": e.key, "item": e.item, **e.text}
            | ({"role": e.role} if e.role else {})
            | ({"scale": e.scale} if e.scale else {})
            for e in self.criteria
        ]
        if self.crosswalk is not None:
            links = [{"kind": e.kind, "old": list(e.old), "new": list(e.new)} for e in self.crosswalk.links]
            table["crosswalk"] = {"previous": self.crosswalk.previous, "links": links}
        return table

    def __hash__(self) -> int:
        return hash((self.version, self.status, tuple(criterion.key for criterion in self.criteria)))


def _text(entry: Mapping[str, Any]) -> dict[str, str]:
    structure = {"key", "item", "phase", "role", "scale", "score", "short"}
    return {name: value for name, value in entry.items() if name not in structure}


def _rules(entry: Mapping[str, Any]) -> Rules:
    values: dict[str, Any] = {name: tuple(value) if name == "cuts" else value for name, value in entry.items()}
    return Rules(**values)


def _rules_table(rules: Rules) -> dict[str, Any]:
    told = {name: value for name, value in vars(rules).items() if value not in ({}, ())}
    own = {"cuts": list, "note": dict, "official": dict}
    return {name: own[name](value) if name in own else value for name, value in told.items()}


def _level(entry: Mapping[str, Any]) -> Level:
    return Level(entry["key"], entry["score"], _text(entry), dict(entry.get("short", {})))


def _level_table(level: Level) -> dict[str, Any]:
    table: dict[str, Any] = {"key": level.key, "score": level.score, **level.text}
    return table | ({"short": dict(level.short)} if level.short else {})


class _FrozenText(dict[str, str]):
    """Texts of a plain level, hashable so that equal scales are found."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def _usable(levels: Sequence[Any]) -> bool:
    """Whether levels are distinct texts, or whole numbers that rise."""
    if all(isinstance(level, str) for level in levels):
        return bool(levels) and len({level.strip() for level in levels} - {""}) == len(levels)
    if not all(
        isinstance(level, Real) and not isinstance(level, bool) and float(level).is_integer() for level in levels
    ):
        return False
    return all(below < above for below, above in pairwise(levels))


def _plain_scale(levels: Sequence[Any]) -> tuple[Level, ...]:
    values = list(levels)
    numbers = all(not isinstance(value, str) for value in values)
    return tuple(
        Level(
            str(value),
            int(value) if numbers else rank,
            _FrozenText(fr=str(value), en=str(value)),
            _FrozenText(),
        )
        for rank, value in enumerate(values)
    )
