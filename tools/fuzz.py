"""Broken files by the thousand: ``python tools/fuzz.py [--files N] [--seed S] [--jobs J] [--out FILE]``.

Each is a seed of ``fuzz_seeds`` that ``fuzz_mutations`` has broken. ``crcne validate`` reads it, in this process and,
for a sample, as a program of its own; it must end with 0 or 1, without a traceback, within ten seconds, and what it
accepts must be what ``fuzz_oracle`` reads in the file. Ends with 1 when any file fails; ``--keep`` keeps those.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import fuzz_oracle
from fuzz_mutations import mutated
from fuzz_seeds import Seed, seeds

from crcne_stats.cli import main as crcne
from crcne_stats.data.pix import load_pix
from crcne_stats.data.ratings import load_ratings
from crcne_stats.data.students import load_students

LIMIT = 10.0
"""Seconds of processor time, so that other work on the machine does not count."""

HANG = 90.0
"""Seconds by the clock after which a process is ended."""

GOOD = ("refused", "accepted", "accepted, unsure")
BAD = ("differs", "exit code", "traceback", "slow", "crashed")
_PROGRAM = 500
"""Of so many files one is also given to the program itself."""


@dataclass(frozen=True)
class Outcome:
    """What became of a broken file: ``kind`` is one of GOOD or BAD."""

    number: int
    name: str
    way: str
    kind: str
    told: str
    seconds: float


def case(all_seeds: Sequence[Seed], seed: int, number: int) -> tuple[Seed, str, bytes]:
    """The file of a number: its seed, how it was broken, what it holds."""
    rng = random.Random(seed * 1_000_003 + number)
    chosen = all_seeds[number % len(all_seeds)]
    return chosen, *mutated(chosen, rng)


def tried(chosen: Seed, way: str, content: bytes, number: int, folder: Path) -> Outcome:
    """Give a file to the kit and judge the answer."""
    path = folder / f"file{chosen.suffix}"
    path.write_bytes(content)
    start = time.process_time()
    try:
        kind, told = _judged(chosen, path, content, number)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        kind, told = "traceback", "".join(traceback.format_exception(error)[-4:])[-900:]
    seconds = time.process_time() - start
    if seconds > LIMIT and kind in GOOD:
        kind, told = "slow", f"{seconds:.1f} s"
    if number % _PROGRAM == 0 and kind in GOOD and (fault := _program(path)):
        kind, told = fault
    return Outcome(number, chosen.name, way, kind, told, seconds)


def _judged(chosen: Seed, path: Path, content: bytes, number: int) -> tuple[str, str]:
    code, answer = _validated(path, number)
    if code not in (0, 1):
        return "exit code", f"{code} {answer[:300]}"
    if code == 1:
        return "refused", ""
    kind = json.loads(answer)["kind"]
    try:
        expected, found = _both(chosen, path, content, kind)
    except fuzz_oracle.Unsure as unsure:
        return "accepted, unsure", str(unsure)
    except (ValueError, StopIteration) as error:
        return "differs", f"the file says nothing that one can take: {error!r}"
    lost, made = expected - found, found - expected
    return ("accepted", "") if not lost and not made else ("differs", f"lost {dict(lost)}, made {dict(made)}"[:600])


def _validated(path: Path, number: int) -> tuple[int, str]:
    """The exit code and standard output of ``crcne validate --json``; text and marked copy are made too."""
    out, err, language = io.StringIO(), io.StringIO(), ("fr", "en")[number % 2]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")
        code = crcne(["validate", str(path), "--json", "--lang", language])
    if code == 1:
        marked = path.with_name("marked.xlsx")
        marked.unlink(missing_ok=True)
        call = ["validate", str(path), "--lang", language, *(["--report", str(marked)] if number % 10 == 0 else [])]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            code = crcne(call)
    return code, out.getvalue()


def _program(path: Path) -> tuple[str, str] | None:
    """What is wrong with the answer of the program itself, None when nothing is."""
    call = [sys.executable, "-m", "crcne_stats", "validate", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=HANG / 2, check=False)
    except subprocess.TimeoutExpired:
        return "slow", "the program itself"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime > LIMIT:
        return "slow", "the program itself"
    fine = done.returncode in (0, 1) and "Traceback" not in done.stderr
    return None if fine else ("exit code", f"{done.returncode} {done.stderr[-600:]}")


def _both(chosen: Seed, path: Path, content: bytes, kind: str) -> tuple[Counter[Any], Counter[Any]]:
    """What the file says and what the kit took, as counts of facts."""
    if kind == "ratings":
        frame = load_ratings(path).frame
        columns = ["student", "trainer", "inspe", "session", "criterion"]
        texts = frame[columns].astype(object).fillna("").astype(str)
        scores = frame["score"].astype(int)
        own = Counter(zip(*(texts[name] for name in columns), scores, strict=True))
        return fuzz_oracle.ratings_in(chosen, content), own
    # Students and results of Pix: each fact taken must stand in a row of the file, and no identifier be lost.
    rows = [set(row) for row in fuzz_oracle.cells_in(chosen, content)]
    frame = load_pix(path) if kind == "pix" else load_students(path).frame
    facts: Counter[Any] = Counter()
    for entry in frame.astype(object).itertuples(index=False):
        own = [row for row in rows if entry.student in row]
        facts[entry.student] += 0 if own else 1
        for name in ("inspe", "session", "pix_score"):
            value = getattr(entry, name, None)
            text = (
                "" if value is None or value != value else f"{value:.12g}" if isinstance(value, float) else str(value)
            )
            if text and not any(text in row or _rounded(row, text) for row in own):
                facts[entry.student, name, text] += 1
    return Counter(), +facts


def _rounded(row: Iterable[str], text: str) -> bool:
    """Whether a cell shows the number in another way: 2,0 or 266 pix."""
    return any(re.sub(r"\.0*$|\W?pix$", "", cell.replace(",", ".").lstrip("0") or "0") == text for cell in row)


class _Worker:
    """A process that tries files; one that hangs or dies is replaced."""

    def __init__(self, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.number = -1
        self.asked = 0.0
        self.pipe.recv()

    def ask(self, number: int) -> None:
        self.number, self.asked = number, time.monotonic()
        self.pipe.send(number)

    def answer(self) -> Outcome | str | None:
        """The outcome, why there is none, or None while it is awaited."""
        try:
            if self.pipe.poll(0.02):
                found: Outcome = self.pipe.recv()
                return found
        except EOFError:
            self.process.join(5)
            return "crashed"
        if time.monotonic() - self.asked > HANG:
            self.process.kill()
            return "slow"
        return None


def _serve(pipe: Connection, seed: int) -> None:
    all_seeds = seeds()
    pipe.send("ready")
    with tempfile.TemporaryDirectory() as name:
        while True:
            number = pipe.recv()
            chosen, way, content = case(all_seeds, seed, number)
            pipe.send(tried(chosen, way, content, number, Path(name)))


def run(numbers: Iterable[int], seed: int, jobs: int) -> Iterator[Outcome]:
    """The outcomes of the files of these numbers, in the order in which they come."""
    waiting, all_seeds = iter(numbers), seeds()
    workers: list[_Worker] = []

    def started(worker: _Worker) -> bool:
        number = next(waiting, None)
        if number is not None:
            worker.ask(number)
        return number is not None

    for _ in range(jobs):
        worker = _Worker(seed)
        if started(worker):
            workers.append(worker)
    while workers:
        for worker in list(workers):
            found = worker.answer()
            if found is None:
                continue
            place = workers.index(worker)
            if isinstance(found, str):
                chosen, way, _ = case(all_seeds, seed, worker.number)
                seconds = time.monotonic() - worker.asked
                told = f"exit code {worker.process.exitcode}"
                found = Outcome(worker.number, chosen.name, way, found, told, seconds)
                worker = workers[place] = _Worker(seed)
            if not started(worker):
                workers.pop(place).process.kill()
            yield found


def report(outcomes: Sequence[Outcome], seed: int) -> str:
    """A page of Markdown: files by seed, by way of breaking and by outcome."""
    kinds = [kind for kind in (*GOOD, *BAD) if kind in GOOD or any(one.kind == kind for one in outcomes)]
    bad = sum(one.kind in BAD for one in outcomes)
    slowest = max(outcomes, key=lambda one: one.seconds)
    lines = [
        "# Broken files given to `crcne validate`", "",
        f"`python tools/fuzz.py --files {len(outcomes)} --seed {seed}`: {len(outcomes):,} files, {bad} failures. "
        f"The slowest took {slowest.seconds:.1f} s of processor time ({slowest.name}, "
        f"{slowest.way}; the limit is {LIMIT:.0f} s).", "",
        "- refused: exit code 1, each fault told; the text answer and, for a tenth, the marked copy were written too;",
        "- accepted: exit code 0, and the ratings are those that a plain reader (`csv`, `openpyxl`, `pyarrow` row by "
        "row) finds in the broken file; of students and results of Pix, every fact stands in the file;",
        "- accepted, unsure: exit code 0, but the plain reader cannot open the file.", "",
    ]  # fmt: skip
    for title, key in (("Seed", "name"), ("How it was broken", "way")):
        counts = Counter((getattr(one, key), one.kind) for one in outcomes)
        lines += [f"| {title} | {' | '.join(kinds)} |", f"| --- |{' ---: |' * len(kinds)}"]
        for name in sorted({getattr(one, key) for one in outcomes}):
            lines.append(f"| {name} | {' | '.join(str(counts[name, kind]) for kind in kinds)} |")
        totals = [str(sum(one.kind == kind for one in outcomes)) for kind in kinds]
        lines += [f"| all | {' | '.join(totals)} |", ""]
    return "\n".join(lines)


def main() -> int:
    """Try the files, write the page, keep those that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    outcomes = []
    all_seeds = seeds()
    for outcome in run(range(given.first, given.first + given.files), given.seed, given.jobs):
        outcomes.append(outcome)
        if outcome.kind in BAD:
            print(f"{outcome.number} {outcome.name} {outcome.way}: {outcome.kind}\n{outcome.told}", flush=True)
            if given.keep is not None:
                chosen, _, content = case(all_seeds, given.seed, outcome.number)
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{outcome.number}-{chosen.name}{chosen.suffix}").write_bytes(content)
    outcomes.sort(key=lambda one: one.number)
    page = report(outcomes, given.seed)
    print(page)
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(page, encoding="utf-8")
    return int(any(one.kind in BAD for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
