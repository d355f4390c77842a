"""The list of new ratings, stage by stage, with what it costs, whether it could be shorter, and what it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crcne_stats.analysis.planning_data import Situation, rules
from crcne_stats.analysis.planning_measure import Measure, Precision, common_set, precision
from crcne_stats.core.graph import components
from crcne_stats.core.repair import Repair, Rules, Web, blocks_of, connect, enumerated, strengthen
from crcne_stats.core.tighten import Tightening, tighten

NAN = float("nan")
STAGES = ("connect", "strengthen", "tighten")
SMALL = 40
"""Files up to which shorter lists are looked for by trying all."""
COMMON = (1, 2, 3, 5, 8, 12, 20, 30)


@dataclass(eq=False)
class Plan:
    """New ratings and what was found on the way.

    ``bound``: ratings that no list tying the trainers twice can go under; ``proof`` how the list of the first two
    stages compares with it; ``precise`` the errors at each stage, "before" first, empty without measures; ``given_up``
    (trainer,) whose errors nothing allowed helps; ``reached`` whether the target was.
    """

    given: Situation
    rules: Rules
    web: Web
    bound: int
    proof: str
    precise: dict[str, Precision] = field(default_factory=dict)
    given_up: np.ndarray | None = None
    reached: bool = False

    @property
    def repair(self) -> Repair:
        """The new ratings."""
        return self.web.repair


def plan(
    given: Situation,
    measured: Measure | None,
    settings: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """The three stages in turn, each on what the one before left."""
    allowed = rules(given, settings)
    web = Web(given.file, given.trainer, given.n_trainers, allowed)
    bound = blocks_of(web.graph()).bound
    connect(web)
    strengthen(web)
    shorter = enumerated(web) if given.n_files <= SMALL and not web.repair.failed else None
    if shorter:
        web = _rebuilt(given, allowed, web, shorter)
    count = len(web.repair.file)
    proof = "failed" if web.repair.failed else "proved" if count == bound else "not_proved"
    if proof == "not_proved" and shorter is not None:
        proof = "enumerated"
    found = Plan(given, allowed, web, bound, proof)
    if measured is None or given.n_trainers < 2:
        return found
    found.precise["before"] = precision(given, measured)
    for stage in STAGES[:2]:
        found.precise[stage] = precision(given, measured, *_until(web.repair, stage))
    tight = Tightening.of(web, measured.sheets(given, web.repair.file, web.repair.trainer), measured.new)
    linked = int(components(*_pairs(given, web.repair), given.n_files, given.n_trainers)[1].max(initial=0)) == 0
    if linked:
        found.reached = tighten(tight, settings["target_se"], int(settings["most_ratings"]), progress)
        found.given_up = tight.given_up
        found.precise["tighten"] = precision(given, measured, *_until(web.repair, "tighten"))
    return found


def _pairs(given: Situation, repair: Repair) -> tuple[np.ndarray, np.ndarray]:
    file, trainer = np.array(repair.file, dtype=np.int64), np.array(repair.trainer, dtype=np.int64)
    return np.r_[given.file, file], np.r_[given.trainer, trainer]


def _until(repair: Repair, stage: str) -> tuple[list[int], list[int]]:
    last = STAGES.index(stage)
    kept = [place for place, own in enumerate(repair.stage) if STAGES.index(own) <= last]
    return [repair.file[place] for place in kept], [repair.trainer[place] for place in kept]


def _rebuilt(given: Situation, allowed: Rules, web: Web, chosen: tuple[tuple[int, int], ...]) -> Web:
    """The web with another list: ratings that join groups count as the first stage."""
    made = Web(given.file, given.trainer, given.n_trainers, allowed)
    made.repair.bound = dict(web.repair.bound)
    for file, trainer in chosen:
        group = components(*_pairs(given, made.repair), given.n_files, given.n_trainers)
        joins = group[0][file] != group[1][trainer]
        made.add(file, trainer, "connect" if joins else "strengthen")
    return made


def repair_table(found: Plan) -> pd.DataFrame:
    """A row for each new rating, in the order in which they matter. It names students: it is never published."""
    given, repair = found.given, found.repair
    about = given.about.iloc[repair.file].reset_index(drop=True)
    home = given.home[repair.trainer] if repair.trainer else np.zeros(0, dtype=np.int64)
    table = about.assign(
        trainer=[given.trainers[t] for t in repair.trainer],
        trainer_inspe=[given.homes[code] if code >= 0 else None for code in home.tolist()],
        stage=repair.stage,
        hours=repair.cost,
    )
    return table[["stage", *about.columns, "trainer", "trainer_inspe", "hours"]]


def stage_table(found: Plan) -> pd.DataFrame:
    """What each stage adds; "together": the first two, which the bound is about."""
    repair = found.repair
    cost = np.array(repair.cost)
    names = np.array(repair.stage, dtype=object)
    linked = len(np.unique(components(found.given.file, found.given.trainer, found.given.n_files,
                                      found.given.n_trainers)[1])) - 1  # fmt: skip
    rows = []
    for stage in (*STAGES, "together", "all"):
        own = np.isin(names, STAGES[:2] if stage == "together" else STAGES if stage == "all" else (stage,))
        n = int(own.sum())
        row: dict[str, Any] = {
            "stage": stage, "n_ratings": n, "hours": float(cost[own].sum()), "bound": NAN, "gap": NAN, "proof": "",
            "reason": "rules_forbid" if stage in repair.failed else "",
        }  # fmt: skip
        if stage == "connect":
            cheapest = row["hours"] <= repair.bound.get("connect", 0.0) + 1e-9 and n == linked
            proof = "failed" if row["reason"] else "proved" if cheapest else "not_proved"
            row |= {"bound": linked, "gap": NAN if row["reason"] else n - linked, "proof": proof}
        elif stage == "together":
            row |= {"bound": found.bound, "gap": NAN if repair.failed else n - found.bound, "proof": found.proof}
            row["reason"] = "rules_forbid" if repair.failed else ""
        elif stage == "tighten":
            row["proof"] = "greedy"
            row["reason"] = _why_not(found)
        rows.append(row)
    return pd.DataFrame(rows)


def _why_not(found: Plan) -> str:
    if not found.precise:
        return "no_measures"
    if "tighten" not in found.precise:
        return "still_islands"
    return "" if found.reached else "target_not_reached"


def precision_table(found: Plan, target: float) -> pd.DataFrame:
    """Errors of severity contrasts before, and after each stage."""
    rows = []
    for stage, precise in found.precise.items():
        n = 0 if stage == "before" else len(_until(found.repair, stage)[0])
        hours = float(sum(found.repair.cost[:n])) if n else 0.0
        rows.append({"stage": stage, "n_ratings": n, "hours": hours, **precise.row(target)})
    return pd.DataFrame(rows)


def trainer_table(found: Plan) -> pd.DataFrame:
    """A row for each trainer: new ratings, and the mean error of the contrasts with others before and after."""
    given = found.given
    new = np.bincount(np.array(found.repair.trainer, dtype=np.int64), minlength=given.n_trainers)
    students = given.about["student"].cat.codes.to_numpy()[given.file]
    pairs = np.unique(np.column_stack([given.trainer, students]), axis=0)
    before, after = found.precise["before"].each, list(found.precise.values())[-1].each
    return pd.DataFrame(
        {
            "trainer": given.trainers,
            "trainer_inspe": [given.homes[code] if code >= 0 else None for code in given.home.tolist()],
            "n_students": np.bincount(pairs[:, 0], minlength=given.n_trainers),
            "n_new": new,
            "se_before": before,
            "se_after": after,
            "reason": np.select(
                [~np.isfinite(before), np.full(len(before), found.precise["before"].group.max() > 0)],
                ["trainer_alone", "own_group_only"],
                "",
            ),
        }
    )


def common_table(found: Plan, measured: Measure, target: float) -> pd.DataFrame:
    """The alternative of a common set."""
    return common_set(found.given, measured, found.rules.of, target, COMMON)
