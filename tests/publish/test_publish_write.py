"""The study folder as a whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from crcne_stats.analysis.simulate import simulate
from crcne_stats.analysis.study import study
from crcne_stats.domain.result import Study
from crcne_stats.publish import write
from crcne_stats.publish.manifest import file_hash
from crcne_stats.publish.notebooks import originals
from crcne_stats.publish.write import write_study

OPTIONS = {
    **{name: {"resamples": 10} for name in ("agreement", "generalizability", "concordance")},
    "priorities": {"resamples": 20},
    "severity": {"simulations": 5},
}


@pytest.fixture(scope="module")
def answered() -> Study:
    demo = simulate(students=80, inspe=2, seed=3)
    return study(demo.ratings, demo.students, options=OPTIONS, seed=5)


def test_everything_is_there_and_hashed(answered: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [path for path in originals() if path.stem in ("00-charger", "02-accord", "04-pix-edu", "09-calibrage")]
    monkeypatch.setattr(write, "originals", lambda: some)  # all of them, beside hostile names, in test_publish_hostile
    done: list[tuple[int, int]] = []
    out = write_study(answered, tmp_path / "study", "en", notebooks=True, progress=lambda *pair: done.append(pair))
    record = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {*record["files"], "manifest.json"}
    assert all(file_hash(out / name) == digest for name, digest in record["files"].items())
    assert {"report.html", "tables.xlsx", "tables/dictionary.csv", "figures/agreement.svg"} <= written
    assert record["notebooks"] == {"02-accord": "done", "04-pix-edu": "done", "09-calibrage": "no_previous"}
    assert done[-1] == (6, 6)
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    text = "".join(path.read_text("utf-8") for path in out.rglob("*") if path.suffix in {".html", ".ipynb", ".json"})
    assert str(tmp_path) not in text
    assert str(Path.home()) + "/" not in text
    dictionary = pd.read_csv(out / "tables" / "dictionary.csv")
    for name, table in dictionary.groupby("table"):
        assert list(pd.read_csv(out / "tables" / f"{name}.csv").columns) == table["column"].tolist()
    seed = answered.results["agreement"].settings["seed"]
    assert re.search(rf"seed = {seed}\b", (out / "notebooks" / "02-accord.ipynb").read_text("utf-8"))
    manifest = (out / "manifest.json").read_text("utf-8")
    assert not any(name in manifest for name in answered.ratings.frame["student"].cat.categories)


@pytest.mark.usefixtures("without_figures")
def test_a_failure_in_the_middle_leaves_the_former_study(
    answered: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = write_study(answered, tmp_path / "study", notebooks=False)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "_write_figures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_study(answered, tmp_path / "study", "en", notebooks=False)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
