"""ω and its factor against R's factanal, and the slope of ω against finite differences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from crcne_stats.core import classical, factor

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "ordinal.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["simulated", "attitude"])
def test_omega_as_factanal(name: str) -> None:
    expected = REFERENCE[name]
    fit = factor.one_factor(classical.covariance(np.array(expected["data"], dtype=float)))
    assert fit is not None
    np.testing.assert_allclose(fit.loading, expected["loading"], rtol=1e-5)
    np.testing.assert_allclose(fit.unique, expected["unique"], rtol=1e-5)
    assert fit.omega == pytest.approx(expected["omega"][0], abs=1e-7)


@pytest.mark.parametrize("name", ["simulated", "attitude"])
def test_omega_of_standard_scores_as_psych(name: str) -> None:
    r = np.corrcoef(np.array(REFERENCE[name]["data"], dtype=float), rowvar=False)
    fit = factor.one_factor(r)
    assert fit is not None
    # psych divides by the observed variance of the sum, which one factor reproduces up to its misfit.
    assert fit.omega == pytest.approx(REFERENCE[name]["psych_standardised"][0], abs=0.01)
    assert 1 - fit.unique.sum() / r.sum() == pytest.approx(REFERENCE[name]["psych_standardised"][0], abs=1e-4)


def test_the_slope_is_the_derivative_where_the_factor_does_not_fit() -> None:
    c = classical.covariance(np.array(REFERENCE["attitude"]["data"], dtype=float))
    fit = factor.one_factor(c)
    assert fit is not None
    slope = factor.omega_slope(c, fit)
    rng = np.random.default_rng(1)
    for _ in range(3):
        move = rng.normal(size=c.shape) * np.sqrt(np.outer(np.diag(c), np.diag(c))) * 1e-4
        move = (move + move.T) / 2
        ends = [factor.one_factor(c + sign * move) for sign in (1, -1)]
        assert (ends[0].omega - ends[1].omega) / 2 == pytest.approx((slope * move).sum(), rel=1e-3)


def test_omega_is_alpha_when_loadings_are_equal() -> None:
    c = np.full((5, 5), 0.4) + np.diag([0.6, 0.9, 0.5, 0.7, 1.1])
    fit = factor.one_factor(c)
    assert fit is not None
    assert fit.omega == pytest.approx(classical.alpha(c), abs=1e-7)
    assert not fit.bounded


def test_what_has_no_factor() -> None:
    assert factor.one_factor(np.eye(2)) is None
    assert factor.one_factor(np.diag([1.0, 0, 1])) is None
    assert factor.one_factor(np.ones((3, 3))) is None
    assert factor.one_factor(np.full((3, 3), np.nan)) is None
    c = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    fit = factor.one_factor(c)
    assert fit is not None and fit.bounded
