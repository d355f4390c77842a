"""The study folder, whole or not at all."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from crcne_stats import shipped
from crcne_stats.data.ratings import write_ratings
from crcne_stats.data.students import write_students
from crcne_stats.domain.frameworks import available
from crcne_stats.domain.result import Study
from crcne_stats.publish import manifest, tables
from crcne_stats.publish.folder import check_destination, replaced
from crcne_stats.publish.notebooks import (
    Run,
    execute,
    originals,
    page,
    parameters,
    read,
    with_parameters,
    without_paths,
)
from crcne_stats.publish.publication import write_publication
from crcne_stats.view.disclosure import THRESHOLD, Trainers, published
from crcne_stats.view.figures import figure, figures, title
from crcne_stats.view.report import report
from crcne_stats.view.style import png, settled, svg
from crcne_stats.words import words


def write_study(
    study: Study,
    out: str | Path,
    lang: str = "fr",
    *,
    notebooks: bool = True,
    threshold: int = THRESHOLD,
    trainers: Trainers = "labels",
    progress: Callable[[int, int], None] | None = None,
    call: Mapping[str, Any] | None = None,
) -> Path:
    """Write a study to the folder ``out`` and return its path.

    ``report.html``, ``tables/*.csv`` with ``tables/dictionary.csv``, ``tables.xlsx``, ``figures/*.svg`` and ``.png``,
    ``publication/`` for a paper (methods, APA tables, captions, GRRAS checklist, study card, bibliography),
    ``notebooks/*.ipynb`` run on the same data, with a page beside each, and ``manifest.json``. The CSV files are for
    programs (UTF-8, comma, decimal point, stable names), the workbook for Excel. The folder is made beside ``out`` and
    renamed into its place at the end: an interruption or a fault leaves what was there before.

    Parameters
    ----------
    lang
        Language of the report, the figures, the workbook and the notebooks.
    threshold
        Numbers that rest on fewer students are hidden in everything written, and others that would give them away
        (see ``published``); 11 is what ``--strict`` asks.
    trainers
        "labels": trainers appear under labels of this publication, and no list that joins the labels to identifiers
        is written (``trainer_labels(study.ratings)`` gives it to the owner of the data). "as_given": under their
        identifiers in the report, the tables and the figures; the notebooks keep the labels.
    progress
        Called with the number of steps done and their total.
    call
        What a command line was given, kept in the manifest for ``--replay`` (see ``manifest.called``).

    Raises
    ------
    ForeignFolder
        When ``out`` exists and is not an earlier study.
    """
    path = check_destination(out, lang)
    shown = published(study, threshold, trainers)
    with replaced(path) as folder:
        steps = _Steps(progress, 6 if notebooks else 5)
        with steps.timed("figures"):
            images = _write_figures(shown, folder / "figures", lang, threshold)
        with steps.timed("report"):
            text = report(shown, lang=lang, threshold=threshold, images=images)
            (folder / "report.html").write_text(text, encoding="utf-8")
        with steps.timed("tables"):
            _write_tables(shown, folder, lang)
        with steps.timed("publication"):
            write_publication(shown, folder / "publication", lang, threshold)
        ran: dict[str, str] = {}
        if notebooks:
            with steps.timed("notebooks"):
                ran = _write_notebooks(study, folder / "notebooks", lang, threshold, call or {})
        with steps.timed("manifest"):
            names = sorted(file for file in folder.rglob("*") if file.is_file())
            record = manifest.manifest(
                study, lang,
                threshold=threshold, trainers=trainers, notebooks=ran, seconds=steps.seconds, call=call,
                files={file.relative_to(folder).as_posix(): manifest.file_hash(file) for file in names},
                made=datetime.now(UTC).isoformat(timespec="seconds"),
            )  # fmt: skip
            manifest.write(record, folder)
    return path


class _Steps:
    """Counts and times the steps."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.progress, self.total = progress, total
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
        if self.progress is not None:
            self.progress(len(self.seconds), self.total)


def _write_tables(shown: Study, folder: Path, lang: str) -> None:
    found = tables.all_files(shown)
    (folder / "tables").mkdir()
    for name, table in found.items():
        tables.write_csv(table, folder / "tables" / f"{name}.csv")
    tables.write_csv(tables.dictionary(found, lang), folder / "tables" / "dictionary.csv")
    tables.write_workbook(found, shown.ratings.framework, folder / "tables.xlsx", lang)


def _write_figures(shown: Study, folder: Path, lang: str, threshold: int) -> dict[tuple[str, str], str]:
    """Each figure as SVG for print and PNG for slides, the same bytes for the same numbers; the SVG by name."""
    folder.mkdir()
    images = {}
    for result in shown.results.values():
        for name in figures(result):
            drawn = settled(figure(result, name, lang=lang, threshold=threshold))
            image = svg(drawn, title(result, name, lang))
            stem = name if name == result.name else f"{result.name}-{name}"
            (folder / f"{stem}.svg").write_text(image, encoding="utf-8")
            (folder / f"{stem}.png").write_bytes(png(drawn))
            images[result.name, name] = image
    return images


def _write_notebooks(study: Study, folder: Path, lang: str, threshold: int, call: Mapping[str, Any]) -> dict[str, str]:
    """The notebooks read the same data and options as the study, from a scratch folder that no one keeps."""
    w = words(lang)
    folder.mkdir()
    ran: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="crcne-") as name:
        scratch = Path(name)
        given: dict[str, Any] = {"ratings": str(scratch / "ratings.parquet"), "students": None, "previous": None}
        write_ratings(study.ratings, given["ratings"])
        if study.previous is not None:
            given["previous"] = str(scratch / "previous.parquet")
            write_ratings(study.previous, given["previous"])
        if study.students is not None:
            given["students"] = str(scratch / "students.parquet")
            write_students(study.students, given["students"])
        runs = []
        for original in originals():
            notebook = read(original, lang)
            if "analysis" not in notebook.metadata["crcne"]:
                continue  # it makes data; a study has them
            result = study.results[notebook.metadata["crcne"]["analysis"]]
            if not result.tables:
                ran[original.stem] = result.reason  # the report says it in words
                continue
            known = parameters(notebook)
            paths = {name: path for name, path in given.items() if name in known or name != "previous"}
            paths |= {
                key: _scratch(table, scratch / f"{key}.csv") for key, table in _tables_of(study, notebook).items()
            }
            values = {**paths, **_parameters(study, notebook, threshold), "lang": lang}
            runs.append(Run(original.stem, with_parameters(notebook, values)))
        execute(runs, scratch)
    banner = w("report.simulated") if study.simulated else ""
    machine = [scratch, Path(shipped.__file__).parents[1], Path.cwd(), Path.home()]
    for run in runs:
        ran[run.name] = "failed" if run.failed else "done"
        bare = without_paths(run.notebook, machine)
        kept = with_parameters(bare, _told(study, bare, call))
        (folder / f"{run.name}.ipynb").write_text(nbformat.writes(kept) + "\n", encoding="utf-8")
        (folder / f"{run.name}.html").write_text(page(kept, lang, banner), encoding="utf-8")
    return dict(sorted(ran.items()))


def _parameters(study: Study, notebook: Any, threshold: int) -> dict[str, Any]:
    """The options under which the study answered the question of the notebook, so that both show the same numbers."""
    result = study.results.get(notebook.metadata["crcne"]["analysis"])
    settings = result.settings if result is not None else {}
    options = {} if result is None else study.options.get(result.name, {})
    tables = _tables_of(study, notebook)
    values = {
        "seed": settings.get("seed", study.seed),
        "resamples": settings.get("resamples", 500),
        "options": {key: value for key, value in options.items() if key not in tables},
        "threshold": threshold,
    }
    return {name: value for name, value in values.items() if name in parameters(notebook)}


def _tables_of(study: Study, notebook: Any) -> dict[str, pd.DataFrame]:
    """The options of the notebook's analysis that are tables: it has a parameter for the file of each."""
    options = study.options.get(notebook.metadata["crcne"]["analysis"], {})
    return {key: value for key, value in options.items() if isinstance(value, pd.DataFrame)}


def _scratch(table: pd.DataFrame, path: Path) -> str:
    table.to_csv(path, index=False)
    return str(path)


def _told(study: Study, notebook: Any, call: Mapping[str, Any]) -> dict[str, Any]:
    """The names of the data's own files, which the reader knows, in the place of the scratch files."""
    known, name = parameters(notebook), notebook.metadata["crcne"]["analysis"]
    files = {key: [entry["path"] for entry in call.get(f"{name}.{key}", ())] for key in _tables_of(study, notebook)}

    def names(sources: Any) -> Any:
        found = [manifest.relative(source.file) for source in sources]
        return None if not found else found[0] if len(found) == 1 else found

    version = study.ratings.framework.version
    before = {"previous": names(study.previous.sources) or "previous.parquet"} if study.previous is not None else {}
    before |= {key: found[0] if found else f"{key}.csv" for key, found in files.items()}
    return {name: value for name, value in before.items() if name in known} | {
        "ratings": names(study.ratings.sources) or "ratings.parquet",
        "students": names(study.students.sources) if study.students is not None else None,
        "framework": version if version in available() else f"{version}.toml",
    }
