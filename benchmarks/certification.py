"""Do the stated risks of the certificate keep their word where the truth lies outside the fitted model?

Cohorts of 2 INSPÉ, each file rated by 2 trainers on 19 criteria with 5 levels; halo 0.5 logit, and every trainer has
views of each criterion (trainer × criterion, 0.3 logit) of which the fitted model knows nothing. Everything is drawn
anew in each replicate. Compares stated chances with what is true, and intervals with the numbers that they promise.

    python benchmarks/certification.py --replicates 200 --out benchmarks/results/certification.md
    python benchmarks/certification.py --pool one.md two.md --out benchmarks/results/certification.md
    python benchmarks/certification.py --national --out benchmarks/results/certification_speed.md
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from certification_page import (
    AGAIN,
    HALO,
    INSPE,
    KINDS,
    LINKS,
    SEVERITY,
    STUDENTS,
    TASTE,
    TRAINERS,
    curve,
    pooled,
    scores,
    written,
)
from joblib import parallel_config

from crcne_stats.analysis.certification import certification
from crcne_stats.analysis.certification_data import ladder_scores, together
from crcne_stats.analysis.certification_panels import METHODS, MOST, accuracy_table, panel_table
from crcne_stats.analysis.certification_risk import PARTS, RISKS, Case, case, risk, scheme_table
from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.severity import Measured, severity
from crcne_stats.analysis.severity_design import design, model, population
from crcne_stats.analysis.severity_fit import Fitted, marginal
from crcne_stats.analysis.severity_scale import CONNECTED, scale
from crcne_stats.analysis.simulate import Simulation, simulate
from crcne_stats.analysis.student_pairs import student_pairs
from crcne_stats.core.deserved import Yardstick, boundaries
from crcne_stats.core.rasch.mml import fit
from crcne_stats.core.resample import repeat

PLAIN: dict[str, Any] = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0, "centrality_sd": 0}
PANEL, HALVINGS, PART = 1200, 11, 10
RESAMPLES = 2000


def cohort(seed: int, students: int = STUDENTS, inspe: int = INSPE, trainers: int = TRAINERS) -> Simulation:
    """Ratings and students of one replicate."""
    spread = {"halo_sd": HALO, "taste_sd": TASTE, "severity_sd": SEVERITY}
    return simulate(students, inspe, 1, trainers=trainers, links=LINKS, seed=seed, **spread, **PLAIN)


def measured(made: Simulation) -> Measured:
    """The many-facet model with halo, without the tables and comparisons of ``severity``."""
    asked = design(made.ratings, [])
    made_population, group, _ = population(asked, None)
    wish, _ = model(asked, "shared", [], [], None, True)
    with_halo = fit(asked.data, wish, made_population, "trainer")
    fitted = Fitted(asked, marginal(with_halo), with_halo, group, False, 0.95)
    return Measured(fitted, scale(fitted, CONNECTED))


def placed(made: Simulation, model: Measured, seed: int) -> Case:
    """Every student on the scale, as ``certification`` has it by default."""
    settings = {"rule": "minimum", "pix_informs": True, "panel": 4000, "seed": seed}
    pairs = student_pairs(made.ratings, made.students)
    return case(pairs, made.students.frame, model, made.ratings.framework, settings)


def true_yard(made: Simulation, found: Case) -> Yardstick:
    """The criteria as they were drawn, with the rule."""
    criteria = made.ratings.criteria
    steps = np.array([made.truth["thresholds"][key] for key in criteria]).T
    difficulty = np.array([made.truth["difficulty"][key] for key in criteria])
    offset = np.vstack([np.zeros(len(criteria)), np.cumsum(steps + difficulty, axis=0)])
    return Yardstick(offset, ladder_scores(found.measured.fitted), found.yard.level_of, found.yard.n_levels)


def large_panel(yard: Yardstick, rng: np.random.Generator) -> np.ndarray:
    """Ability from which half of a panel gives each level, views of single criteria included."""
    n, n_criteria = PANEL // 2, yard.offset.shape[1]
    moved = np.hypot(SEVERITY, HALO) * rng.standard_normal((n, 1)) + TASTE * rng.standard_normal((n, n_criteria))
    moved, uniform = np.concatenate([moved, -moved]), rng.random((n, n_criteria))
    uniform = np.concatenate([uniform, 1 - uniform])
    power = np.arange(len(yard.offset))[:, None, None]
    found = []
    for wanted in range(1, yard.n_levels):
        low, high = np.full(len(moved), -9.0), np.full(len(moved), 10.0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            odds = np.exp(power * (middle[:, None] + moved) - yard.offset[:, None, :])
            place = (np.cumsum(odds, axis=0)[:-1] < uniform * odds.sum(axis=0)).sum(axis=0)
            yes = yard.level_of(np.take_along_axis(yard.score, place, axis=0)) >= wanted
            high, low = np.where(yes, middle, high), np.where(yes, low, middle)
        found.append(np.median((low + high) / 2))
    return np.array(found)


def outcome(made: Simulation, found: Case, part: str, kind: str, where: np.ndarray) -> np.ndarray:
    """Whether each row of that part is truly wrong (row,)."""
    rows = found.rows(part)
    names = found.frame["student"].astype(str).to_numpy()[rows]
    ability = np.array([made.truth["ability"][name] for name in names])
    true = np.searchsorted(where, ability, side="right")
    if part == "inspe":
        given = found.pairs["inspe"].to_numpy()[rows]
    else:
        given, seen = found.level[rows], found.other.seen[rows]
        true = np.where(seen >= 0, np.minimum(true, found.other.cap[seen]), true)
    return true < given if kind == "too_high" else true > given


def replicate(rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
    """Totals (replicate, kind, number), stated chances beside outcomes by bin (replicate, kind, bin, number), other
    panels (replicate, part and risk, trainers, number), and methods of accuracy (replicate, method, number).
    """
    numbers, binned, panels, methods = [], [], [], []
    for _ in range(size):
        made = cohort(int(rng.integers(1 << 31)))
        found = placed(made, measured(made), int(rng.integers(1 << 31)))
        table = scheme_table(found, 0.0, 0.95).set_index(["definition", "part", "risk"])
        yard = true_yard(made, found)
        where = {"expected": boundaries(yard)[0], "panel": large_panel(yard, rng)}
        own, bins = [], []
        for definition, part, kind in KINDS:
            wrong = outcome(made, found, part, kind, where[definition])
            stated = risk(found, part, definition, kind, 0.0)[0].chance
            row, n = table.loc[(definition, part, kind)], len(wrong)
            own.append([n, wrong.sum(), row["n_wrong"], row["wrong_low"] * n, row["wrong_high"] * n])
            own[-1] += scores(stated, wrong)
            bins.append(curve(stated, wrong))
        numbers.append(own)
        binned.append(bins)
        seed = int(rng.integers(1 << 31))
        panels.append(other_panels(made, found, yard, where["expected"], panel_table(found, 0.0, 0.95, seed), rng))
        methods.append(accuracies(made, found, where["expected"], accuracy_table(found, 0.95, seed, None)))
    return np.array(numbers, dtype=float), np.array(binned), np.array(panels), np.array(methods)


def other_panels(
    made: Simulation, found: Case, yard: Yardstick, where: np.ndarray, table: Any, rng: np.random.Generator
) -> list[list[list[float]]]:
    """For each part and risk and number of trainers: share stated, its ends, share true of one draw of panels; change
    stated, its ends, and the change of many draws.
    """
    decided = found.decided
    names = found.frame["student"].astype(str).to_numpy()[decided]
    ability = np.array([made.truth["ability"][name] for name in names])
    true, seen = np.searchsorted(where, ability, side="right"), found.other.seen[decided]
    how, answer = together(found.framework.rules.trainers), []
    wrong = np.zeros((AGAIN, len(PARTS), len(RISKS), MOST))
    for again in range(AGAIN):
        sheets = np.array([sheet(yard, ability, rng) for _ in range(MOST)])
        for seats in range(1, MOST + 1):
            level = yard.level_of(how(sheets[:seats]))
            for part, limit in enumerate((len(where), found.other.cap[seen])):
                given, deserved = np.minimum(level, limit), np.minimum(true, limit)
                wrong[again, part, :, seats - 1] = (deserved < given).mean(), (deserved > given).mean()
    rows = table[table["definition"] == "expected"].set_index(["part", "risk", "panel_size"])
    columns = [f"{name}{end}" for name in ("wrong", "wrong_change") for end in ("", "_low", "_high")]
    for part, part_name in enumerate(PARTS):
        for place, kind in enumerate(RISKS):
            own = wrong[:, part, place]
            for seats in range(MOST):
                stated = rows.loc[(part_name, kind, seats + 1), columns].astype(float).tolist()
                change = own[:, seats].mean() - own[:, seats - 1].mean() if seats else np.nan
                answer.append([*stated[:3], own[0, seats], *stated[3:], change, len(decided)])
    return answer


def sheet(yard: Yardstick, ability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores (student, criterion) of a new trainer for each student, with views of single criteria."""
    n, n_criteria = len(ability), yard.offset.shape[1]
    moved = np.hypot(SEVERITY, HALO) * rng.standard_normal((n, 1)) + TASTE * rng.standard_normal((n, n_criteria))
    odds = np.exp(np.arange(len(yard.offset))[:, None, None] * (ability[:, None] + moved) - yard.offset[:, None, :])
    place = (np.cumsum(odds, axis=0)[:-1] < rng.random((n, n_criteria)) * odds.sum(axis=0)).sum(axis=0)
    return np.asarray(np.take_along_axis(yard.score, place, axis=0))


