"""A trainer's feedback sheet: one page, in levels, about this trainer alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from crcne_stats.domain.result import Result
from crcne_stats.view import figures as drawn
from crcne_stats.view.disclosure import THRESHOLD, published
from crcne_stats.view.style import settled, svg
from crcne_stats.words import DEFAULT_LANGUAGE, Words, words

MOST_CRITERIA = 3
"""Criteria that are named."""
CLEAR = 0.05


def sheet(result: Result, label: str, lang: str = DEFAULT_LANGUAGE, threshold: int = THRESHOLD) -> str:
    """The sheet of one trainer as an HTML page that prints on one page of A4; no network, no script.

    Parameters
    ----------
    result
        What :func:`crcne_stats.analysis.trainer_sheet.trainer_sheet` returned.
    label
        The trainer's pseudonym of the publication (:func:`crcne_stats.view.aliases.trainer_labels`).
    threshold
        Numbers that rest on fewer students are left out.

    Raises
    ------
    KeyError
        When no trainer has that label.
    """
    w = words(lang)
    own = _own(published(result, threshold), label)
    if not result.reason and not len(own.tables["position"]):
        raise KeyError(label)
    reason = result.reason or _reason(own.tables["position"].iloc[0])
    framework = result.ratings.framework if result.ratings is not None else None
    return _template().render(
        w=w,
        lang=lang,
        label=label,
        framework="" if framework is None else framework.title.get(lang, framework.title["fr"]),
        simulated=result.ratings is not None and result.ratings.simulated,
        reason=w(f"reason.{reason}") if reason else "",
        basis=w("sheet.basis", **_values(own)) if not reason else "",
        parts=[] if reason else list(_parts(own, w, threshold)),
    )


def _own(shown: Result, label: str) -> Result:
    tables = {name: table[table["trainer"] == label].reset_index(drop=True) for name, table in shown.tables.items()}
    return replace(shown, tables=tables)


def _reason(row: pd.Series) -> str:
    """Why there is nothing to tell, empty where there is."""
    if pd.isna(row["fair_difference"]):
        return str(row["reason"] or "left_out")
    return ""


def _values(own: Result) -> dict[str, Any]:
    row = own.tables["position"].iloc[0]
    return {name: row[name] for name in ("n_students", "n_sheets", "n_ratings")}


def _parts(own: Result, w: Words, threshold: int) -> Iterator[dict[str, Any]]:
    """Heading, sentences and figure of each part."""
    row = own.tables["position"].iloc[0]
    yield {
        "title": w("sheet.position.title"),
        "said": list(_position(own, row, w)),
        **_picture(own, "position", w, threshold),
    }
    yield {"title": w("sheet.use.title"), "said": list(_use(row, w)), **_picture(own, "use", w, threshold)}
    yield {"title": w("sheet.agreement.title"), "said": [_agreement(row, w)], "image": ""}
    yield {"title": w("sheet.criteria.title"), "said": list(_criteria(own, w)), "image": ""}
    if len(own.tables["sessions"]):
        yield {"title": w("sheet.sessions.title"), "said": [_sessions(own, w)], "image": ""}


def _position(own: Result, row: pd.Series, w: Words) -> Iterator[str]:
    value, low, high = (float(row[f"fair_difference{end}"]) for end in ("", "_low", "_high"))
    way = "higher" if value > 0 else "lower"
    clear = low > 0 or high < 0
    size = abs(value) if clear else value
    yield w(f"sheet.position.{way if clear else 'same'}", size=size, low=low, high=high)
    criteria = len(own.ratings.criteria) if own.ratings is not None else 0
    touched = round(abs(value) * criteria)
    if clear and touched:
        yield w("sheet.position.amounts", n=touched, total=criteria)
    if row["assumption"] == "relative":
        yield w("sheet.position.relative")


def _use(row: pd.Series, w: Words) -> Iterator[str]:
    yield w(f"sheet.use.{row['centrality_verdict'] or 'too_few'}")


def _agreement(row: pd.Series, w: Words) -> str:
    if pd.isna(row["exact"]):
        return w("sheet.agreement.none")
    return w("sheet.agreement.said", exact=float(row["exact"]), expected=float(row["exact_expected"]))


def _criteria(own: Result, w: Words) -> Iterator[str]:
    """The criteria on which the trainer departs most from the own habit, as far as that is sure."""
    table = own.tables["criteria"]
    clear = table[(table["p_adjusted"] < CLEAR) & table["difference"].notna()]
    clear = clear.reindex(clear["difference"].abs().sort_values(ascending=False, kind="stable").index)
    framework = own.ratings.framework if own.ratings is not None else None
    for record in clear.head(MOST_CRITERIA).to_dict("records"):
        key = str(record["criterion"])
        text = framework.name("criterion", key, w.language) if framework is not None else ""
        way = "higher" if record["difference"] > 0 else "lower"
        yield w(f"sheet.criteria.{way}", criterion=key, text=text, size=abs(float(record["difference"])))
    if not len(clear):
        yield w("sheet.criteria.none")


def _sessions(own: Result, w: Words) -> str:
    table = own.tables["sessions"]
    clear = table[(table["p_adjusted"] < CLEAR) & table["change_levels"].notna()]
    if not len(clear):
        return w("sheet.sessions.none")
    row = clear.loc[clear["change_levels"].abs().idxmax()]
    way = "higher" if row["change_levels"] > 0 else "lower"
    return w(f"sheet.sessions.{way}", session=str(row["session"]), size=abs(float(row["change_levels"])))


def _picture(own: Result, name: str, w: Words, threshold: int) -> dict[str, str]:
    if name not in list(drawn.figures(own)):
        return {"image": ""}
    page = settled(drawn.figure(own, name, w.language, threshold=threshold))
    image = svg(page, drawn.title(own, name, w.language))
    source = "data:image/svg+xml;base64," + base64.b64encode(image.encode("utf-8")).decode("ascii")
    return {"image": source, "alt": drawn.alt_text(own, name, w.language, threshold)}


@cache
def _template() -> jinja2.Template:
    folder = Path(__file__).with_name("templates")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["style"] = Markup((folder / "trainer_sheet.css").read_text(encoding="utf-8"))
    return environment.get_template("trainer_sheet.html")
