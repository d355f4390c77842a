"""The Excel grid that trainers fill: what comes back loads without a question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from crcne_stats.data import reading
from crcne_stats.data.declared import GRID_PROPERTY
from crcne_stats.data.grid_legend import (
    NOT_RATED,
    Choices,
    add_styles,
    entries,
    legend,
    level_text,
    lines,
    print_setup,
    protect,
    put,
)
from crcne_stats.data.kinds import criterion_names, criterion_of
from crcne_stats.data.privacy import direct_identifiers, header_kind
from crcne_stats.data.saved import atomically
from crcne_stats.data.schema import schema
from crcne_stats.data.students import load_students
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.frame import plain_text
from crcne_stats.domain.framework import Criterion, Framework
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.students import IDENTIFIERS, Students
from crcne_stats.words import Words, words

SUFFIX = ".xlsx"
_TITLE, _ABOUT, _PHASE, _ITEM, _HEADER = 1, 2, 3, 4, 5
_WIDTH = 13
"""Characters of a column of scores: a level's name fits, and the page holds a whole framework."""

_LONGEST_HEADER = 300
_LINE = 12.5
_PROMPT, _PROMPT_TITLE = 250, 32
"""Excel refuses a workbook whose prompts are longer than 255 characters, their titles 32."""


def write_grid(
    students: Students | Iterable[str],
    path: str | Path,
    *,
    framework: str | Path | Framework | None = None,
    trainer: str | Iterable[str] | Mapping[str, Students] | None = None,
    lang: str = "fr",
    allow: Iterable[str] = (),
) -> Path:
    """The workbook that trainers fill: one row per student, one column per criterion, lists of levels, a legend.

    Parameters
    ----------
    students
        Students, or their identifiers; the rows are in the order of session and student. INSPÉ, mention and session
        have a column where any is known.
    path
        The file to make, whose name ends in ``.xlsx``. It appears whole or not at all.
    framework
        A version that ships, the path of a framework file, or a Framework; None takes that of the students, or the
        newest official one. Its version stands in the legend and in the properties of the workbook, where
        ``load_ratings`` finds it.
    trainer
        Pseudonym of the trainer; several make one sheet each. A mapping gives each the students of that sheet, which
        are then among ``students``. None leaves the column to be filled.
    lang
        Language of the criteria, levels and legend, "fr" or "en". The headers of the contract stay as published.
    allow
        Headers (``etudiant``, ``formateur``) whose identifiers look like names or numbers of persons and are none.

    Raises
    ------
    FileExistsError
        When something stands at ``path``: trainers may have filled it.
    DataError
        When identifiers are empty, repeated, or such that the loader would refuse them; when a criterion cannot be
        told from another by its header.
    ValueError
        When the name does not end in ``.xlsx``.
    """
    target, w = Path(path), words(lang)
    if target.suffix.lower() != SUFFIX:
        raise ValueError(w("grid.suffix", file=target.name))
    if target.exists() or target.is_symlink():
        raise FileExistsError(w("grid.exists", file=str(path)))
    listed, given = _checked(students, trainer, framework, tuple(allow))
    chosen = listed.framework
    book = Workbook()
    book.remove(book.active)
    add_styles(book)
    choices = legend(book, chosen, w, bool(given))
    titles = sheet_names(given or [w("grid.sheet")], book.sheetnames)
    for position, title in enumerate(titles):
        sheet, own = book.create_sheet(title, position), given[position] if given else None
        rows = trainer[own] if isinstance(trainer, Mapping) and own is not None else listed
        _Grid(sheet, rows, chosen, choices, w).fill(own, len(titles) > 1)
    book.active = 0
    book.properties.title = w("grid.title", title=_title(chosen, w))
    book.properties.creator = "crcne_stats"
    book.properties.language = lang
    book.custom_doc_props.append(StringProperty(name=GRID_PROPERTY, value=chosen.version))
    return atomically(target, book.save)


