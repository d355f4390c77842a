"""Levels from scores, and certificates from two levels, by tables worked by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core import decisions
from crcne_stats.core.decisions import CERTIFIED, REFUSED, WAITING_INSPE, WAITING_PIX, Rule

NAN = np.nan
LADDER = np.arange(5)


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", [2.0, NAN, 3.0]), ("median", [1.5, NAN, 3.0]), ("minimum", [1.0, NAN, 3.0])]
)
def test_groups_are_summarised(how: str, expected: list[float]) -> None:
    values, group = [4, 1, 2, 1, 3], [0, 0, 0, 0, 2]
    np.testing.assert_allclose(decisions.grouped(values, group, 3, how), expected)


def test_an_unknown_summary_or_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown summary"):
        decisions.grouped([1], [0], 1, "mode")
    with pytest.raises(ValueError, match="unknown rounding"):
        decisions.rounded([1.0], LADDER, "random")
    with pytest.raises(ValueError, match="unknown summary"):
        Rule(item="mode")
    with pytest.raises(ValueError, match="unknown rounding"):
        Rule(rounding="random")


# Two trainers, two items: item 0 has criteria 0 and 1, item 1 has criterion 2.
# File 0: trainer means 2.5, 3, 1.  File 1: criterion 1 never rated.  File 2: item 1 never rated.
RATINGS = [(0, 0, 2), (0, 0, 3), (0, 1, 3), (0, 1, 3), (0, 2, 1), (0, 2, 1), (1, 0, 4), (1, 2, 1), (2, 0, 1), (2, 1, 2)]


@pytest.mark.parametrize(
    ("rule", "items", "whole"),
    [
        (Rule("mean", "mean", "mean"), [[2.75, 1], [4, 1], [1.5, NAN]], [1.875, 2.5, 1.5]),
        (Rule("minimum", "minimum", "minimum"), [[2, 1], [4, 1], [1, NAN]], [1, 1, 1]),
        (Rule("median", "minimum", "median"), [[2.5, 1], [4, 1], [1, NAN]], [1.75, 2.5, 1]),
    ],
)
def test_scores_become_items_and_a_whole(rule: Rule, items: list[list[float]], whole: list[float]) -> None:
    file, criterion, score = np.array(RATINGS).T
    cells = decisions.over_trainers(score, file, criterion, 3, 3, rule.trainers)
    got_items, got = decisions.file_values(cells, np.array([0, 0, 1]), 2, rule)
    np.testing.assert_allclose(got_items, items)
    np.testing.assert_allclose(got, whole)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("down", [0, 2, 2, 2, 3, 4, -1]), ("nearest", [0, 2, 3, 3, 3, 4, -1]), ("up", [0, 2, 3, 3, 3, 4, -1])],
)
def test_rounding(how: str, expected: list[int]) -> None:
    values = [-1.0, 2.0, 2.5, 2.9, 3.0, 7.0, NAN]
    assert decisions.rounded(values, LADDER, how).tolist() == expected


def test_rounding_on_an_uneven_ladder_and_on_a_mean_of_thirds() -> None:
    assert decisions.rounded([1.9, 3.4, 3.6], [0, 2, 5], "nearest").tolist() == [1, 1, 2]
    assert decisions.rounded([1.9, 2.0, 4.9], [0, 2, 5], "down").tolist() == [0, 1, 1]
    assert decisions.rounded([1.9, 2.1, 4.9], [0, 2, 5], "up").tolist() == [1, 2, 2]
    almost = sum([1.1, 2.2, 2.7]) / 3 - 1e-13
    assert decisions.rounded([almost], LADDER, "down").tolist() == [2]
    assert decisions.rounded([1 + 1e-13], LADDER, "up").tolist() == [1]


# 0 is «not reached», -1 no result; the jury waits in the last two.
MINIMUM = [
    (3, 1, False, 1, CERTIFIED),
    (1, 2, False, 1, CERTIFIED),
    (2, 2, False, 2, CERTIFIED),
    (3, 0, False, 0, REFUSED),
    (0, 2, False, 0, REFUSED),
    (0, -1, False, 0, REFUSED),
    (-1, 0, False, 0, REFUSED),
    (-1, 2, False, -1, WAITING_INSPE),
    (2, -1, False, -1, WAITING_PIX),
    (-1, -1, False, -1, WAITING_INSPE),
    (3, 2, True, -1, WAITING_INSPE),
    (3, 0, True, 0, REFUSED),
]


@pytest.mark.parametrize(("inspe", "pix", "waiting", "level", "state"), MINIMUM)
def test_joint_level_is_the_lower_one(inspe: int, pix: int, waiting: bool, level: int, state: int) -> None:
    got, code = decisions.joint_minimum([inspe], [pix], 0, [waiting])
    assert (int(got[0]), int(code[0])) == (level, state)


GATE = [
    (3, 1, False, 3, CERTIFIED),
    (3, 0, False, 0, REFUSED),
    (0, 1, False, 0, REFUSED),
    (3, 1, True, -1, WAITING_INSPE),
    (-1, 1, False, -1, WAITING_INSPE),
    (3, -1, False, -1, WAITING_PIX),
    (-1, 0, False, 0, REFUSED),
]


@pytest.mark.parametrize(("inspe", "gate", "waiting", "level", "state"), GATE)
def test_gate_opens_and_the_jury_gives_the_level(inspe: int, gate: int, waiting: bool, level: int, state: int) -> None:
    got, code = decisions.joint_gate([inspe], [gate], 0, [waiting])
    assert (int(got[0]), int(code[0])) == (level, state)


def test_a_ladder_without_a_failing_level_refuses_nobody() -> None:
    level, state = decisions.joint_minimum([0, 2], [1, 0], -1)
    assert level.tolist() == [0, 0]
    assert state.tolist() == [CERTIFIED, CERTIFIED]


def test_what_holds_back() -> None:
    inspe, pix = [1, 2, 1, 4, 4, -1, 2], [1, 1, 2, 2, 1, 2, -1]
    names = [decisions.BINDING[code] if code >= 0 else "" for code in decisions.binding(inspe, pix, 2)]
    assert names == ["none", "pix", "inspe", "pix_ceiling", "pix", "", ""]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40),
    st.sampled_from(list(product(decisions.SUMMARIES, repeat=3))),
    st.randoms(use_true_random=False),
)
def test_levels_do_not_depend_on_order_and_stay_between_the_scores(ratings, summaries, random) -> None:  # type: ignore[no-untyped-def]
    rule = Rule(*summaries)
    item = np.array([0, 0, 1])

    def values(rows):  # type: ignore[no-untyped-def]
        file, criterion, score = np.array(rows).T
        return decisions.file_values(
            decisions.over_trainers(score, file, criterion, 5, 3, rule.trainers), item, 2, rule
        )[1]

    shuffled = list(ratings)
    random.shuffle(shuffled)
    whole = values(ratings)
    np.testing.assert_allclose(whole, values(shuffled))
    for file in range(5):
        own = [score for f, _, score in ratings if f == file]
        assert np.isnan(whole[file]) == (not own)
        assert not own or min(own) - 1e-9 <= whole[file] <= max(own) + 1e-9
    down, up = (decisions.rounded(whole, LADDER, how) for how in ("down", "up"))
    assert ((up - down >= 0) & (up - down <= 1)).all()
