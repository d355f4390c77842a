"""Graph of trainers and files, against brute force by removal on small random graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crcne_stats.core import graph

panels = st.lists(st.sets(st.integers(0, 6), min_size=1, max_size=3), min_size=1, max_size=9)


def flat(found):
    """Codes of files and trainers, and their numbers, from the panels of the files."""
    names = sorted({member for panel in found for member in panel})
    panels_ = [{names.index(member) for member in panel} for panel in found]
    files = np.array([index for index, panel in enumerate(panels_) for _ in panel])
    trainers = np.array([member for panel in panels_ for member in sorted(panel)])
    return panels_, files, trainers, len(panels_), len(names)


def whole(found):
    made = nx.Graph()
    for index, panel in enumerate(found):
        made.add_edges_from((("file", index), ("trainer", member)) for member in panel)
    return made


def n_trainers(nodes):
    return sum(node[0] == "trainer" for node in nodes)


def parted_by_removal(found):
    made, answer = whole(found), {"file": {}, "trainer": {}}
    for node in made.nodes:
        left = made.subgraph(nx.node_connected_component(made, node) - {node})
        sizes = sorted((n_trainers(part) for part in nx.connected_components(left)), reverse=True)
        if sum(sizes[1:]):
            answer[node[0]][node[1]] = sum(sizes[1:])
    return answer


@settings(max_examples=200, deadline=None)
@given(panels)
def test_fragile_links_are_those_that_removal_finds(found):
    found, files, trainers, *_ = flat(found)
    weak_files, weak_trainers = graph.fragile(*graph.distinct_pairs(files, trainers))
    expected = parted_by_removal(found)
    assert {weak.index: weak.parted for weak in weak_files} == expected["file"]
    assert {weak.index: weak.parted for weak in weak_trainers} == expected["trainer"]


@settings(max_examples=100, deadline=None)
@given(panels, st.randoms(use_true_random=False))
def test_components_and_shared_files(found, random):
    found, files, trainers, n_files, n = flat(found)
    of_file, of_trainer = graph.components(files, trainers, n_files, n)
    made = whole(found)
    assert len(set(of_trainer.tolist())) == nx.number_connected_components(made)
    for part in nx.connected_components(made):
        assert len({(of_trainer if kind == "trainer" else of_file)[index] for kind, index in part}) == 1
    assert (np.diff(np.bincount(of_file)) <= 0).all()
    order = list(range(len(files)))
    random.shuffle(order)
    pairs = graph.distinct_pairs(files[order], trainers[order])
    assert (pairs[0] == files).all() and (pairs[1] == trainers).all()
    expected = {(a, b): sum({a, b} <= panel for panel in found) for a in range(n) for b in range(a + 1, n)}
    shared = {(int(a), int(b)): int(k) for a, b, k in zip(*graph.shared_files(*pairs), strict=True)}
    assert shared == {pair: k for pair, k in expected.items() if k}


def test_a_long_chain_takes_no_recursion():
    files = np.repeat(np.arange(3000), 2)
    trainers = np.c_[np.arange(3000), np.arange(1, 3001)].ravel()
    weak_files, weak_trainers = graph.fragile(*graph.distinct_pairs(files, trainers))
    assert len(weak_files) == 3000 and len(weak_trainers) == 2999
    assert weak_files[0].parted == 1500
