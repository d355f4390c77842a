"""Criteria, groups and trainers compared, words, choices and sizes: the further tables of ``agreement``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.agreement_multiverse import without_worst
from crcne_stats.core.counts import counts
from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.ratings import Ratings
from crcne_stats.view.disclosure import published
from crcne_stats.words import languages, words

REFERENCE = Path(__file__).parents[1] / "reference"
PAIRED = json.loads((REFERENCE / "paired.json").read_text(encoding="utf-8"))
RATERS = json.loads((REFERENCE / "agreement_irrcac.json").read_text(encoding="utf-8"))["data"]["cac_raw4raters"]
MARGINAL = json.loads((REFERENCE / "marginal.json").read_text(encoding="utf-8"))
FURTHER = ("benchmark", "multiverse_summary", "multiverse", "differences", "omnibus", "pairs", "margins", "sample_size")


def meeting(column: str) -> Ratings:
    """Gwet's 15 subjects rated by four trainers before and after: as two criteria, or on two occasions."""
    rows = [
        (student, trainer, side, int(score))
        for side in (1, 2)
        for student, line in enumerate(PAIRED[f"ratings{side}"])
        for trainer, score in enumerate(line)
    ]
    frame = pd.DataFrame(rows, columns=["student", "trainer", column, "score"])
    return Ratings.from_frame(frame, criterion=column if column == "criterion" else None, levels=[1, 2, 3])


def two_trainers(table) -> Ratings:
    first, second = np.repeat(np.indices(np.shape(table)).reshape(2, -1), np.ravel(table), axis=1)
    student = np.arange(len(first))
    frame = pd.DataFrame(
        {"student": np.tile(student, 2), "trainer": np.repeat(["a", "b"], len(first)), "score": np.r_[first, second]}
    )
    return Ratings.from_frame(frame, criterion=None, levels=range(len(table)))


def cohort(n=120, criteria=3, inspe=3, seed=0, absent=0.0) -> Ratings:
    """Two of four trainers of one INSPÉ per student, the criteria less and less agreed on."""
    rng = np.random.default_rng(seed)
    home, ability = np.arange(n) % inspe, rng.normal(size=n)
    first = rng.integers(0, 4, n)
    second = (first + rng.integers(1, 4, n)) % 4
    frames = []
    for trainer in (first, second):
        for c in range(criteria):
            score = np.clip(np.round(2 + ability + (0.3 + 0.6 * c) * rng.normal(size=n)), 0, 4)
            parts = {"student": np.arange(n), "trainer": home * 4 + trainer, "inspe": home, "score": score}
            frames.append(pd.DataFrame(parts)[rng.random(n) >= absent].assign(criterion=f"c{c}"))
    return Ratings.from_frame(pd.concat(frames), levels=range(5))


def only(table: pd.DataFrame, **where) -> pd.Series:
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("row", [row for row in PAIRED["rows"] if row[0] != "percent"], ids=lambda r: f"{r[0]}-{r[1]}")
def test_criteria_and_occasions_are_compared_as_pairedcac_does(row):
    name, weights, first, second, gap, se, _, p = row
    asked = {"coefficients": [name], "weights": weights, "resamples": 0, "multiverse": False}
    between = only(agreement(meeting("criterion"), **asked).tables["differences"])
    np.testing.assert_allclose(
        [-between["contrast"], between["se"], between["p"], between["p_adjusted"]], [gap, se, p, p], rtol=2e-6
    )
    result = agreement(meeting("occasion"), group="occasion", **asked)
    after, test = only(result.tables["groups"], occasion="2"), only(result.tables["omnibus"], hypothesis="equal_groups")
    np.testing.assert_allclose([after["value"], after["contrast"], after["p"]], [second, gap, p], rtol=2e-6)
    assert only(result.tables["groups"], occasion="1")["value"] == pytest.approx(first, rel=2e-6)
    # With two values Hotelling's T² is the square of the paired t.
    assert test["method"] == "hotelling" and test["p"] == pytest.approx(p, rel=2e-6)


