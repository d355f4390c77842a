"""One row per student: who they are and what the two evaluations and the jury gave them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.frame import as_text, combined_codes, first_rows, positions
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Source
from crcne_stats.domain.result import Note

IDENTIFIERS = ("student", "inspe", "mention", "session")
LEVELS = ("inspe_level", "pix_level")
GATES = ("admissible", "not_admissible")
JURY = ("level", "refused", "waiting")
COLUMNS = (*IDENTIFIERS, *LEVELS, "pix_gate", "jury", "pix_score")


@dataclass(frozen=True)
class Students:
    """Students, valid by construction, in the order of session and student.

    ``frame`` has the columns of :data:`COLUMNS`, always all. ``inspe_level`` and ``pix_level`` are keys of levels, as
    ordered categories of the framework; ``not_reached`` means sat and failed, missing means that there is no result.
    ``pix_gate`` is one of :data:`GATES`, ``jury`` one of :data:`JURY`, ``pix_score`` the core certification's score.
    """

    framework: Framework
    frame: pd.DataFrame
    notes: tuple[Note, ...] = ()
    sources: tuple[Source, ...] = ()
    simulated: bool = False

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        framework: Framework,
        sources: Iterable[Source] = (),
        notes: Iterable[Note] = (),
        simulated: bool = False,
    ) -> Students:
        """Students from a table with the columns of :data:`COLUMNS` (all but ``student`` optional).

        Raises
        ------
        DataError
            With every fault; ``row`` counts the rows of ``frame`` from 1.
        """
        if "student" not in frame.columns:
            raise DataError([Problem("missing_column", {"wanted": "student"}, column="student")])
        prepared = prepare(frame, framework)
        problems = faults(prepared, framework)
        if problems:
            told = Problems(uncounted=problems.count - len(problems.items))
            for item in problems:
                values = dict(item.values)
                if "first_row" in values:
                    values["first_row"] += 1
                told.add(Problem(item.code, values, row=(item.row or 0) + 1, column=item.column, found=item.found))
            raise DataError(told)
        return cls.trusted(prepared, framework, sources=sources, notes=notes, simulated=simulated)

    @classmethod
    def trusted(
        cls,
        prepared: pd.DataFrame,
        framework: Framework,
        *,
        sources: Iterable[Source] = (),
        notes: Iterable[Note] = (),
        simulated: bool = False,
    ) -> Students:
        """Students from a prepared frame in which :func:`faults` found nothing."""
        table = prepared.copy()
        ladder = [level.key for level in framework.levels]
        for name in LEVELS:
            table[name] = pd.Categorical(table[name].astype(object), categories=ladder, ordered=True)
        for name, allowed in (("pix_gate", GATES), ("jury", JURY)):
            table[name] = pd.Categorical(table[name].astype(object), categories=list(allowed))
        order = np.argsort(combined_codes(table, ("session", "student")), kind="stable")
        table = table.iloc[order].reset_index(drop=True)
        return cls(framework, table, tuple(notes), tuple(sources), simulated)

    def __len__(self) -> int:
        return len(self.frame)

    def known(self, column: str) -> bool:
        """Whether any student has a value in ``column``."""
        return bool(self.frame[column].notna().any())


def prepare(table: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """The columns of :data:`COLUMNS`, texts as sorted categories, the score as a number."""
    ready: dict[str, Any] = {}
    for name in COLUMNS:
        values = table[name] if name in table.columns else pd.Series(np.nan, index=table.index)
        if name == "pix_score":
            ready[name] = pd.to_numeric(values, errors="coerce").astype(float).array
        else:
            ready[name] = as_text(values).array
    return pd.DataFrame(ready)


def faults(prepared: pd.DataFrame, framework: Framework, skip: np.ndarray | None = None) -> Problems:
    """Every breach of the invariants of :class:`Students`; rows count from 0, columns have our names.

    ``skip`` (rows,) marks rows with a cell that could not be understood: its absence needs no explanation.
    """
    problems = Problems()
    ladder = [level.key for level in framework.levels]
    allowed: dict[str, list[str]] = dict.fromkeys(LEVELS, ladder)
    allowed |= {"pix_gate": list(GATES), "jury": list(JURY)}
    if framework.mentions:
        allowed["mention"] = [mention.key for mention in framework.mentions]
    if framework.sessions:
        allowed["session"] = list(framework.sessions)
    codes = {"mention": "unknown_mention", "session": "unknown_session"}
    _tell(problems, "empty_identifier", prepared, prepared["student"].isna().to_numpy(), "student")
    for name, keys in allowed.items():
        wrong = (prepared[name].notna() & ~prepared[name].isin(keys)).to_numpy()
        _tell(problems, codes.get(name, "unknown_level"), prepared, wrong, name, allowed=", ".join(keys), nearest="")
    _repeated(problems, prepared)
    status = prepared["jury"].astype(object)
    level = prepared["inspe_level"].notna()
    if level.any():
        explained = status.isin(["refused", "waiting"]) | (prepared["pix_gate"].astype(object) == "not_admissible")
        unexplained = (~level & ~explained).to_numpy()
        unexplained = unexplained if skip is None else unexplained & ~skip
        _tell(problems, "level_unexplained", prepared, unexplained, "inspe_level")
    contradicted = (
        level & (prepared["inspe_level"].astype(object) != "not_reached") & status.isin(["refused"])
    ).to_numpy()
    _tell(problems, "level_refused", prepared, contradicted, "inspe_level")
    return problems


def _tell(problems: Problems, code: str, prepared: pd.DataFrame, wrong: np.ndarray, column: str, **values: Any) -> None:
    where = np.flatnonzero(wrong)
    room = positions(problems, where)
    for position in where[:room]:
        found = prepared[column].iloc[position]
        text = "" if pd.isna(found) else str(found)
        problems.add(Problem(code, {"wanted": column, **values}, row=int(position), column=column, found=text))
    problems.count += len(where) - room


def _repeated(problems: Problems, prepared: pd.DataFrame) -> None:
    rows = np.flatnonzero(prepared["student"].notna().to_numpy())
    first = first_rows(combined_codes(prepared.iloc[rows], ("session", "student")))
    again = np.flatnonzero(first != np.arange(len(rows)))
    room = positions(problems, rows[again])
    for position in again[:room]:
        found = str(prepared["student"].iloc[rows[position]])
        values = {"first_row": int(rows[first[position]])}
        problems.add(Problem("student_repeated", values, row=int(rows[position]), column="student", found=found))
    problems.count += len(again) - room
