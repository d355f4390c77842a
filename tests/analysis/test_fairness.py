"""Fairness: planted differences are found, nothing is found where there is none, halo is no unfairness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.fairness import fairness
from crcne_stats.analysis.simulate import simulate
from crcne_stats.core.rasch.probabilities import drawn_categories
from crcne_stats.core.simulation import Parameters, centred, design, drawn_scores
from crcne_stats.domain.columns import column
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.words import words

STEPS = np.array([-2.4, -0.8, 0.9, 2.3])


def drawn(
    seed: int, students: int = 400, dif: float = 0.0, dff: float = 0.0, halo: float = 0.0, links: float = 0.1,
    spread: float = 1.0, slope: float = 1.0,
) -> Ratings:  # fmt: skip
    """Two groups, the second weaker by 0.6 logit; ``dif`` on c1, ``dff`` on trainer t01, both against the second.

    ``spread``: standard deviation of ability in the second group, ``slope``: that of c2 in it; both 1 in the first.
    """
    rng = np.random.default_rng(seed)
    who = design(rng, students, 4, 16, 2, links)
    group = rng.integers(0, 2, students)
    effect = halo * rng.standard_normal(who.panel.shape) - dff * ((who.panel == 1) & (group == 1)[:, None])
    difficulty = np.tile(centred(rng, 0.8, 8), (2, 1))
    difficulty[1, 1] += dif
    ability = (
        rng.normal(size=students) * np.where(group == 1, spread, 1.0)
        - 0.6 * group
        + np.array([0.5, -0.5, 0.3, -0.3])[who.home]
    )
    true = Parameters(
        ability,
        difficulty,
        group,
        centred(rng, 0.5, 16),
        np.ones(16),
        effect,
        np.zeros((16, 8)),
        np.tile(STEPS, (8, 1)),
    )
    scores = drawn_scores(rng, who, true)
    if slope != 1:
        location = ability[:, None] - true.severity[who.panel] + effect - difficulty[group, 2][:, None]
        again = drawn_categories(rng, slope * location.ravel(), slope * STEPS).reshape(location.shape)
        scores[:, :, 2] = np.where(group[:, None] == 1, again, scores[:, :, 2])
    student, seat, criterion = (index.ravel() for index in np.indices(scores.shape))
    frame = pd.DataFrame(
        {
            "student": [f"s{i:04d}" for i in student],
            "trainer": [f"t{i:02d}" for i in who.panel[student, seat]],
            "inspe": [f"i{i}" for i in who.home[student]],
            "trainer_inspe": [f"i{i}" for i in who.trainer_home[who.panel[student, seat]]],
            "mention": [f"m{i}" for i in group[student]],
            "criterion": [f"c{i}" for i in criterion],
            "score": scores.ravel(),
        }
    )
    return Ratings.from_frame(frame, levels=range(5))


def said(result: Result) -> None:
    """Every note, reason and column has its words in both languages."""
    for w in (words("fr"), words("en")):
        if result.reason:
            assert w(f"reason.{result.reason}", **result.settings)
        for note in result.notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in result.tables.items():
            assert w(f"table.fairness.{name}")
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key" and title != "against":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title]) - {""})


def whole(result: Result) -> pd.Series:
    """p of the tests from whole students."""
    tests = result.tables["tests"]
    return tests[tests["method"] == "whole_students"].set_index("interaction")["p"]


def test_as_erm_where_one_trainer_rated_all() -> None:
    expected = json.loads((Path(__file__).parents[1] / "reference" / "dif_erm.json").read_text(encoding="utf-8"))
    x = np.array([[int(score) for score in row] for row in expected["x"]])
    person, criterion = np.indices(x.shape).reshape(2, -1)
    frame = pd.DataFrame(
        {
            "student": person,
            "trainer": "only",
            "mention": np.array(["a", "b"])[np.array(expected["group"])[person]],
            "criterion": [f"c{i}" for i in criterion],
            "score": x.ravel(),
        }
    )
    result = fairness(Ratings.from_frame(frame, levels=range(2)))
    table = result.tables["criteria"]
    # eRm centres the items in each group and takes the model for true.
    found = table["group_gap"] - table["group_gap"].mean()
    np.testing.assert_allclose(found, expected["difference"] - np.mean(expected["difference"]), atol=0.04)
    np.testing.assert_allclose(table["se"], expected["se"], rtol=0.12)
    assert table.loc[table["fairness_verdict"].isin(["moderate", "large"]), "criterion"].tolist() == ["c3"]
    lr = result.tables["tests"].set_index(["interaction", "method"]).loc[("criterion_group", "likelihood_ratio")]
    assert lr["chi2"] == pytest.approx(expected["lr"][0], abs=1)
    assert lr["df"] == expected["lr"][1]


def test_a_planted_criterion_is_found_and_no_other() -> None:
    result = fairness(drawn(1, dif=0.8))
    table = result.tables["criteria"].set_index("criterion")
    assert table.index[table["fairness_verdict"].isin(["moderate", "large"])].tolist() == ["c1"]
    row = table.loc["c1"]
    assert row["low"] < 0.8 < row["high"] and row["group"] == "m1" and row["against"] == "m0"
    assert -0.6 < row["group_gap_levels"] < -0.1
    assert whole(result)["criterion_group"] < 0.001 and whole(result)["trainer_group"] > 0.01
    assert {note.key for note in result.notes} >= {
        "fairness.criteria_pair",
        "fairness.criteria_action",
        "fairness.trainers_none",
    }
    said(result)


def test_a_planted_trainer_is_found_and_weaker_students_are_no_unfairness() -> None:
    result = fairness(drawn(2, students=800, dff=1.2))
    table = result.tables["trainers"].set_index("trainer")
    assert table.index[table["fairness_verdict"].isin(["moderate", "large"])].tolist() == ["t01"]
    # Against the mean of the colleagues, who are four with the trainer among them.
    assert table.loc["t01", "low"] < 1.2 * 3 / 4 < table.loc["t01", "high"]
    assert whole(result)["trainer_group"] < 0.01
    assert (result.tables["criteria"]["fairness_verdict"] != "large").all()
    groups = result.tables["groups"].set_index("group")
    assert groups.loc["m1", "mean"] < groups.loc["m0", "mean"] - 0.2
    said(result)


def test_errors_and_false_alarms_are_nominal_with_halo() -> None:
    rejected, flagged, misled, growing = [], [], [], []
    z: dict[str, list[float]] = {"criteria": [], "trainers": []}
    for seed in range(12):
        result = fairness(drawn(100 + seed, students=240, halo=0.8, spread=1.3))
        rejected.append((whole(result) < 0.05).to_numpy())
        growing += (result.tables["slopes"]["gap_slope"] / result.tables["slopes"]["se"]).tolist()
        flagged.append([(result.tables[name]["p_adjusted"] < 0.05).any() for name in z])
        for name, found in z.items():
            found += (result.tables[name]["group_gap"] / result.tables[name]["se"]).dropna().tolist()
        tests = result.tables["tests"].set_index(["interaction", "method"])["p"]
        misled.append(tests["trainer_group", "likelihood_ratio"] < 0.05)
    assert (np.sum(rejected, axis=0) <= 3).all()  # P(more than 3 of 12 at 5 %) = 0.002
    assert (np.sum(flagged, axis=0) <= 3).all()
    assert all(0.75 < np.std(found) < 1.2 for found in z.values())
    assert 0.75 < np.std(growing) < 1.2  # whose abilities differ more is no reason
    assert np.sum(misled) >= 9  # what the kit does not rely on


def test_islands_are_compared_within() -> None:
    result = fairness(drawn(3, dif=0.8, links=0.0))
    assert (result.tables["trainers"]["reason"] == "").all()
    table = result.tables["criteria"].set_index("criterion")
    assert table.loc["c1", "fairness_verdict"] in ("moderate", "large")
    centre = result.tables["trainers"].groupby("trainer_inspe")["group_gap"].mean()
    np.testing.assert_allclose(centre, 0, atol=1e-9)
    assert "fairness.not_converged" not in {note.key for note in result.notes}


def test_drift_between_sessions_is_found_by_its_group() -> None:
    made = simulate(students=400, inspe=4, dif=0, low_agreement=0, drift=0.8, seed=5)
    result = fairness(made.ratings, group="session")
    table = result.tables["criteria"].set_index("criterion")
    for criterion, drift in made.truth["planted"]["drift"].items():
        assert table.loc[criterion, "group_gap"] == pytest.approx(drift, abs=0.3)
        assert table.loc[criterion, "fairness_verdict"] in ("moderate", "large")
    said(result)


def test_several_columns_at_once_are_each_what_they_are_alone() -> None:
    made = simulate(students=100, inspe=2, sessions=2, dif=0.5, seed=5).ratings
    made = made.where(made.frame["criterion"].isin(made.criteria[:6]))
    both = fairness(made, group=["session", "inspe"], min_students=15)
    assert both.settings["group"] == ["session", "inspe"]
    for by in ("session", "inspe"):
        alone = fairness(made, group=by, min_students=15)
        for name, table in alone.tables.items():
            assert table["group_by"].eq(by).all()
            own = both.tables[name].query("group_by == @by").reset_index(drop=True)
            pd.testing.assert_frame_equal(own[table.columns], table, check_dtype=False)
    said(both)
    frame = made.frame.astype({"mention": object}).assign(mention=None)
    part = fairness(Ratings.from_frame(frame, framework=made.framework), group=["mention", "session"])
    lost = part.tables["tests"].query("group_by == 'mention'")
    assert set(lost["reason"]) == {"column_unknown"} and set(part.tables["criteria"]["group_by"]) == {"session"}
    assert next(n for n in part.notes if n.key == "fairness.group_left_out").values["by"] == "mention"
    said(part)


def test_a_gap_that_grows_with_ability_is_told_from_one_that_does_not() -> None:
    uneven = fairness(drawn(3, students=500, dif=0.8, slope=1.9))
    table = uneven.tables["slopes"].set_index("criterion")
    assert table.index[table["p_adjusted"] < 0.05].tolist() == ["c2"]  # and not c1, harder for all alike
    assert -0.9 < table.loc["c2", "gap_slope"] < -0.3  # one step from the model falls short of a large one
    note = next(note for note in uneven.notes if note.key == "fairness.growing")
    assert note.values["first"] == "c2"
    said(uneven)


def test_three_groups_each_with_the_others() -> None:
    made = simulate(students=400, inspe=4, low_agreement=0, drift=0, seed=6)
    result = fairness(made.ratings, min_cell=15)
    criteria, trainers = result.tables["criteria"], result.tables["trainers"]
    assert set(criteria["against"]) == {"others"} and len(criteria) == 3 * 19
    both = trainers[trainers["reason"] == ""]
    assert set(both["against"]) <= {"others", "1", "2", "3"}
    assert not both.duplicated(["trainer", "group"]).any()
    mirrored = both[both["against"] != "others"]
    assert (mirrored["group"] > mirrored["against"]).all()
    assert (trainers.loc[trainers["fairness_verdict"] == "not_testable", "reason"] != "").all()
    said(result)


def test_order_and_names_change_nothing() -> None:
    ratings = drawn(7, students=120)
    frame = ratings.frame.sample(frac=1, random_state=1)
    names = {name: f"x{len(ratings.codes('trainer')[1]) - i:03d}" for i, name in enumerate(ratings.codes("trainer")[1])}
    frame = frame.assign(trainer=frame["trainer"].astype(object).map(names))
    one, two = fairness(ratings), fairness(Ratings.from_frame(frame, levels=range(5)))
    other = two.tables["trainers"].set_index("trainer").loc[list(names.values())].reset_index()
    columns = ["group_gap", "se", "p", "group_gap_levels"]
    np.testing.assert_allclose(one.tables["trainers"][columns], other[columns], atol=1e-6)
    np.testing.assert_allclose(one.tables["criteria"][columns], two.tables["criteria"][columns], atol=1e-6)


def asked(change: Any, **options: Any) -> Result:
    frame = drawn(8, students=120).frame.astype({"mention": object, "trainer": object, "criterion": object})
    return fairness(Ratings.from_frame(change(frame), levels=range(5)), **options)


def test_small_groups_are_set_aside_and_small_cells_not_tested() -> None:
    few = asked(lambda f: f.assign(mention=np.where(f["student"].astype(str) < "s0010", "rare", f["mention"])))
    assert few.tables["groups"].set_index("group").loc["rare", "reason"] == "group_too_small"
    assert "rare" not in set(few.tables["criteria"]["group"]) | set(few.tables["criteria"]["against"])
    assert {note.key for note in few.notes} >= {"fairness.small_groups", "fairness.trainers_not_testable"}
    small = few.tables["trainers"].query("reason == 'few_in_cell'")
    assert (small["n_students"] < 10).all() and small["group_gap"].isna().all()
    said(few)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("one_group", lambda f: f.assign(mention="m0")),
        ("column_unknown", lambda f: f.assign(mention=None)),
        ("one_group", lambda f: f[f["student"].astype(str) < "s0030"]),
        ("constant_scores", lambda f: f.assign(score=2)),
    ],
)
def test_what_cannot_be_asked_has_a_reason(reason: str, change: Any) -> None:
    result = asked(change)
    assert result.reason == reason and not result.tables
    said(result)


def test_one_trainer_and_one_criterion() -> None:
    alone = asked(lambda f: f[f["trainer"] == "t01"].assign(student=lambda g: g["student"]), min_students=5, min_cell=3)
    assert alone.tables["trainers"]["reason"].tolist() == ["no_colleague"]
    said(alone)
    single = asked(lambda f: f[f["criterion"] == "c1"])
    assert set(single.tables["criteria"]["reason"]) == {"one_criterion"}
    said(single)


def test_a_criterion_that_a_group_never_passes_is_not_tested() -> None:
    result = asked(lambda f: f.assign(score=np.where((f["criterion"] == "c2") & (f["mention"] == "m1"), 0, f["score"])))
    row = result.tables["criteria"].set_index("criterion").loc["c2"]
    assert (row["fairness_verdict"], row["reason"]) == ("not_testable", "no_spread")
    assert (result.tables["criteria"]["reason"] == "").sum() == 7
    said(result)


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": "trainer"},
        {"group": []},
        {"group": ["mention", "trainer"]},
        {"alpha": 1},
        {"min_cell": 1},
        {"thresholds": "none"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="group is one of"):
        fairness(drawn(9, students=40), **wrong)


def test_what_rests_on_few_students_is_hidden_and_trainers_have_labels() -> None:
    result = asked(lambda f: f, min_students=5, min_cell=2)
    shown = published(result, 11)
    table = shown.tables["trainers"]
    assert not set(table["trainer"]) & set(result.tables["trainers"]["trainer"])
    small = (result.tables["trainers"]["n_students"] < 11).sum()
    assert (table["reason"] == "hidden").sum() >= small > 0
    assert table.loc[table["reason"] == "hidden", ["group_gap", "n_students", "n_ratings", "p"]].isna().all(axis=None)
    for note in shown.notes:
        assert note.n_students is None or note.n_students >= 11


@pytest.mark.parametrize("seed", range(12))
def test_odd_ratings_get_numbers_or_reasons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, trainers, criteria, levels = (int(rng.choice(few)) for few in ([8, 25], [1, 2, 5], [1, 2, 4], [2, 4]))
    rows = [
        (f"s{s}", f"t{t}", f"m{s % 3 if seed % 2 else s % 2}", f"c{c}", 0 if t == 0 else int(rng.integers(0, levels)))
        for s in range(n)
        for t in rng.choice(trainers, min(trainers, 2), replace=False)
        for c in range(criteria)
        if rng.random() < 0.9
    ]
    frame = pd.DataFrame(rows, columns=["student", "trainer", "mention", "criterion", "score"])
    result = fairness(Ratings.from_frame(frame, levels=range(levels)), min_students=3, min_cell=2)
    assert bool(result.tables) != bool(result.reason)
    for table in result.tables.values():
        assert (table.loc[table.select_dtypes("number").isna().any(axis=1), "reason"] != "").all()
    said(result)
