"""The figures of severity, difficulty and fairness: drawn whatever the design, in words that hold numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.difficulty import difficulty
from crcne_stats.analysis.fairness import fairness
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view import figures
from crcne_stats.view.plots.severity import MOST_NAMES
from crcne_stats.view.plots.severity_levels import MOST_PANELS
from crcne_stats.view.style import png


def drawn(result: Result) -> dict[str, Any]:
    """Every figure of a result in both languages, inked; those of the last language."""
    found = {}
    for name in figures.figures(result):
        for lang in ("fr", "en"):
            text = figures.alt_text(result, name, lang)
            assert text and "–" not in text and "nan" not in text, text
            found[name] = figures.figure(result, name, lang)
            assert png(found[name], 40).startswith(b"\x89PNG")
    return found


@pytest.fixture(scope="module")
def connected() -> Result:
    made = simulate(students=80, inspe=2, trainers=6, seed=2)
    return severity(made.ratings, simulations=4)


def test_all_of_severity_and_difficulty(connected: Result) -> None:
    found = drawn(connected)
    assert set(found) == {"wright", "trainers", "curves", "targeting", "bias", "fit", "drift"}
    assert len(found["wright"].axes) == 4
    labels = [text.get_text() for text in found["trainers"].axes[0].get_yticklabels()]
    assert len(labels) == 6 and not any(label.startswith("F0") for label in labels)
    assert connected.ratings is not None
    assert set(drawn(difficulty(connected.ratings, severity=connected))) == {"difficulty", "rasch"}
    assert set(drawn(difficulty(connected.ratings))) == {"difficulty"}


def test_severe_trainers_stand_on_top(connected: Result) -> None:
    page = figures.figure(connected, "trainers")
    points = np.asarray(page.axes[0].collections[-1].get_offsets())
    assert (np.diff(points[np.argsort(-points[:, 1]), 0]) <= 0).all()


def test_islands_with_thresholds_of_each_criterion_and_a_further_facet() -> None:
    made = simulate(students=60, inspe=2, trainers=4, links=0, sessions=3, seed=3)
    result = severity(made.ratings, thresholds="criterion", simulations=0, facets=("session",))
    found = drawn(result)
    assert len(found["curves"].axes) == min(len(made.ratings.criteria), MOST_PANELS)
    assert len(found["wright"].axes) == 5
    black = [line for line in found["trainers"].axes[0].lines if line.get_linewidth() > 1]
    assert len(black) == 1


def test_many_trainers_keep_the_figure_on_a_page() -> None:
    rng = np.random.default_rng(0)
    n = MOST_NAMES + 20
    student = np.repeat(np.arange(2 * n), 2)
    trainer = (student + np.tile([0, 1], 2 * n)) % n
    frame = pd.DataFrame({"student": student, "trainer": trainer}).merge(
        pd.DataFrame({"criterion": list("abc")}), how="cross"
    )
    level = np.round(1.5 + rng.normal(size=2 * n)[frame["student"]] + rng.normal(size=len(frame)))
    ratings = Ratings.from_frame(frame.assign(score=np.clip(level, 0, 3).astype(int)), levels=range(4))
    found = severity(ratings, simulations=0)
    # Each trainer rated four students, which only a threshold of 0 shows.
    for name in ("trainers", "fit", "bias", "wright"):
        page = figures.figure(found, name, threshold=0)
        assert page.get_size_inches()[1] < 15
        assert png(page, 40)


@pytest.mark.parametrize("trainers", [1, 2])
def test_poor_data(trainers: int) -> None:
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [range(30), range(trainers), list("ab")], names=["student", "trainer", "criterion"]
    )
    frame = index.to_frame(index=False)
    ratings = Ratings.from_frame(frame.assign(score=rng.integers(0, 3, len(frame))), levels=range(3))
    result = severity(ratings, simulations=0)
    for name in figures.figures(result):
        assert png(figures.figure(result, name), 40)
        assert figures.alt_text(result, name)


def test_fairness_with_two_groups_and_with_three() -> None:
    made = simulate(students=160, inspe=2, trainers=6, seed=4)
    two = drawn(fairness(made.ratings, group="session"))
    assert len(two["criteria"].axes) == len(two["trainers"].axes) == 1
    three = drawn(fairness(made.ratings, min_students=10, min_cell=5))
    assert len(three["criteria"].axes) == 3
    assert len(three["trainers"].axes[0].patches) == 18
    alone = fairness(made.ratings, group="inspe")
    assert "trainers" not in set(figures.figures(alone)) or alone.tables["trainers"]["group_gap"].notna().any()
