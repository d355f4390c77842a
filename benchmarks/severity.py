"""Where the seconds of ``severity`` go at national scale: the fit, the tables, one simulated set of ratings.

    python benchmarks/severity.py --out benchmarks/results/severity.md

Processor seconds, so that other work on the machine does not count; those of the clock beside them.
"""

from __future__ import annotations

import argparse
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import crcne_stats.analysis.severity as entry
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.simulate import simulate

SIZES = {
    "study": {"students": 600, "inspe": 8},
    "national": {"students": 30_000, "inspe": 32, "trainers": 900, "missing": 0.0},
}
REPLICATES = 4


def clocked(module: Any, name: str, spent: dict[str, np.ndarray]) -> None:
    """Let a function of a module add its processor seconds, and those of the clock, to ``spent``."""
    function: Callable[..., Any] = getattr(module, name)

    def timed(*given: Any, **named: Any) -> Any:
        start = now()
        answer = function(*given, **named)
        spent[name] = spent.get(name, 0.0) + now() - start
        return answer

    setattr(module, name, timed)


def now() -> np.ndarray:
    """Processor seconds, and those of the clock."""
    return np.array([time.process_time(), time.perf_counter()])


def main() -> None:
    """Measure and write a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    spent: dict[str, np.ndarray] = {}
    for name in ("fitted_models", "drift", "drift_table", "_tables"):
        clocked(entry, name, spent)
    lines = [
        "# Seconds of `severity`", "",
        f"Python {platform.python_version()}, {platform.machine()}. Processor seconds, in brackets those of the clock,",
        "which depend on what else the machine does. «fits» are the models compared,",
        "«drift» the fits of each session apart and their table, «tables» all other statistics and tables,",
        "«replicate» one simulated set of ratings for the limits of fit (100 by default); peak memory is that of the",
        "whole process, which also simulates the data.", "",
        "| size | ratings | fits | drift | tables | replicate | total without replicates | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size, asked in SIZES.items():
        ratings = simulate(seed=3, **asked).ratings
        severity(simulate(60, 2, seed=1).ratings, simulations=2)  # imports and caches
        spent.clear()
        start = now()
        severity(ratings, simulations=0)
        total = now() - start
        drift = spent["drift"] + spent["drift_table"]
        tables, fits = spent["_tables"] - drift, spent["fitted_models"]
        start = now()
        severity(ratings, simulations=REPLICATES)
        replicate = np.maximum(now() - start - total, 0.0) / REPLICATES
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        numbers = " | ".join(f"{cpu:.2f} ({wall:.2f})" for cpu, wall in (fits, drift, tables, replicate, total))
        lines.append(f"| {size} | {len(ratings):,} | {numbers} | {peak:.0f} |")
        print(lines[-1], flush=True)
    text = "\n".join(lines) + "\n"
    if out is None:
        print(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
