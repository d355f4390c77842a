"""What trainers' disagreement explains and which criteria carry the agreement: by hand, by recovery, and reasons."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.concordance_rubric import Rubric, criteria
from crcne_stats.analysis.concordance_trainers import two_sheets
from crcne_stats.core.dominance import Sums, general_dominance
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students

LEVELS = ["not_reached", "initie", "confirme"]


def framework(*criteria: str) -> Framework:
    return dataclasses.replace(Framework.plain("data", list(criteria), LEVELS), pix_levels=tuple(LEVELS))


def asked(scores: np.ndarray, pix: np.ndarray, resamples: int = 0, **options: Any) -> Result:
    """Codes (student, trainer, criterion), NaN for none, and PIX+Édu codes (student,)."""
    own = framework(*[f"c{i}" for i in range(scores.shape[2])])
    student, trainer, criterion = (index.ravel() for index in np.indices(scores.shape))
    table = pd.DataFrame(
        {
            "student": [f"s{i:05d}" for i in student], "trainer": [f"t{i}" for i in trainer],
            "criterion": [f"c{i}" for i in criterion], "score": scores.ravel(),
        }
    ).dropna()  # fmt: skip
    names = [f"s{i:05d}" for i in range(len(scores))]
    people = pd.DataFrame({"student": names, "pix_level": [LEVELS[j] for j in pix]})
    data = Ratings.from_frame(table, framework=own)
    return concordance(data, Students.from_frame(people, framework=own), resamples=resamples, **options)


def cut(values: np.ndarray) -> np.ndarray:
    return np.digitize(values, [-0.7, 0.6])


def test_sheets_of_one_file_are_crossed_both_ways() -> None:
    scores = np.full((4, 3, 1), np.nan)
    scores[0, :2, 0] = [0, 1]
    scores[1, :, 0] = [2, 2, 1]
    scores[2, 0, 0] = 2
    scores[3, 1:, 0] = [1, 1]
    own = framework("c0")
    rows = [(f"s{s}", f"t{t}", "c0", scores[s, t, 0]) for s in range(4) for t in range(3) if scores[s, t, 0] >= 0]
    data = Ratings.from_frame(pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score"]), framework=own)
    table, n = two_sheets(data)
    third = 1 / 3
    np.testing.assert_allclose(table, [[0, 0.5, 0], [0.5, 1, third], [0, third, third]])
    assert n == 3


def test_what_trainers_explain_is_recovered() -> None:
    rng = np.random.default_rng(1)
    n, error = 6000, 0.8
    true = rng.normal(size=n)
    # Each trainer sees the true position with an error; PIX+Édu sees something else that goes with it.
    single = true[:, None] + error * rng.normal(size=(n, 1))
    pix = cut(0.8 * true + 0.6 * rng.normal(size=n))
    one = asked(cut(single)[:, :, None], pix).tables["trainer_error"]
    assert set(one["reason"]) == {"no_double_rating", "no_severity"}
    scores = cut(true[:, None] + error * rng.normal(size=(n, 2)))[:, :, None].astype(float)
    # The second trainer rated half of the files only.
    scores[::2, 1] = np.nan
    found = asked(scores, pix).tables["trainer_error"].set_index(["reliability_from", "coefficient"])
    row = found.loc["two_trainers", "polychoric"]
    single_reliability = 1 / (1 + error**2)
    both = 2 * single_reliability / (1 + single_reliability)
    assert row["reliability_low"] < (single_reliability + both) / 2 < row["reliability_high"]
    assert row["n_double"] == n // 2
    # Levels of two trainers are averaged and cut anew, a little less than the latent mean.
    assert row["corrected"] == pytest.approx(0.8, abs=0.035)
    assert row["at_most"] == pytest.approx(np.sqrt((single_reliability + both) / 2), abs=0.03)
    share = found.loc["two_trainers", "percent"]
    assert share["value"] < share["at_most_low"] < share["at_most"] < share["at_most_high"] < 1


def test_agreement_that_only_trainers_lessen_is_called_so() -> None:
    rng = np.random.default_rng(2)
    true = rng.normal(size=3000)
    scores = cut(true[:, None] + 0.7 * rng.normal(size=(3000, 2)))[:, :1, None].astype(float)
    second = cut(true + 0.7 * rng.normal(size=3000)).astype(float)
    scores = np.concatenate([scores, second[:, None, None]], axis=1)
    scores[300:, 1] = np.nan  # a few files rated twice tell the reliability of single trainers
    result = asked(scores[:, :, :], np.digitize(true, [-0.85, 0.75]))
    assert "concordance.trainers_explain_all" in {note.key for note in result.notes}
    apart = asked(scores, cut(rng.normal(size=3000)))
    assert "concordance.trainers_explain_part" in {note.key for note in apart.notes}


def test_the_criterion_that_carries_the_agreement_comes_first() -> None:
    rng = np.random.default_rng(3)
    n = 1500
    x = rng.normal(size=(n, 4)) + 0.5 * rng.normal(size=(n, 1))
    pix = np.digitize(1.2 * x[:, 2] + 0.5 * x[:, 0] + rng.normal(size=n), [-1, 1])
    result = asked(np.stack([cut(x)], axis=1).astype(float), pix, resamples=100, seed=4)
    table = result.tables["criteria"]
    assert table["criterion"].tolist()[:2] == ["c2", "c0"] and table["criterion"].iloc[-1] is None
    rows, whole = table.iloc[:-1], table.iloc[-1]
    assert rows["dominance"].sum() == pytest.approx(whole["dominance"])
    assert rows["share_explained"].sum() == pytest.approx(1)
    assert (rows["dominance_low"] <= rows["dominance"]).all() and (rows["dominance"] <= rows["dominance_high"]).all()
    assert rows["dominance_low"].iloc[0] > rows["dominance_high"].iloc[1]
    regression = result.tables["regression"].set_index("criterion")
    assert regression.loc[["c2", "c0"], "p_adjusted"].max() < 1e-6 < regression.loc["c3", "p_adjusted"]
    assert result.tables["tests"].set_index("method").loc["brant", "df"] == 4
    note = next(note for note in result.notes if note.key == "concordance.carrying")
    assert (note.values["first"], note.values["second"]) == ("c2", "c0")
    again = asked(np.stack([cut(x)], axis=1).astype(float), pix, resamples=100, seed=4)
    pd.testing.assert_frame_equal(table, again.tables["criteria"])


def test_intervals_of_what_is_explained_cover_it() -> None:
    rng = np.random.default_rng(5)
    inside, n = np.zeros(3), 400
    big = 200_000

    def made(size: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(size, 3)) + 0.7 * rng.normal(size=(size, 1))
        return cut(x), np.digitize(x @ [0.8, 0.3, 0.0] + rng.normal(size=size), [-1, 1])

    x, y = made(big)
    true = general_dominance(*(sums := Sums(y, x)).correlations(sums.rows.sum(axis=0)))
    for _ in range(40):
        x, y = made(n)
        rubric = Rubric(("a", "b", "c"), (), y, x.astype(float), np.arange(n))
        rows = criteria(rubric, 100, 1).iloc[:-1].sort_values("criterion")
        inside += ((rows["dominance_low"] <= true) & (true <= rows["dominance_high"])).to_numpy()
    assert (inside >= 33).all(), inside


@pytest.mark.parametrize(
    ("scores", "pix", "reason"),
    [
        (np.zeros((60, 1, 2)), np.arange(60) % 3, "constant_scores"),
        (np.tile(np.arange(60) % 3, (2, 1)).T[:, None, :].astype(float), np.arange(60) // 20, "collinear"),
        (np.arange(60).reshape(60, 1, 1) % 3.0, np.zeros(60, dtype=int), "one_pix_level"),
        (np.arange(9).reshape(9, 1, 1) % 3.0, np.arange(9) // 3, "few_for_criteria"),
        (np.arange(60).reshape(60, 1, 1) // 20.0, np.arange(60) // 20, "perfect_prediction"),
    ],
)
def test_no_regression_has_its_reason(scores: np.ndarray, pix: np.ndarray, reason: str) -> None:
    tables = asked(scores, pix).tables
    assert tables["regression"]["reason"].tolist() == [reason]
    for table in tables.values():
        assert (table.loc[table.select_dtypes("number").isna().any(axis=1), "reason"] != "").all()
