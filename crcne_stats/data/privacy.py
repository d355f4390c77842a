"""Direct identifiers of persons, found in headers and in cells wherever they stand, and never repeated in a message.

What is looked for, and when it counts (shares are those of the distinct texts of a column):

- e-mail addresses: one is enough, in any column;
- telephone numbers of France and its overseas departments: one with separators, a country code or other text around it
  is enough; ten digits alone could as well be a student number, so they count only where four fifths of the column look
  so, most of them are mobile numbers and their beginnings vary as those of numbers given out in sequence do not;
- NIR (social security), 15 digits with a valid key: one is enough unless it is digits alone, then 2 %; 13 digits
  without a key: one written in groups or of Corsica, else half of the column. Key: 97 less the rest of the division of
  the number by 97, where 2A counts as 19 and 2B as 18 (decree 82-103 of 22 January 1982, and INSEE);
- INE: nine digits and two letters (RNIE), ten digits and a letter (BEA), or the form of apprentices (SIFA). No formula
  of their last letter is published, hence none is checked;
- NUMEN of teachers: two digits, a letter, seven digits, three letters; of INE and NUMEN, those that a hexadecimal
  digest could be count from 2 %;
- dates of birth: dates of 1940–2012 in half of a column, in 2 % of a column of identifiers, or one after «né le»;
- names of persons. In a column of identifiers: «Prénom NOM», «NOM Prénom» or «Mme Nom» from 2 % or five texts on, and
  looser forms («Marie Dupont», «DUPONT M.», «marie.dupont») from half of the column on. Elsewhere the strict form in
  half of the column and three texts at least. A surname alone («Dupont») cannot be told from a code word.

Columns of the contract that are no identifiers (INSPÉ, mention, session, criterion, level…) are looked through for
e-mail addresses, telephone numbers and NIR alone: «INSPE Lyon» is no person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from crcne_stats.data.raw import RawTable
from crcne_stats.data.schema import folded, schema
from crcne_stats.domain.errors import Problem

IDENTIFIER, PLAIN, OTHER = "identifier", "plain", "other"
FEW, MOST, NEARLY_ALL = 0.02, 0.5, 0.8
"""Shares of the distinct texts of a column."""

MASKS = {
    "email": "…@….…",
    "phone": "0# ## ## ## ##",
    "nir": "# ## ## ## ### ###",
    "ine": "##########X",
    "numen": "##X#######XXX",
    "birth": "##/##/####",
    "name": "Xxxxx XXXXX",
}
"""What a message shows in the place of an identifying text."""

_ADDRESS = r"[^\s@<>()\[\];,:\"]"
_EMAIL = re.compile(rf"{_ADDRESS}(?:@|\s?[(\[]\s?(?:at|arobase)\s?[)\]]\s?){_ADDRESS}{{1,190}}\.[a-z]{{2,24}}", re.I)
_BEFORE, _AFTER = r"(?<![\w/+-])(?<![0-9]\.)", r"(?![\w-])(?!\.[0-9])"
_PHONE = re.compile(
    rf"{_BEFORE}(?:\(?(?:\+|00)(?:33|262|590|594|596)\)?[ ./-]?(?:\(0\) ?)?[1-9](?:[ ./-]?[0-9]){{8}}"
    rf"|\(?0[1-9]\)?(?:[ ./-]{{0,3}}[0-9]{{2}}){{4}}){_AFTER}"
)
_NIR = re.compile(
    r"(?<![\w-])([1-478])[ .-]?([0-9]{2})[ .-]?([0-9]{2})[ .-]?([0-9]{2}|2[ABab])[ .-]?([0-9]{3})[ .-]?([0-9]{3})"
    r"(?:[ ./-]{0,3}([0-9]{2}))?(?![\w-])"
)
_INE = re.compile(r"(?<![\w-])(?:[0-9]{9}[A-Za-z]{2}|[0-9]{10}[A-Za-z]|[0-9]{4}[Aa][0-9]{5}[A-Za-z])(?![\w-])")
_NUMEN = re.compile(r"(?<![\w-])[0-9]{2}[A-Za-z][0-9]{7}[A-Za-z]{3}(?![\w-])")
_YEAR = r"(?:19[4-9][0-9]|200[0-9]|201[0-2])"
_MONTH = (
    r"(?:janv|févr|fevr|mars|avr|mai|juin|juil|août|aout|sept|oct|nov|déc|dec|jan|feb|mar|apr|may|jun|jul|aug)"
    r"[a-zéû]{0,8}\.?"
)
_DATE = re.compile(
    rf"(?<!\w)(?:[0-3]?[0-9]([/. -])[01]?[0-9]\1{_YEAR}|{_YEAR}([/.-])[01][0-9]\2[0-3][0-9]"
    rf"|[0-3]?[0-9](?:er)? {_MONTH} {_YEAR})(?![0-9])",
    re.I,
)
_DATE_ALONE = re.compile(
    rf"(?:{_DATE.pattern}|[0-3][0-9]/[01][0-9]/(?:[4-9][0-9]|0[0-9]|1[0-2]))(?:[ T]00:00.*)?", re.I
)
_BORN = re.compile(rf"\b(?:née?|nee?|né\(e\)|née?s|naissance|born|dob)\b.{{0,12}}?{_DATE.pattern}", re.I)

_LETTERS = r"[^\W\d_]"
_CAPITAL = rf"(?:{_LETTERS}['’])?{_LETTERS}+(?:[-'’]{_LETTERS}+)*"
_TOKENS = re.compile(rf"{_CAPITAL}\.?(?:(?: |, ?){_CAPITAL}\.?){{1,4}}")
_TITLED = re.compile(rf"(?:M\.|Mr\.?|Mme\.?|Mlle\.?|Monsieur|Madame|Mademoiselle) {_CAPITAL}(?: {_CAPITAL}){{0,3}}")
_LOGIN = re.compile(r"[a-z]+(?:-[a-z]+)?[._][a-z]{2,}(?:-[a-z]+)?[0-9]{0,2}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words("de du des d la le les da dos van von der den el al ben ibn di et")
_NO_PERSON = _words(
    "inspé inspe espé espe iufm université universite univ academie académie lycée lycee collège college école ecole"
    " étudiant étudiante étudiants etudiant etudiante etudiants formateur formatrice formateurs évaluateur évaluatrice"
    " evaluateur evaluatrice tuteur tutrice jury groupe group groupes binôme binome équipe equipe lot dossier copie"
    " candidat candidate student students trainer rater judge person personne sujet code numéro numero anonyme inconnu"
    " master meef pix crcné crcne mention parcours session niveau critère critere premier second degré degre centre"
    " site confirmé initié avancé expert non atteint"
)

_HEADERS = {
    "email": _words("email emails courriel courriels mel mail mails"),
    "birth": _words("naissance birth birthdate birthday birthplace dob ddn"),
    "ine": _words("ine ina"),
    "nir": _words("nir nss"),
    "numen": _words("numen"),
    "phone": _words("telephone telephones tel phone mobile portable gsm"),
    "address": _words("adresse adresses address domicile"),
    "name": _words(
        "nom noms prenom prenoms name names surname surnames firstname lastname forename patronyme nomprenom"
    ),
}
_PHRASES = {
    r"(.*\b)?e mails?(\b.*)?": "email",
    r"(date )?(nee?s?|ne e) (le|a|en)": "birth",
    r".*\b(securite sociale|numero insee|numero de secu)\b.*": "nir",
}
_THINGS = _words(
    "inspe espe fichier file etablissement ecole lycee college session critere criterion item groupe group parcours"
    " mention ue site academie formation centre niveau level master phase universite composante diplome ip feuille"
    " sheet matiere discipline module projet dossier outil application"
)
"""«Nom de l’établissement» names no person."""
_NAMING = {
    "name": _THINGS,
    "address": _THINGS,
    "phone": _words("ordinateur outil outils equipement usage usages application classe"),
}
_LONGEST_HEADER = 6
"""A header of more words is a sentence, such as the wording of a criterion."""


@dataclass(frozen=True, eq=False)
class _Column:
    """The distinct texts of a column (text,), as a list and for the vectorised search, and its part in the contract."""

    texts: list[str]
    array: pa.Array
    role: str

    def tested(self, first: str, test: Callable[[str], bool]) -> np.ndarray:
        """Which texts (text,) pass ``test``, asked only of those in which the quick pattern ``first`` is found."""
        answer = np.zeros(len(self.texts), dtype=bool)
        found = pyarrow.compute.match_substring_regex(self.array, first)
        for index in np.flatnonzero(found.to_numpy(zero_copy_only=False)):
            answer[index] = test(self.texts[index])
        return answer

    def enough(self, hits: np.ndarray, share: float, least: int = 1) -> np.ndarray:
        """``hits`` where they are that share of the column and that many, nothing otherwise."""
        n = int(hits.sum())
        return hits if n >= least and n >= share * len(self.texts) else np.zeros_like(hits)


def direct_identifiers(raw: RawTable, allowed: Collection[str] = ()) -> list[Problem]:
    """Columns that announce or hold direct identifiers, one problem for each column and kind.

    Parameters
    ----------
    raw
        A table as read. Each column is judged by its distinct texts.
    allowed
        Headers that are declared to be a false alarm; case, accents and punctuation do not count.

    Returns
    -------
    problems
        ``direct_identifier_header`` (no row) and ``direct_identifier_value`` (the first row; ``n`` counts the cells).
        ``found`` is a mask, never the text itself.
    """
    told = {folded(header) for header in allowed}
    problems: list[Problem] = []
    for header, cells in zip(raw.header, raw.cells, strict=True):
        if folded(header) in told:
            continue
        role = _role(header)
        shown = shown_header(header)
        announced = next(iter(_kinds_in(header)), None) or header_kind(header)
        if announced and (role == OTHER or shown != header):
            values = {"kind": announced}
            problems.append(Problem("direct_identifier_header", values, raw.file, raw.sheet, column=shown, found=shown))
        for kind, hits in _values(cells, role):
            where = np.flatnonzero(np.append(hits, False)[cells.codes])
            if len(where) and kind != announced:
                counted = {"kind": kind, "n": len(where)}
                row = int(raw.rows[where[0]])
                problems.append(
                    Problem("direct_identifier_value", counted, raw.file, raw.sheet, row, shown, MASKS[kind])
                )
    return problems


def header_kind(header: str) -> str | None:
    """The kind of identifier that a header announces, None when it announces none."""
    if schema("ratings").column(header) or schema("students").column(header):
        return None
    text = folded(header).replace(".", " ")
    words = set(text.split())
    if len(text.split()) > _LONGEST_HEADER:
        return None
    for pattern, kind in _PHRASES.items():
        if re.fullmatch(pattern, text):
            return kind
    for kind, known in _HEADERS.items():
        if known & words and not _NAMING.get(kind, frozenset()) & words:
            return kind
    return None


def shown_header(header: str) -> str:
    """A header as a message may show it: masked where it is itself an identifier, as in a file without headers."""
    kinds = _kinds_in(header)
    return MASKS[kinds[0]] if kinds else header


def _kinds_in(header: str) -> tuple[str, ...]:
    searched = {"email": _is_email, "nir": _is_nir, "phone": _is_phone, "ine": _is_ine}
    return tuple(kind for kind, test in searched.items() if test(header))


def _role(header: str) -> str:
    known = schema("ratings").column(header) or schema("students").column(header)
    return OTHER if known is None else IDENTIFIER if known in ("student", "trainer") else PLAIN


def _values(cells: pd.Categorical, role: str) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds found in a column and which of its distinct texts (text,) are of the kind."""
    texts = [str(text) for text in cells.categories]
    if not texts:
        return
    column = _Column(texts, pa.array(texts, pa.string()), role)
    yield "email", column.tested(r"(?i)@|arobase|[(\[]\s?at\s?[)\]]", _is_email)
    yield "phone", _phones(column)
    yield "nir", _nirs(column)
    if role != PLAIN:
        yield "ine", _codes(column, r"[0-9]{5}[0-9A-Za-z]{0,5}[A-Za-z]", _INE)
        yield "numen", _codes(column, r"[0-9]{7}[A-Za-z]{3}", _NUMEN)
        yield "birth", _births(column)
        yield "name", _names(column)


