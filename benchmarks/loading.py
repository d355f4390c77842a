"""How long national files take to load and validate: 1.14 million ratings in CSV and Parquet."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from crcne_stats.analysis.simulate import simulate
from crcne_stats.data.ratings import load_ratings, write_ratings


def main() -> None:
    """Print one line per kind of file: rows, seconds, peak memory."""
    start = time.perf_counter()
    made = simulate(30_000, 32, 2, seed=1).ratings
    print(f"simulate  {len(made):>9,} ratings  {time.perf_counter() - start:6.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv", "parquet"):
            path = write_ratings(made, Path(folder) / f"ratings.{kind}")
            start = time.perf_counter()
            loaded = load_ratings(path)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(f"{kind:<9} {len(loaded):>9,} ratings  {seconds:6.2f} s  peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
