"""What ``icc`` asks of the core: scores of files by trainers, for one criterion or for the mean over criteria."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crcne_stats.core.graph import components as islands
from crcne_stats.core.icc import Panel, panel
from crcne_stats.domain.ratings import Ratings

Array = np.ndarray[Any, Any]
WITHIN = ("auto", "inspe", "island", "all")


@dataclass(frozen=True, eq=False)
class Target:
    """One thing asked: scores ``y`` (rating,) with their files, students, trainers and groups of files.

    ``within`` says what the groups are ("" for one mean); ``cut`` is where the level asked for begins, in the units of
    ``y``; ``place`` numbers the target for its seed.
    """

    labels: dict[str, Any]
    y: Array
    file: Array
    student: Array
    trainer: Array
    group: Array
    within: str
    cut: float
    place: int

    @property
    def design(self) -> Panel:
        """Who rated what."""
        return panel(self.file, self.trainer, self.group)

    @property
    def double(self) -> Array:
        """(rating,) whether the file has another rating."""
        found, size = np.unique(self.file, return_inverse=True, return_counts=True)[1:]
        return np.asarray(size[found] >= 2)

    @property
    def table(self) -> Array:
        """Scores (file, trainer) of a complete design."""
        order = np.lexsort((self.trainer, self.file))
        return self.y[order].reshape(len(np.unique(self.file)), -1)

    @property
    def reason(self) -> str:
        """Why nothing at all can be said, empty when something can."""
        if not len(self.y):
            return "no_ratings"
        if len(np.unique(self.trainer)) == 1:
            return "one_trainer"
        if len(np.unique(self.student)) == 1:
            return "single_student"
        if not self.double.any():
            return "no_double_rating"
        if np.ptp(self.y) <= 1e-9:
            return "constant_scores"
        return "" if len(np.unique(self.file)) > len(np.unique(self.group)) else "one_file_per_group"

    def only(self, rows: Array) -> Target:
        """The same of some ratings."""
        return Target(
            self.labels, self.y[rows], self.file[rows], self.student[rows], self.trainer[rows], self.group[rows],
            self.within, self.cut, self.place,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sheets:
    """Every rating of the criteria asked, coded (rating,)."""

    criterion: Array
    score: Array
    file: Array
    student: Array
    trainer: Array
    inspe: Array
    holes: float
    mixed: bool


def sheets(ratings: Ratings, chosen: list[str]) -> Sheets:
    """The ratings of some criteria. Where their scales differ, scores become positions from 0 to 1 on their scale."""
    frame = ratings.frame[ratings.frame["criterion"].isin(chosen)]
    criterion = frame["criterion"].cat.set_categories(chosen).cat.codes.to_numpy().astype(np.int64)
    score = frame["score"].to_numpy().astype(float)
    scales = [ratings.framework.level_scores(key) for key in chosen]
    mixed = len(set(scales)) > 1
    if mixed:
        ends = np.array([(scale[0], max(scale[-1] - scale[0], 1)) for scale in scales], dtype=float)
        score = (score - ends[criterion, 0]) / ends[criterion, 1]
    file, trainer = ratings.units(frame), ratings.codes("trainer", frame)[0]
    sheet = len(np.unique(file * (int(trainer.max(initial=0)) + 1) + trainer))
    return Sheets(
        criterion, score, file, ratings.codes("student", frame)[0], trainer, ratings.codes("inspe", frame)[0],
        1 - len(frame) / max(sheet * len(chosen), 1), mixed,
    )  # fmt: skip


def cuts(ratings: Ratings, chosen: list[str], near: str | None, mixed: bool) -> Array:
    """(criterion,) the score at which the level ``near`` begins; by default the second level of each scale."""
    found = []
    for key in chosen:
        scale = ratings.framework.scale(key)
        rung = next((level for level in scale if level.key == near), scale[min(1, len(scale) - 1)])
        span = max(scale[-1].score - scale[0].score, 1) if mixed else 1
        found.append((rung.score - scale[0].score * mixed) / span)
    return np.array(found, dtype=float)


def of_criteria(data: Sheets, chosen: list[str], cut: Array, within: str) -> Iterator[Target]:
    """One target per criterion."""
    order = np.argsort(data.criterion, kind="stable")
    edges = np.searchsorted(data.criterion[order], np.arange(len(chosen) + 1))
    for place, key in enumerate(chosen):
        rows = order[edges[place] : edges[place + 1]]
        yield _target({"criterion": key}, data, rows, data.score[rows], float(cut[place]), within, place + 1)


def of_means(data: Sheets, rows: Array, labels: dict[str, Any], cut: Array, within: str, place: int) -> Target:
    """One target: each trainer's mean over the criteria of a file, among ``rows``.

    The mean of each criterion is taken out first, so that a criterion left unrated makes no file better or worse.
    """
    criterion, score = data.criterion[rows], data.score[rows]
    size = np.bincount(criterion, minlength=len(cut))
    average = np.bincount(criterion, score, len(cut)) / np.maximum(size, 1)
    sheet = data.file[rows] * (int(data.trainer.max(initial=0)) + 1) + data.trainer[rows]
    _, first, code = np.unique(sheet, return_index=True, return_inverse=True)
    centre = average[size > 0].mean() if (size > 0).any() else 0.0
    mean = centre + np.bincount(code, score - average[criterion], len(first)) / np.bincount(code, minlength=len(first))
    middle = float(cut[size > 0].mean()) if (size > 0).any() else 0.0
    return _target(labels, data, rows[first], mean, middle, within, place)


def _target(labels: dict[str, Any], data: Sheets, rows: Array, y: Array, cut: float, within: str, place: int) -> Target:
    file, trainer = (np.unique(codes[rows], return_inverse=True)[1] for codes in (data.file, data.trainer))
    kind, group = _groups(file, trainer, data.inspe[rows], within)
    return Target(labels, y, file, data.student[rows], trainer, group, kind, cut, place)


def _groups(file: Array, trainer: Array, inspe: Array, within: str) -> tuple[str, Array]:
    """What has a mean of its own, and the code of each rating's group."""
    alone = np.zeros(len(file), dtype=np.int64)
    if within == "all" or not len(file):
        return "", alone
    n_files, n_trainers = int(file.max()) + 1, int(trainer.max()) + 1
    plan = panel(file, trainer) if within == "auto" else None
    if plan is not None and plan.complete:
        return "", alone
    home = np.unique(inspe, return_inverse=True)[1]
    if within in ("auto", "inspe") and home.max() > 0:
        return "inspe", home
    if within == "inspe" or (plan is not None and not plan.crossed):
        return "", alone  # where no trainers meet twice, all that sets files apart from error is their own mean
    island = islands(file, trainer, n_files, n_trainers)[0][file]
    return ("island", island) if island.max() > 0 else ("", alone)
