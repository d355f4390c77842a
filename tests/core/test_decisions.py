"""Certificates from two levels, by tables worked by hand."""

from __future__ import annotations

import pytest

from crcne_stats.core import decisions
from crcne_stats.core.decisions import CERTIFIED, REFUSED, WAITING_INSPE, WAITING_PIX

# 0 is «not reached», -1 no result; the jury waits in the last two.
MINIMUM = [
    (3, 1, False, 1, CERTIFIED),
    (1, 2, False, 1, CERTIFIED),
    (2, 2, False, 2, CERTIFIED),
    (3, 0, False, 0, REFUSED),
    (0, 2, False, 0, REFUSED),
    (0, -1, False, 0, REFUSED),
    (-1, 0, False, 0, REFUSED),
    (-1, 2, False, -1, WAITING_INSPE),
    (2, -1, False, -1, WAITING_PIX),
    (-1, -1, False, -1, WAITING_INSPE),
    (3, 2, True, -1, WAITING_INSPE),
    (3, 0, True, 0, REFUSED),
]


@pytest.mark.parametrize(("inspe", "pix", "waiting", "level", "state"), MINIMUM)
def test_joint_level_is_the_lower_one(inspe: int, pix: int, waiting: bool, level: int, state: int) -> None:
    got, code = decisions.joint_minimum([inspe], [pix], 0, [waiting])
    assert (int(got[0]), int(code[0])) == (level, state)


GATE = [
    (3, 1, False, 3, CERTIFIED),
    (3, 0, False, 0, REFUSED),
    (0, 1, False, 0, REFUSED),
    (3, 1, True, -1, WAITING_INSPE),
    (-1, 1, False, -1, WAITING_INSPE),
    (3, -1, False, -1, WAITING_PIX),
    (-1, 0, False, 0, REFUSED),
]


@pytest.mark.parametrize(("inspe", "gate", "waiting", "level", "state"), GATE)
def test_gate_opens_and_the_jury_gives_the_level(inspe: int, gate: int, waiting: bool, level: int, state: int) -> None:
    got, code = decisions.joint_gate([inspe], [gate], 0, [waiting])
    assert (int(got[0]), int(code[0])) == (level, state)


def test_a_ladder_without_a_failing_level_refuses_nobody() -> None:
    level, state = decisions.joint_minimum([0, 2], [1, 0], -1)
    assert level.tolist() == [0, 0]
    assert state.tolist() == [CERTIFIED, CERTIFIED]


def test_what_holds_back() -> None:
    inspe, pix = [1, 2, 1, 4, 4, -1, 2], [1, 1, 2, 2, 1, 2, -1]
    names = [decisions.BINDING[code] if code >= 0 else "" for code in decisions.binding(inspe, pix, 2)]
    assert names == ["none", "pix", "inspe", "pix_ceiling", "pix", "", ""]