def sheet_names(names: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Names that Excel takes, in the same order: 31 characters, none of its marks, all different."""
    used, found = {name.casefold() for name in taken} | {"history", "historique"}, []
    for name in names:
        base = re.sub(r"[\[\]:*?/\\]", " ", name)[:31].strip(" '") or "-"
        chosen, number = base, 2
        while chosen.casefold() in used:
            chosen = f"{base[: 30 - len(str(number))]}-{number}"
            number += 1
        used.add(chosen.casefold())
        found.append(chosen)
    return found


def _title(framework: Framework, w: Words) -> str:
    return framework.title.get(w.language) or framework.title["fr"]


def _checked(
    students: Students | Iterable[str],
    trainer: str | Iterable[str] | None,
    framework: str | Path | Framework | None,
    allow: tuple[str, ...],
) -> tuple[Students, list[str]]:
    """Students and trainers whose identifiers the loader will take as they stand."""
    headers = schema("ratings").headers
    if not isinstance(students, Students):
        frame = pd.DataFrame({headers["student"]: pd.Series(list(students), dtype=object)})
        students = load_students(frame, framework=framework, allow=allow)
    elif framework is not None:
        chosen = framework if isinstance(framework, Framework) else load_framework(framework)
        students = Students.from_frame(students.frame[list(IDENTIFIERS)], framework=chosen)
    texts = [] if trainer is None else [trainer] if isinstance(trainer, str) else list(trainer)
    given = list(dict.fromkeys(plain_text(str(text)) for text in texts))
    problems = Problems()
    for column, names in (("student", students.frame["student"].astype(str)), ("trainer", given)):
        header = headers[column]
        for name in names:
            if code := _unusable(name):
                problems.add(Problem(code, {"wanted": header}, column=header, found=name))
    if any(given):
        for problem in direct_identifiers(reading.raw_frame(pd.DataFrame({headers["trainer"]: given})), allow):
            problems.add(problem)
    if problems:
        raise DataError(problems)
    return students, given


def _unusable(identifier: str) -> str:
    """The code of the fault that an identifier would be in a workbook that comes back, empty when there is none."""
    if not identifier:
        return "grid_trainer_empty"
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in "\ufffe\uffff" for letter in identifier):
        return "grid_control_character"
    if reading.is_error(identifier):
        return "cell_error"
    return "identifier_rounded" if reading.is_rounded(identifier) else ""


class _Grid:
    """One sheet: titles, phases, items, the header, a row for each student."""

    def __init__(
        self, sheet: Worksheet, students: Students, framework: Framework, choices: dict[str, Choices], w: Words
    ) -> None:
        self.sheet, self.students, self.framework, self.choices, self.w = sheet, students, framework, choices, w
        self.criteria = list(_ordered(framework))
        self.last = _HEADER + len(students)

    def fill(self, trainer: str | None, several: bool) -> None:
        """Write everything; ``several`` says that other sheets of the workbook are other trainers'."""
        known = [name for name in IDENTIFIERS[1:] if self.students.known(name)]
        # Without these columns the loader would take the names of several sheets for INSPÉ or sessions.
        hidden = [name for name in ("inspe", "session") if several and name not in known]
        columns = ["student", "trainer", *known, *hidden]
        put(self.sheet.cell(_TITLE, 1), self.w("grid.title", title=_title(self.framework, self.w)), "title")
        about = self.w("grid.about", version=self.framework.version, status=self._status(), sheet=self._legend())
        put(self.sheet.cell(_ABOUT, 1), about, "about")
        for column, name in enumerate(columns, start=1):
            self._identifiers(column, name, trainer)
            self.sheet.column_dimensions[get_column_letter(column)].hidden = name in hidden
        first = len(columns) + 1
        headers = list(headers_of(self.framework, self.w.language))
        for column, (criterion, header) in enumerate(zip(self.criteria, headers, strict=True), start=first):
            self._criterion(column, criterion, header)
        self._bands(first)
        self._layout(headers)

    def _status(self) -> str:
        return self.w(f"framework_status.{self.framework.status}")

    def _legend(self) -> str:
        return self.w("grid.legend.sheet")

    def _identifiers(self, column: int, name: str, trainer: str | None) -> None:
        w, cell = self.w, self.sheet.cell(_HEADER, column)
        put(cell, schema("ratings").headers[name], "head")
        _note(cell, f"{w(f'column.{name}.label')}\n{w(f'column.{name}.meaning')}")
        if name == "trainer":
            values = [trainer or ""] * len(self.students)
        else:
            values = ["" if pd.isna(value) else str(value) for value in self.students.frame[name].astype(object)]
        style = "open" if name == "trainer" and trainer is None else "locked"
        for row, value in enumerate(values, start=_HEADER + 1):
            put(self.sheet.cell(row, column), value, style)
        letter = get_column_letter(column)
        longest = max(map(len, [*values, schema("ratings").headers[name]]), default=0)
        self.sheet.column_dimensions[letter].width = min(28, max(11, longest + 2))
        if style == "open":
            ask = DataValidation(promptTitle=w("column.trainer.label"), prompt=w("grid.prompt.trainer"))
            ask.showInputMessage, ask.sqref = True, f"{letter}{_HEADER + 1}:{letter}{self.last}"
            self.sheet.add_data_validation(ask)

    def _criterion(self, column: int, criterion: Criterion, header: str) -> None:
        w, framework, choices = self.w, self.framework, self.choices[criterion.scale]
        wording = framework.name("criterion", criterion.key, w.language)
        told = wording if wording == criterion.key else f"{criterion.key} {wording}"
        _note(put(self.sheet.cell(_HEADER, column), header, "head"), f"{told}\n\n{self._whole(criterion)}")
        letter = get_column_letter(column)
        self.sheet.column_dimensions[letter].width = _WIDTH
        for row in range(_HEADER + 1, self.last + 1):
            cell = self.sheet.cell(row, column)
            cell.style = "crcne score"
            if choices.numbers:
                cell.number_format = "General"
        levels = ", ".join(map(str, entries(framework, framework.scales[criterion.scale], w.language)))
        rule = DataValidation("list", formula1=choices.formula, allow_blank=True, errorStyle="stop")
        rule.promptTitle, rule.prompt = _cut(criterion.key, _PROMPT_TITLE), _cut(wording, _PROMPT)
        rule.errorTitle = _cut(criterion.key, _PROMPT_TITLE)
        rule.error = _cut(w("grid.error", levels=levels, code=NOT_RATED), _PROMPT - 30)
        rule.showInputMessage = rule.showErrorMessage = True
        rule.sqref = f"{letter}{_HEADER + 1}:{letter}{self.last}"
        self.sheet.add_data_validation(rule)

    def _whole(self, criterion: Criterion) -> str:
        """Where a criterion stands and what its levels are."""
        w, framework = self.w, self.framework
        levels = [f"{level_text(level, w.language)} ({level.score})" for level in framework.scales[criterion.scale]]
        parts = []
        if criterion.role != "global":
            item = framework.name("item", criterion.item, w.language)
            phase = framework.name("phase", framework.phase_of(criterion.key), w.language)
            parts = [w("grid.note.phase", phase=phase), w("grid.note.item", item=item)]
        return "\n".join([*parts, w("grid.note.levels", levels=", ".join([*levels, NOT_RATED]))])

    def _bands(self, first: int) -> None:
        """Phases and items over their criteria, the overall level apart."""
        heights = {_PHASE: 1, _ITEM: 1}
        for row, kind in ((_PHASE, "phase"), (_ITEM, "item")):
            start = first
            for key, group in groupby(self.criteria, key=lambda criterion: self._band(criterion, kind)):
                size = len(list(group))
                if key is not None:
                    self._band_over(key, row, row, start, size)
                    heights[row] = max(heights[row], lines(key, _WIDTH * size - 2))
                elif row == _PHASE:
                    self._band_over(self.w("grid.overall"), _PHASE, _ITEM, start, size)
                start += size
        for row, count in heights.items():
            self.sheet.row_dimensions[row].height = 6 + 14 * count

    def _band_over(self, text: str, top: int, bottom: int, start: int, size: int) -> None:
        """One cell over ``size`` columns."""
        end = start + size - 1
        for row in range(top, bottom + 1):
            for column in range(start, end + 1):
                self.sheet.cell(row, column).style = "crcne band"
        put(self.sheet.cell(top, start), text, "band")
        self.sheet.merge_cells(start_row=top, end_row=bottom, start_column=start, end_column=end)

    def _band(self, criterion: Criterion, kind: str) -> str | None:
        if criterion.role == "global":
            return None
        key = criterion.item if kind == "item" else self.framework.phase_of(criterion.key)
        name = self.framework.name(kind, key, self.w.language)
        return name if name == key else f"{key}. {name}"

    def _layout(self, headers: Sequence[str]) -> None:
        sheet = self.sheet
        sheet.row_dimensions[_TITLE].height = 22
        sheet.row_dimensions[_HEADER].height = min(400, 6 + _LINE * max(lines(text, _WIDTH + 2) for text in headers))
        for row in range(_HEADER + 1, self.last + 1):
            sheet.row_dimensions[row].height = 18
        sheet.freeze_panes = sheet.cell(_HEADER + 1, 2)
        sheet.print_title_rows = f"{_PHASE}:{_HEADER}"
        protect(sheet)
        print_setup(sheet, self.framework)


def headers_of(framework: Framework, lang: str) -> Iterator[str]:
    """The header of each criterion in the order of the columns: key and wording, or what of them the loader reads."""
    names, known = criterion_names(framework), schema("ratings")
    for criterion in _ordered(framework):
        key, text = criterion.key, framework.name("criterion", criterion.key, lang)
        forms = [key, text] if text == key else [f"{key} {text}", key, text]
        for header in [*forms, f"critère {key}"]:
            taken = known.column(header) or reading.excel_date(header) or header_kind(header)
            if len(header) <= _LONGEST_HEADER and not taken and criterion_of(header, names) == key:
                yield header
                break
        else:
            raise DataError([Problem("grid_criterion", found=key)])


def _ordered(framework: Framework) -> Iterator[Criterion]:
    """The criteria phase by phase and item by item, those for the overall level at the end."""
    phases = [phase.key for phase in framework.phases]
    items = [item.key for item in framework.items]

    def place(criterion: Criterion) -> tuple[Any, ...]:
        if criterion.role == "global":
            return (1,)
        return 0, phases.index(framework.phase_of(criterion.key)), items.index(criterion.item)

    yield from sorted(framework.criteria, key=place)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _note(cell: Any, text: str) -> None:
    cell.comment = Comment(text, "crcne_stats", width=340, height=30 + 17 * lines(text, 48))
