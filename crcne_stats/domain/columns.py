"""The one dictionary of columns: one name means one thing in every table.

Label and meaning stand in ``words`` under ``column.<name>.label`` and ``.meaning``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "percent", "count", "identifier", "key", "name", "terms", "text"]


@dataclass(frozen=True)
class Column:
    """How a column is to be read.

    ``kind``: a number with ``decimals``; a share shown in percent; a count; an identifier; a key of ``words`` in the
    family ``of``; a name in the framework, ``of`` being level, criterion, item, phase or mention; or effects of a
    design (facets joined by "*", after ":" what they are nested in; several separated by ",").
    """

    kind: Kind
    decimals: int = 2
    unit: str = ""
    of: str = ""


def _key(family: str) -> Column:
    return Column("key", of=family)


def _name(noun: str) -> Column:
    return Column("name", of=noun)


_IDENTIFIER = Column("identifier")
_COUNT = Column("count")
_SHARE = Column("percent", decimals=0)
_NUMBER = Column("number")
_LEVELS = Column("number", unit="levels")

COLUMNS: dict[str, Column] = {
    # what a row is about
    "student": _IDENTIFIER,
    "trainer": _IDENTIFIER,
    "inspe": _IDENTIFIER,
    "trainer_inspe": _IDENTIFIER,
    "session": _IDENTIFIER,
    "occasion": _IDENTIFIER,
    "mention": _name("mention"),
    "criterion": _name("criterion"),
    "item": _name("item"),
    "phase": _name("phase"),
    "level": _name("level"),
    "inspe_level": _name("level"),
    "pix_level": _name("level"),
    "joint_level": _name("level"),
    # the estimate
    "value": _NUMBER,
    "se": Column("number", decimals=3),
    "low": _NUMBER,
    "high": _NUMBER,
    "method": _key("method"),
    "reason": _key("reason"),
    # on how many it rests
    "n_students": _COUNT,
    "n_trainers": _COUNT,
    "n_criteria": _COUNT,
    "n_inspe": _COUNT,
    "n_files": _COUNT,
    "n_ratings": _COUNT,
    "n_sessions": _COUNT,
    "n_components": _COUNT,
    "n_expected": _COUNT,
    # design
    "component": _COUNT,
    "design": _key("design"),
    "facet": _key("facet"),
    "member": _IDENTIFIER,
    "trainers_per_file": _NUMBER,
    "share_double": _SHARE,
    "share_linked": _SHARE,
    "share_missing": Column("percent", decimals=1),
    # scores
    "score": _LEVELS,
    "share": _SHARE,
    "mean": _LEVELS,
    "sd": _LEVELS,
    # agreement
    "coefficient": _key("coefficient"),
    "weights": _key("weights"),
    "pa": _NUMBER,
    "pe": _NUMBER,
    "n_double": _COUNT,
    "trainer_a": _IDENTIFIER,
    "trainer_b": _IDENTIFIER,
    "percent": _SHARE,
    "difference": _LEVELS,
    # difficulty
    "position": _NUMBER,
    "item_rest": _NUMBER,
    "item_rest_low": _NUMBER,
    "item_rest_high": _NUMBER,
    "item_rest_other": _NUMBER,
    "item_rest_other_low": _NUMBER,
    "item_rest_other_high": _NUMBER,
    "scope": _key("scope"),
    "alpha": _NUMBER,
    "alpha_if_dropped": _NUMBER,
    "floor": _SHARE,
    "ceiling": _SHARE,
    "n_sheets": _COUNT,
    # generalizability
    "source": Column("terms"),
    "confounded": Column("terms"),
    "estimator": _key("estimator"),
    "variance": Column("number", decimals=4),
    "n_levels": _COUNT,
    "layout": _key("layout"),
    "universe": Column("number", decimals=4),
    "relative": Column("number", decimals=4),
    "absolute": Column("number", decimals=4),
    "generalizability": _NUMBER,
    "generalizability_low": _NUMBER,
    "generalizability_high": _NUMBER,
    "dependability": _NUMBER,
    "dependability_low": _NUMBER,
    "dependability_high": _NUMBER,
    "sem_relative": _LEVELS,
    "sem_relative_low": _LEVELS,
    "sem_relative_high": _LEVELS,
    "sem_absolute": _LEVELS,
    "sem_absolute_low": _LEVELS,
    "sem_absolute_high": _LEVELS,
    "cut": _LEVELS,
    "change": Column("number", decimals=3),
    "weight": _NUMBER,
    "phase_b": _name("phase"),
    "universe_correlation": _NUMBER,
    "error_correlation": _NUMBER,
    # the two parts of the certificate
    "direction": _key("direction"),
    "pix_gate": _key("pix_gate"),
    "state": _key("state"),
    "binding": _key("binding"),
}


def column(name: str) -> Column:
    """The entry of that name (KeyError when the dictionary lacks it)."""
    return COLUMNS[name]
