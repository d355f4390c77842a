"""Writes each kind of file many times in children that are killed, each at another moment; run by test_killed.py.

``python killed_runs.py FOLDER KIND``: a child process counts what it asks of the file system below its own folder and
kills itself at the n-th request, for several n; others are killed by the clock. Nothing in the child can catch either.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.cli import main as crcne
from crcne_stats.data.grid import write_grid
from crcne_stats.data.ratings import write_ratings
from crcne_stats.data.students import write_students
from crcne_stats.publish.write import write_study

EVENTS = {"open", "os.rename", "os.chmod", "os.mkdir", "os.remove", "os.link", "os.truncate"}
MOMENTS = 7
FAULTY = "etudiant;formateur;critere;niveau\nE1;F1;1.1;9\n"


def requests(folder: Path, act: Callable[[int], None]) -> None:
    """Call ``act`` with the number of each request that this process makes below ``folder``."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if event in EVENTS and any(str(folder) in str(arg) for arg in args[:2]):
            count += 1
            act(count)

    sys.addaudithook(hook)


def child(work: Callable[[Path], Any], folder: Path, number: int | None, seconds: float | None) -> int:
    """Do the work in a process of its own; its requests, when it was not killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = [0]

        def act(count: int) -> None:
            said[0] = count
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        requests(folder, act)
        if seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, seconds)  # unhandled: the process ends there and then
        try:
            work(folder)
        finally:
            os.write(writing, str(said[0]).encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    answer = os.read(reading, 20)
    os.close(reading)
    return int(answer or 0)


def works(base: Path, kind: str) -> Callable[[Path], Any]:
    """What writes each kind of file."""
    made = simulate(students=40, inspe=2, seed=1)
    write_ratings(made.ratings, base / "ratings.csv")
    write_students(made.students, base / "students.csv")
    (base / "faulty.csv").write_text(FAULTY, encoding="utf-8")
    codes = [f"E{number}" for number in range(30)]
    if kind == "study":
        asked = study(made.ratings, made.students, seed=1, options={"agreement": {"resamples": 0}})
        return lambda folder: write_study(asked, folder / "study", notebooks=False)
    return {
        "parquet": lambda folder: write_ratings(made.ratings, folder / "r.parquet"),
        "csv": lambda folder: write_ratings(made.ratings, folder / "r.csv"),
        "template": lambda folder: write_grid(codes, folder / "g.xlsx", framework="2022-2023", trainer="F1"),
        "report": lambda folder: crcne(["validate", str(base / "faulty.csv"), "--report", str(folder / "f.xlsx")]),
        "pseudonymise": lambda folder: crcne(
            ["pseudonymise", str(base / "ratings.csv"), str(folder / "p.csv"), "--key", str(folder / "key")]
        ),
    }[kind]


def main(base: Path, kind: str) -> None:
    """Folders ``whole``, ``request-N`` and ``clock-N`` below ``base``, what is left in each."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    work = works(base, kind)

    def run(name: str, number: int | None = None, seconds: float | None = None) -> int:
        folder = base / name
        folder.mkdir()
        return child(work, folder, number, seconds)

    start = time.monotonic()
    total = run("whole")
    span = time.monotonic() - start
    for number in sorted({1 + round(step * (total - 1) / (MOMENTS - 1)) for step in range(MOMENTS)}):
        run(f"request-{number}", number=number)
    for step in range(1, MOMENTS):
        run(f"clock-{step}", seconds=span * step / MOMENTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
