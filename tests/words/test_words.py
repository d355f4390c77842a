"""How each language writes a number, and how a sentence agrees with it."""

from __future__ import annotations

import pytest

from crcne_stats.words import MissingWord, Words, languages, words


def made(language: str, **entries: str) -> Words:
    return Words(language, entries)


def test_french_numbers_take_a_comma_and_a_narrow_space() -> None:
    fr, en = words("fr"), words("en")
    assert fr.number(1234567.891, 2) == "1\u202f234\u202f567,89"
    assert en.number(1234567.891, 2) == "1,234,567.89"
    assert fr.percent(0.125, 1) == "12,5\u202f%" and en.percent(0.125, 1) == "12.5%"


def test_the_minus_is_a_minus_and_a_rounded_zero_has_none() -> None:
    assert words("en").number(-0.5, 1) == "\u22120.5"
    assert words("en").number(-0.001, 2) == "0.00"
    assert words("fr").number(float("nan")) == "–"


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [
        ("fr", 0, "0\u00a0dossier"),
        ("fr", 1, "1\u00a0dossier"),
        ("fr", 2, "2\u00a0dossiers"),
        ("en", 0, "0\u00a0files"),
        ("en", 1, "1\u00a0file"),
    ],
)
def test_a_noun_agrees_with_its_number(language: str, n: int, text: str) -> None:
    one, many = ("dossier", "dossiers") if language == "fr" else ("file", "files")
    assert made(language, key=f"{{n:{one}|{many}}}")("key", n=n) == text


def test_a_word_can_agree_in_silence_and_a_value_can_be_looked_up() -> None:
    w = made("fr", key="{n:est|sont!} {x!k:colour}", **{"colour.red": "rouge"})
    assert w("key", n=3, x="red") == "sont rouge"


def test_a_missing_key_or_language_is_an_error() -> None:
    with pytest.raises(MissingWord):
        words("fr")("no.such.key")
    with pytest.raises(MissingWord):
        words("xx")
    assert languages()[0] == "fr" and "en" in languages()
