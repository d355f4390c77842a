"""Direct identifiers are found wherever they stand and pseudonyms are left alone; every person here is made up."""

from __future__ import annotations

import hashlib
import hmac
import random
import uuid
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crcne_stats.data.privacy import MASKS, direct_identifiers, header_kind
from crcne_stats.data.raw import RawTable
from crcne_stats.words import languages, words

RANDOM = random.Random(20)
HEX = [hmac.new(b"k", str(n).encode(), hashlib.sha256).hexdigest() for n in range(1500)]
DIGITS = st.text("0123456789", min_size=8, max_size=8)


def raw(columns: dict[str, Sequence[str]]) -> RawTable:
    rows = max(len(texts) for texts in columns.values())
    cells = [pd.Categorical([*texts, *[None] * (rows - len(texts))]) for texts in columns.values()]
    return RawTable("f.csv", "", list(columns), cells, np.arange(2, 2 + rows))


def kinds(header: str, *texts: str, allowed: Sequence[str] = ()) -> list[str]:
    found = direct_identifiers(raw({header: texts}), allowed)
    return [problem.values["kind"] for problem in found if problem.code == "direct_identifier_value"]


HEADERS = {
    "name": "Nom|Prénom|NOM DE FAMILLE|Name|First name|Surname|nom_etudiant|Nom du formateur|Nom d’usage|Nom, prénom",
    "email": "E-mail|e-mails|Courriel|Mél.|Adresse mail|mail étudiant|E-mail INSPÉ",
    "birth": "Date de naissance|Né(e) le|Née le|né le|Lieu de naissance|Birth date|Ville de naissance",
    "ine": "INE|N° INE|code INE",
    "nir": "NIR|Numéro de sécurité sociale|N° de Sécurité Sociale|numéro INSEE",
    "phone": "Téléphone|Tél.|Portable|Numéro de portable|Mobile phone",
    "address": "Adresse|Adresse postale",
    "numen": "NUMEN",
}
HARMLESS = (
    "etudiant|Numéro étudiant|numero etudiant|Formateur|code formateur|Identifiant externe|Nombre de Pix|1.1|INSPÉ|"
    "Nom de l’établissement|Nom du fichier|Nom de la session|Ordinateur portable|Sécurité numérique|Commentaire|Niveau|"
    "Renommer|Usage du téléphone en classe|Adresse IP|Groupe|Utilise à bon escient le téléphone portable des élèves|"
)


@pytest.mark.parametrize(("kind", "header"), [(k, h) for k, headers in HEADERS.items() for h in headers.split("|")])
def test_a_header_that_announces_a_person_is_told(kind: str, header: str) -> None:
    (problem,) = direct_identifiers(raw({"etudiant": ["E1"], header: ["x"]}))
    assert (problem.code, problem.values["kind"]) == ("direct_identifier_header", kind)
    assert (problem.row, problem.column, problem.file) == (None, header, "f.csv")
    assert not direct_identifiers(raw({header: ["x"]}), [header.upper()])


@pytest.mark.parametrize("header", HARMLESS.split("|"))
def test_other_headers_are_left_alone(header: str) -> None:
    assert header_kind(header) is None


FOUND = {
    "email": ["zoe.ygrec@ac-lyon.fr", "voir zoe.ygrec (at) x.fr", "Zoé <zoe@x.univ-y.fr>"],
    "phone": [
        "06 12 34 56 78", "+33 6 12 34 56 78", "+33612345678", "0033 612345678 ok", "tél.06.12.34.56.78",
        "06-12-34-56-78", "(+33) 612 345 678", "+262 692 12 34 56", "+33 (0)6 12 34 56 78", "appeler le 0612345678",
    ],
    # 262087503203977: the example of http://trabucaire.free.fr; 255081416802538: that of the French social security.
    "nir": [
        "2 62 08 75 032 039 77", "262087503203977", "255081416802538", "2.55.08.14.168.025.38", "1 84 12 2A 004 123",
        "NIR 262087503203977", "2620875032039 77",
    ],
    "ine": ["1234567890K", "123456789FZ", "INE : 1234A12345Z", "0123456789h"],
    "numen": ["01E9501234XYZ"],
    "birth": ["né le 12/03/1999", "Née le 1er mars 1999", "naissance : 1999-03-12", "born 12.03.1999"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(k, text) for k, texts in FOUND.items() for text in texts])
