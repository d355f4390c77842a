"""Can a hidden count be computed from what is shown? And if so, what else has to be hidden?

A reader knows sums: a total, the sum of a line of a table, a mean. Each is an equation between counts, and those that
are hidden are its unknowns. A hidden count is safe when two tables that fulfil every equation, with counts of one or
more where a count is hidden (zeros are shown), differ in it by the protection asked. Such tables are looked for by
moving along the null space of the equations from the true table; where the search finds none the count is taken for
disclosed. The answer errs on the side of hiding: what is called safe has its two tables, that is proof. In the end
units are shown again, the largest first, as long as every proof holds without them.

Ways of hiding further cells: Cox, L. H. (1980), Suppression methodology and statistical disclosure control, Journal of
the American Statistical Association 75, 377–385, doi:10.1080/01621459.1980.10477481; Fischetti, M. & Salazar, J. J.
(2001), Solving the cell suppression problem on tabular data with linear constraints, Management Science 47, 1008–1027,
doi:10.1287/mnsc.47.7.1008.10265 (protection levels, attacker's intervals).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AROUND = 60
"""Unknowns of the neighbourhood in which an exchange of counts is looked for; those further off are held fixed."""
MANY = 100
"""With more small counts than this, and few others hidden beside them, none of these is shown again."""
STEPS = 25
"""Moves of a search before it gives up."""
_TINY = 1e-9


@dataclass(frozen=True)
class Equation:
    """``sum(weights * values[terms])`` is known to the reader, within ``slack`` where it is shown rounded."""

    terms: tuple[int, ...]
    weights: tuple[float, ...]
    slack: float = 0.0


@dataclass
class Ledger:
    """Counts (variables) that are shown or hidden together (units), and the equations between them.

    ``value`` and ``unit`` go by variable; ``need`` is the protection of a variable, the width that its feasible
    interval must have; ``students`` goes by unit and orders what is hidden next, fewest first, those of ``last`` after
    all others.
    """

    value: list[float] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    need: list[float] = field(default_factory=list)
    students: list[float] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    last: set[int] = field(default_factory=set)

    def cost(self, unit: int) -> tuple[bool, float, int]:
        """What hiding a unit costs, to be compared."""
        return unit in self.last, self.students[unit], unit


class Audit:
    """What a ledger gives away when some of its units are hidden."""

    def __init__(self, ledger: Ledger, small: NDArray[np.bool_]) -> None:
        self.ledger, self.small = ledger, small
        self.of_variable: dict[int, list[int]] = defaultdict(list)
        for place, equation in enumerate(ledger.equations):
            for term in equation.terms:
                self.of_variable[term].append(place)
        self.of_unit: dict[int, list[int]] = defaultdict(list)
        for variable, unit in enumerate(ledger.unit):
            self.of_unit[unit].append(variable)
        self.asked = [
            v for v, u in enumerate(ledger.unit) if small[u] and ledger.value[v] > 0 and v in self.of_variable
        ]
        self.need = {v: ledger.need[v] for v in self.asked}
        self.least = dict.fromkeys(self.asked, 1.0)
        self.proof: dict[int, frozenset[int]] = {}

    def safe(self, variable: int, hidden: NDArray[np.bool_]) -> bool:
        """Whether a count has its protection. A proof holds as long as the units that it moves are hidden."""
        if not self.need[variable]:
            return self._accompanied(variable, hidden)
        known = self.proof.get(variable)
        if known is not None and all(hidden[unit] for unit in known):
            return True
        return self.width(variable, hidden) >= self.need[variable] - _TINY

    def _accompanied(self, variable: int, hidden: NDArray[np.bool_]) -> bool:
        """Whether no single equation gives a count away: all that is left where all of them together do."""
        for place in self.of_variable[variable]:
            own = [v for v in self.ledger.equations[place].terms if v != variable and self.ledger.value[v] > 0]
            if own and not any(hidden[self.ledger.unit[v]] for v in own):
                return False
        return True

    def width(self, variable: int, hidden: NDArray[np.bool_]) -> float:
        """At least how wide the feasible interval of a count is, no more than it needs."""
        near = self._near(variable, hidden)
        places = sorted({place for v in near for place in self.of_variable[v]})
        column = {v: position for position, v in enumerate(near)}
        equations = [self.ledger.equations[place] for place in places]
        loose = [row for row, equation in enumerate(equations) if equation.slack > 0]
        matrix = np.zeros((len(places), len(near) + len(loose)))
        for row, equation in enumerate(equations):
            for term, weight in zip(equation.terms, equation.weights, strict=True):
                if term in column:
                    matrix[row, column[term]] += weight
        slack = np.array([equations[row].slack for row in loose])
        matrix[loose, len(near) + np.arange(len(loose))] = -1.0
        start = np.r_[[self.ledger.value[v] for v in near], np.zeros(len(loose))]
        lower = np.r_[np.minimum(start[: len(near)], self.least[variable]), -slack]
        upper = np.r_[np.full(len(near), np.inf), slack]
        total, moves = feasible_width(matrix, start, lower, upper, self.need[variable])
        moved = np.abs(moves[:, : len(near)]).max(axis=0) > _TINY
        support = frozenset(self.ledger.unit[v] for v, used in zip(near, moved, strict=True) if used)
        for place, other in enumerate(near):
            if (
                self.least.get(other) == self.least[variable]
                and np.abs(moves[:, place]).max() >= self.need[other] - _TINY
            ):
                self.proof[other] = support
        if total >= self.need[variable] - _TINY:
            self.proof[variable] = support
        return total

    def _near(self, start: int, hidden: NDArray[np.bool_]) -> list[int]:
        """Hidden variables around one, nearest first, itself the very first."""
        ledger, found, place = self.ledger, [start], 0
        known = {start}
        while place < len(found) and len(found) < AROUND:
            for equation in self.of_variable[found[place]]:
                for term in ledger.equations[equation].terms:
                    if term not in known and hidden[ledger.unit[term]] and ledger.value[term] > 0:
                        known.add(term)
                        found.append(term)
            place += 1
        return found[:AROUND]

    def settle(self, variable: int, hidden: NDArray[np.bool_]) -> None:
        """All is hidden, and a count lacks protection: from now on it needs no more than there is to be had.

        Of readers who reason that a hidden count is not zero, nothing can keep it then, but of the others.
        """
        found = self.width(variable, hidden)
        if found <= _TINY:
            self.least[variable] = 0.0
            found = self.width(variable, hidden)
        self.need[variable] = 0.999 * found if found > _TINY else 0.0

    def next(self, hidden: NDArray[np.bool_], variable: int) -> int | None:
        """The cheapest unit in the equations of a variable; where all is hidden there, in those next to them."""
        ledger, seen, last = self.ledger, set[int](), []
        front = list(self.of_variable[variable])
        while front:
            seen.update(front)
            terms = {term for place in front for term in ledger.equations[place].terms if ledger.value[term] > 0}
            left = [ledger.cost(unit) for unit in {ledger.unit[term] for term in terms} if not hidden[unit]]
            if left and not min(left)[0]:
                return min(left)[2]
            last += left
            front = sorted({place for term in terms for place in self.of_variable[term]} - seen)
        return min(last)[2] if last else None


def complement(ledger: Ledger, small: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``small`` (unit,) and the further units to hide, so that no equation gives a small count away.

    A count of which everything around is hidden already and which has less protection than it needs keeps the most
    that hiding can give.
    """
    audit, hidden = Audit(ledger, small), small.copy()
    waiting = set(audit.asked)
    while waiting:
        bare = sorted((v for v in waiting if not audit.safe(v, hidden)), key=lambda v: (ledger.value[v], v))
        waiting, touched = set(bare), set[int]()
        for variable in bare:
            if touched.intersection(audit.of_variable[variable]):
                continue  # something beside it has just been hidden: look again first
            chosen = audit.next(hidden, variable)
            if chosen is None:
                audit.settle(variable, hidden)
                waiting.discard(variable)
                continue
            hidden[chosen] = True
            touched.update(place for v in audit.of_unit[chosen] for place in audit.of_variable.get(v, ()))
    further = [int(unit) for unit in np.flatnonzero(hidden & ~small)]
    if len(audit.asked) > MANY and len(further) * 4 <= len(audit.asked):
        return hidden  # nearly all of it is small: few numbers could be shown again, at the price of a long search
    for unit in sorted(further, key=ledger.cost, reverse=True):
        hidden[unit] = False
        if not all(audit.safe(v, hidden) for v in audit.asked):
            hidden[unit] = True
    return hidden


