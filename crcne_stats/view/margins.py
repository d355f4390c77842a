"""Which counts of published tables add up to what.

Every table that counts students has an entry of :data:`MARGINS`, or the rule for all others: rows that differ only in
one of :data:`PARTITIONS` add up to a number that readers know.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crcne_stats.domain.columns import COLUMNS

_ASPECTS = {
    "coefficient", "weights", "method", "reason", "design", "form", "name", "source", "estimator", "hypothesis",
    "scale", "reading", "panel", "verdict", "verdict_low", "verdict_high", "verdict_sure", "conclusion", "decisive",
    "fairness_verdict", "centrality_verdict", "halo_verdict", "drift_verdict", "moved_verdict", "revision_verdict",
    "part", "definition", "risk", "reliability_from",
    "compared_with",
}  # fmt: skip
"""Columns that name not whom a row is about but what is said of them."""


@dataclass(frozen=True)
class Margin:
    """Rows that agree in ``within`` (None: in all that they are about but ``over``) add up to a number readers know.

    ``counts`` are the columns that add up, ``where`` restricts the rows, ``scored`` says that readers also know mean
    and standard deviation of the levels in ``over``. Where the sums are ``open`` they are counts like the others, which
    are hidden where they are small, and add up to one number that readers know; ``apart``: they are no other table's.
    """

    over: tuple[str, ...]
    counts: tuple[str, ...] = ("n_students", "n_files", "n_double")
    where: tuple[str, tuple[str, ...]] | None = None
    within: tuple[str, ...] | None = None
    scored: bool = False
    open: bool = False
    apart: bool = False


PARTITIONS = (
    "inspe", "trainer_inspe", "mention", "session", "inspe_level", "pix_level", "joint_level", "pix_gate", "direction",
    "binding", "component",
)  # fmt: skip
_LEVELS = Margin(("level",), ("n_ratings",), scored=True)
_GROUPS = tuple(Margin((name,), ("n_students", "n_double", "n_ratings")) for name in PARTITIONS[:4])
COARSE = frozenset(
    ("certification", name)
    for name in (
        "joint", "binding", "binding_groups", "raised", "level_rules", "rule_certificates", "cut_certificates",
        "scheme", "by_level", "by_mention", "by_inspe", "pix_error", "panels", "accuracy",
    )
)  # fmt: skip
"""Tables of what would be, or of what another table tells too: the same students counted in ever new ways.

