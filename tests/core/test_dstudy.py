"""Coefficients of planned measurements against Brennan's printed ones and R gtheory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core.dstudy import Measurement, errors

PERSON = frozenset({"p"})


@pytest.mark.parametrize(
    ("n", "generalizability", "dependability"),
    [(5, 0.693, 0.586), (10, 0.819, 0.740), (15, 0.871, 0.810), (20, 0.901, 0.850)],
)
def test_brennans_persons_by_items(n: int, generalizability: float, dependability: float) -> None:
    found = errors(["p", "i", "pi"], [0.0574, 0.0754, 0.1269], Measurement(PERSON, {"i": n}))
    assert found.generalizability == pytest.approx(generalizability, abs=6e-4)
    assert found.dependability == pytest.approx(dependability, abs=6e-4)


def test_brennans_persons_by_items_by_occasions() -> None:
    components = [0.5528, 0.4417, 0.0074, 0.5750, 0.1009, 0.1565, 0.9352]
    found = errors(["p", "i", "o", "pi", "po", "io", "pio"], components, Measurement(PERSON, {"i": 4, "o": 2}))
    assert found.generalizability == pytest.approx(0.6399, abs=6e-5)
    assert found.dependability == pytest.approx(0.5541, abs=6e-5)


def test_raters_in_tasks_as_gtheory() -> None:
    # R gtheory 0.1.2, dstudy(Brennan.3.2) and the same with one rater and one task.
    components = [0.473022806700532, 0.325322289843273, 0.647488983947345, 0.559550097882933, 2.38028610135536]
    facets = ["p", "t", "rt", "pt", "prt"]
    found = errors(facets, components, Measurement(PERSON, {"t": 3, "r": 4}))
    assert found.relative == pytest.approx(0.384873874407257, rel=1e-9)
    assert found.absolute == pytest.approx(0.547272053017294, rel=1e-9)
    assert found.generalizability == pytest.approx(0.55137502815575, rel=1e-9)
    assert found.dependability == pytest.approx(0.463613829076187, rel=1e-9)
    single = errors(facets, components, Measurement(PERSON, {"t": 1, "r": 1}))
    assert single.generalizability == pytest.approx(0.138600160709074, rel=1e-9)
    assert single.dependability == pytest.approx(0.107856445316202, rel=1e-9)


def test_a_fixed_facet_moves_its_interaction_into_the_universe_score() -> None:
    """Brennan (2001), § 4.4: with items fixed, σ²(p) + σ²(pi)/n is universe score and the items' means are constant."""
    components = [0.4, 0.1, 0.2, 0.15, 0.3, 0.05, 0.5]
    facets = ["p", "r", "i", "pr", "pi", "ri", "pri"]
    found = errors(facets, components, Measurement(PERSON, {"r": 2, "i": 10}, fixed=frozenset("i")))
    assert found.universe == pytest.approx(0.4 + 0.03)
    assert found.relative == pytest.approx(0.15 / 2 + 0.5 / 20)
    assert found.absolute == pytest.approx(0.15 / 2 + 0.5 / 20 + 0.1 / 2 + 0.05 / 20)


def test_trainers_of_ones_own_make_all_their_error_relative() -> None:
    components = [0.4, 0.1, 0.15]
    found = errors(["p", "r", "pr"], components, Measurement(PERSON, {"r": 2}, own=frozenset("r")))
    assert found.relative == found.absolute == pytest.approx(0.125)


def test_phi_lambda() -> None:
    """Brennan & Kane (1977): with persons × items, Φ(λ) from mean squares equals this form."""
    rng = np.random.default_rng(1)
    chance = (rng.beta(4, 2, 30)[:, None] + rng.beta(2, 2, 12)) / 2
    x = rng.binomial(1, chance).astype(float)
    n_p, n_i = x.shape
    ms_p = n_i * x.mean(axis=1).var(ddof=1)
    ms_i = n_p * x.mean(axis=0).var(ddof=1)
    rest = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()
    ms_pi = float((rest**2).sum()) / ((n_p - 1) * (n_i - 1))
    components = [(ms_p - ms_pi) / n_i, (ms_i - ms_pi) / n_p, ms_pi]
    found = errors(["p", "i", "pi"], components, Measurement(PERSON, {"i": n_i}), n=n_p)
    of_mean = components[0] / n_p + components[1] / n_i + components[2] / (n_p * n_i)
    assert found.mean == pytest.approx(of_mean)
    distance = (x.mean() - 0.2) ** 2 - of_mean
    error = (components[1] + components[2]) / n_i
    assert found.at_cut(x.mean(), 0.2) == pytest.approx((components[0] + distance) / (components[0] + distance + error))
    assert found.at_cut(x.mean(), x.mean()) == found.dependability


@given(st.lists(st.floats(0, 5), min_size=7, max_size=7), st.integers(1, 9), st.integers(1, 30))
def test_more_trainers_never_harm(components: list[float], trainers: int, criteria: int) -> None:
    facets = ["p", "r", "i", "pr", "pi", "ri", "pri"]
    few = errors(facets, components, Measurement(PERSON, {"r": trainers, "i": criteria}))
    many = errors(facets, components, Measurement(PERSON, {"r": trainers + 1, "i": criteria}))
    assert many.relative <= few.relative <= few.absolute
    assert many.absolute <= few.absolute
    if few.universe > 0:
        assert 0 <= few.dependability <= few.generalizability <= 1
