"""The tables of ``severity`` on trainers as raters, on unexpected ratings, bias, drift and dependence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crcne_stats.analysis.severity_fit import Fitted
from crcne_stats.analysis.severity_models import Models
from crcne_stats.analysis.severity_scale import Scale
from crcne_stats.core.graph import partners
from crcne_stats.core.rasch.bias import Bias, adjusted, bias, independent_cells, pair_bias
from crcne_stats.core.rasch.design import combination
from crcne_stats.core.rasch.dimensionality import principal_components, residual_correlations, residual_sheets
from crcne_stats.core.rasch.raters import agreement, equivalence, halo, rating_pairs

FEW_SHEETS = 20
"""With fewer sheets nothing is said of a trainer's halo or centrality."""
FAR = 3.0
"""A rating this many standard deviations off is a case to discuss."""
MOST_CASES = 200
DIMENSIONS = 5


def rater_table(fitted: Fitted, scale: Scale, bound: float, models: Models) -> pd.DataFrame:
    """``raters``: how each trainer rates, against what the model, its simulation and the other trainers give."""
    asked, found = fitted.asked, fitted.found
    n = asked.data.sizes["trainer"]
    trainer, item = found.codes("trainer"), found.codes("criterion")
    place = asked.file[found.plan.kept] * asked.data.sizes["criterion"] + item
    first, second = rating_pairs(place, trainer)
    by, _ = agreement(found, fitted.ability, first, second, trainer, n)
    stretch, limits = fitted.stretch("trainer"), fitted.limits
    n_sheets = np.bincount(fitted.sheets.trainer, minlength=n)[:n]
    students = asked.frame.groupby("trainer", observed=False)["student"].nunique()
    students = students.reindex(asked.names["trainer"]).fillna(0).astype(int)
    nothing = np.full(n, np.nan)
    middle = 1.0 if limits is None else limits.centrality.middle
    table = pd.DataFrame(
        {
            "trainer": asked.names["trainer"],
            "n_students": students.to_numpy(),
            "n_sheets": n_sheets,
            "n_pairs": by.opportunities.astype(int),
            "exact": np.where(by.opportunities > 0, by.exact / np.maximum(by.opportunities, 1), np.nan),
            "exact_expected": np.where(by.opportunities > 0, by.expected / np.maximum(by.opportunities, 1), np.nan),
            "rasch_kappa": by.kappa,
            # Where the ability was estimated from the same ratings the model's own middle is not exactly 1.
            "centrality": stretch.centrality / middle,
            "centrality_low": (stretch.centrality - fitted.reach * stretch.centrality_se) / middle,
            "centrality_high": (stretch.centrality + fitted.reach * stretch.centrality_se) / middle,
            "halo": halo(fitted.residuals.z, fitted.sheets, n),
            "halo_low": nothing if limits is None else limits.halo.low,
            "halo_high": nothing if limits is None else limits.halo.high,
        }
    )
    table["centrality_verdict"] = _verdict(
        table, "centrality_low", "centrality_high", 1.0, n_sheets, ("central", "extreme", "as_others")
    )
    table["halo_verdict"] = _halo_verdict(table, n_sheets)
    table["equivalence"] = _equivalence(scale, scale.error, bound, asked.trainer_component)
    if models.slopes is not None:
        table["slope"], table["slope_se"] = models.slopes.slope, models.slopes.slope_se
    table["reason"] = np.where(by.opportunities > 0, "", "no_double_rating").astype(object)
    table.loc[n_sheets == 0, "reason"] = "left_out"
    return table


def _verdict(
    table: pd.DataFrame, low: str, high: str, middle: float, n_sheets: np.ndarray, words: tuple[str, str, str]
) -> np.ndarray:
    above, below = table[low] > middle, table[high] < middle
    few = (n_sheets < FEW_SHEETS) | table[low].isna()
    return np.select([few, above, below], ["too_few", words[0], words[1]], words[2]).astype(object)


