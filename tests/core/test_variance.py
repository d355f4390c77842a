"""Variance components against published numbers and lme4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core import variance
from crcne_stats.core.designs import DesignError, Levels, design
from crcne_stats.core.henderson import simulated
from crcne_stats.core.reml import look

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "variance.json").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[3] / "shared" / "data"


def frame_of(name: str) -> pd.DataFrame:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here")
    return pd.read_csv(SHARED / name)


def levels_of(frame: pd.DataFrame, names: Sequence[str]) -> Levels:
    return Levels({name: pd.factorize(frame[name])[0] for name in names})


def found(text: str, frame: pd.DataFrame, reml: bool = False) -> dict[str, float]:
    plan = design(text)
    study = variance.study(plan, levels_of(frame, plan.facets))
    y = frame["score"].to_numpy(dtype=float)
    values = variance.by_reml(study, y).variance if reml else variance.by_squares(study, y)
    return dict(zip(study.keys, values.tolist(), strict=True))


def long(table: dict[str, list[list[float]]], outer: str, inner: str) -> pd.DataFrame:
    rows = [
        (person, group, number, score)
        for group, people in table.items()
        for person, scores in enumerate(people)
        for number, score in enumerate(scores)
    ]
    return pd.DataFrame(rows, columns=["p", outer, inner, "score"])


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("p * r * i", ["p", "r", "i", "p*r", "p*i", "r*i", "p*r*i"]),
        ("p × (r : t)", ["p", "t", "p*t", "r:t", "p*r:t"]),
        ("(p : c) * (i : h)", ["c", "h", "p:c", "c*h", "i:h", "p*h:c", "c*i:h", "p*i:c*h"]),
        ("i : h : v", ["v", "h:v", "i:h*v"]),
        ("p", ["p"]),
    ],
)
def test_the_effects_of_a_design(text: str, keys: list[str]) -> None:
    assert {term.key for term in design(text).terms} == set(keys)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, "design_syntax") for text in ("", "p *", "p ** r", "(p * r", "p r", "p + r")),
        *((text, "design_facet_twice") for text in ("p * p", "p * (r : p)")),
    ],
)
def test_a_design_that_cannot_be_read(text: str, key: str) -> None:
    with pytest.raises(DesignError) as caught:
        design(text)
    assert caught.value.key == key


def test_brennans_unbalanced_items_in_subtests() -> None:
    entry = REFERENCE["brennan_unbalanced"]
    components = found("p * (i : h)", long(entry["scores"], "h", "i"))
    for key, value in entry["components"].items():
        # p*h is 34.7 / 35 = .99143 exactly; .9913 was printed from rounded mean squares.
        assert components[key] == pytest.approx(value, abs=1.5e-4 if key == "p*h" else 6e-5)


def test_brennans_raters_in_tasks_by_both_estimators() -> None:
    entry = REFERENCE["brennan_3_2"]
    frame = frame_of("brennan_3_2.csv")
    by_squares, by_reml = found("person * (rater : item)", frame), found("person * (rater : item)", frame, reml=True)
    for key, value in entry["components"].items():
        assert by_squares[key] == pytest.approx(value, abs=6e-5)
        assert by_reml[key] == pytest.approx(entry["lme4"][key], rel=1e-3)


def test_sirt_ratings_as_lme4() -> None:
    entry = REFERENCE["sirt_ratings1"]
    frame = frame_of("sirt_ratings1.csv")
    components = found("person * rater * item", frame, reml=True)
    assert components == pytest.approx(entry["components"], rel=1e-3, abs=1e-5)
    study = variance.study(design("person * rater * item"), levels_of(frame, ["person", "rater", "item"]))
    assert variance.by_reml(study, frame["score"]).deviance == pytest.approx(entry["deviance"], abs=1e-6)


def test_penicillin_as_lme4() -> None:
    entry = REFERENCE["penicillin"]
    components = found("person * rater", frame_of("lme4_penicillin.csv"), reml=True)
    assert components == pytest.approx(entry["components"], rel=1e-3)


def crossed(seed: int, students: int = 12, trainers: int = 4, criteria: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(product(range(students), range(trainers), range(criteria)), columns=["p", "r", "i"])
    effects = [(["p"], 1.0), (["r"], 0.5), (["i"], 0.4), (["p", "r"], 0.5), (["p", "i"], 0.6), (["r", "i"], 0.3)]
    frame["score"] = 0.7 * rng.standard_normal(len(frame))
    for names, sd in effects:
        code = frame.groupby(names).ngroup().to_numpy()
        frame["score"] += sd * rng.standard_normal(code.max() + 1)[code]
    return frame


def test_the_rotation_of_complete_cells_changes_neither_estimates_nor_likelihood() -> None:
    frame = crossed(1)
    frame = frame[(frame["p"] + frame["r"]) % 3 != 0]
    study = variance.study(design("p * r * i"), levels_of(frame, ["p", "r", "i"]))
    y = frame["score"].to_numpy()
    rotated = variance.parts(study, y)
    assert len(rotated) == 2
    codes = [study.levels(term.facets) for term in study.terms]
    plain = [variance._part(y, codes, [term.facets for term in study.terms], np.eye(7), study.levels, True)]
    order = [study.keys.index(key) for key in study.keys]
    for theta in (np.full(7, 0.3), np.array([1.0, 0.2, 0.1, 0.0, 0.4, 0.0, 0.5])):
        one, two = look(rotated, theta[order]), look(plain, theta[order])
        assert one.deviance == pytest.approx(two.deviance, abs=1e-8)
        np.testing.assert_allclose(one.gradient, two.gradient, atol=1e-8)
        np.testing.assert_allclose(one.information, two.information, atol=1e-8)


def test_the_gradient_is_the_slope_of_the_deviance() -> None:
    frame = crossed(2).sample(frac=0.6, random_state=1)
    study = variance.study(design("p * r * i"), levels_of(frame, ["p", "r", "i"]))
    given_parts = variance.parts(study, frame["score"].to_numpy())
    theta = np.array([0.9, 0.3, 0.2, 0.25, 0.3, 0.1, 0.5])
    slope = [
        (look(given_parts, theta + step).deviance - look(given_parts, theta - step).deviance) / 2e-5
        for step in 1e-5 * np.eye(7)
    ]
    np.testing.assert_allclose(look(given_parts, theta).gradient, slope, rtol=1e-5, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), keep=st.floats(0.6, 1.0))
def test_rows_and_labels_do_not_matter(seed: int, keep: float) -> None:
    frame = crossed(seed % 7, 12, 4, 4).sample(frac=keep, random_state=seed % 1000)
    other = frame.sample(frac=1, random_state=seed % 999)
    other["r"] = 10 - other["r"]
    for reml in (False, True):
        assert found("p * r * i", other, reml) == pytest.approx(found("p * r * i", frame, reml), rel=1e-4, abs=1e-6)


def test_both_estimators_agree_on_balanced_data_without_negative_components() -> None:
    frame = crossed(3, 30, 6, 5)
    by_squares = found("p * r * i", frame)
    assert min(by_squares.values()) > 0
    assert found("p * r * i", frame, reml=True) == pytest.approx(by_squares, rel=1e-5)


def test_what_cannot_be_told_apart_is_named() -> None:
    frame = crossed(4)
    once = frame[frame["r"] == frame["p"] % 4]
    study = variance.study(design("p * r * i"), levels_of(once, ["p", "r", "i"]))
    assert study.confounded["p*r"] == ("p",)
    assert study.confounded["p*i"] == ("residual",)
    assert variance.study(design("p * i"), levels_of(once, ["p", "i"])).confounded == {"p*i": ("residual",)}
    single = frame[frame["i"] == 0]
    assert variance.study(design("p * r * i"), levels_of(single, ["p", "r", "i"])).confounded["i"] == ("mean",)


def test_estimates_are_right_on_average() -> None:
    frame = crossed(5, 20, 4, 5).sample(frac=0.7, random_state=2)
    study = variance.study(design("p * r * i"), levels_of(frame, ["p", "r", "i"]))
    truth = np.array([0.5, 0.1, 0.05, 0.1, 0.2, 0.05, 0.4])
    rng = np.random.default_rng(1)
    y = np.array([simulated(study.terms, study.levels, truth, rng) for _ in range(400)]).T
    estimates = variance.by_squares(study, y)
    error = estimates.std(axis=1) / 20
    assert (np.abs(estimates.mean(axis=1) - truth) < 4 * error).all()


def test_data_without_residual_are_refused() -> None:
    frame = crossed(6)
    frame["score"] = frame["p"].astype(float)
    study = variance.study(design("p * r * i"), levels_of(frame, ["p", "r", "i"]))
    with pytest.raises(variance.ExactFit):
        variance.by_reml(study, frame["score"])


def test_a_system_that_is_too_wide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = crossed(7).sample(frac=0.5, random_state=3)
    study = variance.study(design("p * r * i"), levels_of(frame, ["p", "r", "i"]))
    monkeypatch.setattr(variance, "WIDEST", 10)
    with pytest.raises(variance.TooLarge):
        variance.by_reml(study, frame["score"])
