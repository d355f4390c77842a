"""Whole files of every form that the kit reads, all made up, from which the fuzz run makes broken ones."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet

from crcne_stats.data.grid import write_grid
from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.students import load_students

Rows = Sequence[Sequence[Any]]

CRITERIA = ["1.1", "1.2", "2.1"]
LEVELS = ["3", "0", "Confirmé", "NE", "4", "1", "c", "2,0", "", "non atteint", "Expert", "2"]
STUDENTS = ["00123", "123", "1E5", "É-7", "O’Hara", "E 6"]


@dataclass(frozen=True)
class Seed:
    """A file: ``encoding`` and ``mark`` are those of a CSV text, None and empty for others."""

    name: str
    suffix: str
    content: bytes
    encoding: str | None = None
    mark: str = ""


def long_rows() -> list[list[str]]:
    """Header and one row for each rating."""
    header = ["etudiant", "formateur", "inspe", "mention", "session", "critere", "niveau", "remarque"]
    rows = [header]
    for place, student in enumerate(STUDENTS):
        for trainer in range(2):
            for rank, criterion in enumerate(CRITERIA):
                level = LEVELS[(5 * place + 2 * trainer + rank) % len(LEVELS)]
                inspe = ("Évry", "Lille")[place % 2]
                rows.append([student, f"F{trainer}", inspe, "1", "2022-2023", criterion, level, "à revoir"])
    return rows


def wide_rows() -> list[list[str]]:
    """Header and one row for each student and trainer."""
    rows = [["Étudiant", "Formateur", "INSPÉ", *CRITERIA, "Remarque"]]
    for place, student in enumerate(STUDENTS):
        for trainer in range(2):
            levels = [LEVELS[(7 * place + 3 * trainer + rank) % len(LEVELS)] for rank in range(3)]
            rows.append([student, f"F{trainer}", ("Évry", "Lille")[place % 2], *levels, "dit « bien »\nou presque"])
    return rows


def student_rows() -> list[list[str]]:
    """Header and one row for each student."""
    header = ["etudiant", "inspe", "mention", "session", "niveau_inspe", "niveau_pix_edu", "decision_jury", "score_pix"]
    levels = [("Confirmé", "Initié", "niveau"), ("", "Confirmé", "refusé"), ("Expert", "", "niveau")]
    rows = [header]
    for place, student in enumerate(STUDENTS):
        own, pix, jury = levels[place % 3]
        rows.append([student, ("Évry", "Lille")[place % 2], "1", "2022-2023", own, pix, jury, str(200 + place)])
    return rows


def pix_rows(form: int) -> list[list[str]]:
    """Results of Pix in one of their three forms; the persons are made up."""
    person = ["Numéro de certification", "Prénom", "Nom", "Date de naissance", "Lieu de naissance"]
    end = ["Commentaire jury pour l’organisation", "Session", "Centre de certification"]
    end.append("Date de passage de la certification")
    middle = {
        1: [
            "Statut",
            "Certification Pix+ Édu 2nd degré Initié (entrée dans le métier)",
            "Certification Pix+ Édu 2nd degré Confirmé",
            *("Nombre de Pix", "1.1", "1.2"),
        ],
        2: ["Type de certification", "Statut", "Résultat"],
        3: ["Type de certification", "Statut", "Niveau", "Score en Pix"],
    }[form]
    cells = {
        1: [["Validée", "Validée", "Non passée", "412", "3", "2"], ["Rejetée", "Rejetée", "Annulée", "0", "", ""]],
        2: [["Pix+ Édu 1er degré", "Validée", "Confirmé"], ["Pix", "Validée", "266 pix"]],
        3: [["Pix+ Édu 2nd degré", "Validée", "Admissible", ""], ["Pix+ Droit", "Validée", "Expert", ""]],
    }[form]
    rows = [[*person, "Identifiant Externe", *middle, *end]]
    for place, student in enumerate(STUDENTS):
        told = [str(9000 + place), "Zoé", f"Ygrec{place}", "31/12/1999", "Bourg-Inventé", student]
        rows.append([*told, *cells[place % 2], "", "4242", "INSPÉ Ygrec", "12/05/2025"])
    return rows


def text_of(rows: Rows, mark: str, end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


def _texts() -> list[Seed]:
    long, wide = long_rows(), wide_rows()
    quoted = text_of(wide, ";", "\r\n")
    made = [
        ("long-utf8", ".csv", text_of(long, ";"), "utf-8", ";"),
        ("long-bom", ".csv", text_of(long, ","), "utf-8-sig", ","),
        ("long-utf16", ".txt", text_of(long, "\t"), "utf-16", "\t"),
        ("long-cp1252", ".csv", text_of(long, ";", "\r\n", csv.QUOTE_ALL), "cp1252", ";"),
        ("wide-sep", ".csv", "sep=;\r\n" + quoted + "\r\n\r\n", "cp1252", ";"),
        ("wide-titles", ".csv", "Grille des formateurs\n;;;Phase 1\n\n" + text_of(wide, ";"), "utf-8-sig", ";"),
        ("wide-tab", ".tsv", text_of(wide, "\t"), "utf-8", "\t"),
        ("students", ".csv", text_of(student_rows(), ";"), "utf-8-sig", ";"),
    ]
    for form in (1, 2, 3):
        text = text_of(pix_rows(form), ";", "\n", csv.QUOTE_NONNUMERIC).rstrip("\n")
        made.append((f"pix-{form}", ".csv", text, "utf-8-sig", ";"))
    return [Seed(name, suffix, text.encode(encoding), encoding, mark) for name, suffix, text, encoding, mark in made]


def typed(cell: str) -> Any:
    """A cell as Excel would hold it: a score as a number."""
    return int(cell) if cell.isdigit() and len(cell) == 1 else float(cell.replace(",", ".")) if cell == "2,0" else cell


def book_of(sheets: dict[str, Rows], hidden: str = "", merge: str = "") -> bytes:
    """A workbook; empty cells are none."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([None if cell == "" else typed(str(cell)) for cell in row])
        if title == hidden:
            sheet.sheet_state = "hidden"
        elif merge:
            sheet.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return timeless(out.getvalue())


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of these members, the same bytes at any time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def timeless(content: bytes) -> bytes:
    """A workbook without the time at which it was made, so that the same rows give the same bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    core = "docProps/core.xml"
    members[core] = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2023-01-01T00:00:00Z", members[core])
    return zipped(members)


def _books(folder: Path) -> list[Seed]:
    long, wide = long_rows(), wide_rows()
    titled = [["Grille des formateurs"], ["", "", "", "Phase 1"], [], *wide]
    one = [[row[0], *row[2:]] for row in wide if row[1] in ("Formateur", "F0")]
    two = [[row[0], *row[2:]] for row in wide if row[1] in ("Formateur", "F1")]
    legend = [["Légende"], ["0", "non atteint"], ["1", "Initié"]]
    made = [
        ("book-long", book_of({"Feuil1": long})),
        ("book-wide", book_of({"Notes": titled, "Légende": legend, "Caché": long}, "Caché", "D2:F2")),
        ("book-trainers", book_of({"F0": one, "F1": two})),
        ("book-students", book_of({"Feuil1": student_rows()})),
    ]
    (folder / "students.csv").write_text(text_of(student_rows(), ";"), encoding="utf-8")
    students = load_students(folder / "students.csv", framework="2022-2023")
    grid = write_grid(students, folder / "grid.xlsx", framework="2022-2023", trainer=["F0"])
    book = openpyxl.load_workbook(grid)
    for row in book.worksheets[0].iter_rows(min_row=6, min_col=4, max_col=12):
        for place, cell in enumerate(row):
            if cell.value is None and not cell.protection.locked:
                cell.value = ("Confirmé", "Initié", "Expert")[place % 3]
    book.save(grid)
    made.append(("grid", timeless(grid.read_bytes())))
    return [Seed(name, ".xlsx", content) for name, content in made]


def _parquets(folder: Path) -> list[Seed]:
    made = []
    for name, rows in (("parquet-long", long_rows()), ("parquet-wide", wide_rows())):
        header, *body = rows
        columns = {text: [row[place] or None for row in body] for place, text in enumerate(header)}
        pa.parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
        made.append(name)
    (folder / "long.csv").write_text(text_of(long_rows(), ";"), encoding="utf-8")
    write_ratings(load_ratings(folder / "long.csv", framework="2022-2023"), folder / "parquet-saved.parquet")
    made.append("parquet-saved")
    return [Seed(name, ".parquet", (folder / f"{name}.parquet").read_bytes()) for name in made]


def seeds() -> list[Seed]:
    """One file of each form."""
    with tempfile.TemporaryDirectory() as name:
        return [*_texts(), *_books(Path(name)), *_parquets(Path(name))]
