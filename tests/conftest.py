"""What several test files share."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the processors already; read when numpy is loaded

import pytest

from crcne_stats.view import figures

LONGEST = (
    "test_cli.py", "test_notebooks.py", "test_publish_hostile.py", "test_cli_disclosure.py", "test_publish_write.py",
    "test_cli_calibration.py", "test_packaging.py", "test_report.py", "test_cli_intake.py", "test_study.py",
    "test_severity.py", "test_disclosure_audit.py", "test_plots_severity.py", "test_fuzz.py", "test_killed.py",
)  # fmt: skip
"""Files that begin first, lest one worker is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies without figures, which take half of the time of writing them, where numbers alone are looked at."""
    monkeypatch.setattr(figures, "_PLOTS", {})
