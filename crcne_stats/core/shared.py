"""Work on the same arrays, shared out among threads.

numpy lets go of the interpreter while it computes, so threads suffice, and the arrays stand in the memory once. How
many there are comes from joblib's context, as in :mod:`crcne_stats.core.resample`; without one everything is done here.
Answers come in the order of what was given, so that no number depends on the workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[Any]:
    """Linear algebra in one thread: the matrices here are small, so that more would mostly wait for one another.

    On two processors two threads made the tests of ``fairness`` a third slower, at more than twice the processor time.
    """
    return threadpool_limits(1)


def threads() -> int:
    """How many threads may work here: 1 within a worker, and beside a cluster."""
    backend, n = get_active_backend()
    if backend.nesting_level or getattr(backend, "client", None) is not None:
        return 1
    return int(backend.effective_n_jobs(n))


def answers(function: Callable[..., Any], given: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """``function(*one)`` of each tuple given, in order."""
    n = threads()
    return (function(*one) for one in given) if n == 1 else _shared(function, given, n)


def _shared(function: Callable[..., Any], given: Iterable[tuple[Any, ...]], n: int) -> Iterator[Any]:
    """The same by ``n`` threads, a few ahead of what is asked.

    Not by joblib's own, whose rings of references hold the arrays of a call until the garbage is collected.
    """
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(n) as pool:
        for one in given:
            waiting.append(pool.submit(function, *one))
            if len(waiting) > 2 * n:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def done(function: Callable[..., Any], given: Iterable[tuple[Any, ...]]) -> None:
    """Call ``function(*one)`` for each tuple given; it writes its answers where they belong."""
    for _ in answers(function, given):
        pass