def accuracies(made: Simulation, found: Case, where: np.ndarray, table: Any) -> list[list[float]]:
    """By method: accuracy stated, its ends, and the share of students whom its own level places rightly."""
    rows = found.graded
    person = found.person[rows]
    names = found.frame["student"].astype(str).to_numpy()[rows]
    true = np.searchsorted(where, np.array([made.truth["ability"][name] for name in names]), side="right")
    cut, data = found.where["expected"], found.measured.fitted.asked.data
    mean = (np.bincount(data.student, data.score) / np.bincount(data.student))[person]
    levels = np.arange(len(found.yard.offset), dtype=float)
    totals = np.einsum("rlc,l->r", found.yard.chances(np.where(np.isfinite(cut), cut, 99.0)), levels)
    by_total = np.searchsorted(totals / found.yard.offset.shape[1], mean, side="right")
    given = {
        "rule_drawn": found.pairs["inspe"].to_numpy()[rows],
        "lee": by_total,
        "rudner": np.searchsorted(cut, found.found.moments.mean[person], side="right"),
        "livingston_lewis": by_total,
    }
    stated = table.set_index("method")[["accuracy", "accuracy_low", "accuracy_high"]]
    return [[*stated.loc[name].astype(float), float((given[name] == true).mean()), len(rows)] for name in METHODS]