def test_one_cell_is_enough_wherever_it_stands(kind: str, text: str) -> None:
    others = [f"E{n:04d}" for n in range(30)]
    everywhere = {"email", "phone", "nir"}
    for header in ["etudiant", "Observations", *(["inspe", "session", "niveau"] if kind in everywhere else [])]:
        assert kinds(header, *others, text) == [kind], header
        assert kinds(header, *others, text, allowed=[header]) == []
    (problem,) = direct_identifiers(raw({"Observations": [*others, text, text]}))
    assert (problem.row, problem.values["n"], problem.found) == (32, 2, MASKS[kind])


NAMES = [
    ["Zoé YGREC"], ["YGREC Zoé"], ["Mme Ygrec"], ["M. LE GOFF"], ["Jean-Zoé DE LA TOUR"], ["YGREC, Zoé"],
    ["D'ARTIGNAN Élodie"], ["N’DOUM Zoé"], ["Zoé Ygrec", "Yann Zède"], ["YGREC ZOÉ", "ZÈDE YANN"],
    ["zoe.ygrec", "yann.zede2"], ["YGREC Z.", "ZÈDE Y."], ["z.ygrec", "y.zede"],
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_names_among_identifiers_are_found(names: list[str]) -> None:
    for header in ("formateur", "etudiant"):
        assert kinds(header, *names) == ["name"]
    assert kinds("inspe", *names) == kinds("mention", *names) == kinds("critere", *names) == []


def test_names_in_a_column_of_their_own_are_found_and_places_are_not() -> None:
    assert kinds("responsable", "Zoé YGREC", "Yann ZÈDE", "LE GALL Anna") == ["name"]
    assert kinds("où", "Lycée Zoé YGREC", "Collège Yann ZÈDE", "École LE GALL") == []
    assert kinds("avis", "Bon travail", "Très BIEN", "à revoir VITE", "rien") == []


def test_birth_dates_are_told_from_dates_of_a_session() -> None:
    for texts in (["12/03/1999", "01/02/2001"], ["1999-03-12 00:00:00", "2001-02-01"], ["12/03/99", "01/02/01"]):
        assert kinds("date", *texts) == ["birth"]
    assert kinds("date", "12/03/2024", "2023-02-01", "12/03/24") == []
    assert kinds("session", "12/03/1999", "01/02/2001") == []


PSEUDONYMS: dict[str, list[str]] = {
    "letters and number": [f"E{n:06d}" for n in range(1500)],
    "leading zeros": [f"{n:05d}" for n in range(1500)],
    "exponents": [f"{n}E{n % 9}" for n in range(1500)],
    "numbers": [str(100_000 + n) for n in range(1500)],
    "uuid": [str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)) for _ in range(1500)],
    **{f"hex {n}": [text[:n] for text in HEX] for n in (8, 10, 11, 12, 13, 14, 15, 16, 64)},
    **{f"HEX {n}": [text[:n].upper() for text in HEX] for n in (11, 13, 15)},
    **{f"{n} digits": [str(RANDOM.randrange(10 ** (n - 1), 10**n)) for _ in range(1500)] for n in (10, 11, 13, 15)},
    "student numbers": [str(20_230_000_000 + n) for n in range(1500)],
    "like telephones": [f"05{12_345_678 + n}" for n in range(1500)],
    "like mobiles": [f"06{12_345_678 + n}" for n in range(1500)],
    "13 digits from a year": [str(2_023_010_000_000 + n) for n in range(1500)],
    "milliseconds": [str(1_700_000_000_000 + 86_400 * n) for n in range(1500)],
    "trainers": [f"Formateur {a}{b}" for a in "ABC" for b in "DEF"],
    "one letter": list("ABCDEFGH"),
    "one word": ["Alpha", "Bravo", "CHARLIE"],
    "groups": ["Groupe NORD", "Groupe SUD", "Binôme EST", "Étudiant UN"],
    "codes with marks": [f"INSPE-{n:02d}-{n:04d}" for n in range(40)],
    "codes with points": [f"A.{n}" for n in range(40)],
    "own": ["E-abcdefghij234567", "F-zzzzzzzzzz777777"],
    "marks": ["-", "NA", "NE", "."],
}


