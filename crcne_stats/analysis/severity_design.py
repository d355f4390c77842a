"""What ``severity`` asks of the core: ratings in codes, who belongs together, which model, which population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.core.graph import components, distinct_pairs
from crcne_stats.core.rasch.design import THRESHOLD, Anchor, GroupAnchor, Model, RatingData
from crcne_stats.core.rasch.population import Population, group_means, one_mean
from crcne_stats.domain.frame import combined_codes
from crcne_stats.domain.ratings import Ratings

MAIN = ("trainer", "criterion")
FURTHER = ("session", "mention", "occasion", "inspe", "trainer_inspe")
"""Columns that may become further facets, or take part in interactions."""
COVARIATES = ("session", "mention")


@dataclass(frozen=True, eq=False)
class Design:
    """The ratings as the core reads them.

    ``people`` has a row for each person (a student in one session): student, session, inspe, mention; ``names`` the
    labels of each facet; ``scores`` (criterion, level) the framework's score of each level, NaN beyond a criterion's
    last; ``file`` (rating,) the rated file; ``counted`` (scored rating,) which of the scored ratings these are, all but
    those of weight 0. ``component`` (person,) and ``trainer_component`` (trainer,) count from 0.
    """

    ratings: Ratings
    frame: pd.DataFrame
    data: RatingData
    people: pd.DataFrame
    names: dict[str, list[str]]
    scores: np.ndarray
    file: np.ndarray
    counted: np.ndarray
    component: np.ndarray
    trainer_component: np.ndarray

    @property
    def n_components(self) -> int:
        """Number of islands of the graph of students and trainers."""
        return int(self.trainer_component.max(initial=-1)) + 1


def design(ratings: Ratings, extra: Sequence[str], weight: np.ndarray | None = None) -> Design:
    """Ratings of the criteria that count in totals, in codes; ``extra`` names facets beside trainer and criterion.

    ``weight`` (scored rating,): how many times each counts; those of weight 0 are left out.
    """
    frame = ratings.scored
    counted = np.ones(len(frame), dtype=bool) if weight is None else weight > 0
    if weight is not None:
        frame, weight = frame[counted].reset_index(drop=True), weight[counted]
    names: dict[str, list[str]] = {"criterion": ratings.criteria}
    order = {key: place for place, key in enumerate(ratings.criteria)}
    codes, labels = ratings.codes("criterion", frame)
    facets = {"criterion": np.array([order.get(label, -1) for label in labels] or [0])[codes].astype(np.int64)}
    for name in ("trainer", *extra):
        code, labels = ratings.codes(name, frame)
        used, place = np.unique(np.where(code < 0, len(labels), code), return_inverse=True)
        names[name] = [[*labels, "–"][position] for position in used]
        facets[name] = place.astype(np.int64)
    facets = {name: facets[name] for name in ("trainer", "criterion", *extra)}
    person = np.unique(combined_codes(frame, ("session", "student")), return_inverse=True)[1].astype(np.int64)
    first = np.unique(person, return_index=True)[1]
    people = frame.iloc[first][["student", "session", "inspe", "mention"]].reset_index(drop=True)
    scales = [sorted(ratings.framework.level_scores(key)) for key in ratings.criteria]
    width = max((len(scale) for scale in scales), default=1)
    scores = np.array([[*scale, *[np.nan] * (width - len(scale))] for scale in scales], dtype=float).reshape(-1, width)
    score = (scores[facets["criterion"]] < frame["score"].to_numpy()[:, None]).sum(axis=1)
    data = RatingData(
        person, facets, score.astype(np.int64), len(people), {name: len(names[name]) for name in facets},
        np.array([len(scale) for scale in scales], dtype=np.int64), weight=weight,
    )  # fmt: skip
    met = distinct_pairs(person, facets["trainer"])
    own, theirs = components(*met, len(people), len(names["trainer"]))
    return Design(ratings, frame, data, people, names, scores, ratings.units(frame), counted, own, theirs)


def population(asked: Design, wanted: str | None) -> tuple[Population, np.ndarray, list[str]]:
    """The population that was asked, the group (person,) of each student's mean, and the covariates used.

    By default, and with "inspe", a free mean for each INSPÉ (in each component, where one lies in several); for each
    component where no INSPÉ is known. "equal_means" has one mean for all. "inspe+session" and the like add columns,
    save those that the groups already fix.
    """
    parts = (wanted or "inspe").split("+")
    group = asked.component.astype(np.int64)
    if parts[0] == "equal_means":
        group = np.zeros(len(group), dtype=np.int64)
    elif asked.people["inspe"].notna().any():
        inspe = asked.people["inspe"].cat.codes.to_numpy().astype(np.int64)
        key = group * (int(inspe.max(initial=0)) + 2) + inspe + 1
        group = np.unique(key, return_inverse=True)[1].astype(np.int64)
    made = one_mean(len(group)) if parts[0] == "equal_means" else group_means(group)
    columns, used = made.design, []
    for name in parts[1:]:
        more = _dummies(asked.people[name])
        wider = _independent(columns, more)
        if wider.shape[1] > columns.shape[1]:
            used.append(name)
        columns = wider
    return Population(columns), group, used


def _dummies(values: pd.Series) -> np.ndarray:
    codes = values.cat.codes.to_numpy()
    return np.asarray(codes[:, None] == np.unique(codes[codes >= 0])[1:], dtype=float)


def _independent(columns: np.ndarray, more: np.ndarray) -> np.ndarray:
    """``columns`` and those of ``more`` that they do not already hold."""
    for place in range(more.shape[1]):
        wider = np.column_stack([columns, more[:, place]])
        gram = wider.T @ wider
        if np.linalg.matrix_rank(gram, tol=1e-9 * np.trace(gram)) == wider.shape[1]:
            columns = wider
    return columns


def with_levels(made: Population, level: np.ndarray) -> Population:
    """The population with the level of another test (person,) as a column for each but the first; −1: unknown."""
    known = np.unique(level[level >= 0])
    more = np.asarray(level[:, None] == known[1:], dtype=float)
    return Population(_independent(made.design, np.column_stack([more, (level < 0).astype(float)])), made.sd)


def model(
    asked: Design,
    thresholds: str,
    interactions: Sequence[tuple[str, str]],
    extra: Sequence[str],
    anchors: pd.DataFrame | None,
    relative: bool,
) -> tuple[Model, list[str]]:
    """The model in codes, and the anchors that name nothing in these ratings."""
    single, grouped, lost = _anchors(asked, anchors, thresholds)
    facets = (*MAIN, *[name for name in extra if not _only_interacts(name, interactions, extra)])
    parts = {"trainer": asked.trainer_component} if relative and asked.n_components > 1 else {}
    made = Model(
        facets=facets,
        interactions=tuple(interactions),
        thresholds=thresholds,
        components=parts,
        anchors=tuple(single),
        group_anchors=tuple(grouped),
    )
    return made, lost


def _only_interacts(name: str, interactions: Sequence[tuple[str, str]], extra: Sequence[str]) -> bool:
    """Whether a column was asked for its interactions alone: its main effect then belongs to the population."""
    return any(name in pair for pair in interactions) and name not in MAIN


def _anchors(
    asked: Design, table: pd.DataFrame | None, thresholds: str
) -> tuple[list[Anchor], list[GroupAnchor], list[str]]:
    single: list[Anchor] = []
    lost: list[str] = []
    groups: dict[tuple[str, str], tuple[list[int], float]] = {}
    if table is None:
        return single, [], lost
    for row in table.astype(object).to_dict("records"):
        facet, member, value = str(row["facet"]), row.get("member"), float(row["value"])
        if facet == "inspe":
            continue  # a mean of ability, which the link uses
        place = _place(asked, facet, member, row.get("level"), thresholds)
        if place is None:
            lost.append(f"{facet} {member}")
        elif not pd.isna(row.get("group", np.nan)) and row["group"] != "":
            groups.setdefault((facet, str(row["group"])), ([], value))[0].append(place[0])
        else:
            single.append(Anchor(facet, place[0], value, place[1]))
    return single, [GroupAnchor(facet, tuple(found), value) for (facet, _), (found, value) in groups.items()], lost


def _place(asked: Design, facet: str, member: Any, level: Any, thresholds: str) -> tuple[int, int | None] | None:
    """The element (and the level) that an anchor names, None when these ratings have no such parameter."""
    if facet == THRESHOLD:
        kinds = len(np.unique(asked.data.n_levels))
        keys = [entry.key for entry in asked.ratings.framework.scale(asked.names["criterion"][0])]
        rows = np.ones(len(asked.data.score), dtype=bool)
        group: int | None = 0 if kinds == 1 else None
        if thresholds != "shared":
            group = _index(asked.names[thresholds], member)
            rows = asked.data.facets[thresholds] == group
        place = _index(keys, level)
        score = asked.data.score[rows]
        # The lowest level that somebody used has no step that leads to it.
        used = place is not None and bool((score == place).any() and (score < place).any())
        return None if group is None or place is None or not used else (group, place)
    found = _index(asked.names.get(facet, []), member)
    if found is None or not (asked.data.facets[facet] == found).any():
        return None
    return found, None


def _index(names: Sequence[str], wanted: Any) -> int | None:
    return names.index(str(wanted)) if str(wanted) in names else None