@pytest.mark.parametrize("name", ["vision", "fischer"])
def test_margins_of_two_trainers_as_r(name):
    wanted = MARGINAL["tables"][name]
    found = agreement(two_trainers(wanted["table"]), resamples=0, multiverse=False).tables["margins"]
    for ours, theirs in (("stuart_maxwell", "stuart"), ("bhapkar", "bhapkar"), ("bowker", "bowker")):
        row = only(found, method=ours)
        assert row["statistic"] == pytest.approx(wanted[theirs])
        assert ours == "bowker" or row["p"] == pytest.approx(wanted[f"{theirs}_p"])
    scores = np.arange(len(wanted["table"]))
    table = np.array(wanted["table"])
    direction = (table.sum(axis=1) @ scores - table.sum(axis=0) @ scores) / table.sum()
    np.testing.assert_allclose(found["difference"], direction)
    assert (found["reason"] == "").all()
    assert (found["difference_low"] < direction).all() and (found["difference_high"] > direction).all()


def test_words_of_the_published_example_of_gwet():
    table = np.array(RATERS["ratings"], dtype=float)
    student, trainer = np.nonzero(~np.isnan(table))
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": table[student, trainer]})
    ratings = Ratings.from_frame(frame, criterion=None, levels=RATERS["levels"])
    result = agreement(ratings, coefficients=["gwet_ac"], weights="identity", resamples=0)
    row = only(result.tables["benchmark"], scale="landis_koch")
    assert (row["verdict"], row["verdict_sure"]) == ("substantial", "moderate")
    assert row["probability"] == pytest.approx(0.99542, abs=6e-6)
    assert only(result.tables["benchmark"], scale="fleiss")["verdict_sure"] == "fair_to_good"


def test_independent_groups_get_a_test_without_common_students():
    result = agreement(cohort(240), group="inspe", resamples=0, multiverse=False)
    table, test = result.tables["groups"], result.tables["omnibus"]
    assert len(table) == 9 and set(test["method"]) == {"hotelling", "homogeneity"}
    assert test.loc[test["hypothesis"] == "equal_groups", "df"].tolist() == [2, 2, 2]
    assert (table["p_adjusted"] >= table["p"]).all()
    for _, own in table.groupby("criterion"):
        weight = 1 / own["se"].to_numpy() ** 2
        value = own["value"].to_numpy()
        for place, contrast in enumerate(own["contrast"]):
            rest = np.arange(3) != place
            assert contrast == pytest.approx(value[place] - np.average(value[rest], weights=weight[rest]))


def test_sessions_of_other_students_are_independent_and_of_some_of_the_same_are_not():
    frame = cohort(120, criteria=1).frame.drop(columns="session")
    student = frame["student"].astype(int)
    apart = frame.assign(session=np.where(student < 60, "before", "after"))
    again = pd.concat([apart, frame[student < 10].assign(session="after")])
    for given, method in ((apart, "homogeneity"), (again, "hotelling")):
        ratings = Ratings.from_frame(given, framework=cohort(12, criteria=1).framework)
        result = agreement(ratings, group="session", resamples=0, multiverse=False)
        test = only(result.tables["omnibus"], hypothesis="equal_groups")
        assert test["method"] == method and 0 < test["p"] < 1
        one, other = (only(result.tables["groups"], session=name) for name in ("after", "before"))
        assert one["contrast"] == pytest.approx(-other["contrast"]) == one["value"] - other["value"]
        assert one["p"] == pytest.approx(other["p"])


def test_a_criterion_less_agreed_on_is_told_and_so_is_what_it_takes_to_know():
    result = agreement(cohort(400, criteria=3), resamples=0)
    keys = {note.key: note for note in result.notes}
    assert keys["agreement.unlike"].values["better"] == "c0" and keys["agreement.unlike"].values["worse"] == "c2"
    sizes = result.tables["sample_size"]
    row = only(sizes[sizes["half_width"] == 0.1], criterion="c2")
    assert (row["n_needed"] > row["n_double"]) == (row["half_width_now"] > 0.1)
    for language in languages():
        for note in result.notes:
            assert words(language)(f"note.{note.key}", **note.values)


def test_the_multiverse_holds_the_main_answer_and_counts_what_flips():
    result = agreement(cohort(200, absent=0.1), resamples=0, benchmark=0.8)
    every, summary = result.tables["multiverse"], result.tables["multiverse_summary"]
    assert set(every["reading"]) == {"available", "double", "complete", "absent_lowest"}
    assert set(every["panel"]) == {"all", "without_worst"}
    main = {"coefficient": "krippendorff", "weights": "quadratic", "reading": "available", "panel": "all"}
    for key in ("c0", "c1", "c2"):
        row = only(every, criterion=key, **main)
        told = result.tables["agreement"]
        assert row["value"] == pytest.approx(only(told, criterion=key, coefficient="krippendorff")["value"])
        own, line = every[every["criterion"] == key], only(summary, criterion=key)
        assert line["conclusion"] == row["conclusion"] and line["n_choices"] == len(own) == 120
        assert line["share_flipped"] == pytest.approx((own["conclusion"] != row["conclusion"]).mean())
        assert line[["share_below", "share_unsure", "share_above"]].sum() == pytest.approx(1)
        assert (line["lowest"], line["highest"]) == (own["value"].min(), own["value"].max())


