"""The one door of everything that repeats: bootstrap, simulation, recovery.

The work is cut into blocks of fixed size. Each block receives one child of ``numpy.random.SeedSequence`` and returns
arrays, so the numbers depend on the seed and the block size, never on who did the work or in which order it ended.
Workers come from joblib's context alone: ``with joblib.parallel_config(backend="dask"): …`` sends the same blocks to
a cluster. There the task, which carries the data, goes to each machine once; a block whose machine dies is done again
elsewhere, from the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from crcne_stats.core.shared import answers

Task = Callable[[np.random.Generator, int], Any]
"""``task(rng, size)``: an array, or a tuple of arrays, with first axis ``size``."""

Progress = Callable[[int, int], None]
"""``progress(done, total)``, called in the parent process only."""

BLOCK = 100


def block_sizes(n: int, block: int = BLOCK) -> list[int]:
    """Sizes of the blocks that make up ``n`` repetitions; all are ``block`` save perhaps the last."""
    if n < 1 or block < 1:
        raise ValueError(f"n and block must be positive, not {n} and {block}")
    full, rest = divmod(n, block)
    return [block] * full + ([rest] if rest else [])


def repeat(
    task: Task,
    n: int,
    seed: int | Sequence[int] | np.random.SeedSequence,
    progress: Progress | None = None,
    block: int = BLOCK,
    threads: bool = False,
) -> Any:
    """Run ``task`` ``n`` times, in blocks, and join what the blocks return.

    Parameters
    ----------
    task : callable
        ``task(rng, size)`` returns an array, or a tuple of arrays, whose first axis is ``size``. It must be a
        function of ``rng`` and ``size`` alone; to run in other processes it must be picklable.
    n : int
        Number of repetitions.
    seed : int, sequence of int or SeedSequence
        Same seed and same ``block``, same numbers, whatever the number of workers. A SeedSequence is not spent: its
        children are made afresh at each call.
    progress : callable, optional
        ``progress(done, total)`` in repetitions, called in the parent after each block, in order.
    block : int
        Repetitions per block.
    threads : bool
        Whether a task spends its time in numpy on large arrays: workers of this machine are then threads, which share
        the arrays, where processes would each hold their own.

    Returns
    -------
    array or tuple of arrays
        First axis ``n``.

    Raises
    ------
    ValueError
        When ``n`` or ``block`` is not positive, or a block returns another first axis than it was asked.
    """
    sizes = block_sizes(n, block)
    told = _told(task)
    given = ((told, child, size) for child, size in zip(_children(seed, len(sizes)), sizes, strict=True))
    pieces: list[tuple[NDArray[Any], ...]] = []
    singles, done = [], 0
    here = threads and told is task
    found = answers(_run, given) if here else Parallel(return_as="generator")(delayed(_run)(*one) for one in given)
    for size, (single, arrays) in zip(sizes, found, strict=True):
        singles.append(single)
        pieces.append(arrays)
        done += size
        if progress is not None:
            progress(done, n)
    joined = tuple(np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return joined[0] if all(singles) else joined


def _told(task: Task) -> Any:
    """The task, or on a cluster its copy on every machine.

    Left to itself joblib would send the task with each block, or its arrays to one machine whose death loses them. With
    a single worker joblib does the work here, and nothing is sent.
    """
    backend = get_active_backend()[0]
    client = getattr(backend, "client", None)
    if client is None or backend.effective_n_jobs(-1) == 1:
        return task
    return client.scatter(task, broadcast=True, hash=False)


def _children(seed: int | Sequence[int] | np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    # A fresh copy: ``spawn`` counts the children it has given, and a second call would give others.
    return np.random.SeedSequence(root.entropy, spawn_key=root.spawn_key, pool_size=root.pool_size).spawn(count)


def _run(task: Any, child: np.random.SeedSequence, size: int) -> tuple[bool, tuple[NDArray[Any], ...]]:
    if not callable(task):  # the cluster shrank to one worker since: joblib does the work here, and hands on the copy
        task = task.result()
    answer = task(np.random.default_rng(child), size)
    single = not isinstance(answer, tuple)
    arrays = tuple(np.asarray(part) for part in ((answer,) if single else answer))
    for array in arrays:
        if array.shape[:1] != (size,):
            raise ValueError(f"a block of {size} returned an array of shape {array.shape}")
    return single, arrays


def bootstrap_weights(rng: np.random.Generator, size: int, n: int) -> NDArray[np.float32]:
    """Multinomial bootstrap weights, shape (n, size): how often each of ``n`` units is drawn in each resample.

    Each column sums to ``n``. Units stand on the first axis because they meet a sparse matrix from the right. Counts
    are whole numbers under 2**24, exact in single precision whatever the order of summation.
    """
    drawn = rng.integers(0, n, size=(size, n), dtype=np.int64)
    drawn *= size
    drawn += np.arange(size, dtype=np.int64)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * size).reshape(n, size).astype(np.float32)


def kind_weights(rng: np.random.Generator, size: int, numbers: NDArray[Any]) -> NDArray[np.float32]:
    """The same where units of one kind cannot be told apart: how many of each kind are drawn, shape (kind, size).

    ``numbers`` (kind,) is how many units there are of each kind; each column sums to their total. The distribution is
    that of :func:`bootstrap_weights` summed by kind, at a cost that does not grow with the number of units.
    """
    total = int(np.sum(numbers))
    return rng.multinomial(total, np.asarray(numbers) / total, size).T.astype(np.float32)
