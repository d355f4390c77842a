"""What the analyses note, as sentences."""

from __future__ import annotations

import pytest

from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.result import Note
from crcne_stats.view.sentences import sentence
from crcne_stats.words import words

FRAMEWORK = load_framework("2022-2023")


@pytest.mark.parametrize(("lang", "name"), [("fr", "Second degré"), ("en", "Secondary education")])
def test_a_mention_has_the_framework_s_name(lang: str, name: str) -> None:
    note = Note("priorities.do_reword_group", {"criterion": "3.2", "mention": "2"})
    told = sentence(note, FRAMEWORK, words(lang))
    assert name in told and "3.2" in told
    assert "2 »" in sentence(note, None, words("fr")).replace("\u00a0", " ")
