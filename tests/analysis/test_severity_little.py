"""The many-facet analysis on little or odd data: what it says of them, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.severity import severity
from crcne_stats.domain.ratings import Ratings
from crcne_stats.view.tables import table

PRIVATE = {"students", "unexpected"}


def rated(rows, levels=4):
    frame = pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score"])
    return Ratings.from_frame(frame, levels=range(levels))


def drawn(trainers=3, criteria=4, students=30, levels=4, give=None, panel=None, ranked=False):
    rng = np.random.default_rng(3)
    ability = rng.normal(0, 1, students)
    rows = []
    for s in range(students):
        for t in range(trainers) if panel is None else panel(s):
            for c in range(criteria):
                score = np.clip(round(1.5 + ability[s] + rng.normal(0, 0.8)), 0, levels - 1)
                score = s * levels // students if ranked else score
                rows.append((f"s{s}", f"t{t}", f"c{c}", int(score) if give is None else give(t, c, int(score))))
    return rated(rows, levels)


LITTLE = {
    "one trainer": (drawn(trainers=1), "one_trainer"),
    "one criterion": (drawn(criteria=1), "one_criterion"),
    "all equal": (drawn(give=lambda t, c, x: 2), "all_equal"),
    "one rating": (rated([("s", "t", "c", 1)]), "all_equal"),
    "extreme trainer": (drawn(give=lambda t, c, x: 0 if t == 0 else x), "extreme_low"),
    "extreme criterion": (drawn(give=lambda t, c, x: 3 if c == 0 else x), "extreme_high"),
    "level never used": (drawn(give=lambda t, c, x: x if x != 1 else 2), "level_never_used"),
    "one trainer per student": (drawn(trainers=3, panel=lambda s: [s % 3]), "alone_in_component"),
    "perfect order": (drawn(trainers=2, students=12, ranked=True), "not_converged"),
}  # fmt: skip


@pytest.mark.parametrize("name", LITTLE)
def test_little_to_say_is_said(name):
    ratings, reason = LITTLE[name]
    found = severity(ratings, simulations=4)
    reasons = {found.reason, *(str(x) for t in found.tables.values() if "reason" in t for x in t["reason"])}
    assert reason in reasons
    assert (name == "one trainer") == ("severity.one_trainer" in {note.key for note in found.notes})
    for frame in (found.tables.get("trainers"), found.tables.get("criteria")):
        if frame is not None:
            measure = frame["severity"] if "severity" in frame else frame["difficulty"]
            assert (measure.notna() | (frame["reason"] != "")).all()
    for shown in set(found.tables) - PRIVATE:
        assert table(found, shown).text()


def test_a_scale_of_one_level_measures_nothing():
    frame = drawn().frame.astype({"criterion": str})
    frame["score"] = frame["score"].where(frame["criterion"] != "c0", 0)
    levels = {"c0": range(1), **{f"c{c}": range(4) for c in (1, 2, 3)}}
    found = severity(Ratings.from_frame(frame, levels=levels), simulations=0)
    assert found.tables["criteria"]["reason"].tolist()[0] == "one_level_scale"


def test_criteria_with_different_scales_in_one_fit():
    frame = drawn().frame.astype({"criterion": str})
    frame["score"] = np.where(frame["criterion"] == "c0", (frame["score"] > 1).astype(int), frame["score"])
    levels = {"c0": range(2), **{f"c{c}": range(4) for c in (1, 2, 3)}}
    found = severity(Ratings.from_frame(frame, levels=levels), simulations=0)
    assert found.tables["model"]["converged"].all()
    assert set(found.tables["thresholds"]["n_levels"]) == {2, 4}
    assert found.tables["criteria"]["fair_average"].iloc[0] < 1


@pytest.mark.parametrize(
    "option",
    [{"thresholds": "nose"}, {"population": "nose"}, {"interactions": ["trainer:nose"]}, {"facets": ["nose"]},
     {"level": 2}, {"equivalence": 0}, {"link": "nose"}, {"anchors": pd.DataFrame({"facet": []})}],
)  # fmt: skip
def test_values_that_mean_nothing_are_refused(option):
    with pytest.raises(ValueError):
        severity(drawn(), **option)


def test_a_trainer_of_the_overall_level_alone_is_no_island():
    frame = drawn().frame.astype(str).astype({"score": int})
    more = pd.DataFrame({"student": ["s0"], "trainer": ["t9"], "criterion": ["overall"], "score": [2]})
    both = pd.concat([frame[["student", "trainer", "criterion", "score"]], more])
    found = Ratings.from_frame(both, levels=range(4))
    criteria = [replace(c, role="global" if c.key == "overall" else "") for c in found.framework.criteria]
    found = replace(found, framework=replace(found.framework, criteria=tuple(criteria)))
    alone = severity(found, simulations=0)
    assert alone.tables["trainers"]["trainer"].tolist() == ["t0", "t1", "t2"]
    assert alone.tables["trainers"]["component"].eq(1).all()


def test_a_facet_that_no_rating_has_is_told():
    assert severity(drawn(), facets=["mention"]).reason == "column_unknown"
