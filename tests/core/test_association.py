"""Counts and shares."""

from __future__ import annotations

import numpy as np
from scipy import stats

from crcne_stats.core import association


def test_cross_table_leaves_out_who_has_no_level() -> None:
    table = association.cross_table([0, 1, 1, -1, 2], [0, 1, 1, 1, -1], 3, 2)
    assert table.tolist() == [[1, 0], [0, 2], [0, 0]]


def test_wilson_as_scipy_and_exact_at_the_ends() -> None:
    for k, n in [(0, 7), (3, 7), (7, 7), (120, 400)]:
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        np.testing.assert_allclose(association.wilson(k, n), (expected.low, expected.high), atol=1e-12)
    assert float(association.wilson(0, 7)[0]) == 0 and float(association.wilson(7, 7)[1]) == 1
    assert np.isnan(association.wilson(0, 0)).all()
