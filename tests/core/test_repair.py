"""Lists of new ratings that tie trainers together, against trying every list."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from crcne_stats.core.repair import Rules, Web, blocks_of, connect, enumerated, strengthen

Pairs = list[tuple[int, int]]


def rules(files: int, trainers: int, load: int = 99) -> Rules:
    return Rules(np.zeros(files, int), np.zeros(trainers, int), np.ones((1, 1)), np.full(trainers, load))


def tied(pairs: Pairs, trainers: int, lost: tuple[str, int] | None = None) -> bool:
    graph = nx.Graph()
    graph.add_nodes_from(("t", t) for t in range(trainers))
    graph.add_edges_from((("f", f), ("t", t)) for f, t in pairs)
    if lost is not None:
        graph.remove_node(lost)
    groups = [group for group in nx.connected_components(graph) if any(kind == "t" for kind, _ in group)]
    return len(groups) <= 1


def held(pairs: Pairs, trainers: int) -> bool:
    nodes = [("t", t) for t in range(trainers)] + [("f", f) for f in {f for f, _ in pairs}]
    return tied(pairs, trainers) and all(tied(pairs, trainers, node) for node in nodes)


def fewest(pairs: Pairs, files: int, trainers: int, good: Callable[[Pairs, int], bool], most: int) -> int:
    possible = [(f, t) for f in range(files) for t in range(trainers) if (f, t) not in pairs]
    for k in range(most):
        if any(good([*pairs, *chosen], trainers) for chosen in combinations(possible, k)):
            return k
    return most


def some_pairs(seed: int) -> tuple[Pairs, int, int]:
    rng = np.random.default_rng(seed)
    trainers = int(rng.integers(2, 5))
    files = int(rng.integers(trainers, 7))
    pairs = {(f, int(t)) for f in range(files) for t in rng.choice(trainers, 1 + (rng.random() > 0.6), replace=False)}
    pairs |= {(int(rng.integers(files)), t) for t in range(trainers) if t not in {own for _, own in pairs}}
    return sorted(pairs), files, trainers


def web_of(pairs: Pairs, trainers: int, given: Rules) -> Web:
    return Web([f for f, _ in pairs], [t for _, t in pairs], trainers, given)


@pytest.mark.parametrize("block", range(10))
def test_small_graphs_against_every_list(block: int) -> None:
    proved = 0
    for seed in range(30 * block, 30 * block + 30):
        pairs, files, trainers = some_pairs(seed)
        web = web_of(pairs, trainers, rules(files, trainers))
        bound = blocks_of(web.graph()).bound
        connect(web)
        first = list(zip(web.repair.file, web.repair.trainer, strict=True))
        assert tied([*pairs, *first], trainers)
        assert len(first) == web.repair.bound["connect"] == fewest(pairs, files, trainers, tied, len(first))
        strengthen(web)
        new = list(zip(web.repair.file, web.repair.trainer, strict=True))
        assert not web.repair.failed
        assert held([*pairs, *new], trainers)
        best = fewest(pairs, files, trainers, held, len(new))
        assert bound <= best
        shorter = enumerated(web, 10**6)
        assert best == (len(shorter) if shorter else len(new))
        proved += len(new) == bound
    assert proved > 20


def test_dear_ratings_are_avoided() -> None:
    """Three groups in a row: the two cheap edges of the triangle, as by hand."""
    cost = np.array([[1.0, 2.0, 5.0], [2.0, 1.0, 3.0], [5.0, 3.0, 1.0]])
    kinds = np.arange(3)
    web = Web(range(3), range(3), 3, Rules(kinds, kinds, cost, np.full(3, 9)))
    connect(web)
    assert sum(web.repair.cost) == web.repair.bound["connect"] == 5.0


def test_what_is_not_allowed_is_not_asked() -> None:
    cost = np.array([[1.0, np.inf], [np.inf, 1.0]])
    kinds = np.arange(2)
    web = Web(range(2), range(2), 2, Rules(kinds, kinds, cost, np.full(2, 9)))
    assert connect(web).failed == {"connect"}
    assert not web.repair.file
    tired = web_of([(0, 0), (1, 1)], 2, rules(2, 2, load=0))
    assert connect(tired).failed == {"connect"}


def test_nobody_takes_more_than_they_may() -> None:
    pairs = [(f, f) for f in range(6)] + [(6 + f, f) for f in range(6)]
    web = web_of(pairs, 6, rules(12, 6, load=2))
    connect(web)
    strengthen(web)
    assert not web.repair.failed
    assert max(np.bincount(web.repair.trainer)) <= 2
    assert held([*pairs, *zip(web.repair.file, web.repair.trainer, strict=True)], 6)


def test_a_graph_that_holds_needs_nothing() -> None:
    pairs = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)]
    web = web_of(pairs, 3, rules(3, 3))
    connect(web)
    strengthen(web)
    assert not web.repair.file
    assert web.repair.bound == {"connect": 0.0, "strengthen": 0.0}
