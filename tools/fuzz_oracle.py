"""What a broken file says, read plainly with other readers than the kit's: csv, openpyxl, pyarrow row by row.

It knows nothing of the kit: the headers, levels and missing codes of the seeds stand here once more. ``Unsure`` is
raised where a plain reading would have to guess; the fuzz run counts those apart.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import re
import unicodedata
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import openpyxl
import pyarrow.parquet
from fuzz_seeds import Seed

Rating = tuple[str, str, str, str, str, int]
"""Student, trainer, INSPÉ, session, criterion, score."""

_HEADERS = {
    "etudiant": "student", "id etudiant": "student", "student": "student", "formateur": "trainer",
    "trainer": "trainer", "inspe": "inspe", "session": "session", "critere": "criterion", "criterion": "criterion",
    "niveau": "score", "score": "score", "mention": "mention",
}  # fmt: skip
_LEVELS = {
    "non atteint": 0, "not reached": 0, "initie": 1, "initiated": 1, "i": 1, "confirme": 2,
    "confirmed": 2, "c": 2, "avance": 3, "advanced": 3, "a": 3, "expert": 4, "e": 4,
}  # fmt: skip
_MISSING = {"", "ne", "abs", "nr", "na", "n/a", "non evalue", "non evaluee", "absent", "-", "–"}
_KEYS = {f"{item}.{rank}" for item, size in zip(range(1, 9), (2, 3, 2, 3, 2, 2, 3, 2)) for rank in range(1, size + 1)}
_STARTS = "=+-@\t\r'"


class Unsure(Exception):
    """A plain reading does not tell."""


def bare(text: str) -> str:
    """Without accents, case and outer blanks."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def plainly(text: str) -> str:
    """An identifier: composed accents, plain blanks, nothing invisible."""
    text = re.sub("[\u200b\ufeff]", "", re.sub("[\u00a0\u202f\u2007]", " ", text))
    return unicodedata.normalize("NFC", text).strip()


def _name(text: str) -> str:
    """A header or a level: letters and digits alone count."""
    return " ".join(re.findall(r"[^\W_]+(?:[.,][^\W_]+)*", bare(text)))


def score_of(text: str) -> int | None:
    """The score that a cell gives, None when it gives none."""
    if bare(text) in _MISSING or not plainly(text):
        return None
    plain = plainly(text)
    if re.fullmatch(r"\+?[0-9]+([.,]0*)?|[-−]0([.,]0*)?", plain):
        return int(re.split("[.,]", plain.lstrip("+-−"))[0])
    if _name(plain) in _LEVELS:
        return _LEVELS[_name(plain)]
    if unicodedata.normalize("NFKC", plain).isdigit() and plain.isdigit():
        return int(plain) if plain.isdecimal() else _not("a score", text)
    return _not("a score", text)


def _not(what: str, text: str) -> Any:
    raise ValueError(f"{text!r} is not {what}")


def criterion_in(text: str) -> str | None:
    """The key of the criterion that a header or cell begins with."""
    found = re.match(r"(?:critere |criterion )?([0-9]{1,2})[.,]([0-9]{1,2})(?![0-9.,])", _name(text))
    return f"{found[1]}.{found[2]}" if found else None


def texts_of(seed: Seed, content: bytes) -> list[tuple[str, list[list[str]]]]:
    """The visible sheets of the file, name and rows; one without a name where it has none."""
    if content[:4] == b"PAR1":
        return [("", list(_parquet(content)))]
    if content[:2] == b"PK":
        return _book(content)
    return [("", _delimited(seed, content))]


