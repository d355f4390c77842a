"""Standard errors of contrasts against generalised least squares, and the effective resistance of known graphs."""

from __future__ import annotations

import numpy as np
import pytest

from crcne_stats.core.precision import Growing, Sheets, contrast_errors, covariance, errors_of, with_sheets


def a_design(seed: int, spread: float = 1.5) -> Sheets:
    rng = np.random.default_rng(seed)
    n_files, n_trainers = 40, 6
    file = np.repeat(np.arange(n_files), 2)
    trainer = np.array([rng.choice(n_trainers, 2, replace=False) for _ in range(n_files)]).ravel()
    weight = rng.uniform(1, 4, len(file))
    return Sheets(file, trainer, weight, rng.integers(0, 2, n_files), spread, n_trainers)


def by_least_squares(sheets: Sheets) -> np.ndarray:
    rows = sheets.rows().toarray()
    v = np.diag(1 / sheets.weight) + sheets.spread * (sheets.file[:, None] == sheets.file)
    return contrast_errors(np.linalg.pinv(rows.T @ np.linalg.solve(v, rows))[: sheets.n_trainers, : sheets.n_trainers])


@pytest.mark.parametrize("spread", [0.3, 1.5, 1e6])
def test_contrasts_as_generalised_least_squares(spread: float) -> None:
    sheets = a_design(1, spread)
    np.testing.assert_allclose(contrast_errors(covariance(sheets)), by_least_squares(sheets), rtol=1e-5, atol=1e-8)


def test_resistance_of_a_chain() -> None:
    """With abilities unknown, a file of two trainers is a resistor of 1/w + 1/w; in a row they add up."""
    sheets = Sheets(
        np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), np.full(4, 2.0), np.zeros(2, dtype=np.int64), 1e9, 3
    )
    errors = contrast_errors(covariance(sheets))
    np.testing.assert_allclose(errors[[0, 1, 0], [1, 2, 2]] ** 2, [1.0, 1.0, 2.0], rtol=1e-5)


def test_ratings_added_one_by_one() -> None:
    sheets = a_design(2)
    growing = Growing.of(sheets)
    new = [(3, next(t for t in range(6) if t not in sheets.trainer[sheets.file == 3])), (3, 5), (7, 0)]
    new = [(f, t) for f, t in new if t not in sheets.trainer[sheets.file == f]]
    for f, t in new:
        direction, worth = growing.direction(f, t, 2.5)
        before, promised = errors_of(growing)[0, 4] ** 2, growing.gain(0, 4, direction, worth)
        growing.add(f, t, 2.5)
        assert before - errors_of(growing)[0, 4] ** 2 == pytest.approx(promised)
    whole = with_sheets(sheets, [f for f, _ in new], [t for _, t in new], [2.5] * len(new))
    np.testing.assert_allclose(errors_of(growing), by_least_squares(whole), rtol=1e-6, atol=1e-9)
