"""What the joint rule decides, what other rules would, and cut scores: tables worked by hand, and known truth."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.certification import certification
from crcne_stats.analysis.certification_decisions import decisions_made
from crcne_stats.analysis.cut_scores import abilities, cut_scores
from crcne_stats.analysis.levels import inspe_levels
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.student_pairs import student_groups, student_pairs
from crcne_stats.core import cut_scores as core
from crcne_stats.domain.columns import column
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Note, Result
from crcne_stats.domain.students import Students
from crcne_stats.words import words

LADDER = ["not_reached", "initie", "confirme", "avance", "expert"]
PLAIN: dict[str, Any] = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0}


def framework(combination: str = "minimum", criteria: tuple[str, ...] = ("a",)) -> Framework:
    plain = Framework.plain("data", criteria, LADDER)
    rules = dataclasses.replace(plain.rules, combination=combination)
    return dataclasses.replace(plain, rules=rules, pix_levels=("not_reached", "initie", "confirme"))


def decided(scores: list[Any], own: Framework, **columns: Any) -> tuple[dict[str, pd.DataFrame], list[Note]]:
    """Student i has the score i on each criterion, from one trainer."""
    names = [f"s{i}" for i in range(len(scores))]
    rows = [(name, criterion.key, score) for name, score in zip(names, scores, strict=True) for criterion in own.scored]
    table = pd.DataFrame(rows, columns=["student", "criterion", "score"]).assign(trainer="t")
    ratings = Ratings.from_frame(table, framework=own)
    people = Students.from_frame(pd.DataFrame({"student": names, **columns}), framework=own)
    rubric = inspe_levels(ratings)
    pairs = student_pairs(ratings, people, rubric)
    found = decisions_made(ratings, pairs, student_groups(people, rubric, pairs["file"].to_numpy()), own)
    said(*found)
    return found


def said(tables: dict[str, pd.DataFrame], notes: list[Note]) -> None:
    for w in (words("fr"), words("en")):
        for note in notes:
            assert w(f"note.{note.key}", **note.values)
        for name, table in tables.items():
            assert w(f"table.certification.{name}")
            for title in table.columns:
                assert w(f"column.{title}.label") and w(f"column.{title}.meaning")
                if column(title).kind == "key":
                    assert all(w(f"{column(title).of}.{key}") for key in set(table[title].dropna()) - {""})


def counted(table: pd.DataFrame, *names: str) -> dict[Any, int]:
    rows = table[table["n_students"] > 0]
    values = rows[[*names, "n_students"]].astype(object).where(rows[[*names, "n_students"]].notna(), "")
    return {tuple(row[:-1]) if len(names) > 1 else row[0]: row[-1] for row in values.itertuples(index=False)}


def test_eight_students_by_hand() -> None:
    pix = ["initie", "initie", "initie", "confirme", "confirme", "initie", "confirme", None]
    tables, notes = decided([0, 1, 2, 3, 4, 4, 1, 3], framework(), pix_level=pix, mention=["1", "2"] * 4)
    assert counted(tables["joint"], "state", "joint_level") == {
        ("certified", "initie"): 4, ("certified", "confirme"): 2, ("refused", "not_reached"): 1, ("waiting_pix", ""): 1,
    }  # fmt: skip
    assert counted(tables["binding"], "binding") == {"none": 1, "inspe": 2, "pix": 2, "pix_ceiling": 2}
    # One more INSPÉ level: student 0 becomes Initié, student 6 Confirmé; PIX+Édu: 2 and 5 Confirmé, its ladder ends.
    assert counted(tables["raised"], "raised", "joint_level") == {
        ("inspe", "initie"): 1, ("inspe", "confirme"): 1, ("pix", "confirme"): 2, ("both", "initie"): 1,
        ("both", "confirme"): 4,
    }  # fmt: skip
    by = tables["binding_groups"]
    first = by[by["mention"] == "1"].set_index("binding")["n_students"].to_dict()
    assert first == {"none": 0, "inspe": 2, "pix": 1, "pix_ceiling": 1}
    assert by[by["inspe"].notna() | by["session"].notna()].empty
    told = {note.key: note.values for note in notes}
    assert told["certification.decided"] == {"n": 8, "certified": 6, "refused": 1, "waiting_inspe": 0, "waiting_pix": 1}
    assert told["certification.raised"] == {"inspe": 1.0, "pix": 0.0}


def test_the_gate_by_hand() -> None:
    gate = ["admissible", "admissible", "not_admissible", None, "not_admissible"]
    tables, _ = decided([3, 0, 2, 2, 0], framework("gate"), pix_gate=gate)
    assert counted(tables["joint"], "state") == {"certified": 1, "refused": 3, "waiting_pix": 1}
    assert counted(tables["binding"], "binding") == {"none": 1, "inspe": 1, "pix": 1, "both": 1}
    # One more level of the INSPÉ: 3 becomes Expert, 0 Initié. An open gate: the third is Confirmé. Both: the last too.
    assert counted(tables["raised"], "raised", "joint_level") == {
        ("inspe", "expert"): 1, ("inspe", "initie"): 1, ("pix", "confirme"): 1, ("both", "expert"): 1,
        ("both", "initie"): 2, ("both", "avance"): 1,
    }  # fmt: skip


def test_the_level_of_the_jury_wins_over_the_rule_and_refusals_and_waits_count() -> None:
    tables, _ = decided(
        [1, 4, 4, 1], framework(), inspe_level=["confirme", None, None, "initie"],
        jury=["level", "refused", "waiting", "level"], pix_level=["confirme"] * 4,
    )  # fmt: skip
    assert counted(tables["joint"], "state", "joint_level") == {
        ("certified", "confirme"): 1, ("certified", "initie"): 1, ("refused", "not_reached"): 1,
        ("waiting_inspe", ""): 1,
    }  # fmt: skip
    # The rules are compared without the jury: Initié twice, and twice the top of PIX+Édu.
    own = tables["rule_certificates"].query("level_rule == 'framework'")
    assert counted(own, "state", "joint_level") == {("certified", "initie"): 2, ("certified", "confirme"): 2}
    plain = Framework.plain("data", ["a"], ["low", "high"])
    tables, _ = decided(
        [1, 1, 1], plain, jury=["refused", "level", "level"], inspe_level=[None, "low", "high"], pix_level=["high"] * 3
    )
    assert counted(tables["joint"], "state")["refused"] == 1 and tables["joint"]["n_students"].sum() == 3


def test_other_rules_by_hand() -> None:
    own = framework(criteria=("a", "b", "c", "d"))
    table = pd.DataFrame(
        [(f"s{i}", key, score) for i, row in enumerate([(1, 1, 4, 4), (2, 2, 2, 3), (0, 3, 3, 3)])
         for key, score in zip("abcd", row, strict=True)],
        columns=["student", "criterion", "score"],
    )  # fmt: skip
    ratings = Ratings.from_frame(table.assign(trainer="t"), framework=own)
    people = Students.from_frame(pd.DataFrame({"student": ["s0", "s1", "s2"], "pix_level": "confirme"}), framework=own)
    rubric = inspe_levels(ratings)
    pairs = student_pairs(ratings, people, rubric)
    tables, notes = decisions_made(ratings, pairs, student_groups(people, rubric, pairs["file"].to_numpy()), own)
    said(tables, notes)
    # One item: its median is 2.5, 2 and 3. The framework rounds down: 2, 2, 3.
    moves = counted(tables["level_rules"], "level_rule", "rounding", "move")
    assert ("median", "down") not in {key[:2] for key in moves}  # the framework's own rule is tried once
    assert {key[2]: n for key, n in moves.items() if key[:2] == ("median", "nearest")} == {"up": 1, "same": 2}
    # Means are 2.5, 2.25 and 2.25.
    assert {key[2]: n for key, n in moves.items() if key[:2] == ("mean", "nearest")} == {"up": 1, "same": 1, "down": 1}
    assert {key[2]: n for key, n in moves.items() if key[:2] == ("lowest_criterion", "down")} == {"same": 1, "down": 2}
    # Three criteria of four reach 1, 2 and 3.
    assert {key[2]: n for key, n in moves.items() if key[:2] == ("count", "down")} == {"same": 2, "down": 1}
    certificates = tables["rule_certificates"].query("level_rule == 'lowest_criterion' and rounding == 'down'")
    assert counted(certificates, "state", "joint_level") == {
        ("certified", "initie"): 1, ("certified", "confirme"): 1, ("refused", "not_reached"): 1,
    }  # fmt: skip
    spread = next(note.values for note in notes if note.key == "certification.rules")
    assert (spread["share"], spread["fewest"], spread["most"]) == pytest.approx((2 / 3, 2 / 3, 1))


def test_cuts_of_a_framework_are_tried_as_cuts() -> None:
    own = framework()
    cut = dataclasses.replace(own, rules=dataclasses.replace(own.rules, cuts=(0.5, 1.5, 2.5, 3.5)))
    tables, _ = decided([0, 1, 2, 3], cut, pix_level=["confirme"] * 4)
    assert {"cuts", "down", "nearest"} == set(tables["level_rules"]["rounding"])


def test_one_level_everywhere_and_a_jury_that_waits_for_all_are_said() -> None:
    _, notes = decided([1, 1, 1], framework(), pix_level=["initie", "confirme", "initie"])
    assert "certification.one_level_inspe" in {note.key for note in notes}
    _, notes = decided([1, 2, 3], framework(), pix_level=["initie"] * 3)
    assert "certification.one_level_pix" in {note.key for note in notes}
    _, notes = decided([1, 2, 3], framework("gate"), pix_gate=["admissible"] * 3)
    assert "certification.one_level_gate" in {note.key for note in notes}
    tables, _ = decided([1, 2, 3], framework(), pix_level=["initie"] * 3, jury=["waiting"] * 3)
    assert counted(tables["joint"], "state") == {"waiting_inspe": 3}
    assert tables["binding"]["n_students"].sum() == 0 and (tables["binding"]["reason"] == "no_pair").all()


@cache
def judged() -> tuple[Simulation, Result]:
    made = simulate(300, 2, 1, links=0.2, centrality_sd=0, global_level=True, seed=6, **PLAIN)
    return made, severity(made.ratings, simulations=0, halo=True)


def test_contrasting_groups_find_the_true_cuts() -> None:
    made, measured = judged()
    found = cut_scores(made.ratings, measured.model, 400, 1).found["contrasting_groups"]
    truth = np.array(list(made.truth["global_cuts"]["G"].values()))
    error = found.drawn.std(axis=0)
    assert (np.abs(found.value - truth) < 3 * error + 0.1).all()
    ability = np.array(
        [made.truth["ability"][name] for name in measured.model.fitted.asked.people["student"].astype(str)]
    )
    slope = [np.polyfit(ability, values, 1)[0] for values in abilities(measured.model)]
    assert slope[0] < slope[1] == pytest.approx(1, abs=0.05)


def test_errors_of_cuts_hold_those_of_the_measures() -> None:
    """Few links: what the severities of one INSPÉ are to the other's is not well known, nor where levels begin."""
    made = simulate(120, 2, 1, trainers=8, links=0.05, centrality_sd=0, global_level=True, seed=3, **PLAIN)
    measured = severity(made.ratings, simulations=0, halo=True).model
    found = cut_scores(made.ratings, measured, 600, 1)
    assert found.judged is not None
    fixed = core.cut_scores(found.judged, 600, 1)
    for method, own in found.found.items():
        np.testing.assert_array_equal(own.value, fixed[method].value)
        wider = np.nanstd(own.drawn, axis=0) / np.nanstd(fixed[method].drawn, axis=0)
        assert (wider > 1).all() and (wider < 1.6).all()


