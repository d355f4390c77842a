"""What each method answers to the two questions, from its own numbers: yes, no, or not settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crcne_stats.analysis.generalizability_data import data_of
from crcne_stats.analysis.generalizability_fit import Fitted, by_squares
from crcne_stats.analysis.generalizability_tables import worth_of
from crcne_stats.core.designs import design as read_design
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result

NAN = float("nan")
METHODS = ("agreement", "generalizability", "many_facet")
INFIT = 1.3
"""Mean squares beyond it disturb the measure (Linacre & Wright 1994, Rasch Measurement Transactions 8, 370)."""
OUTLYING = 3.5
"""Modified z-score beyond which a value stands out (Iglewicz & Hoaglin 1993, How to detect and handle outliers)."""
FEWEST_TRAINERS = 6


def settled(low: float, high: float, bound: float) -> str:
    """Whether an interval lies above a bound ("yes"), below it ("no"), or on it ("unsure")."""
    if not np.isfinite([low, high]).all():
        return ""
    return "yes" if low >= bound else "no" if high < bound else "unsure"


def _row(subject: Mapping[str, Any], method: str, **told: Any) -> dict[str, Any]:
    empty = {"value": NAN, "low": NAN, "high": NAN, "tolerable": NAN, "answer": "", "n_students": NAN, "reason": ""}
    row = {**subject, "judge": method, **empty, **told}
    row["reason"] = row["reason"] or ("" if row["answer"] else "no_answer")
    return row


def criteria_by_agreement(agreement: Result | None, keys: list[str], coefficient: str) -> list[dict[str, Any]]:
    """Does one rating say what another would? Krippendorff's α against the benchmark of the analysis."""
    table = agreement.tables.get("agreement") if agreement is not None else None
    if table is None or agreement is None or "criterion" not in table.columns:
        return [_row({"criterion": key}, "agreement") for key in keys]
    bound = float(agreement.settings["benchmark"])
    own, rows = table[table["coefficient"] == coefficient], []
    for key in keys:
        mine = own[own["criterion"].astype(str) == key]
        if not len(mine):
            rows.append(_row({"criterion": key}, "agreement", tolerable=bound))
            continue
        found = mine.iloc[0]
        low, high = float(found["low"]), float(found["high"])
        rows.append(_row({"criterion": key}, "agreement", value=float(found["value"]), low=low, high=high,
                         tolerable=bound, answer=settled(low, high, bound), n_students=float(found["n_double"]),
                         reason=str(found["reason"])))  # fmt: skip
    return rows


def studies(ratings: Ratings, keys: list[str], resamples: int, seed: int) -> dict[str, Fitted]:
    """Students × trainers on each criterion by itself, by sums of squares."""
    found = {}
    for place, key in enumerate(keys):
        mine = ratings.where(ratings.frame["criterion"] == key)
        data = data_of(mine, read_design("student * trainer"), frozenset())
        if not data.reason:
            fit = by_squares(data, resamples, seed + place)
            if not fit.reason and not fit.error_hidden:
                found[key] = fit
    return found


def criteria_by_variance(found: Mapping[str, Fitted], keys: list[str], bound: float, level: float) -> list[Any]:
    """Is the mean level of a file's trainers dependable on this criterion? Φ against a bound."""
    rows = []
    for key in keys:
        if key not in found:
            rows.append(_row({"criterion": key}, "generalizability", tolerable=bound))
            continue
        fit = found[key]
        worth = worth_of(fit, fit.data.measurement(), level)
        low, high = worth["dependability_low"], worth["dependability_high"]
        rows.append(_row({"criterion": key}, "generalizability", value=worth["dependability"], low=low, high=high,
                         tolerable=bound, answer=settled(low, high, bound),
                         n_students=fit.data.n_students))  # fmt: skip
    return rows


def criteria_by_model(severity: Result | None, keys: list[str]) -> list[dict[str, Any]]:
    """Do ratings on it follow the students' ability as those on other criteria do? Infit, and its simulated limits."""
    table = severity.tables.get("criteria") if severity is not None else None
    rows = []
    for key in keys:
        mine = table[table["criterion"].astype(str) == key] if table is not None else pd.DataFrame()
        if not len(mine) or not np.isfinite(float(mine["infit"].iloc[0])):
            reason = str(mine["reason"].iloc[0]) if len(mine) else ""
            rows.append(_row({"criterion": key}, "many_facet", tolerable=INFIT, reason=reason))
            continue
        found = mine.iloc[0]
        infit = float(found["infit"])
        beyond = infit > float(found["infit_high"]) if np.isfinite(float(found["infit_high"])) else infit > INFIT
        answer = "yes" if infit <= INFIT and not beyond else "no" if infit > INFIT and beyond else "unsure"
        rows.append(_row({"criterion": key}, "many_facet", value=infit, tolerable=INFIT, answer=answer,
                         n_students=float(found["n_students"])))  # fmt: skip
    return rows


