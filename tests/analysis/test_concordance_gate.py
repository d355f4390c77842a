"""The gate and the core certification's score: tables worked by hand, recovery, and what may be shown."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.simulate import simulate
from crcne_stats.core.equating import equipercentile, smoothed
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students
from crcne_stats.view.disclosure import published

LEVELS = ["not_reached", "initie", "confirme"]


def asked(scores: np.ndarray, resamples: int = 0, **columns: Any) -> Result:
    """Scores (student, criterion) by one trainer, and what the students' file says."""
    keys = [f"c{i}" for i in range(scores.shape[1])]
    plain = Framework.plain("data", keys, LEVELS)
    rules = dataclasses.replace(plain.rules, combination="gate" if "pix_gate" in columns else "minimum")
    own = dataclasses.replace(plain, rules=rules, pix_levels=tuple(LEVELS))
    student, criterion = (index.ravel() for index in np.indices(scores.shape))
    names = [f"s{i:05d}" for i in range(len(scores))]
    table = pd.DataFrame({"student": np.array(names)[student], "trainer": "t", "criterion": np.array(keys)[criterion]})
    data = Ratings.from_frame(table.assign(score=scores.ravel()), framework=own)
    people = Students.from_frame(pd.DataFrame({"student": names, **columns}), framework=own)
    return concordance(data, people, resamples=resamples)


def gated(good: np.ndarray) -> list[str]:
    return np.where(good, "admissible", "not_admissible").tolist()


def test_shares_at_each_level_by_hand() -> None:
    scores = np.array([0, 0, 1, 1, 1, 2, 2, 2])[:, None]
    good = np.array([0, 0, 0, 1, 1, 0, 1, 1], dtype=bool)
    table = asked(scores, pix_gate=gated(good)).tables["accuracy"].set_index("cut_level")
    row = table.loc["initie"]
    assert row[["sensitivity", "specificity", "ppv", "npv"]].tolist() == [1, 0.5, 4 / 6, 1]
    row = table.loc["confirme"]
    assert row[["sensitivity", "specificity", "ppv", "npv"]].tolist() == [0.5, 0.75, 2 / 3, 3 / 5]
    assert table["best_cut"].tolist() == [True, False]


def test_curve_area_and_probabilities_agree_with_what_made_them() -> None:
    rng = np.random.default_rng(1)
    n = 3000
    scores = rng.integers(0, 3, (n, 8))
    mean = scores.mean(axis=1)
    good = rng.random(n) < 1 / (1 + np.exp(-6 * (mean - 1)))
    tables = asked(scores, pix_gate=gated(good)).tables
    summary = tables["gate_summary"].set_index("coefficient")
    u = stats.mannwhitneyu(mean[good], mean[~good]).statistic / good.sum() / (~good).sum()
    assert summary.loc["auc", "value"] == pytest.approx(u)
    assert summary.loc["calibration_slope", "low"] < 1 < summary.loc["calibration_slope", "high"]
    roc = tables["roc"]
    for row in roc.itertuples():
        assert row.sensitivity == pytest.approx((mean[good] >= row.rubric_measure).mean())
        assert row.specificity == pytest.approx((mean[~good] < row.rubric_measure).mean())
    bins = tables["calibration"]
    assert bins["n_students"].sum() == n
    assert ((bins["low"] <= bins["foretold"]) & (bins["foretold"] <= bins["high"])).mean() >= 0.7
    # No two points of a curve tell of fewer than eleven students of a kind.
    assert (np.diff(np.r_[1.0, roc["sensitivity"], 0.0]) * good.sum() <= -11 + 1e-6).all()


def test_criteria_explain_the_gate_where_there_is_no_level() -> None:
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 3, (800, 3))
    good = scores[:, 1] + rng.normal(size=800) > 1
    table = asked(scores, pix_gate=gated(good)).tables["criteria"]
    assert table["criterion"].iloc[0] == "c1" and table["share_explained"].iloc[0] > 0.9


def test_shares_at_a_cut_do_not_tell_of_few_students() -> None:
    made = simulate(800, 8, 1, seed=1, framework="2026-illustration")
    raw = concordance(made.ratings, made.students, resamples=0)
    shown = published(raw)
    gate, table = shown.tables["gate"], shown.tables["accuracy"]
    assert (gate["reason"] == "hidden").any()
    true = raw.tables["gate"].set_index(["pix_gate", "inspe_level"])["n_students"]["admissible"]
    told = gate.set_index(["pix_gate", "inspe_level"])["n_students"]["admissible"]
    ladder = list(true.index)
    for row in table.dropna(subset="sensitivity").itertuples():
        above = ladder[ladder.index(row.cut_level) :]
        few = [key for key in above if np.isnan(told[key]) and 0 < true[key] < 5]
        unknown = [key for key in above if np.isnan(told[key])]
        if few:
            assert len(unknown) > 1 or 0.01 * true.sum() >= 4


def test_scores_of_equal_rank_go_with_each_other() -> None:
    rng = np.random.default_rng(3)
    n = 2500
    scores = rng.binomial(2, np.clip(rng.normal(0.5, 0.2, n), 0.02, 0.98)[:, None], (n, 12))
    mean = scores.mean(axis=1)
    pix = np.round(300 + 200 * mean + 40 * rng.normal(size=n))
    pix[:50] = np.nan
    result = asked(scores, resamples=100, pix_level=[LEVELS[j] for j in rng.integers(0, 3, n)], pix_score=pix)
    table = result.tables["core_scores"]
    # Without smoothing: the same share of students below.
    known = np.isfinite(pix)
    plain = np.quantile(pix[known], table["percentile"])
    assert (np.abs(table["pix_score"] - plain) < 12).all()
    assert ((table["low"] < table["pix_score"]) & (table["pix_score"] < table["high"])).all()
    assert (table["pix_score"].diff().dropna() > 0).all()
    both = result.tables["core_association"].set_index(["compared_with", "coefficient"])
    assert both.loc[("rubric", "pearson"), "value"] == pytest.approx(np.corrcoef(mean[known], pix[known])[0, 1])
    assert both.loc[("pix_level", "polyserial"), "low"] < 0 < both.loc[("pix_level", "polyserial"), "high"]
    assert "concordance.core_not_edu" in {note.key for note in result.notes}
    fit = smoothed(np.bincount(np.round(mean[known] * 12).astype(int)), 6)
    assert equipercentile(fit.frequency, fit.frequency)[12] == pytest.approx(12)


@pytest.mark.parametrize("score", [[500.0] * 40, [np.nan] * 39 + [500.0]])
def test_little_data_give_reasons(score: list[float]) -> None:
    scores = np.arange(40)[:, None] % 3
    tables = asked(scores, pix_gate=gated(np.ones(40, dtype=bool)), pix_score=score).tables
    assert (tables["gate_summary"]["reason"] == "one_gate").all()
    for table in tables.values():
        assert (table.loc[table.select_dtypes("number").isna().any(axis=1), "reason"] != "").all()


def test_simulated_core_scores_move_no_other_number() -> None:
    made = simulate(200, 4, 1, seed=3)
    score = made.students.frame["pix_score"]
    assert 0.85 < score.notna().mean() < 1 and score.between(1, 1000).sum() == score.notna().sum()
    assert made.students.known("pix_level")
