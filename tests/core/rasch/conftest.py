"""Ratings to fit: simulated ones that always run, and the real ones of R packages where they are at hand."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crcne_stats.core.rasch.design import RatingData
from crcne_stats.core.simulation import Parameters, design, drawn_scores

REFERENCE = Path(__file__).parents[2] / "reference"


@pytest.fixture(scope="session")
def reference():
    """Read a file of reference numbers."""
    return lambda name: json.loads((REFERENCE / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def real():
    """Ratings of an R package, and the names of trainers, criteria and persons; skips where the file is not at hand."""

    def read(name):
        found = [up / "shared" / "data" / name for up in Path(__file__).parents]
        path = next((path for path in found if path.is_file()), None)
        if path is None:
            pytest.skip(f"{name} is not at hand")
        with path.open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        codes, names = {}, {}
        for column in ("person", "rater", "item"):
            names[column], codes[column] = np.unique([row[column] for row in rows], return_inverse=True)
        score = np.array([int(row["score"]) for row in rows])
        data = RatingData(
            codes["person"],
            {"trainer": codes["rater"], "criterion": codes["item"]},
            score,
            len(names["person"]),
            {"trainer": len(names["rater"]), "criterion": len(names["item"])},
            np.full(len(names["item"]), score.max() + 1),
        )
        return data, names["rater"].tolist(), names["item"].tolist(), names["person"].tolist()

    return read


@pytest.fixture(scope="session")
def drawn():
    """Draw ratings with known parameters: the data, the INSPÉ of each student, the truth."""

    def draw(n=240, inspe=2, trainers=8, criteria=5, levels=4, seats=2, links=0.1, halo=0.0, apart=0.0, seed=1):
        rng = np.random.default_rng(seed)
        who = design(rng, n, inspe, trainers, seats, links)
        steps = np.linspace(-2, 2, levels - 1)
        truth = Parameters(
            ability=rng.normal(0, 1.2, n) + apart * who.home,
            difficulty=rng.normal(0, 0.6, (1, criteria)),
            group=np.zeros(n, dtype=int),
            severity=np.linspace(-0.9, 0.9, trainers)[rng.permutation(trainers)],
            centrality=np.ones(trainers),
            halo=rng.normal(0, halo, (n, seats)),
            taste=np.zeros((trainers, criteria)),
            thresholds=np.tile(steps, (criteria, 1)),
        )
        score = drawn_scores(rng, who, truth).ravel()
        data = RatingData(
            np.repeat(np.arange(n), seats * criteria),
            {"trainer": np.repeat(who.panel.ravel(), criteria), "criterion": np.tile(np.arange(criteria), n * seats)},
            score,
            n,
            {"trainer": trainers, "criterion": criteria},
            np.full(criteria, levels),
        )
        return data, who.home, truth

    return draw


@pytest.fixture(scope="session")
def chosen():
    """The ratings of a mask or an order, everything else unchanged."""

    def choose(data, which, **changes):
        weight = None if data.weight is None else data.weight[which]
        return replace(
            data,
            student=data.student[which],
            facets={name: codes[which] for name, codes in data.facets.items()},
            score=data.score[which],
            weight=weight,
            **changes,
        )

    return choose
