"""Association, tests, shift and groups of the two parts: published tables, R, and tables worked by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.concordance_cells import Compared
from crcne_stats.analysis.concordance_groups import group_tests, groups
from crcne_stats.core.counts import kinds_of
from crcne_stats.core.resample import bootstrap_weights, kind_weights
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students

VISION = json.loads((Path(__file__).parents[1] / "reference" / "association.json").read_text("utf-8"))["vision"]
LADDER = ["not_reached", "initie", "confirme", "avance"]


def asked(codes: Any, pix: Any, ladder: list[str] = LADDER, top: int = 4, **columns: Any) -> Result:
    """The analysis of given levels (codes) of both parts; the rubric gives the INSPÉ level."""
    plain = Framework.plain("data", ["a"], ladder)
    own = dataclasses.replace(plain, pix_levels=tuple(ladder[:top]))
    names = columns.pop("student", [f"s{i:05d}" for i in range(len(codes))])
    table = pd.DataFrame({"student": names, **{k: v for k, v in columns.items() if k == "session"}})
    data = Ratings.from_frame(table.assign(trainer="t", criterion="a", score=codes), framework=own)
    frame = pd.DataFrame({"student": names, "pix_level": [ladder[j] for j in pix], **columns})
    return concordance(data, Students.from_frame(frame, framework=own), resamples=0)


def spread(table: Any) -> tuple[np.ndarray, np.ndarray]:
    counts = np.asarray(table)
    i, j = np.indices(counts.shape)
    return np.repeat(i.ravel(), counts.ravel()), np.repeat(j.ravel(), counts.ravel())


def test_vision_as_polycor_and_as_published() -> None:
    found = asked(*spread(VISION["table"])).tables
    row = found["association"].set_index("coefficient")
    assert row.loc["polychoric", "value"] == pytest.approx(VISION["rho"], abs=1e-4)
    assert row.loc["polychoric", "se"] == pytest.approx(VISION["se"], abs=1e-5)
    for name, key in (("tau_b", "tau_b"), ("gamma", "gamma"), ("somers_pix", "somers_d")):
        assert row.loc[name, "value"] == pytest.approx(VISION[key], abs=1e-9)
    assert (row["low"] < row["value"]).all() and (row["value"] < row["high"]).all()
    test = found["tests"].set_index("method")
    assert test.loc["stuart_maxwell", "p"] == pytest.approx(0.00753, abs=5e-6)
    assert test.loc["bhapkar", "p"] == pytest.approx(0.00747, abs=5e-6)
    assert test.loc["normal_model", "statistic"] == pytest.approx(VISION["statistic"], abs=1e-3)
    assert test.loc["normal_model", "df"] == VISION["df"]


def test_distances_margins_and_shift_by_hand() -> None:
    inspe, pix = np.array([0, 1, 2, 3, 3, 1, 2, 0]), np.array([0, 0, 2, 2, 0, 2, 1, 0])
    found = asked(inspe, pix, top=3).tables
    assert found["closeness"].set_index("closeness")["n_students"].to_dict() == {
        "exact": 4, "adjacent": 3, "farther": 1,
    }  # fmt: skip
    margins = found["margins"]
    assert margins["n_students"].tolist() == [2, 2, 2, 2, 4, 1, 3]
    gap = np.minimum(inspe, 2) - pix
    row = found["shift"].iloc[0]
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["se"] == pytest.approx(gap.std(ddof=1) / np.sqrt(8))
    assert row["p"] == pytest.approx(stats.ttest_1samp(gap, 0).pvalue)


def test_a_group_that_differs_is_found_and_the_others_are_not() -> None:
    rng = np.random.default_rng(5)
    n = 1200
    ability, home = rng.normal(size=n), np.arange(n) % 4
    noise = np.where(home == 3, 3.0, 0.6)
    inspe = np.digitize(ability + 0.3 * rng.normal(size=n), [-0.6, 0.6])
    pix = np.digitize(ability + noise * rng.normal(size=n), [-0.6, 0.6])
    found = asked(inspe, pix, LADDER[:3], 3, inspe=[f"I{h}" for h in home]).tables
    rows = found["groups"].set_index("member")
    assert (rows["n_students"] == 300).all()
    assert (rows["n_equal"] + rows["n_above"] + rows["n_below"] == 300).all()
    assert rows.loc["I3", "p_adjusted"] < 1e-6 and rows.loc["I3", "contrast"] < 0
    test = found["group_tests"].set_index("coefficient")
    assert test.loc["percent", "p_adjusted"] < 1e-6 and test.loc["cohen", "p_adjusted"] < 1e-6
    own = home == 3
    exact = np.array([[(inspe == pix)[home == h].sum(), (inspe != pix)[home == h].sum()] for h in range(4)])
    assert test.loc["percent", "statistic"] == pytest.approx(stats.chi2_contingency(exact)[0])
    assert rows.loc["I3", "difference"] == pytest.approx((inspe - pix)[own].mean())


def test_tests_of_groups_keep_their_size() -> None:
    rng = np.random.default_rng(6)
    own, n = Framework.plain("data", ["a"], LADDER[:3]), 400
    names = pd.DataFrame({"student": [f"s{i:05d}" for i in range(n)], "inspe": np.resize(list("abcd"), n)})
    people, row = Students.from_frame(names, framework=own), np.arange(n)
    empty = pd.DataFrame({"inspe": [], "mention": [], "session": []})
    p = []
    for _ in range(150):
        ability = rng.normal(size=n)
        one, other = (np.digitize(ability + 0.6 * rng.normal(size=n), [-0.6, 0.6]) for _ in range(2))
        table = groups(Compared(one, other, one, row, row, row, [0.0, 1, 2]), people, empty, np.full(n, -1), "linear")
        p.append(group_tests(table, ["inspe"])["p"].tolist())
    size = (np.array(p) < 0.05).mean(axis=0)
    assert (size <= 0.11).all() and (size >= 0.005).all(), size


def test_sittings_of_one_student_count_together() -> None:
    rng = np.random.default_rng(7)
    ability = rng.normal(size=150)
    inspe, pix = (np.digitize(ability + 0.5 * rng.normal(size=150), [-0.6, 0.6]) for _ in range(2))
    once = asked(inspe, pix, LADDER[:3], 3, inspe=np.repeat(["a", "b"], 75))
    twice = asked(
        np.tile(inspe, 2), np.tile(pix, 2), LADDER[:3], 3, student=[f"s{i:05d}" for i in range(150)] * 2,
        session=np.repeat(["2020", "2021"], 150), inspe=np.tile(np.repeat(["a", "b"], 75), 2),
    )  # fmt: skip
    one, two = once.tables, twice.tables
    assert two["shift"].loc[0, "se"] == pytest.approx(one["shift"].loc[0, "se"])
    assert set(two["tests"]["method"]) == {"margins_score", "margins_wald", "bowker", "brant", "normal_model"}
    own = two["groups"].query("facet == 'inspe'")
    assert own["n_students"].tolist() == [75, 75]
    before = one["groups"].query("facet == 'inspe'")
    np.testing.assert_allclose(own["se"], before["se"], rtol=1e-4)
    for end in ("difference_low", "difference_high"):
        np.testing.assert_allclose(own[end], before[end], rtol=1e-6)
    # What takes students to be independent has each of them once, in the last session.
    for name, key in (("tests", "method"), ("association", "coefficient")):
        rows = [table[name].set_index(key).drop(columns="reason") for table in (one, two)]
        shared = [row for row in rows[0].index.intersection(rows[1].index) if row != "brant"]
        pd.testing.assert_frame_equal(rows[0].loc[shared], rows[1].loc[shared])
    tests = [table["group_tests"].query("facet == 'inspe'").drop(columns="p_adjusted") for table in (one, two)]
    pd.testing.assert_frame_equal(*tests)
    assert any(note.key == "concordance.repeated" and note.values["n"] == 150 for note in twice.notes)
    assert not any(note.key == "concordance.repeated" for note in once.notes)


def test_the_last_session_of_a_student_is_kept() -> None:
    code = np.arange(5)
    both = Compared(code, code, code, np.array([0, 1, 0, 2, 1]), code, np.array([1, 0, 0, 0, 2]), [0.0, 1, 2, 3, 4])
    assert both.latest.row.tolist() == [0, 3, 4]
    once = both.latest
    assert once.latest is once


def test_students_drawn_by_kind_are_students_drawn_one_by_one() -> None:
    rng = np.random.default_rng(8)
    owner, cell = np.r_[np.arange(200), np.arange(40)], rng.integers(0, 4, 240)
    number, kind, cells = kinds_of(owner, cell)
    assert number.sum() == 200
    assert np.bincount(cells, np.repeat(1, len(cells)) * number[kind], minlength=4) == pytest.approx(
        np.bincount(cell, minlength=4)
    )
    hot = np.zeros((200, 4))
    np.add.at(hot, (owner, cell), 1)
    by_kind = np.zeros((len(number), 4))
    np.add.at(by_kind, (kind, cells), 1)
    one = hot.T @ bootstrap_weights(rng, 4000, 200)
    other = by_kind.T @ kind_weights(rng, 4000, number)
    np.testing.assert_allclose(one.mean(axis=1), other.mean(axis=1), rtol=0.03)
    np.testing.assert_allclose(np.cov(one), np.cov(other), atol=6)


@pytest.mark.parametrize(("inspe", "pix"), [([0, 1], [0, 1]), ([1], [1]), ([1, 1, 1], [1, 1, 1]), ([0, 2], [2, 0])])
def test_little_data_give_reasons(inspe: list[int], pix: list[int]) -> None:
    for table in asked(inspe, pix).tables.values():
        assert (table.loc[table.select_dtypes("number").isna().any(axis=1), "reason"] != "").all()
