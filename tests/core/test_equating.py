"""Concordances against R equate (Kolen & Brennan's ACT mathematics data) and R's Poisson models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core.equating import equipercentile, linear, loglinear, percentile_ranks, smoothed

SHARED = Path(__file__).parents[3] / "shared" / "data" / "equate_ACTmath.csv"
# R equate on Kolen & Brennan's data: unsmoothed equipercentile equivalents of form X scores.
EQUIVALENTS = {
    0: -0.5, 1: 0.979556, 5: 3.620467, 10: 8.160667, 15: 13.392891, 20: 19.164721, 25: 25.029159, 30: 30.130482,
    35: 35.101604, 40: 39.900554,
}  # fmt: skip


@pytest.fixture
def forms() -> tuple[np.ndarray, np.ndarray]:
    if not SHARED.exists():
        pytest.skip("the data of the field are not here")
    frame = pd.read_csv(SHARED)
    return frame["xcount"].to_numpy(float), frame["ycount"].to_numpy(float)


def test_equivalents_as_equate(forms: tuple[np.ndarray, np.ndarray]) -> None:
    found = equipercentile(*forms)
    for score, value in EQUIVALENTS.items():
        assert found[score] == pytest.approx(value, abs=1e-6)
    assert linear(*forms) == pytest.approx((-2.63197, 1.08862), abs=6e-6)


def test_the_drawn_error_as_equates(forms: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    parts = [rng.multinomial(int(f.sum()), f / f.sum(), 1500) for f in forms]
    drawn = np.array([equipercentile(*pair) for pair in zip(*parts, strict=True)])
    assert drawn[:, 20].std(ddof=1) == pytest.approx(0.294727, rel=0.05)


@pytest.mark.parametrize(
    ("degree", "deviance", "at_20"), [(3, 212.823796643, 202.369668288), (6, 30.6088437438, 173.416810589)]
)
def test_smoothing_as_a_poisson_model(
    forms: tuple[np.ndarray, np.ndarray], degree: int, deviance: float, at_20: float
) -> None:
    # R 4.2: glm(xcount ~ poly(scale, degree), family = poisson)
    found = loglinear(forms[0], degree)
    assert found.deviance == pytest.approx(deviance, rel=1e-7)
    assert found.frequency[20] == pytest.approx(at_20, rel=1e-6)


@given(
    st.lists(st.integers(0, 50), min_size=6, max_size=25).filter(lambda f: sum(x > 0 for x in f) > 4), st.integers(1, 3)
)
def test_smoothing_keeps_moments(frequency: list[int], degree: int) -> None:
    f = np.array(frequency, dtype=float)
    found = loglinear(f, degree)
    if found.converged:
        x = np.linspace(-1, 1, len(f))
        for power in range(degree + 1):
            assert (found.frequency * x**power).sum() == pytest.approx((f * x**power).sum(), abs=1e-3 * f.sum())


@given(st.lists(st.integers(1, 50), min_size=3, max_size=25))
def test_a_score_is_its_own_equivalent(frequency: list[int]) -> None:
    np.testing.assert_allclose(equipercentile(frequency, frequency), np.arange(len(frequency)), atol=1e-9)
    assert (np.diff(percentile_ranks(frequency)) > 0).all()


def test_the_degree_is_chosen_by_bic() -> None:
    x = np.arange(41)
    counts = np.random.default_rng(2).poisson(2000 * np.exp(-((x - 20) ** 2) / 100) / 18)
    assert smoothed(counts).degree == 2
