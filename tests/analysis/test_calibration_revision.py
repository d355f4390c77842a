"""Signs of changed criteria before and after: planted thresholds and a planted discord are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crcne_stats.analysis import calibration_revision
from crcne_stats.analysis.calibration_design import Stacked, Tie, stacked
from crcne_stats.analysis.calibration_revision import SYMPTOMS, revision_table
from crcne_stats.analysis.calibration_symptoms import model_signs
from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.simulate_next import simulate_next

FIRST = simulate(200, 2, 1, links=0.1, drift=0, low_agreement=0, dif=0, halo_sd=0, centrality_sd=0, seed=31)
SECOND = simulate_next(FIRST, "2026-illustration", drift=0, seed=32)
SWAPPED = FIRST.truth["planted"]["disordered"]


@pytest.fixture(scope="module")
def asked() -> Stacked:
    """As if the criterion whose thresholds are out of order had been replaced by one whose thresholds are in order."""
    return replace(stacked(FIRST.ratings, SECOND.ratings), ties=(Tie("reworded", (SWAPPED,), ("1.1",)),))


def test_the_smallest_distance_between_thresholds_is_the_true_one() -> None:
    keys = FIRST.ratings.criteria
    found = model_signs(FIRST.ratings, keys)
    for key in keys:
        true = FIRST.truth["thresholds"][key]
        value, error, n = found[key, "narrowest"]
        # A minimum over neighbours lies low where two of them are nearly alike.
        assert np.diff(true).min() - 4 * error < value < np.diff(true).min() + 3 * error and n > 190
        assert found[key, "misfit"][0] == pytest.approx(1, abs=4 * found[key, "misfit"][1])


def test_a_criterion_that_each_trainer_reads_in_an_own_way_is_the_least_predictable() -> None:
    torn = simulate(200, 2, 1, links=0.1, drift=0, low_agreement=2, dif=0, halo_sd=0, seed=33)
    found = model_signs(torn.ratings, torn.ratings.criteria)
    infit = {key: found[key, "misfit"][0] for key in torn.ratings.criteria}
    own = torn.truth["planted"]["low_agreement"]
    assert max(infit, key=lambda key: infit[key]) == own
    assert infit[own] - 3 * found[own, "misfit"][1] > 1


def test_a_criterion_put_in_order_is_better(asked: Stacked) -> None:
    table = revision_table(asked, 0.95).set_index("revision_sign")
    assert list(table.index) == list(SYMPTOMS)
    row = table.loc["narrowest"]
    assert row["before"] < -1 and row["after"] > 1 and row["revision_verdict"] == "better"
    assert row["low"] < row["gain"] < row["high"]


def test_very_many_ratings_are_not_fitted_again(asked: Stacked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_revision, "MOST", 10)
    table = revision_table(asked, 0.95).set_index("revision_sign")
    assert table.loc["misfit", "reason"] == "too_many_ratings" and np.isnan(table.loc["misfit", "gain"])
    assert table.loc["ends", "reason"] == ""
