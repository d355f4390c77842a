"""Results of the automated part in the three forms of Pix; every person and number here is made up."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crcne_stats.data.pix import is_pix, load_pix
from crcne_stats.data.students import load_students
from crcne_stats.domain.errors import DataError

PERSON = ["Numéro de certification", "Prénom", "Nom", "Date de naissance", "Lieu de naissance", "Identifiant Externe"]
COMPETENCES = [f"{area}.{n}" for area, count in ((1, 3), (2, 4), (3, 4), (4, 3), (5, 2)) for n in range(1, count + 1)]
END = [
    "Commentaire jury pour l’organisation",
    "Session",
    "Centre de certification",
    "Date de passage de la certification",
]
INITIE = "Certification Pix+ Édu 2nd degré Initié (entrée dans le métier)"
CONFIRME = "Certification Pix+ Édu 2nd degré Confirmé"
FIRST_DEGREE = "Certification Pix+ Édu 1er degré Confirmé"
DROIT = "Certification Pix+ Droit Expert"
FORM_1 = [*PERSON, "Statut", INITIE, CONFIRME, FIRST_DEGREE, DROIT, "Nombre de Pix", *COMPETENCES, *END]
FORM_2 = [*PERSON, "Type de certification", "Statut", "Résultat", *END]
FORM_3_EDU = [*PERSON, "Type de certification", "Statut", "Niveau", *END]
FORM_3 = [*PERSON, "Type de certification", "Statut", "Niveau", "Score en Pix", *COMPETENCES, *END]
DIRECT = ("Zoé", "Durand", "Ygrec", "Bourg-Inventé", "31/12/1999")


def row(identifier: str, person: str = "", **cells: str) -> dict[str, str]:
    """One candidate; ``person`` tells namesakes of one identifier apart."""
    return {
        "Numéro de certification": "123456", "Prénom": "Zoé", "Nom": f"Durand{person or identifier}",
        "Date de naissance": "31/12/1999", "Lieu de naissance": "Bourg-Inventé", "Identifiant Externe": identifier,
        END[0]: "", "Session": "4242", "Centre de certification": "INSPÉ Ygrec",
        "Date de passage de la certification": "12/05/2025", **cells,
    }  # fmt: skip


def wide(identifier: str, status: str, pix: str = "-", person: str = "", **cells: str) -> dict[str, str]:
    names = {"initie": INITIE, "confirme": CONFIRME, "first": FIRST_DEGREE, "droit": DROIT}
    none = dict.fromkeys(names.values(), "Non passée")
    given = {names[name]: cell for name, cell in cells.items()}
    return row(identifier, person, Statut=status, **{"Nombre de Pix": pix}, **{**none, **given})


def typed(identifier: str, kind: str, status: str, level: str, person: str = "", **cells: str) -> dict[str, str]:
    told = {"Type de certification": kind, "Statut": status, "Niveau": level, "Résultat": level}
    return row(identifier, person, **told, **{name.replace("_", " "): cell for name, cell in cells.items()})


def written(path: Path, header: list[str], rows: Iterable[dict[str, str]]) -> Path:
    """As Pix writes: BOM, semicolons, LF, texts in quotes, numbers bare, no newline at the end."""

    def cell(text: str) -> str:
        return text if text.isdigit() or not text else '"' + text.replace('"', '""') + '"'

    lines = [";".join(f'"{name}"' for name in header)]
    lines += [";".join(cell(entry.get(name, "")) for name in header) for entry in rows]
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode("utf-8"))
    return path


def results(path: Path, header: list[str], *rows: dict[str, str]) -> pd.DataFrame:
    return load_pix(written(path / "20250512_0900_resultats_session_4242.csv", header, rows), framework="2022-2023")


def column(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    values = frame[name].astype(object)
    return dict(zip(frame["student"], values.where(values.notna(), None), strict=True))


def test_form_1_has_the_level_in_the_name_of_the_column(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_1,
        wide("E1", "Validée", "412", initie="Validée", confirme="Rejetée"),
        wide("E2", "Validée", "300", confirme="Validée"),
        wide("E3", "Validée", "300", initie="Rejetée"),
        wide("E4", "Validée", "300", initie="Non obtenue"),
        wide("E5", "Validée", "300", first="Validée"),
        wide("E6", "Rejetée", "0", initie="Annulée"),
        wide("E7", "Annulée", "-", confirme="En erreur"),
        wide("E8", "Démarrée", "-"),
    )
    assert column(frame, "pix_level") == {
        "E1": "initie", "E2": "confirme", "E3": "not_reached", "E4": "not_reached", "E5": "confirme",
        "E6": None, "E7": None, "E8": None,
    }  # fmt: skip
    assert column(frame, "pix_score") == {
        "E1": 412, "E2": 300, "E3": 300, "E4": 300, "E5": 300, "E6": None, "E7": None, "E8": None,
    }  # fmt: skip
    assert frame["pix_gate"].isna().all()
    assert set(frame["pix_session"]) == {"4242"} and set(frame["date"]) == {"12/05/2025"}


def test_form_2_has_the_level_and_the_score_in_one_column(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_2,
        typed("E1", "Pix+ Édu 2nd degré", "Validée", "Confirmé"),
        typed("E2", "Pix+ Édu 1er degré", "Validée", "Initié (entrée dans le métier)"),
        typed("E3", "Pix+ Édu 1er degré", "Rejetée", "-"),
        typed("E4", "Pix+ Édu 1er degré", "Annulée", "-"),
        typed("E5", "Pix", "Validée", "266 pix"),
        typed("E6", "Pix", "Rejetée", "0 pix"),
    )
    assert column(frame, "pix_level") == {
        "E1": "confirme", "E2": "initie", "E3": "not_reached", "E4": None, "E5": None, "E6": None,
    }  # fmt: skip
    assert column(frame, "pix_score") == {
        "E1": None, "E2": None, "E3": None, "E4": None, "E5": 266, "E6": None,
    }  # fmt: skip


@pytest.mark.parametrize("header", [FORM_3, FORM_3_EDU], ids=["mixed", "edu only"])
def test_form_3_says_admissible_or_not(tmp_path: Path, header: list[str]) -> None:
    frame = results(
        tmp_path,
        header,
        typed("E1", "Pix+ Édu 1er degré", "Validée", "Admissible"),
        typed("E2", "Pix+ Édu 2nd degré", "Non obtenue", "Non admissible"),
        typed("E3", "Pix+ Édu 2nd degré", "Annulée", "-"),
        typed("E4", "Pix+ Édu CPE", "En erreur", "-"),
    )
    assert column(frame, "pix_gate") == {"E1": "admissible", "E2": "not_admissible", "E3": None, "E4": None}
    assert frame["pix_level"].isna().all()


@pytest.mark.parametrize("level", ["Avancé", "Expert"])
@pytest.mark.parametrize("header", [FORM_2, FORM_3, FORM_3_EDU], ids=["form 2", "form 3", "form 3 without score"])
def test_a_level_of_droit_is_none_of_edu(tmp_path: Path, header: list[str], level: str) -> None:
    frame = results(tmp_path, header, typed("E1", "Pix+ Droit", "Validée", level))
    assert frame[["pix_level", "pix_gate", "pix_score"]].isna().all(axis=None)


def test_the_droit_column_of_form_1_is_none_of_edu(tmp_path: Path) -> None:
    frame = results(tmp_path, FORM_1, wide("E1", "Validée", "500", droit="Validée"))
    assert column(frame, "pix_level") == {"E1": None}
    assert column(frame, "pix_score") == {"E1": 500}


def test_the_levels_of_the_core_certification_are_none_of_edu(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_3,
        typed("E1", "Pix", "Validée", "Expert 1", Score_en_Pix="712"),
        typed("E2", "Pix", "Validée", "Expert 2", Score_en_Pix="801"),
        typed("E3", "CléA Numérique by Pix", "Validée", "Avancé 1"),
        typed("E4", "Pix", "Non obtenue", "-", Score_en_Pix="0"),
        typed("E5", "Pix", "Annulée", "-", Score_en_Pix="-"),
    )
    assert frame[["pix_level", "pix_gate"]].isna().all(axis=None)
    assert column(frame, "pix_score") == {"E1": 712, "E2": 801, "E3": None, "E4": None, "E5": None}


def test_the_best_of_several_sittings_is_kept(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_1,
        wide("E1", "Validée", "200", initie="Validée"),
        wide("E1", "Validée", "350", confirme="Validée"),
        wide("E1", "Validée", "300", confirme="Rejetée"),
        wide("E2", "Annulée"),
        wide("E2", "Validée", "100", initie="Rejetée"),
    )
    assert column(frame, "pix_level") == {"E1": "confirme", "E2": "not_reached"}
    assert column(frame, "pix_score") == {"E1": 350, "E2": 100}
    assert frame.attrs["repeated"] == 2


def test_an_admission_after_a_refusal_counts(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_3_EDU,
        typed("E1", "Pix+ Édu 1er degré", "Non obtenue", "Non admissible"),
        typed("E1", "Pix+ Édu 1er degré", "Validée", "Admissible"),
    )
    assert column(frame, "pix_gate") == {"E1": "admissible"}


def test_an_identifier_of_several_people_is_ambiguous_and_left_out(tmp_path: Path) -> None:
    frame = results(
        tmp_path,
        FORM_3_EDU,
        typed("E1", "Pix+ Édu 1er degré", "Validée", "Admissible", person="A"),
        typed("E1", "Pix+ Édu 1er degré", "Non obtenue", "Non admissible", person="B"),
        typed("E2", "Pix+ Édu 1er degré", "Validée", "Admissible"),
        typed("", "Pix+ Édu 1er degré", "Validée", "Admissible", person="C"),
    )
    assert list(frame["student"]) == ["E2"]
    assert frame.attrs == {"repeated": 0, "ambiguous": 1, "unidentified": 1, "before": 0, "after": 1}


@pytest.mark.parametrize("header", [FORM_1, FORM_2, FORM_3, FORM_3_EDU])
def test_no_direct_identifier_leaves_the_reader(tmp_path: Path, header: list[str]) -> None:
    entry = {**wide("E1", "Validée", initie="Validée"), **typed("E1", "Pix+ Édu 1er degré", "Validée", "Admissible")}
    frame = results(tmp_path, header, entry)
    assert list(frame.columns) == ["student", "pix_level", "pix_gate", "pix_score", "pix_session", "date"]
    shown = frame.to_csv() + repr(frame.attrs)
    assert not any(text in shown for text in (*DIRECT, "123456"))


def test_several_sessions_are_read_together(tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", FORM_1, [wide("E1", "Validée", "300", initie="Validée")])
    two = written(tmp_path / "two.csv", FORM_3_EDU, [typed("E1", "Pix+ Édu 1er degré", "Validée", "Admissible")])
    for source in ([one, two], tmp_path):
        frame = load_pix(source, framework="2022-2023")
        assert (column(frame, "pix_level"), column(frame, "pix_gate")) == ({"E1": "initie"}, {"E1": "admissible"})


def test_identifiers_stay_text(tmp_path: Path) -> None:
    frame = results(tmp_path, FORM_3_EDU, typed("00123", "Pix+ Édu 1er degré", "Validée", "Admissible"))
    assert list(frame["student"]) == ["00123"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("etudiant;niveau\nE1;2\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_pix(path)
    assert [(problem.code, problem.file) for problem in caught.value.problems] == [("pix_not_results", "notes.csv")]
    assert is_pix(FORM_1) and is_pix(FORM_2) and is_pix(FORM_3) and not is_pix(["etudiant", "niveau"])


def test_joining_says_what_became_of_every_result(tmp_path: Path) -> None:
    pix = written(
        tmp_path / "pix.csv",
        FORM_1,
        [
            wide("E1", "Validée", "300", confirme="Validée"),
            wide("E2", "Validée", "310", initie="Rejetée"),
            wide("E2", "Validée", "320", initie="Validée"),
            wide("E8", "Validée", "330", initie="Validée"),
            wide("E9", "Validée", "340", initie="Validée", person="A"),
            wide("E9", "Validée", "350", initie="Validée", person="B"),
            wide("", "Validée", "360", initie="Validée"),
        ],
    )
    path = tmp_path / "etudiants.csv"
    path.write_text("etudiant;niveau_inspe;niveau_pix_edu\nE1;2;Initié\nE2;1;\nE3;3;\n", encoding="utf-8")
    students = load_students(path, pix=pix, framework="2022-2023")
    assert column(students.frame, "pix_level") == {"E1": "initie", "E2": "initie", "E3": None}
    assert column(students.frame, "pix_score") == {"E1": 300, "E2": 320, "E3": None}
    assert {note.key: dict(note.values) for note in students.notes} == {
        "students.pix_matched": {"n": 2, "total": 3},
        "students.pix_unmatched": {"n": 1},
        "students.pix_repeated": {"n": 1},
        "students.pix_ambiguous": {"n": 1},
        "students.pix_unidentified": {"n": 1},
    }


def test_pix_alone_tells_of_the_students(tmp_path: Path) -> None:
    pix = written(tmp_path / "pix.csv", FORM_1, [wide("E1", "Validée", "300", confirme="Validée")])
    students = load_students(None, pix=pix, framework="2022-2023")
    assert column(students.frame, "pix_level") == {"E1": "confirme"}
    with pytest.raises(DataError):
        load_students(None)


def test_files_that_straddle_january_2024_are_told(tmp_path: Path) -> None:
    old = {"Date de passage de la certification": "18/12/2023"}
    rows = [wide("e1", "Validée", confirme="Validée") | old, wide("e2", "Validée", confirme="Validée")]
    rows.append(wide("e3", "Validée", "500") | old)  # no sitting of PIX+Édu
    frame = results(tmp_path, FORM_1, *rows)
    assert (frame.attrs["before"], frame.attrs["after"]) == (1, 1)
    path = tmp_path / "20250512_0900_resultats_session_4242.csv"
    told = {note.key for note in load_students(None, pix=path, framework="2022-2023").notes}
    assert "students.pix_straddle" in told
    path = written(tmp_path / "20250513_0900_resultats_session_4243.csv", FORM_1, rows[1:2])
    assert "students.pix_straddle" not in {
        note.key for note in load_students(None, pix=path, framework="2022-2023").notes
    }