@pytest.mark.parametrize("name", PSEUDONYMS)
def test_pseudonyms_are_no_alarm(name: str) -> None:
    for header in ("etudiant", "formateur", "extra"):
        assert kinds(header, *PSEUDONYMS[name]) == [], header


def test_the_columns_of_the_contract_may_hold_names_of_places_and_levels() -> None:
    for header in ("inspe", "mention", "session", "critere", "niveau", "niveau_inspe"):
        assert kinds(header, "INSPE Lyon", "Lille NORD", "Non ATTEINT", "01/09/2005", "1.1", "Confirmé") == []


def test_bare_numbers_are_telephones_only_where_they_are_given_out_like_those() -> None:
    mobiles = [f"0{RANDOM.choice('67')}{RANDOM.randrange(10**8):08d}" for _ in range(60)]
    assert kinds("etudiant", *mobiles) == ["phone"]
    assert kinds("etudiant", *mobiles[:10], *(f"E{n}" for n in range(40))) == []


@given(st.sampled_from("67"), DIGITS, st.sampled_from([" ", ".", "-"]), st.sampled_from(["", "à ", "(", "tel:"]))
def test_any_telephone_with_separators_is_found(second: str, rest: str, mark: str, before: str) -> None:
    pairs = mark.join([f"0{second}", rest[:2], rest[2:4], rest[4:6], rest[6:]])
    assert kinds("extra", f"{before}{pairs}") == ["phone"]


@given(
    st.sampled_from("12"), st.integers(40, 99), st.integers(1, 12), st.sampled_from(["01", "75", "2A", "2b", "97"]),
    st.integers(1, 990), st.integers(1, 999), st.integers(1, 96),
)  # fmt: skip
def test_a_nir_is_found_by_its_key_alone(
    sex: str, year: int, month: int, place: str, town: int, order: int, error: int
) -> None:
    body = f"{sex}{year:02d}{month:02d}{place}{town:03d}{order:03d}"
    key = 97 - int(body.upper().replace("2A", "19").replace("2B", "18")) % 97
    assert kinds("extra", f"n° {body} {key:02d}") == ["nir"]
    other = (key + error - 1) % 97 + 1
    assert kinds("extra", f"n° {body} {other:02d}") == ([] if other != key else ["nir"])


@given(st.text(max_size=40), st.sampled_from(["etudiant", "inspe", "extra"]))
def test_no_message_shows_what_was_found(text: str, header: str) -> None:
    secrets = ["zoe.ygrec@ac-lyon.fr", "06 12 34 56 78", "2 62 08 75 032 039 77"]
    for problem in direct_identifiers(raw({header: [f"{secret} {text}" for secret in secrets]})):
        for language in languages():
            shown = problem.sentence(words(language)) + str(problem.as_json(words(language)))
            assert not any(part in shown for part in ("zoe", "ygrec", "12 34", "032 039"))


def test_a_file_without_headers_does_not_show_its_first_row() -> None:
    (first, second) = direct_identifiers(raw({"zoe@x.fr": ["yann@x.fr"], "06 12 34 56 78": ["E1"]}))
    assert {first.code, second.code} == {"direct_identifier_header"}
    assert [first.column, second.column] == [MASKS["email"], MASKS["phone"]]


@pytest.mark.parametrize("text", ["a" * 300_000 + "@", "Ab-" * 90_000, "né 1" * 90_000, "0 " * 90_000, "+33" * 90_000])
def test_a_huge_cell_is_looked_through(text: str) -> None:
    assert kinds("extra", text) == []
