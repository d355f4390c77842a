"""The one dictionary of columns: one name means one thing in every table.

Label and meaning stand in ``words`` under ``column.<name>.label`` and ``.meaning``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "percent", "count", "identifier", "key", "name", "text"]


@dataclass(frozen=True)
class Column:
    """How a column is to be read.

    ``kind``: a number with ``decimals``; a share shown in percent; a count; an identifier; a key of ``words`` in the
    family ``of``; or a name in the framework, ``of`` being level, criterion, item, phase or mention.
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
    "other_level": _name("level"),
    "inspe_level": _name("level"),
    "pix_level": _name("level"),
    "joint_level": _name("level"),
    # the estimate
    "value": _NUMBER,
    "se": Column("number", decimals=3),
    "low": _NUMBER,
    "high": _NUMBER,
    "se_linearised": Column("number", decimals=3),
    "se_jackknife": Column("number", decimals=3),
    "method": _key("method"),
    "reason": _key("reason"),
    # tests
    "statistic": _NUMBER,
    "df": Column("number", decimals=1),
    "df2": Column("number", decimals=1),
    "p": Column("number", decimals=3),
    "p_adjusted": Column("number", decimals=3),
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
    "difference_low": _LEVELS,
    "difference_high": _LEVELS,
    "percent_low": _SHARE,
    "percent_high": _SHARE,
    "criterion_a": _name("criterion"),
    "criterion_b": _name("criterion"),
    "contrast": _NUMBER,
    "contrast_low": _NUMBER,
    "contrast_high": _NUMBER,
    "hypothesis": _key("hypothesis"),
    "scale": _key("scale"),
    "verdict": _key("verdict"),
    "verdict_low": _key("verdict"),
    "verdict_high": _key("verdict"),
    "verdict_sure": _key("verdict"),
    "probability": _SHARE,
    "half_width_now": _NUMBER,
    "half_width": _NUMBER,
    "n_needed": _COUNT,
    "n_more": _COUNT,
    "reading": _key("reading"),
    "panel": _key("panel"),
    "conclusion": _key("conclusion"),
    "n_choices": _COUNT,
    "share_flipped": _SHARE,
    "share_reversed": _SHARE,
    "share_below": _SHARE,
    "share_unsure": _SHARE,
    "share_above": _SHARE,
    "lowest": _NUMBER,
    "highest": _NUMBER,
    "decisive": _key("choice"),
    # intraclass correlations
    "form": Column("text"),
    "name": Column("text"),
    "k_effective": _NUMBER,
    "non_overlap": _NUMBER,
    "source": _key("source"),
    "variance": Column("number", decimals=3),
    "f": _NUMBER,
    "df1": Column("number", decimals=0),
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
    # the two parts of the certificate
    "direction": _key("direction"),
    "pix_gate": _key("pix_gate"),
    "state": _key("state"),
    "binding": _key("binding"),
}


def column(name: str) -> Column:
    """The entry of that name (KeyError when the dictionary lacks it)."""
    return COLUMNS[name]
