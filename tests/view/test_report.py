"""Figures and report: complete, self-contained, in both languages, on whole and on odd data."""

from __future__ import annotations

import itertools
import re
from functools import cache
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.domain.result import Study
from crcne_stats.view.disclosure import published
from crcne_stats.view.figures import alt_text, figure, figures
from crcne_stats.view.report import report
from crcne_stats.view.style import drawing, png, ramp, settled, svg

OPTIONS = {
    **{name: {"resamples": 50} for name in ("agreement", "generalizability", "concordance", "priorities")},
    "severity": {"simulations": 5},
}
MADE = simulate(120, 3, 1, seed=4)
WHOLE = study(MADE.ratings, MADE.students, options=OPTIONS)
FRAME = MADE.ratings.frame


def part(mask: np.ndarray) -> Study:
    return study(MADE.ratings.where(mask), options=OPTIONS)


ODD = {
    "whole": WHOLE,
    "no_students": study(MADE.ratings, options=OPTIONS),
    "one_trainer": part((FRAME["trainer"] == FRAME["trainer"].iloc[0]).to_numpy()),
    "one_criterion": part((FRAME["criterion"] == "1.1").to_numpy()),
    "one_inspe": part((FRAME["inspe"] == FRAME["inspe"].iloc[0]).to_numpy()),
    "one_rating": part(np.arange(len(FRAME)) == 0),
}


@cache
def drawings(name: str, lang: str) -> dict[tuple[str, str], Figure]:
    """Every figure of a study: drawn once for all that look at it."""
    found = published(ODD[name]).results.items()
    return {(key, plot): settled(figure(result, plot, lang)) for key, result in found for plot in figures(result)}


@cache
def page_of(name: str, lang: str) -> str:
    return report(ODD[name], lang, images={key: svg(drawn) for key, drawn in drawings(name, lang).items()})


class Page(HTMLParser):
    """Headings, pictures, links and identifiers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.images: list[dict[str, str]] = []
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.lang = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(given)
        if tag == "html":
            self.lang = given["lang"]
        self.targets += [given["href"][1:]] if given.get("href", "").startswith("#") else []
        self.ids += [given["id"]] if "id" in given else []


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("name", list(ODD))
def test_the_report_stands_alone_and_in_order(name: str, lang: str) -> None:
    text = page_of(name, lang)
    page = Page(text)
    assert page.lang == lang
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(below - above <= 1 for above, below in zip(page.headings, page.headings[1:], strict=False))
    assert len(set(page.ids)) == len(page.ids) and set(page.targets) <= set(page.ids)
    assert all(image["alt"] and image["src"].startswith("data:") for image in page.images)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text) and "@import" not in text
    assert "nan" not in re.sub(r'src="[^"]*"', "", text).lower().replace("finan", "").split()
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)


def test_simulated_data_are_marked_and_others_are_not() -> None:
    assert page_of("whole", "fr").count("données simulées") >= len(WHOLE.results)
    observed = MADE.ratings.where(np.ones(len(FRAME), dtype=bool))
    object.__setattr__(observed, "simulated", False)
    images = dict.fromkeys(drawings("whole", "fr"), "<svg/>")
    assert "données simulées" not in report(study(observed, options=OPTIONS), images=images).lower()


def test_what_cannot_be_had_says_why() -> None:
    assert "Sans fichier des étudiants" in page_of("no_students", "fr")
    assert "Un seul formateur a évalué" in page_of("one_trainer", "fr")


def test_a_hostile_name_is_harmless() -> None:
    frame = FRAME.assign(trainer=FRAME["trainer"].cat.rename_categories(lambda name: f"<img src=x onerror=1>{name}"))
    hostile = type(MADE.ratings).from_frame(frame.astype({"trainer": object}), framework=MADE.ratings.framework)
    assert "<img src=x" not in report(study(hostile, options=OPTIONS))


@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_figure_draws_and_tells_itself(name: str, lang: str) -> None:
    before = dict(mpl.rcParams)
    for (key, plot), drawn in drawings(name, lang).items():
        assert png(drawn, 40)[:4] == b"\x89PNG"
        assert len(alt_text(ODD[name].results[key], plot, lang)) > 20
    assert dict(mpl.rcParams) == before


def test_the_same_figure_is_the_same_file() -> None:
    result = WHOLE.results["agreement"]
    one, other = (svg(figure(result, "agreement"), "t", "d") for _ in range(2))
    assert one == other and "<title>" in one


def test_a_figure_goes_where_it_is_asked() -> None:
    page = drawing(8, 4)
    left, right = page.subplots(1, 2)
    figure(WHOLE.results["agreement"], "agreement", ax=right)
    assert not left.has_data() and right.has_data()


def test_a_figure_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="levels"):
        figure(WHOLE.results["describe"], "nothing")


def test_the_colours_of_levels_darken_one_after_the_other() -> None:
    greys = [
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), mpl.colors.to_rgb(colour), strict=True))
        for colour in ramp(5)
    ]
    assert all(above - below > 0.08 for above, below in itertools.pairwise(greys))


def test_french_axes_have_a_decimal_comma() -> None:
    drawn = figure(WHOLE.results["agreement"], "agreement", "fr")
    drawn.canvas.draw()
    labels = [label.get_text() for label in drawn.axes[0].get_xticklabels()]
    assert any("," in label for label in labels) and not any("." in label for label in labels)
