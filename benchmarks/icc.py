"""How long the intraclass correlations of every criterion take, from one INSPÉ to the whole country."""

from __future__ import annotations

import time

from crcne_stats.analysis.icc import icc
from crcne_stats.analysis.simulate import simulate


def main() -> None:
    """Print one line per size: students, trainers, ratings, seconds of the clock and of the processor."""
    for students, inspe, trainers in ((600, 8, 24), (30_000, 32, 900)):
        ratings = simulate(students, inspe, 2, trainers=trainers, seed=1).ratings
        clock, processor = time.perf_counter(), time.process_time()
        icc(ratings)
        told = f"{time.perf_counter() - clock:6.2f} s  ({time.process_time() - processor:.2f} s of processor)"
        print(f"{students:>7,} students  {trainers:>4} trainers  {len(ratings):>9,} ratings  {told}", flush=True)


if __name__ == "__main__":
    main()
