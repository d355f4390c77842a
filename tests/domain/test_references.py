"""The one list of the literature, and that nothing cites beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crcne_stats import shipped
from crcne_stats.domain.references import bibliography, bibtex, cited, keys_in, references
from crcne_stats.words import languages, words

CODE = Path(shipped.__file__).parent
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in CODE.rglob("*.py")}


def test_every_entry_is_read_and_has_what_a_list_needs() -> None:
    text = (shipped.data_schema() / "references.bib").read_text(encoding="utf-8")
    found = references()
    assert len(found) == text.count("\n@") + 1
    assert list(found) == sorted(found)
    assert "\n".join(reference.text for reference in found.values()) == text
    for key, reference in found.items():
        assert {"author", "year", "title"} <= set(reference.fields), key
        assert key.endswith(reference.fields["year"]), key
        assert reference.kind != "article" or "journal" in reference.fields, key
    dois = [reference.doi for reference in found.values() if reference.doi]
    assert len(set(dois)) == len(dois)


def test_every_doi_of_the_code_is_in_the_list() -> None:
    known = {reference.doi.lower() for reference in references().values() if reference.doi}
    for name, text in TEXTS.items():
        joined = re.sub(r"doi:(10\.\d+/)\s+", r"doi:\1", text)
        for doi in re.findall(r"(?:doi:|DOI )(10\.\d{4,}/[^\s,;`\"]+)", joined):
            bare = doi.rstrip(".;:").lower()
            assert any(bare.startswith(one) or one.startswith(bare.rstrip(")")) for one in known), (name, doi)


@pytest.mark.parametrize("language", languages())
def test_every_citation_of_a_sentence_is_in_the_list(language: str) -> None:
    w = words(language)
    keys = {key for name in w.keys() for key in keys_in(w.raw(name))}  # noqa: SIM118
    assert keys <= set(references())


def test_a_citation_reads_as_the_language_writes_it() -> None:
    sentence = "AC2 [@gwet2008; @brennan1981; @owen2012; @fleiss2003]."
    assert cited(sentence, words("en")) == (
        "AC2 (Gwet, 2008; Brennan & Prediger, 1981; Owen & Eckles, 2012; Fleiss et al., 2003)."
    )
    assert "Brennan et Prediger, 1981" in cited(sentence, words("fr"))
    assert keys_in(sentence) == ["gwet2008", "brennan1981", "owen2012", "fleiss2003"]


def test_a_list_of_references_is_sorted_and_says_each_once() -> None:
    first, second, third = bibliography(["zwick2012", "gwet2008", "brennan2001", "gwet2008"], words("en"))
    assert first == "Brennan, R. L. (2001). Generalizability Theory. Springer."
    assert second == (
        "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement. "
        "British Journal of Mathematical and Statistical Psychology, 61(1), 29–48. https://doi.org/10.1348/000711006X126600"
    )
    assert "Educational Testing Service, Research Report RR-12-08, i–30." in third
    assert bibtex(["zwick2012", "gwet2008"]).startswith("@article{gwet2008,\n")
