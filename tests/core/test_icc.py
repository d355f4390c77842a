"""Intraclass correlations against published numbers, psych, irrNA, pingouin and lme4."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core import icc
from crcne_stats.core.icc_draws import estimates, fit

REFERENCE = Path(__file__).parents[1] / "reference"
PUBLISHED = json.loads((REFERENCE / "icc.json").read_text(encoding="utf-8"))
SHROUT = np.array(PUBLISHED["shrout_fleiss_1979"]["ratings"], dtype=float)


def long(table):
    """Score, file and trainer of the cells that are filled."""
    table = np.array(table, dtype=float)
    file, trainer = np.nonzero(~np.isnan(table))
    return table[file, trainer], file, trainer


def classical(table):
    y, file, _ = long(table)
    return {**icc.two_way(table).estimates, **icc.one_way(y, file).estimates}


@pytest.mark.parametrize(
    ("name", "form"), [(n, f) for n in ("shrout_fleiss_1979", "anxiety") for f in PUBLISHED[n]["icc"]]
)
def test_the_six_forms_as_published(name, form):
    wanted = PUBLISHED[name]["icc"][form]
    found = classical(np.array(PUBLISHED[name]["ratings"], dtype=float))[form]
    near = {"rel": 1e-9} if name == "anxiety" else {"abs": 6e-5}
    assert found.value == pytest.approx(wanted["value"], **(near | ({"abs": 6e-8} if "abs" in near else {})))
    assert (found.low, found.high) == (pytest.approx(wanted["low"], **near), pytest.approx(wanted["high"], **near))
    if "f" in wanted:
        assert found.f == pytest.approx(wanted["f"], abs=5e-7)
        assert [found.df1, found.df2] == wanted["df"]
        assert found.p == pytest.approx(wanted["p"], rel=1e-4)


# pingouin's own call of pandas; ours are not affected.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.dropna:Warning")
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(2, 5))
def test_equal_to_pingouin(seed, n, k):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, 1)) + rng.normal(size=k) + rng.normal(size=(n, k))
    y, file, trainer = long(table)
    theirs = pingouin.intraclass_corr(pd.DataFrame({"t": file, "r": trainer, "y": y}), "t", "r", "y")
    ours = classical(table)
    for row in theirs.itertuples():
        form = {"ICC(1,1)": "ICC(1)", "ICC(1,k)": "ICC(k)"}.get(row.Type, row.Type)
        if np.isnan(ours[form].value):  # the same formula, where it gives more than one
            assert form == "ICC(A,k)" and row.ICC > 1
            continue
        assert ours[form].value == pytest.approx(row.ICC, abs=1e-10)
        assert ours[form].f == pytest.approx(row.F, rel=1e-9)
        assert ours[form].p == pytest.approx(row.pval, rel=1e-6)
        bounds = np.array([ours[form].low, ours[form].high])
        told = np.isfinite(bounds)  # Spearman and Brown's formula breaks down under −1/(k − 1); pingouin shows it still
        np.testing.assert_allclose(bounds[told], np.array(row.CI95)[told], atol=0.0101)
        assert told.all() or form == "ICC(A,k)"


def test_incomplete_ratings_have_the_components_of_lme4():
    table = SHROUT.copy()
    table[2, 0] = table[1, 2] = np.nan
    y, file, trainer = long(table)
    plan, wanted = icc.panel(file, trainer), PUBLISHED["holes"]
    model = fit(y, file, trainer)
    found, bounds = estimates(model, plan.k_effective, plan.non_overlap, np.random.default_rng(1), 4000)
    np.testing.assert_allclose(model.found.variance, wanted["components"], rtol=1e-5)
    for form in ("ICC(A,1)", "ICC(C,1)"):
        assert found[form].value == pytest.approx(wanted[form], abs=1e-6)
    assert all(estimate.low < estimate.value < estimate.high for estimate in found.values())
    assert (bounds[:, 0] < model.found.variance).all() and (model.found.variance < bounds[:, 1]).all()


def test_numbers_of_irrna_that_its_design_can_tell():
    apart = PUBLISHED["irrNA_ConsistNA"]
    y, file, trainer = long(apart["ratings"])
    assert icc.panel(file, trainer).islands == 2
    found = icc.one_way(y, file)
    for form in ("ICC(1)", "ICC(k)"):
        assert found.estimates[form].value == pytest.approx(apart[form], abs=5e-8)
    model = fit(y, file, trainer, (file >= 3).astype(int))
    assert model.found.residual_zero
    assert estimates(model, 3, 0, np.random.default_rng(1), 100)[0]["ICC(C,1)"].value == apart["ICC(C,1)"]
    ebel = PUBLISHED["irrNA_Ebel51"]
    rows = ebel["ratings"]
    found = icc.one_way(np.concatenate(rows), np.repeat(np.arange(3), [len(row) for row in rows]))
    assert found.k == pytest.approx(ebel["k"], abs=5e-7)
    for form in ("ICC(1)", "ICC(k)"):
        assert found.estimates[form].value == pytest.approx(ebel[form], abs=5e-9)


def test_monte_carlo_bounds_of_a_complete_design_are_those_of_f():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(40, 1)) + 0.5 * rng.normal(size=3) + 0.8 * rng.normal(size=(40, 3))
    y, file, trainer = long(table)
    exact = classical(table)
    both, _ = estimates(fit(y, file, trainer), 3, 0, rng, 100_000)
    alone, _ = estimates(fit(y, file), 3, np.nan, rng, 100_000)
    for form in ("ICC(C,1)", "ICC(C,k)", "ICC(1)", "ICC(k)"):
        found = {**both, **alone}[form]
        assert found.value == pytest.approx(exact[form].value, abs=1e-6)
        assert found.low == pytest.approx(exact[form].low, abs=5e-3)
        assert found.high == pytest.approx(exact[form].high, abs=5e-3)
    # With three trainers Satterthwaite's approximation is bolder about how much they may differ.
    assert both["ICC(A,1)"].low < exact["ICC(A,1)"].low
    assert both["ICC(A,1)"].high == pytest.approx(exact["ICC(A,1)"].high, abs=0.05)


def brute(file, trainer):
    """Effective number of trainers and share of non-overlap, pair of files by pair (ten Hove et al. 2024)."""
    who = {f: set(trainer[file == f]) for f in np.unique(file)}
    k = len(who) / sum(1 / len(t) for t in who.values())
    shared = [len(a & b) / (len(a) * len(b)) for f, a in who.items() for g, b in who.items() if f != g]
    return k, 1 / k - sum(shared) / len(shared)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_k_and_q_pair_by_pair(seed):
    rng = np.random.default_rng(seed)
    cells = np.unique(np.stack([rng.integers(0, 8, 20), rng.integers(0, 5, 20)], 1), axis=0)
    found = icc.panel(cells[:, 0], cells[:, 1])
    k, q = brute(cells[:, 0], cells[:, 1])
    assert found.k_effective == pytest.approx(k)
    assert found.non_overlap == pytest.approx(max(q, 0), abs=1e-12)
    assert 0 <= found.non_overlap <= 1 / k + 1e-12


def test_q_lies_between_none_and_all_of_the_trainers_variance():
    n, k = 10, 3
    crossed = icc.panel(np.repeat(np.arange(n), k), np.tile(np.arange(k), n))
    assert (crossed.k_effective, crossed.non_overlap, crossed.complete, crossed.crossed) == (k, 0, True, True)
    nested = icc.panel(np.repeat(np.arange(n), k), np.arange(n * k))
    assert nested.non_overlap == pytest.approx(1 / k)
    assert not nested.crossed and nested.islands == n and nested.cycles == 0
    # Files are compared within their group only: two groups, each with trainers of its own who rate everything.
    file, trainer = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    group = file % 2
    assert icc.panel(file, trainer + 10 * group, group).non_overlap == pytest.approx(0, abs=1e-12)
    assert icc.panel(file, trainer + 10 * group).non_overlap > 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_q_of_groups_is_the_mean_of_their_own(seed):
    rng = np.random.default_rng(seed)
    cells = np.unique(np.stack([rng.integers(0, 12, 30), rng.integers(0, 5, 30)], 1), axis=0)
    file, trainer = cells.T
    group = file % 3
    parts = [(icc.panel(file[group == g], trainer[group == g]), len(np.unique(file[group == g]))) for g in set(group)]
    wanted = sum(one.non_overlap * n for one, n in parts if n > 1) / sum(n for _, n in parts if n > 1)
    found = icc.panel(file, trainer, group)
    assert found.non_overlap == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(*[st.floats(0.01, 5)] * 3, st.floats(1, 6), st.floats(0, 1))
def test_forms_keep_their_order(s, r, e, k, share):
    value = {name: form.value(s, r, e, k, share / k) for name, form in icc.FORMS.items()}
    assert value["ICC(A,1)"] <= value["ICC(C,1)"] + 1e-12
    assert value["ICC(A,k)"] - 1e-12 <= value["ICC(Q,k)"] <= value["ICC(C,k)"] + 1e-12
    assert value["ICC(A,1)"] <= value["ICC(A,k)"] + 1e-12
    single = value["ICC(A,1)"]
    assert value["ICC(A,k)"] == pytest.approx(k * single / (1 + (k - 1) * single))
