"""The published examples: all found again, and one that is not is shown as such."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crcne_stats.analysis import proofs as room
from crcne_stats.analysis.proofs import proofs
from crcne_stats.cli import main
from crcne_stats.domain.examples import examples
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.tables import table
from crcne_stats.words import languages, words


@pytest.fixture(scope="module")
def result() -> Result:
    return proofs()


def test_every_published_number_is_found_again(result: Result) -> None:
    found = result.tables["proofs"]
    assert len(found) >= 100
    assert found[~found["holds"]].empty
    assert found["tolerance"].gt(0).all() and (found["tolerance"] < 0.05).all()
    assert (result.tables["examples"]["n_hold"] == result.tables["examples"]["n_numbers"]).all()
    assert [note.key for note in result.notes] == ["proofs.all"]
    assert not found.duplicated(["example", "quantity"]).any()


def test_a_wrong_number_is_shown_as_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def spoilt() -> tuple:
        first, *rest = examples()
        (name, value, tolerance), *others = first.expected
        broken = replace(rest[0], data=[[1]])
        return (replace(first, expected=((name, value + 0.01, tolerance), *others)), broken, *rest[1:])

    monkeypatch.setattr(room, "examples", spoilt)
    result = proofs()
    found = result.tables["proofs"]
    wrong = found[~found["holds"]]
    assert wrong["quantity"].tolist()[0] == "ICC(1)" and wrong["obtained"].notna().iloc[0]
    assert set(wrong["reason"][1:]) == {"not_obtained"}
    assert [note.key for note in result.notes] == ["proofs.wrong"]
    assert main(["--lang", "en", "proofs"]) == 1
    assert "not found again" in capsys.readouterr().out


@pytest.mark.parametrize("lang", languages())
def test_it_is_read_in_both_languages(result: Result, lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in result.tables:
        assert table(result, name, lang).text()
    assert len(published(result).tables["proofs"]) == len(result.tables["proofs"])
    assert published(result).tables["proofs"].equals(result.tables["proofs"])
    assert main(["--lang", lang, "proofs"]) == 0
    assert words(lang)("analysis.proofs.title") in capsys.readouterr().out
