"""The settings file: read whole or refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from crcne_stats.domain.errors import DataError
from crcne_stats.publish.settings import Settings, read_settings


def test_options_of_each_analysis(tmp_path: Path) -> None:
    path = tmp_path / "etude.toml"
    path.write_text('\ufeff[options.agreement]\nweights = "linear"\nresamples = 100\n', encoding="utf-8")
    assert read_settings(path) == Settings({"agreement": {"weights": "linear", "resamples": 100}})


@pytest.mark.parametrize(
    ("content", "threshold"),
    [("threshold = 7", 7), ("strict = true", 11), ("threshold = 20\nstrict = true", 20), ("strict = false", None)],
)
def test_the_threshold_of_publication(tmp_path: Path, content: str, threshold: int | None) -> None:
    path = tmp_path / "etude.toml"
    path.write_text(content)
    assert read_settings(path).threshold == threshold


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("options = [", ["settings_not_toml"]),
        ("seed = 3\n[option.agreement]\n", ["settings_unknown_key", "settings_unknown_key"]),
        ("[options.agrement]\nweights = 1\n", ["settings_unknown_key"]),
        ("threshold = '5'\nstrict = 1\n", ["settings_value", "settings_value"]),
        ("options = 3\n", ["settings_unknown_key"]),
        ("[options]\nagreement = 3\n", ["settings_unknown_key"]),
    ],
)
def test_what_nobody_would_read_is_refused(tmp_path: Path, content: str, codes: list[str]) -> None:
    path = tmp_path / "etude.toml"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_settings(path)
    assert [problem.code for problem in error.value.problems] == codes
    assert "etude.toml" in error.value.text("en")