def national(target: Path | None) -> None:
    """Time of posteriors and risks for 30,000 students, of agreement with PIX+Édu, and of the whole analysis."""
    made = cohort(1, 30_000, 32, 900)
    result, before = timed(lambda: severity(made.ratings, simulations=0))

    def risks() -> Any:
        return scheme_table(placed(made, result.model, 1), 0.0, 0.95)

    _, alone = timed(risks)
    agreed, agreement = timed(lambda: concordance(made.ratings, made.students, severity=result, resamples=RESAMPLES))
    _, whole = timed(lambda: certification(made.ratings, made.students, severity=result, concordance=agreed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows = (
        ("`severity` before (all tables)", before),
        (f"`concordance` with {RESAMPLES:,} resamples, all tables (at most 10 s allowed)", agreement),
        ("posteriors and risks of every student, and the scheme with intervals (at most 5 s allowed)", alone),
        ("`certification` with all tables", whole),
    )
    text = "\n".join([
        "# Time of agreement with PIX+Édu and of the certificate's risks at national size",
        "",
        f"30,000 students, 900 trainers, {len(made.ratings.frame):,} ratings; memory at most {peak:.2f} GiB. Seconds "
        "depend on what else the machine does; processor seconds less so.",
        "",
        "| step | processor seconds | seconds |",
        "|---|---|---|",
        *(f"| {name} | {own[0]:.1f} | {own[1]:.1f} |" for name, own in rows),
        "",
    ])  # fmt: skip
    print(text)
    if target is not None:
        target.write_text(text, encoding="utf-8")


def timed(task: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What a task returns, its processor seconds and its seconds."""
    start = time.process_time(), time.perf_counter()
    found = task()
    return found, (time.process_time() - start[0], time.perf_counter() - start[1])


def main() -> None:
    """Read the command line, run, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--national", action="store_true")
    parser.add_argument(
        "--pool", type=Path, nargs="+", help="pages of runs with seeds of their own, to be laid together"
    )
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.pool:
        print(pooled(given.pool, given.out))
        return
    if given.national:
        national(given.out)
        return
    start, parts = time.process_time(), []
    for part in range(0, given.replicates, PART):
        size = min(PART, given.replicates - part)
        with parallel_config(n_jobs=given.jobs):
            parts.append(repeat(replicate, size, [given.seed, part], block=5))
        numbers, binned, panels, methods = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        run = f"seed {given.seed}, {len(numbers)} cohorts in {time.process_time() - start:.0f} s of processor time"
        text = written(numbers, binned.sum(axis=0), panels, methods, run, given.out)
        print(f"{len(numbers)} of {given.replicates}", flush=True)
    print(text)


if __name__ == "__main__":
    main()
