"""The next version of a simulated framework holds what was planted."""

from __future__ import annotations

import numpy as np
import pytest

import crcne_stats as cs
from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.simulate_next import simulate_next

FIRST = simulate(120, 3, 2, seed=4)
NEXT = "2026-illustration"


def test_what_stays_and_what_was_planted() -> None:
    made = simulate_next(FIRST, NEXT, students=90, drift=0.7, severity_shift=0.2, again=12, seed=2)
    planted = made.truth["planted"]
    assert sorted(planted["drift"].values()) == [-0.7, 0.7] and len(planted["again"]) == 12
    assert planted["severity_shift"] == pytest.approx(0.2)
    before, after = FIRST.truth["difficulty"], made.truth["difficulty"]
    halfway = {key: by / 2 for key, by in FIRST.truth["planted"]["drift"].items()}
    for key in ("1.1", "1.2", "3.1", "8.2"):
        assert after[key] == pytest.approx(before[key] + halfway.get(key, 0.0) + planted["drift"].get(key, 0.0))
        assert made.truth["thresholds"][key] == FIRST.truth["thresholds"][key]
    assert after["7.1"] == pytest.approx((before["7.1"] + before["7.2"]) / 2)
    assert (after["2.2"] + after["2.4"]) / 2 == pytest.approx(before["2.2"] + halfway["2.2"])
    people = made.ratings.frame.drop_duplicates("student").set_index("student")["session"].astype(str)
    assert len(people) == 102 and set(planted["again"]) < set(FIRST.truth["ability"])
    assert people.drop(planted["again"]).nunique() == 1 and set(people[planted["again"]]) <= {"2022-2023", "2023-2024"}
    assert set(made.ratings.frame["trainer"].astype(str)) <= set(FIRST.truth["severity"])
    assert made.ratings.simulated and made.students.simulated


def test_same_seed_same_data_and_the_same_framework_again() -> None:
    one, two = (simulate_next(FIRST, seed=3) for _ in range(2))
    assert one.ratings.frame.equals(two.ratings.frame) and one.ratings.framework.version == "2022-2023"
    assert np.mean(list(one.truth["ability"].values())) > np.mean(list(FIRST.truth["ability"].values()))
    assert cs.simulate_next is simulate_next


def test_a_framework_that_does_not_follow_is_refused() -> None:
    with pytest.raises(ValueError, match="crosswalk"):
        simulate_next(simulate_next(FIRST, NEXT), "2022-2023")
    with pytest.raises(ValueError, match="again"):
        simulate_next(FIRST, NEXT, again=10_000)
