"""Figures of the two parts of the certificate: every one is drawn in both languages, with hidden cells and without."""

from __future__ import annotations

import pytest

from crcne_stats.analysis.concordance import concordance
from crcne_stats.analysis.simulate import simulate
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figure, figures
from crcne_stats.view.style import svg


@pytest.mark.parametrize(
    ("framework", "students", "names"),
    [
        (None, 300, {"cross", "margins", "groups", "criteria"}),
        ("2026-illustration", 500, {"criteria", "gate"}),
        (None, 30, {"cross", "margins"}),
    ],
)
def test_every_figure_is_drawn(framework: str | None, students: int, names: set[str]) -> None:
    made = simulate(students, 3, 1, seed=2, framework=framework)
    result = concordance(made.ratings, made.students, resamples=20)
    found = set(figures(published(result)))
    assert names <= found
    for name in found:
        for lang in ("fr", "en"):
            assert svg(figure(result, name, lang)).startswith("<?xml")
            assert "nan" not in alt_text(result, name, lang)
