"""Rubric scores, valid by construction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.frame import as_text, combined_codes, first_rows, positions
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Note

IDENTIFIERS = ("student", "trainer", "inspe", "trainer_inspe", "mention", "session", "occasion")
COLUMNS = (*IDENTIFIERS, "criterion", "score")
REQUIRED = ("student", "trainer", "criterion", "score")
_RATING_KEY = ("session", "student", "trainer", "occasion", "criterion")


@dataclass(frozen=True)
class Source:
    """Where rows came from and what became of them.

    Rows are those of the file below the header that hold anything; ``recoded`` counts cells whose word was turned into
    a score, ``set_aside`` rows in which nothing is rated, ``refused`` rows at fault.
    """

    file: str
    sha256: str = ""
    rows_read: int = 0
    recoded: int = 0
    set_aside: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Ratings:
    """One row per rating, in one canonical order, with the framework that gives the scores their meaning.

    ``frame`` has the columns of :data:`COLUMNS`, always all of them. Identifiers are categories of text in sorted order
    (missing throughout where the source lacks the column), ``criterion`` is a category in the framework's order and
    ``score`` a whole number on the scale of its criterion. An absent rating is an absent row.
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
        framework: Framework | None = None,
        levels: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
        student: str = "student",
        trainer: str = "trainer",
        criterion: str | None = "criterion",
        score: str = "score",
        inspe: str = "inspe",
        trainer_inspe: str = "trainer_inspe",
        mention: str = "mention",
        session: str = "session",
        occasion: str = "occasion",
        sources: Iterable[Source] = (),
        notes: Iterable[Note] = (),
        simulated: bool = False,
    ) -> Ratings:
        """Ratings from any long table: one row per student, trainer and criterion.

        Parameters
        ----------
        frame
            The table; the keywords name its columns. Rows without a score are absent ratings and are left out.
        framework
            The framework of the scores. Without it ``levels`` makes a plain one.
        levels
            The ordered scale: whole numbers are the scores themselves (``range(5)``), texts are names of levels
            (scores 0, 1, …). A mapping gives each criterion its own scale. The data never tell the number of levels.
        criterion
            None where everything was rated on a single criterion.

        Raises
        ------
        DataError
            With every fault: missing columns, empty identifiers, unknown criteria, scores off the scale, a student
            rated twice by a trainer on one criterion, a student in two INSPÉ in one session. ``row`` counts the rows of
            ``frame`` from 1.
        """
        given = {
            "student": student, "trainer": trainer, "criterion": criterion, "score": score, "inspe": inspe,
            "trainer_inspe": trainer_inspe, "mention": mention, "session": session, "occasion": occasion,
        }  # fmt: skip
        absent = [given[name] for name in REQUIRED if given[name] is not None and given[name] not in frame.columns]
        if absent:
            raise DataError(Problem("missing_column", {"wanted": column}, column=str(column)) for column in absent)
        table = pd.DataFrame(index=range(len(frame)))
        for name in COLUMNS:
            source = given[name]
            if source is None:
                table[name] = "1"
            elif source in frame.columns:
                table[name] = frame[source].to_numpy()
            else:
                table[name] = np.nan
        framework = framework or _plain_framework(table, levels)
        table["score"] = _scores(table["score"], framework)
        prepared = prepare(table, framework)
        problems = faults(prepared, framework)
        if problems:
            raise DataError(_told(problems, given))
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
    ) -> Ratings:
        """Ratings from a prepared frame in which :func:`faults` found nothing."""
        rated = prepared.loc[prepared["score"].notna().to_numpy()]
        table = pd.DataFrame({name: rated[name].array for name in COLUMNS})
        for name in IDENTIFIERS:
            table[name] = table[name].cat.remove_unused_categories()
        order = framework_order(framework)
        table["criterion"] = table["criterion"].cat.set_categories(order)
        table["score"] = table["score"].astype(np.int16)
        table, extra = _with_trainer_inspe(table)
        key = combined_codes(table, _RATING_KEY)
        table = table.iloc[np.argsort(key, kind="stable")].reset_index(drop=True)
        return cls(framework, table, (*notes, *extra), tuple(sources), simulated)

    def __len__(self) -> int:
        return len(self.frame)

    def known(self, column: str) -> bool:
        """Whether any row has a value in ``column``."""
        return bool(self.frame[column].notna().any())

    @property
    def criteria(self) -> list[str]:
        """Keys of the criteria that count in totals (role "global" left out), in the framework's order."""
        return [criterion.key for criterion in self.framework.scored]

    @property
    def scored(self) -> pd.DataFrame:
        """The rows of the criteria that count in totals."""
        keep = set(self.criteria)
        if len(keep) == len(self.framework.criteria):
            return self.frame
        return self.frame[self.frame["criterion"].isin(keep)].reset_index(drop=True)

    def codes(self, column: str, frame: pd.DataFrame | None = None) -> tuple[np.ndarray, list[str]]:
        """Integer codes (rows,) of ``column`` and their labels; a missing value is -1."""
        values = (self.frame if frame is None else frame)[column].cat
        return values.codes.to_numpy().astype(np.int64), list(values.categories)

    def units(self, frame: pd.DataFrame | None = None) -> np.ndarray:
        """Codes (rows,) of the rated files: a student in one session on one occasion, numbered from 0."""
        key = combined_codes(self.frame if frame is None else frame, ("session", "student", "occasion"))
        return np.unique(key, return_inverse=True)[1].astype(np.int64)

    def where(self, mask: np.ndarray | pd.Series) -> Ratings:
        """The ratings of the rows in ``mask``, under the same framework."""
        table = self.frame[np.asarray(mask, dtype=bool)].reset_index(drop=True)
        for name in IDENTIFIERS:
            table[name] = table[name].cat.remove_unused_categories()
        return Ratings(self.framework, table, self.notes, self.sources, self.simulated)


