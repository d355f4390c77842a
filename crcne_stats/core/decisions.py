"""From two levels to the certificate. A level is its index on the ladder (-1: there is none)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

CERTIFIED, REFUSED, WAITING_INSPE, WAITING_PIX = range(4)
STATES = ("certified", "refused", "waiting_inspe", "waiting_pix")
"""Names of the states, by code: what has become of a student's certificate."""

BINDING = ("none", "inspe", "pix", "pix_ceiling")
"""Which part holds a student back, by code: neither, the INSPÉ, PIX+Édu, or the top of PIX+Édu's own ladder."""


def joint_minimum(inspe: Any, pix: Any, failed: int, waiting: Any = False) -> tuple[Ints, Ints]:
    """The lower of two ordered levels: the level that both evaluations recognise.

    Parameters
    ----------
    inspe, pix : (student,)
        Index of the level of each part, -1 where there is none.
    failed
        Index of the level that means «not reached» (-1 if the ladder has none): nobody is certified at it.
    waiting : (student,) bool
        The jury has not decided yet.

    Returns
    -------
    level, state : (student,)
        Index of the joint level (-1 where it is not known yet) and code in :data:`STATES`. A failed part refuses
        whatever the other part will be; the decision of the jury is waited for before the result of PIX+Édu.
    """
    a, b, undecided = np.broadcast_arrays(np.asarray(inspe), np.asarray(pix), np.asarray(waiting, dtype=bool))
    has_a, has_b = (a >= 0) & ~undecided, b >= 0
    lost = (failed >= 0) & ((has_a & (a == failed)) | (has_b & (b == failed)))
    level = np.where(lost, failed, np.where(has_a & has_b, np.minimum(a, b), -1)).astype(np.int64)
    state = np.select([lost, ~has_a, ~has_b], [REFUSED, WAITING_INSPE, WAITING_PIX], CERTIFIED)
    return level, state.astype(np.int64)


def joint_gate(inspe: Any, admissible: Any, failed: int, waiting: Any = False) -> tuple[Ints, Ints]:
    """PIX+Édu opens the door, the jury gives the level; the same answer as :func:`joint_minimum`.

    ``admissible`` (student,) is 1, 0, or -1 where there is no result.
    """
    a, gate, undecided = np.broadcast_arrays(np.asarray(inspe), np.asarray(admissible), np.asarray(waiting, dtype=bool))
    has_a = (a >= 0) & ~undecided
    lost = (gate == 0) | ((failed >= 0) & has_a & (a == failed))
    level = np.where(lost, failed, np.where(has_a & (gate == 1), a, -1)).astype(np.int64)
    state = np.select([lost, ~has_a, gate < 0], [REFUSED, WAITING_INSPE, WAITING_PIX], CERTIFIED)
    return level, state.astype(np.int64)


def binding(inspe: Any, pix: Any, ceiling: int) -> Ints:
    """Which part holds each student back, code in :data:`BINDING`; -1 where a part is missing.

    ``ceiling`` is the index of the highest level that PIX+Édu can give: a student who reached it and whose INSPÉ level
    is higher is held back by the ladder, not by the result.
    """
    a, b = np.asarray(inspe), np.asarray(pix)
    code = np.select([(a < 0) | (b < 0), a == b, a < b, b >= ceiling], [-1, 0, 1, 3], 2)
    return code.astype(np.int64)
