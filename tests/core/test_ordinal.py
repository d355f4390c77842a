"""Polyserial correlation against R's polr, polycor and psych, and its clustered error against brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core.ordinal import ordered_probit, polyserial

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "ordinal.json").read_text(encoding="utf-8"))[
    "polyserial"
]
REST, LEVEL = np.array(REFERENCE["rest"]), np.array(REFERENCE["level"])


@pytest.mark.parametrize("place", range(3))
def test_probit_as_polr(place: int) -> None:
    level = LEVEL[REFERENCE["probit_of"][place]]
    z = (REST - REST.mean()) / REST.std()
    found = ordered_probit(level, z, np.ones(len(z)), level.max() + 1)
    assert found.converged
    assert found.slope == pytest.approx(REFERENCE["probit_slope"][place], abs=2e-5)
    np.testing.assert_allclose(found.cut, REFERENCE["probit_cuts"][place], atol=2e-5)


@pytest.mark.parametrize("j", range(4))
def test_polyserial_as_polycor_and_near_the_quick_formula_of_psych(j: int) -> None:
    found = polyserial(LEVEL[j], REST, np.arange(len(REST)))
    # polycor divides by n − 1 and stops early; it takes the model for true, the sandwich does not.
    assert found.value == pytest.approx(REFERENCE["ml"][j], abs=1e-3)
    assert found.se == pytest.approx(REFERENCE["se"][j], rel=0.1)
    assert found.value == pytest.approx(REFERENCE["ad_hoc"][j], abs=0.01)
    assert found.low < found.value < found.high


def test_unused_levels_and_names_of_levels_do_not_matter() -> None:
    one, two = (polyserial(level, REST, np.arange(len(REST))) for level in (LEVEL[1], 3 * LEVEL[1] + 2))
    assert one == two


def test_rows_that_share_a_weight_are_one_row() -> None:
    who = np.arange(len(REST))
    once = polyserial(LEVEL[0], REST, who)
    twice = polyserial(np.repeat(LEVEL[0], 2), np.repeat(REST, 2), np.repeat(who, 2), np.full(2 * len(REST), 0.5))
    assert (twice.value, twice.se, twice.low) == pytest.approx((once.value, once.se, once.low))


def test_what_is_not_known_is_left_out() -> None:
    level, y = np.append(LEVEL[0], [-1, 3]), np.append(REST, [0.3, np.nan])
    assert polyserial(level, y, np.arange(len(y))) == polyserial(LEVEL[0], REST, np.arange(len(REST)))


def test_the_clustered_error_is_that_of_the_bootstrap() -> None:
    rng = np.random.default_rng(2)
    student = rng.normal(size=(150, 1))
    level = np.clip(np.round(1.5 + student + 0.5 * rng.normal(size=(150, 1)) + rng.normal(size=(150, 2))), 0, 3)
    y = student + 0.7 * rng.normal(size=(150, 2))
    code, who = level.astype(np.int64), np.repeat(np.arange(150), 2)
    drawn = []
    for _ in range(300):
        take = rng.integers(0, 150, 150)
        drawn.append(polyserial(code[take].ravel(), y[take].ravel(), who).value)
    assert polyserial(code.ravel(), y.ravel(), who).se == pytest.approx(np.std(drawn), rel=0.15)


def test_degenerate_sides() -> None:
    who = np.arange(6)
    y = np.array([1.0, 2, 3, 4, 5, 6])
    for level, other in (([1] * 6, y), ([0, 1, 1, 0, 2, 2], np.ones(6)), ([0, 1, -1, -1, -1, -1], y)):
        assert np.isnan(polyserial(np.array(level), other, who).value)
    perfect = polyserial(np.array([0, 0, 1, 1, 2, 2]), y, who)
    assert perfect.value == 1
    assert np.isnan([perfect.se, perfect.low, perfect.high]).all()
    assert polyserial(np.array([2, 2, 1, 1, 0, 0]), y, who).value == -1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_change_of_units_or_of_order_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=40)
    level = np.clip(np.round(y + rng.normal(size=40)), -1, 2).astype(np.int64) + 1
    order = rng.permutation(40)
    one = polyserial(level, y, np.arange(40))
    two = polyserial(level[order], 100 + 7 * y[order], np.arange(40))
    np.testing.assert_allclose([one.value, one.se], [two.value, two.se], atol=1e-5)
