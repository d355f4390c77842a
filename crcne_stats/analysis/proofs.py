"""Do the formulas give what books and papers print? The kit computes published examples again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.core import agreement, icc, marginal, variance
from crcne_stats.core.compare import difference
from crcne_stats.core.counts import Counts, counts
from crcne_stats.core.designs import Levels, design
from crcne_stats.core.dstudy import Measurement, errors
from crcne_stats.core.equating import equipercentile, linear
from crcne_stats.core.icc_draws import estimates, fit
from crcne_stats.core.influence import influences
from crcne_stats.core.levels import level_kappa
from crcne_stats.core.moments import moments
from crcne_stats.core.rasch.design import Model, RatingData
from crcne_stats.core.rasch.jml import joint_fit
from crcne_stats.core.weights import weight_matrix
from crcne_stats.domain.examples import Example, examples
from crcne_stats.domain.result import Note, Result

Found = Mapping[str, float]
_COEFFICIENTS = {
    "Fleiss κ": "fleiss", "Conger κ": "conger", "Gwet AC": "gwet_ac", "α": "krippendorff", "%": "percent",
    "Brennan-Prediger": "brennan_prediger", "Cohen κ": "cohen", "Scott π": "scott", "Light κ": "light",
}  # fmt: skip
_SENIORS = ("Avogadro", "Brahe", "Cavendish")
_JUNIORS = ("Anne", "Betty", "Chris", "David", "Edward", "Fred", "George")


def proofs() -> Result:
    """Published numbers beside those that the kit computes from the same data.

    Returns
    -------
    Result
        ``tables["proofs"]``: ``example`` and ``quantity`` say which number; ``expected`` is the printed one and
        ``tolerance`` the distance that its digits allow; ``obtained`` is ours, ``off_by`` the distance between the two,
        ``holds`` whether it is allowed. ``tables["examples"]``: how many numbers of each example hold, and its source.

    How to read
    -----------
    Every row should hold. One that does not is shown as it is: either the kit has changed, or this machine computes
    otherwise; the numbers of that method should then not be used before the reason is known.
    """
    rows: list[dict[str, Any]] = []
    for example in examples():
        found = _computed(example)
        for quantity, expected, tolerance in example.expected:
            obtained = float(found.get(quantity, np.nan))
            off = abs(obtained - expected)
            rows.append(
                {
                    "example": example.name, "quantity": quantity, "expected": expected, "obtained": obtained,
                    "off_by": off, "tolerance": tolerance, "holds": bool(off <= tolerance),
                    "reason": "" if np.isfinite(obtained) else "not_obtained",
                }
            )  # fmt: skip
    table = pd.DataFrame(rows)
    by_example = table.groupby("example", sort=False)["holds"]
    summary = pd.DataFrame({"n_numbers": by_example.size(), "n_hold": by_example.sum().astype(int)}).reset_index()
    summary["origin"] = summary["example"]
    return Result("proofs", {"proofs": table, "examples": summary}, _notes(table))


def _computed(example: Example) -> Found:
    """Our numbers; none where the computation breaks off, so that the others are still shown."""
    try:
        return _COMPUTED[example.name](example)
    except (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError):
        return {}


def _notes(table: pd.DataFrame) -> list[Note]:
    wrong = table[~table["holds"]]
    if not len(wrong):
        return [Note("proofs.all", {"n": len(table)}, "finding", 10)]
    first = wrong.iloc[0]
    values = {"n": len(wrong), "total": len(table), "example": str(first["example"]), "quantity": first["quantity"]}
    return [Note("proofs.wrong", values, "caution", 1)]


def _filled(table: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score, row and column of the cells of a matrix that are filled."""
    matrix = np.array(table, dtype=float)
    row, column = np.nonzero(~np.isnan(matrix))
    return matrix[row, column], row, column


def _icc(example: Example) -> Found:
    y, file, _ = _filled(example.data)
    classical = {**icc.two_way(np.array(example.data, dtype=float)).estimates, **icc.one_way(y, file).estimates}
    found = {form: one.value for form, one in classical.items()}
    for form, one in classical.items():
        found |= {f"{form}: F": one.f, f"{form}: low": one.low, f"{form}: high": one.high}
    return found


def _icc_holes(example: Example) -> Found:
    y, file, trainer = _filled(example.data)
    plan, model = icc.panel(file, trainer), fit(y, file, trainer)
    # The estimates come from the fit; the draws serve their intervals alone, which are not asked here.
    forms, _ = estimates(model, plan.k_effective, plan.non_overlap, np.random.default_rng(1), 100)
    parts = zip(("target", "judge", "residual"), model.found.variance, strict=True)
    return {**{f"σ² {name}": value for name, value in parts}, **{form: one.value for form, one in forms.items()}}


def _from_matrix(matrix: Any) -> Counts:
    """Counts from a matrix (file, trainer) of scores, each between the lowest and the highest being a level."""
    score, file, trainer = _filled(matrix)
    levels = np.arange(score.min(), score.max() + 1)
    return counts(file, trainer, np.searchsorted(levels, score), levels)


def _from_table(table: Any) -> Counts:
    """Counts from a cross-table of two trainers."""
    cells = np.array(table)
    both = np.repeat(np.indices(cells.shape).reshape(2, -1), cells.ravel(), axis=1)
    return _from_matrix(both.T)


