"""Who rated whom: counts, links and odd data."""

from __future__ import annotations

import pandas as pd
import pytest

from crcne_stats.analysis.describe import describe
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import words


def loaded(frame, **options):
    return Ratings.from_frame(frame, **{"levels": range(5), **options})


def small(trainers="ababab", criteria="kkllkl", students="112233", **columns):
    frame = {"student": list(students), "trainer": list(trainers), "criterion": list(criteria)}
    return loaded(pd.DataFrame({**frame, "score": [0, 1, 2, 3, 4, 0], **columns}))


def keys(result):
    return {note.key for note in result.notes}


ODD = {
    "one_trainer": small(trainers="aaaaaa", students="123456"),
    "one_inspe": small(inspe=["X"] * 6),
    "no_inspe": small(),
    "one_criterion": small(criteria="kkkkkk", trainers="ababab", students="112233"),
}


@pytest.mark.parametrize("name", list(ODD))
def test_odd_data_are_described_and_said(name):
    result = describe(ODD[name])
    assert f"describe.{name}" in keys(result)
    for note in result.notes:
        for language in ("fr", "en"):
            assert "{" not in words(language)(f"note.{note.key}", **note.values)


def test_islands_block_and_a_link_ends_them():
    islands, linked = describe(simulate(links=0).ratings), describe(simulate(links=0.05).ratings)
    assert "describe.islands" in keys(islands) and len(islands.tables["components"]) == 8
    assert "describe.connected" in keys(linked) and len(linked.tables["components"]) == 1
    assert min(note.rank for note in islands.notes) < 10 < min(note.rank for note in linked.notes)


def test_permuted_rows_change_nothing_and_new_names_only_names():
    made = simulate(120, 3, 2, seed=2).ratings
    plain = made.frame.astype({name: object for name in made.frame.columns if name != "score"})
    shuffled = Ratings.from_frame(plain.sample(frac=1, random_state=1), framework=made.framework)
    one, other = describe(made), describe(shuffled)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])
    names = {old: f"Z{index}" for index, old in enumerate(sorted(plain["trainer"].unique())[::-1])}
    renamed = describe(Ratings.from_frame(plain.assign(trainer=plain["trainer"].map(names)), framework=made.framework))
    before, after = one.tables["fragile_trainers"], renamed.tables["fragile_trainers"]
    pairs = zip(before["trainer"].map(names), before["n_trainers"], strict=True)
    assert sorted(pairs) == sorted(zip(after["trainer"], after["n_trainers"], strict=True))


def test_two_students_rated_on_three_occasions_are_two_students():
    rows = [(s, t, o, "k", 1) for s in "12" for t in "ab" for o in "xyz"]
    ratings = loaded(pd.DataFrame(rows, columns=["student", "trainer", "occasion", "criterion", "score"]))
    corating = describe(ratings).tables["corating"]
    assert corating["n_files"].tolist() == [6] and corating["n_students"].tolist() == [2]


def test_missing_ratings_are_counted_against_the_sheets_that_were_opened():
    frame = pd.DataFrame(
        [(s, t, c, 1) for s in "12" for t in "ab" for c in "kl" if (s, t, c) != ("1", "a", "l")],
        columns=["student", "trainer", "criterion", "score"],
    )
    coverage = describe(loaded(frame)).tables["coverage"].set_index(["facet", "member"])
    assert coverage.loc[("criterion", "l"), "n_expected"] == 4
    assert coverage.loc[("criterion", "l"), "share_missing"] == pytest.approx(0.25)
    assert coverage.loc[("trainer", "b"), "share_missing"] == 0


def test_unused_levels_keep_their_row():
    levels = describe(small()).tables["levels"]
    assert len(levels) == 2 * 5 and (levels["n_ratings"] == 0).any()
