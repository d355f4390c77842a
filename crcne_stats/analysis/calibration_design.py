"""Two versions stacked in codes: what became of each criterion, who was rated under which version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from crcne_stats.core.graph import components, distinct_pairs
from crcne_stats.core.rasch.design import RatingData
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.ratings import Ratings

RATER, VERSION = "rater", "version"
"""The facet of a trainer in one version, and that of the version."""


@dataclass(frozen=True)
class Tie:
    """What became of criteria: ``kind`` is same, reworded, split, merged, new or dropped."""

    kind: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Stacked:
    """Ratings of two versions (0 the previous, 1 the new) as the core reads them.

    ``forms`` are criteria as they are known in both: ``old_form`` and ``new_form`` give the form of each key, one and
    the same for an unchanged or reworded criterion. ``keys`` (form,) is the new key where there is one, ``kind``
    (form,) what became of it. ``trainer`` and ``version`` (rater,); ``part`` (rater,) its island; ``cohort``,
    ``person_part`` and ``inspe`` (person,); ``group`` (person,) and ``group_cohort`` (group,) those of free means;
    ``again`` (person,) marks those rated under both versions.
    """

    old: Ratings
    new: Ratings
    ties: tuple[Tie, ...]
    data: RatingData
    old_form: dict[str, int]
    new_form: dict[str, int]
    kind: list[str]
    trainers: list[str]
    trainer: np.ndarray
    version: np.ndarray
    part: np.ndarray
    cohort: np.ndarray
    person_part: np.ndarray
    group: np.ndarray
    group_cohort: np.ndarray
    again: np.ndarray

    @property
    def n_forms(self) -> int:
        """Number of forms."""
        return len(self.kind)

    def key(self, form: int, version: int) -> str | None:
        """The key of a form in a version, None where it has none."""
        table = self.new_form if version else self.old_form
        return next((key for key, place in table.items() if place == form), None)


def ties(old: Framework, new: Framework) -> tuple[tuple[Tie, ...], str]:
    """The links between two versions, and where they come from: "crosswalk", "same_version" or "texts".

    Without a crosswalk a criterion is the same where key and text are, reworded where the key alone is.
    """
    theirs, ours = {c.key: c for c in old.scored}, {c.key: c for c in new.scored}
    if new.crosswalk is not None and new.crosswalk.previous == old.version:
        found = [
            Tie(e.kind, tuple(k for k in e.old if k in theirs), tuple(k for k in e.new if k in ours))
            for e in new.crosswalk.links
        ]
        return tuple(tie for tie in found if tie.old or tie.new), "crosswalk"
    if new.version == old.version:
        return tuple(Tie("same", (key,), (key,)) for key in ours if key in theirs), "same_version"
    made = []
    for key in ours:
        if key in theirs:
            kind = "same" if dict(theirs[key].text) == dict(ours[key].text) else "reworded"
            made.append(Tie(kind, (key,), (key,)))
        else:
            made.append(Tie("new", (), (key,)))
    made += [Tie("dropped", (key,), ()) for key in theirs if key not in ours]
    return tuple(made), "texts"


def _forms(old: Ratings, new: Ratings, found: Sequence[Tie]) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Codes of the criteria of both versions; those of the new one first, in its order."""
    new_form = {key: place for place, key in enumerate(new.criteria)}
    kind = ["new"] * len(new_form)
    old_form: dict[str, int] = {}
    for tie in found:
        for key in tie.new:
            kind[new_form[key]] = tie.kind
        one = len(tie.old) == len(tie.new) == 1 and tie.kind in ("same", "reworded")
        if one and old.framework.n_levels(tie.old[0]) == new.framework.n_levels(tie.new[0]):
            old_form[tie.old[0]] = new_form[tie.new[0]]
        elif one:
            kind[new_form[tie.new[0]]] = "rescaled"
    of = {key: tie.kind for tie in found for key in tie.old}
    for key in old.criteria:
        if key not in old_form:
            old_form[key] = len(kind)
            kind.append(of.get(key, "dropped") if of.get(key) not in ("same", "reworded") else "rescaled")
    return old_form, new_form, kind


