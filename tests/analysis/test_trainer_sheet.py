"""The numbers of a trainer's sheet, and the page made of them."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.trainer_sheet import trainer_sheet
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.aliases import trainer_labels
from crcne_stats.view.trainer_sheet import sheet


def made(ratings: Ratings) -> Result:
    return trainer_sheet(ratings, severity(ratings, simulations=0))


@pytest.fixture(scope="module")
def demo() -> Any:
    return simulate(students=160, inspe=2, trainers=8, severity_sd=0.8, seed=4)


@pytest.fixture(scope="module")
def result(demo: Any) -> Result:
    return made(demo.ratings)


def told(page: str) -> str:
    """All that a reader sees, the figures included."""
    images = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    plain = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    return plain + "".join(base64.b64decode(image).decode("utf-8") for image in images)


def test_positions_are_levels_around_the_mean_and_severe_trainers_stand_low(demo: Any, result: Result) -> None:
    table = result.tables["position"].set_index("trainer")
    assert table["fair_difference"].mean() == pytest.approx(0, abs=1e-9)
    true = pd.Series(demo.truth["severity"]).reindex(table.index)
    assert np.corrcoef(true, table["fair_difference"])[0, 1] < -0.8
    assert (table["fair_difference_low"] < table["fair_difference"]).all()
    inside = table["fair_difference"].between(table["middle_low"], table["middle_high"])
    assert inside.sum() == 4


def test_use_and_criteria_add_up(demo: Any, result: Result) -> None:
    use = result.tables["use"]
    np.testing.assert_allclose(use.groupby("trainer")["share"].sum(), 1)
    assert use.groupby("trainer")["share_all"].sum().round(9).eq(1).all()
    assert use["n_ratings"].sum() == len(demo.ratings)
    criteria = result.tables["criteria"]
    # Expected levels are taken at each student's own ability: over all criteria a trainer is nearly as expected.
    assert criteria.groupby("trainer")["difference"].mean().abs().max() < 0.05


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_page_tells_of_one_trainer_and_names_none(demo: Any, result: Result, lang: str) -> None:
    labels = trainer_labels(demo.ratings)
    for name, label in labels.items():
        page = told(sheet(result, label, lang))
        assert label in page and f'lang="{lang}"' in page
        assert not [other for other in labels.values() if other != label and other in page]
        assert name not in page
        assert not re.search(r"logit|<script|<link|https?://(?!www.w3.org|purl.org|creativecommons|matplotlib)", page)
        assert page.count("<h1") == 1 and 'alt=""' not in page


def test_no_page_without_a_trainer(result: Result) -> None:
    with pytest.raises(KeyError):
        sheet(result, "nobody")


def frame(students: int, trainers: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(students), range(trainers), list("abcd")], names=["student", "trainer", "criterion"]
    )
    ability = rng.normal(size=students)
    table = index.to_frame(index=False)
    score = np.clip(np.round(2 + ability[table["student"]] + rng.normal(size=len(table))), 0, 4)
    return table.assign(score=score.astype(int))


def test_too_few_students_are_told_as_such() -> None:
    table = frame(40, 3)
    few = table[(table["trainer"] != 2) | (table["student"] < 3)]
    ratings = Ratings.from_frame(few, levels=range(5))
    labels = trainer_labels(ratings)
    hidden, shown = (sheet(made(ratings), labels[name], "en") for name in ("2", "0"))
    assert "not enough data" in hidden and "<h2" not in hidden
    assert "not enough data" not in shown


@pytest.mark.parametrize("change", [lambda t: t[t["trainer"] == 0], lambda t: t.assign(score=2)])
def test_what_cannot_be_measured_has_a_page_that_says_so(change: Any) -> None:
    ratings = Ratings.from_frame(change(frame(30, 2)), levels=range(5))
    for label in trainer_labels(ratings).values():
        for lang in ("fr", "en"):
            assert "<h2" not in sheet(made(ratings), label, lang)


def test_of_two_trainers_none_reads_the_measure_of_the_other() -> None:
    ratings = Ratings.from_frame(frame(30, 2), levels=range(5))
    result = made(ratings)
    assert set(result.tables["position"]["reason"]) == {"two_trainers"}
    assert result.tables["position"]["fair_difference"].isna().all()
    for label in trainer_labels(ratings).values():
        assert "<h2" not in sheet(result, label, "fr")
