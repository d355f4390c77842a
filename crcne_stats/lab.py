"""In JupyterLab: choose files, see what was understood of them, save the ratings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from markupsafe import escape

from crcne_stats.data.ratings import load_ratings, write_ratings
from crcne_stats.data.reading import paths_of
from crcne_stats.data.validate import Validation, validate
from crcne_stats.domain.errors import DataError
from crcne_stats.domain.framework import Framework
from crcne_stats.domain.frameworks import available, load_framework
from crcne_stats.domain.ratings import Ratings
from crcne_stats.view.faults import fault_table
from crcne_stats.words import DEFAULT_LANGUAGE, words

SUFFIX = ".parquet"
_LOOK = "<style>.crcne th,.crcne td{text-align:left;vertical-align:top}.crcne .number{text-align:right}</style>"
"""Jupyter sets all cells of tables to the right."""

_ACCEPTED = ".csv,.tsv,.txt,.xlsx,.xlsm,.xls,.ods,.parquet"


class Intake(widgets.VBox):
    """A form: files from a button or by their path, what they hold, their faults as a table, and a file to save.

    Parameters
    ----------
    source
        Path of a file or folder, or several, read at once; None waits for the user.
    framework
        A version that ships or the path of a framework file; None takes the one that the files name, else the newest.
    lang
        "fr" or "en".
    target
        The name proposed for the file to save.

    Attributes
    ----------
    ratings
        The ratings of the files read last; None when something of them was refused or they hold none.
    validation
        What was found in them, None as long as nothing was read.
    """

    def __init__(
        self,
        source: str | Path | Iterable[str | Path] | None = None,
        *,
        framework: str | Path | None = None,
        lang: str = DEFAULT_LANGUAGE,
        target: str = "ratings.parquet",
    ) -> None:
        w = self._w = words(lang)
        self.ratings: Ratings | None = None
        self.validation: Validation | None = None
        wide = {"description_width": "initial"}
        self.upload = widgets.FileUpload(accept=_ACCEPTED, multiple=True, description=w("lab.choose"))
        self.upload.layout.width = "max-content"
        self.path = widgets.Text(description=w("lab.path"), placeholder=w("lab.example"), style=wide)
        self.version = widgets.Dropdown(description=w("lab.framework"), style=wide, options=self._versions(framework))
        self.version.layout.width = "max-content"
        self.version.value = "" if framework is None else str(framework)
        self.read = widgets.Button(description=w("lab.read"), button_style="primary")
        self.shown = widgets.HTML()
        for look in ("jp-RenderedHTMLCommon", "crcne"):
            self.shown.add_class(look)
        self.target = widgets.Text(value=target, description=w("lab.target"), style=wide)
        self.save = widgets.Button(description=w("lab.save"), button_style="success")
        self.save.layout.width = "max-content"
        self.done = widgets.HTML()
        self._saving = widgets.HBox([self.target, self.save])
        self.upload.observe(self._uploaded, names="value")
        self.read.on_click(lambda _: self._typed())
        self.save.on_click(lambda _: self._save())
        top = widgets.HBox([self.upload, self.path, self.read])
        super().__init__([top, self.version, self.shown, self._saving, self.done])
        self._show()
        if source is not None:
            given = [source] if isinstance(source, str | Path) else list(source)
            self.path.value = " ; ".join(map(str, given))
            self._take(given)

    def _versions(self, framework: str | Path | None) -> list[tuple[str, str]]:
        """Labels and values; a value that is None would be shown as no choice at all."""
        named = [] if framework is None or str(framework) in available() else [str(framework)]
        return [(self._w("lab.framework_found"), ""), *((name, name) for name in [*available(), *named])]

    def _uploaded(self, change: Any) -> None:
        """Read what the browser sent from a folder that is gone afterwards; the form itself keeps none of it."""
        sent = change["new"]
        if not sent:
            return
        with tempfile.TemporaryDirectory(prefix="crcne-") as folder:
            paths = []
            for place, one in enumerate(sent):
                own = Path(folder) / str(place)
                own.mkdir()
                paths.append(own / (Path(one["name"].replace("\\", "/")).name or "-"))
                paths[-1].write_bytes(one["content"])
            self.path.value = ""
            self._take(paths)
        # A notebook saved with the state of its widgets would otherwise hold the file.
        self.upload.value = ()

    def _typed(self) -> None:
        given = [Path(text.strip().strip('"')) for text in self.path.value.split(";") if text.strip()]
        if given:
            self._take(given)

    def _take(self, source: Sequence[str | Path]) -> None:
        """Check the files and load their ratings when nothing is refused."""
        self.ratings, self.done.value = None, ""
        try:
            chosen: Framework | None = load_framework(self.version.value) if self.version.value else None
            paths = paths_of(source)
            self.validation = validate(paths, framework=chosen)
            if not self.validation.problems and self.validation.counts["ratings"]:
                self.ratings = load_ratings(paths, framework=chosen)
        except DataError as error:
            self.validation = Validation("unknown", problems=error.problems)
        self._show()

    def _show(self) -> None:
        found = self.validation
        self._saving.layout.display = "none" if self.ratings is None else ""
        if found is None:
            self.shown.value = f"<p>{escape(self._w('lab.nothing'))}</p>"
            return
        parts = [f"<li>{escape(line)}</li>" for line in found.told(self._w)]
        parts = [f"<ul>{''.join(parts)}</ul>"]
        if found.problems:
            parts.append(f"<p><strong>{escape(self._w('lab.refused'))}</strong></p>")
            parts.append(_LOOK + fault_table(found.problems, self._w.language).html())
        else:
            key = "lab.accepted" if self.ratings is not None else "lab.no_ratings"
            parts.append(f"<p><strong>{escape(self._w(key))}</strong></p>")
        self.shown.value = "".join(parts)

    def _save(self) -> None:
        """Write the ratings; a file that stands there already is left alone."""
        target = Path(self.target.value.strip())
        if self.ratings is None:
            return
        if target.suffix.lower() != SUFFIX:
            said = self._w("lab.suffix", file=target.name)
        elif target.exists():
            said = self._w("lab.exists", file=str(target))
        else:
            try:
                write_ratings(self.ratings, target)
                said = self._w("lab.saved", file=str(target), n=len(self.ratings))
            except OSError:
                said = self._w("lab.unwritable", file=str(target))
        self.done.value = f"<p>{escape(said)}</p>"
