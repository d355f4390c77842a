"""The many-facet analysis: what it recovers and what it refuses to compare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.severity_assumptions import severity_difference
from crcne_stats.analysis.severity_design import design
from crcne_stats.analysis.severity_drift import _centred, drift, drift_table
from crcne_stats.analysis.severity_students import plausible_values
from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.anchors import load_anchors, write_anchors
from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.ratings import Ratings
from crcne_stats.view.disclosure import published
from crcne_stats.view.tables import table
from crcne_stats.words import words

PRIVATE = {"students", "unexpected"}


@pytest.fixture(scope="module")
def made():
    """Two INSPÉ with many common files, halo, and nothing else that the model does not know."""
    return simulate(
        240, 2, 2, trainers=8, links=0.3, severity_sd=0.6, centrality_sd=0, disordered=False, dif=0, drift=0,
        low_agreement=0, missing=0.05, seed=4,
    )  # fmt: skip


@pytest.fixture(scope="module")
def result(made):
    return severity(made.ratings, simulations=20)


@pytest.fixture(scope="module")
def islands():
    """Three INSPÉ of unequal ability without a common file."""
    return simulate(
        240, 3, 1, trainers=9, links=0, inspe_ability_sd=0.8, severity_sd=0.4, halo_sd=0.0, disordered=False, seed=6
    )


def by_name(frame, key, column):
    return frame.set_index(key)[column]


def test_measures_lie_near_the_truth(made, result):
    trainers = result.tables["trainers"].set_index("trainer")
    true = pd.Series(made.truth["severity"])
    true -= true.mean()
    error = trainers["severity"] - true.reindex(trainers.index)
    assert (error.abs() < 3.5 * trainers["se"]).all()
    assert np.corrcoef(trainers["severity"], true.reindex(trainers.index))[0, 1] > 0.9
    assert abs(trainers["severity"].sum()) < 1e-8
    criteria = result.tables["criteria"]
    assert abs(criteria["difficulty"].sum()) < 1e-8
    assert trainers["assumption"].eq("connected").all()
    order = trainers.sort_values("severity")
    assert order["fair_average"].is_monotonic_decreasing
    assert (
        (trainers["fair_low"] < trainers["fair_average"]) & (trainers["fair_average"] < trainers["fair_high"])
    ).all()


def test_halo_goes_into_the_model_where_it_describes_the_ratings_better(result):
    model = result.tables["model"]
    assert model["chosen"].tolist() == [True] + [False] * (len(model) - 1)
    assert bool(model["with_halo"].iloc[0])
    assert model["halo_sd"].iloc[0] == pytest.approx(0.4, abs=0.1)
    assert model["converged"].all()
    assert model["bic"].iloc[0] < model["bic"].iloc[1]
    keys = {note.key for note in result.notes}
    assert {"severity.halo_model", "severity.halo", "severity.spread"} <= keys


def test_tables_have_the_promised_columns_and_words(result):
    promised = {
        "model": "log_likelihood deviance n_parameters aic bic converged iterations population_sd eap_reliability",
        "trainers": "trainer severity se low high infit outfit infit_z outfit_z fair_average component n_ratings",
        "criteria": "criterion difficulty se infit outfit",
        "thresholds": "criterion trainer level threshold se",
        "students": "student eap se wle",
    }
    for name, columns in promised.items():
        assert set(columns.split()) <= set(result.tables[name].columns)
    for name, frame in result.tables.items():
        assert set(frame.columns) <= set(COLUMNS), name
        if name not in PRIVATE:
            for lang in ("fr", "en"):
                assert table(result, name, lang).text()
    for lang in ("fr", "en"):
        told = [words(lang)(f"note.{note.key}", **note.values) for note in result.notes]
        assert all(told)


def test_single_students_are_never_shown(result):
    assert not PRIVATE & set(published(result).tables)
    assert not {"F0001", "F0002"} & set(published(result).tables["trainers"]["trainer"])


def test_rows_and_labels_change_nothing(made, result):
    frame = made.ratings.frame.sample(frac=1, random_state=1)
    new = {old: f"X{place:03d}" for place, old in enumerate(sorted(frame["trainer"].unique(), reverse=True))}
    renamed = frame.assign(trainer=frame["trainer"].astype(str).map(new))
    again = severity(Ratings.from_frame(renamed, framework=made.ratings.framework), simulations=0)
    first = by_name(result.tables["trainers"], "trainer", "severity")
    second = by_name(again.tables["trainers"], "trainer", "severity")
    np.testing.assert_allclose(second.reindex([new[name] for name in first.index]), first, atol=1e-6)
    for name in ("infit", "fair_average", "se"):
        one, two = (by_name(r.tables["criteria"], "criterion", name) for r in (result, again))
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_seed_alone_moves_the_limits(made, result):
    again = severity(made.ratings, simulations=20)
    pd.testing.assert_frame_equal(result.tables["trainers"], again.tables["trainers"])
    other = severity(made.ratings, simulations=20, seed=2)
    assert not np.allclose(result.tables["trainers"]["infit_low"], other.tables["trainers"]["infit_low"])
    np.testing.assert_array_equal(result.tables["trainers"]["infit"], other.tables["trainers"]["infit"])


def test_islands_are_never_one_silent_scale(islands):
    found = severity(islands.ratings, simulations=0)
    trainers = found.tables["trainers"]
    assert trainers["component"].nunique() == 3
    assert trainers["assumption"].eq("relative").all()
    np.testing.assert_allclose(trainers.groupby("component")["severity"].sum(), 0, atol=1e-8)
    first = min(found.notes, key=lambda note: note.rank)
    assert first.key == "severity.islands"
    a, b = (trainers.loc[trainers["component"] == part, "trainer"].iloc[0] for part in (1, 2))
    refused = severity_difference(found, a, b)
    assert refused["reason"].tolist() == ["other_component"]
    assert refused["difference_logits"].isna().all()
    mates = trainers.loc[trainers["component"] == 1, "trainer"].iloc[:2]
    assert severity_difference(found, *mates)["se"].iloc[0] > 0
    summary = found.tables["summary"]
    assert summary.loc[summary["facet"] == "trainer", "component"].nunique() == 3
    with pytest.raises(KeyError):
        severity_difference(found, "nobody", a)


def test_an_assumption_links_islands_as_a_fit_under_it_would(islands):
    found = severity(islands.ratings, link="equal_inspe_means", simulations=0, halo=False)
    pooled = severity(islands.ratings, population="equal_means", simulations=0, halo=False)
    for name, atol in (("severity", 1e-5), ("se", 2e-4)):
        one, two = (r.tables["trainers"][name] for r in (found, pooled))
        np.testing.assert_allclose(one, two, atol=atol)
    assert found.tables["trainers"]["assumption"].eq("equal_inspe_means").all()
    assert "severity.linked" in {note.key for note in found.notes}
    assert min(pooled.notes, key=lambda note: note.rank).key == "severity.equal_means_islands"
    assert pooled.tables["trainers"]["assumption"].eq("equal_inspe_means").all()
    for column in ("severity_mean", "ability_mean", "n_changed"):
        one, two = (r.tables["assumptions"][column].astype(float) for r in (found, pooled))
        np.testing.assert_allclose(one, two, atol=1e-5)
    assumed = found.tables["assumptions"]
    moved = assumed[(assumed["assumption"] == "equal_inspe_means")]
    np.testing.assert_allclose(moved["ability_mean"], moved["ability_mean"].iloc[0], atol=0.02)
    a, b = (found.tables["trainers"].groupby("component")["trainer"].first().loc[part] for part in (1, 2))
    assert severity_difference(found, a, b)["reason"].tolist() == [""]


def test_known_means_of_inspe_recover_the_truth(islands):
    truth = islands.truth
    means = pd.DataFrame(
        {"facet": "inspe", "member": list(truth["inspe_ability"]), "value": list(truth["inspe_ability"].values())}
    )
    found = severity(islands.ratings, link="anchors", anchors=means, simulations=0, halo=False)
    trainers = found.tables["trainers"].set_index("trainer")
    true = pd.Series(truth["severity"]).reindex(trainers.index)
    level = trainers.groupby("component")["severity"].mean() - true.groupby(trainers["component"]).mean()
    np.testing.assert_allclose(level - level.mean(), 0, atol=0.5)
    alone = severity(islands.ratings, simulations=0, halo=False).tables["trainers"].set_index("trainer")["severity"]
    inside = trainers["severity"] - trainers.groupby("component")["severity"].transform("mean")
    np.testing.assert_allclose(inside, alone, atol=1e-8)
    missing = severity(islands.ratings, link="anchors", simulations=0)
    assert "severity.link_refused" in {note.key for note in missing.notes}
    assert missing.tables["trainers"]["assumption"].eq("relative").all()


def test_pix_levels_link_islands(islands):
    found = severity(islands.ratings, link="pix", students=islands.students, simulations=0)
    assert found.tables["trainers"]["assumption"].eq("pix").all()
    assumed = found.tables["assumptions"]
    assert set(assumed["assumption"]) == {"relative", "equal_trainer_means", "equal_inspe_means", "anchors", "pix"}
    without = severity(islands.ratings, link="pix", simulations=0)
    row = without.tables["assumptions"].query("assumption == 'pix'")
    assert row["reason"].tolist() == ["no_students"]


def test_anchors_are_written_and_read_and_held(made, result, tmp_path):
    path = write_anchors(result, tmp_path / "anchors.csv")
    anchors = load_anchors(path)
    half = made.ratings.where(made.ratings.frame["session"] == made.ratings.frame["session"].cat.categories[0])
    found = severity(half, anchors=anchors, halo=False, simulations=0)
    criteria = found.tables["criteria"]
    np.testing.assert_allclose(criteria["difficulty"], result.tables["criteria"]["difficulty"], atol=1e-12)
    assert criteria["reason"].eq("anchored").all()
    assert criteria["displacement"].notna().all()
    assert found.tables["model"]["constraint"].iloc[0] == "anchored"
    moved = anchors.assign(value=anchors["value"].where(anchors["member"] != criteria["criterion"][0], 3.0))
    told = severity(half, anchors=moved, halo=False, simulations=0)
    assert "severity.displaced" in {note.key for note in told.notes}
    lost = severity(half, anchors=anchors.assign(member="nobody"), halo=False, simulations=0)
    assert "severity.anchors_lost" in {note.key for note in lost.notes}


@pytest.mark.parametrize(
    ("text", "code"),
    [("facet,member\ncriterion,1.1\n", "missing_column"), ("facet,member,value\nnose,1.1,0\n", "anchor_facet"),
     ("facet,member,value\ncriterion,1.1,high\n", "anchor_value"), (None, "file_absent")],
)  # fmt: skip
def test_anchor_files_at_fault_are_refused(tmp_path, text, code):
    path = tmp_path / "a.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_anchors(path)
    assert caught.value.problems.items[0].code == code


def test_group_anchors_hold_a_mean(made):
    criteria = made.ratings.criteria[:3]
    anchors = pd.DataFrame({"facet": "criterion", "member": criteria, "value": 0.7, "group": "first"})
    found = severity(made.ratings, anchors=anchors, halo=False, simulations=0)
    assert found.tables["criteria"]["difficulty"].head(3).mean() == pytest.approx(0.7)


def test_drift_is_seen_against_the_other_trainers(made):
    frame = made.ratings.frame
    sessions = frame["session"].cat.categories
    name = frame["trainer"].cat.categories[1]
    rows = (frame["trainer"] == name) & (frame["session"] == sessions[1]) & (frame["score"] > 0)
    rng = np.random.default_rng(1)
    harder = frame.assign(score=frame["score"] - (rows & (rng.random(len(frame)) < 0.5)).astype(int))
    found = severity(Ratings.from_frame(harder, framework=made.ratings.framework), simulations=0)
    moved = found.tables["drift"].query("trainer == @name").set_index("session")
    assert moved.loc[sessions[1], "low"] > 0.2
    assert moved["severity_change"].sum() == pytest.approx(0, abs=1e-8)
    assert "severity.drift" in {note.key for note in found.notes}


def test_a_criterion_that_moves_is_no_drift_of_trainers(made):
    frame = made.ratings.frame
    late = frame["session"] == frame["session"].cat.categories[1]
    moved = frame.assign(
        score=frame["score"]
        - (late & (frame["criterion"] == made.ratings.criteria[0]) & (frame["score"] > 0)).astype(int)
    )
    # A trainer who never rated that criterion is harmed by its change no more than the others.
    name = frame["trainer"].cat.categories[2]
    spared = (frame["trainer"] == name) & (frame["criterion"] == made.ratings.criteria[0])
    change = [
        drift_table(asked, drift(asked, "shared"), 0.95)[0]["severity_change"]
        for asked in (
            design(Ratings.from_frame(each[~spared], framework=made.ratings.framework), ()) for each in (frame, moved)
        )
    ]
    np.testing.assert_allclose(*change, atol=0.03)


def test_means_are_taken_off_as_a_projection_does():
    rng = np.random.default_rng(4)
    part, trainer = rng.integers(0, 3, 40), rng.integers(0, 15, 40)
    value, root = rng.normal(size=40), rng.normal(size=(40, 40))
    found, covariance = _centred(value, root @ root.T, part, trainer)
    marks = np.column_stack([codes[:, None] == np.unique(codes) for codes in (part, trainer)]).astype(float)
    off = np.eye(40) - marks @ np.linalg.pinv(marks)
    np.testing.assert_allclose(found, off @ value, atol=1e-10)
    np.testing.assert_allclose(covariance, off @ root @ root.T @ off, atol=1e-9)


def test_plausible_values_spread_as_the_students_do(made, result):
    drawn_values = plausible_values(result, n=20, seed=3)
    assert len(drawn_values) == 20 * len(result.tables["students"])
    by_draw = drawn_values.groupby("draw")["ability"].std()
    true = np.std(list(made.truth["ability"].values()), ddof=1)
    assert by_draw.mean() == pytest.approx(true, rel=0.1)
    assert result.tables["students"]["eap"].std() < by_draw.mean()
    mean = drawn_values.groupby("student")["ability"].mean()
    eap = result.tables["students"].set_index("student")["eap"]
    assert np.corrcoef(mean, eap.reindex(mean.index))[0, 1] > 0.99
    with pytest.raises(ValueError):
        plausible_values(severity(made.ratings, estimator="jml", simulations=0))


def test_trainers_are_compared_on_a_criterion_only_after_an_omnibus_test(made, result):
    tests = result.tables["bias_tests"].set_index("interaction")
    assert tests.loc["trainer_criterion", "p"] > 0.05
    assert "bias_pairs" not in result.tables
    frame = made.ratings.frame
    name, criterion = frame["trainer"].cat.categories[0], made.ratings.criteria[0]
    rows = (frame["trainer"] == name) & (frame["criterion"] == criterion) & (frame["score"] > 0)
    harder = Ratings.from_frame(frame.assign(score=frame["score"] - rows.astype(int)), framework=made.ratings.framework)
    found = severity(harder, simulations=0)
    pairs = found.tables["bias_pairs"].head(7)  # with each of the seven others
    assert (pairs["criterion"] == criterion).all()
    assert ((pairs["trainer_a"] == name) | (pairs["trainer_b"] == name)).all()
    cell = found.tables["bias"].query("trainer == @name and criterion == @criterion").iloc[0]
    assert cell["bias"] < -1
    assert cell["observed_average"] < cell["expected_average"]


def test_slopes_are_a_sensitivity_model(made):
    found = severity(made.ratings, slopes=True, halo=False, simulations=0)
    model = found.tables["model"]
    assert model["with_slopes"].sum() == 1
    assert np.log(found.tables["raters"]["slope"]).mean() == pytest.approx(0, abs=1e-6)


def test_joint_estimation_says_so(made):
    found = severity(made.ratings, estimator="jml", simulations=0)
    model = found.tables["model"].iloc[0]
    assert model["estimator"] == "jml"
    assert 0.9 < model["bias_factor"] < 1
    assert np.isnan(model["aic"])
    assert "severity.joint" in {note.key for note in found.notes}
    marginal, trainers = severity(made.ratings, simulations=0, halo=False).tables["trainers"], found.tables["trainers"]
    assert np.corrcoef(trainers["severity"], marginal["severity"])[0, 1] > 0.995
    # What is drawn outward has errors drawn outward too; intervals take the larger of both, as those of the margin do.
    factor = model["bias_factor"]
    np.testing.assert_allclose(trainers["robust_se"] * factor, marginal["robust_se"], rtol=0.1)
    error = np.maximum(trainers["se"], trainers["robust_se"])
    np.testing.assert_allclose(trainers["high"] - trainers["low"], 2 * 1.959964 * error, rtol=1e-5)
    assert "jml" in found.tables["students"].columns


def test_residuals_over_the_posterior(made, result):
    found = severity(made.ratings, residuals="posterior", simulations=0)
    trainers = found.tables["trainers"]
    assert trainers["infit"].mean() == pytest.approx(1, abs=0.05)
    assert "severity.residuals_posterior" in {note.key for note in found.notes}
    assert "severity.residuals_wle" in {note.key for note in result.notes}


def test_disordered_thresholds_are_found():
    data = simulate(400, 2, 1, links=0.2, halo_sd=0, seed=2)
    found = severity(data.ratings, thresholds="criterion", simulations=0, halo=False)
    wrong = found.tables["thresholds"].query("disordered > 0.95")
    assert wrong["criterion"].tolist() == [data.truth["planted"]["disordered"]]
    assert "severity.disordered" in {note.key for note in found.notes}


def test_the_population_may_differ_by_session_and_mention(made):
    plain = severity(made.ratings, halo=False, simulations=0).tables["model"]["n_parameters"].iloc[0]
    both = severity(made.ratings, population="inspe+session+mention", halo=False, simulations=0)
    mentions = made.ratings.frame["mention"].nunique()
    assert both.tables["model"]["n_parameters"].iloc[0] == plain + 1 + mentions - 1
    # A column that the groups already fix is left out: here each INSPÉ has one session.
    frame = made.ratings.frame
    homes = frame["inspe"].cat.categories
    kept = ((frame["inspe"] == homes[0]) & (frame["session"] == frame["session"].cat.categories[0])) | (
        (frame["inspe"] == homes[1]) & (frame["session"] == frame["session"].cat.categories[1])
    )
    nested = made.ratings.where(kept)
    one, two = (severity(nested, population=p, halo=False, simulations=0) for p in ("inspe", "inspe+session"))
    assert one.tables["model"]["n_parameters"].iloc[0] == two.tables["model"]["n_parameters"].iloc[0]


def test_one_mean_for_unequal_inspe_is_an_assumption_that_is_told(made):
    found = severity(made.ratings, population="equal_means", simulations=0, halo=False)
    assert found.tables["model"]["population"].iloc[0] == "equal_means"
    assert "severity.equal_means" in {note.key for note in found.notes}


def test_further_facets_and_interactions():
    data = simulate(200, 1, 1, trainers=4, seed=3, dif=0, halo_sd=0)
    found = severity(data.ratings, facets=["mention"], simulations=0, halo=False)
    assert set(found.tables["facets"]["member"]) == set(data.ratings.frame["mention"].dropna().unique())
    crossed = severity(data.ratings, interactions=["trainer:criterion"], simulations=0, halo=False)
    assert crossed.tables["model"]["n_parameters"].iloc[0] > found.tables["model"]["n_parameters"].iloc[0]
