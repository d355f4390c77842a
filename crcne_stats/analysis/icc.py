"""How reliable is one trainer, and the mean of several?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from crcne_stats.analysis.icc_notes import icc_notes
from crcne_stats.analysis.icc_targets import WITHIN, Array, Sheets, Target, cuts, of_criteria, of_means, sheets
from crcne_stats.core import shared
from crcne_stats.core.icc import FORMS, Anova, Estimate, one_way, two_way
from crcne_stats.core.icc_draws import Fit, estimates, fit
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

GROUPS = ("inspe", "trainer_inspe", "mention", "session")
ESTIMATORS = ("auto", "reml", "anova")
SQUARES, REML = "mean_squares", "reml_monte_carlo"
DRAWS = 10_000
NAN = float("nan")


def icc(
    ratings: Ratings,
    *,
    by: str | None = None,
    estimator: Literal["auto", "reml", "anova"] = "auto",
    within: Literal["auto", "inspe", "island", "all"] = "auto",
    near: str | None = None,
    share: float = 0.5,
    seed: int = 1,
    level: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Intraclass correlations: which share of the variance of scores is the students' own.

    Parameters
    ----------
    ratings
        Criteria with the role "global" are left out. What is rated is a file: a student in one session on one occasion.
    by
        None: one answer, for each trainer's mean over the criteria of a file, which is what a total or a level is made
        of; a second table gives every criterion. "criterion": the criteria alone. "inspe", "trainer_inspe", "mention"
        or "session": the mean over criteria, for each value of that column.
    estimator
        "auto": mean squares where every trainer rated every file (the classical forms, which may be negative), and for
        the one-way forms where files have equally many ratings; restricted maximum likelihood elsewhere. "reml" or
        "anova": that one wherever it exists (mean squares give only the one-way forms on incomplete ratings).
    within
        Which files are compared. "inspe": those of one INSPÉ, each INSPÉ having a mean of its own; "island": those that
        a chain of common trainers links; "all": all. "auto": all where every trainer rated every file, else within
        INSPÉ where they are known, else within islands. Across INSPÉ that share no trainers, differences between
        students cannot be told from differences between trainers, and one mean for all would mix them.
    near, share
        The caution on restricted range: the correlation among that share of the students whose mean lies nearest to
        where the level ``near`` begins (by default the lowest level that is a level at all: the second of the scale).
    seed
        Same seed, same numbers: bounds are quantiles of 10,000 draws.
    level
        Level of the intervals.

    Returns
    -------
    Result
        ``tables["icc"]``: a row per form. ``form`` is McGraw & Wong's name and ``name`` Shrout & Fleiss': A counts
        differences between trainers as error, C does not, Q counts them as far as two files were rated by different
        trainers; (1) and (k) are for files each with trainers of its own. 1 is for a single trainer's score, k for the
        mean of ``k_effective`` trainers (the harmonic mean of their number per file). ``non_overlap`` is Q.
        ``n_double``: students with a file rated twice, on whom alone the error rests.
        ``tables["criteria"]`` (by=None): the same for each criterion.
        ``tables["components"]``: variances of the model, in squared levels; a negative one counts as zero in the REML
        forms and is told by ``reason``.
        ``tables["tests"]``: F test of no difference between students, where mean squares were used.
        ``tables["restricted"]``: ICC(1) of all students and of those near the cut.

    Notes
    -----
    Forms A and C need trainers who met over several files: where each trainer rated files of one student only, or no
    trainers met twice, the variance between trainers is part of the error, and only ICC(1) and ICC(k) exist. On few
    levels an intraclass correlation is that of the scores as they are, not of a trait behind them.

    References
    ----------
    Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420. McGraw & Wong (1996), doi:10.1037/1082-989X.1.1.30. ten
    Hove, Jorgensen & van der Ark (2022), doi:10.1037/met0000391 (nested designs); (2024), doi:10.1037/met0000516 (k and
    Q); (2025), doi:10.1080/00273171.2025.2507745 (estimation from incomplete ratings). Erosheva, Martinková & Lee
    (2021), doi:10.1111/rssa.12681 (restricted range).
    """
    _check(ratings, by, estimator, within, near, share, level)
    settings: dict[str, Any] = {
        "by": by, "estimator": estimator, "within": within, "near": near, "share": share, "seed": seed, "level": level,
        "draws": DRAWS,
    }  # fmt: skip
    inputs = {"ratings": ratings}
    if by in GROUPS and not ratings.known(str(by)):
        return Result("icc", settings={**settings, "reason": "column_unknown"}, inputs=inputs)
    chosen = ratings.criteria
    data = sheets(ratings, chosen)
    cut = cuts(ratings, chosen, near, data.mixed)
    main = _main(ratings, data, chosen, cut, by, within)
    others = list(of_criteria(data, chosen, cut, within)) if by is None else []
    targets = [*main, *others]
    answers = []
    for answer in shared.answers(_Answer, ((target, settings) for target in targets)):
        answers.append(answer)
        if progress is not None:
            progress(len(answers), len(targets))
    tables = {"icc": _joined(answers[: len(main)], "rows")}
    if others:
        tables["criteria"] = _joined(answers[len(main) :], "rows")
    tables["components"] = _joined(answers, "components")
    tables["tests"] = _joined(answers, "tests")
    tables["restricted"] = _joined(answers, "restricted")
    tables = {name: table for name, table in tables.items() if len(table) or name == "icc"}
    found = icc_notes(tables, settings, [answer.target for answer in answers], data)
    return Result("icc", tables, found, settings, inputs)


