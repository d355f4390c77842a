"""The many-facet analysis where parts of the ratings tell nothing."""

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
