"""Ways to break a file, each a function of a seed and a generator: the same numbers give the same broken file."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet
from fuzz_seeds import Seed, text_of, timeless, zipped

ODD: tuple[Any, ...] = (
    "", " ", "NE", "abs", "99", "-1", "2.5", "2,5", "1e3", "1E5", "=1+1", "#N/A", "#REF!", "01/02/2023", "1.2", "1,1",
    "9.9", "Confrmé", "Confirme\u0301", "\u00a02", "２", "²", "nan", "inf", "1_0", "+2", "-0", "2.", "-", "–", '"',
    "'=1", "'", ";", "a;b", "a\nb", "\t", "x" * 4000, "\u200b", "Ø c", "c!", "C E", "Non atteint", "TRUE",
    "1.23457E+12", "jean@exemple.fr", "0612345678", "critère 1.1", "niveau", "etudiant", "Évry", "2023-2024", "📗",
    "\ufeff", "1 2",
)  # fmt: skip
"""What a hurried hand, a spreadsheet or a bad export leaves in a cell."""

ODD_IN_BOOK: tuple[Any, ...] = (
    *(text for text in ODD if text not in ("\ufeff",)), 2, 2.0, 2.5, -1, 1e20, 123, 0.1 + 0.2, True, False,
    datetime.datetime(2023, 2, 1), datetime.time(1, 2), datetime.timedelta(days=2), "=A1", "=NA()",
)  # fmt: skip

Mutation = Callable[[Seed, random.Random], bytes]
Grid = list[list[Any]]


def _places(size: int, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(size)
    return start, min(size, start + rng.choice((1, 2, 8, 64, 512)))


def flipped(seed: Seed, rng: random.Random) -> bytes:
    """One to twenty bytes are others."""
    made = bytearray(seed.content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def bit_flipped(seed: Seed, rng: random.Random) -> bytes:
    """One bit is the other."""
    made = bytearray(seed.content)
    made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def cut(seed: Seed, rng: random.Random) -> bytes:
    """The end is missing, or the beginning."""
    place = rng.randrange(len(seed.content))
    return seed.content[:place] if rng.random() < 0.8 else seed.content[place:]


def block_changed(seed: Seed, rng: random.Random) -> bytes:
    """A block is left out, doubled, blanked, or stands elsewhere."""
    content = seed.content
    start, end = _places(len(content), rng)
    block, rest = content[start:end], content[:start] + content[end:]
    place = rng.randrange(len(rest) + 1)
    return rng.choice((
        rest,
        content[:end] + content[start:],
        content[:start] + bytes(end - start) + content[end:],
        rest[:place] + block + rest[place:],
        content[:start] + rng.randbytes(rng.randrange(1, 9)) + content[start:],
    ))  # fmt: skip


def rows_changed(rows: Grid, rng: random.Random, odd: tuple[Any, ...]) -> Grid:
    """Cells swapped or replaced, lines and columns doubled, left out, swapped, cut."""
    rows = [list(row) for row in rows]
    filled = [place for place, row in enumerate(rows) if row] or [0]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        one, two = rng.choice(filled) % len(rows), rng.choice(filled) % len(rows)
        row, other = rows[one], rows[two]
        if not row or not other:
            continue
        here, there = rng.randrange(len(row)), rng.randrange(len(other))
        kind = rng.randrange(12)
        if kind == 0:
            row[here], other[there] = other[there], row[here]
        elif kind in (1, 2, 3):
            row[here] = rng.choice(odd)
        elif kind == 4:
            rows.insert(two, list(row))
        elif kind == 5 and len(rows) > 1:
            rows.pop(one)
        elif kind == 6:
            rows[one], rows[two] = other, row
        elif kind == 7:
            row.pop(here)
        elif kind == 8:
            row.insert(here, rng.choice(odd))
        elif kind == 9:
            for line in rows:
                if len(line) > here:
                    line.insert(here, line[here])
        elif kind == 10:
            for line in rows:
                if len(line) > here:
                    line.pop(here)
        else:
            rows.insert(one, [])
    return rows


def text_rows(seed: Seed, rng: random.Random) -> bytes:
    """A CSV file whose cells, lines or columns are others."""
    text = seed.content.decode(seed.encoding or "utf-8").replace("\r\n", "\n")
    told = "sep=;\n" if text.startswith("sep=") else ""
    rows = list(csv.reader(io.StringIO(text.removeprefix(told), newline=""), delimiter=seed.mark))
    made = told + text_of(rows_changed(rows, rng, ODD), seed.mark, rng.choice(("\n", "\r\n", "\r")))
    return made.encode(seed.encoding or "utf-8", "replace")


def text_marks(seed: Seed, rng: random.Random) -> bytes:
    """A CSV file with quotes left out or added, ends of lines mixed, the mark or the encoding another."""
    text, encoding = seed.content.decode(seed.encoding or "utf-8"), seed.encoding or "utf-8"
    for _ in range(rng.choice((1, 1, 3))):
        place, kind = rng.randrange(len(text) + 1), rng.randrange(6)
        if kind == 0:
            text = text.replace('"', "", rng.choice((1, 2, -1)))
        elif kind == 1:
            text = text[:place] + rng.choice(('"', '""', "'", seed.mark, "\r", "\n", "\r\n", "\x00")) + text[place:]
        elif kind == 2:
            text = text.replace(seed.mark, rng.choice(";,\t|"), rng.choice((1, -1)))
        elif kind == 3:
            encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac-roman"))
        elif kind == 4:
            text = text[:place] + "\n" * rng.randrange(1, 4) + text[place:]
        else:
            lines = text.split("\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            text = "\n".join(lines)
    return text.encode(encoding, "replace")


def book_rows(seed: Seed, rng: random.Random) -> bytes:
    """A workbook whose cells, rows, columns or sheets are others, as a spreadsheet would save it."""
    book = openpyxl.load_workbook(io.BytesIO(seed.content))
    sheet = rng.choice(book.worksheets)
    kind = rng.randrange(8)
    if kind == 0:
        sheet.title = rng.choice(("Feuil9", "F7", "Évry", "2023-2024", "Légende (2)"))
    elif kind == 1:
        if sum(one.sheet_state == "visible" for one in book.worksheets) > 1:
            sheet.sheet_state = rng.choice(("hidden", "veryHidden", "visible"))
    elif kind == 2:
        book.copy_worksheet(sheet)
    else:
        for merged in list(sheet.merged_cells.ranges):
            sheet.unmerge_cells(str(merged))
        rows = rows_changed([[cell.value for cell in row] for row in sheet.iter_rows()], rng, ODD_IN_BOOK)
        sheet.delete_rows(1, sheet.max_row)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                sheet.cell(number, column).value = "" if value is None else value
                if value is None:
                    sheet.cell(number, column).value = None
    out = io.BytesIO()
    book.save(out)
    return timeless(out.getvalue())


def book_members(seed: Seed, rng: random.Random) -> bytes:
    """A workbook one of whose members is damaged, another's, or absent; the archive itself is whole."""
    with zipfile.ZipFile(io.BytesIO(seed.content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([name for name in members if name.endswith((".xml", ".rels"))])
    if rng.random() < 0.6:
        name = rng.choice([name for name in members if name.startswith("xl/w") or "shared" in name])
    kind = rng.randrange(5)
    if kind == 0:
        members.pop(name)
    elif kind == 1:
        members[name] = members[rng.choice(list(members))]
    elif kind == 2:
        members[name] = rng.choice((flipped, bit_flipped, cut, block_changed))(Seed("", "", members[name]), rng)
    else:
        members[name] = _xml_changed(members[name], rng)
    return zipped(members)


_XML = (
    (rb'\br="[A-Z]+\d+"', (b"", b'r="A1"', b'r="B7"', b'r="XFD1048576"', b'r="ZZZZ9"', b'r="A0"')),
    (rb'\bt="\w+"', (b"", b't="n"', b't="s"', b't="str"', b't="b"', b't="e"', b't="d"', b't="inlineStr"')),
    (rb"<v>[^<]*</v>", (b"", b"<v/>", b"<v>3</v>", b"<v>-1</v>", b"<v>99999999</v>", b"<v>1e400</v>", b"<v>x</v>")),
    (rb"<c [^>]*>", (b"<c>", b"<c r='A2'>", b"")),
    (rb"</c>", (b"", b"</c></c>", b"<f>1+1</f></c>", b"<f/></c>")),
    (rb"<row [^>]*>", (b"<row>", b'<row r="1">', b'<row r="1048576">', b'<row r="x">')),
    (rb"<t[^>]*>[^<]*</t>", (b"", b"<t>2</t>", b"<t>NE</t>", b"<t>&#0;</t>", b"<t>&bad;</t>", b"<t>1.1</t>")),
    (rb'<sheet [^>]*name="[^"]*"', (b'<sheet name=""', b'<sheet name="F9"', b"<sheet")),
    (rb'"\d+"', (b'"0"', b'"1"', b'"-1"', b'"4294967296"', b'""')),
)


def _xml_changed(text: bytes, rng: random.Random) -> bytes:
    """One to three tags or attributes are others, known to spreadsheets or not."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = [(match, ways) for pattern, ways in _XML for match in re.finditer(pattern, text)]
        if found:
            match, ways = rng.choice(found)
            text = text[: match.start()] + rng.choice(ways) + text[match.end() :]
    return text


def parquet_rows(seed: Seed, rng: random.Random) -> bytes:
    """A Parquet file whose cells, rows, columns or types are others; what else it carries stays."""
    table = pyarrow.parquet.read_table(io.BytesIO(seed.content))
    kind = rng.randrange(6)
    place = rng.randrange(table.num_columns)
    name = table.column_names[place]
    if kind == 0:
        table = table.remove_column(place)
    elif kind == 1:
        table = table.append_column(name, table.column(place))
    elif kind == 2:
        other = rng.choice(("", "1.1", "niveau", "etudiant", "x", "1.2", "9.9"))
        table = table.rename_columns([other if own == name else own for own in table.column_names])
    elif kind == 3:
        table = table.slice(rng.randrange(table.num_rows + 1))
    elif kind == 4:
        column = rng.choice((_lists, _numbers, _bools, _bytes))(table.column(place).to_pylist())
        table = table.set_column(place, name, column)
    else:
        columns = [column.to_pylist() for column in table.columns]
        rows = rows_changed([list(row) for row in zip(*columns, strict=True)], rng, ODD)
        width = table.num_columns
        texts = [[None if v is None else str(v) for v in (*row, *[None] * width)][:width] for row in rows]
        arrays = [pa.array([row[number] for row in texts], pa.string()) for number in range(width)]
        fresh = pa.Table.from_arrays(arrays, names=table.column_names)
        table = fresh.replace_schema_metadata(table.schema.metadata)
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def _lists(values: list[Any]) -> pa.Array:
    return pa.array([[str(value)] for value in values])


def _numbers(values: list[Any]) -> pa.Array:
    return pa.array([float(place % 5) for place, _ in enumerate(values)])


def _bools(values: list[Any]) -> pa.Array:
    return pa.array([value is None for value in values])


def _bytes(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else str(value).encode("utf-16-le") for value in values])


OF_BYTES: tuple[Mutation, ...] = (flipped, bit_flipped, cut, block_changed)
BY_SUFFIX: dict[str, tuple[Mutation, ...]] = {
    ".xlsx": (*OF_BYTES, book_rows, book_rows, book_rows, book_members, book_members, book_members),
    ".parquet": (*OF_BYTES, parquet_rows, parquet_rows, parquet_rows),
}
OF_TEXT: tuple[Mutation, ...] = (*OF_BYTES, text_rows, text_rows, text_rows, text_rows, text_marks, text_marks)


def mutated(seed: Seed, rng: random.Random) -> tuple[str, bytes]:
    """The name of a way to break the seed, and the broken file."""
    while True:
        way = rng.choice(BY_SUFFIX.get(seed.suffix, OF_TEXT))
        # A writer of workbooks or of Parquet may refuse what was made of its cells; that is no file then.
        with contextlib.suppress(ValueError, TypeError, AttributeError, pa.ArrowException):
            content = way(seed, rng)
            if content != seed.content:
                return way.__name__, content
