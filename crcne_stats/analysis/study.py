"""The chain: every analysis of the list, in order, each with what it reads; or the part of it that one needs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.calibration import calibration
from crcne_stats.analysis.certification import certification
from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.describe import describe
from crcne_stats.analysis.difficulty import difficulty
from crcne_stats.analysis.fairness import fairness
from crcne_stats.analysis.generalizability import generalizability
from crcne_stats.analysis.icc import icc
from crcne_stats.analysis.planning import planning
from crcne_stats.analysis.priorities import priorities
from crcne_stats.analysis.severity import severity
from crcne_stats.analysis.verdict import verdict
from crcne_stats.core.shared import one_thread
from crcne_stats.domain.analyses import ANALYSES, Analysis, analysis
from crcne_stats.domain.errors import DataError, Problem, Problems
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result, Study
from crcne_stats.domain.students import Students

FUNCTIONS: dict[str, Callable[..., Result]] = {
    "describe": describe,
    "agreement": agreement,
    "icc": icc,
    "severity": severity,
    "generalizability": generalizability,
    "difficulty": difficulty,
    "fairness": fairness,
    "concordance": concordance,
    "certification": certification,
    "planning": planning,
    "calibration": calibration,
    "priorities": priorities,
    "verdict": verdict,
}
"""The function of each analysis of the list."""

STEPS = 100
"""Progress is counted in hundredths of an analysis."""


def study(
    ratings: Ratings,
    students: Students | None = None,
    previous: Ratings | None = None,
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """All the analyses of the list on the same data.

    Parameters
    ----------
    ratings, students, previous
        What the analyses read; ``previous`` are the ratings of the former framework version. An analysis whose input is
        absent has a Result without tables that gives the reason.
    options
        Keywords per analysis, ``{"agreement": {"weights": "linear"}}``.
    seed
        Each analysis draws from a seed made of this one and its own name: adding an analysis moves no other number.
    progress
        ``progress(done, total)``, in hundredths of an analysis.

    Raises
    ------
    DataError
        For options of an unknown analysis or with an unknown key, before anything is computed.
    """
    chosen = {name: dict(own) for name, own in (options or {}).items()}
    given = {"ratings": ratings, "students": students, "previous": previous}
    results, seconds = _chain(ANALYSES, given, chosen, seed, progress)
    return Study(results, ratings, students, chosen, seed, seconds, previous)


def answer(
    name: str,
    ratings: Ratings,
    students: Students | None = None,
    previous: Ratings | Sequence[Ratings] | None = None,
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """One analysis with the earlier results that it reads: what a study with this seed holds under its name.

    Parameters
    ----------
    name
        The analysis; :func:`needed` tells what is computed before it.
    ratings, students, previous, options, seed, progress
        As in :func:`study`; ``previous`` may be several versions in their order.

    Raises
    ------
    DataError
        For options of an unknown analysis or with an unknown key, before anything is computed.
    """
    given = {"ratings": ratings, "students": students, "previous": previous}
    entries = [analysis(each) for each in (*needed(name), name)]
    return _chain(entries, given, options or {}, seed, progress)[0][name]


def needed(name: str) -> list[str]:
    """The earlier analyses that the analysis ``name`` reads, and those that these read, in the order of the list."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(analysis(waiting.pop()).after) - found
        found |= new
        waiting += new
    return [entry.name for entry in ANALYSES if entry.name in found]


def option_names(name: str) -> list[str]:
    """The options of the analysis ``name``: its keywords, save those that the chain itself gives."""
    entry = analysis(name)
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    own = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    return [key for key in own if key not in {"seed", "progress", *entry.inputs, *entry.after, *entry.may}]


def own_seed(seed: int, name: str) -> int:
    """The seed of the analysis ``name`` in a study: it depends on these two alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "big")


def _chain(
    entries: Sequence[Analysis],
    given: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, Result], dict[str, float]]:
    """The results of these analyses, each with the earlier ones that it reads, and the seconds that each took."""
    _check(options)
    results: dict[str, Result] = {}
    seconds: dict[str, float] = {}
    for position, entry in enumerate(entries):
        start = time.perf_counter()
        part = _part(progress, position, len(entries))
        with one_thread():
            results[entry.name] = _answer(entry, given, results, options.get(entry.name, {}), seed, part)
        if len(given["ratings"].frame) > _MANY:
            _given_back()
        seconds[entry.name] = time.perf_counter() - start
        if progress is not None:
            progress((position + 1) * STEPS, len(entries) * STEPS)
    return results, seconds


_MANY = 200_000
"""Ratings from which the memory that an analysis frees is worth the second that it takes to look for it."""


def _given_back() -> None:
    """Let the system have the memory that an analysis has freed: glibc keeps it, and the next one comes on top."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # other libraries have no such function
        ctypes.CDLL(None).malloc_trim(0)


def _check(options: Mapping[str, Mapping[str, Any]]) -> None:
    problems = Problems()
    names = [entry.name for entry in ANALYSES]
    for name, own in options.items():
        if name not in names:
            problems.add(Problem("unknown_analysis", {"allowed": ", ".join(names)}, found=str(name)))
            continue
        allowed = option_names(name)
        for key in own:
            if key not in allowed:
                values = {"analysis": name, "allowed": ", ".join(allowed) or "–"}
                problems.add(Problem("unknown_option", values, found=str(key)))
    if problems:
        raise DataError(problems)


def _answer(
    entry: Analysis,
    given: Mapping[str, Any],
    results: Mapping[str, Result],
    options: Mapping[str, Any],
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Result:
    inputs = {name: given[name] for name in entry.inputs}
    absent = [name for name, value in inputs.items() if value is None]
    if absent:
        return Result(entry.name, settings={**options, "reason": f"no_{absent[0]}"}, inputs=inputs)
    function = FUNCTIONS[entry.name]
    offered = {"seed": own_seed(seed, entry.name), "progress": progress}
    taken = inspect.signature(function).parameters
    asked = {name: value for name, value in offered.items() if name in taken}
    earlier = {name: results[name] for name in entry.after}
    further = {name: given[name] for name in entry.may}
    return function(*inputs.values(), **earlier, **further, **asked, **options)


def _part(progress: Callable[[int, int], None] | None, position: int, n: int) -> Callable[[int, int], None] | None:
    """The progress of one analysis as a part of the whole, which is ``n`` analyses."""
    if progress is None:
        return None

    def within(done: int, total: int) -> None:
        progress(position * STEPS + done * STEPS // max(total, 1), n * STEPS)

    return within