def _delimited(seed: Seed, content: bytes) -> list[list[str]]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16")
    elif content.count(0) > len(content) / 3:
        # Written in UTF-16 without its mark: the NUL stands after each Latin letter, or before.
        text = content.decode("utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    mark = seed.mark
    if told := re.match("sep=(.)\n", text):
        mark, text = told[1], text[told.end() :]
    else:
        # Another mark between the headers that the seed has.
        first = max(text.split("\n")[:12], key=lambda line: sum(map(_known, re.split(r"[^\w.]", line))))
        mark = max((seed.mark, *";,\t"), key=lambda own: sum(_known(part) for part in first.split(own)))
    return [[_shown(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark)]


def _shown(cell: str) -> str:
    """A quote mark that keeps a spreadsheet from running a text as a formula is none of the text."""
    return plainly(cell)[1:] if plainly(cell)[:1] == "'" and plainly(cell)[1:2] in tuple(_STARTS) else cell


def _book(content: bytes) -> list[tuple[str, list[list[str]]]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = b"".join(archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/s"))
    except Exception as error:
        raise Unsure(f"openpyxl: {type(error).__name__}") from None
    if re.search(rb'<c(?![^>]*t="inlineStr")[^>]*><is>', sheets):
        raise Unsure("openpyxl drops a text in a cell that is not marked as one")
    return [
        (sheet.title, [[_cell(cell.value) for cell in row] for row in sheet.iter_rows()])
        for sheet in book.worksheets
        if sheet.sheet_state == "visible"
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime.date):
        return value.strftime("%d/%m/%Y")
    return str(value)


def _parquet(content: bytes) -> Iterator[list[str]]:
    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    yield list(file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=7):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield [_cell(value) for value in row]


def _known(text: str) -> bool:
    return _name(text) in _HEADERS or criterion_in(text) in _KEYS


def ratings_in(seed: Seed, content: bytes) -> Counter[Rating]:
    """The ratings that a file says, each with its number.

    Raises
    ------
    ValueError
        When a cell says something that no careful reader would take.
    """
    sheets = [(name, rows) for name, rows in texts_of(seed, content) if any(any(map(plainly, row)) for row in rows)]
    tables = [(name, *_table(rows)) for name, rows in sheets]
    best = [entry for entry in tables if sum(map(_known, entry[1])) >= 2] or tables
    stands_for = _sheet_column(best) if len(best) > 1 else ""
    found: Counter[Rating] = Counter()
    for name, header, body in best:
        found.update(_ratings(header, body, {stands_for: name} if stands_for else {}))
    return found


def _sheet_column(tables: Sequence[tuple[str, list[str], list[list[str]]]]) -> str:
    headers = {_HEADERS.get(_name(text), "") for _, header, _ in tables for text in header}
    names = [name for name, *_ in tables]
    if "trainer" not in headers:
        return "trainer"
    if "session" not in headers and all(re.search(r"(19|20)\d\d", name) for name in names):
        return "session"
    plain = any(re.match("feuil|notes|sheet|grille", bare(name)) for name in names)
    return "inspe" if "inspe" not in headers and not plain else ""


def _table(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    counts = [sum(_known(cell) for cell in row if plainly(cell)) for row in rows[:40]]
    best = max(range(len(counts)), key=lambda place: (counts[place], -place))
    if counts[best] < 2:
        best = next(place for place, row in enumerate(rows) if any(map(plainly, row)))
    return rows[best], rows[best + 1 :]


def _ratings(header: list[str], body: list[list[str]], given: dict[str, str]) -> Iterator[Rating]:
    place: dict[str, int] = {}
    criteria: dict[int, str] = {}
    for number, text in enumerate(header):
        own = _HEADERS.get(_name(text))
        if own in place:
            raise ValueError(f"two columns {own}")
        if own:
            place[own] = number
        elif (key := criterion_in(text)) and (key in _KEYS or _scored(row[number : number + 1] for row in body)):
            criteria[number] = key
    long = {"score", "criterion"} <= set(place)
    if long:
        criteria = {}
    if len(set(criteria.values())) < len(criteria):
        raise ValueError("two columns of one criterion")
    for row in body:
        cells = [*row, *[""] * (len(header) - len(row))]
        if len(row) > len(header) and any(map(plainly, row[len(header) :])):
            raise ValueError("ragged")
        told = {name: plainly(cells[number]) for name, number in place.items()} | given
        shared = [told.get("student", ""), told.get("trainer", "")]
        shared += ["" if bare(told.get(name, "")) in _MISSING else told.get(name, "") for name in ("inspe", "session")]
        pairs = [(told["criterion"], told["score"])] if long else [(key, cells[n]) for n, key in criteria.items()]
        if not any(map(plainly, (*shared[:2], *(text for pair in pairs for text in pair[1 - long :])))):
            continue
        for key, text in pairs:
            score = score_of(text)
            if score is None:
                continue
            criterion = criterion_in(key) if long else key
            if criterion not in _KEYS or not all(shared[:2]):
                raise ValueError(f"criterion {key!r} or an empty identifier")
            yield (*shared, criterion, score)  # type: ignore[misc]


def _scored(cells: Iterator[list[str]]) -> bool:
    """Whether any cell gives a score; a column of remarks on a criterion does not."""
    for cell in cells:
        with contextlib.suppress(ValueError):
            if cell and score_of(cell[0]) is not None:
                return True
    return False


def cells_in(seed: Seed, content: bytes) -> list[list[str]]:
    """Every row of every visible sheet, as plain texts."""
    return [[plainly(cell) for cell in row] for _, rows in texts_of(seed, content) for row in rows]