def _check(
    ratings: Ratings, by: str | None, estimator: str, within: str, near: str | None, share: float, level: float
) -> None:
    for name, value, allowed in (
        ("by", by, (None, "criterion", *GROUPS)), ("estimator", estimator, ESTIMATORS), ("within", within, WITHIN),
    ):  # fmt: skip
        if value not in allowed:
            raise ValueError(f"unknown {name} {value!r}; there are {', '.join(map(str, allowed))}")
    levels = {rung.key for key in ratings.criteria for rung in ratings.framework.scale(key)}
    if near is not None and near not in levels:
        raise ValueError(f"unknown near {near!r}; there are {', '.join(sorted(levels))}")
    for name, number in (("share", share), ("level", level)):
        if not 0 < number < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {number}")


def _main(ratings: Ratings, data: Sheets, chosen: list[str], cut: Array, by: str | None, within: str) -> list[Target]:
    """The targets of the table ``icc``."""
    everything = np.arange(len(data.score))
    if by is None:
        return [of_means(data, everything, {"criterion": None}, cut, within, 0)]
    if by == "criterion":
        return list(of_criteria(data, chosen, cut, within))
    frame = ratings.frame[ratings.frame["criterion"].isin(chosen)]
    value, labels = ratings.codes(by, frame)
    return [
        of_means(data, np.flatnonzero(value == code), {"criterion": None, by: label}, cut, within, code)
        for code, label in enumerate(labels)
        if (value == code).any()
    ]