def _halo_verdict(table: pd.DataFrame, n_sheets: np.ndarray) -> np.ndarray:
    above = table["halo"] > table["halo_high"]
    few = (n_sheets < FEW_SHEETS) | table["halo_high"].isna() | table["halo"].isna()
    return np.select([few, above], ["too_few", "halo"], "none").astype(object)


def _equivalence(scale: Scale, error: np.ndarray, bound: float, component: np.ndarray) -> np.ndarray:
    """Within ± ``bound`` of the mean trainer, surely beyond it, or not to be told apart."""
    known = np.isfinite(scale.severity) & np.isfinite(error)
    alone = (np.bincount(component)[component] == 1) & (not scale.common or len(component) == 1)
    found = equivalence(np.where(known, scale.severity, 0.0), np.where(known, error, 1e9), bound)
    return np.select([~known | alone, found == 1, found == -1], ["unknown", "within", "beyond"], "unsure").astype(
        object
    )


def case_table(fitted: Fitted) -> pd.DataFrame:
    """``unexpected``: ratings far from what was expected, the farthest first. Private: it names students."""
    asked, residuals = fitted.asked, fitted.residuals
    z = np.where(np.isfinite(residuals.z), residuals.z, 0.0)
    far = np.flatnonzero(np.abs(z) >= FAR)
    far = far[np.argsort(-np.abs(z[far]), kind="stable")][:MOST_CASES]
    rows = np.flatnonzero(fitted.found.plan.kept)[far]
    frame = asked.frame.iloc[rows]
    framework = asked.ratings.framework
    levels = [
        framework.level_key(str(criterion), int(score))
        for criterion, score in zip(frame["criterion"], frame["score"], strict=True)
    ]
    score = asked.scores[asked.data.facets["criterion"][rows]]
    expected = np.array([_score(own, at) for own, at in zip(score, residuals.expected[far], strict=True)], dtype=float)
    return pd.DataFrame(
        {
            "student": frame["student"].to_numpy(),
            "session": frame["session"].to_numpy(),
            "trainer": frame["trainer"].to_numpy(),
            "criterion": frame["criterion"].to_numpy(),
            "level": np.array(levels, dtype=object),
            "score": frame["score"].to_numpy(),
            "expected_score": expected,
            "z": z[far],
            "reason": "",
        }
    )


def _score(scores: np.ndarray, level: float) -> float:
    """The score at a level between two levels of a scale."""
    known = scores[np.isfinite(scores)]
    return float(np.interp(level, np.arange(len(known)), known))


