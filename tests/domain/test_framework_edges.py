"""Frameworks made from data and from odd files."""

from __future__ import annotations

import pytest

from crcne_stats.domain import frameworks
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.framework_draft import draft_framework
from crcne_stats.domain.frameworks import load_framework

OFFICIAL = load_framework("2022-2023").to_toml()


def codes(error: pytest.ExceptionInfo[DataError]) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.row) for problem in error.value.problems]


@pytest.mark.parametrize("levels", [[], [0.5, 1.5], [2, 1], [1, 1], [True, False], ["A", "A"], ["A", " "], ["A", 1]])
def test_levels_that_make_no_scale_are_refused(levels: list[object]) -> None:
    with pytest.raises(DataError) as caught:
        Framework.plain("data", ["k"], levels)
    assert codes(caught) == [("levels_unusable", None)]


def test_a_criterion_without_a_scale_is_named() -> None:
    with pytest.raises(DataError) as caught:
        Framework.plain("data", ["k", "l"], {"k": range(3)})
    assert codes(caught) == [("levels_missing", None)]


@pytest.mark.parametrize("found", [{}, {"k": []}])
def test_a_draft_needs_levels(found: dict[str, list[int]]) -> None:
    with pytest.raises(DataError):
        draft_framework("mine", found)


def test_a_stray_number_makes_no_thousand_levels() -> None:
    drafted = Framework.from_toml(draft_framework("mine", {"k": [0, 1, 2, 100_000]}))
    assert drafted.level_scores("k") == (0, 1, 2, 100_000)


def test_a_scale_may_have_any_name() -> None:
    named = OFFICIAL + '\n[[scales."a b.c"]]\nkey = "x"\nscore = 0\nfr = "x"\n'
    framework = Framework.from_toml(named)
    assert Framework.from_toml(framework.to_toml()) == framework


def test_a_level_stands_once_in_a_scale() -> None:
    line = OFFICIAL.count("\n")
    wrong = OFFICIAL + '[[scales.s]]\nkey = "x"\nscore = 0\nfr = "x"\n[[scales.s]]\nkey = "x"\nscore = 1\nfr = "y"\n'
    with pytest.raises(DataError) as caught:
        Framework.from_toml(wrong)
    assert codes(caught) == [("framework_repeated", line + 6)]


def test_spaces_are_no_text() -> None:
    with pytest.raises(DataError) as caught:
        Framework.from_toml(OFFICIAL.replace('fr = "Expert"', 'fr = "  "'))
    assert [code for code, _ in codes(caught)] == ["framework_empty"]


def test_a_crosswalk_comes_from_another_known_version(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = load_framework("2026-illustration").to_toml()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('previous = "2022-2023"', 'previous = "1999"'), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_framework(path)
    ((code, row),) = codes(caught)
    assert code == "framework_reference"
    assert 'previous = "1999"' in path.read_text(encoding="utf-8").splitlines()[(row or 0) - 1]


def test_a_faulty_version_does_not_stop_the_official_one(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "frameworks"
    folder.mkdir()
    (folder / "2022-2023.toml").write_text(OFFICIAL, encoding="utf-8")
    (folder / "2030.toml").write_text("version = ", encoding="utf-8")
    monkeypatch.setattr(frameworks, "data_schema", lambda: tmp_path)
    assert frameworks.newest_official() == "2022-2023"
    with pytest.raises(DataError):
        load_framework("2030")
