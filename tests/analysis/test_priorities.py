"""Priorities: planted defects come first, nothing planted gives no order, and thin data give reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.priorities import priorities
from crcne_stats.analysis.simulate import simulate
from crcne_stats.cli import main
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figures
from crcne_stats.view.tables import table as shown
from crcne_stats.words import words

CLEAN = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0}


@pytest.fixture(scope="module")
def planted() -> Result:
    made = simulate(seed=1)
    return priorities(made.ratings, students=made.students, resamples=200)


def test_planted_defects_are_the_first_places_for_their_own_reason(planted: Result) -> None:
    table = planted.tables["priorities"].set_index("criterion")
    assert set(table.index[:5]) == {"7.2", "4.3", "2.2", "6.1", "3.2"}
    assert table.loc["4.3", ["symptom", "level", "other_level"]].tolist() == ["levels", "confirme", "avance"]
    assert table.loc["7.2", "symptom"] in ("trainer_criterion", "agreement", "trainer")
    assert table.loc["3.2", ["symptom", "mention", "suggestion"]].tolist() == ["dif", "2", "reword_group"]
    assert table.loc[["2.2", "6.1"], "suggestion"].tolist() == ["settle", "settle"]
    assert (table["rank_low"] <= table["rank"]).all() and (table["rank"] <= table["rank_high"]).all()
    assert (table["priority_index_low"] <= table["priority_index"]).all()
    assert "priorities.order" in {note.key for note in planted.notes}


def test_nothing_planted_gives_no_order() -> None:
    made = simulate(seed=2, **CLEAN)
    result = priorities(made.ratings, students=made.students, resamples=200)
    assert "priorities.no_order" in {note.key for note in result.notes}
    assert (result.tables["priorities"]["priority"] != "revise").all()
    assert (result.tables["priorities"]["rank_low"] == 1).all()


def test_tables_are_words_and_the_list_of_files_stays_private(planted: Result) -> None:
    seen = published(planted)
    assert "files" not in seen.tables and len(planted.tables["files"]) == 25
    assert planted.tables["files"].groupby("criterion")["student"].nunique().eq(5).all()
    for lang in ("fr", "en"):
        w = words(lang)
        for name in seen.tables:
            assert shown(planted, name, lang).text()
        for note in planted.notes:
            assert w(f"note.{note.key}", **note.values)
        for name in figures(seen):
            assert alt_text(planted, name, lang)


def test_what_is_published_tells_no_count_of_a_level(planted: Result) -> None:
    raw, seen = planted.tables["symptoms"], published(planted).tables["symptoms"]
    ends = (raw["symptom"] == "extremes").to_numpy()
    step = np.maximum(0.05, 10 / raw.loc[ends, "n_students"])
    assert np.allclose((seen.loc[ends, "value"] / step) % 1 % 0.999, 0, atol=0.12)
    assert (np.abs(seen.loc[ends, "value"] - raw.loc[ends, "value"]).dropna() <= step.max() / 2 + 0.005).all()
    for name in ("symptoms", "swaps"):
        table = published(planted).tables[name]
        told = table[table["symptom"] == "swaps"] if name == "symptoms" else table
        assert (told["n_students"].dropna() % 5 == 0).all()
    again = published(published(planted))
    pd.testing.assert_frame_equal(again.tables["symptoms"], seen)
    few = priorities(simulate(60, 2, 1, seed=2).ratings, resamples=20)
    ends = few.tables["symptoms"].query("symptom == 'extremes'")
    assert (ends["reason"] == "few_for_symptom").any()


def test_weights_and_edges_are_settings(planted: Result) -> None:
    made = simulate(300, 4, seed=3)
    alone = priorities(made.ratings, weights=dict.fromkeys(
        ("agreement", "swaps", "trainer_criterion", "trainer", "misfit", "dependence", "dif", "drift", "extremes"), 0
    ), resamples=50).tables["priorities"]  # fmt: skip
    assert alone["criterion"].iloc[0] == made.truth["planted"]["disordered"]
    lax = priorities(made.ratings, tolerable={"levels": -5.0}, resamples=50).tables["symptoms"].set_index("symptom")
    assert (lax.loc["levels", "strain"] < 1).all()
    assert planted.tables["stability"]["n_weightings"].eq(36).all()
    for wrong in ({"weights": {"nothing": 1}}, {"weights": {"dif": -1}}, {"tolerable": {"dif": 0}}, {"power": 0.5},
                  {"tolerable": {"misfit": 0.9}}, {"first": 0}, {"resamples": 3}):  # fmt: skip
        with pytest.raises(ValueError):
            priorities(made.ratings, **wrong)


def plain(scores: np.ndarray) -> Ratings:
    """Scores (student, trainer, criterion)."""
    student, trainer, criterion = (index.ravel() for index in np.indices(scores.shape))
    frame = pd.DataFrame({"student": [f"s{i}" for i in student], "trainer": [f"t{i}" for i in trainer],
                          "criterion": [f"c{i}" for i in criterion], "score": scores.ravel()})  # fmt: skip
    return Ratings.from_frame(frame, levels=range(3))


def test_drift_from_the_previous_version_is_a_sign(planted: Result) -> None:
    drift = pd.DataFrame({"criterion": ["1.1", "1.2", "–"], "drift": [-0.9, 0.05, np.nan], "se": [0.05, 0.1, np.nan],
                          "n_students": [300, 300, 0]})  # fmt: skip
    ratings = planted.ratings
    assert ratings is not None
    result = priorities(ratings, calibration=Result("calibration", {"drift": drift}, inputs={"ratings": ratings}),
                        resamples=50)  # fmt: skip
    table = result.tables["priorities"].set_index("criterion")
    assert table.loc["1.1", ["symptom", "suggestion", "priority"]].tolist() == ["bridge", "settle", "revise"]
    symptoms = result.tables["symptoms"].set_index(["criterion", "symptom"])
    assert symptoms.loc[("1.2", "bridge"), "strain"] == 0 and symptoms.loc[("2.1", "bridge"), "reason"] == "no_previous"


def test_thin_data_have_a_reason_or_an_answer() -> None:
    rng = np.random.default_rng(4)
    assert priorities(plain(rng.integers(0, 3, (8, 2, 4)))).reason == "few_for_priorities"
    assert priorities(plain(rng.integers(0, 3, (40, 2, 1)))).reason == "one_criterion"
    equal = priorities(plain(np.ones((40, 2, 4), dtype=int)), resamples=50)
    assert "priorities.no_model" in {note.key for note in equal.notes}
    single = priorities(plain(rng.integers(0, 3, (60, 1, 4))), resamples=50)
    symptoms = single.tables["symptoms"].set_index("symptom")
    assert (symptoms.loc["trainer", "reason"] == "nothing_to_judge").all()
    assert (symptoms.loc["agreement", "reason"] == "few_for_symptom").all()
    assert (symptoms.loc["dif", "reason"] == "nothing_to_judge").all()


def test_rows_in_another_order_change_nothing() -> None:
    made = simulate(120, 2, 2, seed=6)
    frame = made.ratings.frame.astype(object)
    mixed = frame.sample(frac=1, random_state=1)
    names = {name: name for name in ("student", "trainer", "criterion", "score", "inspe", "mention", "session")}
    first, other = (priorities(Ratings.from_frame(f, framework=made.ratings.framework, **names), resamples=50)
                    for f in (frame, mixed))  # fmt: skip
    pd.testing.assert_frame_equal(first.tables["priorities"], other.tables["priorities"])


def test_the_command_writes_tables_and_the_private_list(tmp_path, capsys) -> None:
    assert main(["simulate", "--out", str(tmp_path), "--students", "90", "--inspe", "2", "--seed", "4"]) == 0
    asked = ["priorities", str(tmp_path / "ratings.csv"), "--framework", "2022-2023", "--resamples", "30"]
    assert main([*asked, "--out", str(tmp_path / "p"), "--reading", str(tmp_path / "list.csv")]) == 0
    made = {path.stem.removeprefix("priorities-") for path in (tmp_path / "p").iterdir()}
    assert made == {"priorities", "symptoms", "swaps", "choices", "stability", "dictionary"}
    assert "student" in pd.read_csv(tmp_path / "list.csv", nrows=1).columns
