"""Processes on other machines: a run as tasks of a running Dask scheduler.

Only the study file and addresses travel: each machine loads the data from its own cache and writes to the storage.
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
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

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

    Where a process is lost, `lost` requeues its work at once and Dask gives its task to another process. That task may
    have ended before the work was requeued, so after a round in which a process was lost all tasks run once more.

    Args:
        task: importable in the workers; it leaves its state in the storage, resumes what is unfinished, then ends.
        arguments: one tuple a task.
        scheduler: its address, such as tcp://127.0.0.1:8786.
        poll: called about once a second in this process.
        lost: called in this process with the names (`worker_name`) of processes that are gone.

    Raises:
        InputError: if the scheduler cannot be reached or has no suitable workers.
        RunError: if it is lost, or processes are lost again and again.
        Interrupted: by a signal, after the processes have put their work in order.
    """
    with _client(scheduler) as client:
        _threads(client, scheduler)
        for _ in range(MOST_RESTARTS):
            members = _Members(client, lost)
            results = _round(members, task, arguments, poll)
            members.update()
            if results is not None and not members.losses:
                return results
    raise RunError(f"processes of the cluster at {scheduler} were lost in {MOST_RESTARTS} rounds (out of memory?)")


def _round(
    members: _Members, task: Callable[..., T], arguments: list[tuple[Any, ...]], poll: Callable[[], None]
) -> list[T] | None:
    """Run every task once; None if Dask gave one up because it lost too many processes with it."""
    from distributed import KilledWorker

    run = uuid.uuid4().hex

    def each_second() -> None:
        members.update()
        poll()

    def stop() -> None:
        members.call(_stop_run, run)

    with ThreadPoolExecutor(1) as pool:
        future: Future[list[T]] = pool.submit(_gather, members.client, task, run, arguments)
        try:
            return watch(future, each_second, stop=stop)
        except KilledWorker:
            return None
        except (CancelledError, OSError) as error:
            raise RunError(
                f"the Dask scheduler is gone ({error}): start it again, then run the same command"
            ) from error


class _Members:
    """The processes of the cluster, by address, and how many were lost."""

    def __init__(self, client: Client, lost: Callable[[frozenset[str]], None]) -> None:
        self.client, self.losses = client, 0
        self._lost = lost
        self._names: dict[str, str] = {}

    def update(self) -> None:
        """Ask new processes for their names, and report those that are gone."""
        present = set(self.client.nthreads())
        gone = frozenset(self._names.pop(address) for address in set(self._names) - present)
        if gone:
            self.losses += len(gone)
            self._lost(gone)
        if new := present - set(self._names):
            self._names |= self.call(worker_name, workers=sorted(new))

    def call(self, function: Callable[..., Any], *arguments: Any, workers: list[str] | None = None) -> dict[str, Any]:
        """Call a function in the processes, also while they work; those that are just going are left out."""
        with suppress(OSError, TimeoutError):
            answers = self.client.run(function, *arguments, workers=workers, on_error="ignore")
            return {address: answer for address, answer in answers.items() if answer is not None}
        return {}


def _gather(client: Client, task: Callable[..., T], run: str, arguments: list[tuple[Any, ...]]) -> list[T]:
    """Submit the tasks and wait for all; those that were asked to stop return nothing."""
    # A partial travels whole: Dask would inspect arguments, and keep large ones on one machine.
    calls = [partial(_in_process, task, run, given) for given in arguments]
    futures = [client.submit(call, key=f"lrsearch-{run}-{k}", pure=False) for k, call in enumerate(calls)]
    try:
        return [result for result in client.gather(futures) if result is not None]
    finally:
        for future in futures:
            future.release()  # where one has failed, the others are to stop


def _in_process(task: Callable[..., T], run: str, arguments: tuple[Any, ...]) -> T | None:
    """Run a task in a process of the cluster; None if it was asked to stop."""
    from distributed import get_worker

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
    """Ask a task to stop when its run is to stop, or when Dask has dropped it because its command was killed."""
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
    if not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://\S+:[0-9]+", scheduler):
        raise InputError(f"scheduler must be an address such as tcp://127.0.0.1:8786, got {scheduler!r}")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost scheduler is reported here, in one line
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
    """Return the threads of each worker by its address, after waiting for workers that may be starting."""
    threads: dict[str, int] = client.nthreads()
    until = time.monotonic() + _ANSWER_SECONDS
    while not threads and time.monotonic() < until:
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