def _coefficients(data: Counts, example: Example) -> Found:
    """Each coefficient that the example names, «α, quadratic», and its error, «α, quadratic: SE»."""
    found: dict[str, float] = {}
    for quantity, _, _ in example.expected:
        name, _, rest = quantity.partition(", ")
        weights, _, error = rest.partition(": ")
        if name not in _COEFFICIENTS:
            continue
        one = agreement.estimate(data, _COEFFICIENTS[name], weight_matrix(weights, data.scores))
        found[quantity] = one.se if error else one.value
    return found


def _units(example: Example) -> Found:
    """Data that were printed with one row per observer."""
    return _coefficients(_from_matrix(np.array(example.data, dtype=float).T), example)


def _fleiss(example: Example) -> Found:
    data = _from_matrix(example.data)
    by_level = {f"κ, level {place + 1}": value for place, value in enumerate(level_kappa(moments(data))[0])}
    return {**_coefficients(data, example), **by_level}


def _paired(example: Example) -> Found:
    sides = [_from_matrix([[int(score) for score in row] for row in rows]) for rows in example.data]
    found: dict[str, float] = {}
    for label in ("Fleiss κ", "Gwet AC"):
        w = weight_matrix("identity", sides[0].scores)
        values, pull = influences([(side, _COEFFICIENTS[label], w) for side in sides], len(example.data[0]))
        one = difference(values[1], values[0], pull[:, [1, 0]])
        found |= {f"{label}: difference": one.value, f"{label}: SE": one.se, f"{label}: t": one.t, f"{label}: p": one.p}
    return found


def _vision(example: Example) -> Found:
    stuart, bhapkar = marginal.stuart_maxwell(example.data), marginal.bhapkar(example.data)
    return {
        "Stuart–Maxwell χ²": stuart.statistic,
        "Stuart–Maxwell p": stuart.p,
        "Bhapkar χ²": bhapkar.statistic,
        "Bowker χ²": marginal.bowker(example.data).statistic,
        **_coefficients(_from_table(example.data), example),
    }


def _kendall(example: Example) -> Found:
    data = _from_matrix(example.data)
    return {"W": agreement.estimate(data, "kendall_w", weight_matrix("identity", data.scores)).value}


def _unbalanced(example: Example) -> Found:
    rows = [
        (person, group, f"{group}-{number}", score)
        for group, people in example.data.items()
        for person, scores in enumerate(people)
        for number, score in enumerate(scores)
    ]
    frame = pd.DataFrame(rows, columns=["p", "h", "i", "score"])
    plan = design("p * (i : h)")
    study = variance.study(plan, Levels({name: pd.factorize(frame[name])[0] for name in plan.facets}))
    values = variance.by_squares(study, frame["score"].to_numpy(dtype=float))
    return {f"σ²({key.replace('*', ' × ')})": value for key, value in zip(study.keys, values.tolist(), strict=True)}


def _decision(example: Example) -> Found:
    """Coefficients of planned measurements from printed components."""
    facets = [set(key.split("*")) for key in example.data["effects"]]
    found: dict[str, float] = {}
    for sizes in example.data["sizes"]:
        one = errors(facets, list(example.data["effects"].values()), Measurement(frozenset({"p"}), sizes))
        mark = f", n(i) = {sizes['i']}" if len(example.data["sizes"]) > 1 else ""
        found |= {f"Eρ²{mark}": float(one.generalizability), f"Φ{mark}": float(one.dependability)}
    return found


def _equated(example: Example) -> Found:
    forms = np.array(example.data["x"], dtype=float), np.array(example.data["y"], dtype=float)
    intercept, slope = linear(*forms)
    values = {f"e({score})": value for score, value in enumerate(equipercentile(*forms))}
    return {**values, "linear: intercept": intercept, "linear: slope": slope}


def _facets(example: Example) -> Found:
    """Three seniors rate seven juniors on five traits; juniors and traits are centred."""
    scores = np.array([[[int(digit) - 1 for digit in word] for word in row.split()] for row in example.data])
    senior, junior, trait = (codes.ravel() for codes in np.indices(scores.shape))
    sizes = {"trainer": 3, "criterion": 5}
    given = RatingData(junior, {"trainer": senior, "criterion": trait}, scores.ravel(), 7, sizes, np.full(5, 9))
    found = joint_fit(given, Model())
    mean = found.ability.mean()
    measures = {
        **dict(zip(_SENIORS, found.value[found.block("trainer")] - mean, strict=True)),
        **dict(zip(_JUNIORS, found.ability - mean, strict=True)),
    }
    traits = zip("abcde", found.value[found.block("criterion")], strict=True)
    return {**measures, **{f"trait {letter}": value for letter, value in traits}}


_COMPUTED: dict[str, Callable[[Example], Found]] = {
    "shrout_fleiss": _icc,
    "shrout_fleiss_holes": _icc_holes,
    "krippendorff": _units,
    "three_coders": _units,
    "gwet": lambda example: _coefficients(_from_matrix(example.data), example),
    "two_raters": lambda example: _coefficients(_from_table(example.data), example),
    "fleiss": _fleiss,
    "paired": _paired,
    "vision": _vision,
    "kendall": _kendall,
    "brennan_unbalanced": _unbalanced,
    "brennan_1": _decision,
    "brennan_3": _decision,
    "brennan_4": _decision,
    "act": _equated,
    "guilford": _facets,
    "guilford_facets": _facets,
}
"""How each example is computed, under the names of the file."""