class _Answer:
    """The rows of every table for one target."""

    def __init__(self, target: Target, settings: dict[str, Any]) -> None:
        self.target, self.settings = target, settings
        self.rng = np.random.default_rng([settings["seed"], target.place])
        self.reason = target.reason
        self.about: dict[str, Any] = {
            "n_students": len(np.unique(target.student)),
            "n_trainers": len(np.unique(target.trainer)),
            "n_double": len(np.unique(target.student[target.double])) if len(target.y) else 0,
        }
        self.rows: list[dict[str, Any]] = []
        self.components: list[dict[str, Any]] = []
        self.tests: list[dict[str, Any]] = []
        if self.reason:
            for form in FORMS:
                self._row(form, None, NAN, "", self.reason)
            return
        self.design = target.design
        self._two_way()
        self._one_way()
        self.restricted = _restricted(target, settings["share"], settings["level"])

    restricted: list[dict[str, Any]] = []  # noqa: RUF012

    def _row(self, form: str, found: Estimate | None, k: float, method: str, reason: str, q: float = NAN) -> None:
        estimate = found or Estimate(NAN, NAN, NAN)
        if not reason and np.isnan(estimate.low):
            reason = "no_lower_bound"
        self.rows.append(
            {
                **self.target.labels, "form": form, "name": FORMS[form].name, "value": estimate.value,
                "low": estimate.low, "high": estimate.high, **self.about, "k_effective": k, "non_overlap": q,
                "method": method, "reason": reason,
            }
        )  # fmt: skip
        if np.isfinite(estimate.f):
            numbers = {name: getattr(estimate, name) for name in ("f", "df1", "df2", "p")}
            self.tests.append({**self.target.labels, "form": form, **numbers, **self.about})

    def _all(self, found: dict[str, Estimate], k: float, method: str, reason: str, q: float = NAN) -> None:
        for form, estimate in found.items():
            self._row(form, estimate, k, method, reason, q)

    def _two_way(self) -> None:
        """Forms that tell trainers from error."""
        target, plan = self.target, self.design
        forms = [name for name, form in FORMS.items() if form.two_way]
        squares = self.settings["estimator"] != "reml" and plan.complete and not target.within
        if not plan.crossed or (self.settings["estimator"] == "anova" and not squares):
            why = "needs_complete" if plan.crossed else "trainers_nested"
            for form in forms:
                self._row(form, None, plan.k_effective, "", why, plan.non_overlap)
            return
        if squares:
            found = two_way(target.table, self.settings["level"])
            reason = _of_squares(found)
            self._all(found.estimates, found.k, SQUARES, reason, 0.0)
            self._parts(("student", "trainer", "residual"), found.components, None, SQUARES)
            return
        model = fit(target.y, target.file, target.trainer, target.group)
        self._fitted(model, ("student", "trainer", "residual"), plan.non_overlap, True)

    def _one_way(self) -> None:
        """Forms in which trainers are part of the error."""
        target, estimator = self.target, self.settings["estimator"]
        found = one_way(target.y, target.file, target.group, self.settings["level"])
        equal = len(np.unique(np.bincount(target.file))) == 1
        alone = not self.components
        if estimator == "anova" or (estimator == "auto" and equal):
            self._all(found.estimates, found.k, SQUARES, _of_squares(found))
            if alone:
                self._parts(("student", "within"), found.components, None, SQUARES)
            return
        model = fit(target.y, target.file, None, target.group)
        self._fitted(model, ("student", "within"), NAN, alone)

    def _fitted(self, model: Fit, sources: tuple[str, ...], q: float, told: bool) -> None:
        k = self.design.k_effective
        found, bounds = estimates(model, k, q, self.rng, DRAWS, self.settings["level"])
        reason = _of_fit(model)
        if reason == "not_converged":
            found = {form: Estimate(NAN, NAN, NAN) for form in found}
        self._all(found, k, REML, reason, q)
        if told:
            shown = np.where(model.found.boundary, model.found.unbounded, model.found.variance)
            self._parts(sources, shown, bounds, REML)

    def _parts(self, sources: tuple[str, ...], variance: Array, bounds: Array | None, method: str) -> None:
        ends = np.full((len(sources), 2), NAN) if bounds is None else bounds
        for source, value, (low, high) in zip(sources, variance, ends, strict=True):
            reason = "negative_variance" if value < 0 else "no_residual" if value == 0 else ""
            self.components.append(
                {
                    **self.target.labels, "source": source, "variance": float(value), "low": float(low),
                    "high": float(high), **self.about, "method": method, "reason": reason,
                }
            )  # fmt: skip


def _of_squares(found: Anova) -> str:
    return "no_residual" if found.exact else "negative_variance" if (found.components < 0).any() else ""


def _of_fit(model: Fit) -> str:
    if not model.found.converged:
        return "not_converged"
    if model.found.residual_zero:
        return "no_residual"
    return "negative_variance" if model.found.boundary.any() else ""


def _restricted(target: Target, share: float, level: float) -> list[dict[str, Any]]:
    """ICC(1) by mean squares, of all students and of those whose mean lies nearest to the cut."""
    _, code = np.unique(target.student, return_inverse=True)
    size = np.bincount(code)
    distance = np.abs(np.bincount(code, target.y) / size - target.cut)
    near = distance <= np.quantile(distance, share) + 1e-9
    rows = []
    for scope, part in (("every_student", target), ("near_cut", target.only(near[code]))):
        reason = part.reason
        row = {**target.labels, "scope": scope, "value": NAN, "low": NAN, "high": NAN}
        if not reason:
            squares = one_way(part.y, part.file, part.group, level)
            found, reason = squares.estimates["ICC(1)"], _of_squares(squares)
            row |= {"value": found.value, "low": found.low, "high": found.high}
        counts = {"n_students": len(np.unique(part.student)), "n_double": len(np.unique(part.student[part.double]))}
        rows.append({**row, **counts, "share": counts["n_students"] / max(len(size), 1), "reason": reason})
    return rows


def _joined(answers: list[_Answer], name: str) -> pd.DataFrame:
    """Rows of all answers as a frame whose texts are plain objects."""
    table = pd.DataFrame([row for answer in answers for row in getattr(answer, name)])
    for column in {"criterion", *GROUPS, "form", "name", "source", "scope", "method", "reason"} & set(table.columns):
        table[column] = table[column].astype(object)
    return table
