"""The question «do trainers agree», asked of ratings: tables, reasons, notes."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import DEFAULT, NAMES, agreement
from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import languages, words

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "agreement_irrcac.json").read_text(encoding="utf-8"))[
    "data"
]


def published(name: str) -> Ratings:
    table = np.array(REFERENCE[name]["ratings"], dtype=float)
    student, trainer = np.nonzero(~np.isnan(table))
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": table[student, trainer]})
    return Ratings.from_frame(frame, criterion=None, levels=REFERENCE[name]["levels"])


def simple(rows: list[tuple], levels=range(5), columns=("student", "trainer", "criterion", "score"), **more) -> Ratings:
    return Ratings.from_frame(pd.DataFrame(rows, columns=list(columns)), levels=levels, **more)


def cohort(n=150, criteria=3, inspe=3, seed=0, double=1.0) -> Ratings:
    """Two trainers of one INSPÉ per student, some students rated once."""
    rng = np.random.default_rng(seed)
    home, ability = np.arange(n) % inspe, rng.normal(size=n)
    first = home * 4 + rng.integers(0, 4, n)
    second = home * 4 + (first - home * 4 + rng.integers(1, 4, n)) % 4
    twice = rng.random(n) < double
    frames = []
    for trainer, kept in ((first, np.ones(n, dtype=bool)), (second, twice)):
        for c in range(criteria):
            score = np.clip(np.round(2 + ability + (0.4 + 0.5 * c) * rng.normal(size=n)), 0, 4)
            parts = {"student": np.arange(n), "trainer": trainer, "inspe": home, "score": score}
            frames.append(pd.DataFrame(parts)[kept].assign(criterion=f"c{c}"))
    return Ratings.from_frame(pd.concat(frames), levels=range(5))


def row(result, coefficient, table="agreement", **where) -> pd.Series:
    found = result.tables[table]
    found = found[found["coefficient"] == coefficient]
    for name, value in where.items():
        found = found[found[name] == value]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic", "ordinal"])
def test_the_table_gives_the_numbers_of_irrcac(name, weights):
    result = agreement(published(name), weights=weights, resamples=0)
    for coefficient in DEFAULT:
        wanted = REFERENCE[name]["irrCAC"][coefficient][weights]
        found = row(result, coefficient)
        ours = [found[key] for key in ("value", "pa", "pe", "se", "low", "high")]
        theirs = [wanted[key] for key in ("coef", "pa", "pe", "se", "ci_low", "ci_high")]
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
        assert found["method"] == "linearised"
        assert found["reason"] == ""


def test_each_row_counts_what_its_coefficient_uses():
    result = agreement(published("cac_raw4raters"), resamples=0)
    counted = ["n_students", "n_double", "n_trainers", "n_ratings"]
    assert row(result, "fleiss")[counted].tolist() == [12, 11, 4, 41]
    assert row(result, "krippendorff")[counted].tolist() == [11, 11, 4, 40]


def test_every_column_is_in_the_dictionary_and_has_words():
    result = agreement(cohort(), coefficients=NAMES, resamples=20, by="inspe")
    for table in result.tables.values():
        assert len(table)
        for name in table.columns:
            assert name in COLUMNS
            for language in languages():
                assert words(language).has(f"column.{name}.label"), name
    for table in result.tables.values():
        for column in (name for name in table.columns if COLUMNS[name].kind == "key"):
            for value in set(table[column].dropna()) - {""}:
                assert all(words(language).has(f"{COLUMNS[column].of}.{value}") for language in languages()), value


def test_no_number_is_missing_without_a_reason():
    for by in ("criterion", None, "inspe"):
        for resamples in (0, 50):
            result = agreement(cohort(n=40, double=0.3), by=by, coefficients=NAMES, resamples=resamples)
            for table in result.tables.values():
                wanted = ("value", "low", "high", "contrast", "statistic", "p", "n_needed")
                numbers = [name for name in wanted if name in table]
                empty = table[numbers].isna().any(axis=1)
                assert (table.loc[empty, "reason"] != "").all()


def test_bootstrap_is_the_same_for_the_same_seed_whatever_the_workers():
    ratings = cohort(n=60)
    one = agreement(ratings, resamples=250, seed=5).tables["agreement"]
    pd.testing.assert_frame_equal(one, agreement(ratings, resamples=250, seed=5).tables["agreement"])
    with joblib.parallel_config(backend="threading", n_jobs=2):
        pd.testing.assert_frame_equal(one, agreement(ratings, resamples=250, seed=5).tables["agreement"])
    assert not one["low"].equals(agreement(ratings, resamples=250, seed=6).tables["agreement"]["low"])


def test_a_criterion_has_the_same_interval_alone_and_in_company():
    """One weight per student serves all criteria: asking for fewer of them moves no number."""
    ratings = cohort()
    together = row(agreement(ratings, resamples=200), "fleiss", criterion="c1")
    alone = row(agreement(ratings, resamples=200, criteria=["c1"]), "fleiss", criterion="c1")
    assert together[["low", "high", "se"]].tolist() == alone[["low", "high", "se"]].tolist()


def test_row_order_and_names_move_no_value():
    ratings = cohort(n=50)
    frame = ratings.frame.sample(frac=1, random_state=1).astype({"student": str, "trainer": str})
    shuffled = Ratings.from_frame(frame.assign(inspe=frame["inspe"].astype(str)), levels=range(5))
    one, other = (agreement(r, resamples=100).tables for r in (ratings, shuffled))
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name])


def test_all_criteria_together_make_each_criterion_of_a_file_a_thing_rated():
    ratings = cohort(n=30)
    result = agreement(ratings, by=None, resamples=0)
    frame = ratings.frame
    things = frame["student"].astype(str) + "/" + frame["criterion"].astype(str)
    pooled = Ratings.from_frame(
        pd.DataFrame({"student": things, "trainer": frame["trainer"].astype(str), "score": frame["score"]}),
        criterion=None, levels=range(5),
    )  # fmt: skip
    wanted = agreement(pooled, resamples=0)
    for coefficient in DEFAULT:
        assert row(result, coefficient)["value"] == pytest.approx(row(wanted, coefficient)["value"], abs=1e-12)
    # The criteria of a student move together: the error is larger than if they were other students.
    assert row(result, "fleiss")["se"] > row(wanted, "fleiss")["se"]
    assert row(result, "fleiss")["n_students"] == 30


def test_by_inspe_equals_each_inspe_alone():
    ratings = cohort()
    result = agreement(ratings, by="inspe", resamples=0)
    assert set(result.tables["agreement"]["inspe"]) == {"0", "1", "2"}
    alone = agreement(ratings.where(ratings.frame["inspe"] == "1"), resamples=0)
    for coefficient in DEFAULT:
        found = row(result, coefficient, criterion="c2", inspe="1")
        assert found["value"] == pytest.approx(row(alone, coefficient, criterion="c2")["value"], abs=1e-12)


def test_a_column_that_the_data_lack_is_answered_with_a_reason():
    result = agreement(cohort(n=20), by="mention", resamples=0)
    assert result.tables == {}
    assert result.reason == "column_unknown"


def test_the_scale_comes_from_the_framework_not_from_the_data():
    rows = [(s, t, "c", (s + (t == "b") * (s % 3 == 0)) % 3) for s in range(12) for t in "ab"]
    short, long = (agreement(simple(rows, levels=range(n)), weights="identity", resamples=0) for n in (3, 5))
    assert row(short, "fleiss")["value"] == row(long, "fleiss")["value"]
    assert row(short, "brennan_prediger")["pe"] == pytest.approx(1 / 3)
    assert row(long, "brennan_prediger")["pe"] == pytest.approx(1 / 5)
    assert len(long.tables["levels"]) == 10


def test_scores_with_gaps_weigh_by_their_distance():
    rows = [(s, t, "c", [0, 1, 10][s % 3] + (t == "b") * (s in (0, 3))) for s in range(12) for t in "ab"]
    even = [(s, t, c, {0: 0, 1: 1, 10: 2}[score]) for s, t, c, score in rows]
    gap = agreement(simple(rows, levels=[0, 1, 10]), weights="linear", resamples=0)
    same = agreement(simple(even, levels=[0, 1, 2]), weights="linear", resamples=0)
    # The only disagreements are between the two levels that lie close together.
    assert row(gap, "fleiss")["pa"] == pytest.approx(1 - 2 / 12 / 10)
    assert row(same, "fleiss")["pa"] == pytest.approx(1 - 2 / 12 / 2)


def test_pairs_of_trainers_with_direction():
    rows = [(s, "a", "c", s % 4) for s in range(8)] + [(s, "b", "c", min(s % 4 + 1, 4)) for s in range(8)]
    rows += [(8, "a", "c", 2), (8, "z", "c", 2), (9, "lone", "c", 1)]
    table = agreement(simple(rows), resamples=0).tables["pairs"]
    assert table[["trainer_a", "trainer_b"]].to_numpy().tolist() == [["a", "b"], ["a", "z"]]
    assert table["difference"].tolist() == [-1, 0]
    assert table["percent"].tolist() == [0, 1]
    assert table["n_students"].tolist() == [8, 1]
    assert table["reason"].tolist() == ["", "one_level"]


def test_pairs_count_students_once_however_many_criteria():
    table = agreement(cohort(n=60), resamples=0).tables["pairs"]
    assert table["n_students"].sum() == 60
    assert (table["n_ratings"] == 3 * table["n_students"]).all()
    assert (table["trainer_a"] < table["trainer_b"]).all()


def test_cohen_and_scott_on_exactly_two_trainers():
    rows = [(s, t, "c", (s + (t == "b") * (s % 3 == 0)) % 4) for s in range(12) for t in "ab"]
    two = agreement(simple([*rows, (99, "a", "c", 0)]), coefficients=["cohen", "scott", "conger", "light"], resamples=0)
    complete = agreement(simple(rows), coefficients=["conger", "fleiss"], resamples=0)
    assert row(two, "cohen")["value"] == pytest.approx(row(complete, "conger")["value"], abs=1e-12)
    assert row(two, "scott")["value"] == pytest.approx(row(complete, "fleiss")["value"], abs=1e-12)
    assert row(two, "light")["value"] == pytest.approx(row(two, "cohen")["value"], abs=1e-12)
    assert row(two, "light")["se"] == pytest.approx(row(two, "cohen")["se"], abs=1e-12)
    assert row(two, "cohen")["n_students"] == 12
    assert row(two, "conger")["n_students"] == 13
    three = agreement(cohort(n=40), coefficients=["cohen"], resamples=0)
    assert row(three, "cohen", criterion="c0")["reason"] == "not_two_trainers"


UNDEFINED = ("conger", "fleiss", "krippendorff")


@pytest.mark.parametrize("resamples", [0, 60])
class TestDegenerate:
    def test_one_level(self, resamples):
        result = agreement(simple([(s, t, "c", 2) for s in range(9) for t in "ab"]), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"one_level"}
        assert all(np.isnan(row(result, name)["value"]) for name in UNDEFINED)
        assert row(result, "percent")["value"] == 1
        assert np.isnan(row(result, "percent")["low"])

    def test_unanimous_on_several_levels(self, resamples):
        result = agreement(simple([(s, t, "c", s % 3) for s in range(9) for t in "ab"]), resamples=resamples)
        table = result.tables["agreement"]
        assert set(table["reason"]) == {"unanimous"}
        np.testing.assert_allclose(table["value"], 1)
        assert table["low"].isna().all()

    def test_one_trainer(self, resamples):
        result = agreement(simple([(s, "a", "c", s % 3) for s in range(9)]), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"one_trainer"}
        assert result.tables["agreement"]["value"].isna().all()
        assert result.tables["pairs"]["reason"].tolist() == ["one_trainer"]
        assert result.notes[0].key == "agreement.no_double"

    def test_one_student(self, resamples):
        result = agreement(simple([(0, "a", "c", 1), (0, "b", "c", 2), (0, "d", "c", 2)]), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"one_student"}
        assert np.isfinite(row(result, "percent")["value"])

    def test_few_students(self, resamples):
        rows = [(s, t, "c", s + (t == "b") * (s == 1)) for s in range(3) for t in "ab"]
        result = agreement(simple(rows), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"too_few"}
        assert result.tables["agreement"]["value"].notna().all()

    def test_no_student_with_two_ratings(self, resamples):
        rows = [(s, "ab"[s % 2], "c", s % 3) for s in range(9)]
        result = agreement(simple(rows), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"no_double_rating"}
        assert {note.kind for note in result.notes} == {"caution", "action"}

    def test_two_occasions_of_one_trainer_are_not_two_trainers(self, resamples):
        rows = [(s, "a", "c", s % 3, o) for s in range(9) for o in (1, 2)] + [(50, "b", "c", 1, 1)]
        ratings = simple(rows, columns=("student", "trainer", "criterion", "score", "occasion"))
        assert set(agreement(ratings, resamples=resamples).tables["agreement"]["reason"]) == {"no_double_rating"}

    def test_criterion_without_ratings(self, resamples):
        rows = [(s, t, "c", (s + (t == "b") * (s % 3 == 0)) % 3) for s in range(9) for t in "ab"]
        result = agreement(simple(rows, levels={"c": range(5), "empty": range(5)}), resamples=resamples)
        table = result.tables["agreement"]
        if "empty" in set(table["criterion"]):  # a plain framework may keep only criteria that appear
            assert set(table.loc[table["criterion"] == "empty", "reason"]) == {"no_ratings"}
        other = agreement(cohort(n=30).where(cohort(n=30).frame["criterion"] != "c1"), resamples=resamples)
        found = other.tables["agreement"]
        assert set(found.loc[found["criterion"] == "c1", "reason"]) == {"no_ratings"}

    def test_no_ratings_at_all(self, resamples):
        ratings = cohort(n=10)
        result = agreement(ratings.where(np.zeros(len(ratings), dtype=bool)), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"no_ratings"}
        assert result.tables["pairs"]["reason"].tolist() == ["no_ratings"]

    def test_trainers_apart_are_flagged_for_conger_alone(self, resamples):
        result = agreement(cohort(), resamples=resamples)
        table = result.tables["agreement"]
        assert (table.loc[table["coefficient"] == "conger", "reason"] == "trainers_apart").all()
        assert (table.loc[table["coefficient"] != "conger", "reason"] == "").all()
        assert table["low"].notna().all()
        assert "agreement.trainers_apart" in {note.key for note in result.notes}

    def test_scale_of_one_level(self, resamples):
        result = agreement(simple([(s, t, "c", 1) for s in range(9) for t in "ab"], levels=[1]), resamples=resamples)
        assert set(result.tables["agreement"]["reason"]) == {"one_level"}


def test_rarely_defined_resamples_carry_no_interval():
    rows = [(s, t, "c", 0) for s in range(12) for t in "ab"]
    rows[0] = (0, "a", "c", 1)  # a third of the resamples miss the only disagreement
    result = agreement(simple(rows), resamples=400, weights="identity")
    assert row(result, "fleiss")["reason"] == "unstable"
    assert np.isnan(row(result, "fleiss")["low"])
    assert row(result, "gwet_ac")["reason"] == ""


def keys(result) -> dict[str, object]:
    return {note.key: note for note in result.notes}


def test_notes_name_the_criterion_whose_interval_lies_wholly_below():
    result = agreement(cohort(n=400), resamples=300)
    found = keys(result)["agreement.low"]
    low = result.tables["agreement"].query("coefficient == 'krippendorff' and high < @found.values['benchmark']")
    assert found.values["n"] == len(low) > 0
    assert found.values["name"] == low.loc[low["value"].idxmin(), "criterion"]
    assert keys(result)["agreement.action_moderate"].kind == "action"
    lenient = keys(agreement(cohort(n=400), resamples=300, benchmark=0.1))
    assert "agreement.low" not in lenient
    assert lenient["agreement.good"].values["n"] == 3


def test_paradox_is_told_where_one_level_is_very_common_only():
    rng = np.random.default_rng(1)
    rows = []
    for s in range(300):
        rare = s < 12
        for t in "ab":
            rows.append((s, t, "skewed", int(rare and rng.random() < 0.6)))
            rows.append((s, t, "spread", (s + int(rng.random() < 0.3)) % 5))
    found = keys(agreement(simple(rows), weights="identity", resamples=200))
    note = found["agreement.paradox"]
    assert (note.values["n"], note.values["name"]) == (1, "skewed")
    assert note.values["kappa"] < note.values["benchmark"] <= note.values["ac"]
    assert note.values["share"] > 0.9


def test_share_of_files_rated_twice():
    few, many = (keys(agreement(cohort(double=d), resamples=0))["agreement.double"] for d in (0.1, 1.0))
    assert (few.kind, many.kind) == ("caution", "finding")
    assert few.rank < many.rank
    assert many.values["share"] == 1


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_note_can_be_said(language):
    w = words(language)
    said = {}
    for ratings in (cohort(n=400), cohort(n=30, double=0.1), simple([(0, "a", "c", 1)])):
        for by in ("criterion", None, "inspe"):
            for benchmark in (0.1, 0.667, 0.95):
                for note in agreement(ratings, by=by, resamples=50, benchmark=benchmark).notes:
                    assert all(np.isscalar(value) for value in note.values.values()), note.key
                    said[note.key] = w(f"note.{note.key}", **note.values)
    assert len(said) > 9
    assert not any("{" in text or "nan" in text for text in said.values())


def test_wrong_use_is_refused():
    ratings = cohort(n=10)
    for wrong in (
        {"coefficients": ["kapa"]}, {"coefficients": []}, {"weights": "kwadratic"}, {"by": "trainer"},
        {"criteria": ["c9"]}, {"level": 95}, {"weights": np.eye(3)},
        {"resamples": 1}, {"resamples": -5},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            agreement(ratings, **{"resamples": 0, **wrong})


def test_a_matrix_of_weights_says_so():
    result = agreement(cohort(n=30), weights=np.eye(5), resamples=0)
    assert set(result.tables["agreement"]["weights"]) == {"custom"}
    assert result.settings["weights_matrix"] == np.eye(5).tolist()
    same = agreement(cohort(n=30), weights="identity", resamples=0).tables["agreement"]["value"]
    np.testing.assert_allclose(result.tables["agreement"]["value"], same)


def test_progress_is_told_in_resamples():
    told = []
    agreement(cohort(n=20), resamples=250, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (250, 250)


def test_more_pairs_than_a_table_can_hold():
    """Sixty-four trainers of one file make 2,016 pairs."""
    rows = [(s, f"t{t:02d}", "c", (s + t) % 5) for s in range(6) for t in range(64)]
    result = agreement(simple(rows), coefficients=["light", "fleiss"], resamples=20)
    assert row(result, "light")["method"] == "linearised"
    assert row(result, "fleiss")["method"] == "bootstrap_bca"
    assert row(result, "light")["low"] < row(result, "light")["value"] < row(result, "light")["high"]
    assert len(result.tables["pairs"]) == keys(result)["agreement.most_shared"].values["n"] == 2000


def test_draws_tell_how_sure_the_lowest_criterion_is():
    result = agreement(cohort(n=300), resamples=200, interval="percentile")
    assert result.model.values.shape == (200, 3, len(DEFAULT))
    for c, coefficient in enumerate(DEFAULT):
        found = result.model.values[:, result.model.criteria.index("c2"), c]
        wanted = row(result, coefficient, criterion="c2")
        ends = np.quantile(found, [0.025, 0.975], method="weibull").tolist()
        assert ends == pytest.approx(wanted[["low", "high"]].tolist())
    note = keys(result)["agreement.lowest"]
    assert note.values["name"] == "c2"
    assert note.values["share"] > 0.9
    assert agreement(cohort(n=30), resamples=0).model is None
