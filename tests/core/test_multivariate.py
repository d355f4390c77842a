"""Profiles and composites against Rajaratnam, Cronbach & Gleser's items in three contents (Brennan 2001, § 9.1).

Numbers: gtheory 0.1.2 (R 4.2.2) on the eight persons of ``Rajaratnam.2``, weights .25, .5, .25.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crcne_stats.core import variance
from crcne_stats.core.designs import Levels, design
from crcne_stats.core.multivariate import composite, correlations, covariance_components

DATA = Path(__file__).parents[3] / "shared" / "data" / "rajaratnam_2.csv"
WEIGHTS = [0.25, 0.5, 0.25]
OBSERVED = [[1.85714285714286, 1.48214285714286, 0.5], [1.48214285714286, 3.05357142857143, 0.946428571428571],
            [0.5, 0.946428571428571, 2.07142857142857]]  # fmt: skip
WITHIN = [[1.57143016366109, 0.428571872904187, 0.57142809243432],
          [2.78571475333926, 0.199404645932685, 1.07142857010295],
          [1.85714291791473, 0.446428596835885, 0.428571414551739]]  # fmt: skip
ITEMS = np.array([2, 4, 2])


def test_the_composite_of_a_profile() -> None:
    person, item, residual = np.array(WITHIN).T
    universe = np.array(OBSERVED)
    universe[np.diag_indices(3)] = person
    found = composite([universe, np.diag(residual / ITEMS), np.diag((item + residual) / ITEMS)], WEIGHTS)
    assert found == pytest.approx([1.58035736307616, 0.0982142702247489, 0.138020825274919], rel=1e-6)
    assert found[0] / (found[0] + found[1]) == pytest.approx(0.941489378066272, rel=1e-7)
    assert found[0] / (found[0] + found[2]) == pytest.approx(0.919679598931967, rel=1e-7)


def test_components_from_the_scores() -> None:
    if not DATA.exists():
        pytest.skip("the data are not here")
    frame = pd.read_csv(DATA)
    names = {name.casefold(): name for name in frame.columns}
    content, person, item, score = (names[name] for name in ("subtest", "person", "item", "score"))
    means = []
    for place, (_, own) in enumerate(frame.groupby(content)):
        codes = {"p": pd.factorize(own[person])[0], "i": pd.factorize(own[item])[0]}
        study = variance.study(design("p * i"), Levels(codes))
        found = variance.by_squares(study, own[score].to_numpy(dtype=float))
        np.testing.assert_allclose(found, WITHIN[place], rtol=2e-6)
        means.append(own.groupby(person)[score].mean().to_numpy())
    covariance = covariance_components(np.column_stack(means), lambda x: x.var(axis=0, ddof=1)[None, :])[0]
    np.testing.assert_allclose(covariance, OBSERVED, rtol=1e-12)


def test_correlations_of_a_profile() -> None:
    found = correlations(np.array(OBSERVED))
    assert found[0, 1] == pytest.approx(1.48214285714286 / np.sqrt(1.85714285714286 * 3.05357142857143))
    assert np.isnan(correlations(np.diag([1.0, 0.0]))[0, 1])
