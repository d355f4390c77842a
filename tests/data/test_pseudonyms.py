"""Pseudonyms: keyed, stable, nothing else of a person in the file, the same analysis. Every person here is made up."""

from __future__ import annotations

import csv
import os
import stat
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.simulate import simulate
from crcne_stats.data import pix as pix_module
from crcne_stats.data.kept import _DECISIONS
from crcne_stats.data.key_file import KEY_BYTES, make_key, read_key
from crcne_stats.data.pix import load_pix
from crcne_stats.data.pseudonyms import pseudonym, pseudonymise
from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.students import _GATE, _JURY, load_students, write_students
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.ratings import Ratings
from crcne_stats.words import languages, words

KEY = bytes(range(KEY_BYTES))
PERSONAL = ("Zoé", "Ygrec", "YGREC", "Zède", "zoe@x.fr", "31/12/1999", "Bourg", "0612345678", "E0001", "F001")
V = "2022-2023"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    folder = tmp_path / "apart"
    folder.mkdir()
    return folder / "key.txt"


def table(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    return path


def book(path: Path, sheets: dict[str, Iterable[Sequence[object]]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    made.save(path)
    return path


def written(path: Path) -> bytes:
    """All that stands in a file, of a workbook all its parts, of Parquet the cells and the metadata."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".parquet":
        return f"{pq.read_table(path).to_pylist()}{pq.read_schema(path).metadata}".encode()
    return path.read_bytes()


def codes(error: pytest.ExceptionInfo[DataError]) -> list[str]:
    shown = " ".join(error.value.text(language) for language in languages())
    shown += str([problem.as_json(words("fr")) for problem in error.value.problems])
    assert not any(text in shown for text in PERSONAL), shown
    return [problem.code for problem in error.value.problems]


def same_up_to_names(one: Ratings, other: Ratings, secret: bytes) -> None:
    """``other`` is ``one`` with every student and trainer under the pseudonym of the key."""
    frame = one.frame.copy()
    for name in ("student", "trainer"):
        frame[name] = [pseudonym(name, text, secret) for text in frame[name]]
    order = ["session", "student", "trainer", "criterion", "inspe", "trainer_inspe", "mention", "occasion", "score"]
    left, right = (f[order].astype(str).sort_values(order).reset_index(drop=True) for f in (frame, other.frame))
    pd.testing.assert_frame_equal(left, right)


def test_a_pseudonym_is_the_hmac_that_openssl_computes() -> None:
    # printf 'student\0E1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base32 | cut -c1-16
    # (OpenSSL 3.0.19), in lower case.
    assert pseudonym("student", "E1", KEY) == "E-rzba2tb7faklrnay"
    assert pseudonym("trainer", "E1", KEY) == "F-s2h3xejmgajh7joc"
    assert pseudonym("student", "123", KEY) == "E-nzgwu2tsgtdymurm"
    assert pseudonym("student", "00123", KEY) == "E-zmqjpqbvwu44dohi"
    assert (
        pseudonym("student", "E\u0301loi\u0308se", KEY) == "E-akrkwkhz5wpokxlb" == pseudonym("student", "Éloïse ", KEY)
    )
    assert pseudonym("student", "E1", KEY[::-1]) != pseudonym("student", "E1", KEY)


# --- the key -----------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_alone(key: Path) -> None:
    old = os.umask(0)
    try:
        secret = make_key(key)
    finally:
        os.umask(old)
    assert len(secret) == KEY_BYTES and read_key(key) == secret
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 or os.name != "posix"
    assert key.read_text(encoding="utf-8").startswith("# Clé des pseudonymes")
    assert [path.name for path in key.parent.iterdir()] == ["key.txt"]
    with pytest.raises(DataError) as caught:
        make_key(key)
    assert codes(caught) == ["key_exists"] and read_key(key) == secret


def test_a_key_that_others_read_or_that_is_not_whole_is_refused(key: Path) -> None:
    make_key(key)
    whole = key.read_text(encoding="utf-8")
    for mode in (0o640, 0o604) if os.name == "posix" else ():
        key.chmod(mode)
        with pytest.raises(DataError) as caught:
            read_key(key)
        assert codes(caught) == ["key_open_to_others"]
    key.chmod(0o600)
    line = whole.splitlines()[-1]
    swapped = line[:20] + ("0" if line[20] != "0" else "1") + line[21:]
    for content in ("", line[:-1], swapped, line.replace("cle-1", "cle-2"), f"{line}\n{line}", "00" * 32, "\x00\xff"):
        key.write_text(content, encoding="utf-8")
        with pytest.raises(DataError) as caught:
            read_key(key)
        assert codes(caught) == ["key_malformed"], content
    key.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    assert read_key(key)


def test_a_file_system_without_links_makes_the_key_too(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_link)
    assert make_key(key) == read_key(key)
    with pytest.raises(DataError) as caught:
        make_key(key)
    assert codes(caught) == ["key_exists"]


# --- ratings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("given", [".csv", ".parquet", "wide"])
def test_the_analysis_is_the_same(tmp_path: Path, key: Path, given: str, suffix: str) -> None:
    ratings = simulate(students=24, inspe=2, trainers=6, framework=V, seed=3).ratings
    source = write_ratings(ratings, tmp_path / f"in{given.replace('wide', '.csv')}")
    if given == "wide":
        flat = ratings.frame.pivot(
            index=["student", "trainer", "inspe", "trainer_inspe", "mention", "session"],
            columns="criterion",
            values="score",
        )
        flat.reset_index().assign(nom="Zoé Ygrec").to_csv(source, sep=";", index=False)
    done = pseudonymise(source, tmp_path / f"out{suffix}", key, framework=None if given == ".parquet" else V)
    assert (done.kind, done.students, done.trainers) == ("ratings", 24, ratings.frame["trainer"].nunique())
    assert done.key_made and done.removed == (("nom",) if given == "wide" else ())
    again = load_ratings(done.path, framework=None if (given, suffix) == (".parquet", ".parquet") else V)
    same_up_to_names(ratings, again, read_key(key))
    assert again.simulated == (given != "wide") and again.framework.version == V
    left, right = (
        agreement(each, resamples=0, multiverse=False).tables["agreement"]["value"] for each in (ratings, again)
    )
    pd.testing.assert_series_equal(left, right)


def test_nothing_else_of_a_person_is_in_the_file(tmp_path: Path, key: Path) -> None:
    head = [
        "Étudiant",
        "NOM",
        "Formateur",
        "e-mail",
        "Critère",
        "Niveau",
        "Remarque",
        "",
        "INSPÉ",
        "zoe@x.fr",
        "origine",
    ]
    row = [
        "Zoé YGREC",
        "Ygrec",
        "Mme Zède",
        "zoe@x.fr",
        "1.1",
        "Confirmé",
        "Zoé, née le 31/12/1999",
        "0612345678",
        "Lyon",
    ]
    rows = [head, [*row, "x", "Ygrec"], ["E0001", "", "F001", "", "1,2", "NE", "", "", "Lyon", "", ""]]
    for suffix in (".csv", ".xlsx", ".parquet"):
        done = pseudonymise(table(tmp_path / "in.csv", rows), tmp_path / f"out{suffix}", key, framework=V)
        assert done.kept == ("Étudiant", "Formateur", "Critère", "Niveau", "INSPÉ", "origine")
        assert done.removed == ("NOM", "e-mail", "Remarque", "…@….…")
        frame = load_ratings(done.path, framework=V).frame
        assert frame["student"].tolist() == [pseudonym("student", "Zoé YGREC", read_key(key))]
        assert not any(text.encode() in written(done.path) for text in PERSONAL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apart", "in.csv", "out.csv", "out.parquet", "out.xlsx"]


def test_text_and_number_cells_are_one_student_in_every_file_of_a_key(tmp_path: Path, key: Path) -> None:
    head = ["etudiant", "formateur", "critere", "niveau"]
    one = book(tmp_path / "one.xlsx", {"a": [head, [123, "F", "1.1", 2], ["00123", "F", "1.1", 3]]})
    two = table(tmp_path / "two.csv", [["etudiant", "niveau_inspe"], ["123", "Confirmé"], ["1E5", "Avancé"]])
    first = load_ratings(pseudonymise(one, tmp_path / "1.csv", key, framework=V).path, framework=V)
    done = pseudonymise(two, tmp_path / "2.xlsx", key, framework=V)
    assert not done.key_made
    second = load_students(done.path, framework=V).frame
    expected = {text: pseudonym("student", text, read_key(key)) for text in ("123", "00123", "1E5")}
    assert set(first.frame["student"]) == {expected["123"], expected["00123"]}
    assert set(second["student"]) == {expected["123"], expected["1E5"]}


def test_the_names_of_sheets_are_trainers_or_inspe_as_the_loader_reads_them(tmp_path: Path, key: Path) -> None:
    head = ["etudiant", "1.1", "1.2"]
    sheets = {"Zoé Ygrec": [["Grille"], head, ["E0001", 2, 3]], "M. Zède": [head[::-1], [1, "NE", "E0001"]]}
    source = book(tmp_path / "in.xlsx", sheets)
    done = pseudonymise(source, tmp_path / "out.xlsx", key, framework=V)
    again = load_ratings(done.path, framework=V)
    same_up_to_names(load_ratings(source, framework=V, allow=["formateur"]), again, read_key(key))
    assert again.frame["trainer"].nunique() == 2
    head = ["etudiant", "formateur", "1.1"]
    sheets = {"Lyon": [head, ["E0001", "F001", 2]], "Lille": [head, ["E0002", "F002", 1]]}
    done = pseudonymise(book(tmp_path / "in.xlsx", sheets), tmp_path / "inspe.csv", key, framework=V)
    assert set(load_ratings(done.path, framework=V).frame["inspe"]) == {"Lyon", "Lille"}


def test_a_workbook_of_several_kinds_is_refused(tmp_path: Path, key: Path) -> None:
    sheets = {
        "a": [["etudiant", "formateur", "1.1"], ["E1", "F1", 2]],
        "b": [["etudiant", "niveau_inspe"], ["E1", "C"]],
    }
    with pytest.raises(DataError) as caught:
        pseudonymise(book(tmp_path / "in.xlsx", sheets), tmp_path / "out.csv", key, framework=V)
    assert codes(caught) == ["pseudonymise_mixed"]
    assert not key.exists() and not (tmp_path / "out.csv").exists()


def test_rows_do_not_keep_the_order_of_names(tmp_path: Path, key: Path) -> None:
    rows = [[f"Nom{n:03d}", "F", "1.1", n % 5] for n in range(100)]
    source = table(tmp_path / "in.csv", [["etudiant", "formateur", "critere", "niveau"], *rows])
    frame = pd.read_csv(pseudonymise(source, tmp_path / "out.csv", key, framework=V).path)
    assert frame["etudiant"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        (["E1", "F1", "1.1", "voir Zoé"], "pseudonymise_text", "niveau"),
        (["E1", "F1", "Zoé Ygrec", "2"], "pseudonymise_text", "critere"),
        (["1,23457E+12", "F1", "1.1", "2"], "identifier_rounded", "etudiant"),
        (["E1", "#N/A", "1.1", "2"], "cell_error", "formateur"),
        (["E1", "F1", "1.1", "2", "zoe@x.fr"], "direct_identifier_value", "inspe"),
        (["E1", "F1", "1.1", "2", "Lyon", "Zoé Ygrec"], "csv_ragged", ""),
    ],
)
def test_what_could_name_somebody_or_hide_a_fault_is_refused(
    tmp_path: Path, key: Path, cells: list[str], code: str, column: str
) -> None:
    head = ["etudiant", "formateur", "critere", "niveau", "inspe"]
    source = table(tmp_path / "in.csv", [head, ["E9", "F9", "1.1", "1", "x"], [*cells, ""][: max(5, len(cells))]])
    with pytest.raises(DataError) as caught:
        pseudonymise(source, tmp_path / "out.csv", key, framework=V)
    (problem,) = caught.value.problems
    assert (codes(caught), problem.row, problem.column) == ([code], 3, column)
    assert not key.exists() and not (tmp_path / "out.csv").exists()


def test_a_false_alarm_and_a_missing_code_can_be_declared(tmp_path: Path, key: Path) -> None:
    rows = [["etudiant", "formateur", "1.1", "inspe"], ["E1", "F1", "NP", "06 12 34 56 78"], ["E2", "F1", "2", "Lyon"]]
    source = table(tmp_path / "in.csv", rows)
    with pytest.raises(DataError) as caught:
        pseudonymise(source, tmp_path / "out.csv", key, framework=V)
    assert sorted(codes(caught)) == ["direct_identifier_value", "pseudonymise_text"]
    assert pseudonymise(source, tmp_path / "out.csv", key, framework=V, missing=["np"], allow=["INSPÉ"]).rows == 2


def test_off_scale_scores_and_formula_like_texts_are_copied_as_they_stand(tmp_path: Path, key: Path) -> None:
    rows = [["etudiant", "formateur", "1.1", "inspe"], ["=E1", "@F1", "9", "=1+1"], ["-E2", "+F1", "-", "Lyon"]]
    source = table(tmp_path / "in.csv", rows)
    text = pseudonymise(source, tmp_path / "out.csv", key, framework=V).path.read_text(encoding="utf-8")
    assert "'=1+1" in text and "'-" in text and ",9," in text
    made = pseudonymise(source, tmp_path / "out.xlsx", key, framework=V).path
    cells = {cell.value: cell.data_type for row in openpyxl.load_workbook(made).active.iter_rows() for cell in row}
    assert cells["=1+1"] == "s" and cells[9] == "n" and not set(cells.values()) & {"f", "e"}
    with pytest.raises(DataError) as caught:
        load_ratings(tmp_path / "out.csv", framework=V)
    assert [problem.code for problem in caught.value.problems] == ["off_scale_score"]


# --- students and Pix --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [".csv", ".parquet"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_students_keep_their_levels(tmp_path: Path, key: Path, given: str, suffix: str) -> None:
    students = simulate(students=30, inspe=2, framework=V, seed=5).students
    source = write_students(students, tmp_path / f"in{given}")
    done = pseudonymise(source, tmp_path / f"out{suffix}", key, framework=V)
    assert (done.kind, done.students, done.trainers) == ("students", 30, 0)
    again = load_students(done.path, framework=V).frame.astype(str)
    expected = students.frame.astype(str)
    expected["student"] = [pseudonym("student", text, read_key(key)) for text in expected["student"]]
    order = ["student", "session"]
    pd.testing.assert_frame_equal(
        again.sort_values(order).reset_index(drop=True), expected.sort_values(order).reset_index(drop=True)
    )


def test_every_decision_that_the_loader_knows_is_kept() -> None:
    assert {*_GATE, *_JURY} <= _DECISIONS


PERSON = ["Numéro de certification", "Prénom", "Nom", "Date de naissance", "Lieu de naissance", "Identifiant Externe"]
END = ["Commentaire jury pour l’organisation", "Session", "Centre de certification"]
END += ["Date de passage de la certification"]
INITIE = "Certification Pix+ Édu 2nd degré Initié (entrée dans le métier)"
PIX = {
    "1": [[*PERSON, "Statut", INITIE, "Certification Pix+ Droit Expert", "Nombre de Pix", "1.1", *END],
          ["Validée", "Validée", "Non passée", "412", "3"], ["Validée", "Rejetée", "Validée", "300", "2"]],
    "2": [[*PERSON, "Type de certification", "Statut", "Résultat", *END],
          ["Pix+ Édu 2nd degré", "Validée", "Confirmé"], ["Pix", "Validée", "266 pix"]],
    "3": [[*PERSON, "Type de certification", "Statut", "Niveau", "Score en Pix", *END],
          ["Pix+ Édu 1er degré", "Validée", "Admissible", "-"], ["Pix+ Édu CPE", "Non obtenue", "Non admissible", ""]],
}  # fmt: skip


@pytest.mark.parametrize("form", PIX)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_pix_results_keep_the_result_and_no_person(
    tmp_path: Path, key: Path, form: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "personne" not in pix_module._PERSON:
        monkeypatch.setattr(pix_module, "_PERSON", (*pix_module._PERSON, "personne"))
    header, *results = PIX[form]
    end = ["Zoé a triché", "4242", "INSPÉ Bourg", "12/05/2025"]
    rows = [
        ["123456", "Zoé", f"Ygrec{who}", "31/12/1999", "Bourg-Inventé", name, *results[which], *end]
        for which, (who, name) in enumerate([("A", "E0001"), ("B", "E0002")])
    ]
    shared = [
        ["123457", "Zoé", f"Ygrec{who}", "31/12/1999", "Bourg-Inventé", "00077", *results[0], *end] for who in "CD"
    ]
    nobody = ["1", "Zoé", "YgrecF", "31/12/1999", "Bourg-Inventé", "", *results[0], *end]
    source = table(tmp_path / "resultats_session_4242.csv", [header, *rows, rows[0], *shared, nobody])
    done = pseudonymise(source, tmp_path / f"out{suffix}", key, framework=V)
    assert {"Identifiant Externe", "Statut", "Session", "Personne"} <= set(done.kept)
    assert {*PERSON[:-1], *END[:1], *END[2:3]} <= set(done.removed)
    assert not any(text.encode() in written(done.path) for text in PERSONAL)
    before, after = load_pix(source, framework=V), load_pix(done.path, framework=V)
    assert after.attrs == before.attrs and before.attrs["ambiguous"] == 1
    before["student"] = [pseudonym("student", text, read_key(key)) for text in before["student"]]
    left, right = (frame.astype(str).sort_values("student", ignore_index=True) for frame in (before, after))
    pd.testing.assert_frame_equal(left, right)


# --- files -------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten(tmp_path: Path, key: Path) -> None:
    head = ["etudiant", "formateur", "1.1"]
    source = table(tmp_path / "in.csv", [head, ["E1", "F1", "2"]])
    (tmp_path / "there.csv").write_text("x", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")
    calls = {
        "pseudonymise_same": [
            (source, key),
            (tmp_path / "apart/../in.csv", key),
            (tmp_path / "k.csv", tmp_path / "k.csv"),
        ],
        "pseudonymise_exists": [(tmp_path / "there.csv", key), (tmp_path / "link.csv", key)],
        "pseudonymise_suffix": [(tmp_path / "out.xls", key), (tmp_path / "out", key)],
    }
    for code, given in calls.items():
        for target, own in given:
            with pytest.raises(DataError) as caught:
                pseudonymise(source, target, own, framework=V)
            assert codes(caught) == [code]
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "x" and not key.exists()
    with pytest.raises(DataError) as caught:
        pseudonymise(source, tmp_path / "in.csv/out.csv", key, framework=V)
    assert codes(caught) == ["pseudonymise_unwritable"]


def test_notes_warn_of_a_second_time_and_of_a_key_beside_the_file(tmp_path: Path) -> None:
    source = table(tmp_path / "in.csv", [["etudiant", "formateur", "1.1"], ["E1", "F1", "2"]])
    once = pseudonymise(source, tmp_path / "one.csv", tmp_path / "key.txt", framework=V)
    assert [note.key for note in once.notes] == ["pseudonymise.key_beside"]
    twice = pseudonymise(once.path, tmp_path / "two.csv", tmp_path / "key.txt", framework=V)
    assert [note.key for note in twice.notes] == ["pseudonymise.again", "pseudonymise.key_beside"]