def feasible_width(matrix: Floats, start: Floats, lower: Floats, upper: Floats, need: float) -> tuple[float, Floats]:
    """How far the first variable can move from ``start`` at the least, up and down together, ``matrix @ x`` fixed.

    A count at its bound that would have to cross it is held there (an active set), and the search goes on without it.
    The search stops at ``need``. Also the moves made, (up or down, variable).
    """
    total = 0.0
    moves = np.zeros((2, len(start)))
    for place, sign in enumerate((1.0, -1.0)):
        point = start.copy()
        for _ in range(STEPS):
            way = _way(matrix, point, lower, upper, sign)
            if way is None:
                break
            down, up = way < 0, way > 0
            room = np.r_[(point[down] - lower[down]) / -way[down], (upper[up] - point[up]) / way[up]]
            left = need - total - abs(point[0] - start[0])
            point = np.clip(point + min(float(room.min(initial=np.inf)), left) * way, lower, upper)
            moves[place] = point - start
            if total + abs(point[0] - start[0]) >= need - _TINY:
                return need, moves
        total += abs(float(point[0] - start[0]))
    return total, moves


def _way(matrix: Floats, point: Floats, lower: Floats, upper: Floats, sign: float) -> Floats | None:
    """A direction that moves the first variable by ``sign``, keeps the sums and crosses no bound; None without one."""
    scale = np.clip(np.minimum(point - lower, upper - point), 0.05, 50.0)
    free = np.ones(len(point), dtype=bool)
    free[0] = False
    for _ in range(len(point)):
        own = matrix[:, free] * scale[free]
        found = np.linalg.lstsq(own, -sign * matrix[:, 0], rcond=None)[0]
        if np.abs(own @ found + sign * matrix[:, 0]).max(initial=0.0) > 1e-7:
            return None
        way = np.zeros(len(point))
        way[free], way[0] = found * scale[free], sign
        way[np.abs(way) < _TINY] = 0.0
        stuck = ((way < 0) & (point - lower < 1e-7)) | ((way > 0) & (upper - point < 1e-7))
        if stuck[0]:
            return None
        if not stuck.any():
            return way
        free &= ~stuck
    return None
