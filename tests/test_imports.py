"""The import rules of the house, read from the code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "crcne_stats"

MAY = {
    "shipped": set(),
    "words": {"words"},
    "domain": {"domain", "words", "shipped"},
    "core": {"core"},
    "data": {"data", "domain", "words", "shipped"},
    "analysis": {"analysis", "domain", "core"},
    "view": {"view", "domain", "words"},
    "publish": {"publish", "domain", "words", "shipped", "data", "view"},
    "lab": {"words", "domain", "data", "view"},
    "cli": {"cli", "shipped", "words", "domain", "data", "analysis", "view", "publish"},
}
NEVER = {
    "domain": {"scipy", "matplotlib"},
    "core": {"pandas", "matplotlib"},
    "data": {"scipy", "matplotlib"},
    "analysis": {"matplotlib"},
    "view": {"scipy"},
    "publish": {"scipy"},
}
STANDARD_ONLY = {"shipped", "words"}
LATE = ("__init__.py", "cli")


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    name = parts[0].removesuffix(".py")
    return "cli" if name.startswith(("cli", "__")) and len(parts) == 1 else name


def imports(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Module, level of relativity and whether the import stands at the top of the file."""
    top = {id(node) for node in ast.walk(tree) if isinstance(node, ast.Module) for node in outer(node.body)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, 0, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            rooms = [f"crcne_stats.{name.name}" for name in node.names if name.name != "__version__"]
            modules = rooms if node.module == "crcne_stats" else [node.module or ""]
            for module in modules:
                yield module, node.level, id(node) in top


def outer(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from node.body


def breaches(source: str, room: str, file: str) -> list[str]:
    found = []
    for module, level, top in imports(ast.parse(source)):
        root = module.split(".")[0]
        if level:
            found.append(f"{file}: relative import of {module}")
        if not top and not file.startswith(LATE):
            found.append(f"{file}: late import of {module}")
        if root == "crcne_stats":
            other = [*module.split("."), "cli"][1]
            other = "cli" if other.startswith("cli") else other
            if other not in MAY[room]:
                found.append(f"{file}: {room} imports {module}")
        elif root in NEVER.get(room, set()) or (room in STANDARD_ONLY and root not in sys.stdlib_module_names):
            found.append(f"{file}: {room} imports {module}")
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    if path.parent == PACKAGE and path.name in ("__init__.py", "__main__.py"):
        return
    assert not breaches(path.read_text(encoding="utf-8"), room_of(path), path.name)


def test_the_init_of_a_room_is_empty_save_the_words() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent not in (PACKAGE, PACKAGE / "words"):
            assert path.read_text() == "", path


def test_analyses_ask_each_other_without_a_cycle() -> None:
    asks: dict[str, set[str]] = {}
    for path in (PACKAGE / "analysis").glob("*.py"):
        modules = [module for module, *_ in imports(ast.parse(path.read_text(encoding="utf-8")))]
        asks[path.stem] = {m.split(".")[2] for m in modules if m.startswith("crcne_stats.analysis.")}
    done: set[str] = set()
    while ready := {name for name, others in asks.items() if name not in done and others <= done}:
        done |= ready
    assert done == set(asks)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("core", "import pandas"),
        ("core", "from crcne_stats.domain.ratings import Ratings"),
        ("view", "from scipy import stats"),
        ("data", "from crcne_stats.view.tables import table"),
        ("words", "import numpy"),
        ("analysis", "from . import levels"),
        ("analysis", "def f():\n    import os"),
    ],
)
def test_the_rules_can_be_broken(room: str, line: str) -> None:
    assert breaches(line, room, "made_up.py")
