"""How conclusions on trainers depend on what links the islands, and the comparison of two trainers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crcne_stats.analysis.severity_design import population, with_levels
from crcne_stats.analysis.severity_fit import Estimates, Fitted, marginal
from crcne_stats.analysis.severity_scale import CONNECTED, LINKS, RELATIVE, Scale, linkable, scale
from crcne_stats.core.rasch.design import Model
from crcne_stats.core.rasch.mml import Fit, fit
from crcne_stats.core.rasch.population import Population
from crcne_stats.domain.result import Result

COLUMNS = [
    "assumption", "component", "n_trainers", "n_students", "severity_mean", "ability_mean", "n_severe", "n_lenient",
    "n_changed", "reason",
]  # fmt: skip


def chosen_scale(
    fitted: Fitted, link: str | None, inspe_means: Mapping[str, float] | None, pix: np.ndarray | None
) -> tuple[Scale, str]:
    """The scale that the user asked for, and why it could not be had (each island then keeps its own zero)."""
    if fitted.asked.n_components < 2:
        return scale(fitted, CONNECTED), ""
    if not fitted.plan.model.components:  # one mean for all, by the user's choice: that is what links
        return replace(scale(fitted, CONNECTED), assumption="equal_inspe_means"), ""
    if link is None:
        return scale(fitted, RELATIVE), ""
    reason = linkable(fitted, inspe_means, pix)[link]
    found = None if reason else _under(fitted, link, inspe_means, pix)
    return (scale(fitted, RELATIVE), reason or "not_estimable") if found is None else (found, "")


def _under(fitted: Fitted, link: str, inspe_means: Mapping[str, float] | None, pix: np.ndarray | None) -> Scale | None:
    """The scale under an assumption that can be made; None where its fit fails."""
    if link != "pix" or pix is None:
        return scale(fitted, link, inspe_means)
    again = _again(fitted, fitted.plan.model, with_levels(population(fitted.asked, None)[0], pix))
    return None if again is None else scale(replace(fitted, measured=again), link)


def _again(fitted: Fitted, wish: Model, made: Population) -> Estimates | None:
    """The estimates of another model or population on the same ratings, None where they cannot be had."""
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return marginal(fit(fitted.asked.data, wish, made, "trainer" if fitted.measured.halo else None))
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None


def assumption_table(
    fitted: Fitted, chosen: Scale | None, inspe_means: Mapping[str, float] | None, pix: np.ndarray | None
) -> pd.DataFrame:
    """``assumptions``: for each way to link the islands, where each island comes to lie and whom that concerns.

    ``n_changed`` counts the trainers of the island whose verdict (severe, lenient, neither: does the interval hold
    zero?) is another than on the island's own scale.
    """
    asked = fitted.asked
    if asked.n_components < 2:
        return pd.DataFrame(columns=COLUMNS)
    if not fitted.plan.model.components and isinstance(fitted.plain, Fit):
        again, chosen = _relative(fitted), None
        if again is None:
            return pd.DataFrame(columns=COLUMNS)
        fitted = again
    own = _verdicts(fitted, scale(fitted, RELATIVE))
    reasons = linkable(fitted, inspe_means, pix)
    rows: list[dict[str, Any]] = []
    for name in (RELATIVE, *LINKS):
        if reasons.get(name):
            rows.append({"assumption": name, "component": None, "reason": reasons[name]})
            continue
        found = chosen if chosen is not None and chosen.assumption == name else None
        found = found or (scale(fitted, name) if name == RELATIVE else _under(fitted, name, inspe_means, pix))
        if found is None:
            rows.append({"assumption": name, "component": None, "reason": "not_estimable"})
            continue
        verdict = _verdicts(fitted, found)
        for part in range(asked.n_components):
            mine, people = asked.trainer_component == part, asked.component == part
            rows.append(
                {
                    "assumption": name,
                    "component": part + 1,
                    "n_trainers": int(mine.sum()),
                    "n_students": int(people.sum()),
                    "severity_mean": _mean(found.severity[mine]) if name != RELATIVE else np.nan,
                    "ability_mean": _mean(fitted.measured.ability[people]) + float(found.shift[part]),
                    "n_severe": int((verdict[mine] > 0).sum()),
                    "n_lenient": int((verdict[mine] < 0).sum()),
                    "n_changed": int((verdict[mine] != own[mine]).sum()),
                    "reason": "own_zero" if name == RELATIVE else "",
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean(values: np.ndarray) -> float:
    """The mean of those that are known, NaN without any."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _relative(fitted: Fitted) -> Fitted | None:
    """The same ratings with a free mean for each island, each island's trainers centred."""
    asked = fitted.asked
    made, group, _ = population(asked, None)
    wish = replace(fitted.plan.model, components={"trainer": asked.trainer_component})
    again = _again(fitted, wish, made)
    return None if again is None else replace(fitted, measured=again, group=group)


def _verdicts(fitted: Fitted, found: Scale) -> np.ndarray:
    """1 severe, −1 lenient, 0 when the interval of a trainer (trainer,) holds zero or there is none."""
    error = fitted.reach * found.error
    with np.errstate(invalid="ignore"):
        return np.where(found.severity - error > 0, 1, np.where(found.severity + error < 0, -1, 0))


def severity_difference(result: Result, trainer_a: str, trainer_b: str, level: float = 0.95) -> pd.DataFrame:
    """The difference in severity of two trainers, a row; refused where they are on no common scale.

    Parameters
    ----------
    result
        What ``severity`` returned.

    Returns
    -------
    frame
        ``trainer_a``, ``trainer_b``, ``difference_logits`` (positive: the first is more severe), ``se``, ``low``,
        ``high``, ``p``, ``reason`` ("other_component" where no file and no assumption links them, "no_measure" where
        one of them has none).

    Raises
    ------
    KeyError
        For a trainer that the ratings do not know.
    """
    fitted, found = result.model.fitted, result.model.scale
    names = fitted.asked.names["trainer"]
    absent = [name for name in (trainer_a, trainer_b) if name not in names]
    if absent:
        raise KeyError(f"unknown trainers: {', '.join(absent)}")
    a, b = names.index(trainer_a), names.index(trainer_b)
    row: dict[str, Any] = {"trainer_a": trainer_a, "trainer_b": trainer_b}
    nothing = dict.fromkeys(("difference_logits", "se", "low", "high", "p"), np.nan)
    component = fitted.asked.trainer_component
    if component[a] != component[b] and not found.common:
        return pd.DataFrame([row | nothing | {"reason": "other_component"}])
    error = float(np.sqrt(max(found.difference_variance(a, b), 0.0)))
    gap = float(found.severity[a] - found.severity[b])
    if not np.isfinite(gap) or not error > 0:
        return pd.DataFrame([row | nothing | {"reason": "no_measure"}])
    reach = float(norm.ppf((1 + level) / 2)) * error
    p = float(2 * norm.sf(abs(gap) / error))
    bounds = {"low": gap - reach, "high": gap + reach, "p": p, "reason": ""}
    return pd.DataFrame([row | {"difference_logits": gap, "se": error} | bounds])
