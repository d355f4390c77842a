"""Levels from scores, by tables worked by hand and by looking at each score."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core import level_rules
from crcne_stats.core.level_rules import OVER_TRAINERS, Layout, LevelRule

NAN = np.nan
LADDER = np.arange(5)


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", [2.0, NAN, 3.0]), ("median", [1.5, NAN, 3.0]), ("minimum", [1.0, NAN, 3.0])]
)
def test_groups_are_summarised(how: str, expected: list[float]) -> None:
    values, group = [4, 1, 2, 1, 3], [0, 0, 0, 0, 2]
    np.testing.assert_allclose(level_rules.grouped(values, group, 3, how), expected)


def test_an_unknown_summary_or_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown summary"):
        level_rules.grouped([1], [0], 1, "mode")
    with pytest.raises(ValueError, match="unknown rounding"):
        level_rules.rounded([1.0], LADDER, "random")
    with pytest.raises(ValueError, match="unknown summary"):
        LevelRule(item="mode")
    with pytest.raises(ValueError, match="unknown rounding"):
        LevelRule(rounding="random")


# Two trainers, two items: item 0 has criteria 0 and 1, item 1 has criterion 2.
# File 0: trainer means 2.5, 3, 1.  File 1: criterion 1 never rated.  File 2: item 1 never rated.
RATINGS = [(0, 0, 2), (0, 0, 3), (0, 1, 3), (0, 1, 3), (0, 2, 1), (0, 2, 1), (1, 0, 4), (1, 2, 1), (2, 0, 1), (2, 1, 2)]


@pytest.mark.parametrize(
    ("rule", "whole"),
    [
        (LevelRule("mean", "mean", level="mean"), [1.875, 2.5, 1.5]),
        (LevelRule("minimum", "minimum", level="minimum"), [1, 1, 1]),
        (LevelRule("median", "minimum", level="median"), [1.75, 2.5, 1]),
        (LevelRule("mean", "none", level="mean"), [6.5 / 3, 2.5, 1.5]),
        (LevelRule("mean", "none", level="count", count_share=0.5), [2.5, 4, 2]),
        (LevelRule("mean", "mean", level="phases", phase="mean"), [1, 1, 1.5]),
    ],
)
def test_scores_become_a_whole(rule: LevelRule, whole: list[float]) -> None:
    file, criterion, score = np.array(RATINGS).T
    cells = level_rules.over_trainers(score, file, criterion, 3, 3, rule.trainers)
    layout = Layout(np.array([0, 0, 1]), np.array([0, 0, 1]))
    np.testing.assert_allclose(level_rules.file_scores(cells, layout, rule), whole)


def by_hand(scores: list[float], share: float) -> float:
    """The highest score that the share of ``scores`` reaches, by looking at each."""
    return max(one for one in scores if sum(other >= one for other in scores) >= share * len(scores) - 1e-9)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0]))
def test_count_is_the_highest_level_that_the_share_reaches(scores: list[int], share: float) -> None:
    table = np.array([*scores, np.nan], dtype=float)[None]
    assert level_rules.summarised(table, "count", share)[0] == by_hand(list(map(float, scores)), share)
    assert level_rules.summarised(table, "count", 1.0)[0] == level_rules.summarised(table, "minimum")[0]


def test_a_table_of_draws_is_read_like_its_lines() -> None:
    rng = np.random.default_rng(3)
    cells = rng.uniform(0, 4, (5, 7, 6))
    cells[rng.random(cells.shape) < 0.2] = np.nan
    layout = Layout(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1]))
    for level in (*level_rules.SUMMARIES, "phases"):
        for item in (*level_rules.SUMMARIES, "none"):
            rule = LevelRule(item=item, level=level)
            whole = level_rules.levels(level_rules.file_scores(cells, layout, rule), LADDER, rule)
            lines = [level_rules.levels(level_rules.file_scores(own, layout, rule), LADDER, rule) for own in cells]
            assert (whole == np.array(lines)).all()


def test_cuts_give_the_level_from_which_they_are_reached() -> None:
    rule = LevelRule(item="mean", level="mean", cuts=(0.5, 1.4, 2.5, 3.8))
    scores = [0.4, 0.5, 1.4 - 1e-12, 2.4, 3.79, 3.8, np.nan]
    assert level_rules.levels(scores, LADDER, rule).tolist() == [0, 1, 2, 2, 3, 4, -1]
    with pytest.raises(ValueError, match="4 cuts, not 2"):
        level_rules.levels(scores, LADDER, LevelRule(cuts=(1.0, 2.0)))
    for wrong in ({"cuts": (2.0, 1.0)}, {"count_share": 0.0}, {"count_share": np.nan}):
        with pytest.raises(ValueError, match=r"cuts must rise|count_share"):
            LevelRule(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("down", [0, 2, 2, 2, 3, 4, -1]), ("nearest", [0, 2, 3, 3, 3, 4, -1]), ("up", [0, 2, 3, 3, 3, 4, -1])],
)
def test_rounding(how: str, expected: list[int]) -> None:
    values = [-1.0, 2.0, 2.5, 2.9, 3.0, 7.0, NAN]
    assert level_rules.rounded(values, LADDER, how).tolist() == expected


def test_rounding_on_an_uneven_ladder_and_on_a_mean_of_thirds() -> None:
    assert level_rules.rounded([1.9, 3.4, 3.6], [0, 2, 5], "nearest").tolist() == [1, 1, 2]
    assert level_rules.rounded([1.9, 2.0, 4.9], [0, 2, 5], "down").tolist() == [0, 1, 1]
    assert level_rules.rounded([1.9, 2.1, 4.9], [0, 2, 5], "up").tolist() == [1, 2, 2]
    almost = sum([1.1, 2.2, 2.7]) / 3 - 1e-13
    assert level_rules.rounded([almost], LADDER, "down").tolist() == [2]
    assert level_rules.rounded([1 + 1e-13], LADDER, "up").tolist() == [1]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40),
    st.sampled_from(list(product(OVER_TRAINERS, repeat=3))),
    st.randoms(use_true_random=False),
)
def test_levels_do_not_depend_on_order_and_stay_between_the_scores(ratings, summaries, random) -> None:  # type: ignore[no-untyped-def]
    rule = LevelRule(summaries[0], summaries[1], level=summaries[2])
    item = np.array([0, 0, 1])

    def values(rows):  # type: ignore[no-untyped-def]
        file, criterion, score = np.array(rows).T
        cells = level_rules.over_trainers(score, file, criterion, 5, 3, rule.trainers)
        return level_rules.file_scores(cells, Layout(item, item), rule)

    shuffled = list(ratings)
    random.shuffle(shuffled)
    whole = values(ratings)
    np.testing.assert_allclose(whole, values(shuffled))
    for file in range(5):
        own = [score for f, _, score in ratings if f == file]
        assert np.isnan(whole[file]) == (not own)
        assert not own or min(own) - 1e-9 <= whole[file] <= max(own) + 1e-9
    down, up = (level_rules.rounded(whole, LADDER, how) for how in ("down", "up"))
    assert ((up - down >= 0) & (up - down <= 1)).all()
