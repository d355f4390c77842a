"""The graph of trainers and the files that they rated: what holds it together and where it would break."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

Ints = NDArray[np.int64]


def distinct_pairs(file: Any, trainer: Any) -> tuple[Ints, Ints]:
    """The distinct (file, trainer) pairs behind the ratings, ordered by file then trainer; both (pair,)."""
    f, t = np.asarray(file, dtype=np.int64), np.asarray(trainer, dtype=np.int64)
    width = max(int(t.max(initial=-1)) + 1, 1)
    return divmod(_distinct(f * width + t), width)


def partners(one: Any, other: Any, n: int) -> Ints:
    """With how many distinct codes of ``other`` each code of ``one`` (both (row,)) occurs, shape (n,)."""
    return np.bincount(distinct_pairs(one, other)[0], minlength=n)[:n]


def _distinct(key: Ints) -> Ints:
    """Distinct keys, ordered. Equal ones often stand together, and sorting beats hashing here."""
    if not len(key):
        return key
    ordered = np.sort(key[np.r_[True, key[1:] != key[:-1]]])
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]]


def components(file: Any, trainer: Any, n_files: int, n_trainers: int) -> tuple[Ints, Ints]:
    """Connected component of each file (file,) and of each trainer (trainer,), numbered from 0, largest first.

    Size is the number of files; severities can be compared within a component only.
    """
    f, t = np.asarray(file), np.asarray(trainer)
    size = n_files + n_trainers
    links = sparse.coo_matrix((np.ones(len(f)), (f, n_files + t)), shape=(size, size))
    label = csgraph.connected_components(links, directed=False)[1]
    files = np.bincount(label[:n_files], minlength=int(label.max(initial=-1)) + 1)
    rank = np.empty(len(files), dtype=np.int64)
    rank[np.lexsort((np.arange(len(files)), -files))] = np.arange(len(files))
    ranked = rank[label]
    return ranked[:n_files], ranked[n_files:]


@dataclass(frozen=True)
class Weak:
    """A file or a trainer without which two groups of trainers lose touch.

    ``index`` of the file or trainer; ``parted`` is the number of trainers cut off from the largest group left.
    """

    index: int
    parted: int


def fragile(file: Any, trainer: Any) -> tuple[list[Weak], list[Weak]]:
    """Files and trainers that alone hold groups of trainers together, the gravest first.

    Arguments are the pairs of :func:`distinct_pairs`. These are the articulation points of the graph of files and
    trainers (Tarjan 1972, doi:10.1137/0201010). Files with the same trainers stand in for one another, so only panels
    that a single file has can be fragile; a file with one trainer links nobody.
    """
    panels = _panels(file, trainer)
    graph = nx.Graph()
    for panel, files in panels.items():
        for copy in range(min(2, len(files))):
            graph.add_edges_from(((panel, copy), member) for member in panel)
    parted = _parted(graph)
    weak_files = [Weak(panels[node[0]][0], n) for node, n in parted.items() if isinstance(node, tuple)]
    weak_trainers = [Weak(node, n) for node, n in parted.items() if not isinstance(node, tuple)]
    return _ranked(weak_files), _ranked(weak_trainers)


def _ranked(weak: list[Weak]) -> list[Weak]:
    return sorted((found for found in weak if found.parted), key=lambda found: (-found.parted, found.index))


def _panels(file: Any, trainer: Any) -> dict[tuple[int, ...], list[int]]:
    """The files (by index) of each set of two trainers or more."""
    f, t = np.asarray(file), np.asarray(trainer)
    if not len(f):
        return {}
    starts = np.flatnonzero(np.r_[True, np.diff(f) != 0])
    panels: dict[tuple[int, ...], list[int]] = {}
    for members, index in zip(np.split(t, starts[1:]), f[starts], strict=True):
        if len(members) > 1:
            panels.setdefault(tuple(members.tolist()), []).append(int(index))
    return panels


def _parted(graph: nx.Graph) -> dict[Any, int]:
    """For each articulation point, the trainers cut off from the largest group left when it goes.

    One pass over the tree of blocks and cut points: the group beyond a block, seen from a cut point, is the rest of
    its component less what hangs on the other side.
    """
    blocks = [set(block) for block in nx.biconnected_components(graph)]
    seen: dict[Any, int] = {}
    for block in blocks:
        for node in block:
            seen[node] = seen.get(node, 0) + 1
    cut = {node for node, n in seen.items() if n > 1}
    tree = nx.Graph()
    for index, block in enumerate(blocks):
        tree.add_node(("block", index), own=sum(not isinstance(node, tuple) and node not in cut for node in block))
        for node in block & cut:
            tree.add_node(("cut", node), own=int(not isinstance(node, tuple)))
            tree.add_edge(("block", index), ("cut", node))
    answer: dict[Any, int] = {}
    for members in nx.connected_components(tree):
        answer |= _parted_in(tree, members)
    return answer


def _parted_in(tree: nx.Graph, members: set[Any]) -> dict[Any, int]:
    root = min(members, key=str)
    order = list(nx.dfs_preorder_nodes(tree, root))
    parent = {child: up for up, child in nx.dfs_edges(tree, root)}
    below = {node: tree.nodes[node]["own"] for node in order}
    for node in reversed(order):
        if node in parent:
            below[parent[node]] += below[node]
    total = below[root]
    answer = {}
    for node in order:
        if node[0] == "cut":
            groups = [below[near] for near in tree[node] if parent.get(near) == node]
            groups.append(total - below[node])
            answer[node[1]] = sum(groups) - max(groups)
    return answer


def shared_files(file: Any, trainer: Any) -> tuple[Ints, Ints, Ints]:
    """Pairs of trainers with common files: two trainers, the first the smaller, and how many files; each (pair,)."""
    counts: Counter[tuple[int, int]] = Counter()
    for panel, files in _panels(file, trainer).items():
        for position, one in enumerate(panel):
            for other in panel[position + 1 :]:
                counts[one, other] += len(files)
    ordered = sorted(counts)
    pairs = np.array(ordered, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], np.array([counts[pair] for pair in ordered], dtype=np.int64)
