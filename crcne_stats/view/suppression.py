"""What to hide because of what adds up: the units of a result and the equations between their counts.

Where two results tell counts that add up with each other, one ledger decides for both: that of the result which has the
tables of the other among its ``counted`` ones. The other one ``follows`` it.

A margin (:mod:`crcne_stats.view.margins`) counts as known whether or not a table shows it: it may stand in another
table of the study, and what is hidden must not depend on which tables are looked at. So a result alone (in a notebook)
hides the same as in its study, and the same cell of two tables is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.domain.framework import Framework
from crcne_stats.domain.result import Result
from crcne_stats.view.audit import complement
from crcne_stats.view.followed import follow, gains
from crcne_stats.view.margins import Margin, about, margins
from crcne_stats.view.units import Key, Units, key_of

RESTS_ON = ("n_students", "n_double")
"""A row rests on so many persons."""


def units(result: Result, threshold: int) -> Units:
    """The units of a result with all the equations that its readers know."""
    found = Units(threshold)
    if result.follows is not None:
        theirs = units(result.follows, threshold)
        follow(found, result, theirs, to_hide(theirs))
    for name, table in {**result.tables, **result.counted}.items():
        if "student" not in table.columns and len(table) and name not in found.decided:
            _counted(found, result, name, table)
    for extra in (_shares, _ends, _joined, _let_in, _grouped, _gated, _of_levels):
        extra(found, result)
    return found


def to_hide(found: Units) -> np.ndarray:
    """Which units (unit,) must be hidden: the small ones, and what would give them away."""
    small = np.array(found.small, dtype=bool)
    return complement(found.ledger, small) if small.any() else small


def _counted(found: Units, result: Result, name: str, table: pd.DataFrame) -> None:
    """Units and variables of the rows of one table, and its margins."""
    names = about(result.name, name, table)
    rests = [column for column in RESTS_ON if column in table.columns]
    place = np.full(len(table), -1)
    if not rests:
        found.rows[name] = place
        return
    numbers = table[rests].to_numpy(dtype=float, copy=True)
    gone = (table["reason"].astype(object) == "hidden").to_numpy() if "reason" in table.columns else place == 0
    numbers[np.isnan(numbers) & gone[:, None]] = max(found.threshold // 2, 1)  # hidden before: small as far as we know
    small = gone | ((numbers > 0) & (numbers < found.threshold)).any(axis=1)
    for row, record in enumerate(table[names].astype(object).to_dict("records")):
        place[row] = found.unit(key_of(record, name), float(np.nanmin(numbers[row], initial=np.inf)), bool(small[row]))
    found.rows[name] = place
    for margin in margins(result.name, name, table):
        _margin(found, result, name, table, margin)


def _margin(found: Units, result: Result, name: str, table: pd.DataFrame, margin: Margin) -> None:
    """The sums of one margin, and the sum of these."""
    groups = list(_groups(table, about(result.name, name, table), margin))
    for count in [count for count in margin.counts if count in table.columns]:
        totals = []
        for label, group in groups:
            own = label if margin.open else {}
            place = found.rows[name][group]
            terms, value, students = _add_up(found, result, table, place, group, count, margin.scored)
            if not terms:
                continue
            if own:
                key = key_of(own, name) | (frozenset({("", name)}) if margin.apart else frozenset())
                unit = found.unit(key, students, 0 < students < found.threshold)
                found.ledger.last.add(unit)
                totals.append(found.count(unit, count, value))
                found.adds([*terms, totals[-1]], [*[1.0] * len(terms), -1.0])
            elif students >= found.threshold and len(terms) > 1:
                found.adds(terms)
        if len(totals) > 1:
            found.adds(totals)


def _groups(table: pd.DataFrame, names: list[str], margin: Margin) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """What the rows of each sum are about, and their positions."""
    if not set(margin.over) <= set(table.columns):
        return
    kept = table[list(margin.over)].notna().any(axis=1).to_numpy().copy()  # the row of all is the total itself
    if margin.where is not None:
        kept &= table[margin.where[0]].astype(object).isin(margin.where[1]).to_numpy()
    rows = np.flatnonzero(kept)
    rest = [name for name in (names if margin.within is None else margin.within) if name not in margin.over]
    if not rest:
        yield {}, rows
        return
    labels = table[rest].iloc[rows].astype(object)
    code = labels.fillna("").groupby(rest, sort=False).ngroup().to_numpy()
    for value in range(int(code.max(initial=-1)) + 1):
        own = np.flatnonzero(code == value)
        yield dict(labels.iloc[own[0]]), rows[own]


def _add_up(
    found: Units, result: Result, table: pd.DataFrame, place: np.ndarray, group: np.ndarray, count: str, scored: bool
) -> tuple[list[int], float, float]:
    """The variables of one group of rows in a column that adds up, their sum, and the students in it."""
    first = np.unique(place, return_index=True)[1]
    rows, units = group[first], place[first]
    students = np.array([found.ledger.students[unit] for unit in units])
    values = np.nan_to_num(table[count].to_numpy(dtype=float)[rows], nan=max(found.threshold // 2, 1))
    live = values > 0
    terms = [found.count(int(unit), count, value) for unit, value in zip(units[live], values[live], strict=True)]
    framework = result.ratings.framework if result.ratings is not None else None
    if scored and framework is not None and len(terms) > 1:
        _moments(found, terms, _scores(framework, table.iloc[rows[live]]), values[live])
    return terms, float(values.sum()), float(students[np.isfinite(students)].sum())


def _scores(framework: Framework, rows: pd.DataFrame) -> np.ndarray:
    """The score of the level of each row."""
    scale = framework.levels
    if "criterion" in rows.columns and pd.notna(rows["criterion"].iloc[0]):
        scale = framework.scale(str(rows["criterion"].iloc[0]))
    score = {level.key: level.score for level in (*framework.levels, *scale)}
    return np.array([score.get(str(key), 0) for key in rows["level"]], dtype=float)


def _moments(found: Units, terms: list[int], score: np.ndarray, values: np.ndarray) -> None:
    """Mean and deviation of a criterion are shown to two decimals: nearly two more equations between its levels."""
    total = float(values.sum())
    off = score - (score @ values) / total
    deviation = float(np.sqrt((off**2 @ values) / total))
    found.adds(terms, list(off), 0.005 * total)
    found.adds(terms, list(off**2), 2 * deviation * 0.005 * total)


def _shares(found: Units, result: Result) -> None:
    """A share of the files of an INSPÉ is a count too: those with a foreign trainer, those rated only once."""
    table = result.tables.get("design")
    if result.name != "describe" or table is None or not {"inspe", "n_files"} <= set(table.columns):
        return
    files = table["n_files"].to_numpy(dtype=float)
    single = table["inspe"].notna().to_numpy()
    for name, share in (("share_linked", 1.0), ("share_double", -1.0)):
        portion = table[name].to_numpy(dtype=float)
        counts = np.round(files * (portion if share > 0 else 1 - portion))
        terms = []
        for row in np.flatnonzero(np.isfinite(counts)):
            key = frozenset({("inspe", str(table["inspe"].iloc[row])), ("", name)})
            unit = found.unit(key, counts[row], 0 < counts[row] < found.threshold)
            found.parts.append((unit, "design", np.arange(len(table)) == row, (name,)))
            if single[row] and counts[row] > 0:
                terms.append(found.count(unit, name, counts[row]))
        if len(terms) > 1 and sum(found.ledger.value[term] for term in terms) >= found.threshold:
            found.adds(terms)


def _ends(found: Units, result: Result) -> None:
    """The share at an end of the scale is that of its lowest or highest level."""
    table = result.tables.get("difficulty")
    if result.name != "difficulty" or table is None or result.ratings is None or "levels" not in found.rows:
        return
    for row, criterion in enumerate(table["criterion"].astype(str)):
        scale = sorted(result.ratings.framework.scale(criterion), key=lambda level: level.score)
        for name, level in (("floor", scale[0]), ("ceiling", scale[-1])):
            unit = found.keys.get(frozenset({("criterion", criterion), ("level", level.key), ("", "levels")}))
            if unit is not None:
                found.parts.append((unit, "difficulty", np.arange(len(table)) == row, (name,)))


def _of_levels(found: Units, result: Result) -> None:
    """Confusions and tests of a level tell how many ratings it has."""
    told = {"confusion": ("value", "se", "low", "high"), "tests": ("statistic", "p")}
    for name in told if result.name == "agreement" and "levels" in result.tables else ():
        table = result.tables.get(name, pd.DataFrame())
        records = table.reindex(columns=about(result.name, "levels", result.tables["levels"])).to_dict("records")
        for row, record in enumerate(records):
            if (unit := found.keys.get(key_of(record, "levels"))) is not None:
                found.parts.append((unit, name, np.arange(len(table)) == row, told[name]))


def _joined(found: Units, result: Result) -> None:
    """Direction, joint level and binding part are sums of cells of the cross table; so is weighted agreement."""
    if result.name != "concordance" or "cross" not in found.rows or result.ratings is None:
        return
    framework, cross = result.ratings.framework, result.tables["cross"]
    ladder = [level.key for level in framework.levels]
    values = cross["n_students"].to_numpy(dtype=float)
    live = np.flatnonzero(values > 0)
    inspe, pix = (
        np.array([ladder.index(str(key)) for key in cross[name].iloc[live]], dtype=int)
        for name in ("inspe_level", "pix_level")
    )
    terms = [
        found.count(int(found.rows["cross"][row]), "n_students", value)
        for row, value in zip(live, values[live], strict=True)
    ]
    ceiling = max((ladder.index(key) for key in framework.pix_levels if key in ladder), default=len(ladder) - 1)
    top = max(ceiling, int(pix.max(initial=0)))
    gap = np.minimum(inspe, top) - pix
    failed = ladder.index("not_reached") if "not_reached" in ladder else -1
    least = np.minimum(inspe, pix)
    classes = {
        "direction": [_cell("direction", {"direction": ("below", "equal", "above")[int(np.sign(g)) + 1]}) for g in gap],
        "closeness": [_cell("closeness", {"closeness": ("exact", "adjacent", "farther")[min(abs(g), 2)]}) for g in gap],
        "joint": [
            _cell("joint", {"state": "refused" if i == failed else "certified", "joint_level": ladder[i]})
            for i in least
        ],
        "binding": [_cell("binding", {"binding": _binding(i, j, ceiling)}) for i, j in zip(inspe, pix, strict=True)],
    }  # fmt: skip
    for keys in classes.values():
        _sums(found, terms, keys)
    gains(found, result, terms, list(zip(inspe.tolist(), pix.tolist(), strict=True)), ceiling)
    for name in ("direction", "closeness", "binding"):  # the findings rest on them
        found.ledger.last |= {found.keys[key] for key in classes[name] if key in found.keys}
    _weighted(found, result, terms, gap, float(values.sum()) * top)


def _let_in(found: Units, result: Result) -> None:
    """Where PIX+Édu opens the way, joint level and binding part are sums of its table."""
    gate = result.tables.get("gate")
    if result.name != "concordance" or gate is None or "gate" not in found.rows or result.ratings is None:
        return
    framework = result.ratings.framework
    if framework.rules.combination != "gate":
        return
    ladder = [level.key for level in framework.levels]
    failed = ladder.index("not_reached") if "not_reached" in ladder else -1
    values = gate["n_students"].to_numpy(dtype=float)
    live = np.flatnonzero(values > 0)
    terms = [found.count(int(found.rows["gate"][row]), "n_students", values[row]) for row in live]
    level = [ladder.index(str(key)) for key in gate["inspe_level"].iloc[live]]
    shut = [key == "not_admissible" for key in gate["pix_gate"].iloc[live]]
    joint, binding = [], []
    for place, no_pix in zip(level, shut, strict=True):
        no_inspe = place == failed
        lost = no_pix or no_inspe
        held = {"state": "refused", "joint_level": ladder[failed]} if failed >= 0 else {"state": "refused"}
        joint.append(_cell("joint", held if lost else {"state": "certified", "joint_level": ladder[place]}))
        part = "both" if no_pix and no_inspe else "pix" if no_pix else "inspe" if no_inspe else "none"
        binding.append(_cell("binding", {"binding": part}))
    _sums(found, terms, joint)
    _sums(found, terms, binding)
    gains(found, result, terms, [(place, 0 if no_pix else 1) for place, no_pix in zip(level, shut, strict=True)], 1)


def _grouped(found: Units, result: Result) -> None:
    """In each group, students at the same level, above and below: three counts that share one unit with its figures."""
    table = result.tables.get("groups")
    if result.name != "concordance" or table is None or "n_equal" not in table.columns:
        return
    sides = ("equal", "above", "below")
    counts = table[[f"n_{side}" for side in sides]].to_numpy(dtype=float)
    figures = tuple(name for name in table.columns if name not in ("facet", "member", "n_students", "reason"))
    terms: dict[tuple[str, str], list[int]] = {}
    for row, record in enumerate(table[["facet", "member"]].astype(str).to_dict("records")):
        if np.isnan(counts[row]).any():
            continue
        key = frozenset({*record.items(), ("", "groups")})
        small = bool(((counts[row] > 0) & (counts[row] < found.threshold)).any())
        unit = found.unit(key, float(counts[row].sum()), small)
        found.parts.append((unit, "groups", np.arange(len(table)) == row, figures))
        own = [(side, found.count(unit, side, n)) for side, n in zip(sides, counts[row], strict=True) if n > 0]
        whole = found.variable.get((int(found.rows["groups"][row]), "n_students"))
        if whole is not None and found.ledger.value[whole] == counts[row].sum():
            found.adds([*(term for _, term in own), whole], [*[1.0] * len(own), -1.0])
        for side, term in own:
            terms.setdefault((record["facet"], side), []).append(term)
    for (_, side), own_terms in terms.items():
        _sums(found, own_terms, [_cell("direction", {"direction": side})] * len(own_terms))


def _gated(found: Units, result: Result) -> None:
    """Shares at a cut are sums of the gate's table: who is admissible at the cut or above, who is not below it."""
    table, gate = result.tables.get("accuracy"), result.tables.get("gate")
    if result.name != "concordance" or table is None or gate is None or result.ratings is None:
        return
    ladder = [level.key for level in result.ratings.framework.levels]
    values = gate["n_students"].to_numpy(dtype=float)
    level = np.array([ladder.index(str(key)) for key in gate["inspe_level"]])
    good = (gate["pix_gate"].astype(object) == "admissible").to_numpy()
    figures = tuple(name for name in table.columns if name not in ("cut_level", "n_students", "best_cut", "reason"))
    for row, key in enumerate(table["cut_level"].astype(str)):
        above = level >= ladder.index(key)
        parts = {f"{a}{g}": np.flatnonzero((above == a) & (good == g) & (values > 0)) for a in (0, 1) for g in (0, 1)}
        sums = {name: float(values[rows].sum()) for name, rows in parts.items()}
        small = any(0 < value < found.threshold for value in sums.values())
        unit = found.unit(frozenset({("cut_level", key), ("", "accuracy")}), min(sums.values()) or 1.0, small)
        found.parts.append((unit, "accuracy", np.arange(len(table)) == row, figures))
        for name, rows in parts.items():
            if len(rows):
                terms = [found.count(int(found.rows["gate"][r]), "n_students", values[r]) for r in rows]
                own = found.count(unit, name, sums[name])
                found.ledger.need[own] = found.threshold - 1.0  # students, whichever of the four sums is small
                # Shown are shares of those admissible or not, to the percent.
                whole = sums[f"0{name[1]}"] + sums[f"1{name[1]}"]
                found.adds([*terms, own], [*[1.0] * len(rows), -1.0], 0.005 * whole)


