"""How long national files take to load and validate: 1.14 million ratings as CSV, as Parquet, as 32 workbooks.

Each kind is loaded in a process of its own, whose peak memory is measured with that of its own workers.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
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
print(f"{found.counts['ratings']:>9,} ratings  {seconds:6.2f} s  peak {peak:.2f} GiB")
"""


def main() -> None:
    """Print one line per kind of file: ratings, seconds, peak memory of the largest process."""
    start = time.perf_counter()
    made = simulate(30_000, 32, 2, seed=1).ratings
    print(f"simulated {len(made):,} ratings in {time.perf_counter() - start:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv", "parquet"):
            _timed(kind, write_ratings(made, Path(folder) / f"ratings.{kind}"))
        _timed("32 xlsx", _workbooks(made, Path(folder) / "inspe"))


def _timed(name: str, path: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", _LOAD, str(path)], check=True, capture_output=True, text=True)
    print(f"{name:<9} {answer.stdout.strip()}", flush=True)


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
