"""The two parts of the certificate: tables worked by hand, psych's kappa, and data that answer in part."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.concordance import OF_LEVELS, concordance
from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.domain.columns import column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.domain.students import Students
from crcne_stats.words import words

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "classical.json").read_text(encoding="utf-8"))[
    "kappa"
]
LADDER = ["not_reached", "initie", "confirme", "avance", "expert"]


def framework(combination: str = "minimum", pix: tuple[str, ...] = ("not_reached", "initie", "confirme")) -> Framework:
    """Five levels, one criterion."""
    plain = Framework.plain("data", ["a"], LADDER)
    rules = dataclasses.replace(plain.rules, combination=combination)
    return dataclasses.replace(plain, rules=rules, pix_levels=pix)


def rated(scores: Any, own: Framework, session: Any = None) -> Ratings:
    """Student i has the score i on the single criterion, from one trainer; None is no rating."""
    table = pd.DataFrame({"student": [f"s{i}" for i in range(len(scores))], "trainer": "t", "criterion": "a"})
    table = table.assign(score=scores, session=np.nan if session is None else session)
    return Ratings.from_frame(table, framework=own)


def known(own: Framework, n: int, **columns: Any) -> Students:
    return Students.from_frame(pd.DataFrame({"student": [f"s{i}" for i in range(n)], **columns}), framework=own)


def counted(result: Result, table: str, *names: str) -> dict[Any, int]:
    """Rows with a student, by the columns ``names``."""
    rows = result.tables[table].query("n_students > 0")
    return {
        tuple(row[:-1]) if len(names) > 1 else row[0]: row[-1]
        for row in rows[[*names, "n_students"]].itertuples(index=False)
    }


def said(result: Result) -> None:
    for w in (words("fr"), words("en")):
        for note in result.notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in result.tables.items():
            assert w(f"table.concordance.{name}")
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title]) - {""})
        if result.reason:
            assert w(f"reason.{result.reason}")
    for table in result.tables.values():
        assert (table.loc[table.select_dtypes("number").isna().any(axis=1), "reason"] != "").all()


def keys(result: Result) -> set[str]:
    return {note.key.removeprefix("concordance.") for note in result.notes}


def test_eight_students_by_hand() -> None:
    own = framework()
    scores = [0, 1, 2, 3, 4, 4, 1, 3]
    pix = ["initie", "initie", "initie", "confirme", "confirme", "initie", "confirme", None]
    result = concordance(rated(scores, own), known(own, 8, pix_level=pix), resamples=0)
    assert counted(result, "cross", "inspe_level", "pix_level") == {
        ("not_reached", "initie"): 1, ("initie", "initie"): 1, ("confirme", "initie"): 1, ("avance", "confirme"): 1,
        ("expert", "confirme"): 1, ("expert", "initie"): 1, ("initie", "confirme"): 1,
    }  # fmt: skip
    assert len(result.tables["cross"]) == 15
    assert counted(result, "direction", "direction") == {"above": 2, "equal": 3, "below": 2}
    percent = result.tables["concordance"].query("coefficient == 'percent' and weights == 'identity'")
    assert percent["value"].item() == pytest.approx(3 / 7)
    assert {"level_by_unpublished_rule", "common_scale", "without_pix"} <= keys(result)
    said(result)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_kappa_as_psych_on_cohens_table(weights: str) -> None:
    own = framework()
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(REFERENCE["table"][i][j])]
    scores, pix = zip(*pairs, strict=True)
    people = known(own, len(pairs), pix_level=[LADDER[j] for j in pix])
    analytic, drawn = (
        concordance(rated(scores, own), people, weights=weights, resamples=n).tables["concordance"] for n in (0, 2000)
    )
    for way, name in (("identity", "unweighted"), (weights, weights)):
        row = analytic.query(f"coefficient == 'cohen' and weights == '{way}'").iloc[0]
        assert row["value"] == pytest.approx(REFERENCE[name][0], abs=1e-12)
        again = drawn.query(f"coefficient == 'cohen' and weights == '{way}'").iloc[0]
        assert again["method"] == "bootstrap"
        assert again["se"] == pytest.approx(row["se"], rel=0.1)
        if f"se_{name}" in REFERENCE:
            assert row["se"] == pytest.approx(REFERENCE[f"se_{name}"][0], rel=0.02)


def test_the_level_of_the_file_of_students_wins_over_the_rule() -> None:
    own = framework()
    people = known(
        own, 4, inspe_level=["confirme", None, None, "initie"], jury=["level", "refused", "waiting", "level"],
        pix_level=["confirme"] * 4,
    )  # fmt: skip
    result = concordance(rated([1, 4, 4, 1], own), people, resamples=0)
    assert counted(result, "direction", "direction") == {"equal": 2, "below": 2}
    assert next(note.values["n"] for note in result.notes if note.key.endswith("unpublished_rule")) == 1
    said(result)


def test_the_gate() -> None:
    own = framework("gate")
    gate = ["admissible", "admissible", "not_admissible", None, "not_admissible"]
    result = concordance(rated([3, 0, 2, 2, 0], own), known(own, 5, pix_gate=gate), resamples=0)
    assert (result.tables["concordance"]["reason"] == "gate_only").all()
    assert set(OF_LEVELS).isdisjoint(result.tables) and "gate_only" in keys(result)
    table = result.tables["gate"].set_index(["inspe_level", "pix_gate"])["share"]
    assert table["not_reached", "admissible"] == 0.5
    said(result)


def test_a_file_under_the_other_rule_is_told() -> None:
    own = framework()
    result = concordance(rated([1, 2], own), known(own, 2, pix_gate=["admissible"] * 2), resamples=0)
    assert "gate_under_minimum" in keys(result)
    said(result)
    own = framework("gate")
    result = concordance(rated([1, 2], own), known(own, 2, pix_level=["initie"] * 2), resamples=0)
    assert "levels_under_gate" in keys(result)
    said(result)


def test_whole_analysis_without_an_answer_gives_its_reason() -> None:
    own = framework()
    data = rated([1, 2], own)
    strangers = Students.from_frame(pd.DataFrame({"student": ["x"], "pix_level": ["initie"]}), framework=own)
    for people, reason in ((None, "no_students"), (strangers, "no_student_in_both"), (known(own, 2), "no_pix_results")):
        result = concordance(data, people, resamples=0)
        assert (result.tables, result.reason) == ({}, reason)
        said(result)


def test_equal_levels_everywhere_and_a_single_student_have_reasons() -> None:
    own = framework()
    same = concordance(rated([1] * 4, own), known(own, 4, pix_level=["initie"] * 4), resamples=50)
    assert set(same.tables["concordance"].query("coefficient == 'cohen'")["reason"]) == {"one_level_only"}
    one = concordance(rated([1], own), known(own, 1, pix_level=["initie"]), resamples=50)
    assert set(one.tables["concordance"]["reason"]) == {"no_pair"}
    said(same)
    said(one)


def test_sessions_before_and_after_2024_are_told_apart() -> None:
    own = framework()

    def told(*sessions: str) -> bool:
        data = rated([1, 2], own, list(sessions))
        people = known(own, 2, session=list(sessions), pix_level=["initie", "confirme"])
        result = concordance(data, people, resamples=0)
        said(result)
        return "sessions_pooled" in keys(result)

    assert told("2022-2023", "2023-2024")
    assert not told("2023-2024", "2024-2025")
    assert not told("A", "B")


def test_a_student_in_two_sessions_is_two_rows_and_matched_by_session() -> None:
    own = framework()
    table = pd.DataFrame({"student": ["s0", "s0"], "session": ["2022-2023", "2023-2024"]})
    data = Ratings.from_frame(table.assign(trainer="t", criterion="a", score=[1, 2]), framework=own)
    people = Students.from_frame(table.assign(pix_level=["initie", "confirme"]), framework=own)
    assert counted(concordance(data, people, resamples=0), "direction", "direction") == {"equal": 2}
    undated = Students.from_frame(pd.DataFrame({"student": ["s0"], "pix_level": ["confirme"]}), framework=own)
    assert counted(concordance(data, undated, resamples=0), "direction", "direction") == {"equal": 1}


def test_order_and_names_change_nothing_and_the_seed_decides() -> None:
    own = framework()
    rng = np.random.default_rng(2)
    scores, pix = rng.integers(0, 5, 60), rng.integers(0, 3, 60)
    data, people = rated(scores, own), known(own, 60, pix_level=[LADDER[j] for j in pix])
    one, two = (concordance(data, people, resamples=40, seed=s).tables["concordance"] for s in (1, 1))
    pd.testing.assert_frame_equal(one, two)
    assert not one["low"].equals(concordance(data, people, resamples=40, seed=2).tables["concordance"]["low"])
    order = rng.permutation(60)
    swapped = known(own, 60, pix_level=[LADDER[j] for j in pix[order]])
    other = concordance(rated(scores[order], own), swapped, resamples=0)
    first = concordance(data, people, resamples=0)
    for name in first.tables:
        pd.testing.assert_frame_equal(first.tables[name], other.tables[name])


def test_levels_by_rule_several_trainers_criteria_and_occasions() -> None:
    own = Framework.plain("data", ["a", "b"], {"a": range(5), "b": range(3)})
    rows = [("s0", "t", 9, "a", 4), ("s0", "t", 10, "a", 2), ("s0", "u", 10, "a", 3), ("s0", "t", 10, "b", 1)]
    table = pd.DataFrame(rows, columns=["student", "trainer", "occasion", "criterion", "score"])
    found = inspe_levels(Ratings.from_frame(table, framework=own))
    # The last occasion alone; criterion b stretched from 0–2 to 0–4: the median of 2.5 and 2, rounded down.
    assert found["score"].tolist() == [2.25]
    assert found["inspe_level"].tolist() == ["2"]
    assert found[["n_trainers", "n_criteria"]].to_numpy().tolist() == [[2, 2]]
