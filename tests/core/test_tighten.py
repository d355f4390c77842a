"""Ratings that tighten severity contrasts: each is the best of all that are allowed, and the promise is kept."""

from __future__ import annotations

import numpy as np
import pytest

from crcne_stats.core.precision import Sheets, contrast_errors, covariance, with_sheets
from crcne_stats.core.repair import Rules, Web
from crcne_stats.core.tighten import Tightening, tighten


def chain(n_trainers: int, each: int, seed: int = 0) -> Sheets:
    """Trainers in a row, each with files of the own and one file shared with the next."""
    rng = np.random.default_rng(seed)
    pairs = [(t * each + k, t) for t in range(n_trainers) for k in range(each)]
    pairs += [(t * each, t + 1) for t in range(n_trainers - 1)]
    file, trainer = np.array(pairs).T
    group = np.repeat(np.arange(n_trainers), each) // 2
    return Sheets(file, trainer, rng.uniform(2, 5, len(file)), group, 1.5, n_trainers)


def made(sheets: Sheets, load: int = 9, cost: np.ndarray | None = None) -> Tightening:
    n_files, n = len(sheets.group), sheets.n_trainers
    rules = Rules(
        np.zeros(n_files, int) if cost is None else np.arange(n_files) % 2,
        np.zeros(n, int), np.ones((1, 1)) if cost is None else cost, np.full(n, load),
    )  # fmt: skip
    return Tightening.of(Web(sheets.file, sheets.trainer, n, rules), sheets, np.full(n_files, 3.0))


@pytest.mark.parametrize("seed", range(6))
def test_each_rating_is_the_best_of_all(seed: int) -> None:
    given = made(chain(5, 4, seed))
    for _ in range(6):
        a, b, error = given.worst()
        now = contrast_errors(given.growing.cov[:5, :5])
        assert error == pytest.approx(now.max())
        found = given.best(a, b)
        assert found is not None
        gains = {}
        for file, raters in given.web.raters.items():
            for trainer in set(range(5)) - raters:
                direction, worth = given.growing.direction(file, trainer, 3.0)
                gains[file, trainer] = given.growing.gain(a, b, direction, worth)
        assert found[2] == pytest.approx(max(gains.values()))
        given.add(*found[:2])


def test_the_target_is_reached_and_kept() -> None:
    sheets = chain(6, 8)
    given = made(sheets)
    assert given.worst()[2] > 0.8
    assert tighten(given, 0.6, 200)
    repair = given.web.repair
    whole = with_sheets(sheets, repair.file, repair.trainer, [3.0] * len(repair.file))
    assert contrast_errors(covariance(whole)).max() <= 0.6 + 1e-9
    assert len(set(zip(repair.file, repair.trainer, strict=True))) == len(repair.file) == repair.count("tighten")
    assert not set(zip(repair.file, repair.trainer, strict=True)) & set(
        zip(sheets.file.tolist(), sheets.trainer.tolist(), strict=True)
    )


def test_loads_and_forbidden_ratings_hold() -> None:
    cost = np.array([[1.0], [np.inf]])
    given = made(chain(6, 8), 2, cost)
    assert not tighten(given, 0.2, 200)
    repair = given.web.repair
    assert np.bincount(repair.trainer, minlength=6).max() <= 2
    assert all(file % 2 == 0 for file in repair.file)


def test_no_more_than_asked() -> None:
    given = made(chain(6, 8))
    assert not tighten(given, 0.01, 3)
    assert given.web.repair.count("tighten") == 3
