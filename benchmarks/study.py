"""Time and memory of a whole study, step by step, and of writing its folder.

    python benchmarks/study.py --out benchmarks/results/study.md [--size inspe …]

Each study runs in a process of its own. Seconds are those of the clock, and beside them those of the processor, which
other work on the machine moves less; memory is the peak of the whole process, ratings and interpreter included.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import crcne_stats as cs
from crcne_stats.analysis.study import FUNCTIONS

SIZES: dict[str, dict[str, Any]] = {
    "inspe": {"students": 600, "inspe": 8},
    "region": {"students": 3000, "inspe": 4, "trainers": 96},
    "national": {"students": 30_000, "inspe": 32, "trainers": 900},
}
"""What is simulated: 19 criteria, two trainers a student, two sessions, 2 % of the ratings missing."""
GOALS = {"inspe": "60 s", "national": "5 min and 2 GiB"}


def spent() -> float:
    """Processor seconds of this process and of those that it started."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Steps:
    """Seconds, processor seconds and peak memory (MiB) of each step, by name."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which writes down what it took."""

        @functools.wraps(function)
        def run(*given: Any, **named: Any) -> Any:
            clock, used = time.perf_counter(), spent()
            answer = function(*given, **named)
            seconds, cpu = time.perf_counter() - clock, spent() - used
            self.found[name] = [seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
            print(name, *(round(number, 1) for number in self.found[name]), file=sys.stderr, flush=True)
            return answer

        return run


def one(size: str, notebooks: bool) -> dict[str, list[float]]:
    """The steps of a study in this process: each analysis, the whole, the folder."""
    steps = Steps()
    made = steps.timed("simulate", cs.simulate)(seed=1, **SIZES[size])
    for name, function in list(FUNCTIONS.items()):
        FUNCTIONS[name] = steps.timed(name, function)
    found = steps.timed("study", cs.study)(made.ratings, made.students, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        write = steps.timed("write_study", cs.write_study)
        write(found, Path(folder) / "study", notebooks=False)
        if notebooks:
            steps.timed("write_study, notebooks run", cs.write_study)(found, Path(folder) / "again")
    return steps.found


def table(size: str, found: dict[str, list[float]]) -> list[str]:
    """The steps of one size as Markdown."""
    asked = SIZES[size]
    title = f"## {asked['students']:,} students, {asked['inspe']} INSPÉ"
    goal = f"To be met by `study`: {GOALS[size]}.\n" if size in GOALS else ""
    rows = [f"| {name} | {seconds:.1f} | {cpu:.1f} | {mib:.0f} |" for name, (seconds, cpu, mib) in found.items()]
    return [
        title,
        "",
        goal,
        "| step | seconds | processor seconds | peak MiB so far |",
        "|---|---:|---:|---:|",
        *rows,
        "",
    ]


def main() -> None:
    """Measure and write a Markdown page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--size", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--no-notebooks", action="store_true", help="do not time the folder with notebooks")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(one(asked.size[0], not asked.no_notebooks)))
        return
    lines = [
        "# Time and memory of a whole study", "",
        f"`python benchmarks/study.py`, Python {platform.python_version()}, {os.cpu_count()} processors.",
        "Seconds depend on what else the machine does; processor seconds, those of every thread and process added up,",
        "less so. `study` is the sum of the analyses above it; `write_study` writes report, tables and figures,",
        "«notebooks run» the notebooks too, each of which computes its analysis again. Memory is that of the whole",
        "process up to the end of the step (the notebooks run in processes of their own).", "",
    ]  # fmt: skip
    for size in asked.size:
        command = [sys.executable, __file__, "--alone", "--size", size, *["--no-notebooks"] * asked.no_notebooks]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        lines += table(size, json.loads(done.stdout.strip().splitlines()[-1]))
        print("\n".join(lines[-len(lines) :]), flush=True)
    text = "\n".join(lines)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
