"""Polychoric correlation, γ, τ-b and Somers' D against R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crcne_stats.core.ordinal_association import NAMES, measures
from crcne_stats.core.polychoric import bivariate, polychoric

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "association.json").read_text(encoding="utf-8"))
CASES = [pytest.param(entry, id=name) for name, entry in REFERENCE.items() if name != "source"]


@pytest.mark.parametrize("case", CASES)
def test_polychoric_as_polycor(case: dict[str, Any]) -> None:
    found = polychoric(case["table"])
    assert found.rho == pytest.approx(case["rho"], abs=1e-6)
    assert found.se == pytest.approx(case["se"], rel=1e-4)
    assert found.df == case["df"]
    if found.df:
        assert found.statistic == pytest.approx(case["statistic"], abs=1e-4)
        assert found.p == pytest.approx(stats.chi2.sf(case["statistic"], found.df), rel=1e-3)


@pytest.mark.parametrize("case", [case for case in CASES if case.id != "square"])
def test_measures_as_counted_pairs(case: dict[str, Any]) -> None:
    found = measures(case["table"])
    for name in NAMES:
        assert found[name].value == pytest.approx(case[name], rel=1e-9)


def test_errors_of_measures_as_drawn() -> None:
    table = np.array(REFERENCE["small"]["table"]) * 5
    n = table.sum()
    rng = np.random.default_rng(1)
    drawn = [measures(one.reshape(table.shape)) for one in rng.multinomial(n, table.ravel() / n, 1500)]
    for name in NAMES:
        spread = np.std([one[name].value for one in drawn])
        assert measures(table)[name].se == pytest.approx(spread, rel=0.06)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-0.97, 0.97))
def test_the_bivariate_normal(h: float, k: float, rho: float) -> None:
    expected = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([h, k])
    assert bivariate(h, k, rho) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("table", "reason"),
    [([[5, 3]], "one_level_only"), ([[0, 0], [0, 0]], "one_level_only"), ([[5, 0], [0, 5]], "same_order"),
     ([[0, 5], [5, 0]], "same_order"), ([[4, 2, 0], [0, 3, 6]], "same_order")],
)  # fmt: skip
def test_no_correlation_without_a_reason(table: list[list[int]], reason: str) -> None:
    found = polychoric(table)
    assert found.reason == reason
    assert np.isnan(found.rho)


def test_an_unused_level_moves_nothing() -> None:
    table = np.array(REFERENCE["small"]["table"])
    wider = np.insert(np.insert(table, 1, 0, axis=0), 3, 0, axis=1)
    assert polychoric(wider).rho == pytest.approx(polychoric(table).rho)
    assert measures(wider)["gamma"].value == pytest.approx(measures(table)["gamma"].value)
