"""Processes on other machines: a run as tasks of a Dask scheduler that is there, through joblib's own back end.

Nothing but the study file and addresses travels: each machine loads the data from its own cache, and leaves its trials
in the storage.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import joblib

from lrsearch.errors import InputError, RunError
from lrsearch.processes.interruption import Interrupted, asked_to_stop
from lrsearch.processes.local import MOST_RESTARTS, POLL_SECONDS, watch
from lrsearch.storage import worker_name
from lrsearch.training.device import use_one_thread

if TYPE_CHECKING:
    from distributed import Client, Worker

T = TypeVar("T")

_CONNECT_SECONDS = 30
_ANSWER_SECONDS = 30
_stopped: set[str] = set()
"""In a process of the cluster: the runs that were asked to stop."""


def cluster_size(scheduler: str) -> int:
    """Return how many worker processes a Dask scheduler has.

    Raises:
        InputError: if it cannot be reached, has none, or has workers with several threads.
    """
    with _client(scheduler) as client:
        return len(_threads(client, scheduler))


def run_on_cluster(
    task: Callable[..., T],
    arguments: list[tuple[Any, ...]],
    scheduler: str,
    *,
    poll: Callable[[], None],
    lost: Callable[[frozenset[str]], None],
) -> list[T]:
    """Run `task(*arguments[k])` in one process of the cluster each, and return what they return.

    Where a process is lost, Dask gives its task to another one. What it was doing is taken back at once by `lost`, and
    as a task may have ended before that, all tasks run once more after a round in which a process was lost.

    Args:
        task: importable there; it leaves its state in the storage, takes up what is unfinished, and ends if nothing is.
        arguments: one tuple a task.
        scheduler: its address, such as tcp://127.0.0.1:8786.
        poll: called about once a second in this process.
        lost: called in this process with the names (`worker_name`) of processes that are gone.

    Raises:
        InputError: if the scheduler cannot be reached or has no workers that will do.
        RunError: if it is lost, or processes are lost again and again.
        Interrupted: by a signal, after the processes have put their work in order.
    """
    with _client(scheduler) as client:
        _threads(client, scheduler)
        for _ in range(MOST_RESTARTS):
            crew = _Crew(client, lost)
            results = _round(crew, task, arguments, poll)
            crew.look()
            if results is not None and not crew.losses:
                return results
    raise RunError(f"processes of the cluster at {scheduler} were lost in {MOST_RESTARTS} rounds (out of memory?)")


def _round(
    crew: _Crew, task: Callable[..., T], arguments: list[tuple[Any, ...]], poll: Callable[[], None]
) -> list[T] | None:
    """Run every task once; None if Dask gave one up because it lost too many processes with it."""
    from distributed import KilledWorker

    run = uuid.uuid4().hex

    def each_second() -> None:
        crew.look()
        poll()

    def stop() -> None:
        crew.tell(_stop_run, run)

    with ThreadPoolExecutor(1) as pool:
        future: Future[list[T]] = pool.submit(_run, crew.client, task, run, arguments)
        try:
            return watch(future, each_second, stop=stop)
        except KilledWorker:
            return None
        except (CancelledError, OSError) as error:
            raise RunError(
                f"the Dask scheduler is gone ({error}): start it again, then run the same command"
            ) from error


class _Crew:
    """The cluster's processes, by address: who is there, and who has gone."""

    def __init__(self, client: Client, lost: Callable[[frozenset[str]], None]) -> None:
        self.client, self.losses = client, 0
        self._lost = lost
        self._names: dict[str, str] = {}

    def look(self) -> None:
        """Learn the names of processes that have come, and report those that are gone."""
        there = set(self.client.nthreads())
        gone = frozenset(self._names.pop(address) for address in set(self._names) - there)
        if gone:
            self.losses += len(gone)
            self._lost(gone)
        if new := there - set(self._names):
            self._names |= self.tell(worker_name, workers=sorted(new))

    def tell(self, function: Callable[..., Any], *arguments: Any, workers: list[str] | None = None) -> dict[str, Any]:
        """Call a function in the processes, also while they work; those that are just going are left out."""
        with suppress(OSError, TimeoutError):
            answers = self.client.run(function, *arguments, workers=workers, on_error="ignore")
            return {address: answer for address, answer in answers.items() if answer is not None}
        return {}


def _run(client: Client, task: Callable[..., T], run: str, arguments: list[tuple[Any, ...]]) -> list[T]:
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            # Where one process is left, joblib would run everything in this one instead.
            return max(2, int(super().effective_n_jobs(n_jobs)))

    with joblib.parallel_config(Backend(client=client, wait_for_workers_timeout=_ANSWER_SECONDS)):
        # One argument holds all: joblib would keep a large one on one machine, and lose it with that.
        calls = (joblib.delayed(_in_process)((task, run, given)) for given in arguments)
        results = joblib.Parallel(batch_size=1, pre_dispatch="all")(calls)
    return [result for result in results if result is not None]


def _in_process(call: tuple[Callable[..., T], str, tuple[Any, ...]]) -> T | None:
    """Run a task in a process of the cluster; None if it was asked to stop."""
    from distributed import get_worker

    task, run, arguments = call
    use_one_thread()
    stop, done = threading.Event(), threading.Event()
    worker = get_worker()
    watching = threading.Thread(
        target=_watch_task, args=(worker, worker.get_current_task(), run, stop, done), daemon=True
    )
    asked_to_stop.set(stop)
    watching.start()
    try:
        return task(*arguments)
    except Interrupted:
        return None
    finally:
        done.set()


def _watch_task(worker: Worker, key: Any, run: str, stop: threading.Event, done: threading.Event) -> None:
    """Ask a task to stop when its run is to stop, or when nobody waits for it any more: its command was killed."""
    while not done.wait(POLL_SECONDS):
        state = worker.state.tasks.get(key)
        if run in _stopped or state is None or state.state == "cancelled":
            stop.set()


def _stop_run(run: str) -> None:
    _stopped.add(run)


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--backend dask needs Dask: pip install 'lrsearch[dask]'") from error
    if not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://\S+:\d+", scheduler):
        raise InputError(f"scheduler must be an address such as tcp://127.0.0.1:8786, got {scheduler!r}")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is to be said of a lost scheduler is said here
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"there is no Dask scheduler at {scheduler!r} ({error}): start one (dask scheduler --host 127.0.0.1) "
            "and give its address"
        ) from error
    with client:
        yield client


def _threads(client: Client, scheduler: str) -> dict[str, int]:
    threads: dict[str, int] = client.nthreads()
    until = time.monotonic() + _ANSWER_SECONDS
    while not threads and time.monotonic() < until:  # they may be starting
        time.sleep(POLL_SECONDS / 5)
        threads = client.nthreads()
    if not threads:
        raise InputError(f"the Dask scheduler at {scheduler} has no workers: dask worker {scheduler} --nthreads 1")
    if max(threads.values()) > 1:
        raise InputError(
            f"the Dask workers at {scheduler} must have one thread each, got {max(threads.values())}: start them with "
            "--nworkers N --nthreads 1"
        )
    return threads
