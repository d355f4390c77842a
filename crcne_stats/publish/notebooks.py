"""The notebooks: one language of them, the reader's own parameters in them, run, and a page beside each.

A notebook holds the prose of all languages; the tag ``lang-<language>`` of a cell says whose it is, an untagged cell is
everybody's. The one cell tagged ``parameters`` holds plain assignments, whose values are replaced.
``metadata.crcne.analysis`` names the analysis that the notebook is about.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, select_autoescape
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from markupsafe import Markup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from crcne_stats import shipped
from crcne_stats.words import DEFAULT_LANGUAGE, words

AT_ONCE = 2
"""Kernels that run at the same time: each holds the data and the scientific stack in memory."""

_FORGET = "import gc; get_ipython().reset(); gc.collect()"

_FIGURE = re.compile(r"cs\.figure\(\s*(\w+)\s*,\s*[\"'](\w+)[\"']")
_CELL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def originals() -> list[Path]:
    """The notebooks that the kit ships, in their order."""
    return sorted(shipped.notebooks().glob("[0-9][0-9]-*.ipynb"))


def read(path: Path, lang: str) -> NotebookNode:
    """A copy of the notebook at ``path`` in one language, without outputs."""
    return in_language(nbformat.read(path, as_version=4), lang)


def in_language(notebook: NotebookNode, lang: str) -> NotebookNode:
    """The cells for readers of ``lang``; a notebook that lacks the language keeps the default one."""
    copy = nbformat.from_dict(notebook)
    spoken = {tag for cell in copy.cells for tag in _tags(cell) if tag.startswith("lang-")}
    own = f"lang-{lang}" if f"lang-{lang}" in spoken else f"lang-{DEFAULT_LANGUAGE}"
    copy.cells = [cell for cell in copy.cells if not _language_tags(cell) or own in _language_tags(cell)]
    for cell in copy.cells:
        if _language_tags(cell):
            rest = [tag for tag in _tags(cell) if not tag.startswith("lang-")]
            cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k != "tags"})
            if rest:
                cell.metadata["tags"] = rest
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    copy.metadata["crcne"] = {**copy.metadata.get("crcne", {}), "lang": own.removeprefix("lang-")}
    return copy


def with_parameters(notebook: NotebookNode, values: Mapping[str, Any]) -> NotebookNode:
    """A copy in which the parameters cell assigns ``values``.

    Raises
    ------
    KeyError
        When the cell does not assign one of the names: a silent miss would run the notebook on the demo data.
    """
    copy = nbformat.from_dict(notebook)
    cell = next(cell for cell in copy.cells if "parameters" in _tags(cell))
    lines = cell.source.splitlines()
    places = {
        node.targets[0].id: node.value
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    missing = set(values) - set(places)
    if missing:
        raise KeyError(f"no parameter {', '.join(sorted(missing))}")
    for name, value in values.items():
        place = places[name]
        if place.end_lineno != place.lineno:
            raise ValueError(f"parameter {name} spans several lines")
        # ast counts bytes, not characters.
        line = lines[place.lineno - 1].encode()
        mended = line[: place.col_offset] + repr(value).encode() + line[place.end_col_offset :]
        lines[place.lineno - 1] = mended.decode()
    cell.source = "\n".join(lines)
    return copy


def parameters(notebook: NotebookNode) -> set[str]:
    """The names that the parameters cell assigns."""
    cell = next(cell for cell in notebook.cells if "parameters" in _tags(cell))
    nodes = (node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign))
    return {node.targets[0].id for node in nodes if isinstance(node.targets[0], ast.Name)}


def copied(folder: Path, lang: str) -> tuple[list[Path], list[Path]]:
    """Copies of the notebooks in one language, to work in: those written now, and those already there, left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for original in originals():
        target = folder / original.name
        if target.exists():
            kept.append(target)
            continue
        notebook = with_parameters(read(original, lang), {"lang": lang})
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        written.append(target)
    return written, kept