def _binding(inspe: int, pix: int, ceiling: int) -> str:
    """The part that holds a student back."""
    if inspe == pix:
        return "none"
    return "inspe" if inspe < pix else "pix" if pix < ceiling else "pix_ceiling"


def _cell(table: str, record: dict[str, str]) -> Key:
    return key_of(record, table)


def _sums(found: Units, terms: list[int], keys: list[Key]) -> None:
    """Each coarser count is the sum of its cells, where it is in truth (a student who waits is in one table only)."""
    for key in dict.fromkeys(keys):
        unit = found.keys.get(key)
        coarse = None if unit is None else found.variable.get((unit, "n_students"))
        own = [term for term, other in zip(terms, keys, strict=True) if other == key]
        if coarse is not None and sum(found.ledger.value[term] for term in own) == found.ledger.value[coarse]:
            found.adds([*own, coarse], [*[1.0] * len(own), -1.0])


def _weighted(found: Units, result: Result, terms: list[int], gap: np.ndarray, most: float) -> None:
    """Observed agreement, shown to two decimals, tells the sum of the distances; unweighted, how many are equal.

    ``most`` is the sum of the distances in complete disagreement.
    """
    table = result.tables.get("concordance")
    if table is None or "weights" not in table.columns:
        return
    named = table["weights"].astype(object)
    equal = found.keys.get(_cell("direction", {"direction": "equal"}))
    if equal is not None:
        columns = tuple(name for name in ("value", "se", "low", "high", "pa", "pe") if name in table.columns)
        found.parts.append((equal, "concordance", (named == "identity").to_numpy(), columns))
    distances = {"linear": np.abs(gap), "quadratic": gap**2}
    for name in set(named) & set(distances):
        weights = distances[name].astype(float)
        if np.count_nonzero(weights) > 1:
            span = max(most / max(sum(found.ledger.value[term] for term in terms), 1.0), 1.0)
            found.adds(list(terms), list(weights), 0.005 * most * (span if name == "quadratic" else 1.0))
