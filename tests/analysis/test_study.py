"""The chain: order, options, seeds, absent inputs."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis import study as chain
from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.study import FUNCTIONS, answer, needed, option_names, own_seed, study
from crcne_stats.domain.analyses import ANALYSES, Analysis
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students

FAST = {"agreement": {"resamples": 20}, "concordance": {"resamples": 20}}


def ratings(n: int = 25, trainers: int = 2, criteria: int = 3) -> Ratings:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(n), range(trainers), list("abcdef"[:criteria])])
    table = index.to_frame(index=False, name=["student", "trainer", "criterion"])
    return Ratings.from_frame(table.assign(score=rng.integers(0, 4, len(table))), levels=range(4))


def students(data: Ratings, n: int = 25) -> Students:
    table = pd.DataFrame({"student": np.arange(n), "pix_level": np.resize(["0", "1", "2"], n)})
    return Students.from_frame(table, framework=data.framework)


def test_the_functions_are_those_of_the_list() -> None:
    assert list(FUNCTIONS) == [entry.name for entry in ANALYSES]
    for entry in ANALYSES:
        function = FUNCTIONS[entry.name]
        assert function.__module__ == f"crcne_stats.analysis.{entry.name}"
        positional = list(inspect.signature(function).parameters)[: len(entry.inputs)]
        assert positional == list(entry.inputs)
        assert set(entry.after) <= set(inspect.signature(function).parameters)


def test_a_study_holds_every_result_in_order() -> None:
    data = ratings()
    seen: list[tuple[int, int]] = []
    found = study(data, students(data), options=FAST, progress=lambda done, total: seen.append((done, total)))
    assert list(found.results) == list(found.seconds) == [entry.name for entry in ANALYSES]
    assert [name for name, result in found.results.items() if not result.tables] == ["fairness", "calibration"]
    assert found.results["fairness"].reason == "column_unknown"  # no mention in these data
    assert found.options == FAST
    assert found.results["agreement"].settings["resamples"] == 20
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_an_absent_input_is_a_reason() -> None:
    found = study(ratings(), options=FAST)
    assert found.results["concordance"].reason == "no_students"
    assert found.results["difficulty"].tables


@pytest.mark.parametrize(("n", "trainers", "criteria"), [(1, 1, 1), (1, 2, 3), (25, 1, 3), (25, 2, 1), (2, 2, 2)])
def test_poor_data_make_a_study_all_the_same(n: int, trainers: int, criteria: int) -> None:
    data = ratings(n, trainers, criteria)
    found = study(data, students(data, n), options=FAST)
    assert list(found.results) == [entry.name for entry in ANALYSES]


def test_unknown_options_are_all_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "_answer", lambda *_: pytest.fail("something ran"))
    with pytest.raises(DataError) as caught:
        study(ratings(), options={"agreement": {"wieghts": "linear", "seed": 3}, "agreeement": {}})
    assert [(p.code, p.found) for p in caught.value.problems] == [
        ("unknown_option", "wieghts"),
        ("unknown_option", "seed"),
        ("unknown_analysis", "agreeement"),
    ]
    for language in ("fr", "en"):
        assert "weights" in caught.value.text(language)
    assert "weights" in option_names("concordance")


def test_a_seed_depends_on_the_study_and_the_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ratings()
    people = students(data)
    before = study(data, people, options=FAST, seed=5).results["concordance"]
    alone = concordance(data, people, resamples=20, seed=own_seed(5, "concordance"))
    pd.testing.assert_frame_equal(before.tables["concordance"], alone.tables["concordance"])
    assert own_seed(5, "concordance") != own_seed(6, "concordance") != own_seed(6, "agreement")

    def extra(ratings: Ratings, *, describe: Result, seed: int) -> Result:
        return Result("extra", settings={"seed": seed, "passed": describe.name})

    monkeypatch.setattr(chain, "ANALYSES", (ANALYSES[0], Analysis("extra", after=("describe",)), *ANALYSES[1:]))
    monkeypatch.setitem(FUNCTIONS, "extra", extra)
    after = study(data, people, options=FAST, seed=5)
    assert after.results["extra"].settings["passed"] == "describe"
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, after.results["concordance"].tables[name])


def test_an_analysis_alone_reads_the_earlier_results_that_a_study_gives_it() -> None:
    data = ratings()
    quick: dict[str, dict[str, Any]] = {
        "agreement": {"resamples": 20},
        "generalizability": {"resamples": 10},
        "severity": {"simulations": 5},
    }
    whole = study(data, options=quick, seed=5)
    for name in ("difficulty", "generalizability", "planning", "agreement"):
        seen: list[tuple[int, int]] = []
        alone = answer(name, data, options=quick, seed=5, progress=lambda *done, seen=seen: seen.append(done))
        assert seen[-1] == (100 * (len(needed(name)) + 1),) * 2
        assert list(alone.tables) == list(whole.results[name].tables)
        assert alone.notes == whole.results[name].notes
        for key, table in alone.tables.items():
            pd.testing.assert_frame_equal(table, whole.results[name].tables[key])
    assert answer("concordance", data).reason == "no_students"


def test_what_an_analysis_needs_is_found_through_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="wieghts"):
        answer("agreement", ratings(), options={"agreement": {"wieghts": "linear"}})
    assert needed("severity") == []
    assert needed("planning") == ["severity", "generalizability"]
    monkeypatch.setattr(chain, "ANALYSES", (Analysis("a"), Analysis("b", after=("a",)), Analysis("c", after=("b",))))
    monkeypatch.setattr(chain, "analysis", lambda name: next(each for each in chain.ANALYSES if each.name == name))
    assert needed("c") == ["a", "b"]


def test_an_error_inside_an_analysis_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(ratings: Ratings, **_: Any) -> Result:
        raise ZeroDivisionError("a fault of the kit")

    monkeypatch.setitem(FUNCTIONS, "difficulty", broken)
    with pytest.raises(ZeroDivisionError):
        study(ratings(), options=FAST)
