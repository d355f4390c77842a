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
from crcne_stats.analysis.certification_data import DEFINITIONS, ladder_scores
from crcne_stats.analysis.certification_risk import PARTS, RISKS, Case, case, risk, scheme_table
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


def truth(made: Simulation, found: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """True boundaries (level above the lowest,) by definition."""
    criteria = made.ratings.criteria
    steps = np.array([made.truth["thresholds"][key] for key in criteria]).T
    difficulty = np.array([made.truth["difficulty"][key] for key in criteria])
    offset = np.vstack([np.zeros(len(criteria)), np.cumsum(steps + difficulty, axis=0)])
    yard = Yardstick(offset, ladder_scores(found.measured.fitted), found.yard.level_of, found.yard.n_levels)
    return {"expected": boundaries(yard)[0], "panel": large_panel(yard, rng)}


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


def replicate(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Totals (replicate, kind, number), and stated chances beside outcomes by bin (replicate, kind, bin, number)."""
    numbers, binned = [], []
    for _ in range(size):
        made = cohort(int(rng.integers(1 << 31)))
        found = placed(made, measured(made), int(rng.integers(1 << 31)))
        table = scheme_table(found, 0.0, 0.95).set_index(["definition", "part", "risk"])
        where = truth(made, found, rng)
        own, bins = [], []
        for definition, part, kind in KINDS:
            wrong = outcome(made, found, part, kind, where[definition])
            stated = risk(found, part, definition, kind, 0.0)[0].chance
            row, n = table.loc[(definition, part, kind)], len(wrong)
            own.append([n, wrong.sum(), row["n_wrong"], row["wrong_low"] * n, row["wrong_high"] * n])
            bins.append(curve(stated, wrong))
        numbers.append(own)
        binned.append(bins)
    return np.array(numbers, dtype=float), np.array(binned)


def curve(stated: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Students, stated chances and wrong ones by fine bin (bin, number)."""
    place = np.clip((stated * 200).astype(int), 0, 199)
    return np.column_stack([np.bincount(place, weight, 200) for weight in (None, stated, wrong.astype(float))])


@dataclass(frozen=True)
class Kept:
    """What a kind of risk keeps of its word."""

    students: int
    share: float
    stated: float
    error: float
    slope: float
    covered: float


def kept(numbers: np.ndarray, binned: np.ndarray) -> Kept:
    """Coverage of the number of wrong levels, calibration error by bins of ten, slope of a logistic regression."""
    total = binned.sum(axis=0)
    tens = total.reshape(10, 20, 3).sum(axis=1)
    error = float(np.abs(tens[:, 1] - tens[:, 2]).sum() / tens[:, 0].sum())
    share, stated = total[:, 2].sum() / total[:, 0].sum(), total[:, 1].sum() / total[:, 0].sum()
    return Kept(
        int(total[:, 0].sum()), float(share), float(stated), error, slope(total), float(covered(numbers).mean())
    )


def slope(total: np.ndarray) -> float:
    """Of outcomes on the logit of stated chances, those within 0.1 % and 99.9 %."""
    n, wrong = total[:, 0], total[:, 2]
    used = n > 0
    x = logit(np.clip(total[used, 1] / n[used], 1e-3, 1 - 1e-3))

    def cost(point: np.ndarray) -> float:
        p = np.clip(expit(point[0] + point[1] * x), 1e-12, 1 - 1e-12)
        return -float((wrong[used] * np.log(p) + (n - wrong)[used] * np.log(1 - p)).sum()) / float(n.sum())

    return float(minimize(cost, [0.0, 1.0]).x[1])


def table(numbers: np.ndarray, binned: np.ndarray) -> list[str]:
    """Markdown rows."""
    lines = [
        "| level deserved | decision | error | true share % | stated share % | calibration error | slope | covered % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, (definition, part, kind) in enumerate(KINDS):
        k = kept(numbers[:, place], binned[:, place])
        lines.append(
            f"| {definition} | {part} | {kind} | {100 * k.share:.2f} | {100 * k.stated:.2f} | {k.error:.4f} | "
            f"{k.slope:.3f} | {100 * k.covered:.1f} |"
        )
    return lines


def pooled(pages: list[Path], target: Path | None) -> str:
    """Several runs under one another, before them how many intervals of all of them hold; the first one's diagram."""
    runs = [json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) for page in pages]
    together = {name: [row for run in runs for row in run[name]] for name in runs[0]}
    lines = ["# Stated risks of the certificate against the truth: all runs", ""]
    lines += ["| level deserved | decision | error | cohorts | covered % |", "|---|---|---|---|---|"]
    for kind in KINDS:
        held = covered(np.array(together["-".join(kind)]))
        lines.append(f"| {' | '.join(kind)} | {len(held)} | {100 * held.mean():.1f} |")
    bodies = [
        page.read_text(encoding="utf-8").replace("# Stated", "## Stated", 1).partition("![")[0].rstrip()
        for page in pages
    ]
    if target is not None:
        picture = target.with_suffix(".svg")
        bodies[0] += f"\n\n![Calibration diagram]({picture.name})"
        picture.write_bytes(pages[0].with_suffix(".svg").read_bytes())
        target.with_suffix(".json").write_text(json.dumps(together) + "\n", encoding="utf-8")
        target.write_text("\n".join([*lines, "", "\n\n".join(bodies), ""]), encoding="utf-8")
    return "\n".join([*lines, "", "\n\n".join(bodies), ""])


def covered(numbers: np.ndarray) -> np.ndarray:
    """Whether the interval holds the true number (replicate,), rounded outwards by half a student."""
    return (numbers[:, 3] - 0.5 <= numbers[:, 1]) & (numbers[:, 1] <= numbers[:, 4] + 0.5)


def drawing(binned: np.ndarray, target: Path) -> None:
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
            tens = binned[:, number].sum(axis=0).reshape(10, 20, 3).sum(axis=1)
            tens = tens[tens[:, 0] >= 50]
            marker = "o" if kind == "too_high" else "s"
            fill = "black" if definition == "expected" else "white"
            ax.plot(tens[:, 1] / tens[:, 0], tens[:, 2] / tens[:, 0], marker=marker, linestyle="none", color="black",
                    markerfacecolor=fill, markersize=6, label=f"{kind.replace('_', ' ')}, {definition}")  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"{part} level", xlabel="stated chance")
        ax.set_ylabel("share truly wrong")
        ax.legend(loc="upper left", fontsize=8)
    page.savefig(target, format="svg", metadata={"Date": None})


def report(numbers: np.ndarray, binned: np.ndarray, seconds: float, seed: int, picture: str) -> str:
    """The study as a page."""
    head = [
        "# Stated risks of the certificate against the truth",
        "",
        f"{len(numbers)} cohorts of {STUDENTS} students, {INSPE} INSPÉ, {TRAINERS} trainers, 2 trainers a file, "
        f"19 criteria, 5 levels; halo {HALO}, trainer × criterion {TASTE} (outside the fitted model), severity SD "
        f"{SEVERITY}; {100 * LINKS:.0f} % of the files with a trainer of another INSPÉ; seed {seed}; {seconds:.0f} s.",
        "",
        "Calibration error: mean distance of stated chances and true shares over ten bins. Slope: logistic regression "
        "of what is true on the logit of the stated chance (1 is right). Covered: 95 % intervals of the number of "
        "students wrongly placed in the cohort, rounded outwards by half a student, that hold the true number.",
        "",
    ]
    return "\n".join([*head, *table(numbers, binned), "", f"![Calibration diagram]({picture})", ""])


def national(target: Path | None) -> None:
    """Time of posteriors and risks for 30,000 students, and of the whole analysis."""
    made = cohort(1, 30_000, 32, 900)
    result, before = timed(lambda: severity(made.ratings, simulations=0))

    def risks() -> Any:
        return scheme_table(placed(made, result.model, 1), 0.0, 0.95)

    _, alone = timed(risks)
    _, whole = timed(lambda: certification(made.ratings, made.students, severity=result))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows = (
        ("`severity` before (all tables)", before),
        ("posteriors and risks of every student, and the scheme with intervals", alone),
        ("`certification` with all tables", whole),
    )
    text = "\n".join([
        "# Time of the certificate's risks at national size",
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
    start, parts = time.perf_counter(), []
    for part in range(0, given.replicates, PART):
        size = min(PART, given.replicates - part)
        with parallel_config(n_jobs=given.jobs):
            parts.append(repeat(replicate, size, [given.seed, part], block=5))
        numbers, binned = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        text = written(numbers, binned, time.perf_counter() - start, given.seed, given.out)
        print(f"{len(numbers)} of {given.replicates}", flush=True)
    print(text)


def written(numbers: np.ndarray, binned: np.ndarray, seconds: float, seed: int, target: Path | None) -> str:
    """The page; written with its numbers and its diagram where a target is given, after each part of the study."""
    picture = "certification.svg" if target is None else target.with_suffix(".svg").name
    text = report(numbers, binned, seconds, seed, picture)
    if target is not None:
        target.write_text(text, encoding="utf-8")
        rows = {"-".join(kind): numbers[:, place].round(3).tolist() for place, kind in enumerate(KINDS)}
        target.with_suffix(".json").write_text(json.dumps(rows) + "\n", encoding="utf-8")
        drawing(binned, target.with_suffix(".svg"))
    return text


if __name__ == "__main__":
    main()
