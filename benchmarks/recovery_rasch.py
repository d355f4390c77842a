"""Does the many-facet model recover severities, and do its standard errors keep their word?

96 trainers of 8 INSPÉ, 800 students rated by 2 trainers on 19 criteria with 5 levels, a free ability mean for each
INSPÉ. Truth is fixed; students, who rates whom, and scores are drawn anew in each replicate. Writes a table.

    python benchmarks/recovery_rasch.py --replicates 500 --out benchmarks/results/recovery_rasch.md
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import parallel_config

from crcne_stats.core.rasch.design import Model, RatingData
from crcne_stats.core.rasch.mml import Fit, fit
from crcne_stats.core.rasch.population import group_means
from crcne_stats.core.resample import repeat
from crcne_stats.core.simulation import Parameters, design, drawn_scores

INSPE, TRAINERS, STUDENTS, SEATS, CRITERIA, LEVELS = 8, 96, 800, 2, 19, 5
ABILITY_SD, SEVERITY_SD, DIFFICULTY_SD = 1.2, 0.5, 0.6


@dataclass(frozen=True)
class Condition:
    """``halo`` and ``inspe_sd`` in logits; ``links``: share of files with a trainer of another INSPÉ."""

    name: str
    links: float
    halo: float
    inspe_sd: float


CONDITIONS = (
    Condition("no halo, 10 % links", 0.10, 0.0, 0.0),
    Condition("halo 0.5, INSPÉ SD 0.5, 3 % links", 0.03, 0.5, 0.5),
)


@dataclass(frozen=True, eq=False)
class Truth:
    """Fixed parameters: ``severity`` (trainer,), ``difficulty`` (criterion,), ``mean`` (INSPÉ,), ``steps`` (step,)."""

    severity: np.ndarray
    difficulty: np.ndarray
    mean: np.ndarray
    steps: np.ndarray


def truth(condition: Condition) -> Truth:
    """The truth of a condition, the same for all replicates; severities and difficulties have mean 0."""
    rng = np.random.default_rng(96)
    severity, difficulty = rng.normal(0, SEVERITY_SD, TRAINERS), rng.normal(0, DIFFICULTY_SD, CRITERIA)
    mean = rng.normal(0, 1, INSPE)
    return Truth(
        severity - severity.mean(),
        difficulty - difficulty.mean(),
        condition.inspe_sd * (mean - mean.mean()) / mean.std(),
        np.array([-2.4, -0.9, 0.8, 2.5]),
    )


def drawn(rng: np.random.Generator, condition: Condition, true: Truth) -> tuple[RatingData, np.ndarray]:
    """Ratings of a new cohort, and the INSPÉ of each student."""
    who = design(rng, STUDENTS, INSPE, TRAINERS, SEATS, condition.links)
    parameters = Parameters(
        ability=rng.normal(0, ABILITY_SD, STUDENTS) + true.mean[who.home],
        difficulty=true.difficulty[None, :],
        group=np.zeros(STUDENTS, dtype=np.int64),
        severity=true.severity,
        centrality=np.ones(TRAINERS),
        halo=rng.normal(0, condition.halo, (STUDENTS, SEATS)),
        taste=np.zeros((TRAINERS, CRITERIA)),
        thresholds=np.tile(true.steps, (CRITERIA, 1)),
    )
    scores = drawn_scores(rng, who, parameters)
    data = RatingData(
        np.repeat(np.arange(STUDENTS), SEATS * CRITERIA),
        {
            "trainer": np.repeat(who.panel.ravel(), CRITERIA),
            "criterion": np.tile(np.arange(CRITERIA), STUDENTS * SEATS),
        },
        scores.ravel(),
        STUDENTS,
        {"trainer": TRAINERS, "criterion": CRITERIA},
        np.full(CRITERIA, LEVELS),
    )
    return data, who.home


def rows(found: Fit) -> list[np.ndarray]:
    """Severity, its model SE and its sandwich SE, each (trainer,)."""
    trainers = found.block("trainer")
    return [found.value[trainers], found.se[trainers], found.robust_se[trainers]]


@dataclass(frozen=True, eq=False)
class Task:
    """``size`` replicates of a condition.

    Returns estimates and errors (replicate, 3 or 6, trainer), and (replicate, 4): converged, sd, halo, gain in AIC.
    """

    condition: Condition

    def __call__(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        true, answers, facts = truth(self.condition), [], []
        for _ in range(size):
            data, home = drawn(rng, self.condition, true)
            plain = fit(data, Model(), group_means(home))
            found, fact = rows(plain), [plain.converged, plain.sd, 0.0, 0.0]
            if self.condition.halo:
                halo = fit(data, Model(), group_means(home), halo="trainer")
                found += rows(halo)
                fact = [plain.converged and halo.converged, halo.sd, halo.halo, plain.aic - halo.aic]
            answers.append(found)
            facts.append(fact)
        return np.array(answers), np.array(facts, dtype=float)


def line(name: str, estimate: np.ndarray, se: np.ndarray, severity: np.ndarray) -> str:
    """A row of the table from estimates and standard errors (replicate, trainer)."""
    error = estimate - severity
    bias, noise = error.mean(axis=0), error.std(axis=0, ddof=1)
    # What the mean of the squared biases of the trainers owes to the finite number of replicates is taken off.
    true_bias = np.sqrt(max(0.0, float((bias**2).mean() - (noise**2).mean() / len(error))))
    slope = float(np.polyfit(severity, estimate.mean(axis=0), 1)[0])
    covered = np.abs(error) < 1.959964 * se
    ratio = noise / np.sqrt((se**2).mean(axis=0))
    return (
        f"| {name} | {noise.mean():.3f} | {true_bias:.4f} | {np.abs(bias).max():.3f} | {slope:.4f} "
        f"| {np.sqrt((noise**2).mean()) / np.sqrt((se**2).mean()):.3f} | {ratio.min():.2f}–{ratio.max():.2f} "
        f"| {100 * covered.mean():.1f} | {100 * covered.mean(axis=0).min():.1f} |"
    )


HEAD = (
    "| standard error | SD of error | bias (RMS) | largest bias | slope on truth | error / SE | by trainer "
    "| coverage % | worst trainer % |\n|---|---|---|---|---|---|---|---|---|"
)


def report(condition: Condition, replicates: int, seed: int) -> str:
    """The section of a condition."""
    start = time.perf_counter()
    found, facts = repeat(Task(condition), replicates, seed, block=25)
    severity = truth(condition).severity
    names = ["plain model", "plain model, sandwich", "halo model", "halo model, sandwich"][: 2 * (found.shape[1] // 3)]
    lines = [
        line(name, found[:, 3 * (k // 2)], found[:, 3 * (k // 2) + 1 + k % 2], severity) for k, name in enumerate(names)
    ]
    text = f"## {condition.name}\n\n{len(found)} replicates, {int(facts[:, 0].sum())} converged; "
    text += f"ability SD {facts[:, 1].mean():.3f} (true {ABILITY_SD})"
    if condition.halo:
        preferred = 100 * (facts[:, 3] > 0).mean()
        text += (
            f"; halo {facts[:, 2].mean():.3f} (true {condition.halo}); halo model preferred by AIC: {preferred:.0f} %"
        )
    text += f". {time.perf_counter() - start:.0f} s.\n\n"
    return text + "\n".join([HEAD, *lines]) + "\n"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    parts = [
        "# Recovery of severities by the many-facet Rasch model\n",
        f"{TRAINERS} trainers of {INSPE} INSPÉ, {STUDENTS} students × {SEATS} trainers × {CRITERIA} criteria, "
        f"{LEVELS} levels; marginal maximum likelihood with a free ability mean for each INSPÉ; seed {asked.seed}. "
        "Bias (RMS) is over trainers, less what the finite number of replicates adds; the largest bias still holds "
        "that noise.\n",
    ]
    with parallel_config(n_jobs=asked.jobs):
        parts += [report(condition, asked.replicates, asked.seed) for condition in CONDITIONS]
    text = "\n".join(parts)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