def _union(name: str, frames: Sequence[pd.DataFrame]) -> tuple[np.ndarray, list[str]]:
    """Codes of a column of both frames among their common labels; −1 where there is none."""
    both = union_categoricals([frame[name] for frame in frames], sort_categories=True)
    return np.asarray(both.codes, dtype=np.int64), [str(label) for label in both.categories]


def _scores(ratings: Ratings, frame: pd.DataFrame, form: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Form and level (rating,), the level counted from the lowest."""
    codes, labels = ratings.codes("criterion", frame)
    forms = np.array([form.get(label, -1) for label in labels] or [0], dtype=np.int64)[codes]
    scales = [sorted(ratings.framework.level_scores(label)) for label in labels]
    width = max((len(scale) for scale in scales), default=1)
    ladder = np.array([[*scale, *[np.inf] * (width - len(scale))] for scale in scales]).reshape(-1, width)
    score = frame["score"].to_numpy(dtype=float)
    level = np.zeros(len(frame), dtype=np.int64)
    for step in range(width):  # step by step, so that memory does not grow with levels
        level += ladder[codes, step] < score
    return forms, level


def stacked(old: Ratings, new: Ratings) -> Stacked:
    """Both versions in one set of codes.

    A student of the same session in both is one person, whose file was rated again; where sessions are not known the
    students of the versions are different persons.
    """
    found, _ = ties(old.framework, new.framework)
    old_form, new_form, kind = _forms(old, new, found)
    frames = (old.scored, new.scored)
    version = np.repeat(np.arange(2), [len(frame) for frame in frames])
    both = [_scores(*given) for given in zip((old, new), frames, (old_form, new_form), strict=True)]
    form, level = (np.concatenate(parts) for parts in zip(*both, strict=True))
    codes = {name: _union(name, frames) for name in ("student", "session", "inspe", "trainer")}
    session = codes["session"][0]
    apart = np.where(session < 0, version, 0)
    key = (apart * (len(codes["session"][1]) + 1) + session + 1) * max(len(codes["student"][1]), 1)
    _, first, person = np.unique(key + codes["student"][0], return_index=True, return_inverse=True)
    person, n_people = person.astype(np.int64), len(first)
    pair, rater = np.unique(codes["trainer"][0] * 2 + version, return_inverse=True)
    rater = rater.astype(np.int64)
    person_part, part = components(*distinct_pairs(person, rater), n_people, len(pair))
    seen = np.zeros((n_people, 2), dtype=bool)
    seen[person, version] = True
    cohort = np.where(seen[:, 0], 0, 1)
    inspe = codes["inspe"][0][first]
    mark = (person_part * 2 + cohort) * (len(codes["inspe"][1]) + 1) + inspe + 1
    group_key, group = np.unique(mark, return_inverse=True)
    sizes = np.array([_n_levels(old, new, old_form, new_form, place) for place in range(len(kind))], dtype=np.int64)
    data = RatingData(
        person, {RATER: rater, "criterion": form, VERSION: version}, level, n_people,
        {RATER: len(pair), "criterion": len(kind), VERSION: 2}, sizes,
    )  # fmt: skip
    group_cohort = group_key // (len(codes["inspe"][1]) + 1) % 2
    again = np.asarray(seen.all(axis=1))
    return Stacked(
        old, new, found, data, old_form, new_form, kind, codes["trainer"][1], pair // 2, pair % 2, part, cohort,
        person_part, group.astype(np.int64), group_cohort, again,
    )  # fmt: skip


def _n_levels(old: Ratings, new: Ratings, old_form: dict[str, int], new_form: dict[str, int], form: int) -> int:
    for ratings, forms in ((new, new_form), (old, old_form)):
        for key, place in forms.items():
            if place == form:
                return ratings.framework.n_levels(key)
    return 1
