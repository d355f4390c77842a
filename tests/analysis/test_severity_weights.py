"""Rating weights: what they mean, where they come from, what they are not taken for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.planning import planning
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.rating_weights import load_rating_weights
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import words

QUICK = {"simulations": 0, "halo": False}


@pytest.fixture(scope="module")
def made():
    whole = simulate(80, 2, 1, trainers=6, links=0.3, severity_sd=0.6, disordered=False, missing=0.05, seed=4).ratings
    return whole.where(whole.frame["criterion"].isin(whole.criteria[:5]))


def again(data: Ratings, rows: np.ndarray) -> Ratings:
    """The ratings with these given a second time, on another occasion."""
    frame = data.frame.astype(object)
    twice = pd.concat([frame.assign(occasion="1"), frame[rows].assign(occasion="2")], ignore_index=True)
    return Ratings.from_frame(twice, framework=data.framework)


def test_a_weight_of_two_is_the_rating_twice(made):
    rows = (made.frame["trainer"] == made.frame["trainer"].iloc[0]).to_numpy()
    table = pd.DataFrame({"trainer": [made.frame["trainer"].iloc[0]], "weight": [2]})
    one = severity(made, rating_weights=table, **QUICK)
    two = severity(again(made, rows), **QUICK)
    assert one.settings["rating_weights"] == ["trainer"]
    for name, key in (("trainers", "severity"), ("criteria", "difficulty"), ("thresholds", "threshold")):
        for column in (key, "se", "robust_se"):
            np.testing.assert_allclose(one.tables[name][column], two.tables[name][column], atol=2e-5)
    np.testing.assert_allclose(one.tables["trainers"]["infit"], two.tables["trainers"]["infit"], atol=1e-4)
    np.testing.assert_allclose(
        one.tables["trainers"]["observed_average"], two.tables["trainers"]["observed_average"], atol=1e-9
    )
    assert one.tables["trainers"]["n_ratings"].sum() == len(made.frame)
    np.testing.assert_allclose(one.tables["students"]["eap"], two.tables["students"]["eap"], atol=1e-5)


def test_a_weight_of_zero_is_no_rating(made):
    row = made.frame.iloc[:1].astype(object)
    table = pd.concat([made.frame.iloc[1:].assign(weight=1.0), row.assign(weight=0.0)])
    one = severity(made, rating_weights=table, **QUICK)
    two = severity(made.where(np.arange(len(made.frame)) > 0), **QUICK)
    np.testing.assert_allclose(one.tables["trainers"]["severity"], two.tables["trainers"]["severity"], atol=1e-8)
    assert one.tables["trainers"]["n_ratings"].tolist() == two.tables["trainers"]["n_ratings"].tolist()
    assert planning(made, severity=one).tables["precision"]["reason"].eq("").all()
    gone = severity(made, rating_weights=pd.DataFrame({"criterion": made.criteria, "weight": 0}), **QUICK)
    assert gone.reason == "no_ratings"


def test_intervals_do_not_take_weights_for_more_students(made):
    table = pd.DataFrame({"trainer": made.codes("trainer")[1], "weight": 4.0})
    plain, heavy = severity(made, **QUICK).tables["trainers"], severity(made, rating_weights=table, **QUICK)
    trainers = heavy.tables["trainers"]
    np.testing.assert_allclose(trainers["high"] - trainers["low"], 2 * 1.959964 * trainers["robust_se"], rtol=1e-5)
    assert (trainers["se"] < 0.65 * plain["se"]).all()  # four times the ratings, it believes
    np.testing.assert_allclose(trainers["robust_se"], plain["robust_se"], rtol=0.2)
    note = next(note for note in heavy.notes if note.key == "severity.weighted")
    assert note.values["n"] == len(made.frame)
    for language in ("fr", "en"):
        assert "sandwich" in words(language)(f"note.{note.key}", **note.values)
    joint = severity(made, rating_weights=table, estimator="jml", simulations=0)
    own = joint.tables["trainers"]
    np.testing.assert_allclose(own["high"] - own["low"], 2 * 1.959964 * own["robust_se"], rtol=1e-5)
    np.testing.assert_allclose(
        own["severity"],
        severity(made, estimator="jml", simulations=0).tables["trainers"]["severity"],
        atol=1e-6,
    )


def test_weights_come_from_a_column_of_the_file_itself(made, tmp_path):
    frame = made.frame.rename(columns={"student": "etudiant", "trainer": "formateur", "criterion": "critere"})
    frame = frame.rename(columns={"score": "niveau"}).assign(poids=np.resize(["0,5", "2", ""], len(made.frame)))
    frame.to_csv(tmp_path / "long.csv", index=False, sep=";")
    table = load_rating_weights(tmp_path / "long.csv", made.framework)
    found = severity(made, rating_weights=table, **QUICK)
    value = np.resize([0.5, 2.0, 1.0], len(made.frame))
    direct = severity(made, rating_weights=made.frame.assign(weight=value), **QUICK)
    np.testing.assert_allclose(found.tables["trainers"]["severity"], direct.tables["trainers"]["severity"], atol=1e-9)
    assert "severity.weights_lost" not in {note.key for note in found.notes}
    sheets = frame.drop(columns=["critere", "niveau"]).drop_duplicates(["etudiant", "formateur"]).assign(poids="3")
    sheets.to_excel(tmp_path / "sheets.xlsx", index=False)
    table = load_rating_weights(tmp_path / "sheets.xlsx")
    assert {"student", "trainer"} <= set(table.columns) and table["weight"].eq(3).all()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("formateur;poids\nF1;lourd\n", "weight_value"),
        ("formateur;poids\nF1;-1\n", "weight_value"),
        ("formateur;lourdeur\nF1;1\n", "missing_column"),
        ("chose;poids\nF1;1\n", "missing_column"),
    ],
)
def test_files_of_weights_at_fault_are_refused(tmp_path, text, code):
    (tmp_path / "w.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_rating_weights(tmp_path / "w.csv")
    assert {problem.code for problem in caught.value.problems} == {code}
    for language in ("fr", "en"):
        assert "w.csv" in caught.value.text(language)


def test_tables_of_weights_that_mean_nothing_are_refused(made):
    name = made.frame["trainer"].iloc[0]
    for table in (
        pd.DataFrame({"trainer": [name], "weight": [-1]}),
        pd.DataFrame({"trainer": [name]}),
        pd.DataFrame({"who": [name], "weight": [1]}),
        pd.DataFrame({"trainer": [name, name], "weight": [1, 2]}),
    ):
        with pytest.raises(ValueError, match="weight"):
            severity(made, rating_weights=table, **QUICK)
    lost = severity(made, rating_weights=pd.DataFrame({"trainer": ["nobody", name], "weight": [3, 1]}), **QUICK)
    assert next(note for note in lost.notes if note.key == "severity.weights_lost").values == {"n": 1}
