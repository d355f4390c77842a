"""No hidden count can be worked out: what the audit proves is checked by linear programs of another hand (HiGHS)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from crcne_stats.analysis.calibration import calibration
from crcne_stats.analysis.certification_decisions import decisions_made
from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.describe import describe
from crcne_stats.analysis.difficulty import difficulty
from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.simulate_next import simulate_next
from crcne_stats.analysis.student_pairs import student_groups, student_pairs
from crcne_stats.domain.result import Result
from crcne_stats.view.audit import Equation, Ledger, complement, feasible_width
from crcne_stats.view.disclosure import hidden, published
from crcne_stats.view.suppression import to_hide, units


def width(matrix: np.ndarray, low: np.ndarray, high: np.ndarray, place: int, least: float = 1.0) -> float:
    """Length of the feasible interval of one unknown under ``low <= matrix @ x <= high``, by two linear programs."""
    cost = np.zeros(matrix.shape[1])
    cost[place] = 1.0
    # A hair's breadth, so that rounding of the sums does not make them contradict each other.
    limits = {"A_ub": np.r_[matrix, -matrix], "b_ub": np.r_[high, -low] + 1e-7, "bounds": (least, None)}
    ends = [linprog(sign * cost, **limits) for sign in (1, -1)]
    assert ends[0].status == 0
    return np.inf if ends[1].status == 3 else float(-ends[1].fun - ends[0].fun)


def crossed(counts: np.ndarray) -> Ledger:
    """A two-way table whose lines add up."""
    rows, columns = counts.shape
    flat = counts.ravel().astype(float)
    ledger = Ledger(list(flat), list(range(len(flat))), [4.0] * len(flat), list(flat))
    lines = [range(r * columns, (r + 1) * columns) for r in range(rows)]
    lines += [range(c, rows * columns, columns) for c in range(columns)]
    for line in lines:
        live = tuple(v for v in line if flat[v] > 0)
        if len(live) > 1:
            ledger.equations.append(Equation(live, (1.0,) * len(live)))
    return ledger


def system(ledger: Ledger, secret: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
    unknown = [v for v in range(len(ledger.value)) if secret[v] and ledger.value[v] > 0]
    column = {v: place for place, v in enumerate(unknown)}
    matrix = np.zeros((len(ledger.equations), len(unknown)))
    for row, equation in enumerate(ledger.equations):
        for term, weight in zip(equation.terms, equation.weights, strict=True):
            if term in column:
                matrix[row, column[term]] = weight
    return matrix, matrix @ np.array([ledger.value[v] for v in unknown]), column


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 25), min_size=12, max_size=12))
def test_a_cross_table_keeps_the_interval_that_it_promises(counts: list[int]) -> None:
    ledger = crossed(np.array(counts).reshape(3, 4))
    value = np.array(ledger.value)
    small = (value > 0) & (value < 5)
    secret = complement(ledger, small)
    assert secret[small].all()
    if not small.any():
        assert not secret.any()
        return
    matrix, sums, column = system(ledger, secret)
    everything, all_sums, all_columns = system(ledger, value > 0)
    bound = {term for equation in ledger.equations for term in equation.terms}
    for v in np.flatnonzero(small):
        if v in bound:
            most = min(4.0, width(everything, all_sums, all_sums, all_columns[v]))
            # Where even all cells hidden protect a cell less than asked, it keeps what there is to be had.
            assert width(matrix, sums, sums, column[v]) >= 0.9 * most - 1e-5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_search_never_promises_more_than_there_is(data: Any) -> None:
    matrix = np.array(data.draw(st.lists(st.lists(st.integers(-1, 2), min_size=6, max_size=6), min_size=2, max_size=4)))
    matrix = np.r_[matrix, np.ones((1, 6), dtype=int)]  # the total is always known
    start = np.array(data.draw(st.lists(st.integers(1, 20), min_size=6, max_size=6)), dtype=float)
    found, moves = feasible_width(matrix.astype(float), start, np.ones(6), np.full(6, np.inf), 8.0)
    assert found <= width(matrix, matrix @ start, matrix @ start, 0) + 1e-5
    for move in moves:
        np.testing.assert_allclose(matrix @ move, 0, atol=1e-6)
        assert (start + move >= 1 - 1e-9).all()


def test_the_largest_are_shown_again_when_a_smaller_one_will_do() -> None:
    table = pd.DataFrame({"inspe": list("abcd"), "n_students": [3, 40, 7, 200], "reason": ""})
    assert hidden(table, 5)["reason"].tolist() == ["hidden", "", "hidden", ""]
    assert hidden(table.assign(n_students=[3, 40, 1, 200]), 5)["reason"].tolist() == ["hidden", "hidden", "hidden", ""]
    assert hidden(table.assign(n_students=[30, 40, 17, 200]), 5)["reason"].tolist() == [""] * 4


def levels_attack(shown: Result, true: Result) -> list[float]:
    """What remains of each small level when total, mean and deviation of its criterion are used."""
    table, levels = shown.tables["difficulty"].set_index("criterion"), shown.tables["levels"]
    found = []
    for criterion, own in levels.groupby("criterion", sort=False):
        secret = (own["reason"] == "hidden").to_numpy()
        if not secret.any():
            continue
        raw = true.tables["levels"].loc[own.index]
        row, score = table.loc[criterion], np.arange(len(own), dtype=float)
        count, total = own["n_ratings"].fillna(0).to_numpy(), float(row["n_ratings"])
        moments = [np.ones(len(own)), score, (score - row["mean"]) ** 2]
        known = np.array([total, total * row["mean"], (total - 1) * row["sd"] ** 2])
        # The deviation is about the true mean, known to half a hundredth as well.
        slack = np.array([0, 0.005 * total, 0.01 * row["sd"] * total + total * 0.005**2 + 1])
        matrix = np.array(moments)[:, secret]
        rest = known - np.array(moments)[:, ~secret] @ count[~secret]
        small = ((raw["n_students"] > 0) & (raw["n_students"] < 5)).to_numpy()[secret]
        found += [width(matrix, rest - slack, rest + slack, place) for place in np.flatnonzero(small)]
    return found


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_levels_survive_totals_means_and_deviations(seed: int) -> None:
    made = simulate(100, 3, 1, seed=seed)
    raw = difficulty(made.ratings)
    widths = levels_attack(published(raw), raw)
    assert widths and min(widths) >= 4


def decisions_of(made: Simulation, first: Result) -> Result:
    """The part of ``certification`` that rests on the two parts alone."""
    ratings, people = made.ratings, made.students
    rubric = inspe_levels(ratings)
    pairs = student_pairs(ratings, people, rubric)
    groups = student_groups(people, rubric, pairs["file"].to_numpy())
    tables, notes = decisions_made(ratings, pairs, groups, ratings.framework)
    inputs = {"ratings": ratings, "students": people}
    return Result("certification", tables, notes, {}, inputs, follows=first)


def decisions_told(
    made: Simulation, first: Result, i: np.ndarray, j: np.ndarray, ladder: list[str], true: np.ndarray
) -> list[tuple[np.ndarray, float, float]]:
    """What the certificate adds: exact counts by joint level and binding part, rough ones by level gained."""
    raw = decisions_of(made, first)
    shown = published(raw)
    assert not set(shown.tables["joint"]["reason"]) - {"", "hidden"}
    least, top = np.minimum(i, j), int(j.max())
    parts = {"none": i == j, "inspe": i < j, "pix": (i > j) & (j < top), "pix_ceiling": (i > j) & (j == top)}
    then = {"inspe": np.minimum(i + 1, j), "pix": np.minimum(i, np.minimum(j + 1, top)),
            "both": np.minimum(i + 1, np.minimum(j + 1, top))}  # fmt: skip
    told = []
    for name in ("joint", "binding", "raised"):
        numbers = raw.tables[name]["n_students"]
        for row, number in zip(shown.tables[name].to_dict("records"), numbers, strict=True):
            if name == "binding":
                cells = parts[row["binding"]]
            elif row.get("state", "certified") == "certified":
                level = ladder.index(row["joint_level"])
                after = least if name == "joint" else then[row["raised"]]
                cells = (after == level) & ((after > least) | (name == "joint"))
            else:
                continue
            # Only what is true of the cross table: who waits for the jury stands there and is in no joint level.
            if row["reason"] != "hidden" and cells @ true == number:
                told.append((cells.astype(float), float(row["n_students"]), 2.5 if name == "raised" else 0.0))
    return told


@pytest.mark.parametrize("seed", [5, 7, 11])
def test_joint_levels_and_kappa_do_not_give_the_cross_table_away(seed: int) -> None:
    made = simulate(900, 4, 1, seed=seed)
    raw = concordance(made.ratings, made.students, resamples=0)
    shown = published(raw)
    cross = shown.tables["cross"].astype({"inspe_level": object, "pix_level": object})
    ladder = list(dict.fromkeys(cross["inspe_level"]))
    i, j = (np.array([ladder.index(key) for key in cross[name]]) for name in ("inspe_level", "pix_level"))
    secret = (cross["reason"] == "hidden").to_numpy()
    true = raw.tables["cross"]["n_students"].to_numpy(dtype=float)
    if not ((true[secret] > 0) & (true[secret] < 5)).any():
        return
    gap = np.minimum(i, j.max()) - j
    # The total of a small line is hidden, and with it that of another line.
    found = units(raw, 5)
    gone = to_hide(found)
    known = {key for key, unit in found.keys.items() if not gone[unit]}
    names = [("inspe_level", i, place) for place in set(i)] + [("pix_level", j, place) for place in set(j)]
    lines = [code == place for name, code, place in names if frozenset({(name, ladder[place])}) in known]
    assert len(lines) >= 4
    told = [*((f, f @ true, 0.0) for f in np.array(lines, dtype=float))]
    for sign, name in ((1, "above"), (0, "equal"), (-1, "below")):
        row = shown.tables["direction"].set_index("direction").loc[name]
        if row["reason"] != "hidden":
            told.append(((np.sign(gap) == sign).astype(float), float(row["n_students"]), 0.0))
    told += decisions_told(made, raw, i, j, ladder, true)
    table = shown.tables["concordance"]
    linear = table[(table["weights"] == "linear") & (table["coefficient"] == "percent")].iloc[0]
    n, most = float(linear["n_students"]), float(j.max())
    told.append((np.abs(gap).astype(float), (1 - linear["pa"]) * most * n, 0.0051 * most * n))
    matrix = np.array([weights for weights, _, _ in told])
    rest = np.array([value for _, value, _ in told]) - matrix[:, ~secret] @ true[~secret]
    slack = np.array([room for _, _, room in told])
    small = np.flatnonzero((true[secret] > 0) & (true[secret] < 5))
    assert min(width(matrix[:, secret], rest - slack, rest + slack, place) for place in small) >= 4


def test_a_share_is_a_count_too() -> None:
    made = simulate(200, 4, 1, links=0.03, seed=2)
    raw = describe(made.ratings)
    design, shown = raw.tables["design"], published(raw).tables["design"]
    linked = (design["share_linked"] * design["n_files"]).round()
    few = ((linked > 0) & (linked < 5)).to_numpy()
    assert few.any() and shown.loc[few, "share_linked"].isna().all()
    assert shown.loc[few, "n_students"].notna().all() and (shown.loc[few, "reason"] == "hidden_part").all()


def test_pairs_of_trainers_keep_no_exact_count_beside_a_hidden_one() -> None:
    made = simulate(200, 4, 1, seed=2)
    raw, shown = describe(made.ratings).tables["corating"], published(describe(made.ratings)).tables["corating"]
    assert (shown["reason"] == "hidden").sum() == (raw["n_students"] < 5).sum() > 0
    left = shown["n_students"].dropna()
    assert len(left) and (left % 5 == 0).all()


@pytest.mark.parametrize("seed", [5, 6])
def test_groups_keep_their_small_counts(seed: int) -> None:
    made = simulate(500, 4, 1, seed=seed)
    raw = concordance(made.ratings, made.students, resamples=0)
    shown = published(raw)
    sides = ["n_equal", "n_above", "n_below"]
    total = shown.tables["direction"].set_index("direction")["n_students"]
    for facet in ("inspe", "mention"):
        rows = shown.tables["groups"]["facet"] == facet
        true, told = (part.tables["groups"].loc[rows, sides].to_numpy(dtype=float) for part in (raw, shown))
        secret = np.isnan(told)
        small = (true > 0) & (true < 5)
        assert secret[small].all()
        if not small.any():
            continue
        place = np.full(true.shape, -1)
        place[secret & (true > 0)] = np.arange((secret & (true > 0)).sum())
        known = [(place[g][place[g] >= 0], true[g][place[g] >= 0].sum()) for g in range(len(true))]
        known += [
            (place[:, k][place[:, k] >= 0], true[:, k][place[:, k] >= 0].sum())
            for k, side in enumerate(("equal", "above", "below"))
            if np.isfinite(total[side])
        ]
        matrix = np.zeros((len(known), place.max() + 1))
        for row, (terms, _) in enumerate(known):
            matrix[row, terms] = 1
        rest = np.array([value for _, value in known])
        assert min(width(matrix, rest, rest, v) for v in place[small]) >= 4


@pytest.mark.parametrize(("students", "framework"), [(300, None), (160, None), (300, "2026-illustration")])
def test_both_results_hide_the_same_and_what_if_tables_are_rough(students: int, framework: str | None) -> None:
    made = simulate(students, 3, 1, framework=framework, seed=3)
    first = concordance(made.ratings, made.students, resamples=0)
    raw = decisions_of(made, first)
    shown = published(raw)
    mine, theirs = units(raw, 5), units(first, 5)
    gone, secret = to_hide(mine), to_hide(theirs)
    for name in ("joint", "binding"):
        decided = secret[theirs.rows[name]]
        np.testing.assert_array_equal(gone[mine.rows[name]], decided)
        np.testing.assert_array_equal((shown.tables[name]["reason"] == "hidden").to_numpy(), decided)
    assert gone.any()
    for name in ("raised", "binding_groups", "level_rules", "rule_certificates"):
        true, told = (result.tables[name]["n_students"].to_numpy(dtype=float) for result in (raw, shown))
        small = (true > 0) & (true < 5)
        assert np.isnan(told[small]).all()
        left = told[~np.isnan(told)]
        assert len(left) and (left % 5 == 0).all()
        share = shown.tables[name]["share"].to_numpy(dtype=float)
        assert np.array_equal(np.isnan(share), np.isnan(told) | raw.tables[name]["share"].isna().to_numpy())
    again = published(published(raw), 11)
    assert (again.tables["raised"]["n_students"].dropna() % 11 == 0).all()


def test_another_rule_than_the_ledgers_is_told_roughly() -> None:
    made = simulate(300, 3, 1, seed=3)
    first = concordance(made.ratings, made.students, resamples=0)
    raw = decisions_of(made, first)
    raw.tables["joint"] = raw.tables["joint"].assign(n_students=[97, 120, 3, 0, 70, 5, 5])
    left = published(raw).tables["joint"]["n_students"].dropna()
    assert (left % 5 == 0).all() and len(left) == 6


def test_a_small_inspe_is_not_told_by_the_others_in_calibration() -> None:
    first = simulate(120, 3, 1, links=0.1, drift=0, seed=2)
    frame = simulate_next(first, seed=3).ratings
    few = set(
        frame.frame.loc[frame.frame["inspe"] == "INSPE-02", "student"].cat.remove_unused_categories().cat.categories[3:]
    )
    raw = calibration(first.ratings, frame.where(~frame.frame["student"].isin(few).to_numpy()), thresholds="shared")
    shown = published(raw, 5).tables
    sizes = raw.tables["alignment"].drop_duplicates("inspe").set_index("inspe")["n_students"]
    assert sizes["INSPE-02"] == 3
    hidden_rows = shown["alignment"][shown["alignment"]["reason"] == "hidden"]
    assert (hidden_rows["inspe"] == "INSPE-02").any() and hidden_rows["inspe"].nunique() > 1
    assert hidden_rows["n_students"].isna().all() and hidden_rows["difficulty"].isna().all()
    assert not any("student" in table.columns for table in shown.values())
