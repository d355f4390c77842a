"""``crcne certification`` from end to end: both rules of combination with the three forms of Pix results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.cli import main
from crcne_stats.words import words

PERSON = ["Numéro de certification", "Prénom", "Nom", "Date de naissance", "Lieu de naissance", "Identifiant Externe"]
END = [
    "Commentaire jury pour l’organisation", "Session", "Centre de certification", "Date de passage de la certification",
]  # fmt: skip
INITIE = "Certification Pix+ Édu 2nd degré Initié (entrée dans le métier)"
CONFIRME = "Certification Pix+ Édu 2nd degré Confirmé"
KIND = "Pix+ Édu 2nd degré"
FORMS = {
    "1": [*PERSON, "Statut", INITIE, CONFIRME, "Nombre de Pix", *END],
    "2": [*PERSON, "Type de certification", "Statut", "Résultat", *END],
    "3": [*PERSON, "Type de certification", "Statut", "Niveau", *END],
}


def cells(form: str, level: str) -> dict[str, str]:
    """What Pix writes of a candidate at that level of the automated part."""
    failed = level == "not_reached"
    if form == "1":
        taken = CONFIRME if level == "confirme" else INITIE
        other = INITIE if level == "confirme" else CONFIRME
        found = {taken: "Rejetée" if failed else "Validée", other: "Non passée", "Nombre de Pix": "250"}
        return {"Statut": "Validée", **found}
    if form == "2":
        told = "-" if failed else "Confirmé" if level == "confirme" else "Initié (entrée dans le métier)"
        return {"Type de certification": KIND, "Statut": "Rejetée" if failed else "Validée", "Résultat": told}
    told = "Non admissible" if failed else "Admissible"
    return {"Type de certification": KIND, "Statut": "Non obtenue" if failed else "Validée", "Niveau": told}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings, students without their PIX+Édu levels, and these in a file of each form."""
    folder: Path = tmp_path_factory.mktemp("demo")
    asked = ["--students", "32", "--inspe", "2", "--sessions", "1", "--links", "0.3", "--seed", "4"]
    assert main(["simulate", "--out", str(folder), *asked]) == 0
    people = pd.read_csv(folder / "students.csv", dtype=str)
    people.drop(columns="niveau_pix_edu").to_csv(folder / "jury.csv", index=False)
    known = people.dropna(subset=["niveau_pix_edu"])
    keys = {"non atteint": "not_reached", "Initié": "initie", "Confirmé": "confirme"}
    for form, header in FORMS.items():
        lines = [";".join(f'"{name}"' for name in header)]
        for student, level in zip(known["etudiant"], known["niveau_pix_edu"], strict=True):
            entry = cells(form, keys.get(level, level)) | {"Identifiant Externe": student, "Session": "4242"}
            entry |= {"Date de passage de la certification": "12/05/2026", "Nom": f"Durand{student}", "Prénom": "Zoé"}
            lines.append(";".join(f'"{entry.get(name, "")}"' for name in header))
        name = f"2026051{form}_0900_resultats_session_424{form}.csv"
        (folder / name).write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode("utf-8"))
    return folder


@pytest.mark.parametrize("rule", ["minimum", "gate"])
@pytest.mark.parametrize("form", list(FORMS))
def test_both_rules_and_the_three_forms(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, rule: str
) -> None:
    pix = next(demo.glob(f"*_session_424{form}.csv"))
    asked = ["--students", str(demo / "jury.csv"), "--pix", str(pix), "--rule", rule, "--panel", "100"]
    run = ["certification", str(demo / "ratings.csv"), *asked, "--out", str(tmp_path / "out")]
    suits = (form == "3") == (rule == "gate")
    code = main(run)
    out, err = capsys.readouterr()
    if not suits:
        reason = "levels_under_gate" if rule == "gate" else "gate_under_minimum"
        assert " ".join(words("fr")(f"reason.{reason}").split()) in " ".join((out + err).split())
        return
    assert (code, err) == (0, "")
    joint = pd.read_csv(tmp_path / "out" / "certification-joint.csv")
    assert set(joint["state"]) == {"certified", "refused", "waiting_inspe", "waiting_pix"}
    assert joint["n_students"].notna().any()
    written = {path.name for path in (tmp_path / "out").iterdir()}
    names = ("binding", "raised", "level_rules", "rule_certificates", "scheme", "by_level")
    assert {f"certification-{name}.csv" for name in names} <= written
    assert not {f"certification-{name}.csv" for name in ("students", "review", "posterior")} & written