def bias_tables(fitted: Fitted) -> dict[str, pd.DataFrame]:
    """``bias_tests`` and ``bias``: trainers on criteria, the omnibus test first; then trainers two by two."""
    asked, found = fitted.asked, fitted.found
    n_items = asked.data.sizes["criterion"]
    trainer, item = found.codes("trainer"), found.codes("criterion")
    pairs, code = combination([trainer, item], [asked.data.sizes["trainer"], n_items])
    used = pairs[:, 0] * n_items + pairs[:, 1]
    answer = bias(found, fitted.ability, code, len(used))
    p = answer.p
    t, df = answer.t, independent_cells(pairs)
    squared = float(np.nansum(t**2))
    n_students = partners(code, found.student, len(used))
    cells = pd.DataFrame(
        {
            "trainer": np.array(asked.names["trainer"], dtype=object)[used // n_items],
            "criterion": np.array(asked.names["criterion"], dtype=object)[used % n_items],
            "n_students": n_students,
            "n_ratings": np.bincount(code, minlength=len(used)),
            "observed_average": answer.observed / np.where(answer.n > 0, answer.n, 1.0),
            "expected_average": answer.expected / np.where(answer.n > 0, answer.n, 1.0),
            "bias": answer.bias,
            "se": answer.se,
            "t": t,
            "df": answer.df,
            "p": p,
            "p_adjusted": adjusted(p),
            "reason": np.where(np.isfinite(answer.bias), "", "extreme").astype(object),
        }
    )
    lowest = _lowest(asked)
    cells["observed_average"] += lowest[used % n_items]
    cells["expected_average"] += lowest[used % n_items]
    tests = pd.DataFrame(
        [
            {
                "interaction": "trainer_criterion",
                "chi2": squared,
                "df": df,
                "p": float(chi2.sf(squared, df)) if df > 0 else np.nan,
                "n_cells": len(used),
                "n_flagged": int((cells["p_adjusted"] < 0.05).sum()),
                "reason": "" if df > 0 else "no_interaction",
            }
        ]
    )
    tables = {"bias_tests": tests, "bias": cells}
    if tests["p"].iloc[0] < 0.05:
        tables["bias_pairs"] = pair_table(fitted, answer, cells)
    return tables


def pair_table(fitted: Fitted, answer: Bias, cells: pd.DataFrame) -> pd.DataFrame:
    """``bias_pairs``: two trainers whose judgement of a criterion differs, severity aside, the surest first.

    Only after an omnibus test that says so, and only pairs with an adjusted p under 0.05.
    """
    item = fitted.asked.names["criterion"]
    own = cells["criterion"].map({key: place for place, key in enumerate(item)}).to_numpy(dtype=np.int64)
    found = pair_bias(answer, own, 0.05)
    kept = slice(0, MOST_CASES)
    a, b = cells.iloc[found.first[kept]], cells.iloc[found.second[kept]]
    return pd.DataFrame(
        {
            "criterion": a["criterion"].to_numpy(),
            "trainer_a": a["trainer"].to_numpy(),
            "trainer_b": b["trainer"].to_numpy(),
            "n_students": np.minimum(a["n_students"].to_numpy(), b["n_students"].to_numpy()),
            "bias_difference": found.contrast[kept],
            "se": found.se[kept],
            "t": found.t[kept],
            "df": found.df[kept],
            "p": found.p[kept],
            "p_adjusted": found.p_adjusted[kept],
            "reason": "",
        }
    )


def _lowest(asked: Any) -> np.ndarray:
    """Score of the lowest level of each criterion: what turns a level counted from 0 into a score of a plain scale."""
    return np.nanmin(asked.scores, axis=1) if asked.scores.size else np.zeros(0)


def dependence_tables(fitted: Fitted) -> dict[str, pd.DataFrame]:
    """``dependence`` (Q3 of each two criteria), ``residual_components`` and ``loadings``."""
    keys = fitted.asked.names["criterion"]
    matrix = residual_sheets(fitted.residuals.z, fitted.sheets.sheet, fitted.found.codes("criterion"), len(keys))
    correlation, n = residual_correlations(matrix)
    first, second = np.triu_indices(len(keys), 1)
    value = correlation[first, second]
    names = np.array(keys, dtype=object)
    drawn = None if fitted.limits is None else fitted.limits.dependence
    mean = float(np.nanmean(value)) if np.isfinite(value).any() else np.nan
    largest = np.nan if drawn is None else _quantile(drawn[:, 1] - drawn[:, 0], fitted.level)
    pairs = pd.DataFrame(
        {
            "criterion_a": names[first],
            "criterion_b": names[second],
            "n_sheets": n[first, second],
            "q3": value,
            "q3_relative": value - mean,
            "limit": largest,
            "reason": np.where(np.isfinite(value), "", "no_common_rows").astype(object),
        }
    )
    size, loadings = principal_components(correlation)
    shown = min(DIMENSIONS, len(size))
    limit = [np.nan if drawn is None else _quantile(drawn[:, 2 + d], fitted.level) for d in range(shown)]
    components = pd.DataFrame(
        {
            "dimension": np.arange(1, shown + 1),
            "eigenvalue": size[:shown],
            "share": size[:shown] / max(float(size.sum()), 1e-12),
            "limit": limit,
            "reason": "",
        }
    )
    loading = pd.DataFrame(
        {
            "criterion": np.tile(names, shown),
            "dimension": np.repeat(np.arange(1, shown + 1), len(names)),
            "loading": loadings[:, :shown].T.ravel(),
        }
    )
    loading["reason"] = np.where(loading["loading"].notna(), "", "no_common_rows").astype(object)
    return {"dependence": pairs, "residual_components": components, "loadings": loading}


def _quantile(values: np.ndarray, level: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, level)) if len(known) else float("nan")
