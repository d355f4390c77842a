"""Planning through the public door: what the list does to the graph, what schemes promise, and odd data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from crcne_stats.analysis.generalizability import generalizability
from crcne_stats.analysis.planning import planning
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.plan import write_plan
from crcne_stats.data.ratings import load_ratings
from crcne_stats.domain.columns import column
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figure, figures
from crcne_stats.view.tables import table as shown
from crcne_stats.words import words

NO_SEVERITY = Result("severity", settings={"reason": "no_ratings"})


@cache
def islands() -> tuple[Ratings, Result, Result]:
    ratings = simulate(120, 4, 1, links=0.0, seed=1).ratings
    return ratings, generalizability(ratings, resamples=20), severity(ratings, simulations=0, halo=True)


def planned(**options: Any) -> Result:
    ratings, variance, many_facet = islands()
    return planning(ratings, generalizability=variance, severity=many_facet, **options)


@cache
def usual() -> Result:
    return planned()


def after(result: Result, *stages: str) -> nx.Graph:
    """Trainers and files with the ratings of these stages added."""
    assert result.ratings is not None
    frame = result.ratings.scored.drop_duplicates(["student", "trainer"])
    graph = nx.Graph((("t", t), ("f", f)) for t, f in zip(frame["trainer"], frame["student"], strict=True))
    asked = result.tables["repair"]
    for row in asked[asked["stage"].isin(stages)].itertuples():
        assert not graph.has_edge(("t", row.trainer), ("f", row.student))
        graph.add_edge(("t", row.trainer), ("f", row.student))
    return graph


def groups(graph: nx.Graph) -> int:
    """Groups that hold a trainer."""
    return sum(any(kind == "t" for kind, _ in part) for part in nx.connected_components(graph))


def said(result: Result) -> None:
    """Every note, reason, table, column and figure has its words in both languages; no number is a bare NaN."""
    for w in (words("fr"), words("en")):
        if result.reason:
            assert w(f"reason.{result.reason}", **result.settings)
        for note in result.notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in result.tables.items():
            assert w(f"table.planning.{name}") and (name == "repair" or shown(result, name, w.language).text())
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key" and title != "reason":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title].dropna()) - {""})
        for name in figures(result):
            assert alt_text(result, name, w.language) and figure(result, name, w.language)


def test_the_list_ties_trainers_then_keeps_them_tied_then_makes_them_precise() -> None:
    result = usual()
    assert groups(after(result)) == 4
    assert groups(after(result, "connect")) == 1
    held = after(result, "connect", "strengthen")
    for node in list(held):
        rest = held.copy()
        rest.remove_node(node)
        assert groups(rest) == 1, node
    table = result.tables["precision"].set_index("stage")
    assert table["n_components"].tolist() == [4, 1, 1, 1]
    assert table.loc["tighten", "se_max"] <= 0.3 < table.loc["strengthen", "se_max"]
    assert (table.loc["connect":, "se_mean"].diff().dropna() <= 1e-12).all()
    assert table.loc["before", "share_comparable"] < 0.3 and table.loc["tighten", "share_comparable"] == 1
    said(result)


def test_the_list_is_called_shortest_only_where_it_is_proved() -> None:
    stages = usual().tables["stages"].set_index("stage")
    assert stages.loc["connect", ["n_ratings", "bound", "gap", "proof"]].tolist() == [3, 3, 0, "proved"]
    together = stages.loc["together"]
    assert (together["proof"] == "proved") == (together["n_ratings"] == together["bound"])
    assert stages.loc["tighten", "proof"] == "greedy" and np.isnan(stages.loc["tighten", "bound"])
    asked = usual().tables["repair"]
    assert stages.loc["all", "n_ratings"] == len(asked)
    assert stages.loc["all", "hours"] == pytest.approx(asked["hours"].sum()) == pytest.approx(0.75 * len(asked))


@pytest.mark.parametrize(
    ("pairs", "proof", "n"),
    [("ax bx by bz cz au cw", "proved", 1), ("ax dx ay bz cz aw cw", "enumerated", 2)],
)
def test_a_small_list_is_proved_or_enumerated(pairs: str, proof: str, n: int) -> None:
    rows = [(two[1], two[0], c, (i + k) % 4) for i, two in enumerate(pairs.split()) for k, c in enumerate("pq")]
    frame = pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score"])
    result = planning(Ratings.from_frame(frame, levels=range(4)), severity=NO_SEVERITY)
    together = result.tables["stages"].set_index("stage").loc["together"]
    assert together["n_ratings"] == n and together["proof"] == proof
    assert together["gap"] == (proof == "enumerated")
    assert set(result.tables["stages"]["reason"]) == {"", "no_measures"}
    assert "planning.no_measures" in {note.key for note in result.notes}
    said(result)


def test_rules_hold() -> None:
    ratings = islands()[0]
    result = planned(load=1, exclude_own=True, travel_hours=2.0, most_ratings=5)
    asked = result.tables["repair"]
    assert asked["trainer"].value_counts().max() <= 1
    assert (asked["inspe"].astype(object) != asked["trainer_inspe"].astype(object)).all()
    assert set(asked["hours"]) == {2.75}
    assert (asked["stage"] == "tighten").sum() <= 5
    seen = ratings.frame.astype({"trainer": str}).groupby("trainer")["mention"].agg(set)
    assert all(row.mention in seen[row.trainer] for row in asked.itertuples())
    assert "planning.target_not_reached" in {note.key for note in result.notes}
    said(result)


def test_what_the_rules_forbid_is_told() -> None:
    rows = [(f, t, c, (k + ord(f)) % 3, m) for f, t, m in [("a", "x", "1"), ("b", "x", "1"), ("c", "y", "2")]
            for k, c in enumerate("pq")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score", "mention"])
    ratings = Ratings.from_frame(frame, levels=range(3))
    barred = planning(ratings, severity=NO_SEVERITY)
    assert "repair" not in barred.tables
    stages = barred.tables["stages"].set_index("stage")
    assert stages.loc["connect", ["proof", "reason"]].tolist() == ["failed", "rules_forbid"]
    assert stages.loc[["connect", "together"], "gap"].isna().all()
    assert "planning.rules_forbid" in {note.key for note in barred.notes}
    allowed = planning(ratings, severity=NO_SEVERITY, same_mention=False)
    assert allowed.tables["stages"].set_index("stage").loc["connect", "proof"] == "proved"
    said(barred)


def test_dear_travel_is_avoided_where_it_need_not_be() -> None:
    cheap, dear = planned(travel_hours=0.0), planned(travel_hours=3.0)
    away = [int((r.tables["repair"]["inspe"].astype(object) != r.tables["repair"]["trainer_inspe"]).sum())
            for r in (cheap, dear)]  # fmt: skip
    assert away[1] >= 3
    assert dear.tables["stages"]["hours"].iloc[-1] > cheap.tables["stages"]["hours"].iloc[-1]


def test_a_lower_target_asks_for_more_and_gets_it() -> None:
    wide, narrow = planned(target_se=0.5), planned(target_se=0.25)
    assert len(wide.tables["repair"]) < len(narrow.tables["repair"])
    for result, target in ((wide, 0.5), (narrow, 0.25)):
        assert result.tables["precision"]["se_max"].iloc[-1] <= target
    common = narrow.tables["common_set"]
    assert common["reached"].iloc[-1] and common["se_max"].iloc[-1] <= 0.25
    assert common["se_max"].is_monotonic_decreasing


def test_promised_errors_are_those_of_the_model_in_hand() -> None:
    """Before any rating: the standard errors of the many-facet model itself, within the islands."""
    ratings, _, many_facet = islands()
    scale = many_facet.model.scale
    before = usual().model.precise["before"].error
    names = usual().model.given.trainers
    assert names == many_facet.model.fitted.asked.names["trainer"]
    pairs = [(a, b) for a in range(len(names)) for b in range(a) if np.isfinite(before[a, b])]
    own = np.array([np.sqrt(scale.difference_variance(a, b)) for a, b in pairs])
    promised = np.array([before[a, b] for a, b in pairs])
    np.testing.assert_allclose(promised, own, rtol=0.12)
    assert promised.mean() == pytest.approx(own.mean(), rel=0.06)
    assert len(ratings)


def test_schemes_as_generalizability_has_them() -> None:
    _, variance, _ = islands()
    schemes = usual().tables["schemes"]
    own = schemes[schemes["scheme"] == "own"].set_index("trainers_per_file")
    study = variance.tables["dstudy"].query("layout == 'own'").set_index("n_trainers")
    for k in (1, 2, 6):
        assert own.loc[k, "dependability"] == pytest.approx(study.loc[k, "dependability"])
        assert own.loc[k, "hours_each"] == 0.5 * k + 0.25 * (k > 1)
    assert own["wrong_level"].is_monotonic_decreasing
    near = schemes[schemes["scheme"] == "near_cut"]
    assert near["wrong_level"].between(own.loc[2, "wrong_level"] - 1e-4, own.loc[1, "wrong_level"]).all()
    kept = schemes[schemes["pareto"]]
    for row in kept.itertuples():
        better = (schemes["hours_each"] < row.hours_each) & (schemes["wrong_level"] <= row.wrong_level)
        assert not better.any()


def test_the_cheapest_scheme_reaches_its_goal_and_no_cheaper_one_does() -> None:
    result = planned(dependability=0.93, dependability_at_cut=0.97, misclassification=0.12)
    schemes, cheapest = result.tables["schemes"], result.tables["cheapest"].set_index("goal")
    for goal, name, sign in (("dependability", "dependability", 1), ("misclassification", "wrong_level", -1)):
        row = cheapest.loc[goal]
        enough = schemes[sign * schemes[name] >= sign * row["wanted"]]
        assert row["hours_each"] == enough["hours_each"].min()
    out_of_reach = planned(misclassification=0.001)
    assert out_of_reach.tables["cheapest"].set_index("goal").loc["misclassification", "reason"] == "goal_not_reached"
    said(out_of_reach)


def test_power_rises_with_students_and_size_and_the_same_trainers() -> None:
    table = planned(effects=[0.1, 0.3]).tables["power"].set_index(["effect", "by_trainers", "size"])
    assert table.loc[("drift", "same", 0.1), "n_wanted"] > table.loc[("drift", "same", 0.3), "n_wanted"]
    assert table.loc[("drift", "other", 0.3), "n_wanted"] > table.loc[("drift", "same", 0.3), "n_wanted"]
    row = table.loc[("drift", "same", 0.1)]
    # The normal power of two means, by hand: n = (z.975 + z.8)² (se √n)² / size².
    assert row["n_wanted"] == pytest.approx((1.959964 + 0.841621) ** 2 * row["se"] ** 2 * row["n_now"] / 0.01, abs=1.5)


@pytest.mark.parametrize("same", [True, False])
def test_the_error_of_a_change_is_that_of_ratings_drawn_from_the_components(same: bool) -> None:
    ratings, variance, _ = islands()
    table = variance.tables["components"]
    parts = table[table["estimator"] == "reml"].set_index("source")["variance"].clip(lower=0)
    n, k, criteria, trainers = 120, 2, len(ratings.criteria), ratings.frame["trainer"].nunique()
    rng = np.random.default_rng(3)
    moves = []
    for _ in range(300):
        taste = rng.normal(0, np.sqrt(parts["trainer*criterion"]), (2, trainers, criteria))
        means = []
        for session in range(2):
            x = rng.normal(0, np.sqrt(parts["student*criterion"]), (n, criteria))
            panel = np.array([rng.permutation(trainers)[:k] for _ in range(n)])
            x += taste[0 if same else session][panel].mean(axis=1)
            x += rng.normal(0, np.sqrt(parts["residual"] / k), (n, criteria))
            means.append(x.mean(axis=0))
        change = means[1] - means[0]
        moves.append(change - (change.sum() - change) / (criteria - 1))
    told = usual().tables["power"].set_index(["effect", "by_trainers"])["se"]
    expected = float(told["drift", "same" if same else "other"].iloc[0])
    assert np.std(moves) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("name", "value"),
    [("hours_per_file", 0), ("load", 0), ("target_se", -1), ("travel_hours", -1), ("misclassification", 0),
     ("dependability", 1), ("power", 2), ("effects", []), ("effects", [0.0])],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        planned(**{name: value})


def test_a_result_of_other_ratings_is_refused() -> None:
    ratings, variance, many_facet = islands()
    other = ratings.where(np.arange(len(ratings)) % 7 > 0)
    with pytest.raises(ValueError, match="other ratings"):
        planning(other, generalizability=variance)
    with pytest.raises(ValueError, match="other ratings"):
        planning(other, severity=many_facet)
    with pytest.raises(ValueError, match="other ratings"):
        generalizability(other, severity=many_facet)


def test_one_trainer_and_no_rating() -> None:
    frame = pd.DataFrame(
        {"student": list("aabbcc"), "trainer": "t", "criterion": list("pq") * 3, "score": [0, 1, 2] * 2}
    )
    single = planning(Ratings.from_frame(frame, levels=range(3)), severity=NO_SEVERITY)
    assert "stages" not in single.tables and "planning.one_trainer" in {note.key for note in single.notes}
    assert single.tables["schemes"]["reason"].tolist() == ["error_hidden"]
    said(single)
    empty = planning(Ratings.from_frame(frame.assign(score=np.nan), levels=range(3)))
    assert empty.reason == "no_ratings"
    said(empty)


def test_constant_scores_still_get_a_link() -> None:
    frame = pd.DataFrame(
        {"student": list("aabbccdd"), "trainer": list("ttttuuuu"), "criterion": list("pq") * 4, "score": 1}
    )
    result = planning(Ratings.from_frame(frame, levels=range(3)))
    assert result.tables["schemes"]["reason"].tolist() == ["constant_scores"]
    assert result.tables["stages"].set_index("stage").loc["connect", "n_ratings"] == 1
    said(result)


def test_the_list_names_students_and_is_never_published() -> None:
    told = published(usual())
    assert "repair" not in told.tables and "repair" in usual().tables
    assert not any("student" in table.columns for table in told.tables.values())
    assert not set(told.tables["trainers"]["trainer"]) & set(usual().tables["trainers"]["trainer"])
    assert not any(str(value).startswith("E0") for note in told.notes for value in note.values.values())


def test_the_workbook_has_a_sheet_for_each_trainer_and_loads_once_filled(tmp_path: Path) -> None:
    result = usual()
    path = write_plan(result, tmp_path / "plan.xlsx")
    asked = result.tables["repair"]
    book = load_workbook(path)
    names = sorted(set(asked["trainer"].astype(str)))
    assert book.sheetnames[: len(names)] == names
    criteria = 0
    for name in names:
        sheet = book[name]
        rows = [row for row in range(6, sheet.max_row + 1) if sheet.cell(row, 1).value]
        mine = asked[asked["trainer"].astype(str) == name]
        assert sorted(str(sheet.cell(row, 1).value) for row in rows) == sorted(mine["student"].astype(str))
        first = next(k for k in range(1, sheet.max_column + 1) if str(sheet.cell(5, k).value).startswith("1.1"))
        criteria = sheet.max_column - first + 1
        for row in rows:
            for place in range(first, sheet.max_column + 1):
                sheet.cell(row, place).value = 2
    book.save(path)
    filled = load_ratings(path)
    assert len(filled) >= len(asked) * min(criteria, 19)
    pairs = set(zip(filled.frame["student"].astype(str), filled.frame["trainer"].astype(str), strict=True))
    assert pairs == set(zip(asked["student"].astype(str), asked["trainer"].astype(str), strict=True))
    with pytest.raises(DataError):
        write_plan(Result("planning"), tmp_path / "none.xlsx")


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_names_and_order_move_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = {(int(f), int(t)) for f, t in zip(rng.integers(0, 15, 22), rng.integers(0, 6, 22), strict=True)}
    rows = [(f, t, c, int(rng.integers(0, 4))) for f, t in sorted(pairs) for c in "pq"]
    frame = pd.DataFrame(rows, columns=["student", "trainer", "criterion", "score"])
    first = planning(Ratings.from_frame(frame, levels=range(4)), severity=NO_SEVERITY).tables["stages"]
    mixed = frame.sample(frac=1, random_state=seed)
    again = planning(Ratings.from_frame(mixed, levels=range(4)), severity=NO_SEVERITY).tables["stages"]
    pd.testing.assert_frame_equal(first, again)
    row = first.set_index("stage").loc["together"]
    assert row["gap"] >= 0 or row["proof"] == "failed"