def trainers_by_agreement(agreement: Result | None, names: list[str], bound: float, level: float) -> list[Any]:
    """How many levels a trainer gives more or less than colleagues on the same files, all pairs together."""
    table = agreement.tables.get("pairs") if agreement is not None else None
    if table is None or not {"difference", "difference_low", "difference_high"} <= set(table.columns):
        return [_row({"trainer": name}, "agreement", tolerable=bound) for name in names]
    reach = norm.ppf((1 + level) / 2)
    sides = [table.assign(trainer=table[mine].astype(str), gap=sign * table["difference"].astype(float))
             for mine, sign in (("trainer_a", 1.0), ("trainer_b", -1.0))]  # fmt: skip
    both = pd.concat(sides, ignore_index=True)
    both["se"] = (both["difference_high"].astype(float) - both["difference_low"].astype(float)) / (2 * reach)
    both = both[np.isfinite(both["se"]) & np.isfinite(both["gap"])]
    rows = []
    for name in names:
        mine = both[both["trainer"] == name]
        if not len(mine):
            rows.append(_row({"trainer": name}, "agreement", tolerable=bound))
            continue
        weight = mine["n_students"].to_numpy(dtype=float)
        weight = weight / weight.sum()
        value = float(weight @ mine["gap"])
        se = float(np.sqrt(weight**2 @ mine["se"].to_numpy() ** 2))
        n = float(mine["n_students"].sum())
        rows.append(_apart(name, "agreement", value, se, bound, reach, n))
    return rows


def _apart(name: str, method: str, value: float, se: float, bound: float, reach: float, n: float) -> dict[str, Any]:
    """Yes where the gap surely exceeds the margin, no where it surely lies within."""
    low, high = value - reach * se, value + reach * se
    answer = "yes" if low > bound or high < -bound else "no" if low > -bound and high < bound else "unsure"
    return _row({"trainer": name}, method, value=value, low=low, high=high, tolerable=bound, answer=answer,
                n_students=n)  # fmt: skip


def trainers_by_variance(generalizability: Result | None, names: list[str]) -> list[dict[str, Any]]:
    """Would the grid be clearly more dependable without this trainer, compared with leaving out another?"""
    table = generalizability.tables.get("left_out") if generalizability is not None else None
    mine = table[(table["facet"] == "trainer")] if table is not None else pd.DataFrame()
    if "change" not in mine.columns or mine["change"].notna().sum() < FEWEST_TRAINERS:
        return [_row({"trainer": name}, "generalizability") for name in names]
    change = mine.set_index(mine["member"].astype(str))["change"].astype(float)
    middle = float(change.median())
    spread = float((change - middle).abs().median()) / 0.6745
    rows = []
    for name in names:
        gain = float(change.get(name, NAN))
        value = (gain - middle) / spread if spread > 0 else NAN
        answer = "" if not np.isfinite(value) else "yes" if value > OUTLYING and gain > 0 else "no"
        rows.append(_row({"trainer": name}, "generalizability", value=value, tolerable=OUTLYING, answer=answer,
                         n_students=float(mine["n_students"].max())))  # fmt: skip
    return rows


def trainers_by_model(severity: Result | None, names: list[str], level: float) -> list[dict[str, Any]]:
    """Is the severity, over all the links, surely beyond the margin of equivalence, or surely within?"""
    table = severity.tables.get("trainers") if severity is not None else None
    if table is None or severity is None:
        return [_row({"trainer": name}, "many_facet") for name in names]
    bound, rows = float(severity.settings["equivalence"]), []
    own = table.drop_duplicates("trainer").set_index("trainer")
    own.index = own.index.astype(str)
    reach = float(norm.ppf((1 + level) / 2))
    for name in names:
        found = own.loc[name] if name in own.index else None
        if found is None or not np.isfinite(float(found["severity"])) or not np.isfinite(float(found["low"])):
            reason = "" if found is None else str(found["reason"])
            rows.append(_row({"trainer": name}, "many_facet", tolerable=bound, reason=reason))
            continue
        se = (float(found["high"]) - float(found["low"])) / (2 * reach)
        rows.append(_apart(name, "many_facet", float(found["severity"]), se, bound, reach, float(found["n_students"])))
    return rows
