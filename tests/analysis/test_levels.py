"""Levels from ratings: the framework's rule, and others asked for in its place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.levels import (
    NAMED_RULES,
    asked_rules,
    file_cells,
    inspe_levels,
    last_files,
    levels_from_cells,
)
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.framework import Criterion
from crcne_stats.domain.frameworks import load_framework
from crcne_stats.domain.ratings import Ratings

OFFICIAL = load_framework("2022-2023")


def one_file(scores: list[float]) -> Ratings:
    """One student, one trainer, the 19 criteria in order."""
    keys = [criterion.key for criterion in OFFICIAL.criteria][: len(scores)]
    table = pd.DataFrame({"student": "s", "trainer": "t", "criterion": keys, "score": scores})
    return Ratings.from_frame(table, framework=OFFICIAL)


def test_one_file_under_each_rule_by_hand() -> None:
    # Items of 2022-2023 have 3, 3, 2, 3, 2, 2, 2 and 2 criteria; the phases hold items 1–3, 4–6 and 7–8.
    sizes = [sum(entry.item == item.key for entry in OFFICIAL.criteria) for item in OFFICIAL.items]
    medians = [3, 3, 2, 2, 4, 3, 1, 2]
    ratings = one_file([float(score) for score, size in zip(medians, sizes, strict=True) for _ in range(size)])
    told = {name: inspe_levels(ratings, name)["inspe_level"].astype(str).item() for name in NAMED_RULES}
    scores = np.repeat(medians, sizes)
    assert told["median"] == "confirme"  # the median of the items is 2.5
    assert inspe_levels(ratings, {"rounding": "nearest"})["inspe_level"].item() == "avance"
    assert told["mean"] == "confirme"
    assert told["lowest_item"] == told["lowest_criterion"] == "initie"
    assert told["count"] == ("confirme" if np.mean(scores >= 2) >= 0.75 else "initie")
    assert told["phases"] == "initie"  # the last phase has 1 and 2
    assert inspe_levels(ratings, {"cuts": [0.5, 1, 1.5, 2.6]})["inspe_level"].item() == "avance"


def test_rules_that_do_not_exist_are_refused() -> None:
    for wrong, match in (
        ("sum", "unknown level rule"),
        ({"combination": "gate"}, "unknown settings"),
        ({"item": "sum"}, "unknown summary"),
        ({"cuts": [1.0]}, "need 4 cuts"),
    ):
        with pytest.raises(ValueError, match=match):
            asked_rules(OFFICIAL, wrong)


def test_cells_expected_by_a_model_are_read_like_ratings_and_a_global_criterion_counts_for_nothing() -> None:
    made = simulate(40, 2, 1, missing=0.1, seed=4)
    extra = Criterion("G", OFFICIAL.items[0].key, {"fr": "Niveau global"}, role="global")
    framework = dataclasses.replace(OFFICIAL, criteria=(extra, *OFFICIAL.criteria))
    frame = made.ratings.frame[["student", "trainer", "session", "criterion", "score"]].astype({"criterion": object})
    overall = frame.drop_duplicates(["student", "trainer"]).assign(criterion="G", score=0)
    wider = Ratings.from_frame(pd.concat([frame, overall]), framework=framework)
    for name in NAMED_RULES:
        rules = asked_rules(OFFICIAL, name)
        known = inspe_levels(made.ratings, name)
        cells = file_cells(wider, *last_files(wider), rules.trainers)
        assert cells.shape == (40, 19)
        draws = np.stack([cells, cells + 1e-12])
        for level in levels_from_cells(framework, draws, rules):
            assert (level == known["inspe_level"].cat.codes.to_numpy()).all()
        assert inspe_levels(wider, name)["score"].tolist() == pytest.approx(known["score"].tolist())
