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
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from joblib import parallel_config
from scipy.optimize import minimize
from scipy.special import expit, logit

from crcne_stats.analysis.certification import certification
from crcne_stats.analysis.certification_data import DEFINITIONS, ladder_scores, together
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

STUDENTS, INSPE, TRAINERS, LINKS = 240, 2, 14, 0.1
HALO, TASTE, SEVERITY = 0.5, 0.3, 0.35
PLAIN: dict[str, Any] = {"disordered": False, "dif": 0, "drift": 0, "low_agreement": 0, "centrality_sd": 0}
PANEL, HALVINGS, PART = 1200, 11, 10
KINDS = [(d, p, r) for d in DEFINITIONS for p in PARTS for r in RISKS]
CERTAIN = 1e-3
"""Chances below it, or as near to one, do not count in slopes: mostly students who cannot be wrong."""
EDGES = np.unique(np.r_[expit(np.linspace(logit(CERTAIN), -logit(CERTAIN), 57)), np.arange(1, 10) / 10])
RESAMPLES = 2000
AGAIN = 100
"""Draws of new panels for the true change of shares."""


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


def curve(stated: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Students, stated chances and wrong ones by bin of :data:`EDGES` (bin, number)."""
    place, n = np.searchsorted(EDGES, stated, side="right"), len(EDGES) + 1
    return np.column_stack([np.bincount(place, weight, n) for weight in (None, stated, wrong.astype(float))])


def scores(stated: np.ndarray, wrong: np.ndarray) -> list[float]:
    """Score (2) and information (3) of a logistic regression on the logit of the stated chance, at slope 1."""
    used = (stated > CERTAIN) & (stated < 1 - CERTAIN)
    p = stated[used]
    x, off, weight = logit(p), wrong[used] - p, p * (1 - p)
    return [float(each) for each in (off.sum(), off @ x, weight.sum(), weight @ x, weight @ x**2)]


@dataclass(frozen=True)
class Kept:
    """What a kind of risk keeps of its word."""

    share: float
    stated: float
    error: float
    slope: float
    slope_se: float
    covered: float


def kept(numbers: np.ndarray, total: np.ndarray) -> Kept:
    """Coverage of the number of wrong levels, calibration error by bins of ten, slope of a logistic regression.

    ``numbers`` (replicate, number), ``total`` (bin, number) the bins of all replicates.
    """
    by_ten = tens(total)
    error = float(np.abs(by_ten[:, 1] - by_ten[:, 2]).sum() / by_ten[:, 0].sum())
    n = total[:, 0].sum()
    own, se = slope(total), slope_se(numbers)
    return Kept(
        float(total[:, 2].sum() / n), float(total[:, 1].sum() / n), error, own, se, float(covered(numbers).mean())
    )


def tens(total: np.ndarray) -> np.ndarray:
    """Bins (10, number) of a tenth each."""
    place = np.searchsorted(np.arange(1, 10) / 10, np.r_[0.0, EDGES] + 1e-12, side="right")
    return np.column_stack([np.bincount(place, column, 10) for column in total.T])


def slope(total: np.ndarray) -> float:
    """Of outcomes on the logit of stated chances, of students with a chance within 0.1 % and 99.9 %."""
    inner = total[1:-1]
    n, stated, wrong = inner[inner[:, 0] > 0].T
    x = logit(stated / n)

    def cost(point: np.ndarray) -> float:
        p = np.clip(expit(point[0] + point[1] * x), 1e-12, 1 - 1e-12)
        return -float((wrong * np.log(p) + (n - wrong) * np.log(1 - p)).sum()) / float(n.sum())

    return float(minimize(cost, [0.0, 1.0]).x[1])


def slope_se(numbers: np.ndarray) -> float:
    """Its standard error, students of a cohort being alike: the sandwich over cohorts, at slope 1."""
    score, information = numbers[:, 5:7], numbers[:, 7:].sum(axis=0)
    inverse = np.linalg.inv(np.array([information[:2], information[1:]]))
    away = score - score.mean(axis=0)
    return float(np.sqrt((inverse @ (away.T @ away) @ inverse)[1, 1]))


def table(numbers: np.ndarray, total: np.ndarray) -> list[str]:
    """Markdown rows; ``numbers`` (replicate, kind, number), ``total`` (kind, bin, number)."""
    lines = [
        "| level deserved | decision | error | true share % | stated share % | calibration error | slope | its error | "
        "covered % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for place, (definition, part, kind) in enumerate(KINDS):
        k = kept(numbers[:, place], total[place])
        lines.append(
            f"| {definition} | {part} | {kind} | {100 * k.share:.2f} | {100 * k.stated:.2f} | {k.error:.4f} | "
            f"{k.slope:.3f} | {k.slope_se:.3f} | {100 * k.covered:.1f} |"
        )
    return lines


def further(panels: np.ndarray, methods: np.ndarray) -> list[str]:
    """Markdown rows of other panels and of the methods of accuracy."""
    lines = [
        "| decision | error | trainers | true share % | stated share % | covered % | true change | stated change | "
        "covered % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = [(part, kind, size) for part in PARTS for kind in RISKS for size in range(1, MOST + 1)]
    for place, (part, kind, size) in enumerate(names):
        stated, low, high, true, change, change_low, change_high, true_change, n = panels[:, place].T
        row = f"| {part} | {kind} | {size} | {100 * true.mean():.2f} | {100 * stated.mean():.2f} | "
        row += f"{100 * inside(low, true, high, n):.1f} | "
        if size > 1:
            held = ((change_low <= true_change) & (true_change <= change_high)).mean()
            row += f"{100 * true_change.mean():.2f} | {100 * change.mean():.2f} | {100 * held:.1f} |"
        else:
            row += " | | |"
        lines.append(row)
    lines += ["", "| accuracy by | true share % | stated share % | covered % |", "|---|---|---|---|"]
    for place, name in enumerate(METHODS):
        stated, low, high, true, n = methods[:, place].T
        lines.append(
            f"| {name} | {100 * true.mean():.2f} | {100 * stated.mean():.2f} | {100 * inside(low, true, high, n):.1f} |"
        )
    return lines


def inside(low: np.ndarray, true: np.ndarray, high: np.ndarray, n: np.ndarray) -> float:
    """Share of intervals that hold the true share, rounded outwards by half a student of ``n``."""
    return float(((low * n - 0.5 <= true * n) & (true * n <= high * n + 0.5)).mean())


def pooled(pages: list[Path], target: Path | None) -> str:
    """Several runs with seeds of their own as one, and under it the table of each; the diagram of all."""
    runs = [json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) for page in pages]
    parts = [
        np.concatenate([np.array(run[name], dtype=float) for run in runs]) for name in ("numbers", "panels", "methods")
    ]
    total = np.sum([run["bins"] for run in runs], axis=0)
    picture = "certification.svg" if target is None else target.with_suffix(".svg").name
    text = report(parts[0], total, parts[1], parts[2], ", ".join(run["run"] for run in runs), picture)
    for run in runs:
        numbers = np.array(run["numbers"], dtype=float)
        text += "\n".join(["", f"## {run['run']}", "", *table(numbers, np.array(run["bins"])), ""])
    if target is not None:
        target.write_text(text, encoding="utf-8")
        target.with_suffix(".json").write_text(
            json_of(*parts, total, "; ".join(run["run"] for run in runs)), encoding="utf-8"
        )
        drawing(total, target.with_suffix(".svg"))
    return text


def json_of(numbers: np.ndarray, panels: np.ndarray, methods: np.ndarray, total: np.ndarray, run: str) -> str:
    """What a page rests on: single cohorts, and the bins of all of them."""
    arrays = {"numbers": numbers, "panels": panels, "methods": methods, "bins": total}
    lines = [f'"{name}": {json.dumps(np.where(np.isnan(a), 0.0, a).round(4).tolist())}' for name, a in arrays.items()]
    return "{\n" + ",\n".join([f'"run": {json.dumps(run)}', *lines]) + "\n}\n"


def covered(numbers: np.ndarray) -> np.ndarray:
    """Whether the interval holds the true number (replicate,), rounded outwards by half a student."""
    return (numbers[:, 3] - 0.5 <= numbers[:, 1]) & (numbers[:, 1] <= numbers[:, 4] + 0.5)


def drawing(total: np.ndarray, target: Path) -> None:
    """Calibration diagram: true shares against stated chances, by direction and definition."""
    mpl.use("svg")
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "certification"
    page = Figure(figsize=(9, 4.4), layout="constrained")
    for place, part in enumerate(PARTS):
        ax = page.add_subplot(1, 2, place + 1)
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
        for number, (definition, own, kind) in enumerate(KINDS):
            if own != part:
                continue
            by_ten = tens(total[number])
            by_ten = by_ten[by_ten[:, 0] >= 50]
            marker = "o" if kind == "too_high" else "s"
            fill = "black" if definition == "expected" else "white"
            stated, true = by_ten[:, 1:].T / by_ten[:, 0]
            ax.plot(stated, true, marker=marker, linestyle="none", color="black",
                    markerfacecolor=fill, markersize=6, label=f"{kind.replace('_', ' ')}, {definition}")  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"{part} level", xlabel="stated chance")
        ax.set_ylabel("share truly wrong")
        ax.legend(loc="upper left", fontsize=8)
    page.savefig(target, format="svg", metadata={"Date": None})


def report(
    numbers: np.ndarray, total: np.ndarray, panels: np.ndarray, methods: np.ndarray, run: str, picture: str
) -> str:
    """The study as a page."""
    head = [
        "# Stated risks of the certificate against the truth",
        "",
        f"{len(numbers)} cohorts of {STUDENTS} students, {INSPE} INSPÉ, {TRAINERS} trainers, 2 trainers a file, "
        f"19 criteria, 5 levels; halo {HALO}, trainer × criterion {TASTE} (outside the fitted model), severity SD "
        f"{SEVERITY}; {100 * LINKS:.0f} % of the files with a trainer of another INSPÉ; {run}.",
        "",
        "Calibration error: mean distance of stated chances and true shares over ten bins. Slope: logistic regression "
        "of what is true on the logit of the stated chance (1 is right), of students with a chance between 0.1 % and "
        "99.9 %; most others cannot be wrong, for PIX+Édu alone decides of them. Its error: the standard error, "
        "clustered by cohort. Covered: 95 % intervals of the number of students wrongly placed in the cohort, rounded "
        "outwards by half a student, that hold the true number.",
        "",
    ]
    middle = [
        "",
        f"![Calibration diagram]({picture})",
        "",
        "## Other panels, and methods of accuracy",
        "",
        "True share: of one draw of new trainers for each file of the cohort, with views of single criteria as above; "
        f"true change: from one trainer fewer, in points, over {AGAIN} draws. The last table: the level by the rule, "
        "by the total (`lee`, `livingston_lewis`) or by the posterior mean (`rudner`), against the true one.",
        "",
    ]
    return "\n".join([*head, *table(numbers, total), *middle, *further(panels, methods), ""])


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


def written(
    numbers: np.ndarray, total: np.ndarray, panels: np.ndarray, methods: np.ndarray, run: str, target: Path | None
) -> str:
    """The page; written with its numbers and its diagram where a target is given, after each part of the study."""
    picture = "certification.svg" if target is None else target.with_suffix(".svg").name
    text = report(numbers, total, panels, methods, run, picture)
    if target is not None:
        target.write_text(text, encoding="utf-8")
        target.with_suffix(".json").write_text(json_of(numbers, panels, methods, total, run), encoding="utf-8")
        drawing(total, target.with_suffix(".svg"))
    return text


if __name__ == "__main__":
    main()