def _is_email(text: str) -> bool:
    return bool(_EMAIL.search(text))


def _is_phone(text: str) -> bool:
    return bool(_PHONE.search(text))


def _is_ine(text: str) -> bool:
    return bool(_INE.search(text))


def _phones(column: _Column) -> np.ndarray:
    hits = column.tested(r"[0-9](?:\)?[ ./-]{0,3}\(?[0-9]\)?){8}", _is_phone)
    alone = np.array([bool(hit) and text.isdigit() for hit, text in zip(hits, column.texts, strict=True)])
    numbers = [text.removeprefix("0033").lstrip("0") for text, bare in zip(column.texts, alone, strict=True) if bare]
    mobile = sum(number[0] in "67" for number in numbers)
    varied = len({number[:3] for number in numbers}) >= max(5, len(numbers) ** 0.5 / 2)
    if not (len(numbers) >= NEARLY_ALL * len(column.texts) and mobile >= MOST * len(numbers) and varied):
        hits &= ~alone
    return hits


def _is_nir(text: str, keyless: bool = True) -> bool:
    """Whether a NIR stands in a text: with a valid key, or (``keyless``) without a key and with a month of the year."""
    for sex, year, month, department, town, order, key in _NIR.findall(text):
        place = {"2A": "19", "2B": "18"}.get(department.upper(), department)
        if "00" in (place, month) or "000" in (town, order):
            continue
        if not key:
            if keyless and sex in "12" and 1 <= int(month) <= 12:
                return True
        elif 97 - int(sex + year + month + place + town + order) % 97 == int(key):
            return True
    return False


