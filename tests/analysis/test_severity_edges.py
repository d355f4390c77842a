"""The many-facet analysis where parts of the ratings tell nothing, and joint estimates on few ratings a student."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.ratings import Ratings


def test_an_inspe_none_of_whose_ratings_count_moves_no_link():
    islands = simulate(
        120, 2, 1, trainers=6, links=0, inspe_ability_sd=0.8, halo_sd=0.0, disordered=False, missing=0, seed=6
    )
    frame = islands.ratings.frame.astype(object)
    own = frame[frame["student"] == frame["student"].iloc[0]]
    lowest = own.drop_duplicates("criterion").assign(trainer="always_0", score=0.0)
    strangers = [lowest.assign(student=f"stranger_{i}", inspe="elsewhere") for i in range(30)]
    more = pd.concat([frame, lowest, *strangers], ignore_index=True)
    data = Ratings.from_frame(more, framework=islands.ratings.framework)
    before = severity(islands.ratings, link="equal_inspe_means", simulations=0, halo=False).tables["trainers"]
    after = severity(data, link="equal_inspe_means", simulations=0, halo=False).tables["trainers"]
    assert after.set_index("trainer").loc["always_0", "reason"] == "extreme_low"
    after = after[after["trainer"] != "always_0"]
    np.testing.assert_allclose(after["severity"], before["severity"], atol=1e-6)
    np.testing.assert_allclose(after["se"], before["se"], atol=1e-6)


def test_limits_of_joint_fit_know_its_bias():
    """With six ratings a student joint measures are stretched by a fifth; mean squares must not be judged by that."""
    apart, verdicts = [], []
    for seed in range(6):
        made = simulate(
            150, 2, 1, trainers=8, links=0.3, halo_sd=0, severity_sd=0.5, centrality_sd=0, disordered=False, dif=0,
            drift=0, low_agreement=0, missing=0.05, seed=seed,
        ).ratings  # fmt: skip
        few = made.where(made.frame["criterion"].isin(made.criteria[:3]))
        table = severity(few, estimator="jml", simulations=30, seed=seed).tables["trainers"]
        middle = (np.log(table["infit_low"]) + np.log(table["infit_high"])) / 2
        apart.append((np.log(table["infit"]) - middle).mean())
        verdicts += table["fit"].tolist()
    assert abs(np.mean(apart)) < 0.04  # 0.19 when replicates were drawn at the stretched measures
    assert verdicts.count("expected") >= 0.85 * len(verdicts)


def test_what_is_left_out_for_its_size_is_told(monkeypatch):
    made = simulate(60, 2, 2, trainers=8, links=0.3, disordered=False, seed=2).ratings
    few = made.where(made.frame["criterion"].isin(made.criteria[:4]))
    frame = few.frame.astype(object)
    name = frame["trainer"].iloc[0]
    rows = (frame["trainer"] == name) & (frame["criterion"] == few.criteria[0])
    uneven = Ratings.from_frame(frame.assign(score=frame["score"].where(~rows, 4)), framework=few.framework)
    monkeypatch.setattr("crcne_stats.analysis.severity_drift.MOST", 3)
    found = severity(uneven, simulations=0, halo=False)
    assert "severity.drift_left_out" in {note.key for note in found.notes}
    assert "drift" not in found.tables
