"""The literature: one file for docstrings, methods and bibliographies, ``data_schema/references.bib``.

The file is plain BibTeX in UTF-8, one field a line. A sentence of ``words`` cites by key, ``[@gwet2008; @cohen1968]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from crcne_stats import shipped
from crcne_stats.words import Words

_ENTRY = re.compile(r"@(\w+)\{([\w-]+),\n(.*?)\n\}\n", re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)
_CITATION = re.compile(r"\[(@[\w-]+(?:; @[\w-]+)*)\]")
_BOXES = ("journal", "booktitle", "publisher", "howpublished", "institution")


@dataclass(frozen=True)
class Reference:
    """One entry: its key, its kind in BibTeX, its fields and its text as the file has it."""

    key: str
    kind: str
    fields: dict[str, str]
    text: str

    @property
    def authors(self) -> list[tuple[str, str]]:
        """Family and given names, in order."""
        pairs = (name.partition(", ") for name in self.fields["author"].split(" and "))
        return [(family, given) for family, _, given in pairs]

    @property
    def doi(self) -> str:
        """The DOI, empty where there is none."""
        return self.fields.get("doi", "")

    def label(self, w: Words) -> str:
        """As a sentence cites it: «Gwet, 2008», «Bock & Aitkin, 1981», «Owen et al., 2012» from three authors on."""
        families = [family for family, _ in self.authors]
        if len(families) > 2:
            return w("reference.many", first=families[0], year=self.fields["year"])
        if len(families) == 2:
            return w("reference.two", first=families[0], second=families[1], year=self.fields["year"])
        return w("reference.one", first=families[0], year=self.fields["year"])

    def listed(self, w: Words) -> str:
        """As a list of references has it, after the style of the APA, in plain text."""
        names = [f"{family}, {_initials(given)}" if given else family for family, given in self.authors]
        joined = w("reference.last", before=", ".join(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]
        title = _plain(self.fields["title"])
        box = _plain(next((self.fields[name] for name in _BOXES if name in self.fields), ""))
        if self.kind == "incollection":
            box = w("reference.inside", book=box)
        volume = self.fields.get("volume", "")
        if self.kind == "techreport":
            box = f"{box}, {self.fields['type']} {self.fields['number']}"
        elif volume and "number" in self.fields:
            volume = f"{volume}({self.fields['number']})"
        tail = ", ".join(part for part in (box, volume, self.fields.get("pages", "").replace("--", "–")) if part)
        link = f" https://doi.org/{self.doi}" if self.doi else ""
        stop = "" if title.endswith("?") or title.endswith(".") else "."
        return f"{joined} ({self.fields['year']}). {title}{stop} {tail}.{link}"


@cache
def references() -> dict[str, Reference]:
    """Every entry of the file by its key, in its order."""
    text = (shipped.data_schema() / "references.bib").read_text(encoding="utf-8")
    found = (Reference(match[2], match[1], dict(_FIELD.findall(match[3])), match[0]) for match in _ENTRY.finditer(text))
    return {reference.key: reference for reference in found}


def keys_in(text: str) -> list[str]:
    """The keys that a sentence cites, in order, each once."""
    return list(dict.fromkeys(re.findall(r"@([\w-]+)", " ".join(_CITATION.findall(text)))))


def cited(text: str, w: Words) -> str:
    """The sentence with its citations as the reader sees them: «(Gwet, 2008)»."""

    def label(match: re.Match[str]) -> str:
        return f"({w('reference.between').join(references()[key].label(w) for key in keys_in(match[0]))})"

    return _CITATION.sub(label, text)


def bibliography(keys: Iterable[str], w: Words) -> list[str]:
    """The list of references of those keys, sorted by author and year."""
    chosen = sorted((references()[key] for key in set(keys)), key=lambda one: (one.listed(w).casefold(), one.key))
    return [reference.listed(w) for reference in chosen]


def bibtex(keys: Iterable[str]) -> str:
    """The entries of those keys as they stand, sorted by key."""
    return "\n".join(references()[key].text for key in sorted(set(keys)))


def _initials(given: str) -> str:
    """«Robert L.» → «R. L.», «Mei-Yin C.» → «M.-Y. C.»."""
    return " ".join("-".join(f"{part[0]}." for part in name.split("-")) for name in given.split())


def _plain(text: str) -> str:
    """BibTeX's own marks taken off."""
    return text.replace("{", "").replace("}", "").replace("\\&", "&").replace("``", "“").replace("''", "”")
