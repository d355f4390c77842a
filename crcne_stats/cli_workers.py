"""Who does the work that repeats: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import click
from joblib import parallel_config

from crcne_stats import __version__
from crcne_stats.cli_click import Integer
from crcne_stats.cli_options import option, text_option
from crcne_stats.words import Words

REPEATS = "resamples"
"""An analysis with this keyword repeats its work through ``core.resample``."""
PATIENCE = 60
"""Seconds for the scheduler to answer, and for a first worker to come up."""


def worker_options(w: Words) -> list[click.Parameter]:
    """``--jobs`` and ``--cluster``."""
    return [option(w, "jobs", Integer(1), shown=1), text_option(w, "cluster", "address")]


def repeats(function: Callable[..., Any]) -> bool:
    """Whether an analysis can share its work."""
    return REPEATS in inspect.signature(function).parameters


def draws_at_random(function: Callable[..., Any]) -> bool:
    """Whether the numbers of an analysis depend on a seed."""
    return "seed" in inspect.signature(function).parameters


@contextlib.contextmanager
def workers(w: Words, jobs: int | None, cluster: str | None) -> Iterator[None]:
    """Whatever repeats inside this block is done by ``jobs`` processes, or on the cluster at this address.

    The numbers are the same everywhere; so the cluster must hold the same version of the kit.
    """
    if cluster is not None:
        with _connected(w, cluster), parallel_config(backend="dask", n_jobs=jobs or -1):
            yield
    elif jobs is not None:
        with parallel_config(n_jobs=jobs):
            yield
    else:
        yield


@contextlib.contextmanager
def _connected(w: Words, address: str) -> Iterator[None]:
    """A client of the scheduler, the workers being there and fit."""
    try:
        from distributed import Client
    except ImportError as error:
        raise click.ClickException(w("cli.cluster.missing")) from error
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise click.ClickException(w("cli.cluster.unreachable", address=address)) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise click.ClickException(w("cli.cluster.no_workers", address=address)) from error
        versions: Any = client.get_versions(packages=["crcne_stats"])
        other = {name: told["packages"].get("crcne_stats") for name, told in versions["workers"].items()}
        wrong = [name for name, version in other.items() if version != __version__]
        if wrong:
            values = {"n": len(wrong), "first": wrong[0], "own": __version__, "found": other[wrong[0]] or "–"}
            raise click.ClickException(w("cli.cluster.other_kit", **values))
        yield
