"""The repository keeps its own promises."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import crcne_stats

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!~\[ ;]", requirement)[0].lower().replace("_", "-")


def test_the_conda_environment_has_the_same_dependencies() -> None:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    listed = {line.strip().removeprefix("- ") for line in lines if re.match(r"^  - [a-z]", line)}
    wanted = {*PROJECT["dependencies"], *EXTRAS["build"], *EXTRAS["dev"], "python" + PROJECT["requires-python"]}
    assert listed - {"pip", "pip:", "conda-forge"} == wanted


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_a_lock_pins_every_dependency_with_hashes_and_names_no_host(lock: str, extras: list[str]) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = {name_of(line) for line in text.splitlines() if re.match(r"^[A-Za-z0-9]", line)}
    wanted = [*PROJECT["dependencies"], *(entry for extra in extras for entry in EXTRAS[extra])]
    assert not [entry for entry in wanted if name_of(entry) not in pinned]
    assert "://" not in text and "index" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "torch" not in pinned


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert PROJECT["version"] == crcne_stats.__version__
    assert f"version: {PROJECT['version']}\n" in citation
    assert f"## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in (ROOT / "crcne_stats").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (body[-1].end_lineno or 0) - body[0].lineno >= 60:
                    long.append(f"{path.name}:{node.name}")
    assert not long


def tracked() -> list[Path]:
    try:
        done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here")
    return [ROOT / name for name in done.stdout.splitlines()]


def test_no_file_names_a_path_of_a_machine_or_a_registry() -> None:
    machine = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|farm|tmp)/[A-Za-z0-9_.]")
    registry = re.compile("pythonhosted|" + r"pypi\.(org|python)" + "|registry" + r"\.npmjs")
    own = Path(__file__).name
    found = []
    for path in tracked():
        if path.name == own or path.suffix in (".png", ".svg", ".parquet", ".xlsx") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if machine.search(text) or registry.search(text):
            found.append(path.name)
    assert not found


def test_public_names_are_those_of_the_stub_and_can_be_had() -> None:
    stub = ast.parse((ROOT / "crcne_stats" / "__init__.pyi").read_text(encoding="utf-8"))
    named = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert named == set(crcne_stats.__all__) - {"__version__"}
    for name in crcne_stats.__all__:
        assert getattr(crcne_stats, name)
    with pytest.raises(AttributeError):
        crcne_stats.no_such_name  # noqa: B018