def test_choices_that_change_nothing_are_not_counted():
    every = agreement(two_trainers(np.full((3, 3), 4) + 9 * np.eye(3, dtype=int)), resamples=0).tables["multiverse"]
    assert set(every["reading"]) == {"available"} and set(every["panel"]) == {"all"}


def test_the_trainer_who_disagrees_most_goes():
    file, trainer = np.repeat(np.arange(30), 3), np.tile([0, 1, 2], 30)
    level = np.where(trainer == 2, 4 - file % 5, file % 5)
    left = without_worst(counts(file, trainer, level, np.arange(5)), np.eye(5))
    assert left is not None and left.n_trainers == 2 and left.unanimous
    assert without_worst(left, np.eye(5)) is None


DEGENERATE = {
    "one level": cohort(30).frame.assign(score=2),
    "one trainer": cohort(30).frame.assign(trainer="a").drop_duplicates(["student", "criterion"]),
    "one student": cohort(1, inspe=1).frame,
    "two students": cohort(2, inspe=1).frame,
    "rated once": cohort(30).frame.drop_duplicates(["student", "criterion"]),
    "unanimous": cohort(30).frame.assign(score=lambda f: f["student"].astype(int) % 5),
    "nothing": cohort(10).frame.iloc[:0],
    "one criterion": cohort(30, criteria=1).frame,
}


@pytest.mark.parametrize("group", [None, "inspe", "session"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_ratings_give_rows_with_reasons(case, group):
    frame = DEGENERATE[case]
    whole = cohort(30, criteria=1 if case == "one criterion" else 3)
    ratings = Ratings.from_frame(frame, framework=whole.framework)
    result = agreement(ratings, resamples=0, group=group)
    wanted = (*FURTHER, "groups") if group else FURTHER
    for name in wanted:
        table = result.tables[name]
        assert len(table), name
        numbers = [c for c in ("value", "low", "high", "contrast", "p", "n_needed", "share_flipped") if c in table]
        empty = table[numbers].isna().any(axis=1)
        assert (table.loc[empty, "reason"] != "").all(), (name, table[empty])
        assert all(column in COLUMNS for column in table.columns)
    for language in languages():
        for table in result.tables.values():
            assert all(words(language).has(f"reason.{reason}") for reason in set(table["reason"]) - {""})


def test_hidden_rows_lose_their_words_too():
    shown = published(agreement(cohort(9, inspe=3, criteria=1), group="inspe", resamples=0), 5)
    for name in ("benchmark", "multiverse", "multiverse_summary", "margins", "groups"):
        table = shown.tables[name]
        gone = table[table["reason"] == "hidden"]
        answers = [
            c for c in ("verdict", "verdict_low", "verdict_high", "verdict_sure", "conclusion", "decisive") if c in gone
        ]
        assert gone[answers].isna().all().all() or (gone[answers] == "").all().all()
    assert (shown.tables["groups"]["reason"] == "hidden").all()


def test_no_test_of_two_trainers_tells_how_many_students_they_share():
    result = agreement(cohort(70, inspe=2), resamples=0, multiverse=False)
    given, shown = result.tables["margins"], published(result, 5).tables["margins"]
    assert given["df2"].notna().any() and (shown["reason"] == "hidden").any() and shown["df2"].isna().all()
    wald = shown["method"] == "margins_wald"
    assert shown.loc[wald, "statistic"].isna().all() and shown.loc[wald, "p"].notna().any()


def test_a_pair_turned_round_keeps_its_bounds():
    result = agreement(cohort(90, inspe=1), resamples=0, multiverse=False)
    shown = published(result, 5).tables["margins"]
    kept = shown[shown["difference_low"].notna()]
    assert (
        len(kept)
        and ((kept["difference_low"] <= kept["difference"]) & (kept["difference"] <= kept["difference_high"])).all()
    )


@pytest.mark.parametrize(("given", "told"), [
    ({"group": "trainer"}, "unknown group"), ({"adjustment": "sidak"}, "unknown adjustment"),
    ({"half_width": 0}, "half_width"),
])  # fmt: skip
def test_options_without_meaning_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        agreement(cohort(10), resamples=0, **given)
