"""Two versions on one scale: planted drift is found, beliefs read the same numbers, what cannot be told says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crcne_stats.analysis.calibration import calibration
from crcne_stats.analysis.calibration_design import stacked, ties
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.simulate_next import simulate_next
from crcne_stats.analysis.study import study
from crcne_stats.domain.columns import column
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import figure, figures
from crcne_stats.words import words

NEXT = "2026-illustration"
FIRST = simulate(300, 4, 1, links=0.1, drift=0, low_agreement=0, seed=11)
SECOND = simulate_next(FIRST, NEXT, drift=0.8, severity_shift=0.4, again=60, seed=12)
SMALL = simulate(90, 2, 1, links=0.3, drift=0, seed=2)
QUICK = {"alignment": False, "thresholds": "shared"}


@pytest.fixture(scope="module")
def found() -> Result:
    return calibration(FIRST.ratings, SECOND.ratings)


def true_constant(first: Simulation, second: Simulation) -> float:
    """From the truth: what to add to the new difficulties, centred, so that the stable anchors keep theirs."""
    old, new = first.truth["difficulty"], second.truth["difficulty"]
    moved = second.truth["planted"]["drift"]
    same = [tie for tie in ties(first.ratings.framework, second.ratings.framework)[0] if tie.kind == "same"]
    held = [(tie.old[0], tie.new[0]) for tie in same if tie.new[0] not in moved]
    gaps = [old[a] - np.mean(list(old.values())) - new[b] + np.mean(list(new.values())) for a, b in held]
    assert np.ptp(gaps) < 1e-9
    return float(np.mean(gaps))


def test_planted_drift_is_found_and_no_other(found: Result) -> None:
    drift = found.tables["drift"].set_index("criterion")
    planted = SECOND.truth["planted"]["drift"]
    assert set(drift.index[drift["flagged"]]) == set(planted)
    for key, by in planted.items():
        assert drift.loc[key, "drift"] == pytest.approx(by, abs=0.3)
        assert not drift.loc[key, "anchor"] and abs(drift.loc[key, "robust_z"]) > 1.645
        assert np.sign(drift.loc[key, "drift_levels"]) == -np.sign(by)
    assert drift.loc["1.2", "status"] == "reworded" and drift.loc["6.3", "reason"] == "no_counterpart"
    test = found.tables["tests"].set_index("interaction").loc["criterion_version"]
    assert test["p"] < 1e-6 and test["n_flagged"] == len(planted)


def test_the_constant_is_that_of_the_truth(found: Result) -> None:
    links = found.tables["links"].set_index("link_method")
    true = true_constant(FIRST, SECOND)
    for name in ("mean", "robust", "concurrent", "fixed", "separate"):
        assert links.loc[name, "link_constant"] == pytest.approx(true, abs=0.08)
    assert links.loc["mean", "low"] < true < links.loc["mean", "high"]
    assert abs(links.loc["mean_sigma", "link_slope"] - 1) < 0.15
    assert abs(links.loc["all_anchors", "jackknife_error"]) > links.loc["mean", "jackknife_error"]


def test_beliefs_read_the_same_sum(found: Result) -> None:
    rows = found.tables["beliefs"].set_index("belief")
    together = rows.loc["criteria_and_trainers", "logit_change"]
    assert rows.loc["criteria_and_students", "logit_change"] == pytest.approx(-together)
    assert rows.loc["trainers_and_students", "logit_change"] == pytest.approx(-together)
    files, instrument = (rows.loc[name, "logit_change"] for name in ("files", "files_and_criteria"))
    assert files - instrument == pytest.approx(together)
    # Students better by 0.5, trainers more severe by 0.4.
    for name, true in (("criteria_and_trainers", 0.1), ("files", 0.5), ("files_and_criteria", 0.4)):
        assert abs(rows.loc[name, "logit_change"] - true) < 3 * rows.loc[name, "se"]
    assert rows.loc["files", "retained"] and found.settings["stays"] == "files"
    assert (rows["low_without"] >= rows["low"]).all() and (rows["high_without"] <= rows["high"]).all()


def test_trainers_are_compared_with_those_who_stayed(found: Result) -> None:
    table = found.tables["trainers"].set_index("trainer")
    true = np.array([SECOND.truth["severity"][t] - FIRST.truth["severity"][t] for t in table.index])
    away = (table["severity_drift"] - (true - true.mean())) / table["se"]
    assert table["severity_drift"].mean() == pytest.approx(0, abs=1e-9)
    assert np.abs(away).max() < 4 and 0.6 < away.std() < 1.6


def test_cuts_follow_the_instrument(found: Result) -> None:
    cuts = found.tables["cuts"].set_index("level")
    rows = found.tables["beliefs"].set_index("belief")
    moved = rows.loc["files_and_criteria", "logit_change"]
    known = cuts[cuts["reason"] == ""]
    assert len(known) and (known["previous_cut"] - known["carried_cut"]).to_numpy() == pytest.approx(moved)
    assert (known["share_other_low"] <= known["share_other_level"] + 1e-12).all()
    assert (known["share_other_level"] <= known["share_other_high"] + 1e-12).all()
    second = simulate_next(SMALL, NEXT, again=20, seed=9)
    held = calibration(SMALL.ratings, second.ratings, stays="criteria_and_trainers", **QUICK).tables["cuts"]
    assert held["carried_cut"].dropna().to_numpy() == pytest.approx(held["previous_cut"].dropna().to_numpy())


def test_split_criteria_lie_around_the_whole(found: Result) -> None:
    table = found.tables["equivalence"]
    whole = table[table["criterion"] == "2.2 + 2.4"].set_index("score")["expected_score"]
    parts = [table[table["criterion"] == key].set_index("score")["expected_score"] for key in ("2.2", "2.4")]
    assert whole.to_numpy() == pytest.approx(((parts[0] + parts[1]) / 2).to_numpy())
    assert (parts[1] > parts[0]).all() and whole.to_numpy() == pytest.approx([1, 2, 3], abs=0.25)
    assert set(table["status"]) == {"split", "merged"}


def test_every_column_and_word_is_known(found: Result) -> None:
    for name, table in found.tables.items():
        for key in table.columns:
            column(key)
        for lang in ("fr", "en"):
            words(lang)(f"table.calibration.{name}")
    for note in found.notes:
        assert words("fr")(f"note.{note.key}", **note.values) != words("en")(f"note.{note.key}", **note.values)
    assert set(figures(found)) == {"beliefs", "drift", "trainers"}
    figure(found, "beliefs", lang="en")


def test_the_order_of_rows_and_labels_is_no_matter() -> None:
    second = simulate_next(SMALL, NEXT, seed=8)
    frame = second.ratings.frame.sample(frac=1, random_state=3)
    names = {label: f"z{place:03d}" for place, label in enumerate(reversed(frame["trainer"].cat.categories))}
    older = SMALL.ratings.frame
    old, new = (
        Ratings.from_frame(table.assign(trainer=table["trainer"].astype(object).map(names)), framework=given.framework)
        for table, given in ((older, SMALL.ratings), (frame, second.ratings))
    )
    one, two = calibration(SMALL.ratings, second.ratings, **QUICK), calibration(old, new, **QUICK)
    drifts = [result.tables["drift"].set_index("criterion")["drift"].dropna().to_numpy() for result in (one, two)]
    assert drifts[1] == pytest.approx(drifts[0], abs=1e-4)


def test_a_chain_adds_errors() -> None:
    middle, last = simulate_next(SMALL, seed=21), simulate_next(SMALL, NEXT, seed=22)
    result = calibration([SMALL.ratings, middle.ratings], last.ratings, **QUICK)
    chain = result.tables["chain"]
    assert chain["framework_to"].tolist() == ["2022-2023", "2022-2023"] and chain["n_links"].tolist() == [1, 2]
    # The same criteria in the first two versions: their mean is held, so only what moved gains an error.
    assert chain["together_se"].iloc[1] > 1.2 * chain["together_se"].iloc[0]
    assert chain["link_constant"].iloc[0] == pytest.approx(result.tables["links"]["link_constant"].iloc[0])
    first = calibration(SMALL.ratings, middle.ratings, **QUICK).tables["links"]["link_constant"].iloc[0]
    assert chain["link_constant"].diff().iloc[1] == pytest.approx(first)


def test_without_a_crosswalk_texts_decide() -> None:
    bare = replace(load_framework(NEXT), crosswalk=None)
    found, source = ties(FIRST.ratings.framework, bare)
    kinds = {tie.new[0]: tie.kind for tie in found if tie.new}
    assert source == "texts" and kinds["1.1"] == "same" and kinds["6.3"] == "new"
    assert ties(bare, bare)[1] == "same_version"


def test_a_student_of_both_is_one_person() -> None:
    asked = stacked(FIRST.ratings, SECOND.ratings)
    assert asked.again.sum() == 60 and len(asked.again) == 600
    assert (asked.cohort[asked.again] == 0).all()


def test_what_cannot_be_told_says_so() -> None:
    plain = {"criterion": "criterion", "levels": range(5)}
    frame = FIRST.ratings.frame.astype({"criterion": object})
    other = Ratings.from_frame(frame.assign(criterion="x" + frame["criterion"]), **plain)
    assert calibration(FIRST.ratings, other).reason == "no_anchor"
    assert calibration([], FIRST.ratings).reason == "no_previous"
    apart = simulate_next(SMALL, NEXT, seed=5)
    assert calibration(SMALL.ratings, apart.ratings, stays="files").reason == "no_files_again"
    one = apart.ratings.where((apart.ratings.frame["criterion"] == "1.1").to_numpy())
    result = calibration(SMALL.ratings, one, **QUICK)
    assert (result.tables["beliefs"]["reason"] == "no_files_again").sum() == 3
    drift = result.tables["drift"].set_index("criterion")
    assert drift.loc["1.1", "reason"] == "one_anchor"
    with pytest.raises(ValueError, match="stays"):
        calibration(FIRST.ratings, SECOND.ratings, stays="nothing")  # type: ignore[arg-type]


def test_few_students_are_hidden() -> None:
    then = simulate_next(SMALL, NEXT, students=40, seed=3)
    students = then.ratings.frame["student"].cat.categories[:4]
    frame = then.ratings.frame
    kept = ((frame["criterion"] != "1.1") | frame["student"].isin(students)).to_numpy()
    result = calibration(SMALL.ratings, then.ratings.where(kept), **QUICK)
    shown = published(result, 5, "as_given").tables["drift"].set_index("criterion")
    assert result.tables["drift"].set_index("criterion").loc["1.1", "n_students"] == 4
    assert shown.loc["1.1", "reason"] == "hidden" and np.isnan(shown.loc["1.1", "difficulty"])
    assert shown.loc["2.1", "reason"] != "hidden"


def test_a_study_without_a_previous_version_says_so() -> None:
    small = simulate(40, 1, 1, trainers=4, seed=1)
    quick = {"agreement": {"resamples": 0, "multiverse": False}, "severity": {"simulations": 0}}
    answered = study(small.ratings, options=quick)
    assert answered.results["calibration"].reason == "no_previous" and answered.previous is None
