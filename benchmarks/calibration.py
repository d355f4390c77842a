"""Coverage of the link, power and false alarms of ``calibration`` on two versions with known drift.

``python benchmarks/calibration.py [REPLICATES [STUDENTS]]`` writes ``benchmarks/results/calibration.json`` and ``.md``
after every 25 replicates. Each has as many new students as old ones (``STUDENTS`` in each version), better by 0.5
logit; the trainers become more severe by 0.2 on average, each with a drift of its own (standard deviation 0.2), see
halo (0.4) and keep more or less to the middle; two unchanged criteria drift by 0.5, one up, one down; 60 previous files
are rated again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from crcne_stats.analysis.calibration import linked_pair
from crcne_stats.analysis.calibration_design import ties
from crcne_stats.analysis.calibration_links import constant
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.simulate_next import simulate_next
from crcne_stats.core.resample import repeat

ABILITY, SEVERITY, TRAINER_SD, DRIFT, AGAIN = 0.5, 0.2, 0.2, 0.5, 60
SETTINGS = {"stays": None, "link": "mean", "reworded": "test", "thresholds": "criterion", "alpha": 0.05}
Z = 1.959964
TRUE = {"criteria_and_trainers": ABILITY - SEVERITY, "files": ABILITY, "files_and_criteria": SEVERITY}
NAMES = ("link constant", *TRUE)
TOLD = {
    "link constant": "constant of the link (from the anchors)",
    "criteria_and_trainers": "students less trainers, criteria held (0.3)",
    "files": "students, from files rated again (0.5)",
    "files_and_criteria": "trainers, from files rated again and criteria held (0.2)",
}
CHUNK = 25
RESULTS = Path(__file__).parent / "results"


def true_constant(first: Simulation, second: Simulation) -> float:
    """What to add to the new difficulties, centred, so that the criteria that stay keep theirs."""
    old, new = first.truth["difficulty"], second.truth["difficulty"]
    same = [tie for tie in ties(first.ratings.framework, second.ratings.framework)[0] if tie.kind == "same"]
    stay = next(tie for tie in same if tie.new[0] not in second.truth["planted"]["drift"])
    centres = [np.mean(list(table.values())) for table in (old, new)]
    return float(old[stay.old[0]] - centres[0] - new[stay.new[0]] + centres[1])


def replicate(rng: np.random.Generator, students: int) -> np.ndarray:
    """Error and standard error of each quantity, then planted criteria found, stable ones tested and flagged."""
    seed = int(rng.integers(2**31))
    first = simulate(students, 4, 1, links=0.1, drift=0, low_agreement=0, dif=0, seed=seed)
    second = simulate_next(
        first, "2026-illustration", ability_shift=ABILITY, severity_shift=SEVERITY, trainer_drift_sd=TRAINER_SD,
        drift=DRIFT, again=AGAIN, seed=seed + 1,
    )  # fmt: skip
    pair, reason = linked_pair(first.ratings, second.ratings, SETTINGS)
    assert pair is not None, reason
    shifts = {"link constant": constant(pair.found, pair.held)}
    true = {"link constant": true_constant(first, second), **TRUE}
    for belief in TRUE:
        moved = pair.moved.of(belief)
        assert moved is not None
        shifts[belief] = moved
    planted = second.truth["planted"]["drift"]
    keys = np.array([pair.found.asked.key(int(form), 1) for form in pair.held.linked], dtype=object)
    flagged = pair.held.p_adjusted < SETTINGS["alpha"]
    drifting = np.isin(keys, list(planted))
    errors = [number for name in NAMES for number in (shifts[name].value - true[name], shifts[name].total)]
    counts = [flagged[drifting].sum(), drifting.sum(), flagged[~drifting].sum(), (~drifting).sum()]
    return np.array([*errors, *counts, float(pair.found.fit.converged)], dtype=float)


def summary(rows: np.ndarray, students: int) -> dict[str, Any]:
    """Rates over the replicates (replicate, number)."""
    n = len(rows)
    answer: dict[str, Any] = {"replicates": n, "students": students, "converged": float(rows[:, -1].mean())}
    for place, name in enumerate(NAMES):
        error, se = rows[:, 2 * place], rows[:, 2 * place + 1]
        answer[name] = {
            "coverage": float((np.abs(error) < Z * se).mean()), "bias": float(error.mean()), "sd": float(error.std()),
            "mean_se": float(se.mean()),
        }  # fmt: skip
    found, planted, false, stable = rows[:, -5:-1].sum(axis=0)
    answer |= {
        "power": float(found / planted), "false_alarms": float(false / stable),
        "replicates_with_false_alarm": float((rows[:, -3] > 0).mean()),
    }  # fmt: skip
    return answer


def write(found: dict[str, Any]) -> None:
    """The numbers as JSON and as a page."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "calibration.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    n = found["replicates"]
    lines = [
        "# Two versions of the framework: coverage of the link, power, false alarms", "",
        f"`python benchmarks/calibration.py {n} {found['students']}`: {n} replicates, {found['students']} students",
        "in each version. New students better by 0.5 logit; trainers more severe by 0.2, each with a drift of its own",
        "(standard deviation 0.2); halo 0.4; two unchanged criteria drift by ±0.5; 60 previous files rated again.",
        "The truth lies outside the fitted model (halo, trainers who keep to the middle).", "",
        "| quantity | intervals at 95 % that cover | bias | standard deviation | mean standard error |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in NAMES:
        own = found[name]
        numbers = f"{own['bias']:.3f} | {own['sd']:.3f} | {own['mean_se']:.3f}"
        lines.append(f"| {TOLD[name]} | {own['coverage']:.1%} | {numbers} |")
    lines += [
        "", f"Criteria that drift by 0.5 logit are flagged in {found['power']:.1%} of the cases, criteria that stay in",
        f"{found['false_alarms']:.2%} of them; {found['replicates_with_false_alarm']:.1%} of the replicates flag at",
        f"least one that stays. The fit converged in {found['converged']:.1%} of the replicates.", "",
    ]  # fmt: skip
    (RESULTS / "calibration.md").write_text("\n".join(lines), encoding="utf-8")


def main(replicates: int = 500, students: int = 600) -> None:
    """Run in chunks, each with a seed of its own, and write what there is after each."""
    rows: list[np.ndarray] = []
    for start in range(0, replicates, CHUNK):
        size = min(CHUNK, replicates - start)
        rows.append(repeat(lambda rng, n: np.array([replicate(rng, students) for _ in range(n)]), size, seed=start + 1))
        write(summary(np.concatenate(rows), students))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
