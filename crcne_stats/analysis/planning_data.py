"""Files, trainers and what a new rating would cost, as planning sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.core.graph import components
from crcne_stats.core.repair import Rules
from crcne_stats.domain.ratings import Ratings

ABOUT = ("student", "session", "occasion", "inspe", "mention")


@dataclass(frozen=True, eq=False)
class Situation:
    """Who rated what: ``file`` and ``trainer`` (sheet,), ``sheet`` (rating,) of the scored ratings.

    ``about`` has a row for each file, ``home`` (trainer,) the code of the trainer's INSPÉ, -1 where it is not known.
    """

    ratings: Ratings
    file: np.ndarray
    trainer: np.ndarray
    sheet: np.ndarray
    about: pd.DataFrame
    trainers: list[str]
    home: np.ndarray
    homes: list[str]

    @property
    def n_files(self) -> int:
        """Rated files."""
        return len(self.about)

    @property
    def n_trainers(self) -> int:
        """Trainers."""
        return len(self.trainers)

    @cached_property
    def n_students(self) -> int:
        """Students behind the files."""
        return int(self.about["student"].nunique())

    @cached_property
    def mentions(self) -> list[frozenset[int]]:
        """The mentions whose files each trainer rated (trainer,)."""
        code = self.about["mention"].cat.codes.to_numpy()[self.file]
        found: list[set[int]] = [set() for _ in self.trainers]
        for trainer, mention in set(zip(self.trainer.tolist(), code.tolist(), strict=True)):
            if mention >= 0:
                found[trainer].add(mention)
        return [frozenset(own) for own in found]

    def groups(self, file: Any, trainer: Any) -> tuple[np.ndarray, np.ndarray]:
        """Group of trainers (trainer,), and of each file's mean ability (file,): INSPÉ in each group of trainers.

        For a design of these sheets, not only that in hand; groups of trainers are those that files link.
        """
        of_file, of_trainer = components(np.asarray(file), np.asarray(trainer), self.n_files, self.n_trainers)
        inspe = self.about["inspe"].cat.codes.to_numpy().astype(np.int64) + 1
        key = of_file.astype(np.int64) * (int(inspe.max(initial=0)) + 1) + inspe
        return of_trainer, np.unique(key, return_inverse=True)[1].astype(np.int64)


def situation(ratings: Ratings) -> Situation:
    """The files and trainers of the criteria that count in totals."""
    frame = ratings.scored
    file = ratings.units(frame)
    trainer, names = ratings.codes("trainer", frame)
    key, sheet = np.unique(file * max(len(names), 1) + trainer, return_inverse=True)
    first = np.unique(file, return_index=True)[1]
    about = frame.iloc[first][list(ABOUT)].reset_index(drop=True)
    home, homes = ratings.codes("trainer_inspe", frame)
    of_trainer = np.full(len(names), -1, dtype=np.int64)
    of_trainer[trainer] = home
    n = max(len(names), 1)
    return Situation(ratings, key // n, key % n, sheet.astype(np.int64), about, names, of_trainer, homes)


def rules(given: Situation, settings: Mapping[str, Any]) -> Rules:
    """What a new rating of each kind of file by each kind of trainer costs in hours, and which are allowed.

    A rating takes the time for a file and that for moderation, since the file then has several trainers; one in another
    INSPÉ also the time for travel.
    """
    inspe = given.about["inspe"].astype(object).where(given.about["inspe"].notna(), None)
    mention = given.about["mention"].cat.codes.to_numpy()
    file_kinds, file_class = _classes(list(zip(inspe, mention.tolist(), strict=True)))
    homes = [given.homes[place] if place >= 0 else None for place in given.home.tolist()]
    trainer_kinds, trainer_class = _classes(list(zip(homes, given.mentions, strict=True)))
    cost = np.full((len(file_kinds), len(trainer_kinds)), settings["hours_per_file"] + settings["moderation_hours"])
    for row, (theirs, of_file) in enumerate(file_kinds):
        for column, (home, known) in enumerate(trainer_kinds):
            if settings["same_mention"] and of_file >= 0 and known and of_file not in known:
                cost[row, column] = np.inf
            elif theirs is not None and home is not None:
                if theirs == home and settings["exclude_own"]:
                    cost[row, column] = np.inf
                elif theirs != home:
                    cost[row, column] += settings["travel_hours"]
    return Rules(file_class, trainer_class, cost, np.full(given.n_trainers, int(settings["load"]), dtype=np.int64))


def _classes(kinds: list[Any]) -> tuple[list[Any], np.ndarray]:
    place = {kind: code for code, kind in enumerate(dict.fromkeys(kinds))}
    return list(place), np.array([place[kind] for kind in kinds], dtype=np.int64)
