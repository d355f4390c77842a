"""Tables as people read them."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.columns import COLUMNS
from crcne_stats.domain.framework import Framework
from crcne_stats.view.tables import cell, table, written
from crcne_stats.words import words

MADE = simulate(60, 2, 1, seed=4)
RESULT = agreement(MADE.ratings, resamples=50)


def test_french_and_english_write_their_own_numbers_and_words() -> None:
    french, english = table(RESULT, "agreement", "fr"), table(RESULT, "agreement", "en")
    assert "critère" in french.frame.columns and "criterion" in english.frame.columns
    value = french.frame.columns.get_loc("valeur")
    assert "," in french.frame.iloc[0, value] and "." in english.frame.iloc[0, value]
    assert french.frame.iloc[0, value].replace(",", ".") == english.frame.iloc[0, value]


def test_levels_have_the_framework_s_names() -> None:
    shown = table(RESULT, "levels", "fr").frame
    assert {"non atteint", "Initié", "Expert"} <= set(shown["niveau"])


def test_a_reason_becomes_a_sentence_and_an_empty_column_goes() -> None:
    frame = pd.DataFrame(
        {"criterion": ["1.1", "1.2"], "value": [0.5, float("nan")], "reason": ["", "hidden"], "se": None}
    )
    shown = written(frame, "Titre", MADE.ratings.framework, "fr").frame
    assert shown["remarque"].tolist()[1].startswith("Masqué") and shown["remarque"].tolist()[0] == ""
    assert "erreur type" not in shown.columns


def test_the_html_is_a_table_with_headers_in_a_region_and_escapes_what_is_hostile() -> None:
    hostile = '<script>alert("x")</script>'
    framework = Framework.plain("data", [hostile], range(2))
    frame = pd.DataFrame({"criterion": [hostile], "trainer": ["&<>"], "n_students": [9]})
    page = written(frame, hostile, framework, "en").html()
    assert "<script>" not in page
    seen: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(
                tag + "".join(f" {name}={value}" for name, value in attrs if name in ("scope", "role", "tabindex"))
            )

    Parser().feed(page)
    assert seen[:2] == ["div role=region tabindex=0", "table"]
    assert seen.count("th scope=col") == 3 and seen.count("th scope=row") == 1 and "caption" in seen


def test_the_terminal_text_is_aligned() -> None:
    lines = table(RESULT, "agreement", "en", rows=5).text().splitlines()
    assert len(lines) == 1 + 1 + 5 + 1
    assert "more rows" in lines[-1]


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="agreement"):
        table(RESULT, "nothing")


def test_a_small_probability_is_not_written_as_zero() -> None:
    for value, french in ((0.0, "<\u00a00,001"), (0.0004, "<\u00a00,001"), (0.0006, "0,001"), (0.25, "0,250")):
        assert cell({"p": value}, "p", COLUMNS["p"], None, words("fr")) == french


def test_a_wide_table_says_once_what_every_row_says() -> None:
    numbers = [name for name, column in COLUMNS.items() if column.kind == "number"][:11]
    frame = pd.DataFrame({"criterion": ["1.1", "1.2", "1.3"], "method": "mml", **dict.fromkeys(numbers, 0.1)})
    shown = written(frame, "Titre", MADE.ratings.framework, "fr")
    header, text = shown.constant[0]
    assert len(shown.constant) == 1 and header not in shown.frame.columns
    assert f"Toutes les lignes : {header} : {text}." in shown.html().replace("\u00a0", " ")
    assert text in shown.text().splitlines()[-1]
    for other in (frame.head(2), frame.iloc[:, :8]):
        assert not written(other, "Titre", MADE.ratings.framework, "fr").constant
    assert not written(frame, "Titre", MADE.ratings.framework, "fr", rows=2).constant
