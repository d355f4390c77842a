"""The fewest new ratings that tie trainers together, and that keep them tied when one file or trainer is lost.

A new rating asks a trainer to rate a file that somebody rated already. In the graph of trainers and files it is an
edge: one between two groups joins them, so that groups less one are needed and enough (Kruskal 1956,
doi:10.1090/S0002-9939-1956-0078686-7, over groups). To part no trainers by the loss of a single file or trainer, each
leaf of the tree of blocks and cut points needs a further edge (Eswaran & Tarjan 1976, doi:10.1137/0205044): half the
leaves is a bound, and so is the number of groups that the worst cut point parts, less one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph, csr_array

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Node = tuple[str, int]
MOST_SETS = 20_000
"""Sets of ratings that are tried one by one to prove a list the shortest."""
TRIES = 60
"""Ratings tried one by one where leaves cannot be paired."""


@dataclass(frozen=True, eq=False)
class Rules:
    """Who may rate what, and at what cost.

    ``file_class`` (file,) and ``trainer_class`` (trainer,) index ``cost`` (file class, trainer class), infinite where
    a rating is not allowed; ``load`` (trainer,) new ratings that each trainer may still take.
    """

    file_class: Ints
    trainer_class: Ints
    cost: Floats
    load: Ints

    def of(self, file: int, trainer: int) -> float:
        """Cost of one rating."""
        return float(self.cost[self.file_class[file], self.trainer_class[trainer]])


@dataclass(eq=False)
class Repair:
    """New ratings, in the order in which they were chosen: ``file``, ``trainer``, ``cost`` and ``stage`` of each.

    ``bound`` of each stage is a number of ratings (or, for "connect", a cost) that no list can go under; ``failed`` the
    stages that the rules did not let end.
    """

    file: list[int] = field(default_factory=list)
    trainer: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    stage: list[str] = field(default_factory=list)
    bound: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def count(self, stage: str) -> int:
        """Ratings of a stage."""
        return self.stage.count(stage)


class Web:
    """The graph of trainers and files while it grows; files rated once hang on their trainer and tie nobody."""

    def __init__(self, file: Any, trainer: Any, n_trainers: int, rules: Rules, repair: Repair | None = None) -> None:
        self.rules, self.n_trainers = rules, n_trainers
        self.raters: dict[int, set[int]] = {}
        self.files_of: list[list[int]] = [[] for _ in range(n_trainers)]
        self.load = rules.load.copy()
        self.repair = Repair() if repair is None else repair
        for f, t in zip(np.asarray(file).tolist(), np.asarray(trainer).tolist(), strict=True):
            self.raters.setdefault(f, set()).add(t)
            self.files_of[t].append(f)
        for f, t in zip(self.repair.file, self.repair.trainer, strict=True):
            self._tie(f, t)

    def _tie(self, file: int, trainer: int) -> None:
        self.raters[file].add(trainer)
        self.files_of[trainer].append(file)
        self.load[trainer] -= 1

    def add(self, file: int, trainer: int, stage: str) -> None:
        """Ask ``trainer`` to rate ``file``."""
        self._tie(file, trainer)
        self.repair.file.append(file)
        self.repair.trainer.append(trainer)
        self.repair.cost.append(self.rules.of(file, trainer))
        self.repair.stage.append(stage)

    def withdraw(self) -> None:
        """Take the last new rating back."""
        repair = self.repair
        file, trainer = repair.file.pop(), repair.trainer.pop()
        repair.cost.pop()
        repair.stage.pop()
        self.raters[file].remove(trainer)
        self.files_of[trainer].remove(file)
        self.load[trainer] += 1

    def graph(self) -> nx.Graph:
        """Trainers and the files of two or more; of files with the same trainers two are enough."""
        graph = nx.Graph()
        graph.add_nodes_from(("t", t) for t in range(self.n_trainers))
        seen: Counter[tuple[int, ...]] = Counter()
        for f, members in self.raters.items():
            panel = tuple(sorted(members))
            seen[panel] += 1
            if len(panel) > 1 and seen[panel] <= 2:
                graph.add_edges_from((("f", f), ("t", t)) for t in panel)
        return graph

    def single(self, trainer: int) -> Iterator[int]:
        """Files that only this trainer rated."""
        return (f for f in self.files_of[trainer] if len(self.raters[f]) == 1)


@dataclass(frozen=True)
class Blocks:
    """Ends that a new edge should have: ``leaves``, and for each the component (``of``) that it belongs to.

    A leaf is the nodes of a block beyond its only cut point. A component without cut point is one end that needs two
    edges (``twice``). ``bound``: ratings that no repair can go under; ``cuts``: how many cut points there are.
    """

    leaves: tuple[frozenset[Node], ...]
    of: tuple[int, ...]
    twice: tuple[bool, ...]
    bound: int
    cuts: int = 0


def blocks_of(graph: nx.Graph) -> Blocks:
    """The leaves of the tree of blocks and cut points of each component, in the order of the tree."""
    components = [set(members) for members in nx.connected_components(graph)]
    leaves: list[frozenset[Node]] = []
    of: list[int] = []
    twice: list[bool] = []
    worst = cuts = 0
    for number, members in enumerate(components):
        inner = graph.subgraph(members)
        blocks = [frozenset(block) for block in nx.biconnected_components(inner)]
        count = Counter(node for block in blocks for node in block)
        cut = {node for node, n in count.items() if n > 1}
        worst = max(worst, max((count[node] for node in cut), default=1))
        cuts += len(cut)
        if not cut:
            leaves.append(frozenset(members))
            of.append(number)
            twice.append(True)
            continue
        for block in _in_tree_order(blocks, cut, count):
            leaves.append(block - cut)
            of.append(number)
            twice.append(False)
    if len(components) == 1 and twice == [True]:
        return Blocks((), (), (), 0)
    demand = sum(2 if two else 1 for two in twice)
    bound = max(-(-demand // 2), worst + len(components) - 2)
    return Blocks(tuple(leaves), tuple(of), tuple(twice), bound, cuts)


def _in_tree_order(blocks: list[frozenset[Node]], cut: set[Node], count: Counter[Node]) -> Iterator[frozenset[Node]]:
    """The leaf blocks as a walk through the tree from its busiest cut point meets them."""
    tree = nx.Graph()
    for place, block in enumerate(blocks):
        tree.add_edges_from((("b", place), ("c", node)) for node in block & cut)
    root = ("c", max(sorted(cut), key=lambda node: count[node]))
    for kind, place in nx.dfs_preorder_nodes(tree, root):
        if kind == "b" and len(blocks[place] & cut) == 1:
            yield blocks[place]


def connect(web: Web) -> Repair:
    """Join the groups of trainers at least cost; ``bound["connect"]`` is that of a spanning tree without loads."""
    graph = web.graph()
    members = [frozenset(nodes) for nodes in nx.connected_components(graph)]
    groups = [sorted(t for kind, t in nodes if kind == "t") for nodes in members]
    web.repair.bound["connect"] = 0.0
    if len(groups) < 2:
        return web.repair
    leaves = blocks_of(graph)
    ends = [
        [leaf for leaf, owner in zip(leaves.leaves, leaves.of, strict=True) if owner == number]
        for number in range(len(groups))
    ]
    used = [0] * len(groups)
    price = _prices(web, groups)
    near = np.abs(np.arange(len(groups))[:, None] - np.arange(len(groups)))
    # Of equally cheap trees a path leaves the fewest ends loose.
    finite = np.isfinite(price)
    scale = float(price[finite].max(initial=1.0)) or 1.0
    shifted = np.where(finite, 1 + price / scale + 1e-9 * near / len(groups), 0)
    tree = csgraph.minimum_spanning_tree(csr_array(shifted)).tocoo()
    if tree.nnz < len(groups) - 1:
        web.repair.failed.add("connect")
    web.repair.bound["connect"] = float(price[tree.row, tree.col].sum())
    for a, b in sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True)):
        sides = [ends[one][used[one] % len(ends[one])] for one in (a, b)]
        used[a], used[b] = used[a] + 1, used[b] + 1
        # At a leaf where that costs no more, so that the edge serves the next stage too.
        cheap = _link(web, sides[0], sides[1], "connect", at_most=float(price[a, b]))
        if not cheap and not _link(web, members[a], members[b], "connect"):
            web.repair.failed.add("connect")
    return web.repair


def _prices(web: Web, groups: list[list[int]]) -> Floats:
    """Cost of the cheapest rating between each two groups (group, group)."""
    rules = web.rules
    n_file, n_trainer = rules.cost.shape
    files, trainers = np.zeros((len(groups), n_file), bool), np.zeros((len(groups), n_trainer), bool)
    for place, group in enumerate(groups):
        for t in group:
            trainers[place, rules.trainer_class[t]] = True
            files[place, rules.file_class[web.files_of[t]]] = True
    cheapest = np.array([rules.cost[own].min(axis=0, initial=np.inf) for own in files])
    one = np.full((len(groups), len(groups)), np.inf)
    for kind in range(n_trainer):
        one[:, trainers[:, kind]] = np.minimum(one[:, trainers[:, kind]], cheapest[:, kind : kind + 1])
    return np.minimum(one, one.T)


def strengthen(web: Web, most: int = 100_000) -> Repair:
    """Add ratings until no single file and no single trainer parts the trainers.

    ``bound["strengthen"]`` is that of the graph as this stage finds it.
    """
    found = blocks_of(web.graph())
    web.repair.bound["strengthen"] = float(found.bound)
    while found.leaves and web.repair.count("strengthen") < most:
        if not _pair_leaves(web, found) and not _any_help(web, found):
            web.repair.failed.add("strengthen")
            break
        found = blocks_of(web.graph())
    return web.repair


def enumerated(web: Web, most: int = MOST_SETS) -> tuple[tuple[int, int], ...] | None:
    """The fewest ratings (file, trainer) after which no file and no trainer parts the trainers, by trying all.

    Tries sets from the bound up, smaller than the list that ``web`` has got; None where they are too many to try, the
    empty answer where there is none smaller.
    """
    start = Web(*_pairs_before(web), web.n_trainers, web.rules)
    possible = [
        (f, t)
        for f, members in sorted(start.raters.items())
        for t in range(web.n_trainers)
        if t not in members and start.load[t] > 0 and np.isfinite(web.rules.of(f, t))
    ]
    here = len(web.repair.file)
    sizes = range(blocks_of(start.graph()).bound, here)
    if sum(comb(len(possible), k) for k in sizes) > most:
        return None
    for k in sizes:
        for chosen in combinations(possible, k):
            if all(n <= start.load[t] for t, n in Counter(t for _, t in chosen).items()) and _holds(start, chosen):
                return chosen
    return ()


def _pairs_before(web: Web) -> tuple[list[int], list[int]]:
    new = set(zip(web.repair.file, web.repair.trainer, strict=True))
    pairs = [(f, t) for f, members in web.raters.items() for t in sorted(members) if (f, t) not in new]
    return [f for f, _ in pairs], [t for _, t in pairs]


def _holds(start: Web, chosen: tuple[tuple[int, int], ...]) -> bool:
    for f, t in chosen:
        start.add(f, t, "")
    whole = not blocks_of(start.graph()).leaves
    for _ in chosen:
        start.withdraw()
    return whole


def _pair_leaves(web: Web, found: Blocks) -> int:
    """Tie leaves two by two, each with the one half the way around the tree; how many ratings that took."""
    n = len(found.leaves)
    half = max(n // 2, 1)
    done = 0
    for place in range(half):
        first = found.leaves[place]
        for step in range(n - 1):
            other = found.leaves[(place + half + step) % n]
            if other != first and _link(web, first, other, "strengthen"):
                done += 1
                break
    if n == 1 and not done:
        return 0
    return done


def _any_help(web: Web, found: Blocks) -> bool:
    """Where leaves have no file of their own to share: the first rating of any file by one of them that ties more."""
    tried: set[tuple[tuple[int, ...], int]] = set()
    loose = sorted({t for leaf in found.leaves for kind, t in leaf if kind == "t"})
    for t in loose:
        for f, members in web.raters.items():
            panel = tuple(sorted(members))
            if web.load[t] <= 0 or t in members or (panel, t) in tried or not np.isfinite(web.rules.of(f, t)):
                continue
            if len(tried) >= TRIES:
                return False
            tried.add((panel, t))
            web.add(f, t, "strengthen")
            new = blocks_of(web.graph())
            if (len(new.leaves), new.cuts) < (len(found.leaves), found.cuts):
                return True
            web.withdraw()
    return False


def _link(web: Web, first: frozenset[Node], second: frozenset[Node], stage: str, at_most: float = np.inf) -> bool:
    """Add the cheapest rating between two sets of nodes, a file rated once before one rated more; whether there is."""
    best: tuple[float, int, int, int, int] | None = None
    for from_, to in ((first, second), (second, first)):
        raters = sorted((t for kind, t in to if kind == "t" and web.load[t] > 0), key=lambda t: (-web.load[t], t))
        if not raters:
            continue
        for more, f in _files(web, from_):
            for t in _cheapest(web, f, raters):
                rank = (web.rules.of(f, t), more, -int(web.load[t]), f, t)
                if np.isfinite(rank[0]) and (best is None or rank < best):
                    best = rank
    if best is None or best[0] > at_most:
        return False
    web.add(best[3], best[4], stage)
    return True


def _files(web: Web, nodes: frozenset[Node]) -> Iterator[tuple[int, int]]:
    """Files through which a set of nodes can be reached, at most one of each class and kind for each trainer."""
    for kind, place in sorted(nodes):
        if kind == "f":
            yield len(web.raters[place]), place
            continue
        seen = set()
        for f in web.single(place):
            own = int(web.rules.file_class[f])
            if own not in seen:
                seen.add(own)
                yield 1, f


def _cheapest(web: Web, file: int, raters: list[int]) -> Iterator[int]:
    """The first rater of each class who has not rated the file."""
    seen = set()
    for t in raters:
        own = int(web.rules.trainer_class[t])
        if own not in seen and t not in web.raters[file]:
            seen.add(own)
            yield t
