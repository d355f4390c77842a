"""How long the agreement of every criterion takes with 2,000 resamples of students."""

from __future__ import annotations

import time

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.simulate import simulate


def main() -> None:
    """Print one line per size: students, ratings, seconds."""
    for students, inspe in ((600, 8), (30_000, 32)):
        ratings = simulate(students, inspe, 2, seed=1).ratings
        start = time.perf_counter()
        agreement(ratings, resamples=2000, seed=1)
        print(f"{students:>7,} students  {len(ratings):>9,} ratings  {time.perf_counter() - start:6.2f} s")


if __name__ == "__main__":
    main()