def _nirs(column: _Column) -> np.ndarray:
    hits = column.tested(r"[1-478](?:[ ./-]{0,3}[0-9ABab]){12}", _is_nir)
    length = np.array(
        [len(text) if hit and text.isdigit() else 0 for hit, text in zip(hits, column.texts, strict=True)]
    )
    written = hits & (length == 0)
    return written | column.enough(hits & (length == 15), FEW) | column.enough(hits & (length == 13), MOST)


def _codes(column: _Column, first: str, pattern: re.Pattern[str]) -> np.ndarray:
    """Codes of a fixed form; one that a hexadecimal digest could take counts only where several have it."""
    hits = column.tested(first, lambda text: bool(pattern.search(text)))
    digest = column.tested("^[0-9A-Fa-f]+$", lambda text: True) if hits.any() else hits
    return (hits & ~digest) | column.enough(hits & digest, FEW)


def _births(column: _Column) -> np.ndarray:
    quick = r"(?:19|20)[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{2}"
    told = column.tested(quick, lambda text: bool(_BORN.search(text)))
    if column.role == IDENTIFIER:
        return told | column.enough(column.tested(quick, lambda text: bool(_DATE.search(text))), FEW)
    alone = column.tested(quick, lambda text: bool(_DATE_ALONE.fullmatch(text)))
    return told | column.enough(alone, MOST, 2)


