"""Words for coefficients against R irrCAC; students needed against a plain count in R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.core.benchmark import SCALES, cumulative, deserved, naive
from crcne_stats.core.samplesize import half_width, students_needed

REFERENCE = Path(__file__).parents[1] / "reference"
PEER = json.loads((REFERENCE / "benchmark.json").read_text(encoding="utf-8"))
NEEDED = json.loads((REFERENCE / "sample_size.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("name", ["landis_koch", "altman", "fleiss"])
def test_cumulative_membership_as_irrcac(name):
    scale = SCALES[name]
    edges = [row[next(key for key in row if key.startswith("lb"))] for row in PEER["scales"][name]]
    assert edges[::-1] == list(scale.lower) and len(scale.words) == len(edges)
    for (value, se), wanted in zip(PEER["cases"], PEER[name], strict=True):
        # irrCAC begins with the best word and prints five decimals.
        np.testing.assert_allclose(cumulative(value, se, scale)[::-1], wanted, atol=6e-6)


def test_the_published_example_of_gwet():
    assert naive(0.77544, SCALES["landis_koch"]) == "substantial"
    word, probability = deserved(0.77544, 0.14295, SCALES["landis_koch"])
    assert word == "moderate" and probability == pytest.approx(0.99542, abs=6e-6)
    assert deserved(0.77544, 0.14295, SCALES["fleiss"])[0] == "fair_to_good"


def test_without_error_nothing_is_sure_and_with_none_the_word_is_the_naive_one():
    for scale in SCALES.values():
        assert deserved(0.7, 0.0, scale)[0] == naive(0.7, scale)
        assert deserved(0.7, float("nan"), scale)[0] == ""
        assert naive(1.0, scale) == scale.words[-1] and naive(-1.0, scale) == scale.words[0]
        assert naive(-3.0, scale) == scale.words[0]


@given(st.floats(-0.99, 0.99), st.floats(0.001, 0.6))
def test_the_deserved_word_is_never_better_than_the_naive_one(value, se):
    for scale in SCALES.values():
        found = cumulative(value, se, scale)
        assert found[0] == pytest.approx(1) and (np.diff(found) <= 1e-12).all()
        assert scale.words.index(deserved(value, se, scale)[0]) <= scale.words.index(naive(value, scale))


@pytest.mark.parametrize("case", NEEDED, ids=str)
def test_students_needed_as_counted_in_r(case):
    *asked, wanted = case
    assert students_needed(*asked) == wanted


def test_students_needed_without_an_answer():
    assert np.isnan(students_needed(0.0, 50, 0.1))
    assert np.isnan(students_needed(float("nan"), 50, 0.1))
    assert np.isnan(students_needed(5.0, 10_000, 1e-4))
    assert half_width(0.05, 100, 400) < half_width(0.05, 100, 100)
