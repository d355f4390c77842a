"""Framework files: complete where they ship, told line by line where they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crcne_stats.domain.errors import DataError, Problem
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_draft import draft_framework, with_global_level
from crcne_stats.domain.frameworks import available, load_framework, newest_official
from crcne_stats.words import words

SMALL = """\
version = "essai"
status = "draft"
pix_levels = ["low"]

[title]
fr = "Essai"
en = "Trial"

[[levels]]
key = "low"
score = 0
fr = "bas"
en = "Low"

[[levels]]
key = "high"
score = 1
fr = "haut"
en = "High"

[[phases]]
key = "1"
fr = "Phase"

[[items]]
key = "1"
phase = "1"
fr = "Item"

[[criteria]]
key = "1.1"
item = "1"
fr = "Premier"

[[criteria]]
key = "1.2"
item = "1"
fr = "Second"
"""
CROSSWALK = """
[crosswalk]
previous = "2022-2023"

[[crosswalk.links]]
kind = "new"
new = ["1.1"]

[[crosswalk.links]]
kind = "new"
new = ["1.2"]
"""


def line_of(text: str, part: str, nth: int = 1) -> int:
    """The line, from 1, on which ``part`` stands for the ``nth`` time."""
    return [number for number, line in enumerate(text.splitlines(), start=1) if part in line][nth - 1]


def faults_of(text: str) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        Framework.from_toml(text, "essai.toml")
    for language in ("fr", "en"):
        told = caught.value.text(language)
        assert "essai.toml" in told and "{found" not in told
    return list(caught.value.problems)


def replaced(old: str, new: str, nth: int = 1, text: str = SMALL) -> str:
    parts = text.split(old)
    assert len(parts) > nth
    return old.join(parts[:nth]) + new + old.join(parts[nth:])


# What ships


def test_the_official_file_is_complete_in_both_languages() -> None:
    official = load_framework("2022-2023")
    assert (len(official.criteria), len(official.items), len(official.phases)) == (19, 8, 3)
    assert [level.key for level in official.levels] == ["not_reached", "initie", "confirme", "avance", "expert"]
    assert [level.score for level in official.levels] == [0, 1, 2, 3, 4]
    assert len(official.mentions) == 4 and official.status == "official" and official.crosswalk is None
    for group in (official.levels, official.phases, official.items, official.criteria, official.mentions):
        assert all(set(entry.text) == {"fr", "en"} and all(entry.text.values()) for entry in group)
    for texts in (official.title, official.rules.note, official.rules.official):
        assert set(texts) == {"fr", "en"} and all(texts.values())
    assert official.scored == official.criteria
    assert {official.phase_of(criterion.key) for criterion in official.criteria} == {"1", "2", "3"}
    assert {criterion.item for criterion in official.criteria} == {item.key for item in official.items}


def test_the_illustration_has_every_kind_of_link() -> None:
    illustrations = [v for v in map(load_framework, available()) if v.status == "illustrative"]
    walk = illustrations[0].crosswalk
    assert walk is not None and walk.previous == "2022-2023"
    assert {link.kind for link in walk.links} == {"same", "reworded", "split", "merged", "new", "dropped"}
    old = [key for link in walk.links for key in link.old]
    new = [key for link in walk.links for key in link.new]
    assert sorted(old) == sorted(criterion.key for criterion in load_framework("2022-2023").criteria)
    assert sorted(new) == sorted(criterion.key for criterion in illustrations[0].criteria)


def test_the_newest_official_version_is_never_an_illustration() -> None:
    assert load_framework(newest_official()).status == "official"
    assert load_framework().version == newest_official()
    assert any(load_framework(version).status == "illustrative" for version in available())


@pytest.mark.parametrize("version", available())
def test_a_shipped_version_comes_back_from_its_text(version: str) -> None:
    framework = load_framework(version)
    assert Framework.from_toml(framework.to_toml()) == framework
    assert framework.version == version


# Frameworks from elsewhere


def test_a_plain_framework_takes_its_scales_as_given() -> None:
    same = Framework.plain("autre", ["a", "b"], ["non", "oui"])
    assert same.level_scores("a") == same.level_scores("b") == (0, 1)
    assert same.level_key("a", 1) == "oui" and same.name("level", "oui", "en") == "oui"
    mixed = Framework.plain("autre", ["a", "b", "c"], {"a": range(1, 4), "b": range(7), "c": range(1, 4)})
    assert [mixed.n_levels(key) for key in "abc"] == [3, 7, 3]
    assert mixed.level_scores("a") == (1, 2, 3)
    assert len(mixed.other_scales) == 1
    for framework in (same, mixed):
        assert Framework.from_toml(framework.to_toml()) == framework


def test_names_fall_back_on_french_and_then_on_the_key() -> None:
    framework = Framework.from_toml(SMALL)
    assert framework.name("criterion", "1.1", "en") == "Premier"
    assert framework.name("level", "high", "en") == "High"
    assert framework.name("criterion", "9.9", "en") == "9.9"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "levels, n",
    [
        ({"a": [0, 2, 4], "b": [1, 2]}, {"a": 5, "b": 2}),
        ({"a": ["bas", "haut"], "b": ["haut"]}, {"a": 2, "b": 2}),
        ({"c’est \"lui\"": [1]}, {"c’est \"lui\"": 1}),
    ],
)  # fmt: skip
def test_a_draft_is_a_valid_framework(levels: dict[str, list[int | str]], n: dict[str, int], language: str) -> None:
    text = draft_framework("Ma grille 2027", levels, language)
    framework = Framework.from_toml(text)
    assert framework.status == "draft" and framework.version == "Ma-grille-2027"
    assert {criterion.key: framework.n_levels(criterion.key) for criterion in framework.criteria} == n
    assert text.startswith("# " + words(language)("draft.head").splitlines()[0])
    assert Framework.from_toml(framework.to_toml()) == framework


def test_a_framework_is_loaded_by_its_path_also_after_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "essai.toml"
    path.write_text("\ufeff" + SMALL, encoding="utf-8")
    assert len(load_framework(path).criteria) == 2
    path.write_text(SMALL.replace("Essai", "Essai suivant"), encoding="utf-8")
    assert load_framework(str(path)).title["fr"] == "Essai suivant"


def test_a_version_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_framework("1999")
    problem = next(iter(caught.value.problems))
    assert (problem.code, problem.found) == ("framework_absent", "1999")
    assert newest_official() in problem.values["allowed"]
    path = tmp_path / "latin.toml"
    path.write_bytes(SMALL.replace("Essai", "É").encode("cp1252"))
    with pytest.raises(DataError) as caught:
        load_framework(path)
    assert [(p.code, p.file) for p in caught.value.problems] == [("framework_encoding", "latin.toml")]


def test_rules_come_back_from_their_text() -> None:
    rules = '[rules]\nitem = "none"\ninspe_level = "count"\ncount_share = 1\ncuts = [0.25]\n'
    framework = Framework.from_toml(replaced("[title]", rules + "\n[title]"))
    assert framework.rules.cuts == (0.25,) and framework.rules.count_share == 1
    assert Framework.from_toml(framework.to_toml()) == framework


# Every fault with its line

FAULTS: list[tuple[str, str, Callable[[str], int], str, str]] = [
    ("framework_syntax", replaced("score = 1", "score ="), lambda t: line_of(t, "score", 2), "", "score ="),
    ("framework_missing_key", replaced('fr = "haut"\n', ""), lambda t: line_of(t, "[[levels]]", 2), "levels.fr", ""),
    ("framework_missing_key", replaced('status = "draft"\n', ""), lambda t: 1, "status", ""),
    (
        "framework_unknown_key", replaced('fr = "Second"', 'fr = "Second"\npoids = 2'),
        lambda t: line_of(t, "poids"), "criteria.poids", "poids",
    ),
    ("framework_type", replaced("score = 1", 'score = "1"'), lambda t: line_of(t, "score", 2), "levels.score", "1"),
    ("framework_value", replaced('"draft"', '"final"'), lambda t: 2, "status", "final"),
    ("framework_empty", replaced('"Premier"', '""'), lambda t: line_of(t, 'fr = ""'), "criteria.fr", ""),
    (
        "framework_form", replaced('status = "draft"', 'status = "draft"\ndate = "1/9/2022"'),
        lambda t: 3, "date", "1/9/2022",
    ),
    ("framework_repeated", replaced('"1.2"', '"1.1"'), lambda t: line_of(t, '"1.1"', 2), "criteria.key", "1.1"),
    ("framework_reference", replaced('item = "1"', 'item = "7"', 2), lambda t: line_of(t, '"7"'), "criteria.item", "7"),
    ("framework_reference", replaced('phase = "1"', 'phase = "7"'), lambda t: line_of(t, '"7"'), "items.phase", "7"),
    ("framework_reference", replaced('["low"]', '["mid"]'), lambda t: 3, "pix_levels", "mid"),
    (
        "framework_reference", replaced('fr = "Second"', 'fr = "Second"\nscale = "autre"'),
        lambda t: line_of(t, "scale"), "criteria.scale", "autre",
    ),
    (
        "framework_levels_order", replaced("score = 1", "score = 0"),
        lambda t: line_of(t, "score", 2), "levels.score", "0",
    ),
    *(
        (code, replaced("[title]", f"[rules]\n{line}\n\n[title]"), lambda t: 6, column, found)
        for code, line, column, found in (
            ("framework_cuts", "cuts = [0.5, 1.5]", "rules.cuts", "0.5, 1.5"),
            ("framework_cuts", "cuts = [nan]", "rules.cuts", "nan"),
            ("framework_share", "count_share = 0", "rules.count_share", "0"),
            ("framework_share", "count_share = 1.5", "rules.count_share", "1.5"),
            ("framework_share", "count_share = nan", "rules.count_share", "nan"),
            ("framework_type", 'count_share = "half"', "rules.count_share", "half"),
            ("framework_value", 'inspe_level = "sum"', "rules.inspe_level", "sum"),
        )
    ),
    ("framework_level_named_twice", replaced('"haut"', '"bas"'), lambda t: line_of(t, '"bas"', 2), "levels.fr", "bas"),
    (
        "framework_link_count", replaced('kind = "new"', 'kind = "split"\nold = ["2.1"]', 2, SMALL + CROSSWALK),
        lambda t: line_of(t, 'new = ["1.2"]'), "crosswalk.links.new", "1",
    ),
    (
        "framework_link_twice", SMALL + CROSSWALK + '\n[[crosswalk.links]]\nkind = "new"\nnew = ["1.1"]\n',
        lambda t: line_of(t, 'new = ["1.1"]', 2), "crosswalk.links.new", "1.1",
    ),
    (
        "framework_link_missing", SMALL + CROSSWALK.rsplit("[[", 1)[0],
        lambda t: line_of(t, "[[criteria]]", 2), "criteria", "1.2",
    ),
    (
        "framework_reference", SMALL + CROSSWALK + '\n[[crosswalk.links]]\nkind = "new"\nnew = ["9.9"]\n',
        lambda t: line_of(t, "9.9"), "crosswalk.links.new", "9.9",
    ),
]  # fmt: skip


@pytest.mark.parametrize("code, text, line, column, found", FAULTS)
def test_a_fault_is_told_with_its_line(
    code: str, text: str, line: Callable[[str], int], column: str, found: str
) -> None:
    problems = faults_of(text)
    assert [(problem.code, problem.row, problem.column, problem.found) for problem in problems] == [
        (code, line(text), column, found)
    ]


def test_a_key_that_stands_twice_names_the_first() -> None:
    text = replaced('"1.2"', '"1.1"')
    assert faults_of(text)[0].values["first_row"] == line_of(text, "[[criteria]]")


def test_all_the_faults_are_told_at_once() -> None:
    text = replaced("score = 1", 'score = "1"', 1, replaced('"draft"', '"final"'))
    assert [problem.code for problem in faults_of(text)] == ["framework_type", "framework_value"]


def test_the_crosswalk_is_checked_against_the_previous_version(tmp_path: Path) -> None:
    old = [criterion.key for criterion in load_framework("2022-2023").criteria]
    dropped = "".join(f'\n[[crosswalk.links]]\nkind = "dropped"\nold = ["{key}"]\n' for key in old[1:])
    text = SMALL + CROSSWALK + dropped + '\n[[crosswalk.links]]\nkind = "dropped"\nold = ["9.9"]\n'
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_framework(path)
    assert [(problem.code, problem.row, problem.found) for problem in caught.value.problems] == [
        ("framework_link_unknown", line_of(text, "9.9"), "9.9"),
        ("framework_link_missing", line_of(text, "[crosswalk]"), "1.1"),
    ]


@pytest.mark.parametrize("version", ["2022-2023", "2026-illustration"])
def test_a_framework_that_gains_an_overall_level_is_read_back(version: str) -> None:
    """The new criterion stands in the crosswalk too, where there is one."""
    own = with_global_level(load_framework(version))
    again = Framework.from_toml(own.to_toml())
    assert again == own
    assert [criterion.role for criterion in again.criteria][-1] == "global"
