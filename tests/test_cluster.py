"""The same numbers on a cluster, also when one of its machines dies in the middle."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest

import crcne_stats as cs
from crcne_stats.cli import main
from crcne_stats.core.resample import _run, repeat

pytestmark = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="distributed is not installed")


@dataclass
class Cluster:
    """A scheduler and two workers, each a process of its own."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Up for one test; nothing of it is left behind."""
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    worker = ["distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path)]
    with contextlib.ExitStack() as stack:

        def started(*command: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, "-m", *command, *common], **quiet)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        started("distributed.cli.dask_scheduler", "--port", "0")
        workers = [started(*worker) for _ in range(2)]
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Cluster(json.loads(file.read_text())["address"], workers)


def test_a_worker_killed_in_the_middle_changes_no_number(cluster: Cluster) -> None:
    from distributed import Client

    data = np.arange(300_000.0)

    def task(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        time.sleep(0.1)
        drawn = rng.integers(0, len(data), size=(size, 3))
        return data[drawn], rng.normal(size=size)

    alone = repeat(task, 48, seed=3, block=2)
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 3:
            cluster.workers[0].kill()

    with Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=60)
        with joblib.parallel_config(backend="dask"):
            shared = repeat(task, 48, seed=3, progress=progress, block=2)
        assert len(client.scheduler_info()["workers"]) == 1
        with joblib.parallel_config(backend="dask"):
            by_one = repeat(task, 6, seed=3, block=2)
        kept = client.scatter(task)
        by_copy = _run(kept, np.random.SeedSequence(3).spawn(1)[0], 2)[1]
    assert seen == list(range(2, 50, 2))
    for one, other, short, copy in zip(alone, shared, by_one, by_copy, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[:6], short)
        np.testing.assert_array_equal(one[:2], copy)


def test_the_command_gives_the_same_file_on_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    made = cs.simulate(60, 2, 1, seed=1)
    cs.write_ratings(made.ratings, tmp_path / "ratings.csv")
    command = ["agreement", str(tmp_path / "ratings.csv"), "--framework", "2022-2023", "--resamples", "300"]
    assert main([*command, "--out", str(tmp_path / "here.csv")]) == 0
    assert main([*command, "--cluster", cluster.address, "--out", str(tmp_path / "there.csv")]) == 0
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


@pytest.mark.parametrize(
    ("command", "offered"), [("study", True), ("agreement", True), ("concordance", True), ("describe", False)]
)
def test_what_repeats_offers_workers(command: str, offered: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert ("--cluster" in told, "--jobs" in told) == (offered, offered)


def test_a_cluster_that_cannot_be_had_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cs.simulate(30, 2, 1, seed=1)
    cs.write_ratings(made.ratings, tmp_path / "r.csv")
    command = ["agreement", str(tmp_path / "r.csv"), "--framework", "2022-2023", "--resamples", "20"]
    monkeypatch.setattr("crcne_stats.cli_workers.PATIENCE", 0.5)
    for language, said in (("en", "No Dask scheduler answers"), ("fr", "Aucun ordonnanceur Dask")):
        assert main([*command, "--cluster", "tcp://127.0.0.1:9", "--lang", language]) == 2
        assert said in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    for language, said in (("en", "Dask is not installed"), ("fr", "Dask n’est pas installé")):
        assert main([*command, "--cluster", "tcp://127.0.0.1:9", "--lang", language]) == 2
        assert said in capsys.readouterr().err