class _ThisInterpreter(KernelSpecManager):
    """Kernels of the interpreter that runs the kit, whatever kernels the machine has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


@dataclass
class Run:
    """A notebook to be run; ``failed`` tells afterwards whether a cell of it raised."""

    name: str
    notebook: NotebookNode
    failed: bool = False


def execute(
    runs: Sequence[Run], scratch: Path, *, progress: Callable[[int, int], None] | None = None, at_once: int = AT_ONCE
) -> None:
    """Run the notebooks in place, ``at_once`` at a time, in the folder ``scratch`` (its path must be short).

    A cell that raises ends its notebook and leaves its message in it. The work is done in a thread of its own: there it
    neither meets an event loop that already runs (as in Jupyter) nor takes the signal handlers of the caller; an
    interruption stops the kernels before it goes on its way.
    """
    errand = _Errand(runs, scratch, at_once)
    thread = threading.Thread(target=errand.drive, name="notebooks")
    thread.start()
    try:
        told = 0
        while thread.is_alive():
            thread.join(0.1)
            if progress is not None and errand.finished > told:
                told = errand.finished
                progress(told, len(runs))
    except BaseException:
        errand.stop()
        thread.join()
        raise
    if errand.error is not None:
        raise errand.error


class _Errand:
    """The work of the thread, and what the caller's thread sees of it."""

    def __init__(self, runs: Sequence[Run], scratch: Path, at_once: int) -> None:
        self.runs, self.scratch, self.at_once = runs, scratch, at_once
        self.finished = 0
        self.error: BaseException | None = None
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def drive(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # handed to the caller's thread
            self.error = error
        finally:
            self._started.set()

    def stop(self) -> None:
        self._started.wait()
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _all(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        waiting = iter(self.runs)

        async def worker(number: int) -> None:
            kernel = _Kernel(self.scratch, f"kernel-{number}")
            try:
                for run in waiting:  # shared: whoever is free takes the next one
                    await kernel.execute(run)
                    self.finished += 1
            finally:
                await kernel.stop()

        async with asyncio.TaskGroup() as group:  # when one of them breaks, the others' kernels are stopped too
            for number in range(min(self.at_once, len(self.runs))):
                group.create_task(worker(number))


class _Kernel:
    """A kernel for one notebook after the other: it imports the scientific stack once, and each finds it without names.

    A cell that raised may have left anything behind: the next notebook then has a new one.
    """

    def __init__(self, scratch: Path, name: str) -> None:
        self.scratch, self.name = scratch, name
        self._manager: AsyncKernelManager | None = None
        self._channels: Any = None

    async def execute(self, run: Run) -> None:
        if self._manager is None:
            await self._start()
        else:
            await self._channels.execute_interactive(_FORGET, silent=True, output_hook=lambda message: None)
        client = NotebookClient(run.notebook, km=self._manager, timeout=None, record_timing=False)
        client.kc = self._channels
        try:
            await client.async_execute()
        except CellExecutionError:
            run.failed = True
            await self.stop()

    async def _start(self) -> None:
        self._manager = AsyncKernelManager(kernel_spec_manager=_ThisInterpreter(), kernel_name="python3")
        self._manager.connection_file = str(self.scratch / f"{self.name}.json")
        if os.name == "posix":  # sockets in our own folder, not on the network
            self._manager.transport, self._manager.ip = "ipc", str(self.scratch / self.name)
        await self._manager.start_kernel(
            cwd=str(self.scratch),
            env=_environment(self.scratch),
            stderr=subprocess.DEVNULL,  # remarks of the kernel itself; those of the cells are outputs
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
        )
        self._channels = self._manager.client()
        self._channels.start_channels()
        await self._channels.wait_for_ready(timeout=120)

    async def stop(self) -> None:
        channels, manager = self._channels, self._manager
        self._channels = self._manager = None
        if channels is not None:
            channels.stop_channels()
        if manager is not None and manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _environment(scratch: Path) -> dict[str, str]:
    package = str(Path(shipped.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH", "")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in (package, inherited) if part),
        "IPYTHONDIR": str(scratch / "ipython"),  # neither start-up files nor history of the user's
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # Several kernels work at once: with more threads for linear algebra they would only wait for one another.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def without_paths(notebook: NotebookNode, folders: Sequence[Path]) -> NotebookNode:
    """The notebook with this machine's ``folders`` taken out of its outputs."""
    found = {str(path) for path in [*folders, *(path.resolve() for path in folders)] if len(path.parts) > 1}
    names = sorted(found, key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            value = _CELL_FILE.sub("cell", _ANSI.sub("", value))
            for name in names:
                value = value.replace(name + os.sep, "").replace(name, ".")
            return value
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            return {key: item if key == "image/png" else clean(item) for key, item in value.items()}
        return value

    for cell in _code(notebook):
        cell.outputs = [nbformat.from_dict(clean(dict(output))) for output in cell.outputs]
    return notebook


def title(notebook: NotebookNode) -> str:
    """The first heading."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return str(line[2:].strip())
    return ""


def page(notebook: NotebookNode, lang: str, banner: str = "") -> str:
    """The executed notebook as one HTML page that needs no network."""
    copy = nbformat.from_dict(notebook)
    for cell in _code(copy):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            cell.metadata["alt"] = _alternative(cell.source, copy.metadata.get("crcne", {}).get("analysis", ""), lang)
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    body, _ = exporter.from_notebook_node(copy)
    template = Environment(autoescape=select_autoescape(["html", "j2"])).from_string(
        Path(__file__).with_name("notebook.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        lang=copy.metadata.get("crcne", {}).get("lang", lang),
        title=title(copy),
        banner=banner,
        highlight=Markup(HtmlFormatter(style="bw").get_style_defs(".highlight")),
        body=Markup(body),
    )


def _alternative(source: str, analysis: str, lang: str) -> str:
    """The text for those who do not see the figure."""
    w = words(lang)
    found = _FIGURE.search(source)
    key = f"figure.{analysis}.{found[2]}.title" if found else ""
    return w(key) if found and w.has(key) else w("publish.figure")


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _language_tags(cell: NotebookNode) -> list[str]:
    return [tag for tag in _tags(cell) if tag.startswith("lang-")]