def test_certificates_follow_from_the_cuts() -> None:
    made, measured = judged()
    found = certification(made.ratings, made.students, severity=measured, panel=100, resamples=100)
    said(found.tables, found.notes)
    table = found.tables["cut_certificates"]
    own = table[table["state"] == "certified"].dropna(subset=["n_low"])
    assert (own["n_low"] <= own["n_students"]).all() and (own["n_students"] <= own["n_high"]).all()
    total = table.groupby("cut_method")["n_students"].sum()
    assert total.nunique() == 1
    cuts = found.tables["cut_scores"].set_index(["cut_method", "level"])["cut_score"]
    pix = made.students.frame["pix_level"].astype(object).to_numpy()
    ability = abilities(measured.model)[0]
    enough = (ability >= cuts["contrasting_groups", "confirme"]) & (pix == "confirme")
    assert table.set_index(["cut_method", "joint_level"]).loc[("contrasting_groups", "confirme"), "n_students"] == (
        enough.sum()
    )


def test_another_rule_of_the_level_is_an_option_and_no_overall_level_is_said() -> None:
    made = simulate(120, 2, 1, links=0.2, seed=6, **PLAIN)
    measured = severity(made.ratings, simulations=0, halo=False)
    people = Students.from_frame(
        made.students.frame.astype(object).assign(inspe_level=None, jury=None), framework=made.students.framework
    )
    given = {"severity": measured, "panel": 100}
    plain, strict = (
        certification(made.ratings, people, level_rule=rule, **given)  # type: ignore[arg-type]
        for rule in (None, "lowest_criterion")
    )
    refused = [found.tables["joint"].set_index("state").loc["refused", "n_students"] for found in (plain, strict)]
    assert refused[1] > refused[0]
    assert strict.tables["students"]["deserved_level"].ne(plain.tables["students"]["deserved_level"]).any()
    assert plain.tables["cut_scores"]["reason"].tolist() == ["no_global_level"] * 2
    with pytest.raises(ValueError, match="unknown level rule"):
        certification(made.ratings, people, level_rule="sum", **given)  # type: ignore[arg-type]


def test_a_joint_fit_leaves_the_decisions_without_risks() -> None:
    made = simulate(120, 2, 1, links=0.2, seed=6, **PLAIN)
    measured = severity(made.ratings, estimator="jml", halo=False, simulations=0)
    found = certification(made.ratings, made.students, severity=measured)
    assert "joint" in found.tables and "scheme" not in found.tables
    assert next(note.values["why"] for note in found.notes if note.key == "certification.no_risks") == "no_posterior"
    said(found.tables, found.notes)