def _names(column: _Column) -> np.ndarray:
    strict = column.tested(r"^\pL[\pL'’., -]*[ ,][\pL'’., -]*\pL", _is_person)
    if column.role == OTHER:
        return column.enough(strict, MOST, 3)
    sure = strict if strict.sum() >= 5 else column.enough(strict, FEW)
    if sure.sum() >= MOST * len(sure):
        return sure
    loose = column.tested(r"^\pL[\pL'’., _-]*[ ,._][\pL'’., -]*[\pL.][0-9]{0,2}$", _may_be_person)
    return sure | column.enough(loose | strict, MOST, 2)


def _is_person(text: str) -> bool:
    """«Prénom NOM», «NOM Prénom» or a title and a name."""
    if _TITLED.fullmatch(text):
        return not _names_a_thing(text.split()[1:])
    if not _TOKENS.fullmatch(text):
        return False
    words = [word for word in re.split(r"[ ,]+", text) if word.lower() not in _PARTICLES]
    capitals = [word for word in words if len(word) > 1 and word.isupper() and not word.endswith(".")]
    given = [word for word in words if len(word) > 1 and word[0].isupper() and not word.isupper()]
    return bool(capitals and given) and len(capitals) + len(given) == len(words) and not _names_a_thing(words)


def _may_be_person(text: str) -> bool:
    """Two words of letters, a name and an initial, or a login made of both."""
    if _LOGIN.fullmatch(text):
        return not _names_a_thing(re.split(r"[._]", text.rstrip("0123456789")))
    if not _TOKENS.fullmatch(text):
        return False
    words = [word.rstrip(".") for word in re.split(r"[ ,]+", text)]
    return any(len(word) > 2 for word in words) and not _names_a_thing(words)


def _names_a_thing(words: Sequence[str]) -> bool:
    return any(part in _NO_PERSON for word in words for part in word.lower().split("-"))
