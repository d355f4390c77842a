"""How long national files take to load and validate: 1.14 million ratings as CSV, as Parquet, as 32 workbooks.

Each kind is loaded in a process of its own, whose peak memory is measured with that of its own workers.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import openpyxl

from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.ratings import write_ratings
from crcne_stats.data.schema import schema
from crcne_stats.domain.ratings import Ratings

_LOAD = """
import resource, sys, time
from pathlib import Path
from crcne_stats.data.validate import validate
start = time.perf_counter()
found = validate(Path(sys.argv[1]))
seconds = time.perf_counter() - start
assert not found.problems, found.problems.items[:3]
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
print(found.counts["ratings"], seconds, peak)
"""
RESULTS = Path(__file__).parent / "results" / "loading.md"


def main() -> None:
    """Write and print one line per kind of file."""
    made = simulate(30_000, 32, 2, seed=1).ratings
    lines = ["# Loading and validating a national file", "", _machine(), "", *_HEAD]
    with tempfile.TemporaryDirectory() as folder:
        for kind, target in (("csv", 3), ("parquet", 1)):
            lines.append(_timed(kind, write_ratings(made, Path(folder) / f"ratings.{kind}"), target))
        lines.append(_timed("32 xlsx", _workbooks(made, Path(folder) / "inspe"), 15))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"), end="")


_HEAD = [
    "| file | ratings | seconds | processor seconds with start and workers | target, s | peak, GiB (target 1) |",
    "|---|---:|---:|---:|---:|---:|",
]


def _machine() -> str:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"`benchmarks/loading.py`, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"load of the machine before (1, 5, 15 minutes): {load}. Where the load is above the number of processors, "
        "the seconds are those of a shared machine and the processor seconds tell what the work costs."
    )


def _timed(name: str, path: Path, target: int) -> str:
    before = _used()
    answer = subprocess.run([sys.executable, "-c", _LOAD, str(path)], check=True, capture_output=True, text=True)
    ratings, seconds, peak = answer.stdout.split()
    return (
        f"| {name} | {int(ratings):,} | {float(seconds):.1f} | {_used() - before:.1f} | {target} | {float(peak):.2f} |"
    )


def _used() -> float:
    """Processor seconds of all the processes that have ended."""
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def _workbooks(made: Ratings, folder: Path) -> Path:
    """One workbook per INSPÉ, long, as a correspondent would send it."""
    folder.mkdir()
    headers = schema("ratings").headers
    columns = ["student", "trainer", "inspe", "session", "criterion", "score"]
    for inspe, own in made.frame.groupby("inspe", observed=True):
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Notes")
        sheet.append([headers[name] for name in columns])
        for row in own[columns].astype(object).itertuples(index=False):
            sheet.append(list(row))
        book.save(folder / f"{inspe}.xlsx")
    return folder


if __name__ == "__main__":
    main()
