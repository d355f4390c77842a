"""The page that shows our agreement beside other packages' is complete, and they say the same."""

from __future__ import annotations

from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "agreement-peers.md").read_text(encoding="utf-8")


def test_no_package_says_otherwise() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    gaps = [float(row[-1]) for row in rows if row[-1] != "gap"]
    assert len(gaps) == 72 + 12 + 13 + 12
    assert max(gaps) < 1e-9


def test_every_package_is_there() -> None:
    for package in ("R irrCAC", "Python irrCAC", "R irr", "krippendorff", "statsmodels", "pingouin"):
        assert package in PAGE
