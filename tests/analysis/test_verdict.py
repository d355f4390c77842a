"""One verdict: each method's own answer, what parts them, and thin data that settle nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.generalizability import generalizability
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.verdict import verdict
from crcne_stats.analysis.verdict_answers import settled
from crcne_stats.analysis.verdict_why import Facts, concurrence, overall, why_criterion, why_trainer
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figures
from crcne_stats.view.tables import table as shown
from crcne_stats.words import words


def asked(ratings: Ratings, simulations: int = 0, **options: object) -> Result:
    pairs = agreement(ratings, resamples=50, multiverse=False, coefficients=("krippendorff",))
    model = severity(ratings, simulations=simulations)
    shares = generalizability(ratings, severity=model, resamples=0)
    return verdict(ratings, agreement=pairs, generalizability=shares, severity=model, resamples=30, **options)


@pytest.fixture(scope="module")
def demo() -> Result:
    return asked(simulate(200, 3, seed=1).ratings, simulations=10)


def test_each_method_answers_for_every_criterion_and_trainer(demo: Result) -> None:
    criteria = demo.tables["criteria"].set_index("criterion")
    assert len(criteria) == 19 and len(demo.tables["criteria_answers"]) == 57
    assert criteria[["by_agreement", "by_generalizability", "by_many_facet"]].isin(["yes", "no", "unsure"]).all().all()
    assert criteria.loc["7.2", "by_many_facet"] == "no" and criteria.loc["7.2", "overall"] in ("with_care", "against")
    answers = demo.tables["criteria_answers"]
    rows = answers[answers["judge"] != "many_facet"]
    again = [settled(r.low, r.high, r.tolerable) for r in rows.itertuples()]
    assert rows["answer"].tolist() == again


def test_phi_of_a_criterion_is_that_of_a_study_of_it_alone(demo: Result) -> None:
    own = demo.ratings.where(demo.ratings.frame["criterion"] == "3.1")
    alone = generalizability(own, design="student * trainer", estimator="anova", resamples=20).tables["coefficients"]
    expected = alone.set_index("coefficient").loc["dependability", "value"]
    table = demo.tables["criteria_answers"].set_index(["criterion", "judge"])
    assert table.loc[("3.1", "generalizability"), "value"] == pytest.approx(expected, rel=1e-9)


def test_it_is_told_in_both_languages_and_may_be_published(demo: Result) -> None:
    seen = published(demo)
    for lang in ("fr", "en"):
        for name in seen.tables:
            assert shown(demo, name, lang).text()
        for note in demo.notes:
            assert words(lang)(f"note.{note.key}", **note.values)
        for name in figures(seen):
            assert alt_text(demo, name, lang)
    strict = published(demo, 10_000)
    assert not strict.tables["criteria"][["overall", "why", "by_agreement"]].astype(bool).any().any()


def test_a_trainer_far_from_the_others_is_apart() -> None:
    made = simulate(240, 2, 1, trainers=8, links=0.2, severity_sd=0.0, halo_sd=0.1, seed=3,
                    disordered=False, dif=0, low_agreement=0)  # fmt: skip
    frame = made.ratings.frame.copy()
    mine = (frame["trainer"] == "F0001").to_numpy()
    frame.loc[mine, "score"] = np.maximum(frame.loc[mine, "score"] - 1, 0)
    table = asked(Ratings.trusted(frame, made.ratings.framework)).tables["trainers"].set_index("trainer")
    assert table.loc["F0001", "apart"] == "yes"
    assert (table.drop(index="F0001")["apart"] != "yes").all()


GOOD = {"agreement": "yes", "generalizability": "yes", "many_facet": "yes"}
PLAIN = Facts(most=0.4, range=1.0, trainers=0.02, n_double=300)


@pytest.mark.parametrize(
    ("change", "about", "expected"),
    [
        ({}, PLAIN, ""),
        ({"agreement": "no"}, PLAIN, "one_rating"),
        ({"agreement": "no"}, Facts(0.7, 1.0, 0.02, 300), "prevalence"),
        ({"agreement": "no"}, Facts(0.4, 0.3, 0.02, 300), "restricted_range"),
        ({"agreement": "no"}, Facts(0.4, 1.0, 0.2, 300), "severity"),
        ({"agreement": "no"}, Facts(0.4, 1.0, 0.02, 20), "thin_data"),
        ({"agreement": "no", "generalizability": "no"}, PLAIN, "fit_is_not_precision"),
        ({"many_facet": "no"}, PLAIN, "other_sense"),
        ({"generalizability": "unsure"}, PLAIN, "near_the_bound"),
    ],
)
def test_what_parts_the_methods(change: dict[str, str], about: Facts, expected: str) -> None:
    assert why_criterion(GOOD | change, about) == expected


def test_words_of_the_verdict() -> None:
    assert concurrence(["yes", "yes", ""]) == "concur" and concurrence(["yes", "no", "unsure"]) == "oppose"
    assert concurrence(["unsure", "unsure"]) == "none_settles" and concurrence(["", "", "no"]) == "alone"
    assert overall(GOOD, "yes") == "for" and overall(dict.fromkeys(GOOD, ""), "yes") == "undecided"
    assert overall(GOOD | {"agreement": "no"}, "yes") == "with_care"
    assert overall(GOOD, "no") == "against"
    apart = {"agreement": "yes", "generalizability": "no", "many_facet": "yes"}
    assert why_trainer(apart, 60) == "diluted" and why_trainer(apart, 10) == "thin_data"
    assert why_trainer(apart | {"many_facet": "unsure"}, 60) == "close_colleagues"
    assert why_trainer(apart | {"agreement": "no"}, 60) == "indirect_links"


def test_poor_data_have_reasons_and_wrong_numbers_are_refused(demo: Result) -> None:
    one = pd.DataFrame({"student": range(30), "trainer": "t", "criterion": "c", "score": np.arange(30) % 3})
    result = verdict(Ratings.from_frame(one, levels=range(3)), resamples=20)
    assert (result.tables["criteria"]["overall"].isin(["undecided", "for", "with_care"])).all()
    assert (result.tables["trainers"]["reason"] == "no_answer").all()
    empty = Ratings.from_frame(one.assign(score=np.nan), levels=range(3))
    assert verdict(empty).reason == "no_ratings"
    for wrong in ({"dependable": 1.2}, {"margin": 0}, {"resamples": 2}):
        with pytest.raises(ValueError):
            verdict(demo.ratings, **wrong)
