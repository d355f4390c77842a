"""How often the 95 % interval of an intraclass correlation holds the truth, on incomplete and nested designs.

Three ways to draw the components are compared: the kit's (sums of components drawn by χ²), normal draws cut at zero
(ten Hove, Jorgensen & van der Ark 2022) and normal draws of the logarithms. Writes results/icc_coverage.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from crcne_stats.core.components import Components
from crcne_stats.core.icc import FORMS, panel
from crcne_stats.core.icc_draws import draws, fit
from crcne_stats.core.resample import repeat

SHOWN = ("ICC(A,1)", "ICC(A,k)", "ICC(C,1)", "ICC(Q,k)")
DRAWS = 2000
WAYS = ("χ² sums", "normal", "log-normal")
S, R, E = 0.5, 0.1, 0.4


def normal(found: Components, rng: np.random.Generator, n: int) -> Any:
    """Normal draws of the components, cut at zero."""
    return np.maximum(rng.multivariate_normal(found.variance, found.covariance, n, method="eigh").T, 0)


def log_normal(found: Components, rng: np.random.Generator, n: int) -> Any:
    """Normal draws of the logarithms; a component at zero stays there."""
    size = np.maximum(found.variance, 1e-9)
    logs = found.covariance / np.outer(size, size) * ~(found.boundary[:, None] | found.boundary)
    return size[:, None] * np.exp(
        np.clip(rng.multivariate_normal(np.zeros(len(size)), logs, n, method="eigh").T, -50, 50)
    )


class Design:
    """One design with its truth: a task for :func:`repeat`, returning misses (repetition, way, form) and widths.

    A miss is 1 when the truth lies above the interval, −1 when it lies below.
    """

    def __init__(self, students: int, places: int, trainers: int, per_file: int, single: float, r: float) -> None:
        self.students, self.places, self.trainers = students, places, trainers
        self.per_file, self.single, self.r = per_file, single, r

    def ratings(self, rng: np.random.Generator) -> tuple[Any, Any, Any]:
        """Codes (rating,) of file, trainer and place."""
        place = np.arange(self.students) % self.places
        order = np.argsort(rng.random((self.students, self.trainers)), axis=1)[:, : self.per_file]
        kept = np.ones(order.shape, dtype=bool)
        kept[:, 1:] = rng.random(self.students)[:, None] >= self.single
        file = np.nonzero(kept)[0]
        return file, order[kept] + self.trainers * place[file], place[file]

    def __call__(self, rng: np.random.Generator, size: int) -> tuple[Any, Any]:
        miss, width = np.zeros((size, len(WAYS), len(SHOWN))), np.zeros((size, len(WAYS), len(SHOWN)))
        for one in range(size):
            file, trainer, place = self.ratings(rng)
            y = (
                rng.normal(0, S**0.5, self.students)[file]
                + rng.normal(0, self.r**0.5, self.places * self.trainers)[trainer]
                + rng.normal(0, 0.5, self.places)[place]
                + rng.normal(0, E**0.5, len(file))
            )
            group = place if self.places > 1 else None
            plan = panel(file, trainer, group)
            found = fit(y, file, trainer, group).found
            for way, draw in enumerate((draws, normal, log_normal)):
                parts = draw(found, rng, DRAWS)
                for form, name in enumerate(SHOWN):
                    value = FORMS[name].value
                    truth = value(S, self.r, E, plan.k_effective, plan.non_overlap)
                    low, high = np.quantile(value(*parts, plan.k_effective, plan.non_overlap), [0.025, 0.975])
                    miss[one, way, form], width[one, way, form] = int(truth > high) - int(truth < low), high - low
        return miss, width


DESIGNS = {
    "30 students × 3 trainers, complete": Design(30, 1, 3, 3, 0, R),
    "100 students, 2 of 4 trainers": Design(100, 1, 4, 2, 0, R),
    "100 students, 2 of 8 trainers": Design(100, 1, 8, 2, 0, R),
    "100 students, 2 of 20 trainers": Design(100, 1, 20, 2, 0, R),
    "600 students in 8 places, 2 of 6 trainers": Design(600, 8, 6, 2, 0, R),
    "600 students in 8 places, 6 trainers, 70 % rated once": Design(600, 8, 6, 2, 0.7, R),
    "100 students, 2 of 8 trainers, no variance between trainers": Design(100, 1, 8, 2, 0, 0.0),
    "100 students, 2 of 4 trainers, as different as students": Design(100, 1, 4, 2, 0, 0.5),
    "100 students, 2 of 8 trainers, as different as students": Design(100, 1, 8, 2, 0, 0.5),
}


def main() -> None:
    """Run every design and write the table."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    lines = [
        "# Coverage of the 95 % intervals of intraclass correlations",
        "",
        f"`python benchmarks/icc_coverage.py {n}`: {n} data sets per design, components {S} (students), {R} (trainers)",
        f"and {E} (rest) unless the design says otherwise; each place has a mean of its own. Coverage, and in brackets",
        "how often the truth lies below and above the interval, and the mean width. The truth lies below when the",
        f"interval promises too much. With {n} data sets the standard error of a",
        f"coverage of 95 % is {100 * (0.95 * 0.05 / n) ** 0.5:.1f} points. Chance alone: seed 1.",
        "",
        "| design | draws | " + " | ".join(SHOWN) + " |",
        "|---|---|" + "---|" * len(SHOWN),
    ]
    for number, (name, design) in enumerate(DESIGNS.items()):
        miss, width = repeat(design, n, [1, number], block=50)
        for way, label in enumerate(WAYS):
            cells = [
                f"{(miss[:, way, f] == 0).mean():.1%} ({(miss[:, way, f] < 0).mean():.1%}, "
                f"{(miss[:, way, f] > 0).mean():.1%}; {width[:, way, f].mean():.3f})"
                for f in range(len(SHOWN))
            ]
            lines.append(f"| {name} | {label} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    target = Path(__file__).parent / "results" / "icc_coverage.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
