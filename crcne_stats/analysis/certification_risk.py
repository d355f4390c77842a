"""How often certificates are given at the wrong level: for each student, for the scheme, and with other panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.certification_data import (
    DEFINITIONS,
    Posteriors,
    cuts,
    posteriors,
    reaches,
    spread,
    yardstick,
)
from crcne_stats.analysis.certification_joint import joint_codes
from crcne_stats.analysis.severity import Measured
from crcne_stats.analysis.student_pairs import failed_level, level_keys
from crcne_stats.core import decisions
from crcne_stats.core.award_risk import Reach, Risk, Total, too_high, too_low, total
from crcne_stats.core.deserved import Spread, Yardstick
from crcne_stats.core.second_part import misclassified, true_levels, true_shares
from crcne_stats.domain.framework import Framework

PARTS = ("inspe", "joint")
RISKS = ("too_high", "too_low")
BAND = (0.0, 0.05, 0.1, 0.2)
"""Shares of wrong PIX+Édu results that are tried where the user states none."""
GROUPS = {"by_level": "joint_level", "by_mention": "mention", "by_inspe": "inspe"}


@dataclass(frozen=True, eq=False)
class Other:
    """The PIX+Édu part of each student.

    ``seen`` (student,) the result as an index of its own ladder (−1: none), ``cap`` (result,) the highest level awarded
    with it, ``count`` (result,) how often each was seen. With the rule "gate" there are two results.
    """

    seen: np.ndarray
    cap: np.ndarray
    count: np.ndarray
    n_levels: int

    def reach(self, error: float) -> np.ndarray:
        """Chance (result, level) that the part truly allows each level, by the result seen; a last row without one."""
        table = misclassified(len(self.cap), error)
        share = true_shares(self.count, table)
        true = true_levels(np.r_[np.arange(len(self.cap)), -1], table, share)
        allowed = self.cap[:, None] >= np.arange(self.n_levels)
        return np.asarray(true @ allowed)


@dataclass(frozen=True, eq=False)
class Case:
    """Everything that the tables rest on; rows of ``pairs`` are those of the file of students.

    ``framework`` has the rules in force; ``person`` (row,) is the person of ``severity`` (−1: not rated, or not in the
    fit); ``level`` and ``state`` (row,) of the certificate; ``reach`` by definition, rows of persons.
    """

    measured: Measured
    framework: Framework
    frame: pd.DataFrame
    pairs: pd.DataFrame
    person: np.ndarray
    other: Other
    level: np.ndarray
    state: np.ndarray
    found: Posteriors
    yard: Yardstick
    between: Spread
    where: dict[str, np.ndarray]
    reach: dict[str, Reach]

    @property
    def decided(self) -> np.ndarray:
        """Rows with a certificate, given or refused, and a posterior."""
        done = np.isin(self.state, (decisions.CERTIFIED, decisions.REFUSED)) & (self.level >= 0)
        return np.flatnonzero(done & (self.person >= 0))

    @property
    def graded(self) -> np.ndarray:
        """Rows with an INSPÉ level and a posterior."""
        known = (self.pairs["inspe"] >= 0) & ~self.pairs["waiting"]
        return np.flatnonzero(known.to_numpy() & (self.person >= 0))

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the estimates."""
        return self.measured.fitted.measured.error_covariance

    def rows(self, part: str) -> np.ndarray:
        """Rows with a decision in that part."""
        return self.graded if part == "inspe" else self.decided


def case(
    pairs: pd.DataFrame, frame: pd.DataFrame, measured: Measured, framework: Framework, settings: Mapping[str, Any]
) -> Case:
    """Place every student on the scale, with both parts of the certificate.

    ``pairs`` are those of :func:`crcne_stats.analysis.student_pairs.student_pairs`, ``frame`` tells who they are,
    ``framework`` has the rules in force, ``settings`` are those of
    :func:`crcne_stats.analysis.certification.certification`.
    """
    fitted = measured.fitted
    person = pairs["file"].to_numpy()
    person = np.where((person >= 0) & fitted.rated[np.maximum(person, 0)], person, -1)
    other = _other(pairs, framework)
    level, state = joint_codes(pairs, framework)
    seen = np.full(len(fitted.rated), -1)
    seen[person[person >= 0]] = other.seen[person >= 0]
    found = posteriors(fitted, measured.scale, seen if settings["pix_informs"] else None, len(other.cap))
    yard = yardstick(fitted, framework)
    between = spread(fitted, measured.scale, float(np.nan_to_num(found.halo)))
    where = cuts(yard, between, settings["panel"], settings["seed"])
    reach = reaches(measured, found, yard, where)
    return Case(
        measured, framework, frame, pairs, person, other, level, state, found, yard, between, where, reach,
    )  # fmt: skip


