"""Several processes on one machine, through joblib: start them, watch them, stop them, start them again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import joblib
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError

from lrsearch.errors import InputError
from lrsearch.search.interruption import Interrupted, Interruption
from lrsearch.training.device import usable_cores

T = TypeVar("T")
_POLL_SECONDS = 1.0
_MOST_RESTARTS = 20


def auto_workers(device: str) -> int:
    """Return how many processes to start: one on a GPU, else one for every core that may be used."""
    return 1 if device == "cuda" else usable_cores()


def run_workers(
    task: Callable[..., T], arguments: list[tuple[Any, ...]], *, poll: Callable[[], None], restart: Callable[[], None]
) -> list[T]:
    """Run `task(*arguments[k])` in one process each, with one thread each, and return what they return.

    Large NumPy arrays in the arguments are in memory once, mapped by every process.

    Args:
        task: importable, like everything in its arguments; it must leave its state in the storage, because where one
            process is killed all are started again.
        arguments: one tuple a process.
        poll: called about once a second in this process.
        restart: called before the processes are started again.

    Raises:
        Interrupted: by a signal, after the processes have put their work in order.
    """
    for attempt in range(_MOST_RESTARTS + 1):
        with tempfile.TemporaryDirectory(prefix="lrsearch-") as folder, ThreadPoolExecutor(1) as pool:
            try:
                return _watch(pool.submit(_run, task, arguments, folder), Path(folder), poll)
            except TerminatedWorkerError as error:
                if attempt == _MOST_RESTARTS:
                    raise InputError(f"worker processes were killed {attempt + 1} times (out of memory?)") from error
                restart()
    raise AssertionError("unreachable")


def _run(task: Callable[..., T], arguments: list[tuple[Any, ...]], folder: str) -> list[T]:
    # Copy-on-write, because torch warns of memory that it could not write to.
    with joblib.parallel_config("loky", n_jobs=len(arguments), inner_max_num_threads=1, mmap_mode="c"):
        results: list[T] = joblib.Parallel()(joblib.delayed(_in_worker)(task, folder, given) for given in arguments)
        return results


def _in_worker(task: Callable[..., T], folder: str, arguments: tuple[Any, ...]) -> T:
    torch.set_num_threads(1)
    (Path(folder) / str(os.getpid())).touch()
    return task(*arguments)


def _watch(future: Future[list[T]], folder: Path, poll: Callable[[], None]) -> list[T]:
    """Poll until the processes are done; hand a signal on to them."""
    with Interruption.handled() as interruption:
        told = False
        while not future.done():
            time.sleep(_POLL_SECONDS)
            if interruption.requested and not told:
                told = True
                for file in folder.iterdir():
                    with suppress(ProcessLookupError):
                        os.kill(int(file.name), signal.SIGTERM)
            elif not interruption.requested:
                poll()
        if interruption.requested:
            with suppress(Interrupted, TerminatedWorkerError):
                future.result()
            raise Interrupted
        return future.result()
