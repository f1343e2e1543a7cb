"""A task in several processes, of this machine or of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lrsearch.processes.dask import run_on_cluster
from lrsearch.processes.local import run_workers

T = TypeVar("T")


def run_in_processes(
    task: Callable[..., T],
    arguments: list[tuple[Any, ...]],
    scheduler: str | None,
    *,
    poll: Callable[[], None],
    lost: Callable[[frozenset[str]], None],
) -> list[T]:
    """Run a task in processes of this machine (`run_workers`), or of the cluster of a scheduler (`run_on_cluster`)."""
    if scheduler is None:
        return run_workers(task, arguments, poll=poll, restart=lambda: lost(frozenset()))
    return run_on_cluster(task, arguments, scheduler, poll=poll, lost=lost)