def _other(pairs: pd.DataFrame, framework: Framework) -> Other:
    ladder = level_keys(framework)
    if framework.rules.combination == "gate":
        seen, cap = pairs["gate"].to_numpy(), np.array([max(failed_level(framework), 0), len(ladder) - 1])
    else:
        codes = pairs["pix"].to_numpy()
        own = [ladder.index(key) for key in framework.pix_levels if key in ladder] or list(range(len(ladder)))
        cap = np.array(sorted({*own, *np.unique(codes[codes >= 0]).tolist()}))
        place = np.full(len(ladder) + 1, -1)
        place[cap] = np.arange(len(cap))
        seen = place[codes]
    count = np.bincount(seen[seen >= 0], minlength=len(cap))
    return Other(seen.astype(np.int64), cap, count, len(ladder))


def risk(case: Case, part: str, definition: str, kind: str, error: float) -> tuple[Risk, np.ndarray]:
    """The risk of each row of that part, and the persons behind the rows."""
    rows = case.rows(part)
    person = case.person[rows]
    share = case.reach[definition].share[person]
    if part == "inspe":
        given, other = case.pairs["inspe"].to_numpy()[rows], np.ones_like(share)
    else:
        given, other = case.level[rows], case.other.reach(error)[case.other.seen[rows]]
    return (too_high if kind == "too_high" else too_low)(share, other, given), person


def totals(case: Case, found: Risk, person: np.ndarray, chosen: np.ndarray, definition: str, level: float) -> Total:
    """The number of wrong awards among the chosen rows of a risk."""
    own = Risk(found.chance[chosen], found.slope[chosen], found.level[chosen])
    whole = case.reach[definition]
    who = person[chosen]
    reach = Reach(whole.share[who], whole.density[who], whole.gradient[who], whole.cut_gradient)
    return total(own, reach, np.arange(len(chosen)), case.covariance, level)


def _wrong(found: Total, n: int) -> dict[str, Any]:
    size = max(n, 1)
    empty = {"n_students": n, "n_wrong": np.nan, **dict.fromkeys(("wrong", "wrong_low", "wrong_high"), np.nan)}
    if not n:
        return empty | {"reason": "nobody_decided"}
    return {
        "n_students": n,
        "n_wrong": found.number,
        "wrong": found.number / size,
        "wrong_low": found.low / size,
        "wrong_high": found.high / size,
        "reason": "",
    }


def scheme_table(case: Case, error: float, level: float) -> pd.DataFrame:
    """``scheme``: both parts, both definitions, both directions."""
    rows = []
    for definition in DEFINITIONS:
        for part in PARTS:
            for kind in RISKS:
                found, person = risk(case, part, definition, kind, error)
                n = len(person)
                number = totals(case, found, person, np.arange(n), definition, level)
                rows.append({"definition": definition, "part": part, "risk": kind} | _wrong(number, n))
    return pd.DataFrame(rows)


def pix_table(case: Case, stated: float | None, level: float) -> pd.DataFrame:
    """``pix_error``: what an error of PIX+Édu would change; the leading definition."""
    values = sorted({*BAND, *(() if stated is None else (stated,))})
    rows = []
    for error in values:
        for kind in RISKS:
            found, person = risk(case, "joint", DEFINITIONS[0], kind, error)
            number = totals(case, found, person, np.arange(len(person)), DEFINITIONS[0], level)
            rows.append({"pix_error": error, "risk": kind} | _wrong(number, len(person)))
    return pd.DataFrame(rows)


def group_tables(case: Case, error: float, level: float) -> dict[str, pd.DataFrame]:
    """``by_level``, ``by_mention``, ``by_inspe``: the certificate's risks, the leading definition."""
    answer = {}
    both = {kind: risk(case, "joint", DEFINITIONS[0], kind, error) for kind in RISKS}
    for name, column in GROUPS.items():
        rows = []
        for labels, chosen in _groups(case, column):
            for kind, (found, person) in both.items():
                number = totals(case, found, person, chosen, DEFINITIONS[0], level)
                own = _wrong(number, len(chosen))
                if column == "inspe" and not case.measured.scale.common:
                    nothing = dict.fromkeys(("n_wrong", "wrong", "wrong_low", "wrong_high"), np.nan)
                    own |= nothing | {"reason": "islands_apart"}
                rows.append(labels | {"risk": kind} | own)
        if rows:
            answer[name] = pd.DataFrame(rows)
    return answer


def _groups(case: Case, column: str) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """The values of a column with the places of their rows among the decided ones."""
    decided = case.decided
    if column == "joint_level":
        ladder = level_keys(case.framework)
        level = case.level[decided]
        for code in np.unique(level):
            refused = code == failed_level(case.framework)
            state = decisions.STATES[decisions.REFUSED if refused else decisions.CERTIFIED]
            yield {"state": state, "joint_level": ladder[code]}, np.flatnonzero(level == code)
        return
    values = case.frame[column].astype(object).iloc[decided].reset_index(drop=True)
    for value in sorted(values.dropna().unique()):
        yield {column: value}, np.flatnonzero((values == value).to_numpy())
