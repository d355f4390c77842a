"""Both catalogues hold the same keys; none is missing, none is unused."""

from __future__ import annotations

import ast
import json
import re
import string
from pathlib import Path

import pytest

from crcne_stats.domain.analyses import ANALYSES
from crcne_stats.domain.columns import COLUMNS
from crcne_stats.view import figures
from crcne_stats.words import languages, words

ROOT = Path(__file__).parent.parent
CODE = [*sorted((ROOT / "crcne_stats").rglob("*.py")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
TEMPLATES = [path for path in (ROOT / "crcne_stats").rglob("*") if path.suffix in (".html", ".j2")]


def python_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return re.sub(r"^%.*$", "", code, flags=re.M)


def literals() -> tuple[set[str], set[str]]:
    """Every text of the code, and the patterns of its f-strings with {} for what they fill in."""
    texts: set[str] = set()
    patterns: set[str] = set()
    for path in CODE:
        for node in ast.walk(ast.parse(python_of(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
                patterns.add("".join(map(str, parts)))
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        texts |= set(re.findall(r'"([\w.]+)"', text))
        for call in re.findall(r'w\(((?:"[^"]*"|[\w.]+)(?:\s*~\s*(?:"[^"]*"|[\w.]+))+)', text):
            pieces = re.split(r"\s*~\s*", call)
            patterns.add("".join(piece.strip('"') if piece.startswith('"') else "{}" for piece in pieces))
    return texts, patterns


TEXTS, PATTERNS = literals()
TEXTS |= set(re.findall(r'"(\w+)"', (ROOT / "data_schema/frameworks/framework.schema.json").read_text("utf-8")))
FAMILIES = {column.of for column in COLUMNS.values() if column.kind == "key"}
PIECES = TEXTS | {part for text in TEXTS for part in re.split(r"[.\s]", text)} | set(COLUMNS)
PIECES |= {name.replace("_", "-") for name in PIECES} | {name.replace("-", "_") for name in PIECES}


def fits(key: str, pattern: str) -> bool:
    """Whether an f-string makes the key, each filled part being a word that the code or a registry holds."""
    form = "^" + "(.+)".join(re.escape(part) for part in pattern.split("{}")) + "$"
    found = re.match(form, key)
    return bool(found) and all(part in PIECES or all(p in PIECES for p in part.split(".")) for part in found.groups())


def used(key: str) -> bool:
    if key in TEXTS:
        return True
    if any(pattern.count("{}") and pattern.strip("{}.") and fits(key, pattern) for pattern in PATTERNS):
        return True
    family, _, tail = key.rpartition(".")
    if key.startswith("note.") and composed(key.removeprefix("note.")):
        return True
    if key.startswith("problem.") and composed(key.split(".")[1].removesuffix("_elsewhere")):
        return True
    if family in FAMILIES and tail in PIECES:
        return True
    looked_up = any(f"!k:{family}" in words("fr").raw(other) for other in words("fr").keys())  # noqa: SIM118
    return looked_up and tail in PIECES


def composed(name: str) -> bool:
    """Whether the code holds a name, or makes it from words that it holds."""
    return name in TEXTS or any("{}" in p and p.strip("{}._") and fits(name, p) for p in PATTERNS)


@pytest.mark.parametrize("language", languages())
def test_catalogues_hold_the_same_keys_and_no_empty_text(language: str) -> None:
    own, french = words(language), words("fr")
    assert set(own.keys()) == set(french.keys())
    assert not [key for key in own.keys() if not own.raw(key).strip()]  # noqa: SIM118


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", languages())
def test_a_sentence_has_the_same_placeholders_in_every_language(language: str) -> None:
    own, french = words(language), words("fr")
    differ = [key for key in own.keys() if fields(own.raw(key)) != fields(french.raw(key))]  # noqa: SIM118
    assert not differ


def test_no_key_is_unused() -> None:
    assert not [key for key in words("fr").keys() if not used(key)]  # noqa: SIM118


def test_no_key_is_missing() -> None:
    w = words("fr")
    expected = {f"column.{name}.{part}" for name in COLUMNS for part in ("label", "meaning")}
    expected |= {f"analysis.{a.name}.{part}" for a in ANALYSES for part in ("title", "question", "reading", "doubt")}
    expected |= {
        f"figure.{analysis}.{name}.{part}"
        for analysis, plots in figures._PLOTS.items()
        for name in plots
        for part in ("title", "alt", "caption")
    }
    for path in CODE:
        for node in ast.walk(ast.parse(python_of(path))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            text = node.args[0].value
            if not isinstance(text, str):
                continue
            if name == "Note":
                expected.add(f"note.{text}")
            elif name == "Problem":
                expected |= {f"problem.{text}.{part}" for part in ("title", "expected", "remedy")}
            elif name == "w":
                expected.add(text)
    assert not sorted(key for key in expected if not w.has(key))


def test_the_families_of_columns_are_in_the_catalogue() -> None:
    keys = words("fr").keys()
    assert not [family for family in FAMILIES if not any(key.startswith(f"{family}.") for key in keys)]


def test_the_check_of_unused_keys_can_fail() -> None:
    assert not used("column.no_such_column.label")
    assert not used("note.agreement.no_such_note_at_all")