def framework_order(framework: Framework) -> list[str]:
    """Keys of all the criteria in the framework's order."""
    return [criterion.key for criterion in framework.criteria]


def prepare(table: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """The columns of :data:`COLUMNS`, identifiers as sorted categories of text, score as a number.

    Criteria that the framework lacks stay as categories of their own, so that :func:`faults` can name them.
    """
    ready: dict[str, Any] = {}
    for name in COLUMNS:
        values = table[name] if name in table.columns else pd.Series(np.nan, index=table.index)
        if name == "score":
            ready[name] = pd.to_numeric(values, errors="coerce").astype(float).array
        else:
            ready[name] = as_text(values).array
    prepared = pd.DataFrame(ready)
    known = framework_order(framework)
    foreign = [key for key in prepared["criterion"].cat.categories if key not in set(known)]
    prepared["criterion"] = prepared["criterion"].cat.set_categories([*known, *foreign])
    return prepared


def faults(prepared: pd.DataFrame, framework: Framework, leading: np.ndarray | None = None) -> Problems:
    """Every breach of the invariants of :class:`Ratings`.

    ``prepared`` comes from :func:`prepare`. ``row`` of a problem is the position (from 0) of the row in it and
    ``column`` our name of the column; a loader turns them into the file's own row and header. A row whose score is
    missing is an absent rating and can only fault by its identifiers. ``leading`` (rows,) marks, where one row of a
    file holds many ratings, the first of them: the identifiers of that row are told once.
    """
    problems = Problems()
    rated = prepared["score"].notna().to_numpy()
    once = np.ones(len(prepared), dtype=bool) if leading is None else leading
    for name in ("student", "trainer", "criterion"):
        _tell(problems, "empty_identifier", prepared, once & prepared[name].isna().to_numpy(), name, {"wanted": name})
    texts = {text: each.key for each in framework.criteria for text in each.text.values()}
    _unknown(problems, prepared, "criterion", framework_order(framework), "unknown_criterion", once, texts)
    if framework.mentions:
        mentions = [mention.key for mention in framework.mentions]
        _unknown(problems, prepared, "mention", mentions, "unknown_mention", once)
    if framework.sessions:
        _unknown(problems, prepared, "session", list(framework.sessions), "unknown_session", once)
    _off_scale(problems, prepared, framework)
    identified = rated & prepared[["student", "trainer", "criterion"]].notna().all(axis=1).to_numpy()
    _duplicates(problems, prepared, identified)
    for name in ("inspe", "mention"):
        _two_homes(problems, prepared, name)
    return problems


def _tell(
    problems: Problems,
    code: str,
    prepared: pd.DataFrame,
    wrong: np.ndarray,
    column: str,
    values: Mapping[str, Any],
) -> None:
    where = np.flatnonzero(wrong)
    room = positions(problems, where)
    for position in where[:room]:
        found = prepared[column].iloc[position]
        text = "" if pd.isna(found) else f"{found:.12g}" if isinstance(found, float) else str(found)
        problems.add(Problem(code, values, row=int(position), column=column, found=text))
    problems.count += len(where) - room


def _unknown(
    problems: Problems,
    prepared: pd.DataFrame,
    column: str,
    allowed: list[str],
    code: str,
    once: np.ndarray,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Labels that are none of ``allowed``; the nearest is sought among these and among ``texts`` (text → label)."""
    cells = prepared[column].cat
    foreign = np.array([*(label not in set(allowed) for label in cells.categories), False])
    where = np.flatnonzero(once & foreign[cells.codes.to_numpy()])
    room = positions(problems, where)
    for position in where[:room]:
        found = str(prepared[column].iloc[position])
        values = {"nearest": nearest(found, allowed, texts or {}), "allowed": ", ".join(allowed)}
        problems.add(Problem(code, values, row=int(position), column=column, found=found))
    problems.count += len(where) - room


def nearest(found: str, allowed: Sequence[str], texts: Mapping[str, str], cutoff: float = 0.0) -> str:
    """The label most like ``found``, by itself or by its text, empty where none is as like as ``cutoff``."""
    names = {text.casefold(): label for text, label in texts.items()} | {label.casefold(): label for label in allowed}
    near = difflib.get_close_matches(found[:300].casefold(), names, n=1, cutoff=cutoff)
    return names[near[0]] if near else ""


def _off_scale(problems: Problems, prepared: pd.DataFrame, framework: Framework) -> None:
    score = prepared["score"].to_numpy()
    codes = prepared["criterion"].cat.codes.to_numpy()
    with np.errstate(invalid="ignore"):
        fractional = np.isfinite(score) & (score != np.floor(score))
    _tell(problems, "fractional_score", prepared, fractional, "score", {})
    whole = np.isfinite(score) & ~fractional
    scales = [(index, framework.level_scores(key)) for index, key in enumerate(framework_order(framework))]
    for scale in sorted({scale for _, scale in scales}):
        members = [index for index, own in scales if own == scale]
        wrong = whole & np.isin(codes, members) & ~np.isin(score, scale)
        values = {"lowest": min(scale), "highest": max(scale), "allowed": ", ".join(map(str, scale))}
        _tell(problems, "off_scale_score", prepared, wrong, "score", values)
    _tell(problems, "off_scale_score", prepared, np.isinf(score), "score", {"lowest": "", "highest": "", "allowed": ""})


def _duplicates(problems: Problems, prepared: pd.DataFrame, identified: np.ndarray) -> None:
    rows = np.flatnonzero(identified)
    key = combined_codes(prepared.iloc[rows], _RATING_KEY)
    first = first_rows(key)
    repeated = np.flatnonzero(first != np.arange(len(key)))
    score = prepared["score"].to_numpy()[rows]
    same = score[repeated] == score[first[repeated]]
    for code, chosen in (("duplicate_equal", repeated[same]), ("duplicate_contradictory", repeated[~same])):
        room = positions(problems, rows[chosen])
        for position in chosen[:room]:
            row, other = rows[position], rows[first[position]]
            values = {
                "first_row": int(other),
                "first_score": int(score[first[position]]),
                **{name: str(prepared[name].iloc[row]) for name in ("student", "trainer", "criterion")},
            }
            found = f"{score[position]:g}"
            problems.add(Problem(code, values, row=int(row), column="score", found=found))
        problems.count += len(chosen) - room


def _two_homes(problems: Problems, prepared: pd.DataFrame, column: str) -> None:
    """A student belongs to one INSPÉ (and one mention) in a session."""
    rows = np.flatnonzero(prepared[[column, "student"]].notna().all(axis=1).to_numpy())
    student = combined_codes(prepared.iloc[rows], ("session", "student"))
    home = prepared[column].cat.codes.to_numpy()[rows]
    first = first_rows(student)
    pair = student * (int(home.max(initial=0)) + 1) + home
    # One fault per student and second home, not one per row.
    wrong = np.flatnonzero((home != home[first]) & (first_rows(pair) == np.arange(len(rows))))
    room = positions(problems, rows[wrong])
    for position in wrong[:room]:
        row, other = rows[position], rows[first[position]]
        values = {
            "student": str(prepared["student"].iloc[row]),
            "first": str(prepared[column].iloc[other]),
            "first_row": int(other),
        }
        found = str(prepared[column].iloc[row])
        problems.add(Problem(f"two_{column}s", values, row=int(row), column=column, found=found))
    problems.count += len(wrong) - room


def _told(problems: Problems, given: Mapping[str, str | None]) -> Problems:
    told = Problems(uncounted=problems.count - len(problems.items))
    for problem in problems:
        values = dict(problem.values)
        if "first_row" in values:
            values["first_row"] += 1
        row = None if problem.row is None else problem.row + 1
        column = str(given.get(problem.column) or problem.column)
        told.add(Problem(problem.code, values, row=row, column=column, found=problem.found))
    return told


def _plain_framework(table: pd.DataFrame, levels: Sequence[Any] | Mapping[str, Sequence[Any]] | None) -> Framework:
    if levels is None:
        raise DataError([Problem("levels_not_given")])
    criteria = list(as_text(table["criterion"]).cat.categories)
    chosen = {str(key): list(scale) for key, scale in levels.items()} if isinstance(levels, Mapping) else list(levels)
    return Framework.plain("data", criteria, chosen)


def _scores(values: pd.Series, framework: Framework) -> pd.Series:
    """Scores as numbers; a text that names a level becomes the score of that level."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    names = {
        name: level.score
        for scale in framework.scales.values()
        for level in scale
        for name in (level.key, *level.text.values())
    }
    numbers = pd.to_numeric(values, errors="coerce")
    named = values.map(lambda value: names.get(str(value).strip()) if isinstance(value, str) else None)
    scores = numbers.where(numbers.notna(), pd.to_numeric(named, errors="coerce"))
    lost = np.flatnonzero((scores.isna() & values.notna()).to_numpy())
    if len(lost):
        allowed = ", ".join(dict.fromkeys(level.text.get("fr", level.key) for level in framework.levels))
        problems = Problems(uncounted=max(0, len(lost) - 200))
        for position in lost[:200]:
            found = str(values.iloc[position])
            problems.add(
                Problem("unknown_level", {"allowed": allowed}, row=int(position) + 1, column="score", found=found)
            )
        raise DataError(problems)
    return scores


def _with_trainer_inspe(table: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    missing = table["trainer_inspe"].isna()
    if not missing.any() or not table["inspe"].notna().any():
        return table, []
    counts = table.loc[missing & table["inspe"].notna(), ["trainer", "inspe"]].value_counts(sort=False)
    counts = counts.reset_index().sort_values(["trainer", "count", "inspe"], ascending=[True, False, True])
    home = counts.drop_duplicates("trainer").set_index("trainer")["inspe"].astype(object)
    filled = table["trainer_inspe"].astype(object).where(~missing, table["trainer"].astype(object).map(home))
    table = table.assign(trainer_inspe=as_text(filled).array)
    return table, [Note("ratings.trainer_inspe_inferred", {"n": len(home)}, "caution", 70)]
