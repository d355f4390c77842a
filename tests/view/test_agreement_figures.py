"""Every figure of agreement, in both languages, from rich ratings and from ratings that hold next to nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crcne_stats.analysis.agreement import agreement
from crcne_stats.analysis.simulate import simulate
from crcne_stats.domain.ratings import Ratings
from crcne_stats.domain.result import Result
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figure, figures
from crcne_stats.view.style import png
from crcne_stats.words import languages

ALL = ["agreement", "chance", "multiverse", "specification", "pairs"]


def plain(score: list[int], trainers: int = 2, students: int = 12) -> Ratings:
    student, trainer = np.indices((students, trainers)).reshape(2, -1)
    frame = pd.DataFrame({"student": student, "trainer": trainer, "score": np.resize(score, student.size)})
    return Ratings.from_frame(frame, criterion=None, levels=range(5))


@pytest.fixture(scope="module")
def rich() -> Result:
    return agreement(simulate(120, 2, seed=1).ratings, resamples=0)


@pytest.mark.parametrize("lang", languages())
def test_all_figures_are_drawn_with_their_alternative_text(rich: Result, lang: str) -> None:
    assert list(figures(rich)) == ALL
    for name in ALL:
        assert png(figure(rich, name, lang), 50)
        told = alt_text(rich, name, lang)
        assert told and "–" not in told


@pytest.mark.parametrize(
    "given",
    [plain([2]), plain([0, 1], trainers=1), plain([1, 1, 2, 2, 3, 3]), plain([0, 4], students=1), plain([0, 1, 2, 1])],
    ids=["one level", "one trainer", "unanimous", "one student", "two trainers"],
)
def test_what_cannot_be_drawn_is_not_offered(given: Ratings) -> None:
    result = agreement(given, resamples=0)
    for name in figures(published(result)):
        assert png(figure(result, name, "fr"), 40)
        assert alt_text(result, name, "en")


@pytest.mark.parametrize("names", [("krippendorff",), ("gwet_ac",), ("percent",), ("cohen", "gwet_ac"), ("kendall_w",)])
def test_fewer_coefficients_still_make_figures(names: tuple[str, ...]) -> None:
    result = agreement(plain([0, 1, 2, 1, 3, 3, 4, 2]), coefficients=names, resamples=0)
    offered = list(figures(result))
    assert ("chance" in offered) == (names not in (("percent",), ("kendall_w",)))
    for name in offered:
        assert png(figure(result, name, "fr"), 40)
        assert alt_text(result, name, "fr")
