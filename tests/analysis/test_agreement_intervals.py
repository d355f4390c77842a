"""What is drawn, how intervals are made of it, and for whom they hold; levels confused; concordance of rankings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import DEFAULT, NAMES, agreement
from crcne_stats.domain.ratings import Ratings
from crcne_stats.view.disclosure import published
from crcne_stats.words import languages, words

REFERENCE = Path(__file__).parents[1] / "reference"
IRRCAC = json.loads((REFERENCE / "agreement_irrcac.json").read_text(encoding="utf-8"))["data"]
PUBLISHED = json.loads((REFERENCE / "agreement_published.json").read_text(encoding="utf-8"))


def from_matrix(matrix, levels, **columns) -> Ratings:
    table = np.array(matrix, dtype=float)
    student, trainer = np.nonzero(~np.isnan(table))
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": table[student, trainer]})
    return Ratings.from_frame(frame.assign(**columns), criterion=None, levels=levels)


def cohort(n=160, inspe=8, trainers=3, seed=0, criteria=1, severity=0.5) -> Ratings:
    """Two trainers of one INSPÉ per student; trainers differ in severity."""
    rng = np.random.default_rng(seed)
    home, ability = np.arange(n) % inspe, rng.normal(size=n)
    severe = severity * rng.normal(size=inspe * trainers)
    first = home * trainers + rng.integers(0, trainers, n)
    second = home * trainers + (first - home * trainers + rng.integers(1, trainers, n)) % trainers
    frames = []
    for trainer in (first, second):
        for c in range(criteria):
            score = np.clip(np.round(2 + ability - severe[trainer] + 0.5 * rng.normal(size=n)), 0, 4)
            parts = {"student": np.arange(n), "trainer": trainer, "inspe": home, "score": score}
            frames.append(pd.DataFrame(parts).assign(criterion=f"c{c}"))
    return Ratings.from_frame(pd.concat(frames), levels=range(5))


def table(ratings: Ratings, **options) -> pd.DataFrame:
    found = agreement(ratings, **{"resamples": 300, **options}).tables["agreement"]
    return found.set_index("coefficient")


def test_kinds_of_interval_lie_near_each_other_and_say_what_they_are():
    ratings = cohort()
    kinds = {kind: table(ratings, interval=kind) for kind in ("t", "percentile", "bca")}
    assert [set(found["method"]) for found in kinds.values()] == [{"bootstrap_t"}, {"bootstrap"}, {"bootstrap_bca"}]
    for found in kinds.values():
        assert ((found["low"] < found["value"]) & (found["value"] < found["high"])).all()
        np.testing.assert_allclose(found["se"], kinds["t"]["se"])
        np.testing.assert_allclose(found["low"], kinds["t"]["low"], atol=0.05)
    pd.testing.assert_frame_equal(table(ratings), kinds["bca"])


def test_errors_beside_each_other():
    found = table(cohort(n=400, inspe=4), resamples=600)
    np.testing.assert_allclose(found["se_linearised"], found["se"], rtol=0.1)
    np.testing.assert_allclose(found["se_jackknife"], found["se"], rtol=0.1)
    alone = table(cohort(n=400, inspe=4), resamples=0)
    np.testing.assert_array_equal(alone["se"], alone["se_linearised"])
    np.testing.assert_array_equal(alone["se_jackknife"], found["se_jackknife"])


def test_trainers_like_these_are_less_well_known_than_these():
    ratings = cohort(n=300)
    these, others = table(ratings), table(ratings, trainers="like_these")
    assert (others["se"] > 1.3 * these["se"]).all()
    np.testing.assert_allclose(others["value"], these["value"])
    np.testing.assert_allclose(others["se_linearised"], these["se_linearised"])
    assert set(others["method"]) == {"linearised_two_way"}
    for kind in ("percentile", "bca"):
        drawn = table(ratings, trainers="like_these", interval=kind)
        assert set(drawn["method"]) == {f"two_way_{kind}"}
        assert (drawn["high"] - drawn["low"] > others["high"] - others["low"]).sum() >= 4
    pd.testing.assert_frame_equal(others, table(ratings, trainers="like_these", seed=2))


def test_few_trainers_drawn_are_told():
    def keys(**options):
        result = agreement(cohort(n=60, inspe=2), resamples=0, **options)
        return {note.key: note for note in result.notes}

    note = keys(trainers="like_these")["agreement.few_drawn"]
    assert note.values["n"] == 6
    assert all("6" in words(language)(f"note.{note.key}", **note.values) for language in languages())
    assert "agreement.few_drawn" not in keys()


def test_for_whom_the_intervals_hold_is_said():
    told = {}
    for options in (
        {"trainers": "like_these", "population_trainers": 90}, {"clusters": "inspe"}, {"population_students": 900}, {},
    ):  # fmt: skip
        told |= {note.key: note for note in agreement(cohort(n=60), resamples=0, multiverse=False, **options).notes}
    for key in ("for_trainers_like_these", "for_other_inspe", "of_all_students", "of_all_trainers"):
        note = told[f"agreement.{key}"]
        assert all(words(language)(f"note.{note.key}", **note.values) for language in languages())


def test_inspe_drawn_whole():
    ratings = cohort(n=300, severity=0)
    found = table(ratings, clusters="inspe", interval="t")
    assert set(found["method"]) == {"inspe_t"}
    np.testing.assert_allclose(found["value"], table(ratings)["value"])
    # Nothing but chance tells INSPÉ apart here: the jackknife over INSPÉ and their resamples are of one size.
    np.testing.assert_allclose(found["se_jackknife"], found["se"], rtol=0.5)
    assert not np.allclose(found["se"], table(ratings)["se"])
    few = table(cohort(n=60, inspe=3), clusters="inspe")
    assert set(few["reason"]) == {"few_inspe"}
    assert few["value"].notna().all() and few["low"].isna().all()
    unknown = from_matrix(np.arange(8).reshape(4, 2) % 3, range(3))
    assert agreement(unknown, clusters="inspe").reason == "column_unknown"


@pytest.mark.parametrize("resamples", [0, 300])
def test_a_population_seen_in_half_leaves_half_the_variance(resamples):
    ratings = cohort(n=200)
    whole, half = (table(ratings, resamples=resamples, population_students=n, interval="t") for n in (None, 400))
    for name in ("se", "se_linearised", "se_jackknife"):
        np.testing.assert_allclose(half[name], whole[name] * 0.5**0.5)
    seen = table(ratings, resamples=resamples, population_students=200)
    np.testing.assert_allclose(seen["se"], 0, atol=1e-12)
    np.testing.assert_allclose(seen["low"], seen["value"], atol=1e-9)


def test_a_population_of_trainers_seen_whole_leaves_the_students():
    ratings = cohort(n=200)
    all_seen = table(ratings, trainers="like_these", population_trainers=24)
    some_seen = table(ratings, trainers="like_these", population_trainers=48)
    without_end = table(ratings, trainers="like_these")
    assert (all_seen["se"] < some_seen["se"]).all() and (some_seen["se"] < without_end["se"]).all()
    np.testing.assert_allclose(all_seen["se"], all_seen["se_linearised"], rtol=0.02)


def test_options_that_mean_nothing_are_refused():
    ratings = cohort(n=20)
    for wrong in (
        {"interval": "wald"}, {"clusters": "trainer"}, {"trainers": "all"}, {"interval": "bca", "resamples": 0},
        {"clusters": "inspe", "trainers": "like_these"}, {"population_students": 0}, {"population_trainers": 9},
        {"population_students": 19}, {"trainers": "like_these", "population_trainers": 2},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            agreement(ratings, **wrong)


@pytest.mark.parametrize("name", PUBLISHED["kendall"])
def test_concordance_of_rankings_with_its_tests(name):
    entry, wanted = IRRCAC[name], PUBLISHED["kendall"][name]
    matrix = np.array(entry["ratings"], dtype=float)
    result = agreement(from_matrix(matrix[~np.isnan(matrix).any(axis=1)], entry["levels"]), coefficients=["kendall_w"])
    (found,) = result.tables["agreement"].to_dict("records")
    assert found["value"] == pytest.approx(wanted["value"], abs=1e-12)
    assert found["low"] < found["value"] < found["high"]
    assert (found["weights"], found["reason"]) == ("ranks", "")
    tests = result.tables["tests"].set_index("method")
    assert tests.loc["friedman", ["statistic", "p"]].tolist() == pytest.approx([wanted["statistic"], wanted["p"]])
    assert tests.loc["kendall_f", "p"] < 0.05


def test_rankings_of_blocks_that_are_not_crossed_are_flagged():
    result = agreement(cohort(), coefficients=["kendall_w"])
    (found,) = result.tables["agreement"].to_dict("records")
    assert found["reason"] == "not_crossed"
    assert found["low"] < found["value"] < found["high"]
    assert set(result.tables["tests"]["reason"]) == {"not_crossed"}


@pytest.mark.parametrize("options", [{}, {"clusters": "inspe"}, {"trainers": "like_these"}, {"resamples": 0}])
def test_every_missing_number_has_its_reason_whatever_is_drawn(options):
    one_level = cohort(n=60).frame.assign(score=2)
    cases = {
        "one_level": Ratings.from_frame(one_level.astype({"student": str, "trainer": str}), levels=range(5)),
        "one_trainer": from_matrix(np.arange(9)[:, None] % 3, range(3), inspe="a"),
        "no_double_rating": from_matrix(np.where(np.eye(4) > 0, 1, np.nan), range(3), inspe="a"),
        "one_student": from_matrix([[0, 1, 1]], range(3), inspe="a"),
        "no_ratings": cohort(n=20).where(np.zeros(40, dtype=bool)),
    }
    for reason, ratings in cases.items():
        result = agreement(ratings, coefficients=NAMES, **{"resamples": 50, **options})
        if result.tables:
            found = result.tables["agreement"]
            asked = found[~found["coefficient"].isin(["cohen", "scott"])]
            assert set(asked["reason"]) == {reason}, reason
            for each in result.tables.values():
                numbers = [name for name in ("value", "low", "statistic") if name in each]
                assert (each.loc[each[numbers].isna().any(axis=1), "reason"] != "").all(), reason


def test_each_level_is_tested_too_where_panels_are_of_one_size():
    entry = IRRCAC["irr_diagnoses"]
    ratings = from_matrix(entry["ratings"], entry["levels"])
    tests = agreement(ratings, weights="identity", resamples=0, multiverse=False).tables["tests"]
    assert tests["coefficient"].tolist() == ["fleiss"] + ["level_kappa"] * 5
    np.testing.assert_allclose(tests["statistic"][1:], PUBLISHED["null_z"]["levels"], atol=6e-4)
    assert tests["statistic"][0] == pytest.approx(PUBLISHED["null_z"]["fleiss"]["irr_diagnoses"])
    assert (tests["p"] < 1e-6).all()
    uneven = agreement(from_matrix(IRRCAC["cac_raw4raters"]["ratings"], range(1, 6)), weights="identity", resamples=0)
    assert uneven.tables["tests"]["reason"].tolist() == ["unequal_panels"]


def test_the_same_ranking_at_other_levels_leaves_f_without_error():
    rows = [(k, k + 1) for k in (0, 1, 2, 0, 1, 2)]
    tests = agreement(from_matrix(rows, range(4)), coefficients=["kendall_w"], resamples=0).tables["tests"]
    assert tests["reason"].tolist() == ["", "same_ranking"]
    ranks = [(1, 2)] * 6  # each trainer sees no difference between files
    result = agreement(from_matrix(ranks, range(4)), coefficients=["kendall_w"], resamples=0)
    assert result.tables["agreement"]["reason"].tolist() == ["no_ranking"]
    assert result.tables["tests"]["reason"].tolist() == ["no_ranking"] * 2


def test_neighbouring_levels_confused_by_hand():
    rows = [(0, 1)] * 6 + [(1, 1)] * 8 + [(1, 2)] * 10 + [(2, 2)] * 4 + [(0, 2)] * 2
    result = agreement(from_matrix(rows, range(4)), resamples=200)
    found = result.tables["confusion"].set_index(["level", "other_level"])
    one, two, three = (result.ratings.framework.levels[k].key for k in (0, 1, 2))
    given_one = 6 + 16 + 10  # how often level 1 was given at all
    assert found.loc[(two, one), "value"] == pytest.approx(6 / given_one)
    assert found.loc[(two, three), "value"] == pytest.approx(10 / given_one)
    assert found.loc[(one, two), "value"] == pytest.approx(6 / 8)
    assert (found["low"].dropna() < found["value"][found["low"].notna()]).all()
    assert found["n_students"].tolist() == [6, 6, 10, 10, 0, 0]
    assert found["reason"].tolist() == ["", "", "", "", "never_confused", "level_unused"]


def test_a_small_confusion_is_hidden_from_both_sides():
    rows = [(0, 1)] * 3 + [(0, 0)] * 12 + [(1, 1)] * 12 + [(1, 2)] * 9 + [(2, 2)] * 9
    shown = published(agreement(from_matrix(rows, range(3)), resamples=50)).tables["confusion"]
    assert shown["reason"].tolist() == ["hidden", "hidden", "", ""]
    assert shown["value"].isna().tolist() == [True, True, False, False]


def test_a_share_of_a_hidden_level_is_hidden_too():
    """Two students at level 6: ratings of further levels are hidden with it, and a share would tell them."""
    rows = [(k, k) for k in range(6) for _ in range(12 + k)] + [(k, k + 1) for k in range(5) for _ in range(8)]
    shown = published(agreement(from_matrix(rows + [(6, 6)] * 2, range(7)), weights="identity", resamples=50)).tables
    levels = shown["levels"][shown["levels"]["coefficient"] == "specific"].set_index("level")
    hidden = set(levels.index[levels["reason"] == "hidden"])
    assert 2 <= len(hidden) < 7
    confusion = shown["confusion"]
    assert confusion.loc[confusion["level"].isin(hidden), "value"].isna().all()
    assert confusion.loc[~confusion["level"].isin(hidden) & (confusion["n_students"] > 4), "value"].notna().all()
    tests = shown["tests"]
    assert tests.loc[tests["level"].isin(hidden), "statistic"].isna().all()
    assert tests.loc[tests["coefficient"] == "fleiss", "statistic"].notna().all()


def test_default_coefficients_have_an_interval_each_in_a_nested_design():
    found = table(cohort(criteria=2), resamples=100)
    assert len(found) == 2 * len(DEFAULT)
    assert found["low"].notna().all()