Where a count of the result is hidden, theirs are shown as multiples of the threshold, save where another result's
ledger decides of them.
"""
MARGINS: dict[tuple[str, str], tuple[Margin, ...]] = {
    ("describe", "coverage"): (
        Margin(("member",), ("n_students",), ("facet", ("inspe", "mention", "session")), ("facet",)),
        Margin(("member",), ("n_ratings", "n_expected"), None, ("facet",)),
    ),
    ("describe", "levels"): (_LEVELS,),
    ("describe", "nodes"): (Margin(("trainer",), ("n_students", "n_files"), within=("trainer_inspe",)),),
    ("describe", "corating_inspe"): (),  # see of_pairs
    ("describe", "corating"): (),
    ("agreement", "pairs"): (),
    ("agreement", "confusion"): (),  # neighbouring levels only: what else a line adds up to is not shown
    ("agreement", "tests"): (),
    ("agreement", "margins"): (),
    ("agreement", "groups"): _GROUPS,
    ("agreement", "agreement"): (*_GROUPS, Margin(("criterion",), ("n_ratings",))),
    ("agreement", "levels"): (_LEVELS, *(Margin((name,), ("n_ratings",)) for name in PARTITIONS[:4])),
    ("icc", "icc"): _GROUPS,
    ("icc", "restricted"): _GROUPS,
    ("difficulty", "levels"): (_LEVELS,),
    ("difficulty", "difficulty"): (Margin(("criterion",), ("n_ratings",), within=()),),
    ("difficulty", "reliability"): (),
    # A sheet shows one trainer: nobody adds them up.
    **{("trainer_sheet", name): () for name in ("position", "use", "criteria", "sessions")},
    # Students of the smaller of two sides: they add up to nothing.
    ("fairness", "criteria"): (),
    ("fairness", "trainers"): (),
    ("fairness", "slopes"): (),
    ("fairness", "groups"): (Margin(("group",), ("n_students", "n_ratings"), within=("group_by",)),),
    # Students of the smaller of two sides, or of a whole version: they add up to nothing.
    **{("calibration", name): () for name in ("drift", "trainers", "beliefs", "cuts", "equivalence", "revision")},
    ("severity", "trainers"): (Margin(("trainer",), ("n_students",), within=("trainer_inspe",)),),
    ("severity", "raters"): (),
    ("severity", "criteria"): (Margin(("criterion",), ("n_ratings",), within=()),),
    ("severity", "levels"): (_LEVELS,),
    ("severity", "bias"): (),
    ("severity", "bias_pairs"): (),
    ("severity", "drift"): (Margin(("session",), ("n_students",)),),
    ("severity", "targeting"): (Margin(("ability_low",), ("n_students",), within=()),),
    ("severity", "model"): (),
    ("severity", "assumptions"): (),
    ("generalizability", "conditional"): (Margin(("level",), ("n_students",)),),
    # Students whom a sign concerns: of groups, of pairs of trainers; none of them add up to a number that is told.
    ("priorities", "priorities"): (),
    ("verdict", "criteria"): (),
    ("verdict", "criteria_answers"): (),
    ("verdict", "trainers_answers"): (),
    # A trainer's students, as in the measures: those of an INSPÉ add up to what other tables tell.
    ("verdict", "trainers"): (),
    ("priorities", "symptoms"): (),
    ("priorities", "swaps"): (),
    ("planning", "trainers"): (Margin(("trainer",), ("n_students",), within=("trainer_inspe",)),),
    ("concordance", "margins"): (
        Margin(("inspe_level",), ("n_students",), within=()),
        Margin(("pix_level",), ("n_students",), within=()),
    ),
    ("concordance", "closeness"): (Margin(("closeness",), ("n_students",)),),
    # Students with a result; between two cuts there are enough of each kind.
    **dict.fromkeys(
        [
            ("concordance", name)
            for name in ("accuracy", "roc", "calibration", "core_scores", "core_association", "gate_summary")
        ],
        (),
    ),
    ("concordance", "gate"): tuple(Margin((name,), open=True, apart=True) for name in ("inspe_level", "pix_gate")),
    ("concordance", "groups"): (Margin(("member",), ("n_students",), within=("facet",)),),
    ("concordance", "joint"): (Margin(("state", "joint_level"), ("n_students",)),),
    ("concordance", "raised"): (),  # see followed.gains
    **dict.fromkeys(COARSE, ()),
}
_ABOUT = {
    ("describe", "nodes"): ("trainer",), ("difficulty", "difficulty"): ("criterion",),
    ("severity", "trainers"): ("trainer",), ("severity", "raters"): ("trainer",),
    ("severity", "criteria"): ("criterion",), ("severity", "targeting"): ("ability_low",),
    ("severity", "model"): ("thresholds",), ("planning", "trainers"): ("trainer",),
    ("verdict", "criteria"): ("criterion",), ("verdict", "trainers"): ("trainer",),
    ("verdict", "criteria_answers"): ("criterion", "judge"), ("verdict", "trainers_answers"): ("trainer", "judge"),
    ("calibration", "drift"): ("criterion", "previous_criterion"), ("calibration", "trainers"): ("trainer",),
    ("calibration", "beliefs"): ("belief",), ("calibration", "cuts"): ("level",),
    ("calibration", "alignment"): ("inspe", "criterion"),
    ("priorities", "priorities"): ("criterion",), ("priorities", "symptoms"): ("criterion", "symptom"),
}  # fmt: skip
"""What a row is about where its other names only go with it."""
_PAIRS = ({"trainer_a", "trainer_b"}, {"inspe", "trainer_inspe"})


def of_pairs(table: pd.DataFrame) -> bool:
    """Whether a table tells who rates with whom, trainers or INSPÉ.

    It adds up to too many totals, and nearly all of its counts are small: hiding one by one would leave nothing. Where
    one of its counts is hidden the others are shown as multiples of the threshold, so that no subtraction is exact.
    """
    return any(pair <= set(table.columns) for pair in _PAIRS)


def margins(analysis: str, name: str, table: pd.DataFrame) -> tuple[Margin, ...]:
    """What is registered of a table, or the rule for all others."""
    found = MARGINS.get((analysis, name))
    return tuple(Margin((over,), open=True) for over in PARTITIONS if over in table.columns) if found is None else found


def about(analysis: str, name: str, table: pd.DataFrame) -> list[str]:
    """The columns that say whom a row is about."""
    chosen = _ABOUT.get((analysis, name))
    if chosen is not None:
        return list(chosen)
    kinds = ("identifier", "key", "name")
    return [
        column
        for column in table.columns
        if (COLUMNS[column].kind in kinds and column not in _ASPECTS) or column == "component"
    ]
